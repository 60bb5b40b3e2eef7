/* check_rooms.c - rooms come, change and go, with all that they have. */

#include "storage/rooms.h"

#include "base/log.h"
#include "rooms_fixture.h"
#include "storage/archive.h"
#include "storage/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
save(const struct room_row *row)
{
	struct outcome o = { 0 };

	rooms_save(rooms_store.store, row, outcome_set, &o);
	outcome_expect(&rooms_store, &o, STORE_OK);
}

struct loaded {
	int calls;
	enum store_status status;
	char row[512], affiliations[4096], occupants[1024];
	int64_t version, last_id;
	size_t n_affiliations;
};

static void
on_loaded(void *data, const struct room_result *res)
{
	struct loaded *l = data;
	const struct room_row *r = res->row;

	l->calls++;
	l->status = res->res.status;
	ck_assert((r != NULL) == (l->status == STORE_OK));
	l->version = res->version;
	l->n_affiliations = res->n_affiliations;
	for (size_t i = 0; i < res->n_affiliations; i++)
		add_affiliation(l->affiliations, sizeof(l->affiliations),
				&res->affiliations[i]);
	for (size_t i = 0; i < res->n_occupants; i++) {
		const struct room_occupant *o = &res->occupants[i];
		char one[256];

		snprintf(one, sizeof(one), "%s %s %s %s %d/%d@%d", o->nick,
			 o->jid, or_dash(o->occupant_id), or_dash(o->payload),
			 o->role, o->affiliation, (int)o->stamp_ms);
		add_text(l->occupants, sizeof(l->occupants), one);
	}
	if (!r)
		return;
	l->last_id = r->last_id;
	snprintf(l->row, sizeof(l->row),
		 "%s %s %s %s %s %s %d %d %d %d %d %d%d%d", r->jid,
		 or_dash(r->name), r->config, or_dash(r->subject),
		 or_dash(r->subject_from), or_dash(r->epoch),
		 (int)r->subject_ms, (int)r->seq, (int)r->last_id,
		 (int)r->created_ms, (int)r->used_ms, r->is_public,
		 r->is_persistent, r->is_locked);
}

static struct loaded
load(const char *jid)
{
	struct loaded l = { 0 };

	rooms_load(rooms_store.store, jid, on_loaded, &l);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(l.calls, 1);
	return l;
}

struct version {
	int calls;
	enum store_status status;
	int64_t version;
};

static void
on_version(void *data, const struct store_result *res, int64_t version)
{
	struct version *v = data;

	v->calls++;
	v->status = res->status;
	v->version = version;
}

static void
set(const char *room, const char *jid, int affiliation, int64_t want_version)
{
	const struct room_affiliation item = { .jid = jid,
					       .affiliation = affiliation };
	struct version v = { 0 };

	room_set_affiliation(rooms_store.store, room, &item, on_version, &v);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(v.calls, 1);
	ck_assert_int_eq(v.status, STORE_OK);
	ck_assert_int_eq(v.version, want_version);
}

static void
on_count(void *data, const struct rooms_list_result *res)
{
	*(int64_t *)data = res->count;
}

static int64_t
count(const char *service, bool only_public)
{
	const struct rooms_query q = { .service = service,
				       .only_public = only_public };
	int64_t n = -1;

	rooms_list(rooms_store.store, &q, on_count, &n);
	fixture_settle(&rooms_store);
	return n;
}

static void
ck_counts(int64_t n_all, int64_t n_public)
{
	ck_assert_int_eq(count(SERVICE, false), n_all);
	ck_assert_int_eq(count(SERVICE, true), n_public);
}

static void
put_occupant(const char *room, const struct room_occupant *o)
{
	struct outcome done = { 0 };

	room_occupant_put(rooms_store.store, room, o, outcome_set, &done);
	outcome_expect(&rooms_store, &done, STORE_OK);
}

static void
enter(const char *room, const char *jid)
{
	put_occupant(room, &(struct room_occupant){ .jid = jid, .nick = "n" });
}

