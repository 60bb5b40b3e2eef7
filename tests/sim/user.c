/* user.c - users: what they do, and what they know from what they are shown. */

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "sim.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In view->seen: before the user entered again. */
#define SEEN_BEFORE 0x80

/* Two clients of every fifth user. */
void
user_init(struct user *u, struct sim *sim, unsigned index)
{
	bool is_second = index % 5 == 4 && index >= sim->n_servers;
	unsigned number = is_second ? index - sim->n_servers : index;
	char text[80];

	u->index = index;
	u->server = index % sim->n_servers;
	snprintf(text, sizeof(text), "u%u@d%u.example/%s", number, u->server,
		 is_second ? "desk" : "phone");
	u->jid = jid_parse(text);
	u->is_online = true;
}

static void
view_clear(struct view *v)
{
	v->state = VIEW_OUT;
	v->n = 0;
	*v->nick = '\0';
}

static void
view_forget(struct sim *sim, struct view *v)
{
	v->n = 0;
	free(v->seen);
	free(v->last);
	v->seen = mem_zalloc(sim->cap_said);
	v->last = mem_zalloc(sim->n_users * sizeof(unsigned));
}

void
user_fini(struct user *u)
{
	for (int i = 0; i < ROOMS_MAX; i++) {
		free(u->views[i].seats);
		free(u->views[i].seen);
		free(u->views[i].last);
		stanza_unref(&u->views[i].joining);
	}
	jid_unref(&u->jid);
}

struct user *
user_find(struct sim *sim, const struct jid *full)
{
	for (unsigned i = 0; i < sim->n_users; i++) {
		if (jid_eq(sim->users[i].jid, full))
			return &sim->users[i];
	}
	return NULL;
}

unsigned
user_number(const struct sim *sim, const struct stanza *s)
{
	const char *id = stanza_id(s);
	unsigned number = id && strlen(id) < 10 ? (unsigned)atoi(id) : 0;

	return number <= sim->n_said ? number : 0;
}

/* ---- what they see ---- */

static struct seat *
seat_find(struct view *v, const char *nick)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!strcmp(v->seats[i].nick, nick))
			return &v->seats[i];
	}
	return NULL;
}

static void
seat_set(struct view *v, const struct sight *sight)
{
	struct seat *seat = seat_find(v, sight->nick);

	if (!seat) {
		if (v->n == v->cap) {
			v->cap = v->cap ? v->cap * 2 : 8;
			v->seats = mem_realloc(v->seats,
					       v->cap * sizeof(struct seat));
		}
		seat = &v->seats[v->n++];
		memcpy(seat->nick, sight->nick, sizeof(seat->nick));
	}
	seat->role = sight->role;
	seat->affiliation = sight->affiliation;
	memcpy(seat->shown, sight->shown, sizeof(seat->shown));
}

static void
sees_message(struct sim *sim, struct user *u, struct view *v,
	     const struct sight *sight)
{
	struct said *said = &sim->said[sight->number];
	/* A stream that breaks may send things twice to an ordinary occupant
	 * (docs/federation.md). */
	bool is_excused = said->is_unsure || sight->is_far;
	/* It may be late, for the client before of the same address: no client
	 * shows what comes before it has entered. */
	bool is_stale = v->state == VIEW_JOINING && sight->is_far;

	if (!sight->number || is_stale)
		return;
	if (v->seen[sight->number]++ % SEEN_BEFORE && !is_excused) {
		sim_wrong(sim, "%s sees message %u twice in room %u",
			  jid_str(u->jid), sight->number, sight->room);
		return;
	}
	if (sight->number < v->last[said->user] && !is_excused) {
		sim_wrong(sim, "%s sees message %u behind %u of %s",
			  jid_str(u->jid), sight->number, v->last[said->user],
			  jid_str(sim->users[said->user].jid));
		return;
	}
	v->last[said->user] = sight->number;
	said->n_seen++;
	said->seen_ms = sim->now_ms;
}

static void
sees_error(struct sim *sim, struct user *u, struct view *v,
	   const struct sight *sight)
{
	struct said *said = &sim->said[sight->number];

	(void)u;
	if (!sight->number)
		return;
	said->n_refused++;
	if (said->n_logged &&
	    own_is_out_of_history(&sim->rooms[sight->room], said))
		said->is_unsure = true;
	if (sight->cond != COND_REMOTE_SERVER_TIMEOUT)
		said->is_refused_for_good = true;
	if (v->join == sight->number)
		v->has_asked = v->leaves_early = false;
	if (v->state == VIEW_JOINING && v->join == sight->number) {
		stanza_unref(&v->joining);
		view_clear(v);
	}
}

