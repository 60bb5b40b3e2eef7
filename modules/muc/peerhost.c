/*
 * peerhost.c - the module on a user domain that has copies of other servers'
 * rooms for its users (docs/dmuc.md, slave.h).
 *
 * What a user says to such a room goes to the copy, which passes it up; what
 * the room says comes from the copy, in the room's name. Clients see a room as
 * any other.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/module.h"
#include "core/option.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/disco.h"
#include "modules/joined.h"
#include "modules/muc/copies.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "modules/presence.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 5000

/* How long a join without an answer consents to a copy. */
#define JOIN_MS	  60000
#define JOINS_MAX 10000

/* Presence of occupants as it was written for the last who entered. */
#define SHOWN_MS 5000

struct peerhost {
	struct host *host; /* borrowed */
	bool is_on;	   /* option room-copies */
	bool may_continue; /* option room-copies-continue */
	int64_t max;	   /* option room-copies-max */
	int64_t max_size;  /* option room-copies-size */
	int64_t max_all;   /* option room-copies-memory */
	size_t size;	   /* of all copies, about; bytes */
	struct map copies; /* struct copy.node, by room */
	struct list joins; /* struct join.node, the oldest first */
	size_t n_joins;
	struct timer timer; /* while there are any of both */
	struct log_limit log_limit;
};

/* A user who is about to enter a room elsewhere. */
struct join {
	struct list node;
	struct stanza *stanza; /* ref */
	int64_t since_ms;      /* monotonic */
};

struct copy {
	struct map_node node;
	struct peerhost *host; /* borrowed */
	struct slave *slave;   /* owned */
	int64_t shown_ms;      /* since when presence is kept as written */
	bool is_over;
};

static struct module_slot slot;

static const struct option options[] = {
	{ "room-copies", OPT_BOOL, offsetof(struct peerhost, is_on),
	  .def = "yes",
	  .doc = "Rooms of other servers that support it are shown to the "
		 "users of this host from a copy, so that each message comes "
		 "once, and not once for each of them." },
	{ "room-copies-continue", OPT_BOOL,
	  offsetof(struct peerhost, may_continue), .def = "yes",
	  .doc = "While there is no way to a room of another server, the users "
		 "of this host hear each other in it, if its owner wants that; "
		 "no: what they say waits in any case." },
	{ "room-copies-max", OPT_INT, offsetof(struct peerhost, max),
	  .def = "10000", .min = 0, .max = 1000000,
	  .doc = "Such copies. Beyond, users are ordinary occupants." },
	{ "room-copies-size", OPT_SIZE, offsetof(struct peerhost, max_size),
	  .def = "64M", .min = 65536, .max = INT64_C(1) << 40,
	  .doc = "Memory that one of them may take, about. The users of a "
		 "larger room are ordinary occupants." },
	{ "room-copies-memory", OPT_SIZE, offsetof(struct peerhost, max_all),
	  .def = "1G", .min = 65536, .max = INT64_C(1) << 40,
	  .doc = "The same for all of them together." },
	{ 0 },
};

/* ---- copies ---- */

static bool
copy_eq(const struct map_node *n, const void *jid)
{
	return jid_eq_bare(container_of((struct map_node *)n, struct copy, node)
				   ->slave->jid,
			   jid);
}

static struct copy *
copy_find(const struct peerhost *ph, const struct jid *room)
{
	struct map_node *n;

	if (!room || !ph->copies.n)
		return NULL;
	n = map_find(&ph->copies, jid_hash_bare(room), copy_eq, room);
	if (!n)
		return NULL;
	slave_set_clock(container_of(n, struct copy, node)->slave,
			ph->host->server->clock->mono_ms,
			ph->host->server->clock->wall_ms);
	return container_of(n, struct copy, node);
}

static void
copy_free(struct copy *c)
{
	struct room *r = c->slave->room;

	map_remove(&c->host->copies, &c->node);
	c->host->size -= c->slave->size;
	list_each (n, &r->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (room_session_of(k)->owner)
				fanout_detach(room_session_of(k));
		}
	}
	slave_free(c->slave);
	free(c);
}

static void
arm(struct peerhost *ph)
{
	if (!timer_is_set(&ph->timer))
		loop_timer_set(ph->host->server->core, &ph->timer, TICK_MS);
}

/* ---- what a copy wants done ---- */

