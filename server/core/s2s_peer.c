/* s2s_peer.c - other domains: when to try again, and who has to know that
 * there is no way. */

#include "base/clock.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/quota.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "net/loop.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* For so long it is tried on our own account whether there is a way now. */
#define GIVE_UP_MS (24 * INT64_C(3600000))

/* Domains that cannot be reached, and were not before: they are easily
 * invented. The oldest are forgotten. */
#define UNKNOWN_MAX 1000

static bool
peer_eq(const struct map_node *n, const void *domain)
{
	return !strcmp(container_of((struct map_node *)n, struct s2s_peer, node)
			       ->domain,
		       domain);
}

struct s2s_peer *
s2s_peer_find(const struct s2s_all *all, const char *domain)
{
	struct map_node *n;

	n = map_find(&all->peers, hash_str(domain), peer_eq, domain);
	return n ? container_of(n, struct s2s_peer, node) : NULL;
}

bool
s2s_peer_has_way(const struct s2s_peer *p)
{
	list_each (n, &p->streams) {
		const struct s2s *s = container_of(n, struct s2s, of_peer);

		if (s->state != S2S_DRAINING && s->state != S2S_CLOSING &&
		    (s->is_out || s2s_can_send(s)))
			return true;
	}
	return false;
}

void
s2s_peer_try(struct s2s_peer *p)
{
	list_each (n, &p->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (s->is_out && s->state == S2S_BROKEN)
			s2s_out_dial(s);
	}
	list_each_safe (n, &p->links) {
		struct s2s_link *l = container_of(n, struct s2s_link, of_peer);

		if (l->state == LINK_IDLE && l->n_queued)
			s2s_link_connect(l);
	}
}

/* ---- looking for a way on our own account ---- */

/* Nobody waits: it is only about whether it is there. */
static void
seek(struct s2s_peer *p)
{
	struct remote_policy policy;
	struct s2s_link *l;

	if (!p->lost_ms || !p->local || s2s_peer_has_way(p) ||
	    !s2s_is_ours(p->all->server, p->local))
		return;
	remote_policy_of(p->all->server, p->domain, &policy);
	if (policy.is_blocked || !s2s_may_dial(p->all, OURSELVES))
		return;
	l = s2s_link_take(p, p->local);
	/* What waits for a session to be resumed stays with it. */
	if (l->stream)
		s2s_look_for(p, p->local);
	else
		s2s_link_connect(l);
}

static void
set_known(struct s2s_peer *p)
{
	if (!list_is_empty(&p->of_unknown))
		p->all->n_unknown--;
	list_remove(&p->of_unknown);
}

static void
set_unknown(struct s2s_peer *p)
{
	struct s2s_all *all = p->all;
	struct s2s_peer *oldest;

	set_known(p);
	list_append(&all->unknown, &p->of_unknown);
	if (++all->n_unknown <= UNKNOWN_MAX)
		return;
	oldest = container_of(all->unknown.next, struct s2s_peer, of_unknown);
	set_known(oldest);
	oldest->lost_ms = 0;
	s2s_peer_tidy(oldest);
}

/* A name that DNS does not have, and never had as far as we know, is nothing
 * to look for. */
static bool
is_worth_it(const struct s2s_peer *p, int64_t now_ms)
{
	return now_ms - p->lost_ms <= GIVE_UP_MS &&
	       (p->was_reached || p->cond != COND_REMOTE_SERVER_NOT_FOUND);
}

static void
on_retry(struct timer *t)
{
	struct s2s_peer *p = container_of(t, struct s2s_peer, retry);
	int64_t now_ms = p->all->server->clock->mono_ms;

	if (p->lost_ms && now_ms - p->lost_ms > GIVE_UP_MS && p->was_reached) {
		p->was_reached = false;
		set_unknown(p);
	}
	if (!p->all->server->is_stopping) {
		s2s_peer_try(p);
		if (is_worth_it(p, now_ms))
			seek(p);
	}
	s2s_peer_tidy(p);
}

static void
on_calm(struct timer *t)
{
	s2s_peer_tidy(container_of(t, struct s2s_peer, calm));
}

struct s2s_peer *
s2s_peer_take(struct s2s_all *all, const char *domain)
{
	struct s2s_peer *p = s2s_peer_find(all, domain);

	if (p)
		return p;
	p = mem_zalloc(sizeof(*p) + strlen(domain) + 1);
	strcpy(p->domain, domain);
	p->all = all;
	p->retry.fn = on_retry;
	p->calm.fn = on_calm;
	list_init(&p->links);
	list_init(&p->streams);
	list_init(&p->verifies);
	list_init(&p->of_unknown);
	map_insert(&all->peers, &p->node, hash_str(domain));
	return p;
}

void
s2s_peer_free(struct s2s_peer *p)
{
	while (!list_is_empty(&p->links)) {
		struct s2s_link *l =
			container_of(p->links.next, struct s2s_link, of_peer);

		s2s_link_fail(l, COND_REMOTE_SERVER_TIMEOUT, NULL);
		s2s_link_detach(l);
		s2s_link_tidy(l);
	}
	loop_timer_clear(p->all->server->core, &p->retry);
	loop_timer_clear(p->all->server->core, &p->calm);
	quota_unref(&p->quota);
	map_remove(&p->all->peers, &p->node);
	set_known(p);
	free(p->error);
	free(p->local);
	free(p);
}

