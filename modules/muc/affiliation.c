/* affiliation.c - who is what in a room, and what that means. */

#include "modules/muc/affiliation.h"

#include "base/list.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

#define AT(affiliation) ((affiliation)-AFFILIATION_OUTCAST)

static const char *const affiliation_names[N_AFFILIATIONS] = {
	[AT(AFFILIATION_OUTCAST)] = "outcast",
	[AT(AFFILIATION_NONE)] = "none",
	[AT(AFFILIATION_MEMBER)] = "member",
	[AT(AFFILIATION_ADMIN)] = "admin",
	[AT(AFFILIATION_OWNER)] = "owner",
};

static const char *const role_names[N_ROLES] = {
	[ROLE_NONE] = "none",
	[ROLE_VISITOR] = "visitor",
	[ROLE_PARTICIPANT] = "participant",
	[ROLE_MODERATOR] = "moderator",
};

const char *
affiliation_name(enum affiliation affiliation)
{
	return affiliation_names[AT(affiliation)];
}

const char *
role_name(enum role role)
{
	return role_names[role];
}

static int
find_name(const char *const *names, int n, const char *name)
{
	int i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i < n ? i : -1;
}

int
affiliation_parse(const char *name, enum affiliation *out)
{
	int at = find_name(affiliation_names, N_AFFILIATIONS, name);

	if (at < 0)
		return -1;
	*out = (enum affiliation)(at + AFFILIATION_OUTCAST);
	return 0;
}

int
role_parse(const char *name, enum role *out)
{
	int at = find_name(role_names, N_ROLES, name);

	if (at < 0)
		return -1;
	*out = (enum role)at;
	return 0;
}

/* ---- roles ---- */

enum role
role_default(const struct muc_config *config, enum affiliation affiliation)
{
	switch (affiliation) {
	case AFFILIATION_OWNER:
	case AFFILIATION_ADMIN:
		return ROLE_MODERATOR;
	case AFFILIATION_MEMBER:
		return ROLE_PARTICIPANT;
	case AFFILIATION_NONE:
		if (config->is_members_only)
			return ROLE_NONE;
		return config->is_moderated ? ROLE_VISITOR : ROLE_PARTICIPANT;
	default:
		return ROLE_NONE;
	}
}

/* Section 5.1.3: what is gained with an affiliation is fixed, what is lost is
 * left to us. Nobody gets voice back by losing an affiliation, and a moderator
 * who was not made one by it stays that. */
enum role
role_after_affiliation(const struct muc_config *config, enum role role,
		       enum affiliation old, enum affiliation affiliation)
{
	enum role usual = role_default(config, affiliation);

	if (usual == ROLE_NONE || affiliation == old)
		return usual == ROLE_NONE ? usual : role;
	if (affiliation > old)
		return role > usual ? role : usual;
	if (role == ROLE_MODERATOR && old < AFFILIATION_ADMIN)
		return role;
	return role < usual ? role : usual;
}

/* ---- privileges ---- */

#define IF(option) offsetof(struct muc_config, option)

/* That role, or that affiliation, is enough; 0: none is. The option makes a
 * lower role enough. */
struct need {
	enum role role, role_if;
	size_t option;
	enum affiliation affiliation;
};

static const struct need needs[N_PRIVILEGES] = {
	[PRIV_ENTER_FULL] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_SEE_OCCUPANTS] = { .role = ROLE_VISITOR },
	[PRIV_SEE_JIDS] = { .role = ROLE_MODERATOR },
	[PRIV_SPEAK] = { .role = ROLE_PARTICIPANT },
	[PRIV_SPEAK_OFTEN] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_PM] = { .role = ROLE_VISITOR },
	[PRIV_QUERY] = { .role = ROLE_MODERATOR,
			 .role_if = ROLE_VISITOR,
			 .option = IF(allow_query) },
	[PRIV_NICK] = { .role = ROLE_PARTICIPANT,
			.role_if = ROLE_VISITOR,
			.option = IF(allow_visitor_nick) },
	[PRIV_STATUS] = { .role = ROLE_PARTICIPANT,
			  .role_if = ROLE_VISITOR,
			  .option = IF(allow_visitor_status) },
	[PRIV_VOICE_REQUEST] = { .role_if = ROLE_VISITOR,
				 .option = IF(allow_voice_requests) },
	[PRIV_INVITE] = { .role = ROLE_MODERATOR,
			  .role_if = ROLE_VISITOR,
			  .option = IF(allow_invites) },
	[PRIV_SUBJECT] = { .role = ROLE_MODERATOR,
			   .role_if = ROLE_PARTICIPANT,
			   .option = IF(allow_subject) },
	[PRIV_KICK] = { .role = ROLE_MODERATOR,
			.affiliation = AFFILIATION_ADMIN },
	[PRIV_VOICE] = { .role = ROLE_MODERATOR,
			 .affiliation = AFFILIATION_ADMIN },
	[PRIV_MODERATE] = { .role = ROLE_MODERATOR },
	[PRIV_GET_MEMBERS] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_GET_RULERS] = { .affiliation = AFFILIATION_OWNER },
	[PRIV_BAN] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_EDIT_MEMBERS] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_EDIT_MODERATORS] = { .affiliation = AFFILIATION_ADMIN },
	[PRIV_EDIT_ADMINS] = { .affiliation = AFFILIATION_OWNER },
	[PRIV_EDIT_OWNERS] = { .affiliation = AFFILIATION_OWNER },
	[PRIV_CONFIGURE] = { .affiliation = AFFILIATION_OWNER },
	[PRIV_DESTROY] = { .affiliation = AFFILIATION_OWNER },
};

