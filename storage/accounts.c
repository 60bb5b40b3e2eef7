/* accounts.c - the table accounts. */

#include "storage/accounts.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "storage/kinds.h"
#include "storage/op.h"

#include <stdlib.h>
#include <string.h>

enum {
	GET,
	CREATE,
	SET_KEYS,
	SET_LAST,
	SET_DISABLED,
	DELETE,
	LIST,
	LIST_DISABLED,
	COUNT,
	COUNT_DISABLED,
	MIX,
	N_SQL
};

static const struct db_sql sql[N_SQL] = {
	[GET] = { "SELECT created_ms, last_seen_ms, last_status, disabled,"
		  " sha1_iterations, sha1_salt, sha1_stored, sha1_server,"
		  " sha256_iterations, sha256_salt, sha256_stored,"
		  " sha256_server,"
		  " sha512_iterations, sha512_salt, sha512_stored,"
		  " sha512_server"
		  " FROM accounts WHERE domain = $1 AND local = $2" },
	[CREATE] = { "INSERT INTO accounts (domain, local,"
		     " sha1_iterations, sha1_salt, sha1_stored, sha1_server,"
		     " sha256_iterations, sha256_salt, sha256_stored,"
		     " sha256_server,"
		     " sha512_iterations, sha512_salt, sha512_stored,"
		     " sha512_server,"
		     " created_ms, last_seen_ms, disabled)"
		     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
		     " $12, $13, $14, $15, 0, 0)"
		     " ON CONFLICT (domain, local) DO NOTHING" },
	[SET_KEYS] = { "UPDATE accounts SET"
		       " sha1_iterations = $3, sha1_salt = $4,"
		       " sha1_stored = $5, sha1_server = $6,"
		       " sha256_iterations = $7, sha256_salt = $8,"
		       " sha256_stored = $9, sha256_server = $10,"
		       " sha512_iterations = $11, sha512_salt = $12,"
		       " sha512_stored = $13, sha512_server = $14"
		       " WHERE domain = $1 AND local = $2" },
	[SET_LAST] = { "UPDATE accounts SET last_seen_ms = $3,"
		       " last_status = $4"
		       " WHERE domain = $1 AND local = $2" },
	[SET_DISABLED] = { "UPDATE accounts SET disabled = $3"
			   " WHERE domain = $1 AND local = $2" },
	[DELETE] = { "DELETE FROM accounts"
		     " WHERE domain = $1 AND local = $2" },
	[LIST] = { "SELECT local FROM accounts"
		   " WHERE domain = $1 AND local > $2"
		   " ORDER BY local LIMIT $3" },
	[LIST_DISABLED] = { "SELECT local FROM accounts"
			    " WHERE domain = $1 AND local > $2"
			    " AND disabled <> 0 ORDER BY local LIMIT $3" },
	[COUNT] = { "SELECT count(*) FROM accounts WHERE domain = $1" },
	[COUNT_DISABLED] = { "SELECT count(*) FROM accounts"
			     " WHERE domain = $1 AND disabled <> 0" },
	[MIX] = { "SELECT sha256_iterations, count(*) FROM accounts"
		  " WHERE domain = $1 AND sha256_iterations > 0"
		  " GROUP BY sha256_iterations"
		  " ORDER BY count(*) DESC LIMIT $2" },
};

const struct store_kind accounts_kind = { "accounts", sql, N_SQL, NULL };

static const size_t key_len[ACCOUNT_HASHES] = { 20, 32, 64 };

/* Every request on one account. */
struct account_op {
	struct op op;
	const char *jid;
	struct account_keys keys[ACCOUNT_HASHES];
	int64_t ms; /* of creation, or when last seen */
	const char *status;
	bool disabled;

	account_done *done;
	struct account_record record;
};

struct list_op {
	struct op op;
	const struct db_sql *sql;
	const char *domain, *after;
	int64_t max;
	struct op_array jids; /* const char * */
	account_list_done *done;
};

struct mix_op {
	struct op op;
	const char *domain;
	size_t max;
	struct op_array rows; /* struct account_mix */
	account_mix_done *done;
};

struct count_op {
	struct op op;
	const struct db_sql *sql;
	const char *domain;
	int64_t count;
	account_count_done *done;
};

static struct account_op *
of_op(struct op *op)
{
	return container_of(op, struct account_op, op);
}

