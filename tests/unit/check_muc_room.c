/* check_muc_room.c - how entries change a room, and what they say of it. */

#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "muc_invariants.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <stdio.h>
#include <string.h>

static struct room *room;
static struct room_change change;

static void
setup(void)
{
	struct jid *jid = jid_parse("den@rooms.example");

	room = room_new(jid, 16);
	jid_unref(&jid);
}

static void
teardown(void)
{
	room_change_fini(&change);
	room_free(room);
}

/* The change is that of the last one, until the next. text: the payload; NULL:
 * none. */
static void
apply(struct entry from, const char *jid, const char *text)
{
	struct entry *e;

	from.jid = jid ? jid_parse(jid) : NULL;
	from.payload = text ? chunk_copy(text, strlen(text)) : NULL;
	e = entry_new(&from);
	jid_unref(&from.jid);
	chunk_unref(&from.payload);
	room_change_fini(&change);
	ck_assert_msg(room_can_apply(room, e), "%s", entry_type_name(e->type));
	log_ring_append(&room->log, e);
	room_apply(room, e, &change);
	entry_unref(&e);
	ck_assert_pstr_eq(room_find_broken(room), NULL);
}

static bool
can_apply(struct entry from, const char *jid)
{
	struct entry *e;
	bool can;

	from.jid = jid ? jid_parse(jid) : NULL;
	e = entry_new(&from);
	jid_unref(&from.jid);
	can = room_can_apply(room, e);
	entry_unref(&e);
	return can;
}

static void
join(const char *jid, const char *nick, const char *text)
{
	apply((struct entry){ .type = ENTRY_JOIN,
			      .nick = nick,
			      .role = ROLE_PARTICIPANT },
	      jid, text);
}

static void
leave(const char *jid)
{
	apply((struct entry){ .type = ENTRY_LEAVE }, jid, NULL);
}

static struct room_session *
session(const char *jid)
{
	struct jid *full = jid_parse(jid);
	struct room_session *s = room_session(room, full);

	jid_unref(&full);
	return s;
}

#define A1 "a@x.example/1"
#define A2 "a@x.example/2"
#define A3 "a@x.example/3"
#define B1 "b@y.example/1"

/* ---- entering ---- */

START_TEST(first_session)
{
	join(A1, "Ann", "><show>away</show>");
	ck_assert(change.is_first && !change.is_again && !change.is_same);
	ck_assert_ptr_eq(change.occupant, room_by_nick(room, "Ann"));
	ck_assert_ptr_eq(change.session, session(A1));
	ck_assert_int_eq(change.old_role, ROLE_NONE);
	ck_assert_uint_eq(room->n_occupants, 1);
	ck_assert_ptr_eq(room_by_user(room, session(A1)->jid), change.occupant);
	ck_assert_ptr_eq(change.occupant->top, session(A1));
}
END_TEST

START_TEST(more_sessions)
{
	join(A1, "Ann", NULL);
	join(A2, "Ann", NULL);
	ck_assert(!change.is_first && !change.is_again && !change.is_same);
	ck_assert_int_eq(change.old_role, ROLE_PARTICIPANT);
	ck_assert_uint_eq(room->n_occupants, 1);
	ck_assert_uint_eq(change.occupant->n_sessions, 2);
	/* The last presence is shown. */
	ck_assert_ptr_eq(change.occupant->top, session(A2));
	join(B1, "Ben", NULL);
	ck_assert(change.is_first);
	ck_assert_uint_eq(room->n_occupants, 2);
}
END_TEST

static const struct {
	const char *first, *second;
	bool is_same;
} presences[] = {
	{ "><show>away</show>", "><show>away</show>", true },
	{ "><show>away</show>", "><show>dnd</show>", false },
	{ "><show>away</show>", NULL, false },
	{ NULL, "><show>away</show>", false },
	{ NULL, NULL, true },
	/* The end of the start tag is nothing. */
	{ NULL, ">", true },
	{ ">", NULL, true },
};

START_TEST(again)
{
	join(A1, "Ann", presences[_i].first);
	join(A1, "Ann", presences[_i].second);
	ck_assert(!change.is_first && change.is_again);
	ck_assert(change.is_same == presences[_i].is_same);
	ck_assert_uint_eq(room->sessions.n, 1);
}
END_TEST

