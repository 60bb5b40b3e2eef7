/* verdict.c - what has to hold when all ways are whole and everything has come
 * to rest. Which function is which invariant stands in docs/testing.md, "The
 * simulator"; those of what happens meanwhile are where it does. */

#include "verdict.h"
#include "base/chunk.h"
#include "base/err.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "modules/muc/snapshot.h"
#include "sim.h"
#include "xmpp/jid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- copies ---- */

static const char *
session_differs(const struct room_session *a, const struct room_session *b)
{
	if (!room_same_payload(a->payload, b->payload))
		return "a presence";
	if (a->is_away != b->is_away)
		return "who is away";
	if ((a == a->occupant->top) != (b == b->occupant->top))
		return "whose presence is shown";
	return NULL;
}

static bool
knows(const struct room_session *there, const struct room_session *s)
{
	return there->real && jid_eq(there->real, s->jid);
}

static const char *
occupant_differs(const struct own_room *r, const struct room *copy,
		 const struct occupant *o, bool has_addresses)
{
	const struct occupant *other = room_by_nick(copy, o->nick);

	if (!other)
		return "who is there";
	if (o->role != other->role)
		return "a role";
	if (o->affiliation != other->affiliation)
		return "an affiliation";
	if (o->n_sessions != other->n_sessions)
		return "the number of sessions";
	list_each (n, &o->sessions) {
		const struct room_session *s = room_session_of(n);
		struct jid *who = pseudonym_of(&r->env, r->master.room, s->jid);
		const struct room_session *there = room_session(copy, who);
		const char *what = !there || there->occupant != other
					   ? "a session"
					   : session_differs(s, there);

		/* A server that may know addresses knows them all. */
		if (!what && has_addresses && !knows(there, s))
			what = "an address";

		jid_unref(&who);
		if (what)
			return what;
	}
	return NULL;
}

static const char *
list_differs(const struct own_room *r, const struct copy *c)
{
	const struct room *room = r->master.room, *copy = c->slave->room;
	size_t n = 0, n_there = 0;

	affiliations_each (item, &room->affiliations) {
		enum affiliation there;

		if (!jid_eq_domain(item->jid, r->sim->servers[c->at].domain))
			continue;
		n++;
		there = affiliations_get(&copy->affiliations, item->jid);
		if (there != item->affiliation)
			return "the lists";
	}
	affiliations_each (item, &copy->affiliations)
		n_there += item != NULL;
	return n == n_there ? NULL : "the length of the lists";
}

static const char *
history_differs(const struct room *room, const struct room *copy)
{
	size_t n = room->n_history < copy->n_history ? room->n_history
						     : copy->n_history;
	for (size_t i = 1; i <= n; i++) {
		const struct entry *a = room->history[room->n_history - i];
		const struct entry *b = copy->history[copy->n_history - i];

		if (a->archive_id != b->archive_id ||
		    !room_same_payload(a->payload, b->payload))
			return "the history";
	}
	return copy->n_history > room->n_history ? "the length of the history"
						 : NULL;
}

static const char *
room_differs(const struct own_room *r, const struct copy *c)
{
	const struct room *room = r->master.room, *copy = c->slave->room;
	const char *what = NULL;

	if (room->n_occupants != copy->n_occupants)
		return "the number of occupants";
	list_each (n, &room->occupants) {
		what = occupant_differs(r, copy, occupant_of(n),
					verdict_may_know(r, c->at));
		if (what)
			return what;
	}
	if (!room->subject != !copy->subject ||
	    (room->subject && !room_same_payload(room->subject->payload,
						 copy->subject->payload)))
		return "the subject";
	what = list_differs(r, c);
	if (!what && !r->was_restored)
		what = history_differs(room, copy);
	if (!what &&
	    snapshot_digest(room, &r->env) != snapshot_digest(copy, NULL))
		what = "the digest";
	return what;
}