static void
append(const char *room, int64_t id)
{
	const struct archive_row row = { .id = id, .xml = "<x/>", .len = 4 };
	struct outcome o = { 0 };

	archive_append(rooms_store.store, room, &row, 0, outcome_set, &o);
	outcome_expect(&rooms_store, &o, STORE_OK);
}

static void
on_bounds(void *data, const struct archive_bounds *b)
{
	*(int64_t *)data = b->count;
}

static int64_t
archived(const char *room)
{
	int64_t n = -1;

	archive_bounds(rooms_store.store, room, on_bounds, &n);
	fixture_settle(&rooms_store);
	return n;
}

START_TEST(keeps_the_row)
{
	struct room_row row = { .jid = ROOM,
				.name = "A room\xc3\xa9",
				.config = "a=1\nb=2",
				.subject = "<subject>s</subject>",
				.subject_from = "nick",
				.epoch = "e1",
				.subject_ms = 1,
				.seq = 2,
				.last_id = 3,
				.created_ms = 4,
				.used_ms = 5,
				.is_public = true,
				.is_locked = true };
	struct loaded l;

	fixture_open(&rooms_store, _i);
	ck_assert_int_eq(load(ROOM).status, STORE_NOT_FOUND);
	save(&row);
	save(&(struct room_row){ .jid = OTHER, .config = "" });
	fixture_reopen(&rooms_store);
	l = load(ROOM);
	ck_assert_str_eq(l.row, ROOM " A room\xc3\xa9 a=1\nb=2 "
				     "<subject>s</subject> nick e1 "
				     "1 2 3 4 5 101");
	ck_assert_int_eq(l.version, 0);
	ck_assert_str_eq(load(OTHER).row, OTHER " -  - - - 0 0 0 0 0 000");

	/* Again: the row, not the lists. */
	set(ROOM, ROMEO, 4, 1);
	row.name = NULL;
	row.config = "c";
	row.subject = NULL;
	row.is_public = false;
	row.is_persistent = true;
	row.is_locked = false;
	save(&row);
	l = load(ROOM);
	ck_assert_str_eq(l.row, ROOM " - c - nick e1 1 2 3 4 5 010");
	ck_assert_str_eq(l.affiliations, ROMEO " 4 - - 0@1");
	ck_assert_int_eq(l.version, 1);
}
END_TEST

/* The archive knows of later messages than the row. */
START_TEST(knows_the_last_id)
{
	fixture_open(&rooms_store, _i);
	save(&(struct room_row){ .jid = ROOM, .config = "", .last_id = 5 });
	ck_assert_int_eq(load(ROOM).last_id, 5);
	append(ROOM, 3);
	append(OTHER, 9);
	ck_assert_int_eq(load(ROOM).last_id, 5);
	append(ROOM, 7);
	ck_assert_int_eq(load(ROOM).last_id, 7);
}
END_TEST

START_TEST(creates)
{
	const struct room_affiliation items[] = {
		{ .jid = ROMEO, .affiliation = 4, .nick = "Romeo" },
		{ .jid = "capulet.example", .affiliation = -1, .reason = "r" },
		{ .jid = "nobody@x", .affiliation = 0 },
		{ .jid = JULIET, .affiliation = 2, .stamp_ms = 9 },
	};
	struct loaded l;

	fixture_open(&rooms_store, _i);
	create(ROOM, items, N_ELEMENTS(items), STORE_OK);
	l = load(ROOM);
	ck_assert_str_eq(l.affiliations, "capulet.example -1 - r 0@2, " JULIET
					 " 2 - - 9@3, " ROMEO " 4 Romeo - 0@1");
	ck_assert_int_eq(l.version, 3);
	create(ROOM, items, 1, STORE_EXISTS);
	ck_assert_uint_eq(load(ROOM).n_affiliations, 3);
	create(OTHER, NULL, 0, STORE_OK);
	ck_assert_int_eq(load(OTHER).version, 0);
	ck_counts(2, 2);
}
END_TEST

