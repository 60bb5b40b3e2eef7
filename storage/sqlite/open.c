/* open.c - a connection to the file, or why that is not possible. */

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another process (a backup, the sqlite3 shell) may hold the lock for long, but
 * the operations behind it must get an answer. */
#define BUSY_TIMEOUT_MS 5000

/* Measured: a checkpoint for each 4000 pages (16 MB) is rare enough to spread
 * its cost and often enough to keep its stalls short. */
static const char write_settings[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA wal_autocheckpoint = 4000;"
				     "PRAGMA journal_size_limit = 67108864;"
				     "PRAGMA cache_size = -16384;";
static const char read_settings[] = "PRAGMA cache_size = -8192;";
static const char settings[] = "PRAGMA temp_store = MEMORY;"
			       "PRAGMA mmap_size = 0;";

static int
check_dir(const char *path, struct err *err)
{
	char *copy = mem_strdup(path);
	const char *dir = dirname(copy);
	struct stat st;
	int ret = -1;

	if (stat(dir, &st) < 0)
		err_sys(err, "database %s: directory %s", path, dir);
	else if (!S_ISDIR(st.st_mode))
		err_set(err, "database %s: %s is not a directory", path, dir);
	else if (access(dir, W_OK | X_OK) < 0)
		err_sys(err,
			"database %s: directory %s must be writable, for the "
			"files %s-wal and -shm",
			path, dir, path);
	else
		ret = 0;
	free(copy);
	return ret;
}

/* Never opens a file that is there: closing it again would drop the locks that
 * this process holds on it. */
static int
check_file(const char *path, struct err *err)
{
	struct stat st;
	int fd;

	if (check_dir(path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST)
		return err_sys(err, "database %s: cannot create it", path);
	if (stat(path, &st) < 0)
		return err_sys(err, "database %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "database %s: is not a regular file", path);
	if (access(path, R_OK | W_OK) < 0)
		return err_sys(err,
			       "database %s: must be readable and writable",
			       path);
	return 0;
}

static int
set_up(struct sqlite *s, const char *path, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return 0;
	if (rc == SQLITE_NOTADB)
		return err_set(err,
			       "database %s: is not an SQLite database; give a "
			       "path where there is nothing yet, or the right "
			       "file",
			       path);
	if (rc == SQLITE_CORRUPT)
		return err_set(err,
			       "database %s: is damaged (%s); restore it from "
			       "a backup",
			       path, sqlite3_errmsg(s->handle));
	sqlite_fail(s);
	return err_set(err, "database %s: %s", path, s->db.error);
}

/* The journal's mode is part of the file. It is read first: that finds files
 * that are no database, and needs no lock where the mode is right already. */
static int
use_wal(struct sqlite *s, const char *path, struct err *err)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";
	sqlite3_stmt *stmt = NULL;
	const char *mode = NULL;
	int ret = -1;

	if (set_up(s, path, "SELECT count(*) FROM sqlite_schema", err) < 0)
		return -1;
	if (sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite_fail(s);
		err_set(err, "database %s: write-ahead log: %s", path,
			s->db.error);
		goto out;
	}
	mode = (const char *)sqlite3_column_text(stmt, 0);
	if (!mode || strcmp(mode, "wal") != 0) {
		err_set(err,
			"database %s: no write-ahead log on this file system "
			"(journal mode is \"%s\", expected \"wal\")",
			path, mode ? mode : "");
		goto out;
	}
	ret = 0;
out:
	sqlite3_finalize(stmt);
	return ret;
}

static int
prepare_controls(struct sqlite *s, const char *path, struct err *err)
{
	static const char *const sql[DB_N_CONTROLS] = {
		[DB_BEGIN_READ] = "BEGIN",
		[DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
		[DB_COMMIT] = "COMMIT",
		[DB_SAVEPOINT] = "SAVEPOINT op",
		[DB_RELEASE] = "RELEASE op",
		[DB_ROLLBACK_TO] = "ROLLBACK TO op",
	};

	for (int i = 0; i < DB_N_CONTROLS; i++) {
		if (sqlite3_prepare_v3(s->handle, sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &s->controls[i], NULL) == SQLITE_OK)
			continue;
		sqlite_fail(s);
		return err_set(err, "database %s: %s", path, s->db.error);
	}
	return 0;
}

struct db *
sqlite_open(const char *path, bool is_read_only, struct err *err)
{
	int flags =
		SQLITE_OPEN_NOMUTEX |
		(is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	struct sqlite *s;

	if (!is_read_only && check_file(path, err) < 0)
		return NULL;
	s = mem_zalloc(sizeof(*s));
	if (sqlite3_open_v2(path, &s->handle, flags, NULL) != SQLITE_OK) {
		err_set(err, "database %s: %s", path,
			sqlite3_errmsg(s->handle));
		goto fail;
	}
	sqlite3_extended_result_codes(s->handle, 1);
	sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
	if (!is_read_only && use_wal(s, path, err) < 0)
		goto fail;
	if (set_up(s, path, settings, err) < 0 ||
	    set_up(s, path, is_read_only ? read_settings : write_settings,
		   err) < 0 ||
	    prepare_controls(s, path, err) < 0)
		goto fail;
	return &s->db;
fail:
	sqlite_close(&s->db);
	return NULL;
}

void
sqlite_close(struct db *db)
{
	struct sqlite *s = container_of(db, struct sqlite, db);

	map_each (n, &s->prepared) {
		struct sqlite_stmt *st =
			container_of(n, struct sqlite_stmt, node);

		map_remove(&s->prepared, n);
		sqlite3_finalize(st->stmt);
		free(st);
	}
	map_fini(&s->prepared);
	for (int i = 0; i < DB_N_CONTROLS; i++)
		sqlite3_finalize(s->controls[i]);
	if (sqlite3_close(s->handle) != SQLITE_OK)
		log_error(NULL, "storage: closing the database: %s",
			  sqlite3_errmsg(s->handle));
	free(s);
}
