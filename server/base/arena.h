/*
 * arena.h - memory that lives and dies as a whole.
 *
 * One thread builds in an arena; once building has ended, any thread may read
 * what is in it and take or drop references. The last reference frees all.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/* The caller holds one reference. */
struct arena *arena_new(void);
/* With room for what the other one holds, and for little more: for copies that
 * are kept for long. */
struct arena *arena_new_like(const struct arena *a);
struct arena *arena_ref(struct arena *a);
void arena_unref(struct arena **a);

/* Aligned for any pointer or 64-bit integer; not zeroed. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);

/* A copy of len bytes with a NUL behind it. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Calls drop(obj) when the arena is freed; later ones are called first. */
void arena_own(struct arena *a, void *obj, void (*drop)(void *obj));

/* Bytes taken from malloc so far, for limits. */
size_t arena_size(const struct arena *a);

#endif