/* The two columns of the key. A local part has no '@'. */
static void
split(const char *jid, struct db_value v[2])
{
	const char *at = strchr(jid, '@');

	v[0] = db_text(at ? at + 1 : jid);
	v[1] = db_textn(jid, at ? (size_t)(at - jid) : 0);
}

static void
key_values(const struct account_keys keys[ACCOUNT_HASHES], struct db_value *v)
{
	for (int h = 0; h < ACCOUNT_HASHES; h++, v += 4) {
		const struct account_keys *k = &keys[h];

		v[0] = db_int(k->iterations);
		v[1] = v[2] = v[3] = (struct db_value){ .type = DB_NULL };
		if (!k->iterations)
			continue;
		v[1] = db_blob(k->salt, k->salt_len);
		v[2] = db_blob(k->stored_key, key_len[h]);
		v[3] = db_blob(k->server_key, key_len[h]);
	}
}

/* -1 where the row does not hold what key_values has written. */
static int
get_keys(struct db_rows *rows, int col, int hash, struct account_keys *k)
{
	const void *salt, *stored, *server;
	size_t salt_len, stored_len, server_len;
	int64_t iterations = db_get_int(rows, col);

	memset(k, 0, sizeof(*k));
	if (iterations == 0)
		return 0;
	salt = db_get_blob(rows, col + 1, &salt_len);
	stored = db_get_blob(rows, col + 2, &stored_len);
	server = db_get_blob(rows, col + 3, &server_len);
	if (iterations < 0 || iterations > INT32_MAX || !salt ||
	    salt_len > sizeof(k->salt) || !stored || !server ||
	    stored_len != key_len[hash] || server_len != key_len[hash])
		return -1;
	k->iterations = (int)iterations;
	k->salt_len = salt_len;
	memcpy(k->salt, salt, salt_len);
	memcpy(k->stored_key, stored, stored_len);
	memcpy(k->server_key, server, server_len);
	return 0;
}

static enum store_status
get_record(struct account_op *a, struct db_rows *rows)
{
	struct account_record *r = &a->record;
	const char *status = db_get_text(rows, 2, NULL);

	*r = (struct account_record){
		.created_ms = db_get_int(rows, 0),
		.last_seen_ms = db_get_int(rows, 1),
		.disabled = db_get_int(rows, 3) != 0,
	};
	if (status)
		r->last_status = arena_strdup(op_arena(&a->op), status);
	for (int h = 0; h < ACCOUNT_HASHES; h++) {
		if (get_keys(rows, 4 + 4 * h, h, &r->keys[h]) < 0)
			return op_fail_text(
				&a->op, "the keys of %s are damaged", a->jid);
	}
	return STORE_OK;
}

static enum store_status
run_get(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	enum store_status status;
	struct db_value v[2];
	struct db_rows *rows;
	int got;

	split(a->jid, v);
	rows = db_query(db, &sql[GET], v, N_ELEMENTS(v));
	got = rows ? db_next(rows) : -1;
	if (got <= 0)
		return got < 0 ? op_fail(op, db) : STORE_NOT_FOUND;
	status = get_record(a, rows);
	db_end(rows);
	return status;
}

static void
finish_get(struct op *op)
{
	struct account_op *a = of_op(op);
	struct account_result res = { .res = op->res };

	if (op->res.status == STORE_OK)
		res.account = &a->record;
	a->done(op->data, &res);
}

/* Whatever is left in the name of an account that was there before, or never
 * was, must not come to the new one. */
