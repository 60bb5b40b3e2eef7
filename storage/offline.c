/* offline.c - the table offline. */

#include "storage/offline.h"

#include "base/arena.h"
#include "base/chunk.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

enum { COUNT, COUNT_UP_TO, APPEND, FETCH, REMOVE, FORGET, N_SQL };

static const struct db_sql sql[N_SQL] = {
	[COUNT] = { "SELECT count(*) FROM offline WHERE owner = $1" },
	[COUNT_UP_TO] = { "SELECT count(*) FROM (SELECT 1 FROM offline"
			  " WHERE owner = $1 LIMIT $2) AS kept" },
	[APPEND] = { "INSERT INTO offline (owner, stamp_ms, xml)"
		     " VALUES ($1, $2, $3)" },
	[FETCH] = { "SELECT id, stamp_ms, xml FROM offline"
		    " WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3" },
	[REMOVE] = { "DELETE FROM offline WHERE owner = $1 AND id <= $2" },
	[FORGET] = { "DELETE FROM offline WHERE owner = $1" },
};

const struct store_kind offline_kind = { "offline", sql, N_SQL,
					 (const struct db_sql *const[]){
						 &sql[FORGET], NULL } };

struct append_op {
	struct op op;
	const char *owner;
	struct chunk *xml; /* ref */
	int64_t stamp_ms, max;
};

struct owner_op {
	struct op op;
	const char *owner;
	int64_t id, max, count;
	struct op_array rows; /* struct offline_row */
	offline_done *fetched;
	offline_count_done *counted;
};

static enum store_status
run_append(struct op *op, struct db *db)
{
	struct append_op *a = container_of(op, struct append_op, op);
	const struct db_value limit[] = { db_text(a->owner), db_int(a->max) };
	size_t len;
	const char *xml = chunk_data(a->xml, &len);
	const struct db_value row[] = { db_text(a->owner), db_int(a->stamp_ms),
					db_textn(xml, len) };
	int64_t count = 0;

	if (db_query_int(db, &sql[COUNT_UP_TO], limit, N_ELEMENTS(limit),
			 &count) < 0)
		return op_fail(op, db);
	if (count >= a->max)
		return STORE_FULL;
	if (db_exec(db, &sql[APPEND], row, N_ELEMENTS(row)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
fini_append(struct op *op)
{
	chunk_unref(&container_of(op, struct append_op, op)->xml);
}

void
offline_append(struct store *s, const char *owner, struct chunk *xml,
	       int64_t stamp_ms, int64_t max, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_append, NULL,
					     fini_append };
	struct append_op *a = op_new(s, &type, sizeof(*a), op_room(owner));

	a->owner = op_copy(&a->op, owner);
	a->xml = chunk_ref(xml);
	a->stamp_ms = stamp_ms;
	a->max = max > 0 ? max : 0;
	a->op.done = done;
	a->op.data = data;
	op_submit(&a->op, owner);
}

static struct owner_op *
of_op(struct op *op)
{
	return container_of(op, struct owner_op, op);
}

static struct owner_op *
owner_op_new(struct store *s, const struct op_type *type, const char *owner,
	     void *data)
{
	struct owner_op *o = op_new(s, type, sizeof(*o), op_room(owner));

	o->owner = op_copy(&o->op, owner);
	o->op.data = data;
	return o;
}

static enum store_status
run_fetch(struct op *op, struct db *db)
{
	struct owner_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_int(o->id),
				      db_int(o->max) };
	struct db_rows *rows = db_query(db, &sql[FETCH], v, N_ELEMENTS(v));
	int got = -1;

	o->rows = (struct op_array){ 0 };
	while (rows && (got = db_next(rows)) > 0) {
		struct offline_row *row =
			op_array_add(op, &o->rows, sizeof(*row));
		const char *xml = db_get_text(rows, 2, &row->len);

		row->id = db_get_int(rows, 0);
		row->stamp_ms = db_get_int(rows, 1);
		row->xml = arena_strndup(op_arena(op), xml, row->len);
	}
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_fetch(struct op *op)
{
	struct owner_op *o = of_op(op);
	struct offline_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.rows = o->rows.items;
		res.n_rows = o->rows.n;
	}
	o->fetched(op->data, &res);
}

void
offline_fetch(struct store *s, const char *owner, int64_t after, size_t max,
	      offline_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_fetch, finish_fetch,
					     NULL };
	struct owner_op *o = owner_op_new(s, &type, owner, data);

	o->id = after;
	o->max = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	o->fetched = done;
	op_submit(&o->op, owner);
}

static enum store_status
run_remove(struct op *op, struct db *db)
{
	struct owner_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_int(o->id) };

	if (db_exec(db, &sql[REMOVE], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
offline_remove(struct store *s, const char *owner, int64_t up_to,
	       store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_remove, NULL, NULL };
	struct owner_op *o = owner_op_new(s, &type, owner, data);

	o->id = up_to;
	o->op.done = done;
	op_submit(&o->op, owner);
}

static enum store_status
run_count(struct op *op, struct db *db)
{
	struct owner_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner) };

	o->count = 0;
	if (db_query_int(db, &sql[COUNT], v, N_ELEMENTS(v), &o->count) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish_count(struct op *op)
{
	of_op(op)->counted(op->data, &op->res, of_op(op)->count);
}

void
offline_count(struct store *s, const char *owner, offline_count_done *done,
	      void *data)
{
	static const struct op_type type = { OP_READ, run_count, finish_count,
					     NULL };
	struct owner_op *o = owner_op_new(s, &type, owner, data);

	o->counted = done;
	op_submit(&o->op, owner);
}
