/* check_muc_tree.c - who is below which relay: what a relay says of others, and
 * what it brings from them, is believed only where they have sealed it. */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/seal.h"
#include "modules/muc/tree.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

#define NONCE "0123456789abcdef"
#define CUT   " cut"

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = { .secret = secret };
static const char *const relays[] = { "b.example" };
static struct xml_pool *pool;
static struct room *room;
static struct peers peers;
static struct jid *address, *b, *c, *d;
static struct peer *relay, *peer; /* of b and c */
static char last[4096];		  /* what was sent last, and to whom */

static void
on_send(void *owner, const struct peer *p, const char *xml, size_t len)
{
	(void)owner;
	snprintf(last, sizeof(last), "%s: %.*s", jid_str(p->domain), (int)len,
		 xml);
}

static const struct peers_class peers_class = { .send = on_send };

static struct peer *
follow(struct jid *domain, uint64_t ask)
{
	struct peer *p = peers_find(&peers, domain);

	p = p ? p : peers_add(&peers, domain);
	peers_follow(&peers, p,
		     &(struct peers_at){ room->log.epoch, room->log.seq, ask });
	return p;
}

static void
setup(void)
{
	pool = xml_pool_new();
	address = jid_parse("den@rooms.a.example");
	b = jid_parse("b.example");
	c = jid_parse("c.example");
	d = jid_parse("d.example");
	room = room_new(address, 0);
	peers_init(&peers, room, &env, &peers_class, NULL);
	tree_set_relays(&peers, relays, 1, 16);
	relay = follow(b, 1);
	peer = follow(c, 1);
}

static void
teardown(void)
{
	peers_fini(&peers);
	room_free(room);
	jid_unref(&address);
	jid_unref(&b);
	jid_unref(&c);
	jid_unref(&d);
	xml_pool_free(pool);
}

/* As this domain would seal it. */
static void
seal_text(struct buf *out, const struct jid *domain, const char *about,
	  uint64_t number, const char *text)
{
	struct seal seal;

	seal_make_key(&seal, &env, room, domain);
	seal_close(out, &seal, address, domain, about, number, text,
		   strlen(text));
}

/* A relay says that this one is below it; proof: sealed by that domain, or
 * NULL. */
static void
say(struct peer *to, struct jid *who, const char *ask, const struct jid *by,
    const char *proof)
{
	struct arena *a = arena_new();
	struct buf text = { 0 };

	buf_printf(&text, "<below xmlns='" NS_DMUC "' jid='%s' ask='%s'",
		   jid_domain(who), ask);
	if (proof) {
		buf_adds(&text, " proof='");
		seal_text(&text, by, SEAL_PROOF, 0, proof);
		buf_addc(&text, '\'');
	}
	buf_adds(&text, "/>");
	tree_below(&peers, to, who,
		   xml_from_text(pool, a, text.data, text.len));
	buf_fini(&text);
	arena_unref(&a);
}

static void
say_below(const char *ask, const struct jid *by, const char *proof)
{
	say(relay, c, ask, by, proof);
}

/* The peer acknowledges where the room is; ticket: NULL: without one. */
static void
acknowledge(const char *ticket)
{
	struct arena *a = arena_new();
	struct xml *x = xml_new(a, "ack", NS_DMUC);

	xml_set(a, x, "epoch", room->log.epoch);
	xml_set(a, x, "seq", "0");
	if (ticket)
		xml_set(a, x, "ticket", ticket);
	peers_acked(&peers, peer, x);
	arena_unref(&a);
}

static bool
is_refused(const char *ask, const struct jid *by, const char *proof)
{
	*last = '\0';
	say_below(ask, by, proof);
	return !peer->via && strstr(last, "b.example: <drop ");
}

/* What it wants; as it is now, but for what is named. */
static const char *
wish(const char *to, const char *ask, const char *nonce, const char *ticket,
     const char *tail)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s %s %s %s %s%s", to, ask, nonce,
		 room->log.epoch, ticket, tail);
	return text;
}

/* p wants to be below r, as it has no other way (or so it says). */
static bool
goes(struct peer *p, struct peer *r, const char *ask, const char *tail)
{
	say(r, p->domain, ask, p->domain,
	    wish(jid_domain(r->domain), ask, NONCE, p->ticket, tail));
	return p->via == r;
}