static enum store_status
run_create(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	struct db_value v[15];
	int64_t n;

	split(a->jid, v);
	key_values(a->keys, v + 2);
	v[14] = db_int(a->ms);
	n = db_exec(db, &sql[CREATE], v, N_ELEMENTS(v));
	if (n == 0)
		return STORE_EXISTS;
	if (n < 0 || store_forget_owner(db, a->jid) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

/* One UPDATE or DELETE of the account's row. */
static enum store_status
change(struct op *op, struct db *db, const struct db_sql *what,
       const struct db_value *v, size_t n)
{
	int64_t changed = db_exec(db, what, v, n);

	if (changed < 0)
		return op_fail(op, db);
	return changed ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_status
run_set_keys(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	struct db_value v[14];

	split(a->jid, v);
	key_values(a->keys, v + 2);
	return change(op, db, &sql[SET_KEYS], v, N_ELEMENTS(v));
}

static enum store_status
run_set_last(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	struct db_value v[4];

	split(a->jid, v);
	v[2] = db_int(a->ms);
	v[3] = db_text(a->status);
	return change(op, db, &sql[SET_LAST], v, N_ELEMENTS(v));
}

static enum store_status
run_set_disabled(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	struct db_value v[3];

	split(a->jid, v);
	v[2] = db_int(a->disabled);
	return change(op, db, &sql[SET_DISABLED], v, N_ELEMENTS(v));
}

static enum store_status
run_delete(struct op *op, struct db *db)
{
	struct account_op *a = of_op(op);
	enum store_status status;
	struct db_value v[2];

	split(a->jid, v);
	status = change(op, db, &sql[DELETE], v, N_ELEMENTS(v));
	if (status == STORE_OK && store_forget_owner(db, a->jid) < 0)
		return op_fail(op, db);
	return status;
}

/* Keys are as good as passwords to this server. */
static void
fini(struct op *op)
{
	struct account_op *a = of_op(op);

	explicit_bzero(a->keys, sizeof(a->keys));
	explicit_bzero(&a->record, sizeof(a->record));
}

static struct account_op *
account_op_new(struct store *s, const struct op_type *type, const char *jid,
	       const char *status, void *data)
{
	struct account_op *a =
		op_new(s, type, sizeof(*a), op_room(jid) + op_room(status));

	a->jid = op_copy(&a->op, jid);
	a->status = op_copy(&a->op, status);
	a->op.data = data;
	return a;
}

void
account_get(struct store *s, const char *jid, account_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_get, finish_get,
					     fini };
	struct account_op *a = account_op_new(s, &type, jid, NULL, data);

	a->done = done;
	op_submit(&a->op, jid);
}

void
account_create(struct store *s, const char *jid,
	       const struct account_keys keys[ACCOUNT_HASHES], int64_t now_ms,
	       store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE_MANY, run_create, NULL,
					     fini };
	struct account_op *a = account_op_new(s, &type, jid, NULL, data);

	memcpy(a->keys, keys, sizeof(a->keys));
	a->ms = now_ms;
	a->op.done = done;
	op_submit(&a->op, jid);
}

void
account_set_keys(struct store *s, const char *jid,
		 const struct account_keys keys[ACCOUNT_HASHES],
		 store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_set_keys, NULL,
					     fini };
	struct account_op *a = account_op_new(s, &type, jid, NULL, data);

	memcpy(a->keys, keys, sizeof(a->keys));
	a->op.done = done;
	op_submit(&a->op, jid);
}

void
account_set_last(struct store *s, const char *jid, int64_t last_seen_ms,
		 const char *status, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_set_last, NULL,
					     NULL };
	struct account_op *a = account_op_new(s, &type, jid, status, data);

	a->ms = last_seen_ms;
	a->op.done = done;
	op_submit(&a->op, jid);
}

void
account_set_disabled(struct store *s, const char *jid, bool disabled,
		     store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE, run_set_disabled, NULL,
					     NULL };
	struct account_op *a = account_op_new(s, &type, jid, NULL, data);

	a->disabled = disabled;
	a->op.done = done;
	op_submit(&a->op, jid);
}

void
account_delete(struct store *s, const char *jid, store_done *done, void *data)
{
	static const struct op_type type = { OP_WRITE_MANY, run_delete, NULL,
					     NULL };
	struct account_op *a = account_op_new(s, &type, jid, NULL, data);

	a->op.done = done;
	op_submit(&a->op, jid);
}

static enum store_status
run_list(struct op *op, struct db *db)
{
	struct list_op *l = container_of(op, struct list_op, op);
	struct db_value v[3] = { db_text(l->domain), db_text(""),
				 db_int(l->max) };
	struct db_rows *rows;
	int got = -1;

	if (l->after) {
		struct db_value key[2];

		split(l->after, key);
		v[1] = key[1];
	}
	l->jids = (struct op_array){ 0 };
	rows = db_query(db, l->sql, v, N_ELEMENTS(v));
	while (rows && (got = db_next(rows)) > 0) {
		const char **jid = op_array_add(op, &l->jids, sizeof(*jid));

		*jid = arena_printf(op_arena(op), "%s@%s",
				    db_get_text(rows, 0, NULL), l->domain);
	}
	return got < 0 ? op_fail(op, db) : STORE_OK;
}

