/* slave_moderate.c - in a split in which the room goes on, its moderators can
 * put out those who are there with them; the master is told that they have
 * left. Nothing else can be changed. */

#include "modules/muc/slave_private.h"

#include "base/mem.h"
#include "modules/muc/affiliation.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"

/* Whether all of the occupant's sessions are of ours, and here. */
static bool
is_local(const struct slave *s, const struct occupant *o)
{
	list_each (n, &o->sessions) {
		const struct room_session *session = room_session_of(n);

		if (!session->real ||
		    slave_session(s, session->real) != session)
			return false;
	}
	return true;
}

static enum stanza_cond
judge(const struct slave *s, const struct jid *by, const struct occupant *o)
{
	const struct room_session *session = slave_session(s, by);
	struct standing who, whom;
	enum stanza_cond cond;

	if (!session || session->occupant->role != ROLE_MODERATOR)
		return COND_FORBIDDEN;
	if (!o)
		return COND_ITEM_NOT_FOUND;
	who = (struct standing){ session->occupant->affiliation,
				 session->occupant->role };
	whom = (struct standing){ o->affiliation, o->role };
	cond = may_change_role(who, whom, ROLE_NONE);
	if (cond)
		return cond;
	return is_local(s, o) ? COND_NONE : COND_REMOTE_SERVER_TIMEOUT;
}

/* It is told that, and no more, when there is a way again. */
static void
leave_later(struct slave *s, const struct occupant *o)
{
	list_each (n, &o->sessions) {
		struct slave_pending *p = slave_pending_add(
			s, PENDING_LEAVE, room_session_of(n)->real, NULL, NULL);

		p->nick = mem_strdup(o->nick);
	}
}

enum stanza_cond
slave_put_out(struct slave *s, const struct jid *by, const char *nick,
	      const char *reason)
{
	const struct occupant *o = room_by_nick(s->room, nick);
	enum stanza_cond cond = judge(s, by, o);
	struct entry *e;

	if (cond)
		return cond;
	leave_later(s, o);
	e = entry_new(&(struct entry){
		.type = ENTRY_LEAVE,
		.stamp_ms = s->wall_ms,
		.nick = o->nick,
		.affiliation = o->affiliation,
		.code = 307,
		.actor = slave_session(s, by)->occupant->nick,
		.reason = reason,
	});
	slave_apply(s, e, false);
	entry_unref(&e);
	return COND_NONE;
}
