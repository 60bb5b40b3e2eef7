/* s2s_link.c - pairs of domains: what waits, and by which stream it goes. */

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdlib.h>
#include <string.h>

/* A stanza that waits. */
struct waiting {
	struct list node;      /* in link->queue */
	struct stanza *stanza; /* ref */
	size_t size;
	int64_t since_ms;
};

struct pair_key {
	const char *local, *remote;
};

static bool
link_eq(const struct map_node *n, const void *key)
{
	const struct s2s_link *l =
		container_of((struct map_node *)n, struct s2s_link, node);
	const struct pair_key *k = key;

	return !strcmp(l->remote, k->remote) && !strcmp(l->local, k->local);
}

static uint64_t
pair_hash(uint64_t local, uint64_t remote)
{
	return local * 31 + remote;
}

static struct s2s_link *
find(const struct s2s_all *all, const char *local, const char *remote,
     uint64_t hash)
{
	struct pair_key key = { local, remote };
	struct map_node *n = map_find(&all->links, hash, link_eq, &key);

	return n ? container_of(n, struct s2s_link, node) : NULL;
}

struct s2s_link *
s2s_link_find(const struct s2s_all *all, const char *local, const char *remote)
{
	return find(all, local, remote,
		    pair_hash(hash_str(local), hash_str(remote)));
}

/* ---- what waits ---- */

static void
take_out(struct s2s_link *l, struct waiting *w)
{
	list_remove(&w->node);
	l->queued -= w->size;
	l->n_queued--;
	l->peer->all->n_kept -= w->size;
	free(w);
}

static struct waiting *
first(const struct s2s_link *l)
{
	return list_is_empty(&l->queue)
		       ? NULL
		       : container_of(l->queue.next, struct waiting, node);
}

static void
watch_age(struct s2s_link *l)
{
	struct server *srv = l->peer->all->server;
	const struct waiting *w = first(l);

	if (!w)
		loop_timer_clear(srv->core, &l->age);
	else if (!timer_is_set(&l->age))
		loop_timer_set(srv->core, &l->age,
			       w->since_ms + srv->opt.s2s_queue_age -
				       srv->clock->mono_ms);
}

/* Takes those that have waited since then, for bounce_all. */
static void
take_older(struct s2s_link *l, int64_t limit_ms, struct list *old_out)
{
	struct waiting *w;

	list_init(old_out);
	while ((w = first(l)) && w->since_ms <= limit_ms) {
		list_remove(&w->node);
		list_append(old_out, &w->node);
		l->queued -= w->size;
		l->n_queued--;
		l->peer->all->n_kept -= w->size;
	}
	watch_age(l);
}

/* An answer to an error may be for the same link, which may be gone by then. */
static void
bounce_all(struct server *srv, struct list *waiting, enum stanza_cond cond,
	   const char *why)
{
	struct list *n;

	while ((n = list_pop(waiting))) {
		struct waiting *w = container_of(n, struct waiting, node);

		s2s_bounce(srv, w->stanza, cond, why);
		free(w);
	}
}

static void
on_age(struct timer *t)
{
	struct s2s_link *l = container_of(t, struct s2s_link, age);
	struct server *srv = l->peer->all->server;
	struct s2s_peer *p = l->peer;
	char *why = p->lost_ms ? mem_strdup(p->error) : NULL;
	struct list old;

	take_older(l, srv->clock->mono_ms - srv->opt.s2s_queue_age, &old);
	s2s_link_tidy(l);
	s2s_peer_tidy(p);
	bounce_all(srv, &old, COND_REMOTE_SERVER_TIMEOUT, why);
	free(why);
}

static struct waiting *
waiting_new(struct s2s_link *l, struct stanza *stanza)
{
	struct waiting *w = mem_alloc(sizeof(*w));

	w->stanza = stanza;
	w->size = arena_size(stanza->arena);
	w->since_ms = l->peer->all->server->clock->mono_ms;
	l->queued += w->size;
	l->n_queued++;
	l->peer->all->n_kept += w->size;
	return w;
}

static bool
has_room(const struct s2s_link *l, const struct stanza *stanza)
{
	size_t size = arena_size(stanza->arena);
	const struct s2s_all *all = l->peer->all;

	return l->queued + size <= (size_t)all->server->opt.s2s_queue_max &&
	       s2s_has_memory(all, l->queued, size);
}

static void
append(struct s2s_link *l, struct stanza *stanza)
{
	list_append(&l->queue, &waiting_new(l, stanza)->node);
	watch_age(l);
}

void
s2s_link_unread(struct s2s_link *l, struct stanza **stanzas, size_t n)
{
	while (n-- > 0)
		list_prepend(&l->queue, &waiting_new(l, stanzas[n])->node);
	watch_age(l);
}

