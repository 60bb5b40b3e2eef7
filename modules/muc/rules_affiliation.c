/* rules_affiliation.c - somebody's affiliation changes, whoever may want that:
 * the list, and what follows for who is in the room (XEP-0045 5.1.3, 5.2.2). */

#include "base/arena.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/rules_lists.h"
#include "xmpp/jid.h"

static bool
has_space(const struct room *r, const struct rules_env *env,
	  const struct jid *jid)
{
	return affiliations_find(&r->affiliations, jid) ||
	       r->affiliations.by_jid.n < env->affiliations_max;
}

bool
rules_set_affiliation(const struct room *r, const struct rules_env *env,
		      const struct submission *sub, struct jid *jid,
		      enum affiliation affiliation, const char *nick,
		      const char *actor, struct ruling *out)
{
	struct list_changes l;
	struct arena *a;

	if (affiliation != AFFILIATION_NONE && !has_space(r, env, jid))
		return ruling_refuse(out, COND_RESOURCE_CONSTRAINT,
				     "the lists of this room are full");
	a = arena_new();
	list_changes_init(&l, a);
	list_changes_add(&l, r, jid, affiliation, nick, NULL);
	list_changes_enter(&l, r, &r->config, sub, actor, out);
	list_changes_fini(&l);
	arena_unref(&a);
	return true;
}
