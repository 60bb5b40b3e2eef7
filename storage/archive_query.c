/* archive_query.c - the table archive_rows: what reads them. */

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/archive.h"
#include "storage/kinds.h"
#include "storage/op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows with a peer are counted one by one, which takes about 0.3 us for each
 * row that is looked at: not among more of them. */
#define COUNT_PEER_MAX 10000

enum {
	HAS,
	GET,
	PAGE,
	PAGE_BACK,
	PAGE_PEER,
	PAGE_PEER_BACK,
	FIRST,
	LAST,
	COUNT_PEER,
	NEWEST,
	FIND_ORIGIN,
	N_SQL
};

/* The rows of the owner $1. */
#define ROWS                                 \
	" FROM archive_rows WHERE archive =" \
	" (SELECT number FROM archives WHERE owner = $1)"
#define COLUMNS "id, stamp_ms, peer, origin_id, kind, ordinal, xml"
#define RANGE	ROWS " AND id >= $2 AND id <= $3"

static const struct db_sql sql[N_SQL] = {
	[HAS] = { "SELECT peer" ROWS " AND id = $2" },
	[GET] = { "SELECT " COLUMNS ROWS " AND id = $2" },
	[PAGE] = { "SELECT " COLUMNS RANGE " ORDER BY id LIMIT $4" },
	[PAGE_BACK] = { "SELECT " COLUMNS RANGE " ORDER BY id DESC LIMIT $4" },
	[PAGE_PEER] = { "SELECT " COLUMNS RANGE " AND peer = $5"
			" ORDER BY id LIMIT $4" },
	[PAGE_PEER_BACK] = { "SELECT " COLUMNS RANGE " AND peer = $5"
			     " ORDER BY id DESC LIMIT $4" },
	[FIRST] = { "SELECT ordinal" RANGE " ORDER BY id LIMIT 1" },
	[LAST] = { "SELECT ordinal" RANGE " ORDER BY id DESC LIMIT 1" },
	[COUNT_PEER] = { "SELECT count(*)" RANGE " AND peer = $4" },
	[NEWEST] = { "SELECT " COLUMNS ROWS " AND (kind & $2) = $2"
		     " ORDER BY id DESC LIMIT $3" },
	[FIND_ORIGIN] = { "SELECT " COLUMNS " FROM"
			  " (SELECT " COLUMNS ROWS
			  " ORDER BY id DESC LIMIT $4) AS newest"
			  " WHERE peer = $2 AND origin_id = $3"
			  " ORDER BY id DESC LIMIT 1" },
};

const struct store_kind archive_query_kind = { "archive", sql, N_SQL, NULL };

struct query_op {
	struct op op;
	const char *owner, *origin_id;
	struct archive_query q;
	int64_t *ids;	   /* owned; q.ids, sorted */
	int64_t low, high; /* the ids of the result are within these */
	struct op_array rows, found;
	struct archive_result res;
	archive_done *done;
};

static struct query_op *
of_op(struct op *op)
{
	return container_of(op, struct query_op, op);
}

static void
fini(struct op *op)
{
	free(of_op(op)->ids);
}

static struct query_op *
query_op_new(struct store *s, const struct op_type *type, const char *owner,
	     const char *peer, const char *origin_id, archive_done *done,
	     void *data)
{
	struct query_op *o =
		op_new(s, type, sizeof(*o),
		       op_room(owner) + op_room(peer) + op_room(origin_id));

	o->owner = op_copy(&o->op, owner);
	o->q.peer = op_copy(&o->op, peer);
	o->origin_id = op_copy(&o->op, origin_id);
	o->done = done;
	o->op.data = data;
	return o;
}

/* Everything that a run sets. */
static void
start(struct query_op *o)
{
	o->rows = o->found = (struct op_array){ 0 };
	o->res = (struct archive_result){ .count = -1, .index = -1 };
}

