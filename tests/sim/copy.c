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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy *
copy_find(struct sim *sim, unsigned server, unsigned room)
{
	return sim->servers[server].copies[room];
}

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
send(void *owner, const char *xml, size_t len)
{
	struct copy *c = owner;

	send_up(c->sim, c->at, c->room, xml, len);
}

static void
send_stanza(struct copy *c, const struct stanza *s)
{
	struct wire *w = wire_new(WIRE_STANZA, c->at,
				  c->sim->rooms[c->room].at, c->room);
	struct buf b = { 0 };

	stanza_write(&b, s, s->from, s->to, NULL);
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
	x = xml_add(s->arena, s->root, "submit", NS_DMUC);
	xml_set(s->arena, x, "id", id);
	xml_set(s->arena, x, "return", "true");
	send_stanza(c, s);
	stanza_unref(&s);
}

static void
leave(void *owner, struct jid *user, const char *nick)
{
	struct copy *c = owner;
	struct stanza *s = presence(c, user, nick, TYPE_UNAVAILABLE, NULL);

	send_stanza(c, s);
	stanza_unref(&s);
}

static void
applied(void *owner, const struct room_change *change,
	const struct slave_view *view)
{
	struct copy *c = owner;
	struct shower by = { .sim = c->sim,
			     .room = c->room,
			     .server = c->at,
			     .state = c->slave->room,
			     .is_late = view->is_late,
			     .stanza = view->stanza };

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
		  &(struct sight){ .type = SIGHT_ERROR,
				   .room = c->room,
				   .number = stanza_id(s) ? (unsigned)atoi(
								    stanza_id(s))
							  : 0,
				   .cond = cond });
}

static bool
is_here(void *owner, const struct jid *full)
{
	struct copy *c = owner;
	struct user *u = user_find(c->sim, full);

	return u && u->is_online && u->server == c->at;
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
	struct copy *c = copy_find(sim, ev->a, ev->b);

	if (!c || c != ev->p)
		return;
	slave_tick(c->slave, sim->now_ms);
	copy_sweep(c);
	if (copy_find(sim, ev->a, ev->b) == c)
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
	slave_tick(c->slave, sim->now_ms);
	sim->servers[at].copies[room] = c;
	sim_at(sim, sim->now_ms + 5000,
	       &(struct event){ .fn = on_tick, .a = at, .b = room, .p = c });
	return c;
}

void
copy_free(struct copy *c)
{
	c->sim->servers[c->at].copies[c->room] = NULL;
	slave_free(c->slave);
	free(c);
}

/* Its users go on as ordinary occupants: the room may not have them any
 * more, so they enter again. */
void
copy_sweep(struct copy *c)
{
	struct slave *s = c->slave;

	if (!c->is_over)
		return;
	sim_tell(c->sim, "copy of %u at %u ends", c->room, c->at);
	map_each (n, &s->locals) {
		struct slave_local *l =
			container_of(n, struct slave_local, node);
		struct stanza *p = presence(
			c, l->real, l->session->occupant->nick, TYPE_NONE,
			NULL);

		xml_add(p->arena, p->root, "x", NS_MUC);
		send_stanza(c, p);
		stanza_unref(&p);
	}
	copy_free(c);
}

/* ---- what comes from the master ---- */

/* An answer that it does not come to is "no". */
void
copy_take_create(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct wire *answer = wire_new(WIRE_ANSWER, w->to, w->from, w->room);
	struct user *u = &sim->users[w->user];
	struct view *v = &u->views[w->room];
	char text[200];

	memcpy(answer->submit, w->submit, sizeof(answer->submit));
	if (sim->servers[w->to].hosts && u->is_online && (v->joining || c)) {
		if (!c)
			c = copy_new(sim, w->to, w->room);
		if (v->joining)
			slave_expect(c->slave, u->jid, v->joining, w->submit);
		answer->is_yes = true;
		snprintf(text, sizeof(text),
			 "<slave epoch='%s' seq='%llu'/>",
			 c->slave->room->log.epoch,
			 (unsigned long long)c->slave->room->log.seq);
		answer->text = mem_strdup(text);
		answer->len = strlen(text);
	}
	net_send(sim, answer);
}

void
copy_take_down(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct arena *a;
	struct xml *x;

	if (!c) {
		static const char gone[] = "<detach xmlns='" NS_DMUC
					   "' epoch='' seq='0'/>";

		send_up(sim, w->to, w->room, gone, strlen(gone));
		return;
	}
	a = arena_new();
	x = xml_from_text(sim->pool, a, w->text, w->len);
	if (x)
		slave_receive(c->slave, x);
	else
		sim_wrong(sim, "an element that cannot be read: %s", w->text);
	arena_unref(&a);
	copy_sweep(c);
}

bool
copy_error(struct copy *c, const struct stanza *error)
{
	bool is = slave_error(c->slave, error);

	copy_sweep(c);
	return is;
}

void
copy_submit(struct copy *c, struct stanza *s)
{
	slave_submit(c->slave, s);
	copy_sweep(c);
}

void
copy_session_gone(struct copy *c, const struct jid *full)
{
	slave_session_gone(c->slave, full);
	copy_sweep(c);
}