/* One of two that create it at the same time is told. */
START_TEST(one_of_two_creates)
{
	const struct room_row row = { .jid = ROOM, .config = "" };
	struct outcome first = { 0 }, second = { 0 };

	fixture_open(&rooms_store, _i);
	rooms_create(rooms_store.store, &row, NULL, 0, outcome_set, &first);
	rooms_create(rooms_store.store, &row, NULL, 0, outcome_set, &second);
	outcome_expect(&rooms_store, &second, STORE_EXISTS);
	ck_assert_int_eq(first.status, STORE_OK);
	ck_counts(1, 0);
}
END_TEST

START_TEST(deletes)
{
	const struct room_affiliation romeo = { .jid = ROMEO,
						.affiliation = 4 };
	struct loaded l;

	fixture_open(&rooms_store, _i);
	destroy(ROOM, STORE_NOT_FOUND);
	create(ROOM, &romeo, 1, STORE_OK);
	create(OTHER, &romeo, 1, STORE_OK);
	enter(ROOM, "a@x/1");
	enter(OTHER, "a@x/1");
	append(ROOM, 1);
	append(OTHER, 1);
	destroy(ROOM, STORE_OK);
	ck_assert_int_eq(load(ROOM).status, STORE_NOT_FOUND);
	ck_assert_int_eq(archived(ROOM), 0);
	ck_counts(1, 1);
	destroy(ROOM, STORE_NOT_FOUND);
	ck_counts(1, 1);

	/* A new one of that name knows nothing of it, nor of what came late. */
	append(ROOM, 1);
	enter(ROOM, "b@x/1");
	create(ROOM, NULL, 0, STORE_OK);
	l = load(ROOM);
	ck_assert_str_eq(l.affiliations, "");
	ck_assert_str_eq(l.occupants, "");
	ck_assert_int_eq(l.version, 0);
	ck_assert_int_eq(archived(ROOM), 0);

	l = load(OTHER);
	ck_assert_str_eq(l.affiliations, ROMEO " 4 - - 0@1");
	ck_assert_str_eq(l.occupants, "n a@x/1 - - 0/0@0");
	ck_assert_int_eq(archived(OTHER), 1);
	ck_counts(2, 2);
}
END_TEST

START_TEST(counts_by_service)
{
	struct room_row row = { .jid = ROOM, .config = "" };

	fixture_open(&rooms_store, _i);
	ck_counts(0, 0);
	save(&row);
	ck_counts(1, 0);
	row.is_public = true;
	save(&row);
	save(&row);
	ck_counts(1, 1);
	row.jid = OTHER;
	save(&row);
	row.jid = "room@elsewhere";
	save(&row);
	ck_counts(2, 2);
	row.jid = ROOM;
	row.is_public = false;
	save(&row);
	ck_counts(2, 1);
	destroy(ROOM, STORE_OK);
	destroy(OTHER, STORE_OK);
	ck_counts(0, 0);
	ck_assert_int_eq(count("elsewhere", false), 1);
}
END_TEST

