/* pool.c - free blocks: some with each thread, in batches between them. */

#include "base/pool.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* What goes from thread to thread at once, and how many of that wait at most
 * (2 MB); the rest is malloc's again. */
#define BATCH	    32
#define BATCHES_MAX 32

/* A free block. */
struct node {
	struct node *next;
	struct node *next_batch; /* of the first of a batch */
};

struct stack {
	struct node *top;
	unsigned n;
};

/* Full: the next to be handed over; it gives and takes whole batches, and so
 * does not flutter at the edge. */
struct cache {
	struct stack some, full;
	bool is_known; /* its thread's end will be told */
};

static _Thread_local struct cache own;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *batches; /* by lock, as n_batches */
static unsigned n_batches;

/* Checkers of memory are to see each block's end. */
#if defined(__SANITIZE_ADDRESS__)
#define PASSES_THROUGH true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PASSES_THROUGH true
#endif
#endif
#ifndef PASSES_THROUGH
#define PASSES_THROUGH false
#endif

static void
free_all(struct node *b)
{
	for (struct node *next; b; b = next) {
		next = b->next;
		free(b);
	}
}

static void
thread_ends(void *cache)
{
	struct cache *c = cache;

	free_all(c->some.top);
	free_all(c->full.top);
	*c = (struct cache){ 0 };
}

static void
make_key(void)
{
	pthread_key_create(&key, thread_ends);
}

static void
get_known(struct cache *c)
{
	pthread_once(&once, make_key);
	pthread_setspecific(key, c);
	c->is_known = true;
}

/* To the others, or to malloc where there are enough. */
static void
hand_over(struct stack *s)
{
	struct node *b = s->top;

	*s = (struct stack){ 0 };
	pthread_mutex_lock(&lock);
	if (n_batches < BATCHES_MAX) {
		b->next_batch = batches;
		batches = b;
		n_batches++;
		b = NULL;
	}
	pthread_mutex_unlock(&lock);
	free_all(b);
}

static void
take_over(struct stack *s)
{
	struct node *b;

	pthread_mutex_lock(&lock);
	b = batches;
	if (b) {
		batches = b->next_batch;
		n_batches--;
	}
	pthread_mutex_unlock(&lock);
	*s = (struct stack){ b, b ? BATCH : 0 };
}

void *
pool_alloc(void)
{
	struct cache *c = &own;
	struct node *b;

	if (PASSES_THROUGH)
		return mem_alloc(POOL_BLOCK);
	if (!c->is_known)
		get_known(c);
	if (!c->some.n && c->full.n) {
		c->some = c->full;
		c->full = (struct stack){ 0 };
	}
	if (!c->some.n)
		take_over(&c->some);
	if (!c->some.n)
		return mem_alloc(POOL_BLOCK);
	b = c->some.top;
	c->some.top = b->next;
	c->some.n--;
	return b;
}

void
pool_free(void *block)
{
	struct cache *c = &own;
	struct node *b = block;

	if (PASSES_THROUGH || !b) {
		free(b);
		return;
	}
	if (!c->is_known)
		get_known(c);
	if (c->some.n == BATCH) {
		if (c->full.n)
			hand_over(&c->full);
		c->full = c->some;
		c->some = (struct stack){ 0 };
	}
	b->next = c->some.top;
	c->some.top = b;
	c->some.n++;
}
