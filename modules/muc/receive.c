/* receive.c - what is sent to rooms, and who takes it. */

#include "base/clock.h"
#include "core/server.h"
#include "modules/muc/distribute.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* ---- entering ---- */

static enum verdict
submit(struct live *l, struct event *ev)
{
	return live_submit(l, ev, &(struct submission){ 0 });
}

static enum verdict
create(struct event *ev, void *data)
{
	struct live *l = data;

	/* Somebody was quicker. */
	if (l->state != LIVE_NONE)
		return submit(l, ev);
	live_create(l);
	return live_submit(l, ev, &(struct submission){ .is_creation = true });
}

/* The room is not there. */
static enum verdict
presence_to_none(struct live *l, struct event *ev)
{
	if (ev->stanza->type != TYPE_NONE)
		return DONE;
	if (!stanza_child(ev->stanza, "x", NS_MUC))
		return live_out_of_step(ev);
	/* Whoever was in it before a split makes no room of the same name. */
	if (distribute_is_return(ev->stanza))
		return live_refuse(l, ev, COND_ITEM_NOT_FOUND, NULL);
	if (!service_may_create(l->service, ev->from))
		return live_refuse(l, ev, COND_NOT_ALLOWED,
				   "you may not make rooms here");
	return limits_before_create(l, ev, create);
}

/* In the room already, with another nickname or presence: not that. */
static bool
is_join(const struct live *l, const struct event *ev)
{
	return ev->stanza->type == TYPE_NONE &&
	       stanza_child(ev->stanza, "x", NS_MUC) &&
	       !(live_room(l) && room_session(live_room(l), ev->from));
}

static enum verdict
submit_join(struct event *ev, void *data)
{
	struct live *l = data;

	/* It may have gone while its peerhost was asked. */
	return l->state == LIVE_NONE ? presence_to_none(l, ev) : submit(l, ev);
}

static enum verdict
presence(struct live *l, struct event *ev)
{
	if (is_join(l, ev) && !limits_may_join(l->service, ev))
		return live_refuse(l, ev, COND_RESOURCE_CONSTRAINT,
				   "too many rooms at once");
	if (l->state == LIVE_NONE)
		return presence_to_none(l, ev);
	return is_join(l, ev) ? distribute_before_join(l, ev, submit_join)
			      : submit(l, ev);
}

/* It has never been, or is no more: somebody works with it still. */
static bool
is_gone(const struct live *l)
{
	return l->state == LIVE_NONE || live_room(l)->is_destroyed;
}

/* ---- messages ---- */

static enum verdict
message(struct live *l, struct event *ev)
{
	const struct stanza *m = ev->stanza;
	const struct xml *x = stanza_child(m, "x", NS_MUC_USER);

	if (is_gone(l))
		return live_refuse(l, ev, COND_ITEM_NOT_FOUND, NULL);
	if (jid_resource(ev->to))
		return private_message(l, ev);
	if (m->type != TYPE_GROUPCHAT && !limits_may_ask(l->service, ev))
		return live_refuse(l, ev, COND_RESOURCE_CONSTRAINT,
				   "too many requests at once");
	if (m->type != TYPE_GROUPCHAT && x &&
	    xml_child(x, "decline", NS_MUC_USER)) {
		invite_declined(l, ev);
		return DONE;
	}
	if (m->type == TYPE_GROUPCHAT && stanza_child(m, "retract", NS_RETRACT))
		return retract(l, ev);
	return live_submit(l, ev, &(struct submission){ 0 });
}

/* ---- requests ---- */

/* XEP-0410 3.2: to whom it means that he is not in it. */
static bool
is_self_ping(const struct event *ev)
{
	return jid_resource(ev->to) &&
	       xml_is(stanza_payload(ev->stanza), "ping", NS_PING);
}

static enum verdict
iq(struct live *l, struct event *ev)
{
	if (ev->stanza->type != TYPE_GET && ev->stanza->type != TYPE_SET)
		return DONE;
	if (is_gone(l))
		return live_refuse(l, ev,
				   is_self_ping(ev) ? COND_NOT_ACCEPTABLE
						    : COND_ITEM_NOT_FOUND,
				   NULL);
	if (jid_resource(ev->to))
		return private_request(l, ev);
	return room_request(l, ev);
}

/* ---- rooms ---- */

static void
seen(const struct live *l, const struct event *ev)
{
	struct room_session *s = room_session(live_room(l), ev->from);

	if (s)
		ghosts_seen(l, s);
}

/* An error that somebody sends to an occupant, as a private message. */
static bool
is_private(const struct event *ev)
{
	return ev->stanza->kind == STANZA_MESSAGE &&
	       stanza_child(ev->stanza, "x", NS_MUC_USER);
}

static enum verdict
to_room(struct event *ev, void *data)
{
	struct live *l = data;

	if (distribute_receive(l, ev))
		return DONE;
	/* One that is in this process says when it goes. */
	if (!ev->session && live_room(l))
		seen(l, ev);
	if (ev->stanza->type == TYPE_ERROR && ev->stanza->kind != STANZA_IQ &&
	    live_room(l)) {
		if (invite_bounced(l->service, ev))
			return DONE;
		if (private_bounced(l, ev) && is_private(ev))
			return DONE;
		/* A client says what it was about, a server does not. */
		if (!is_private(ev))
			return ghost_error(l, ev);
	}
	switch (ev->stanza->kind) {
	case STANZA_PRESENCE:
		return presence(l, ev);
	case STANZA_MESSAGE:
		return message(l, ev);
	case STANZA_IQ:
		return iq(l, ev);
	}
	return DONE;
}

enum verdict
muc_receive(void *data, struct event *ev)
{
	struct muc_service *s = data;

	if (!ev->from)
		return DONE;
	if (!jid_local(ev->to))
		return service_receive(s, ev);
	if (s->main)
		return alias_receive(s, ev);
	if (!limits_may_wake(s, ev))
		return event_fail_text(ev, COND_RESOURCE_CONSTRAINT,
				       "too many rooms are in use");
	return live_when_awake(live_take(s, ev->to), ev, to_room);
}
