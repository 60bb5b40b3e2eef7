/* blocking.c - whom a user does not want to hear of (XEP-0191). */

#include "modules/blocking.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/presence.h"
#include "modules/roster.h"
#include "storage/blocklist.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blocking {    /* per host */
	int64_t max; /* option blocking-max */
};

struct blocked {
	struct map_node node;
	struct jid *jid; /* ref */
};

/* An event that goes on in fn when the list has been read; in its arena. */
struct waiter {
	struct waiter *next;
	struct event *ev;
	hook_fn *fn;
	void *data;
};

/* Of an account: all zero until the list is needed. Most lists are empty. */
struct blocklist {
	struct map jids; /* struct blocked.node; owned */
	struct waiter *waiters, *last_waiter;
	bool is_loaded, is_loading;
};

struct blocking_session {
	bool is_interested; /* has asked for the list: gets pushes */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "blocking-max", OPT_INT, offsetof(struct blocking, max),
	  .def = "1000", .min = 1, .max = 1000000,
	  .doc = "Addresses on the block list of one user." },
	{ 0 },
};

/* ---- lists ---- */

static struct blocked *
blocked_of(struct map_node *n)
{
	return container_of(n, struct blocked, node);
}

static bool
blocked_eq(const struct map_node *n, const void *text)
{
	const struct blocked *b =
		container_of((struct map_node *)n, struct blocked, node);

	return !strcmp(jid_str(b->jid), text);
}

static struct map_node *
find(const struct map *jids, const struct jid *jid)
{
	return map_find(jids, jid_hash(jid), blocked_eq, jid_str(jid));
}

/* Section 6: the address itself, the user behind a resource, the domain. */
static bool
matches(const struct map *jids, const struct jid *jid)
{
	if (!jids->n)
		return false;
	return find(jids, jid) ||
	       (!jid_is_bare(jid) && map_find(jids, jid_hash_bare(jid),
					      blocked_eq, jid_bare_str(jid))) ||
	       (!jid_is_domain(jid) && map_find(jids, jid_hash_domain(jid),
						blocked_eq, jid_domain(jid)));
}

static void
insert(struct map *jids, struct jid *jid)
{
	struct blocked *b;

	if (find(jids, jid))
		return;
	b = mem_zalloc(sizeof(*b));
	b->jid = jid_ref(jid);
	map_insert(jids, &b->node, jid_hash(jid));
}

static void
erase(struct map *jids, struct map_node *n)
{
	struct blocked *b = blocked_of(n);

	map_remove(jids, n);
	jid_unref(&b->jid);
	free(b);
}

static void
erase_all(struct map *jids)
{
	map_each (n, jids)
		erase(jids, n);
	map_fini(jids);
}

bool
blocking_is_used(struct account *a)
{
	const struct blocklist *list;

	if (!host_data(a->host, &slot))
		return false;
	list = account_data(a, &slot);
	return !list->is_loaded || list->jids.n;
}

/* ---- reading ---- */

static void
loaded(void *data, const struct blocklist_result *res)
{
	struct account *a = data;
	struct blocklist *list = account_data(a, &slot);
	struct waiter *w = list->waiters;
	bool ok = res->res.status == STORE_OK;

	for (size_t i = 0; ok && i < res->n_jids; i++) {
		struct jid *jid = jid_parse(res->jids[i]);

		if (jid)
			insert(&list->jids, jid);
		jid_unref(&jid);
	}
	list->is_loaded = ok;
	list->is_loading = false;
	list->waiters = list->last_waiter = NULL;
	while (w) {
		struct waiter *next = w->next;

		/* Afterwards the event may be over, and w with it. */
		if (ok)
			event_step(w->ev, w->fn, w->data);
		else
			event_fail(w->ev, COND_INTERNAL_SERVER_ERROR);
		w = next;
	}
	account_unref(&a);
}

static void
prefetch(struct account *a)
{
	struct blocklist *list = account_data(a, &slot);

	if (list->is_loaded || list->is_loading)
		return;
	list->is_loading = true;
	blocklist_load(a->host->store, jid_str(a->jid), loaded, account_ref(a));
}

/* With what others read now it is one way to the database; the first stanza
 * needs it. */
static enum verdict
on_bound(struct event *ev, void *data)
{
	(void)data;
	prefetch(ev->account);
	return PASS;
}

