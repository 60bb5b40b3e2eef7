/* from_user.c - what a client says of its presence, and whom it reaches
 * (RFC 6121 4.2, 4.4, 4.5, 4.6). */

#include "base/arena.h"
#include "base/chunk.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/presence.h"
#include "modules/presence/private.h"
#include "modules/roster.h"
#include "modules/roster/send.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>

/* ---- is it well-formed? ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* 4.7.2.3: an xs:byte. -1 where it is none. */
static int
parse_priority(const char *s, int *out)
{
	char *end;
	long v;

	while (is_blank(*s))
		s++;
	/* Fewer than strtol would take. */
	if (!((*s >= '0' && *s <= '9') ||
	      ((*s == '-' || *s == '+') && s[1] >= '0' && s[1] <= '9')))
		return -1;
	v = strtol(s, &end, 10);
	while (is_blank(*end))
		end++;
	if (*end || v < INT8_MIN || v > INT8_MAX)
		return -1;
	*out = (int)v;
	return 0;
}

static int
read_priority(struct event *ev, int *out)
{
	const struct xml *x = stanza_child(ev->stanza, "priority", NS_CLIENT);

	*out = 0;
	return x ? parse_priority(xml_get_text(event_arena(ev), x), out) : 0;
}

enum verdict
presence_on_check(struct event *ev, void *data)
{
	int priority;

	(void)data;
	switch (ev->stanza->type) {
	case TYPE_NONE:
		if (read_priority(ev, &priority) < 0)
			return event_fail(ev, COND_BAD_REQUEST);
		return PASS;
	case TYPE_PROBE:
		return ev->to ? PASS : event_fail(ev, COND_BAD_REQUEST);
	case TYPE_ERROR:
		return ev->to ? PASS : DONE;
	default:
		return PASS;
	}
}

/* ---- to many ---- */

/* One presence and all who get it. */
struct fan {
	struct account *account;
	struct server *server;
	struct stanza *presence;
	struct chunk *tail;
};

static void
to_contact(void *data, struct jid *contact, unsigned flags)
{
	const struct fan *fan = data;

	if (flags & ROSTER_FROM && roster_may_send(fan->account, contact))
		send_presence(fan->server, fan->presence, contact, fan->tail,
			      NULL);
}

/* 4.2.2, 4.4.2, 4.5.2: to the contacts that may see it, and to all resources
 * of the user, among them the one that it is of. */
static void
broadcast(struct session *s, struct stanza *presence)
{
	struct account *a = s->account;
	struct fan fan = {
		.account = a,
		.server = s->host->server,
		.presence = presence,
		.tail = stanza_tail(presence, presence->from, NS_CLIENT),
	};

	list_each (n, &a->sessions) {
		struct session *own = session_of(n);

		if (session_is_available(own) || own == s)
			session_send_tail(own, presence, a->jid, fan.tail);
	}
	roster_each(a, to_contact, &fan);
	chunk_unref(&fan.tail);
}

/* ---- becoming available ---- */

struct probing {
	struct session *session;
	struct stanza *probe;
};

/* 4.3.1. A local contact who is not available is not asked: 4.3.2 allows the
 * answer to be nothing. */
static void
probe_contact(void *data, struct jid *contact, unsigned flags)
{
	const struct probing *p = data;
	struct account *a = p->session->account;
	struct jid *to;

	if (!(flags & ROSTER_TO) || !roster_may_send(a, contact))
		return;
	to = jid_bare(contact);
	send_presence(a->host->server, p->probe, to, NULL, p->session);
	jid_unref(&to);
}

static void
probe_contacts(struct session *s)
{
	struct probing p = {
		.session = s,
		.probe = stanza_new(STANZA_PRESENCE, TYPE_PROBE, s->jid, NULL,
				    NULL),
	};

	roster_each(s->account, probe_contact, &p);
	stanza_unref(&p.probe);
}

static void
show_own_resources(struct session *s)
{
	list_each (n, &s->account->sessions) {
		struct session *own = session_of(n);

		if (own != s && session_is_available(own))
			session_send_to(s, own->presence, s->jid);
	}
}

static void
became_available(struct event *ev, struct session *s)
{
	int priority;
	bool was_available = session_is_available(s);
	bool was_reachable = was_available && s->priority >= 0;

	read_priority(ev, &priority);
	session_set_presence(s, ev->stanza, priority);
	broadcast(s, ev->stanza);
	if (!was_available) {
		show_own_resources(s);
		probe_contacts(s);
		event_occur(s->host, HOOK_SESSION_AVAILABLE, s, s->account,
			    NULL);
	}
	if (!was_reachable && priority >= 0)
		event_occur(s->host, HOOK_SESSION_REACHABLE, s, s->account,
			    NULL);
}

