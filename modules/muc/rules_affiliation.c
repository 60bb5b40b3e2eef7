/* rules_affiliation.c - somebody's affiliation changes: the list, and what
 * follows for who is in the room (XEP-0045 5.1.3, 5.2.2). */

#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"

static bool
has_space(const struct room *r, const struct rules_env *env,
	  const struct jid *jid)
{
	return affiliations_find(&r->affiliations, jid) ||
	       r->affiliations.by_jid.n < env->affiliations_max;
}

static void
change_occupant(const struct room *r, const struct submission *sub,
		const struct occupant *o, enum affiliation affiliation,
		const char *actor, struct ruling *out)
{
	struct entry e = {
		.type = ENTRY_ROLE,
		.stamp_ms = sub->now_ms,
		.nick = o->nick,
		.actor = actor,
		.affiliation = affiliation,
		.role = role_after_affiliation(&r->config, o->role,
					       o->affiliation, affiliation),
	};

	if (e.role == ROLE_NONE) {
		/* 9.4: no member of a members-only room any more. */
		e.type = ENTRY_LEAVE;
		e.code = affiliation == AFFILIATION_OUTCAST ? 301 : 321;
	}
	ruling_add(out, &e);
}

bool
rules_set_affiliation(const struct room *r, const struct rules_env *env,
		      const struct submission *sub, struct jid *jid,
		      enum affiliation affiliation, const char *nick,
		      const char *actor, struct ruling *out)
{
	const struct occupant *o = room_by_user(r, jid);
	struct jid *bare = jid_bare(jid);

	if (affiliation != AFFILIATION_NONE && !has_space(r, env, bare)) {
		jid_unref(&bare);
		return ruling_refuse(out, COND_RESOURCE_CONSTRAINT,
				     "the lists of this room are full");
	}
	ruling_add(out, &(struct entry){
				.type = ENTRY_AFFILIATION,
				.stamp_ms = sub->now_ms,
				.jid = bare,
				.nick = nick,
				.actor = actor,
				.affiliation = affiliation,
			});
	jid_unref(&bare);
	if (o && o->affiliation != affiliation)
		change_occupant(r, sub, o, affiliation, actor, out);
	return true;
}
