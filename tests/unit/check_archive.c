/* check_archive.c - messages come, are replaced and go. */

#include "storage/archive.h"

#include "archive_fixture.h"
#include "base/log.h"
#include "storage/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct got
get(const char *owner, int64_t id)
{
	struct got got = { 0 };

	archive_get(archive_store.store, owner, id, on_got, &got);
	return settle(&got);
}

static void
on_bounds(void *data, const struct archive_bounds *b)
{
	*(struct archive_bounds *)data = *b;
}

static struct archive_bounds
bounds(const char *owner)
{
	struct archive_bounds b = { .count = -1 };

	archive_bounds(archive_store.store, owner, on_bounds, &b);
	fixture_settle(&archive_store);
	return b;
}

START_TEST(keeps_rows)
{
	const struct archive_row full = { .id = 2000001,
					  .stamp_ms = 1999,
					  .peer = "juliet@example.net",
					  .origin_id = "o'1\"",
					  .kind = 0x80000005u,
					  .xml = "<b>\xc3\xa9</b>junk",
					  .len = 9 };
	const struct archive_row bare = { .id = 1, .xml = "", .len = 0 };

	fixture_open(&archive_store, _i);
	ck_assert_uint_eq(query(ROOM, (struct archive_query){ .max = 5 }).n, 0);
	append_row(ROOM, &bare, 0, STORE_OK);
	append_row(ROOM, &full, 0, STORE_OK);
	append(OTHER, 3, NULL, 0);
	fixture_reopen(&archive_store);
	ck_assert_str_eq(get(ROOM, 2000001).xml, "<b>\xc3\xa9</b>");
	ck_assert_str_eq(get(ROOM, 2000001).more,
			 "2000001 1999 juliet@example.net o'1\" 2147483653");
	ck_assert_int_eq(get(ROOM, 1).status, STORE_OK);
	ck_assert_str_eq(get(ROOM, 1).more, "1 0 - - 0");
	ck_assert_int_eq(get(ROOM, 3).status, STORE_NOT_FOUND);
	ck_assert_uint_eq(get(ROOM, 3).n, 0);
	ck_assert_int_eq(get(OTHER, 3).status, STORE_OK);
	ck_assert_uint_eq(query(ROOM, (struct archive_query){ .max = 5 }).n, 2);
	ck_assert_uint_eq(query(OTHER, (struct archive_query){ .max = 5 }).n,
			  1);
}
END_TEST

START_TEST(ids_grow)
{
	const struct archive_row row = { .id = 7, .xml = "<x/>", .len = 4 };
	struct outcome first = { 0 }, second = { 0 };

	fixture_open(&archive_store, _i);
	archive_append(archive_store.store, ROOM, &row, 0, outcome_set, &first);
	archive_append(archive_store.store, ROOM, &row, 0, outcome_set,
		       &second);
	outcome_expect(&archive_store, &second, STORE_EXISTS);
	ck_assert_int_eq(first.status, STORE_OK);
	append(ROOM, 9, NULL, 0);
	append_row(ROOM, &(struct archive_row){ .id = 8, .xml = "<x/>" }, 0,
		   STORE_EXISTS);
	append_row(ROOM, &row, 0, STORE_EXISTS);
	append_row(OTHER, &row, 0, STORE_OK);
	ck_assert_str_eq(query(ROOM, (struct archive_query){ .max = 5 }).xml,
			 "<x/> <9/>");
}
END_TEST

START_TEST(keeps_the_newest)
{
	struct archive_bounds b;

	fixture_open(&archive_store, _i);
	append_many(OTHER, 1, 100);
	for (int64_t id = 1; id <= 300; id++) {
		append(ROOM, id, NULL, 40);
		b = bounds(ROOM);
		ck_assert_int_eq(b.last_id, id);
		ck_assert_int_ge(b.count, id < 40 ? id : 40);
		ck_assert_int_le(b.count, 45);
		ck_assert_int_eq(b.first_id, id - b.count + 1);
	}
	ck_assert_int_eq(get(ROOM, b.first_id).status, STORE_OK);
	ck_assert_int_eq(get(ROOM, b.first_id - 1).status, STORE_NOT_FOUND);
	ck_assert_int_eq(
		query(ROOM, (struct archive_query){ .has_count = true }).count,
		b.count);
	ck_assert_int_eq(bounds(OTHER).count, 100);

	/* Only one. */
	for (int64_t id = 301; id <= 310; id++)
		append(ROOM, id, NULL, 1);
	ck_assert_int_eq(bounds(ROOM).count, 1);
	ck_assert_int_eq(bounds(ROOM).first_id, 310);
}
END_TEST

