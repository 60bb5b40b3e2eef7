/* driver.h - what a kind of database implements for db.h, which see. */
#ifndef STORAGE_DRIVER_H
#define STORAGE_DRIVER_H

#include "storage/db.h"

enum db_control {
	DB_BEGIN_READ,
	DB_BEGIN_WRITE,
	DB_COMMIT,
	DB_SAVEPOINT,
	DB_RELEASE,
	DB_ROLLBACK_TO,
	DB_N_CONTROLS
};

struct db_driver {
	const char *name;
	struct db *(*open)(const char *target, bool is_read_only,
			   struct err *err);
	void (*close)(struct db *db);

	int (*prepare)(struct db *db, const struct db_sql *sql);
	struct db_rows *(*query)(struct db *db, const struct db_sql *sql,
				 const struct db_value *values, size_t n);
	int (*next)(struct db_rows *rows);
	void (*end)(struct db_rows *rows);
	int64_t (*exec)(struct db *db, const struct db_sql *sql,
			const struct db_value *values, size_t n);

	bool (*is_null)(struct db_rows *rows, int col);
	int64_t (*get_int)(struct db_rows *rows, int col);
	const void *(*get_data)(struct db_rows *rows, int col, size_t *len_out);

	/* The words of db_script; text has them replaced already. */
	struct db_word {
		const char *word, *sql;
	} words[8];
	int (*script)(struct db *db, const char *text);
	int (*is_empty)(struct db *db);
	int (*has_table)(struct db *db, const char *table);
	int (*control)(struct db *db, enum db_control what);
	void (*rollback)(struct db *db);
};

/* Drivers embed these as their first field. */
struct db {
	const struct db_driver *driver;
	char *target; /* owned */
	enum db_failure failure;
	char error[256];
};

struct db_rows {
	struct db *db; /* borrowed */
};

extern const struct db_driver sqlite_driver;

#endif
