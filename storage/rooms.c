/* rooms.c - the tables rooms, room_counts and room_occupants. */

#include "storage/rooms.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"
#include "storage/room_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	GET,
	GET_PUBLIC,
	GET_LAST_ID,
	PUT,
	SET_VERSION,
	COUNT_MORE,
	TEMPORARY,
	OCCUPANTS,
	PUT_OCCUPANT,
	REMOVE_OCCUPANT,
	FORGET_OCCUPANTS,
	COUNT_LESS,
	FORGET,
	N_SQL
};

static const struct db_sql sql[N_SQL] = {
	[GET] = { "SELECT version, name, is_public, is_persistent, created_ms,"
		  " used_ms, epoch, seq, last_id, subject_from, subject_ms,"
		  " subject, config, is_locked FROM rooms WHERE jid = $1" },
	[GET_PUBLIC] = { "SELECT is_public FROM rooms WHERE jid = $1" },
	[GET_LAST_ID] = { "SELECT id FROM archive_rows WHERE archive ="
			  " (SELECT number FROM archives WHERE owner = $1)"
			  " ORDER BY id DESC LIMIT 1" },
	[PUT] = { "INSERT INTO rooms (jid, service, name, is_public,"
		  " is_persistent, created_ms, used_ms, epoch, seq, last_id,"
		  " subject_from, subject_ms, subject, config, is_locked,"
		  " version, known_since)"
		  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
		  " $12, $13, $14, $15, 0, 0)"
		  " ON CONFLICT (jid) DO UPDATE SET"
		  " name = excluded.name, is_public = excluded.is_public,"
		  " is_persistent = excluded.is_persistent,"
		  " created_ms = excluded.created_ms,"
		  " used_ms = excluded.used_ms, epoch = excluded.epoch,"
		  " seq = excluded.seq, last_id = excluded.last_id,"
		  " subject_from = excluded.subject_from,"
		  " subject_ms = excluded.subject_ms,"
		  " subject = excluded.subject, config = excluded.config,"
		  " is_locked = excluded.is_locked" },
	[SET_VERSION] = { "UPDATE rooms SET version = $2 WHERE jid = $1" },
	[COUNT_MORE] = { "INSERT INTO room_counts (service, n_all, n_public)"
			 " VALUES ($1, $2, $3) ON CONFLICT (service)"
			 " DO UPDATE SET"
			 " n_all = room_counts.n_all + excluded.n_all,"
			 " n_public = room_counts.n_public"
			 " + excluded.n_public" },
	[TEMPORARY] = { "SELECT jid FROM rooms WHERE service = $1"
			" AND is_persistent = 0 AND NOT EXISTS"
			" (SELECT 1 FROM room_occupants"
			" WHERE room_occupants.room = rooms.jid)"
			" ORDER BY jid LIMIT $2" },
	[OCCUPANTS] = { "SELECT jid, nick, occupant_id, role, stamp_ms,"
			" payload, affiliation FROM room_occupants WHERE room "
			"= $1"
			" ORDER BY nick, jid" },
	[PUT_OCCUPANT] = { "INSERT INTO room_occupants (room, jid, nick,"
			   " occupant_id, role, stamp_ms, payload, affiliation)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
			   " ON CONFLICT (room, jid) DO UPDATE SET"
			   " nick = excluded.nick,"
			   " occupant_id = excluded.occupant_id,"
			   " role = excluded.role,"
			   " stamp_ms = excluded.stamp_ms,"
			   " payload = excluded.payload,"
			   " affiliation = excluded.affiliation" },
	[REMOVE_OCCUPANT] = { "DELETE FROM room_occupants"
			      " WHERE room = $1 AND jid = $2" },
	[FORGET_OCCUPANTS] = { "DELETE FROM room_occupants WHERE room = $1" },
	[COUNT_LESS] = { "UPDATE room_counts SET n_all = n_all - 1,"
			 " n_public = n_public -"
			 " (SELECT is_public FROM rooms WHERE jid = $1)"
			 " WHERE service ="
			 " (SELECT service FROM rooms WHERE jid = $1)" },
	[FORGET] = { "DELETE FROM rooms WHERE jid = $1" },
};

const struct store_kind rooms_kind = {
	"rooms", sql, N_SQL,
	(const struct db_sql *const[]){ &sql[FORGET_OCCUPANTS],
					&sql[COUNT_LESS], &sql[FORGET], NULL }
};

