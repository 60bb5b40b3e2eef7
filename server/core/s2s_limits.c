/*
 * s2s_limits.c - what others may cost: memory for what waits, streams that are
 * on their way, bytes and stanzas a second.
 */

#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/quota.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/sm.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory for what waits ---- */

/* What a pair of domains or a stream may keep when there is little left. */
#define SMALL (64 << 10)

bool
s2s_has_memory(const struct s2s_all *all, size_t held, size_t more)
{
	size_t max = (size_t)all->server->opt.s2s_memory_max;

	/* A few that get nowhere do not use up what all others need. */
	if (all->n_kept + more > max / 2 && held + more > SMALL)
		return false;
	return all->n_kept + more <= max;
}

void
s2s_count_kept(struct s2s *s)
{
	size_t kept = s->sm ? sm_unacked_bytes(s->sm) : 0;

	s->all->n_kept += kept - s->kept; /* may be less than before */
	s->kept = kept;
}

/* ---- streams on their way ---- */

/* Somebody for whom such streams are made. */
struct s2s_source {
	struct map_node node; /* in all->sources */
	size_t n;
	char name[];
};

static bool
source_eq(const struct map_node *n, const void *name)
{
	return !strcmp(
		container_of((struct map_node *)n, struct s2s_source, node)
			->name,
		name);
}

static struct s2s_source *
source_find(const struct s2s_all *all, const char *name)
{
	struct map_node *n =
		map_find(&all->sources, hash_str(name), source_eq, name);

	return n ? container_of(n, struct s2s_source, node) : NULL;
}

/* Nobody gets more than half of what the others have left. */
bool
s2s_may_dial(const struct s2s_all *all, const char *who)
{
	size_t max = (size_t)all->server->opt.s2s_connecting_max;
	const struct s2s_source *source = source_find(all, who);

	if (all->n_dialing >= max)
		return false;
	return !source || source->n < (max - all->n_dialing + 1) / 2;
}

void
s2s_dial_begins(struct s2s *s, const char *who)
{
	struct s2s_all *all = s->all;
	struct s2s_source *source = source_find(all, who);

	if (!source) {
		source = mem_zalloc(sizeof(*source) + strlen(who) + 1);
		strcpy(source->name, who);
		map_insert(&all->sources, &source->node, hash_str(who));
	}
	source->n++;
	s->source = source;
	all->n_dialing++;
}

void
s2s_dial_ends(struct s2s *s)
{
	struct s2s_source *source = s->source;

	s->source = NULL;
	if (!source)
		return;
	s->all->n_dialing--;
	if (--source->n)
		return;
	map_remove(&s->all->sources, &source->node);
	free(source);
}

/* A gateway may invent addresses of its own. */
const char *
s2s_source_of(const struct server *srv, const struct jid *from)
{
	return host_of(srv, from) ? jid_bare_str(from) : jid_domain(from);
}

/* ---- bytes and stanzas a second ---- */

static struct quota_rates
rates_of(const struct s2s_peer *p)
{
	struct remote_policy policy;

	remote_policy_of(p->all->server, p->domain, &policy);
	return policy.rates;
}

void
s2s_share_rate(struct s2s *s)
{
	struct s2s_peer *p = s->peer;
	struct quota_rates rates = rates_of(p);

	if (!p->quota)
		p->quota = quota_new(&rates, s->server->clock->mono_ms);
	wire_share(s->wire, p->quota);
}

void
s2s_change_rates(struct s2s_all *all)
{
	map_each (n, &all->peers) {
		struct s2s_peer *p = container_of(n, struct s2s_peer, node);

		struct quota_rates rates = rates_of(p);

		if (p->quota)
			quota_change(p->quota, &rates);
	}
}

bool
s2s_peer_is_calm(struct s2s_peer *p)
{
	struct server *srv = p->all->server;
	int64_t ms =
		p->quota ? quota_full_ms(p->quota, srv->clock->mono_ms) : 0;

	if (ms && !timer_is_set(&p->calm))
		loop_timer_set(srv->core, &p->calm, ms);
	return !ms;
}
