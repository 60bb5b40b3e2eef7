/* check_muc_master.c - the order in which a room's submissions are judged,
 * stored, applied and answered. */

#include "base/buf.h"
#include "modules/muc/entry.h"
#include "modules/muc/master.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <string.h>

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = {
	.secret = secret,
	.presence_max = 4096,
	.occupants_max = 100,
	.affiliations_max = 100,
	.history_max = 20,
};

static struct master m;
static struct jid *den;
/* What happened, in a few letters each. */
static struct buf told;
/* Is all that lasts put on disk? */
static bool is_stored;
/* How many rulings there is time for; -1: all. */
static int n_may;
static void (*inside)(void);
static unsigned n_inside;

static bool
store(void *owner, struct entry *const *entries, size_t n)
{
	bool lasts = false;

	(void)owner;
	for (size_t i = 0; i < n; i++)
		lasts |= entry_is_lasting(entries[i]);
	if (is_stored && lasts)
		buf_printf(&told, " store:%zu", n);
	return is_stored && lasts;
}

static void
run_inside(void)
{
	if (inside && n_inside) {
		n_inside--;
		inside();
	}
}

static bool
may_apply(void *owner, const struct submission *sub)
{
	ck_assert_ptr_eq(owner, &m);
	ck_assert(sub->type == SUBMIT_STANZA);
	if (n_may > 0)
		n_may--;
	else if (!n_may)
		return false;
	return true;
}

static void
applied(void *owner, const struct room_change *c)
{
	ck_assert_ptr_eq(owner, &m);
	buf_printf(&told, " %s", entry_type_name(c->entry->type));
	run_inside();
}

static void
done(void *owner, void *ticket, const struct submission *sub,
     const struct ruling *ruling)
{
	ck_assert_ptr_eq(owner, &m);
	ck_assert(ticket || sub->type != SUBMIT_STANZA);
	buf_printf(&told, " %s=%s", ticket ? (const char *)ticket : "?",
		   ruling->cond ? stanza_cond_name(ruling->cond) : "ok");
	run_inside();
}

static const struct master_class class = {
	.store = store,
	.may_apply = may_apply,
	.applied = applied,
	.done = done,
};

static void
setup(void)
{
	den = jid_parse("den@rooms.example");
	master_init(&m, room_new(den, 0), &env, &class, &m);
	ck_assert(master_is_idle(&m));
	is_stored = true;
	n_may = -1;
	inside = NULL;
	n_inside = 0;
}

static void
teardown(void)
{
	if (m.room)
		master_fini(&m);
	jid_unref(&den);
	buf_fini(&told);
}

/* What has happened since the last time. */
static void
expect(const char *want)
{
	buf_addc(&told, '\0');
	ck_assert_str_eq(told.data, want);
	told.len = 0;
}

/* ---- what is submitted: the caller's copies go at once ---- */

static void
submit(const char *ticket, const char *from, struct stanza *s, bool is_creation)
{
	struct jid *jid = jid_parse(from);
	struct submission sub = { .type = SUBMIT_STANZA,
				  .from = jid,
				  .stanza = s,
				  .now_ms = 1000,
				  .is_creation = is_creation };

	master_submit(&m, &sub, (void *)ticket);
	memset(&sub, 0x55, sizeof(sub));
	jid_unref(&jid);
	stanza_unref(&s);
}

static struct stanza *
make(enum stanza_kind kind, enum stanza_type type, const char *nick)
{
	struct jid *to = nick ? jid_with_resource(den, nick) : jid_ref(den);
	struct stanza *s = stanza_new(kind, type, NULL, to, NULL);

	jid_unref(&to);
	return s;
}

static void
enter(const char *ticket, const char *from, const char *nick, bool is_creation)
{
	struct stanza *s = make(STANZA_PRESENCE, TYPE_NONE, nick);

	xml_add(s->arena, s->root, "x", NS_MUC);
	submit(ticket, from, s, is_creation);
}

static void
say(const char *ticket, const char *from)
{
	struct stanza *s = make(STANZA_MESSAGE, TYPE_GROUPCHAT, NULL);

	xml_add_text(s->arena, s->root, "body", NULL, "Hello");
	submit(ticket, from, s, false);
}

