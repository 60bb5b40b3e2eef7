/* fragments.c - the table fragments. */

#include "storage/fragments.h"

#include "base/arena.h"
#include "base/chunk.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

enum { GET, REPLACE, COUNT, INSERT, REMOVE, FORGET, N_SQL };

static const struct db_sql sql[N_SQL] = {
	[GET] = { "SELECT xml FROM fragments"
		  " WHERE owner = $1 AND kind = $2 AND key = $3" },
	[REPLACE] = { "UPDATE fragments SET xml = $4"
		      " WHERE owner = $1 AND kind = $2 AND key = $3" },
	[COUNT] = { "SELECT count(*) FROM fragments"
		    " WHERE owner = $1 AND kind = $2" },
	[INSERT] = { "INSERT INTO fragments (owner, kind, key, xml)"
		     " VALUES ($1, $2, $3, $4)" },
	[REMOVE] = { "DELETE FROM fragments"
		     " WHERE owner = $1 AND kind = $2 AND key = $3" },
	[FORGET] = { "DELETE FROM fragments WHERE owner = $1" },
};

const struct store_kind fragments_kind = { "fragments", sql, N_SQL,
					   (const struct db_sql *const[]){
						   &sql[FORGET], NULL } };

struct fragment_op {
	struct op op;
	const char *owner, *kind, *key;
	struct chunk *xml; /* ref; NULL unless it is to be stored */
	size_t max_keys;

	fragment_done *done;
	const char *found; /* in the arena */
	size_t found_len;
};

static struct fragment_op *
of_op(struct op *op)
{
	return container_of(op, struct fragment_op, op);
}

static void
fini(struct op *op)
{
	chunk_unref(&of_op(op)->xml);
}

static struct fragment_op *
fragment_op_new(struct store *s, const struct op_type *type, const char *owner,
		const char *kind, const char *key, void *data)
{
	struct fragment_op *o =
		op_new(s, type, sizeof(*o),
		       op_room(owner) + op_room(kind) + op_room(key));

	o->owner = op_copy(&o->op, owner);
	o->kind = op_copy(&o->op, kind);
	o->key = op_copy(&o->op, key);
	o->op.data = data;
	return o;
}

static enum store_status
run_get(struct op *op, struct db *db)
{
	struct fragment_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_text(o->kind),
				      db_text(o->key) };
	struct db_rows *rows = db_query(db, &sql[GET], v, N_ELEMENTS(v));
	int got = rows ? db_next(rows) : -1;
	const char *xml;

	if (got <= 0)
		return got < 0 ? op_fail(op, db) : STORE_NOT_FOUND;
	xml = db_get_text(rows, 0, &o->found_len);
	o->found = arena_strndup(op_arena(op), xml, o->found_len);
	db_end(rows);
	return STORE_OK;
}

static void
finish_get(struct op *op)
{
	struct fragment_op *o = of_op(op);
	struct fragment_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.xml = o->found;
		res.len = o->found_len;
	}
	o->done(op->data, &res);
}

void
fragment_get(struct store *s, const char *owner, const char *kind,
	     const char *key, fragment_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_get, finish_get,
					     NULL };
	struct fragment_op *o =
		fragment_op_new(s, &type, owner, kind, key, data);

	o->done = done;
	op_submit(&o->op, owner);
}

