/* slave.c - a copy of another server's room, for the users of one domain: what
 * it is, how entries change it, and its end. */

#include "modules/muc/slave_private.h"

#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <stdlib.h>
#include <string.h>

/* What has had no answer for so long is not going to have one. */
#define ASK_AGAIN_MS 10000

/* What is older says since when; clocks differ by less. */
#define LATE_MS 5000

/* What was passed up and not answered is passed up again. */
#define PASS_AGAIN_MS 60000

/* A master that is restarted is back within this time: nobody sees it. */
#define FADE_AFTER_MS 4000

/* Below a relay the position is told not more often. */
#define ACK_BELOW_MS 30000

/* So long a copy stays without users. */
#define DESERTED_MS 60000

const char *
slave_state_name(enum slave_state state)
{
	static const char *const names[] = {
		[SLAVE_BEHIND] = "behind",
		[SLAVE_CURRENT] = "current",
		[SLAVE_SPLIT] = "split",
	};

	return names[state];
}

void
slave_set_state(struct slave *s, enum slave_state state)
{
	bool is_news = s->state != state;

	if (is_news)
		s->since_ms = s->now_ms;
	s->state = state;
	if (is_news)
		s->cls->note(s->owner, state == SLAVE_SPLIT
					       ? "split: no way to the master"
					       : slave_state_name(state));
}

/* ---- those of ours ---- */

static bool
local_eq(const struct map_node *n, const void *jid)
{
	return jid_eq(slave_local_of((struct map_node *)n)->real, jid);
}

struct slave_local *
slave_local_find(const struct slave *s, const struct jid *full)
{
	struct map_node *n;

	n = map_find(&s->locals, jid_hash(full), local_eq, full);
	return n ? slave_local_of(n) : NULL;
}

struct room_session *
slave_session(const struct slave *s, const struct jid *full)
{
	struct slave_local *l = slave_local_find(s, full);

	return l ? l->session : NULL;
}

static struct slave_local *
local_add(struct slave *s, struct room_session *session, struct jid *real)
{
	struct slave_local *l = slave_local_find(s, real);

	if (!l) {
		l = mem_zalloc(sizeof(*l));
		l->real = jid_ref(real);
		l->since = ++s->turn;
		map_insert(&s->locals, &l->node, jid_hash(real));
	}
	l->session = session;
	l->is_missing = false;
	session->is_elsewhere = false;
	if (!session->real)
		session->real = jid_ref(real);
	return l;
}

void
slave_local_free(struct slave *s, struct slave_local *l)
{
	map_remove(&s->locals, &l->node);
	jid_unref(&l->real);
	free(l);
}

bool
slave_is_ours(const struct slave *s, const struct jid *real)
{
	return real && jid_eq_domain(real, s->domain);
}

/* ---- applying ---- */

static bool
is_leave(const struct slave_pending *p)
{
	return p->kind == PENDING_LEAVE ||
	       (p->stanza && p->stanza->type == TYPE_UNAVAILABLE);
}

bool
slave_has_left(const struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		if (jid_eq(slave_pending_of(n)->user, user) &&
		    is_leave(slave_pending_of(n)))
			return true;
	}
	return false;
}

bool
slave_is_leaving(const struct slave *s, const struct jid *user)
{
	bool is = false;

	list_each (n, &s->pending) {
		const struct slave_pending *p = slave_pending_of(n);

		if (jid_eq(p->user, user))
			is = is_leave(p) || (is && !p->has_entered);
	}
	return is;
}

bool
slave_is_entering(const struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		const struct slave_pending *p = slave_pending_of(n);

		if (p->stanza && !p->has_entered && slave_is_join(p->stanza) &&
		    jid_eq(p->user, user))
			return true;
	}
	return false;
}

/* Nobody is in it twice. */
static bool
may_be(const struct slave *s, const struct room_session *session,
       const struct jid *real)
{
	const struct slave_local *l = slave_local_find(s, real);

	return !l || l->session == session;
}