/* For a handler to end with: goes on in fn when the list of ev->account is
 * there. Without it nothing passes: the event fails. */
static enum verdict
then(struct event *ev, hook_fn *fn, void *data)
{
	struct blocklist *list = account_data(ev->account, &slot);
	struct waiter *w;

	if (list->is_loaded)
		return fn(ev, data);
	w = arena_zalloc(event_arena(ev), sizeof(*w));
	w->ev = ev;
	w->fn = fn;
	w->data = data;
	if (list->last_waiter)
		list->last_waiter->next = w;
	else
		list->waiters = w;
	list->last_waiter = w;
	prefetch(ev->account);
	return WAIT;
}

/* ---- what is stopped ---- */

/* Never blocked: the user's own resources, and the server itself. */
static bool
is_exempt(const struct account *a, const struct jid *jid)
{
	return jid_eq_bare(jid, a->jid) || jid_eq(jid, a->host->jid);
}

static bool
is_blocked(struct account *a, const struct jid *jid)
{
	const struct blocklist *list = account_data(a, &slot);

	return jid && list->jids.n && !is_exempt(a, jid) &&
	       matches(&list->jids, jid);
}

/* Section 3.3: what the user sends does not go out. */
static enum verdict
judge_outbound(struct event *ev, void *data)
{
	struct stanza *reply;
	struct xml *error;

	(void)data;
	if (!is_blocked(ev->account, ev->to))
		return PASS;
	reply = stanza_error(ev->stanza, COND_NOT_ACCEPTABLE, NULL);
	if (!reply)
		return DONE;
	error = xml_child(reply->root, "error", NULL);
	xml_set(reply->arena, error, "type", "cancel");
	xml_add(reply->arena, error, "blocked", NS_BLOCKING_ERRORS);
	return event_reply(ev, reply);
}

/* A presence to nobody in particular, too: its broadcast asks for the list and
 * cannot wait. */
static enum verdict
on_outbound(struct event *ev, void *data)
{
	if (ev->to && is_exempt(ev->account, ev->to))
		return PASS;
	return then(ev, judge_outbound, data);
}

/* Section 3.3: what is sent to the user gets the answer that it would get if
 * the user were offline, or none. */
static enum verdict
judge_inbound(struct event *ev, void *data)
{
	(void)data;
	if (!is_blocked(ev->account, ev->from))
		return PASS;
	/* A room would throw the user out for an error. */
	if (ev->stanza->kind == STANZA_PRESENCE ||
	    ev->stanza->type == TYPE_GROUPCHAT)
		return DONE;
	return event_fail(ev, COND_SERVICE_UNAVAILABLE);
}

static enum verdict
on_inbound(struct event *ev, void *data)
{
	if (is_exempt(ev->account, ev->from))
		return PASS;
	return then(ev, judge_inbound, data);
}

/* The list is there: what causes the presence has passed on_outbound or
 * on_inbound. */
static enum verdict
on_presence_to_contact(struct event *ev, void *data)
{
	(void)data;
	return is_blocked(ev->account, ev->to) ? DONE : PASS;
}

/* ---- what the request says ---- */

struct items {
	struct jid **jids;  /* held by the event's arena */
	const char **texts; /* of these */
	size_t n;	    /* 0: all */
};

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

/* out: zeroed */
static enum stanza_cond
read_items(struct event *ev, struct items *out)
{
	const struct xml *x = stanza_payload(ev->stanza);
	struct arena *a = event_arena(ev);

	out->jids = arena_alloc(a, x->n_kids * sizeof(*out->jids));
	out->texts = arena_alloc(a, x->n_kids * sizeof(*out->texts));
	xml_each (item, x) {
		const char *text = xml_get(item, "jid");
		struct jid *jid;

		if (!xml_is(item, "item", NS_BLOCKING) || !text)
			return COND_BAD_REQUEST;
		jid = jid_parse(text);
		if (!jid)
			return COND_JID_MALFORMED;
		arena_own(a, jid, drop_jid);
		out->jids[out->n] = jid;
		out->texts[out->n++] = jid_str(jid);
	}
	return COND_NONE;
}

/* ---- who sees the difference ---- */

/* Contacts that are entitled to the user's presence. */
struct viewers {
	struct jid **jids; /* owned array of refs */
	size_t n, cap;
};