/* Returns the row's ordinal. */
static int64_t
add_row(struct query_op *o, struct db_rows *rows)
{
	struct archive_row *row = op_array_add(&o->op, &o->rows, sizeof(*row));
	const char *xml;

	*row = (struct archive_row){
		.id = db_get_int(rows, 0),
		.stamp_ms = db_get_int(rows, 1),
		.peer = op_get_text(&o->op, rows, 2),
		.origin_id = op_get_text(&o->op, rows, 3),
		.kind = (unsigned)db_get_int(rows, 4),
	};
	xml = db_get_text(rows, 6, &row->len);
	row->xml = arena_strndup(op_arena(&o->op), xml, row->len);
	return db_get_int(rows, 5);
}

static void
reverse(struct op_array *a)
{
	struct archive_row *rows = a->items;

	for (size_t i = 0; i < a->n / 2; i++) {
		struct archive_row row = rows[i];

		rows[i] = rows[a->n - 1 - i];
		rows[a->n - 1 - i] = row;
	}
}

static void
finish(struct op *op)
{
	struct query_op *o = of_op(op);

	if (op->res.status != STORE_OK)
		start(o);
	o->res.res = op->res;
	o->res.rows = o->rows.items;
	o->res.n_rows = o->rows.n;
	o->done(op->data, &o->res);
}

