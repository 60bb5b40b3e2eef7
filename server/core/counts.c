/* counts.c - how often something happened for each key of late. */

#include "core/counts.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

/* Windows are divided into this many sweeps. */
#define SWEEPS 4

struct count {
	struct map_node node;
	int64_t since_ms; /* of the first in this window */
	int64_t n;
	char key[];
};

static struct count *
count_of(struct map_node *n)
{
	return container_of(n, struct count, node);
}

static bool
count_eq(const struct map_node *n, const void *key)
{
	return !strcmp(count_of((struct map_node *)n)->key, key);
}

static bool
is_over(const struct counts *c, const struct count *one)
{
	return loop_clock(c->loop)->mono_ms - one->since_ms >= *c->window_ms;
}

static void
forget(struct counts *c, struct map_node *n)
{
	map_remove(&c->map, n);
	free(count_of(n));
}

static void
arm(struct counts *c)
{
	loop_timer_set(c->loop, &c->sweep, *c->window_ms / SWEEPS + 1);
}

static void
on_sweep(struct timer *t)
{
	struct counts *c = container_of(t, struct counts, sweep);

	map_each (n, &c->map) {
		if (is_over(c, count_of(n)))
			forget(c, n);
	}
	if (c->map.n)
		arm(c);
}

void
counts_init(struct counts *c, struct loop *loop, const int64_t *window_ms)
{
	*c = (struct counts){ .loop = loop, .window_ms = window_ms };
	c->sweep.fn = on_sweep;
}

void
counts_fini(struct counts *c)
{
	if (!c->loop)
		return;
	loop_timer_clear(c->loop, &c->sweep);
	map_each (n, &c->map)
		forget(c, n);
	map_fini(&c->map);
}

static struct count *
find(const struct counts *c, const char *key)
{
	struct map_node *n = map_find(&c->map, hash_str(key), count_eq, key);

	return n ? count_of(n) : NULL;
}

int64_t
counts_get(const struct counts *c, const char *key)
{
	const struct count *one = find(c, key);

	return one && !is_over(c, one) ? one->n : 0;
}

void
counts_add(struct counts *c, const char *key)
{
	struct count *one = find(c, key);

	if (!one) {
		one = mem_zalloc(sizeof(*one) + strlen(key) + 1);
		strcpy(one->key, key);
		map_insert(&c->map, &one->node, hash_str(key));
		one->since_ms = loop_clock(c->loop)->mono_ms;
	} else if (is_over(c, one)) {
		one->since_ms = loop_clock(c->loop)->mono_ms;
		one->n = 0;
	}
	one->n++;
	if (!timer_is_set(&c->sweep))
		arm(c);
}