static void
sees_gone(struct sim *sim, struct user *u, struct view *v,
	  const struct sight *sight)
{
	struct seat *seat = seat_find(v, sight->nick);

	/* A way that was lost puts out nobody who has a copy. */
	if (sight->is_self && sight->code == 333 && !sight->is_far)
		sim_wrong(sim, "%s is thrown out of room %u", jid_str(u->jid),
			  sight->room);
	if (sight->is_self && strcmp(sight->nick, v->nick) == 0) {
		view_clear(v);
		return;
	}
	/* Of the client before, at the room's own server: what that saw. */
	if (sight->is_self && v->state == VIEW_JOINING) {
		v->n = 0;
		return;
	}
	if (seat)
		*seat = v->seats[--v->n];
}

static void
sees_renamed(struct view *v, const struct sight *sight)
{
	struct seat *seat = seat_find(v, sight->nick);

	if (seat) {
		memcpy(seat->nick, sight->new_nick, sizeof(seat->nick));
		memcpy(seat->shown, sight->shown, sizeof(seat->shown));
	}
	if (sight->is_self)
		memcpy(v->nick, sight->new_nick, sizeof(v->nick));
}

static void
enters(struct sim *sim, struct user *u, struct view *v,
       const struct sight *sight)
{
	/* Who asks again and is put out meanwhile enters, also if he has left
	 * again by then; so does who asked without a copy, over a stream that
	 * said it twice. */
	bool is_early = v->leaves_early && sight->number == v->join;

	if (v->state == VIEW_OUT && !v->has_asked && !is_early &&
	    !sight->is_far)
		sim_wrong(sim, "%s is in room %u and has not asked",
			  jid_str(u->jid), sight->room);
	/* History comes. */
	if (v->state == VIEW_OUT ||
	    (sight->number && sim->said[sight->number].user == u->index)) {
		for (unsigned i = 0; i < sim->cap_said; i++)
			v->seen[i] = v->seen[i] ? SEEN_BEFORE : 0;
		memset(v->last, 0, sim->n_users * sizeof(unsigned));
	}
	if (sight->number && sim->said[sight->number].user == u->index)
		sim->said[sight->number].has_entered = true;
	if (v->state != VIEW_IN)
		v->has_past = sight->is_late;
	if (sight->number == v->join)
		v->has_asked = v->leaves_early = false;
	stanza_unref(&v->joining);
	if (v->state != VIEW_LEAVING)
		v->state = is_early ? VIEW_LEAVING : VIEW_IN;
	memcpy(v->nick, sight->nick, sizeof(v->nick));
	seat_set(v, sight);
}

void
user_sees(struct sim *sim, struct user *u, const struct sight *sight)
{
	static const char *const names[] = { "presence", "entered", "gone",
					     "renamed",	 "message", "error" };
	struct view *v = &u->views[sight->room];

	sim_tell(sim, "  u%u sees %s %s%s%s '%s' role=%s #%u%s%s", u->index,
		 names[sight->type], sight->nick,
		 *sight->new_nick ? " -> " : "", sight->new_nick, sight->shown,
		 role_name(sight->role), sight->number,
		 sight->is_self ? " self" : "",
		 sight->cond ? stanza_cond_name(sight->cond) : "");
	if (!u->is_online)
		return;
	if (sight->type == SIGHT_ERROR) {
		sees_error(sim, u, v, sight);
		return;
	}
	v->was_far |= sight->is_far;
	if (sight->type == SIGHT_ENTERED) {
		enters(sim, u, v, sight);
		return;
	}
	if (v->state == VIEW_OUT && !v->has_asked)
		return;
	if (sight->type == SIGHT_PRESENCE)
		seat_set(v, sight);
	else if (sight->type == SIGHT_GONE)
		sees_gone(sim, u, v, sight);
	else if (sight->type == SIGHT_RENAMED)
		sees_renamed(v, sight);
	else
		sees_message(sim, u, v, sight);
}

/* ---- what they do ---- */

static unsigned
note_said(struct sim *sim, struct user *u, unsigned room, enum said_kind kind)
{
	struct said *said = &sim->said[++sim->n_said];

	*said = (struct said){ .user = u->index,
			       .room = room,
			       .kind = kind,
			       .sent_ms = sim->now_ms };
	return sim->n_said;
}

