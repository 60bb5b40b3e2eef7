/* room_affiliations.c - the table room_affiliations. */

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"
#include "storage/room_rows.h"
#include "storage/rooms.h"

#include <stdlib.h>
#include <string.h>

/* Removals in a room that can still be told one by one. */
#define TOMBSTONES_MAX 128

enum {
	GET_VERSION,
	SET_VERSION,
	LOAD,
	CHANGES,
	PUT,
	BURY,
	OLD_TOMBSTONE,
	DROP_TOMBSTONES,
	ROOMS_OF,
	FORGET,
	N_SQL
};

#define COLUMNS ROOM_AFFILIATION_COLUMNS

static const struct db_sql sql[N_SQL] = {
	[GET_VERSION] = { "SELECT version, known_since FROM rooms"
			  " WHERE jid = $1" },
	[SET_VERSION] = { "UPDATE rooms SET version = $2, known_since = $3"
			  " WHERE jid = $1" },
	[LOAD] = { "SELECT " COLUMNS " FROM room_affiliations"
		   " WHERE room = $1 AND affiliation <> 0 ORDER BY jid" },
	[CHANGES] = { "SELECT " COLUMNS " FROM room_affiliations"
		      " WHERE room = $1 AND changed > $2 ORDER BY changed" },
	[PUT] = { "INSERT INTO room_affiliations (room, jid, affiliation,"
		  " changed, stamp_ms, nick, reason)"
		  " VALUES ($1, $2, $3, $4, $5, $6, $7)"
		  " ON CONFLICT (room, jid) DO UPDATE SET"
		  " affiliation = excluded.affiliation,"
		  " changed = excluded.changed, stamp_ms = excluded.stamp_ms,"
		  " nick = excluded.nick, reason = excluded.reason" },
	[BURY] = { "UPDATE room_affiliations SET affiliation = 0,"
		   " changed = $3, stamp_ms = $4, nick = NULL, reason = NULL"
		   " WHERE room = $1 AND jid = $2 AND affiliation <> 0" },
	[OLD_TOMBSTONE] = { "SELECT changed FROM room_affiliations"
			    " WHERE room = $1 AND affiliation = 0"
			    " ORDER BY changed DESC LIMIT 1 OFFSET $2" },
	[DROP_TOMBSTONES] = { "DELETE FROM room_affiliations WHERE room = $1"
			      " AND affiliation = 0 AND changed <= $2" },
	[ROOMS_OF] = { "SELECT room, affiliation FROM room_affiliations"
		       " WHERE jid = $1 AND room > $2 AND affiliation <> 0"
		       " ORDER BY room LIMIT $3" },
	[FORGET] = { "DELETE FROM room_affiliations WHERE room = $1" },
};

const struct store_kind room_affiliations_kind = {
	"room_affiliations", sql, N_SQL,
	(const struct db_sql *const[]){ &sql[FORGET], NULL }
};

struct set_op {
	struct op op;
	const char *room;
	struct room_affiliation *items; /* owned, see room_rows_copy */
	size_t n_items;
	int64_t version;
	room_version_done *done;
};

struct since_op {
	struct op op;
	const char *room;
	int64_t since;
	struct op_array items;
	struct room_changes res;
	room_changes_done *done;
};

struct of_op {
	struct op op;
	const char *jid, *after;
	int64_t max;
	struct op_array rooms;
	rooms_of_done *done;
};

struct room_affiliation *
room_rows_copy(const struct room_affiliation *items, size_t n)
{
	size_t size = n * sizeof(*items);
	struct room_affiliation *copy;
	char *text;

	for (size_t i = 0; i < n; i++)
		size += op_room(items[i].jid) + op_room(items[i].nick) +
			op_room(items[i].reason);
	copy = mem_alloc(size + 1);
	text = (char *)(copy + n);
	for (size_t i = 0; i < n; i++) {
		const char **fields[] = { &copy[i].jid, &copy[i].nick,
					  &copy[i].reason };

		copy[i] = items[i];
		for (size_t k = 0; k < N_ELEMENTS(fields); k++) {
			size_t len = op_room(*fields[k]);

			if (len)
				*fields[k] = memcpy(text, *fields[k], len);
			text += len;
		}
	}
	return copy;
}

