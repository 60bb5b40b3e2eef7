/*
 * ghosts.c - occupants who are not there any more without having said so
 * (XEP-0045 15.1.2, "Ghost Users").
 *
 * Nobody is thrown out at the first error. Where the way to a server is lost,
 * its users are shown as away; they leave when it has been lost for long. Where
 * a stanza comes back, the client is pinged, and leaves when the ping comes
 * back too. After a restart of ours those of other servers are still in their
 * rooms, and pinged, and so is who has been silent for long; where the answer
 * says nothing, a message without content, which no client answers, shows
 * whether there is anybody.
 */

#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/server.h"
#include "modules/muc/distribute.h"
#include "modules/muc/private.h"
#include "net/loop.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>

#define PING_TIMEOUT_MS 60000
#define CHECK_EVERY_MS	5000
/* Pings a second, over all rooms of a host: a restart must not be a storm. */
#define PINGS_AT_ONCE 250
#define PURGE_AT_ONCE 500
/* So long a copy has to turn to a relay before its users are shown as away. */
#define RELAY_WAIT_MS 3000

/* A domain to which there is no way now. */
struct lost_domain {
	struct list node; /* in muc->lost */
	struct jid *jid;  /* ref */
	int64_t since_ms; /* monotonic */
	int64_t tell_ms;  /* when those are told that wait; 0: they are */
};

static int32_t
now_s(const struct live *l)
{
	return (int32_t)(l->host->server->clock->mono_ms / 1000);
}

void
ghosts_seen(const struct live *l, struct room_session *s)
{
	s->seen_s = now_s(l);
}

static const char technical[] = "the way to your server is lost";

static void
arm(struct muc *muc)
{
	if (!timer_is_set(&muc->ghost_timer))
		loop_timer_set(muc->host->server->core, &muc->ghost_timer,
			       CHECK_EVERY_MS);
}

void
ghosts_watch(struct live *l, struct room_session *s)
{
	l->n_foreign++;
	l->service->muc->n_foreign++;
	ghosts_seen(l, s);
	arm(l->service->muc);
}

void
ghosts_unwatch(struct live *l)
{
	l->n_foreign--;
	l->service->muc->n_foreign--;
}

/* ---- removing ---- */

static void
remove_session(struct live *l, struct jid *full)
{
	live_submit_own(l, &(struct submission){ .type = SUBMIT_GONE,
						 .from = full,
						 .code = 333,
						 .reason = technical });
}

/* ---- pings ---- */

struct ping {
	struct muc_service *service; /* borrowed; not after the server's end */
	struct jid *room, *full;     /* ref */
	bool is_bounced; /* something came back; else it has been silent */
};

