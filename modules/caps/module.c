/* module.c - entity capabilities (XEP-0115): what the server says of itself,
 * and what clients say of themselves. */

#include "core/module.h"
#include "base/arena.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/server.h"
#include "modules/caps.h"
#include "modules/caps/cache.h"
#include "modules/caps/ver.h"
#include "modules/disco.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

#define NODE	   "urn:x-banyan:server"
#define HASH	   "sha-1" /* section 8.1: all know it */
#define TIMEOUT_MS 30000

struct caps_host {
	int64_t max; /* option caps-max */
	struct host *host;
	struct caps_cache *cache; /* owned */
	char *ver;		  /* owned; of the host; NULL: to be computed */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "caps-max", OPT_INT, offsetof(struct caps_host, max), .def = "1000",
	  .min = 1, .max = 1000000,
	  .doc = "Kinds of clients whose features are remembered." },
	{ 0 },
};

/* ---- the server's own ---- */

static const char *
own_ver(struct caps_host *ch)
{
	struct arena *a;
	struct xml *query;

	if (ch->ver)
		return ch->ver;
	a = arena_new();
	query = xml_new(a, "query", NS_DISCO_INFO);
	disco_host_info(ch->host, NULL, a, query);
	ch->ver = mem_strdup(caps_ver(a, query, HASH));
	arena_unref(&a);
	return ch->ver;
}

/* Section 6.3 */
static enum verdict
on_features(struct event *ev, void *data)
{
	struct xml *c = xml_add(ev->arena, ev->xml, "c", NS_CAPS);

	xml_set(ev->arena, c, "hash", HASH);
	xml_set(ev->arena, c, "node", NODE);
	xml_set(ev->arena, c, "ver", own_ver(data));
	return PASS;
}

/* Section 6.2 */
static enum verdict
on_node(struct event *ev, void *data)
{
	const char *node = xml_get(ev->xml, "node");
	size_t len = strlen(NODE);

	if (ev->account || strncmp(node, NODE, len) != 0 || node[len] != '#' ||
	    strcmp(node + len + 1, own_ver(data)) != 0)
		return PASS;
	disco_host_info(ev->host, ev, ev->arena, ev->xml);
	return DONE;
}

/* ---- those of others ---- */

struct asking {
	struct caps_cache *cache;
	struct caps_question *question;
};

static void
on_reply(void *data, const struct stanza *reply)
{
	struct asking *asking = data;
	const struct xml *query = NULL;

	if (reply && reply->type == TYPE_RESULT)
		query = stanza_child(reply, "query", NS_DISCO_INFO);
	caps_cache_answer(asking->cache, asking->question, query);
	free(asking);
}

static bool
ask(void *data, struct caps_question *q, struct jid *who, const char *node)
{
	const struct caps_host *ch = data;
	struct asking *asking;
	struct stanza *s;
	struct xml *query;

	if (ch->host->server->is_stopping)
		return false;
	asking = mem_alloc(sizeof(*asking));
	asking->cache = ch->cache;
	asking->question = q;
	s = stanza_new(STANZA_IQ, TYPE_GET, ch->host->jid, who, NULL);
	query = xml_add(s->arena, s->root, "query", NS_DISCO_INFO);
	xml_set(s->arena, query, "node", node);
	iq_request(ch->host->server, s, TIMEOUT_MS, on_reply, asking);
	return true;
}

void
caps_of(struct host *host, const struct stanza *presence, caps_done *done,
	void *data)
{
	const struct caps_host *ch = host_data(host, &slot);
	const struct xml *c = stanza_child(presence, "c", NS_CAPS);
	struct caps_name name = { 0 };

	if (c) {
		name.hash = xml_get(c, "hash");
		name.node = xml_get(c, "node");
		name.ver = xml_get(c, "ver");
	}
	if (name.node && name.ver && presence->from)
		caps_cache_get(ch->cache, presence->from, &name, done, data);
	else
		done(data, NULL);
}

/* ---- module ---- */

static int
load(struct host *host, void *data, struct err *err)
{
	struct caps_host *ch = data;

	(void)err;
	ch->host = host;
	ch->cache = caps_cache_new((size_t)ch->max, ask, ch);
	return 0;
}

static void
reloaded(struct host *host, void *data)
{
	struct caps_host *ch = data;

	(void)host;
	caps_cache_set_max(ch->cache, (size_t)ch->max);
	/* What other modules say may be different now. */
	free(ch->ver);
	ch->ver = NULL;
}

static void
unload(struct host *host, void *data)
{
	struct caps_host *ch = data;

	(void)host;
	caps_cache_free(ch->cache);
	free(ch->ver);
}

const struct module mod_caps = {
	.name = "caps",
	.slot = &slot,
	.needs = (const char *const[]){ "disco", NULL },
	.features = (const char *const[]){ NS_CAPS, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_STREAM_FEATURES, PHASE_STAMP, on_features },
			{ HOOK_DISCO_NODE_INFO, PHASE_DELIVER, on_node },
			{ 0 },
		},
	.host_size = sizeof(struct caps_host),
	.load = load,
	.reloaded = reloaded,
	.unload = unload,
};