START_TEST(keeps_occupants)
{
	struct outcome o = { 0 };

	fixture_open(&rooms_store, _i);
	create(ROOM, NULL, 0, STORE_OK);
	create(OTHER, NULL, 0, STORE_OK);
	put_occupant(ROOM, &(struct room_occupant){ .jid = "b@x/1",
						    .nick = "Zoe",
						    .occupant_id = "id",
						    .payload = "<show/>",
						    .stamp_ms = 5,
						    .role = 3,
						    .affiliation = -1 });
	enter(ROOM, "a@x/2");
	enter(ROOM, "a@x/1");
	enter(OTHER, "b@x/1");
	fixture_reopen(&rooms_store);
	ck_assert_str_eq(load(ROOM).occupants,
			 "Zoe b@x/1 id <show/> 3/-1@5, n a@x/1 - - 0/0@0, "
			 "n a@x/2 - - 0/0@0");
	enter(ROOM, "b@x/1");
	ck_assert_str_eq(
		load(ROOM).occupants,
		"n a@x/1 - - 0/0@0, n a@x/2 - - 0/0@0, n b@x/1 - - 0/0@0");
	room_occupant_remove(rooms_store.store, ROOM, "a@x/1", outcome_set, &o);
	outcome_expect(&rooms_store, &o, STORE_OK);
	room_occupant_remove(rooms_store.store, ROOM, "a@x/1", outcome_set, &o);
	outcome_expect(&rooms_store, &o, STORE_OK);
	ck_assert_str_eq(load(ROOM).occupants,
			 "n a@x/2 - - 0/0@0, n b@x/1 - - 0/0@0");
	room_occupants_clear(rooms_store.store, ROOM, outcome_set, &o);
	outcome_expect(&rooms_store, &o, STORE_OK);
	ck_assert_str_eq(load(ROOM).occupants, "");
	ck_assert_str_eq(load(OTHER).occupants, "n b@x/1 - - 0/0@0");
}
END_TEST

struct rooms {
	int calls;
	char text[512];
};

static void
on_jids(void *data, const struct rooms_jids *res)
{
	struct rooms *r = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	r->calls++;
	for (size_t i = 0; i < res->n_jids; i++)
		add_text(r->text, sizeof(r->text), res->jids[i]);
}

static struct rooms
occupied(const char *service)
{
	struct rooms r = { 0 };

	rooms_with_occupants(rooms_store.store, service, on_jids, &r);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(r.calls, 1);
	return r;
}

static void
on_purged(void *data, const struct store_result *res, int64_t n)
{
	ck_assert_int_eq(res->status, STORE_OK);
	*(int64_t *)data = n;
}

static int64_t
purge(size_t max)
{
	int64_t n = -1;

	rooms_purge_temporary(rooms_store.store, SERVICE, max, on_purged, &n);
	fixture_settle(&rooms_store);
	return n;
}

START_TEST(wakes_and_purges_at_the_start)
{
	fixture_open(&rooms_store, _i);
	ck_assert_str_eq(occupied(SERVICE).text, "");
	ck_assert_int_eq(purge(10), 0);
	for (char c = 'a'; c <= 'h'; c++) {
		char jid[] = "x@" SERVICE;

		jid[0] = c;
		save(&(struct room_row){ .jid = jid,
					 .config = "",
					 .is_public = true,
					 .is_persistent = c <= 'b' });
		append(jid, 1);
	}
	save(&(struct room_row){ .jid = "t@elsewhere", .config = "" });
	enter("b@" SERVICE, "a@x/1");
	enter("d@" SERVICE, "a@x/1");
	enter("d@" SERVICE, "a@x/2");
	enter("e@elsewhere", "a@x/1");
	ck_assert_str_eq(occupied(SERVICE).text, "b@" SERVICE ", d@" SERVICE);
	ck_assert_str_eq(occupied("elsewhere").text, "e@elsewhere");
	ck_assert_str_eq(occupied("example.net").text, "");

	ck_assert_int_eq(purge(2), 2);
	ck_counts(6, 6);
	ck_assert_int_eq(purge(100), 3);
	ck_assert_int_eq(purge(100), 0);
	ck_assert_int_eq(load("a@" SERVICE).status, STORE_OK);
	ck_assert_int_eq(load("b@" SERVICE).status, STORE_OK);
	ck_assert_int_eq(load("d@" SERVICE).status, STORE_OK);
	ck_counts(3, 3);
	ck_assert_int_eq(archived("a@" SERVICE), 1);
	ck_assert_int_eq(archived("d@" SERVICE), 1);
	ck_assert_int_eq(archived("c@" SERVICE), 0);
	ck_assert_int_eq(load("t@elsewhere").status, STORE_OK);
}
END_TEST