/* nick NULL: to the room. */
static struct stanza *
stanza_to(struct sim *sim, struct user *u, unsigned room, enum stanza_kind kind,
	  enum stanza_type type, const char *nick, unsigned number)
{
	struct jid *to = nick ? jid_with_resource(sim->rooms[room].jid, nick)
			      : jid_ref(sim->rooms[room].jid);
	char id[24];
	struct stanza *s;

	snprintf(id, sizeof(id), "%u", number);
	s = stanza_new(kind, type, u->jid, to, id);
	jid_unref(&to);
	return s;
}

static void
pass_on(struct sim *sim, struct user *u, unsigned room, struct stanza *s)
{
	struct wire *w =
		wire_new(WIRE_STANZA, u->server, sim->rooms[room].at, room);
	struct view *v = &u->views[room];
	struct buf b = { 0 };

	if (s->kind == STANZA_PRESENCE && stanza_child(s, "x", NS_MUC)) {
		stanza_unref(&v->joining);
		v->joining = stanza_ref(s);
	}
	stanza_write(&b, s, s->from, s->to, NULL);
	w->len = b.len;
	w->text = buf_take(&b);
	net_send(sim, w);
}

static bool
is_for_copy(const struct copy *c, const struct stanza *s)
{
	if (s->kind == STANZA_IQ)
		return false;
	return slave_session(c->slave, s->from) ||
	       (s->kind == STANZA_PRESENCE && stanza_child(s, "x", NS_MUC));
}

void
user_send(struct sim *sim, struct user *u, unsigned room, struct stanza *s)
{
	struct copy *c = copy_find(sim, u->server, room);
	unsigned number = (unsigned)atoi(stanza_id(s));

	sim_tell(sim, "u%u sends #%u to room %u%s", u->index, number, room,
		 c ? " by a copy" : "");
	if (sim->rooms[room].at == u->server) {
		own_take(&sim->rooms[room], s, u->server);
	} else if (c && is_for_copy(c, s)) {
		sim->said[number].by_copy = true;
		copy_submit(c, s);
	} else {
		pass_on(sim, u, room, s);
	}
}

static void
join(struct sim *sim, struct user *u, const struct act *act)
{
	struct dice dice = { act->more };
	struct view *v = &u->views[act->room];
	unsigned number;
	struct stanza *s;
	char nick[NICK_MAX];

	if (!u->is_online) {
		u->is_online = true;
		memset(u->quit_ms, 0, sizeof(u->quit_ms));
		sim_tell(sim, "u%u is online", u->index);
	}
	if (v->state == VIEW_JOINING || v->state == VIEW_LEAVING)
		return;
	if (v->state == VIEW_IN && !dice_chance(&dice, 10))
		return;
	number = note_said(sim, u, act->room, SAID_JOIN);
	if (v->state == VIEW_IN)
		snprintf(nick, sizeof(nick), "%s", v->nick);
	else if (dice_chance(&dice, 60))
		snprintf(nick, sizeof(nick), "N%u", u->index);
	else
		snprintf(nick, sizeof(nick), "x%u", dice_number(&dice, 5));
	s = stanza_to(sim, u, act->room, STANZA_PRESENCE, TYPE_NONE, nick,
		      number);
	xml_add(s->arena, s->root, "x", NS_MUC);
	snprintf(sim->said[number].nick, NICK_MAX, "%s", nick);
	if (v->state == VIEW_OUT) {
		view_forget(sim, v);
		v->was_far = false;
		v->state = VIEW_JOINING;
		snprintf(v->nick, sizeof(v->nick), "%s", nick);
	}
	v->join = number;
	v->has_asked = true;
	v->leaves_early = false;
	user_send(sim, u, act->room, s);
	stanza_unref(&s);
}

static void
say(struct sim *sim, struct user *u, const struct act *act)
{
	unsigned number = note_said(sim, u, act->room, SAID_MESSAGE);
	struct stanza *s = stanza_to(sim, u, act->room, STANZA_MESSAGE,
				     TYPE_GROUPCHAT, NULL, number);
	struct dice dice = { act->more };
	char body[24];

	snprintf(body, sizeof(body), "m%u", number);
	xml_add_text(s->arena, s->root, "body", NULL, body);
	if (dice_chance(&dice, 10))
		xml_add(s->arena, s->root, "no-store", NS_HINTS);
	user_send(sim, u, act->room, s);
	stanza_unref(&s);
}

