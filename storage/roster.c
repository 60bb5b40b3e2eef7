/* roster.c - the tables roster and roster_versions. */

#include "storage/roster.h"

#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

#include <string.h>

/* Removals that an owner's clients can still learn of one by one; behind more,
 * a client gets the whole roster. */
#define TOMBSTONES_MAX 64

/* In the table only, as 64 in the statements: a row without ROSTER_LISTED of
 * which no client has ever been told. When it goes, there is nothing to remove
 * for them. */
#define UNSEEN 64

/* The row of no owner in roster_versions holds a version that no deleted roster
 * has reached: there all others begin, so that no version comes again. */
#define NO_OWNER ""

enum {
	GET_VERSION,
	SET_VERSION,
	LOAD,
	CHANGES,
	GET_FLAGS,
	COUNT,
	PUT,
	DROP_UNSEEN,
	BURY,
	OLD_TOMBSTONE,
	DROP_TOMBSTONES,
	SET_KNOWN,
	FORGET,
	RAISE_FLOOR,
	FORGET_VERSION,
	N_SQL
};

#define COLUMNS "jid, flags, version, removed, name, groups, request"

static const struct db_sql sql[N_SQL] = {
	[GET_VERSION] = { "SELECT version, known_since, owner"
			  " FROM roster_versions"
			  " WHERE owner IN ($1, '" NO_OWNER "')"
			  " ORDER BY owner DESC LIMIT 1" },
	[SET_VERSION] = { "INSERT INTO roster_versions"
			  " (owner, version, known_since)"
			  " VALUES ($1, $2, $3)"
			  " ON CONFLICT (owner)"
			  " DO UPDATE SET version = excluded.version" },
	[LOAD] = { "SELECT " COLUMNS " FROM roster"
		   " WHERE owner = $1 AND removed = 0 ORDER BY jid" },
	[CHANGES] = { "SELECT " COLUMNS " FROM roster"
		      " WHERE owner = $1 AND version > $2"
		      " AND (flags & 64) = 0 ORDER BY version" },
	[GET_FLAGS] = { "SELECT flags FROM roster"
			" WHERE owner = $1 AND jid = $2 AND removed = 0" },
	[COUNT] = { "SELECT count(*) FROM roster"
		    " WHERE owner = $1 AND removed = 0 AND (flags & $2) = $3" },
	[PUT] = { "INSERT INTO roster (owner, jid, flags, version, removed,"
		  " name, groups, request)"
		  " VALUES ($1, $2, $3, $4, 0, $5, $6, $7)"
		  " ON CONFLICT (owner, jid) DO UPDATE SET"
		  " flags = excluded.flags & (roster.flags | 63),"
		  " version = excluded.version,"
		  " removed = 0, name = excluded.name,"
		  " groups = excluded.groups, request = excluded.request" },
	[DROP_UNSEEN] = { "DELETE FROM roster WHERE owner = $1 AND jid = $2"
			  " AND (flags & 64) <> 0" },
	[BURY] = { "UPDATE roster SET flags = 0, version = $3, removed = 1,"
		   " name = NULL, groups = NULL, request = NULL"
		   " WHERE owner = $1 AND jid = $2 AND removed = 0" },
	[OLD_TOMBSTONE] = { "SELECT version FROM roster"
			    " WHERE owner = $1 AND removed = 1"
			    " ORDER BY version DESC LIMIT 1 OFFSET $2" },
	[DROP_TOMBSTONES] = { "DELETE FROM roster WHERE owner = $1"
			      " AND removed = 1 AND version <= $2" },
	[SET_KNOWN] = { "UPDATE roster_versions SET known_since = $2"
			" WHERE owner = $1" },
	[FORGET] = { "DELETE FROM roster WHERE owner = $1" },
	[RAISE_FLOOR] = { "INSERT INTO roster_versions"
			  " (owner, version, known_since)"
			  " SELECT '" NO_OWNER "', version + 1, version + 1"
			  " FROM roster_versions WHERE owner = $1"
			  " ON CONFLICT (owner) DO UPDATE SET"
			  " version = excluded.version,"
			  " known_since = excluded.known_since"
			  " WHERE excluded.version > roster_versions.version" },
	[FORGET_VERSION] = { "DELETE FROM roster_versions WHERE owner = $1" },
};

const struct store_kind roster_kind = { "roster", sql, N_SQL,
					(const struct db_sql *const[]){
						&sql[FORGET], &sql[RAISE_FLOOR],
						&sql[FORGET_VERSION], NULL } };

struct read_op {
	struct op op;
	const char *owner;
	int64_t since; /* -1: all */
	struct op_array rows;
	int64_t version;
	bool is_full;
	roster_done *done;
};

