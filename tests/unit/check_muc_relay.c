/* check_muc_relay.c - a copy that passes the log on: how much of others it
 * keeps, and for whom it passes on what is sealed. */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "modules/muc/tree.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

/* So many servers may wait for the master's word. */
#define WAITING_MAX 64
/* Characters of what they show to it, and of where a relay is. */
#define PROOF_MAX 4096
#define WAY_MAX	  2048
/* So many relays are kept in mind. */
#define RELAYS_MAX 8

static struct xml_pool *pool;
static struct jid *room, *domain, *c, *d;
static struct slave *slave;
static char last[8192]; /* what was sent last, and to whom */
static unsigned n_sent;

static void
on_send(void *owner, struct jid *to, const char *xml, size_t len)
{
	(void)owner;
	n_sent++;
	snprintf(last, sizeof(last), "%s: %.*s", to ? jid_str(to) : "master",
		 (int)len, xml);
}

static void
on_submit(void *owner, struct stanza *stanza)
{
	(void)owner;
	stanza_unref(&stanza);
}

static void
on_applied(void *owner, const struct room_change *change,
	   const struct stanza *stanza)
{
	(void)owner;
	(void)change;
	(void)stanza;
}

static void
on_note(void *owner, const char *what)
{
	(void)owner;
	(void)what;
}

static void
on_over(void *owner)
{
	(void)owner;
}

static const struct slave_class slave_class = {
	.send = on_send,
	.submit = on_submit,
	.applied = on_applied,
	.over = on_over,
	.note = on_note,
};

/* from NULL: the master. */
static void
receive(struct jid *from, const char *text)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(pool, a, text, strlen(text));

	ck_assert_ptr_nonnull(x);
	*last = '\0';
	n_sent = 0;
	slave_receive(slave, from, x);
	arena_unref(&a);
}

/* Somebody waits to enter, so that it stays. */
static void
setup(void)
{
	struct jid *user = jid_parse("juliet@b.example/balcony");
	struct jid *to = jid_parse("den@rooms.a.example/juliet");
	struct stanza *join =
		stanza_new(STANZA_PRESENCE, TYPE_NONE, user, to, NULL);

	pool = xml_pool_new();
	room = jid_parse("den@rooms.a.example");
	domain = jid_parse("b.example");
	c = jid_parse("c.example");
	d = jid_parse("d.example");
	slave = slave_new(room, domain, &slave_class, NULL);
	slave_set_may_relay(slave, true);
	slave_set_clock(slave, 1000, 1000);
	slave_expect(slave, user, join, "s1");
	receive(NULL, "<snapshot xmlns='" NS_DMUC "' epoch='e' seq='1' "
		      "part='1' last='true'/>");
	receive(NULL, "<position xmlns='" NS_DMUC "' epoch='e' seq='1'/>");
	receive(NULL, "<tree xmlns='" NS_DMUC "' relay='true'/>");
	ck_assert_str_eq(last,
			 "master: <children xmlns='" NS_DMUC "'></children>");
	stanza_unref(&join);
	jid_unref(&user);
	jid_unref(&to);
}

static void
teardown(void)
{
	slave_free(slave);
	jid_unref(&room);
	jid_unref(&domain);
	jid_unref(&c);
	jid_unref(&d);
	xml_pool_free(pool);
}

#define ATTACH                                                              \
	"<attach xmlns='" NS_DMUC "' room='den@rooms.a.example' epoch='e' " \
	"seq='1' ask='1'"

static bool
is_asked_for(void)
{
	return n_sent == 1 && !strncmp(last, "master: <below ", 15);
}

static bool
is_released(const struct jid *from)
{
	char begin[100];

	snprintf(begin, sizeof(begin), "%s: <released ", jid_str(from));
	return n_sent == 1 && !strncmp(last, begin, strlen(begin));
}

START_TEST(so_many_wait)
{
	for (unsigned i = 0; i <= WAITING_MAX; i++) {
		char name[20];
		struct jid *from;

		snprintf(name, sizeof(name), "x%u.example", i);
		from = jid_parse(name);
		receive(from, ATTACH "/>");
		ck_assert(i < WAITING_MAX ? is_asked_for() : is_released(from));
		jid_unref(&from);
	}
	/* The master has answered one of them. */
	receive(NULL, "<drop xmlns='" NS_DMUC "' jid='x7.example' ask='1'/>");
	receive(c, ATTACH "/>");
	ck_assert(is_asked_for());
}
END_TEST

static bool
is_attach_asked_for(const char *epoch)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "<attach xmlns='" NS_DMUC "' room='den@rooms.a.example' "
		 "epoch='%s' seq='1' ask='1'/>",
		 epoch);
	receive(c, text);
	return is_asked_for();
}

