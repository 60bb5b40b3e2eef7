/* slave_heal.c - a copy that has missed something becomes what the master's
 * room is; its users see what is different, once. */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/slave_private.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
happen(struct slave *s, const struct entry *from)
{
	struct entry *e = entry_new(from);

	slave_apply(s, e, true);
	entry_unref(&e);
}

/* All sessions of a room, as entries may change its lists meanwhile. */
struct sessions {
	struct jid **jids; /* refs */
	size_t n;
};

static struct sessions
sessions_of(const struct room *r)
{
	struct sessions all = {
		mem_alloc((r->sessions.n + 1) * sizeof(struct jid *)), 0
	};

	list_each (n, &r->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			all.jids[all.n++] = jid_ref(room_session_of(k)->jid);
	}
	return all;
}

static void
sessions_fini(struct sessions *all)
{
	for (size_t i = 0; i < all->n; i++)
		jid_unref(&all->jids[i]);
	free(all->jids);
}

/* ---- who is not there any more ---- */

static struct slave_local *
local_of_session(const struct slave *s, const struct room_session *session)
{
	map_each (n, &s->locals) {
		struct slave_local *l =
			container_of(n, struct slave_local, node);

		if (l->session == session)
			return l;
	}
	return NULL;
}

static void
leave_one(struct slave *s, struct room_session *session)
{
	struct slave_local *l = local_of_session(s, session);

	/* One of ours stays, and says so to the master, for whom he was away
	 * before he was gone. */
	if (l && !slave_is_leaving(s, l->real)) {
		l->is_missing = true;
		session->is_away = false;
		return;
	}
	happen(s, &(struct entry){
			  .type = ENTRY_LEAVE,
			  .jid = session->jid,
			  .nick = session->occupant->nick,
			  .affiliation = session->occupant->affiliation,
		  });
}

static void
let_leave(struct slave *s, const struct room *to)
{
	struct sessions all = sessions_of(s->room);

	for (size_t i = 0; i < all.n; i++) {
		struct room_session *session =
			room_session(s->room, all.jids[i]);

		if (session && !room_session(to, all.jids[i]))
			leave_one(s, session);
	}
	sessions_fini(&all);
}

/* ---- nicknames ---- */

/* One that nobody has, here or there. */
static void
rename_away(struct slave *s, const struct room *to, const char *nick)
{
	size_t size = strlen(nick) + 16;
	char *other = mem_alloc(size);
	unsigned i = 2;

	do
		snprintf(other, size, "%s %u", nick, i++);
	while (room_by_nick(s->room, other) || room_by_nick(to, other));
	happen(s, &(struct entry){ .type = ENTRY_NICK,
				   .nick = nick,
				   .new_nick = other,
				   .is_renamed = true });
	free(other);
}

static bool
is_same_user(const struct occupant *a, const struct occupant *b)
{
	return jid_eq(a->bare, b->bare);
}

/* Whoever has a nickname that is another one's now; one who stays has to enter
 * with a new one. */
static void
clear_nick(struct slave *s, const struct room *to, const struct occupant *of)
{
	const struct occupant *o = room_by_nick(s->room, of->nick);

	if (o && !is_same_user(o, of))
		rename_away(s, to, of->nick);
}

/* Do all clients of an occupant have this nickname there? One user may have
 * several. */
static bool
moves_whole(const struct occupant *o, const struct room *to, const char *nick)
{
	list_each (n, &o->sessions) {
		const struct room_session *there =
			room_session(to, room_session_of(n)->jid);

		if (there && strcmp(there->occupant->nick, nick) != 0)
			return false;
	}
	return true;
}

static void
rename_one(struct slave *s, const struct room *to,
	   const struct room_session *there)
{
	const struct room_session *here = room_session(s->room, there->jid);
	const char *nick = there->occupant->nick;

	clear_nick(s, to, there->occupant);
	if (!here || !strcmp(here->occupant->nick, nick))
		return;
	if (!room_by_nick(s->room, nick) &&
	    moves_whole(here->occupant, to, nick))
		happen(s, &(struct entry){
				  .type = ENTRY_NICK,
				  .nick = here->occupant->nick,
				  .new_nick = nick,
			  });
	else
		/* It enters as what it is. */
		happen(s, &(struct entry){
				  .type = ENTRY_LEAVE,
				  .jid = here->jid,
				  .nick = here->occupant->nick,
				  .affiliation = here->occupant->affiliation,
			  });
}

/* ---- who is there ---- */

static bool
has_same_payload(const struct room_session *a, const struct room_session *b)
{
	return a->is_away == b->is_away &&
	       room_same_payload(a->payload, b->payload);
}

static void
join_one(struct slave *s, const struct room_session *there)
{
	const struct room_session *here = room_session(s->room, there->jid);
	const struct slave_pending *p = slave_pending_of_join(
		s, there->jid, there->real, there->occupant->nick);
	const struct occupant *o = there->occupant;
	struct entry e = {
		.type = here ? ENTRY_PRESENCE : ENTRY_JOIN,
		.jid = there->jid,
		.real = there->real,
		.nick = o->nick,
		.occupant_id = o->id,
		.stanza_id = p ? stanza_id(p->stanza) : NULL,
		.affiliation = o->affiliation,
		.role = o->role,
		.payload = there->payload,
	};

	if (!here || (!there->is_away && !has_same_payload(here, there)))
		happen(s, &e);
}