/* Every change of one room's row. */
struct room_op {
	struct op op;
	struct room_row row;
	struct room_affiliation *items; /* owned; of a new room */
	size_t n_items;
};

struct load_op {
	struct op op;
	struct room_row row;
	int64_t version;
	struct op_array affiliations, occupants;
	room_done *done;
};

struct purge_op {
	struct op op;
	const char *service;
	int64_t max, n;
	rooms_purge_done *done;
};

struct occupant_op {
	struct op op;
	const char *room;
	struct room_occupant occupant;
};

const char *
room_rows_service(const char *jid)
{
	const char *at = strchr(jid, '@');

	return at ? at + 1 : jid;
}

static struct room_op *
of_op(struct op *op)
{
	return container_of(op, struct room_op, op);
}

static void
fini(struct op *op)
{
	free(of_op(op)->items);
}

static struct room_op *
room_op_new(struct store *s, const struct op_type *type,
	    const struct room_row *row, store_done *done, void *data)
{
	size_t room = op_room(row->jid) + op_room(row->name) +
		      op_room(row->config) + op_room(row->subject) +
		      op_room(row->subject_from) + op_room(row->epoch);
	struct room_op *o = op_new(s, type, sizeof(*o), room);

	o->row = *row;
	o->row.jid = op_copy(&o->op, row->jid);
	o->row.name = op_copy(&o->op, row->name);
	o->row.config = op_copy(&o->op, row->config);
	o->row.subject = op_copy(&o->op, row->subject);
	o->row.subject_from = op_copy(&o->op, row->subject_from);
	o->row.epoch = op_copy(&o->op, row->epoch);
	o->op.done = done;
	o->op.data = data;
	return o;
}

/* 1, with whether it is listed; 0 where there is no such room; -1. */
static int
get_public(struct db *db, const char *jid, bool *is_public_out)
{
	const struct db_value v[] = { db_text(jid) };
	int64_t is_public = 0;
	int got = db_query_int(db, &sql[GET_PUBLIC], v, N_ELEMENTS(v),
			       &is_public);

	*is_public_out = is_public != 0;
	return got;
}

static int
count_more(struct db *db, const char *jid, int n_all, int n_public)
{
	const struct db_value v[] = { db_text(room_rows_service(jid)),
				      db_int(n_all), db_int(n_public) };

	if (!n_all && !n_public)
		return 0;
	return db_exec(db, &sql[COUNT_MORE], v, N_ELEMENTS(v)) < 0 ? -1 : 0;
}

static int
put(struct db *db, const struct room_row *row)
{
	const struct db_value v[] = {
		db_text(row->jid),
		db_text(room_rows_service(row->jid)),
		db_text(row->name),
		db_int(row->is_public),
		db_int(row->is_persistent),
		db_int(row->created_ms),
		db_int(row->used_ms),
		db_text(row->epoch),
		db_int(row->seq),
		db_int(row->last_id),
		db_text(row->subject_from),
		db_int(row->subject_ms),
		db_text(row->subject),
		db_text(row->config),
		db_int(row->is_locked),
	};

	return db_exec(db, &sql[PUT], v, N_ELEMENTS(v)) < 0 ? -1 : 0;
}

