/*
 * clock.h - the time, read once per loop turn, and a clock that tests move.
 *
 * Each thread has its own clock; only that thread touches it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t mono_ms; /* never goes back; for timers and ages */
	int64_t wall_ms; /* since 1970-01-01 UTC; for stamps that people see */
	bool is_fake;	 /* moves only by clock_advance */
};

void clock_init(struct clock *c);
/* Starts at mono 0, wall 2026-01-01T00:00:00Z. */
void clock_init_fake(struct clock *c);
/* Reads the system's clocks; does nothing to a fake one. */
void clock_update(struct clock *c);
/* c is fake. */
void clock_advance(struct clock *c, int64_t ms);

/* XEP-0082 DateTime in UTC with milliseconds where they are not 0. */
#define CLOCK_STAMP_MAX 32
const char *clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_MAX]);
/* -1 where the text is not an XEP-0082 DateTime. */
int clock_parse_stamp(const char *s, int64_t *wall_ms_out);

#endif
