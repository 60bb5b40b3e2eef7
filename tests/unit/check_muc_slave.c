/* check_muc_slave.c - a copy of a room whose server means it no good. */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdbool.h>
#include <string.h>

/* Each of another server, so it says. */
#define N_OCCUPANTS 3000
/* So many of them are shown as away, at most, when the way is lost. */
#define AWAY_MAX 1000
/* More than a restart of the server takes. */
#define LATER_MS 5000
/* It acknowledges so many entries at once; what is less, a while later. */
#define ACK_EVERY 64

static struct xml_pool *pool;
static struct jid *room, *domain;
static unsigned n_away, n_back, n_acks;

static void
on_send(void *owner, struct jid *to, const char *xml, size_t len)
{
	(void)owner;
	(void)to;
	(void)len;
	n_acks += strstr(xml, "<ack ") != NULL;
}

static void
on_applied(void *owner, const struct room_change *c,
	   const struct stanza *stanza)
{
	(void)owner;
	(void)stanza;
	if (c->entry->type != ENTRY_LINK)
		return;
	n_away += c->entry->is_away;
	n_back += !c->entry->is_away;
}

static void
on_note(void *owner, const char *what)
{
	(void)owner;
	(void)what;
}

/* What it does for users of its own does not happen: it has none. */
static const struct slave_class slave_class = {
	.send = on_send,
	.applied = on_applied,
	.note = on_note,
};

static void
setup(void)
{
	pool = xml_pool_new();
	room = jid_parse("den@rooms.a.example");
	domain = jid_parse("b.example");
	n_away = n_back = n_acks = 0;
}

static void
teardown(void)
{
	jid_unref(&room);
	jid_unref(&domain);
	xml_pool_free(pool);
}

static void
receive(struct slave *s, const struct buf *b)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(pool, a, b->data, b->len);

	ck_assert_ptr_nonnull(x);
	slave_receive(s, NULL, x);
	arena_unref(&a);
}

static void
receive_room(struct slave *s)
{
	struct buf b = { 0 };

	buf_adds(&b, "<snapshot xmlns='" NS_DMUC "' epoch='e' seq='1' "
		     "part='1' last='true'>");
	for (int i = 0; i < N_OCCUPANTS; i++)
		buf_printf(&b,
			   "<entry type='join' stamp='2026-01-01T00:00:00Z' "
			   "who='u%d@d%d.invalid/1' nick='n%d' "
			   "affiliation='none' role='participant'/>",
			   i, i, i);
	buf_adds(&b, "</snapshot>");
	receive(s, &b);
	buf_fini(&b);
}

START_TEST(many_servers)
{
	struct slave *s = slave_new(room, domain, &slave_class, NULL);

	receive_room(s);
	ck_assert_uint_eq(s->room->n_occupants, N_OCCUPANTS);
	slave_lost(s, room);
	ck_assert_uint_eq(n_away, 0);
	slave_tick(s, LATER_MS);
	ck_assert_uint_eq(n_away, AWAY_MAX);
	slave_found(s, room);
	ck_assert_uint_eq(n_back, AWAY_MAX);
	list_each (n, &s->room->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			ck_assert(!room_session_of(k)->is_away);
	}
	slave_free(s);
}
END_TEST

/* Entries without effect, with the numbers first to last. */
static void
receive_nothing(struct slave *s, unsigned first, unsigned last)
{
	struct buf b = { 0 };

	buf_adds(&b, "<log xmlns='" NS_DMUC "' epoch='e'>");
	for (unsigned seq = first; seq <= last; seq++)
		buf_printf(&b, "<entry type='nothing' seq='%u'/>", seq);
	buf_adds(&b, "</log>");
	receive(s, &b);
	buf_fini(&b);
}

START_TEST(acknowledges)
{
	struct slave *s = slave_new(room, domain, &slave_class, NULL);
	unsigned seq = 1;

	receive_room(s);
	slave_tick(s, LATER_MS);
	n_acks = 0;
	receive_nothing(s, seq + 1, seq + ACK_EVERY - 1);
	ck_assert_uint_eq(s->room->log.seq, seq + ACK_EVERY - 1);
	ck_assert_uint_eq(n_acks, 0);
	seq += ACK_EVERY;
	receive_nothing(s, seq, seq);
	ck_assert_uint_eq(n_acks, 1);
	/* Nothing has come since. */
	slave_tick(s, 2 * LATER_MS);
	ck_assert_uint_eq(n_acks, 1);
	receive_nothing(s, seq + 1, seq + 1);
	slave_tick(s, 3 * LATER_MS);
	ck_assert_uint_eq(n_acks, 2);
	slave_free(s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_slave");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many_servers);
	tcase_add_test(tc, acknowledges);
	return unit_run(tc);
}
