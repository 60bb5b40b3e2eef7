/* event.c - events on their way through the hooks, and lanes for their order.
 */

#include "core/event.h"

#include "base/arena.h"
#include "base/chunk.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "core/wire.h"
#include "storage/store.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <assert.h>
#include <stdlib.h>

/*
 * The events of one sender to one recipient while one of them waits. A lane
 * exists only for that time: where nothing waits, there is none to look up.
 *
 * All addresses of a recipient are one: who leaves a room by what goes to
 * room/nick has said before what was on its way to the room.
 */
struct lane {
	struct map_node node;  /* in server->lanes */
	struct jid *from, *to; /* ref; the latter counts without a resource */
	struct event *holder;  /* the one that is on its way; NULL: none */
	struct list queue;     /* struct event.node */
	bool is_draining;
};

static struct lane *
lane_of(struct map_node *n)
{
	return container_of(n, struct lane, node);
}

/* A presence without `to` stands in order with what is sent to oneself. */
static struct jid *
lane_to(const struct event *ev)
{
	return ev->to ? ev->to : ev->from;
}

static uint64_t
lane_hash(const struct event *ev)
{
	return jid_hash(ev->from) * 31 + jid_hash_bare(lane_to(ev));
}

static bool
lane_eq(const struct map_node *n, const void *key)
{
	const struct lane *lane =
		container_of((struct map_node *)n, struct lane, node);
	const struct event *ev = key;

	return jid_eq(lane->from, ev->from) &&
	       jid_eq_bare(lane->to, lane_to(ev));
}

static struct lane *
lane_find(const struct event *ev)
{
	struct map_node *n;

	n = map_find(&ev->server->lanes, lane_hash(ev), lane_eq, ev);
	return n ? lane_of(n) : NULL;
}

static void
lane_open(struct event *ev)
{
	struct lane *lane = mem_zalloc(sizeof(*lane));

	lane->from = jid_ref(ev->from);
	lane->to = jid_ref(lane_to(ev));
	lane->holder = ev;
	list_init(&lane->queue);
	map_insert(&ev->server->lanes, &lane->node, lane_hash(ev));
	ev->lane = lane;
}

/* Starts one after the other until one waits. */
static void
lane_drain(struct server *srv, struct lane *lane)
{
	struct list *n;

	if (lane->is_draining)
		return;
	lane->is_draining = true;
	while (!lane->holder && (n = list_pop(&lane->queue))) {
		lane->holder = container_of(n, struct event, node);
		lane->holder->start(lane->holder);
	}
	lane->is_draining = false;
	if (lane->holder)
		return;
	map_remove(&srv->lanes, &lane->node);
	jid_unref(&lane->from);
	jid_unref(&lane->to);
	free(lane);
}

struct event *
event_make(struct server *server, struct host *host, struct stanza *stanza)
{
	struct event *ev = mem_zalloc(sizeof(*ev));

	ev->server = server;
	ev->host = host;
	ev->log = host ? &host->log : &server->log;
	if (stanza) {
		ev->stanza = stanza_ref(stanza);
		ev->from = jid_ref(stanza->from);
		ev->to = jid_ref(stanza->to);
	}
	return ev;
}

void
event_end(struct event *ev)
{
	struct lane *lane = ev->lane;
	struct server *srv = ev->server;

	session_unref(&ev->session);
	account_unref(&ev->account);
	jid_unref(&ev->from);
	jid_unref(&ev->to);
	stanza_unref(&ev->stanza);
	chunk_unref(&ev->tail);
	arena_unref(&ev->own_arena);
	if (ev->wire)
		wire_stanza_done(ev->wire, ev->weight);
	free(ev);
	if (lane) {
		lane->holder = NULL;
		lane_drain(srv, lane);
	}
}

void
event_enter(struct event *ev, void (*start)(struct event *ev))
{
	struct lane *lane = ev->server->lanes.n ? lane_find(ev) : NULL;

	ev->start = start;
	if (!lane) {
		start(ev);
		return;
	}
	ev->lane = lane;
	list_append(&lane->queue, &ev->node);
}

void
event_hold(struct event *ev)
{
	ev->is_waiting = true;
	if (ev->start && !ev->lane)
		lane_open(ev);
}

static void
run(struct event *ev)
{
	const struct hook_chain *chain = &ev->host->hooks[ev->hook];

	while (ev->next < chain->n) {
		const struct hook_call *call = &chain->calls[ev->next++];

		switch (call->fn(ev, call->data)) {
		case PASS:
			/* It may have been diverted. */
			chain = &ev->host->hooks[ev->hook];
			break;
		case DONE:
			ev->then(ev, DONE);
			return;
		case WAIT:
			event_hold(ev);
			return;
		}
	}
	ev->then(ev, PASS);
}