struct write_op {
	struct op op;
	const char *owner;
	struct roster_row row;
	size_t max_items;
	int64_t version; /* of the roster, as far as it was read */
	roster_write_done *done;
};

/* Where the owner's roster begins, if nothing is stored. -1 where the database
 * failed. */
static int
get_version(struct db *db, const char *owner, int64_t *version_out,
	    int64_t *known_since_out, bool *is_stored_out)
{
	const struct db_value v[] = { db_text(owner) };
	struct db_rows *rows = db_query(db, &sql[GET_VERSION], v, 1);
	int got = rows ? db_next(rows) : -1;

	*version_out = *known_since_out = 0;
	*is_stored_out = false;
	if (got <= 0)
		return got;
	*version_out = db_get_int(rows, 0);
	*known_since_out = db_get_int(rows, 1);
	*is_stored_out = strcmp(db_get_text(rows, 2, NULL), NO_OWNER) != 0;
	db_end(rows);
	return 0;
}

static void
add_row(struct read_op *r, struct db_rows *rows)
{
	struct roster_row *row = op_array_add(&r->op, &r->rows, sizeof(*row));

	*row = (struct roster_row){
		.jid = op_get_text(&r->op, rows, 0),
		.flags = (unsigned)db_get_int(rows, 1) & ~(unsigned)UNSEEN,
		.version = db_get_int(rows, 2),
		.removed = db_get_int(rows, 3) != 0,
		.name = op_get_text(&r->op, rows, 4),
		.groups = op_get_text(&r->op, rows, 5),
		.request = op_get_text(&r->op, rows, 6),
	};
}

static enum store_status
run_read(struct op *op, struct db *db)
{
	struct read_op *r = container_of(op, struct read_op, op);
	int64_t known_since;
	bool is_stored;
	struct db_rows *rows;
	int got = -1;

	r->rows = (struct op_array){ 0 };
	if (get_version(db, r->owner, &r->version, &known_since, &is_stored) <
	    0)
		return op_fail(op, db);
	/* A version from the future is of a roster that was lost. */
	r->is_full = r->since <= 0 || r->since < known_since ||
		     r->since > r->version;
	const struct db_value v[] = { db_text(r->owner), db_int(r->since) };

	rows = db_query(db, &sql[r->is_full ? LOAD : CHANGES], v,
			N_ELEMENTS(v));
	while (rows && (got = db_next(rows)) > 0)
		add_row(r, rows);
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_read(struct op *op)
{
	struct read_op *r = container_of(op, struct read_op, op);
	struct roster_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.rows = r->rows.items;
		res.n_rows = r->rows.n;
		res.version = r->version;
		res.is_full = r->is_full;
	}
	r->done(op->data, &res);
}

static void
read_rows(struct store *s, const char *owner, int64_t since, roster_done *done,
	  void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_read,
					     finish_read, NULL };
	struct read_op *r = op_new(s, &type, sizeof(*r), op_room(owner));

	r->owner = op_copy(&r->op, owner);
	r->since = since;
	r->done = done;
	r->op.data = data;
	op_submit(&r->op, owner);
}

void
roster_load(struct store *s, const char *owner, roster_done *done, void *data)
{
	read_rows(s, owner, -1, done, data);
}

void
roster_changes(struct store *s, const char *owner, int64_t since,
	       roster_done *done, void *data)
{
	read_rows(s, owner, since, done, data);
}

static struct write_op *
of_op(struct op *op)
{
	return container_of(op, struct write_op, op);
}

/* STORE_OK where the row's version is the next one. Where nothing is stored
 * yet, the beginning may have risen since it was read. */
static enum store_status
check_version(struct write_op *w, struct db *db)
{
	int64_t known_since, next;
	bool is_stored;

	if (get_version(db, w->owner, &w->version, &known_since, &is_stored) <
	    0)
		return op_fail(&w->op, db);
	next = w->version + 1;
	if (!is_stored && w->row.version > 0 && w->row.version < next)
		w->row.version = next;
	return w->row.version == next ? STORE_OK : STORE_EXISTS;
}

static enum store_status
set_version(struct write_op *w, struct db *db)
{
	const struct db_value v[] = { db_text(w->owner), db_int(w->row.version),
				      db_int(w->row.version - 1) };

	if (db_exec(db, &sql[SET_VERSION], v, N_ELEMENTS(v)) < 0)
		return op_fail(&w->op, db);
	w->version = w->row.version;
	return STORE_OK;
}

/* Strangers' requests and the owner's contacts do not take each other's room.
 */
