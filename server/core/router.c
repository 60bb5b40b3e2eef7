/* router.c - whom a stanza is for. */

#include "core/router.h"

#include "base/list.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/iq.h"
#include "core/iq_request.h"
#include "core/s2s.h"
#include "core/server.h"
#include "core/session.h"
#include "net/tls.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdlib.h>
#include <string.h>

struct service_entry {
	struct map_node node; /* in server->services */
	const struct service *service;
	struct service_tls tls;
	char domain[];
};

static bool
service_eq(const struct map_node *n, const void *key)
{
	return !strcmp(
		container_of((struct map_node *)n, struct service_entry, node)
			->domain,
		key);
}

static struct service_entry *
service_find(const struct server *srv, const char *domain, uint64_t hash)
{
	struct map_node *n;

	n = map_find(&srv->services, hash, service_eq, domain);
	return n ? container_of(n, struct service_entry, node) : NULL;
}

int
route_add_service(struct server *srv, const char *domain,
		  const struct service *service)
{
	uint64_t hash = hash_str(domain);
	struct service_entry *e;

	if (host_find(srv, domain) || service_find(srv, domain, hash))
		return -1;
	e = mem_zalloc(sizeof(*e) + strlen(domain) + 1);
	e->service = service;
	strcpy(e->domain, domain);
	map_insert(&srv->services, &e->node, hash);
	return 0;
}

void
route_remove_service(struct server *srv, const char *domain)
{
	struct service_entry *e = service_find(srv, domain, hash_str(domain));

	if (!e)
		return;
	map_remove(&srv->services, &e->node);
	tls_cert_unref(&e->tls.cert);
	tls_config_unref(&e->tls.client);
	tls_config_unref(&e->tls.server);
	free(e);
}

struct service_tls *
route_service_tls(const struct server *srv, const char *domain)
{
	struct service_entry *e = service_find(srv, domain, hash_str(domain));

	return e ? &e->tls : NULL;
}

bool
route_has_service(const struct server *srv, const char *domain)
{
	return service_find(srv, domain, hash_str(domain)) != NULL;
}

void
route_each_service(struct server *srv,
		   void (*fn)(void *data, const char *domain,
			      const struct service *service),
		   void *data)
{
	map_each (n, &srv->services) {
		struct service_entry *e =
			container_of(n, struct service_entry, node);

		fn(data, e->domain, e->service);
	}
}

static bool
is_request(const struct stanza *s)
{
	return s->type == TYPE_GET || s->type == TYPE_SET;
}

/* Nobody handled it. */
static void
nobody(struct event *ev, enum verdict v)
{
	if (v == PASS)
		event_fail(ev, COND_SERVICE_UNAVAILABLE);
	event_end(ev);
}

static void
ignored(struct event *ev, enum verdict v)
{
	(void)v;
	event_end(ev);
}

/* An iq for the server itself, or for an account on whose behalf it answers. */
static void
answer_iq(struct event *ev, unsigned target)
{
	ev->then = ignored;
	if (!is_request(ev->stanza)) {
		iq_request_answered(ev->server, ev->stanza);
		event_end(ev);
		return;
	}
	if (iq_dispatch(ev, target) == WAIT)
		event_hold(ev);
	else
		event_end(ev);
}

static void
iq_to_resource(struct event *ev, enum verdict v)
{
	struct session *s;

	s = v == PASS ? account_session(ev->account, ev->to) : NULL;
	if (s)
		session_send(s, ev->stanza);
	else if (v == PASS)
		/* RFC 6121 8.5.3.2.3; results and errors go unanswered. */
		event_fail(ev, COND_SERVICE_UNAVAILABLE);
	event_end(ev);
}

/* What the server has asked in the name of a resource is not for that. */
static void
to_resource(struct event *ev)
{
	if (!is_request(ev->stanza) &&
	    iq_request_answered(ev->server, ev->stanza))
		event_end(ev);
	else
		event_run(ev, HOOK_IQ_TO_USER, iq_to_resource);
}