static bool
opens(const char *about, uint64_t number)
{
	struct buf sealed = { 0 }, out = { 0 };
	bool is;

	seal_text(&sealed, c, about, number, "<ack/>");
	is = tree_open(&peers, peer, sealed.data, &out);
	buf_fini(&sealed);
	buf_fini(&out);
	return is;
}

START_TEST(believed_as_sealed)
{
	const char *t = peer->ticket;

	ck_assert(is_refused("2", c, NULL));
	ck_assert(is_refused("2", c, wish("b.example", "3", NONCE, t, CUT)));
	ck_assert(is_refused("2", c, wish("d.example", "2", NONCE, t, CUT)));
	ck_assert(is_refused("2", d, wish("b.example", "2", NONCE, t, CUT)));
	ck_assert(
		is_refused("2", c, wish("b.example", "2", NONCE "0", t, CUT)));
	ck_assert(is_refused("2", c,
			     wish("b.example", "2", NONCE, t, " cut off")));
	ck_assert(is_refused("2", c, "b.example 2"));
	ck_assert(is_refused("2", c, "b.example 2 " NONCE));
	/* The master reaches it, and has not told it to go there. */
	ck_assert(is_refused("2", c, wish("b.example", "2", NONCE, t, "")));
	/* It has come here since. */
	ck_assert(is_refused("1", c, wish("b.example", "1", NONCE, t, CUT)));
	/* Of another life of it, or of the room's. */
	ck_assert(is_refused("2", c, wish("b.example", "2", NONCE, "-", CUT)));
	ck_assert(
		is_refused("2", c, wish("b.example", "2", NONCE, NONCE, CUT)));
	say_below("2", c, wish("b.example", "2", NONCE, t, CUT));
	ck_assert_ptr_eq(peer->via, relay);
	ck_assert(tree_is_below(peer, relay));
}
END_TEST

START_TEST(nobody_comes_to_be)
{
	struct jid *user = jid_parse("e.example");
	struct arena *a = arena_new();
	static const char text[] =
		"<below xmlns='" NS_DMUC "' jid='e.example' ask='1'/>";

	tree_below(&peers, relay, user,
		   xml_from_text(pool, a, text, strlen(text)));
	ck_assert_ptr_null(peers_find(&peers, user));
	arena_unref(&a);
	jid_unref(&user);
}
END_TEST

START_TEST(opened_once)
{
	char session[SEAL_NONCE_LEN + 1];

	say_below("2", c, wish("b.example", "2", NONCE, peer->ticket, CUT));
	strcpy(session, peer->session);
	ck_assert_uint_eq(strlen(session), SEAL_NONCE_LEN);
	ck_assert(!opens(NONCE, 1));
	ck_assert(!opens("", 1));
	ck_assert(opens(session, 1));
	ck_assert(!opens(session, 1));
	ck_assert(opens(session, 7));
	ck_assert(!opens(session, 6));
	/* The same once more changes nothing. */
	say_below("2", c, wish("b.example", "2", NONCE, peer->ticket, CUT));
	ck_assert(!opens(session, 7));
	/* What is of an earlier relation is of no use in a later one. */
	say_below(
		"3", c,
		wish("b.example", "3", "fedcba9876543210", peer->ticket, CUT));
	ck_assert(!opens(session, 8));
	ck_assert(opens(peer->session, 1));
}
END_TEST

START_TEST(comes_back)
{
	acknowledge(peer->ticket);
	say_below("2", c, wish("b.example", "2", NONCE, peer->ticket, CUT));
	follow(c, 3);
	ck_assert_ptr_null(peer->via);
	/* The relay repeats what it has. */
	ck_assert(is_refused("2", c,
			     wish("b.example", "2", NONCE, peer->ticket, CUT)));
	/* It may not have got its new ticket: an acknowledgement may be of
	 * before. */
	acknowledge(NULL);
	acknowledge(peer->old_ticket);
	say_below("4", c, wish("b.example", "4", NONCE, peer->old_ticket, CUT));
	ck_assert_ptr_eq(peer->via, relay);
	follow(c, 5);
	/* It has: what it had before it came here is old. */
	acknowledge(peer->ticket);
	ck_assert(is_refused(
		"6", c, wish("b.example", "6", NONCE, peer->old_ticket, CUT)));
	say_below("6", c, wish("b.example", "6", NONCE, peer->ticket, CUT));
	ck_assert_ptr_eq(peer->via, relay);
	peers_remove(&peers, relay);
	ck_assert_ptr_null(peer->via);
	ck_assert_int_eq(peer->state, PEER_LOST);
	/* One that has waited on its way does not say that it has since been
	 * told what relays do not say. */
	acknowledge(peer->ticket);
	ck_assert(peer->lacks_own);
	follow(c, 7);
	acknowledge(peer->ticket);
	ck_assert(!peer->lacks_own);
}
END_TEST

