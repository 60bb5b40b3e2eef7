/* store_fixture.c - databases for tests. */

#include "store_fixture.h"

#include "base/err.h"
#include "base/log.h"
#include "net/loop.h"
#include "storage/kinds.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct store_settings variants[] = {
	[FIXTURE_INLINE] = { .driver = "sqlite", .inline_mode = true },
	{ .driver = "sqlite", .readers = 0 },
	[FIXTURE_READERS] = { .driver = "sqlite", .readers = 2 },
};

int
fixture_n_variants(void)
{
	return (int)N_ELEMENTS(variants);
}

void
fixture_prepare(struct fixture *f, int variant)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof(*f));
	log_set_level(LOG_WARN);
	clock_init_fake(&f->clock);
	f->loop = loop_new("core", &f->clock);
	snprintf(f->dir, sizeof(f->dir), "%s/banyan-test-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/banyan.db", f->dir);
	f->settings = variants[variant];
	f->settings.path = f->path;
}

static void
open_store(struct fixture *f)
{
	struct err err = { "" };

	f->store = store_open(f->loop, &f->settings, &err);
	ck_assert_msg(f->store != NULL, "%s", err.text);
}

void
fixture_open(struct fixture *f, int variant)
{
	fixture_prepare(f, variant);
	open_store(f);
}

void
fixture_reopen(struct fixture *f)
{
	store_close(&f->store);
	open_store(f);
}

void
fixture_settle(struct fixture *f)
{
	while (store_is_busy(f->store)) {
		if (!loop_step(f->loop))
			sched_yield();
	}
}

void
fixture_close(struct fixture *f)
{
	struct dirent *e;
	DIR *d;

	store_close(&f->store);
	loop_free(f->loop);
	f->loop = NULL;
	d = *f->dir ? opendir(f->dir) : NULL;
	if (!d)
		return;
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(f->dir);
}

static int write_errno;
static ssize_t (*real_pwrite)(int fd, const void *p, size_t n, off_t at);

static ssize_t
failing_pwrite(int fd, const void *p, size_t n, off_t at)
{
	int e = __atomic_load_n(&write_errno, __ATOMIC_RELAXED);

	if (!e)
		return real_pwrite(fd, p, n, at);
	errno = e;
	return -1;
}

void
fixture_fail_writes(int e)
{
	__atomic_store_n(&write_errno, e, __ATOMIC_RELAXED);
}

void
fixture_failing_disk(void)
{
	static const char *const names[] = { "pwrite64", "pwrite" };
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	for (size_t i = 0; i < N_ELEMENTS(names) && !real_pwrite; i++) {
		sqlite3_syscall_ptr real = vfs->xGetSystemCall(vfs, names[i]);

		if (!real)
			continue;
		real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))(
			void (*)(void))real;
		ck_assert_int_eq(
			vfs->xSetSystemCall(vfs, names[i],
					    (sqlite3_syscall_ptr)(void (*)(
						    void))failing_pwrite),
			SQLITE_OK);
	}
	if (!real_pwrite)
		ck_abort_msg("this SQLite writes without pwrite");
}

/* "SCAN x", unless x is the name that a statement gave to its own subquery. */
static bool
is_scan(const char *plan, const char *sql)
{
	char alias[64];

	if (strncmp(plan, "SCAN ", 5) != 0)
		return false;
	snprintf(alias, sizeof(alias), "AS %s", plan + 5);
	return !strstr(sql, alias);
}

void
fixture_ck_plans(struct fixture *f, const struct store_kind *kind)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(f->path, &db), SQLITE_OK);
	for (size_t i = 0; i < kind->n_sql; i++) {
		const char *sql = kind->sql[i].text;
		char *text = mem_printf("EXPLAIN QUERY PLAN %s", sql);
		sqlite3_stmt *stmt;

		ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL),
				 SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *plan =
				(const char *)sqlite3_column_text(stmt, 3);

			ck_assert_msg(!is_scan(plan, sql), "%s: %s", plan, sql);
		}
		sqlite3_finalize(stmt);
		free(text);
	}
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void
outcome_set(void *data, const struct store_result *res)
{
	struct outcome *o = data;

	o->calls++;
	o->status = res->status;
	snprintf(o->error, sizeof(o->error), "%s",
		 res->error ? res->error : "");
}

void
outcome_expect(struct fixture *f, struct outcome *o, enum store_status status)
{
	ck_assert_int_eq(o->calls, 0);
	fixture_settle(f);
	ck_assert_int_eq(o->calls, 1);
	ck_assert_msg(o->status == status, "status %d (%s), expected %d",
		      (int)o->status, o->error, (int)status);
	memset(o, 0, sizeof(*o));
}