static void
check_copy(struct sim *sim, const struct copy *c)
{
	const struct own_room *r = &sim->rooms[c->room];
	const struct peer *p =
		r->is_up ? peers_find(&r->peers, sim->servers[c->at].domain)
			 : NULL;
	const char *what;

	if (!p && !c->slave->locals.n)
		return;
	if (!p || p->state != PEER_FOLLOWS) {
		sim_wrong(sim, "the copy of room %u at %u does not follow",
			  c->room, c->at);
		return;
	}
	if (strcmp(c->slave->room->log.epoch, r->master.room->log.epoch) != 0 ||
	    c->slave->room->log.seq != r->master.room->log.seq)
		sim_wrong(sim, "the copy of room %u at %u is behind", c->room,
			  c->at);
	else if (c->slave->state != SLAVE_CURRENT)
		sim_wrong(sim, "the copy of room %u at %u is not current",
			  c->room, c->at);
	else if (c->slave->n_pending)
		sim_wrong(sim, "something waits at the copy of room %u at %u",
			  c->room, c->at);
	else if (!slave_answers_info(c->slave))
		sim_wrong(sim, "the copy of room %u at %u asks about it",
			  c->room, c->at);
	what = room_differs(r, c);
	if (what)
		sim_wrong(sim, "the copy of room %u at %u differs: %s", c->room,
			  c->at, what);
	check_known(sim, c);
}

/* Nobody whom no copy shows the room may be taken for one who is shown it. */
static void
check_shown(struct sim *sim, const struct own_room *r)
{
	list_each (n, &r->master.room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			const struct room_session *s = room_session_of(k);
			const struct user *u = user_find(sim, s->jid);
			const struct copy *c =
				copy_find(sim, u->server, r->index);
			bool is_shown = c && slave_session(c->slave, u->jid);

			if (s->is_elsewhere && !is_shown)
				sim_wrong(sim,
					  "nobody shows room %u to %s (%s)",
					  r->index, jid_str(u->jid),
					  u->is_online ? "online" : "gone");
			else if (is_shown && !s->is_elsewhere)
				sim_wrong(sim, "two show room %u to %s",
					  r->index, jid_str(u->jid));
			/* There is a way to everybody. */
			if (s->is_away)
				sim_wrong(sim, "%s is away in room %u",
					  jid_str(u->jid), r->index);
		}
	}
}

/* ---- relays ---- */

/* So long something has to be as it is before others must have noticed. */
#define NOTICED_MS 100000

static bool
is_whole(const struct sim *sim, unsigned a, unsigned b)
{
	const struct way *to = &sim->ways[a][b], *from = &sim->ways[b][a];

	return !to->n_cuts && !from->n_cuts && !to->is_broken &&
	       !from->is_broken && sim->now_ms - to->whole_ms >= NOTICED_MS &&
	       sim->now_ms - from->whole_ms >= NOTICED_MS;
}

/* Has it been a relay of that room for a while? */
static bool
serves(const struct sim *sim, const struct own_room *r, unsigned server)
{
	const struct copy *c = sim->servers[server].copies[r->index];

	return c && !c->is_over && c->slave->is_relay &&
	       c->slave->state == SLAVE_CURRENT &&
	       sim->now_ms - c->slave->since_ms >= NOTICED_MS &&
	       is_whole(sim, server, r->at);
}

/* Who knows a relay that reaches the room is not without it. */
static void
check_split(struct sim *sim, const struct own_room *r, const struct copy *c)
{
	const struct slave *s = c->slave;

	const struct peer *p =
		peers_find(&r->peers, sim->servers[c->at].domain);

	/* It is about to hear from one. */
	if (s->asked && sim->now_ms - s->asked_ms < 10000)
		return;
	/* Who has nobody in the room any more enters it by itself. */
	if (s->state != SLAVE_SPLIT || !p || p->is_deserted || !p->n_sessions ||
	    sim->now_ms - s->since_ms < NOTICED_MS)
		return;
	for (size_t i = 0; i < s->n_relays; i++) {
		for (unsigned k = 0; k < sim->n_servers; k++) {
			if (jid_eq(sim->servers[k].domain,
				   s->relays[i].domain) &&
			    is_whole(sim, c->at, k) && serves(sim, r, k))
				sim_wrong(sim,
					  "the copy of room %u at %u does not "
					  "turn to the relay at %u",
					  r->index, c->at, k);
		}
	}
}

/* Does a relay serve it that reaches the room, and has for a while? */
static bool
is_served(const struct sim *sim, const struct own_room *r, const struct copy *c)
{
	const struct slave *s = c->slave;

	if (s->state != SLAVE_CURRENT || !s->is_cut || !s->parent ||
	    sim->now_ms - s->since_ms < NOTICED_MS)
		return false;
	for (unsigned i = 0; i < sim->n_servers; i++) {
		if (jid_eq(sim->servers[i].domain, s->parent))
			return is_whole(sim, c->at, i) && serves(sim, r, i);
	}
	return false;
}

