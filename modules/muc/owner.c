/* owner.c - requests of a room's owners (XEP-0045 10). */

#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

/* 10.1.3, 10.2: the form to fill in. */
enum verdict
room_owner_get(struct event *ev, void *live)
{
	struct live *l = live;
	const struct room *r = live_room(l);
	struct muc_limits limits = live_limits(l);
	struct submission who = { .from = ev->from,
				  .is_service_admin = live_is_admin(l, ev) };
	struct stanza *reply;
	struct xml *query;

	if (!has_privilege(&r->config, rules_affiliation(r, &who), ROLE_NONE,
			   PRIV_CONFIGURE))
		return live_refuse(l, ev, COND_FORBIDDEN, NULL);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_MUC_OWNER);
	muc_config_to_form(reply->arena, query, &r->config, &limits,
			   &r->affiliations);
	return event_reply(ev, reply);
}

enum verdict
room_owner_set(struct event *ev, void *live)
{
	return live_submit(live, ev, &(struct submission){ 0 });
}
