/*
 * fuzz_dmuc.c - what a room's master sends to a copy of it.
 *
 * The input is the inside of a stream. Elements of the protocol come from the
 * master, or with a room='' from another server; stanzas are sent to the room
 * by users of ours, in the name of their `from`, or are errors that have come
 * for those. <expect submit=''>, with the user's stanza in it, <lost/>,
 * <found/> (with other='': the way to that other server), <gone from=''/> and
 * <later ms=''/> happen.
 *
 * What clients would be shown, and what goes up, has to be XML; the copy has
 * to be a room, and nobody is in it who has not asked for that.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "fuzz.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "tests/unit/muc_invariants.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN                                    \
	"<stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define ROOM	"den@rooms.example"
#define OURS	"example.org"
#define SERVICE "rooms.example"
#define OTHER	"relay.example"
/* Only so much: what is slow is not what is looked for. */
#define MAX_ELEMENTS	 64
#define SIZE_MAX_OF_COPY (256 << 10)
#define WAITING_MAX	 200

static const struct xml_limits limits = {
	.stanza = 1 << 16,
	.token = 1 << 14,
	.depth = 30,
	.attrs = 30,
	.children = 200,
};

struct fuzz {
	struct xml_pool *pool;
	struct slave *slave;
	struct jid *room, *ours, *service, *other;
	int64_t now_ms;
	unsigned n;
};

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_xml(struct fuzz *f, const struct buf *b)
{
	struct arena *a = arena_new();

	if (!xml_from_text(f->pool, a, b->data, b->len)) {
		fprintf(stderr, "no XML: %.*s\n", (int)b->len, b->data);
		abort();
	}
	arena_unref(&a);
}

/* ---- what the copy wants done ---- */

static void
on_send(void *owner, struct jid *to, const char *xml, size_t len)
{
	struct fuzz *f = owner;
	struct buf b = { 0 };

	buf_add(&b, xml, len);
	if (to && !jid_is_domain(to))
		fail("something is sent to a user");
	check_xml(f, &b);
	buf_fini(&b);
}

static void
on_opened(void *owner, const char *xml, size_t len)
{
	struct fuzz *f = owner;
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(f->pool, a, xml, len);

	if (x)
		slave_receive(f->slave, NULL, x);
	arena_unref(&a);
}

static void
on_submit(void *owner, struct stanza *stanza)
{
	struct fuzz *f = owner;

	if (!stanza->from || !jid_eq_domain(stanza->from, f->ours))
		fail("submitted for somebody else");
	stanza_unref(&stanza);
}

static void
check_payload(struct fuzz *f, const char *name, const struct chunk *payload,
	      bool has_end)
{
	struct buf b = { 0 };
	size_t len;
	const char *text = chunk_data(payload, &len);

	buf_printf(&b, "<%s xmlns='" NS_CLIENT "'", name);
	buf_add(&b, text, len);
	if (!has_end)
		buf_printf(&b, "</%s>", name);
	check_xml(f, &b);
	buf_fini(&b);
}

static void
on_rejoin(void *owner, struct jid *user, const char *nick,
	  struct chunk *payload, const char *id)
{
	struct fuzz *f = owner;
	struct jid *at = jid_with_resource(f->room, nick);

	if (!at || !*id || !jid_eq_domain(user, f->ours))
		fail("enters again as nobody");
	if (payload)
		check_payload(f, "presence", payload, false);
	jid_unref(&at);
}

static void
on_leave(void *owner, struct jid *user, const char *nick, const char *id)
{
	struct fuzz *f = owner;

	if (!jid_eq_domain(user, f->ours) || !*nick || !*id)
		fail("leaves as nobody");
}

static void
on_applied(void *owner, const struct room_change *c,
	   const struct stanza *stanza)
{
	const struct entry *e = c->entry;

	(void)stanza;
	if (!e->payload)
		return;
	switch (e->type) {
	case ENTRY_MESSAGE:
	case ENTRY_SUBJECT:
	case ENTRY_RETRACT:
		check_payload(owner, "message", e->payload, true);
		break;
	case ENTRY_JOIN:
	case ENTRY_PRESENCE:
	case ENTRY_LEAVE:
	case ENTRY_NICK:
		check_payload(owner, "presence", e->payload, false);
		break;
	default:
		break;
	}
}

static void
on_refuse(void *owner, const struct stanza *stanza, enum stanza_cond cond,
	  const char *text)
{
	(void)owner;
	if (!stanza || !text || cond == COND_NONE)
		fail("nothing is refused");
}

/* Only she has sent her presence to the room. */
static bool
on_is_here(void *owner, const struct jid *full)
{
	(void)owner;
	return jid_local(full) && !strcmp(jid_local(full), "juliet");
}

static void
on_over(void *owner)
{
	(void)owner;
}

static void
on_note(void *owner, const char *what)
{
	(void)owner;
	if (!what)
		fail("a note without words");
}

static const struct slave_class slave_class = {
	.send = on_send,
	.opened = on_opened,
	.submit = on_submit,
	.rejoin = on_rejoin,
	.leave = on_leave,
	.applied = on_applied,
	.refuse = on_refuse,
	.is_here = on_is_here,
	.over = on_over,
	.note = on_note,
};

static void
take_copy(struct fuzz *f)
{
	f->slave = slave_new(f->room, f->ours, &slave_class, f);
	f->slave->size_max = SIZE_MAX_OF_COPY;
	f->slave->pending_max = WAITING_MAX;
	f->slave->may_continue = f->slave->may_relay = true;
	slave_set_clock(f->slave, f->now_ms, f->now_ms);
}