static struct server *
server_of(const struct copy *c)
{
	return c->host->host->server;
}

static struct stanza *
parse(const struct copy *c, const struct buf *b)
{
	struct arena *a = arena_new();

	return stanza_from_xml(
		a, xml_from_text(server_of(c)->pool, a, b->data, b->len),
		NS_CLIENT);
}

static void
send_up(void *owner, const char *xml, size_t len)
{
	struct copy *c = owner;
	struct buf b = { 0 };
	struct stanza *s;

	buf_adds(&b, "<message xmlns='" NS_CLIENT "'>");
	buf_add(&b, xml, len);
	buf_adds(&b, "</message>");
	s = parse(c, &b);
	buf_fini(&b);
	stanza_set_from(s, c->slave->domain);
	stanza_set_to(s, c->slave->jid);
	route(server_of(c), s);
}

static void
submit(void *owner, struct stanza *stanza)
{
	route(server_of(owner), stanza);
}

static void
rejoin(void *owner, struct jid *user, const char *nick, struct chunk *payload,
       const char *id)
{
	struct copy *c = owner;
	struct jid *to = jid_with_resource(c->slave->jid, nick);
	struct buf b = { 0 };
	struct stanza *s;
	const char *text;
	size_t len;

	buf_printf(&b, "<presence xmlns='" NS_CLIENT "' id='%s'", id);
	text = payload ? chunk_data(payload, &len) : ">";
	buf_adds(&b, payload ? "" : text);
	if (payload)
		buf_add(&b, text, len);
	buf_printf(&b,
		   "<x xmlns='" NS_MUC "'><history maxstanzas='0'/></x>"
		   "<submit xmlns='" NS_DMUC "' id='%s' return='true'/>"
		   "</presence>",
		   id);
	s = parse(c, &b);
	buf_fini(&b);
	stanza_set_from(s, user);
	stanza_set_to(s, to);
	jid_unref(&to);
	route(server_of(c), s);
}

static void
leave(void *owner, struct jid *user, const char *nick)
{
	struct copy *c = owner;
	struct jid *to = jid_with_resource(c->slave->jid, nick);

	route(server_of(c),
	      stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, user, to, NULL));
	jid_unref(&to);
}

static void
tell_left(struct session *s, struct jid *at)
{
	joined_left(s, at);
	presence_drop_directed(s, at);
}

static void
tell_destroyed(struct copy *c)
{
	list_each (n, &c->slave->room->occupants) {
		const struct occupant *o = occupant_of(n);
		struct jid *at = jid_with_resource(c->slave->jid, o->nick);

		list_each (k, &o->sessions) {
			if (room_session_of(k)->owner)
				tell_left(room_session_of(k)->owner, at);
		}
		jid_unref(&at);
	}
}

/* What it is told does not go the way on which joined and presence would see
 * it. */
static void
tell_joined(struct copy *c, const struct room_change *change)
{
	const struct occupant *o = change->occupant;
	enum entry_type type = change->entry->type;

	if (type == ENTRY_DESTROY)
		tell_destroyed(c);
	if (type != ENTRY_JOIN && type != ENTRY_LEAVE && type != ENTRY_NICK)
		return;
	list_each (n, &o->sessions) {
		const struct room_session *s = room_session_of(n);
		struct jid *at;

		if (!s->owner)
			continue;
		at = jid_with_resource(c->slave->jid, o->nick);
		if (type == ENTRY_LEAVE &&
		    (change->is_last || s == change->session))
			tell_left(s->owner, at);
		else if (type != ENTRY_LEAVE)
			joined_entered(s->owner, at);
		jid_unref(&at);
	}
}

static void
detach_left(const struct room_change *c)
{
	if (c->entry->type != ENTRY_LEAVE)
		return;
	if (!c->is_last) {
		if (c->session->owner)
			fanout_detach(c->session);
		return;
	}
	list_each (n, &c->occupant->sessions) {
		if (room_session_of(n)->owner)
			fanout_detach(room_session_of(n));
	}
}

