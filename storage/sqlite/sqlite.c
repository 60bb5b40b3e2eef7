/* sqlite.c - statements, rows and transactions over libsqlite3. */

#include "storage/sqlite/sqlite.h"
#include "base/list.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sqlite *
of_db(struct db *db)
{
	return container_of(db, struct sqlite, db);
}

static struct sqlite_stmt *
of_rows(struct db_rows *rows)
{
	return container_of(rows, struct sqlite_stmt, rows);
}

static enum db_failure
classify(int rc, int sys)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return DB_FAIL_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		/* Not every place in SQLite makes SQLITE_FULL of these. */
		return sys == ENOSPC || sys == EDQUOT ? DB_FAIL_FULL
						      : DB_FAIL_OTHER;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return DB_FAIL_BUSY;
	case SQLITE_CONSTRAINT:
		return DB_FAIL_CONSTRAINT;
	default:
		return DB_FAIL_OTHER;
	}
}

int
sqlite_fail(struct sqlite *s)
{
	int rc = sqlite3_extended_errcode(s->handle);
	int sys = sqlite3_system_errno(s->handle);
	char why[128] = "";

	if ((rc & 0xff) != SQLITE_IOERR && (rc & 0xff) != SQLITE_CANTOPEN)
		sys = 0;
	s->db.failure = classify(rc, sys);
	snprintf(s->db.error, sizeof(s->db.error), "%s (SQLite code %d%s%s)",
		 sqlite3_errmsg(s->handle), rc, sys ? ", " : "",
		 sys ? strerror_r(sys, why, sizeof(why)) : "");
	return -1;
}

static bool
is_sql(const struct map_node *node, const void *key)
{
	return container_of(node, struct sqlite_stmt, node)->sql == key;
}

/* SQL too long or with parameters other than $1 to $16 is our bug. */
static void
number_params(struct sqlite_stmt *st)
{
	int n = sqlite3_bind_parameter_count(st->stmt);

	assert(n <= DB_PARAMS_MAX);
	st->n_params = (uint8_t)n;
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_bind_parameter_name(st->stmt, i + 1);
		int number = name && *name == '$' ? atoi(name + 1) : 0;

		assert(number >= 1 && number <= DB_PARAMS_MAX);
		st->param[i] = (uint8_t)(number - 1);
	}
}

static struct sqlite_stmt *
stmt_for(struct sqlite *s, const struct db_sql *sql)
{
	uint64_t hash = ((uintptr_t)sql >> 3) * UINT64_C(0x9e3779b97f4a7c15);
	struct map_node *node;
	struct sqlite_stmt *st;
	sqlite3_stmt *stmt;

	hash ^= hash >> 32;
	node = map_find(&s->prepared, hash, is_sql, sql);
	if (node)
		return container_of(node, struct sqlite_stmt, node);
	if (sqlite3_prepare_v3(s->handle, sql->text, -1,
			       SQLITE_PREPARE_PERSISTENT, &stmt,
			       NULL) != SQLITE_OK) {
		sqlite_fail(s);
		return NULL;
	}
	st = mem_zalloc(sizeof(*st));
	st->rows.db = &s->db;
	st->sql = sql;
	st->stmt = stmt;
	number_params(st);
	map_insert(&s->prepared, &st->node, hash);
	return st;
}

static int
sqlite_prepare(struct db *db, const struct db_sql *sql)
{
	return stmt_for(of_db(db), sql) ? 0 : -1;
}

static int
bind_value(sqlite3_stmt *stmt, int i, const struct db_value *v)
{
	/* A pointer that is NULL would bind a null. */
	const void *data = v->data ? v->data : "";

	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(stmt, i, v->i);
	case DB_TEXT:
		return sqlite3_bind_text64(stmt, i, data, v->len, SQLITE_STATIC,
					   SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(stmt, i, data, v->len,
					   SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, i);
	}
}

/* The values are borrowed, so no binding outlives the run. */
static void
stop(struct sqlite_stmt *st)
{
	st->is_running = false;
	sqlite3_reset(st->stmt);
	sqlite3_clear_bindings(st->stmt);
}

static struct sqlite_stmt *
start(struct sqlite *s, const struct db_sql *sql, const struct db_value *values,
      size_t n)
{
	struct sqlite_stmt *st = stmt_for(s, sql);

	if (!st)
		return NULL;
	assert(!st->is_running);
	for (int i = 0; i < st->n_params; i++) {
		assert(st->param[i] < n);
		if (bind_value(st->stmt, i + 1, &values[st->param[i]]) ==
		    SQLITE_OK)
			continue;
		sqlite_fail(s);
		stop(st);
		return NULL;
	}
	(void)n;
	st->is_running = true;
	return st;
}

