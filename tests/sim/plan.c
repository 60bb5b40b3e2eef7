/* plan.c - what users, the network and the servers are going to do. */

#include "base/mem.h"
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	unsigned weight;
	enum { ANY, BREAK, CRASH } need;
} kinds[N_ACTS] = {
	[ACT_JOIN] = { "join", 24, ANY },
	[ACT_SAY] = { "say", 30, ANY },
	[ACT_BURST] = { "burst", 5, ANY },
	[ACT_PRESENCE] = { "presence", 8, ANY },
	[ACT_NICK] = { "nick", 7, ANY },
	[ACT_LEAVE] = { "leave", 5, ANY },
	[ACT_QUIT] = { "quit", 3, ANY },
	[ACT_KICK] = { "kick", 3, ANY },
	[ACT_ROLE] = { "role", 4, ANY },
	[ACT_AFFILIATION] = { "affiliation", 4, ANY },
	[ACT_CONFIG] = { "config", 3, ANY },
	[ACT_SUBJECT] = { "subject", 3, ANY },
	[ACT_CUT] = { "cut", 6, BREAK },
	[ACT_BLIP] = { "blip", 5, BREAK },
	[ACT_CRASH] = { "crash", 3, CRASH },
	[ACT_BACKUP] = { "backup", 2, CRASH },
	[ACT_RESTORE] = { "restore", 1, CRASH },
};

static enum act_kind
draw_kind(const struct plan *p, struct dice *d)
{
	for (;;) {
		unsigned at = dice_number(d, 120), i = 0;

		while (i < N_ACTS && at >= kinds[i].weight)
			at -= kinds[i++].weight;
		if (i == N_ACTS ||
		    (kinds[i].need == BREAK && !p->has_way_breaks) ||
		    (kinds[i].need == CRASH && !p->has_crashes))
			continue;
		return (enum act_kind)i;
	}
}

static bool
is_by_ruler(enum act_kind kind)
{
	return kind == ACT_KICK || kind == ACT_ROLE ||
	       kind == ACT_AFFILIATION || kind == ACT_CONFIG;
}

static void
draw_act(struct plan *p, struct dice *d, struct act *act, size_t i)
{
	act->kind = draw_kind(p, d);
	act->room = dice_number(d, p->n_rooms);
	act->who = dice_number(d, p->n_users);
	/* The owners are the first: own_life.c. */
	if (is_by_ruler(act->kind) && dice_chance(d, 80))
		act->who = (act->room % p->n_servers + dice_number(d, 2)) %
			   p->n_servers;
	act->whom = dice_number(d, p->n_users);
	if (act->kind >= ACT_CUT)
		act->who = dice_number(d, p->n_servers);
	act->more = (uint64_t)dice_number(d, 1u << 31) << 20 | i;
	/* Everybody enters at first. */
	if (i < p->n_users && dice_chance(d, 80)) {
		act->kind = ACT_JOIN;
		act->who = (unsigned)i;
	}
}

/* Of their own dice, so that the rest of a plan is what it was. */
static void
draw_relays(struct plan *p)
{
	struct dice d = { p->seed ^ UINT64_C(0x72656c6179) };

	p->fanout = 16;
	if (p->n_servers < 3 || dice_chance(&d, 40))
		return;
	p->relays = 1 + dice_number(&d, 30);
	if (dice_chance(&d, 75))
		p->fanout = dice_between(&d, 1, 2);
}

void
plan_draw(struct plan *p, uint64_t seed)
{
	struct dice d = { seed * UINT64_C(0x5851f42d4c957f2d) };
	static const unsigned pauses[] = { 3, 60, 900, 8000 };
	unsigned pause = pauses[dice_number(&d, N_ELEMENTS(pauses))];
	int64_t at_ms = 100;
	bool is_crowd = dice_chance(&d, 2);

	*p = (struct plan){ .seed = seed };
	p->n_servers = dice_between(&d, 2, dice_chance(&d, 50) ? 3 : 5);
	p->n_rooms = dice_chance(&d, 75) ? 1 : 2;
	p->n_users = is_crowd ? dice_between(&d, 100, 200)
			      : p->n_servers * dice_between(&d, 1, 6);
	p->hosts = dice_chance(&d, 75) ? 31 : dice_number(&d, 32);
	p->continues = dice_chance(&d, 40);
	p->has_way_breaks = dice_chance(&d, 80);
	p->has_crashes = dice_chance(&d, 45);
	p->n = p->n_users + dice_between(&d, 10, is_crowd ? 400 : 160);
	p->acts = mem_zalloc(p->n * sizeof(struct act));
	for (size_t i = 0; i < p->n; i++) {
		struct act *act = &p->acts[i];

		draw_act(p, &d, act, i);
		at_ms += dice_number(&d, pause * (i < p->n_users ? 1 : 2) + 1);
		if (dice_chance(&d, 2))
			at_ms += 60000;
		act->at_ms = at_ms;
	}
	p->end_ms = at_ms;
	draw_relays(p);
}

void
plan_fini(struct plan *p)
{
	free(p->acts);
	p->acts = NULL;
}

void
plan_print(const struct plan *p)
{
	printf("seed %" PRIu64
	       ": %u servers, %u rooms, %u users, hosts %" PRIx64
	       ", relays %" PRIx64 ", fan-out %u\n",
	       p->seed, p->n_servers, p->n_rooms, p->n_users, p->hosts,
	       p->relays, p->fanout);
	for (size_t i = 0; i < p->n; i++) {
		const struct act *act = &p->acts[i];

		if (act->is_dropped)
			continue;
		printf("%8" PRId64 " ms: %s ", act->at_ms,
		       kinds[act->kind].name);
		if (act->kind >= ACT_CUT)
			printf("server %u\n", act->who);
		else
			printf("u%u (server %u), room %u\n", act->who,
			       act->who % p->n_servers, act->room);
	}
}