static void
refuse_probe(struct event *ev)
{
	struct jid *from = jid_bare(ev->to), *to = jid_bare(ev->from);

	route(ev->server,
	      stanza_new(STANZA_PRESENCE, TYPE_UNSUBSCRIBED, from, to, NULL));
	jid_unref(&from);
	jid_unref(&to);
}

/* RFC 6121 8.5.1: no such user. */
static void
no_such_user(struct event *ev)
{
	if (ev->stanza->kind == STANZA_IQ && is_request(ev->stanza)) {
		ev->host = ev->account->host;
		answer_iq(ev, jid_is_bare(ev->to) ? TO_NOBODY
						  : TO_NOBODYS_RESOURCE);
		return;
	}
	if (ev->stanza->kind != STANZA_PRESENCE)
		event_fail(ev, COND_SERVICE_UNAVAILABLE);
	else if (ev->stanza->type == TYPE_PROBE)
		/* The same as from a user who does not allow it. */
		refuse_probe(ev);
	event_end(ev);
}

static void
iq_to_account(struct event *ev, enum verdict v)
{
	if (v == PASS)
		answer_iq(ev, TO_ACCOUNT);
	else
		event_end(ev);
}

static void
to_known_account(struct event *ev)
{
	ev->host = ev->account->host;
	switch (ev->stanza->kind) {
	case STANZA_MESSAGE:
		event_run(ev, HOOK_MESSAGE_TO_USER, nobody);
		return;
	case STANZA_PRESENCE:
		event_run(ev, HOOK_PRESENCE_TO_USER, ignored);
		return;
	case STANZA_IQ:
		if (!jid_is_bare(ev->to))
			to_resource(ev);
		else if (ev->from && jid_eq_bare(ev->from, ev->to))
			answer_iq(ev, TO_SELF);
		else if (is_request(ev->stanza))
			event_run(ev, HOOK_IQ_TO_ACCOUNT, iq_to_account);
		else
			answer_iq(ev, TO_ACCOUNT);
	}
}

static void
account_checked(void *data, struct account *a, bool ok)
{
	struct event *ev = data;

	event_go_on(ev);
	if (!ok) {
		event_fail(ev, COND_INTERNAL_SERVER_ERROR);
		event_end(ev);
	} else if (!a->is_known) {
		no_such_user(ev);
	} else {
		to_known_account(ev);
	}
}

/* Takes the reference to the account. */
static void
to_account(struct event *ev, struct account *a)
{
	ev->account = a;
	if (a->is_known) {
		to_known_account(ev);
	} else {
		event_hold(ev);
		account_check(a, account_checked, ev);
	}
}

static void
to_host(struct event *ev)
{
	if (jid_resource(ev->to)) {
		nobody(ev, PASS);
		return;
	}
	switch (ev->stanza->kind) {
	case STANZA_MESSAGE:
		event_run(ev, HOOK_MESSAGE_TO_HOST, nobody);
		return;
	case STANZA_PRESENCE:
		event_run(ev, HOOK_PRESENCE_TO_HOST, ignored);
		return;
	case STANZA_IQ:
		answer_iq(ev, TO_HOST);
	}
}

/* What the server has asked in the name of a service, as a stream does that
 * wants to know what has arrived, is not for that. */
static bool
is_answer(const struct event *ev)
{
	return ev->stanza->kind == STANZA_IQ && !is_request(ev->stanza) &&
	       iq_request_answered(ev->server, ev->stanza);
}

static void
to_service(struct event *ev, const struct service *service)
{
	ev->then = ignored;
	if (is_answer(ev))
		event_end(ev);
	else if (service->receive(service->data, ev) == WAIT)
		event_hold(ev);
	else
		event_end(ev);
}

/* Nobody here: another server's. */
static void
to_other_domain(struct event *ev)
{
	struct service_entry *e;

	e = service_find(ev->server, jid_domain(ev->to),
			 jid_hash_domain(ev->to));
	if (e) {
		to_service(ev, e->service);
		return;
	}
	if (ev->from)
		s2s_send(ev->server, stanza_ref(ev->stanza));
	event_end(ev);
}