static void
set_subject(struct sim *sim, struct user *u, const struct act *act)
{
	unsigned number = note_said(sim, u, act->room, SAID_SUBJECT);
	struct stanza *s = stanza_to(sim, u, act->room, STANZA_MESSAGE,
				     TYPE_GROUPCHAT, NULL, number);
	char text[24];

	snprintf(text, sizeof(text), "about %u", number);
	xml_add_text(s->arena, s->root, "subject", NULL, text);
	user_send(sim, u, act->room, s);
	stanza_unref(&s);
}

static void
change(struct sim *sim, struct user *u, const struct act *act)
{
	static const char *const shows[] = { "away", "dnd", "xa", "chat" };
	struct dice dice = { act->more };
	struct view *v = &u->views[act->room];
	unsigned number = note_said(sim, u, act->room, SAID_PRESENCE);
	char nick[NICK_MAX];
	struct stanza *s;

	if (act->kind != ACT_NICK)
		snprintf(nick, sizeof(nick), "%s", v->nick);
	else
		snprintf(nick, sizeof(nick), "%c%u",
			 dice_chance(&dice, 50) ? 'x' : 'y',
			 dice_number(&dice, 6));
	s = stanza_to(sim, u, act->room, STANZA_PRESENCE, TYPE_NONE, nick,
		      number);
	snprintf(sim->said[number].nick, NICK_MAX, "%s", nick);
	if (dice_chance(&dice, 60)) {
		const char *show = shows[dice_number(&dice, 4)];

		xml_add_text(s->arena, s->root, "show", NULL, show);
		snprintf(sim->said[number].show, SHOW_MAX, "%s", show);
	}
	user_send(sim, u, act->room, s);
	stanza_unref(&s);
}

static void
leave(struct sim *sim, struct user *u, unsigned room)
{
	struct view *v = &u->views[room];
	unsigned number = note_said(sim, u, room, SAID_LEAVE);
	struct stanza *s = stanza_to(sim, u, room, STANZA_PRESENCE,
				     TYPE_UNAVAILABLE, v->nick, number);

	v->state = VIEW_LEAVING;
	v->leaves_early = v->has_asked;
	v->has_asked = false;
	user_send(sim, u, room, s);
	stanza_unref(&s);
}

void
user_offline(struct sim *sim, struct user *u)
{
	u->is_online = false;
	u->has_quit = true;
	memset(u->quit_ms, 0, sizeof(u->quit_ms));
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		/* A room here shows the client behind this one, of the same
		 * address, what it has not got to yet. */
		u->views[i].leaves_early |= u->views[i].has_asked;
		u->views[i].leaves_early &= sim->rooms[i].at == u->server;
		u->views[i].has_asked = false;
		view_clear(&u->views[i]);
		stanza_unref(&u->views[i].joining);
	}
	for (unsigned i = 1; i <= sim->n_said; i++) {
		if (sim->said[i].user == u->index)
			sim->said[i].is_lost = true;
	}
}

/* The presence module says so straight to the room, past the copy. */
static void
say_gone(struct sim *sim, struct user *u, unsigned room, const char *nick)
{
	struct jid *to = jid_with_resource(sim->rooms[room].jid, nick);
	struct stanza *s =
		stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, u->jid, to, NULL);

	if (sim->rooms[room].at == u->server)
		own_take(&sim->rooms[room], s, u->server);
	else
		pass_on(sim, u, room, s);
	stanza_unref(&s);
	jid_unref(&to);
}

/* As a session is closed: copies are told first (peerhost.c). */
static void
quit(struct sim *sim, struct user *u)
{
	struct view was[ROOMS_MAX];

	memcpy(was, u->views, sizeof(was));
	sim_tell(sim, "u%u goes", u->index);
	user_offline(sim, u);
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		struct copy *c = copy_find(sim, u->server, i);

		if (sim->rooms[i].at == u->server || !c ||
		    !slave_session(c->slave, u->jid))
			continue;
		u->quit_ms[i] = sim->now_ms;
		copy_session_gone(c, u->jid);
	}
	for (unsigned i = 0; i < sim->n_rooms; i++) {
		if (was[i].state == VIEW_IN || was[i].state == VIEW_JOINING)
			say_gone(sim, u, i, was[i].nick);
		if (sim->rooms[i].at == u->server)
			own_session_gone(&sim->rooms[i], u->jid);
	}
}

/* ---- what rulers do ---- */

/* As peerhost.c: in a split in which the room goes on. */
static bool
kicks_here(struct sim *sim, struct user *u, const struct act *act)
{
	struct copy *c = copy_find(sim, u->server, act->room);
	const struct user *whom = &sim->users[act->whom];

	if (!c || !slave_continues(c->slave))
		return false;
	slave_put_out(c->slave, u->jid, whom->views[act->room].nick, NULL);
	return true;
}

