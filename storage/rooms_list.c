/*
 * rooms_list.c - the table rooms, many at a time.
 *
 * JIDs hold no control character and no noncharacter, so adding one makes a
 * JID's direct follower, and the end of all that begin with a prefix.
 */

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"
#include "storage/room_rows.h"
#include "storage/rooms.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How far rooms are counted one by one, which is less than a millisecond. */
#define COUNT_MAX 5000

#define FOLLOWER "\x01"
#define LAST	 "\xf4\x8f\xbf\xbf" /* U+10FFFF */

enum {
	/* The second of each pair is for public rooms. */
	PAGE,
	PAGE_PUBLIC,
	PAGE_BACK,
	PAGE_BACK_PUBLIC,
	COUNT,
	COUNT_PUBLIC,
	SCAN,
	SCAN_PUBLIC,
	TOTAL,
	TOTAL_PUBLIC,
	GET,
	OCCUPIED,
	N_SQL
};

#define COLUMNS "jid, name, is_public, is_persistent, created_ms, used_ms"
#define RANGE	" FROM rooms WHERE service = $1 AND jid >= $2 AND jid < $3"
/* Said so, it fits an index on these alone. */
#define PUBLIC " AND is_public = 1"

static const struct db_sql sql[N_SQL] = {
	[PAGE] = { "SELECT " COLUMNS RANGE " ORDER BY jid LIMIT $4" },
	[PAGE_PUBLIC] = { "SELECT " COLUMNS RANGE PUBLIC
			  " ORDER BY jid LIMIT $4" },
	[PAGE_BACK] = { "SELECT " COLUMNS RANGE " ORDER BY jid DESC LIMIT $4" },
	[PAGE_BACK_PUBLIC] = { "SELECT " COLUMNS RANGE PUBLIC
			       " ORDER BY jid DESC LIMIT $4" },
	[COUNT] = { "SELECT count(*) FROM (SELECT 1" RANGE
		    " LIMIT $4) AS found" },
	[COUNT_PUBLIC] = { "SELECT count(*) FROM (SELECT 1" RANGE PUBLIC
			   " LIMIT $4) AS found" },
	[SCAN] = { "SELECT jid, name" RANGE " ORDER BY jid" },
	[SCAN_PUBLIC] = { "SELECT jid, name" RANGE PUBLIC " ORDER BY jid" },
	[TOTAL] = { "SELECT n_all FROM room_counts WHERE service = $1" },
	[TOTAL_PUBLIC] = { "SELECT n_public FROM room_counts"
			   " WHERE service = $1" },
	[GET] = { "SELECT " COLUMNS " FROM rooms WHERE jid = $1" },
	[OCCUPIED] = { "SELECT room FROM room_occupants WHERE room > $1"
		       " ORDER BY room LIMIT 1" },
};

const struct store_kind rooms_list_kind = { "rooms", sql, N_SQL, NULL };

/* JIDs from low on and before high. */
struct range {
	const char *low, *high;
};

struct list_op {
	struct op op;
	struct rooms_query q;
	struct range all, page; /* the whole result; what a page may hold */
	char *text;		/* owned; theirs */
	struct op_array rows;
	struct rooms_list_result res;
	rooms_list_done *done;
};

struct occupied_op {
	struct op op;
	const char *service;
	struct op_array jids;
	rooms_jids_done *done;
};

static struct list_op *
of_op(struct op *op)
{
	return container_of(op, struct list_op, op);
}

static void
add_row(struct list_op *l, struct db_rows *rows)
{
	struct room_row *row = op_array_add(&l->op, &l->rows, sizeof(*row));

	*row = (struct room_row){
		.jid = op_get_text(&l->op, rows, 0),
		.name = op_get_text(&l->op, rows, 1),
		.is_public = db_get_int(rows, 2) != 0,
		.is_persistent = db_get_int(rows, 3) != 0,
		.created_ms = db_get_int(rows, 4),
		.used_ms = db_get_int(rows, 5),
	};
}

static void
reverse(struct op_array *a)
{
	struct room_row *rows = a->items;

	for (size_t i = 0; i < a->n / 2; i++) {
		struct room_row row = rows[i];

		rows[i] = rows[a->n - 1 - i];
		rows[a->n - 1 - i] = row;
	}
}