static void
applied(void *owner, const struct room_change *change,
	const struct stanza *stanza)
{
	struct copy *c = owner;
	struct server *srv = server_of(c);
	struct fanout_history past = { 0, 0, 0 };
	bool is_join = change->entry->type == ENTRY_JOIN;

	if (is_join && !change->session->is_elsewhere)
		fanout_attach(srv, change->session);
	if (is_join && stanza)
		past = fanout_read_history(stanza, srv->clock->wall_ms, 0);
	fanout_show(srv, c->slave->room, change, &past);
	tell_joined(c, change);
	detach_left(change);
	if (is_join && !c->shown_ms)
		c->shown_ms = srv->clock->mono_ms;
}

static void
refuse(void *owner, const struct stanza *stanza, enum stanza_cond cond,
       const char *text)
{
	struct stanza *error = stanza_error(stanza, cond, text);

	if (error)
		route(server_of(owner), error);
}

static bool
is_here(void *owner, const struct jid *full)
{
	const struct copy *c = owner;
	struct account *a = account_find(server_of(c), full);
	struct session *s = a ? account_session(a, full) : NULL;

	return s && presence_has_directed(s, c->slave->jid);
}

/* Masters cause these lines. */
static void
tell_log(const struct copy *c, const char *what)
{
	const struct log *log = &c->host->host->log;
	const struct log_ring *position = &c->slave->room->log;

	if (!log_limit_allows(&c->host->log_limit,
			      server_of(c)->clock->mono_ms))
		return;
	log_limit_tell(&c->host->log_limit, log);
	log_info(log, "copy of %s: %s, at %s %" PRIu64, jid_str(c->slave->jid),
		 what, *position->epoch ? position->epoch : "-", position->seq);
}

static void
over(void *owner)
{
	struct copy *c = owner;

	c->is_over = true;
	tell_log(c, "over");
	arm(c->host);
}

static void
note(void *owner, const char *what)
{
	tell_log(owner, what);
}

static const struct slave_class slave_class = {
	.send = send_up,
	.submit = submit,
	.rejoin = rejoin,
	.leave = leave,
	.applied = applied,
	.refuse = refuse,
	.is_here = is_here,
	.over = over,
	.note = note,
};

static struct copy *
copy_new(struct peerhost *ph, struct jid *room)
{
	struct copy *c = mem_zalloc(sizeof(*c));

	c->host = ph;
	c->slave = slave_new(room, ph->host->jid, &slave_class, c);
	slave_set_clock(c->slave, ph->host->server->clock->mono_ms,
			ph->host->server->clock->wall_ms);
	c->slave->since_ms = ph->host->server->clock->mono_ms;
	c->slave->may_continue = ph->may_continue;
	c->slave->size_max = (size_t)ph->max_size;
	map_insert(&ph->copies, &c->node, jid_hash_bare(room));
	tell_log(c, "made");
	arm(ph);
	return c;
}

/* ---- joins without an answer ---- */

static void
join_free(struct peerhost *ph, struct join *j)
{
	list_remove(&j->node);
	ph->n_joins--;
	stanza_unref(&j->stanza);
	free(j);
}

static struct join *
join_of(struct list *n)
{
	return container_of(n, struct join, node);
}

static void
join_note(struct peerhost *ph, struct stanza *stanza)
{
	struct join *j;

	if (ph->n_joins >= JOINS_MAX)
		join_free(ph, join_of(ph->joins.next));
	j = mem_zalloc(sizeof(*j));
	j->stanza = stanza_compact(stanza);
	j->since_ms = ph->host->server->clock->mono_ms;
	list_append(&ph->joins, &j->node);
	ph->n_joins++;
	arm(ph);
}

static struct join *
join_find(const struct peerhost *ph, const struct jid *user,
	  const struct jid *room)
{
	/* The last of several counts. */
	for (struct list *n = ph->joins.prev; n != &ph->joins; n = n->prev) {
		if (jid_eq(join_of(n)->stanza->from, user) &&
		    jid_eq_bare(join_of(n)->stanza->to, room))
			return join_of(n);
	}
	return NULL;
}

/* ---- time ---- */

static void
tick(struct copy *c, int64_t now_ms)
{
	if (c->is_over) {
		copy_free(c);
		return;
	}
	if (c->shown_ms && now_ms - c->shown_ms >= SHOWN_MS) {
		fanout_drop_shown(c->slave->room);
		c->shown_ms = 0;
	}
	slave_tick(c->slave, now_ms);
}