static void
settle_role(struct slave *s, const struct occupant *there)
{
	const struct occupant *o = room_by_nick(s->room, there->nick);

	if (!o ||
	    (o->role == there->role && o->affiliation == there->affiliation))
		return;
	happen(s, &(struct entry){ .type = ENTRY_ROLE,
				   .nick = there->nick,
				   .affiliation = there->affiliation,
				   .role = there->role });
}

/* The last of several clients to say something is the one that is shown. */
static void
settle_top(struct slave *s, const struct occupant *there)
{
	const struct occupant *o = room_by_nick(s->room, there->nick);

	if (o && !jid_eq(o->top->jid, there->top->jid) &&
	    room_session(s->room, there->top->jid))
		happen(s, &(struct entry){ .type = ENTRY_PRESENCE,
					   .jid = there->top->jid,
					   .nick = there->nick,
					   .payload = there->top->payload });
}

static void
settle_link(struct slave *s, const struct room_session *there)
{
	const struct room_session *here = room_session(s->room, there->jid);
	struct jid *domain;

	if (!here || here->is_away || !there->is_away)
		return;
	domain = jid_make(NULL, jid_domain(there->jid), NULL);
	happen(s, &(struct entry){
			  .type = ENTRY_LINK, .jid = domain, .is_away = true });
	jid_unref(&domain);
}

static void
let_enter(struct slave *s, const struct room *to)
{
	list_each (n, &to->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			rename_one(s, to, room_session_of(k));
	}
	list_each (n, &to->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			join_one(s, room_session_of(k));
		settle_role(s, occupant_of(n));
		settle_top(s, occupant_of(n));
	}
	list_each (n, &to->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			settle_link(s, room_session_of(k));
	}
}

/* ---- the rest ---- */

static void
settle_affiliations(struct slave *s, const struct room *to)
{
	struct affiliations *lists = &s->room->affiliations;

	affiliations_fini(lists);
	affiliations_init(lists);
	affiliations_each (item, &to->affiliations)
		affiliations_set(lists, item->jid, item->affiliation,
				 item->nick, NULL);
}

/* In a room that was restored nobody has set one. */
static void
forget_subject(struct slave *s)
{
	struct entry e = { .type = ENTRY_SUBJECT, .stamp_ms = s->wall_ms };
	struct buf b = { 0 };

	room_write_from(&b, s->room, NULL);
	buf_adds(&b, " type='groupchat'><subject/></message>");
	e.payload = buf_to_chunk(&b);
	happen(s, &e);
	chunk_unref(&e.payload);
	entry_unref(&s->room->subject);
}

static void
settle_subject(struct slave *s, const struct room *to)
{
	const struct entry *old = s->room->subject, *now = to->subject;

	if (old && !now)
		forget_subject(s);
	if (now && (!old || old->stamp_ms != now->stamp_ms ||
		    !room_same_payload(old->payload, now->payload)))
		slave_apply(s, to->subject, true);
}

static void
say_missed(struct slave *s, const struct room *to)
{
	int64_t last = s->room->last_archive_id;

	for (size_t i = 0; i < to->n_history; i++) {
		if (to->history[i]->archive_id > last)
			slave_apply(s, to->history[i], true);
	}
}

/* He is here as somebody whom the master does not know, as he has entered in a
 * split: is this his session, or what he has left before? */
static bool
is_his(struct slave *s, const struct room *to, const struct room_session *here,
       const struct room_session *there)
{
	const char *nick = there->occupant->nick;

	return !room_session(to, here->jid) &&
	       (!slave_has_left(s, there->real) ||
		!strcmp(here->occupant->nick, nick) ||
		!strcmp(slave_nick_wanted(s, there->real), nick));
}

static void
recognise_one(struct slave *s, const struct room *to,
	      const struct room_session *there)
{
	struct room_session *here = slave_is_ours(s, there->real)
					    ? slave_session(s, there->real)
					    : NULL;

	if (!here || !is_his(s, to, here, there))
		return;
	/* By a relay, which does not say who is one of ours, he is here twice.
	 */
	if (room_session(s->room, there->jid))
		leave_one(s, room_session(s->room, there->jid));
	slave_recognise(s, there->real, there->jid);
}

/* An address that this server may know now. */
static void
learn_one(struct slave *s, const struct room_session *there)
{
	struct room_session *here = room_session(s->room, there->jid);

	if (here && !here->real && there->real)
		here->real = jid_ref(there->real);
}

/* Those who have entered in a split, and whom the master has let in already. */
static void
recognise(struct slave *s, const struct room *to)
{
	list_each (n, &to->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			recognise_one(s, to, room_session_of(k));
			learn_one(s, room_session_of(k));
		}
	}
}

void
slave_become(struct slave *s, struct room *to)
{
	recognise(s, to);
	if (!muc_config_eq(&s->room->config, &to->config))
		happen(s, &(struct entry){ .type = ENTRY_CONFIG,
					   .config = &to->config });
	settle_affiliations(s, to);
	/* Whoever was in the room before there was a copy has heard it. */
	if (!*s->room->log.epoch) {
		say_missed(s, to);
		settle_subject(s, to);
	}
	let_leave(s, to);
	let_enter(s, to);
	/* The subject has an id of its own, which may be a later one. */
	say_missed(s, to);
	settle_subject(s, to);
	s->room->created_ms = to->created_ms;
	s->room->is_locked = to->is_locked;
	log_ring_resume(&s->room->log, to->log.epoch, to->log.seq);
}
