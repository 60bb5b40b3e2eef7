/* check_archive_query.c - which messages of an archive are found. */

#include "storage/archive.h"

#include "archive_fixture.h"
#include "storage/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct got
newest(const char *owner, unsigned kind, size_t n)
{
	struct got got = { 0 };

	archive_last(archive_store.store, owner, kind, n, on_got, &got);
	return settle(&got);
}

static struct got
find_origin(const char *peer, const char *origin_id, size_t n)
{
	struct got got = { 0 };

	archive_find_origin(archive_store.store, ROOM, peer, origin_id, n,
			    on_got, &got);
	return settle(&got);
}

START_TEST(pages)
{
	struct archive_query q = { .max = 3, .has_count = true };
	struct got got;

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 7);
	append_many(OTHER, 100, 120);

	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<1/> <2/> <3/>");
	ck_assert(!got.is_complete);
	ck_assert_int_eq(got.count, 7);
	ck_assert_int_eq(got.index, 0);
	q.page_after = 3;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<4/> <5/> <6/>");
	ck_assert(!got.is_complete);
	ck_assert_int_eq(got.index, 3);
	q.page_after = 4;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<5/> <6/> <7/>");
	ck_assert(got.is_complete);
	q.page_after = 7;
	got = query(ROOM, q);
	ck_assert_uint_eq(got.n, 0);
	ck_assert(got.is_complete);
	ck_assert_int_eq(got.count, 7);
	ck_assert_int_eq(got.index, -1);

	/* From the end. */
	q = (struct archive_query){ .max = 3,
				    .has_count = true,
				    .is_backwards = true };
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<5/> <6/> <7/>");
	ck_assert(!got.is_complete);
	ck_assert_int_eq(got.index, 4);
	q.page_before = 5;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<2/> <3/> <4/>");
	ck_assert(!got.is_complete);
	ck_assert_int_eq(got.index, 1);
	q.page_before = 2;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<1/>");
	ck_assert(got.is_complete);

	/* The count alone. */
	got = query(ROOM, (struct archive_query){ .has_count = true });
	ck_assert_uint_eq(got.n, 0);
	ck_assert_int_eq(got.count, 7);
	ck_assert(!got.is_complete);
	got = query(ROOM, (struct archive_query){ .max = 9 });
	ck_assert_int_eq(got.count, -1);
	ck_assert_int_eq(got.index, -1);
}
END_TEST

/* XEP-0313: one that is not there is an error, not an empty page. */
START_TEST(knows_which_ids_are_there)
{
	const int64_t some[] = { 2, 4 }, all[] = { 2, 3 };
	const struct archive_query unknown[] = {
		{ .max = 5, .after_id = 4 },
		{ .max = 5, .before_id = 4 },
		{ .max = 5, .page_after = 4 },
		{ .max = 5, .page_before = 4, .is_backwards = true },
		{ .max = 5, .page_after = INT64_MAX },
		{ .max = 5, .after_id = -1 },
		{ .max = 5, .ids = some, .n_ids = 2 },
		{ .has_count = true, .page_after = 4 },
	};

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 3);
	append_many(OTHER, 4, 5);
	for (size_t i = 0; i < N_ELEMENTS(unknown); i++) {
		struct got got = query(ROOM, unknown[i]);

		ck_assert_int_eq(got.status, STORE_NOT_FOUND);
		ck_assert_uint_eq(got.n, 0);
	}
	ck_assert_int_eq(query(ROOM, (struct archive_query){ .max = 5,
							     .ids = all,
							     .n_ids = 2 })
				 .status,
			 STORE_OK);
}
END_TEST

START_TEST(finds_ids)
{
	static const int64_t ids[] = { 9, 2, 5, 2, 7 };
	struct archive_query q = {
		.ids = ids, .n_ids = 5, .max = 10, .has_count = true
	};
	struct got got;

	fixture_open(&archive_store, _i);
	append_many(ROOM, 1, 10);
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<2/> <5/> <7/> <9/>");
	ck_assert_int_eq(got.count, 4);
	ck_assert_int_eq(got.index, 0);
	ck_assert(got.is_complete);
	q.max = 2;
	q.page_after = 4; /* not one of them */
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<5/> <7/>");
	ck_assert_int_eq(got.index, 1);
	ck_assert(!got.is_complete);
	q.page_after = 0;
	q.is_backwards = true;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<7/> <9/>");
	ck_assert_int_eq(got.index, 2);
	ck_assert(!got.is_complete);
	q.page_before = 7;
	got = query(ROOM, q);
	ck_assert_str_eq(got.xml, "<2/> <5/>");
	ck_assert(got.is_complete);
	/* Within the other limits. */
	q = (struct archive_query){
		.ids = ids, .n_ids = 5, .max = 10, .after_id = 2, .before_id = 9
	};
	ck_assert_str_eq(query(ROOM, q).xml, "<5/> <7/>");
	q = (struct archive_query){
		.ids = ids, .n_ids = 5, .max = 10, .peer = "nobody"
	};
	ck_assert_uint_eq(query(ROOM, q).n, 0);
}
END_TEST