/* A lower limit is reached bit by bit. */
START_TEST(takes_many_in_parts)
{
	struct outcome o = { 0 };
	int64_t id, count;

	fixture_open(&archive_store, _i);
	for (id = 1; id <= 2500; id++)
		archive_append(archive_store.store, ROOM,
			       &(struct archive_row){
				       .id = id, .xml = "<x/>", .len = 4 },
			       0, outcome_set, &o);
	fixture_settle(&archive_store);
	ck_assert_int_eq(o.calls, 2500);
	append(ROOM, id++, NULL, 10);
	append(ROOM, id++, NULL, 10);
	count = bounds(ROOM).count;
	ck_assert_int_ge(count, 1400);
	ck_assert_int_lt(count, 2000);
	for (int i = 0; i < 4; i++)
		append(ROOM, id++, NULL, 10);
	ck_assert_int_ge(bounds(ROOM).count, 10);
	ck_assert_int_le(bounds(ROOM).count, 11);
}
END_TEST

START_TEST(replaces)
{
	const struct archive_row row = { .id = 2,
					 .stamp_ms = 5,
					 .peer = "a",
					 .origin_id = "o",
					 .kind = 1,
					 .xml = "<secret/>",
					 .len = 9 };
	struct outcome o = { 0 };

	fixture_open(&archive_store, _i);
	append(ROOM, 1, NULL, 0);
	append_row(ROOM, &row, 0, STORE_OK);
	append_row(OTHER, &row, 0, STORE_OK);
	append(ROOM, 3, NULL, 0);
	archive_replace(archive_store.store, ROOM, 2, 6, "<gone/>x", 7,
			outcome_set, &o);
	outcome_expect(&archive_store, &o, STORE_OK);
	ck_assert_str_eq(get(ROOM, 2).xml, "<gone/>");
	ck_assert_str_eq(get(ROOM, 2).more, "2 5 a - 6");
	ck_assert_str_eq(query(ROOM, (struct archive_query){ .max = 9 }).xml,
			 "<1/> <gone/> <3/>");
	ck_assert_str_eq(get(OTHER, 2).xml, "<secret/>");
	archive_replace(archive_store.store, ROOM, 4, 6, "<gone/>", 7,
			outcome_set, &o);
	outcome_expect(&archive_store, &o, STORE_NOT_FOUND);
}
END_TEST

START_TEST(removes_all)
{
	struct outcome o = { 0 };

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 5);
	append_many(OTHER, 1, 5);
	archive_remove(archive_store.store, ROOM, outcome_set, &o);
	outcome_expect(&archive_store, &o, STORE_OK);
	ck_assert_int_eq(bounds(ROOM).count, 0);
	ck_assert_int_eq(bounds(OTHER).count, 5);
	archive_remove(archive_store.store, ROOM, outcome_set, &o);
	outcome_expect(&archive_store, &o, STORE_OK);
	append_many(ROOM, 1, 2);
	ck_assert_int_eq(
		query(ROOM, (struct archive_query){ .has_count = true }).count,
		2);
}
END_TEST

START_TEST(tells_its_bounds)
{
	struct archive_bounds b;

	fixture_open(&archive_store, _i);
	b = bounds(ROOM);
	ck_assert_int_eq(b.res.status, STORE_OK);
	ck_assert_int_eq(b.count, 0);
	ck_assert_int_eq(b.last_id, 0);
	append(ROOM, 5000, NULL, 0);
	append(ROOM, 7000, NULL, 0);
	append(OTHER, 1000, NULL, 0);
	b = bounds(ROOM);
	ck_assert_int_eq(b.count, 2);
	ck_assert_int_eq(b.first_id, 5000);
	ck_assert_int_eq(b.first_ms, 5);
	ck_assert_int_eq(b.last_id, 7000);
	ck_assert_int_eq(b.last_ms, 7);
}
END_TEST

struct pruned {
	int calls;
	size_t n;
	bool has_next;
	char next[64];
};

