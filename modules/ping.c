/* ping.c - answers to "are you there?" (XEP-0199). */

#include "core/module.h"
#include "xmpp/ns.h"

static enum verdict
on_ping(struct event *ev, void *data)
{
	(void)data;
	return event_reply_empty(ev);
}

const struct module mod_ping = {
	.name = "ping",
	.features = (const char *const[]){ NS_PING, NULL },
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_HOST | TO_SELF, NS_PING, "ping", on_ping },
			{ 0 },
		},
};