/* Times are those of the ids. */
START_TEST(finds_times)
{
	struct archive_query q = { .max = 10, .has_count = true };
	static const struct {
		int64_t start_ms, end_ms;
		const char *want;
	} cases[] = {
		{ 0, 0, "<4999/> <5000/> <5999/> <6000/>" },
		{ 5, 0, "<5000/> <5999/> <6000/>" },
		{ 5, 5, "<5000/> <5999/>" },
		{ 0, 5, "<4999/> <5000/> <5999/>" },
		{ 6, 5, "" },
		{ 7, 0, "" },
		{ 0, -1, "" },
		{ -1, INT64_MAX, "<4999/> <5000/> <5999/> <6000/>" },
		{ INT64_MAX, INT64_MAX - 1, "" },
	};

	fixture_open(&archive_store, _i);
	append(ROOM, 4999, NULL, 0);
	append(ROOM, 5000, NULL, 0);
	append(ROOM, 5999, NULL, 0);
	append(ROOM, 6000, NULL, 0);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct got got;

		q.start_ms = cases[i].start_ms;
		q.end_ms = cases[i].end_ms;
		got = query(ROOM, q);
		ck_assert_msg(strcmp(got.xml, cases[i].want) == 0,
			      "case %zu: \"%s\"", i, got.xml);
		ck_assert_int_eq(got.count, (int64_t)got.n);
	}
}
END_TEST

/* What a query must give, found by looking at each row. */

enum { N_ROWS = 60 };

static const char *
peer_of(int64_t id)
{
	static const char *const peers[] = { "a", "b", NULL };

	return peers[id * 7 % 13 % 3];
}

static bool
is_in(const struct archive_query *q, int64_t id)
{
	const char *peer = peer_of(id);

	return (!q->after_id || id > q->after_id) &&
	       (!q->before_id || id < q->before_id) &&
	       (!q->peer || (peer && strcmp(peer, q->peer) == 0));
}

static void
ck_query(const struct archive_query *q)
{
	struct got got = query(ROOM, *q);
	int64_t page[N_ROWS], count = 0, index = -1;
	size_t n = 0, first;

	for (int64_t id = 1; id <= N_ROWS; id++) {
		if (!is_in(q, id))
			continue;
		count++;
		if (id > q->page_after &&
		    (!q->page_before || id < q->page_before))
			page[n++] = id;
	}
	first = q->is_backwards && n > q->max ? n - q->max : 0;
	ck_assert_int_eq(got.status, STORE_OK);
	ck_assert_uint_eq(got.n, n > q->max ? q->max : n);
	ck_assert(got.is_complete == (n <= q->max));
	ck_assert_int_eq(got.count, count);
	if (got.n) {
		index = 0;
		for (int64_t id = 1; id < page[first]; id++)
			index += is_in(q, id);
		ck_assert_int_eq(got.first, page[first]);
		ck_assert_int_eq(got.last, page[first + got.n - 1]);
	}
	ck_assert_int_eq(got.index, index);
}

START_TEST(answers_like_a_list)
{
	unsigned seed = 1;

	fixture_open(&archive_store, _i);
	for (int64_t id = 1; id <= N_ROWS; id++)
		append(ROOM, id, peer_of(id), 0);
	for (int i = 0; i < 400; i++) {
		int64_t r[6];

		for (size_t k = 0; k < N_ELEMENTS(r); k++)
			r[k] = rand_r(&seed);
		ck_query(&(struct archive_query){
			.peer = r[0] % 2 ? (r[0] % 4 == 1 ? "a" : "b") : NULL,
			.after_id = r[1] % 3 ? 0 : r[1] % N_ROWS + 1,
			.before_id = r[2] % 3 ? 0 : r[2] % N_ROWS + 1,
			.page_after = r[3] % 3 ? 0 : r[3] % N_ROWS + 1,
			.page_before = r[4] % 3 ? 0 : r[4] % N_ROWS + 1,
			.max = (size_t)(r[5] % 17),
			.is_backwards = r[5] % 2 == 1,
			.has_count = true,
		});
	}
}
END_TEST

