/* private.c - XML that a user's clients keep on the server (XEP-0049). */

#include "base/arena.h"
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

#include <string.h>

#define KIND "private"

struct private
{			       /* per host */
	int64_t max, size_max; /* options private-max, private-size-max */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "private-max", OPT_INT, offsetof(struct private, max), .def = "100",
	  .min = 1, .max = 100000,
	  .doc = "Elements that one user may keep in private storage." },
	{ "private-size-max", OPT_SIZE, offsetof(struct private, size_max),
	  .def = "64K", .min = 1024, .max = 16777216,
	  .doc = "Size of one element in private storage." },
	{ 0 },
};

static const char *
key_of(struct arena *a, const struct xml *x)
{
	return arena_printf(a, "{%s}%s", x->ns, x->name);
}

/* Section 2.3: each element is in a namespace of its own, and there is at least
 * one. */
static bool
is_acceptable(const struct xml *query)
{
	bool any = false;

	xml_each (x, query) {
		if (!*x->ns || !strcmp(x->ns, NS_PRIVATE))
			return false;
		any = true;
	}
	return any;
}

/* ---- get ---- */

struct get {
	struct event *ev;
	struct stanza *reply; /* owned */
	struct xml *query;    /* of reply */
	struct xml **at;      /* among the children of the request */
	struct xml *wanted;
};

static void get_next(struct get *g);

static void
get_done(void *data, const struct fragment_result *res)
{
	struct get *g = data;
	struct arena *a = g->reply->arena;
	struct xml *x = NULL;

	if (res->res.status == STORE_OK)
		x = xml_from_text(g->ev->server->pool, a, res->xml, res->len);
	else if (res->res.status == STORE_NOT_FOUND)
		x = xml_new(a, arena_strdup(a, g->wanted->name),
			    arena_strdup(a, g->wanted->ns));
	if (!x) {
		stanza_unref(&g->reply);
		event_fail(g->ev, COND_INTERNAL_SERVER_ERROR);
		return;
	}
	xml_append(a, g->query, x);
	get_next(g);
}

static void
get_next(struct get *g)
{
	struct event *ev = g->ev;

	g->wanted = xml_step(stanza_payload(ev->stanza), &g->at);
	if (!g->wanted) {
		event_reply(ev, g->reply);
		return;
	}
	fragment_get(ev->host->store, jid_bare_str(ev->to), KIND,
		     key_of(event_arena(ev), g->wanted), get_done, g);
}

static enum verdict
on_get(struct event *ev, void *data)
{
	const struct xml *query = stanza_payload(ev->stanza);
	const struct xml *first = xml_child(query, NULL, NULL);
	struct get *g;

	(void)data;
	if (!is_acceptable(query))
		return event_fail(ev, COND_NOT_ACCEPTABLE);
	/* Section 2.3: not more than one namespace in one request. */
	xml_each (x, query) {
		if (strcmp(x->ns, first->ns) != 0)
			return event_fail(ev, COND_BAD_REQUEST);
	}
	g = arena_zalloc(event_arena(ev), sizeof(*g));
	g->ev = ev;
	g->reply = event_result(ev);
	g->query =
		xml_add(g->reply->arena, g->reply->root, "query", NS_PRIVATE);
	get_next(g);
	return WAIT;
}

/* ---- set ---- */

static void
set_done(void *data, const struct store_result *res)
{
	struct event *ev = data;

	switch (res->status) {
	case STORE_OK:
		event_reply_empty(ev);
		return;
	case STORE_FULL:
		event_fail_text(ev, COND_POLICY_VIOLATION,
				"too many elements in private storage");
		return;
	default:
		event_fail_store(ev, res);
	}
}

static bool
is_empty(const struct xml *x)
{
	return !x->n_attrs && !x->n_kids;
}

static bool
fits(const struct private *private, struct chunk *text)
{
	size_t len;

	chunk_data(text, &len);
	return len <= (uint64_t) private->size_max;
}

static enum verdict
on_set(struct event *ev, void *data)
{
	const struct private *private = data;
	const struct xml *query = stanza_payload(ev->stanza);
	struct arena *a = event_arena(ev);
	struct fragment_item *items;
	bool all_fit = true;
	size_t n = 0;

	if (!is_acceptable(query))
		return event_fail(ev, COND_NOT_ACCEPTABLE);
	items = arena_zalloc(a, query->n_kids * sizeof(*items));
	xml_each (x, query) {
		items[n].key = key_of(a, x);
		/* What is not there comes back empty as well. */
		items[n].xml = is_empty(x) ? NULL : xml_to_text(x);
		if (items[n].xml && !fits(private, items[n].xml))
			all_fit = false;
		n++;
	}
	if (all_fit)
		fragment_put_all(ev->host->store, jid_bare_str(ev->to), KIND,
				 items, n, (size_t) private->max, set_done, ev);
	for (size_t i = 0; i < n; i++)
		chunk_unref(&items[i].xml);
	return all_fit ? WAIT
		       : event_fail_text(ev, COND_POLICY_VIOLATION,
					 "too large for private storage");
}

/* Section 4: nobody's business but the user's own. */
static enum verdict
on_foreign(struct event *ev, void *data)
{
	(void)data;
	return event_fail(ev, COND_FORBIDDEN);
}

const struct module mod_private = {
	.name = "private",
	.slot = &slot,
	.features = (const char *const[]){ NS_PRIVATE, NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_SELF, NS_PRIVATE, "query", on_get },
			{ IQ_SET, TO_SELF, NS_PRIVATE, "query", on_set },
			{ IQ_ANY, TO_ACCOUNT | TO_NOBODY, NS_PRIVATE, "query",
			  on_foreign },
			{ 0 },
		},
	.host_size = sizeof(struct private),
};
