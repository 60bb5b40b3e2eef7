/* slave_split.c - what users of a copy say, with a way to its master and
 * without. */

#include "modules/muc/slave_private.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <stdlib.h>
#include <string.h>

/* The domain in pseudonyms that the master does not know (RFC 6761 6.4). */
#define PROVISIONAL "provisional.invalid"

/* Of more domains it is not shown that they are away: each is looked for in the
 * whole room, and the room's server says how many there are. */
#define FADED_MAX 1000

/* ---- who is shown as away ---- */

static void
show_link(struct slave *s, struct jid *domain, bool is_away)
{
	struct entry *e = entry_new(&(struct entry){
		.type = ENTRY_LINK, .jid = domain, .is_away = is_away });

	slave_apply(s, e, false);
	entry_unref(&e);
}

static bool
is_faded(const struct slave *s, const struct jid *jid)
{
	for (size_t i = 0; i < s->n_faded; i++) {
		if (jid_eq_domain(s->faded[i], jid))
			return true;
	}
	return false;
}

static void
fade(struct slave *s, const struct room_session *session)
{
	struct jid *domain;

	if (s->n_faded == FADED_MAX || !session->is_elsewhere ||
	    session->is_away || is_faded(s, session->jid))
		return;
	domain = jid_make(NULL, jid_domain(session->jid), NULL);
	s->faded =
		mem_realloc(s->faded, (s->n_faded + 1) * sizeof(struct jid *));
	s->faded[s->n_faded++] = domain;
}

void
slave_fade(struct slave *s)
{
	s->is_faded = true;
	list_each (n, &s->room->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			fade(s, room_session_of(k));
	}
	for (size_t i = 0; i < s->n_faded; i++)
		show_link(s, s->faded[i], true);
}

void
slave_unfade(struct slave *s)
{
	for (size_t i = 0; i < s->n_faded; i++) {
		show_link(s, s->faded[i], false);
		jid_unref(&s->faded[i]);
	}
	free(s->faded);
	s->faded = NULL;
	s->n_faded = 0;
}

/* ---- what comes from users of ours ---- */

void
slave_expect(struct slave *s, struct jid *user, struct stanza *join,
	     const char *id)
{
	/* The room comes without being asked for. */
	if (!*s->room->log.epoch)
		s->asked_ms = s->now_ms;
	s->used_ms = s->now_ms;
	if (strlen(id) <= SUBMIT_ID_LEN && !slave_pending_by_id(s, id))
		slave_pending_add(s, PENDING_STANZA, user, join, id)->is_there =
			true;
}

/* As the master is going to make it, but for its place in the log. */
static struct entry *
branch_message(struct slave *s, const struct slave_pending *p)
{
	const struct room_session *session = slave_session(s, p->user);
	struct entry from = {
		.type = ENTRY_MESSAGE,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.nick = session->occupant->nick,
		.occupant_id = session->occupant->id,
		.stanza_id = stanza_id(p->stanza),
		.affiliation = session->occupant->affiliation,
		.role = session->occupant->role,
	};
	struct entry *e;

	from.payload =
		rules_message_payload(s->room, p->stanza, session->occupant, 0);
	e = entry_new(&from);
	chunk_unref(&from.payload);
	return e;
}

static struct entry *
branch_leave(struct slave *s, const struct jid *user)
{
	const struct room_session *session = slave_session(s, user);

	return entry_new(&(struct entry){
		.type = ENTRY_LEAVE,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.nick = session->occupant->nick,
		.affiliation = session->occupant->affiliation,
	});
}

static bool
continues(const struct slave *s)
{
	return s->may_continue && s->room->config.split == SPLIT_CONTINUE;
}

bool
slave_continues(const struct slave *s)
{
	return s->state == SLAVE_SPLIT && continues(s);
}

/* Without the master: who leaves has left, and where the room goes on, those of
 * ours hear each other. */