/* Whoever asks for the count of a peer's rows does not make us look at each. */
START_TEST(counts_no_large_result_with_a_peer)
{
	enum { N = 10001 };
	struct archive_query q = { .max = 1, .peer = "a", .has_count = true };
	struct outcome o = { 0 };
	struct got got;

	fixture_open(&archive_store, _i);
	for (int64_t id = 1; id <= N; id++)
		archive_append(
			archive_store.store, ROOM,
			&(struct archive_row){ .id = id,
					       .peer = id % 2 ? "a" : "b",
					       .xml = "<x/>",
					       .len = 4 },
			0, outcome_set, &o);
	fixture_settle(&archive_store);
	ck_assert_int_eq(o.calls, N);
	got = query(ROOM, q);
	ck_assert_int_eq(got.first, 1);
	ck_assert_int_eq(got.count, -1);
	ck_assert_int_eq(got.index, -1);
	q.after_id = 1;
	got = query(ROOM, q);
	ck_assert_int_eq(got.first, 3);
	ck_assert_int_eq(got.count, N / 2);
	ck_assert_int_eq(got.index, 0);
	q.peer = NULL;
	q.after_id = 0;
	q.page_after = N - 1;
	got = query(ROOM, q);
	ck_assert_int_eq(got.count, N);
	ck_assert_int_eq(got.index, N - 1);
}
END_TEST

/* A page of large stanzas does not take all memory. */
START_TEST(ends_a_page_of_large_rows)
{
	size_t len = 400000;
	char *xml = mem_alloc(len);
	struct archive_query q = { .max = 100 };
	struct got got;

	fixture_open(&archive_store, _i);
	memset(xml, 'x', len);
	for (int64_t id = 1; id <= 5; id++)
		append_row(ROOM,
			   &(struct archive_row){
				   .id = id, .xml = xml, .len = len },
			   0, STORE_OK);
	free(xml);
	got = query(ROOM, q);
	ck_assert_int_eq(got.first, 1);
	ck_assert_int_eq(got.last, 3);
	ck_assert(!got.is_complete);
	q.page_after = 3;
	got = query(ROOM, q);
	ck_assert_int_eq(got.first, 4);
	ck_assert_int_eq(got.last, 5);
	ck_assert(got.is_complete);
	q = (struct archive_query){ .max = 100, .is_backwards = true };
	got = query(ROOM, q);
	ck_assert_int_eq(got.first, 3);
	ck_assert_int_eq(got.last, 5);
	ck_assert(!got.is_complete);
}
END_TEST

START_TEST(gives_the_newest)
{
	struct got got;

	fixture_open(&archive_store, _i);
	for (int64_t id = 1; id <= 9; id++) {
		char xml[8];

		snprintf(xml, sizeof(xml), "<%d/>", (int)id);
		append_row(ROOM,
			   &(struct archive_row){ .id = id,
						  .kind = (unsigned)id,
						  .xml = xml,
						  .len = 4 },
			   0, STORE_OK);
	}
	got = newest(ROOM, 0, 3);
	ck_assert_str_eq(got.xml, "<7/> <8/> <9/>");
	ck_assert_str_eq(newest(ROOM, 1, 3).xml, "<5/> <7/> <9/>");
	ck_assert_str_eq(newest(ROOM, 3, 3).xml, "<3/> <7/>");
	ck_assert_uint_eq(newest(ROOM, 0, 0).n, 0);
	ck_assert_uint_eq(newest(ROOM, 0, 100).n, 9);
	ck_assert_uint_eq(newest(OTHER, 0, 3).n, 0);
}
END_TEST

START_TEST(finds_by_origin)
{
	static const struct {
		const char *peer, *origin_id;
	} rows[] = {
		{ "a", "1" }, { "b", "1" },  { "a", "2" },
		{ "a", "1" }, { "a", NULL }, { NULL, "1" },
	};

	fixture_open(&archive_store, _i);
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		append_row(
			ROOM,
			&(struct archive_row){ .id = (int64_t)i + 1,
					       .peer = rows[i].peer,
					       .origin_id = rows[i].origin_id,
					       .xml = "<x/>",
					       .len = 4 },
			0, STORE_OK);
	ck_assert_int_eq(find_origin("a", "1", 10).first, 4);
	ck_assert_int_eq(find_origin("b", "1", 10).first, 2);
	ck_assert_int_eq(find_origin("b", "2", 10).status, STORE_NOT_FOUND);
	/* Only as far back as asked. */
	ck_assert_int_eq(find_origin("b", "1", 5).first, 2);
	ck_assert_int_eq(find_origin("b", "1", 4).status, STORE_NOT_FOUND);
}
END_TEST

START_TEST(has_an_index_for_each_statement)
{
	fixture_open(&archive_store, _i);
	fixture_ck_plans(&archive_store, &archive_query_kind);
}
END_TEST

static void
teardown(void)
{
	fixture_close(&archive_store);
}

int
main(void)
{
	TCase *tc = tcase_create("archive_query");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, pages);
	add_store_test(tc, knows_which_ids_are_there);
	add_store_test(tc, finds_ids);
	add_store_test(tc, finds_times);
	add_store_test(tc, answers_like_a_list);
	add_store_test(tc, counts_no_large_result_with_a_peer);
	add_store_test(tc, ends_a_page_of_large_rows);
	add_store_test(tc, gives_the_newest);
	add_store_test(tc, finds_by_origin);
	tcase_add_loop_test(tc, has_an_index_for_each_statement, 0, 1);
	return unit_run(tc);
}