static void
to_target(struct event *ev)
{
	struct account *a = account_find(ev->server, ev->to);
	struct host *host;

	account_unref(&ev->account);
	if (a) {
		to_account(ev, account_ref(a));
		return;
	}
	host = host_of(ev->server, ev->to);
	if (!host) {
		to_other_domain(ev);
		return;
	}
	ev->host = host;
	if (jid_local(ev->to))
		to_account(ev, account_take(host, ev->to));
	else
		to_host(ev);
}

static void
from_user_done(struct event *ev, enum verdict v)
{
	/* A presence without `to` ends with the hook that broadcasts it. */
	if (v == DONE || !ev->to)
		event_end(ev);
	else
		to_target(ev);
}

static void
from_user(struct event *ev)
{
	static const enum hook_id hooks[] = {
		[STANZA_MESSAGE] = HOOK_MESSAGE_FROM_USER,
		[STANZA_PRESENCE] = HOOK_PRESENCE_FROM_USER,
		[STANZA_IQ] = HOOK_IQ_FROM_USER,
	};

	event_run(ev, hooks[ev->stanza->kind], from_user_done);
}

/* RFC 6120 8.1.3, 8.2.3 and the types of RFC 6121: what must hold for any
 * stanza, wherever it goes. */
static enum stanza_cond
judge(const struct stanza *s)
{
	if (s->bad_to)
		return COND_JID_MALFORMED;
	if (s->type == TYPE_UNKNOWN)
		return s->kind == STANZA_MESSAGE ? COND_NONE : COND_BAD_REQUEST;
	if (s->kind == STANZA_IQ) {
		if (!stanza_id(s) || s->type == TYPE_NONE)
			return COND_BAD_REQUEST;
		if (is_request(s) && !stanza_payload(s))
			return COND_BAD_REQUEST;
	}
	return COND_NONE;
}

void
route_from_session(struct session *s, struct stanza *stanza, struct wire *wire,
		   unsigned weight)
{
	struct event *ev;
	enum stanza_cond bad;

	/* RFC 6120 10.3: without `to` it is for the sender's own account. */
	if (!stanza->to && !stanza->bad_to && stanza->kind != STANZA_PRESENCE)
		stanza_set_to(stanza, s->account->jid);
	ev = event_make(s->host->server, s->host, stanza);
	stanza_unref(&stanza);
	ev->session = session_ref(s);
	ev->account = account_ref(s->account);
	ev->log = &s->log;
	ev->wire = wire;
	ev->weight = weight;
	bad = judge(ev->stanza);
	if (bad) {
		event_fail(ev, bad);
		event_end(ev);
		return;
	}
	event_enter(ev, from_user);
}

static struct event *
make_event(struct server *srv, struct stanza *stanza)
{
	struct event *ev = event_make(srv, NULL, stanza);

	stanza_unref(&stanza);
	return ev;
}

static void
enter(struct event *ev)
{
	event_enter(ev, to_target);
}

static void
go(struct event *ev, enum stanza_cond bad, void (*how)(struct event *ev))
{
	if (!bad && ev->to) {
		how(ev);
		return;
	}
	if (bad)
		event_fail(ev, bad);
	event_end(ev);
}

void
route(struct server *srv, struct stanza *stanza)
{
	struct event *ev = make_event(srv, stanza);

	go(ev, judge(ev->stanza), enter);
}

void
route_from_wire(struct server *srv, struct stanza *stanza, struct wire *wire,
		unsigned weight)
{
	enum stanza_cond bad = judge(stanza);
	struct event *ev;

	/* Somebody has to say so. */
	if (stanza->bad_to)
		stanza_set_to(stanza, srv->first_host->jid);
	ev = make_event(srv, stanza);
	ev->wire = wire;
	ev->weight = weight;
	go(ev, bad, enter);
}

void
route_ahead(struct server *srv, struct stanza *stanza)
{
	struct event *ev = make_event(srv, stanza);

	go(ev, judge(ev->stanza), to_target);
}
