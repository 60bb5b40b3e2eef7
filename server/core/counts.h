/*
 * counts.h - how often something happened for each key of late.
 *
 * The first count for a key opens a window; when that is over, counting starts
 * anew. What is over is forgotten. Core thread only.
 */
#ifndef CORE_COUNTS_H
#define CORE_COUNTS_H

#include "base/map.h"
#include "base/timer.h"

#include <stdint.h>

struct loop;

struct counts {
	struct loop *loop; /* borrowed */
	const int64_t
		*window_ms; /* borrowed: an option, that a reload may change */
	struct map map;
	struct timer sweep;
};

/* *window_ms, and c itself, have to stay where they are. */
void counts_init(struct counts *c, struct loop *loop, const int64_t *window_ms);
/* Zeroed memory, too. */
void counts_fini(struct counts *c);

void counts_add(struct counts *c, const char *key);
int64_t counts_get(const struct counts *c, const char *key);

#endif