static enum store_status
check_room(struct write_op *w, struct db *db)
{
	const struct db_value row[] = { db_text(w->owner),
					db_text(w->row.jid) };
	unsigned listed = w->row.flags & ROSTER_LISTED;
	const struct db_value class[] = { db_text(w->owner),
					  db_int(ROSTER_LISTED),
					  db_int(listed) };
	int64_t flags = 0, count = 0;
	int got =
		db_query_int(db, &sql[GET_FLAGS], row, N_ELEMENTS(row), &flags);

	if (got > 0 && ((unsigned)flags & ROSTER_LISTED) == listed)
		return STORE_OK;
	if (got < 0 ||
	    db_query_int(db, &sql[COUNT], class, N_ELEMENTS(class), &count) < 0)
		return op_fail(&w->op, db);
	return (uint64_t)count < w->max_items ? STORE_OK : STORE_FULL;
}

static enum store_status
run_put(struct op *op, struct db *db)
{
	struct write_op *w = of_op(op);
	const struct roster_row *row = &w->row;
	unsigned unseen = row->flags & ROSTER_LISTED ? 0 : UNSEEN;
	enum store_status status = check_version(w, db);

	if (status == STORE_OK)
		status = check_room(w, db);
	if (status != STORE_OK)
		return status;
	const struct db_value v[] = {
		db_text(w->owner),	     db_text(row->jid),
		db_int(row->flags | unseen), db_int(row->version),
		db_text(row->name),	     db_text(row->groups),
		db_text(row->request),
	};

	if (db_exec(db, &sql[PUT], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return set_version(w, db);
}

/* The oldest go where there are too many. */
static int
drop_tombstones(struct write_op *w, struct db *db)
{
	struct db_value v[] = { db_text(w->owner), db_int(TOMBSTONES_MAX) };
	int64_t version;
	int got = db_query_int(db, &sql[OLD_TOMBSTONE], v, N_ELEMENTS(v),
			       &version);

	if (got <= 0)
		return got;
	v[1] = db_int(version);
	if (db_exec(db, &sql[DROP_TOMBSTONES], v, N_ELEMENTS(v)) < 0 ||
	    db_exec(db, &sql[SET_KNOWN], v, N_ELEMENTS(v)) < 0)
		return -1;
	return 0;
}

static enum store_status
run_remove(struct op *op, struct db *db)
{
	struct write_op *w = of_op(op);
	enum store_status status = check_version(w, db);
	int64_t n;

	if (status != STORE_OK)
		return status;
	const struct db_value v[] = { db_text(w->owner), db_text(w->row.jid),
				      db_int(w->row.version) };

	n = db_exec(db, &sql[DROP_UNSEEN], v, 2);
	if (n == 0)
		n = db_exec(db, &sql[BURY], v, N_ELEMENTS(v));
	if (n == 0)
		return STORE_NOT_FOUND;
	if (n < 0 || drop_tombstones(w, db) < 0)
		return op_fail(op, db);
	return set_version(w, db);
}

static void
finish_write(struct op *op)
{
	struct write_op *w = of_op(op);
	bool is_known = op->res.status < STORE_NO_SPACE;

	if (w->done)
		w->done(op->data, &op->res, is_known ? w->version : 0);
}

static struct write_op *
write_op_new(struct store *s, const struct op_type *type, const char *owner,
	     const struct roster_row *row, roster_write_done *done, void *data)
{
	struct write_op *w =
		op_new(s, type, sizeof(*w),
		       op_room(owner) + op_room(row->jid) + op_room(row->name) +
			       op_room(row->groups) + op_room(row->request));

	w->owner = op_copy(&w->op, owner);
	w->row = (struct roster_row){
		.jid = op_copy(&w->op, row->jid),
		.name = op_copy(&w->op, row->name),
		.groups = op_copy(&w->op, row->groups),
		.request = op_copy(&w->op, row->request),
		.flags = row->flags,
		.version = row->version,
	};
	w->done = done;
	w->op.data = data;
	return w;
}

void
roster_put(struct store *s, const char *owner, const struct roster_row *row,
	   size_t max_items, roster_write_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_put, finish_write,
					     NULL };
	struct write_op *w = write_op_new(s, &type, owner, row, done, data);

	w->max_items = max_items;
	op_submit(&w->op, owner);
}

void
roster_remove(struct store *s, const char *owner, const char *jid,
	      int64_t version, roster_write_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_remove, finish_write,
					     NULL };
	const struct roster_row row = { .jid = jid, .version = version };

	op_submit(&write_op_new(s, &type, owner, &row, done, data)->op, owner);
}
