/* copy.c - a copy of a room at the server of some of its users. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "sim.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct copy *
copy_find(struct sim *sim, unsigned server, unsigned room)
{
	struct copy *c = sim->servers[server].copies[room];

	if (!c || c->is_over)
		return NULL;
	slave_set_clock(c->slave, sim->now_ms, host_wall(sim, server));
	return c;
}

/* Of each client, as peerhost.c. */
#define WAITING_MAX 200

static void
send_up(struct sim *sim, unsigned at, unsigned room, const char *xml,
	size_t len)
{
	struct wire *w = wire_new(WIRE_UP, at, sim->rooms[room].at, room);

	w->text = mem_strndup(xml, len);
	w->len = len;
	net_send(sim, w);
}

/* ---- what the copy calls ---- */

static void
send_side(struct copy *c, const struct jid *to, const char *xml, size_t len)
{
	struct wire *w;

	for (unsigned i = 0; i < c->sim->n_servers; i++) {
		if (!jid_eq(c->sim->servers[i].domain, to))
			continue;
		w = wire_new(WIRE_SIDE, c->at, i, c->room);
		w->text = mem_strndup(xml, len);
		w->len = len;
		c->sim->n_passed_on += !strncmp(xml, "<log", 4);
		net_send(c->sim, w);
		return;
	}
	sim_wrong(c->sim, "a copy sends something to %s", jid_str(to));
}

static void
send(void *owner, struct jid *to, const char *xml, size_t len)
{
	struct copy *c = owner;

	if (to)
		send_side(c, to, xml, len);
	else
		send_up(c->sim, c->at, c->room, xml, len);
}

static void
opened(void *owner, const char *xml, size_t len)
{
	struct copy *c = owner;
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(c->sim->pool, a, xml, len);

	sim_tell(c->sim, "copy of %u at %u opens %.*s", c->room, c->at,
		 (int)len, xml);
	if (x)
		slave_receive(c->slave, NULL, x);
	else
		sim_wrong(c->sim, "sealed, and cannot be read: %s", xml);
	arena_unref(&a);
}

static void
send_stanza(struct copy *c, const struct stanza *s)
{
	struct buf b = { 0 };
	struct wire *w;

	stanza_write(&b, s, s->from, s->to, NULL);
	if (slave_is_carried(c->slave)) {
		slave_carry(c->slave, b.data, b.len);
		buf_fini(&b);
		return;
	}
	w = wire_new(WIRE_STANZA, c->at, c->sim->rooms[c->room].at, c->room);
	w->len = b.len;
	w->text = buf_take(&b);
	net_send(c->sim, w);
}

static void
submit(void *owner, struct stanza *s)
{
	send_stanza(owner, s);
	stanza_unref(&s);
}

static struct stanza *
presence(struct copy *c, struct jid *user, const char *nick,
	 enum stanza_type type, const char *id)
{
	struct jid *to = jid_with_resource(c->sim->rooms[c->room].jid, nick);
	struct stanza *s = stanza_new(STANZA_PRESENCE, type, user, to, id);

	jid_unref(&to);
	return s;
}

static void
add_payload(struct copy *c, struct stanza *s, struct chunk *payload)
{
	struct buf b = { 0 };
	struct xml *x;
	size_t len;
	const char *text;

	if (!payload)
		return;
	text = chunk_data(payload, &len);
	buf_adds(&b, "<presence xmlns='" NS_CLIENT "'");
	buf_add(&b, text, len);
	buf_adds(&b, "</presence>");
	x = xml_from_text(c->sim->pool, s->arena, b.data, b.len);
	if (x) {
		xml_each (kid, x)
			xml_append(s->arena, s->root, kid);
	}
	buf_fini(&b);
}

static void
rejoin(void *owner, struct jid *user, const char *nick, struct chunk *payload,
       const char *id)
{
	struct copy *c = owner;
	struct stanza *s = presence(c, user, nick, TYPE_NONE, id);
	struct xml *x;

	c->sim->n_returns++;
	add_payload(c, s, payload);
	xml_add(s->arena, s->root, "x", NS_MUC);
	x = slave_add_submit(c->slave, s, id);
	xml_set(s->arena, x, "return", "true");
	send_stanza(c, s);
	stanza_unref(&s);
}

static void
leave(void *owner, struct jid *user, const char *nick, const char *id)
{
	struct copy *c = owner;
	struct stanza *s = presence(c, user, nick, TYPE_UNAVAILABLE, NULL);

	slave_add_submit(c->slave, s, id);
	send_stanza(c, s);
	stanza_unref(&s);
}

static void
applied(void *owner, const struct room_change *change,
	const struct stanza *stanza)
{
	struct copy *c = owner;
	struct shower by = { .sim = c->sim,
			     .room = c->room,
			     .server = c->at,
			     .state = c->slave->room,
			     .stanza = stanza };

	show_change(&by, change);
}

static void
refuse(void *owner, const struct stanza *s, enum stanza_cond cond,
       const char *text)
{
	struct copy *c = owner;
	struct user *u = user_find(c->sim, s->from);

	(void)text;
	user_sees(c->sim, u,
		  &(struct sight){
			  .type = SIGHT_ERROR,
			  .room = c->room,
			  .number = stanza_id(s) ? (unsigned)atoi(stanza_id(s))
						 : 0,
			  .cond = cond });
}

static bool
is_here(void *owner, const struct jid *full)
{
	struct copy *c = owner;
	struct user *u = user_find(c->sim, full);

	/* As the module joined knows it. */
	return u && u->is_online && u->server == c->at &&
	       (u->views[c->room].state == VIEW_IN ||
		u->views[c->room].state == VIEW_JOINING ||
		u->views[c->room].has_asked);
}