/* Whose session it is, as far as that may be known here. */
static void
identify(struct slave *s, const struct entry *e, struct room_session *session,
	 const struct slave_pending *p)
{
	bool is_entering = s->entering ||
			   (p && p->kind == PENDING_STANZA &&
			    !(p->has_entered && slave_is_leaving(s, p->user)));
	struct jid *real = p && is_entering ? p->user : e->real;

	if (!session->real || !slave_is_ours(s, session->real)) {
		jid_unref(&session->real);
		session->real = jid_ref(real);
		session->is_elsewhere = true;
	}
	if (!slave_is_ours(s, real) || !may_be(s, session, real) ||
	    (!is_entering && slave_is_leaving(s, real)))
		return;
	if (s->cls->is_here(s->owner, real))
		local_add(s, session, real)->heard =
			s->next && !is_entering ? s->next->last_archive_id : 0;
	else if (!s->next)
		/* It has gone while nobody could say so. Of the room as a whole
		 * this is said when it is current. */
		slave_say_gone(s, real, e->nick);
}

static void
forget_locals(struct slave *s, const struct room_change *c)
{
	list_each (n, &c->occupant->sessions) {
		struct room_session *session = room_session_of(n);
		struct slave_local *l =
			session->real ? slave_local_find(s, session->real)
				      : NULL;

		if (l && l->session == session)
			slave_local_free(s, l);
	}
}

static void
forget_left(struct slave *s, const struct room_change *c)
{
	struct slave_local *l;

	if (c->is_last) {
		forget_locals(s, c);
		return;
	}
	l = c->session->real ? slave_local_find(s, c->session->real) : NULL;
	if (l && l->session == c->session)
		slave_local_free(s, l);
}

bool
slave_is_return(const struct slave_pending *p)
{
	return p && p->kind == PENDING_RETURN;
}

bool
slave_comes_again(const struct slave_pending *p)
{
	return p && (p->kind == PENDING_RETURN || p->has_entered);
}

/* Is it about us? That the master did not reach us, ours know better. */
static bool
is_own_link(const struct slave *s, const struct entry *e)
{
	map_each (n, &s->locals) {
		/* Who has entered in a split has another one as yet. */
		if (jid_eq_domain(slave_local_of(n)->session->jid, e->jid))
			return true;
	}
	return false;
}

/* As what he was, but that the master may have taken him for away? */
static bool
comes_back(const struct slave *s, const struct entry *e)
{
	const struct room_session *session = room_session(s->room, e->jid);

	return session && session->occupant->role == e->role &&
	       session->occupant->affiliation == e->affiliation &&
	       room_same_payload(session->payload, e->payload);
}

/* Asked before it is applied. */
static bool
is_visible(const struct slave *s, const struct entry *e,
	   const struct slave_pending *p)
{
	if (e->type == ENTRY_LINK)
		return !is_own_link(s, e);
	return !(e->type == ENTRY_JOIN && slave_comes_again(p) &&
		 comes_back(s, e));
}

bool
slave_is_join(const struct stanza *s)
{
	return s->kind == STANZA_PRESENCE && s->type == TYPE_NONE &&
	       stanza_child(s, "x", NS_MUC);
}

static struct slave_pending *
pending_join(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (p->stanza && jid_eq(p->user, user) &&
		    slave_is_join(p->stanza))
			return p;
	}
	return NULL;
}

struct slave_pending *
slave_pending_of_join(struct slave *s, const struct jid *who,
		      const struct jid *real, const char *nick)
{
	struct slave_pending *p;

	if (!slave_is_ours(s, real) || room_session(s->room, who) ||
	    slave_is_leaving(s, real))
		return NULL;
	p = pending_join(s, real);
	/* Or by what he has left before he entered again in a split. */
	if (p && p->has_entered && slave_has_left(s, real) &&
	    strcmp(slave_nick_wanted(s, real), nick) != 0)
		return NULL;
	return p;
}

bool
slave_serves(struct slave *s, const struct jid *full)
{
	return slave_session(s, full) || pending_join(s, full);
}