static void
add_viewer(void *data, struct jid *contact, unsigned flags)
{
	struct viewers *v = data;

	if (!(flags & ROSTER_FROM))
		return;
	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 16;
		v->jids = mem_realloc(v->jids, v->cap * sizeof(*v->jids));
	}
	v->jids[v->n++] = jid_ref(contact);
}

/* Also one resource of a contact, where just that is blocked. */
static void
add_resource(struct viewers *v, struct account *a, struct jid *jid)
{
	struct jid *bare;

	if (jid_is_bare(jid) || !jid_local(jid))
		return;
	bare = jid_bare(jid);
	if (roster_contact_flags(a, bare) & ROSTER_FROM)
		add_viewer(v, jid, ROSTER_FROM);
	jid_unref(&bare);
}

static void
viewers_fini(struct viewers *v)
{
	for (size_t i = 0; i < v->n; i++)
		jid_unref(&v->jids[i]);
	free(v->jids);
}

static bool
is_among(const void *jids, const struct jid *jid)
{
	return matches(jids, jid);
}

static void
apply_block(struct account *a, const struct items *items)
{
	struct blocklist *list = account_data(a, &slot);
	struct viewers v = { 0 };
	struct map added = { 0 };

	for (size_t i = 0; i < items->n; i++) {
		struct jid *jid = items->jids[i];

		if (find(&list->jids, jid) || find(&added, jid))
			continue;
		insert(&added, jid);
		add_resource(&v, a, jid);
	}
	roster_each(a, add_viewer, &v);
	/* They see the user go, and then nothing any more. */
	for (size_t i = 0; i < v.n; i++) {
		if (matches(&added, v.jids[i]) && !is_exempt(a, v.jids[i]))
			roster_hide_presence(a, v.jids[i]);
	}
	presence_end_directed(a, is_among, &added);
	for (size_t i = 0; i < items->n; i++)
		insert(&list->jids, items->jids[i]);
	erase_all(&added);
	viewers_fini(&v);
}

/* n: in the list. */
static void
unblock(struct account *a, struct map_node *n, struct map *removed,
	struct viewers *v)
{
	struct blocklist *list = account_data(a, &slot);
	struct jid *jid = blocked_of(n)->jid;

	insert(removed, jid);
	add_resource(v, a, jid);
	erase(&list->jids, n);
}

static void
apply_unblock(struct account *a, const struct items *items)
{
	struct blocklist *list = account_data(a, &slot);
	struct map removed = { 0 };
	struct viewers v = { 0 };

	for (size_t i = 0; i < items->n; i++) {
		struct map_node *n = find(&list->jids, items->jids[i]);

		if (n)
			unblock(a, n, &removed, &v);
	}
	if (!items->n) {
		map_each (n, &list->jids)
			unblock(a, n, &removed, &v);
	}
	roster_each(a, add_viewer, &v);
	for (size_t i = 0; i < v.n; i++) {
		if (matches(&removed, v.jids[i]) && !is_exempt(a, v.jids[i]))
			roster_show_presence(a, v.jids[i]);
	}
	erase_all(&removed);
	viewers_fini(&v);
}

/* Section 3.3 to 3.5: to all resources that have asked for the list. */
static void
push(struct event *ev)
{
	const struct xml *payload = stanza_payload(ev->stanza);
	struct stanza *s;
	char id[24];

	snprintf(id, sizeof(id), "b%" PRIx64, ++ev->server->next_id);
	s = stanza_new(STANZA_IQ, TYPE_SET, NULL, NULL, id);
	xml_append(s->arena, s->root, payload);
	list_each (n, &ev->account->sessions) {
		struct session *to = session_of(n);
		const struct blocking_session *bs = session_data(to, &slot);

		if (bs->is_interested)
			session_send_to(to, s, to->jid);
	}
	stanza_unref(&s);
}

/* ---- requests ---- */

struct change {
	struct event *ev;
	struct items items;
	void (*apply)(struct account *a, const struct items *items);
};

static void
change_done(void *data, const struct store_result *res)
{
	const struct change *c = data;
	struct event *ev = c->ev;

	switch (res->status) {
	case STORE_OK:
	case STORE_NOT_FOUND:
		c->apply(ev->account, &c->items);
		push(ev);
		event_reply_empty(ev);
		return;
	case STORE_FULL:
		event_fail_text(ev, COND_POLICY_VIOLATION,
				"too many addresses on the block list");
		return;
	default:
		event_fail_store(ev, res);
	}
}

