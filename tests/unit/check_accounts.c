/* check_accounts.c - who may log in. */

#include "storage/accounts.h"

#include "base/chunk.h"
#include "storage/archive.h"
#include "storage/blocklist.h"
#include "storage/fragments.h"
#include "storage/offline.h"
#include "storage/roster.h"
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static struct fixture f;

struct got {
	int calls;
	enum store_status status;
	struct account_record record;
	char last_status[64];
};

static void
on_account(void *data, const struct account_result *res)
{
	struct got *g = data;

	g->calls++;
	g->status = res->res.status;
	ck_assert((res->account != NULL) == (g->status == STORE_OK));
	if (!res->account)
		return;
	g->record = *res->account;
	snprintf(g->last_status, sizeof(g->last_status), "%s",
		 res->account->last_status ? res->account->last_status : "-");
}

static struct got
get(const char *jid)
{
	struct got g = { 0 };

	account_get(f.store, jid, on_account, &g);
	ck_assert_int_eq(g.calls, 0);
	fixture_settle(&f);
	ck_assert_int_eq(g.calls, 1);
	return g;
}

/* Keys for SHA-1 and SHA-512, none for SHA-256. */
static void
make_keys(struct account_keys keys[ACCOUNT_HASHES], uint8_t seed)
{
	memset(keys, 0, ACCOUNT_HASHES * sizeof(keys[0]));
	keys[0].iterations = 4096;
	keys[0].salt_len = 16;
	memset(keys[0].salt, seed, 16);
	memset(keys[0].stored_key, seed + 1, 20);
	memset(keys[0].server_key, seed + 2, 20);
	keys[2].iterations = 10000;
	keys[2].salt_len = ACCOUNT_SALT_MAX;
	memset(keys[2].salt, seed + 3, ACCOUNT_SALT_MAX);
	memset(keys[2].stored_key, seed + 4, 64);
	memset(keys[2].server_key, seed + 5, 64);
}

static void
create(const char *jid, enum store_status want)
{
	struct account_keys keys[ACCOUNT_HASHES];
	struct outcome o = { 0 };

	make_keys(keys, 1);
	account_create(f.store, jid, keys, 1234, outcome_set, &o);
	outcome_expect(&f, &o, want);
}

static void
ck_keys(const struct account_record *r, uint8_t seed)
{
	struct account_keys want[ACCOUNT_HASHES];

	make_keys(want, seed);
	for (int h = 0; h < ACCOUNT_HASHES; h++) {
		const struct account_keys *k = &r->keys[h];

		ck_assert_int_eq(k->iterations, want[h].iterations);
		ck_assert_uint_eq(k->salt_len, want[h].salt_len);
		ck_assert_mem_eq(k->salt, want[h].salt, ACCOUNT_SALT_MAX);
		ck_assert_mem_eq(k->stored_key, want[h].stored_key,
				 ACCOUNT_KEY_MAX);
		ck_assert_mem_eq(k->server_key, want[h].server_key,
				 ACCOUNT_KEY_MAX);
	}
}

START_TEST(creates_and_gets)
{
	struct got g;

	fixture_open(&f, _i);
	g = get("romeo@example.net");
	ck_assert_int_eq(g.status, STORE_NOT_FOUND);
	create("romeo@example.net", STORE_OK);
	create("romeo@example.net", STORE_EXISTS);
	create("romeo@example.org", STORE_OK);
	fixture_reopen(&f);
	g = get("romeo@example.net");
	ck_assert_int_eq(g.status, STORE_OK);
	ck_keys(&g.record, 1);
	ck_assert_int_eq(g.record.created_ms, 1234);
	ck_assert_int_eq(g.record.last_seen_ms, 0);
	ck_assert_str_eq(g.last_status, "-");
	ck_assert(!g.record.disabled);
	/* The domain and the local part are told apart. */
	ck_assert_int_eq(get("example.net@romeo").status, STORE_NOT_FOUND);
	ck_assert_int_eq(get("romeo@example.ne").status, STORE_NOT_FOUND);
}
END_TEST

