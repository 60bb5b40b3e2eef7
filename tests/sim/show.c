/* show.c - a change of a room as its occupants see it: as fanout.c does. */

#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "sim.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
to_session(const struct shower *by, const struct room_session *s,
	   const struct sight *sight)
{
	struct jid *who = room_session_address(by->state, s);
	struct user *u;
	struct wire *w;

	if (s->is_elsewhere || !who)
		return;
	u = user_find(by->sim, who);
	if (u->server == by->server) {
		user_sees(by->sim, u, sight);
		return;
	}
	w = wire_new(WIRE_SIGHT, by->server, u->server, by->room);
	w->user = u->index;
	w->sight = mem_alloc(sizeof(*sight));
	*w->sight = *sight;
	w->sight->is_far = true;
	net_send(by->sim, w);
}

/* To all; `own`: whose it is. */
static void
to_all(const struct shower *by, const struct occupant *own, struct sight *sight)
{
	list_each (n, &by->state->occupants) {
		const struct occupant *o = occupant_of(n);

		sight->is_self = o == own;
		list_each (k, &o->sessions)
			to_session(by, room_session_of(k), sight);
	}
}

void
show_of(const struct chunk *payload, char out[SHOW_MAX])
{
	size_t len = 0;
	const char *text = payload ? chunk_data(payload, &len) : NULL;
	const char *show = text ? memmem(text, len, "<show>", 6) : NULL;
	size_t n = show ? strcspn(show + 6, "<") : 0;

	snprintf(out, SHOW_MAX, "%.*s", (int)n, show ? show + 6 : "");
}

void
show_status(const struct occupant *o, char out[SHOW_MAX])
{
	*out = '\0';
	/* As room_session_shows_away: at the master nobody has a real one. */
	if (o->top && o->top->is_away &&
	    !(o->top->real && !o->top->is_elsewhere))
		snprintf(out, SHOW_MAX, "unreachable");
	else if (o->top)
		show_of(o->top->payload, out);
}

static struct sight
sight_of(const struct shower *by, const struct occupant *o,
	 enum sight_type type)
{
	struct sight sight = { .type = type,
			       .room = by->room,
			       .affiliation = o->affiliation,
			       .role = o->role };

	snprintf(sight.nick, sizeof(sight.nick), "%s", o->nick);
	if (type != SIGHT_GONE)
		show_status(o, sight.shown);
	return sight;
}

/* ---- messages ---- */

static unsigned
number_in(const struct entry *e)
{
	size_t len = 0;
	const char *text = e->payload ? chunk_data(e->payload, &len) : NULL;
	const char *body = text ? memmem(text, len, "<body>m", 7) : NULL;

	return body ? (unsigned)atoi(body + 7) : 0;
}

static struct sight
message(const struct shower *by, const struct entry *e)
{
	struct sight sight = { .type = SIGHT_MESSAGE,
			       .room = by->room,
			       .number = number_in(e) };

	snprintf(sight.nick, sizeof(sight.nick), "%s", e->nick ? e->nick : "");
	return sight;
}

/* ---- who enters ---- */

static void
show_roster(const struct shower *by, const struct room_change *c)
{
	struct sight sight;

	list_each (n, &by->state->occupants) {
		if (occupant_of(n) == c->occupant)
			continue;
		sight = sight_of(by, occupant_of(n), SIGHT_PRESENCE);
		to_session(by, c->session, &sight);
	}
	sight = sight_of(by, c->occupant, SIGHT_ENTERED);
	sight.is_self = true;
	if (c->entry->stanza_id && strlen(c->entry->stanza_id) < 10)
		sight.number = (unsigned)atoi(c->entry->stanza_id);
	sight.is_late = by->stanza != NULL;
	to_session(by, c->session, &sight);
	/* peerhost.c: only who enters by this is sent it. */
	for (size_t i = 0; by->stanza && i < by->state->n_history; i++) {
		sight = message(by, by->state->history[i]);
		sight.is_late = true;
		to_session(by, c->session, &sight);
	}
}

static void
show_join(const struct shower *by, const struct room_change *c)
{
	struct sight sight = sight_of(by, c->occupant, SIGHT_PRESENCE);
	bool is_shown = !c->session->is_elsewhere &&
			room_session_address(by->state, c->session);

	if (is_shown)
		show_roster(by, c);
	if (!c->is_same)
		to_all(by, c->occupant, &sight);
}

static void
show_leave(const struct shower *by, const struct room_change *c)
{
	struct sight sight = sight_of(by, c->occupant, SIGHT_GONE);

	sight.code = c->entry->code ? c->entry->code : 1;
	sight.is_self = true;
	if (c->is_last) {
		list_each (n, &c->occupant->sessions)
			to_session(by, room_session_of(n), &sight);
		to_all(by, NULL, &sight);
		return;
	}
	to_session(by, c->session, &sight);
	if (!c->was_top)
		return;
	sight = sight_of(by, c->occupant, SIGHT_PRESENCE);
	to_all(by, c->occupant, &sight);
}

/* Not to themselves. */
static void
show_link(const struct shower *by, const struct room_change *c)
{
	list_each (n, &by->state->occupants) {
		const struct occupant *o = occupant_of(n);
		struct sight sight = sight_of(by, o, SIGHT_PRESENCE);

		if (!jid_eq_domain(o->top->jid, c->entry->jid))
			continue;
		list_each (k, &by->state->occupants) {
			if (k == n)
				continue;
			list_each (i, &occupant_of(k)->sessions)
				to_session(by, room_session_of(i), &sight);
		}
	}
}

void
show_change(const struct shower *by, const struct room_change *c)
{
	const struct entry *e = c->entry;
	struct sight sight;

	switch (e->type) {
	case ENTRY_JOIN:
		show_join(by, c);
		return;
	case ENTRY_LEAVE:
		show_leave(by, c);
		return;
	case ENTRY_PRESENCE:
	case ENTRY_ROLE:
		sight = sight_of(by, c->occupant, SIGHT_PRESENCE);
		to_all(by, c->occupant, &sight);
		return;
	case ENTRY_NICK:
		sight = sight_of(by, c->occupant, SIGHT_RENAMED);
		snprintf(sight.nick, sizeof(sight.nick), "%s", e->nick);
		snprintf(sight.new_nick, sizeof(sight.new_nick), "%s",
			 c->occupant->nick);
		to_all(by, c->occupant, &sight);
		return;
	case ENTRY_MESSAGE:
		sight = message(by, e);
		sight.is_late = c->is_late;
		to_all(by, NULL, &sight);
		return;
	case ENTRY_LINK:
		show_link(by, c);
		return;
	default:
		return;
	}
}
