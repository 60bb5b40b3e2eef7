/*
 * archive.c - the tables archives and archive_rows: what changes them.
 *
 * An archive's rows have ordinals without a gap, since they leave at the old
 * end only: two of them tell how many rows are between them.
 */

#include "storage/archive.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* With a limit, old rows go so many appends at a time, at most, and so many
 * rows at once after the limit was lowered. */
#define TRIM_APPENDS_MAX 100
#define TRIM_ROWS_MAX	 1000
/* Owners that one archive_prune looks at. */
#define PRUNE_OWNERS 256

enum {
	GET_NUMBER,
	ADD,
	FIRST,
	LAST,
	INSERT,
	REPLACE,
	DROP_OLDEST,
	DROP_OLDER,
	NEXT_FROM,
	NEXT_BEHIND,
	NEXT_REMOVED,
	DROP_REMOVED,
	BOUND_FIRST,
	BOUND_LAST,
	REMOVE,
	FORGET,
	N_SQL
};

/* The rows of the owner $1. */
#define ROWS                            \
	" archive_rows WHERE archive =" \
	" (SELECT number FROM archives WHERE owner = $1)"

static const struct db_sql sql[N_SQL] = {
	[GET_NUMBER] = { "SELECT number FROM archives WHERE owner = $1" },
	[ADD] = { "INSERT INTO archives (owner) VALUES ($1)" },
	[FIRST] = { "SELECT ordinal FROM archive_rows WHERE archive = $1"
		    " ORDER BY id LIMIT 1" },
	[LAST] = { "SELECT id, ordinal FROM archive_rows WHERE archive = $1"
		   " ORDER BY id DESC LIMIT 1" },
	[INSERT] = { "INSERT INTO archive_rows (archive, id, ordinal,"
		     " stamp_ms, kind, peer, origin_id, xml)"
		     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)" },
	[REPLACE] = { "UPDATE archive_rows SET kind = $3, xml = $4,"
		      " origin_id = NULL WHERE archive ="
		      " (SELECT number FROM archives WHERE owner = $1)"
		      " AND id = $2" },
	[DROP_OLDEST] = { "DELETE FROM archive_rows WHERE archive = $1"
			  " AND id IN (SELECT id FROM archive_rows"
			  " WHERE archive = $1 ORDER BY id LIMIT $2)" },
	[DROP_OLDER] = { "DELETE FROM archive_rows WHERE archive = $1"
			 " AND id IN (SELECT id FROM archive_rows"
			 " WHERE archive = $1 AND id < $3"
			 " ORDER BY id LIMIT $2)" },
	[NEXT_FROM] = { "SELECT number, owner FROM archives"
			" WHERE owner >= $1 ORDER BY owner LIMIT 1" },
	[NEXT_BEHIND] = { "SELECT number, owner FROM archives"
			  " WHERE owner > $1 ORDER BY owner LIMIT 1" },
	[NEXT_REMOVED] = { "SELECT number FROM archives_removed"
			   " WHERE number > 0"
			   " ORDER BY number LIMIT 1" },
	[DROP_REMOVED] = { "DELETE FROM archives_removed WHERE number = $1" },
	[BOUND_FIRST] = { "SELECT id, stamp_ms, ordinal FROM" ROWS
			  " ORDER BY id LIMIT 1" },
	[BOUND_LAST] = { "SELECT id, stamp_ms, ordinal FROM" ROWS
			 " ORDER BY id DESC LIMIT 1" },
	[REMOVE] = { "INSERT INTO archives_removed (number)"
		     " SELECT number FROM archives WHERE owner = $1" },
	[FORGET] = { "DELETE FROM archives WHERE owner = $1" },
};

const struct store_kind archive_kind = {
	"archive", sql, N_SQL,
	(const struct db_sql *const[]){ &sql[REMOVE], &sql[FORGET], NULL }
};

/* Every change of one owner's. */
struct write_op {
	struct op op;
	const char *owner;
	struct archive_row row;
	char *xml; /* owned; row.xml */
	int64_t keep;
};

