/*
 * rules_lists.h - changes of a room's affiliations that are made together, or
 * not at all (XEP-0045 9.2).
 */
#ifndef MUC_RULES_LISTS_H
#define MUC_RULES_LISTS_H

#include "base/list.h"
#include "base/map.h"
#include "modules/muc/affiliation.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct jid;
struct muc_config;
struct room;
struct rules_env;
struct ruling;
struct submission;

/* Zeroed memory but for the arena, in which they live. */
struct list_changes {
	struct arena *arena; /* borrowed */
	struct map by_jid, by_nick;
	struct list order;
	bool has_nick_twice;
};

void list_changes_init(struct list_changes *l, struct arena *a);
void list_changes_fini(struct list_changes *l);

/* The bare JID has this affiliation from now on, and the reserved nickname:
 * NULL as it was, "" none. The texts are in the arena; reason may be NULL.
 * False: a change of that JID is there already. */
bool list_changes_add(struct list_changes *l, const struct room *r,
		      struct jid *jid, enum affiliation affiliation,
		      const char *nick, const char *reason);

/* May who has submitted make them all? */
bool list_changes_judge(const struct list_changes *l, const struct room *r,
			const struct rules_env *env,
			const struct submission *sub, struct ruling *out);

/* The entries: of the list, and of who is in the room and is something else by
 * them, or may not stay with the options that the room is going to have.
 * actor: the nickname of who does it, or NULL. */
void list_changes_enter(const struct list_changes *l, const struct room *r,
			const struct muc_config *config,
			const struct submission *sub, const char *actor,
			struct ruling *out);

/* 9.5: invites who is a member now of a room for members and was nothing
 * before, unless they are there; no more than RULES_INVITES_MAX. */
void list_changes_invite(const struct list_changes *l, const struct room *r,
			 const struct submission *sub, struct ruling *out);

#endif
