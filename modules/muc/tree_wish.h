/*
 * tree_wish.h - that a peer wants to have the log from a relay: it has sealed
 * that, and the relay shows it to the master, any number of times
 * (docs/dmuc.md, 5.10, "proof").
 */
#ifndef MUC_TREE_WISH_H
#define MUC_TREE_WISH_H

#include "modules/muc/log.h"
#include "modules/muc/seal.h"

#include <stdbool.h>
#include <stdint.h>

struct jid;
struct peer;
struct peers;
struct xml;

struct tree_wish {
	char nonce[SEAL_NONCE_LEN + 1], epoch[LOG_EPOCH_LEN + 1];
	char ticket[SEAL_NONCE_LEN + 1];
	bool is_cut; /* there is no way from it to us */
};

/* What x shows (<below/>) of that domain. False: that has not sealed it, or not
 * for this relay and this number. */
bool tree_wish_read(const struct peers *ps, const struct peer *relay,
		    const struct jid *domain, const struct xml *x,
		    struct tree_wish *out);
/* It is not of before the peer (NULL: none) came here last. Of what was before
 * a restart of ours nothing is known. */
bool tree_wish_is_fresh(const struct peers *ps, const struct peer *p,
			const struct tree_wish *wish);
/* Is it the one that was taken, and by which the peer (or NULL) is below that
 * relay? */
bool tree_wish_holds(const struct peer *p, const struct peer *relay,
		     uint64_t ask, const struct tree_wish *wish);

#endif