START_TEST(again_after_away)
{
	join(A1, "Ann", NULL);
	apply((struct entry){ .type = ENTRY_LINK, .is_away = true },
	      "x.example", NULL);
	ck_assert(session(A1)->is_away);
	join(A1, "Ann", NULL);
	ck_assert(change.is_again && !change.is_same);
	ck_assert(!session(A1)->is_away);
}
END_TEST

START_TEST(cannot_enter)
{
	struct entry ann = { .type = ENTRY_JOIN, .nick = "Ann" };
	struct entry eve = { .type = ENTRY_JOIN, .nick = "Eve" };

	ck_assert(can_apply(ann, A1));
	ck_assert(!can_apply(ann, "a@x.example"));
	ck_assert(!can_apply(ann, NULL));
	ck_assert(!can_apply((struct entry){ .type = ENTRY_JOIN }, A1));
	join(A1, "Ann", NULL);
	join(B1, "Ben", NULL);
	ck_assert(can_apply(ann, A2));
	/* Of somebody else; of a client that is here under another one. */
	ck_assert(!can_apply(ann, B1));
	ck_assert(!can_apply(ann, "c@y.example/1"));
	ck_assert(!can_apply(eve, A1));
}
END_TEST

/* One may be here under several nicknames, with a client each. */
START_TEST(two_nicknames)
{
	join(A1, "Ann", NULL);
	join(A2, "Eve", NULL);
	ck_assert(change.is_first);
	ck_assert_uint_eq(room->n_occupants, 2);
	ck_assert_str_eq(session(A2)->occupant->nick, "Eve");
	leave(A2);
	ck_assert_ptr_eq(room_by_user(room, session(A1)->jid),
			 session(A1)->occupant);
	join(A2, "Eve", NULL);
	leave(A1);
	ck_assert_ptr_eq(room_by_user(room, session(A2)->jid),
			 session(A2)->occupant);
}
END_TEST

/* ---- presence, leaving ---- */

START_TEST(presence)
{
	join(A1, "Ann", NULL);
	join(A2, "Ann", NULL);
	ck_assert(!can_apply((struct entry){ .type = ENTRY_PRESENCE }, A3));
	apply((struct entry){ .type = ENTRY_PRESENCE, .nick = "Ann" }, A1,
	      "><show>xa</show>");
	ck_assert_ptr_eq(change.session, session(A1));
	ck_assert_ptr_eq(change.occupant->top, session(A1));
	ck_assert_ptr_nonnull(session(A1)->payload);
	apply((struct entry){ .type = ENTRY_PRESENCE, .nick = "Ann" }, A1, ">");
	ck_assert_ptr_null(session(A1)->payload);
}
END_TEST

START_TEST(one_leaves)
{
	join(A1, "Ann", NULL);
	join(A2, "Ann", NULL);
	join(A3, "Ann", NULL);
	leave(A1);
	ck_assert(!change.is_last && !change.was_top);
	ck_assert_ptr_null(session(A1));
	ck_assert_str_eq(jid_str(change.session->jid), A1);
	ck_assert_uint_eq(change.occupant->n_sessions, 2);
	leave(A3);
	ck_assert(!change.is_last && change.was_top);
	ck_assert_ptr_eq(change.occupant->top, session(A2));
	leave(A2);
	ck_assert(change.is_last && change.was_top);
	ck_assert_str_eq(change.occupant->nick, "Ann");
	ck_assert_int_eq(change.old_role, ROLE_PARTICIPANT);
	ck_assert(room_is_empty(room));
	ck_assert_ptr_null(room_by_nick(room, "Ann"));
	ck_assert(!can_apply((struct entry){ .type = ENTRY_LEAVE }, A2));
}
END_TEST

START_TEST(all_leave)
{
	join(A1, "Ann", NULL);
	join(A2, "Ann", NULL);
	join(B1, "Ben", NULL);
	ck_assert(!can_apply(
		(struct entry){ .type = ENTRY_LEAVE, .nick = "Eve" }, NULL));
	apply((struct entry){ .type = ENTRY_LEAVE,
			      .nick = "Ann",
			      .affiliation = AFFILIATION_OUTCAST,
			      .code = 301 },
	      NULL, NULL);
	ck_assert(change.is_last && change.was_top);
	ck_assert_ptr_null(change.session);
	ck_assert_int_eq(change.old_affiliation, AFFILIATION_NONE);
	ck_assert_int_eq(change.occupant->affiliation, AFFILIATION_OUTCAST);
	/* Who shows it finds them all. */
	ck_assert_uint_eq(change.occupant->n_sessions, 2);
	ck_assert_ptr_null(session(A1));
	ck_assert_uint_eq(room->n_occupants, 1);
	/* And they can come back. */
	join(A1, "Ann", NULL);
	ck_assert(change.is_first);
}
END_TEST