static struct db_rows *
sqlite_query(struct db *db, const struct db_sql *sql,
	     const struct db_value *values, size_t n)
{
	struct sqlite_stmt *st = start(of_db(db), sql, values, n);

	return st ? &st->rows : NULL;
}

static int
sqlite_next(struct db_rows *rows)
{
	struct sqlite_stmt *st = of_rows(rows);

	switch (sqlite3_step(st->stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		stop(st);
		return 0;
	default:
		sqlite_fail(of_db(rows->db));
		stop(st);
		return -1;
	}
}

static void
sqlite_end(struct db_rows *rows)
{
	stop(of_rows(rows));
}

static int64_t
sqlite_exec(struct db *db, const struct db_sql *sql,
	    const struct db_value *values, size_t n)
{
	struct sqlite *s = of_db(db);
	struct sqlite_stmt *st = start(s, sql, values, n);

	if (!st)
		return -1;
	if (sqlite_next(&st->rows) != 0)
		return -1;
	return sqlite3_changes(s->handle);
}

static bool
sqlite_is_null(struct db_rows *rows, int col)
{
	return sqlite3_column_type(of_rows(rows)->stmt, col) == SQLITE_NULL;
}

static int64_t
sqlite_get_int(struct db_rows *rows, int col)
{
	return sqlite3_column_int64(of_rows(rows)->stmt, col);
}

/* Text from sqlite3_column_text ends with a NUL; what was stored as a blob is
 * not turned into text. */
static const void *
sqlite_get_data(struct db_rows *rows, int col, size_t *len_out)
{
	sqlite3_stmt *stmt = of_rows(rows)->stmt;
	const void *data;

	switch (sqlite3_column_type(stmt, col)) {
	case SQLITE_NULL:
		if (len_out)
			*len_out = 0;
		return NULL;
	case SQLITE_BLOB:
		data = sqlite3_column_blob(stmt, col);
		break;
	default:
		data = sqlite3_column_text(stmt, col);
	}
	if (len_out)
		*len_out = (size_t)sqlite3_column_bytes(stmt, col);
	return data ? data : "";
}

static int
sqlite_script(struct db *db, const char *text)
{
	struct sqlite *s = of_db(db);

	if (sqlite3_exec(s->handle, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_fail(s);
}

static int
sqlite_is_empty(struct db *db)
{
	static const struct db_sql sql = {
		"SELECT count(*) FROM sqlite_schema"
	};
	int64_t n = 0;

	if (db_query_int(db, &sql, NULL, 0, &n) < 0)
		return -1;
	return n == 0;
}

static int
sqlite_has_table(struct db *db, const char *table)
{
	static const struct db_sql sql = { "SELECT 1 FROM sqlite_schema "
					   "WHERE type = 'table' "
					   "AND name = $1" };
	const struct db_value v[] = { db_text(table) };
	int64_t one;

	return db_query_int(db, &sql, v, N_ELEMENTS(v), &one);
}

static int
sqlite_control(struct db *db, enum db_control what)
{
	struct sqlite *s = of_db(db);
	sqlite3_stmt *stmt = s->controls[what];
	int ret = 0;

	if (sqlite3_step(stmt) != SQLITE_DONE)
		ret = sqlite_fail(s);
	sqlite3_reset(stmt);
	return ret;
}

/* Some failures have rolled back already. */
static void
sqlite_rollback(struct db *db)
{
	struct sqlite *s = of_db(db);

	if (!sqlite3_get_autocommit(s->handle))
		sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL, NULL);
}

const struct db_driver sqlite_driver = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.prepare = sqlite_prepare,
	.query = sqlite_query,
	.next = sqlite_next,
	.end = sqlite_end,
	.exec = sqlite_exec,
	.is_null = sqlite_is_null,
	.get_int = sqlite_get_int,
	.get_data = sqlite_get_data,
	.words = {
		/* Without AUTOINCREMENT it would reuse the last one. */
		{ "@ID", "INTEGER PRIMARY KEY AUTOINCREMENT" },
		{ "@INT", "INTEGER" },
		{ "@TEXT", "TEXT" },
		{ "@BLOB", "BLOB" },
		{ "@CLUSTERED", "WITHOUT ROWID" },
		{ 0 },
	},
	.script = sqlite_script,
	.is_empty = sqlite_is_empty,
	.has_table = sqlite_has_table,
	.control = sqlite_control,
	.rollback = sqlite_rollback,
};
