/*
 * delivery.c - from sending a message to the last user having seen it, in a
 * room on many simulated servers: a star, in which the room's server sends to
 * each of the others, and trees of relays.
 *
 *	delivery [SERVERS FANOUT]	0: a star; without: a table of some
 *
 * The rooms and their copies are the real code, on the simulator's network
 * (docs/testing.md), on which nothing breaks here. A server sends one stanza
 * after the other: each takes some time of its own, and that of its bytes on
 * the server's line. Then comes the way, which is equally long in both
 * directions. Before anybody gets a message the room's server writes it to its
 * disk, which takes 1 ms.
 */

#include "base/mem.h"
#include "modules/muc/room.h"
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Of each server; and what they say, one after the other. */
#define USERS	 4
#define MESSAGES 200
#define PAUSE_MS 2000
/* Until all servers are where they are to be. */
#define REST_MS 120000
/* Of a server's processor, for each stanza: about what docs/performance.md has
 * for messages between servers. */
#define STANZA_US 20

#define MEGABIT (1000000 / 8)

struct shape {
	unsigned n_servers, fanout;
};

static const struct shape shapes[] = {
	{ 10, 0 }, { 50, 0 }, { 50, 16 }, { 50, 4 }
};

static const struct uplink uplinks[] = {
	{ .low_ms = 20, .high_ms = 20, .bytes_per_s = 100 * MEGABIT },
	{ .low_ms = 5, .high_ms = 80, .bytes_per_s = 100 * MEGABIT },
	{ .low_ms = 20, .high_ms = 20, .bytes_per_s = 10 * MEGABIT },
	{ .low_ms = 20, .high_ms = 20, .bytes_per_s = 1 * MEGABIT },
};

struct figures {
	int64_t ms[MESSAGES]; /* until the last one had seen it */
	unsigned depth;
	uint64_t n_sent, n_bytes, n_wires; /* by the room's server; by all */
};

static void
fail(const struct sim *sim, const char *what)
{
	fprintf(stderr, "delivery: %s\n", sim->wrong ? sim->wrong : what);
	exit(1);
}

/* ---- everybody is there ---- */

/* Who enters has a nickname of his own, what is said is stored: see join() and
 * say() in user.c. */
static uint64_t
ordinary(void)
{
	for (uint64_t more = 1;; more++) {
		struct dice dice = { more };
		unsigned percent = dice_number(&dice, 100);

		if (percent >= 10 && percent < 60)
			return more;
	}
}

static void
enter_all(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_users; i++) {
		user_act(sim, &(struct act){ .kind = ACT_JOIN,
					     .who = i,
					     .more = ordinary() });
		sim_play_until(sim, sim->now_ms + 500);
	}
	sim_play_until(sim, sim->now_ms + REST_MS);
	for (unsigned i = 0; i < sim->n_users; i++) {
		if (sim->users[i].views[0].state != VIEW_IN)
			fail(sim, "somebody is not in the room");
	}
}

/* Servers on the longest way down, but for the first. */
static unsigned
depth_of(const struct sim *sim)
{
	const struct peers *ps = &sim->rooms[0].peers;
	unsigned deepest = 0, n_peers = 0;

	list_each (n, &ps->all) {
		const struct peer *p = container_of(n, struct peer, node);
		unsigned depth = 1;

		n_peers += p->state == PEER_FOLLOWS;
		while ((p = p->via))
			depth++;
		if (depth > deepest)
			deepest = depth;
	}
	if (n_peers != sim->n_servers - 1)
		fail(sim, "a server has no copy");
	return deepest;
}

/* ---- somebody speaks ---- */

static void
speak(struct sim *sim, struct figures *f)
{
	struct dice dice = { 7 };

	for (unsigned i = 0; i < MESSAGES; i++) {
		int64_t begin_ms = sim->now_ms;
		const struct said *said = &sim->said[sim->n_said + 1];

		user_act(sim,
			 &(struct act){ .kind = ACT_SAY,
					.who = dice_number(&dice, sim->n_users),
					.more = ordinary() });
		sim_play_until(sim, begin_ms + PAUSE_MS);
		if (sim->wrong || said->n_seen != sim->n_users)
			fail(sim, "somebody has not seen a message");
		f->ms[i] = said->seen_ms - begin_ms;
	}
}

/* Nothing in it happens by itself. */
static struct act *
no_acts(void)
{
	struct act *acts = mem_zalloc(MESSAGES * sizeof(*acts));

	for (unsigned i = 0; i < MESSAGES; i++)
		acts[i].is_dropped = true;
	return acts;
}

static void
measure(const struct shape *shape, const struct uplink *uplink,
	struct figures *f)
{
	struct sim *sim = mem_zalloc(sizeof(*sim));
	struct plan plan = { .seed = 1,
			     .n_servers = shape->n_servers,
			     .n_rooms = 1,
			     .n_users = shape->n_servers * USERS,
			     .acts = no_acts(),
			     .n = MESSAGES,
			     .hosts = UINT64_MAX,
			     .relays = shape->fanout ? UINT64_MAX : 0,
			     .fanout = shape->fanout ? shape->fanout : 16,
			     .uplink = *uplink };
	uint64_t n_sent, n_bytes, n_wires;

	plan.uplink.is_measured = true;
	plan.uplink.stanza_us = STANZA_US;
	sim_init(sim, &plan);
	enter_all(sim);
	f->depth = depth_of(sim);
	n_sent = sim->servers[0].n_sent;
	n_bytes = sim->n_bytes;
	n_wires = sim->n_wires;
	speak(sim, f);
	f->n_sent = sim->servers[0].n_sent - n_sent;
	f->n_bytes = sim->n_bytes - n_bytes;
	f->n_wires = sim->n_wires - n_wires;
	sim_fini(sim);
	plan_fini(&plan);
	free(sim);
}

/* ---- the table ---- */

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
tell(const struct shape *shape, const struct uplink *uplink)
{
	struct figures f = { 0 };

	measure(shape, uplink, &f);
	qsort(f.ms, MESSAGES, sizeof(f.ms[0]), by_size);
	printf("| %s of %u", shape->fanout ? "tree" : "star", shape->n_servers);
	if (shape->fanout)
		printf(", fan-out %u", shape->fanout);
	printf(" | %u | %u", f.depth, uplink->low_ms);
	if (uplink->high_ms > uplink->low_ms)
		printf(" to %u", uplink->high_ms);
	printf(" | %u | %.1f | %" PRIu64 " | %" PRId64 " | %" PRId64 " |\n",
	       uplink->bytes_per_s / MEGABIT, (double)f.n_sent / MESSAGES,
	       f.n_bytes / f.n_wires, f.ms[MESSAGES / 2], f.ms[MESSAGES - 1]);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct shape one;

	puts("| servers | depth | one way, ms | uplink, Mbit/s "
	     "| stanzas of the master for each message | bytes of each "
	     "| last user: median, ms | maximum, ms |");
	puts("| --- | --- | --- | --- | --- | --- | --- | --- |");
	if (argc == 3) {
		one.n_servers = (unsigned)atoi(argv[1]);
		one.fanout = (unsigned)atoi(argv[2]);
		for (size_t i = 0; i < N_ELEMENTS(uplinks); i++)
			tell(&one, &uplinks[i]);
		return 0;
	}
	for (size_t i = 0; i < N_ELEMENTS(uplinks); i++) {
		for (size_t k = 0; k < N_ELEMENTS(shapes); k++)
			tell(&shapes[k], &uplinks[i]);
	}
	return 0;
}
