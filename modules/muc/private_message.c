/* private_message.c - from one occupant to another: messages (XEP-0045 7.5) and
 * requests (17.4), without either learning who the other one is. */

#include "base/arena.h"
#include "base/mem.h"
#include "core/iq_request.h"
#include "core/server.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* How long an occupant may take to answer another one's request. */
#define REQUEST_TIMEOUT_MS 60000

/* The occupant's address in the room; the caller's reference. */
static struct jid *
address_of(const struct live *l, const struct occupant *o)
{
	return jid_with_resource(l->jid, o->nick);
}

/* The address of who says it is wrong (RFC 6120 8.3.1) is a real one. */
static void
add_copy(struct stanza *out, const struct xml *from)
{
	struct xml *x = xml_deep_copy(out->arena, from);

	if (xml_is(x, "error", NS_CLIENT))
		xml_set(out->arena, x, "by", NULL);
	xml_append(out->arena, out->root, x);
}

/* What was sent, as the room passes it on; `to` is left to be set. */
static struct stanza *
pass_on(const struct live *l, const struct stanza *s, const struct occupant *by)
{
	struct jid *from = address_of(l, by);
	struct stanza *out =
		stanza_new(s->kind, s->type, from, NULL, stanza_id(s));
	struct arena *a = out->arena;
	const char *lang = xml_lang(s->root);

	jid_unref(&from);
	if (lang)
		xml_set_ns(a, out->root, NS_XML, "lang", lang);
	xml_each (x, s->root) {
		if (!rules_is_of_room(live_room(l), x))
			add_copy(out, x);
	}
	if (s->kind == STANZA_MESSAGE) {
		xml_add(a, out->root, "x", NS_MUC_USER);
		if (by->id)
			xml_set(a,
				xml_add(a, out->root, "occupant-id",
					NS_OCCUPANT_ID),
				"id", by->id);
	}
	return out;
}

/* Both ends, or an error: 7.5. */
static enum stanza_cond
find_ends(const struct live *l, const struct event *ev,
	  const struct occupant **from, const struct occupant **to)
{
	const struct room_session *s = room_session(live_room(l), ev->from);

	if (!s)
		return COND_NOT_ACCEPTABLE;
	*from = s->occupant;
	*to = room_by_nick(live_room(l), jid_resource(ev->to));
	return *to ? COND_NONE : COND_ITEM_NOT_FOUND;
}

static bool
may(const struct live *l, const struct occupant *o, enum privilege p)
{
	return has_privilege(&live_room(l)->config, o->affiliation, o->role, p);
}

/* ---- messages ---- */

enum verdict
private_message(struct live *l, struct event *ev)
{
	const struct occupant *from, *to;
	enum stanza_cond bad;
	struct stanza *out;

	if (ev->stanza->type == TYPE_GROUPCHAT)
		return live_refuse(l, ev, COND_BAD_REQUEST,
				   "messages to all go to the room itself");
	bad = find_ends(l, ev, &from, &to);
	if (bad)
		return live_refuse(l, ev, bad, NULL);
	if (ev->stanza->type != TYPE_ERROR && !may(l, from, PRIV_PM))
		return live_refuse(l, ev, COND_FORBIDDEN, NULL);
	out = pass_on(l, ev->stanza, from);
	list_each (n, &to->sessions) {
		struct stanza *copy = stanza_edit(out);

		stanza_set_to(copy, room_session_of(n)->jid);
		if (stanza_id(out) && ev->stanza->type != TYPE_ERROR)
			sent_note(&l->service->privates, ev->to, ev->from,
				  copy->to, stanza_id(out));
		route(ev->server, copy);
	}
	stanza_unref(&out);
	return DONE;
}

bool
private_bounced(struct live *l, struct event *ev)
{
	const char *id = stanza_id(ev->stanza);
	struct stanza *out;
	struct sent was;

	if (ev->stanza->kind != STANZA_MESSAGE || !id ||
	    !sent_take(&l->service->privates, l->jid, ev->from, id, &was))
		return false;
	out = stanza_new(STANZA_MESSAGE, TYPE_ERROR, was.at, was.from, id);
	xml_each (x, ev->stanza->root) {
		if (!rules_is_of_room(live_room(l), x))
			add_copy(out, x);
	}
	xml_add(out->arena, out->root, "x", NS_MUC_USER);
	route(ev->server, out);
	sent_fini(&was);
	return true;
}

/* ---- requests ---- */

/* One that is under way. */
struct passed {
	struct server *server;
	struct jid *asker;  /* ref; full */
	struct jid *target; /* ref; in the room */
	char *id;	    /* owned */
};

static struct stanza *
answer(const struct passed *p, const struct stanza *reply)
{
	struct stanza *out =
		stanza_new(STANZA_IQ, reply->type, p->target, p->asker, p->id);

	xml_each (x, reply->root)
		add_copy(out, x);
	return out;
}

/* As if the occupant were on a server that does not answer. */
static struct stanza *
no_answer(const struct passed *p)
{
	struct stanza *was =
		stanza_new(STANZA_IQ, TYPE_GET, p->asker, p->target, p->id);
	struct stanza *out =
		stanza_error(was, COND_REMOTE_SERVER_TIMEOUT, NULL);

	stanza_unref(&was);
	return out;
}

static void
answered(void *data, const struct stanza *reply)
{
	struct passed *p = data;

	/* At the server's end nobody is there any more. */
	if (reply || !p->server->is_stopping)
		route(p->server, reply ? answer(p, reply) : no_answer(p));
	jid_unref(&p->asker);
	jid_unref(&p->target);
	free(p->id);
	free(p);
}

/* A user's account answers for what belongs to the user, not to a client. */
static bool
is_for_account(const struct xml *x)
{
	return !strcmp(x->ns, NS_VCARD) ||
	       !strcmp(x->ns, "http://jabber.org/protocol/pubsub");
}

static void
pass_request(struct live *l, struct event *ev, const struct occupant *from,
	     const struct occupant *to)
{
	struct passed *p = mem_zalloc(sizeof(*p));
	struct stanza *out = pass_on(l, ev->stanza, from);
	bool to_account = is_for_account(stanza_payload(ev->stanza));

	p->server = ev->server;
	p->asker = jid_ref(ev->from);
	p->target = jid_ref(ev->to);
	p->id = mem_strdup(stanza_id(ev->stanza));
	stanza_set_to(out, to_account ? to->bare : to->top->jid);
	iq_request(ev->server, out, REQUEST_TIMEOUT_MS, answered, p);
}

enum verdict
private_request(struct live *l, struct event *ev)
{
	const struct occupant *from, *to;
	const struct xml *x = stanza_payload(ev->stanza);
	enum stanza_cond bad = find_ends(l, ev, &from, &to);

	/* 6.6 */
	if (bad == COND_NOT_ACCEPTABLE &&
	    (!strcmp(x->ns, NS_DISCO_INFO) || !strcmp(x->ns, NS_DISCO_ITEMS)))
		bad = COND_BAD_REQUEST;
	if (bad)
		return live_refuse(l, ev, bad, NULL);
	/* XEP-0410 3: that it is in the room is all it wants to know. */
	if (from == to && xml_is(x, "ping", NS_PING))
		return event_reply_empty(ev);
	if (!may(l, from, PRIV_QUERY))
		return live_refuse(l, ev, COND_FORBIDDEN, NULL);
	if (!limits_may_query(l->service, ev))
		return live_refuse(l, ev, COND_RESOURCE_CONSTRAINT,
				   "too many requests at once");
	pass_request(l, ev, from, to);
	return DONE;
}
