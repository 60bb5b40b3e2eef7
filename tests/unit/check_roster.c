/* check_roster.c - contacts, with a version for each owner. */

#include "storage/roster.h"

#include "storage/accounts.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

#define ROMEO  "romeo@example.net"
#define JULIET "juliet@example.net"
#define BOTH   (ROSTER_TO | ROSTER_FROM | ROSTER_LISTED)

static struct fixture f;

struct wrote {
	int calls;
	enum store_status status;
	int64_t version;
};

static void
on_wrote(void *data, const struct store_result *res, int64_t version)
{
	struct wrote *w = data;

	w->calls++;
	w->status = res->status;
	w->version = version;
}

/* want_version: what the roster has afterwards. */
static void
ck_wrote(const struct wrote *w, enum store_status want, int64_t want_version)
{
	ck_assert_int_eq(w->calls, 0);
	fixture_settle(&f);
	ck_assert_int_eq(w->calls, 1);
	ck_assert_int_eq(w->status, want);
	ck_assert_int_eq(w->version, want_version);
}

static void
put_row(const char *owner, const struct roster_row *row, size_t max,
	enum store_status want, int64_t want_version)
{
	struct wrote w = { 0 };

	roster_put(f.store, owner, row, max, on_wrote, &w);
	ck_wrote(&w, want, want_version);
}

static void
put(const char *owner, const char *jid, unsigned flags, int64_t version,
    enum store_status want, int64_t want_version)
{
	const struct roster_row row = { .jid = jid,
					.flags = flags,
					.version = version };

	put_row(owner, &row, 100, want, want_version);
}

static void
take(const char *owner, const char *jid, int64_t version,
     enum store_status want, int64_t want_version)
{
	struct wrote w = { 0 };

	roster_remove(f.store, owner, jid, version, on_wrote, &w);
	ck_wrote(&w, want, want_version);
}

struct loaded {
	int calls;
	bool is_full;
	int64_t version;
	size_t n;
	char text[1024]; /* "jid/name/groups/request/flags@version ..." */
};

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

static void
on_rows(void *data, const struct roster_result *res)
{
	struct loaded *l = data;
	size_t len = 0;

	l->calls++;
	ck_assert_int_eq(res->res.status, STORE_OK);
	l->is_full = res->is_full;
	l->version = res->version;
	l->n = res->n_rows;
	for (size_t i = 0; i < res->n_rows && len < sizeof(l->text); i++) {
		const struct roster_row *row = &res->rows[i];

		len += (size_t)snprintf(
			l->text + len, sizeof(l->text) - len,
			row->removed ? "%s%s removed" : "%s%s %s|%s|%s",
			i ? ", " : "", row->jid, or_dash(row->name),
			or_dash(row->groups), or_dash(row->request));
		if (len < sizeof(l->text))
			len += (size_t)snprintf(l->text + len,
						sizeof(l->text) - len, " %u@%d",
						row->flags, (int)row->version);
	}
}

/* since -1: all. */
static struct loaded
load(const char *owner, int64_t since)
{
	struct loaded l = { 0 };

	if (since < 0)
		roster_load(f.store, owner, on_rows, &l);
	else
		roster_changes(f.store, owner, since, on_rows, &l);
	fixture_settle(&f);
	ck_assert_int_eq(l.calls, 1);
	return l;
}

START_TEST(keeps_rows)
{
	const struct roster_row full = {
		.jid = JULIET,
		.name = "Juliet",
		.groups = "Friends\nCapulets",
		.request = "<presence type='subscribe'/>",
		.flags =
			BOTH | ROSTER_ASK | ROSTER_PENDING_IN | ROSTER_APPROVED,
		.version = 1,
	};
	struct loaded l;

	fixture_open(&f, _i);
	l = load(ROMEO, -1);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(l.version, 0);
	ck_assert(l.is_full);
	put_row(ROMEO, &full, 1, STORE_OK, 1);
	put(ROMEO, "a@x", ROSTER_LISTED, 2, STORE_OK, 2);
	put(JULIET, ROMEO, BOTH, 1, STORE_OK, 1);
	fixture_reopen(&f);
	l = load(ROMEO, -1);
	ck_assert_str_eq(l.text,
			 "a@x -|-|- 32@2, " JULIET " Juliet|Friends\nCapulets|"
			 "<presence type='subscribe'/> 63@1");
	ck_assert_int_eq(l.version, 2);

	/* A put replaces the whole row. */
	put(ROMEO, JULIET, ROSTER_LISTED, 3, STORE_OK, 3);
	l = load(ROMEO, -1);
	ck_assert_str_eq(l.text, "a@x -|-|- 32@2, " JULIET " -|-|- 32@3");
	l = load(JULIET, -1);
	ck_assert_str_eq(l.text, ROMEO " -|-|- 35@1");
}
END_TEST