static void
show_in_branch(struct slave *s, struct slave_pending *p)
{
	struct entry *e = NULL;

	if (p->stanza->type == TYPE_UNAVAILABLE)
		e = branch_leave(s, p->user);
	else if (continues(s) && p->stanza->kind == STANZA_MESSAGE &&
		 stanza_child(p->stanza, "body", NS_CLIENT) &&
		 slave_session(s, p->user)->occupant->role >= ROLE_PARTICIPANT)
		e = branch_message(s, p);
	if (!e)
		return;
	slave_apply(s, e, false);
	p->shown_at = ++s->turn;
	if (e->type == ENTRY_MESSAGE)
		p->said = entry_ref(e);
	entry_unref(&e);
}

/* It was shown in a split before: now to those who have entered since. */
static void
show_to_others(struct slave *s, struct slave_pending *p)
{
	struct room_change c = { .entry = p->said, .is_late = true };

	map_each (n, &s->locals)
		slave_local_of(n)->session->is_elsewhere =
			slave_local_of(n)->since < p->shown_at;
	s->cls->applied(s->owner, &c, NULL);
	map_each (n, &s->locals)
		slave_local_of(n)->session->is_elsewhere = false;
	p->shown_at = ++s->turn;
}

void
slave_show_waiting(struct slave *s)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (p->said)
			show_to_others(s, p);
		if (p->kind != PENDING_STANZA || p->shown_at ||
		    !slave_session(s, p->user))
			continue;
		if (!p->stamp_ms)
			p->stamp_ms = s->wall_ms;
		show_in_branch(s, p);
	}
}

/* ---- who enters in a split ---- */

static bool
is_provisional(const struct room_session *session)
{
	return !strcmp(jid_domain(session->jid), PROVISIONAL);
}

const char *
slave_nick_wanted(const struct slave *s, const struct jid *user)
{
	const char *nick = "";

	list_each (n, &s->pending) {
		const struct slave_pending *p = slave_pending_of(n);

		if (p->stanza && p->stanza->kind == STANZA_PRESENCE &&
		    p->stanza->type == TYPE_NONE && jid_eq(p->user, user) &&
		    jid_resource(p->stanza->to))
			nick = jid_resource(p->stanza->to);
	}
	return nick;
}

/* A pseudonym, until the master says which: the one of the user's other
 * clients with that nickname, or a new one. NULL: somebody else has it. */
static struct jid *
name_for(const struct slave *s, const struct stanza *join)
{
	const struct occupant *o =
		room_by_nick(s->room, jid_resource(join->to));
	char user[OCCUPANT_ID_LEN + 1], session[SUBMIT_ID_LEN + 1];

	token_make(session, SUBMIT_ID_LEN);
	if (!o) {
		token_make(user, OCCUPANT_ID_LEN);
		return jid_make(user, PROVISIONAL, session);
	}
	if (!o->top->real || !jid_eq_bare(o->top->real, join->from))
		return NULL;
	return jid_with_resource(o->bare, session);
}

/* As far as the copy can tell (XEP-0045 7.2). */
static enum stanza_cond
judge(struct slave *s, const struct stanza *join, enum affiliation affiliation)
{
	const struct muc_config *config = &s->room->config;

	if (!continues(s) || !slave_is_join(join) || !jid_resource(join->to) ||
	    config->password || s->room->is_locked)
		return COND_REMOTE_SERVER_TIMEOUT;
	/* Which of both the master has can only be told with it. */
	if (slave_has_left(s, join->from) || slave_is_known(s, join->from) ||
	    slave_serves(s, join->from))
		return COND_REMOTE_SERVER_TIMEOUT;
	if (affiliation == AFFILIATION_OUTCAST)
		return COND_FORBIDDEN;
	if (config->is_members_only && affiliation < AFFILIATION_MEMBER)
		return COND_REGISTRATION_REQUIRED;
	return slave_may_wait(s, join) ? COND_NONE : COND_REMOTE_SERVER_TIMEOUT;
}

/* What was said in the split before: like the history. */
static void
show_said(struct slave *s, struct slave_local *to)
{
	map_each (n, &s->locals)
		slave_local_of(n)->session->is_elsewhere =
			slave_local_of(n) != to;
	list_each (n, &s->pending) {
		struct room_change c = { .entry = slave_pending_of(n)->said,
					 .is_late = true };

		if (c.entry)
			s->cls->applied(s->owner, &c, NULL);
	}
	map_each (n, &s->locals)
		slave_local_of(n)->session->is_elsewhere = false;
	/* It was shown to him, too. */
	to->since = 0;
}

