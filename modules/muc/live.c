/* live.c - rooms that are awake: loaded when somebody needs them, saved as they
 * change, and gone from memory when nobody is in them. */

#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "modules/muc/distribute.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/restore.h"
#include "net/loop.h"
#include "storage/archive.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* How long the presence of occupants is kept as it was written for the last who
 * entered. */
#define SHOWN_TIME_MS 5000

/* What it takes to apply an entry, and to tell a thousand sessions. */
#define APPLY_US	 10
#define TELL_THOUSAND_US 300
/* For so many turns a room goes on before what it has sent is written. Then a
 * write takes much of it at once. */
#define TURNS_MAX 32

struct live_waiter {
	struct list node; /* in live->waiting */
	struct event *ev; /* for fn; or … */
	hook_fn *fn;
	live_fn *then; /* … without one, for whom data is */
	void *data;
};

static bool
live_eq(const struct map_node *n, const void *jid)
{
	return jid_eq_bare(
		container_of((struct map_node *)n, struct live, node)->jid,
		jid);
}

static void
detach_one(struct live *l, struct room_session *s)
{
	if (s->owner)
		fanout_detach(s);
	else
		ghosts_unwatch(l);
}

static void
live_free(struct live *l)
{
	map_remove(&l->service->rooms, &l->node);
	loop_timer_clear(l->host->server->core, &l->timer);
	loop_timer_clear(l->host->server->core, &l->shown_timer);
	loop_cancel_turn_end(&l->go_on);
	if (live_room(l)) {
		list_each (n, &live_room(l)->occupants) {
			list_each (k, &occupant_of(n)->sessions)
				detach_one(l, room_session_of(k));
		}
		distribute_free(l);
		master_fini(&l->master);
	}
	jid_unref(&l->jid);
	free(l);
}

void
live_use(struct live *l)
{
	l->n_used++;
}

/* Nobody is in it and nothing is under way. */
static bool
is_idle(const struct live *l)
{
	return l->state == LIVE_AWAKE && room_is_empty(live_room(l)) &&
	       master_is_idle(&l->master);
}

static void
delete_row(struct live *l)
{
	if (l->is_stored)
		rooms_delete(l->host->store, jid_str(l->jid), NULL, NULL);
}

void
live_release(struct live *l)
{
	struct room *r = live_room(l);

	if (--l->n_used || l->n_storing || l->state == LIVE_LOADING)
		return;
	if (l->state == LIVE_NONE) {
		live_free(l);
		return;
	}
	if (r->is_destroyed && master_is_idle(&l->master)) {
		live_free(l);
		return;
	}
	if (!is_idle(l))
		return;
	if (!r->config.is_persistent || r->is_unmade) {
		/* XEP-0045 4.2: it ends with its last occupant. */
		delete_row(l);
		live_free(l);
		return;
	}
	if (!timer_is_set(&l->timer))
		loop_timer_set(l->host->server->core, &l->timer,
			       l->service->muc->sleep_time);
}

/* ---- entries ---- */

static void
attach(struct live *l, const struct room_change *c)
{
	if (c->entry->type != ENTRY_JOIN || c->is_again)
		return;
	fanout_attach(l->host->server, c->session);
	if (!c->session->owner)
		ghosts_watch(l, c->session);
}

static void
detach(struct live *l, const struct room_change *c)
{
	if (c->entry->type != ENTRY_LEAVE)
		return;
	if (!c->is_last) {
		detach_one(l, c->session);
		return;
	}
	list_each (n, &c->occupant->sessions)
		detach_one(l, room_session_of(n));
}

/* ---- a turn has an end ---- */

static int
cost_us(const struct live *l, const struct submission *sub)
{
	int us = APPLY_US +
		 (int)(live_room(l)->sessions.n * TELL_THOUSAND_US / 1000);

	/* To enter is to see and be seen. */
	return sub->stanza->kind == STANZA_PRESENCE ? 2 * us : us;
}