/* Who has quit is gone for all others, also where only a relay can say so. */
static void
check_gone(struct sim *sim, const struct own_room *r)
{
	for (unsigned i = 0; i < sim->n_users; i++) {
		const struct user *u = &sim->users[i];
		const struct copy *c = copy_find(sim, u->server, r->index);

		if (c && u->quit_ms[r->index] &&
		    sim->now_ms - u->quit_ms[r->index] >= NOTICED_MS &&
		    is_served(sim, r, c) &&
		    room_session(r->master.room, u->jid))
			sim_wrong(sim, "%s has quit, and stays in room %u",
				  jid_str(u->jid), r->index);
	}
}

void
verdict_ways(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		if (sim->rooms[i].is_up)
			check_gone(sim, &sim->rooms[i]);
		for (unsigned k = 0; k < sim->n_servers; k++) {
			if (sim->rooms[i].is_up && copy_find(sim, k, i))
				check_split(sim, &sim->rooms[i],
					    copy_find(sim, k, i));
		}
	}
}

/* Master and copy know the same of whom that gets the log from; and nobody
 * goes by a relay who has not been told to. */
static void
check_parent(struct sim *sim, const struct own_room *r, const struct peer *p)
{
	const struct copy *c = NULL;
	const struct peer *up = p;
	unsigned n = 0;

	for (unsigned i = 0; i < sim->n_servers; i++) {
		if (jid_eq_domain(sim->servers[i].domain, p->domain))
			c = copy_find(sim, i, r->index);
	}
	if (!c || p->state != PEER_FOLLOWS)
		return;
	if (!c->slave->parent != !p->via ||
	    (p->via && !jid_eq(p->via->domain, c->slave->parent)))
		sim_wrong(sim, "the copy of room %u at %u has another parent",
			  r->index, c->at);
	if (p->via && p->place != p->via)
		sim_wrong(sim, "the copy of room %u at %u stays at a relay",
			  r->index, c->at);
	while (up && n++ < SERVERS_MAX)
		up = up->via;
	if (up)
		sim_wrong(sim, "the tree of room %u is a circle", r->index);
}

/* A relay has no more below it than it is to have. */
static void
check_fanout(struct sim *sim, const struct own_room *r, const struct peer *p)
{
	size_t n = 0;

	list_each (k, &r->peers.all)
		n += container_of(k, struct peer, node)->via == p;
	if (n > r->peers.fanout)
		sim_wrong(sim, "%s passes room %u on to %zu",
			  jid_str(p->domain), r->index, n);
}

static void
check_tree(struct sim *sim, const struct own_room *r)
{
	list_each (n, &r->peers.all) {
		check_parent(sim, r, container_of(n, struct peer, node));
		check_fanout(sim, r, container_of(n, struct peer, node));
	}
}

/* ---- users ---- */

/* What ordinary occupants know whose ways have broken is not in our hands. */
bool
verdict_is_excused(const struct sim *sim, const struct user *u,
		   const struct own_room *r)
{
	const struct room_session *s =
		r->is_up ? room_session(r->master.room, u->jid) : NULL;

	if (!sim->n_heals && !sim->plan->has_crashes && !u->has_quit)
		return false;
	if (u->views[r->index].was_far)
		return true;
	if (s)
		return !s->is_elsewhere && u->server != r->at;
	return !sim->servers[u->server].copies[r->index] && u->server != r->at;
}

