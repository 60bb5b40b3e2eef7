/* iq.c - the table of requests that a host answers. */

#include "core/iq.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Handlers of one namespace and element, in the order of the modules. */
struct iq_entry {
	struct map_node node;
	const struct iq_handler *handler;
	void *data;
	struct iq_entry *more;
};

struct iq_key {
	const char *ns, *name;
};

static uint64_t
iq_hash(const char *ns, const char *name)
{
	return hash_str(ns) * 31 + hash_str(name);
}

static bool
iq_eq(const struct map_node *n, const void *key)
{
	const struct iq_entry *e =
		container_of((struct map_node *)n, struct iq_entry, node);
	const struct iq_key *k = key;

	return !strcmp(e->handler->name, k->name) &&
	       !strcmp(e->handler->ns, k->ns);
}

static struct iq_entry *
lookup(const struct host *host, const char *ns, const char *name)
{
	struct iq_key key = { ns, name };
	struct map_node *n;

	n = map_find(&host->iqs, iq_hash(ns, name), iq_eq, &key);
	return n ? container_of(n, struct iq_entry, node) : NULL;
}

void
iq_register(struct host *host, const struct iq_handler *handlers, void *data)
{
	for (; handlers->fn; handlers++) {
		struct iq_entry *e = mem_zalloc(sizeof(*e)), *first;

		e->handler = handlers;
		e->data = data;
		first = lookup(host, handlers->ns, handlers->name);
		if (!first) {
			map_insert(&host->iqs, &e->node,
				   iq_hash(handlers->ns, handlers->name));
			continue;
		}
		while (first->more)
			first = first->more;
		first->more = e;
	}
}

void
iq_unregister_all(struct host *host)
{
	map_each (n, &host->iqs) {
		struct iq_entry *e = container_of(n, struct iq_entry, node);

		map_remove(&host->iqs, n);
		while (e) {
			struct iq_entry *more = e->more;

			free(e);
			e = more;
		}
	}
	map_fini(&host->iqs);
}

enum verdict
iq_dispatch(struct event *ev, unsigned target)
{
	unsigned type = ev->stanza->type == TYPE_GET ? IQ_GET : IQ_SET;
	struct xml *payload = stanza_payload(ev->stanza);
	struct iq_entry *e;

	/* RFC 6120 8.2.3: exactly one child. */
	if (!payload)
		return event_fail(ev, COND_BAD_REQUEST);
	for (e = lookup(ev->host, payload->ns, payload->name); e; e = e->more) {
		enum verdict v;

		if (!(e->handler->types & type) ||
		    !(e->handler->targets & target))
			continue;
		v = e->handler->fn(ev, e->data);
		if (v != PASS)
			return v;
	}
	return event_fail(ev, COND_SERVICE_UNAVAILABLE);
}

bool
iq_is_answered(const struct host *host, unsigned target, const char *ns,
	       const char *name)
{
	for (const struct iq_entry *e = lookup(host, ns, name); e;
	     e = e->more) {
		if (e->handler->types & IQ_GET && e->handler->targets & target)
			return true;
	}
	return false;
}