/* There is nobody of that address, says its server. */
static bool
says_gone(enum stanza_cond cond)
{
	switch (cond) {
	case COND_GONE:
	case COND_ITEM_NOT_FOUND:
	case COND_RECIPIENT_UNAVAILABLE:
	case COND_REDIRECT:
	case COND_JID_MALFORMED:
	case COND_SERVICE_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

/* RFC 6121 8.5.3.2.1: where there is no such resource, a message of this type
 * is not for another one; most servers send it back. */
static void
send_trial(struct live *l, const struct room_session *s)
{
	struct stanza *m = stanza_new(STANZA_MESSAGE, TYPE_GROUPCHAT, l->jid,
				      s->jid, NULL);

	xml_add(m->arena, m->root, "no-store", NS_HINTS);
	route(l->host->server, m);
}

static void
judge_answer(struct live *l, const struct ping *p, struct room_session *s,
	     enum stanza_cond cond)
{
	if (!says_gone(cond))
		return;
	/* Who does not know pings says the same as a server without that
	 * client (8.5.3.2.3); but from a client that is there nothing comes
	 * back. */
	if (cond == COND_SERVICE_UNAVAILABLE && !p->is_bounced)
		send_trial(l, s);
	else
		remove_session(l, p->full);
}

static void
pinged(void *data, const struct stanza *reply)
{
	struct ping *p = data;
	struct live *l = live_find(p->service, p->room);
	struct room_session *s =
		l && live_room(l) ? room_session(live_room(l), p->full) : NULL;

	if (s) {
		s->is_pinged = false;
		/* Asked again when it has been silent for as long again. */
		ghosts_seen(l, s);
		if (reply && reply->type == TYPE_ERROR)
			judge_answer(l, p, s, stanza_error_cond(reply));
	}
	jid_unref(&p->room);
	jid_unref(&p->full);
	free(p);
}

static void
ping(struct live *l, struct room_session *s, bool is_bounced)
{
	struct ping *p;
	struct stanza *iq;

	if (s->is_pinged)
		return;
	s->is_pinged = true;
	p = mem_zalloc(sizeof(*p));
	p->service = l->service;
	p->room = jid_ref(l->jid);
	p->full = jid_ref(s->jid);
	p->is_bounced = is_bounced;
	iq = stanza_new(STANZA_IQ, TYPE_GET, l->jid, s->jid, NULL);
	xml_add(iq->arena, iq->root, "ping", NS_PING);
	iq_request(l->host->server, iq, PING_TIMEOUT_MS, pinged, p);
}

enum verdict
ghost_error(struct live *l, struct event *ev)
{
	struct room_session *s = room_session(live_room(l), ev->from);
	enum stanza_cond cond = stanza_error_cond(ev->stanza);

	/* What is lost on the way says nothing of the user; the way is watched
	 * by itself. */
	if (s && says_gone(cond))
		ping(l, s, true);
	return DONE;
}

/* ---- ways that are lost ---- */

static struct lost_domain *
find_lost(struct muc *muc, const struct jid *domain)
{
	list_each (n, &muc->lost) {
		struct lost_domain *d =
			container_of(n, struct lost_domain, node);

		if (jid_eq(d->jid, domain))
			return d;
	}
	return NULL;
}

static void
lost_free(struct lost_domain *d)
{
	list_remove(&d->node);
	jid_unref(&d->jid);
	free(d);
}

static bool
has_user_of(const struct live *l, const struct jid *domain)
{
	/* Nobody knows yet who is in it. */
	if (l->state == LIVE_LOADING)
		return true;
	if (!l->n_foreign)
		return false;
	list_each (n, &live_room(l)->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (jid_eq_domain(room_session_of(k)->jid, domain))
				return true;
		}
	}
	return false;
}

/* Is anybody of that domain in a room? Anybody can have us try to reach
 * domains without end; of others nothing is kept. */
static bool
is_concerned(const struct muc *muc, const struct jid *domain)
{
	list_each (n, &muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		map_each (k, &s->rooms) {
			if (has_user_of(container_of(k, struct live, node),
					domain))
				return true;
		}
	}
	return false;
}

/* A relay may reach it at once: then nobody is shown that it was away. */
static bool
waits(const struct live *l, const struct jid *domain, bool is_away)
{
	return is_away && distribute_has_relays(l, domain);
}

/* Those that wait, too? */
static void
tell_rooms(struct muc *muc, struct jid *domain, bool is_away, bool all)
{
	list_each (n, &muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		map_each (k, &s->rooms) {
			struct live *l = container_of(k, struct live, node);

			if (l->state == LIVE_AWAKE && l->n_foreign &&
			    (all || !waits(l, domain, is_away)) &&
			    !(is_away && distribute_is_reached(l, domain)))
				live_submit_own(l, &(struct submission){
							   .type = SUBMIT_LINK,
							   .from = domain,
							   .is_away = is_away,
						   });
		}
	}
}

enum verdict
ghosts_on_unreachable(struct event *ev, void *data)
{
	struct muc *muc = data;
	struct lost_domain *d;

	distribute_lost(muc, ev->to);
	if (find_lost(muc, ev->to) || !is_concerned(muc, ev->to))
		return PASS;
	arm(muc);
	d = mem_zalloc(sizeof(*d));
	d->jid = jid_ref(ev->to);
	d->since_ms = ev->server->clock->mono_ms;
	d->tell_ms = d->since_ms + RELAY_WAIT_MS;
	list_append(&muc->lost, &d->node);
	tell_rooms(muc, d->jid, true, false);
	return PASS;
}

enum verdict
ghosts_on_reachable(struct event *ev, void *data)
{
	struct muc *muc = data;
	struct lost_domain *d = find_lost(muc, ev->to);

	if (d) {
		tell_rooms(muc, d->jid, false, true);
		lost_free(d);
	}
	distribute_found(muc, ev->to);
	return PASS;
}

void
ghosts_away(struct muc *muc, const struct jid *domain)
{
	struct lost_domain *d = find_lost(muc, domain);

	if (d)
		d->since_ms = muc->host->server->clock->mono_ms;
}

/* Those that have a copy are asked whether they still do. */
enum verdict
ghosts_on_broken(struct event *ev, void *data)
{
	distribute_broken(data, ev->to);
	return PASS;
}

/* ---- time ---- */

struct walk {
	struct muc *muc;
	int64_t now_ms;
	const struct jid *domain; /* whose users have been away for too long */
	unsigned n_pings;	  /* left */
};

static bool
is_silent(const struct walk *w, const struct room_session *s)
{
	int64_t interval = w->muc->ping_interval;

	return interval && !s->owner && !s->is_away && !s->is_elsewhere &&
	       w->now_ms - s->seen_s * INT64_C(1000) >= interval;
}

/* The first whom it is time to remove, or NULL; pings others on the way. */
static struct jid *
next_ghost(struct walk *w, struct live *l)
{
	list_each (n, &live_room(l)->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			struct room_session *s = room_session_of(k);

			if (w->domain && s->is_away &&
			    jid_eq_domain(s->jid, w->domain))
				return s->jid;
			if (w->n_pings && is_silent(w, s) && !s->is_pinged) {
				w->n_pings--;
				ping(l, s, false);
			}
		}
	}
	return NULL;
}