static struct slave_pending *
pending_of_entry(struct slave *s, const struct entry *e, bool is_late)
{
	struct slave_pending *p =
		e->submit ? slave_pending_by_id(s, e->submit) : NULL;

	if (p || (e->submit && !is_late))
		return p;
	if (is_late && e->type == ENTRY_JOIN)
		return slave_pending_of_join(s, e->jid, e->real, e->nick);
	return is_late && e->type == ENTRY_MESSAGE
		       ? slave_pending_of_message(s, e)
		       : NULL;
}

/* In the split, or before there was a copy? */
static bool
has_seen(const struct slave_local *l, const struct entry *e,
	 const struct slave_pending *p)
{
	return (p && l->since < p->shown_at) ||
	       (e->archive_id && e->archive_id <= l->heard);
}

/* Not to those who have seen it. */
static void
show(struct slave *s, const struct room_change *c,
     const struct slave_pending *p)
{
	const struct entry *e = c->entry;

	map_each (n, &s->locals) {
		if (e->type == ENTRY_MESSAGE &&
		    has_seen(slave_local_of(n), e, p))
			slave_local_of(n)->session->is_elsewhere = true;
	}
	/* Who comes again has had his history. */
	s->cls->applied(s->owner, c,
			p && !slave_comes_again(p) ? p->stanza : s->entering);
	map_each (n, &s->locals) {
		if (e->type == ENTRY_MESSAGE)
			slave_local_of(n)->session->is_elsewhere = false;
	}
}

/* Who returns gets another nickname, as somebody has his now. */
static void
rename_returned(struct slave *s, const struct entry *e)
{
	const struct room_session *session =
		e->jid ? room_session(s->room, e->jid) : NULL;
	struct entry *nick;

	if (!session || !strcmp(session->occupant->nick, e->nick))
		return;
	nick = entry_new(&(struct entry){ .type = ENTRY_NICK,
					  .stamp_ms = e->stamp_ms,
					  .nick = session->occupant->nick,
					  .new_nick = e->nick,
					  .is_renamed = true });
	slave_apply(s, nick, false);
	entry_unref(&nick);
}

void
slave_recognise(struct slave *s, const struct jid *user, struct jid *who)
{
	struct room_session *session = slave_session(s, user);

	if (!session || room_session(s->room, who))
		return;
	room_rename_session(s->room, session, who);
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (p->stanza && !p->occupant && jid_eq(p->user, user))
			p->occupant = mem_strdup(jid_local(who));
	}
}

static struct room_session *
session_of(const struct slave *s, const struct jid *user)
{
	list_each (n, &s->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (jid_eq(room_session_of(k)->real, user))
				return room_session_of(k);
		}
	}
	return NULL;
}

bool
slave_is_known(const struct slave *s, const struct jid *user)
{
	return session_of(s, user) != NULL;
}

/* p: the join that waits, or NULL. */
static void
enter_as(struct slave *s, const struct room_session *session,
	 const struct slave_pending *p)
{
	struct entry *e = entry_new(&(struct entry){
		.type = ENTRY_JOIN,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.real = session->real,
		.nick = session->occupant->nick,
		.occupant_id = session->occupant->id,
		.stanza_id = p ? stanza_id(p->stanza) : NULL,
		.submit = p ? p->id : NULL,
		.affiliation = session->occupant->affiliation,
		.role = session->occupant->role,
		.payload = session->payload,
	});

	slave_apply(s, e, false);
	entry_unref(&e);
}

bool
slave_enter_present(struct slave *s, const struct slave_pending *p)
{
	const struct room_session *session;

	if (!p->stanza || !slave_is_join(p->stanza) ||
	    slave_session(s, p->user))
		return false;
	session = session_of(s, p->user);
	if (session)
		enter_as(s, session, p);
	return session != NULL;
}

void
slave_enter_known(struct slave *s, struct room_session *session)
{
	if (!slave_session(s, session->real) &&
	    !slave_is_leaving(s, session->real) &&
	    !pending_join(s, session->real) &&
	    s->cls->is_here(s->owner, session->real))
		enter_as(s, session, NULL);
}

/* What the master sent before it knew that there was no way has waited in a
 * stream that is resumed, and is not of now. */