/* Each load sees exactly what was done before it was called. */
START_TEST(keeps_the_order_of_calls)
{
	enum { N = 60 };
	static struct loaded got[N];
	struct outcome o = { 0 };
	struct version v = { 0 };

	fixture_open(&rooms_store, _i);
	memset(got, 0, sizeof(got));
	create(ROOM, NULL, 0, STORE_OK);
	for (int i = 0; i < N; i++) {
		char jid[16];

		snprintf(jid, sizeof(jid), "%03d@x", i);
		rooms_save(rooms_store.store,
			   &(struct room_row){
				   .jid = ROOM, .config = "", .seq = i },
			   outcome_set, &o);
		room_set_affiliation(rooms_store.store, ROOM,
				     &(struct room_affiliation){
					     .jid = jid, .affiliation = 1 },
				     on_version, &v);
		rooms_load(rooms_store.store, ROOM, on_loaded, &got[i]);
	}
	fixture_settle(&rooms_store);
	ck_assert_int_eq(o.calls, N);
	ck_assert_int_eq(v.version, N);
	for (int i = 0; i < N; i++) {
		char want[128];

		snprintf(want, sizeof(want), ROOM " -  - - - 0 %d 0 0 0 000",
			 i);
		ck_assert_str_eq(got[i].row, want);
		ck_assert_int_eq(got[i].version, i + 1);
		ck_assert_uint_eq(got[i].n_affiliations, (size_t)i + 1);
	}
}
END_TEST

START_TEST(has_an_index_for_each_statement)
{
	fixture_open(&rooms_store, _i);
	fixture_ck_plans(&rooms_store, &rooms_kind);
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
	const struct room_affiliation item = { .jid = JULIET,
					       .affiliation = 3 };
	const struct room_row row = { .jid = OTHER,
				      .config = "",
				      .is_public = true };
	struct outcome created = { 0 }, deleted = { 0 };
	struct version v = { 0 };
	struct loaded got = { 0 };

	fixture_open(&rooms_store, _i);
	create(ROOM, NULL, 0, STORE_OK);
	set(ROOM, ROMEO, 4, 1);
	log_capture(ignore_line, NULL);
	fixture_fail_writes(ENOSPC);
	rooms_create(rooms_store.store, &row, &item, 1, outcome_set, &created);
	room_set_affiliation(rooms_store.store, ROOM, &item, on_version, &v);
	rooms_delete(rooms_store.store, ROOM, outcome_set, &deleted);
	rooms_load(rooms_store.store, ROOM, on_loaded, &got);
	outcome_expect(&rooms_store, &created, STORE_NO_SPACE);
	ck_assert_int_eq(deleted.status, STORE_NO_SPACE);
	ck_assert_int_eq(v.status, STORE_NO_SPACE);
	ck_assert_int_eq(v.version, 0);
	/* All is as before. */
	ck_assert_str_eq(got.affiliations, ROMEO " 4 - - 0@1");
	ck_counts(1, 1);
	fixture_fail_writes(0);
	log_capture(NULL, NULL);
	ck_assert_int_eq(load(OTHER).status, STORE_NOT_FOUND);
	create(OTHER, &item, 1, STORE_OK);
	set(ROOM, JULIET, 3, 2);
	ck_counts(2, 2);
}
END_TEST

static void
teardown(void)
{
	fixture_fail_writes(0);
	fixture_close(&rooms_store);
}

int
main(void)
{
	TCase *tc = tcase_create("rooms");

	tcase_add_checked_fixture(tc, fixture_failing_disk, teardown);
	add_store_test(tc, keeps_the_row);
	add_store_test(tc, knows_the_last_id);
	add_store_test(tc, creates);
	add_store_test(tc, one_of_two_creates);
	add_store_test(tc, deletes);
	add_store_test(tc, counts_by_service);
	add_store_test(tc, keeps_occupants);
	add_store_test(tc, wakes_and_purges_at_the_start);
	add_store_test(tc, keeps_the_order_of_calls);
	tcase_add_loop_test(tc, has_an_index_for_each_statement, 0, 1);
	add_store_test(tc, a_full_disk);
	return unit_run(tc);
}
