/* host.c - servers: what arrives goes to a room, a copy or a user; ways that
 * are lost and found; crashes. */

#include "base/arena.h"
#include "base/mem.h"
#include "modules/muc/slave.h"
#include "sim.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <stdlib.h>
#include <string.h>

#define START_MS INT64_C(1700000000000)

int64_t
host_wall(const struct sim *sim, unsigned server)
{
	return START_MS + sim->servers[server].skew_ms + sim->now_ms;
}

static struct stanza *
parse(struct sim *sim, const struct wire *w)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(sim->pool, a, w->text, w->len);
	struct stanza *s = x ? stanza_from_xml(a, x, NS_CLIENT) : NULL;

	if (!s) {
		sim_wrong(sim, "a stanza that cannot be read: %s", w->text);
		arena_unref(&a);
	}
	return s;
}

static void
take_reply(struct sim *sim, const struct wire *w)
{
	struct stanza *s = parse(sim, w);
	struct copy *c = copy_find(sim, w->to, w->room);
	struct user *u = &sim->users[w->user];

	if (!s)
		return;
	if (!c || !copy_error(c, s))
		user_sees(sim, u, w->sight);
	stanza_unref(&s);
}

static void
take_stanza(struct sim *sim, const struct wire *w)
{
	struct stanza *s = parse(sim, w);

	if (s)
		own_take(&sim->rooms[w->room], s, w->from);
	stanza_unref(&s);
}

/* The room takes somebody for an ordinary occupant of whom there is a copy
 * here. */
static void
take_sight(struct sim *sim, const struct wire *w)
{
	struct copy *c = copy_find(sim, w->to, w->room);
	struct user *u = &sim->users[w->user];

	if (c && slave_serves(c->slave, u->jid)) {
		slave_attach(c->slave);
		return;
	}
	user_sees(sim, u, w->sight);
}

void
host_take(struct sim *sim, struct wire *w)
{
	struct own_room *r = &sim->rooms[w->room];

	switch (w->kind) {
	case WIRE_STANZA:
		take_stanza(sim, w);
		break;
	case WIRE_REPLY:
		take_reply(sim, w);
		break;
	case WIRE_SIGHT:
		take_sight(sim, w);
		break;
	case WIRE_DOWN:
		copy_take_down(sim, w);
		break;
	case WIRE_UP:
		own_take_up(r, w->from, w);
		break;
	case WIRE_SIDE:
		copy_take_side(sim, w);
		break;
	case WIRE_CREATE:
		copy_take_create(sim, w);
		break;
	case WIRE_ANSWER:
		own_take_answer(r, w->from, w);
		break;
	}
}

/* ---- what comes back ---- */

/* Or of a copy, which enters him again; then no client knows of it. */
static bool
is_of_user(const struct stanza *s)
{
	return !stanza_id(s) || strlen(stanza_id(s)) < 10;
}

static void
bounce_stanza(struct sim *sim, const struct wire *w)
{
	struct stanza *s = parse(sim, w), *error;
	struct copy *c = copy_find(sim, w->from, w->room);
	struct user *u = s ? user_find(sim, s->from) : NULL;

	if (!u)
		return;
	error = stanza_error(s, COND_REMOTE_SERVER_TIMEOUT, NULL);
	if (error && (!c || !copy_error(c, error)) && is_of_user(s))
		user_sees(sim, u,
			  &(struct sight){
				  .type = SIGHT_ERROR,
				  .room = w->room,
				  .number = stanza_id(s) ? (unsigned)atoi(
								   stanza_id(s))
							 : 0,
				  .cond = COND_REMOTE_SERVER_TIMEOUT });
	stanza_unref(&error);
	stanza_unref(&s);
}

void
host_bounced(struct sim *sim, struct wire *w)
{
	sim_tell(sim, "%u->%u comes back: %.*s", w->from, w->to,
		 w->len > 300 ? 300 : (int)w->len, w->text ? w->text : "");
	if (w->kind == WIRE_STANZA)
		bounce_stanza(sim, w);
	else if (w->kind == WIRE_CREATE)
		own_take_answer(&sim->rooms[w->room], w->to, w);
	else if (w->kind == WIRE_SIDE)
		copy_bounced(sim, w);
}

/* ---- ways ---- */

/* A server's rooms and its users have names of their own. */
static void
each_domain(struct sim *sim, struct copy *c, unsigned there,
	    void (*fn)(struct slave *s, const struct jid *domain))
{
	if (sim->rooms[c->room].at == there)
		fn(c->slave, sim->rooms[c->room].service);
	if (!c->is_over)
		fn(c->slave, sim->servers[there].domain);
}

void
host_lost(struct sim *sim, unsigned here, unsigned there)
{
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		struct copy *c = copy_find(sim, here, i);

		if (c)
			each_domain(sim, c, there, slave_lost);
		if (sim->rooms[i].at == here)
			own_lost(&sim->rooms[i], there);
	}
}

void
host_found(struct sim *sim, unsigned here, unsigned there)
{
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		struct copy *c = copy_find(sim, here, i);

		if (c)
			each_domain(sim, c, there, slave_found);
		if (sim->rooms[i].at == here)
			own_found(&sim->rooms[i], there);
	}
}

void
host_broken(struct sim *sim, unsigned here, unsigned there)
{
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		struct copy *c = copy_find(sim, here, i);

		if (c)
			each_domain(sim, c, there, slave_broken);
		if (sim->rooms[i].at == here)
			own_broken(&sim->rooms[i], there);
	}
}

/* ---- crashes ---- */

static void
on_restart(struct sim *sim, const struct event *ev)
{
	struct server *srv = &sim->servers[ev->a];

	sim_tell(sim, "server %u starts", ev->a);
	srv->is_up = true;
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		if (sim->rooms[i].at == ev->a)
			own_restart(&sim->rooms[i]);
	}
	net_up(sim, ev->a);
}

void
host_crash(struct sim *sim, unsigned server, int64_t ms, bool from_backup)
{
	struct server *srv = &sim->servers[server];

	if (!srv->is_up)
		return;
	sim_tell(sim, "server %u crashes%s", server,
		 from_backup ? ", and is going to be what it was" : "");
	srv->is_up = false;
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		if (srv->copies[i])
			copy_free(srv->copies[i]);
		if (sim->rooms[i].at == server)
			own_crash(&sim->rooms[i], from_backup);
	}
	for (unsigned i = 0; i < sim->n_users; i++) {
		if (sim->users[i].server == server)
			user_offline(sim, &sim->users[i]);
	}
	net_down(sim, server);
	sim_at(sim, sim->now_ms + ms,
	       &(struct event){ .fn = on_restart, .a = server });
}
