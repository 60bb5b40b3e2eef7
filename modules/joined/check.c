/*
 * check.c - asking rooms whether a session of ours is still in (XEP-0410).
 *
 * A question waits with others for the same domain in a `way`, which lets them
 * go one by one, so that a server that has just come back is not drowned.
 */

#include "base/clock.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/router.h"
#include "core/s2s.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/joined/private.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* Before the first question: a server that is back may need a moment, and is
 * asked by others, too. So much, and up to twice that. */
#define START_MS 2000

#define ANSWER_MS 60000

/* How often it is looked for rooms that are due. */
#define SWEEP_MS 60000

/* Where nobody could tell: twice as long each time. */
#define RETRY_S	    60
#define RETRY_MAX_S 900

/* A domain with rooms that sessions of this host are in. */
struct way {
	struct map_node node;	  /* in host->ways, by domain */
	struct joined_host *host; /* borrowed */
	struct list waiting;	  /* struct joined_check.node */
	struct timer timer;	  /* to the next question */
	unsigned n_rooms;	  /* it goes with the last */
	bool is_doubted;	  /* all rooms are to be asked */
	char domain[];
};

/* A question: owned by the way while it waits, then by the request. */
struct joined_check {
	struct list node;
	struct joined *joined; /* borrowed; NULL: nobody wants to know */
	bool is_sent;
};

static struct server *
server_of(const struct joined_host *jh)
{
	return jh->host->server;
}

/* ---- when ---- */

static uint32_t
now_s(const struct joined_host *jh)
{
	return (uint32_t)(server_of(jh)->clock->mono_ms / 1000);
}

static void
set_timer(struct joined_host *jh, struct timer *t, int64_t at_least_ms)
{
	uint16_t dice;

	RAND_bytes((unsigned char *)&dice, sizeof(dice));
	loop_timer_set(server_of(jh)->core, t,
		       at_least_ms + at_least_ms * dice / UINT16_MAX);
}

static void
set_sweep(struct joined_host *jh)
{
	int64_t ms = jh->interval_ms / 4;

	if (!ms || ms > SWEEP_MS)
		ms = SWEEP_MS;
	loop_timer_set(server_of(jh)->core, &jh->sweep, ms);
}

static uint32_t
next_s(const struct joined_host *jh)
{
	if (!jh->interval_ms)
		return 0;
	return now_s(jh) + (uint32_t)((jh->interval_ms + 999) / 1000);
}

void
check_heard(struct joined *j, struct joined_room *room)
{
	room->due_s = next_s(j->host);
	room->n_unknown = 0;
	room->is_missing = false;
}

static void
put_off(const struct joined_host *jh, struct joined_room *room)
{
	uint32_t s = RETRY_S;

	for (unsigned i = 0; i < room->n_unknown && s < RETRY_MAX_S; i++)
		s *= 2;
	if (room->n_unknown < UINT8_MAX)
		room->n_unknown++;
	room->due_s = now_s(jh) + (s < RETRY_MAX_S ? s : RETRY_MAX_S);
}

/* ---- ways ---- */

static void on_way(struct timer *t);

static bool
way_eq(const struct map_node *n, const void *domain)
{
	return !strcmp(
		container_of((struct map_node *)n, struct way, node)->domain,
		domain);
}

static struct way *
way_find(const struct joined_host *jh, const struct jid *jid)
{
	struct map_node *n = map_find(&jh->ways, jid_hash_domain(jid), way_eq,
				      jid_domain(jid));

	return n ? container_of(n, struct way, node) : NULL;
}

static struct way *
way_take(struct joined_host *jh, const struct jid *jid)
{
	struct way *way = way_find(jh, jid);

	if (way)
		return way;
	way = mem_zalloc(sizeof(*way) + strlen(jid_domain(jid)) + 1);
	way->host = jh;
	way->timer.fn = on_way;
	list_init(&way->waiting);
	strcpy(way->domain, jid_domain(jid));
	map_insert(&jh->ways, &way->node, jid_hash_domain(jid));
	return way;
}

static void
way_drop(struct way *way)
{
	loop_timer_clear(server_of(way->host)->core, &way->timer);
	map_remove(&way->host->ways, &way->node);
	free(way);
}

void
check_begin(struct joined *j, struct joined_room *room)
{
	struct joined_host *jh = j->host;

	way_take(jh, room->occupant)->n_rooms++;
	room->due_s = next_s(jh);
	if (!jh->n_rooms++)
		set_sweep(jh);
}

