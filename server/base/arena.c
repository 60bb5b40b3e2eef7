/* arena.c - bump allocation in blocks; the first block holds the arena. */

#include "base/arena.h"

#include "base/mem.h"
#include "base/pool.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A typical stanza (600 to 900 bytes of nodes and text) fits in the first. */
#define FIRST_BLOCK POOL_BLOCK
#define MAX_BLOCK   65536u
/* After a first block that was to be enough. */
#define SMALL_BLOCK 256u
#define ALIGN	    8u

struct block {
	struct block *next;
};

struct owned {
	struct owned *next;
	void *obj;
	void (*drop)(void *obj);
};

struct arena {
	atomic_uint refs;
	uint32_t block_size; /* of the next block */
	char *at, *end;
	size_t size;
	bool is_pooled;	      /* the first block is */
	struct block *blocks; /* beyond the first */
	struct owned *owned;
};

static struct arena *
init(struct arena *a, size_t first, uint32_t second, bool is_pooled)
{
	atomic_init(&a->refs, 1);
	a->block_size = second;
	a->at = (char *)(a + 1);
	a->end = (char *)a + first;
	a->size = first;
	a->is_pooled = is_pooled;
	a->blocks = NULL;
	a->owned = NULL;
	return a;
}

struct arena *
arena_new(void)
{
	return init(pool_alloc(), FIRST_BLOCK, 2 * FIRST_BLOCK, true);
}

struct arena *
arena_new_like(const struct arena *a)
{
	size_t first = a->size - (size_t)(a->end - a->at);

	return init(mem_alloc(first), first, SMALL_BLOCK, false);
}

struct arena *
arena_ref(struct arena *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

static void
arena_free(struct arena *a)
{
	for (struct owned *o = a->owned; o; o = o->next)
		o->drop(o->obj);
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	if (a->is_pooled)
		pool_free(a);
	else
		free(a);
}

void
arena_unref(struct arena **a)
{
	struct arena *old = *a;

	*a = NULL;
	if (old &&
	    atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) == 1)
		arena_free(old);
}

static void *
alloc_slow(struct arena *a, size_t size)
{
	size_t want = size + sizeof(struct block);
	size_t block = want > a->block_size ? want : a->block_size;
	struct block *b = mem_alloc(block);

	b->next = a->blocks;
	a->blocks = b;
	a->size += block;
	if (a->block_size < MAX_BLOCK)
		a->block_size *= 2;
	/* Keep the block with more room left; a large object fills its own. */
	if (block - want > (size_t)(a->end - a->at)) {
		a->at = (char *)(b + 1) + size;
		a->end = (char *)b + block;
	}
	return b + 1;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	void *p = a->at;

	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size > (size_t)(a->end - a->at))
		return alloc_slow(a, size);
	a->at += size;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_alloc(a, (size_t)len + 1);
	vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	return p;
}

void
arena_own(struct arena *a, void *obj, void (*drop)(void *obj))
{
	struct owned *o = arena_alloc(a, sizeof(*o));

	o->obj = obj;
	o->drop = drop;
	o->next = a->owned;
	a->owned = o;
}

size_t
arena_size(const struct arena *a)
{
	return a->size;
}
