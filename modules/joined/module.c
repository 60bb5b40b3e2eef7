/*
 * module.c - in which rooms of other servers the sessions of this host are.
 *
 * What a client and a room say to each other passes by here, and is remembered:
 * presences that join, rename and leave. check.c finds out what nobody says.
 */

#include "core/module.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/joined.h"
#include "modules/joined/private.h"
#include "modules/presence.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

struct joined_session {
	struct joined *joined; /* owned; NULL: in no room */
};

static struct module_slot slot;

/* ---- what is remembered ---- */

static struct joined *
joined_of(struct session *s)
{
	struct joined_session *js = session_data(s, &slot);

	return js->joined;
}

static struct joined *
take(struct joined_host *jh, struct session *s)
{
	struct joined_session *js = session_data(s, &slot);

	if (js->joined)
		return js->joined;
	js->joined = mem_zalloc(sizeof(*js->joined));
	js->joined->host = jh;
	js->joined->session = s;
	list_append(&jh->sessions, &js->joined->node);
	return js->joined;
}

void
joined_forget(struct joined *j, struct joined_room *room)
{
	struct joined_session *js = session_data(j->session, &slot);

	check_end(j, room);
	joined_rooms_remove(&j->rooms, room);
	if (j->rooms.n)
		return;
	list_remove(&j->node);
	js->joined = NULL;
	free(j);
}

/* The session leaves them all: module presence tells those to whom presence
 * was sent, which is not always the nick that the user has now. */
static void
leave_all(struct session *s)
{
	struct joined *j;

	while ((j = joined_of(s))) {
		struct joined_room *last = &j->rooms.rooms[j->rooms.n - 1];

		presence_move_directed(s, last->occupant);
		joined_forget(j, last);
	}
}

static enum verdict
on_closed(struct event *ev, void *data)
{
	(void)data;
	leave_all(ev->session);
	return PASS;
}

/* ---- what the client says ---- */

static bool
is_elsewhere(const struct server *srv, const struct jid *jid)
{
	return !host_of(srv, jid) && !route_has_service(srv, jid_domain(jid));
}

static void
join(struct joined_host *jh, struct session *s, struct jid *occupant)
{
	struct joined *j = joined_of(s);
	struct joined_room *room;

	room = j ? joined_rooms_find(&j->rooms, occupant) : NULL;
	if (!room) {
		if (j ? j->rooms.n >= jh->max : !jh->max)
			return;
		j = take(jh, s);
		room = joined_rooms_add(&j->rooms, occupant);
		check_begin(j, room);
		return;
	}
	/* Once more: what it is told now counts. With another nick, it may be
	 * refused that and stay what it is. */
	check_forget(room);
	if (!room->is_confirmed || jid_eq(room->occupant, occupant)) {
		joined_room_rename(room, occupant);
		room->is_confirmed = false;
	}
	check_heard(j, room);
}

/* XEP-0045 7.2: nobody before has objected to it. */
static enum verdict
on_join(struct event *ev, void *data)
{
	if (ev->stanza->type == TYPE_NONE && ev->to && jid_local(ev->to) &&
	    jid_resource(ev->to) && session_is_open(ev->session) &&
	    stanza_child(ev->stanza, "x", NS_MUC) &&
	    is_elsewhere(ev->server, ev->to))
		join(data, ev->session, ev->to);
	return PASS;
}

/* 7.14; and an unavailable presence to nobody is for all. */
static enum verdict
on_leave(struct event *ev, void *data)
{
	struct joined *j = joined_of(ev->session);
	struct joined_room *room;

	(void)data;
	if (!j || ev->stanza->type != TYPE_UNAVAILABLE)
		return PASS;
	if (!ev->to) {
		leave_all(ev->session);
		return PASS;
	}
	room = joined_rooms_find(&j->rooms, ev->to);
	if (room)
		joined_forget(j, room);
	return PASS;
}

/* ---- what the room says ---- */

/* The recipient, and the room of its that this is from; NULL: none. */
static struct joined_room *
room_of(const struct joined_host *jh, const struct event *ev,
	struct joined **j_out)
{
	struct session *s;

	if (!jh->n_rooms || !ev->from || jid_is_bare(ev->to))
		return NULL;
	s = account_session(ev->account, ev->to);
	*j_out = s ? joined_of(s) : NULL;
	return *j_out ? joined_rooms_find(&(*j_out)->rooms, ev->from) : NULL;
}