/* Whoever else waits for this thread gets in between. */
static bool
may_apply(void *owner, const struct submission *sub)
{
	struct live *l = owner;
	struct loop *core = l->host->server->core;

	if (l->go_on.node.next)
		return false;
	if (loop_spend(core, cost_us(l, sub)))
		return true;
	if (++l->n_turns % TURNS_MAX)
		loop_at_next_later_end(core, &l->go_on);
	else
		loop_at_later_end(core, &l->go_on);
	return false;
}

static void
on_go_on(struct turn_end *e)
{
	struct live *l = container_of(e, struct live, go_on);

	live_use(l);
	master_go_on(&l->master);
	if (!e->node.next)
		l->n_turns = 0;
	live_release(l);
}

/* Nobody has entered for a while, or many will be served by what is written
 * again. */
static void
on_shown_timer(struct timer *t)
{
	fanout_drop_shown(live_room(container_of(t, struct live, shown_timer)));
}

static void
on_applied(void *owner, const struct room_change *c)
{
	struct live *l = owner;
	struct fanout_history past = { -1, -1, 0 };

	attach(l, c);
	distribute_applied(l, c);
	live_store_occupant(l, c);
	/* It is configured now; from here on the timer is for its sleep. */
	if (c->entry->type == ENTRY_CONFIG)
		loop_timer_clear(l->host->server->core, &l->timer);
	if (c->entry->type == ENTRY_JOIN)
		past = fanout_read_history(l->master.now->stanza,
					   l->host->server->clock->wall_ms,
					   l->service->muc->archive_age);
	fanout_show(l->host->server, live_room(l), c, &past);
	detach(l, c);
	if (c->entry->type == ENTRY_JOIN && !timer_is_set(&l->shown_timer))
		loop_timer_set(l->host->server->core, &l->shown_timer,
			       SHOWN_TIME_MS);
}

enum verdict
live_refuse(struct live *l, struct event *ev, enum stanza_cond cond,
	    const char *text)
{
	struct stanza *reply = stanza_error(ev->stanza, cond, text);
	struct xml *error;

	if (!reply)
		return ev->is_waiting ? (event_resume(ev, DONE), DONE) : DONE;
	error = xml_child(reply->root, "error", NS_CLIENT);
	xml_set(reply->arena, error, "by", jid_str(l->jid));
	return event_reply(ev, reply);
}

static void
refuse(struct live *l, struct event *ev, const struct ruling *ruling)
{
	struct stanza *reply =
		stanza_error(ev->stanza, ruling->cond, ruling->text);
	struct xml *error;

	if (!reply) {
		if (ev->is_waiting)
			event_resume(ev, DONE);
		return;
	}
	error = xml_child(reply->root, "error", NS_CLIENT);
	xml_set(reply->arena, error, "by", jid_str(l->jid));
	if (ruling->type)
		xml_set(reply->arena, error, "type", ruling->type);
	event_reply(ev, reply);
}

enum verdict
live_out_of_step(struct event *ev)
{
	static const char *const codes[] = { "110", "307", "333" };
	struct stanza *s = stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, ev->to,
				      ev->from, NULL);
	struct xml *x = xml_add(s->arena, s->root, "x", NS_MUC_USER);
	struct xml *item = xml_add(s->arena, x, "item", NULL);

	xml_set(s->arena, item, "affiliation", "none");
	xml_set(s->arena, item, "role", "none");
	xml_add_text(s->arena, item, "reason", NULL,
		     "You are not in the room.");
	for (size_t i = 0; i < N_ELEMENTS(codes); i++)
		xml_set(s->arena, xml_add(s->arena, x, "status", NULL), "code",
			codes[i]);
	return event_reply(ev, s);
}

static void
send_mail(struct live *l, const struct submission *sub,
	  const struct ruling *ruling)
{
	for (size_t i = 0; i < ruling->n_mail; i++) {
		struct stanza *mail = stanza_ref(ruling->mail[i]);

		invite_sent(l->service, sub->from, mail);
		route(l->host->server, mail);
	}
}

