/* log.c - a room's entries in their order. */

#include "modules/muc/log.h"

#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
log_ring_init(struct log_ring *l, size_t max)
{
	*l = (struct log_ring){ .max = max };
	token_make(l->epoch, LOG_EPOCH_LEN);
}

static void
drop_first(struct log_ring *l)
{
	entry_unref(&l->entries[l->first]);
	l->first = (l->first + 1) % l->cap;
	l->n--;
}

static void
clear(struct log_ring *l)
{
	while (l->n)
		drop_first(l);
	free(l->entries);
	l->entries = NULL;
	l->cap = l->first = 0;
}

void
log_ring_resume(struct log_ring *l, const char *epoch, uint64_t seq)
{
	size_t len = strlen(epoch);

	clear(l);
	if (len > LOG_EPOCH_LEN)
		len = LOG_EPOCH_LEN;
	memcpy(l->epoch, epoch, len);
	l->epoch[len] = '\0';
	l->seq = seq;
}

void
log_ring_fini(struct log_ring *l)
{
	clear(l);
}

static void
grow(struct log_ring *l)
{
	size_t cap = l->cap ? l->cap * 2 : 16;
	struct entry **entries;

	if (cap > l->max)
		cap = l->max;
	entries = mem_alloc(cap * sizeof(struct entry *));
	for (size_t i = 0; i < l->n; i++)
		entries[i] = l->entries[(l->first + i) % l->cap];
	free(l->entries);
	l->entries = entries;
	l->cap = cap;
	l->first = 0;
}

void
log_ring_append(struct log_ring *l, struct entry *e)
{
	assert(!e->seq);
	e->seq = ++l->seq;
	if (!l->max)
		return;
	if (l->n == l->max)
		drop_first(l);
	else if (l->n == l->cap)
		grow(l);
	l->entries[(l->first + l->n++) % l->cap] = entry_ref(e);
}

enum log_order
log_ring_order(const struct log_ring *l, uint64_t seq)
{
	if (seq <= l->seq)
		return LOG_DUPLICATE;
	return seq == l->seq + 1 ? LOG_NEXT : LOG_GAP;
}

uint64_t
log_ring_floor(const struct log_ring *l)
{
	return l->seq - l->n;
}

struct entry *
log_ring_after(const struct log_ring *l, uint64_t seq)
{
	if (seq >= l->seq || seq < log_ring_floor(l))
		return NULL;
	return l->entries[(l->first + (seq - log_ring_floor(l))) % l->cap];
}