struct prune_op {
	struct op op;
	const char *domain, *from; /* domain: or NULL */
	int64_t before, max;
	struct archive_pruned res;
	archive_prune_done *done;
};

struct bounds_op {
	struct op op;
	const char *owner;
	struct archive_bounds bounds;
	archive_bounds_done *done;
};

int64_t
archive_id_at(int64_t ms)
{
	if (ms > INT64_MAX / 1000)
		return INT64_MAX;
	return ms < 0 ? 0 : ms * 1000;
}

static struct write_op *
of_op(struct op *op)
{
	return container_of(op, struct write_op, op);
}

static void
fini_write(struct op *op)
{
	free(of_op(op)->xml);
}

static struct write_op *
write_op_new(struct store *s, const struct op_type *type, const char *owner,
	     const struct archive_row *row, store_done *done, void *data)
{
	struct write_op *w = op_new(s, type, sizeof(*w),
				    op_room(owner) + op_room(row->peer) +
					    op_room(row->origin_id));

	w->owner = op_copy(&w->op, owner);
	w->row = *row;
	w->row.peer = op_copy(&w->op, row->peer);
	w->row.origin_id = op_copy(&w->op, row->origin_id);
	if (row->xml) {
		w->xml = mem_alloc(row->len + 1);
		memcpy(w->xml, row->xml, row->len);
		w->row.xml = w->xml;
	}
	w->op.done = done;
	w->op.data = data;
	return w;
}

/* Not at each append: finding the oldest costs about what adding one does. */
static bool
is_time_to_trim(int64_t ordinal, int64_t keep)
{
	int64_t every = keep / 8 + 1;

	if (every > TRIM_APPENDS_MAX)
		every = TRIM_APPENDS_MAX;
	return keep > 0 && ordinal % every == 0;
}

static int
trim(struct write_op *w, struct db *db, int64_t number, int64_t ordinal)
{
	struct db_value v[2] = { db_int(number) };
	int64_t first = 0, excess;

	if (db_query_int(db, &sql[FIRST], v, 1, &first) < 0)
		return -1;
	excess = ordinal - first + 1 - w->keep;
	if (excess <= 0)
		return 0;
	v[1] = db_int(excess < TRIM_ROWS_MAX ? excess : TRIM_ROWS_MAX);
	return db_exec(db, &sql[DROP_OLDEST], v, 2) < 0 ? -1 : 0;
}

/* A new archive has its number from here. */
static int
get_number(struct db *db, const char *owner, int64_t *number_out)
{
	const struct db_value v[] = { db_text(owner) };
	int got = db_query_int(db, &sql[GET_NUMBER], v, 1, number_out);

	if (got == 0 && db_exec(db, &sql[ADD], v, 1) >= 0)
		got = db_query_int(db, &sql[GET_NUMBER], v, 1, number_out);
	return got > 0 ? 0 : -1;
}

/* Of its newest row; both 0 where it has none. */
static int
get_last(struct db *db, int64_t number, int64_t *id_out, int64_t *ordinal_out)
{
	const struct db_value v[] = { db_int(number) };
	struct db_rows *rows = db_query(db, &sql[LAST], v, 1);
	int got = rows ? db_next(rows) : -1;

	*id_out = *ordinal_out = 0;
	if (got <= 0)
		return got;
	*id_out = db_get_int(rows, 0);
	*ordinal_out = db_get_int(rows, 1);
	db_end(rows);
	return 0;
}

