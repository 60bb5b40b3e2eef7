/* vcard.c - business cards of users and of the server (XEP-0054). */

#include "base/chunk.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "storage/fragments.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#define KIND "vcard"
#define KEY  ""

struct vcard {		  /* per host */
	int64_t size_max; /* option vcard-size-max */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "vcard-size-max", OPT_SIZE, offsetof(struct vcard, size_max),
	  .def = "128K", .min = 1024, .max = 16777216,
	  .doc = "Size of a user's vCard with the picture in it." },
	{ 0 },
};

/* ---- get ---- */

/* Section 3.3: others get the same as for a user who does not exist. */
static void
none(struct event *ev)
{
	bool is_other = ev->account && !jid_eq_bare(ev->from, ev->to);

	event_fail(ev,
		   is_other ? COND_SERVICE_UNAVAILABLE : COND_ITEM_NOT_FOUND);
}

static void
get_done(void *data, const struct fragment_result *res)
{
	struct event *ev = data;
	struct stanza *reply;
	struct xml *x;

	if (res->res.status == STORE_NOT_FOUND) {
		none(ev);
		return;
	}
	if (res->res.status != STORE_OK) {
		event_fail(ev, COND_INTERNAL_SERVER_ERROR);
		return;
	}
	reply = event_result(ev);
	x = xml_from_text(ev->server->pool, reply->arena, res->xml, res->len);
	if (x) {
		xml_append(reply->arena, reply->root, x);
		event_reply(ev, reply);
	} else {
		stanza_unref(&reply);
		event_fail(ev, COND_INTERNAL_SERVER_ERROR);
	}
}

static enum verdict
on_get(struct event *ev, void *data)
{
	(void)data;
	fragment_get(ev->host->store, jid_bare_str(ev->to), KIND, KEY, get_done,
		     ev);
	return WAIT;
}

/* ---- set ---- */

static void
set_done(void *data, const struct store_result *res)
{
	struct event *ev = data;

	switch (res->status) {
	case STORE_OK:
	case STORE_NOT_FOUND:
		event_reply_empty(ev);
		return;
	default:
		event_fail_store(ev, res);
	}
}

static enum verdict
put(struct event *ev, const struct vcard *vcard, const struct xml *x)
{
	struct chunk *text = xml_to_text(x);
	size_t len;
	bool fits;

	chunk_data(text, &len);
	fits = len <= (uint64_t)vcard->size_max;
	if (fits)
		fragment_put(ev->host->store, jid_bare_str(ev->to), KIND, KEY,
			     text, 1, set_done, ev);
	chunk_unref(&text);
	return fits ? WAIT
		    : event_fail_text(ev, COND_POLICY_VIOLATION,
				      "the vCard is too large");
}

static enum verdict
on_set(struct event *ev, void *data)
{
	const struct xml *x = stanza_payload(ev->stanza);

	if (x->n_kids)
		return put(ev, data, x);
	fragment_remove(ev->host->store, jid_bare_str(ev->to), KIND, KEY,
			set_done, ev);
	return WAIT;
}

/* The server's own vCard is its administrators' business. */
static enum verdict
on_set_host(struct event *ev, void *data)
{
	if (!host_is_admin(ev->host, ev->from))
		return event_fail(ev, COND_FORBIDDEN);
	return on_set(ev, data);
}

static enum verdict
on_set_other(struct event *ev, void *data)
{
	(void)data;
	return event_fail(ev, COND_FORBIDDEN);
}

const struct module mod_vcard = {
	.name = "vcard",
	.slot = &slot,
	.features = (const char *const[]){ NS_VCARD, NULL },
	.account_features = (const char *const[]){ NS_VCARD, NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_SELF | TO_ACCOUNT | TO_HOST, NS_VCARD,
			  "vCard", on_get },
			{ IQ_SET, TO_SELF, NS_VCARD, "vCard", on_set },
			{ IQ_SET, TO_HOST, NS_VCARD, "vCard", on_set_host },
			{ IQ_SET, TO_ACCOUNT | TO_NOBODY, NS_VCARD, "vCard",
			  on_set_other },
			{ 0 },
		},
	.host_size = sizeof(struct vcard),
};
