/* distribute_ask.c - who enters may have a server that can have a copy: it is
 * asked, before he is in. */

#include "modules/muc/distribute.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/router.h"
#include "core/server.h"
#include "modules/muc/distribute_private.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/private.h"
#include "modules/muc/slave.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Who enters does not wait any longer for what his server can do. */
#define ASK_MS 5000

/* What a domain has said counts for so long. */
#define YES_MS	  (24 * 3600 * 1000)
#define NO_MS	  (10 * 60 * 1000)
#define KNOWN_MAX 10000

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
	if (!x)
		distribution_note(l, a->domain,
				  reply ? "has refused to have a copy"
					: "does not say whether it has a copy");
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
	distribution_note(l, a->domain, "is asked to have a copy");
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
	distribution_note(l, a->domain,
			  reply ? "cannot have a copy"
				: "does not say whether it can have a copy");
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
	distribution_note(l, a->domain, "cannot be asked to have a copy");
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

void
distribute_stop(struct muc *muc)
{
	forget_all(muc);
	map_fini(&muc->known);
}
