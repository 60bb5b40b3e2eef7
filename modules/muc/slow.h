/*
 * slow.h - slow mode (XEP-0500): who has spoken when, as far as it matters.
 *
 * A user is known by the occupant id, which stays whatever the nickname, the
 * client, or the visit.
 */
#ifndef MUC_SLOW_H
#define MUC_SLOW_H

#include "base/list.h"
#include "base/map.h"

#include <stdint.h>

/* Zeroed memory knows of nobody. */
struct slow {
	struct map by_id;
	struct list order; /* by time */
};

void slow_fini(struct slow *s);
/* What was said longer than window_ms before this is forgotten. */
void slow_note(struct slow *s, const char *occupant_id, int64_t stamp_ms,
	       int64_t window_ms);
/* When that one has spoken last; -1: not known. */
int64_t slow_last(const struct slow *s, const char *occupant_id);

#endif
