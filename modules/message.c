/* message.c - messages reach their recipients (RFC 6121 sections 5 and 8.5). */

#include "modules/message.h"

#include "core/module.h"
#include "core/session.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* The highest priority that is not negative among those that are available;
 * -1: nobody is. */
static int
top_priority(const struct account *a)
{
	int top = -1;

	list_each (n, &a->sessions) {
		const struct session *s = session_of(n);

		if (session_is_available(s) && s->priority > top)
			top = s->priority;
	}
	return top;
}

bool
message_reaches(const struct event *ev, const struct session *s)
{
	int top;

	if (!jid_is_bare(ev->to) && account_session(ev->account, ev->to))
		return jid_eq(s->jid, ev->to);
	if (!jid_is_bare(ev->to) && ev->stanza->type != TYPE_CHAT)
		return false;
	top = top_priority(ev->account);
	return session_is_available(s) && top >= 0 && s->priority == top;
}

/* To each available resource with at least this priority. */
static void
deliver(const struct event *ev, int priority)
{
	list_each (n, &ev->account->sessions) {
		struct session *s = session_of(n);

		if (session_is_available(s) && s->priority >= priority)
			session_send(s, ev->stanza);
	}
}

/* RFC 6121 8.5.2 */
static enum verdict
to_bare(struct event *ev)
{
	int top;

	switch (ev->stanza->type) {
	case TYPE_ERROR:
		return DONE;
	case TYPE_GROUPCHAT:
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	case TYPE_HEADLINE:
		deliver(ev, 0);
		return DONE;
	default:
		top = top_priority(ev->account);
		if (top < 0)
			return event_divert(ev, HOOK_MESSAGE_UNREACHABLE);
		deliver(ev, top);
		return DONE;
	}
}

/* RFC 6121 8.5.3 */
static enum verdict
on_message(struct event *ev, void *data)
{
	struct session *s;

	(void)data;
	if (jid_is_bare(ev->to))
		return to_bare(ev);
	s = account_session(ev->account, ev->to);
	if (s) {
		session_send(s, ev->stanza);
		return DONE;
	}
	/* 8.5.3.2.1: no such resource (any more). */
	switch (ev->stanza->type) {
	case TYPE_CHAT:
		return to_bare(ev);
	case TYPE_ERROR:
	case TYPE_HEADLINE:
		return DONE;
	default:
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	}
}

const struct module mod_message = {
	.name = "message",
	.hooks =
		(const struct hook[]){
			{ HOOK_MESSAGE_TO_USER, PHASE_DELIVER, on_message },
			{ 0 },
		},
};
