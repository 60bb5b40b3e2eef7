/* rules_lists.c - changes of affiliations, and what follows from them for who
 * is in the room (XEP-0045 5.2.2, 9.1 to 9.5, 10.3 to 10.8). */

#include "modules/muc/rules_lists.h"

#include "base/arena.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"

#include <string.h>

struct list_change {
	struct map_node by_jid, by_nick;
	struct list in_order;
	struct jid *jid; /* ref; bare */
	enum affiliation old, affiliation;
	const char *old_nick, *nick, *reason;
};

#define change_of(n) container_of(n, struct list_change, in_order)

void
list_changes_init(struct list_changes *l, struct arena *a)
{
	*l = (struct list_changes){ .arena = a };
	list_init(&l->order);
}

void
list_changes_fini(struct list_changes *l)
{
	list_each (n, &l->order)
		jid_unref(&change_of(n)->jid);
	map_fini(&l->by_jid);
	map_fini(&l->by_nick);
}

static bool
is_jid(const struct map_node *n, const void *jid)
{
	return jid_eq_bare(
		container_of(n, const struct list_change, by_jid)->jid, jid);
}

static bool
is_domain_of(const struct map_node *n, const void *jid)
{
	const struct jid *j =
		container_of(n, const struct list_change, by_jid)->jid;

	return jid_is_domain(j) && jid_eq_domain(j, jid);
}

static bool
is_nick(const struct map_node *n, const void *nick)
{
	return !strcmp(container_of(n, const struct list_change, by_nick)->nick,
		       nick);
}

static const struct list_change *
find(const struct list_changes *l, uint64_t hash, map_eq *eq,
     const struct jid *jid)
{
	const struct map_node *n = map_find(&l->by_jid, hash, eq, jid);

	return n ? container_of(n, const struct list_change, by_jid) : NULL;
}

static void
keep_nick(struct list_changes *l, struct list_change *c)
{
	uint64_t hash = hash_str(c->nick);

	if (!*c->nick)
		return;
	if (map_find(&l->by_nick, hash, is_nick, c->nick))
		l->has_nick_twice = true;
	else
		map_insert(&l->by_nick, &c->by_nick, hash);
}

bool
list_changes_add(struct list_changes *l, const struct room *r, struct jid *jid,
		 enum affiliation affiliation, const char *nick,
		 const char *reason)
{
	const struct affiliation_item *item =
		affiliations_find(&r->affiliations, jid);
	struct list_change *c;

	if (find(l, jid_hash_bare(jid), is_jid, jid))
		return false;
	c = arena_zalloc(l->arena, sizeof(*c));
	c->jid = jid_bare(jid);
	c->old = item ? item->affiliation : AFFILIATION_NONE;
	c->old_nick = item ? item->nick : "";
	c->affiliation = affiliation;
	c->nick = nick ? nick : c->old_nick;
	/* 9.1: an outcast has none. */
	if (affiliation <= AFFILIATION_NONE)
		c->nick = "";
	c->reason = reason;
	list_append(&l->order, &c->in_order);
	map_insert(&l->by_jid, &c->by_jid, jid_hash_bare(jid));
	keep_nick(l, c);
	return true;
}

/* ---- whether they may be made ---- */

static bool
judge_one(const struct list_change *c, const struct room *r,
	  const struct submission *sub, struct ruling *out)
{
	const struct affiliation_item *holder =
		affiliations_by_nick(&r->affiliations, c->nick);
	enum affiliation actor = rules_affiliation(r, sub);
	enum stanza_cond cond =
		may_change_affiliation(actor, c->old, c->affiliation);

	/* 9.1: before an admin learns that he may not ban admins. */
	if (c->affiliation == AFFILIATION_OUTCAST &&
	    actor >= AFFILIATION_ADMIN && jid_eq_bare(c->jid, sub->from))
		return ruling_refuse(out, COND_CONFLICT,
				     "you cannot ban yourself");
	if (cond)
		return ruling_refuse(out, cond, NULL);
	if (holder && !jid_eq_bare(holder->jid, c->jid))
		return ruling_refuse(out, COND_CONFLICT,
				     "this nickname is reserved");
	return true;
}

bool
list_changes_judge(const struct list_changes *l, const struct room *r,
		   const struct rules_env *env, const struct submission *sub,
		   struct ruling *out)
{
	size_t n = r->affiliations.by_jid.n, before = n;
	size_t n_owners =
		affiliations_count(&r->affiliations, AFFILIATION_OWNER);
	bool is_owner_lost = false;

	list_each (i, &l->order) {
		const struct list_change *c = change_of(i);

		if (!judge_one(c, r, sub, out))
			return false;
		n += c->affiliation != AFFILIATION_NONE;
		n -= c->old != AFFILIATION_NONE;
		n_owners += c->affiliation == AFFILIATION_OWNER;
		n_owners -= c->old == AFFILIATION_OWNER;
		is_owner_lost |= c->old == AFFILIATION_OWNER;
	}
	if (l->has_nick_twice)
		return ruling_refuse(out, COND_CONFLICT, NULL);
	if (is_owner_lost && !n_owners)
		return ruling_refuse(out, COND_CONFLICT,
				     "the room would have no owner");
	if (n > before && n > env->affiliations_max)
		return ruling_refuse(out, COND_RESOURCE_CONSTRAINT,
				     "the lists of this room are full");
	return true;
}

