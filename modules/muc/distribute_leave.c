/* distribute_leave.c - which servers may have a copy of a room, and how one has
 * none any more; and what is seen of them. */

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/remote.h"
#include "core/server.h"
#include "modules/muc/administration.h"
#include "modules/muc/distribute.h"
#include "modules/muc/distribute_private.h"
#include "modules/muc/private.h"
#include "modules/muc/tree.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* So long a domain that was drained is not asked again for that room. */
#define BARRED_MS (60 * 60 * 1000)

/* A copy without users ends when it was seen so often; or, where there is no
 * way to it, after so long. */
#define IDLE_LOOKS 2
#define LOST_MS	   (24 * 60 * 60 * 1000)

struct barred {
	struct list node;   /* in distribution->barred */
	struct jid *domain; /* ref */
	int64_t until_ms;   /* monotonic */
};

/* ---- who may have a copy ---- */

static struct barred *
barred_of(struct list *n)
{
	return container_of(n, struct barred, node);
}

static void
barred_free(struct barred *b)
{
	list_remove(&b->node);
	jid_unref(&b->domain);
	free(b);
}

void
distribution_bar(struct live *l, const struct jid *domain)
{
	struct barred *b = mem_zalloc(sizeof(*b));

	b->domain = jid_make(NULL, jid_domain(domain), NULL);
	b->until_ms = l->host->server->clock->mono_ms + BARRED_MS;
	list_append(&distribution_take(l)->barred, &b->node);
}

static bool
is_barred(const struct live *l, const struct jid *domain)
{
	if (!l->distribution)
		return false;
	list_each_safe (n, &l->distribution->barred) {
		struct barred *b = barred_of(n);

		if (b->until_ms <= l->host->server->clock->mono_ms)
			barred_free(b);
		else if (jid_eq_domain(b->domain, domain))
			return true;
	}
	return false;
}

static bool
host_allows(const struct muc *muc, const struct jid *domain)
{
	struct remote_policy policy;

	remote_policy_of(muc->host->server, jid_domain(domain), &policy);
	if (policy.is_blocked || muc->distribute != DISTRIBUTE_LISTED)
		return !policy.is_blocked && muc->distribute == DISTRIBUTE_YES;
	for (size_t i = 0; i < muc->distribute_to.n; i++) {
		if (!strcmp(muc->distribute_to.items[i], jid_domain(domain)))
			return true;
	}
	return false;
}

bool
distribution_may_have(const struct live *l, const struct jid *domain)
{
	return host_allows(l->service->muc, domain) &&
	       muc_config_allows_copy(&live_room(l)->config,
				      jid_domain(domain)) &&
	       !is_barred(l, domain);
}

/* ---- no copy any more ---- */

/* The ways to them are watched by us again, from now on. */
static void
mark_seen(struct live *l, const struct jid *domain)
{
	list_each (n, &live_room(l)->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			struct room_session *s = room_session_of(k);

			if (jid_eq_domain(s->jid, domain))
				ghosts_seen(l, s);
		}
	}
}

void
distribution_drain(struct live *l, struct peer *p)
{
	struct jid *domain = jid_ref(p->domain);
	bool is_out_of_reach = p->is_cut && p->via;

	distribution_note(l, p->domain, "is detached, its users stay,");
	/* One that is lost is told when it attaches, behind what it has
	 * missed. */
	if (p->state == PEER_FOLLOWS)
		peers_detach(&l->distribution->peers, p, true);
	mark_seen(l, p->domain);
	peers_remove(&l->distribution->peers, p);
	/* By the relay they were here; we do not reach them. */
	if (is_out_of_reach)
		distribution_link(l, domain, true);
	jid_unref(&domain);
}

void
distribution_drain_unwanted(struct live *l)
{
	list_each_safe (n, &l->distribution->peers.all) {
		struct peer *p = container_of(n, struct peer, node);

		if (!distribution_may_have(l, p->domain))
			distribution_drain(l, p);
	}
}

static bool
is_long_lost(const struct live *l, const struct peer *p)
{
	return p->state == PEER_LOST &&
	       l->host->server->clock->mono_ms - p->since_ms >= LOST_MS;
}

void
distribution_drop_deserted(struct live *l)
{
	list_each_safe (n, &l->distribution->peers.all) {
		struct peer *p = container_of(n, struct peer, node);

		if (p->n_sessions || (p->state != PEER_FOLLOWS &&
				      !p->is_deserted && !is_long_lost(l, p))) {
			p->n_idle = 0;
			continue;
		}
		if (!is_long_lost(l, p) && ++p->n_idle < IDLE_LOOKS)
			continue;
		distribution_note(l, p->domain,
				  "is forgotten, it has no users in it,");
		if (p->state == PEER_FOLLOWS)
			peers_detach(&l->distribution->peers, p, false);
		peers_remove(&l->distribution->peers, p);
	}
}

