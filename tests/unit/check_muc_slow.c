/* check_muc_slow.c - slow mode (XEP-0500): who has spoken when, and two clients
 * of one user at once. */

#include "modules/muc/entry.h"
#include "modules/muc/master.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/slow.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

START_TEST(remembers)
{
	struct slow s = { 0 };

	ck_assert_int_eq(slow_last(&s, "a"), -1);
	slow_note(&s, "a", 1000, 100);
	slow_note(&s, "b", 1050, 100);
	ck_assert_int_eq(slow_last(&s, "a"), 1000);
	ck_assert_int_eq(slow_last(&s, "b"), 1050);
	/* The window's end is in it. */
	slow_note(&s, "b", 1100, 100);
	ck_assert_int_eq(slow_last(&s, "a"), 1000);
	ck_assert_int_eq(slow_last(&s, "b"), 1100);
	slow_note(&s, "c", 1101, 100);
	ck_assert_int_eq(slow_last(&s, "a"), -1);
	ck_assert_int_eq(slow_last(&s, "b"), 1100);
	slow_fini(&s);
	ck_assert_int_eq(slow_last(&s, "b"), -1);
	slow_fini(&s);
}
END_TEST

/* ---- a room whose disk is slow ---- */

static const uint8_t secret[RULES_SECRET_LEN];
static const struct rules_env env = { .secret = secret, .presence_max = 200 };
static struct master master;
static enum stanza_cond answers[4];
static size_t n_storing, n_answers;

static bool
store(void *owner, struct entry *const *entries, size_t n)
{
	(void)owner;
	(void)entries;
	n_storing += n;
	return n > 0;
}

static void
applied(void *owner, const struct room_change *change)
{
	(void)owner;
	(void)change;
}

static void
done(void *owner, void *ticket, const struct submission *sub,
     const struct ruling *ruling)
{
	(void)owner;
	(void)sub;
	answers[*(int *)ticket] = ruling->cond;
	n_answers++;
}

static const struct master_class cls = {
	.store = store,
	.applied = applied,
	.done = done,
};

static void
join(struct room *r, const char *address, const char *nick)
{
	struct jid *jid = jid_parse(address);
	struct entry *e =
		entry_new(&(struct entry){ .type = ENTRY_JOIN,
					   .jid = jid,
					   .nick = nick,
					   .occupant_id = nick,
					   .role = ROLE_PARTICIPANT });

	ck_assert(room_can_apply(r, e));
	room_apply(r, e, NULL);
	entry_unref(&e);
	jid_unref(&jid);
}

static void
say(const char *address, int *ticket)
{
	struct jid *from = jid_parse(address);
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_GROUPCHAT, from, NULL, NULL);

	xml_add_text(s->arena, s->root, "body", NULL, "Hi");
	master_submit(&master,
		      &(struct submission){
			      .from = from, .stanza = s, .now_ms = 1000 },
		      ticket);
	stanza_unref(&s);
	jid_unref(&from);
}

START_TEST(two_clients_at_once)
{
	struct jid *jid = jid_parse("den@rooms.example");
	struct room *r = room_new(jid, 0);
	int tickets[] = { 0, 1, 2 };

	jid_unref(&jid);
	r->config.slow_mode_s = 10;
	join(r, "romeo@a.example/1", "Romeo");
	join(r, "romeo@a.example/2", "Romeo");
	join(r, "juliet@a.example/1", "Juliet");
	n_storing = n_answers = 0;
	master_init(&master, r, &env, &cls, NULL);
	say("juliet@a.example/1", &tickets[0]);
	say("romeo@a.example/1", &tickets[1]);
	/* Others need not wait for each other. */
	ck_assert_uint_eq(n_storing, 2);
	say("romeo@a.example/2", &tickets[2]);
	ck_assert_uint_eq(n_storing, 2);
	master_stored(&master, COND_NONE);
	master_stored(&master, COND_NONE);
	ck_assert_uint_eq(n_storing, 2);
	ck_assert_uint_eq(n_answers, 3);
	ck_assert_int_eq(answers[0], COND_NONE);
	ck_assert_int_eq(answers[1], COND_NONE);
	ck_assert_int_eq(answers[2], COND_POLICY_VIOLATION);
	ck_assert(master_is_idle(&master));
	master_fini(&master);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("slow");

	tcase_add_test(tc, remembers);
	tcase_add_test(tc, two_clients_at_once);
	return unit_run(tc);
}
