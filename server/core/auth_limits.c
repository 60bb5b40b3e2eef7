/* auth_limits.c - how often somebody may fail to log in. */

#include "core/auth_limits.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/timer.h"
#include "core/server.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

/* One address may serve many users, one account may be attacked from many
 * addresses: each alone has more room than a pair. */
#define ADDRESS_FACTOR 5
#define ACCOUNT_FACTOR 10

/* Windows are divided into this many sweeps. */
#define SWEEPS 4

struct counter {
	struct map_node node;
	int64_t since_ms; /* of the first failure in this window */
	int64_t n;
	char key[]; /* "account\naddress", either may be empty */
};

struct auth_limits {
	struct server *server; /* borrowed */
	struct map counters;
	struct timer sweep;
};

static struct counter *
counter_of(struct map_node *n)
{
	return container_of(n, struct counter, node);
}

static bool
counter_eq(const struct map_node *n, const void *key)
{
	return !strcmp(counter_of((struct map_node *)n)->key, key);
}

static bool
is_over(const struct auth_limits *l, const struct counter *c)
{
	return l->server->clock->mono_ms - c->since_ms >=
	       l->server->opt.auth_failures_window;
}

static void
arm(struct auth_limits *l)
{
	loop_timer_set(l->server->core, &l->sweep,
		       l->server->opt.auth_failures_window / SWEEPS + 1);
}

static void
on_sweep(struct timer *t)
{
	struct auth_limits *l = container_of(t, struct auth_limits, sweep);

	map_each (n, &l->counters) {
		if (!is_over(l, counter_of(n)))
			continue;
		map_remove(&l->counters, n);
		free(counter_of(n));
	}
	if (l->counters.n)
		arm(l);
}

struct auth_limits *
auth_limits_new(struct server *srv)
{
	struct auth_limits *l = mem_zalloc(sizeof(*l));

	l->server = srv;
	l->sweep.fn = on_sweep;
	return l;
}

void
auth_limits_free(struct auth_limits *l)
{
	if (!l)
		return;
	loop_timer_clear(l->server->core, &l->sweep);
	map_each (n, &l->counters) {
		map_remove(&l->counters, n);
		free(counter_of(n));
	}
	map_fini(&l->counters);
	free(l);
}

static struct counter *
find(const struct auth_limits *l, const char *key)
{
	struct map_node *n;

	n = map_find(&l->counters, hash_str(key), counter_eq, key);
	return n ? counter_of(n) : NULL;
}

static bool
has_room(const struct auth_limits *l, const char *account, const char *address,
	 int factor)
{
	char *key = mem_printf("%s\n%s", account, address);
	const struct counter *c = find(l, key);

	free(key);
	return !c || is_over(l, c) ||
	       c->n < l->server->opt.auth_failures_max * factor;
}

bool
auth_limits_allow(struct auth_limits *l, const char *account,
		  const char *address)
{
	if (!l->server->opt.auth_failures_max || !l->counters.n)
		return true;
	if (!has_room(l, "", address, ADDRESS_FACTOR))
		return false;
	return !account || (has_room(l, account, address, 1) &&
			    has_room(l, account, "", ACCOUNT_FACTOR));
}

static void
count(struct auth_limits *l, const char *account, const char *address)
{
	char *key = mem_printf("%s\n%s", account, address);
	struct counter *c = find(l, key);

	if (!c) {
		c = mem_zalloc(sizeof(*c) + strlen(key) + 1);
		strcpy(c->key, key);
		c->since_ms = l->server->clock->mono_ms;
		map_insert(&l->counters, &c->node, hash_str(key));
	} else if (is_over(l, c)) {
		c->since_ms = l->server->clock->mono_ms;
		c->n = 0;
	}
	c->n++;
	free(key);
}

void
auth_limits_failed(struct auth_limits *l, const char *account,
		   const char *address)
{
	count(l, "", address);
	if (account) {
		count(l, account, address);
		count(l, account, "");
	}
	if (!timer_is_set(&l->sweep))
		arm(l);
}
