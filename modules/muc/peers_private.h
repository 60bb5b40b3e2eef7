/* peers_private.h - what the files peers*.c share. */
#ifndef MUC_PEERS_PRIVATE_H
#define MUC_PEERS_PRIVATE_H

#include "modules/muc/envelope.h"
#include "modules/muc/peers.h"

/* ---- peers.c ---- */

/* For what is written to that peer. */
struct envelope peers_envelope(const struct peers *ps, const struct peer *p);

/* ---- peers_beside.c ---- */

bool peers_has_moderator(const struct peers *ps, const struct peer *p);
/* Real addresses, of everybody. */
bool peers_may_know_all(const struct peers *ps, const struct peer *p);
/* Of all who are in the room, or of its own users. */
void peers_send_addresses(struct peers *ps, struct peer *p, bool are_all);
/* Before it gets this entry: it may know addresses from now on, or not. */
void
peers_entitle(struct peers *ps, struct peer *p, const struct room_change *c);
/* Behind this entry, which comes by a relay: what that does not say. */
void peers_tell_beside(struct peers *ps, struct peer *p,
		       const struct room_change *c);
void peers_remember_put_out(struct peers *ps, const struct room_change *c);

#endif