static void
on_done(void *owner, void *ticket, const struct submission *sub,
	const struct ruling *ruling)
{
	struct live *l = owner;
	struct event *ev = ticket;
	bool is_told;

	if (!ruling->cond)
		send_mail(l, sub, ruling);
	else if (sub->is_creation)
		/* It has not come to be; for who waits for it neither. */
		live_room(l)->is_destroyed = true;
	if (sub->told)
		sub->told(sub->told_data, ruling->cond);
	is_told = distribute_done(l, sub, ruling);
	if (!ev)
		return;
	if (l->current == ev)
		l->current = NULL;
	if (is_told && ev->is_waiting)
		event_resume(ev, DONE);
	else if (is_told)
		return;
	else if (ruling->cond)
		refuse(l, ev, ruling);
	else if (ruling->is_out_of_step)
		live_out_of_step(ev);
	else if (ev->stanza->kind == STANZA_IQ)
		event_reply_empty(ev);
	else if (ev->is_waiting)
		event_resume(ev, DONE);
}

static const struct master_class master_class = {
	.store = live_store,
	.may_apply = may_apply,
	.applied = on_applied,
	.done = on_done,
};

enum verdict
live_submit(struct live *l, struct event *ev, struct submission *sub)
{
	struct event *before = l->current;
	enum verdict v;

	sub->from = ev->from;
	sub->now_ms = ev->server->clock->wall_ms;
	sub->is_service_admin = live_is_admin(l, ev);
	if (sub->type == SUBMIT_STANZA)
		sub->stanza = ev->stanza;
	if (sub->stanza && !ev->session && !distribute_submitted(l, sub))
		return DONE;
	live_use(l);
	l->current = ev;
	master_submit(&l->master, sub, ev);
	v = l->current == ev ? WAIT : DONE;
	l->current = before;
	live_release(l);
	return v;
}

void
live_submit_own(struct live *l, struct submission *sub)
{
	sub->now_ms = l->host->server->clock->wall_ms;
	live_use(l);
	master_submit(&l->master, sub, NULL);
	live_release(l);
}

static void
put_out(struct live *l, struct jid *full)
{
	live_submit_own(l, &(struct submission){
				   .type = SUBMIT_GONE,
				   .from = full,
				   .code = 333,
				   .reason = "your server has forgotten "
					     "this room",
			   });
}

/* While something is on its way to the disk, that waits. */
void
live_put_out(struct live *l, struct jid *domain)
{
	const struct room *r = live_room(l);
	struct jid **fulls = mem_alloc((r->sessions.n + 1) * sizeof(*fulls));
	size_t n_fulls = 0;

	list_each (n, &r->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (jid_eq_domain(room_session_of(k)->jid, domain))
				fulls[n_fulls++] =
					jid_ref(room_session_of(k)->jid);
		}
	}
	live_use(l);
	for (size_t i = 0; i < n_fulls; i++) {
		put_out(l, fulls[i]);
		jid_unref(&fulls[i]);
	}
	free(fulls);
	live_release(l);
}

/* ---- waking up ---- */

static void
set_unlock_timer(struct live *l)
{
	loop_timer_set(l->host->server->core, &l->timer,
		       l->service->muc->unlock_time);
}

static void
wake(struct live *l, struct room *room)
{
	room_limit_history(room, (size_t)l->service->muc->history_size);
	master_init(&l->master, room, &l->service->muc->env, &master_class, l);
	l->state = LIVE_AWAKE;
}

static void
run_waiting(struct live *l)
{
	struct list *n;

	while ((n = list_pop(&l->waiting))) {
		struct live_waiter *w =
			container_of(n, struct live_waiter, node);
		struct live_waiter own = *w;

		free(w);
		if (own.ev)
			event_step(own.ev, own.fn, l);
		else if (own.then)
			own.then(own.data, l);
	}
}