START_TEST(who_makes_sense)
{
	ck_assert(!is_attach_asked_for("01234567890123456"));
	ck_assert(is_released(c));
	ck_assert(is_attach_asked_for("0123456789012345"));
	/* Nor without a way to the master. */
	slave_lost(slave, room);
	receive(d, ATTACH "/>");
	ck_assert(is_released(d));
	slave_found(slave, room);
	receive(d, ATTACH "/>");
	ck_assert(is_asked_for());
}
END_TEST

/* The room as a whole is the master's to send, but for those that have no other
 * way. */
START_TEST(whole_for_who_needs_it)
{
	static const char child[] =
		"<child xmlns='" NS_DMUC "' jid='c.example' ask='1'/>";
	static const char all[] =
		"<attach xmlns='" NS_DMUC "' room='den@rooms.a.example' "
		"epoch='' seq='0' ask='1'/>";
	static const char whole[] =
		"<attach xmlns='" NS_DMUC "' room='den@rooms.a.example' "
		"epoch='' seq='0' ask='1' whole='true'/>";

	receive(c, all);
	receive(NULL, child);
	ck_assert_uint_eq(slave_n_below(slave), 0);
	ck_assert(!strncmp(last, "master: <lost ", 14));
	receive(c, whole);
	receive(NULL, child);
	ck_assert_uint_eq(slave_n_below(slave), 1);
	ck_assert(!strncmp(last, "c.example: <position ", 21));
}
END_TEST

static void
show(size_t len)
{
	struct buf b = { 0 };

	buf_adds(&b, ATTACH " proof='");
	while (len--)
		buf_addc(&b, 'a');
	buf_adds(&b, "'/>");
	buf_addc(&b, '\0');
	receive(c, b.data);
	buf_fini(&b);
}

START_TEST(so_much_is_shown)
{
	show(PROOF_MAX + 1);
	ck_assert(is_released(c));
	show(PROOF_MAX);
	ck_assert(is_asked_for());
}
END_TEST

static void
serve(void)
{
	receive(c, ATTACH "/>");
	receive(NULL, "<child xmlns='" NS_DMUC "' jid='c.example' ask='1'/>");
	ck_assert_uint_eq(slave_n_below(slave), 1);
}

static bool
goes_up(struct jid *from, const char *attrs)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "<carry xmlns='" NS_DMUC "' room='den@rooms.a.example' %s>"
		 "c2VhbGVk</carry>",
		 attrs);
	receive(from, text);
	return n_sent && !strncmp(last, "master: <carry ", 15);
}

START_TEST(up)
{
	serve();
	ck_assert(goes_up(c, "from='c.example'"));
	ck_assert_ptr_nonnull(strstr(last, " hops='1'"));
	/* Of one below that. */
	ck_assert(goes_up(c, "from='e.example' hops='1'"));
	ck_assert_ptr_nonnull(strstr(last, " from='e.example' hops='2'"));
	ck_assert(goes_up(c, "from='e.example' hops='7'"));
	ck_assert(!goes_up(c, "from='e.example' hops='8'"));
	ck_assert(!goes_up(c, "from='e.example' hops='99999999999999999999'"));
	ck_assert(!goes_up(c, "from='e.example' hops='-1'"));
	ck_assert(!goes_up(c, ""));
	ck_assert(!goes_up(d, "from='c.example'"));
	ck_assert_uint_eq(n_sent, 0);
}
END_TEST

static bool
goes_down(const char *to, const char *next)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "<carry xmlns='" NS_DMUC "' to='%s'>c2VhbGVk</carry>", to);
	receive(NULL, text);
	return n_sent && !strncmp(last, next, strlen(next));
}

/* Only to those that get the log from here, or are about to: it is no way to
 * have something sent to anybody. */
START_TEST(down)
{
	ck_assert(!goes_down("c.example", ""));
	serve();
	ck_assert(goes_down("c.example", "c.example: <carry "));
	ck_assert_ptr_nonnull(strstr(last, " to='c.example'>"));
	ck_assert(goes_down("c.example e.example", "c.example: <carry "));
	ck_assert_ptr_nonnull(strstr(last, " to='e.example'>"));
	ck_assert(!goes_down("d.example", ""));
	ck_assert(!goes_down("d.example c.example", ""));
	ck_assert(!goes_down("", ""));
	ck_assert(!goes_down("nobody@c.example", ""));
	receive(d, ATTACH "/>");
	ck_assert(goes_down("d.example", "d.example: <carry "));
}
END_TEST

/* ---- below a relay itself ---- */

static const char key[] = "key='00112233445566778899aabbccddeeff"
			  "00112233445566778899aabbccddeeff'";

