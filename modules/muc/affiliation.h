/*
 * affiliation.h - who is what in a room (XEP-0045 section 5): affiliations,
 * which last, and roles, which last for a visit; what each of them may do; and
 * the list of a room's affiliations.
 */
#ifndef MUC_AFFILIATION_H
#define MUC_AFFILIATION_H

#include "base/map.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>

struct jid;
struct muc_config;

/* Each may do at least what the one before may; as numbers they are stored. */
enum affiliation {
	AFFILIATION_OUTCAST = -1,
	AFFILIATION_NONE,
	AFFILIATION_MEMBER,
	AFFILIATION_ADMIN,
	AFFILIATION_OWNER,
};
#define N_AFFILIATIONS 5

enum role {
	ROLE_NONE,
	ROLE_VISITOR,
	ROLE_PARTICIPANT,
	ROLE_MODERATOR,
};
#define N_ROLES 4

/* "outcast", "moderator", … as on the wire. */
const char *affiliation_name(enum affiliation affiliation);
const char *role_name(enum role role);
/* -1 where there is none of that name; out is then as it was. */
int affiliation_parse(const char *name, enum affiliation *out);
int role_parse(const char *name, enum role *out);

/* The role with which one enters (section 5.1.2). ROLE_NONE: one may not. */
enum role
role_default(const struct muc_config *config, enum affiliation affiliation);
/* The role of an occupant whose affiliation has become this one: an owner or
 * admin is a moderator; who was that only by affiliation is no longer. */
enum role
role_after_affiliation(const struct muc_config *config, enum role role,
		       enum affiliation old, enum affiliation affiliation);

/* ---- what one may do (sections 5.1.1 and 5.2.1) ---- */

enum privilege {
	PRIV_ENTER,
	PRIV_ENTER_FULL, /* though muc_config.max_users are there (7.2.9) */
	/* Of occupants: */
	PRIV_SEE_OCCUPANTS,
	PRIV_SEE_JIDS,
	PRIV_SPEAK,	  /* to all */
	PRIV_SPEAK_OFTEN, /* not held back by slow mode (XEP-0500) */
	PRIV_PM,	  /* private messages */
	PRIV_QUERY,	  /* IQs to other occupants */
	PRIV_NICK,	  /* another one */
	PRIV_STATUS,	  /* presence with <status/> and the like */
	PRIV_VOICE_REQUEST,
	PRIV_INVITE,
	PRIV_SUBJECT,
	/* Of moderators: */
	PRIV_KICK,
	PRIV_VOICE,    /* see and change who has voice */
	PRIV_MODERATE, /* take back what others said (XEP-0425) */
	/* Of affiliations, in the room or not: */
	PRIV_GET_MEMBERS, /* see the list of members */
	PRIV_GET_RULERS,  /* see those of admins and of owners */
	PRIV_BAN,	  /* see and change the list of outcasts */
	PRIV_EDIT_MEMBERS,
	PRIV_EDIT_MODERATORS,
	PRIV_EDIT_ADMINS,
	PRIV_EDIT_OWNERS,
	PRIV_CONFIGURE,
	PRIV_DESTROY,
	N_PRIVILEGES
};

/* role: ROLE_NONE where one is not in the room. Whom it can be done to is
 * asked below. */
bool
has_privilege(const struct muc_config *config, enum affiliation affiliation,
	      enum role role, enum privilege privilege);

/* Somebody, as far as this matters. */
struct standing {
	enum affiliation affiliation;
	enum role role; /* ROLE_NONE: not in the room */
};

/* May the actor give an occupant this role (sections 8.2 to 8.5, 9.6 to 9.8)?
 * ROLE_NONE is a kick. COND_NONE: yes. FORBIDDEN: no, to nobody; NOT_ALLOWED:
 * not to this one. To oneself one may do what one may do to others. */
enum stanza_cond
may_change_role(struct standing actor, struct standing target, enum role role);

/* May who has the affiliation `actor` change one from `old` to `affiliation`
 * (sections 9.1 to 9.5, 10.3 to 10.8)? As above. The caller answers CONFLICT
 * where somebody bans himself, or where no owner would be left. */
enum stanza_cond
may_change_affiliation(enum affiliation actor, enum affiliation old,
		       enum affiliation affiliation);

/* ---- the list of a room ---- */

/* What the list says of one address; read-only outside of it. */
struct affiliation_item {
	struct map_node by_jid;
	struct map_node by_nick;      /* only where there is a nick */
	struct jid *jid;	      /* ref; a user's bare JID, or a domain */
	enum affiliation affiliation; /* not AFFILIATION_NONE */
	/* The reserved nickname (7.12), as resourceprep made it, and why it
	 * became so; "" where there is none. */
	const char *nick, *reason;
	char text[];
};

/* Zeroed memory is an empty list. */
struct affiliations {
	struct map by_jid, by_nick;
	size_t counts[N_AFFILIATIONS];
	size_t n_domains;
};

void affiliations_init(struct affiliations *l);
void affiliations_fini(struct affiliations *l);

/* Of the JID without its resource: what is said of just this address, or
 * NULL. */
const struct affiliation_item *
affiliations_find(const struct affiliations *l, const struct jid *jid);
/* The same, or what is said of the domain, where its users are members or
 * outcasts (9.2). */
enum affiliation
affiliations_get(const struct affiliations *l, const struct jid *jid);
/* For whom the nickname is reserved, or NULL. */
const struct affiliation_item *
affiliations_by_nick(const struct affiliations *l, const char *nick);

/* Puts in the place of what was said of the bare JID. AFFILIATION_NONE removes;
 * nick NULL: as it was, "": none (9.5); outcasts have none (9.1), nor has
 * who asks for one that is reserved for another. reason may be NULL. */
void affiliations_set(struct affiliations *l, struct jid *jid,
		      enum affiliation affiliation, const char *nick,
		      const char *reason);

/* How many have it. AFFILIATION_NONE: 0. */
size_t
affiliations_count(const struct affiliations *l, enum affiliation affiliation);
/* All, in no order: NULL starts and ends. Nothing may be set meanwhile. */
const struct affiliation_item *
affiliations_next(const struct affiliations *l,
		  const struct affiliation_item *after);

#define affiliations_each(item, l)                 \
	for (const struct affiliation_item *item = \
		     affiliations_next((l), NULL); \
	     item; item = affiliations_next((l), item))

#endif
