/* distribute.c - the I/O of a room's master with the servers that have a copy
 * of it. */

#include "modules/muc/distribute.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "modules/muc/distribute_private.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/private.h"
#include "modules/muc/slave.h"
#include "modules/muc/tree.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <stdlib.h>
#include <string.h>

/* Copies are told the position so often, if something has happened. */
#define POSITION_MS 30000

/* What has waited so long is shown with the time when it was said; nothing
 * waits for longer than this. */
#define LATE_MS	    5000
#define LATE_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

/* ---- sending ---- */

static void
send_to_peer(void *owner, const struct peer *p, const char *xml, size_t len)
{
	struct live *l = owner;
	struct server *srv = l->host->server;
	struct arena *a = arena_new();
	struct buf b = { 0 };
	struct stanza *s;

	buf_adds(&b, "<message xmlns='" NS_CLIENT "'>");
	buf_add(&b, xml, len);
	buf_adds(&b, "</message>");
	s = stanza_from_xml(a, xml_from_text(srv->pool, a, b.data, b.len),
			    NS_CLIENT);
	buf_fini(&b);
	stanza_set_from(s, l->jid);
	stanza_set_to(s, p->domain);
	route(srv, s);
}

/* From now on: the way itself may have been lost for long. */
void
distribution_link(struct live *l, struct jid *domain, bool is_away)
{
	if (is_away)
		ghosts_away(l->service->muc, domain);
	live_submit_own(l, &(struct submission){ .type = SUBMIT_LINK,
						 .from = domain,
						 .is_away = is_away });
}

static void
link_changed(void *owner, const struct peer *p, bool is_away)
{
	distribution_link(owner, p->domain, is_away);
}

static const struct peers_class peers_class = {
	.send = send_to_peer,
	.link = link_changed,
};

static void
on_timer(struct timer *t)
{
	struct distribution *d = container_of(t, struct distribution, timer);

	if (d->has_changed)
		peers_tell_position(&d->peers);
	d->has_changed = false;
	distribution_drop_deserted(d->live);
	tree_tick(&d->peers);
	distribution_note_changes(d->live);
	if (d->peers.n)
		loop_timer_set(d->live->host->server->core, t, POSITION_MS);
}

struct distribution *
distribution_take(struct live *l)
{
	struct distribution *d = l->distribution;

	if (d)
		return d;
	d = l->distribution = mem_zalloc(sizeof(*d));
	d->live = l;
	d->timer.fn = on_timer;
	list_init(&d->askings);
	list_init(&d->barred);
	peers_init(&d->peers, live_room(l), &l->service->muc->env, &peers_class,
		   l);
	d->peers.total = &l->service->muc->traffic;
	d->peers.n_sealed = (uint64_t)l->host->server->clock->wall_ms;
	distribution_set_relays(l);
	return d;
}

struct peer *
distribution_peer(const struct live *l, const struct jid *domain)
{
	return l->distribution ? peers_find(&l->distribution->peers, domain)
			       : NULL;
}

void
distribution_send_detach(struct live *l, struct jid *domain, bool users_stay)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, l->jid, domain, NULL);
	struct xml *x;

	x = xml_add(s->arena, s->root, "detach", NS_DMUC);
	if (users_stay)
		xml_set(s->arena, x, "users", "stay");
	route(l->host->server, s);
}

void
distribution_follow(struct live *l, const struct jid *domain,
		    const struct xml *x)
{
	struct distribution *d = distribution_take(l);
	struct peer *p = peers_find(&d->peers, domain);
	struct peers_at at = peers_at_of(x);

	if (p && p->state == PEER_FOLLOWS && !p->via)
		distribution_note(l, domain, "has attached once more");
	p = p ? p : peers_add(&d->peers, domain);
	peers_follow(&d->peers, p, &at);
	distribution_note_changes(l);
	distribution_arm(d);
}

void
distribution_arm(struct distribution *d)
{
	if (!timer_is_set(&d->timer))
		loop_timer_set(d->live->host->server->core, &d->timer,
			       POSITION_MS);
}

/* ---- submissions and entries ---- */

/* When it was said, if that is some time ago. */
static int64_t
said_at(const struct live *l, const struct xml *submit)
{
	const char *stamp = xml_get(submit, "stamp");
	int64_t now_ms = l->host->server->clock->wall_ms, ms;

	if (!stamp || clock_parse_stamp(stamp, &ms) < 0)
		return 0;
	return ms < now_ms - LATE_MS && ms > now_ms - LATE_MAX_MS ? ms : 0;
}

/* Nothing gets there but by a relay. */
static bool
is_behind(const struct peer *p)
{
	return p->is_cut && p->via;
}

