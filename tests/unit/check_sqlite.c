/* check_sqlite.c - which files are opened, and what is said about others. */

#include "base/err.h"
#include "storage/store.h"
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;

static void
ck_refused(const char *want)
{
	struct err err = { "" };

	ck_assert_ptr_null(store_open(f.loop, &f.settings, &err));
	ck_assert_msg(strstr(err.text, want) != NULL, "\"%s\" is not in \"%s\"",
		      want, err.text);
	ck_assert_msg(strstr(err.text, f.settings.path) != NULL,
		      "no path in \"%s\"", err.text);
}

static void
run_sql(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(f.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, 0, 0, 0), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void
write_file(const char *text)
{
	FILE *out = fopen(f.path, "w");

	ck_assert_ptr_nonnull(out);
	for (int i = 0; i < 100; i++)
		fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(makes_a_private_file)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	mode_t mask = umask(0);

	fixture_open(&f, _i);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		char *path = mem_printf("%s%s", f.path, names[i]);
		struct stat st;

		ck_assert_msg(stat(path, &st) == 0, "%s", path);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		free(path);
	}
	umask(mask);
}
END_TEST

START_TEST(no_directory)
{
	char path[256];

	fixture_prepare(&f, _i);
	snprintf(path, sizeof(path), "%s/none/banyan.db", f.dir);
	f.settings.path = path;
	ck_refused("none: No such file or directory");
	write_file("x");
	snprintf(path, sizeof(path), "%s/banyan.db", f.path);
	ck_refused("is not a directory");
	f.settings.path = f.dir;
	ck_refused("is not a regular file");
}
END_TEST

#define NOBODY 65534

START_TEST(not_writable)
{
	bool is_root = geteuid() == 0;

	fixture_open(&f, _i);
	store_close(&f.store);
	if (is_root) { /* may write anywhere */
		ck_assert_int_eq(chown(f.dir, NOBODY, NOBODY), 0);
		ck_assert_int_eq(chown(f.path, NOBODY, NOBODY), 0);
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, 0), 0);
	}
	ck_assert_int_eq(chmod(f.path, 0400), 0);
	ck_refused("must be readable and writable: Permission denied");
	ck_assert_int_eq(chmod(f.path, 0600), 0);
	ck_assert_int_eq(chmod(f.dir, 0500), 0);
	ck_refused("must be writable");
	ck_assert_int_eq(chmod(f.dir, 0700), 0);
	if (is_root)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

START_TEST(not_a_database)
{
	fixture_prepare(&f, _i);
	write_file("host \"example.org\" {}\n");
	ck_refused("is not an SQLite database");
}
END_TEST

START_TEST(of_another_program)
{
	fixture_prepare(&f, _i);
	run_sql("CREATE TABLE prosody (host TEXT)");
	ck_refused("belongs to another program");
}
END_TEST

START_TEST(from_the_future)
{
	fixture_open(&f, _i);
	store_close(&f.store);
	run_sql("UPDATE schema_version SET version = 1000");
	ck_refused("is of version 1000");
	run_sql("DELETE FROM schema_version");
	ck_refused("schema_version is empty");
}
END_TEST

START_TEST(with_other_tables)
{
	fixture_open(&f, _i);
	store_close(&f.store);
	run_sql("ALTER TABLE accounts RENAME COLUMN created_ms TO born");
	ck_refused("accounts: no such column: created_ms");
}
END_TEST

START_TEST(no_such_driver)
{
	struct err err = { "" };

	fixture_prepare(&f, FIXTURE_INLINE);
	f.settings.driver = "paper";
	ck_assert_ptr_null(store_open(f.loop, &f.settings, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "paper"));
}
END_TEST

static void
teardown(void)
{
	fixture_close(&f);
}

int
main(void)
{
	TCase *tc = tcase_create("sqlite");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, makes_a_private_file);
	add_store_test(tc, no_directory);
	add_store_test(tc, not_writable);
	add_store_test(tc, not_a_database);
	add_store_test(tc, of_another_program);
	add_store_test(tc, from_the_future);
	add_store_test(tc, with_other_tables);
	tcase_add_test(tc, no_such_driver);
	return unit_run(tc);
}
