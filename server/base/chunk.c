/* chunk.c - immutable shared bytes. */

#include "base/chunk.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
	atomic_uint refs;
	size_t len;
	char *data; /* owned, or points to the bytes behind this struct */
	char in_place[];
};

struct chunk *
chunk_take(char *data, size_t len)
{
	struct chunk *c = mem_alloc(sizeof(*c));

	atomic_init(&c->refs, 1);
	c->len = len;
	c->data = data;
	return c;
}

struct chunk *
chunk_copy(const char *data, size_t len)
{
	struct chunk *c = mem_alloc(sizeof(*c) + len);

	atomic_init(&c->refs, 1);
	c->len = len;
	c->data = c->in_place;
	if (len)
		memcpy(c->in_place, data, len);
	return c;
}

struct chunk *
chunk_ref(struct chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
chunk_unref(struct chunk **c)
{
	struct chunk *old = *c;

	*c = NULL;
	if (!old ||
	    atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (old->data != old->in_place)
		free(old->data);
	free(old);
}

const char *
chunk_data(const struct chunk *c, size_t *len_out)
{
	*len_out = c->len;
	return c->data;
}
