/* last.c - since when somebody is gone, and how long the server has been
 * running (XEP-0012). */

#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/roster.h"
#include "storage/accounts.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* A longer status is forgotten. */
#define STATUS_MAX 1023u

struct last_session {
	char *status; /* owned; of an unavailable presence; or NULL */
};

static struct module_slot slot;

/* ---- what is remembered ---- */

static enum verdict
on_presence(struct event *ev, void *data)
{
	struct last_session *last = session_data(ev->session, &slot);
	const char *status;

	(void)data;
	if (ev->to)
		return PASS;
	free(last->status);
	last->status = NULL;
	if (ev->stanza->type != TYPE_UNAVAILABLE)
		return PASS;
	status = xml_child_text(event_arena(ev), ev->stanza->root, "status",
				NS_CLIENT);
	if (status && *status && strlen(status) <= STATUS_MAX)
		last->status = mem_strdup(status);
	return PASS;
}

/* A failure is in the store's log. */
static void
stored(void *data, const struct store_result *res)
{
	(void)data;
	(void)res;
}

static enum verdict
on_closed(struct event *ev, void *data)
{
	const struct last_session *last = session_data(ev->session, &slot);

	(void)data;
	if (!ev->account->n_sessions && !ev->account->is_gone)
		account_set_last(ev->host->store, jid_str(ev->account->jid),
				 ev->server->clock->wall_ms, last->status,
				 stored, NULL);
	return PASS;
}

static void
session_fini(struct session *s, void *data)
{
	struct last_session *last = data;

	(void)s;
	free(last->status);
}

/* ---- answers ---- */

static enum verdict
answer(struct event *ev, int64_t since_ms, const char *status)
{
	int64_t ms = ev->server->clock->wall_ms - since_ms;
	struct stanza *reply = event_result(ev);
	struct xml *x = xml_add(reply->arena, reply->root, "query", NS_LAST);

	/* The clock may have been set back. */
	xml_set_int(reply->arena, x, "seconds", ms > 0 ? ms / 1000 : 0);
	if (status)
		xml_text(reply->arena, x, status);
	return event_reply(ev, reply);
}

static void
account_read(void *data, const struct account_result *res)
{
	struct event *ev = data;

	if (ev->account->n_sessions)
		answer(ev, ev->server->clock->wall_ms, NULL);
	else if (res->res.status == STORE_FAILED)
		event_fail(ev, COND_INTERNAL_SERVER_ERROR);
	else if (res->res.status == STORE_OK && res->account->last_seen_ms)
		answer(ev, res->account->last_seen_ms,
		       res->account->last_status);
	else
		/* Never there. */
		event_fail(ev, COND_ITEM_NOT_FOUND);
}

/* Section 3 */
static enum verdict
account_asked(struct event *ev, void *data)
{
	(void)data;
	if (!roster_may_see(ev->account, ev->from))
		return event_fail(ev, COND_FORBIDDEN);
	if (ev->account->n_sessions)
		return answer(ev, ev->server->clock->wall_ms, NULL);
	account_get(ev->host->store, jid_str(ev->account->jid), account_read,
		    ev);
	return WAIT;
}

static enum verdict
on_account(struct event *ev, void *data)
{
	return roster_then(ev, account_asked, data);
}

/* The same as of an account that may not be seen. */
static enum verdict
on_nobody(struct event *ev, void *data)
{
	(void)data;
	return event_fail(ev, COND_FORBIDDEN);
}

/* Section 5 */
static enum verdict
on_host(struct event *ev, void *data)
{
	(void)data;
	return answer(ev, ev->server->started_ms, NULL);
}

/* Section 4: a resource is asked only by who may see it. */
static enum verdict
resource_asked(struct event *ev, void *data)
{
	(void)data;
	return roster_may_see(ev->account, ev->from)
		       ? PASS
		       : event_fail(ev, COND_FORBIDDEN);
}

static enum verdict
on_iq_to_user(struct event *ev, void *data)
{
	const struct xml *x = stanza_payload(ev->stanza);

	if (ev->stanza->type != TYPE_GET || !xml_is(x, "query", NS_LAST))
		return PASS;
	return roster_then(ev, resource_asked, data);
}

const struct module mod_last = {
	.name = "last",
	.slot = &slot,
	.needs = (const char *const[]){ "roster", NULL },
	.features = (const char *const[]){ NS_LAST, NULL },
	.account_features = (const char *const[]){ NS_LAST, NULL },
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_STAMP, on_presence },
			{ HOOK_SESSION_CLOSED, PHASE_DELIVER, on_closed },
			{ HOOK_IQ_TO_USER, PHASE_POLICY, on_iq_to_user },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_HOST, NS_LAST, "query", on_host },
			{ IQ_GET, TO_SELF | TO_ACCOUNT, NS_LAST, "query",
			  on_account },
			{ IQ_GET, TO_NOBODY | TO_NOBODYS_RESOURCE, NS_LAST,
			  "query", on_nobody },
			{ 0 },
		},
	.session_size = sizeof(struct last_session),
	.session_fini = session_fini,
};