static bool
has_waited(const struct slave *s, const struct entry *e)
{
	return s->state == SLAVE_BEHIND && e->stamp_ms < s->wall_ms - LATE_MS;
}

bool
slave_apply(struct slave *s, struct entry *e, bool is_late)
{
	struct slave_pending *p = pending_of_entry(s, e, is_late);
	struct room_change c;
	bool is_shown;

	if (p && p->has_entered && e->type == ENTRY_JOIN && e->jid)
		slave_recognise(s, p->user, e->jid);
	if (slave_comes_again(p) && e->type == ENTRY_JOIN)
		rename_returned(s, e);
	if (!room_can_apply(s->room, e)) {
		if (p)
			slave_pending_drop(s, p);
		return false;
	}
	is_shown = is_visible(s, e, p);
	room_apply(s->room, e, &c);
	c.is_late = is_late || has_waited(s, e);
	if (e->type == ENTRY_CONFIG)
		s->knows_info = false;
	/* Without a nickname it is none that somebody has set. */
	if (e->type == ENTRY_SUBJECT && e->nick)
		slave_refuse_subjects(s, p);
	if (e->type == ENTRY_JOIN)
		identify(s, e, c.session, p);
	if (is_shown)
		show(s, &c, p);
	if (e->type == ENTRY_LEAVE)
		forget_left(s, &c);
	room_change_fini(&c);
	if (p && (e->type == ENTRY_JOIN || !slave_enter_present(s, p)))
		slave_pending_drop(s, p);
	return true;
}

/* ---- the end ---- */

void
slave_end(struct slave *s)
{
	if (s->is_over)
		return;
	relay_release_all(s);
	s->is_over = true;
	/* What waits will never be answered here. */
	while (!list_is_empty(&s->pending)) {
		struct slave_pending *p = slave_pending_of(s->pending.next);

		if (p->stanza && p->stanza->type != TYPE_UNAVAILABLE)
			s->cls->refuse(s->owner, p->stanza,
				       COND_REMOTE_SERVER_TIMEOUT,
				       "the room has lost sight of this");
		slave_pending_drop(s, p);
	}
	s->cls->over(s->owner);
}

static void
detach(struct slave *s)
{
	slave_say_to_master(s, "detach");
	if (s->parent)
		slave_say(s, "detach");
}

/* There is nobody of ours in it. */
void
slave_leave_master(struct slave *s)
{
	detach(s);
	slave_end(s);
}

static bool
is_about_to_enter(const struct slave *s, const struct slave_pending *p)
{
	return p->stanza && p->stanza->kind == STANZA_PRESENCE &&
	       p->stanza->type == TYPE_NONE && !slave_session(s, p->user);
}

/* It has waited in a split, and was not passed up since. */
static bool
is_held(const struct slave *s, const struct slave_pending *p)
{
	return p->stanza && p->stamp_ms && p->round != s->round;
}

/* Those of ours are ordinary occupants now. What else waits is with the master,
 * or on its way there. But who was about to enter a room that is not here any
 * more (again) has seen nothing of it. */
void
slave_hand_over(struct slave *s, bool again)
{
	relay_release_all(s);
	/* Errors are for the users now, also those that come at once. */
	s->is_over = true;
	while (!list_is_empty(&s->pending)) {
		struct slave_pending *p = slave_pending_of(s->pending.next);

		if (is_held(s, p) || (again && is_about_to_enter(s, p)))
			s->cls->submit(s->owner, stanza_ref(p->stanza));
		else if (p->stanza && p->stanza->type != TYPE_UNAVAILABLE &&
			 s->now_ms - p->passed_ms >= ASK_AGAIN_MS)
			/* Or it would have been answered. */
			s->cls->refuse(s->owner, p->stanza,
				       COND_REMOTE_SERVER_TIMEOUT,
				       "the room has lost sight of this");
		slave_pending_drop(s, p);
	}
	s->cls->over(s->owner);
}