START_TEST(changes)
{
	struct account_keys keys[ACCOUNT_HASHES];
	struct outcome o = { 0 };
	struct got g;

	fixture_open(&f, _i);
	create("romeo@example.net", STORE_OK);
	create("juliet@example.net", STORE_OK);
	make_keys(keys, 100);
	account_set_keys(f.store, "romeo@example.net", keys, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	account_set_last(f.store, "romeo@example.net", 99, "gone to Mantua",
			 outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	account_set_disabled(f.store, "romeo@example.net", true, outcome_set,
			     &o);
	outcome_expect(&f, &o, STORE_OK);

	g = get("romeo@example.net");
	ck_keys(&g.record, 100);
	ck_assert_int_eq(g.record.last_seen_ms, 99);
	ck_assert_str_eq(g.last_status, "gone to Mantua");
	ck_assert(g.record.disabled);
	ck_assert_int_eq(g.record.created_ms, 1234);

	account_set_last(f.store, "romeo@example.net", 100, NULL, outcome_set,
			 &o);
	outcome_expect(&f, &o, STORE_OK);
	account_set_disabled(f.store, "romeo@example.net", false, outcome_set,
			     &o);
	outcome_expect(&f, &o, STORE_OK);
	g = get("romeo@example.net");
	ck_assert_str_eq(g.last_status, "-");
	ck_assert(!g.record.disabled);

	g = get("juliet@example.net");
	ck_keys(&g.record, 1);
	ck_assert_int_eq(g.record.last_seen_ms, 0);
}
END_TEST

START_TEST(changes_nothing_that_is_not_there)
{
	struct account_keys keys[ACCOUNT_HASHES];
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	make_keys(keys, 1);
	account_set_keys(f.store, "romeo@example.net", keys, outcome_set, &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	account_set_last(f.store, "romeo@example.net", 1, NULL, outcome_set,
			 &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	account_set_disabled(f.store, "romeo@example.net", true, outcome_set,
			     &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	account_delete(f.store, "romeo@example.net", outcome_set, &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	ck_assert_int_eq(get("romeo@example.net").status, STORE_NOT_FOUND);
}
END_TEST

START_TEST(deletes)
{
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	create("romeo@example.net", STORE_OK);
	create("juliet@example.net", STORE_OK);
	account_delete(f.store, "romeo@example.net", outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	ck_assert_int_eq(get("romeo@example.net").status, STORE_NOT_FOUND);
	ck_assert_int_eq(get("juliet@example.net").status, STORE_OK);
	create("romeo@example.net", STORE_OK);
}
END_TEST

/* --- What else is kept for an owner */

static void
on_version(void *data, const struct store_result *res, int64_t version)
{
	(void)version;
	outcome_set(data, res);
}

static void
fill_all_stores(const char *owner)
{
	const struct roster_row row = { .jid = "juliet@example.net",
					.version = 1 };
	const char *const jids[] = { "paris@example.net" };
	const struct archive_row message = { .id = 1, .xml = "<x/>", .len = 4 };
	struct chunk *xml = chunk_copy("<x/>", 4);
	struct outcome o = { 0 };

	roster_put(f.store, owner, &row, 10, on_version, &o);
	outcome_expect(&f, &o, STORE_OK);
	offline_append(f.store, owner, xml, 1, 10, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	fragment_put(f.store, owner, "vcard", "", xml, 1, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	blocklist_add(f.store, owner, jids, 1, 10, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	archive_append(f.store, owner, &message, 0, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	chunk_unref(&xml);
}

/* In each table that has a column "owner", whichever store it belongs to. */
static void
ck_rows_of(const char *owner, int want)
{
	sqlite3_stmt *tables, *rows;
	int n_tables = 0;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(f.path, &db), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_prepare_v2(db,
				   "SELECT s.name FROM sqlite_schema s, "
				   "pragma_table_info(s.name) c "
				   "WHERE s.type = 'table' "
				   "AND c.name = 'owner'",
				   -1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		char sql[128];

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM %s WHERE owner = ?", name);
		ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &rows, NULL),
				 SQLITE_OK);
		sqlite3_bind_text(rows, 1, owner, -1, SQLITE_STATIC);
		ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
		ck_assert_msg(sqlite3_column_int(rows, 0) == want,
			      "%d rows of %s in %s, expected %d",
			      sqlite3_column_int(rows, 0), owner, name, want);
		sqlite3_finalize(rows);
		n_tables++;
	}
	sqlite3_finalize(tables);
	ck_assert_int_ge(n_tables, 6);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(deletes_all_that_is_the_owners)
{
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	create("romeo@example.net", STORE_OK);
	fill_all_stores("romeo@example.net");
	fill_all_stores("juliet@example.net");
	ck_rows_of("romeo@example.net", 1);
	account_delete(f.store, "romeo@example.net", outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	ck_rows_of("romeo@example.net", 0);
	ck_rows_of("juliet@example.net", 1);
}
END_TEST

/* A name that is used again brings nothing of its last owner. */
START_TEST(a_new_account_is_empty)
{
	fixture_open(&f, _i);
	fill_all_stores("romeo@example.net");
	fill_all_stores("juliet@example.net");
	create("romeo@example.net", STORE_OK);
	ck_rows_of("romeo@example.net", 0);
	ck_rows_of("juliet@example.net", 1);
	/* But nothing is lost to an attempt. */
	fill_all_stores("romeo@example.net");
	create("romeo@example.net", STORE_EXISTS);
	ck_rows_of("romeo@example.net", 1);
}
END_TEST

struct list {
	int calls;
	char jids[256];
};

static void
on_list(void *data, const struct account_list_result *res)
{
	struct list *l = data;

	l->calls++;
	ck_assert_int_eq(res->res.status, STORE_OK);
	for (size_t i = 0; i < res->n_jids; i++) {
		strcat(l->jids, i ? " " : "");
		strcat(l->jids, res->jids[i]);
	}
}

static void
ck_list(const char *domain, const char *after, size_t max, const char *want)
{
	struct list l = { 0 };

	account_list(f.store, domain, after, max, on_list, &l);
	fixture_settle(&f);
	ck_assert_int_eq(l.calls, 1);
	ck_assert_str_eq(l.jids, want);
}

static void
on_count(void *data, const struct store_result *res, int64_t count)
{
	ck_assert_int_eq(res->status, STORE_OK);
	*(int64_t *)data = count;
}

static void
ck_disabled(const char *after, size_t max, const char *want, int64_t want_n)
{
	struct list l = { 0 };
	int64_t n = -1;

	account_list_disabled(f.store, "example.net", after, max, on_list, &l);
	account_count_disabled(f.store, "example.net", on_count, &n);
	fixture_settle(&f);
	ck_assert_int_eq(l.calls, 1);
	ck_assert_str_eq(l.jids, want);
	ck_assert_int_eq(n, want_n);
}

START_TEST(lists_disabled)
{
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	create("a@example.net", STORE_OK);
	create("b@example.net", STORE_OK);
	create("c@example.net", STORE_OK);
	create("d@example.org", STORE_OK);
	ck_disabled(NULL, 10, "", 0);
	account_set_disabled(f.store, "c@example.net", true, outcome_set, &o);
	account_set_disabled(f.store, "a@example.net", true, outcome_set, &o);
	account_set_disabled(f.store, "d@example.org", true, outcome_set, &o);
	fixture_settle(&f);
	ck_disabled(NULL, 10, "a@example.net c@example.net", 2);
	ck_disabled(NULL, 1, "a@example.net", 2);
	ck_disabled("a@example.net", 10, "c@example.net", 2);
	account_set_disabled(f.store, "a@example.net", false, outcome_set, &o);
	fixture_settle(&f);
	ck_disabled(NULL, 10, "c@example.net", 1);
}
END_TEST

START_TEST(lists)
{
	fixture_open(&f, _i);
	create("b@example.net", STORE_OK);
	create("a@example.net", STORE_OK);
	create("c@example.org", STORE_OK);
	create("ab@example.net", STORE_OK);
	create("\xc3\xa9@example.net", STORE_OK);
	ck_list("example.net", NULL, 100,
		"a@example.net ab@example.net b@example.net "
		"\xc3\xa9@example.net");
	ck_list("example.net", NULL, 2, "a@example.net ab@example.net");
	ck_list("example.net", "ab@example.net", 1, "b@example.net");
	ck_list("example.net", "\xc3\xa9@example.net", 10, "");
	ck_list("example.net", "aa@example.net", 1, "ab@example.net");
	ck_list("example.com", NULL, 10, "");
	ck_list("example.net", NULL, 0, "");
}
END_TEST

static void
on_many(void *data, const struct account_list_result *res)
{
	*(size_t *)data = res->n_jids;
	ck_assert_str_eq(res->jids[0], "u000@example.net");
	ck_assert_str_eq(res->jids[res->n_jids - 1], "u249@example.net");
}

START_TEST(counts)
{
	struct account_keys keys[ACCOUNT_HASHES];
	struct outcome o = { 0 };
	size_t n_listed = 0;
	int64_t n = -1;

	fixture_open(&f, _i);
	make_keys(keys, 1);
	for (int i = 0; i < 250; i++) {
		char jid[32];

		snprintf(jid, sizeof(jid), "u%03d@example.net", i);
		account_create(f.store, jid, keys, 1, outcome_set, &o);
	}
	fixture_settle(&f);
	ck_assert_int_eq(o.calls, 250);
	account_count(f.store, "example.net", on_count, &n);
	fixture_settle(&f);
	ck_assert_int_eq(n, 250);
	account_count(f.store, "example.org", on_count, &n);
	fixture_settle(&f);
	ck_assert_int_eq(n, 0);
	account_list(f.store, "example.net", NULL, SIZE_MAX, on_many,
		     &n_listed);
	fixture_settle(&f);
	ck_assert_uint_eq(n_listed, 250);
}
END_TEST

static void
on_mix(void *data, const struct account_mix_result *res)
{
	char *text = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	text += strlen(text);
	*text = 0;
	for (size_t i = 0; i < res->n; i++)
		text += snprintf(text, 32, "%dx%d ", (int)res->of[i].accounts,
				 res->of[i].iterations);
}

static void
ck_mix(const char *domain, size_t max, const char *want)
{
	char text[256] = "";

	account_get_mix(f.store, domain, max, on_mix, text);
	fixture_settle(&f);
	ck_assert_str_eq(text, want);
}

START_TEST(tells_the_iterations)
{
	static const int iterations[] = { 9000, 4096, 0, 5000, 9000 };
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	ck_mix("example.net", 16, "");
	for (size_t i = 0; i < N_ELEMENTS(iterations); i++) {
		struct account_keys keys[ACCOUNT_HASHES];
		char jid[32];

		make_keys(keys, 1);
		keys[1] = keys[2];
		keys[1].iterations = iterations[i];
		snprintf(jid, sizeof(jid), "a%zu@example.net", i);
		account_create(f.store, jid, keys, 1, outcome_set, &o);
		outcome_expect(&f, &o, STORE_OK);
	}
	create("a@example.org", STORE_OK);
	ck_mix("example.net", 16, "1x4096 1x5000 2x9000 ");
	ck_mix("example.net", 1, "2x9000 ");
	ck_mix("example.org", 16, "");
}
END_TEST

static void
teardown(void)
{
	fixture_close(&f);
}

int
main(void)
{
	TCase *tc = tcase_create("accounts");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, creates_and_gets);
	add_store_test(tc, changes);
	add_store_test(tc, changes_nothing_that_is_not_there);
	add_store_test(tc, deletes);
	add_store_test(tc, deletes_all_that_is_the_owners);
	add_store_test(tc, a_new_account_is_empty);
	add_store_test(tc, lists);
	add_store_test(tc, lists_disabled);
	add_store_test(tc, counts);
	add_store_test(tc, tells_the_iterations);
	return unit_run(tc);
}