static void
on_timer(struct timer *t)
{
	struct peerhost *ph = container_of(t, struct peerhost, timer);
	int64_t now_ms = ph->host->server->clock->mono_ms;

	list_each_safe (n, &ph->joins) {
		if (now_ms - join_of(n)->since_ms < JOIN_MS)
			break;
		join_free(ph, join_of(n));
	}
	map_each (n, &ph->copies)
		tick(container_of(n, struct copy, node), now_ms);
	if (ph->copies.n || ph->n_joins)
		arm(ph);
}

/* ---- what users of ours say ---- */

/* The protocol is for servers only. */
static enum verdict
strip(struct event *ev, void *data)
{
	struct stanza *copy;

	(void)data;
	if (!stanza_child(ev->stanza, NULL, NS_DMUC))
		return PASS;
	if (ev->stanza->kind == STANZA_IQ)
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	copy = stanza_edit(ev->stanza);
	copy->root->n_kids = 0;
	for (uint32_t i = 0; i < ev->stanza->root->n_kids; i++) {
		const struct xml *kid = ev->stanza->root->kids[i];

		if (!kid->name || strcmp(kid->ns, NS_DMUC) != 0)
			xml_append(copy->arena, copy->root, kid);
	}
	stanza_unref(&ev->stanza);
	ev->stanza = copy;
	return PASS;
}

static bool
is_elsewhere(const struct server *srv, const struct jid *jid)
{
	return !host_of(srv, jid) && !route_has_service(srv, jid_domain(jid));
}

static enum verdict
on_presence_from(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	const struct stanza *s = ev->stanza;
	struct copy *c = copy_find(ph, ev->to);
	bool is_join = s->type == TYPE_NONE && stanza_child(s, "x", NS_MUC);

	if (!ev->to || (s->type != TYPE_NONE && s->type != TYPE_UNAVAILABLE))
		return PASS;
	if (c && !c->is_over &&
	    (is_join || slave_session(c->slave, ev->from))) {
		slave_submit(c->slave, ev->stanza);
		return DONE;
	}
	if (ph->is_on && is_join && jid_local(ev->to) && jid_resource(ev->to) &&
	    is_elsewhere(ev->server, ev->to))
		join_note(ph, ev->stanza);
	return PASS;
}

static enum verdict
on_message_from(struct event *ev, void *data)
{
	struct copy *c;

	if (ev->stanza->type != TYPE_GROUPCHAT || jid_resource(ev->to))
		return PASS;
	c = copy_find(data, ev->to);
	if (!c || c->is_over || !slave_session(c->slave, ev->from))
		return PASS;
	slave_submit(c->slave, ev->stanza);
	return DONE;
}

/* XEP-0410: the copy knows. */
static enum verdict
on_iq_from(struct event *ev, void *data)
{
	const struct room_session *s;
	struct copy *c;

	if (ev->stanza->type != TYPE_GET || !jid_resource(ev->to) ||
	    !xml_is(stanza_payload(ev->stanza), "ping", NS_PING))
		return PASS;
	c = copy_find(data, ev->to);
	s = c && !c->is_over ? slave_session(c->slave, ev->from) : NULL;
	if (!s || strcmp(s->occupant->nick, jid_resource(ev->to)) != 0)
		return PASS;
	return event_reply_empty(ev);
}

static enum verdict
on_closed(struct event *ev, void *data)
{
	struct peerhost *ph = data;

	map_each (n, &ph->copies) {
		struct copy *c = container_of(n, struct copy, node);
		struct room_session *s =
			slave_session(c->slave, ev->session->jid);

		if (!s)
			continue;
		if (s->owner)
			fanout_detach(s);
		slave_session_gone(c->slave, ev->session->jid);
	}
	return PASS;
}

/* ---- what is for users of ours ---- */

/* The room has let him in by itself, or not. */
static bool
is_join_answer(const struct stanza *s)
{
	return s->kind == STANZA_PRESENCE &&
	       (s->type == TYPE_ERROR || muc_user_has_status(s, "110"));
}

static void
join_answered(struct peerhost *ph, const struct event *ev)
{
	struct join *j = join_find(ph, ev->to, ev->from);

	if (j)
		join_free(ph, j);
}

/* From the room itself, to one for whom it comes from the copy: the master has
 * forgotten us. What it says is in its log. */
