/* carbons.c - every client of a user sees all conversations (XEP-0280). */

#include "base/arena.h"
#include "base/chunk.h"
#include "core/host.h"
#include "core/module.h"
#include "core/session.h"
#include "modules/message.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#define NS_CARBONS    "urn:xmpp:carbons:2"
#define NS_FORWARD    "urn:xmpp:forward:0"
#define NS_RECEIPTS   "urn:xmpp:receipts"
#define NS_CHATSTATES "http://jabber.org/protocol/chatstates"
#define NS_MARKERS    "urn:xmpp:chat-markers:0"
#define NS_CONFERENCE "jabber:x:conference"
#define NS_MUC_USER   "http://jabber.org/protocol/muc#user"

struct carbons_session {
	bool is_enabled;
};

static struct module_slot slot;

static struct carbons_session *
state_of(struct session *s)
{
	return session_data(s, &slot);
}

/* ---- which messages ---- */

static bool
is_muc_private_message(const struct stanza *s)
{
	const struct xml *x = stanza_child(s, "x", NS_MUC_USER);

	return x && !xml_child(x, "invite", NS_MUC_USER);
}

static bool
is_eligible(const struct stanza *s)
{
	if (s->type == TYPE_GROUPCHAT || s->type == TYPE_ERROR ||
	    s->type == TYPE_HEADLINE)
		return false;
	if (stanza_child(s, "private", NS_CARBONS) ||
	    stanza_child(s, "no-copy", NS_HINTS))
		return false;
	return s->type == TYPE_CHAT || stanza_child(s, "body", NS_CLIENT) ||
	       stanza_child(s, NULL, NS_RECEIPTS) ||
	       stanza_child(s, NULL, NS_CHATSTATES) ||
	       stanza_child(s, NULL, NS_MARKERS) ||
	       stanza_child(s, "x", NS_CONFERENCE) ||
	       stanza_child(s, "x", NS_MUC_USER);
}

/* ---- the copies ---- */

/* <message><sent><forwarded> around it, without an address yet. */
static struct stanza *
wrap(const struct event *ev, struct account *a, const char *direction)
{
	struct stanza *copy = stanza_new(STANZA_MESSAGE, ev->stanza->type,
					 a->jid, NULL, NULL);
	struct arena *arena = copy->arena;
	struct xml *x = xml_add(arena, copy->root, direction, NS_CARBONS);
	struct xml *inner = xml_shallow_copy(arena, ev->stanza->root);

	xml_set(arena, inner, "from", jid_str(ev->from));
	xml_set(arena, inner, "to", jid_str(ev->to));
	x = xml_add(arena, x, "forwarded", NS_FORWARD);
	xml_append(arena, x, inner);
	return copy;
}

static bool
wants_copy(const struct event *ev, struct session *s, bool is_received)
{
	if (!state_of(s)->is_enabled)
		return false;
	return is_received ? !message_reaches(ev, s) : s != ev->session;
}

static void
send_copies(const struct event *ev, struct account *a, bool is_received)
{
	struct stanza *copy = NULL;
	struct chunk *tail = NULL;

	list_each (n, &a->sessions) {
		struct session *s = session_of(n);

		if (!wants_copy(ev, s, is_received))
			continue;
		if (!copy) {
			copy = wrap(ev, a, is_received ? "received" : "sent");
			tail = stanza_tail(copy, a->jid, NS_CLIENT);
		}
		session_send_tail(s, copy, s->jid, tail);
	}
	chunk_unref(&tail);
	stanza_unref(&copy);
}

/* Section 7 */
static enum verdict
on_received(struct event *ev, void *data)
{
	(void)data;
	if (ev->account->n_sessions > 0 && is_eligible(ev->stanza) &&
	    !is_muc_private_message(ev->stanza))
		send_copies(ev, ev->account, true);
	return PASS;
}

/* Section 8. What is sent to oneself is received by all. */
static enum verdict
on_sent(struct event *ev, void *data)
{
	(void)data;
	if (ev->account->n_sessions > 1 && !jid_eq_bare(ev->to, ev->from) &&
	    is_eligible(ev->stanza))
		send_copies(ev, ev->account, false);
	return PASS;
}

/* ---- switching it on and off ---- */

static enum verdict
set_enabled(struct event *ev, bool on)
{
	if (!ev->session || ev->session->host != ev->host)
		return event_fail(ev, COND_NOT_ALLOWED);
	state_of(ev->session)->is_enabled = on;
	return event_reply_empty(ev);
}

static enum verdict
on_enable(struct event *ev, void *data)
{
	(void)data;
	return set_enabled(ev, true);
}

static enum verdict
on_disable(struct event *ev, void *data)
{
	(void)data;
	return set_enabled(ev, false);
}

const struct module mod_carbons = {
	.name = "carbons",
	.slot = &slot,
	.needs = (const char *const[]){ "message", NULL },
	.features = (const char *const[]){ NS_CARBONS, NULL },
	.hooks =
		(const struct hook[]){
			{ HOOK_MESSAGE_FROM_USER, PHASE_COPY, on_sent },
			{ HOOK_MESSAGE_TO_USER, PHASE_COPY, on_received },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_SET, TO_SELF | TO_HOST, NS_CARBONS, "enable",
			  on_enable },
			{ IQ_SET, TO_SELF | TO_HOST, NS_CARBONS, "disable",
			  on_disable },
			{ 0 },
		},
	.session_size = sizeof(struct carbons_session),
};
