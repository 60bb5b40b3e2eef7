/* vcard.c - a room's vCard, for who asks (XEP-0054, XEP-0486). */

#include "core/host.h"
#include "core/server.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "storage/fragments.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

static void
got(void *data, const struct fragment_result *res)
{
	struct event *ev = data;
	struct stanza *reply;
	struct xml *x = NULL;

	if (res->res.status != STORE_OK && res->res.status != STORE_NOT_FOUND) {
		event_fail_store(ev, &res->res);
		return;
	}
	reply = event_result(ev);
	if (res->res.status == STORE_OK)
		x = xml_from_text(ev->server->pool, reply->arena, res->xml,
				  res->len);
	if (x)
		xml_append(reply->arena, reply->root, x);
	else
		xml_add(reply->arena, reply->root, "vCard", NS_VCARD);
	event_reply(ev, reply);
}

enum verdict
room_vcard_get(struct event *ev, void *live)
{
	const struct live *l = live;

	fragment_get(l->host->store, jid_str(l->jid), ROOM_VCARD,
		     ROOM_VCARD_KEY, got, ev);
	return WAIT;
}

enum verdict
room_vcard_set(struct event *ev, void *live)
{
	return live_submit(live, ev, &(struct submission){ 0 });
}