static void
check_view(struct sim *sim, const struct user *u, const struct own_room *r)
{
	const struct view *v = &u->views[r->index];
	const struct room_session *s =
		r->is_up ? room_session(r->master.room, u->jid) : NULL;

	if (verdict_is_excused(sim, u, r))
		return;
	if (v->state == VIEW_IN && !s) {
		sim_wrong(sim,
			  "%s is not in room %u any more, "
			  "and does not know",
			  jid_str(u->jid), r->index);
		return;
	}
	if (!s || v->state != VIEW_IN) {
		if (s && u->is_online)
			sim_wrong(sim, "%s is in room %u, and does not know",
				  jid_str(u->jid), r->index);
		else if (s)
			sim_wrong(sim, "%s is a ghost in room %u",
				  jid_str(u->jid), r->index);
		return;
	}
	if (strcmp(v->nick, s->occupant->nick) != 0)
		sim_wrong(sim, "%s is %s and not %s in room %u",
			  jid_str(u->jid), s->occupant->nick, v->nick,
			  r->index);
	if (v->n != r->master.room->n_occupants)
		sim_wrong(sim, "%s sees %zu of %zu in room %u", jid_str(u->jid),
			  v->n, r->master.room->n_occupants, r->index);
	for (size_t i = 0; i < v->n; i++) {
		const struct occupant *o =
			room_by_nick(r->master.room, v->seats[i].nick);
		char shown[SHOW_MAX] = "";

		if (!o || o->role != v->seats[i].role ||
		    o->affiliation != v->seats[i].affiliation)
			sim_wrong(sim, "%s sees %s in room %u%s",
				  jid_str(u->jid), v->seats[i].nick, r->index,
				  o ? " as something else"
				    : ", who is not there");
		if (o)
			show_status(o, shown);
		if (o && strcmp(shown, v->seats[i].shown) != 0)
			sim_wrong(sim,
				  "%s sees %s of %s as '%s' in room %u, not "
				  "'%s'",
				  jid_str(u->jid), o->nick, jid_domain(o->bare),
				  v->seats[i].shown, r->index, shown);
	}
}

/* ---- what was said ---- */

/* Who is in the room has been shown all that was said since he entered, as far
 * as the room still has it. */
static void
check_heard(struct sim *sim, const struct user *u, const struct own_room *r)
{
	const struct view *v = &u->views[r->index];

	if (v->state != VIEW_IN || !v->has_past ||
	    verdict_is_excused(sim, u, r) || r->was_restored)
		return;
	for (unsigned i = 1; i <= sim->n_said; i++) {
		const struct said *said = &sim->said[i];
		bool is_kept = false;

		if (said->room != r->index || !said->n_logged ||
		    said->is_unsure ||
		    said->logged_ms <= r->joined_ms[u->index] + 1)
			continue;
		for (size_t k = 0; k < r->master.room->n_history; k++)
			is_kept |= r->master.room->history[k]->archive_id ==
				   said->archive_id;
		if (is_kept && !v->seen[i])
			sim_wrong(sim, "%s was not shown message %u",
				  jid_str(u->jid), i);
	}
}

/* All of it is in the log once, or was refused and its user knows. */
static void
check_said(struct sim *sim)
{
	for (unsigned i = 1; i <= sim->n_said; i++) {
		const struct said *said = &sim->said[i];

		if (said->kind != SAID_MESSAGE || said->is_lost ||
		    said->is_unsure)
			continue;
		if (said->n_logged && said->is_refused_for_good)
			sim_wrong(sim, "message %u was refused, and is there",
				  i);
		/* Without a copy it depends on the streams. */
		if (!said->n_logged && !said->n_refused &&
		    (said->by_copy ||
		     !(sim->n_heals || sim->plan->has_crashes)))
			sim_wrong(sim, "message %u of %s is lost", i,
				  jid_str(sim->users[said->user].jid));
	}
}

void
verdict_end(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		for (unsigned k = 0; k < sim->n_rooms; k++) {
			if (copy_find(sim, i, k))
				check_copy(sim, copy_find(sim, i, k));
		}
	}
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		if (sim->rooms[i].is_up) {
			check_shown(sim, &sim->rooms[i]);
			check_tree(sim, &sim->rooms[i]);
		}
		for (unsigned k = 0; k < sim->n_users; k++) {
			check_view(sim, &sim->users[k], &sim->rooms[i]);
			check_presence(sim, &sim->users[k], &sim->rooms[i]);
		}
		for (unsigned k = 0; k < sim->n_users && sim->rooms[i].is_up;
		     k++)
			check_heard(sim, &sim->users[k], &sim->rooms[i]);
	}
	check_said(sim);
	check_answered(sim);
}

void
verdict_probe(struct sim *sim, unsigned first)
{
	for (unsigned i = first; i <= sim->n_said; i++) {
		const struct said *said = &sim->said[i];

		if (!said->n_logged)
			continue;
		for (unsigned k = 0; k < sim->n_users; k++) {
			const struct user *u = &sim->users[k];
			const struct view *v = &u->views[said->room];

			if (v->state == VIEW_IN && !v->seen[i] &&
			    !verdict_is_excused(sim, u,
						&sim->rooms[said->room]))
				sim_wrong(sim, "%s is not shown what %s says",
					  jid_str(u->jid),
					  jid_str(sim->users[said->user].jid));
		}
	}
}
