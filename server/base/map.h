/*
 * map.h - intrusive hash map, and the keyed hash for it.
 *
 * A value embeds a struct map_node; the map owns only its table. Keys are
 * hashed with a secret of this process (hash.c), so that nobody outside can
 * choose keys that collide.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

typedef bool map_eq(const struct map_node *node, const void *key);

/* A zeroed struct map is an empty one. Frees the table, not the values. */
void map_fini(struct map *m);

/* The node with that hash for which eq says so, or NULL. */
struct map_node *
map_find(const struct map *m, uint64_t hash, map_eq *eq, const void *key);
/* The caller has made sure that the key is not there yet. */
void map_insert(struct map *m, struct map_node *node, uint64_t hash);
/* node is in the map. */
void map_remove(struct map *m, struct map_node *node);

/* Walks all nodes in no order: NULL starts and ends. The node that was
 * returned last may be removed before the next step, others may not. */
struct map_node *map_next(const struct map *m, struct map_node *after);

#define map_each(n, m)                                                \
	for (struct map_node *n = map_next((m), NULL),                \
			     *n##_next = n ? map_next((m), n) : NULL; \
	     n; n = n##_next, n##_next = n ? map_next((m), n) : NULL)

/* SipHash-1-3 with a key drawn at the first call; any thread. */
uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_str(const char *s);

#endif