void
check_end(struct joined *j, struct joined_room *room)
{
	struct way *way = way_find(j->host, room->occupant);

	check_forget(room);
	if (!--way->n_rooms)
		way_drop(way);
	if (!--j->host->n_rooms)
		loop_timer_clear(server_of(j->host)->core, &j->host->sweep);
}

/* ---- questions that wait ---- */

void
check_forget(struct joined_room *room)
{
	struct joined_check *c = room->check;

	room->check = NULL;
	if (!c)
		return;
	c->joined = NULL;
	if (c->is_sent)
		return;
	list_remove(&c->node);
	free(c);
}

bool
check_is_under_way(const struct joined_room *room)
{
	return room->check && room->check->is_sent;
}

static struct joined_room *
room_of(const struct joined_check *c)
{
	struct joined_room *room = c->joined->rooms.rooms;

	while (room->check != c)
		room++;
	return room;
}

static void
ask_later(struct joined *j, struct joined_room *room)
{
	struct way *way;

	if (room->check)
		return;
	way = way_find(j->host, room->occupant);
	room->check = mem_zalloc(sizeof(*room->check));
	room->check->joined = j;
	list_append(&way->waiting, &room->check->node);
	if (!timer_is_set(&way->timer))
		set_timer(j->host, &way->timer, START_MS);
}

void
check_doubt(struct joined *j, struct joined_room *room)
{
	if (!room->n_unknown)
		ask_later(j, room);
}

/* All rooms are walked over only when nothing waits any more, so not for each
 * of a storm of breaks. */
void
check_domain(struct joined_host *jh, const struct jid *domain)
{
	struct way *way = way_find(jh, domain);

	if (!way)
		return;
	way->is_doubted = true;
	if (!timer_is_set(&way->timer))
		set_timer(jh, &way->timer, START_MS);
}

static void
ask_all(struct way *way)
{
	way->is_doubted = false;
	list_each (n, &way->host->sessions) {
		struct joined *j = container_of(n, struct joined, node);

		for (unsigned i = 0; i < j->rooms.n; i++) {
			struct joined_room *room = &j->rooms.rooms[i];

			if (!strcmp(jid_domain(room->occupant), way->domain))
				ask_later(j, room);
		}
	}
}

static void
on_sweep(struct timer *t)
{
	struct joined_host *jh = container_of(t, struct joined_host, sweep);
	uint32_t now = now_s(jh);

	list_each (n, &jh->sessions) {
		struct joined *j = container_of(n, struct joined, node);

		for (unsigned i = 0; i < j->rooms.n; i++) {
			struct joined_room *room = &j->rooms.rooms[i];

			if (room->due_s && room->due_s <= now)
				ask_later(j, room);
		}
	}
	set_sweep(jh);
}

/* ---- what comes of it ---- */

/* For the room, in case it has not forgotten as thoroughly as it says. */
static void
leave(struct session *s, struct jid *occupant, const char *id)
{
	route(s->host->server, stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE,
					  s->jid, occupant, id));
}

/* XEP-0045 9.1.4: as the room would have said it, had the way been there. */
static void
tell(struct session *s, struct jid *occupant)
{
	struct stanza *gone = stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE,
					 occupant, s->jid, NULL);
	struct arena *a = gone->arena;
	struct xml *x = xml_add(a, gone->root, "x", NS_MUC_USER);
	struct xml *item = xml_add(a, x, "item", NULL);

	xml_set(a, item, "affiliation", "none");
	xml_set(a, item, "role", "none");
	xml_set(a, xml_add(a, x, "status", NULL), "code", "110");
	xml_set(a, xml_add(a, x, "status", NULL), "code", "333");
	route(s->host->server, gone);
}

static void
fall_out(struct joined *j, struct joined_room *room)
{
	struct session *s = session_ref(j->session);
	struct jid *occupant = jid_ref(room->occupant);
	const char *leave_id = j->host->leave_id;

	log_debug(&s->log, "is not in %s any more", jid_bare_str(occupant));
	joined_forget(j, room);
	leave(s, occupant, leave_id);
	tell(s, occupant);
	jid_unref(&occupant);
	session_unref(&s);
}

enum finding { STILL_IN, FALLEN_OUT, NO_SUCH_ADDRESS, UNKNOWN };

