/* session.c - accounts in use and their bound resources. */

#include "core/session.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/c2s.h"
#include "core/event.h"
#include "core/host.h"
#include "core/module.h"
#include "core/modules.h"
#include "core/server.h"
#include "storage/accounts.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <assert.h>
#include <stdlib.h>

static bool
account_eq(const struct map_node *n, const void *jid)
{
	const struct account *a =
		container_of((struct map_node *)n, struct account, node);

	return jid_eq_bare(a->jid, jid);
}

struct account *
account_find(struct server *srv, const struct jid *jid)
{
	struct map_node *n;

	n = map_find(&srv->accounts, jid_hash_bare(jid), account_eq, jid);
	return n ? container_of(n, struct account, node) : NULL;
}

struct account *
account_take(struct host *host, struct jid *jid)
{
	struct account *a = account_find(host->server, jid);

	if (a)
		return account_ref(a);
	a = mem_zalloc(modules_account_size());
	a->jid = jid_bare(jid);
	a->host = host;
	a->refs = 1;
	list_init(&a->sessions);
	map_insert(&host->server->accounts, &a->node, jid_hash(a->jid));
	return a;
}

struct account *
account_ref(struct account *a)
{
	a->refs++;
	return a;
}

static void
account_free(struct account *a)
{
	const struct module *const *m;

	map_remove(&a->host->server->accounts, &a->node);
	for (m = a->host->modules; *m; m++) {
		if ((*m)->account_fini)
			(*m)->account_fini(a, account_data(a, (*m)->slot));
	}
	jid_unref(&a->jid);
	free(a);
}

void
account_unref(struct account **a)
{
	struct account *old = *a;

	*a = NULL;
	if (old && --old->refs == 0)
		account_free(old);
}

struct check {
	struct account *account; /* ref */
	void (*done)(void *data, struct account *a, bool ok);
	void *data;
};

static void
check_done(void *data, const struct account_result *res)
{
	struct check *c = data;
	enum store_status status = res->res.status;

	c->account->is_known = status == STORE_OK && !c->account->is_gone;
	c->done(c->data, c->account,
		status == STORE_OK || status == STORE_NOT_FOUND);
	account_unref(&c->account);
	free(c);
}

void
account_check(struct account *a,
	      void (*done)(void *data, struct account *a, bool ok), void *data)
{
	struct check *c;

	if (a->is_known) {
		done(data, a, true);
		return;
	}
	c = mem_alloc(sizeof(*c));
	c->account = account_ref(a);
	c->done = done;
	c->data = data;
	account_get(a->host->store, jid_str(a->jid), check_done, c);
}

struct session *
account_session(const struct account *a, const struct jid *full)
{
	list_each (n, &a->sessions) {
		if (jid_eq(session_of(n)->jid, full))
			return session_of(n);
	}
	return NULL;
}

struct session *
session_new(struct account *a, struct jid *full, struct c2s *stream)
{
	struct session *s = mem_zalloc(modules_session_size());
	struct server *srv = a->host->server;

	s->account = account_ref(a);
	s->host = a->host;
	s->jid = jid_ref(full);
	s->stream = stream;
	s->id = ++srv->next_id;
	s->refs = 1;
	s->is_open = true;
	s->log = (struct log){ a->host->name, c2s_name(stream), jid_str(full) };
	list_append(&a->sessions, &s->node);
	srv->n_users += !a->n_sessions++;
	srv->n_sessions++;
	return s;
}

void
session_set_presence(struct session *s, struct stanza *presence, int priority)
{
	struct stanza *copy = presence ? stanza_compact(presence) : NULL;

	if (presence && !s->presence)
		s->account->n_available++;
	else if (!presence && s->presence)
		s->account->n_available--;
	stanza_unref(&s->presence);
	s->presence = copy;
	s->priority = (int8_t)(presence ? priority : 0);
	s->presence_at_ms = s->host->server->clock->wall_ms;
}

void
session_end(struct session *s)
{
	if (!s->is_open)
		return;
	s->is_open = false;
	s->stream = NULL;
	s->log.stream = NULL;
	list_remove(&s->node);
	s->host->server->n_users -= !--s->account->n_sessions;
	s->host->server->n_sessions--;
	event_occur(s->host, HOOK_SESSION_CLOSED, s, s->account, NULL);
	assert(!s->presence || !host_has_module(s->host, "presence"));
	session_set_presence(s, NULL, 0);
}

struct session *
session_ref(struct session *s)
{
	s->refs++;
	return s;
}

void
session_unref(struct session **s)
{
	struct session *old = *s;
	const struct module *const *m;

	*s = NULL;
	if (!old || --old->refs)
		return;
	for (m = old->host->modules; *m; m++) {
		if ((*m)->session_fini)
			(*m)->session_fini(old, session_data(old, (*m)->slot));
	}
	stanza_unref(&old->presence);
	jid_unref(&old->jid);
	account_unref(&old->account);
	free(old);
}

void
session_send(struct session *s, struct stanza *stanza)
{
	session_send_to(s, stanza, stanza->to);
}

void
session_send_to(struct session *s, struct stanza *stanza, struct jid *to)
{
	struct buf *b = &s->host->server->scratch;

	if (!s->is_open)
		return;
	b->len = 0;
	stanza_write(b, stanza, stanza->from, to, NS_CLIENT);
	c2s_write(s->stream, b->data, b->len, NULL);
}

void
session_send_tail(struct session *s, const struct stanza *stanza,
		  struct jid *to, struct chunk *tail)
{
	struct buf *b = &s->host->server->scratch;

	if (!s->is_open)
		return;
	b->len = 0;
	stanza_write_head(b, stanza, to);
	c2s_write(s->stream, b->data, b->len, tail);
}

void
session_send_raw(struct session *s, const char *xml, size_t len)
{
	if (s->is_open)
		c2s_write(s->stream, xml, len, NULL);
}

void
session_write_bulk(struct session *s, const char *head, size_t len,
		   struct chunk *tail)
{
	if (s->is_open)
		c2s_write_bulk(s->stream, head, len, tail);
}