/* The block list and the roster are there. */
static enum verdict
change(struct event *ev, void *data)
{
	const struct blocking *blocking = host_data(ev->host, &slot);
	const char *owner = jid_str(ev->account->jid);
	struct change *c = data;

	if (c->apply == apply_block)
		blocklist_add(ev->host->store, owner, c->items.texts,
			      c->items.n, (size_t)blocking->max, change_done,
			      c);
	else
		blocklist_remove(ev->host->store, owner, c->items.texts,
				 c->items.n, change_done, c);
	return WAIT;
}

static enum verdict
change_with_roster(struct event *ev, void *data)
{
	return roster_then(ev, change, data);
}

static enum verdict
start_change(struct event *ev,
	     void (*apply)(struct account *a, const struct items *items))
{
	struct change *c = arena_zalloc(event_arena(ev), sizeof(*c));
	enum stanza_cond bad = read_items(ev, &c->items);

	if (!bad && apply == apply_block && !c->items.n)
		bad = COND_BAD_REQUEST;
	if (bad)
		return event_fail(ev, bad);
	c->ev = ev;
	c->apply = apply;
	return then(ev, change_with_roster, c);
}

static enum verdict
on_block(struct event *ev, void *data)
{
	(void)data;
	return start_change(ev, apply_block);
}

static enum verdict
on_unblock(struct event *ev, void *data)
{
	(void)data;
	return start_change(ev, apply_unblock);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum verdict
answer_list(struct event *ev, void *data)
{
	const struct blocklist *list = account_data(ev->account, &slot);
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "blocklist", NS_BLOCKING);
	const char **texts = arena_alloc(a, list->jids.n * sizeof(*texts));
	struct blocking_session *bs;
	size_t count = 0;

	(void)data;
	if (ev->session) {
		bs = session_data(ev->session, &slot);
		bs->is_interested = true;
	}
	map_each (n, &list->jids)
		texts[count++] = jid_str(blocked_of(n)->jid);
	if (count)
		qsort(texts, count, sizeof(*texts), by_text);
	for (size_t i = 0; i < count; i++)
		xml_set(a, xml_add(a, x, "item", NULL), "jid", texts[i]);
	return event_reply(ev, reply);
}

static enum verdict
on_list(struct event *ev, void *data)
{
	return then(ev, answer_list, data);
}

/* Whoever gets that name next begins with nothing. */
static enum verdict
on_deleted(struct event *ev, void *data)
{
	struct account *a = account_find(ev->server, ev->to);
	struct blocklist *list = a ? account_data(a, &slot) : NULL;

	(void)data;
	if (list)
		erase_all(&list->jids);
	return PASS;
}

static void
account_fini(struct account *a, void *data)
{
	struct blocklist *list = data;

	(void)a;
	erase_all(&list->jids);
}

const struct module mod_blocking = {
	.name = "blocking",
	.slot = &slot,
	.needs = (const char *const[]){ "presence", "roster", NULL },
	.features = (const char *const[]){ NS_BLOCKING, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_SESSION_BOUND, PHASE_DELIVER, on_bound },
			{ HOOK_MESSAGE_FROM_USER, PHASE_POLICY, on_outbound },
			{ HOOK_PRESENCE_FROM_USER, PHASE_POLICY, on_outbound },
			{ HOOK_IQ_FROM_USER, PHASE_POLICY, on_outbound },
			{ HOOK_MESSAGE_TO_USER, PHASE_POLICY, on_inbound },
			{ HOOK_PRESENCE_TO_USER, PHASE_POLICY, on_inbound },
			{ HOOK_IQ_TO_USER, PHASE_POLICY, on_inbound },
			{ HOOK_IQ_TO_ACCOUNT, PHASE_POLICY, on_inbound },
			{ HOOK_PRESENCE_TO_CONTACT, PHASE_POLICY,
			  on_presence_to_contact },
			{ HOOK_ACCOUNT_DELETED, PHASE_DELIVER, on_deleted },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_SELF, NS_BLOCKING, "blocklist", on_list },
			{ IQ_SET, TO_SELF, NS_BLOCKING, "block", on_block },
			{ IQ_SET, TO_SELF, NS_BLOCKING, "unblock", on_unblock },
			{ 0 },
		},
	.host_size = sizeof(struct blocking),
	.session_size = sizeof(struct blocking_session),
	.account_size = sizeof(struct blocklist),
	.account_fini = account_fini,
};