/* ---- becoming unavailable ---- */

static struct directed *
directed_of(struct session *s)
{
	struct presence_session *ps = session_data(s, &presence_slot);

	return &ps->directed;
}

/* It gets the user's broadcasts. */
static bool
is_viewer(struct account *a, struct jid *jid)
{
	struct jid *bare = jid_bare(jid);
	bool is_one = jid_eq(bare, a->jid) ||
		      roster_contact_flags(a, bare) & ROSTER_FROM;

	jid_unref(&bare);
	return is_one;
}

/* 4.6.3: those who have got directed presence, once. */
static void
tell_directed(struct session *s, struct stanza *presence, bool was_broadcast)
{
	struct directed told = *directed_of(s);

	*directed_of(s) = (struct directed){ 0 };
	for (unsigned i = 0; i < told.n; i++) {
		struct jid *to = directed_at(&told, i);
		bool has_it = was_broadcast && is_viewer(s->account, to);

		if (!has_it && roster_may_send(s->account, to))
			send_presence(s->host->server, presence, to, NULL,
				      NULL);
	}
	directed_fini(&told);
}

static void
end_directed(struct session *s, struct jid *to)
{
	struct stanza *gone;

	directed_remove(directed_of(s), to);
	if (session_is_available(s) && is_viewer(s->account, to))
		return;
	gone = stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, s->jid, NULL,
			  NULL);
	send_presence(s->host->server, gone, to, NULL, NULL);
	stanza_unref(&gone);
}

void
presence_end_directed(struct account *a,
		      bool (*is_one)(const void *data, const struct jid *jid),
		      const void *data)
{
	list_each (n, &a->sessions) {
		struct session *s = session_of(n);

		/* Backwards: the last takes the place of what is removed. */
		for (unsigned i = directed_of(s)->n; i-- > 0;) {
			struct jid *to =
				jid_ref(directed_at(directed_of(s), i));

			if (is_one(data, to))
				end_directed(s, to);
			jid_unref(&to);
		}
	}
}

void
presence_move_directed(struct session *s, struct jid *jid)
{
	directed_move(directed_of(s), jid);
}

bool
presence_knows_directed(struct session *s, const struct jid *jid)
{
	return directed_knows(directed_of(s), jid);
}

bool
presence_has_directed(struct session *s, const struct jid *jid)
{
	return directed_has_bare(directed_of(s), jid);
}

void
presence_drop_directed(struct session *s, const struct jid *jid)
{
	directed_remove(directed_of(s), jid);
}

static void
became_unavailable(struct session *s, struct stanza *presence)
{
	bool was_available = session_is_available(s);

	session_set_presence(s, NULL, 0);
	if (was_available)
		broadcast(s, presence);
	tell_directed(s, presence, was_available);
	if (was_available)
		event_occur(s->host, HOOK_SESSION_UNAVAILABLE, s, s->account,
			    NULL);
}

/* 4.5.3: the server says it for a client that cannot any more. */
enum verdict
presence_on_closed(struct event *ev, void *data)
{
	struct session *s = ev->session;
	struct stanza *gone;

	(void)data;
	if (!session_is_available(s) && !directed_of(s)->n)
		return PASS;
	gone = stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, s->jid, NULL,
			  NULL);
	became_unavailable(s, gone);
	stanza_unref(&gone);
	return PASS;
}

/* ---- what the client sent ---- */

static enum verdict
undirected(struct event *ev, void *data)
{
	struct session *s = ev->session;

	(void)data;
	if (!session_is_open(s))
		return DONE;
	if (ev->stanza->type == TYPE_NONE)
		became_available(ev, s);
	else
		became_unavailable(s, ev->stanza);
	return DONE;
}

/* 4.6: the router delivers it; here it is remembered for the end. */
static enum verdict
directed(struct event *ev, const struct presence_host *opt)
{
	struct directed *d = directed_of(ev->session);
	struct account *a = ev->account;

	if (!session_is_open(ev->session))
		return DONE;
	if (ev->stanza->type == TYPE_UNAVAILABLE)
		directed_remove(d, ev->to);
	else if (!jid_eq_bare(ev->to, a->jid) &&
		 !directed_add(d, ev->to, (size_t)opt->directed_max))
		return event_fail(ev, COND_RESOURCE_CONSTRAINT);
	return PASS;
}

enum verdict
presence_on_from_user(struct event *ev, void *data)
{
	if (ev->stanza->type != TYPE_NONE &&
	    ev->stanza->type != TYPE_UNAVAILABLE)
		return PASS;
	if (ev->to)
		return directed(ev, data);
	return roster_then(ev, undirected, data);
}