static int
read_page(struct list_op *l, struct db *db)
{
	int which = l->q.is_backwards ? PAGE_BACK : PAGE;
	/* One more shows that there is more. */
	const struct db_value v[] = { db_text(l->q.service),
				      db_text(l->page.low),
				      db_text(l->page.high),
				      db_int((int64_t)l->q.max + 1) };
	struct db_rows *rows =
		db_query(db, &sql[which + l->q.only_public], v, N_ELEMENTS(v));
	int got = -1;

	while (rows && (got = db_next(rows)) > 0) {
		if (l->rows.n == l->q.max) {
			db_end(rows);
			break;
		}
		add_row(l, rows);
	}
	l->res.is_complete = got == 0;
	if (l->q.is_backwards)
		reverse(&l->rows);
	return got;
}

/* -1 as the count where there are more than COUNT_MAX. */
static int
count_range(struct list_op *l, struct db *db, const char *high,
	    int64_t *count_out)
{
	const struct db_value v[] = { db_text(l->q.service),
				      db_text(l->all.low), db_text(high),
				      db_int(COUNT_MAX + 1) };

	if (db_query_int(db, &sql[COUNT + l->q.only_public], v, N_ELEMENTS(v),
			 count_out) < 0)
		return -1;
	if (*count_out > COUNT_MAX)
		*count_out = -1;
	return 0;
}

static int
count(struct list_op *l, struct db *db)
{
	const struct db_value v[] = { db_text(l->q.service) };
	const struct room_row *rows = l->rows.items;

	if (l->q.prefix) {
		if (count_range(l, db, l->all.high, &l->res.count) < 0)
			return -1;
	} else {
		l->res.count = 0;
		if (db_query_int(db, &sql[TOTAL + l->q.only_public], v,
				 N_ELEMENTS(v), &l->res.count) < 0)
			return -1;
	}
	if (!l->rows.n)
		return 0;
	return count_range(l, db, rows[0].jid, &l->res.index);
}

static bool
contains(const char *text, size_t len, const char *part)
{
	size_t n = strlen(part);

	for (; len >= n; text++, len--) {
		if (strncasecmp(text, part, n) == 0)
			return true;
	}
	return false;
}

static bool
is_found(const struct list_op *l, const char *jid, const char *name)
{
	const char *at = strchr(jid, '@');

	return contains(jid, at ? (size_t)(at - jid) : 0, l->q.search) ||
	       (name && contains(name, strlen(name), l->q.search));
}

static struct db_rows *
scan(struct list_op *l, struct db *db)
{
	const struct db_value v[] = { db_text(l->q.service),
				      db_text(l->all.low),
				      db_text(l->all.high) };

	return db_query(db, &sql[SCAN + l->q.only_public], v, N_ELEMENTS(v));
}

/* How many are found: all, and those before the page, and before its end. */
struct found {
	size_t all, low, high;
};

static int
count_found(struct list_op *l, struct db *db, struct found *found)
{
	struct db_rows *rows = scan(l, db);
	int got = -1;

	*found = (struct found){ 0 };
	while (rows && (got = db_next(rows)) > 0) {
		const char *jid = db_get_text(rows, 0, NULL);

		if (!is_found(l, jid, db_get_text(rows, 1, NULL)))
			continue;
		found->all++;
		if (strcmp(jid, l->page.low) < 0)
			found->low++;
		if (strcmp(jid, l->page.high) < 0)
			found->high++;
	}
	return got;
}

static int
get_row(struct list_op *l, struct db *db, const char *jid)
{
	const struct db_value v[] = { db_text(jid) };
	struct db_rows *rows = db_query(db, &sql[GET], v, N_ELEMENTS(v));
	int got = rows ? db_next(rows) : -1;

	if (got <= 0)
		return got;
	add_row(l, rows);
	db_end(rows);
	return 0;
}

/* Those that are found, from number `from` to before `to`. */
static int
pick_found(struct list_op *l, struct db *db, size_t from, size_t to)
{
	struct db_rows *rows = from < to ? scan(l, db) : NULL;
	int got = from < to ? -1 : 0;

	for (size_t n = 0; rows && (got = db_next(rows)) > 0;) {
		const char *jid = db_get_text(rows, 0, NULL);

		if (!is_found(l, jid, db_get_text(rows, 1, NULL)))
			continue;
		if (n++ < from)
			continue;
		if (get_row(l, db, jid) < 0) {
			db_end(rows);
			return -1;
		}
		if (n == to) {
			db_end(rows);
			return 0;
		}
	}
	return got;
}

static int
search(struct list_op *l, struct db *db)
{
	struct found found;
	size_t from, to;

	if (count_found(l, db, &found) < 0)
		return -1;
	from = found.low;
	to = found.high > from ? found.high : from;
	l->res.is_complete = to - from <= l->q.max;
	if (!l->res.is_complete && l->q.is_backwards)
		from = to - l->q.max;
	else if (!l->res.is_complete)
		to = from + l->q.max;
	l->res.count = (int64_t)found.all;
	if (from < to)
		l->res.index = (int64_t)from;
	return pick_found(l, db, from, to);
}

