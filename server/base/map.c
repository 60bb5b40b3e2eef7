/* map.c - intrusive hash map: chained, grows by doubling. */

#include "base/map.h"

#include "base/mem.h"

#include <stdlib.h>

#define MIN_SLOTS 16u

void
map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

struct map_node *
map_find(const struct map *m, uint64_t hash, map_eq *eq, const void *key)
{
	if (!m->n_slots)
		return NULL;
	for (struct map_node *n = m->slots[hash & (m->n_slots - 1)]; n;
	     n = n->next) {
		if (n->hash == hash && eq(n, key))
			return n;
	}
	return NULL;
}

static void
resize(struct map *m, size_t n_slots)
{
	struct map_node **slots =
		mem_zalloc(n_slots * sizeof(struct map_node *));

	for (size_t i = 0; i < m->n_slots; i++) {
		for (struct map_node *n = m->slots[i], *next; n; n = next) {
			struct map_node **slot =
				&slots[n->hash & (n_slots - 1)];

			next = n->next;
			n->next = *slot;
			*slot = n;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->n_slots = n_slots;
}

void
map_insert(struct map *m, struct map_node *node, uint64_t hash)
{
	struct map_node **slot;

	if (m->n >= m->n_slots)
		resize(m, m->n_slots ? 2 * m->n_slots : MIN_SLOTS);
	slot = &m->slots[hash & (m->n_slots - 1)];
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	m->n++;
}

void
map_remove(struct map *m, struct map_node *node)
{
	struct map_node **at = &m->slots[node->hash & (m->n_slots - 1)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	m->n--;
}

struct map_node *
map_next(const struct map *m, struct map_node *after)
{
	size_t slot = 0;

	if (after) {
		if (after->next)
			return after->next;
		slot = (after->hash & (m->n_slots - 1)) + 1;
	}
	for (; slot < m->n_slots; slot++) {
		if (m->slots[slot])
			return m->slots[slot];
	}
	return NULL;
}