static void
enter(struct slave *s, struct stanza *join, struct jid *who,
      enum affiliation affiliation)
{
	struct slave_pending *p =
		slave_pending_add(s, PENDING_STANZA, join->from, join, NULL);
	struct entry from = {
		.type = ENTRY_JOIN,
		.stamp_ms = s->wall_ms,
		.jid = who,
		.real = join->from,
		.nick = jid_resource(join->to),
		.occupant_id = jid_local(who),
		.stanza_id = stanza_id(join),
		.affiliation = affiliation,
		.role = role_default(&s->room->config, affiliation),
	};
	struct buf b = { 0 };
	struct slave_local *l;
	struct entry *e;

	p->round = s->round - 1;
	p->has_entered = true;
	rules_write_payload(&b, s->room, join, NULL);
	from.payload = buf_to_chunk(&b);
	e = entry_new(&from);
	s->entering = join;
	slave_apply(s, e, false);
	s->entering = NULL;
	l = slave_local_find(s, join->from);
	if (l)
		show_said(s, l);
	entry_unref(&e);
	chunk_unref(&from.payload);
}

static void
enter_branch(struct slave *s, struct stanza *join)
{
	enum affiliation affiliation =
		affiliations_get(&s->room->affiliations, join->from);
	enum stanza_cond bad = judge(s, join, affiliation);
	struct jid *who = bad ? NULL : name_for(s, join);

	if (!bad && !who)
		bad = COND_CONFLICT;
	if (bad)
		s->cls->refuse(s->owner, join, bad,
			       bad == COND_REMOTE_SERVER_TIMEOUT
				       ? "there is no way to the room now"
				       : NULL);
	else
		enter(s, join, who, affiliation);
	jid_unref(&who);
}

/* ---- all that they say ---- */

void
slave_submit(struct slave *s, struct stanza *stanza)
{
	const struct room_session *session = slave_session(s, stanza->from);
	struct slave_pending *p;

	if (s->state == SLAVE_SPLIT && !session) {
		enter_branch(s, stanza);
		return;
	}
	if (!slave_may_wait(s, stanza)) {
		s->cls->refuse(s->owner, stanza, COND_REMOTE_SERVER_TIMEOUT,
			       "too much waits for the room");
		return;
	}
	p = slave_pending_add(s, PENDING_STANZA, stanza->from, stanza, NULL);
	p->round = s->round - 1;
	if (session && is_provisional(session))
		p->nick = mem_strdup(slave_nick_wanted(s, stanza->from));
	else if (session && session->occupant->id)
		p->occupant = mem_strdup(session->occupant->id);
	if (s->state != SLAVE_SPLIT) {
		/* What waits goes first. */
		if (s->state == SLAVE_CURRENT || !slave_pending_before(s, p))
			slave_pass_up(s, p);
		return;
	}
	p->stamp_ms = s->wall_ms;
	show_in_branch(s, p);
}

void
slave_session_gone(struct slave *s, const struct jid *full)
{
	struct slave_local *l = slave_local_find(s, full);
	struct slave_pending *p;
	struct entry *e;

	list_each_safe (n, &s->pending) {
		if (slave_is_return(slave_pending_of(n)) &&
		    jid_eq(slave_pending_of(n)->user, full))
			slave_pending_drop(s, slave_pending_of(n));
	}
	if (!l)
		return;
	if (s->state == SLAVE_CURRENT) {
		/* It says so itself, where it gets to the master by itself. */
		if (slave_is_carried(s))
			slave_say_gone(s, l->real, l->session->occupant->nick);
		l->session->is_elsewhere = true;
		slave_local_free(s, l);
		return;
	}
	p = slave_pending_add(s, PENDING_LEAVE, l->real, NULL, NULL);
	p->nick = mem_strdup(l->session->occupant->nick);
	e = branch_leave(s, l->real);
	slave_apply(s, e, false);
	entry_unref(&e);
}
