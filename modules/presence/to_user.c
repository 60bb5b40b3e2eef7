/* to_user.c - presences and probes that reach an account (RFC 6121 4.3.2,
 * 8.5). */

#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/presence/private.h"
#include "modules/roster.h"
#include "modules/roster/send.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/stanza.h"

static struct directed *
directed_of(struct session *s)
{
	struct presence_session *ps = session_data(s, &presence_slot);

	return &ps->directed;
}

/* ---- presences ---- */

/* No answer of whom it was for, but of the way there. */
static bool
is_bounce(const struct stanza *s)
{
	enum stanza_cond cond = stanza_error_cond(s);

	return cond == COND_REMOTE_SERVER_TIMEOUT ||
	       cond == COND_REMOTE_SERVER_NOT_FOUND;
}

/* 4.6.4: whoever goes need not be told when the user goes; but a room in which
 * the user has another nick now (maybe by another resource) need. */
static void
has_gone(struct session *s, const struct stanza *presence)
{
	struct directed *d = directed_of(s);
	struct jid *renamed;

	if (presence->type == TYPE_ERROR && is_bounce(presence))
		return;
	if (!directed_has(d, presence->from))
		return;
	renamed = muc_user_renamed(presence);
	if (renamed)
		directed_move(d, renamed);
	else
		directed_gone(d, presence->from);
	jid_unref(&renamed);
}

/* XEP-0045 7.2.2: a room has the user in it again, since a presence was on its
 * way there meanwhile. */
static void
is_back(struct session *s, const struct stanza *presence, size_t max)
{
	if (muc_user_has_status(presence, "110"))
		directed_back(directed_of(s), presence->from, max);
}

static void
deliver_to(struct event *ev, struct session *s, const struct presence_host *opt)
{
	if (ev->stanza->type != TYPE_NONE && ev->from)
		has_gone(s, ev->stanza);
	else if (ev->from && directed_of(s)->n_gone)
		is_back(s, ev->stanza, (size_t)opt->directed_max);
	if (ev->tail)
		session_send_tail(s, ev->stanza, ev->to, ev->tail);
	else
		session_send_to(s, ev->stanza, ev->to);
}

/* 8.5.2.1.2, 8.5.3.1: no resource takes another's place. */
static enum verdict
deliver(struct event *ev, void *data)
{
	struct session *s;

	if (!jid_is_bare(ev->to)) {
		s = account_session(ev->account, ev->to);
		if (s)
			deliver_to(ev, s, data);
		return DONE;
	}
	list_each (n, &ev->account->sessions) {
		s = session_of(n);
		if (session_is_available(s))
			deliver_to(ev, s, data);
	}
	return DONE;
}

/* ---- probes ---- */

static void
answer(struct event *ev, struct stanza *presence)
{
	if (event_ask(ev->host, HOOK_PRESENCE_TO_CONTACT, ev->account,
		      ev->from) != DONE)
		send_presence(ev->server, presence, ev->from, NULL, NULL);
}

/* 4.3.2 (2), (3) */
static void
answer_no(struct event *ev, enum stanza_type type, struct jid *from,
	  struct jid *to)
{
	struct stanza *s = stanza_new(STANZA_PRESENCE, type, from, to, NULL);

	if (type == TYPE_UNSUBSCRIBED)
		route(ev->server, stanza_ref(s));
	else
		answer(ev, s);
	stanza_unref(&s);
}

/* The bare JID stands for all resources. True: there was an answer. */
static bool
answer_with_resources(struct event *ev, bool is_allowed)
{
	bool any = false;

	list_each (n, &ev->account->sessions) {
		struct session *s = session_of(n);

		if (!session_is_available(s) ||
		    (!jid_is_bare(ev->to) && !jid_eq(ev->to, s->jid)))
			continue;
		if (!is_allowed && !directed_has_bare(directed_of(s), ev->from))
			continue;
		answer(ev, s->presence);
		any = true;
	}
	return any;
}

/* 4.3.2 */
static enum verdict
answer_probe(struct event *ev, void *data)
{
	struct jid *bare = jid_bare(ev->from);
	bool is_allowed = jid_eq(bare, ev->account->jid) ||
			  roster_contact_flags(ev->account, bare) & ROSTER_FROM;

	(void)data;
	if (!answer_with_resources(ev, is_allowed)) {
		if (is_allowed)
			answer_no(ev, TYPE_UNAVAILABLE, ev->to, NULL);
		else
			answer_no(ev, TYPE_UNSUBSCRIBED, ev->account->jid,
				  bare);
	}
	jid_unref(&bare);
	return DONE;
}

enum verdict
presence_on_to_user(struct event *ev, void *data)
{
	switch (ev->stanza->type) {
	case TYPE_NONE:
	case TYPE_UNAVAILABLE:
	case TYPE_ERROR:
		return roster_then_settled(ev, deliver, data);
	case TYPE_PROBE:
		return ev->from ? roster_then(ev, answer_probe, data) : DONE;
	default:
		return PASS;
	}
}
