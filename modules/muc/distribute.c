/* distribute.c - the I/O of a room's master with the servers that have a copy
 * of it. */

#include "modules/muc/distribute.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/host.h"
#include "core/iq_request.h"
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

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who enters does not wait any longer for what his server can do. */
#define ASK_MS 5000

/* What a domain has said counts for so long. */
#define YES_MS	  (24 * 3600 * 1000)
#define NO_MS	  (10 * 60 * 1000)
#define KNOWN_MAX 10000

/* Copies are told the position so often, if something has happened. */
#define POSITION_MS 30000

/* What has waited so long is shown with the time when it was said; nothing
 * waits for longer than this. */
#define LATE_MS	    5000
#define LATE_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Of one <slave/>. */
#define FOR_MAX 100

/* What is known of a domain. */
struct known {
	struct map_node node; /* in muc->known, by name */
	int64_t until_ms;     /* monotonic */
	bool has_copies;      /* it lists the feature */
	char domain[];
};

/* Somebody who is about to enter. */
struct joiner {
	struct list node; /* in asking->joiners */
	struct event *ev;
	hook_fn *fn;
};

/* ---- what domains can do ---- */

static bool
known_eq(const struct map_node *n, const void *domain)
{
	return !strcmp(
		container_of((struct map_node *)n, struct known, node)->domain,
		domain);
}

static struct known *
known_find(struct muc *muc, const struct jid *domain)
{
	struct map_node *n = map_find(&muc->known, jid_hash_domain(domain),
				      known_eq, jid_domain(domain));
	struct known *k = n ? container_of(n, struct known, node) : NULL;

	if (!k || k->until_ms > muc->host->server->clock->mono_ms)
		return k;
	map_remove(&muc->known, &k->node);
	free(k);
	return NULL;
}

static void
forget_all(struct muc *muc)
{
	map_each (n, &muc->known) {
		map_remove(&muc->known, n);
		free(container_of(n, struct known, node));
	}
}