/* Our own server says so, or theirs of a service that belongs to it. */
static bool
is_bounce(enum stanza_cond cond)
{
	return cond == COND_REMOTE_SERVER_TIMEOUT ||
	       cond == COND_REMOTE_SERVER_NOT_FOUND;
}

static void
available(struct joined *j, struct joined_room *room, const struct event *ev)
{
	check_heard(j, room);
	if (!muc_user_has_status(ev->stanza, "110"))
		return;
	room->is_confirmed = true;
	if (jid_eq(room->occupant, ev->from))
		return;
	/* 7.2.13: not the nick that was asked for; 7.6: a new one. */
	check_forget(room);
	joined_room_rename(room, ev->from);
}

/* A room that was forgotten, because it did not answer or was shut down; what
 * was on its way there to join has arrived after all. Nobody gets in here whom
 * the client has not sent its presence. */
static void
is_back(struct joined_host *jh, const struct event *ev)
{
	struct session *s;
	struct joined *j;
	struct joined_room *room;

	if (!ev->from || !jid_local(ev->from) || !jid_resource(ev->from) ||
	    jid_is_bare(ev->to) || !muc_user_has_status(ev->stanza, "110") ||
	    !is_elsewhere(ev->server, ev->from))
		return;
	s = account_session(ev->account, ev->to);
	if (!s || !presence_knows_directed(s, ev->from))
		return;
	join(jh, s, ev->from);
	j = joined_of(s);
	room = j ? joined_rooms_find(&j->rooms, ev->from) : NULL;
	if (room)
		room->is_confirmed = true;
}

static void
unavailable(struct joined *j, struct joined_room *room, const struct event *ev)
{
	struct jid *renamed;

	if (!jid_eq(room->occupant, ev->from) &&
	    !muc_user_has_status(ev->stanza, "110")) {
		check_heard(j, room);
		return;
	}
	renamed = muc_user_renamed(ev->stanza);
	if (!renamed) {
		joined_forget(j, room);
		return;
	}
	check_forget(room);
	check_heard(j, room);
	joined_room_rename(room, renamed);
	jid_unref(&renamed);
}

/* It may be about a nick that the user does not get, or about a presence that
 * says something new; then nothing is clear. */
static void
refused(struct joined *j, struct joined_room *room, const struct event *ev)
{
	if (!room->is_confirmed)
		joined_forget(j, room);
	else if (jid_eq(room->occupant, ev->from) || jid_is_bare(ev->from) ||
		 is_bounce(stanza_error_cond(ev->stanza)))
		check_doubt(j, room);
}

/* The room's answer where check.c has left it: the client does not know of
 * that presence, and may be joining anew. */
static bool
is_ours(const struct joined_host *jh, const struct stanza *s)
{
	const char *id = s->type == TYPE_ERROR ? stanza_id(s) : NULL;

	return id && !strcmp(id, jh->leave_id);
}

static enum verdict
on_presence(struct event *ev, void *data)
{
	struct joined_host *jh = data;
	struct joined_room *room;
	struct joined *j;

	if (is_ours(jh, ev->stanza))
		return DONE;
	room = room_of(jh, ev, &j);
	if (!room) {
		if (ev->stanza->type == TYPE_NONE)
			is_back(jh, ev);
		return PASS;
	}
	switch (ev->stanza->type) {
	case TYPE_NONE:
		available(j, room, ev);
		break;
	case TYPE_UNAVAILABLE:
		unavailable(j, room, ev);
		break;
	case TYPE_ERROR:
		refused(j, room, ev);
		break;
	default:
		break;
	}
	return PASS;
}

/* 7.4: who says something and is not in learns it by not-acceptable. */
static enum verdict
on_message(struct event *ev, void *data)
{
	const struct stanza *s = ev->stanza;
	struct joined_room *room;
	struct joined *j;
	enum stanza_cond cond;

	if (s->type != TYPE_GROUPCHAT && s->type != TYPE_ERROR)
		return PASS;
	room = room_of(data, ev, &j);
	if (!room)
		return PASS;
	if (s->type == TYPE_GROUPCHAT) {
		check_heard(j, room);
		return PASS;
	}
	cond = stanza_error_cond(s);
	if (is_bounce(cond) || cond == COND_NOT_ACCEPTABLE)
		check_doubt(j, room);
	return PASS;
}

