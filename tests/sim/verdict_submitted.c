/* verdict_submitted.c - every submission is in the log once, in the order of
 * its user, or was refused: whatever it is. Of messages more is known:
 * own_life.c.
 */

#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "sim.h"
#include "verdict.h"
#include "xmpp/jid.h"

#include <string.h>

static const char *const names[] = {
	[SAID_MESSAGE] = "message", [SAID_SUBJECT] = "subject",
	[SAID_JOIN] = "join",	    [SAID_PRESENCE] = "presence",
	[SAID_LEAVE] = "leave",	    [SAID_ORDER] = "order",
};

/* As what it is itself: a kick makes entries about others. */
static bool
is_of_sender(const struct room_change *c, const struct said *said)
{
	static const enum said_kind kinds[] = {
		[ENTRY_JOIN] = SAID_JOIN,
		[ENTRY_PRESENCE] = SAID_PRESENCE,
		[ENTRY_LEAVE] = SAID_LEAVE,
		[ENTRY_NICK] = SAID_PRESENCE,
		[ENTRY_ROLE] = SAID_ORDER,
		[ENTRY_AFFILIATION] = SAID_ORDER,
		[ENTRY_MESSAGE] = SAID_MESSAGE,
		[ENTRY_SUBJECT] = SAID_SUBJECT,
	};

	return c->entry->type <= ENTRY_SUBJECT &&
	       kinds[c->entry->type] == said->kind && said->kind != SAID_ORDER;
}

static void
check_order(struct own_room *r, unsigned number)
{
	unsigned *last = &r->appended[r->sim->said[number].user];

	if (number < *last)
		sim_wrong(r->sim, "%s %u is behind %u in the log of room %u",
			  names[r->sim->said[number].kind], number, *last,
			  r->index);
	*last = number;
}

/* What a copy submits is appended once; after a crash the room does not know
 * any more what it had. */
void
verdict_appended(struct own_room *r, const struct room_change *c)
{
	const struct submission *sub = r->master.now;
	unsigned number = sub && sub->submit && sub->stanza
				  ? user_number(r->sim, sub->stanza)
				  : 0;
	struct said *said = &r->sim->said[number];

	if (!number || !said->by_copy || !is_of_sender(c, said))
		return;
	/* Nor what a server had that was away for long: who was put out
	 * meanwhile enters once more. */
	if (said->life != r->life + 1 ||
	    (c->entry->type == ENTRY_JOIN && !c->is_again))
		said->appended = 0;
	said->life = r->life + 1;
	if (said->appended >> c->entry->type & 1)
		sim_wrong(r->sim, "%s %u is twice in the log of room %u",
			  names[said->kind], number, r->index);
	said->appended |= 1u << c->entry->type;
	check_order(r, number);
}

void
check_answered(struct sim *sim)
{
	for (unsigned i = 1; i <= sim->n_said; i++) {
		const struct said *said = &sim->said[i];

		/* That somebody has left is seen in the room. */
		if (said->kind == SAID_LEAVE || said->kind == SAID_ORDER ||
		    !said->by_copy || said->is_lost || said->is_unsure)
			continue;
		if (!said->is_done && !said->n_refused && !said->has_entered)
			sim_wrong(sim, "%s %u of %s is lost", names[said->kind],
				  i, jid_str(sim->users[said->user].jid));
	}
}

/* The last that was not refused, or 0: that cannot be told. */
static unsigned
last_presence(const struct sim *sim, const struct user *u,
	      const struct own_room *r)
{
	for (unsigned i = sim->n_said; i; i--) {
		const struct said *said = &sim->said[i];

		if (said->user != u->index || said->room != r->index ||
		    (said->kind != SAID_PRESENCE && said->kind != SAID_JOIN &&
		     said->kind != SAID_LEAVE))
			continue;
		/* A backup has what was before it. */
		if (said->is_lost || said->kind == SAID_LEAVE ||
		    (r->was_restored && said->sent_ms < r->restored_ms) ||
		    (said->n_refused && !said->is_refused_for_good))
			return 0;
		if (!said->n_refused)
			return i;
	}
	return 0;
}

static bool
has_one_client(const struct sim *sim, const struct user *u)
{
	for (unsigned i = 0; i < sim->n_users; i++) {
		if (i != u->index && jid_eq_bare(sim->users[i].jid, u->jid))
			return false;
	}
	return true;
}

/* That, or what the room makes of it where somebody who returns finds that
 * another one has it. */
static bool
is_nick_of(const char *wanted, const char *nick)
{
	size_t len = strlen(wanted);

	return !strncmp(nick, wanted, len) && (!nick[len] || nick[len] == ' ');
}

void
check_presence(struct sim *sim, const struct user *u, const struct own_room *r)
{
	const struct room_session *s =
		r->is_up ? room_session(r->master.room, u->jid) : NULL;
	unsigned number = s ? last_presence(sim, u, r) : 0;
	char show[SHOW_MAX];

	if (!number || u->views[r->index].state != VIEW_IN ||
	    verdict_is_excused(sim, u, r))
		return;
	show_of(s->payload, show);
	if (strcmp(show, sim->said[number].show) != 0)
		sim_wrong(sim, "%s is '%s' in room %u, and not '%s' (%u)",
			  jid_str(u->jid), show, r->index,
			  sim->said[number].show, number);
	/* A backup may have had him, under another one. */
	if (has_one_client(sim, u) && !r->was_restored &&
	    !is_nick_of(sim->said[number].nick, s->occupant->nick))
		sim_wrong(sim, "%s is %s in room %u, and not %s (%u)",
			  jid_str(u->jid), s->occupant->nick, r->index,
			  sim->said[number].nick, number);
}
