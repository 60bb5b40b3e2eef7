/* service.c - what is for the service itself, not for one of its rooms; and all
 * that is for another name of it. */

#include "base/buf.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/host.h"
#include "core/iq.h"
#include "core/server.h"
#include "modules/disco.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <string.h>

/* ---- what it is ---- */

static const char *const features[] = {
	NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MUC, NS_MUC_STABLE_ID,
	NS_MUC_UNIQUE, NS_OCCUPANT_ID, NS_RSM, NS_VCARD,
};

/* What its host answers for it. */
static const struct of_host {
	const char *ns, *name;
} of_host[] = {
	{ NS_LAST, "query" },
	{ NS_PING, "ping" },
	{ NS_TIME, "time" },
	{ NS_VERSION, "query" },
};

static enum verdict
disco_info(struct muc_service *s, struct event *ev)
{
	struct stanza *reply;
	struct xml *query;

	if (xml_get(stanza_payload(ev->stanza), "node"))
		return event_fail(ev, COND_ITEM_NOT_FOUND);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_DISCO_INFO);
	disco_add_identity(reply->arena, query, "conference", "text",
			   MUC_SERVICE_NAME);
	for (size_t i = 0; i < N_ELEMENTS(features); i++)
		disco_add_feature(reply->arena, query, features[i]);
	for (size_t i = 0; i < N_ELEMENTS(of_host); i++) {
		if (iq_is_answered(s->host, TO_HOST, of_host[i].ns,
				   of_host[i].name))
			disco_add_feature(reply->arena, query, of_host[i].ns);
	}
	return event_reply(ev, reply);
}

/* XEP-0307. A room of that name is made by who enters it first, and nobody
 * else knows the name. */
static enum verdict
unique(struct muc_service *s, struct event *ev)
{
	struct stanza *reply;
	char name[UNIQUE_LEN + 1];

	if (!service_may_create(s, ev->from))
		return event_fail_text(ev, COND_NOT_ALLOWED,
				       "you may not make rooms here");
	token_make(name, UNIQUE_LEN);
	reply = event_result(ev);
	xml_add_text(reply->arena, reply->root, "unique", NS_MUC_UNIQUE, name);
	return event_reply(ev, reply);
}

/* ---- who may make rooms ---- */

bool
service_may_create(const struct muc_service *s, const struct jid *who)
{
	switch ((enum muc_create)s->muc->create) {
	case CREATE_ANYBODY:
		return true;
	case CREATE_LOCAL:
		if (host_of(s->host->server, who))
			return true;
		break;
	case CREATE_ADMINS:
		break;
	}
	return host_is_admin(s->host, who);
}

/* ---- requests ---- */

static enum verdict
get(struct muc_service *s, struct event *ev, const struct xml *x)
{
	if (xml_is(x, "query", NS_DISCO_INFO))
		return disco_info(s, ev);
	if (xml_is(x, "query", NS_DISCO_ITEMS))
		return service_items(s, ev);
	if (xml_is(x, "unique", NS_MUC_UNIQUE))
		return unique(s, ev);
	for (size_t i = 0; i < N_ELEMENTS(of_host); i++) {
		if (xml_is(x, of_host[i].name, of_host[i].ns)) {
			ev->host = s->host;
			return iq_dispatch(ev, TO_HOST);
		}
	}
	return event_fail(ev, COND_SERVICE_UNAVAILABLE);
}

static enum verdict
iq(struct muc_service *s, struct event *ev)
{
	const struct xml *x = stanza_payload(ev->stanza);

	if (ev->stanza->type != TYPE_GET && ev->stanza->type != TYPE_SET)
		return DONE;
	if (!x)
		return event_fail(ev, COND_BAD_REQUEST);
	if (ev->stanza->type == TYPE_GET)
		return get(s, ev, x);
	return event_fail(ev, COND_SERVICE_UNAVAILABLE);
}

enum verdict
service_receive(struct muc_service *s, struct event *ev)
{
	if (ev->stanza->kind == STANZA_PRESENCE)
		return DONE;
	if (ev->stanza->kind == STANZA_MESSAGE || jid_resource(ev->to))
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	return iq(s, ev);
}

/* ---- other names ---- */

/* RFC 5122 2.2: what may stand in an address within an XMPP URI. */
static bool
is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~!$()*+,;=", c));
}

static void
write_uri(struct buf *b, const struct jid *room, const struct jid *service)
{
	buf_adds(b, "xmpp:");
	for (const char *c = jid_local(room); *c; c++) {
		if (is_plain((unsigned char)*c))
			buf_addc(b, *c);
		else
			buf_printf(b, "%%%02X", (unsigned char)*c);
	}
	buf_printf(b, "@%s?join", jid_domain(service));
}

/* RFC 6120 8.3.3.5 */
enum verdict
alias_receive(struct muc_service *s, struct event *ev)
{
	struct stanza *reply = stanza_error(ev->stanza, COND_GONE, NULL);
	struct buf uri = { 0 };
	struct xml *error;

	if (!reply)
		return DONE;
	write_uri(&uri, ev->to, s->main);
	error = xml_child(reply->root, "error", NS_CLIENT);
	xml_set(reply->arena, error, "by", jid_str(s->jid));
	xml_text(reply->arena, xml_child(error, "gone", NS_STANZA_ERROR),
		 uri.data);
	buf_fini(&uri);
	return event_reply(ev, reply);
}
