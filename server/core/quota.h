/*
 * quota.h - how much may be read in a second: by one connection, or by several
 * together, whatever their threads. All functions may be called by any thread.
 *
 * What came is not refused: who has taken more than there is waits for as long
 * as that costs.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include <stdint.h>

struct quota;

struct quota_rates {
	int64_t bytes, burst; /* a second, and at once; bytes 0: no limit */
	int64_t stanzas;      /* a second, with as many at once; 0: no limit */
};

/* Full. The caller holds one reference. */
struct quota *quota_new(const struct quota_rates *rates, int64_t now_ms);
struct quota *quota_ref(struct quota *q);
void quota_unref(struct quota **q);

/* Other rates from now on; what was taken too much stays to be waited for. */
void quota_change(struct quota *q, const struct quota_rates *rates);

/* That much came. The time for which nothing more may be read, in ms; 0: go
 * on. */
int64_t
quota_take(struct quota *q, int64_t bytes, int64_t stanzas, int64_t now_ms);

/* The time until it is full again, in ms; 0: it is. */
int64_t quota_full_ms(struct quota *q, int64_t now_ms);

#endif