static void
administrate(struct sim *sim, struct user *u, const struct act *act)
{
	static const char *const affiliations[] = { "none", "member", "admin",
						    "outcast", "none" };
	static const char *const roles[] = { "visitor", "participant",
					     "moderator", "participant" };
	struct dice dice = { act->more };
	struct view *v = &u->views[act->room];
	unsigned number = note_said(sim, u, act->room, SAID_ORDER);
	struct stanza *s =
		stanza_to(sim, u, act->room, STANZA_IQ, TYPE_SET, NULL, number);
	struct xml *query = xml_add(s->arena, s->root, "query", NS_MUC_ADMIN);
	struct xml *item = xml_add(s->arena, query, "item", NULL);
	struct jid *bare = jid_bare(sim->users[act->whom].jid);

	if (act->kind == ACT_AFFILIATION)
		xml_set(s->arena, item, "jid", jid_str(bare));
	else if (v->n)
		xml_set(s->arena, item, "nick",
			v->seats[dice_number(&dice, (unsigned)v->n)].nick);
	if (act->kind == ACT_AFFILIATION)
		xml_set(s->arena, item, "affiliation",
			affiliations[dice_number(&dice, 5)]);
	else
		xml_set(s->arena, item, "role",
			act->kind == ACT_KICK ? "none"
					      : roles[dice_number(&dice, 4)]);
	if (act->kind != ACT_KICK || !kicks_here(sim, u, act))
		user_send(sim, u, act->room, s);
	jid_unref(&bare);
	stanza_unref(&s);
}

static void
add_field(struct stanza *s, struct xml *form, const char *var,
	  const char *value)
{
	struct xml *field = xml_add(s->arena, form, "field", NULL);

	xml_set(s->arena, field, "var", var);
	xml_add_text(s->arena, field, "value", NULL, value);
}

static void
configure(struct sim *sim, struct user *u, const struct act *act)
{
	struct dice dice = { act->more };
	unsigned number = note_said(sim, u, act->room, SAID_ORDER);
	struct stanza *s =
		stanza_to(sim, u, act->room, STANZA_IQ, TYPE_SET, NULL, number);
	struct xml *query = xml_add(s->arena, s->root, "query", NS_MUC_OWNER);
	struct xml *form = xml_add(s->arena, query, "x", "jabber:x:data");

	xml_set(s->arena, form, "type", "submit");
	add_field(s, form, "FORM_TYPE", NS_MUC_ROOMCONFIG);
	switch (dice_number(&dice, 5)) {
	case 0:
		add_field(s, form, "muc#roomconfig_whois",
			  dice_chance(&dice, 50) ? "anyone" : "moderators");
		break;
	case 1:
		add_field(s, form, "muc#roomconfig_moderatedroom",
			  dice_chance(&dice, 40) ? "1" : "0");
		break;
	case 2:
		add_field(s, form, "muc#roomconfig_membersonly",
			  dice_chance(&dice, 20) ? "1" : "0");
		break;
	case 3:
		add_field(s, form, "muc#roomconfig_changesubject",
			  dice_chance(&dice, 50) ? "1" : "0");
		break;
	default:
		add_field(s, form, "muc#roomconfig_roomname",
			  dice_chance(&dice, 50) ? "The <den>" : "d'en & co");
	}
	user_send(sim, u, act->room, s);
	stanza_unref(&s);
}

void
user_act(struct sim *sim, const struct act *act)
{
	struct user *u = &sim->users[act->who];
	const struct view *v = &u->views[act->room];

	if (!sim->servers[u->server].is_up)
		return;
	if (act->kind == ACT_JOIN) {
		join(sim, u, act);
		return;
	}
	if (!u->is_online || v->state != VIEW_IN)
		return;
	switch (act->kind) {
	case ACT_SAY:
		say(sim, u, act);
		break;
	case ACT_BURST:
		for (int i = 0; i < 6; i++)
			say(sim, u, act);
		break;
	case ACT_SUBJECT:
		set_subject(sim, u, act);
		break;
	case ACT_PRESENCE:
	case ACT_NICK:
		change(sim, u, act);
		break;
	case ACT_LEAVE:
		leave(sim, u, act->room);
		break;
	case ACT_QUIT:
		quit(sim, u);
		break;
	case ACT_KICK:
	case ACT_ROLE:
	case ACT_AFFILIATION:
		administrate(sim, u, act);
		break;
	case ACT_CONFIG:
		configure(sim, u, act);
		break;
	default:
		break;
	}
}
