/* disco.c - what a room says about itself (XEP-0045 6.4, 6.5). */

#include "modules/disco.h"

#include "base/arena.h"
#include "modules/muc/entry.h"
#include "modules/muc/info.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

/* 7.12: the nickname that is reserved for who asks. */
static void
add_nick(const struct live *l, const struct event *ev, struct arena *a,
	 struct xml *query)
{
	const struct affiliation_item *item =
		affiliations_find(&live_room(l)->affiliations, ev->from);

	if (item && *item->nick)
		disco_add_identity(a, query, "conference", "text", item->nick);
}

enum verdict
room_disco_info(struct event *ev, void *live)
{
	const struct live *l = live;
	const struct xml *x = stanza_payload(ev->stanza);
	const char *node = xml_get(x, "node");
	bool wants_nick = node && !strcmp(node, "x-roomuser-item");
	struct muc_limits limits = live_limits(l);
	struct stanza *reply;
	struct xml *query;

	if (node && !wants_nick)
		/* 15.2, muc#traffic: all is let through. */
		return live_refuse(live, ev,
				   !strcmp(node, NS_MUC "#traffic")
					   ? COND_SERVICE_UNAVAILABLE
					   : COND_ITEM_NOT_FOUND,
				   NULL);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_DISCO_INFO);
	xml_set(reply->arena, query, "node", node);
	if (wants_nick)
		add_nick(l, ev, reply->arena, query);
	else
		info_add(reply->arena, query, live_room(l), &limits);
	return event_reply(ev, reply);
}

/* 6.5: to who is in it, and to all where it is listed and open. */
static bool
shows_occupants(const struct room *r, const struct event *ev)
{
	return room_session(r, ev->from) ||
	       (r->config.is_public && !r->config.is_members_only &&
		!r->config.password);
}

enum verdict
room_disco_items(struct event *ev, void *live)
{
	const struct live *l = live;
	const struct room *r = live_room(l);
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	struct xml *query = xml_add(a, reply->root, "query", NS_DISCO_ITEMS);
	const char *node = xml_get(stanza_payload(ev->stanza), "node");

	xml_set(a, query, "node", node);
	if (node || !shows_occupants(r, ev))
		return event_reply(ev, reply);
	list_each (n, &r->occupants) {
		const struct occupant *o = occupant_of(n);
		struct jid *jid = jid_with_resource(l->jid, o->nick);

		if (room_shows_role(r, o->role))
			xml_set(a, xml_add(a, query, "item", NULL), "jid",
				arena_strdup(a, jid_str(jid)));
		jid_unref(&jid);
	}
	return event_reply(ev, reply);
}
