/* peerhost_copy.c - what is done for a copy of another server's room: what it
 * says to the room, and what its users see. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/joined.h"
#include "modules/muc/copies.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/ns.h"
#include "modules/muc/peerhost_private.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "modules/presence.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 5000

/* ---- copies ---- */

static bool
copy_eq(const struct map_node *n, const void *jid)
{
	return jid_eq_bare(container_of((struct map_node *)n, struct copy, node)
				   ->slave->jid,
			   jid);
}

void
copy_set_clock(struct copy *c)
{
	const struct clock *now = c->host->host->server->clock;

	slave_set_clock(c->slave, now->mono_ms, now->wall_ms);
}

struct copy *
copy_find(const struct peerhost *ph, const struct jid *room)
{
	struct map_node *n;

	if (!room || !ph->copies.n)
		return NULL;
	n = map_find(&ph->copies, jid_hash_bare(room), copy_eq, room);
	if (!n)
		return NULL;
	copy_set_clock(copy_of(n));
	return copy_of(n);
}

void
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

void
peerhost_arm(struct peerhost *ph)
{
	if (!timer_is_set(&ph->timer))
		loop_timer_set(ph->host->server->core, &ph->timer, TICK_MS);
}

/* ---- what a copy wants done ---- */

struct server *
copy_server(const struct copy *c)
{
	return c->host->host->server;
}

static struct stanza *
parse(const struct copy *c, const struct buf *b)
{
	struct arena *a = arena_new();

	return stanza_from_xml(
		a, xml_from_text(copy_server(c)->pool, a, b->data, b->len),
		NS_CLIENT);
}

static void
send_up(void *owner, struct jid *to, const char *xml, size_t len)
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
	stanza_set_to(s, to ? to : c->slave->jid);
	route(copy_server(c), s);
}

/* By the relay, where there is no other way: takes it. */
static void
send_to_room(struct copy *c, struct stanza *s)
{
	struct buf b = { 0 };

	if (!slave_is_carried(c->slave)) {
		route(copy_server(c), s);
		return;
	}
	stanza_write(&b, s, s->from, s->to, NULL);
	slave_carry(c->slave, b.data, b.len);
	buf_fini(&b);
	stanza_unref(&s);
}

static void
opened(void *owner, const char *xml, size_t len)
{
	struct copy *c = owner;
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(copy_server(c)->pool, a, xml, len);

	if (x)
		slave_receive(c->slave, NULL, x);
	arena_unref(&a);
}

static void
submit(void *owner, struct stanza *stanza)
{
	send_to_room(owner, stanza);
}

static void
rejoin(void *owner, struct jid *user, const char *nick, struct chunk *payload,
       const char *id)
{
	struct copy *c = owner;
	struct jid *to = jid_with_resource(c->slave->jid, nick);
	struct buf b = { 0 };
	struct stanza *s;
	struct xml *x;
	const char *text;
	size_t len;

	buf_printf(&b, "<presence xmlns='" NS_CLIENT "' id='%s'", id);
	text = payload ? chunk_data(payload, &len) : ">";
	buf_adds(&b, payload ? "" : text);
	if (payload)
		buf_add(&b, text, len);
	buf_adds(&b, "<x xmlns='" NS_MUC "'><history maxstanzas='0'/></x>"
		     "</presence>");
	s = parse(c, &b);
	buf_fini(&b);
	x = slave_add_submit(c->slave, s, id);
	xml_set(s->arena, x, "return", "true");
	stanza_set_from(s, user);
	stanza_set_to(s, to);
	jid_unref(&to);
	send_to_room(c, s);
}

static void
leave(void *owner, struct jid *user, const char *nick, const char *id)
{
	struct copy *c = owner;
	struct jid *to = jid_with_resource(c->slave->jid, nick);
	struct stanza *s =
		stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, user, to, NULL);

	jid_unref(&to);
	slave_add_submit(c->slave, s, id);
	send_to_room(c, s);
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
		/* Who is about to enter again has said where to already. */
		if (type == ENTRY_LEAVE &&
		    (change->is_last || s == change->session) &&
		    !(s->real && slave_is_entering(c->slave, s->real)))
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
	struct server *srv = copy_server(c);
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
	struct copy *c = owner;

	if (!error)
		return;
	c->is_refusing = true;
	route(copy_server(c), error);
	c->is_refusing = false;
}

static bool
is_here(void *owner, const struct jid *full)
{
	const struct copy *c = owner;
	struct account *a = account_find(copy_server(c), full);
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
			      copy_server(c)->clock->mono_ms))
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
	peerhost_arm(c->host);
}

static void
note(void *owner, const char *what)
{
	tell_log(owner, what);
}

static const struct slave_class slave_class = {
	.send = send_up,
	.opened = opened,
	.submit = submit,
	.rejoin = rejoin,
	.leave = leave,
	.applied = applied,
	.refuse = refuse,
	.is_here = is_here,
	.over = over,
	.note = note,
};

void
copy_take_options(struct copy *c)
{
	const struct peerhost *ph = c->host;

	c->slave->may_continue = ph->may_continue;
	slave_set_may_relay(c->slave, ph->may_relay);
	c->slave->children_max = (size_t)ph->max_children;
	c->slave->size_max = (size_t)ph->max_size;
	c->slave->pending_max = (size_t)ph->max_waiting;
	c->slave->pending_size_max = (size_t)ph->max_waiting_size;
}

struct copy *
copy_new(struct peerhost *ph, struct jid *room)
{
	struct copy *c = mem_zalloc(sizeof(*c));

	c->host = ph;
	c->slave = slave_new(room, ph->host->jid, &slave_class, c);
	copy_set_clock(c);
	c->slave->since_ms = ph->host->server->clock->mono_ms;
	copy_take_options(c);
	map_insert(&ph->copies, &c->node, jid_hash_bare(room));
	tell_log(c, "made");
	peerhost_arm(ph);
	return c;
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
		   .since_s = (copy_server(c)->clock->mono_ms - s->since_ms) /
			      1000,
		   .epoch = s->room->log.epoch,
		   .seq = s->room->log.seq,
		   .n_behind = slave_n_behind(s),
		   .n_users = s->locals.n,
		   .n_occupants = s->room->n_occupants,
		   .n_waiting = s->n_pending,
		   .path = s->parent ? s->path : "",
		   .n_below = slave_n_below(s),
	   });
}

void
copies_each(struct server *srv, const struct jid *room, copies_fn *fn,
	    void *data)
{
	map_each (n, &srv->hosts) {
		struct peerhost *ph = host_data(
			container_of(n, struct host, node), &peerhost_slot);
		struct copy *c = ph && room ? copy_find(ph, room) : NULL;

		if (c)
			see(c, fn, data);
		if (!ph || room)
			continue;
		map_each (k, &ph->copies)
			see(copy_of(k), fn, data);
	}
}