void
distribution_forget_barred(struct distribution *d)
{
	list_each_safe (n, &d->barred)
		barred_free(barred_of(n));
}

void
distribute_reloaded(struct muc *muc)
{
	list_each (n, &muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		map_each (k, &s->rooms) {
			struct live *l = container_of(k, struct live, node);

			if (!l->distribution)
				continue;
			/* Limits, which the room says of itself. */
			l->distribution->has_changed = true;
			distribution_drain_unwanted(l);
			distribution_set_relays(l);
		}
	}
}

/* ---- relays ---- */

static void
add_relay(struct relays *r, const char *text, size_t len)
{
	char *copy = mem_strndup(text, len);
	struct jid *jid = jid_parse(copy);

	free(copy);
	for (size_t i = 0; jid && i < r->n; i++) {
		if (!strcmp(r->all[i], jid_domain(jid)))
			jid_unref(&jid);
	}
	if (!jid)
		return;
	r->all = mem_realloc(r->all, (r->n + 1) * sizeof(char *));
	r->all[r->n++] = mem_strdup(jid_domain(jid));
	jid_unref(&jid);
}

static struct relays
find_relays(const struct live *l)
{
	const struct option_list *hosts = &l->service->muc->relays;
	const char *line = live_room(l)->config.relays;
	struct relays r = { NULL, 0 };

	for (size_t i = 0; i < hosts->n; i++)
		add_relay(&r, hosts->items[i], strlen(hosts->items[i]));
	while (l->service->muc->owners_relay && line && *line) {
		size_t len = strcspn(line, "\n");

		add_relay(&r, line, len);
		line += len + (line[len] == '\n');
	}
	return r;
}

static void
relays_fini(struct relays *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->all[i]);
	free(r->all);
	*r = (struct relays){ NULL, 0 };
}

static bool
relays_eq(const struct relays *a, const struct relays *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++) {
		if (strcmp(a->all[i], b->all[i]) != 0)
			return false;
	}
	return a->n == b->n;
}

void
distribution_set_relays(struct live *l)
{
	struct distribution *d = l->distribution;
	struct relays now = find_relays(l), old = d->relays;
	size_t fanout = (size_t)l->service->muc->fanout;

	if (relays_eq(&now, &old) && fanout == d->peers.fanout) {
		relays_fini(&now);
		return;
	}
	d->relays = now;
	tree_set_relays(&d->peers, (const char *const *)now.all, now.n, fanout);
	relays_fini(&old);
	distribution_note_changes(l);
}

void
distribution_forget_relays(struct distribution *d)
{
	relays_fini(&d->relays);
}

/* ---- for who runs the server ---- */

bool
distribute_drain(struct live *l, const struct jid *domain)
{
	struct peer *p = distribution_peer(l, domain);

	if (!p && !distribution_asking(l, domain))
		return false;
	distribution_bar(l, domain);
	if (p)
		distribution_drain(l, p);
	return true;
}

static struct muc_peer
describe(const struct live *l, const struct peer *p)
{
	const struct clock *clock = l->host->server->clock;

	return (struct muc_peer){
		.domain = jid_domain(p->domain),
		.state = peer_state_name(p->state),
		.via = p->via ? jid_domain(p->via->domain) : NULL,
		.is_lost = p->state == PEER_LOST,
		.since_s = (clock->mono_ms - p->since_ms) / 1000,
		.acked = p->acked,
		.n_behind = live_room(l)->log.seq - p->acked,
		.n_sessions = p->n_sessions,
		.n_stanzas = p->traffic.n_stanzas,
		.n_bytes = p->traffic.n_bytes,
		.n_instead_of = p->traffic.n_instead_of,
		.n_bytes_instead_of = p->traffic.n_bytes_instead_of,
	};
}

void
distribute_show(const struct live *l, struct arena *a, struct muc_shown *out)
{
	const struct distribution *d = l->distribution;
	struct muc_peer *peers;
	size_t n = 0;

	if (!d)
		return;
	list_each (k, &d->askings)
		n++;
	peers = arena_zalloc(a, (d->peers.n + n + 1) * sizeof(*peers));
	out->peers = peers;
	list_each (k, &d->peers.all)
		peers[out->n_peers++] =
			describe(l, container_of(k, struct peer, node));
	list_each (k, &d->askings)
		peers[out->n_peers++] = (struct muc_peer){
			.domain = jid_domain(
				container_of(k, struct asking, node)->domain),
			.state = peer_state_name(PEER_ASKED),
		};
}

void
distribute_count(const struct live *l, struct muc_totals *out)
{
	const struct distribution *d = l->distribution;

	if (!d || !d->peers.n)
		return;
	out->n_distributed++;
	out->n_peers += d->peers.n;
	list_each (n, &d->peers.all)
		out->n_lost +=
			container_of(n, struct peer, node)->state == PEER_LOST;
}
