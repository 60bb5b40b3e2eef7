/* muc_invariants.c - what holds in every room. */

#include "muc_invariants.h"

#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"

#include <string.h>

/* ---- after each entry ---- */

static const char *
check_session(const struct room *r, const struct occupant *o,
	      const struct room_session *s)
{
	if (s->occupant != o)
		return "a session is not its occupant's";
	if (jid_is_bare(s->jid) || !jid_eq_bare(s->jid, o->bare))
		return "a session is of another user";
	if (room_session(r, s->jid) != s)
		return "a session is not found by its JID";
	return NULL;
}

/* One of them, where somebody is here under several nicknames. */
static bool
is_found_by_user(const struct room *r, const struct occupant *o)
{
	const struct occupant *found = room_by_user(r, o->bare);

	return found && jid_eq_bare(found->bare, o->bare);
}

static const char *
check_occupant(const struct room *r, const struct occupant *o)
{
	const char *broken = NULL;
	bool has_top = false;
	unsigned n = 0;

	if (!o->nick || !*o->nick)
		return "an occupant has no nickname";
	if (room_by_nick(r, o->nick) != o)
		return "an occupant is not found by nickname";
	if (!is_found_by_user(r, o))
		return "an occupant is not found by user";
	list_each (i, &o->sessions) {
		const struct room_session *s = room_session_of(i);

		broken = check_session(r, o, s);
		if (broken)
			return broken;
		has_top |= s == o->top;
		n++;
	}
	if (!n || n != o->n_sessions)
		return "an occupant's sessions are miscounted, or none";
	if (!has_top)
		return "the session that is shown is none of the occupant's";
	return NULL;
}

static const char *
check_history(const struct room *r)
{
	if (r->n_history > (size_t)r->config.history)
		return "the history is too long";
	for (size_t i = 0; i < r->n_history; i++) {
		if (r->history[i]->type != ENTRY_MESSAGE &&
		    r->history[i]->type != ENTRY_RETRACT)
			return "the history holds what is no message";
		if (r->history[i]->archive_id > r->last_archive_id)
			return "the history holds an id of the future";
		if (i &&
		    r->history[i]->archive_id <= r->history[i - 1]->archive_id)
			return "the history is out of order";
	}
	return NULL;
}

static const char *
check_list(const struct affiliations *l)
{
	size_t n = 0, n_nicks = 0;

	affiliations_each (item, l) {
		if (item->affiliation == AFFILIATION_NONE)
			return "the list holds somebody without affiliation";
		if (affiliations_find(l, item->jid) != item)
			return "an item of the list is not found";
		if (*item->nick && affiliations_by_nick(l, item->nick) != item)
			return "a reserved nickname is not found";
		n_nicks += *item->nick != '\0';
		n++;
	}
	if (n != l->by_jid.n || n_nicks != l->by_nick.n)
		return "the list is miscounted";
	for (int i = 0; i < N_AFFILIATIONS; i++)
		n -= l->counts[i];
	return n ? "affiliations are miscounted" : NULL;
}

const char *
room_find_broken(const struct room *r)
{
	size_t n = 0, n_sessions = 0;
	const char *broken;

	list_each (i, &r->occupants) {
		const struct occupant *o = occupant_of(i);

		broken = check_occupant(r, o);
		if (broken)
			return broken;
		n_sessions += o->n_sessions;
		n++;
	}
	if (n != r->n_occupants || n != r->nicks.n || n != r->users.n)
		return "the occupants are miscounted";
	if (n_sessions != r->sessions.n)
		return "the sessions are miscounted";
	broken = check_history(r);
	return broken ? broken : check_list(&r->affiliations);
}

/* ---- after each ruling ---- */

static bool
is_affiliation_right(const struct room *r, const struct occupant *o,
		     const struct jid *admin)
{
	if (o->affiliation == AFFILIATION_OWNER && admin &&
	    jid_eq_bare(o->bare, admin))
		return true;
	return o->affiliation == affiliations_get(&r->affiliations, o->bare);
}

static const char *
judge_occupant(const struct room *r, const struct occupant *o,
	       const struct jid *admin)
{
	if (o->affiliation == AFFILIATION_OUTCAST)
		return "somebody banned is inside";
	if (!is_affiliation_right(r, o, admin))
		return "an affiliation is not that of the list";
	if (r->config.is_members_only && o->affiliation < AFFILIATION_MEMBER)
		return "who is no member is inside";
	if (o->role == ROLE_NONE)
		return "an occupant has no role";
	if (o->affiliation >= AFFILIATION_ADMIN && o->role != ROLE_MODERATOR)
		return "an owner or admin is no moderator";
	return NULL;
}

const char *
room_find_wrong(const struct room *r, const struct jid *admin)
{
	/* Who was in it has been told, and cannot do anything any more. */
	if (r->is_destroyed)
		return NULL;
	list_each (i, &r->occupants) {
		const char *wrong = judge_occupant(r, occupant_of(i), admin);

		if (wrong)
			return wrong;
	}
	/* Who has made it, and may have made somebody else its owner. */
	if (r->is_locked && r->n_occupants > 1)
		return "a locked room holds more than one";
	return NULL;
}

/* ---- two rooms ---- */

static bool
is_same_subject(const struct entry *a, const struct entry *b)
{
	if (!a || !b)
		return a == b;
	return a->archive_id == b->archive_id && a->stamp_ms == b->stamp_ms &&
	       !strcmp(a->nick, b->nick);
}

bool
room_is_same(const struct room *a, const struct room *b)
{
	if (room_digest(a) != room_digest(b) || a->n_history != b->n_history ||
	    a->n_occupants != b->n_occupants)
		return false;
	for (size_t i = 0; i < a->n_history; i++) {
		if (a->history[i]->archive_id != b->history[i]->archive_id)
			return false;
	}
	return is_same_subject(a->subject, b->subject);
}