static enum store_status
run_list(struct op *op, struct db *db)
{
	struct list_op *l = of_op(op);

	l->rows = (struct op_array){ 0 };
	l->res = (struct rooms_list_result){ .count = -1, .index = -1 };
	if (l->q.search) {
		if (search(l, db) < 0)
			return op_fail(op, db);
		return STORE_OK;
	}
	if (read_page(l, db) < 0 || count(l, db) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish_list(struct op *op)
{
	struct list_op *l = of_op(op);

	if (op->res.status != STORE_OK) {
		l->rows = (struct op_array){ 0 };
		l->res = (struct rooms_list_result){ .count = -1, .index = -1 };
	}
	l->res.res = op->res;
	l->res.rows = l->rows.items;
	l->res.n_rows = l->rows.n;
	l->done(op->data, &l->res);
}

/* Copies a, and b behind it, to *to. */
static const char *
join(char **to, const char *a, const char *b)
{
	char *text = *to;

	*to = stpcpy(stpcpy(text, a), b) + 1;
	return text;
}

static size_t
length(const char *s)
{
	return s ? strlen(s) : 0;
}

static void
set_ranges(struct list_op *l, const struct rooms_query *q)
{
	const char *prefix = q->prefix ? q->prefix : "";
	struct range limits;
	char *to;

	/* The four, each with its end and what is added. */
	l->text = mem_alloc(2 * strlen(prefix) + length(q->after) +
			    length(q->before) + 4 * sizeof(LAST));
	to = l->text;
	l->all.low = join(&to, prefix, "");
	l->all.high = join(&to, prefix, LAST);
	limits.low =
		join(&to, q->after ? q->after : "", q->after ? FOLLOWER : "");
	limits.high = join(&to, q->before ? q->before : LAST, "");
	l->page = l->all;
	if (strcmp(limits.low, l->page.low) > 0)
		l->page.low = limits.low;
	if (strcmp(limits.high, l->page.high) < 0)
		l->page.high = limits.high;
}

static void
fini_list(struct op *op)
{
	free(of_op(op)->text);
}

void
rooms_list(struct store *s, const struct rooms_query *q, rooms_list_done *done,
	   void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_list,
					     finish_list, fini_list };
	struct list_op *l = op_new(s, &type, sizeof(*l),
				   op_room(q->service) + op_room(q->prefix) +
					   op_room(q->search));

	l->q = *q;
	l->q.service = op_copy(&l->op, q->service);
	l->q.prefix = op_copy(&l->op, q->prefix);
	l->q.search = op_copy(&l->op, q->search);
	l->q.after = l->q.before = NULL; /* see page */
	if (l->q.max >= INT32_MAX)
		l->q.max = INT32_MAX;
	set_ranges(l, q);
	l->done = done;
	l->op.data = data;
	op_submit(&l->op, q->service);
}

/* From room to room, however many occupants each has. */
static enum store_status
run_occupied(struct op *op, struct db *db)
{
	struct occupied_op *o = container_of(op, struct occupied_op, op);
	const char *room = "";

	o->jids = (struct op_array){ 0 };
	for (;;) {
		const struct db_value v[] = { db_text(room) };
		struct db_rows *rows = db_query(db, &sql[OCCUPIED], v, 1);
		int got = rows ? db_next(rows) : -1;

		if (got <= 0)
			return got < 0 ? op_fail(op, db) : STORE_OK;
		room = op_get_text(op, rows, 0);
		db_end(rows);
		if (strcmp(room_rows_service(room), o->service) == 0)
			*(const char **)op_array_add(op, &o->jids,
						     sizeof(room)) = room;
	}
}

static void
finish_occupied(struct op *op)
{
	struct occupied_op *o = container_of(op, struct occupied_op, op);
	struct rooms_jids res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.jids = o->jids.items;
		res.n_jids = o->jids.n;
	}
	o->done(op->data, &res);
}

void
rooms_with_occupants(struct store *s, const char *service,
		     rooms_jids_done *done, void *data)
{
	static const struct op_type type = { OP_READ_MANY, run_occupied,
					     finish_occupied, NULL };
	struct occupied_op *o = op_new(s, &type, sizeof(*o), op_room(service));

	o->service = op_copy(&o->op, service);
	o->done = done;
	o->op.data = data;
	op_submit(&o->op, service);
}