static enum verdict
from_room(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	struct copy *c = copy_find(ph, ev->from);

	if (ph->n_joins && ev->wire && is_join_answer(ev->stanza))
		join_answered(ph, ev);
	if (!c || c->is_over)
		return PASS;
	if (ev->stanza->type == TYPE_ERROR)
		return slave_error(c->slave, ev->stanza) ? DONE : PASS;
	if (!ev->wire || !slave_serves(c->slave, ev->to) ||
	    (ev->stanza->kind == STANZA_MESSAGE &&
	     ev->stanza->type != TYPE_GROUPCHAT))
		return PASS;
	slave_attach(c->slave);
	return DONE;
}

/* ---- what is for the host ---- */

static void
answer_detach(struct event *ev)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, ev->to, ev->from, NULL);

	xml_add(s->arena, s->root, "detach", NS_DMUC);
	route(ev->server, s);
}

static bool
tells_state(const struct xml *x)
{
	return !strcmp(x->name, "log") || !strcmp(x->name, "position") ||
	       !strcmp(x->name, "snapshot");
}

/* Where all of them together are too large, it is one that grows that goes. */
static void
receive(struct copy *c, const struct xml *x)
{
	struct peerhost *ph = c->host;
	size_t others = ph->size - c->slave->size;
	size_t left =
		(size_t)ph->max_all > others ? (size_t)ph->max_all - others : 0;

	c->slave->size_max =
		left < (size_t)ph->max_size ? left : (size_t)ph->max_size;
	slave_receive(c->slave, x);
	ph->size = others + c->slave->size;
}

static enum verdict
on_message_to_host(struct event *ev, void *data)
{
	const struct xml *x = stanza_child(ev->stanza, NULL, NS_DMUC);
	struct copy *c;

	if (!ev->from || !x || !jid_local(ev->from) || jid_resource(ev->from) ||
	    !ev->wire)
		return PASS;
	if (ev->stanza->type == TYPE_ERROR)
		return DONE;
	c = copy_find(data, ev->from);
	if (c && !c->is_over)
		receive(c, x);
	else if (tells_state(x))
		answer_detach(ev);
	return DONE;
}

static enum verdict
answer_position(struct event *ev, const struct copy *c)
{
	const struct log_ring *log = &c->slave->room->log;
	struct stanza *reply = event_result(ev);
	struct xml *x = xml_add(reply->arena, reply->root, "slave", NS_DMUC);

	xml_set(reply->arena, x, "epoch", log->epoch);
	xml_set_int(reply->arena, x, "seq", (int64_t)log->seq);
	if (c->slave->n_asked)
		xml_set_int(reply->arena, x, "ask", (int64_t)c->slave->n_asked);
	return event_reply(ev, reply);
}

/* A room wants us to have a copy. Only one that somebody of ours enters. */
static enum verdict
on_slave(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	const struct xml *x = stanza_payload(ev->stanza);
	const char *action = xml_get(x, "action");
	struct copy *c = copy_find(ph, ev->from);
	bool is_wanted = false;

	if (!ev->from || !jid_local(ev->from) || jid_resource(ev->from) ||
	    !ev->wire || !action || strcmp(action, "create") != 0)
		return event_fail(ev, COND_BAD_REQUEST);
	if (!ph->is_on)
		return event_fail(ev, COND_NOT_ALLOWED);
	if (c && c->is_over) {
		copy_free(c);
		c = NULL;
	}
	if (!c && (ph->copies.n >= (size_t)ph->max ||
		   ph->size >= (size_t)ph->max_all))
		return event_fail(ev, COND_RESOURCE_CONSTRAINT);
	xml_each (kid, x) {
		const char *jid_text = xml_get(kid, "jid");
		const char *id = xml_get(kid, "submit");
		struct jid *jid = jid_text ? jid_parse(jid_text) : NULL;
		struct join *j = jid ? join_find(ph, jid, ev->from) : NULL;

		if (j && id) {
			is_wanted = true;
			c = c ? c : copy_new(ph, ev->from);
			slave_expect(c->slave, j->stanza->from, j->stanza, id);
			join_free(ph, j);
		}
		/* One that enters again after a split has its id already. */
		is_wanted |= c && jid && slave_serves(c->slave, jid);
		jid_unref(&jid);
	}
	return is_wanted ? answer_position(ev, c)
			 : event_fail(ev, COND_ITEM_NOT_FOUND);
}