static enum store_status
run_put(struct op *op, struct db *db)
{
	struct fragment_op *o = of_op(op);
	size_t len;
	const char *xml = chunk_data(o->xml, &len);
	const struct db_value v[] = { db_text(o->owner), db_text(o->kind),
				      db_text(o->key), db_textn(xml, len) };
	int64_t changed = db_exec(db, &sql[REPLACE], v, N_ELEMENTS(v));
	int64_t count = 0;

	if (changed > 0)
		return STORE_OK;
	if (changed < 0 || db_query_int(db, &sql[COUNT], v, 2, &count) < 0)
		return op_fail(op, db);
	if ((uint64_t)count >= o->max_keys)
		return STORE_FULL;
	if (db_exec(db, &sql[INSERT], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
fragment_put(struct store *s, const char *owner, const char *kind,
	     const char *key, struct chunk *xml, size_t max_keys,
	     store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_put, NULL, fini };
	struct fragment_op *o =
		fragment_op_new(s, &type, owner, kind, key, data);

	o->xml = chunk_ref(xml);
	o->max_keys = max_keys;
	o->op.done = done;
	op_submit(&o->op, owner);
}

/* ---- several ---- */

struct fragments_op {
	struct op op;
	const char *owner, *kind;
	size_t max_keys, n_items;
	struct fragment_item items[]; /* ref */
};

static void
fini_all(struct op *op)
{
	struct fragments_op *o = container_of(op, struct fragments_op, op);

	for (size_t i = 0; i < o->n_items; i++)
		chunk_unref(&o->items[i].xml);
}

static int
put_item(struct db *db, const struct fragments_op *o,
	 const struct fragment_item *item)
{
	size_t len = 0;
	const char *xml = item->xml ? chunk_data(item->xml, &len) : "";
	const struct db_value v[] = { db_text(o->owner), db_text(o->kind),
				      db_text(item->key), db_textn(xml, len) };
	int64_t changed;

	if (!item->xml)
		return db_exec(db, &sql[REMOVE], v, 3) < 0 ? -1 : 0;
	changed = db_exec(db, &sql[REPLACE], v, N_ELEMENTS(v));
	if (changed == 0)
		changed = db_exec(db, &sql[INSERT], v, N_ELEMENTS(v));
	return changed < 0 ? -1 : 0;
}

static enum store_status
run_put_all(struct op *op, struct db *db)
{
	struct fragments_op *o = container_of(op, struct fragments_op, op);
	const struct db_value v[] = { db_text(o->owner), db_text(o->kind) };
	int64_t before = 0, after = 0;

	if (db_query_int(db, &sql[COUNT], v, N_ELEMENTS(v), &before) < 0)
		return op_fail(op, db);
	for (size_t i = 0; i < o->n_items; i++) {
		if (put_item(db, o, &o->items[i]) < 0)
			return op_fail(op, db);
	}
	if (db_query_int(db, &sql[COUNT], v, N_ELEMENTS(v), &after) < 0)
		return op_fail(op, db);
	/* Whoever has too many since the limit was lowered may still change. */
	return after > before && (uint64_t)after > o->max_keys ? STORE_FULL
							       : STORE_OK;
}

void
fragment_put_all(struct store *s, const char *owner, const char *kind,
		 const struct fragment_item *items, size_t n_items,
		 size_t max_keys, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE_MANY, run_put_all, NULL,
					     fini_all };
	size_t size = sizeof(struct fragments_op) + n_items * sizeof(*items);
	size_t room = op_room(owner) + op_room(kind);
	struct fragments_op *o;

	for (size_t i = 0; i < n_items; i++)
		room += op_room(items[i].key);
	o = op_new(s, &type, size, room);
	o->owner = op_copy(&o->op, owner);
	o->kind = op_copy(&o->op, kind);
	o->max_keys = max_keys;
	o->n_items = n_items;
	for (size_t i = 0; i < n_items; i++) {
		o->items[i].key = op_copy(&o->op, items[i].key);
		if (items[i].xml)
			o->items[i].xml = chunk_ref(items[i].xml);
	}
	o->op.done = done;
	o->op.data = data;
	op_submit(&o->op, owner);
}

static enum store_status
run_remove(struct op *op, struct db *db)
{
	struct fragment_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_text(o->kind),
				      db_text(o->key) };
	int64_t changed = db_exec(db, &sql[REMOVE], v, N_ELEMENTS(v));

	if (changed < 0)
		return op_fail(op, db);
	return changed ? STORE_OK : STORE_NOT_FOUND;
}

void
fragment_remove(struct store *s, const char *owner, const char *kind,
		const char *key, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_remove, NULL, NULL };
	struct fragment_op *o =
		fragment_op_new(s, &type, owner, kind, key, data);

	o->op.done = done;
	op_submit(&o->op, owner);
}