/* OK, or NOT_FOUND where the id is given but not in the archive. */
static enum store_status
check_id(struct query_op *o, struct db *db, int64_t id)
{
	const struct db_value v[] = { db_text(o->owner), db_int(id) };
	struct db_rows *rows;
	int got;

	if (!id)
		return STORE_OK;
	rows = db_query(db, &sql[HAS], v, N_ELEMENTS(v));
	got = rows ? db_next(rows) : -1;
	if (got < 0)
		return op_fail(&o->op, db);
	if (got)
		db_end(rows);
	return got ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_status
check_ids(struct query_op *o, struct db *db)
{
	const int64_t ids[] = { o->q.after_id, o->q.before_id, o->q.page_after,
				o->q.page_before };
	enum store_status status = STORE_OK;

	for (size_t i = 0; i < N_ELEMENTS(ids) && status == STORE_OK; i++)
		status = check_id(o, db, ids[i]);
	return status;
}

static void
narrow(int64_t *low, int64_t *high, int64_t after, int64_t before)
{
	if (after && after >= *low)
		*low = after + 1;
	if (before && before <= *high)
		*high = before - 1;
}

static void
set_limits(struct query_op *o)
{
	const struct archive_query *q = &o->q;

	o->low = q->start_ms ? archive_id_at(q->start_ms) : 0;
	o->high = INT64_MAX;
	if (q->end_ms && q->end_ms < INT64_MAX)
		o->high = archive_id_at(q->end_ms + 1) - 1;
	narrow(&o->low, &o->high, q->after_id, q->before_id);
}

/* Whether there is room for more in the page. */
static bool
is_page_open(const struct query_op *o, size_t bytes)
{
	return o->rows.n < o->q.max && bytes < ARCHIVE_PAGE_BYTES;
}

static size_t
last_len(const struct query_op *o)
{
	const struct archive_row *rows = o->rows.items;

	return rows[o->rows.n - 1].len;
}

/* first_out: ordinal of the page's first row. */
static int
read_page(struct query_op *o, struct db *db, int64_t *first_out)
{
	int64_t low = o->low, high = o->high;
	int which = o->q.peer ? PAGE_PEER : PAGE;
	struct db_rows *rows;
	size_t bytes = 0;
	int got = -1;

	narrow(&low, &high, o->q.page_after, o->q.page_before);
	/* One more row shows that there is more. */
	const struct db_value v[] = { db_text(o->owner), db_int(low),
				      db_int(high),
				      db_int((int64_t)o->q.max + 1),
				      db_text(o->q.peer) };

	/* The pages backwards follow those forwards. */
	rows = db_query(db, &sql[which + o->q.is_backwards], v, N_ELEMENTS(v));
	while (rows && (got = db_next(rows)) > 0) {
		int64_t ordinal;

		if (!is_page_open(o, bytes)) {
			db_end(rows);
			break;
		}
		ordinal = add_row(o, rows);
		if (o->rows.n == 1 || o->q.is_backwards)
			*first_out = ordinal;
		bytes += last_len(o);
	}
	o->res.is_complete = got == 0;
	if (o->q.is_backwards)
		reverse(&o->rows);
	return got;
}

/* All rows within the limits, whoever their peer is. -1 where that failed.
 * page: ordinal of the page's first row. */
static int
count_all(struct query_op *o, struct db *db, int64_t page)
{
	const struct db_value v[] = { db_text(o->owner), db_int(o->low),
				      db_int(o->high) };
	int64_t first = 0, last = 0;
	int got = db_query_int(db, &sql[FIRST], v, N_ELEMENTS(v), &first);

	if (got > 0)
		got = db_query_int(db, &sql[LAST], v, N_ELEMENTS(v), &last);
	if (got < 0)
		return -1;
	o->res.count = got ? last - first + 1 : 0;
	if (o->rows.n)
		o->res.index = page - first;
	return 0;
}

/* How many rows of the result have ids up to high. */
static int
count_peer(struct query_op *o, struct db *db, int64_t high, int64_t *count_out)
{
	const struct db_value v[] = { db_text(o->owner), db_int(o->low),
				      db_int(high), db_text(o->q.peer) };

	return db_query_int(db, &sql[COUNT_PEER], v, N_ELEMENTS(v), count_out);
}

static int
count(struct query_op *o, struct db *db, int64_t page)
{
	const struct archive_row *rows = o->rows.items;

	if (!o->q.has_count)
		return 0;
	if (count_all(o, db, page) < 0)
		return -1;
	if (!o->q.peer)
		return 0;
	if (o->res.count > COUNT_PEER_MAX) {
		o->res.count = o->res.index = -1;
		return 0;
	}
	if (count_peer(o, db, o->high, &o->res.count) < 0)
		return -1;
	if (!o->rows.n)
		return 0;
	return count_peer(o, db, rows[0].id - 1, &o->res.index);
}

/* Finds which of the ids are in the result; NOT_FOUND where one is nowhere. */
static enum store_status
find_ids(struct query_op *o, struct db *db)
{
	for (size_t i = 0; i < o->q.n_ids; i++) {
		int64_t id = o->ids[i];
		const struct db_value v[] = { db_text(o->owner), db_int(id) };
		struct db_rows *rows;
		bool is_in;
		int got;

		if (i > 0 && id == o->ids[i - 1])
			continue;
		rows = db_query(db, &sql[HAS], v, N_ELEMENTS(v));
		got = rows ? db_next(rows) : -1;
		if (got <= 0)
			return got < 0 ? op_fail(&o->op, db) : STORE_NOT_FOUND;
		is_in = id >= o->low && id <= o->high;
		if (is_in && o->q.peer) {
			const char *peer = db_get_text(rows, 0, NULL);

			is_in = peer && strcmp(peer, o->q.peer) == 0;
		}
		db_end(rows);
		if (is_in)
			*(int64_t *)op_array_add(&o->op, &o->found,
						 sizeof(id)) = id;
	}
	return STORE_OK;
}

/* 1, 0 where there is no such row, -1. */
static int
read_row(struct query_op *o, struct db *db, int64_t id)
{
	const struct db_value v[] = { db_text(o->owner), db_int(id) };
	struct db_rows *rows = db_query(db, &sql[GET], v, N_ELEMENTS(v));
	int got = rows ? db_next(rows) : -1;

	if (got <= 0)
		return got;
	add_row(o, rows);
	db_end(rows);
	return 1;
}

/* The page of those that find_ids has found. */
static enum store_status
read_ids(struct query_op *o, struct db *db)
{
	const int64_t *ids = o->found.items;
	int64_t low = INT64_MIN, high = INT64_MAX;
	size_t from = 0, to = o->found.n, bytes = 0;

	narrow(&low, &high, o->q.page_after, o->q.page_before);
	while (from < to && ids[from] < low)
		from++;
	while (to > from && ids[to - 1] > high)
		to--;
	while (from < to && is_page_open(o, bytes)) {
		size_t i = o->q.is_backwards ? --to : from++;

		if (read_row(o, db, ids[i]) < 0)
			return op_fail(&o->op, db);
		bytes += last_len(o);
	}
	o->res.is_complete = from == to;
	if (o->q.is_backwards)
		reverse(&o->rows);
	if (!o->q.has_count)
		return STORE_OK;
	o->res.count = (int64_t)o->found.n;
	if (o->rows.n)
		o->res.index =
			(int64_t)(o->q.is_backwards ? to : from - o->rows.n);
	return STORE_OK;
}

static enum store_status
run_query(struct op *op, struct db *db)
{
	struct query_op *o = of_op(op);
	enum store_status status;
	int64_t first = 0;

	start(o);
	status = check_ids(o, db);
	if (status != STORE_OK)
		return status;
	set_limits(o);
	if (o->q.n_ids) {
		status = find_ids(o, db);
		return status == STORE_OK ? read_ids(o, db) : status;
	}
	if (read_page(o, db, &first) < 0 || count(o, db, first) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
archive_query(struct store *s, const char *owner, const struct archive_query *q,
	      archive_done *done, void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_query, finish,
					     fini };
	struct query_op *o =
		query_op_new(s, &type, owner, q->peer, NULL, done, data);
	const char *peer = o->q.peer;

	assert(q->n_ids <= ARCHIVE_IDS_MAX);
	o->q = *q;
	o->q.peer = peer;
	if (o->q.max >= INT32_MAX)
		o->q.max = INT32_MAX;
	if (q->n_ids) {
		o->ids = mem_alloc(q->n_ids * sizeof(*o->ids));
		memcpy(o->ids, q->ids, q->n_ids * sizeof(*o->ids));
		qsort(o->ids, q->n_ids, sizeof(*o->ids), compare_ids);
	}
	o->q.ids = o->ids;
	op_submit(&o->op, owner);
}

static enum store_status
run_get(struct op *op, struct db *db)
{
	struct query_op *o = of_op(op);
	int got;

	start(o);
	got = read_row(o, db, o->low);
	if (got < 0)
		return op_fail(op, db);
	o->res.is_complete = true;
	return got ? STORE_OK : STORE_NOT_FOUND;
}

void
archive_get(struct store *s, const char *owner, int64_t id, archive_done *done,
	    void *data)
{
	static const struct op_type type = { OP_READ, run_get, finish, NULL };
	struct query_op *o =
		query_op_new(s, &type, owner, NULL, NULL, done, data);

	o->low = id;
	op_submit(&o->op, owner);
}

static enum store_status
run_last(struct op *op, struct db *db)
{
	struct query_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_int(o->low),
				      db_int((int64_t)o->q.max) };
	struct db_rows *rows = db_query(db, &sql[NEWEST], v, N_ELEMENTS(v));
	int got = -1;

	start(o);
	while (rows && (got = db_next(rows)) > 0)
		add_row(o, rows);
	if (got < 0)
		return op_fail(op, db);
	reverse(&o->rows);
	o->res.is_complete = o->rows.n < o->q.max;
	return STORE_OK;
}

void
archive_last(struct store *s, const char *owner, unsigned kind, size_t n,
	     archive_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_last, finish, NULL };
	struct query_op *o =
		query_op_new(s, &type, owner, NULL, NULL, done, data);

	o->low = kind;
	o->q.max = n < INT32_MAX ? n : INT32_MAX;
	op_submit(&o->op, owner);
}

static enum store_status
run_find_origin(struct op *op, struct db *db)
{
	struct query_op *o = of_op(op);
	const struct db_value v[] = { db_text(o->owner), db_text(o->q.peer),
				      db_text(o->origin_id),
				      db_int((int64_t)o->q.max) };
	struct db_rows *rows =
		db_query(db, &sql[FIND_ORIGIN], v, N_ELEMENTS(v));
	int got = rows ? db_next(rows) : -1;

	start(o);
	if (got < 0)
		return op_fail(op, db);
	if (!got)
		return STORE_NOT_FOUND;
	add_row(o, rows);
	db_end(rows);
	o->res.is_complete = true;
	return STORE_OK;
}

void
archive_find_origin(struct store *s, const char *owner, const char *peer,
		    const char *origin_id, size_t n, archive_done *done,
		    void *data)
{
	static const struct op_type type = { OP_READ, run_find_origin, finish,
					     NULL };
	struct query_op *o =
		query_op_new(s, &type, owner, peer, origin_id, done, data);

	o->q.max = n < INT32_MAX ? n : INT32_MAX;
	op_submit(&o->op, owner);
}