static void
ask_to_take_over(struct slave *s)
{
	static const char stay[] = "<detach xmlns='" NS_DMUC "' users='stay'/>";

	s->is_leaving = true;
	s->leaving_ms = s->now_ms;
	slave_tell_master(s, stay, sizeof(stay) - 1);
}

void
slave_leave(struct slave *s, const char *why, bool at_once)
{
	if (s->is_over || (!at_once && s->is_leaving))
		return;
	s->cls->note(s->owner, why);
	ask_to_take_over(s);
	if (!at_once)
		return;
	slave_drop_next(s);
	slave_hand_over(s, true);
}

/* ---- the whole ---- */

static bool
is_unanswered(const struct slave *s)
{
	list_each (n, &s->pending) {
		if (s->now_ms - slave_pending_of(n)->passed_ms >= PASS_AGAIN_MS)
			return true;
	}
	return false;
}

void
slave_set_clock(struct slave *s, int64_t mono_ms, int64_t wall_ms)
{
	s->now_ms = mono_ms;
	s->wall_ms = wall_ms;
}

/* Nobody of ours is in it, or waits for it. Those that have gone are waited for
 * a while: the master puts them out, or we do. */
static bool
is_deserted(struct slave *s)
{
	if (s->locals.n)
		s->used_ms = s->now_ms;
	if (s->now_ms - s->used_ms < DESERTED_MS)
		return false;
	list_each (n, &s->pending) {
		if (s->cls->is_here(s->owner, slave_pending_of(n)->user))
			return false;
	}
	return true;
}

void
slave_tick(struct slave *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	if (s->is_over)
		return;
	if (is_deserted(s)) {
		if (s->state != SLAVE_SPLIT)
			detach(s);
		slave_end(s);
		return;
	}
	slave_way_tick(s);
	if (s->state == SLAVE_SPLIT) {
		if (!s->is_faded && now_ms - s->since_ms >= FADE_AFTER_MS)
			slave_fade(s);
		return;
	}
	if (!s->parent || now_ms - s->acked_ms >= ACK_BELOW_MS)
		slave_acknowledge(s);
	/* Lost, and no way has been seen to break: all of them come again. */
	if (s->state == SLAVE_CURRENT && is_unanswered(s)) {
		/* Or it is the relay that keeps something back. */
		if (s->parent && !s->is_cut)
			slave_leave_relay(s);
		else
			slave_ask(s, false);
	}
	if (s->state == SLAVE_CURRENT && now_ms - s->looked_ms >= PASS_AGAIN_MS)
		slave_leave_for_gone(s);
	/* That may be lost, too; in a split it never got there. */
	if (s->is_leaving && s->state == SLAVE_CURRENT &&
	    now_ms - s->leaving_ms >= PASS_AGAIN_MS)
		ask_to_take_over(s);
}

struct slave *
slave_new(struct jid *room, struct jid *domain, const struct slave_class *cls,
	  void *owner)
{
	struct slave *s = mem_zalloc(sizeof(*s));

	s->jid = jid_ref(room);
	s->domain = jid_ref(domain);
	s->cls = cls;
	s->owner = owner;
	s->state = SLAVE_BEHIND;
	s->room = room_new(room, 0);
	s->room->is_copy = true;
	s->pending_max = s->pending_size_max = SIZE_MAX;
	s->size_max = s->children_max = SIZE_MAX;
	log_ring_resume(&s->room->log, NO_EPOCH, 0);
	list_init(&s->pending);
	s->path = mem_strdup("");
	return s;
}

void
slave_free(struct slave *s)
{
	while (!list_is_empty(&s->pending))
		slave_pending_drop(s, slave_pending_of(s->pending.next));
	map_each (n, &s->locals)
		slave_local_free(s, slave_local_of(n));
	map_fini(&s->locals);
	map_fini(&s->senders);
	for (size_t i = 0; i < s->n_faded; i++)
		jid_unref(&s->faded[i]);
	free(s->faded);
	slave_drop_next(s);
	relay_free(s);
	slave_way_free(s);
	room_free(s->room);
	jid_unref(&s->jid);
	jid_unref(&s->domain);
	free(s);
}
