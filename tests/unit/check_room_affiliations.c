/* check_room_affiliations.c - who may do what in a room, by version. */

#include "storage/rooms.h"

#include "rooms_fixture.h"
#include "storage/kinds.h"

#include <stdio.h>
#include <string.h>

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
set_all(const char *room, const struct room_affiliation *items, size_t n,
	enum store_status want, int64_t want_version)
{
	struct version v = { 0 };

	room_set_affiliations(rooms_store.store, room, items, n, on_version,
			      &v);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(v.calls, 1);
	ck_assert_int_eq(v.status, want);
	ck_assert_int_eq(v.version, want_version);
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

struct changes {
	int calls;
	enum store_status status;
	char items[16384];
	size_t n;
	int64_t version;
	bool is_full;
};

static void
on_changes(void *data, const struct room_changes *res)
{
	struct changes *c = data;

	c->calls++;
	c->status = res->res.status;
	c->n = res->n_items;
	c->version = res->version;
	c->is_full = res->is_full;
	for (size_t i = 0; i < res->n_items; i++)
		add_affiliation(c->items, sizeof(c->items), &res->items[i]);
}

static struct changes
since(const char *room, int64_t version)
{
	struct changes c = { 0 };

	room_affiliations_since(rooms_store.store, room, version, on_changes,
				&c);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(c.calls, 1);
	return c;
}

START_TEST(changes_affiliations)
{
	const struct room_affiliation items[] = {
		{ .jid = "a@x", .affiliation = 2, .nick = "A", .stamp_ms = 5 },
		{ .jid = "b@x", .affiliation = -1, .reason = "spam" },
		{ .jid = "nobody@x", .affiliation = 0 },
		{ .jid = "a@x", .affiliation = 3 },
	};

	fixture_open(&rooms_store, _i);
	set_all(ROOM, items, 1, STORE_NOT_FOUND, 0);
	create(ROOM, NULL, 0, STORE_OK);
	set_all(ROOM, items, N_ELEMENTS(items), STORE_OK, 3);
	ck_assert_str_eq(since(ROOM, 0).items,
			 "a@x 3 - - 0@3, b@x -1 - spam 0@2");
	set_all(ROOM, items, 1, STORE_OK, 4);
	ck_assert_str_eq(since(ROOM, 0).items,
			 "a@x 2 A - 5@4, b@x -1 - spam 0@2");
	set(ROOM, "b@x", 0, 5);
	set(ROOM, "b@x", 0, 5);
	set_all(ROOM, NULL, 0, STORE_OK, 5);
	ck_assert_str_eq(since(ROOM, 0).items, "a@x 2 A - 5@4");
	ck_assert_int_eq(since(ROOM, 0).version, 5);
	set(ROOM, "b@x", 1, 6);
	ck_assert_str_eq(since(ROOM, 0).items, "a@x 2 A - 5@4, b@x 1 - - 0@6");
}
END_TEST

START_TEST(tells_changes)
{
	struct changes c;

	fixture_open(&rooms_store, _i);
	create(ROOM, NULL, 0, STORE_OK);
	c = since(ROOM, 0);
	ck_assert(c.is_full);
	ck_assert_int_eq(c.version, 0);
	set(ROOM, "a@x", 1, 1);
	set(ROOM, "b@x", 2, 2);
	set(ROOM, "c@x", 3, 3);
	set(ROOM, "b@x", 0, 4);
	set(ROOM, "a@x", 2, 5);

	c = since(ROOM, 2);
	ck_assert(!c.is_full);
	ck_assert_int_eq(c.version, 5);
	ck_assert_str_eq(c.items, "c@x 3 - - 0@3, b@x 0 - - 0@4, "
				  "a@x 2 - - 0@5");
	c = since(ROOM, 5);
	ck_assert(!c.is_full);
	ck_assert_uint_eq(c.n, 0);
	/* From nothing, or from a version that there never was: all. */
	c = since(ROOM, 0);
	ck_assert(c.is_full);
	ck_assert_str_eq(c.items, "a@x 2 - - 0@5, c@x 3 - - 0@3");
	ck_assert(since(ROOM, 6).is_full);
	ck_assert(since(ROOM, -1).is_full);
	ck_assert_int_eq(since(OTHER, 1).status, STORE_NOT_FOUND);

	/* Back again: no tombstone any more. */
	set(ROOM, "b@x", 1, 6);
	ck_assert_str_eq(since(ROOM, 3).items, "a@x 2 - - 0@5, b@x 1 - - 0@6");
}
END_TEST

/* Whoever would need a tombstone that is gone gets all. */
START_TEST(forgets_old_removals)
{
	enum { N = 200 };
	int64_t version = 1, oldest = 0;
	struct changes c;

	fixture_open(&rooms_store, _i);
	create(ROOM, NULL, 0, STORE_OK);
	set(ROOM, "stays@x", 1, 1);
	for (int i = 0; i < N; i++, version += 2) {
		char jid[16];

		snprintf(jid, sizeof(jid), "c%d@x", i);
		set(ROOM, jid, 1, version + 1);
		set(ROOM, jid, 0, version + 2);
	}
	c = since(ROOM, version - 2);
	ck_assert(!c.is_full);
	ck_assert_str_eq(c.items, "c199@x 0 - - 0@401");
	for (int64_t v = 1; v < version && !oldest; v++) {
		c = since(ROOM, v);
		if (c.is_full)
			ck_assert_str_eq(c.items, "stays@x 1 - - 0@1");
		else
			oldest = v;
	}
	ck_assert_int_gt(oldest, 1);
	ck_assert_uint_eq(c.n, (size_t)(version - oldest + 1) / 2);
	ck_assert_uint_ge(c.n, 100);
	ck_assert_uint_lt(c.n, N);
}
END_TEST

struct rooms {
	int calls;
	char text[512];
};

static void
on_rooms_of(void *data, const struct rooms_of_result *res)
{
	struct rooms *r = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	r->calls++;
	for (size_t i = 0; i < res->n_rooms; i++) {
		char one[128];

		snprintf(one, sizeof(one), "%s %d", res->rooms[i].room,
			 res->rooms[i].affiliation);
		add_text(r->text, sizeof(r->text), one);
	}
}

static struct rooms
of(const char *jid, const char *after, size_t max)
{
	struct rooms r = { 0 };

	rooms_of(rooms_store.store, jid, after, max, on_rooms_of, &r);
	fixture_settle(&rooms_store);
	ck_assert_int_eq(r.calls, 1);
	return r;
}

START_TEST(finds_the_rooms_of_a_user)
{
	static const char *const rooms[] = { "c@" SERVICE, "a@" SERVICE, "b@y",
					     "d@" SERVICE };

	fixture_open(&rooms_store, _i);
	for (size_t i = 0; i < N_ELEMENTS(rooms); i++) {
		create(rooms[i], NULL, 0, STORE_OK);
		set(rooms[i], ROMEO, (int)i + 1, 1);
		set(rooms[i], "romeo", 1, 2);
	}
	set("d@" SERVICE, ROMEO, 0, 3);
	ck_assert_str_eq(of(ROMEO, NULL, 10).text,
			 "a@" SERVICE " 2, b@y 3, c@" SERVICE " 1");
	ck_assert_str_eq(of(ROMEO, NULL, 1).text, "a@" SERVICE " 2");
	ck_assert_str_eq(of(ROMEO, "a@" SERVICE, 1).text, "b@y 3");
	ck_assert_str_eq(of(JULIET, NULL, 10).text, "");
	destroy("a@" SERVICE, STORE_OK);
	ck_assert_str_eq(of(ROMEO, NULL, 1).text, "b@y 3");
}
END_TEST

START_TEST(has_an_index_for_each_statement)
{
	fixture_open(&rooms_store, _i);
	fixture_ck_plans(&rooms_store, &room_affiliations_kind);
}
END_TEST

static void
teardown(void)
{
	fixture_close(&rooms_store);
}

int
main(void)
{
	TCase *tc = tcase_create("room_affiliations");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, changes_affiliations);
	add_store_test(tc, tells_changes);
	add_store_test(tc, forgets_old_removals);
	add_store_test(tc, finds_the_rooms_of_a_user);
	tcase_add_loop_test(tc, has_an_index_for_each_statement, 0, 1);
	return unit_run(tc);
}