/* Sections 5.2.1 (***), 9.5, 10.5, 10.8: where JIDs are hidden, the lists,
 * which hold them, are for who sees JIDs, and those of admins and owners only
 * for owners. Who is affiliated need not be in the room. */
static bool
may_get_list(const struct muc_config *c, enum affiliation affiliation,
	     enum role role, enum privilege privilege)
{
	if (role == ROLE_NONE && affiliation >= AFFILIATION_MEMBER)
		role = role_default(c, affiliation);
	if (c->whois != WHOIS_ANYONE &&
	    (role != ROLE_MODERATOR || privilege == PRIV_GET_RULERS))
		return false;
	return role != ROLE_NONE && c->get_members & 1u << role;
}

/* What depends on more than a yes or no. */
static void
adjust(const struct muc_config *c, enum privilege privilege, struct need *need)
{
	static const enum role pm[] = {
		[PM_ANYONE] = ROLE_VISITOR,
		[PM_PARTICIPANTS] = ROLE_PARTICIPANT,
		[PM_MODERATORS] = ROLE_MODERATOR,
		[PM_NONE] = 0,
	};

	switch (privilege) {
	case PRIV_SEE_JIDS:
		if (c->whois == WHOIS_ANYONE)
			need->role = ROLE_VISITOR;
		break;
	case PRIV_PM:
		need->role = pm[c->allow_pm];
		break;
	case PRIV_INVITE:
		/* It makes members (9.5). */
		if (!c->is_members_only)
			break;
		need->role = 0;
		need->affiliation = c->allow_invites ? AFFILIATION_MEMBER
						     : AFFILIATION_ADMIN;
		break;
	default:
		break;
	}
}

bool
has_privilege(const struct muc_config *config, enum affiliation affiliation,
	      enum role role, enum privilege privilege)
{
	struct need need = needs[privilege];

	if (affiliation == AFFILIATION_OUTCAST)
		return false;
	if (privilege == PRIV_ENTER)
		return role_default(config, affiliation) != ROLE_NONE;
	if ((privilege == PRIV_GET_MEMBERS || privilege == PRIV_GET_RULERS) &&
	    may_get_list(config, affiliation, role, privilege))
		return true;
	if (need.option && *(const bool *)((const char *)config + need.option))
		need.role = need.role_if;
	adjust(config, privilege, &need);
	return (need.role && role >= need.role) ||
	       (need.affiliation && affiliation >= need.affiliation);
}

enum stanza_cond
may_change_role(struct standing actor, struct standing target, enum role role)
{
	bool is_admin = actor.affiliation >= AFFILIATION_ADMIN;
	bool is_less = role < target.role;

	if (actor.role < ROLE_MODERATOR && !is_admin)
		return COND_FORBIDDEN;
	if (role == ROLE_NONE) {
		/* 8.2; and by table 5 only admins remove moderators. */
		if (target.affiliation > actor.affiliation ||
		    (target.role == ROLE_MODERATOR && !is_admin))
			return COND_NOT_ALLOWED;
		return COND_NONE;
	}
	if (role == target.role)
		return COND_NONE;
	/* 8.4, 9.7: by nobody. */
	if (is_less && target.affiliation >= AFFILIATION_ADMIN)
		return COND_NOT_ALLOWED;
	/* 9.6, 9.7 */
	if (!is_admin &&
	    (role == ROLE_MODERATOR || target.role == ROLE_MODERATOR))
		return COND_FORBIDDEN;
	/* 8.4 says once "at or above", by which no moderator without an
	 * affiliation could do anything, but 8.5, and the title of its own
	 * example, say "higher". */
	if (is_less && target.affiliation > actor.affiliation)
		return COND_NOT_ALLOWED;
	return COND_NONE;
}

enum stanza_cond
may_change_affiliation(enum affiliation actor, enum affiliation old,
		       enum affiliation affiliation)
{
	if (actor < AFFILIATION_ADMIN)
		return COND_FORBIDDEN;
	if (actor == AFFILIATION_OWNER)
		return COND_NONE;
	/* 9.1; table 8: an admin, too, is banned by owners only. */
	if (affiliation == AFFILIATION_OUTCAST && old >= AFFILIATION_ADMIN)
		return COND_NOT_ALLOWED;
	/* 10.3 to 10.8 */
	if (affiliation >= AFFILIATION_ADMIN || old >= AFFILIATION_ADMIN)
		return COND_FORBIDDEN;
	return COND_NONE;
}

