/* service.c - what is for the service itself, not for one of its rooms. */

#include "core/host.h"
#include "core/iq_request.h"
#include "core/server.h"
#include "modules/disco.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

static enum verdict
disco_info(struct muc_service *s, struct event *ev)
{
	struct stanza *reply;
	struct xml *query;

	(void)s;
	if (xml_get(stanza_payload(ev->stanza), "node"))
		return event_fail(ev, COND_ITEM_NOT_FOUND);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_DISCO_INFO);
	disco_add_identity(reply->arena, query, "conference", "text", "Rooms");
	disco_add_feature(reply->arena, query, NS_DISCO_INFO);
	disco_add_feature(reply->arena, query, NS_MUC);
	disco_add_feature(reply->arena, query, NS_MUC_STABLE_ID);
	disco_add_feature(reply->arena, query, NS_OCCUPANT_ID);
	return event_reply(ev, reply);
}

static enum verdict
iq(struct muc_service *s, struct event *ev)
{
	const struct xml *x;

	if (ev->stanza->type != TYPE_GET && ev->stanza->type != TYPE_SET) {
		iq_request_answered(ev->server, ev->stanza);
		return DONE;
	}
	x = stanza_payload(ev->stanza);
	if (ev->stanza->type == TYPE_GET && xml_is(x, "query", NS_DISCO_INFO))
		return disco_info(s, ev);
	return event_fail(ev, COND_SERVICE_UNAVAILABLE);
}

enum verdict
service_receive(struct muc_service *s, struct event *ev)
{
	switch (ev->stanza->kind) {
	case STANZA_IQ:
		return iq(s, ev);
	case STANZA_MESSAGE:
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	case STANZA_PRESENCE:
		return DONE;
	}
	return DONE;
}