static void
set_subject(const char *ticket, const char *from)
{
	struct stanza *s = make(STANZA_MESSAGE, TYPE_GROUPCHAT, NULL);

	xml_add_text(s->arena, s->root, "subject", NULL, "Tea");
	submit(ticket, from, s, false);
}

static void
show(const char *ticket, const char *from)
{
	submit(ticket, from, make(STANZA_PRESENCE, TYPE_NONE, NULL), false);
}

static void
submit_entry(struct entry from)
{
	struct entry *e = entry_new(&from);

	master_submit(&m,
		      &(struct submission){ .type = SUBMIT_ENTRY, .entry = e },
		      NULL);
	entry_unref(&e);
}

#define ANN "a@x.example/1"
#define BEN "b@x.example/1"

/* Ann and Ben are in it. */
static void
populate(void)
{
	bool was_stored = is_stored;

	is_stored = false;
	enter("ann", ANN, "Ann", true);
	m.room->is_locked = false;
	enter("ben", BEN, "Ben", false);
	is_stored = was_stored;
	expect(" affiliation join ann=ok join ben=ok");
}

/* ---- order ---- */

START_TEST(nothing_to_store)
{
	populate();
	show("1", ANN);
	expect(" presence 1=ok");
	say("2", "c@x.example/1");
	expect(" 2=not-acceptable");
	is_stored = false;
	say("3", ANN);
	expect(" message 3=ok");
	ck_assert(master_is_idle(&m));
}
END_TEST

/* More of them can be judged while one is on its way. */
START_TEST(messages_share)
{
	populate();
	say("1", ANN);
	say("2", BEN);
	say("3", ANN);
	expect(" store:1 store:1 store:1");
	ck_assert(!master_is_idle(&m));
	ck_assert_uint_eq(m.room->n_history, 0);
	master_stored(&m, COND_NONE);
	expect(" message 1=ok");
	ck_assert_uint_eq(m.room->n_history, 1);
	master_stored(&m, COND_NONE);
	master_stored(&m, COND_NONE);
	expect(" message 2=ok message 3=ok");
	ck_assert(master_is_idle(&m));
	ck_assert_int_lt(m.room->history[0]->archive_id,
			 m.room->history[1]->archive_id);
	ck_assert_int_lt(m.room->history[1]->archive_id,
			 m.room->history[2]->archive_id);
}
END_TEST

/* All else waits for the state that it will meet, and what follows it, too. */
START_TEST(others_wait)
{
	populate();
	say("1", ANN);
	show("2", BEN);
	say("3", ANN);
	enter("4", "c@x.example/1", "Cat", false);
	expect(" store:1");
	master_stored(&m, COND_NONE);
	expect(" message 1=ok presence 2=ok store:1");
	master_stored(&m, COND_NONE);
	expect(" message 3=ok join 4=ok");
}
END_TEST

/* The subject is not one of the messages that go together. */
START_TEST(subject_alone)
{
	populate();
	set_subject("1", ANN);
	say("2", ANN);
	expect(" store:1");
	master_stored(&m, COND_NONE);
	expect(" subject 1=ok store:1");
	master_stored(&m, COND_NONE);
	expect(" message 2=ok");
}
END_TEST

/* What goes to the disk alone decides: the second of them meets no room. */
START_TEST(creation)
{
	enter("1", ANN, "Ann", true);
	enter("2", BEN, "Ben", false);
	expect(" store:2");
	ck_assert_uint_eq(m.room->n_occupants, 0);
	master_stored(&m, COND_NONE);
	expect(" affiliation join 1=ok 2=item-not-found");
}
END_TEST

/* A message of who has left before it is judged when that has happened. */
START_TEST(judged_late)
{
	populate();
	say("1", ANN);
	submit("2", BEN, make(STANZA_PRESENCE, TYPE_UNAVAILABLE, "Ben"), false);
	say("3", BEN);
	expect(" store:1");
	master_stored(&m, COND_NONE);
	expect(" message 1=ok leave 2=ok 3=not-acceptable");
}
END_TEST

/* ---- when there is no time ---- */