/* ---- the list ---- */

void
affiliations_init(struct affiliations *l)
{
	*l = (struct affiliations){ 0 };
}

static struct affiliation_item *
item_of(struct map_node *n)
{
	return n ? container_of(n, struct affiliation_item, by_jid) : NULL;
}

static void
item_free(struct affiliation_item *item)
{
	jid_unref(&item->jid);
	free(item);
}

void
affiliations_fini(struct affiliations *l)
{
	map_each (n, &l->by_jid)
		item_free(item_of(n));
	map_fini(&l->by_jid);
	map_fini(&l->by_nick);
	*l = (struct affiliations){ 0 };
}

static bool
is_jid(const struct map_node *n, const void *key)
{
	return jid_eq_bare(
		container_of(n, const struct affiliation_item, by_jid)->jid,
		key);
}

static bool
is_domain_of(const struct map_node *n, const void *key)
{
	const struct jid *jid =
		container_of(n, const struct affiliation_item, by_jid)->jid;

	return jid_is_domain(jid) && jid_eq_domain(jid, key);
}

static bool
is_nick(const struct map_node *n, const void *key)
{
	return !strcmp(
		container_of(n, const struct affiliation_item, by_nick)->nick,
		key);
}

const struct affiliation_item *
affiliations_find(const struct affiliations *l, const struct jid *jid)
{
	return item_of(map_find(&l->by_jid, jid_hash_bare(jid), is_jid, jid));
}

enum affiliation
affiliations_get(const struct affiliations *l, const struct jid *jid)
{
	const struct affiliation_item *item = affiliations_find(l, jid);

	if (item)
		return item->affiliation;
	if (!l->n_domains)
		return AFFILIATION_NONE;
	item = item_of(
		map_find(&l->by_jid, jid_hash_domain(jid), is_domain_of, jid));
	return item && item->affiliation <= AFFILIATION_MEMBER
		       ? item->affiliation
		       : AFFILIATION_NONE;
}

const struct affiliation_item *
affiliations_by_nick(const struct affiliations *l, const char *nick)
{
	struct map_node *n =
		map_find(&l->by_nick, hash_str(nick), is_nick, nick);

	return n ? container_of(n, struct affiliation_item, by_nick) : NULL;
}

static struct affiliation_item *
item_new(struct jid *jid, enum affiliation affiliation, const char *nick,
	 const char *reason)
{
	size_t nick_size = strlen(nick) + 1, reason_size = strlen(reason) + 1;
	struct affiliation_item *item =
		mem_alloc(sizeof(*item) + nick_size + reason_size);

	item->jid = jid_bare(jid);
	item->affiliation = affiliation;
	item->nick = memcpy(item->text, nick, nick_size);
	item->reason = memcpy(item->text + nick_size, reason, reason_size);
	return item;
}

static void
insert(struct affiliations *l, struct affiliation_item *item)
{
	map_insert(&l->by_jid, &item->by_jid, jid_hash_bare(item->jid));
	if (*item->nick)
		map_insert(&l->by_nick, &item->by_nick, hash_str(item->nick));
	l->counts[AT(item->affiliation)]++;
	l->n_domains += jid_is_domain(item->jid);
}

static void
take_out(struct affiliations *l, struct affiliation_item *item)
{
	map_remove(&l->by_jid, &item->by_jid);
	if (*item->nick)
		map_remove(&l->by_nick, &item->by_nick);
	l->counts[AT(item->affiliation)]--;
	l->n_domains -= jid_is_domain(item->jid);
}

void
affiliations_set(struct affiliations *l, struct jid *jid,
		 enum affiliation affiliation, const char *nick,
		 const char *reason)
{
	struct affiliation_item *old =
		item_of(map_find(&l->by_jid, jid_hash_bare(jid), is_jid, jid));
	const struct affiliation_item *holder;

	/* The texts of the old one may be what we are called with. */
	if (old)
		take_out(l, old);
	if (!nick)
		nick = old ? old->nick : "";
	holder = affiliations_by_nick(l, nick);
	if (affiliation == AFFILIATION_OUTCAST || holder)
		nick = "";
	if (affiliation != AFFILIATION_NONE)
		insert(l,
		       item_new(jid, affiliation, nick, reason ? reason : ""));
	if (old)
		item_free(old);
}

size_t
affiliations_count(const struct affiliations *l, enum affiliation affiliation)
{
	return l->counts[AT(affiliation)];
}

const struct affiliation_item *
affiliations_next(const struct affiliations *l,
		  const struct affiliation_item *after)
{
	/* map_next only looks from there. */
	return item_of(map_next(
		&l->by_jid, after ? (struct map_node *)&after->by_jid : NULL));
}