/* Has any resource of the user asked that about this occupant? */
static bool
is_asked(const struct account *a, const struct jid *occupant)
{
	list_each (n, &a->sessions) {
		struct joined *j = joined_of(session_of(n));
		struct joined_room *room;

		room = j ? joined_rooms_find(&j->rooms, occupant) : NULL;
		if (room && jid_eq(room->occupant, occupant) &&
		    check_is_under_way(room))
			return true;
	}
	return false;
}

/* XEP-0410 3.3: where the room does not answer by itself it passes our question
 * on to a client of the user, which need not be bothered either. */
static enum verdict
on_iq(struct event *ev, void *data)
{
	struct joined_room *room;
	struct joined *j;

	if (ev->stanza->type != TYPE_GET && ev->stanza->type != TYPE_ERROR)
		return PASS;
	room = room_of(data, ev, &j);
	if (!room)
		return PASS;
	if (ev->stanza->type == TYPE_ERROR) {
		if (is_bounce(stanza_error_cond(ev->stanza)))
			check_doubt(j, room);
		return PASS;
	}
	if (xml_is(stanza_payload(ev->stanza), "ping", NS_PING) &&
	    is_asked(ev->account, ev->from))
		return event_reply_empty(ev);
	return PASS;
}

/* ---- what is shown to it otherwise ---- */

static struct joined_room *
room_at(struct session *s, const struct jid *occupant, struct joined **j_out)
{
	*j_out = host_has_module(s->host, "joined") ? joined_of(s) : NULL;
	return *j_out ? joined_rooms_find(&(*j_out)->rooms, occupant) : NULL;
}

void
joined_entered(struct session *s, struct jid *occupant)
{
	struct joined *j;
	struct joined_room *room = room_at(s, occupant, &j);

	if (!room)
		return;
	check_forget(room);
	check_heard(j, room);
	room->is_confirmed = true;
	joined_room_rename(room, occupant);
}

void
joined_left(struct session *s, struct jid *occupant)
{
	struct joined *j;
	struct joined_room *room = room_at(s, occupant, &j);

	if (room)
		joined_forget(j, room);
}

/* ---- what becomes of the way ---- */

static enum verdict
on_way(struct event *ev, void *data)
{
	check_domain(data, ev->to);
	return PASS;
}

/* ---- the module ---- */

static int
load(struct host *host, void *data, struct err *err)
{
	struct joined_host *jh = data;

	(void)err;
	jh->host = host;
	list_init(&jh->sessions);
	checks_init(jh);
	return 0;
}

static void
reloaded(struct host *host, void *data)
{
	(void)host;
	checks_reloaded(data);
}

static void
unload(struct host *host, void *data)
{
	(void)host;
	checks_fini(data);
}

static const struct option options[] = {
	{ "joined-max", OPT_INT, offsetof(struct joined_host, max),
	  .def = "1000", .min = 0, .max = 100000,
	  .doc = "Rooms of other servers that are remembered for one session; "
		 "nobody looks after what is beyond." },
	{ "joined-ping-interval", OPT_DURATION,
	  offsetof(struct joined_host, interval_ms), .def = "15m", .min = 0,
	  .max = INT64_C(7) * 24 * 3600000,
	  .doc = "A room of another server that has said nothing for that long "
		 "is asked whether the user is still in. 0: only after the way "
		 "to it was broken." },
	{ "joined-ping-rate", OPT_INT, offsetof(struct joined_host, rate),
	  .def = "20", .min = 1, .max = 1000,
	  .doc = "How many such questions may go to one domain in a second." },
	{ 0 },
};

const struct module mod_joined = {
	.name = "joined",
	.slot = &slot,
	.needs = (const char *const[]){ "presence", NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_COPY, on_leave },
			{ HOOK_PRESENCE_FROM_USER, PHASE_FALLBACK, on_join },
			{ HOOK_PRESENCE_TO_USER, PHASE_COPY, on_presence },
			{ HOOK_MESSAGE_TO_USER, PHASE_COPY, on_message },
			{ HOOK_IQ_TO_USER, PHASE_DELIVER, on_iq },
			{ HOOK_SESSION_CLOSED, PHASE_COPY, on_closed },
			{ HOOK_REMOTE_REACHABLE, PHASE_DELIVER, on_way },
			{ HOOK_REMOTE_BROKEN, PHASE_DELIVER, on_way },
			{ 0 },
		},
	.host_size = sizeof(struct joined_host),
	.session_size = sizeof(struct joined_session),
	.load = load,
	.reloaded = reloaded,
	.unload = unload,
};
