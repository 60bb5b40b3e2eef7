/* check_joined.c - the rooms that one session is in. */

#include "base/mem.h"
#include "modules/joined/rooms.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <stdlib.h>

#define MANY 300

static struct jid *
numbered(int i, const char *nick)
{
	char *text = mem_printf("room%d@rooms.example/%s", i, nick);
	struct jid *jid = jid_parse(text);

	free(text);
	return jid;
}

START_TEST(add_and_remove)
{
	struct jid *garden = jid_parse("garden@rooms.example/Juliet");
	struct jid *other = jid_parse("garden@rooms.example/Romeo");
	struct jid *room = jid_parse("garden@rooms.example");
	struct jid *cellar = jid_parse("cellar@rooms.example/Juliet");
	struct joined_rooms r = { 0 };

	ck_assert_ptr_null(joined_rooms_find(&r, garden));
	joined_rooms_add(&r, garden);
	ck_assert_ptr_eq(joined_rooms_find(&r, garden)->occupant, garden);
	ck_assert_ptr_eq(joined_rooms_find(&r, other)->occupant, garden);
	ck_assert_ptr_eq(joined_rooms_find(&r, room)->occupant, garden);
	ck_assert_ptr_null(joined_rooms_find(&r, cellar));
	joined_room_rename(joined_rooms_find(&r, room), other);
	ck_assert_ptr_eq(joined_rooms_find(&r, garden)->occupant, other);
	/* To itself. */
	joined_room_rename(r.rooms, r.rooms->occupant);
	ck_assert_ptr_eq(r.rooms->occupant, other);
	joined_rooms_remove(&r, joined_rooms_find(&r, room));
	ck_assert_uint_eq(r.n, 0);
	ck_assert_ptr_null(r.rooms);
	joined_rooms_fini(&r);
	jid_unref(&garden);
	jid_unref(&other);
	jid_unref(&room);
	jid_unref(&cellar);
}
END_TEST

/* Whatever is found moves about; none gets lost, nor the state of one. */
START_TEST(many)
{
	struct joined_rooms r = { 0 };
	unsigned seed = 1;

	for (int i = 0; i < MANY; i++) {
		struct jid *jid = numbered(i, "Juliet");

		joined_rooms_add(&r, jid)->due_s = (uint32_t)i;
		jid_unref(&jid);
	}
	for (int n = 0; n < 20 * MANY; n++) {
		int i = (int)((seed = seed * 1103515245 + 12345) >> 16) % MANY;
		struct jid *jid = numbered(i, "Romeo");
		struct joined_room *room = joined_rooms_find(&r, jid);

		if (room)
			ck_assert_uint_eq(room->due_s, (uint32_t)i);
		if (room && n % 40 == 0)
			joined_rooms_remove(&r, room);
		else
			ck_assert(room || r.n < MANY);
		jid_unref(&jid);
	}
	ck_assert_uint_lt(r.n, MANY);
	ck_assert_uint_gt(r.n, MANY / 4);
	joined_rooms_fini(&r);
	ck_assert_uint_eq(r.n, 0);
}
END_TEST

/* Those that talk stand in front. */
START_TEST(busy_first)
{
	struct joined_rooms r = { 0 };
	struct jid *busy = numbered(MANY - 1, "Juliet");

	for (int i = 0; i < MANY; i++) {
		struct jid *jid = numbered(i, "Juliet");

		joined_rooms_add(&r, jid);
		jid_unref(&jid);
	}
	for (int i = 0; i < 10; i++)
		ck_assert_ptr_nonnull(joined_rooms_find(&r, busy));
	ck_assert(jid_eq(r.rooms[0].occupant, busy));
	joined_rooms_fini(&r);
	jid_unref(&busy);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("rooms");

	tcase_add_test(tc, add_and_remove);
	tcase_add_test(tc, many);
	tcase_add_test(tc, busy_first);
	return unit_run(tc);
}
