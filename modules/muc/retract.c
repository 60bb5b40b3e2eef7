/* retract.c - a message is to be taken back (XEP-0424, XEP-0425): what it was
 * is looked up for the rules. */

#include "base/arena.h"
#include "base/buf.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/archived.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "storage/archive.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml_text.h"

/* In its event's arena. */
struct lookup {
	struct event *ev;
	struct live *live; /* in use */
	struct submission sub;
};

static struct stanza *
parse(const struct live *l, const char *text, size_t len)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(l->host->server->pool, a, text, len);
	struct stanza *s = x ? stanza_from_xml(a, x, NS_CLIENT) : NULL;

	if (!s)
		arena_unref(&a);
	return s;
}

static enum verdict
judge(struct event *ev, void *data)
{
	struct lookup *k = data;

	return live_submit(k->live, ev, &k->sub);
}

static void
found(void *data, const struct archive_result *res)
{
	struct lookup *k = data;
	struct live *l = k->live;
	struct stanza *target = NULL;

	if (res->res.status == STORE_OK)
		target = parse(l, res->rows[0].xml, res->rows[0].len);
	k->sub.target = target;
	if (res->res.status == STORE_OK || res->res.status == STORE_NOT_FOUND)
		event_step(k->ev, judge, k);
	else
		event_fail_store(k->ev, &res->res);
	stanza_unref(&target);
	live_release(l);
}

/* Of a room that keeps nothing: as long as it is shown to who enters. */
static struct stanza *
from_history(const struct live *l, int64_t id)
{
	const struct room *r = live_room(l);
	struct stanza *s = NULL;
	struct buf b = { 0 };

	for (size_t i = 0; i < r->n_history && id; i++) {
		if (r->history[i]->archive_id != id)
			continue;
		archived_write(&b, r->history[i], false);
		s = parse(l, b.data, b.len);
		break;
	}
	buf_fini(&b);
	return s;
}

enum verdict
retract(struct live *l, struct event *ev)
{
	int64_t id = rules_retracted_id(ev->stanza);
	struct submission sub = { .target_id = id };
	struct lookup *k;
	enum verdict v;

	if (!id || !live_keeps_messages(l)) {
		sub.target = from_history(l, id);
		v = live_submit(l, ev, &sub);
		stanza_unref(&sub.target);
		return v;
	}
	k = arena_zalloc(event_arena(ev), sizeof(*k));
	k->ev = ev;
	k->live = l;
	k->sub = sub;
	live_use(l);
	archive_get(l->host->store, jid_str(l->jid), id, found, k);
	return WAIT;
}

enum verdict
room_moderate(struct event *ev, void *live)
{
	return retract(live, ev);
}
