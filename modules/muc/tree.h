/*
 * tree.h - which servers get a room's log from a relay and not from its master
 * itself, as the master knows it (docs/dmuc.md, "Relays").
 *
 * A relay is a peer that the master trusts to pass the log on, as it stands in
 * peers->relays. Of more than peers->fanout peers the master tells some to
 * attach to a relay; those that have no way to the master may attach to one by
 * themselves. Without relays all this does nothing.
 *
 * No socket, clock or database, as in master.h.
 */
#ifndef MUC_TREE_H
#define MUC_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct jid;
struct peer;
struct peers;
struct xml;

/* So many servers may be one below the other, the master among them. */
#define TREE_DEPTH_MAX 8

/* The relays are these from now on; the texts are borrowed. */
void tree_set_relays(struct peers *ps, const char *const *relays, size_t n,
		     size_t fanout);

/* A relay says that the peer of that domain has attached to it (<below/>). Both
 * are told what comes of it. domain: of one that may have a copy, and has users
 * in the room. */
void tree_below(struct peers *ps, struct peer *relay, struct jid *domain,
		const struct xml *x);
/* A relay names all that it has. For each of them: tree_below. */
void tree_children(struct peers *ps, struct peer *relay, const struct xml *x);
/* Is that what has been said of it, and taken, before? */
bool tree_is_in_force(const struct peers *ps, const struct peer *relay,
		      const struct jid *domain, const struct xml *x);
/* It is not to be below the relay, which lets it go. */
void tree_refuse(struct peers *ps, struct peer *relay, const struct jid *domain,
		 uint64_t ask);
/* From time to time, half a minute: who has left a relay may be told to go to
 * one again. */
void tree_tick(struct peers *ps);
/* It has that one no more, says the relay. */
void tree_lost(struct peers *ps, struct peer *relay, const struct jid *domain,
	       uint64_t ask);
/* No: it is not to be below the relay, by this number or an earlier one. */
void tree_drop(struct peers *ps, struct peer *relay, const struct jid *domain,
	       uint64_t ask);

/* Does what p sends come by that relay? */
bool tree_is_below(const struct peer *p, const struct peer *relay);
/* What p has sealed since it is below a relay: appends it. False: it is not
 * from there, or has been here before. */
bool tree_open(struct peers *ps, struct peer *p, const char *sealed,
	       struct buf *out);
/* In a message to the first relay on the way to p, which is below one: sealed.
 */
void tree_carry(struct peers *ps, struct peer *p, const struct buf *b);

/* Tells everybody whom he is to attach to, if that is news. */
void tree_settle(struct peers *ps);

/* ---- for peers.c ---- */

/* It has attached here. */
void tree_attached(struct peers *ps, struct peer *p);
/* It has that ticket (NULL: none is named), and what was sent before. */
void tree_acked(struct peer *p, const char *ticket);
/* What was on its way there may be lost. */
void tree_broken(struct peers *ps, struct peer *p);
/* It is about to be none any more. */
void tree_forget(struct peers *ps, struct peer *p);
/* It gets nothing any more: nor do those below it, before they attach. */
void tree_orphan(struct peers *ps, struct peer *p);
/* It is left alone, and has nothing to pass on. */
void tree_deserted(struct peers *ps, struct peer *p);

#endif