static enum store_status
run_append(struct op *op, struct db *db)
{
	struct write_op *w = of_op(op);
	const struct archive_row *row = &w->row;
	int64_t number, last_id, ordinal;

	if (get_number(db, w->owner, &number) < 0 ||
	    get_last(db, number, &last_id, &ordinal) < 0)
		return op_fail(op, db);
	if (row->id <= last_id)
		return STORE_EXISTS;
	ordinal++;
	const struct db_value v[] = {
		db_int(number),		 db_int(row->id),
		db_int(ordinal),	 db_int(row->stamp_ms),
		db_int(row->kind),	 db_text(row->peer),
		db_text(row->origin_id), db_textn(row->xml, row->len),
	};

	if (db_exec(db, &sql[INSERT], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	if (is_time_to_trim(ordinal, w->keep) &&
	    trim(w, db, number, ordinal) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
archive_append(struct store *s, const char *owner,
	       const struct archive_row *row, int64_t keep, store_done *done,
	       void *data)
{
	static const struct op_type type = { OP_WRITE, run_append, NULL,
					     fini_write };
	struct write_op *w = write_op_new(s, &type, owner, row, done, data);

	assert(row->id > 0 && row->id < INT64_MAX);
	w->keep = keep;
	op_submit(&w->op, owner);
}

static enum store_status
run_replace(struct op *op, struct db *db)
{
	struct write_op *w = of_op(op);
	const struct archive_row *row = &w->row;
	const struct db_value v[] = { db_text(w->owner), db_int(row->id),
				      db_int(row->kind),
				      db_textn(row->xml, row->len) };
	int64_t n = db_exec(db, &sql[REPLACE], v, N_ELEMENTS(v));

	if (n < 0)
		return op_fail(op, db);
	return n ? STORE_OK : STORE_NOT_FOUND;
}

void
archive_replace(struct store *s, const char *owner, int64_t id, unsigned kind,
		const char *xml, size_t len, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_replace, NULL,
					     fini_write };
	const struct archive_row row = {
		.id = id, .kind = kind, .xml = xml, .len = len
	};

	op_submit(&write_op_new(s, &type, owner, &row, done, data)->op, owner);
}

static enum store_status
run_remove(struct op *op, struct db *db)
{
	const struct db_value v[] = { db_text(of_op(op)->owner) };

	if (db_exec(db, &sql[REMOVE], v, N_ELEMENTS(v)) < 0 ||
	    db_exec(db, &sql[FORGET], v, N_ELEMENTS(v)) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

void
archive_remove(struct store *s, const char *owner, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_remove, NULL,
					     fini_write };
	const struct archive_row row = { 0 };

	op_submit(&write_op_new(s, &type, owner, &row, done, data)->op, owner);
}

/* The next archive by owner: 1, 0 where there is none, -1. */
static int
next_archive(struct op *op, struct db *db, int which, const char *than,
	     int64_t *number_out, const char **owner_out)
{
	const struct db_value v[] = { db_text(than) };
	struct db_rows *rows = db_query(db, &sql[which], v, 1);
	int got = rows ? db_next(rows) : -1;

	if (got <= 0)
		return got;
	*number_out = db_get_int(rows, 0);
	*owner_out = op_get_text(op, rows, 1);
	db_end(rows);
	return 1;
}

static bool
is_at(const char *owner, const char *domain)
{
	const char *at = strchr(owner, '@');

	return !domain || strcmp(at ? at + 1 : owner, domain) == 0;
}

static bool
is_done(const struct prune_op *p)
{
	return p->res.n_removed >= (size_t)p->max;
}

/* Removes rows with ids below p->before, or all, as many as it may. */
static int
drop(struct prune_op *p, struct db *db, int which, int64_t number)
{
	const struct db_value v[] = {
		db_int(number), db_int(p->max - (int64_t)p->res.n_removed),
		db_int(p->before)
	};
	int64_t n = db_exec(db, &sql[which], v, N_ELEMENTS(v));

	if (n < 0)
		return -1;
	p->res.n_removed += (size_t)n;
	return 0;
}

/* What is left of archives that were removed. */
static int
prune_removed(struct prune_op *p, struct db *db)
{
	while (!is_done(p)) {
		int64_t number;
		int got =
			db_query_int(db, &sql[NEXT_REMOVED], NULL, 0, &number);

		if (got <= 0)
			return got;
		if (drop(p, db, DROP_OLDEST, number) < 0)
			return -1;
		const struct db_value v[] = { db_int(number) };

		/* Perhaps it has more of them. */
		if (!is_done(p) && db_exec(db, &sql[DROP_REMOVED], v, 1) < 0)
			return -1;
	}
	return 0;
}

static enum store_status
run_prune(struct op *op, struct db *db)
{
	struct prune_op *p = container_of(op, struct prune_op, op);
	const char *owner = p->from;
	int64_t number = 0;
	int got = 0;

	p->res = (struct archive_pruned){ 0 };
	if (prune_removed(p, db) < 0)
		return op_fail(op, db);
	if (is_done(p))
		got = 1;
	else
		got = next_archive(op, db, NEXT_FROM, owner, &number, &owner);
	for (int n = 0; got > 0; n++) {
		if (n >= PRUNE_OWNERS || is_done(p)) {
			p->res.next_owner = owner;
			return STORE_OK;
		}
		if (is_at(owner, p->domain) &&
		    drop(p, db, DROP_OLDER, number) < 0)
			return op_fail(op, db);
		/* Perhaps it has more of them. */
		if (!is_done(p))
			got = next_archive(op, db, NEXT_BEHIND, owner, &number,
					   &owner);
	}
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_prune(struct op *op)
{
	struct prune_op *p = container_of(op, struct prune_op, op);

	if (op->res.status != STORE_OK)
		p->res = (struct archive_pruned){ 0 };
	p->res.res = op->res;
	p->done(op->data, &p->res);
}

void
archive_prune(struct store *s, const char *domain, const char *from,
	      int64_t before_ms, size_t max, archive_prune_done *done,
	      void *data)
{
	static const struct op_type type = { OP_WRITE, run_prune, finish_prune,
					     NULL };
	struct prune_op *p =
		op_new(s, &type, sizeof(*p),
		       op_room(domain) + op_room(from ? from : ""));

	assert(max > 0);
	p->domain = op_copy(&p->op, domain);
	p->from = op_copy(&p->op, from ? from : "");
	p->before = archive_id_at(before_ms);
	p->max = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	p->done = done;
	p->op.data = data;
	op_submit(&p->op, domain ? domain : "");
}

/* 1, 0 where there is no row, -1. */
static int
get_bound(struct db *db, int which, const char *owner, int64_t *id_out,
	  int64_t *ms_out, int64_t *ordinal_out)
{
	const struct db_value v[] = { db_text(owner) };
	struct db_rows *rows = db_query(db, &sql[which], v, 1);
	int got = rows ? db_next(rows) : -1;

	if (got <= 0)
		return got;
	*id_out = db_get_int(rows, 0);
	*ms_out = db_get_int(rows, 1);
	*ordinal_out = db_get_int(rows, 2);
	db_end(rows);
	return 1;
}

static enum store_status
run_bounds(struct op *op, struct db *db)
{
	struct bounds_op *o = container_of(op, struct bounds_op, op);
	struct archive_bounds *b = &o->bounds;
	int64_t first = 0, last = 0;
	int got;

	*b = (struct archive_bounds){ 0 };
	got = get_bound(db, BOUND_FIRST, o->owner, &b->first_id, &b->first_ms,
			&first);
	if (got > 0)
		got = get_bound(db, BOUND_LAST, o->owner, &b->last_id,
				&b->last_ms, &last);
	if (got < 0)
		return op_fail(op, db);
	if (got > 0)
		b->count = last - first + 1;
	return STORE_OK;
}

static void
finish_bounds(struct op *op)
{
	struct bounds_op *o = container_of(op, struct bounds_op, op);

	if (op->res.status != STORE_OK)
		o->bounds = (struct archive_bounds){ 0 };
	o->bounds.res = op->res;
	o->done(op->data, &o->bounds);
}

void
archive_bounds(struct store *s, const char *owner, archive_bounds_done *done,
	       void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_bounds,
					     finish_bounds, NULL };
	struct bounds_op *o = op_new(s, &type, sizeof(*o), op_room(owner));

	o->owner = op_copy(&o->op, owner);
	o->done = done;
	o->op.data = data;
	op_submit(&o->op, owner);
}