/* What has been taken once stands, whatever the peer has been told since. */
START_TEST(said_again)
{
	const char *first = "b.example 1 " NONCE " oldepoch oldticket cut";
	char again[128];

	/* It is of before a restart of ours. */
	say(relay, d, "1", d, first);
	peer = peers_find(&peers, d);
	ck_assert_ptr_nonnull(peer);
	ck_assert_ptr_eq(peer->via, relay);
	acknowledge(peer->ticket);
	ck_assert(peer->has_answered);
	peers_broken(&peers, relay);
	say(relay, d, "1", d, first);
	ck_assert_ptr_eq(peer->via, relay);
	/* It has its ticket, and not the room yet. */
	snprintf(again, sizeof(again),
		 "b.example 2 fedcba9876543210 oldepoch %s cut", peer->ticket);
	say(relay, d, "2", d, again);
	ck_assert_ptr_eq(peer->via, relay);
	ck_assert_uint_eq(peer->ask, 2);
	/* Another one of before is old. */
	say(relay, d, "3", d, "b.example 3 0123 oldepoch oldticket cut");
	ck_assert_ptr_null(peer->via);
}
END_TEST

START_TEST(said_again_with_old_ticket)
{
	char text[128];

	acknowledge(peer->ticket);
	snprintf(text, sizeof(text), "b.example 3 " NONCE " %s %s cut",
		 room->log.epoch, peer->ticket);
	/* A new ticket, which is lost. */
	follow(c, 2);
	say(relay, c, "3", c, text);
	ck_assert_ptr_eq(peer->via, relay);
	acknowledge(peer->ticket);
	peers_broken(&peers, relay);
	say(relay, c, "3", c, text);
	ck_assert_ptr_eq(peer->via, relay);
}
END_TEST

/* One too many is told to go to the relay; who does not get along with that is
 * told again later, and each time later. */
START_TEST(placed)
{
	follow(d, 1);
	tree_set_relays(&peers, relays, 1, 2);
	ck_assert_ptr_eq(peers_find(&peers, d)->place, relay);
	ck_assert_ptr_null(peer->place);
	for (unsigned k = 1; k <= 4; k *= 2) {
		struct peer *p = follow(d, 1 + k);

		ck_assert_ptr_null(p->place);
		/* Somebody else goes meanwhile. */
		ck_assert_ptr_eq(peer->place, relay);
		peer->wait = 1000;
		peer->place = NULL;
		for (unsigned i = 0; i < k; i++) {
			ck_assert_ptr_null(p->place);
			tree_tick(&peers);
		}
		ck_assert_ptr_eq(p->place, relay);
		peer->wait = 0;
	}
}
END_TEST

/* ---- several relays ---- */

#define N_DOMAINS 12

static struct jid *domains[N_DOMAINS];
static struct peer *all[N_DOMAINS];

static void
setup_many(void)
{
	static char names[N_DOMAINS][20];
	static const char *texts[N_DOMAINS];

	setup();
	for (unsigned i = 0; i < N_DOMAINS; i++) {
		snprintf(names[i], sizeof(names[i]), "r%u.example", i + 10);
		texts[i] = names[i];
		domains[i] = jid_parse(names[i]);
	}
	tree_set_relays(&peers, texts, N_DOMAINS, 16);
	for (unsigned i = 0; i < N_DOMAINS; i++)
		all[i] = follow(domains[i], 1);
}

static void
teardown_many(void)
{
	for (unsigned i = 0; i < N_DOMAINS; i++)
		jid_unref(&domains[i]);
	teardown();
}