struct room_affiliation
room_rows_affiliation(struct op *op, struct db_rows *rows)
{
	return (struct room_affiliation){
		.jid = op_get_text(op, rows, 0),
		.affiliation = (int)db_get_int(rows, 1),
		.changed = db_get_int(rows, 2),
		.stamp_ms = db_get_int(rows, 3),
		.nick = op_get_text(op, rows, 4),
		.reason = op_get_text(op, rows, 5),
	};
}

static int
read_items(struct op *op, struct db *db, int which, const char *room,
	   int64_t since, struct op_array *out)
{
	const struct db_value v[] = { db_text(room), db_int(since) };
	struct db_rows *rows = db_query(db, &sql[which], v, N_ELEMENTS(v));
	int got = -1;

	while (rows && (got = db_next(rows)) > 0) {
		struct room_affiliation *item =
			op_array_add(op, out, sizeof(*item));

		*item = room_rows_affiliation(op, rows);
	}
	return got;
}

int
room_rows_affiliations(struct op *op, struct db *db, const char *room,
		       struct op_array *out)
{
	return read_items(op, db, LOAD, room, 0, out);
}

static int
put(struct db *db, const char *room, const struct room_affiliation *item,
    int64_t *version)
{
	const struct db_value v[] = {
		db_text(room),
		db_text(item->jid),
		db_int(item->affiliation),
		db_int(*version + 1),
		db_int(item->stamp_ms),
		db_text(item->nick),
		db_text(item->reason),
	};

	if (db_exec(db, &sql[PUT], v, N_ELEMENTS(v)) < 0)
		return -1;
	++*version;
	return 0;
}

static int
bury(struct db *db, const char *room, const struct room_affiliation *item,
     int64_t *version)
{
	const struct db_value v[] = { db_text(room), db_text(item->jid),
				      db_int(*version + 1),
				      db_int(item->stamp_ms) };
	int64_t n = db_exec(db, &sql[BURY], v, N_ELEMENTS(v));

	if (n < 0)
		return -1;
	*version += n;
	return 0;
}

int
room_rows_set(struct db *db, const char *room,
	      const struct room_affiliation *items, size_t n, int64_t *version)
{
	for (size_t i = 0; i < n; i++) {
		if ((items[i].affiliation ? put : bury)(db, room, &items[i],
							version) < 0)
			return -1;
	}
	return 0;
}

/* 1, 0 where there is no such room, -1. */
static int
get_version(struct db *db, const char *room, int64_t *version_out,
	    int64_t *known_since_out)
{
	const struct db_value v[] = { db_text(room) };
	struct db_rows *rows = db_query(db, &sql[GET_VERSION], v, 1);
	int got = rows ? db_next(rows) : -1;

	if (got <= 0)
		return got;
	*version_out = db_get_int(rows, 0);
	*known_since_out = db_get_int(rows, 1);
	db_end(rows);
	return 1;
}

/* The oldest go where there are too many. */
static int
drop_tombstones(struct db *db, const char *room, int64_t *known_since)
{
	struct db_value v[] = { db_text(room), db_int(TOMBSTONES_MAX) };
	int64_t changed;
	int got = db_query_int(db, &sql[OLD_TOMBSTONE], v, N_ELEMENTS(v),
			       &changed);

	if (got <= 0)
		return got;
	*known_since = changed;
	v[1] = db_int(changed);
	return db_exec(db, &sql[DROP_TOMBSTONES], v, N_ELEMENTS(v)) < 0 ? -1
									: 0;
}