START_TEST(checks_the_version)
{
	fixture_open(&f, _i);
	put(ROMEO, "a@x", BOTH, 2, STORE_EXISTS, 0);
	put(ROMEO, "a@x", BOTH, 0, STORE_EXISTS, 0);
	put(ROMEO, "a@x", BOTH, 1, STORE_OK, 1);
	put(ROMEO, "b@x", BOTH, 1, STORE_EXISTS, 1);
	take(ROMEO, "a@x", 1, STORE_EXISTS, 1);
	take(ROMEO, "a@x", 3, STORE_EXISTS, 1);
	take(ROMEO, "b@x", 2, STORE_NOT_FOUND, 1);
	take(JULIET, "a@x", 1, STORE_NOT_FOUND, 0);
	ck_assert_str_eq(load(ROMEO, -1).text, "a@x -|-|- 35@1");
	take(ROMEO, "a@x", 2, STORE_OK, 2);
	take(ROMEO, "a@x", 3, STORE_NOT_FOUND, 2);
	ck_assert_int_eq(load(ROMEO, -1).version, 2);
	ck_assert_uint_eq(load(ROMEO, -1).n, 0);
}
END_TEST

/* Two writers that both believe in the same version. */
START_TEST(one_of_two_wins)
{
	const struct roster_row a = { .jid = "a@x", .version = 1 },
				b = { .jid = "b@x", .version = 1 };
	struct wrote first = { 0 }, second = { 0 };

	fixture_open(&f, _i);
	roster_put(f.store, ROMEO, &a, 10, on_wrote, &first);
	roster_put(f.store, ROMEO, &b, 10, on_wrote, &second);
	ck_wrote(&first, STORE_OK, 1);
	ck_assert_int_eq(second.status, STORE_EXISTS);
	ck_assert_int_eq(second.version, 1);
}
END_TEST

START_TEST(tells_changes)
{
	struct loaded l;

	fixture_open(&f, _i);
	put(ROMEO, "a@x", BOTH, 1, STORE_OK, 1);
	put(ROMEO, "b@x", BOTH, 2, STORE_OK, 2);
	put(ROMEO, "c@x", BOTH, 3, STORE_OK, 3);
	take(ROMEO, "b@x", 4, STORE_OK, 4);
	put(ROMEO, "a@x", ROSTER_LISTED, 5, STORE_OK, 5);

	l = load(ROMEO, 2);
	ck_assert(!l.is_full);
	ck_assert_int_eq(l.version, 5);
	ck_assert_str_eq(l.text, "c@x -|-|- 35@3, b@x removed 0@4, "
				 "a@x -|-|- 32@5");
	l = load(ROMEO, 5);
	ck_assert(!l.is_full);
	ck_assert_uint_eq(l.n, 0);
	/* From nothing, or from a version that there never was: all. */
	l = load(ROMEO, 0);
	ck_assert(l.is_full);
	ck_assert_str_eq(l.text, "a@x -|-|- 32@5, c@x -|-|- 35@3");
	l = load(ROMEO, 6);
	ck_assert(l.is_full);
	ck_assert_uint_eq(l.n, 2);
	l = load(JULIET, 1);
	ck_assert(l.is_full);
	ck_assert_int_eq(l.version, 0);

	/* Back again: no tombstone any more. */
	put(ROMEO, "b@x", BOTH, 6, STORE_OK, 6);
	l = load(ROMEO, 3);
	ck_assert_str_eq(l.text, "a@x -|-|- 32@5, b@x -|-|- 35@6");
}
END_TEST

