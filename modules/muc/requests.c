/* requests.c - what may be asked of a room, and who answers it. */

#include "modules/muc/requests.h"

#include "core/iq.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

static const struct request {
	unsigned types; /* IQ_GET, IQ_SET */
	const char *ns, *name;
	hook_fn *fn;
} requests[] = {
	{ IQ_GET, NS_DISCO_INFO, "query", room_disco_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", room_disco_items },
	{ IQ_GET, NS_MUC_OWNER, "query", room_owner_get },
	{ IQ_SET, NS_MUC_OWNER, "query", room_owner_set },
	{ IQ_GET, NS_MUC_ADMIN, "query", room_admin_get },
	{ IQ_SET, NS_MUC_ADMIN, "query", room_admin_set },
	{ IQ_GET, NS_REGISTER, "query", room_register_get },
	{ IQ_SET, NS_REGISTER, "query", room_register_set },
	{ IQ_SET, NS_MAM, "query", room_archive_query },
	{ IQ_GET, NS_MAM, "query", room_archive_form },
	{ IQ_GET, NS_MAM, "metadata", room_archive_metadata },
	{ IQ_GET, NS_VCARD, "vCard", room_vcard_get },
	{ IQ_SET, NS_VCARD, "vCard", room_vcard_set },
	{ IQ_SET, NS_MODERATE, "moderate", room_moderate },
	{ IQ_GET, NS_PING, "ping", room_ping },
};

enum verdict
room_request(struct live *l, struct event *ev)
{
	const struct xml *x = stanza_payload(ev->stanza);
	unsigned type = ev->stanza->type == TYPE_GET ? IQ_GET : IQ_SET;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request *r = &requests[i];

		if (r->types & type && xml_is(x, r->name, r->ns))
			return r->fn(ev, l);
	}
	return live_refuse(l, ev, COND_SERVICE_UNAVAILABLE, NULL);
}

enum verdict
room_ping(struct event *ev, void *live)
{
	(void)live;
	return event_reply_empty(ev);
}
