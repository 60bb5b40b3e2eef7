/* rules_affiliation.c - one affiliation changes, without anybody's privilege
 * for that: by an invitation, or by registering. */

#include "base/arena.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/rules_lists.h"
#include "xmpp/jid.h"

/* A quarter is for those whom admins name: who fills the lists with addresses
 * cannot keep them from banning him. */
static bool
has_space(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct jid *jid)
{
	unsigned max = env->affiliations_max;

	if (rules_affiliation(r, sub) < AFFILIATION_ADMIN)
		max -= max / 4;
	return affiliations_find(&r->affiliations, jid) ||
	       r->affiliations.by_jid.n < max;
}

bool
rules_set_affiliation(const struct room *r, const struct rules_env *env,
		      const struct submission *sub, struct jid *jid,
		      enum affiliation affiliation, const char *nick,
		      const char *actor, struct ruling *out)
{
	struct list_changes changes;
	struct arena *a;

	if (affiliation != AFFILIATION_NONE && !has_space(r, env, sub, jid))
		return ruling_refuse(out, COND_RESOURCE_CONSTRAINT,
				     "the lists of this room are full");
	a = arena_new();
	list_changes_init(&changes, a);
	list_changes_add(&changes, r, jid, affiliation, nick, NULL);
	list_changes_enter(&changes, r, &r->config, sub, actor, out);
	list_changes_fini(&changes);
	arena_unref(&a);
	return true;
}