/* The answer to the first one may be lost. */
static void
answer_again(struct live *l, struct peer *p, const struct submission *sub,
	     const char *id)
{
	struct stanza *error = NULL;
	enum stanza_cond cond;

	if (!peers_outcome(p, id, &cond))
		return;
	if (cond && is_behind(p)) {
		peers_refused(&l->distribution->peers, p, id, cond);
		return;
	}
	if (cond)
		error = stanza_error(sub->stanza, cond, NULL);
	if (error)
		route(l->host->server, error);
	else
		peers_settled(&l->distribution->peers, p, id);
}

bool
distribute_submitted(struct live *l, struct submission *sub)
{
	const struct xml *x = stanza_child(sub->stanza, "submit", NS_DMUC);
	const char *id = x ? xml_get(x, "id") : NULL;
	struct peer *p = id ? distribution_peer(l, sub->from) : NULL;

	/* A copy that we have forgotten: it submits that again once it has
	 * attached, and it must not be there twice then, nor be refused where
	 * it was there before. Only entering goes without a copy, too; and one
	 * that is to be none does not attach. */
	if (id && !p && l->state == LIVE_AWAKE &&
	    distribution_may_have(l, sub->from) &&
	    (room_session(live_room(l), sub->from) ||
	     !stanza_child(sub->stanza, "x", NS_MUC))) {
		struct jid *domain =
			jid_make(NULL, jid_domain(sub->from), NULL);

		peers_tell_stranger(&distribution_take(l)->peers, domain);
		jid_unref(&domain);
		return false;
	}
	sub->is_return = distribute_is_return(sub->stanza);
	sub->is_put_out = sub->is_return && l->distribution &&
			  peers_was_put_out(&l->distribution->peers, sub->from);
	if (!p || strlen(id) > SUBMIT_ID_LEN)
		return true;
	if (!peers_may_take(&l->distribution->peers, p, x))
		return false;
	if (!peers_is_new(p, id)) {
		answer_again(l, p, sub, id);
		return false;
	}
	sub->submit = id;
	sub->said_ms = said_at(l, x);
	return true;
}

bool
distribute_done(struct live *l, const struct submission *sub,
		const struct ruling *ruling)
{
	struct peer *p = sub->submit ? distribution_peer(l, sub->from) : NULL;

	if (!p)
		return false;
	peers_done(p, sub->submit, ruling->cond);
	if (ruling->cond && is_behind(p)) {
		peers_refused(&l->distribution->peers, p, sub->submit,
			      ruling->cond);
		return true;
	}
	if (!ruling->cond && !ruling->n)
		peers_settled(&l->distribution->peers, p, sub->submit);
	return false;
}

void
distribute_applied(struct live *l, const struct room_change *c)
{
	struct distribution *d = l->distribution;

	/* A copy that is not known any more may bring him back. */
	if (!d && l->n_foreign && c->entry->type == ENTRY_LEAVE &&
	    c->entry->code)
		d = distribution_take(l);
	if (!d)
		return;
	/* Who has no copy any more is shown the change by us. */
	if (c->entry->type == ENTRY_CONFIG) {
		distribution_drain_unwanted(l);
		distribution_set_relays(l);
	}
	d->has_changed |= d->peers.n > 0;
	peers_applied(&d->peers, c);
	distribution_note_changes(l);
}

void
distribute_free(struct live *l)
{
	struct distribution *d = l->distribution;

	if (!d)
		return;
	l->distribution = NULL;
	/* Requests that are under way find out that the room is gone. */
	list_each_safe (n, &d->askings)
		list_remove(n);
	distribution_forget_barred(d);
	distribution_forget_relays(d);
	loop_timer_clear(l->host->server->core, &d->timer);
	peers_fini(&d->peers);
	free(d);
}

/* ---- ways ---- */

static void
each_peer(struct muc *muc, const struct jid *domain,
	  void (*fn)(struct live *l, struct peer *p))
{
	list_each (n, &muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		map_each (k, &s->rooms) {
			struct live *l = container_of(k, struct live, node);
			struct peer *p = distribution_peer(l, domain);

			if (!p)
				continue;
			live_use(l);
			fn(l, p);
			distribution_note_changes(l);
			live_release(l);
		}
	}
}

static void
lose(struct live *l, struct peer *p)
{
	peers_lost(&l->distribution->peers, p);
}

void
distribute_lost(struct muc *muc, const struct jid *domain)
{
	each_peer(muc, domain, lose);
}

static void
find(struct live *l, struct peer *p)
{
	peers_found(&l->distribution->peers, p);
}

static void
note_broken(struct live *l, struct peer *p)
{
	peers_broken(&l->distribution->peers, p);
}

void
distribute_broken(struct muc *muc, const struct jid *domain)
{
	each_peer(muc, domain, note_broken);
}

bool
distribute_is_reached(const struct live *l, const struct jid *domain)
{
	const struct peer *p = distribution_peer(l, domain);

	return p && p->via;
}

bool
distribute_has_relays(const struct live *l, const struct jid *domain)
{
	return distribution_peer(l, domain) && l->distribution->relays.n;
}

void
distribute_found(struct muc *muc, const struct jid *domain)
{
	each_peer(muc, domain, find);
}
