/* message.c - messages reach their recipients (RFC 6121 sections 5 and 8.5). */

#include "core/module.h"
#include "core/session.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* The resources with the highest priority that is not negative; all of them
 * where everyone shall get it. False: there is none. */
static bool
deliver_to_bare(const struct event *ev, bool to_everyone)
{
	const struct account *a = ev->account;
	int top = 0;
	bool any = false;

	if (!a->n_available)
		return false;
	list_each (n, &a->sessions) {
		const struct session *s = session_of(n);

		if (!to_everyone && session_is_available(s) &&
		    s->priority > top)
			top = s->priority;
	}
	list_each (n, &a->sessions) {
		struct session *s = session_of(n);

		if (!session_is_available(s) || s->priority < top)
			continue;
		session_send(s, ev->stanza);
		any = true;
	}
	return any;
}

/* RFC 6121 8.5.2 */
static enum verdict
to_bare(struct event *ev)
{
	switch (ev->stanza->type) {
	case TYPE_ERROR:
		return DONE;
	case TYPE_GROUPCHAT:
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	case TYPE_HEADLINE:
		deliver_to_bare(ev, true);
		return DONE;
	default:
		if (deliver_to_bare(ev, false))
			return DONE;
		return event_divert(ev, HOOK_MESSAGE_UNREACHABLE);
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
