/* check_directed.c - to whom presence was sent directly. */

#include "modules/presence/directed.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <stdio.h>

static struct jid *room, *romeo, *garden;

static void
setup(void)
{
	room = jid_parse("room@example.com/Juliet");
	romeo = jid_parse("romeo@example.net");
	garden = jid_parse("romeo@example.net/garden");
}

static void
teardown(void)
{
	jid_unref(&room);
	jid_unref(&romeo);
	jid_unref(&garden);
}

START_TEST(add_and_remove)
{
	struct directed d = { 0 };

	ck_assert(!directed_has(&d, room));
	directed_remove(&d, room);
	ck_assert(directed_add(&d, room, 2));
	ck_assert(directed_add(&d, garden, 2));
	ck_assert_uint_eq(d.n, 2);
	ck_assert(directed_has(&d, room));
	ck_assert(!directed_has(&d, romeo));
	ck_assert(directed_has_bare(&d, romeo));
	directed_remove(&d, room);
	ck_assert(!directed_has(&d, room));
	ck_assert(directed_has(&d, garden));
	directed_remove(&d, garden);
	ck_assert_uint_eq(d.n, 0);
	ck_assert_ptr_null(d.one);
	directed_fini(&d);
}
END_TEST

START_TEST(limit)
{
	struct directed d = { 0 };

	ck_assert(directed_add(&d, room, 1));
	ck_assert(!directed_add(&d, romeo, 1));
	/* Not one more. */
	ck_assert(directed_add(&d, room, 1));
	ck_assert_uint_eq(d.n, 1);
	directed_fini(&d);
	ck_assert_uint_eq(d.n, 0);
}
END_TEST

/* The address that a room knows now, in place of all that it knew before. */
START_TEST(move)
{
	struct jid *jules = jid_parse("room@example.com/Jules");
	struct jid *other = jid_parse("room@example.com/Julia");
	struct directed d = { 0 };

	directed_add(&d, room, 3);
	directed_add(&d, romeo, 3);
	directed_add(&d, other, 3);
	directed_move(&d, jules);
	ck_assert_uint_eq(d.n, 2);
	ck_assert(directed_has(&d, jules));
	ck_assert(directed_has(&d, romeo));
	/* To where it is, with the list's own reference. */
	jid_unref(&jules);
	directed_move(&d, directed_at(&d, 1));
	ck_assert_uint_eq(d.n, 2);
	directed_move(&d, room);
	ck_assert_uint_eq(d.n, 2);
	ck_assert(directed_has(&d, room));
	directed_fini(&d);
	/* Where there was none. */
	directed_move(&d, room);
	ck_assert(directed_has(&d, room));
	directed_fini(&d);
	jid_unref(&other);
}
END_TEST

/* It has gone by itself, and comes back by itself. */
START_TEST(gone_and_back)
{
	struct jid *jules = jid_parse("room@example.com/Jules");
	struct directed d = { 0 };

	directed_gone(&d, room); /* never there */
	directed_back(&d, room, 2);
	ck_assert(!directed_knows(&d, room));
	directed_add(&d, room, 2);
	directed_add(&d, garden, 2);
	directed_gone(&d, room);
	ck_assert(!directed_has(&d, room));
	ck_assert(!directed_has_bare(&d, room));
	ck_assert(directed_knows(&d, jules));
	ck_assert(!directed_knows(&d, romeo));
	/* The limit holds. */
	directed_back(&d, jules, 1);
	ck_assert(!directed_has(&d, jules));
	directed_back(&d, jules, 2);
	ck_assert(directed_has(&d, jules));
	ck_assert(!directed_knows(&d, room));
	ck_assert_uint_eq(d.n, 2);
	ck_assert_uint_eq(d.n_gone, 0);
	/* Who leaves does not come back. */
	directed_gone(&d, jules);
	directed_remove(&d, room);
	directed_back(&d, jules, 2);
	ck_assert(!directed_knows(&d, jules));
	directed_gone(&d, garden);
	directed_remove(&d, garden);
	ck_assert_ptr_null(d.one);
	jid_unref(&jules);
}
END_TEST

/* The oldest are forgotten. */
START_TEST(many_gone)
{
	struct directed d = { 0 };
	struct jid *jids[DIRECTED_GONE_MAX + 2];
	char text[40];

	for (unsigned i = 0; i < DIRECTED_GONE_MAX + 2; i++) {
		snprintf(text, sizeof(text), "room%u@example.com/me", i);
		jids[i] = jid_parse(text);
		directed_add(&d, jids[i], 100);
	}
	directed_add(&d, romeo, 100);
	for (unsigned i = 0; i < DIRECTED_GONE_MAX + 2; i++)
		directed_gone(&d, jids[i]);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_uint_eq(d.n_gone, DIRECTED_GONE_MAX);
	ck_assert(!directed_knows(&d, jids[0]));
	ck_assert(!directed_knows(&d, jids[1]));
	ck_assert(directed_knows(&d, jids[2]));
	ck_assert(directed_has(&d, romeo));
	directed_add(&d, jids[0], 100);
	ck_assert_uint_eq(d.n_gone, DIRECTED_GONE_MAX);
	directed_move(&d, jids[2]);
	ck_assert_uint_eq(d.n, 3);
	ck_assert_uint_eq(d.n_gone, DIRECTED_GONE_MAX - 1);
	for (unsigned i = 0; i < DIRECTED_GONE_MAX + 2; i++) {
		ck_assert_int_eq(directed_knows(&d, jids[i]), i != 1);
		jid_unref(&jids[i]);
	}
	directed_fini(&d);
	ck_assert_uint_eq(d.n_gone, 0);
}
END_TEST

/* From none to three and back, each of them the first to go once. */
START_TEST(grow_and_shrink)
{
	struct jid *all[] = { room, romeo, garden };
	struct directed d = { 0 };

	for (int first = 0; first < 3; first++) {
		for (int i = 0; i < 3; i++)
			ck_assert(directed_add(&d, all[i], 3));
		for (int i = 0; i < 3; i++) {
			directed_remove(&d, all[(first + i) % 3]);
			ck_assert_uint_eq(d.n, 2 - i);
			for (int k = 0; k < 3; k++)
				ck_assert_int_eq(
					directed_has(&d, all[(first + k) % 3]),
					k > i);
		}
		ck_assert_ptr_null(d.one);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("directed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, add_and_remove);
	tcase_add_test(tc, limit);
	tcase_add_test(tc, move);
	tcase_add_test(tc, gone_and_back);
	tcase_add_test(tc, many_gone);
	tcase_add_test(tc, grow_and_shrink);
	return unit_run(tc);
}