static void
over(void *owner)
{
	struct copy *c = owner;

	c->is_over = true;
}

static void
note(void *owner, const char *what)
{
	struct copy *c = owner;

	sim_tell(c->sim, "copy of %u at %u: %s", c->room, c->at, what);
}

static const struct slave_class class = {
	.send = send,
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

/* ---- its life ---- */

static void
on_tick(struct sim *sim, const struct event *ev)
{
	struct copy *c = sim->servers[ev->a].copies[ev->b];

	if (!c || c->number != ev->c)
		return;
	if (c->is_over) {
		copy_free(c);
		return;
	}
	slave_set_clock(c->slave, sim->now_ms, host_wall(sim, ev->a));
	slave_tick(c->slave, sim->now_ms);
	sim_at(sim, sim->now_ms + 5000, ev);
}

static struct copy *
copy_new(struct sim *sim, unsigned at, unsigned room)
{
	struct copy *c = mem_zalloc(sizeof(*c));

	c->sim = sim;
	c->at = at;
	c->room = room;
	c->slave = slave_new(sim->rooms[room].jid, sim->servers[at].domain,
			     &class, c);
	slave_set_clock(c->slave, sim->now_ms, host_wall(sim, at));
	c->slave->may_continue = sim->servers[at].may_continue;
	c->slave->may_relay = true;
	c->slave->pending_max = WAITING_MAX;
	c->number = ++sim->n_copies;
	sim->servers[at].copies[room] = c;
	sim_at(sim, sim->now_ms + 5000,
	       &(struct event){
		       .fn = on_tick, .a = at, .b = room, .c = c->number });
	return c;
}

void
copy_free(struct copy *c)
{
	c->sim->servers[c->at].copies[c->room] = NULL;
	slave_free(c->slave);
	free(c);
}

/* ---- what comes from the master ---- */

static void
accept(struct copy *c, struct wire *answer)
{
	const struct log_ring *log = &c->slave->room->log;

	answer->is_yes = true;
	answer->text = mem_printf("<slave epoch='%s' seq='%" PRIu64
				  "' ask='%" PRIu64 "'/>",
				  log->epoch, log->seq, c->slave->n_asked);
	answer->len = strlen(answer->text);
}

/* As peerhost.c: only one that somebody of ours enters. */
void
copy_take_create(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct wire *answer = wire_new(WIRE_ANSWER, w->to, w->from, w->room);
	bool is_wanted = false;

	answer->creation = w->creation;
	if (sim->servers[w->to].copies[w->room] && !c)
		copy_free(sim->servers[w->to].copies[w->room]);
	for (unsigned i = 0; sim->servers[w->to].hosts && i < w->n_fors; i++) {
		struct user *u = &sim->users[w->fors[i].user];
		struct view *v = &u->views[w->room];

		if (v->joining) {
			is_wanted = true;
			c = c ? c : copy_new(sim, w->to, w->room);
			slave_expect(c->slave, u->jid, v->joining,
				     w->fors[i].submit);
			stanza_unref(&v->joining);
		}
		is_wanted |= c && slave_serves(c->slave, u->jid);
	}
	if (is_wanted)
		accept(c, answer);
	net_send(sim, answer);
}

void
copy_take_down(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct arena *a;
	struct xml *x;

	if (!c) {
		static const char gone[] = "<detach xmlns='" NS_DMUC "'/>";

		if (strncmp(w->text, "<log", 4) != 0 &&
		    strncmp(w->text, "<position", 9) != 0 &&
		    strncmp(w->text, "<snapshot", 9) != 0)
			return;
		send_up(sim, w->to, w->room, gone, strlen(gone));
		return;
	}
	a = arena_new();
	x = xml_from_text(sim->pool, a, w->text, w->len);
	if (x)
		slave_receive(c->slave, NULL, x);
	else
		sim_wrong(sim, "an element that cannot be read: %s", w->text);
	arena_unref(&a);
}

/* As peerhost.c: who asks learns that there is none. */
static void
refuse_side(struct sim *sim, const struct wire *w, const struct xml *x)
{
	const char *ask = xml_get(x, "ask"), *name = "detach";
	struct wire *answer;

	if (!strcmp(x->name, "attach"))
		name = "released";
	else if (strcmp(x->name, "log") != 0 &&
		 strcmp(x->name, "snapshot") != 0 &&
		 strcmp(x->name, "position") != 0)
		return;
	answer = wire_new(WIRE_SIDE, w->to, w->from, w->room);
	answer->text = mem_printf("<%s xmlns='" NS_DMUC "' ask='%s'/>", name,
				  ask ? ask : "0");
	answer->len = strlen(answer->text);
	net_send(sim, answer);
}

void
copy_take_side(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(sim->pool, a, w->text, w->len);

	if (!x)
		sim_wrong(sim, "an element that cannot be read: %s", w->text);
	else if (c)
		slave_receive(c->slave, sim->servers[w->from].domain, x);
	else
		refuse_side(sim, w, x);
	arena_unref(&a);
}

void
copy_bounced(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->from, w->room);

	if (c)
		slave_bounced(c->slave, sim->servers[w->to].domain);
}

bool
copy_error(struct copy *c, const struct stanza *error)
{
	bool is = slave_error(c->slave, error);

	return is;
}

void
copy_submit(struct copy *c, struct stanza *s)
{
	slave_submit(c->slave, s);
}

void
copy_session_gone(struct copy *c, const struct jid *full)
{
	slave_session_gone(c->slave, full);
}
