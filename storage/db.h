/*
 * db.h - one connection to a database, whichever it is.
 *
 * SQL is written once, in the dialect that SQLite and PostgreSQL share, with
 * parameters $1, $2, …; only a driver's folder knows which of them runs it.
 * One thread at a time uses a connection.
 */
#ifndef STORAGE_DB_H
#define STORAGE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_rows;
struct err;

#define DB_PARAMS_MAX 16

/* Static: a connection keeps what it has prepared under the object's address.
 */
struct db_sql {
	const char *text;
};

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

/* The value of a parameter; borrowed while the statement runs. */
struct db_value {
	enum db_type type;
	int64_t i;
	const void *data;
	size_t len;
};

struct db_value db_int(int64_t i);
/* NULL is the null value. */
struct db_value db_text(const char *s);
struct db_value db_textn(const char *s, size_t len);
struct db_value db_blob(const void *data, size_t len);

/* What a caller may do about a failure. */
enum db_failure {
	DB_FAIL_NONE,
	DB_FAIL_FULL,	    /* no room on the disk, or in the database */
	DB_FAIL_BUSY,	    /* another process holds the lock */
	DB_FAIL_CONSTRAINT, /* the data break a rule of the schema */
	DB_FAIL_OTHER,
};

/* "sqlite": target is the file's path. A connection that writes creates what is
 * missing, and is opened before those that only read. NULL with err. */
struct db *db_open(const char *driver, const char *target, bool is_read_only,
		   struct err *err);
void db_close(struct db **db);
/* For messages: what it is connected to. */
const char *db_target(const struct db *db);

/* Of the last call that failed. */
enum db_failure db_failure(const struct db *db);
const char *db_error(const struct db *db);

/* Prepares it, to find out whether the schema fits. -1 where it does not. */
int db_prepare(struct db *db, const struct db_sql *sql);

/* Starts a statement that gives rows; NULL where it failed. The same one may
 * run again only after its end. */
struct db_rows *db_query(struct db *db, const struct db_sql *sql,
			 const struct db_value *values, size_t n);
/* To the next row: 1, 0 at the end, -1 where it failed. The last two end it.
 */
int db_next(struct db_rows *rows);
/* Ends it before its last row. */
void db_end(struct db_rows *rows);

/* Columns of the row, from 0. Text and blobs are valid until the next call of
 * db_next or db_end; text ends with a NUL. NULL for a null; len_out may be
 * NULL. */
bool db_is_null(struct db_rows *rows, int col);
int64_t db_get_int(struct db_rows *rows, int col);
const char *db_get_text(struct db_rows *rows, int col, size_t *len_out);
const void *db_get_blob(struct db_rows *rows, int col, size_t *len_out);

/* Runs a statement that gives no rows: how many it changed, or -1. */
int64_t db_exec(struct db *db, const struct db_sql *sql,
		const struct db_value *values, size_t n);
/* The first column of the first row: 1, 0 where there is no row, or -1. */
int db_query_int(struct db *db, const struct db_sql *sql,
		 const struct db_value *values, size_t n, int64_t *out);

/* Several statements without parameters, for the schema. The words @ID, @INT,
 * @TEXT, @BLOB stand for the driver's types (@ID: numbers itself upwards and
 * never reuses one; @TEXT: compares by bytes), @CLUSTERED behind a table for
 * keeping its rows in the order of the primary key where the driver can. */
int db_script(struct db *db, const char *text);
/* Whether it holds no tables at all; -1 where that failed. */
int db_is_empty(struct db *db);
/* 1, 0 or -1. */
int db_has_table(struct db *db, const char *table);

/* Transactions; a statement outside is one of its own. A failed db_commit
 * leaves nothing but db_rollback to do. */
int db_begin(struct db *db, bool for_write);
int db_commit(struct db *db);
/* Harmless where there is none any more. */
void db_rollback(struct db *db);

/* One level inside a transaction. */
int db_savepoint(struct db *db);
int db_release(struct db *db);
int db_rollback_to(struct db *db);

#endif