/* ---- what holds ---- */

static void
check(struct fuzz *f)
{
	struct slave *s = f->slave;
	const char *broken = room_find_broken(s->room);
	size_t n = 0;

	if (broken)
		fail(broken);
	map_each (k, &s->locals) {
		struct slave_local *l =
			container_of(k, struct slave_local, node);

		if (room_session(s->room, l->session->jid) != l->session)
			fail("one of ours is not in the room");
		if (!on_is_here(f, l->real))
			fail("one is in the room who does not want to be");
		if (l->session->is_elsewhere)
			fail("one of ours is shown the room elsewhere");
	}
	list_each (k, &s->room->occupants) {
		list_each (m, &occupant_of(k)->sessions)
			n += !room_session_of(m)->is_elsewhere;
	}
	if (n != s->locals.n)
		fail("the room is shown to one who is not ours");
}

/* ---- what happens ---- */

static struct jid *
sender(const struct jid *from)
{
	const char *local = from ? jid_local(from) : NULL;

	return jid_make(local ? local : "juliet", OURS, "one");
}

static void
take_stanza(struct fuzz *f, struct stanza *s)
{
	const char *nick = s->to ? jid_resource(s->to) : NULL;
	struct jid *user = sender(s->from);
	struct jid *at =
		nick ? jid_with_resource(f->room, nick) : jid_ref(f->room);

	if (user && at && s->type == TYPE_ERROR) {
		stanza_set_from(s, at);
		stanza_set_to(s, user);
		slave_error(f->slave, s);
	} else if (user && at && s->kind != STANZA_IQ) {
		stanza_set_from(s, user);
		stanza_set_to(s, at);
		/* The others are none of its business. */
		if (s->kind == STANZA_PRESENCE || slave_session(f->slave, user))
			slave_submit(f->slave, s);
	}
	jid_unref(&user);
	jid_unref(&at);
}

static void
expect(struct fuzz *f, const struct xml *x)
{
	const char *id = xml_get(x, "submit"), *from = xml_get(x, "from");
	struct jid *given = from ? jid_parse(from) : NULL;
	struct jid *user = sender(given);
	struct stanza *join;

	if (user && id) {
		join = stanza_new(STANZA_PRESENCE, TYPE_NONE, user, f->room,
				  NULL);
		slave_expect(f->slave, user, join, id);
		stanza_unref(&join);
	}
	jid_unref(&given);
	jid_unref(&user);
}

static void
gone(struct fuzz *f, const struct xml *x)
{
	const char *from = xml_get(x, "from");
	struct jid *given = from ? jid_parse(from) : NULL;
	struct jid *user = sender(given);

	if (user)
		slave_session_gone(f->slave, user);
	jid_unref(&given);
	jid_unref(&user);
}

static void
later(struct fuzz *f, const struct xml *x)
{
	const char *ms = xml_get(x, "ms");

	f->now_ms += ms ? (unsigned)atoi(ms) % 1000000 : 1;
	slave_set_clock(f->slave, f->now_ms, f->now_ms);
	slave_tick(f->slave, f->now_ms);
}

/* From the room; or, as that names it, from another server. */
static void
receive(struct fuzz *f, const struct xml *x)
{
	slave_receive(f->slave, xml_get(x, "room") ? f->other : NULL, x);
}

/* Of the room's server, or the other one's. */
static struct jid *
domain_in(struct fuzz *f, const struct xml *x)
{
	return xml_get(x, "other") ? f->other : f->service;
}

static void
take_element(struct fuzz *f, const struct xml *x)
{
	if (!strcmp(x->ns, NS_DMUC))
		receive(f, x);
	else if (!strcmp(x->name, "expect"))
		expect(f, x);
	else if (!strcmp(x->name, "lost"))
		slave_lost(f->slave, domain_in(f, x));
	else if (!strcmp(x->name, "found"))
		slave_found(f->slave, domain_in(f, x));
	else if (!strcmp(x->name, "gone"))
		gone(f, x);
	else if (!strcmp(x->name, "later"))
		later(f, x);
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct fuzz *f = user;
	struct stanza *s;

	if (f->n++ >= MAX_ELEMENTS) {
		arena_unref(&a);
		return true;
	}
	s = stanza_from_xml(a, x, NS_CLIENT);
	if (s) {
		take_stanza(f, s);
		stanza_unref(&s);
	} else {
		take_element(f, x);
		arena_unref(&a);
	}
	check(f);
	if (f->slave->is_over) {
		slave_free(f->slave);
		take_copy(f);
	}
	return true;
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)user;
	(void)header;
	(void)default_ns;
	arena_unref(&a);
	return true;
}

static void
on_close(void *user)
{
	(void)user;
}

static const struct xml_handler handler = { on_open, on_element, on_close };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_pool *pool = xml_pool_new();
	struct fuzz f = {
		.pool = pool,
		.room = jid_parse(ROOM),
		.ours = jid_parse(OURS),
		.service = jid_parse(SERVICE),
		.other = jid_parse(OTHER),
		.now_ms = INT64_C(1700000000000),
	};
	struct xml_parser *parser = xml_parser_new(pool, &handler, &f, &limits);

	take_copy(&f);
	xml_parser_feed(parser, OPEN, strlen(OPEN));
	xml_parser_feed(parser, (const char *)data, size);
	slave_free(f.slave);
	jid_unref(&f.room);
	jid_unref(&f.ours);
	jid_unref(&f.service);
	jid_unref(&f.other);
	xml_parser_free(parser);
	xml_pool_free(pool);
	return 0;
}
