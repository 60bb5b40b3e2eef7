/*
 * distribute_private.h - what the files of distribute.h share.
 */
#ifndef MUC_DISTRIBUTE_PRIVATE_H
#define MUC_DISTRIBUTE_PRIVATE_H

#include "base/list.h"
#include "base/timer.h"
#include "modules/muc/peers.h"

#include <stdbool.h>
#include <stdint.h>

struct jid;
struct live;
struct muc_service;
struct xml;

/* A domain is asked: first what it can do, then to have a copy. */
struct asking {
	struct list node;	     /* in distribution->askings */
	struct muc_service *service; /* borrowed; outlives all requests */
	struct jid *room, *domain;   /* refs */
	struct list joiners;	     /* those it was not asked about yet */
	struct list asked;	     /* those it was */
	/* The answer may be there before who waits for it does: where there is
	 * no way to the domain, it comes at once. */
	bool is_beginning, is_refused;
};

/* Domains. */
struct relays {
	char **all; /* owned */
	size_t n;
};

/* Of a room that is, or was, distributed. */
struct distribution {
	struct live *live; /* borrowed */
	struct peers peers;
	struct list askings;
	struct list barred; /* distribute_leave.c */
	struct timer timer;
	bool has_changed;     /* since the position was told */
	struct relays relays; /* of peers */
};

/* ---- distribute.c ---- */

struct distribution *distribution_take(struct live *l);
/* It has a copy at the position of this element. */
void distribution_follow(struct live *l, const struct jid *domain,
			 const struct xml *x);
/* It is looked after from time to time. */
void distribution_arm(struct distribution *d);
/* Or NULL. */
struct peer *distribution_peer(const struct live *l, const struct jid *domain);
/* users_stay: they are ordinary occupants from now on. */
void
distribution_send_detach(struct live *l, struct jid *domain, bool users_stay);

/* Its users are away, as nobody reaches it; or not any more. */
void distribution_link(struct live *l, struct jid *domain, bool is_away);

/* ---- distribute_log.c ---- */

/* A line in the log, with the position; peers cause it. */
void distribution_note(const struct live *l, const struct jid *domain,
		       const char *what);
void distribution_note_by(const struct live *l, const struct jid *domain,
			  const char *what, const struct jid *relay);
/* What is different with peers since that was said last. */
void distribution_note_changes(const struct live *l);

/* ---- distribute_ask.c ---- */

/* Or NULL. */
struct asking *
distribution_asking(const struct live *l, const struct jid *domain);

/* ---- distribute_leave.c ---- */

/* By the configuration and the room's, and it was not drained just now. */
bool distribution_may_have(const struct live *l, const struct jid *domain);
/* It is not asked for an hour, as long as the room is awake. */
void distribution_bar(struct live *l, const struct jid *domain);
/* The peer's users are ordinary occupants from now on, and see nothing of it:
 * what it has been sent it shows to them before it reads that it is over. */
void distribution_drain(struct live *l, struct peer *p);
/* Those that may not have a copy any more. */
void distribution_drain_unwanted(struct live *l);
/* Those that have had no users in the room for a while, and did not say so. */
void distribution_drop_deserted(struct live *l);
void distribution_forget_barred(struct distribution *d);
/* As the configuration and the room's say, from now on. */
void distribution_set_relays(struct live *l);
void distribution_forget_relays(struct distribution *d);

#endif