START_TEST(so_many_are_kept_in_mind)
{
	struct buf b = { 0 };

	buf_printf(&b, "<tree xmlns='" NS_DMUC "' %s>", key);
	for (unsigned i = 0; i < 3 * RELAYS_MAX; i++)
		buf_printf(&b, "<fallback jid='r%u.example'/>", i);
	/* Nor itself, the room's server, twice the same, or a user. */
	buf_adds(&b, "</tree>");
	buf_addc(&b, '\0');
	receive(NULL, b.data);
	ck_assert_uint_eq(slave->n_relays, RELAYS_MAX);
	receive(NULL, "<tree xmlns='" NS_DMUC "'><fallback jid='b.example'/>"
		      "<fallback jid='rooms.a.example'/>"
		      "<fallback jid='c@c.example'/><fallback/>"
		      "<fallback jid='c.example'/><fallback jid='c.example'/>"
		      "</tree>");
	ck_assert_uint_eq(slave->n_relays, 1);
	buf_fini(&b);
}
END_TEST

static void
answer(size_t path_len)
{
	struct buf b = { 0 };

	buf_adds(&b, "<position xmlns='" NS_DMUC "' epoch='e' seq='1' "
		     "ask='1' path='");
	while (path_len--)
		buf_addc(&b, 'a');
	buf_adds(&b, "'/>");
	buf_addc(&b, '\0');
	receive(c, b.data);
	buf_fini(&b);
}

START_TEST(so_long_a_way)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "<tree xmlns='" NS_DMUC "' %s parent='c.example'>"
		 "<fallback jid='c.example'/></tree>",
		 key);
	receive(NULL, text);
	ck_assert(!strncmp(last, "c.example: <attach ", 19));
	answer(WAY_MAX);
	ck_assert_ptr_nonnull(slave->parent);
	ck_assert_int_eq(slave->state, SLAVE_CURRENT);
	answer(WAY_MAX + 1);
	ck_assert_ptr_null(slave->parent);
	ck_assert(!strncmp(last, "master: <attach ", 16));
}
END_TEST

/* Of others than its own users it keeps no lists, whoever sends them. */
START_TEST(lists_of_its_own)
{
	struct jid *ours = jid_parse("nurse@b.example");
	struct jid *other = jid_parse("nurse@c.example");
	struct affiliations *lists = &slave->room->affiliations;

	receive(NULL, "<lists xmlns='" NS_DMUC "' epoch='e' all='true'>"
		      "<entry type='affiliation' stamp='2026-01-01T00:00:00Z' "
		      "who='n@x.invalid' jid='nurse@b.example' nick='' "
		      "affiliation='member' role='none'/>"
		      "<entry type='affiliation' stamp='2026-01-01T00:00:00Z' "
		      "who='m@x.invalid' jid='nurse@c.example' nick='' "
		      "affiliation='member' role='none'/></lists>");
	ck_assert_int_eq(affiliations_get(lists, ours), AFFILIATION_MEMBER);
	ck_assert_int_eq(affiliations_get(lists, other), AFFILIATION_NONE);
	jid_unref(&ours);
	jid_unref(&other);
}
END_TEST

/* Nobody is told where to go who does not get there by himself. */
START_TEST(stays_where_there_is_a_way)
{
	char text[300];

	snprintf(
		text, sizeof(text),
		"<tree xmlns='" NS_DMUC "' %s>"
		"<fallback jid='c.example'/><fallback jid='d.example'/></tree>",
		key);
	receive(NULL, text);
	slave_lost(slave, room);
	ck_assert(!strncmp(last, "c.example: <attach ", 19));
	receive(c, "<position xmlns='" NS_DMUC "' epoch='e' seq='1' ask='1'/>");
	ck_assert_str_eq(jid_str(slave->parent), "c.example");
	snprintf(
		text, sizeof(text),
		"<tree xmlns='" NS_DMUC "' %s parent='d.example'>"
		"<fallback jid='c.example'/><fallback jid='d.example'/></tree>",
		key);
	receive(NULL, text);
	ck_assert_str_eq(jid_str(slave->parent), "c.example");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, so_many_wait);
	tcase_add_test(tc, who_makes_sense);
	tcase_add_test(tc, whole_for_who_needs_it);
	tcase_add_test(tc, so_much_is_shown);
	tcase_add_test(tc, up);
	tcase_add_test(tc, down);
	tcase_add_test(tc, so_many_are_kept_in_mind);
	tcase_add_test(tc, so_long_a_way);
	tcase_add_test(tc, lists_of_its_own);
	tcase_add_test(tc, stays_where_there_is_a_way);
	return unit_run(tc);
}