START_TEST(no_circles)
{
	ck_assert(!goes(all[0], all[0], "2", CUT));
	ck_assert(goes(all[1], all[0], "2", CUT));
	ck_assert(goes(all[2], all[1], "2", CUT));
	ck_assert(!goes(all[0], all[1], "2", CUT));
	ck_assert(!goes(all[0], all[2], "2", CUT));
	ck_assert_ptr_null(all[0]->via);
	/* Away from there it may. */
	ck_assert(goes(all[0], all[3], "2", CUT));
}
END_TEST

START_TEST(so_deep)
{
	unsigned n = 1;

	while (n < N_DOMAINS && goes(all[n], all[n - 1], "2", CUT))
		n++;
	ck_assert_uint_eq(n, TREE_DEPTH_MAX);
	/* Nor with all that are below it. */
	ck_assert(goes(all[11], all[10], "2", CUT));
	ck_assert(!goes(all[10], all[TREE_DEPTH_MAX - 2], "2", CUT));
	ck_assert(goes(all[10], all[TREE_DEPTH_MAX - 3], "2", CUT));
}
END_TEST

/* A relay that has as many as it is to have gets those only that have no other
 * way. */
START_TEST(full)
{
	tree_set_relays(&peers, peers.relays, N_DOMAINS, 1);
	for (unsigned i = 0; i < N_DOMAINS; i++) {
		all[i]->place = NULL;
		all[i]->wait = 1000;
	}
	ck_assert(goes(all[1], all[0], "2", CUT));
	all[2]->state = PEER_LOST;
	ck_assert(!goes(all[2], all[0], "2", ""));
	ck_assert(goes(all[2], all[3], "2", ""));
	all[4]->state = PEER_LOST;
	ck_assert(goes(all[4], all[0], "2", CUT));
}
END_TEST

/* It is for the relay to say that it has lost one, of the relation that there
 * is. */
START_TEST(lost_by_its_relay)
{
	ck_assert(goes(all[1], all[0], "2", CUT));
	tree_lost(&peers, all[2], domains[1], 2);
	ck_assert_ptr_eq(all[1]->via, all[0]);
	tree_lost(&peers, all[0], domains[1], 1);
	ck_assert_ptr_eq(all[1]->via, all[0]);
	tree_lost(&peers, all[0], domains[1], 3);
	ck_assert_ptr_eq(all[1]->via, all[0]);
	tree_lost(&peers, all[0], domains[1], 2);
	ck_assert_ptr_null(all[1]->via);
	ck_assert_int_eq(all[1]->state, PEER_LOST);
}
END_TEST

/* What one sends comes by the relays above it, and by no other. */
START_TEST(comes_by_its_relays)
{
	ck_assert(goes(all[1], all[0], "2", CUT));
	ck_assert(goes(all[2], all[1], "2", CUT));
	ck_assert(tree_is_below(all[2], all[1]));
	ck_assert(tree_is_below(all[2], all[0]));
	ck_assert(!tree_is_below(all[2], all[3]));
	ck_assert(!tree_is_below(all[2], all[2]));
	ck_assert(!tree_is_below(all[0], all[2]));
	ck_assert(!tree_is_below(all[3], all[0]));
}
END_TEST

START_TEST(so_many_are_named)
{
	unsigned n = 0;

	*last = '\0';
	follow(c, 2);
	for (const char *at = last; (at = strstr(at, "<fallback")); at++)
		n++;
	ck_assert_uint_eq(n, 8);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tree"), *many = tcase_create("many");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, believed_as_sealed);
	tcase_add_test(tc, nobody_comes_to_be);
	tcase_add_test(tc, opened_once);
	tcase_add_test(tc, comes_back);
	tcase_add_test(tc, said_again);
	tcase_add_test(tc, said_again_with_old_ticket);
	tcase_add_test(tc, placed);
	tcase_add_checked_fixture(many, setup_many, teardown_many);
	tcase_add_test(many, no_circles);
	tcase_add_test(many, so_deep);
	tcase_add_test(many, full);
	tcase_add_test(many, lost_by_its_relay);
	tcase_add_test(many, comes_by_its_relays);
	tcase_add_test(many, so_many_are_named);
	return unit_run_all((TCase *const[]){ tc, many, NULL });
}
