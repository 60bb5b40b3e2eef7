/* check_offline.c - stanzas for users without a session. */

#include "storage/offline.h"

#include "base/chunk.h"
#include "store_fixture.h"

#include <string.h>

#define ROMEO  "romeo@example.net"
#define JULIET "juliet@example.net"

static struct fixture f;

static void
append(const char *owner, const char *xml, int64_t max, enum store_status want)
{
	struct chunk *c = chunk_copy(xml, strlen(xml));
	struct outcome o = { 0 };

	offline_append(f.store, owner, c, 1000, max, outcome_set, &o);
	chunk_unref(&c); /* the store has its own reference */
	outcome_expect(&f, &o, want);
}

struct fetched {
	int calls;
	size_t n;
	int64_t ids[16];
	char all[512]; /* "xml xml xml" */
};

static void
on_fetched(void *data, const struct offline_result *res)
{
	struct fetched *got = data;

	got->calls++;
	got->n = res->n_rows;
	ck_assert_int_eq(res->res.status, STORE_OK);
	for (size_t i = 0; i < res->n_rows; i++) {
		const struct offline_row *row = &res->rows[i];

		ck_assert_int_eq(row->stamp_ms, 1000);
		ck_assert_uint_eq(row->len, strlen(row->xml));
		got->ids[i] = row->id;
		strcat(got->all, i ? " " : "");
		strcat(got->all, row->xml);
	}
}

static struct fetched
fetch(const char *owner, int64_t after, size_t max)
{
	struct fetched got = { 0 };

	offline_fetch(f.store, owner, after, max, on_fetched, &got);
	fixture_settle(&f);
	ck_assert_int_eq(got.calls, 1);
	return got;
}

static void
on_count(void *data, const struct store_result *res, int64_t count)
{
	ck_assert_int_eq(res->status, STORE_OK);
	*(int64_t *)data = count;
}

static int64_t
count(const char *owner)
{
	int64_t n = -1;

	offline_count(f.store, owner, on_count, &n);
	fixture_settle(&f);
	return n;
}

static void
remove_up_to(const char *owner, int64_t id)
{
	struct outcome o = { 0 };

	offline_remove(f.store, owner, id, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
}

START_TEST(keeps_the_order)
{
	struct fetched got;

	fixture_open(&f, _i);
	ck_assert_uint_eq(fetch(ROMEO, 0, 10).n, 0);
	append(ROMEO, "<a/>", 10, STORE_OK);
	append(JULIET, "<x/>", 10, STORE_OK);
	append(ROMEO, "<b>\xc3\xa9 &amp;</b>", 10, STORE_OK);
	append(ROMEO, "<c/>", 10, STORE_OK);
	fixture_reopen(&f);
	got = fetch(ROMEO, 0, 10);
	ck_assert_str_eq(got.all, "<a/> <b>\xc3\xa9 &amp;</b> <c/>");
	ck_assert_int_lt(got.ids[0], got.ids[1]);
	ck_assert_int_lt(got.ids[1], got.ids[2]);

	/* In pages. */
	ck_assert_str_eq(fetch(ROMEO, 0, 1).all, "<a/>");
	ck_assert_str_eq(fetch(ROMEO, got.ids[0], 1).all,
			 "<b>\xc3\xa9 &amp;</b>");
	ck_assert_uint_eq(fetch(ROMEO, got.ids[2], 1).n, 0);
	/* They are still there. */
	ck_assert_int_eq(count(ROMEO), 3);
	ck_assert_int_eq(count(JULIET), 1);
}
END_TEST

START_TEST(refuses_more_than_max)
{
	fixture_open(&f, _i);
	append(ROMEO, "<a/>", 2, STORE_OK);
	append(ROMEO, "<b/>", 2, STORE_OK);
	append(ROMEO, "<c/>", 2, STORE_FULL);
	append(JULIET, "<x/>", 2, STORE_OK);
	append(ROMEO, "<d/>", 3, STORE_OK);
	append(ROMEO, "<e/>", 0, STORE_FULL);
	append(ROMEO, "<e/>", -1, STORE_FULL);
	ck_assert_str_eq(fetch(ROMEO, 0, 10).all, "<a/> <b/> <d/>");
}
END_TEST

START_TEST(removes_what_was_fetched)
{
	struct fetched got;
	int64_t last;

	fixture_open(&f, _i);
	append(ROMEO, "<a/>", 10, STORE_OK);
	append(ROMEO, "<b/>", 10, STORE_OK);
	append(JULIET, "<x/>", 10, STORE_OK);
	got = fetch(ROMEO, 0, 10);
	append(ROMEO, "<c/>", 10, STORE_OK);
	remove_up_to(ROMEO, got.ids[1]);
	got = fetch(ROMEO, 0, 10);
	ck_assert_str_eq(got.all, "<c/>");
	ck_assert_int_eq(count(JULIET), 1);

	/* An id never comes again, even when all are gone. */
	last = got.ids[0];
	remove_up_to(ROMEO, last);
	remove_up_to(JULIET, INT64_MAX);
	remove_up_to(JULIET, INT64_MAX);
	ck_assert_int_eq(count(ROMEO), 0);
	append(ROMEO, "<d/>", 10, STORE_OK);
	got = fetch(ROMEO, last, 10);
	ck_assert_str_eq(got.all, "<d/>");
}
END_TEST

static void
on_large(void *data, const struct offline_result *res)
{
	int *calls = data;

	(*calls)++;
	ck_assert_uint_eq(res->n_rows, 1);
	ck_assert_uint_eq(res->rows[0].len, 262144);
	ck_assert_uint_eq(strspn(res->rows[0].xml, "x"), 262144);
}

START_TEST(keeps_a_large_one)
{
	size_t len = 262144;
	char *xml = mem_alloc(len);
	int calls = 0;
	struct outcome o = { 0 };
	struct chunk *c;

	fixture_open(&f, _i);
	memset(xml, 'x', len);
	c = chunk_take(xml, len);
	offline_append(f.store, ROMEO, c, 1, 1, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	chunk_unref(&c);
	offline_fetch(f.store, ROMEO, 0, SIZE_MAX, on_large, &calls);
	fixture_settle(&f);
	ck_assert_int_eq(calls, 1);
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
	TCase *tc = tcase_create("offline");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, keeps_the_order);
	add_store_test(tc, refuses_more_than_max);
	add_store_test(tc, removes_what_was_fetched);
	add_store_test(tc, keeps_a_large_one);
	return unit_run(tc);
}
