/* blocklist.c - the table blocklist. */

#include "storage/blocklist.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

enum { LOAD, ADD, COUNT, REMOVE, REMOVE_ALL, N_SQL };

static const struct db_sql sql[N_SQL] = {
	[LOAD] = { "SELECT jid FROM blocklist WHERE owner = $1 ORDER BY jid" },
	[ADD] = { "INSERT INTO blocklist (owner, jid) VALUES ($1, $2)"
		  " ON CONFLICT (owner, jid) DO NOTHING" },
	[COUNT] = { "SELECT count(*) FROM blocklist WHERE owner = $1" },
	[REMOVE] = { "DELETE FROM blocklist WHERE owner = $1 AND jid = $2" },
	[REMOVE_ALL] = { "DELETE FROM blocklist WHERE owner = $1" },
};

const struct store_kind blocklist_kind = { "blocklist", sql, N_SQL,
					   (const struct db_sql *const[]){
						   &sql[REMOVE_ALL], NULL } };

struct load_op {
	struct op op;
	const char *owner;
	struct op_array jids; /* const char * */
	blocklist_done *done;
};

struct change_op {
	struct op op;
	const char *owner;
	size_t max, n_jids;
	const char *jids[];
};

static enum store_status
run_load(struct op *op, struct db *db)
{
	struct load_op *l = container_of(op, struct load_op, op);
	const struct db_value v[] = { db_text(l->owner) };
	struct db_rows *rows = db_query(db, &sql[LOAD], v, N_ELEMENTS(v));
	int got = -1;

	l->jids = (struct op_array){ 0 };
	while (rows && (got = db_next(rows)) > 0) {
		const char **jid = op_array_add(op, &l->jids, sizeof(*jid));

		*jid = arena_strdup(op_arena(op), db_get_text(rows, 0, NULL));
	}
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_load(struct op *op)
{
	struct load_op *l = container_of(op, struct load_op, op);
	struct blocklist_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.jids = l->jids.items;
		res.n_jids = l->jids.n;
	}
	l->done(op->data, &res);
}

void
blocklist_load(struct store *s, const char *owner, blocklist_done *done,
	       void *data)
{
	static const struct op_type type = { OP_READ, run_load, finish_load,
					     NULL };
	struct load_op *l = op_new(s, &type, sizeof(*l), op_room(owner));

	l->owner = op_copy(&l->op, owner);
	l->done = done;
	l->op.data = data;
	op_submit(&l->op, owner);
}

static struct change_op *
change_op_new(struct store *s, const struct op_type *type, const char *owner,
	      const char *const *jids, size_t n_jids, store_done *done,
	      void *data)
{
	size_t size = sizeof(struct change_op) + n_jids * sizeof(jids[0]);
	size_t tail = op_room(owner);
	struct change_op *c;

	for (size_t i = 0; i < n_jids; i++)
		tail += op_room(jids[i]);
	c = op_new(s, type, size, tail);
	c->owner = op_copy(&c->op, owner);
	c->n_jids = n_jids;
	for (size_t i = 0; i < n_jids; i++)
		c->jids[i] = op_copy(&c->op, jids[i]);
	c->op.done = done;
	c->op.data = data;
	return c;
}

/* Runs the statement for each of the addresses; how many rows it changed. */
static int64_t
for_each(struct change_op *c, struct db *db, const struct db_sql *what)
{
	int64_t sum = 0;

	for (size_t i = 0; i < c->n_jids; i++) {
		const struct db_value v[] = { db_text(c->owner),
					      db_text(c->jids[i]) };
		int64_t n = db_exec(db, what, v, N_ELEMENTS(v));

		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

static enum store_status
run_add(struct op *op, struct db *db)
{
	struct change_op *c = container_of(op, struct change_op, op);
	const struct db_value v[] = { db_text(c->owner) };
	int64_t added = for_each(c, db, &sql[ADD]), count = 0;

	if (added == 0)
		return STORE_OK;
	if (added < 0 ||
	    db_query_int(db, &sql[COUNT], v, N_ELEMENTS(v), &count) < 0)
		return op_fail(op, db);
	return (uint64_t)count > c->max ? STORE_FULL : STORE_OK;
}

void
blocklist_add(struct store *s, const char *owner, const char *const *jids,
	      size_t n_jids, size_t max, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE_MANY, run_add, NULL,
					     NULL };
	struct change_op *c =
		change_op_new(s, &type, owner, jids, n_jids, done, data);

	c->max = max;
	op_submit(&c->op, owner);
}

static enum store_status
run_remove(struct op *op, struct db *db)
{
	struct change_op *c = container_of(op, struct change_op, op);
	const struct db_value v[] = { db_text(c->owner) };
	int64_t n;

	if (c->n_jids)
		n = for_each(c, db, &sql[REMOVE]);
	else
		n = db_exec(db, &sql[REMOVE_ALL], v, N_ELEMENTS(v));
	return n < 0 ? op_fail(op, db) : STORE_OK;
}

void
blocklist_remove(struct store *s, const char *owner, const char *const *jids,
		 size_t n_jids, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_remove, NULL, NULL };

	op_submit(&change_op_new(s, &type, owner, jids, n_jids, done, data)->op,
		  owner);
}
