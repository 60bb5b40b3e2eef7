/*
 * log.h - a room's entries in their order, the last of them at hand.
 *
 * Within an epoch entries are numbered 1, 2, 3, … A reader that is at a
 * position gets what comes behind it; where that is not at hand any more, it
 * needs the room as a whole.
 */
#ifndef MUC_LOG_H
#define MUC_LOG_H

#include <stddef.h>
#include <stdint.h>

struct entry;

#define LOG_EPOCH_LEN 16

struct log_ring {
	char epoch[LOG_EPOCH_LEN + 1];
	uint64_t seq;		/* of the last entry; 0: none yet */
	struct entry **entries; /* refs; a ring of cap */
	size_t n, cap, first;
	size_t max; /* how many are kept */
};

/* A new epoch, from 0. max may be 0: entries are counted only. */
void log_ring_init(struct log_ring *l, size_t max);
/* Goes on where it was: what came before is not at hand. */
void log_ring_resume(struct log_ring *l, const char *epoch, uint64_t seq);
void log_ring_fini(struct log_ring *l);

/* Gives the entry its number and keeps it: takes a reference of its own. */
void log_ring_append(struct log_ring *l, struct entry *e);

enum log_order {
	LOG_NEXT,      /* it is the one that follows */
	LOG_DUPLICATE, /* it was there already */
	LOG_GAP,       /* something before it is missing */
};
/* For who replays: where an entry with that number stands. */
enum log_order log_ring_order(const struct log_ring *l, uint64_t seq);
/* The entry behind position seq, or NULL: there is none yet, or it is not at
 * hand. Borrowed. */
struct entry *log_ring_after(const struct log_ring *l, uint64_t seq);
/* The first position from which all is at hand. */
uint64_t log_ring_floor(const struct log_ring *l);

#endif