/* ---- nicknames, roles ---- */

START_TEST(nick)
{
	struct entry to_cat = { .type = ENTRY_NICK,
				.nick = "Ann",
				.new_nick = "Cat" };
	struct entry to_ben = to_cat;

	to_ben.new_nick = "Ben";
	apply((struct entry){ .type = ENTRY_JOIN,
			      .nick = "Ann",
			      .occupant_id = "id-of-ann",
			      .role = ROLE_PARTICIPANT },
	      A1, NULL);
	join(A2, "Ann", NULL);
	join(B1, "Ben", NULL);
	ck_assert(!can_apply(to_ben, A1));
	ck_assert(!can_apply(to_cat, B1));
	ck_assert(!can_apply(to_cat, A3));
	ck_assert(!can_apply(
		(struct entry){ .type = ENTRY_NICK, .nick = "Ann" }, A1));
	ck_assert(can_apply(to_cat, NULL));
	apply(to_cat, A1, "><show>dnd</show>");
	ck_assert_ptr_eq(change.occupant, room_by_nick(room, "Cat"));
	ck_assert_ptr_eq(change.session, session(A1));
	ck_assert_str_eq(change.occupant->id, "id-of-ann");
	ck_assert_ptr_null(room_by_nick(room, "Ann"));
	ck_assert_uint_eq(change.occupant->n_sessions, 2);
	ck_assert_ptr_eq(change.occupant->top, session(A1));
	ck_assert(!can_apply(to_cat, A1));
	apply((struct entry){ .type = ENTRY_NICK,
			      .nick = "Cat",
			      .new_nick = "Ann" },
	      NULL, NULL);
	ck_assert_ptr_null(change.session);
	ck_assert_str_eq(change.occupant->nick, "Ann");
}
END_TEST

START_TEST(role)
{
	join(A1, "Ann", NULL);
	ck_assert(!can_apply(
		(struct entry){ .type = ENTRY_ROLE, .nick = "Ann" }, NULL));
	ck_assert(!can_apply((struct entry){ .type = ENTRY_ROLE,
					     .nick = "Ben",
					     .role = ROLE_VISITOR },
			     NULL));
	apply((struct entry){ .type = ENTRY_ROLE,
			      .nick = "Ann",
			      .affiliation = AFFILIATION_OWNER,
			      .role = ROLE_MODERATOR },
	      NULL, NULL);
	ck_assert_int_eq(change.old_role, ROLE_PARTICIPANT);
	ck_assert_int_eq(change.old_affiliation, AFFILIATION_NONE);
	ck_assert_int_eq(change.occupant->role, ROLE_MODERATOR);
	ck_assert_int_eq(change.occupant->affiliation, AFFILIATION_OWNER);
	/* The list is another thing. */
	ck_assert_uint_eq(room->affiliations.by_jid.n, 0);
}
END_TEST

START_TEST(link_lost)
{
	join(A1, "Ann", NULL);
	join(B1, "Ben", NULL);
	ck_assert(!can_apply((struct entry){ .type = ENTRY_LINK },
			     "a@x.example"));
	apply((struct entry){ .type = ENTRY_LINK, .is_away = true },
	      "y.example", NULL);
	ck_assert(session(B1)->is_away && !session(A1)->is_away);
	apply((struct entry){ .type = ENTRY_LINK }, "y.example", NULL);
	ck_assert(!session(B1)->is_away);
}
END_TEST

/* ---- what is kept ---- */

static void
say(int64_t id)
{
	apply((struct entry){ .type = ENTRY_MESSAGE,
			      .nick = "Ann",
			      .archive_id = id },
	      A1, ">");
}

/* " 3 4" */
static const char *
history(void)
{
	static char text[256];
	char *at = text;

	*at = '\0';
	for (size_t i = 0; i < room->n_history; i++)
		at += sprintf(at, " %d", (int)room->history[i]->archive_id);
	return text;
}

static void
configure(int n_history)
{
	struct muc_config c;

	muc_config_copy(&c, &room->config);
	c.history = n_history;
	apply((struct entry){ .type = ENTRY_CONFIG, .config = &c }, NULL, NULL);
	muc_config_fini(&c);
}

static void
say_much(int64_t id, size_t len)
{
	char text[64];

	memset(text, 'x', len);
	text[len] = '\0';
	apply((struct entry){ .type = ENTRY_MESSAGE,
			      .nick = "Ann",
			      .archive_id = id },
	      A1, text);
}

