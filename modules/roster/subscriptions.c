/* subscriptions.c - who may see whose presence (RFC 6121 section 3). */

#include "base/arena.h"
#include "base/buf.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/session.h"
#include "modules/roster/private.h"
#include "modules/roster/subscription.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

/* A request is kept with all that it says, up to this. */
#define REQUEST_MAX 4096u

/* A stanza on its way, in the event's arena. Its own stanza (ev->stanza) has
 * bare addresses, both. */
struct flow {
	struct subscription_step step;
	bool is_inbound;
};

/* RFC 6121 3.1.2, 3.1.3 and so on: all of these are between bare JIDs. */
static void
make_bare(struct event *ev)
{
	struct jid *from, *to;

	if (jid_is_bare(ev->stanza->from) && jid_is_bare(ev->stanza->to))
		return;
	struct stanza *bare = stanza_edit(ev->stanza);

	from = jid_bare(ev->from);
	to = jid_bare(ev->to);
	stanza_set_from(bare, from);
	stanza_set_to(bare, to);
	jid_unref(&from);
	jid_unref(&to);
	stanza_unref(&ev->stanza);
	ev->stanza = bare;
}

void
roster_end_subscriptions(struct account *a, struct jid *contact, unsigned flags)
{
	if (flags & (ROSTER_TO | ROSTER_ASK))
		roster_send_subscription(a, contact, TYPE_UNSUBSCRIBE);
	if (flags & ROSTER_FROM)
		roster_hide_presence(a, contact);
	if (flags & (ROSTER_FROM | ROSTER_PENDING_IN))
		roster_send_subscription(a, contact, TYPE_UNSUBSCRIBED);
}

void
roster_send_subscription(struct account *a, struct jid *to,
			 enum stanza_type type)
{
	struct jid *bare = jid_bare(to);

	route(a->host->server,
	      stanza_new(STANZA_PRESENCE, type, a->jid, bare, NULL));
	jid_unref(&bare);
}

/* 3.1.3: requests go to available resources, 3.1.6 and so on: what happened
 * goes to those that have asked for the roster. */
static void
deliver(struct event *ev)
{
	bool is_request = ev->stanza->type == TYPE_SUBSCRIBE;

	list_each (n, &ev->account->sessions) {
		struct session *s = session_of(n);
		const struct roster_session *rs = session_data(s, &roster_slot);

		if (is_request ? session_is_available(s) : rs->is_interested)
			session_send(s, ev->stanza);
	}
}

static void
have_effects(struct event *ev, const struct flow *flow)
{
	unsigned effects = flow->step.effects;
	struct account *a = ev->account;
	struct jid *contact =
		flow->is_inbound ? ev->stanza->from : ev->stanza->to;

	/* 3.2.1: while it is still subscribed. */
	if (effects & SUB_HIDE && !flow->is_inbound)
		roster_hide_presence(a, contact);
	if (effects & SUB_FORWARD && flow->is_inbound)
		deliver(ev);
	else if (effects & SUB_FORWARD)
		route(ev->server, stanza_ref(ev->stanza));
	if (effects & SUB_ANSWER)
		roster_send_subscription(a, contact, TYPE_SUBSCRIBED);
	if (effects & SUB_PUSH)
		roster_push(a, contact);
	if (effects & SUB_SHOW)
		roster_show_presence(a, contact);
	/* 3.3.3 */
	if (effects & SUB_HIDE && flow->is_inbound)
		roster_hide_presence(a, contact);
}

static void
edited(struct event *ev, void *data, enum stanza_cond bad)
{
	if (bad) {
		event_fail(ev, bad);
		return;
	}
	have_effects(ev, data);
	event_resume(ev, DONE);
}

/* The waiting request as it is delivered later; in the event's arena. */
static const char *
request_text(struct event *ev)
{
	struct buf b = { 0 };
	struct stanza *s;
	const char *text;

	stanza_write(&b, ev->stanza, ev->stanza->from, ev->stanza->to,
		     NS_CLIENT);
	if (b.len > REQUEST_MAX) {
		b.len = 0;
		s = stanza_new(STANZA_PRESENCE, TYPE_SUBSCRIBE, NULL, NULL,
			       NULL);
		stanza_write(&b, s, ev->stanza->from, ev->stanza->to,
			     NS_CLIENT);
		stanza_unref(&s);
	}
	text = arena_strndup(event_arena(ev), b.data, b.len);
	buf_fini(&b);
	return text;
}

static enum verdict
advance(struct event *ev, void *data)
{
	struct flow *flow = data;
	struct stanza *s = ev->stanza;
	struct jid *contact = flow->is_inbound ? s->from : s->to;
	const struct contact *old = roster_find(ev->account, contact);
	unsigned flags = old ? old->flags : 0;
	const char *request = NULL;

	flow->step = flow->is_inbound ? subscription_in(flags, s->type)
				      : subscription_out(flags, s->type);
	if (flow->step.flags == flags) {
		have_effects(ev, flow);
		return DONE;
	}
	if (flow->is_inbound && flow->step.flags & ROSTER_PENDING_IN)
		request = request_text(ev);
	roster_edit(ev,
		    contact_with_flags(old, contact, flow->step.flags, request),
		    edited, flow);
	return WAIT;
}

static enum verdict
begin(struct event *ev, bool is_inbound)
{
	struct flow *flow = arena_zalloc(event_arena(ev), sizeof(*flow));

	flow->is_inbound = is_inbound;
	make_bare(ev);
	return roster_then_edit(ev, advance, flow);
}

enum verdict
roster_on_presence_check(struct event *ev, void *data)
{
	(void)data;
	if (!subscription_is_type(ev->stanza->type))
		return PASS;
	if (!ev->to)
		return event_fail(ev, COND_BAD_REQUEST);
	/* Everybody is subscribed to himself, for good (4.2.2). */
	if (jid_eq_bare(ev->to, ev->account->jid))
		return event_fail(ev, COND_NOT_ALLOWED);
	return PASS;
}

enum verdict
roster_on_presence_from_user(struct event *ev, void *data)
{
	(void)data;
	return subscription_is_type(ev->stanza->type) ? begin(ev, false) : PASS;
}

enum verdict
roster_on_presence_to_user(struct event *ev, void *data)
{
	(void)data;
	if (!subscription_is_type(ev->stanza->type))
		return PASS;
	if (!ev->from || jid_eq_bare(ev->from, ev->account->jid))
		return DONE;
	return begin(ev, true);
}

/* ---- a resource has become available ---- */

static void
remind(void *data, struct jid *contact, unsigned flags)
{
	struct session *s = data;
	struct account *a = s->account;

	/* XEP-0191 3.3: of who is blocked nothing comes, and nothing goes. */
	if (!(flags & (ROSTER_PENDING_IN | ROSTER_ASK)) ||
	    !roster_may_send(a, contact))
		return;
	if (flags & ROSTER_PENDING_IN) {
		const char *xml = contact_request(roster_find(a, contact));

		session_send_raw(s, xml, strlen(xml));
	}
	/* 3.1.2: a server elsewhere may have lost the request. */
	if (flags & ROSTER_ASK && !host_of(a->host->server, contact))
		roster_send_subscription(a, contact, TYPE_SUBSCRIBE);
}

static enum verdict
remind_all(struct event *ev, void *data)
{
	(void)data;
	if (session_is_open(ev->session))
		roster_each(ev->account, remind, ev->session);
	return PASS;
}

/* 3.1.3: waiting requests, until they are answered. */
enum verdict
roster_on_available(struct event *ev, void *data)
{
	return roster_then_edit(ev, remind_all, data);
}