static void
restored(void *data, struct room *room, enum stanza_cond cond)
{
	struct live *l = data;

	if (cond) {
		struct list *n;

		while ((n = list_pop(&l->waiting))) {
			struct live_waiter *w =
				container_of(n, struct live_waiter, node);

			if (w->ev)
				event_fail(w->ev, cond);
			else if (w->then)
				w->then(w->data, NULL);
			free(w);
		}
		live_free(l);
		return;
	}
	l->is_stored = room != NULL;
	l->state = LIVE_NONE;
	live_use(l);
	if (room) {
		wake(l, room);
		ghosts_awake(l);
		if (room->is_locked)
			set_unlock_timer(l);
		live_submit_own(
			l, &(struct submission){ .type = SUBMIT_RESTORED });
	}
	run_waiting(l);
	live_release(l);
}

/* Unlocked too late, or empty for long enough. */
static void
on_timer(struct timer *t)
{
	struct live *l = container_of(t, struct live, timer);
	struct entry *e;

	if (live_room(l)->is_locked) {
		e = entry_new(&(struct entry){
			.type = ENTRY_DESTROY,
			.reason = "the room was not configured in time" });
		live_submit_own(l, &(struct submission){ .type = SUBMIT_ENTRY,
							 .entry = e });
		entry_unref(&e);
	} else if (is_idle(l) && !l->n_used && !l->n_storing) {
		live_free(l);
	}
}

struct live *
live_find(struct muc_service *s, const struct jid *room)
{
	struct map_node *n =
		map_find(&s->rooms, jid_hash_bare(room), live_eq, room);

	return n ? container_of(n, struct live, node) : NULL;
}

struct live *
live_take(struct muc_service *s, struct jid *room)
{
	struct live *l = live_find(s, room);

	if (l)
		return l;
	l = mem_zalloc(sizeof(*l));
	l->service = s;
	l->host = s->host;
	l->jid = jid_bare(room);
	l->timer.fn = on_timer;
	l->shown_timer.fn = on_shown_timer;
	l->go_on.fn = on_go_on;
	list_init(&l->waiting);
	map_insert(&s->rooms, &l->node, jid_hash_bare(room));
	restore_room(l->host->server, l->jid, restored, l);
	return l;
}

enum verdict
live_when_awake(struct live *l, struct event *ev, hook_fn *fn)
{
	struct live_waiter *w;
	enum verdict v;

	if (l->state != LIVE_LOADING) {
		live_use(l);
		v = fn(ev, l);
		live_release(l);
		return v;
	}
	w = mem_zalloc(sizeof(*w));
	w->ev = ev;
	w->fn = fn;
	list_append(&l->waiting, &w->node);
	return WAIT;
}

void
live_then(struct live *l, live_fn *fn, void *data)
{
	struct live_waiter *w;

	if (l->state != LIVE_LOADING) {
		live_use(l);
		fn(data, l);
		live_release(l);
		return;
	}
	w = mem_zalloc(sizeof(*w));
	w->then = fn;
	w->data = data;
	list_append(&l->waiting, &w->node);
}

void
live_create(struct live *l)
{
	const struct muc *muc = l->service->muc;
	struct room *r = room_new(l->jid, 0);

	muc_config_apply_preset(&r->config, (enum muc_preset)muc->preset);
	r->created_ms = l->host->server->clock->wall_ms;
	r->is_unmade = true;
	wake(l, r);
	set_unlock_timer(l);
}

bool
live_is_admin(const struct live *l, const struct event *ev)
{
	return host_is_admin(l->host, ev->from);
}

struct muc_limits
live_limits(const struct live *l)
{
	return rules_limits(&l->service->muc->env);
}

void
live_free_all(struct muc_service *s)
{
	map_each (n, &s->rooms)
		live_free(container_of(n, struct live, node));
}