void
event_run(struct event *ev, enum hook_id hook,
	  void (*then)(struct event *ev, enum verdict v))
{
	ev->hook = hook;
	ev->next = 0;
	ev->then = then;
	run(ev);
}

enum verdict
event_divert(struct event *ev, enum hook_id hook)
{
	ev->hook = hook;
	ev->next = 0;
	return PASS;
}

void
event_resume(struct event *ev, enum verdict v)
{
	assert(ev->is_waiting && v != WAIT);
	ev->is_waiting = false;
	if (v == DONE)
		ev->then(ev, DONE);
	else
		run(ev);
}

void
event_step(struct event *ev, hook_fn *fn, void *data)
{
	enum verdict v;

	/* As inside of a handler: replies do not resume. */
	ev->is_waiting = false;
	v = fn(ev, data);
	ev->is_waiting = true;
	if (v != WAIT)
		event_resume(ev, v);
}

struct arena *
event_arena(struct event *ev)
{
	if (!ev->own_arena)
		ev->own_arena = arena_new();
	return ev->own_arena;
}

/* Ends the event where it had been suspended; inside a handler, returning DONE
 * does. */
static enum verdict
answered(struct event *ev)
{
	if (ev->is_waiting)
		event_resume(ev, DONE);
	return DONE;
}

/* Takes the reference. */
static void
answer(struct event *ev, struct stanza *reply)
{
	if (ev->answer) {
		ev->answer(ev, reply);
	} else if (ev->session && ev->from &&
		   jid_eq(ev->from, ev->session->jid)) {
		session_send(ev->session, reply);
		stanza_unref(&reply);
	} else {
		route(ev->server, reply);
	}
}

enum verdict
event_fail_text(struct event *ev, enum stanza_cond cond, const char *text)
{
	struct stanza *error;

	error = ev->stanza ? stanza_error(ev->stanza, cond, text) : NULL;
	if (error)
		answer(ev, error);
	return answered(ev);
}

enum verdict
event_fail(struct event *ev, enum stanza_cond cond)
{
	return event_fail_text(ev, cond, NULL);
}

enum verdict
event_fail_store(struct event *ev, const struct store_result *res)
{
	return event_fail(ev, res->status == STORE_NO_SPACE
				      ? COND_RESOURCE_CONSTRAINT
				      : COND_INTERNAL_SERVER_ERROR);
}

struct stanza *
event_result(struct event *ev)
{
	return stanza_result(ev->stanza);
}

enum verdict
event_reply(struct event *ev, struct stanza *reply)
{
	answer(ev, reply);
	return answered(ev);
}

enum verdict
event_reply_empty(struct event *ev)
{
	return event_reply(ev, event_result(ev));
}

static void
occurred(struct event *ev, enum verdict v)
{
	(void)v;
	event_end(ev);
}

static struct event *
occurrence(struct host *host, struct session *s, struct account *a,
	   struct jid *to)
{
	struct event *ev = event_make(host->server, host, NULL);

	ev->session = s ? session_ref(s) : NULL;
	ev->account = a ? account_ref(a) : NULL;
	ev->to = jid_ref(to);
	if (s)
		ev->log = &s->log;
	return ev;
}

void
event_occur(struct host *host, enum hook_id hook, struct session *s,
	    struct account *a, struct jid *to)
{
	if (host->hooks[hook].n)
		event_run(occurrence(host, s, a, to), hook, occurred);
}

enum verdict
event_ask(struct host *host, enum hook_id hook, struct account *a,
	  struct jid *to)
{
	const struct hook_chain *chain = &host->hooks[hook];
	struct event ev = {
		.server = host->server,
		.host = host,
		.account = a,
		.to = to,
		.log = &host->log,
	};

	for (unsigned i = 0; i < chain->n; i++) {
		if (chain->calls[i].fn(&ev, chain->calls[i].data) == DONE)
			return DONE;
	}
	return PASS;
}

enum verdict
event_extend(struct host *host, enum hook_id hook, const struct event *request,
	     struct account *a, struct arena *arena, struct xml *x)
{
	const struct hook_chain *chain = &host->hooks[hook];
	struct event ev = {
		.server = host->server,
		.host = host,
		.account = a,
		.from = request ? request->from : NULL,
		.session = request ? request->session : NULL,
		.arena = arena,
		.xml = x,
		.log = &host->log,
	};

	for (unsigned i = 0; i < chain->n; i++) {
		if (chain->calls[i].fn(&ev, chain->calls[i].data) == DONE)
			return DONE;
	}
	return PASS;
}