START_TEST(size_of_history)
{
	configure(10);
	room_limit_history(room, 30);
	for (int i = 1; i <= 4; i++)
		say_much(i, 10);
	ck_assert_str_eq(history(), " 2 3 4");
	/* What was taken back leaves its place to others. */
	apply((struct entry){ .type = ENTRY_RETRACT, .target = 3 }, NULL, ">");
	say_much(5, 10);
	ck_assert_str_eq(history(), " 2 4 5");
	say_much(6, 25);
	ck_assert_str_eq(history(), " 6");
	say_much(7, 5);
	ck_assert_str_eq(history(), " 6 7");
	/* One that is larger than all leaves nothing. */
	say_much(8, 31);
	ck_assert_str_eq(history(), "");
	say_much(9, 30);
	ck_assert_str_eq(history(), " 9");
	room_limit_history(room, 29);
	ck_assert_str_eq(history(), "");
	/* The number counts as well. */
	room_limit_history(room, 30);
	configure(1);
	say_much(10, 10);
	say_much(11, 10);
	ck_assert_str_eq(history(), " 11");
}
END_TEST

START_TEST(messages)
{
	configure(3);
	for (int i = 1; i <= 5; i++)
		say(i);
	ck_assert_str_eq(history(), " 3 4 5");
	ck_assert_int_eq(room->last_archive_id, 5);
	/* XEP-0424: only what is there can be taken back. */
	apply((struct entry){ .type = ENTRY_RETRACT, .target = 4 }, NULL, ">");
	ck_assert_str_eq(history(), " 3 5");
	apply((struct entry){ .type = ENTRY_RETRACT, .target = 1 }, NULL, ">");
	ck_assert_str_eq(history(), " 3 5");
	say(9);
	ck_assert_str_eq(history(), " 3 5 9");
	configure(1);
	ck_assert_str_eq(history(), " 9");
	configure(0);
	ck_assert_str_eq(history(), "");
	say(10);
	ck_assert_str_eq(history(), "");
	ck_assert_int_eq(room->last_archive_id, 10);
}
END_TEST

START_TEST(options)
{
	struct muc_config c;

	apply((struct entry){ .type = ENTRY_JOIN,
			      .nick = "Ann",
			      .is_locked = true },
	      A1, NULL);
	ck_assert(room->is_locked);
	muc_config_init(&c, PRESET_TEMPORARY);
	c.name = mem_strdup("Den");
	apply((struct entry){ .type = ENTRY_CONFIG, .config = &c }, NULL, NULL);
	muc_config_fini(&c);
	ck_assert(!room->is_locked);
	ck_assert_str_eq(room->config.name, "Den");
	ck_assert_ptr_null(change.old_config.name);
	ck_assert(!can_apply((struct entry){ .type = ENTRY_CONFIG }, NULL));
}
END_TEST

START_TEST(subject)
{
	struct entry set = { .type = ENTRY_SUBJECT,
			     .nick = "Ann",
			     .stamp_ms = 7,
			     .archive_id = 8 };

	apply(set, A1, ">");
	set.stamp_ms = 9;
	set.archive_id = 10;
	apply(set, A1, ">");
	ck_assert_int_eq(room->subject->stamp_ms, 9);
	ck_assert_uint_eq(room->n_history, 0);
	ck_assert_int_eq(room->last_archive_id, 10);
}
END_TEST

START_TEST(list)
{
	struct entry member = { .type = ENTRY_AFFILIATION,
				.nick = "Ann",
				.affiliation = AFFILIATION_MEMBER };

	ck_assert(!can_apply(member, A1));
	ck_assert(!can_apply(member, NULL));
	apply(member, "a@x.example", NULL);
	ck_assert_uint_eq(
		affiliations_count(&room->affiliations, AFFILIATION_MEMBER), 1);
	ck_assert_ptr_nonnull(affiliations_by_nick(&room->affiliations, "Ann"));
	member.affiliation = AFFILIATION_NONE;
	apply(member, "a@x.example", NULL);
	ck_assert_uint_eq(room->affiliations.by_jid.n, 0);
}
END_TEST

