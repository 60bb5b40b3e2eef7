/* module.c - rosters and subscriptions as a module (RFC 6121 sections 2, 3). */

#include "core/event.h"
#include "core/session.h"
#include "modules/roster/private.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

static const struct option options[] = {
	{ "roster-max", OPT_INT, offsetof(struct roster_host, max),
	  .def = "2000", .min = 0, .max = 1000000,
	  .doc = "Contacts that one user can have." },
	{ "roster-requests-max", OPT_INT,
	  offsetof(struct roster_host, requests_max), .def = "200", .min = 0,
	  .max = 1000000,
	  .doc = "Requests of strangers that wait for one user's answer; "
		 "later ones are refused." },
	{ 0 },
};

static enum verdict
on_features(struct event *ev, void *data)
{
	(void)data;
	xml_add(ev->arena, ev->xml, "ver", NS_ROSTERVER);
	xml_add(ev->arena, ev->xml, "sub", NS_PREAPPROVAL);
	return PASS;
}

/* With what others read now it is one way to the database. Nearly every client
 * is about to need it, and finds it there. */
static enum verdict
on_bound(struct event *ev, void *data)
{
	(void)data;
	roster_prefetch(ev->account);
	return PASS;
}

/* XEP-0077 3.2: no subscription outlives the account. */
static void
part(void *data, struct jid *contact, unsigned flags)
{
	struct account *a = data;

	roster_end_subscriptions(a, contact, flags);
}

static enum verdict
part_from_all(struct event *ev, void *data)
{
	(void)data;
	roster_each(ev->account, part, ev->account);
	/* Nothing else is for them. */
	roster_forget(ev->account);
	return PASS;
}

static enum verdict
on_account_deleting(struct event *ev, void *data)
{
	return roster_then_farewell(ev, part_from_all, data);
}

static enum verdict
on_account_deleted(struct event *ev, void *data)
{
	struct account *a = account_find(ev->server, ev->to);

	(void)data;
	if (a)
		roster_forget(a);
	return PASS;
}

const struct module mod_roster = {
	.name = "roster",
	.slot = &roster_slot,
	.features = (const char *const[]){ NS_ROSTER, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_CHECK,
			  roster_on_presence_check },
			{ HOOK_PRESENCE_FROM_USER, PHASE_DELIVER,
			  roster_on_presence_from_user },
			{ HOOK_PRESENCE_TO_USER, PHASE_DELIVER,
			  roster_on_presence_to_user },
			{ HOOK_SESSION_BOUND, PHASE_DELIVER, on_bound },
			{ HOOK_SESSION_AVAILABLE, PHASE_DELIVER,
			  roster_on_available },
			{ HOOK_STREAM_FEATURES, PHASE_STAMP, on_features },
			{ HOOK_ACCOUNT_DELETING, PHASE_DELIVER,
			  on_account_deleting },
			{ HOOK_ACCOUNT_DELETED, PHASE_STAMP,
			  on_account_deleted },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_SELF, NS_ROSTER, "query", roster_on_get },
			{ IQ_SET, TO_SELF, NS_ROSTER, "query", roster_on_set },
			{ IQ_ANY, TO_ACCOUNT, NS_ROSTER, "query",
			  roster_on_foreign },
			{ 0 },
		},
	.host_size = sizeof(struct roster_host),
	.session_size = sizeof(struct roster_session),
	.account_size = sizeof(struct roster),
	.account_fini = roster_fini,
};
