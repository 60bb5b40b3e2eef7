/*
 * timer.h - timers of one thread, in a heap.
 *
 * Setting a timer costs the logarithm of their number: on a path that runs for
 * each stanza, store the time of the last activity and compare at expiry.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded by its owner; zeroed memory with fn set is a timer that is off. */
struct timer {
	int64_t at_ms;
	size_t pos; /* in the heap, from 1; 0: off */
	void (*fn)(struct timer *t);
};

/* Zeroed memory is an empty set. */
struct timers {
	struct timer **heap; /* from index 1 */
	size_t n, cap;
};

/* Timers still set are forgotten. */
void timers_fini(struct timers *ts);

/* Calls t->fn once at or after at_ms of the thread's monotonic clock. A timer
 * that was set is moved. */
void timer_set(struct timers *ts, struct timer *t, int64_t at_ms);
void timer_clear(struct timers *ts, struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
	return t->pos != 0;
}

/* When the first is due, or -1. */
int64_t timers_next(const struct timers *ts);
/* Runs all that are due, in order of time; returns how many. One that sets
 * itself again for now does not hold the caller here: it runs next time. */
size_t timers_run(struct timers *ts, int64_t now_ms);

#endif