START_TEST(destroyed)
{
	join(A1, "Ann", NULL);
	apply((struct entry){ .type = ENTRY_DESTROY }, NULL, NULL);
	ck_assert(room->is_destroyed);
	/* Whoever was in it still is, for who tells them. */
	ck_assert_uint_eq(room->n_occupants, 1);
	ck_assert(!can_apply((struct entry){ .type = ENTRY_LEAVE }, A1));
	ck_assert(!can_apply((struct entry){ .type = ENTRY_DESTROY }, NULL));
}
END_TEST

/* ---- the digest ---- */

static struct entry *
entry(struct entry from, const char *jid)
{
	struct entry *e;

	from.jid = jid ? jid_parse(jid) : NULL;
	e = entry_new(&from);
	jid_unref(&from.jid);
	return e;
}

/* Each step makes it another room, and the same for who replays it. */
START_TEST(digests)
{
	struct room *other = room_new(room->jid, 0);
	struct muc_config c;
	struct entry *all[12];
	uint64_t seen[N_ELEMENTS(all) + 1] = { room_digest(room) };

	muc_config_init(&c, PRESET_PUBLIC_CHANNEL);
	all[0] = entry((struct entry){ .type = ENTRY_JOIN,
				       .nick = "Ann",
				       .role = ROLE_VISITOR,
				       .is_locked = true },
		       A1);
	all[1] = entry((struct entry){ .type = ENTRY_CONFIG, .config = &c },
		       NULL);
	all[2] = entry((struct entry){ .type = ENTRY_JOIN,
				       .nick = "Ann",
				       .role = ROLE_VISITOR },
		       A2);
	/* Another session is shown. */
	all[3] = entry((struct entry){ .type = ENTRY_PRESENCE, .nick = "Ann" },
		       A1);
	all[4] = entry((struct entry){ .type = ENTRY_ROLE,
				       .nick = "Ann",
				       .role = ROLE_PARTICIPANT },
		       NULL);
	all[5] = entry((struct entry){ .type = ENTRY_NICK,
				       .nick = "Ann",
				       .new_nick = "Cat" },
		       NULL);
	all[6] = entry((struct entry){ .type = ENTRY_LINK, .is_away = true },
		       "x.example");
	all[7] = entry((struct entry){ .type = ENTRY_AFFILIATION,
				       .affiliation = AFFILIATION_MEMBER },
		       "a@x.example");
	all[8] = entry((struct entry){ .type = ENTRY_AFFILIATION,
				       .nick = "Cat",
				       .affiliation = AFFILIATION_MEMBER },
		       "a@x.example");
	all[9] = entry((struct entry){ .type = ENTRY_SUBJECT,
				       .nick = "Cat",
				       .stamp_ms = 5 },
		       A1);
	all[10] = entry((struct entry){ .type = ENTRY_LEAVE }, A1);
	all[11] = entry((struct entry){ .type = ENTRY_DESTROY }, NULL);
	muc_config_fini(&c);
	for (size_t i = 0; i < N_ELEMENTS(all); i++) {
		room_apply(room, all[i], NULL);
		room_apply(other, all[i], NULL);
		seen[i + 1] = room_digest(room);
		ck_assert(room_is_same(room, other));
		for (size_t k = 0; k <= i; k++)
			ck_assert_uint_ne(seen[k], seen[i + 1]);
		entry_unref(&all[i]);
	}
	room_free(other);
}
END_TEST

/* In whatever order who is in it has come. */
START_TEST(digest_without_order)
{
	struct room *other = room_new(room->jid, 16), *first = room;

	join(A1, "Ann", NULL);
	join(B1, "Ben", NULL);
	room = other;
	join(B1, "Ben", NULL);
	join(A1, "Ann", NULL);
	room_change_fini(&change);
	room = first;
	ck_assert_uint_eq(room_digest(room), room_digest(other));
	room_free(other);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_room");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_session);
	tcase_add_test(tc, more_sessions);
	tcase_add_loop_test(tc, again, 0, N_ELEMENTS(presences));
	tcase_add_test(tc, again_after_away);
	tcase_add_test(tc, cannot_enter);
	tcase_add_test(tc, two_nicknames);
	tcase_add_test(tc, presence);
	tcase_add_test(tc, one_leaves);
	tcase_add_test(tc, all_leave);
	tcase_add_test(tc, nick);
	tcase_add_test(tc, role);
	tcase_add_test(tc, link_lost);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, size_of_history);
	tcase_add_test(tc, options);
	tcase_add_test(tc, subject);
	tcase_add_test(tc, list);
	tcase_add_test(tc, destroyed);
	tcase_add_test(tc, digests);
	tcase_add_test(tc, digest_without_order);
	return unit_run(tc);
}
