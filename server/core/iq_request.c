/* iq_request.c - requests that the server itself sends. */

#include "core/iq_request.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/token.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
	struct map_node node; /* in server->requests, by id */
	struct timer timer;
	struct server *server;
	struct jid *from, *to; /* ref */
	iq_request_done *done;
	void *data;
	char id[40];
};

static bool
request_eq(const struct map_node *n, const void *id)
{
	return !strcmp(
		container_of((struct map_node *)n, struct request, node)->id,
		id);
}

static void
finish(struct request *r, const struct stanza *reply)
{
	map_remove(&r->server->requests, &r->node);
	loop_timer_clear(r->server->core, &r->timer);
	r->done(r->data, reply);
	jid_unref(&r->from);
	jid_unref(&r->to);
	free(r);
}

static void
on_timeout(struct timer *t)
{
	finish(container_of(t, struct request, timer), NULL);
}

/* A client or a component must not have the same by accident: the answer would
 * not reach it. */
static void
make_id(struct request *r)
{
	int n = snprintf(r->id, sizeof(r->id), "q%" PRIx64,
			 ++r->server->next_id);

	if (jid_is_bare(r->from) && host_of(r->server, r->from))
		return;
	r->id[n++] = '-';
	token_make(r->id + n, 16);
}

void
iq_request_expect(struct server *srv, struct stanza *stanza, int64_t timeout_ms,
		  iq_request_done *done, void *data)
{
	struct request *r = mem_zalloc(sizeof(*r));

	r->server = srv;
	r->from = jid_ref(stanza->from);
	r->to = jid_ref(stanza->to);
	r->done = done;
	r->data = data;
	r->timer.fn = on_timeout;
	make_id(r);
	xml_set(stanza->arena, stanza->root, "id", r->id);
	map_insert(&srv->requests, &r->node, hash_str(r->id));
	loop_timer_set(srv->core, &r->timer, timeout_ms);
}

void
iq_request(struct server *srv, struct stanza *stanza, int64_t timeout_ms,
	   iq_request_done *done, void *data)
{
	iq_request_expect(srv, stanza, timeout_ms, done, data);
	route(srv, stanza);
}

bool
iq_request_answered(struct server *srv, const struct stanza *reply)
{
	const char *id = stanza_id(reply);
	struct map_node *n;
	struct request *r;

	if (!id || !srv->requests.n)
		return false;
	n = map_find(&srv->requests, hash_str(id), request_eq, id);
	if (!n)
		return false;
	r = container_of(n, struct request, node);
	if (!jid_eq(reply->from, r->to) || !jid_eq(reply->to, r->from))
		return false;
	finish(r, reply);
	return true;
}

void
iq_request_drop_all(struct server *srv)
{
	map_each (n, &srv->requests)
		finish(container_of(n, struct request, node), NULL);
	map_fini(&srv->requests);
}
