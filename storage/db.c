/* db.c - picks the driver, and what all drivers have in common. */

#include "storage/db.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct db_driver *const drivers[] = {
	&sqlite_driver,
};

struct db_value
db_int(int64_t i)
{
	return (struct db_value){ .type = DB_INT, .i = i };
}

struct db_value
db_text(const char *s)
{
	return db_textn(s, s ? strlen(s) : 0);
}

struct db_value
db_textn(const char *s, size_t len)
{
	return (struct db_value){ .type = s ? DB_TEXT : DB_NULL,
				  .data = s,
				  .len = len };
}

struct db_value
db_blob(const void *data, size_t len)
{
	return (struct db_value){ .type = data ? DB_BLOB : DB_NULL,
				  .data = data,
				  .len = len };
}

struct db *
db_open(const char *driver, const char *target, bool is_read_only,
	struct err *err)
{
	struct db *db;

	for (size_t i = 0; i < N_ELEMENTS(drivers); i++) {
		if (strcmp(drivers[i]->name, driver) != 0)
			continue;
		db = drivers[i]->open(target, is_read_only, err);
		if (!db)
			return NULL;
		db->driver = drivers[i];
		db->target = mem_strdup(target);
		return db;
	}
	err_set(err, "storage: no database driver is called \"%s\"", driver);
	return NULL;
}

void
db_close(struct db **db)
{
	struct db *old = *db;

	*db = NULL;
	if (!old)
		return;
	free(old->target);
	old->driver->close(old);
}

const char *
db_target(const struct db *db)
{
	return db->target;
}

enum db_failure
db_failure(const struct db *db)
{
	return db->failure;
}

const char *
db_error(const struct db *db)
{
	return db->error;
}

int
db_prepare(struct db *db, const struct db_sql *sql)
{
	return db->driver->prepare(db, sql);
}

struct db_rows *
db_query(struct db *db, const struct db_sql *sql, const struct db_value *values,
	 size_t n)
{
	assert(n <= DB_PARAMS_MAX);
	return db->driver->query(db, sql, values, n);
}

int
db_next(struct db_rows *rows)
{
	return rows->db->driver->next(rows);
}

void
db_end(struct db_rows *rows)
{
	if (rows)
		rows->db->driver->end(rows);
}

bool
db_is_null(struct db_rows *rows, int col)
{
	return rows->db->driver->is_null(rows, col);
}

int64_t
db_get_int(struct db_rows *rows, int col)
{
	return rows->db->driver->get_int(rows, col);
}

const char *
db_get_text(struct db_rows *rows, int col, size_t *len_out)
{
	return rows->db->driver->get_data(rows, col, len_out);
}

const void *
db_get_blob(struct db_rows *rows, int col, size_t *len_out)
{
	return rows->db->driver->get_data(rows, col, len_out);
}

int64_t
db_exec(struct db *db, const struct db_sql *sql, const struct db_value *values,
	size_t n)
{
	assert(n <= DB_PARAMS_MAX);
	return db->driver->exec(db, sql, values, n);
}

int
db_query_int(struct db *db, const struct db_sql *sql,
	     const struct db_value *values, size_t n, int64_t *out)
{
	struct db_rows *rows = db_query(db, sql, values, n);
	int ret;

	if (!rows)
		return -1;
	ret = db_next(rows);
	if (ret <= 0)
		return ret;
	*out = db_get_int(rows, 0);
	db_end(rows);
	return 1;
}

int
db_script(struct db *db, const char *text)
{
	struct buf out = { 0 };
	int ret;

	while (*text) {
		const struct db_word *w = db->driver->words;

		while (w->word && strncmp(text, w->word, strlen(w->word)) != 0)
			w++;
		if (w->word) {
			buf_adds(&out, w->sql);
			text += strlen(w->word);
		} else {
			buf_addc(&out, *text++);
		}
	}
	ret = db->driver->script(db, out.data ? out.data : "");
	buf_fini(&out);
	return ret;
}

int
db_is_empty(struct db *db)
{
	return db->driver->is_empty(db);
}

int
db_has_table(struct db *db, const char *table)
{
	return db->driver->has_table(db, table);
}

int
db_begin(struct db *db, bool for_write)
{
	return db->driver->control(db,
				   for_write ? DB_BEGIN_WRITE : DB_BEGIN_READ);
}

int
db_commit(struct db *db)
{
	return db->driver->control(db, DB_COMMIT);
}

void
db_rollback(struct db *db)
{
	db->driver->rollback(db);
}

int
db_savepoint(struct db *db)
{
	return db->driver->control(db, DB_SAVEPOINT);
}

int
db_release(struct db *db)
{
	return db->driver->control(db, DB_RELEASE);
}

int
db_rollback_to(struct db *db)
{
	return db->driver->control(db, DB_ROLLBACK_TO);
}