/* The store does not keep tombstones for ever; whoever would need one that is
 * gone gets all. */
START_TEST(forgets_old_removals)
{
	enum { N = 100 };
	struct loaded l;
	int64_t version = 0, oldest = 0;

	fixture_open(&f, _i);
	put(ROMEO, "stays@x", BOTH, 1, STORE_OK, 1);
	version = 1;
	for (int i = 0; i < N; i++) {
		char jid[16];

		snprintf(jid, sizeof(jid), "c%d@x", i);
		put(ROMEO, jid, BOTH, version + 1, STORE_OK, version + 1);
		take(ROMEO, jid, version + 2, STORE_OK, version + 2);
		version += 2;
	}
	l = load(ROMEO, version - 2);
	ck_assert(!l.is_full);
	ck_assert_str_eq(l.text, "c99@x removed 0@201");
	for (int64_t since = 1; since < version && !oldest; since++) {
		l = load(ROMEO, since);
		if (!l.is_full) {
			oldest = since;
			break;
		}
		ck_assert_uint_eq(l.n, 1);
	}
	ck_assert_int_gt(oldest, 1);
	/* All removals behind the oldest known version, in pairs of versions.
	 */
	ck_assert_uint_eq(l.n, (size_t)(version - oldest + 1) / 2);
	ck_assert_uint_ge(l.n, 50);
	ck_assert_uint_lt(l.n, N);
}
END_TEST

START_TEST(refuses_too_many)
{
	const struct roster_row rows[] = {
		{ .jid = "a@x", .flags = BOTH, .version = 1 },
		{ .jid = "b@x", .flags = BOTH, .version = 2 },
		{ .jid = "c@x", .flags = BOTH, .version = 3 },
		{ .jid = "a@x", .flags = ROSTER_LISTED, .version = 3 },
		{ .jid = "d@x", .flags = ROSTER_PENDING_IN, .version = 4 },
		{ .jid = "e@x", .flags = ROSTER_PENDING_IN, .version = 5 },
		{ .jid = "f@x", .flags = ROSTER_PENDING_IN, .version = 6 },
		/* From a stranger to a contact. */
		{ .jid = "d@x", .flags = ROSTER_LISTED, .version = 6 },
	};
	static const enum store_status want[] = {
		STORE_OK, STORE_OK, STORE_FULL, STORE_OK,
		STORE_OK, STORE_OK, STORE_FULL, STORE_FULL,
	};

	fixture_open(&f, _i);
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		put_row(ROMEO, &rows[i], 2, want[i],
			rows[i].version - (want[i] == STORE_FULL));
	take(ROMEO, "b@x", 6, STORE_OK, 6);
	/* A tombstone takes no room. */
	put(ROMEO, "d@x", ROSTER_LISTED, 7, STORE_OK, 7);
	ck_assert_uint_eq(load(ROMEO, -1).n, 3);
}
END_TEST