static enum verdict
on_disco(struct event *ev, void *data)
{
	const struct peerhost *ph = data;

	if (!ev->account && ph->is_on)
		disco_add_feature(ev->arena, ev->xml, NS_DMUC);
	return PASS;
}

/* ---- ways ---- */

static void
each_of(struct peerhost *ph, const struct jid *domain,
	void (*fn)(struct slave *s))
{
	map_each (n, &ph->copies) {
		struct copy *c = container_of(n, struct copy, node);

		if (!c->is_over && jid_eq_domain(c->slave->jid, domain))
			fn(c->slave);
	}
}

static enum verdict
on_unreachable(struct event *ev, void *data)
{
	each_of(data, ev->to, slave_lost);
	return PASS;
}

static enum verdict
on_reachable(struct event *ev, void *data)
{
	each_of(data, ev->to, slave_found);
	return PASS;
}

static enum verdict
on_broken(struct event *ev, void *data)
{
	each_of(data, ev->to, slave_attach);
	return PASS;
}

/* ---- for who runs the server ---- */

static void
see(struct copy *c, copies_fn *fn, void *data)
{
	const struct slave *s = c->slave;

	if (c->is_over)
		return;
	fn(data,
	   &(struct copy_seen){
		   .room = jid_str(s->jid),
		   .host = c->host->host->name,
		   .state = slave_state_name(s->state),
		   .is_split = s->state == SLAVE_SPLIT,
		   .since_s =
			   (server_of(c)->clock->mono_ms - s->since_ms) / 1000,
		   .epoch = s->room->log.epoch,
		   .seq = s->room->log.seq,
		   .n_users = s->locals.n,
		   .n_occupants = s->room->n_occupants,
		   .n_waiting = s->n_pending,
	   });
}

void
copies_each(struct server *srv, const struct jid *room, copies_fn *fn,
	    void *data)
{
	map_each (n, &srv->hosts) {
		struct peerhost *ph =
			host_data(container_of(n, struct host, node), &slot);
		struct copy *c = ph && room ? copy_find(ph, room) : NULL;

		if (c)
			see(c, fn, data);
		if (!ph || room)
			continue;
		map_each (k, &ph->copies)
			see(container_of(k, struct copy, node), fn, data);
	}
}

/* ---- the module ---- */

static int
load(struct host *host, void *data, struct err *err)
{
	struct peerhost *ph = data;

	(void)err;
	ph->host = host;
	ph->timer.fn = on_timer;
	list_init(&ph->joins);
	return 0;
}

static void
unload(struct host *host, void *data)
{
	struct peerhost *ph = data;

	loop_timer_clear(host->server->core, &ph->timer);
	map_each (n, &ph->copies)
		copy_free(container_of(n, struct copy, node));
	map_fini(&ph->copies);
	while (!list_is_empty(&ph->joins))
		join_free(ph, join_of(ph->joins.next));
}

const struct module mod_peerhost = {
	.name = "peerhost",
	.slot = &slot,
	.needs = (const char *const[]){ "disco", "presence", NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_SET, TO_HOST, NS_DMUC, "slave", on_slave },
			{ 0 },
		},
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_MESSAGE_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_IQ_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_PRESENCE_FROM_USER, PHASE_FALLBACK,
			  on_presence_from },
			{ HOOK_MESSAGE_FROM_USER, PHASE_FALLBACK,
			  on_message_from },
			{ HOOK_IQ_FROM_USER, PHASE_FALLBACK, on_iq_from },
			{ HOOK_PRESENCE_TO_USER, PHASE_CHECK, from_room },
			{ HOOK_MESSAGE_TO_USER, PHASE_CHECK, from_room },
			{ HOOK_MESSAGE_TO_HOST, PHASE_DELIVER,
			  on_message_to_host },
			{ HOOK_DISCO_INFO, PHASE_DELIVER, on_disco },
			{ HOOK_SESSION_CLOSED, PHASE_COPY, on_closed },
			{ HOOK_REMOTE_UNREACHABLE, PHASE_DELIVER,
			  on_unreachable },
			{ HOOK_REMOTE_REACHABLE, PHASE_DELIVER, on_reachable },
			{ HOOK_REMOTE_BROKEN, PHASE_DELIVER, on_broken },
			{ 0 },
		},
	.host_size = sizeof(struct peerhost),
	.load = load,
	.unload = unload,
};