void
s2s_link_fail(struct s2s_link *l, enum stanza_cond cond, const char *why)
{
	struct list failed;

	take_older(l, INT64_MAX, &failed);
	bounce_all(l->peer->all->server, &failed, cond, why);
}

/* ---- which stream ---- */

struct s2s_link *
s2s_link_take(struct s2s_peer *peer, const char *local)
{
	struct s2s_link *l = s2s_link_find(peer->all, local, peer->domain);

	if (l)
		return l;
	l = mem_zalloc(sizeof(*l) + strlen(local) + 1);
	strcpy(l->local, local);
	l->peer = peer;
	l->remote = peer->domain;
	l->age.fn = on_age;
	list_init(&l->queue);
	list_init(&l->of_stream);
	list_append(&peer->links, &l->of_peer);
	map_insert(&peer->all->links, &l->node,
		   pair_hash(hash_str(local), hash_str(peer->domain)));
	return l;
}

void
s2s_link_tidy(struct s2s_link *l)
{
	struct s2s_peer *p = l->peer;

	if (l->stream || l->n_queued)
		return;
	loop_timer_clear(p->all->server->core, &l->age);
	map_remove(&p->all->links, &l->node);
	list_remove(&l->of_peer);
	free(l->source);
	free(l);
}

void
s2s_link_attach(struct s2s_link *l, struct s2s *s, enum s2s_link_state state)
{
	s2s_link_detach(l);
	l->stream = s;
	l->state = state;
	list_append(&s->links, &l->of_stream);
}

void
s2s_link_detach(struct s2s_link *l)
{
	list_remove(&l->of_stream);
	l->stream = NULL;
	l->state = LINK_IDLE;
}

/* May what waits have a new stream? If not now, then never: it is bounced. */
static bool
may_go_on(struct s2s_link *l)
{
	struct server *srv = l->peer->all->server;
	struct remote_policy policy;

	remote_policy_of(srv, l->remote, &policy);
	if (policy.is_blocked)
		s2s_link_fail(l, COND_NOT_ALLOWED,
			      "that domain is not talked to from here");
	else if (srv->is_stopping)
		s2s_link_fail(l, COND_REMOTE_SERVER_TIMEOUT,
			      "the server is shutting down");
	else if (!s2s_is_ours(srv, l->local))
		s2s_link_fail(l, COND_REMOTE_SERVER_NOT_FOUND, NULL);
	return l->n_queued > 0;
}

void
s2s_links_leave(struct s2s *s)
{
	while (!list_is_empty(&s->links)) {
		struct s2s_link *l =
			container_of(s->links.next, struct s2s_link, of_stream);

		s2s_link_detach(l);
		if (!may_go_on(l))
			s2s_link_tidy(l);
		else if (!s2s_peer_is_resting(l->peer))
			s2s_link_connect(l);
	}
}

void
s2s_link_up(struct s2s_link *l)
{
	struct waiting *w;

	l->state = LINK_UP;
	while (l->state == LINK_UP && (w = first(l))) {
		struct stanza *stanza = w->stanza;

		take_out(l, w);
		s2s_write_stanza(l->stream, stanza);
		stanza_unref(&stanza);
	}
	watch_age(l);
}

/* A stream that the other server has opened may carry what is ours, too
 * (XEP-0288); but only between the domains that it was opened for, and once it
 * has said something there: <resume/> has to come before any stanza. */
static bool
goes_back(const struct s2s *s, const struct s2s_link *l)
{
	return s->has_spoken && s->is_bidi && s->state == S2S_RUNNING &&
	       s2s_has_pair(s, l->remote, l->local) && s->local &&
	       !strcmp(s->local, l->local);
}

/* Several of our domains may share a stream, where the other server says how
 * it would refuse that (XEP-0220 2.6). */
static bool
can_share(const struct s2s *s)
{
	struct remote_policy policy;

	if (!s->is_out || s->probe || !s->peer)
		return false;
	remote_policy_of(s->server, s->peer->domain, &policy);
	return policy.allow_dialback &&
	       (s->state != S2S_RUNNING || s->offers_dialback_errors);
}

static bool
is_starting(const struct s2s *s)
{
	return s->is_out && s->state != S2S_DRAINING &&
	       s->state != S2S_CLOSING && s->state != S2S_RUNNING && !s->probe;
}

static bool
is_running(const struct s2s *s)
{
	return s->is_out && s->state == S2S_RUNNING && !s->probe;
}

static struct s2s *
choose(const struct s2s_link *l)
{
	struct s2s *shared = NULL;

	list_each (n, &l->peer->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (goes_back(s, l))
			return s;
	}
	list_each (n, &l->peer->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (!is_starting(s) && !is_running(s))
			continue;
		if (!strcmp(s->local, l->local))
			return s;
		if (!l->is_alone && can_share(s))
			shared = s;
	}
	return shared;
}

