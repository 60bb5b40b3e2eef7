/* send.c - presences to one address, at the least cost. */

#include "modules/roster/send.h"

#include "base/chunk.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/roster.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

static void
ended(struct event *ev, enum verdict v)
{
	(void)v;
	event_end(ev);
}

static void
start(struct event *ev)
{
	event_run(ev, HOOK_PRESENCE_TO_USER, ended);
}

static void
send_to_account(struct account *a, struct stanza *presence, struct jid *to,
		struct chunk *tail, struct session *sender, bool is_ahead)
{
	struct event *ev = event_make(a->host->server, a->host, presence);

	jid_unref(&ev->to);
	ev->to = jid_ref(to);
	ev->account = account_ref(a);
	if (tail)
		ev->tail = chunk_ref(tail);
	if (sender)
		ev->session = session_ref(sender);
	if (is_ahead)
		start(ev);
	else
		event_enter(ev, start);
}

static void
send(struct server *srv, struct stanza *presence, struct jid *to,
     struct chunk *tail, struct session *sender, bool is_ahead)
{
	struct account *a = account_find(srv, to);
	struct stanza *copy;

	if (a && a->is_known) {
		/* A connected resource may have asked for it (4.6). */
		if (a->n_available || (a->n_sessions && jid_resource(to)))
			send_to_account(a, presence, to, tail, sender,
					is_ahead);
		return;
	}
	if (jid_local(to) && host_of(srv, to))
		return;
	copy = stanza_edit(presence);
	stanza_set_to(copy, to);
	if (is_ahead)
		route_ahead(srv, copy);
	else
		route(srv, copy);
}

void
send_presence(struct server *srv, struct stanza *presence, struct jid *to,
	      struct chunk *tail, struct session *sender)
{
	send(srv, presence, to, tail, sender, false);
}

bool
roster_may_send(struct account *a, struct jid *to)
{
	return event_ask(a->host, HOOK_PRESENCE_TO_CONTACT, a, to) != DONE;
}

/* These belong to a subscription stanza, which may be on the same way. */
void
roster_show_presence(struct account *a, struct jid *to)
{
	if (!a->n_available || !roster_may_send(a, to))
		return;
	list_each (n, &a->sessions) {
		struct session *s = session_of(n);

		if (session_is_available(s))
			send(a->host->server, s->presence, to, NULL, NULL,
			     true);
	}
}

void
roster_hide_presence(struct account *a, struct jid *to)
{
	if (!a->n_available || !roster_may_send(a, to))
		return;
	list_each (n, &a->sessions) {
		struct session *s = session_of(n);
		struct stanza *gone;

		if (!session_is_available(s))
			continue;
		gone = stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, s->jid,
				  NULL, NULL);
		send(a->host->server, gone, to, NULL, NULL, true);
		stanza_unref(&gone);
	}
}