static void
walk_room(struct walk *w, struct live *l)
{
	struct jid *full;

	/* From a room that is no more nobody can be removed. */
	if (l->state != LIVE_AWAKE || !l->n_foreign ||
	    live_room(l)->is_destroyed)
		return;
	live_use(l);
	while (master_is_idle(&l->master) && (full = next_ghost(w, l))) {
		jid_ref(full);
		remove_session(l, full);
		jid_unref(&full);
	}
	live_release(l);
}

static void
walk_all(struct walk *w)
{
	list_each (n, &w->muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		map_each (k, &s->rooms)
			walk_room(w, container_of(k, struct live, node));
	}
}

static void
on_timer(struct timer *t)
{
	struct muc *muc = container_of(t, struct muc, ghost_timer);
	struct server *srv = muc->host->server;
	struct walk w = { muc, srv->clock->mono_ms, NULL, PINGS_AT_ONCE };

	list_each_safe (n, &muc->lost) {
		struct lost_domain *d =
			container_of(n, struct lost_domain, node);

		if (d->tell_ms && w.now_ms >= d->tell_ms) {
			d->tell_ms = 0;
			tell_rooms(muc, d->jid, true, true);
		}
		if (w.now_ms - d->since_ms < muc->away_time)
			continue;
		w.domain = d->jid;
		walk_all(&w);
		if (!is_concerned(muc, d->jid))
			lost_free(d);
	}
	w.domain = NULL;
	walk_all(&w);
	if (muc->n_foreign || !list_is_empty(&muc->lost))
		arm(muc);
}

void
ghosts_awake(struct live *l)
{
	struct muc *muc = l->service->muc;

	list_each (n, &live_room(l)->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			struct room_session *s = room_session_of(k);

			ghosts_watch(l, s);
			/* Asked at the next round. */
			s->seen_s -= (int32_t)(muc->ping_interval / 1000) + 1;
		}
	}
	list_each (n, &muc->lost) {
		struct lost_domain *d =
			container_of(n, struct lost_domain, node);

		live_submit_own(l, &(struct submission){ .type = SUBMIT_LINK,
							 .from = d->jid,
							 .is_away = true });
	}
}

/* ---- the start ---- */

static enum verdict
nothing(struct event *ev, void *live)
{
	(void)ev;
	(void)live;
	return DONE;
}

static void
occupied(void *data, const struct rooms_jids *res)
{
	struct muc_service *s = data;

	for (size_t i = 0; i < res->n_jids; i++) {
		struct jid *jid = jid_parse(res->jids[i]);

		if (jid)
			live_when_awake(live_take(s, jid), NULL, nothing);
		jid_unref(&jid);
	}
}

static void
purged(void *data, const struct store_result *res, int64_t n)
{
	struct muc_service *s = data;

	if (res->status == STORE_OK && n > 0)
		rooms_purge_temporary(s->host->store, jid_str(s->jid),
				      PURGE_AT_ONCE, purged, s);
}

void
ghosts_start(struct muc *muc)
{
	muc->ghost_timer.fn = on_timer;
	list_each (n, &muc->domains) {
		struct muc_service *s =
			container_of(n, struct muc_service, node);

		if (s->main)
			continue;
		rooms_purge_temporary(s->host->store, jid_str(s->jid),
				      PURGE_AT_ONCE, purged, s);
		rooms_with_occupants(s->host->store, jid_str(s->jid), occupied,
				     s);
	}
}

void
ghosts_stop(struct muc *muc)
{
	loop_timer_clear(muc->host->server->core, &muc->ghost_timer);
	list_each_safe (n, &muc->lost)
		lost_free(container_of(n, struct lost_domain, node));
}
