/* quota.c - how much may be read in a second. */

#include "core/quota.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Fills at `rate` a second up to `burst`; rate 0: never empty. */
struct bucket {
	int64_t rate, burst, tokens, at_ms;
};

struct quota {
	atomic_uint refs;
	pthread_mutex_t lock; /* for the buckets */
	struct bucket bytes, stanzas;
};

struct quota *
quota_new(const struct quota_rates *rates, int64_t now_ms)
{
	struct quota *q = mem_zalloc(sizeof(*q));

	atomic_init(&q->refs, 1);
	pthread_mutex_init(&q->lock, NULL);
	q->bytes = (struct bucket){ rates->bytes, rates->burst, rates->burst,
				    now_ms };
	q->stanzas = (struct bucket){ rates->stanzas, rates->stanzas,
				      rates->stanzas, now_ms };
	return q;
}

struct quota *
quota_ref(struct quota *q)
{
	atomic_fetch_add(&q->refs, 1);
	return q;
}

void
quota_unref(struct quota **q)
{
	if (*q && atomic_fetch_sub(&(*q)->refs, 1) == 1) {
		pthread_mutex_destroy(&(*q)->lock);
		free(*q);
	}
	*q = NULL;
}

static void
bucket_change(struct bucket *b, int64_t rate, int64_t burst)
{
	/* One that had no limit has nothing to make up for. */
	if (!b->rate || b->tokens > burst)
		b->tokens = burst;
	b->rate = rate;
	b->burst = burst;
}

void
quota_change(struct quota *q, const struct quota_rates *rates)
{
	pthread_mutex_lock(&q->lock);
	bucket_change(&q->bytes, rates->bytes, rates->burst);
	bucket_change(&q->stanzas, rates->stanzas, rates->stanzas);
	pthread_mutex_unlock(&q->lock);
}

static void
bucket_fill(struct bucket *b, int64_t now_ms)
{
	int64_t added = (now_ms - b->at_ms) * b->rate / 1000;

	/* Clocks of several threads differ a little. */
	if (added <= 0)
		return;
	b->at_ms = now_ms;
	b->tokens += added;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
}

static int64_t
bucket_take(struct bucket *b, int64_t amount, int64_t now_ms)
{
	if (!b->rate)
		return 0;
	bucket_fill(b, now_ms);
	b->tokens -= amount;
	return b->tokens >= 0 ? 0 : 1 - b->tokens * 1000 / b->rate;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
quota_take(struct quota *q, int64_t bytes, int64_t stanzas, int64_t now_ms)
{
	int64_t wait_ms;

	pthread_mutex_lock(&q->lock);
	wait_ms =
		larger(bytes ? bucket_take(&q->bytes, bytes, now_ms) : 0,
		       stanzas ? bucket_take(&q->stanzas, stanzas, now_ms) : 0);
	pthread_mutex_unlock(&q->lock);
	return wait_ms;
}

static int64_t
bucket_full_ms(struct bucket *b, int64_t now_ms)
{
	if (!b->rate)
		return 0;
	bucket_fill(b, now_ms);
	return b->tokens >= b->burst
		       ? 0
		       : 1 + (b->burst - b->tokens) * 1000 / b->rate;
}

int64_t
quota_full_ms(struct quota *q, int64_t now_ms)
{
	int64_t ms;

	pthread_mutex_lock(&q->lock);
	ms = larger(bucket_full_ms(&q->bytes, now_ms),
		    bucket_full_ms(&q->stanzas, now_ms));
	pthread_mutex_unlock(&q->lock);
	return ms;
}