void
s2s_peer_tidy(struct s2s_peer *p)
{
	if (list_is_empty(&p->links) && list_is_empty(&p->streams) &&
	    list_is_empty(&p->verifies) && !timer_is_set(&p->retry) &&
	    !p->lost_ms && s2s_peer_is_calm(p))
		s2s_peer_free(p);
}

bool
s2s_peer_is_resting(const struct s2s_peer *p)
{
	return timer_is_set(&p->retry);
}

void
s2s_peer_came(struct s2s_peer *p)
{
	if (!timer_is_set(&p->retry) && !p->lost_ms)
		return;
	loop_timer_clear(p->all->server->core, &p->retry);
	p->failures = 0;
	s2s_peer_try(p);
	seek(p);
}

static void
tell_hosts(struct server *srv, const char *domain, enum hook_id hook)
{
	struct jid *jid = jid_make(NULL, domain, NULL);

	map_each (n, &srv->hosts)
		event_occur(container_of(n, struct host, node), hook, NULL,
			    NULL, jid);
	jid_unref(&jid);
}

/* Ours, with which there is a way, or should be one. */
static void
set_local(struct s2s_peer *p, const char *local)
{
	if (p->local && !strcmp(local, p->local))
		return;
	free(p->local);
	p->local = mem_strdup(local);
}

void
s2s_peer_up(struct s2s_peer *p, const char *local)
{
	struct log log = { .jid = p->domain };
	bool was_lost = p->lost_ms;

	p->lost_ms = 0;
	p->was_reached = true;
	set_known(p);
	set_local(p, local);
	s2s_peer_came(p);
	p->failures = 0;
	if (!was_lost)
		return;
	log_info(&log, "reachable again");
	tell_hosts(p->all->server, p->domain, HOOK_REMOTE_REACHABLE);
}

void
s2s_broken(const struct s2s *s)
{
	if (!s->peer || s->server->is_stopping)
		return;
	tell_hosts(s->server, s->peer->domain, HOOK_REMOTE_BROKEN);
	map_each (n, &s->pairs) {
		const struct s2s_pair *pair =
			container_of(n, struct s2s_pair, node);

		if (strcmp(pair->remote, s->peer->domain) != 0)
			tell_hosts(s->server, pair->remote, HOOK_REMOTE_BROKEN);
	}
}

/* Twice as long each time, and not all at the same moment. */
static void
rest(struct s2s_peer *p)
{
	const struct server_options *opt = &p->all->server->opt;
	int64_t ms = opt->s2s_retry_min;
	uint16_t dice;

	/* Another stream has failed, too, or somebody claims to be it. */
	if (timer_is_set(&p->retry))
		return;
	for (unsigned i = 0; i < p->failures && ms < opt->s2s_retry_max; i++)
		ms *= 2;
	if (ms > opt->s2s_retry_max)
		ms = opt->s2s_retry_max;
	RAND_bytes((unsigned char *)&dice, sizeof(dice));
	ms = ms * 3 / 4 + ms / 4 * dice / UINT16_MAX;
	p->failures++;
	loop_timer_set(p->all->server->core, &p->retry, ms);
}

void
s2s_peer_erred(struct s2s_peer *p, const char *why)
{
	char *error = mem_strdup(why); /* which may be the old one */

	free(p->error);
	p->error = error;
	p->error_ms = p->all->server->clock->mono_ms;
}

/* Once, until it is there again. */
static void
tell_of_loss(struct s2s_peer *p)
{
	if (p->lost_ms || p->all->server->is_stopping)
		return;
	p->lost_ms = p->all->server->clock->mono_ms;
	if (!p->lost_ms)
		p->lost_ms = 1;
	tell_hosts(p->all->server, p->domain, HOOK_REMOTE_UNREACHABLE);
}

void
s2s_peer_lost(struct s2s_peer *p, const char *why)
{
	struct log log = { .jid = p->domain };

	s2s_peer_erred(p, why);
	p->cond = COND_REMOTE_SERVER_TIMEOUT;
	rest(p);
	if (!p->lost_ms && !p->all->server->is_stopping)
		log_info(&log, "not reachable: %s", why);
	tell_of_loss(p);
}

void
s2s_peer_failed(struct s2s_peer *p, const char *local, enum stanza_cond cond,
		const char *why)
{
	if (local)
		set_local(p, local);
	/* It was there: what waits may still wait, for as long as it may. */
	if (p->was_reached) {
		s2s_peer_lost(p, why);
		return;
	}
	s2s_peer_erred(p, why);
	p->cond = cond;
	rest(p);
	if (local) {
		set_unknown(p);
		tell_of_loss(p);
	}
	list_each_safe (n, &p->links) {
		struct s2s_link *l = container_of(n, struct s2s_link, of_peer);

		if (l->stream)
			continue;
		s2s_link_fail(l, cond, why);
		s2s_link_tidy(l);
	}
}

bool
s2s_is_reachable(const struct server *srv, const char *domain)
{
	const struct s2s_peer *p =
		srv->s2s ? s2s_peer_find(srv->s2s, domain) : NULL;

	return !p || !p->lost_ms;
}