static void
remember(struct muc *muc, const struct jid *domain, bool has_copies)
{
	struct known *k = known_find(muc, domain);
	size_t len = strlen(jid_domain(domain)) + 1;

	if (!k) {
		if (muc->known.n >= KNOWN_MAX)
			forget_all(muc);
		k = mem_zalloc(sizeof(*k) + len);
		memcpy(k->domain, jid_domain(domain), len);
		map_insert(&muc->known, &k->node, jid_hash_domain(domain));
	}
	k->has_copies = has_copies;
	k->until_ms = muc->host->server->clock->mono_ms +
		      (has_copies ? YES_MS : NO_MS);
}

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
static void
link_changed(void *owner, const struct peer *p, bool is_away)
{
	struct live *l = owner;

	if (is_away)
		ghosts_away(l->service->muc, p->domain);
	live_submit_own(owner, &(struct submission){ .type = SUBMIT_LINK,
						     .from = p->domain,
						     .is_away = is_away });
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
distribution_note(const struct live *l, const struct jid *domain,
		  const char *what)
{
	struct log_limit *limit = &l->service->muc->peers_log;
	const struct log_ring *log = &live_room(l)->log;

	if (!log_limit_allows(limit, l->host->server->clock->mono_ms))
		return;
	log_limit_tell(limit, &l->host->log);
	log_info(&l->host->log, "room %s: %s %s at %s %" PRIu64,
		 jid_str(l->jid), jid_domain(domain), what, log->epoch,
		 log->seq);
}

void
distribution_follow(struct live *l, const struct jid *domain,
		    const struct xml *x)
{
	struct distribution *d = distribution_take(l);
	struct peer *p = peers_find(&d->peers, domain);
	struct peers_at at = peers_at_of(x);

	distribution_note(l, domain,
			  !p			     ? "follows"
			  : p->state == PEER_FOLLOWS ? "has attached once more"
						     : "follows again");
	if (!p || p->state != PEER_FOLLOWS) {
		p = p ? p : peers_add(&d->peers, domain);
		p->since_ms = l->host->server->clock->mono_ms;
	}
	peers_follow(&d->peers, p, &at);
	distribution_arm(d);
}

void
distribution_arm(struct distribution *d)
{
	if (!timer_is_set(&d->timer))
		loop_timer_set(d->live->host->server->core, &d->timer,
			       POSITION_MS);
}

/* ---- asking ---- */

struct asking *
distribution_asking(const struct live *l, const struct jid *domain)
{
	if (!l->distribution)
		return NULL;
	list_each (n, &l->distribution->askings) {
		struct asking *a = container_of(n, struct asking, node);

		if (jid_eq_domain(a->domain, domain))
			return a;
	}
	return NULL;
}

static void
asking_free(struct asking *a)
{
	list_remove(&a->node);
	jid_unref(&a->room);
	jid_unref(&a->domain);
	free(a);
}

static void
let_enter(struct live *l, struct list *joiners)
{
	struct list *n;

	while ((n = list_pop(joiners))) {
		struct joiner *j = container_of(n, struct joiner, node);
		struct joiner own = *j;

		free(j);
		event_step(own.ev, own.fn, l);
	}
}

struct retry {
	struct asking *asking;
	hook_fn *fn;
};

static enum verdict
enter_again(struct event *ev, void *data)
{
	const struct retry *r = data;
	const struct asking *a = r->asking;

	return live_when_awake(live_take(a->service, a->room), ev, r->fn);
}

/* The room has gone meanwhile: they find what there is now. */
static void
try_again(struct asking *a, struct list *joiners)
{
	struct list *n;

	while ((n = list_pop(joiners))) {
		struct joiner *j = container_of(n, struct joiner, node);
		struct joiner own = *j;

		free(j);
		if (own.ev->server->is_stopping)
			event_fail(own.ev, COND_INTERNAL_SERVER_ERROR);
		else
			event_step(own.ev, enter_again,
				   &(struct retry){ a, own.fn });
	}
}

/* What the peerhost knows the join by: of its own, or one that it is told. */
static const char *
submit_of(struct event *ev)
{
	struct xml *x = stanza_child(ev->stanza, "submit", NS_DMUC);
	char id[SUBMIT_ID_LEN + 1];
	struct stanza *copy;

	if (x && xml_get(x, "id"))
		return xml_get(x, "id");
	copy = stanza_edit(ev->stanza);
	token_make(id, SUBMIT_ID_LEN);
	x = xml_add(copy->arena, copy->root, "submit", NS_DMUC);
	xml_set(copy->arena, x, "id", id);
	stanza_unref(&ev->stanza);
	ev->stanza = copy;
	return xml_get(x, "id");
}

/* One that was not reached, and gets the entries by a relay, does not know by
 * what id they have entered. */
static void
tell_below(struct live *l, const struct jid *domain)
{
	struct peer *p = distribution_peer(l, domain);

	if (p && p->via)
		peers_tell_own(&l->distribution->peers, p);
}

static void create(struct live *l, struct asking *a);

/* Where nobody waits yet, it is for who has asked to go on. */
static bool
is_at_once(struct asking *a)
{
	if (a->is_beginning) {
		remember(a->service->muc, a->domain, false);
		a->is_refused = true;
	}
	return a->is_beginning;
}

static void
on_created(void *data, const struct stanza *reply)
{
	struct asking *a = data;
	struct live *l = live_find(a->service, a->room);
	const struct xml *x = NULL;

	if (is_at_once(a))
		return;
	if (!l || !live_room(l)) {
		try_again(a, &a->asked);
		try_again(a, &a->joiners);
		asking_free(a);
		return;
	}
	live_use(l);
	if (reply && reply->type == TYPE_RESULT)
		x = stanza_child(reply, "slave", NS_DMUC);
	if (x && distribution_may_have(l, a->domain))
		distribution_follow(l, a->domain, x);
	else if (x)
		distribution_send_detach(l, a->domain, true);
	else if (!reply || stanza_error_cond(reply) != COND_ITEM_NOT_FOUND)
		remember(l->service->muc, a->domain, false);
	let_enter(l, &a->asked);
	if (!list_is_empty(&a->joiners) && x) {
		create(l, a);
	} else {
		let_enter(l, &a->joiners);
		tell_below(l, a->domain);
		asking_free(a);
	}
	live_release(l);
}

static void
create(struct live *l, struct asking *a)
{
	struct stanza *iq =
		stanza_new(STANZA_IQ, TYPE_SET, l->jid, a->domain, NULL);
	struct xml *x = xml_add(iq->arena, iq->root, "slave", NS_DMUC), *user;
	struct list *n;

	xml_set(iq->arena, x, "action", "create");
	for (int i = 0; i < FOR_MAX && (n = list_pop(&a->joiners)); i++) {
		struct joiner *j = container_of(n, struct joiner, node);

		user = xml_add(iq->arena, x, "for", NULL);
		xml_set(iq->arena, user, "submit", submit_of(j->ev));
		xml_set(iq->arena, user, "jid", jid_str(j->ev->from));
		list_append(&a->asked, &j->node);
	}
	iq_request(l->host->server, iq, ASK_MS, on_created, a);
}

static void
on_info(void *data, const struct stanza *reply)
{
	struct asking *a = data;
	struct live *l = live_find(a->service, a->room);
	const struct xml *query = NULL;
	bool has_copies = false;

	if (is_at_once(a))
		return;
	if (!l || !live_room(l)) {
		try_again(a, &a->joiners);
		asking_free(a);
		return;
	}
	if (reply && reply->type == TYPE_RESULT)
		query = stanza_child(reply, "query", NS_DISCO_INFO);
	if (query) {
		xml_each (kid, query) {
			const char *var = xml_get(kid, "var");

			has_copies |= xml_is(kid, "feature", NS_DISCO_INFO) &&
				      var && !strcmp(var, NS_DMUC);
		}
	}
	/* Without an answer nothing is known. */
	if (reply)
		remember(l->service->muc, a->domain, has_copies);
	if (has_copies) {
		create(l, a);
		return;
	}
	live_use(l);
	let_enter(l, &a->joiners);
	asking_free(a);
	live_release(l);
}

static void
ask_info(struct live *l, struct asking *a)
{
	struct stanza *iq = stanza_new(STANZA_IQ, TYPE_GET, l->service->jid,
				       a->domain, NULL);

	xml_add(iq->arena, iq->root, "query", NS_DISCO_INFO);
	iq_request(l->host->server, iq, ASK_MS, on_info, a);
}

static struct asking *
asking_new(struct live *l, const struct jid *user)
{
	struct asking *a = mem_zalloc(sizeof(*a));

	a->service = l->service;
	a->room = jid_ref(l->jid);
	a->domain = jid_make(NULL, jid_domain(user), NULL);
	list_init(&a->joiners);
	list_init(&a->asked);
	list_append(&distribution_take(l)->askings, &a->node);
	return a;
}

/* False: it has been refused already. */
static bool
begin(struct live *l, struct asking *a, const struct known *k)
{
	a->is_beginning = true;
	if (k)
		create(l, a);
	else
		ask_info(l, a);
	a->is_beginning = false;
	return !a->is_refused;
}

static enum verdict
wait(struct live *l, struct event *ev, hook_fn *fn, const struct known *k)
{
	struct asking *a = distribution_asking(l, ev->from);
	struct joiner *j = mem_zalloc(sizeof(*j));
	bool is_new = !a;

	if (is_new)
		a = asking_new(l, ev->from);
	j->ev = ev;
	j->fn = fn;
	list_append(&a->joiners, &j->node);
	if (!is_new || begin(l, a, k))
		return WAIT;
	list_remove(&j->node);
	free(j);
	asking_free(a);
	return fn(ev, l);
}

static bool
is_of_other_server(const struct event *ev)
{
	return !ev->session && !host_of(ev->server, ev->from) &&
	       !route_has_service(ev->server, jid_domain(ev->from));
}

/* After a split; also by a copy that we have forgotten. */
bool
distribute_is_return(const struct stanza *s)
{
	const struct xml *x = stanza_child(s, "submit", NS_DMUC);

	return x && xml_get(x, "return");
}

/* Nobody's server is asked for who may not enter. */
static bool
would_enter(struct live *l, struct event *ev)
{
	struct ruling ruling = { 0 };
	const struct distribution *d = l->distribution;
	struct submission sub = {
		.type = SUBMIT_STANZA,
		.from = ev->from,
		.stanza = ev->stanza,
		.now_ms = ev->server->clock->wall_ms,
		.is_return = distribute_is_return(ev->stanza),
		.is_put_out = d && peers_was_put_out(&d->peers, ev->from),
	};
	bool would;

	rules_judge(live_room(l), &l->service->muc->env, &sub, &ruling);
	would = !ruling.cond && ruling.n;
	ruling_fini(&ruling);
	return would;
}

enum verdict
distribute_before_join(struct live *l, struct event *ev, hook_fn *fn)
{
	struct muc *muc = l->service->muc;
	struct peer *p = distribution_peer(l, ev->from);
	const struct known *k;

	if (l->state != LIVE_AWAKE || live_room(l)->is_unmade ||
	    !is_of_other_server(ev) || !distribution_may_have(l, ev->from))
		return fn(ev, l);
	if (p && p->state == PEER_FOLLOWS &&
	    stanza_child(ev->stanza, "submit", NS_DMUC))
		return fn(ev, l);
	k = known_find(muc, ev->from);
	if ((k && !k->has_copies) || !would_enter(l, ev))
		return fn(ev, l);
	return wait(l, ev, fn, k);
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
	const char *id = x ? xml_get(x, "id") : NULL, *after;
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
	after = xml_get(x, "after");
	/* What the user has sent before is not here: both come again. */
	if (after && !peers_has_seen(p, after) && !peers_has_seen(p, id))
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
			live_release(l);
		}
	}
}

static void
lose(struct live *l, struct peer *p)
{
	if (p->state == PEER_FOLLOWS && !p->via) {
		distribution_note(l, p->domain, "is lost");
		p->since_ms = l->host->server->clock->mono_ms;
	}
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

void
distribute_found(struct muc *muc, const struct jid *domain)
{
	each_peer(muc, domain, find);
}

void
distribute_stop(struct muc *muc)
{
	forget_all(muc);
	map_fini(&muc->known);
}