static enum store_status
run_save(struct op *op, struct db *db)
{
	const struct room_row *row = &of_op(op)->row;
	bool was_public;
	int got = get_public(db, row->jid, &was_public);

	if (got < 0 || put(db, row) < 0 ||
	    count_more(db, row->jid, got ? 0 : 1,
		       (int)row->is_public - (int)was_public) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
rooms_save(struct store *s, const struct room_row *row, store_done *done,
	   void *data)
{
	static const struct op_type type = { OP_WRITE, run_save, NULL, fini };

	op_submit(&room_op_new(s, &type, row, done, data)->op, row->jid);
}

static enum store_status
run_create(struct op *op, struct db *db)
{
	struct room_op *o = of_op(op);
	const char *jid = o->row.jid;
	int64_t version = 0;
	bool is_public;
	int got = get_public(db, jid, &is_public);

	if (got > 0)
		return STORE_EXISTS;
	if (got < 0 || store_forget_owner(db, jid) < 0 ||
	    put(db, &o->row) < 0 ||
	    count_more(db, jid, 1, o->row.is_public) < 0 ||
	    room_rows_set(db, jid, o->items, o->n_items, &version) < 0)
		return op_fail(op, db);
	const struct db_value v[] = { db_text(jid), db_int(version) };

	if (db_exec(db, &sql[SET_VERSION], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
rooms_create(struct store *s, const struct room_row *row,
	     const struct room_affiliation *items, size_t n_items,
	     store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_create, NULL, fini };
	struct room_op *o = room_op_new(s, &type, row, done, data);

	o->items = room_rows_copy(items, n_items);
	o->n_items = n_items;
	op_submit(&o->op, row->jid);
}

static enum store_status
run_delete(struct op *op, struct db *db)
{
	const char *jid = of_op(op)->row.jid;
	bool is_public;
	int got = get_public(db, jid, &is_public);

	if (got == 0)
		return STORE_NOT_FOUND;
	if (got < 0 || store_forget_owner(db, jid) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
rooms_delete(struct store *s, const char *jid, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_delete, NULL, fini };
	const struct room_row row = { .jid = jid };

	op_submit(&room_op_new(s, &type, &row, done, data)->op, jid);
}

/* 1, 0 where there is no such room, -1. */
static int
read_row(struct load_op *l, struct db *db, const struct db_value *key)
{
	struct db_rows *rows = db_query(db, &sql[GET], key, 1);
	int got = rows ? db_next(rows) : -1;
	struct room_row *row = &l->row;

	if (got <= 0)
		return got;
	l->version = db_get_int(rows, 0);
	row->name = op_get_text(&l->op, rows, 1);
	row->is_public = db_get_int(rows, 2) != 0;
	row->is_persistent = db_get_int(rows, 3) != 0;
	row->created_ms = db_get_int(rows, 4);
	row->used_ms = db_get_int(rows, 5);
	row->epoch = op_get_text(&l->op, rows, 6);
	row->seq = db_get_int(rows, 7);
	row->last_id = db_get_int(rows, 8);
	row->subject_from = op_get_text(&l->op, rows, 9);
	row->subject_ms = db_get_int(rows, 10);
	row->subject = op_get_text(&l->op, rows, 11);
	row->config = op_get_text(&l->op, rows, 12);
	row->is_locked = db_get_int(rows, 13) != 0;
	db_end(rows);
	return 1;
}

static int
read_occupants(struct load_op *l, struct db *db, const struct db_value *key)
{
	struct db_rows *rows = db_query(db, &sql[OCCUPANTS], key, 1);
	int got = -1;

	while (rows && (got = db_next(rows)) > 0) {
		struct room_occupant *o =
			op_array_add(&l->op, &l->occupants, sizeof(*o));

		*o = (struct room_occupant){
			.jid = op_get_text(&l->op, rows, 0),
			.nick = op_get_text(&l->op, rows, 1),
			.occupant_id = op_get_text(&l->op, rows, 2),
			.role = (int)db_get_int(rows, 3),
			.stamp_ms = db_get_int(rows, 4),
			.payload = op_get_text(&l->op, rows, 5),
			.affiliation = (int)db_get_int(rows, 6),
		};
	}
	return got;
}

static enum store_status
run_load(struct op *op, struct db *db)
{
	struct load_op *l = container_of(op, struct load_op, op);
	const struct db_value key[] = { db_text(l->row.jid) };
	int64_t last_id = 0;
	int got;

	l->affiliations = l->occupants = (struct op_array){ 0 };
	got = read_row(l, db, key);
	if (got == 0)
		return STORE_NOT_FOUND;
	if (got < 0 ||
	    room_rows_affiliations(op, db, l->row.jid, &l->affiliations) < 0 ||
	    read_occupants(l, db, key) < 0 ||
	    db_query_int(db, &sql[GET_LAST_ID], key, 1, &last_id) < 0)
		return op_fail(op, db);
	if (last_id > l->row.last_id)
		l->row.last_id = last_id;
	return STORE_OK;
}

static void
finish_load(struct op *op)
{
	struct load_op *l = container_of(op, struct load_op, op);
	struct room_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.row = &l->row;
		res.version = l->version;
		res.affiliations = l->affiliations.items;
		res.n_affiliations = l->affiliations.n;
		res.occupants = l->occupants.items;
		res.n_occupants = l->occupants.n;
	}
	l->done(op->data, &res);
}

void
rooms_load(struct store *s, const char *jid, room_done *done, void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_load,
					     finish_load, NULL };
	struct load_op *l = op_new(s, &type, sizeof(*l), op_room(jid));

	l->row.jid = op_copy(&l->op, jid);
	l->done = done;
	l->op.data = data;
	op_submit(&l->op, jid);
}

static enum store_status
run_purge(struct op *op, struct db *db)
{
	struct purge_op *p = container_of(op, struct purge_op, op);
	const struct db_value v[] = { db_text(p->service), db_int(p->max) };
	struct db_rows *rows = db_query(db, &sql[TEMPORARY], v, N_ELEMENTS(v));
	struct op_array jids = { 0 };
	int got = -1;

	p->n = 0;
	while (rows && (got = db_next(rows)) > 0) {
		const char **jid = op_array_add(op, &jids, sizeof(*jid));

		*jid = op_get_text(op, rows, 0);
	}
	if (got < 0)
		return op_fail(op, db);
	for (size_t i = 0; i < jids.n; i++) {
		if (store_forget_owner(db, ((const char **)jids.items)[i]) < 0)
			return op_fail(op, db);
	}
	p->n = (int64_t)jids.n;
	return STORE_OK;
}

static void
finish_purge(struct op *op)
{
	struct purge_op *p = container_of(op, struct purge_op, op);

	p->done(op->data, &op->res, op->res.status == STORE_OK ? p->n : 0);
}

void
rooms_purge_temporary(struct store *s, const char *service, size_t max,
		      rooms_purge_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_purge, finish_purge,
					     NULL };
	struct purge_op *p = op_new(s, &type, sizeof(*p), op_room(service));

	p->service = op_copy(&p->op, service);
	p->max = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	p->done = done;
	p->op.data = data;
	op_submit(&p->op, service);
}

static struct occupant_op *
occupant_of(struct op *op)
{
	return container_of(op, struct occupant_op, op);
}

static struct occupant_op *
occupant_op_new(struct store *s, const struct op_type *type, const char *room,
		const struct room_occupant *from, store_done *done, void *data)
{
	struct occupant_op *o = op_new(
		s, type, sizeof(*o),
		op_room(room) + op_room(from->jid) + op_room(from->nick) +
			op_room(from->occupant_id) + op_room(from->payload));

	o->room = op_copy(&o->op, room);
	o->occupant = *from;
	o->occupant.jid = op_copy(&o->op, from->jid);
	o->occupant.nick = op_copy(&o->op, from->nick);
	o->occupant.occupant_id = op_copy(&o->op, from->occupant_id);
	o->occupant.payload = op_copy(&o->op, from->payload);
	o->op.done = done;
	o->op.data = data;
	return o;
}

static enum store_status
run_put_occupant(struct op *op, struct db *db)
{
	const struct occupant_op *o = occupant_of(op);
	const struct room_occupant *from = &o->occupant;
	const struct db_value v[] = {
		db_text(o->room),	db_text(from->jid),
		db_text(from->nick),	db_text(from->occupant_id),
		db_int(from->role),	db_int(from->stamp_ms),
		db_text(from->payload), db_int(from->affiliation),
	};

	if (db_exec(db, &sql[PUT_OCCUPANT], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
room_occupant_put(struct store *s, const char *room,
		  const struct room_occupant *o, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_put_occupant, NULL,
					     NULL };

	op_submit(&occupant_op_new(s, &type, room, o, done, data)->op, room);
}

/* One of them, or all where there is no JID. */
static enum store_status
run_remove_occupants(struct op *op, struct db *db)
{
	const struct occupant_op *o = occupant_of(op);
	const struct db_value v[] = { db_text(o->room),
				      db_text(o->occupant.jid) };
	int which = o->occupant.jid ? REMOVE_OCCUPANT : FORGET_OCCUPANTS;

	if (db_exec(db, &sql[which], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static const struct op_type remove_occupants = { OP_WRITE, run_remove_occupants,
						 NULL, NULL };

void
room_occupant_remove(struct store *s, const char *room, const char *jid,
		     store_done *done, void *data)
{
	const struct room_occupant o = { .jid = jid };

	assert(jid);
	op_submit(&occupant_op_new(s, &remove_occupants, room, &o, done, data)
			   ->op,
		  room);
}

void
room_occupants_clear(struct store *s, const char *room, store_done *done,
		     void *data)
{
	const struct room_occupant o = { 0 };

	op_submit(&occupant_op_new(s, &remove_occupants, room, &o, done, data)
			   ->op,
		  room);
}