static void
finish_list(struct op *op)
{
	struct list_op *l = container_of(op, struct list_op, op);
	struct account_list_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.jids = l->jids.items;
		res.n_jids = l->jids.n;
	}
	l->done(op->data, &res);
}

static void
list(struct store *s, const struct db_sql *what, const char *domain,
     const char *after, size_t max, account_list_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_list, finish_list,
					     NULL };
	struct list_op *l =
		op_new(s, &type, sizeof(*l), op_room(domain) + op_room(after));

	l->sql = what;
	l->domain = op_copy(&l->op, domain);
	l->after = op_copy(&l->op, after);
	l->max = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	l->done = done;
	l->op.data = data;
	op_submit(&l->op, domain);
}

void
account_list(struct store *s, const char *domain, const char *after, size_t max,
	     account_list_done *done, void *data)
{
	list(s, &sql[LIST], domain, after, max, done, data);
}

void
account_list_disabled(struct store *s, const char *domain, const char *after,
		      size_t max, account_list_done *done, void *data)
{
	list(s, &sql[LIST_DISABLED], domain, after, max, done, data);
}

static enum store_status
run_count(struct op *op, struct db *db)
{
	struct count_op *c = container_of(op, struct count_op, op);
	const struct db_value v[] = { db_text(c->domain) };

	c->count = 0;
	if (db_query_int(db, c->sql, v, N_ELEMENTS(v), &c->count) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish_count(struct op *op)
{
	struct count_op *c = container_of(op, struct count_op, op);

	c->done(op->data, &op->res, c->count);
}

static void
count(struct store *s, const struct db_sql *what, const char *domain,
      account_count_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_count, finish_count,
					     NULL };
	struct count_op *c = op_new(s, &type, sizeof(*c), op_room(domain));

	c->sql = what;
	c->domain = op_copy(&c->op, domain);
	c->done = done;
	c->op.data = data;
	op_submit(&c->op, domain);
}

void
account_count(struct store *s, const char *domain, account_count_done *done,
	      void *data)
{
	count(s, &sql[COUNT], domain, done, data);
}

void
account_count_disabled(struct store *s, const char *domain,
		       account_count_done *done, void *data)
{
	count(s, &sql[COUNT_DISABLED], domain, done, data);
}

static int
compare_mix(const void *x, const void *y)
{
	const struct account_mix *a = x, *b = y;

	return a->iterations < b->iterations ? -1
					     : a->iterations > b->iterations;
}

static enum store_status
run_mix(struct op *op, struct db *db)
{
	struct mix_op *m = container_of(op, struct mix_op, op);
	const struct db_value v[] = { db_text(m->domain),
				      db_int((int64_t)m->max) };
	struct db_rows *rows = db_query(db, &sql[MIX], v, N_ELEMENTS(v));
	int got = -1;

	m->rows = (struct op_array){ 0 };
	while (rows && (got = db_next(rows)) > 0) {
		struct account_mix *row =
			op_array_add(op, &m->rows, sizeof(*row));

		row->iterations = (int)db_get_int(rows, 0);
		row->accounts = db_get_int(rows, 1);
	}
	if (got < 0)
		return op_fail(op, db);
	if (m->rows.n)
		qsort(m->rows.items, m->rows.n, sizeof(struct account_mix),
		      compare_mix);
	return STORE_OK;
}

static void
finish_mix(struct op *op)
{
	struct mix_op *m = container_of(op, struct mix_op, op);
	struct account_mix_result res = { .res = op->res };

	if (op->res.status == STORE_OK) {
		res.of = m->rows.items;
		res.n = m->rows.n;
	}
	m->done(op->data, &res);
}

void
account_get_mix(struct store *s, const char *domain, size_t max,
		account_mix_done *done, void *data)
{
	static const struct op_type type = { OP_READ, run_mix, finish_mix,
					     NULL };
	struct mix_op *m = op_new(s, &type, sizeof(*m), op_room(domain));

	m->domain = op_copy(&m->op, domain);
	m->max = max;
	m->done = done;
	m->op.data = data;
	op_submit(&m->op, domain);
}
