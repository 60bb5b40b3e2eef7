/* legacy_session.c - session establishment of RFC 3921 section 3: a no-op that
 * old clients still ask for. */

#include "core/module.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

static enum verdict
on_features(struct event *ev, void *data)
{
	struct xml *x = xml_add(ev->arena, ev->xml, "session", NS_SESSION);

	(void)data;
	xml_add(ev->arena, x, "optional", NULL);
	return PASS;
}

static enum verdict
on_session(struct event *ev, void *data)
{
	(void)data;
	return event_reply_empty(ev);
}

const struct module mod_legacy_session = {
	.name = "legacy_session",
	.hooks =
		(const struct hook[]){
			{ HOOK_STREAM_FEATURES, PHASE_STAMP, on_features },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_SET, TO_HOST | TO_SELF, NS_SESSION, "session",
			  on_session },
			{ 0 },
		},
};