/* What was to be applied waits, and all behind it, too. */
START_TEST(no_time)
{
	populate();
	n_may = 0;
	show("1", ANN);
	say("2", BEN);
	enter("3", "c@x.example/1", "Cat", false);
	expect("");
	ck_assert(!master_is_idle(&m));
	n_may = 1;
	master_go_on(&m);
	expect(" presence 1=ok store:1");
	n_may = 0;
	master_stored(&m, COND_NONE);
	master_go_on(&m);
	say("4", ANN);
	expect("");
	n_may = 2;
	master_go_on(&m);
	expect(" message 2=ok join 3=ok store:1");
	n_may = -1;
	master_stored(&m, COND_NONE);
	expect(" message 4=ok");
	ck_assert(master_is_idle(&m));
}
END_TEST

/* Messages that are on disk wait as well; more of them go there meanwhile. */
START_TEST(stored_without_time)
{
	populate();
	say("1", ANN);
	say("2", BEN);
	say("3", ANN);
	n_may = 0;
	master_stored(&m, COND_NONE);
	master_stored(&m, COND_NONE);
	say("4", BEN);
	expect(" store:1 store:1 store:1 store:1");
	ck_assert_uint_eq(m.room->n_history, 0);
	master_stored(&m, COND_RESOURCE_CONSTRAINT);
	expect("");
	n_may = 1;
	master_go_on(&m);
	expect(" message 1=ok");
	show("5", BEN);
	n_may = -1;
	master_go_on(&m);
	expect(" message 2=ok 3=resource-constraint");
	master_stored(&m, COND_NONE);
	expect(" message 4=ok presence 5=ok");
	ck_assert(master_is_idle(&m));
}
END_TEST

/* It is judged by the room that it meets: Ben has left before he speaks. */
START_TEST(judged_when_there_is_time)
{
	populate();
	is_stored = false;
	n_may = 0;
	submit("1", BEN, make(STANZA_PRESENCE, TYPE_UNAVAILABLE, "Ben"), false);
	say("2", BEN);
	expect("");
	n_may = -1;
	master_go_on(&m);
	expect(" leave 1=ok 2=not-acceptable");
}
END_TEST

/* What the server does itself is done, in its order. */
START_TEST(own_without_time)
{
	populate();
	is_stored = false;
	n_may = 0;
	submit_entry((struct entry){ .type = ENTRY_DESTROY });
	expect(" destroy ?=ok");
}
END_TEST

/* To refuse takes none. */
START_TEST(refused_without_time)
{
	populate();
	n_may = 0;
	say("1", "c@x.example/1");
	expect(" 1=not-acceptable");
	ck_assert(master_is_idle(&m));
}
END_TEST

START_TEST(ended_without_time)
{
	populate();
	say("1", ANN);
	say("2", BEN);
	n_may = 0;
	master_stored(&m, COND_NONE);
	show("3", ANN);
	ck_assert(!master_is_idle(&m));
	master_fini(&m);
	expect(" store:1 store:1 1=internal-server-error"
	       " 2=internal-server-error 3=internal-server-error");
}
END_TEST

/* ---- what fails ---- */

START_TEST(not_stored)
{
	int64_t id;

	populate();
	say("1", ANN);
	say("2", BEN);
	id = m.room->last_archive_id;
	expect(" store:1 store:1");
	master_stored(&m, COND_RESOURCE_CONSTRAINT);
	expect(" 1=resource-constraint");
	ck_assert_uint_eq(m.room->n_history, 0);
	master_stored(&m, COND_NONE);
	expect(" message 2=ok");
	/* Its number does not come again. */
	say("3", ANN);
	ck_assert_int_gt(m.room->last_archive_id, id);
	master_stored(&m, COND_INTERNAL_SERVER_ERROR);
	expect(" store:1 3=internal-server-error");
	ck_assert_uint_eq(m.room->log.seq, 4);
}
END_TEST

START_TEST(creation_not_stored)
{
	enter("1", ANN, "Ann", true);
	master_stored(&m, COND_INTERNAL_SERVER_ERROR);
	expect(" store:2 1=internal-server-error");
	ck_assert_uint_eq(m.room->n_occupants, 0);
	ck_assert_uint_eq(m.room->affiliations.by_jid.n, 0);
	ck_assert(!m.room->is_locked);
	ck_assert(master_is_idle(&m));
}
END_TEST

