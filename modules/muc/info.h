/*
 * info.h - what a room says about itself (XEP-0045 6.4), at its master and at
 * copies of it.
 */
#ifndef MUC_INFO_H
#define MUC_INFO_H

#include <stdint.h>

struct arena;
struct muc_limits;
struct room;
struct xml;

/* All that it answers to disco#info without a node, into an empty <query/>.
 * limits: the service's; NULL: none, as at a copy. */
void info_add(struct arena *a, struct xml *query, const struct room *r,
	      const struct muc_limits *limits);

/* A number for all of that but how many occupants there are (docs/dmuc.md 8.3):
 * who has the same one gives the same answer. */
uint64_t info_digest(const struct room *r, const struct muc_limits *limits);

#endif