/* ---- what they come to ---- */

static void
enter_item(const struct list_change *c, const struct submission *sub,
	   const char *actor, struct ruling *out)
{
	if (c->affiliation == c->old && !strcmp(c->nick, c->old_nick))
		return;
	ruling_add(out, &(struct entry){
				.type = ENTRY_AFFILIATION,
				.stamp_ms = sub->now_ms,
				.jid = c->jid,
				.nick = c->nick,
				.actor = actor,
				.reason = c->reason,
				.affiliation = c->affiliation,
			});
}

/* What all users of a domain are, by what is or will be said of it. */
static enum affiliation
of_domain(const struct room *r, const struct jid *user,
	  const struct list_change *change)
{
	enum affiliation affiliation;
	struct jid *domain;

	if (change) {
		affiliation = change->affiliation;
	} else {
		domain = jid_make(NULL, jid_domain(user), NULL);
		affiliation = affiliations_get(&r->affiliations, domain);
		jid_unref(&domain);
	}
	return affiliation <= AFFILIATION_MEMBER ? affiliation
						 : AFFILIATION_NONE;
}

/* What the occupant is then, and which change makes it so (NULL: none does). */
static enum affiliation
affiliation_after(const struct list_changes *l, const struct room *r,
		  const struct occupant *o, const struct list_change **by)
{
	const struct list_change *own, *domain;

	own = find(l, jid_hash_bare(o->bare), is_jid, o->bare);
	*by = own;
	if (own && own->affiliation != AFFILIATION_NONE)
		return own->affiliation;
	if (!own && affiliations_find(&r->affiliations, o->bare))
		return o->affiliation;
	domain = find(l, jid_hash_domain(o->bare), is_domain_of, o->bare);
	if (!own && !domain)
		return o->affiliation;
	if (domain)
		*by = domain;
	return of_domain(r, o->bare, domain);
}

/* What the changes come to for somebody who is in the room; false: nothing. */
static bool
follows(const struct list_changes *l, const struct room *r,
	const struct muc_config *config, const struct occupant *o,
	struct entry *e)
{
	const struct list_change *by = NULL;

	e->nick = o->nick;
	e->affiliation = affiliation_after(l, r, o, &by);
	/* Only other options move who stays what he is. */
	if (e->affiliation == o->affiliation && config == &r->config)
		return false;
	e->role = role_after_affiliation(config, o->role, o->affiliation,
					 e->affiliation);
	e->reason = by ? by->reason : NULL;
	return e->affiliation != o->affiliation || e->role != o->role;
}

/* 9.1; 9.4; 10.2 */
static int
code_of(const struct occupant *o, enum affiliation affiliation)
{
	if (affiliation == AFFILIATION_OUTCAST)
		return 301;
	return affiliation != o->affiliation ? 321 : 322;
}

static void
enter_occupants(const struct list_changes *l, const struct room *r,
		const struct muc_config *config, const struct submission *sub,
		const char *actor, bool are_losing, struct ruling *out)
{
	list_each (n, &r->occupants) {
		const struct occupant *o = occupant_of(n);
		struct entry e = { .type = ENTRY_ROLE,
				   .stamp_ms = sub->now_ms };

		if (!follows(l, r, config, o, &e) ||
		    (e.role < o->role) != are_losing)
			continue;
		if (e.role == ROLE_NONE) {
			e.type = ENTRY_LEAVE;
			e.actor = actor;
			e.code = code_of(o, e.affiliation);
		}
		ruling_add(out, &e);
	}
}

void
list_changes_enter(const struct list_changes *l, const struct room *r,
		   const struct muc_config *config,
		   const struct submission *sub, const char *actor,
		   struct ruling *out)
{
	list_each (n, &l->order)
		enter_item(change_of(n), sub, actor, out);
	/* Who has no right to it any more sees nobody's address. */
	enter_occupants(l, r, config, sub, actor, true, out);
	enter_occupants(l, r, config, sub, actor, false, out);
}

void
list_changes_invite(const struct list_changes *l, const struct room *r,
		    const struct submission *sub, struct ruling *out)
{
	size_t n = 0;

	if (!r->config.is_members_only)
		return;
	list_each (i, &l->order) {
		const struct list_change *c = change_of(i);

		if (c->affiliation != AFFILIATION_MEMBER ||
		    c->old != AFFILIATION_NONE || jid_is_domain(c->jid) ||
		    room_by_user(r, c->jid) || n == RULES_INVITES_MAX)
			continue;
		rules_send_invitation(r, sub, c->jid, NULL, out);
		n++;
	}
}