void
s2s_link_connect(struct s2s_link *l)
{
	struct s2s *s = choose(l);

	if (!s) {
		s = s2s_out_new(l->peer, l->local,
				l->source ? l->source : OURSELVES);
		s2s_link_attach(l, s, LINK_WAITING);
		s2s_out_dial(s);
	} else if (s->state != S2S_RUNNING || s->is_enabling) {
		s2s_link_attach(l, s, LINK_WAITING);
		if (s->state == S2S_NEGOTIATE)
			s2s_out_log_in(s);
	} else if (!s->is_out || !strcmp(s->local, l->local)) {
		s2s_link_attach(l, s, LINK_WAITING);
		s2s_link_up(l);
	} else {
		s2s_link_attach(l, s, LINK_ASKED);
		s2s_dialback_ask(s, l->local, l->remote);
	}
}

void
s2s_look_for(struct s2s_peer *p, const char *local)
{
	struct s2s *s;

	if (s2s_peer_is_resting(p))
		return;
	list_each (n, &p->streams) {
		s = container_of(n, struct s2s, of_peer);
		if (!is_starting(s))
			continue;
		s->is_search = true;
		if (s->state == S2S_NEGOTIATE)
			s2s_out_log_in(s);
		return;
	}
	if (!s2s_is_ours(p->all->server, local) ||
	    !s2s_may_dial(p->all, OURSELVES))
		return;
	s = s2s_out_new(p, local, OURSELVES);
	s->is_search = true;
	s2s_out_dial(s);
}

/* ---- from the router ---- */

static void
refuse(struct server *srv, struct stanza *stanza)
{
	s2s_bounce(srv, stanza, COND_REMOTE_SERVER_NOT_FOUND,
		   srv->is_stopping ? "the server is shutting down" : NULL);
}

/* Bounded: what waits for one pair, and how many wait for a first stream. */
static bool
may_wait(const struct s2s_link *l, const struct stanza *stanza)
{
	const struct s2s_all *all = l->peer->all;

	if (list_is_empty(&l->peer->streams) &&
	    !s2s_may_dial(all, s2s_source_of(all->server, stanza->from)))
		return false;
	return has_room(l, stanza);
}

/* For whom there will be a stream. */
static void
set_source(struct s2s_link *l, const struct jid *from)
{
	if (l->stream || l->n_queued)
		return;
	free(l->source);
	l->source = mem_strdup(s2s_source_of(l->peer->all->server, from));
}

static void
refuse_more(struct server *srv, struct stanza *stanza)
{
	s2s_bounce(srv, stanza, COND_REMOTE_SERVER_TIMEOUT,
		   "too much is waiting for other servers");
}

/* What has waited had its place in memory before. */
static void
write_new(struct s2s *s, struct stanza *stanza)
{
	if (!s2s_has_memory(s->all, s->kept, arena_size(stanza->arena))) {
		refuse_more(s->server, stanza);
		return;
	}
	s2s_write_stanza(s, stanza);
	stanza_unref(&stanza);
}

void
s2s_send(struct server *srv, struct stanza *stanza)
{
	struct s2s_all *all = srv->s2s;
	struct remote_policy policy;
	struct s2s_link *l;
	struct s2s_peer *p;

	if (!all || !srv->opt.s2s || !stanza->from) {
		refuse(srv, stanza);
		return;
	}
	l = find(all, jid_domain(stanza->from), jid_domain(stanza->to),
		 pair_hash(jid_hash_domain(stanza->from),
			   jid_hash_domain(stanza->to)));
	if (l && l->state == LINK_UP) {
		write_new(l->stream, stanza);
		return;
	}
	if (srv->is_stopping) {
		refuse(srv, stanza);
		return;
	}
	/* An error to a component that is gone meanwhile: nobody else's name is
	 * taken for it. */
	if (!s2s_is_ours(srv, jid_domain(stanza->from))) {
		stanza_unref(&stanza);
		return;
	}
	remote_policy_of(srv, jid_domain(stanza->to), &policy);
	if (policy.is_blocked) {
		s2s_bounce(srv, stanza, COND_NOT_ALLOWED,
			   "that domain is not talked to from here");
		return;
	}
	p = s2s_peer_take(all, jid_domain(stanza->to));
	if (s2s_peer_is_resting(p) && !p->was_reached) {
		s2s_bounce(srv, stanza, p->cond, p->error);
		return;
	}
	l = l ? l : s2s_link_take(p, jid_domain(stanza->from));
	if (!may_wait(l, stanza)) {
		s2s_link_tidy(l);
		s2s_peer_tidy(p);
		refuse_more(srv, stanza);
		return;
	}
	set_source(l, stanza->from);
	append(l, stanza);
	if (l->state == LINK_IDLE && !s2s_peer_is_resting(p))
		s2s_link_connect(l);
}