static enum store_status
run_set(struct op *op, struct db *db)
{
	struct set_op *o = container_of(op, struct set_op, op);
	int64_t old, known_since;
	int got = get_version(db, o->room, &old, &known_since);

	o->version = 0;
	if (got <= 0)
		return got < 0 ? op_fail(op, db) : STORE_NOT_FOUND;
	o->version = old;
	if (room_rows_set(db, o->room, o->items, o->n_items, &o->version) < 0)
		return op_fail(op, db);
	if (o->version == old)
		return STORE_OK;
	if (drop_tombstones(db, o->room, &known_since) < 0)
		return op_fail(op, db);
	const struct db_value v[] = { db_text(o->room), db_int(o->version),
				      db_int(known_since) };

	if (db_exec(db, &sql[SET_VERSION], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish_set(struct op *op)
{
	struct set_op *o = container_of(op, struct set_op, op);

	if (o->done)
		o->done(op->data, &op->res,
			op->res.status == STORE_OK ? o->version : 0);
}

static void
fini_set(struct op *op)
{
	free(container_of(op, struct set_op, op)->items);
}

void
room_set_affiliations(struct store *s, const char *room,
		      const struct room_affiliation *items, size_t n_items,
		      room_version_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_set, finish_set,
					     fini_set };
	struct set_op *o = op_new(s, &type, sizeof(*o), op_room(room));

	o->room = op_copy(&o->op, room);
	o->items = room_rows_copy(items, n_items);
	o->n_items = n_items;
	o->done = done;
	o->op.data = data;
	op_submit(&o->op, room);
}

void
room_set_affiliation(struct store *s, const char *room,
		     const struct room_affiliation *item,
		     room_version_done *done, void *data)
{
	room_set_affiliations(s, room, item, 1, done, data);
}

static enum store_status
run_since(struct op *op, struct db *db)
{
	struct since_op *o = container_of(op, struct since_op, op);
	int64_t version = 0, known_since = 0;
	int got = get_version(db, o->room, &version, &known_since);

	o->items = (struct op_array){ 0 };
	o->res = (struct room_changes){ .version = version };
	if (got <= 0)
		return got < 0 ? op_fail(op, db) : STORE_NOT_FOUND;
	/* A version from the future is of a room that was lost. */
	o->res.is_full =
		o->since <= 0 || o->since < known_since || o->since > version;
	if (read_items(op, db, o->res.is_full ? LOAD : CHANGES, o->room,
		       o->since, &o->items) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish_since(struct op *op)
{
	struct since_op *o = container_of(op, struct since_op, op);

	if (op->res.status == STORE_OK) {
		o->res.items = o->items.items;
		o->res.n_items = o->items.n;
	} else {
		o->res = (struct room_changes){ 0 };
	}
	o->res.res = op->res;
	o->done(op->data, &o->res);
}

void
room_affiliations_since(struct store *s, const char *room, int64_t since,
			room_changes_done *done, void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_since,
					     finish_since, NULL };
	struct since_op *o = op_new(s, &type, sizeof(*o), op_room(room));

	o->room = op_copy(&o->op, room);
	o->since = since;
	o->done = done;
	o->op.data = data;
	op_submit(&o->op, room);
}

static enum store_status
run_rooms_of(struct op *op, struct db *db)
{
	struct of_op *o = container_of(op, struct of_op, op);
	const struct db_value v[] = { db_text(o->jid),
				      db_text(o->after ? o->after : ""),
				      db_int(o->max) };
	struct db_rows *rows = db_query(db, &sql[ROOMS_OF], v, N_ELEMENTS(v));
	int got = -1;

	o->rooms = (struct op_array){ 0 };
	while (rows && (got = db_next(rows)) > 0) {
		struct room_of *r = op_array_add(op, &o->rooms, sizeof(*r));

		r->room = op_get_text(op, rows, 0);
		r->affiliation = (int)db_get_int(rows, 1);
	}
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_rooms_of(struct op *op)
{
	struct of_op *o = container_of(op, struct of_op, op);
	struct rooms_of_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.rooms = o->rooms.items;
		res.n_rooms = o->rooms.n;
	}
	o->done(op->data, &res);
}

void
rooms_of(struct store *s, const char *jid, const char *after, size_t max,
	 rooms_of_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_rooms_of,
					     finish_rooms_of, NULL };
	struct of_op *o =
		op_new(s, &type, sizeof(*o), op_room(jid) + op_room(after));

	o->jid = op_copy(&o->op, jid);
	o->after = op_copy(&o->op, after);
	o->max = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	o->done = done;
	o->op.data = data;
	op_submit(&o->op, jid);
}
