/* service_items.c - the public rooms of a service, page by page (XEP-0045 6.3,
 * XEP-0059). */

#include "base/arena.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/rsm.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

/* Rooms in one answer. */
#define PAGE_MAX 200

/* A request under way; in the event's arena. */
struct items {
	struct event *event;
	struct rsm rsm;
};

static void
add_item(struct arena *a, struct xml *query, const struct room_row *row)
{
	struct xml *item = xml_add(a, query, "item", NULL);
	struct jid *jid = jid_parse(row->jid);
	const char *local = jid ? jid_local(jid) : NULL;

	xml_set(a, item, "jid", row->jid);
	xml_set(a, item, "name", row->name ? row->name : local);
	jid_unref(&jid);
}

static void
listed(void *data, const struct rooms_list_result *res)
{
	struct items *it = data;
	struct event *ev = it->event;
	struct rsm_page page = { .index = res->index, .count = res->count };
	struct stanza *reply;
	struct xml *query;

	if (res->res.status != STORE_OK) {
		event_fail_store(ev, &res->res);
		return;
	}
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_DISCO_ITEMS);
	for (size_t i = 0; i < res->n_rows; i++)
		add_item(reply->arena, query, &res->rows[i]);
	if (res->n_rows) {
		page.first = res->rows[0].jid;
		page.last = res->rows[res->n_rows - 1].jid;
	}
	/* 6.3: also unasked where it is only a part. */
	if (it->rsm.is_there || !res->is_complete)
		rsm_add(reply->arena, query, &page);
	event_reply(ev, reply);
}

enum verdict
service_items(struct muc_service *s, struct event *ev)
{
	const struct xml *x = stanza_payload(ev->stanza);
	struct arena *a = event_arena(ev);
	struct items *it = arena_alloc(a, sizeof(*it));
	enum stanza_cond bad = rsm_read(a, x, &it->rsm);
	struct rooms_query q = { .only_public = true, .max = PAGE_MAX };

	if (xml_get(x, "node"))
		return event_fail(ev, COND_ITEM_NOT_FOUND);
	if (bad)
		return event_fail(ev, bad);
	it->event = ev;
	q.service = jid_str(s->main ? s->main : s->jid);
	if (it->rsm.max >= 0 && it->rsm.max < PAGE_MAX)
		q.max = (size_t)it->rsm.max;
	q.after = it->rsm.after;
	q.before = it->rsm.before;
	q.is_backwards = it->rsm.is_backwards;
	rooms_list(s->host->store, &q, listed, it);
	return WAIT;
}