static void
on_pruned(void *data, const struct archive_pruned *res)
{
	struct pruned *p = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	p->calls++;
	p->n += res->n_removed;
	p->has_next = res->next_owner != NULL;
	snprintf(p->next, sizeof(p->next), "%s",
		 res->next_owner ? res->next_owner : "");
}

/* To the end; n_calls is how often. */
static struct pruned
prune(const char *domain, int64_t before_ms, size_t max)
{
	struct pruned p = { 0 };

	do {
		int calls = p.calls;
		char from[64];

		strcpy(from, p.next);
		archive_prune(archive_store.store, domain, calls ? from : NULL,
			      before_ms, max, on_pruned, &p);
		fixture_settle(&archive_store);
		ck_assert_int_eq(p.calls, calls + 1);
		ck_assert_int_lt(p.calls, 1000);
	} while (p.has_next);
	return p;
}

START_TEST(prunes_by_time)
{
	static const char *const owners[] = { "a@x.example", "b@y.example",
					      "c@x.example", "d@x.example" };
	struct archive_query q = { .max = 2, .has_count = true };
	struct pruned p;
	struct got got;

	fixture_open(&archive_store, _i);
	for (size_t i = 0; i < N_ELEMENTS(owners); i++)
		for (int64_t ms = 1; ms <= 10; ms++)
			append(owners[i], ms * 1000, NULL, 0);
	append("e@x.example", 9000, NULL, 0);

	p = prune("x.example", 4, 100);
	ck_assert_int_eq(p.calls, 1);
	ck_assert_uint_eq(p.n, 9);
	ck_assert_int_eq(bounds("a@x.example").first_id, 4000);
	ck_assert_int_eq(bounds("b@y.example").first_id, 1000);
	ck_assert_int_eq(bounds("d@x.example").first_id, 4000);
	got = query("a@x.example", q);
	ck_assert_int_eq(got.count, 7);
	ck_assert_int_eq(got.index, 0);

	/* In parts: of all. */
	p = prune(NULL, 8, 3);
	ck_assert_uint_eq(p.n, 3 * 4 + 7);
	ck_assert_int_ge(p.calls, 6);
	for (size_t i = 0; i < N_ELEMENTS(owners); i++)
		ck_assert_int_eq(bounds(owners[i]).first_id, 8000);
	p = prune(NULL, 8, 3);
	ck_assert_uint_eq(p.n, 0);

	p = prune(NULL, INT64_MAX, 100);
	ck_assert_uint_eq(p.n, 4 * 3 + 1);
	ck_assert_int_eq(bounds("a@x.example").count, 0);
}
END_TEST

/* A removed archive is gone at once, though its rows go bit by bit. */
START_TEST(prunes_what_was_removed)
{
	struct outcome o = { 0 };
	struct pruned p;

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 5);
	append_many(OTHER, 1, 4);
	for (int i = 0; i < 2; i++) {
		archive_remove(archive_store.store, ROOM, outcome_set, &o);
		outcome_expect(&archive_store, &o, STORE_OK);
		ck_assert_int_eq(get(ROOM, 1).status, STORE_NOT_FOUND);
		append_many(ROOM, 1, 3);
		ck_assert_int_eq(bounds(ROOM).count, 3);
	}
	fixture_reopen(&archive_store);
	p = prune("nowhere", 0, 2);
	ck_assert_uint_eq(p.n, 5 + 3);
	ck_assert_int_ge(p.calls, 4);
	ck_assert_uint_eq(prune(NULL, 0, 2).n, 0);
	ck_assert_str_eq(query(ROOM, (struct archive_query){ .max = 9 }).xml,
			 "<1/> <2/> <3/>");
	ck_assert_int_eq(bounds(OTHER).count, 4);
	/* Together with what is old. */
	archive_remove(archive_store.store, ROOM, outcome_set, &o);
	outcome_expect(&archive_store, &o, STORE_OK);
	ck_assert_uint_eq(prune(NULL, INT64_MAX, 5).n, 7);
}
END_TEST