/* ---- calls from inside ---- */

static void
say_and_show(void)
{
	ck_assert(!master_is_idle(&m));
	say("in1", ANN);
	show("in2", BEN);
}

/* Inside applied, then inside done: it waits until that is over. */
START_TEST(from_inside)
{
	populate();
	inside = say_and_show;
	n_inside = 1;
	show("1", ANN);
	expect(" presence 1=ok store:1");
	master_stored(&m, COND_NONE);
	expect(" message in1=ok presence in2=ok");
	ck_assert(master_is_idle(&m));
}
END_TEST

START_TEST(from_inside_of_stored)
{
	populate();
	say("1", ANN);
	say("2", BEN);
	inside = say_and_show;
	n_inside = 1;
	master_stored(&m, COND_NONE);
	expect(" store:1 store:1 message 1=ok store:1");
	master_stored(&m, COND_NONE);
	master_stored(&m, COND_NONE);
	expect(" message 2=ok message in1=ok presence in2=ok");
}
END_TEST

static void
show_again(void)
{
	show("again", ANN);
}

START_TEST(from_inside_again_and_again)
{
	populate();
	inside = show_again;
	n_inside = 5;
	show("1", ANN);
	/* One for each applied and each done, five in all. */
	expect(" presence 1=ok presence again=ok presence again=ok"
	       " presence again=ok presence again=ok presence again=ok");
	ck_assert(master_is_idle(&m));
}
END_TEST

/* ---- what nobody has sent ---- */

START_TEST(entries)
{
	populate();
	say("1", ANN);
	submit_entry((struct entry){ .type = ENTRY_DESTROY });
	say("2", ANN);
	submit_entry((struct entry){ .type = ENTRY_DESTROY });
	expect(" store:1");
	master_stored(&m, COND_NONE);
	expect(" message 1=ok store:1");
	master_stored(&m, COND_NONE);
	expect(" destroy ?=ok 2=item-not-found ?=item-not-found");
	ck_assert(m.room->is_destroyed);
}
END_TEST

START_TEST(entries_that_do_not_fit)
{
	populate();
	submit_entry((struct entry){
		.type = ENTRY_NICK, .nick = "Ann", .new_nick = "Ben" });
	expect(" ?=conflict");
}
END_TEST

/* ---- the end ---- */

START_TEST(ended)
{
	populate();
	say("1", ANN);
	say("2", BEN);
	show("3", ANN);
	say("4", ANN);
	expect(" store:1 store:1");
	master_fini(&m);
	ck_assert_ptr_null(m.room);
	expect(" 1=internal-server-error 2=internal-server-error"
	       " 3=internal-server-error 4=internal-server-error");
}
END_TEST

static void
show_at_the_end(void)
{
	show("late", ANN);
}

START_TEST(ended_from_inside)
{
	populate();
	say("1", ANN);
	inside = show_at_the_end;
	n_inside = 1;
	master_fini(&m);
	expect(" store:1 1=internal-server-error late=internal-server-error");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_master");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_to_store);
	tcase_add_test(tc, messages_share);
	tcase_add_test(tc, others_wait);
	tcase_add_test(tc, subject_alone);
	tcase_add_test(tc, creation);
	tcase_add_test(tc, judged_late);
	tcase_add_test(tc, no_time);
	tcase_add_test(tc, stored_without_time);
	tcase_add_test(tc, judged_when_there_is_time);
	tcase_add_test(tc, own_without_time);
	tcase_add_test(tc, refused_without_time);
	tcase_add_test(tc, ended_without_time);
	tcase_add_test(tc, not_stored);
	tcase_add_test(tc, creation_not_stored);
	tcase_add_test(tc, from_inside);
	tcase_add_test(tc, from_inside_of_stored);
	tcase_add_test(tc, from_inside_again_and_again);
	tcase_add_test(tc, entries);
	tcase_add_test(tc, entries_that_do_not_fit);
	tcase_add_test(tc, ended);
	tcase_add_test(tc, ended_from_inside);
	return unit_run(tc);
}