static void
make_account(const char *jid)
{
	static const struct account_keys none[ACCOUNT_HASHES];
	struct outcome o = { 0 };

	account_create(f.store, jid, none, 1, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
}

static void
delete_account(const char *jid)
{
	struct outcome o = { 0 };

	account_delete(f.store, jid, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
}

/* RFC 6121 2.6.1: a version means one state of the roster, also for those who
 * remember that of an account that was deleted. */
START_TEST(never_repeats_a_version)
{
	struct loaded l;

	fixture_open(&f, _i);
	make_account(ROMEO);
	put(ROMEO, "a@x", BOTH, 1, STORE_OK, 1);
	put(ROMEO, "b@x", BOTH, 2, STORE_OK, 2);
	delete_account(ROMEO);
	make_account(ROMEO);
	l = load(ROMEO, -1);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(l.version, 3);
	fixture_reopen(&f);
	ck_assert_int_eq(load(ROMEO, -1).version, 3);

	put(ROMEO, "c@x", BOTH, 4, STORE_OK, 4);
	for (int64_t old = 0; old <= 2; old++) {
		l = load(ROMEO, old);
		ck_assert(l.is_full);
		ck_assert_str_eq(l.text, "c@x -|-|- 35@4");
	}
	/* The empty one was this account's. */
	l = load(ROMEO, 3);
	ck_assert(!l.is_full);
	ck_assert_str_eq(l.text, "c@x -|-|- 35@4");

	/* The highest of all that were deleted counts. */
	make_account(JULIET);
	put(JULIET, "a@x", BOTH, 4, STORE_OK, 4);
	put(JULIET, "b@x", BOTH, 5, STORE_OK, 5);
	delete_account(JULIET);
	delete_account(ROMEO);
	ck_assert_int_eq(load(ROMEO, -1).version, 6);
}
END_TEST

/* Who has nothing stored has read a version that grows when another account is
 * deleted. That is no change of his roster. */
START_TEST(begins_beside_deletions)
{
	struct loaded l;

	fixture_open(&f, _i);
	make_account(JULIET);
	put(JULIET, "a@x", BOTH, 1, STORE_OK, 1);
	put(JULIET, "b@x", BOTH, 2, STORE_OK, 2);
	ck_assert_int_eq(load(ROMEO, -1).version, 0);
	delete_account(JULIET);
	put(ROMEO, "a@x", BOTH, 5, STORE_EXISTS, 3);
	put(ROMEO, "a@x", BOTH, 1, STORE_OK, 4);
	l = load(ROMEO, -1);
	ck_assert_str_eq(l.text, "a@x -|-|- 35@4");
	ck_assert_int_eq(l.version, 4);
	put(ROMEO, "b@x", BOTH, 1, STORE_EXISTS, 4);
}
END_TEST

/* What clients have never been told of needs no removal. */
START_TEST(hides_strangers)
{
	struct loaded l;

	fixture_open(&f, _i);
	put(ROMEO, "a@x", BOTH, 1, STORE_OK, 1);
	put(ROMEO, "b@x", ROSTER_PENDING_IN, 2, STORE_OK, 2);
	l = load(ROMEO, 1);
	ck_assert(!l.is_full);
	ck_assert_str_eq(l.text, "");
	ck_assert_str_eq(load(ROMEO, -1).text, "a@x -|-|- 35@1, b@x -|-|- 8@2");
	take(ROMEO, "b@x", 3, STORE_OK, 3);
	ck_assert_str_eq(load(ROMEO, 1).text, "");
	take(ROMEO, "b@x", 4, STORE_NOT_FOUND, 3);

	/* A contact that becomes a stranger is gone; one that asks again and
	 * is refused, too. */
	put(ROMEO, "a@x", ROSTER_PENDING_IN, 4, STORE_OK, 4);
	ck_assert_str_eq(load(ROMEO, 1).text, "a@x -|-|- 8@4");
	put(ROMEO, "a@x", ROSTER_PENDING_IN, 5, STORE_OK, 5);
	ck_assert_str_eq(load(ROMEO, 1).text, "a@x -|-|- 8@5");
	take(ROMEO, "a@x", 6, STORE_OK, 6);
	ck_assert_str_eq(load(ROMEO, 1).text, "a@x removed 0@6");
	put(ROMEO, "a@x", ROSTER_PENDING_IN, 7, STORE_OK, 7);
	ck_assert_str_eq(load(ROMEO, 1).text, "a@x -|-|- 8@7");

	/* A stranger that becomes a contact. */
	put(ROMEO, "b@x", ROSTER_PENDING_IN, 8, STORE_OK, 8);
	put(ROMEO, "b@x", BOTH, 9, STORE_OK, 9);
	ck_assert_str_eq(load(ROMEO, 7).text, "b@x -|-|- 35@9");
	take(ROMEO, "b@x", 10, STORE_OK, 10);
	ck_assert_str_eq(load(ROMEO, 7).text, "b@x removed 0@10");
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
	TCase *tc = tcase_create("roster");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, keeps_rows);
	add_store_test(tc, checks_the_version);
	add_store_test(tc, one_of_two_wins);
	add_store_test(tc, tells_changes);
	add_store_test(tc, forgets_old_removals);
	add_store_test(tc, refuses_too_many);
	add_store_test(tc, never_repeats_a_version);
	add_store_test(tc, begins_beside_deletions);
	add_store_test(tc, hides_strangers);
	return unit_run(tc);
}