/* Section 3.2. Errors that do not last say nothing. */
static enum finding
judge(const struct stanza *reply)
{
	if (!reply)
		return UNKNOWN;
	if (reply->type == TYPE_RESULT)
		return STILL_IN;
	switch (stanza_error_cond(reply)) {
	case COND_SERVICE_UNAVAILABLE:
	case COND_FEATURE_NOT_IMPLEMENTED:
		return STILL_IN;
	case COND_ITEM_NOT_FOUND:
		return NO_SUCH_ADDRESS;
	case COND_REMOTE_SERVER_NOT_FOUND:
	case COND_REMOTE_SERVER_TIMEOUT:
	case COND_RESOURCE_CONSTRAINT:
	case COND_INTERNAL_SERVER_ERROR:
		return UNKNOWN;
	default:
		return FALLEN_OUT;
	}
}

static void
conclude(struct joined *j, struct joined_room *room, enum finding f)
{
	switch (f) {
	case STILL_IN:
		check_heard(j, room);
		/* Whatever it is: it has not said that it is a room. */
		if (!room->is_confirmed)
			room->due_s = 0;
		break;
	case NO_SUCH_ADDRESS:
		/* The user may just have changed the nick, section 4; or the
		 * room is not there any more: with Prosody and ejabberd the
		 * answer is the same. The former is over the next time. */
		if (room->is_missing) {
			fall_out(j, room);
			break;
		}
		room->is_missing = true;
		ask_later(j, room);
		break;
	case UNKNOWN:
		put_off(j->host, room);
		break;
	case FALLEN_OUT:
		fall_out(j, room);
		break;
	}
}

static void
on_answer(void *data, const struct stanza *reply)
{
	struct joined_check *c = data;
	struct joined *j = c->joined;
	struct joined_room *room = j ? room_of(c) : NULL;

	free(c);
	if (!room)
		return;
	room->check = NULL;
	if (!server_of(j->host)->is_stopping)
		conclude(j, room, judge(reply));
}

static void
ask(struct joined_check *c)
{
	struct session *s = c->joined->session;
	struct stanza *iq = stanza_new(STANZA_IQ, TYPE_GET, s->jid,
				       room_of(c)->occupant, NULL);

	xml_add(iq->arena, iq->root, "ping", NS_PING);
	c->is_sent = true;
	iq_request(s->host->server, iq, ANSWER_MS, on_answer, c);
}

/* There is no way; when there is one again, all are asked anyway. */
static void
put_off_all(struct way *way)
{
	struct list *n;

	while ((n = list_pop(&way->waiting))) {
		struct joined_check *c =
			container_of(n, struct joined_check, node);
		struct joined_room *room = room_of(c);

		room->check = NULL;
		put_off(way->host, room);
		free(c);
	}
}

static void
on_way(struct timer *t)
{
	struct way *way = container_of(t, struct way, timer);
	struct server *srv = server_of(way->host);
	struct list *n;

	if (srv->is_stopping)
		return;
	if (!s2s_is_reachable(srv, way->domain)) {
		way->is_doubted = false;
		put_off_all(way);
		return;
	}
	if (way->is_doubted && list_is_empty(&way->waiting))
		ask_all(way);
	n = list_pop(&way->waiting);
	if (!n)
		return;
	if (!list_is_empty(&way->waiting))
		set_timer(way->host, &way->timer, 1000 / way->host->rate);
	else if (way->is_doubted)
		set_timer(way->host, &way->timer, START_MS);
	/* The answer may be there at once, and the way gone then. */
	ask(container_of(n, struct joined_check, node));
}

/* ---- start and end ---- */

void
checks_init(struct joined_host *jh)
{
	jh->sweep.fn = on_sweep;
	token_make(jh->leave_id, sizeof(jh->leave_id) - 1);
}

void
checks_fini(struct joined_host *jh)
{
	loop_timer_clear(server_of(jh)->core, &jh->sweep);
	map_each (n, &jh->ways)
		way_drop(container_of(n, struct way, node));
	map_fini(&jh->ways);
}

void
checks_reloaded(struct joined_host *jh)
{
	list_each (n, &jh->sessions) {
		struct joined *j = container_of(n, struct joined, node);

		for (unsigned i = 0; i < j->rooms.n; i++) {
			if (!j->rooms.rooms[i].n_unknown)
				j->rooms.rooms[i].due_s = next_s(jh);
		}
	}
	if (jh->n_rooms)
		set_sweep(jh);
}
