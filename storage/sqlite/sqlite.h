/* sqlite.h - what the files of the SQLite driver share. */
#ifndef STORAGE_SQLITE_SQLITE_H
#define STORAGE_SQLITE_SQLITE_H

#include "base/map.h"
#include "storage/driver.h"

#include <sqlite3.h>

struct sqlite {
	struct db db;
	sqlite3 *handle;
	struct map prepared; /* struct sqlite_stmt by address of the SQL */
	sqlite3_stmt *controls[DB_N_CONTROLS];
};

/* A prepared statement, and the rows of its run. */
struct sqlite_stmt {
	struct db_rows rows;
	struct map_node node;
	const struct db_sql *sql; /* borrowed */
	sqlite3_stmt *stmt;
	bool is_running;
	/* SQLite numbers $N by its first place in the text, not by N. */
	uint8_t n_params, param[DB_PARAMS_MAX];
};

/* open.c */
struct db *sqlite_open(const char *path, bool is_read_only, struct err *err);
void sqlite_close(struct db *db);

/* Keeps the failure of the last call on the connection. Returns -1. */
int sqlite_fail(struct sqlite *s);

#endif