/* However many there are, the writer is not taken for long. */
START_TEST(prunes_few_owners_at_a_time)
{
	struct outcome o = { 0 };
	struct pruned p;

	fixture_open(&archive_store, _i);
	for (int i = 0; i < 600; i++) {
		char owner[32];

		snprintf(owner, sizeof(owner), "%d@x.example", i);
		archive_append(archive_store.store, owner,
			       &(struct archive_row){
				       .id = i + 1, .xml = "<x/>", .len = 4 },
			       0, outcome_set, &o);
	}
	fixture_settle(&archive_store);
	ck_assert_int_eq(o.calls, 600);
	p = prune("y.example", INT64_MAX, 1000);
	ck_assert_int_gt(p.calls, 1);
	ck_assert_uint_eq(p.n, 0);
	p = prune(NULL, INT64_MAX, 1000);
	ck_assert_int_gt(p.calls, 1);
	ck_assert_uint_eq(p.n, 600);
}
END_TEST

/* Each read sees exactly what was appended before it was called. */
START_TEST(keeps_the_order_of_calls)
{
	enum { N = 100 };
	struct outcome o = { 0 };
	static struct got got[N];

	fixture_open(&archive_store, _i);
	memset(got, 0, sizeof(got));
	for (int i = 0; i < N; i++) {
		archive_append(archive_store.store, ROOM,
			       &(struct archive_row){
				       .id = i + 1, .xml = "<x/>", .len = 4 },
			       0, outcome_set, &o);
		archive_query(archive_store.store, ROOM,
			      &(struct archive_query){ .max = 1,
						       .is_backwards = true,
						       .has_count = true },
			      on_got, &got[i]);
	}
	fixture_settle(&archive_store);
	ck_assert_int_eq(o.calls, N);
	ck_assert_int_eq(o.status, STORE_OK);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(got[i].calls, 1);
		ck_assert_int_eq(got[i].last, i + 1);
		ck_assert_int_eq(got[i].count, i + 1);
	}
}
END_TEST

START_TEST(has_an_index_for_each_statement)
{
	fixture_open(&archive_store, _i);
	fixture_ck_plans(&archive_store, &archive_kind);
}
END_TEST

static void
ignore_line(const char *line, void *data)
{
	(void)line;
	(void)data;
}

START_TEST(a_full_disk)
{
	const struct archive_row row = { .id = 4, .xml = "<x/>", .len = 4 };
	struct outcome one = { 0 }, two = { 0 }, o = { 0 };
	struct got got = { 0 };

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 3);
	log_capture(ignore_line, NULL);
	fixture_fail_writes(ENOSPC);
	archive_append(archive_store.store, ROOM, &row, 2, outcome_set, &one);
	archive_remove(archive_store.store, ROOM, outcome_set, &two);
	archive_query(archive_store.store, ROOM,
		      &(struct archive_query){ .max = 9, .has_count = true },
		      on_got, &got);
	outcome_expect(&archive_store, &one, STORE_NO_SPACE);
	ck_assert_int_eq(two.status, STORE_NO_SPACE);
	/* What is on disk is all there is. */
	ck_assert_str_eq(got.xml, "<1/> <2/> <3/>");
	archive_replace(archive_store.store, ROOM, 1, 0, "<y/>", 4, outcome_set,
			&o);
	outcome_expect(&archive_store, &o, STORE_NO_SPACE);
	fixture_fail_writes(0);
	log_capture(NULL, NULL);
	append_row(ROOM, &row, 0, STORE_OK);
	got = query(ROOM,
		    (struct archive_query){ .max = 9, .has_count = true });
	ck_assert_str_eq(got.xml, "<1/> <2/> <3/> <x/>");
	ck_assert_int_eq(got.count, 4);
}
END_TEST

static void
teardown(void)
{
	fixture_fail_writes(0);
	fixture_close(&archive_store);
}

int
main(void)
{
	TCase *tc = tcase_create("archive");

	tcase_add_checked_fixture(tc, fixture_failing_disk, teardown);
	add_store_test(tc, keeps_rows);
	add_store_test(tc, ids_grow);
	add_store_test(tc, keeps_the_newest);
	add_store_test(tc, takes_many_in_parts);
	add_store_test(tc, replaces);
	add_store_test(tc, removes_all);
	add_store_test(tc, tells_its_bounds);
	add_store_test(tc, prunes_by_time);
	add_store_test(tc, prunes_what_was_removed);
	add_store_test(tc, prunes_few_owners_at_a_time);
	add_store_test(tc, keeps_the_order_of_calls);
	tcase_add_loop_test(tc, has_an_index_for_each_statement, 0, 1);
	add_store_test(tc, a_full_disk);
	return unit_run(tc);
}
