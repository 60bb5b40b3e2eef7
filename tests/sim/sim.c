/* sim.c - a plan is played. */

#include "sim.h"
#include "base/mem.h"
#include "xmpp/jid.h"
#include "xmpp/xml_parser.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* How long everything has to come to rest: users of servers that were away
 * come back, and every position has been told. */
#define REST_MS	 700000
#define PROBE_MS 90000

void
sim_wrong(struct sim *sim, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (sim->wrong)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim->wrong = mem_printf("%s", text);
	sim_tell(sim, "WRONG: %s", text);
}

void
sim_trace(const struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	printf("%8" PRId64 " ", sim->now_ms);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- what the plan says ---- */

static void
act_on_network(struct sim *sim, const struct act *act)
{
	struct dice d = { act->more };
	unsigned from = act->who, to = dice_number(&d, sim->n_servers - 1);
	static const unsigned longest[] = { 3000, 30000, 90000, 1200000 };
	int64_t ms = dice_number(&d, longest[dice_number(&d, 4)]);

	to += to >= from;
	switch (act->kind) {
	case ACT_CUT:
		net_cut(sim, from, to, ms);
		if (dice_chance(&d, 60))
			net_cut(sim, to, from, ms);
		break;
	case ACT_BLIP:
		net_blip(sim, from, to);
		break;
	case ACT_CRASH:
	case ACT_RESTORE:
		host_crash(sim, from, 200 + ms / 10, act->kind == ACT_RESTORE);
		break;
	case ACT_BACKUP:
		for (unsigned i = 0; i < sim->n_rooms; i++) {
			if (sim->servers[sim->rooms[i].at].is_up)
				own_save_backup(&sim->rooms[i]);
		}
		break;
	default:
		break;
	}
}

static void
on_act(struct sim *sim, const struct event *ev)
{
	const struct act *act = ev->p;

	if (act->kind >= ACT_CUT)
		act_on_network(sim, act);
	else
		user_act(sim, act);
}

static void
on_tick(struct sim *sim, const struct event *ev)
{
	for (unsigned i = 0; i < sim->n_rooms; i++)
		own_tick(&sim->rooms[i]);
	verdict_ways(sim);
	sim_at(sim, sim->now_ms + 10000, ev);
}

/* ---- the whole ---- */

void
sim_init(struct sim *sim, const struct plan *plan)
{
	struct dice d = { plan->seed ^ 0x736b6577 };
	char text[40];

	chance_seed(plan->seed);
	sim->plan = plan;
	sim->n_servers = plan->n_servers;
	sim->n_rooms = plan->n_rooms;
	sim->n_users = plan->n_users;
	sim->pool = xml_pool_new();
	sim->cap_said = (unsigned)plan->n * 8 + plan->n_users * 4 + 16;
	sim->said = mem_zalloc(sim->cap_said * sizeof(struct said));
	for (unsigned i = 0; i < sim->n_servers; i++) {
		struct server *srv = &sim->servers[i];

		snprintf(text, sizeof(text), "d%u.example", i);
		srv->index = i;
		srv->domain = jid_parse(text);
		srv->is_up = true;
		srv->hosts = plan->hosts >> i & 1;
		srv->may_continue = dice_chance(&d, 60);
		srv->skew_ms = (int64_t)dice_number(&d, 7200000) - 3600000;
	}
	net_init(sim);
	sim->users = mem_zalloc(sim->n_users * sizeof(struct user));
	for (unsigned i = 0; i < sim->n_users; i++)
		user_init(&sim->users[i], sim, i);
	for (unsigned i = 0; i < sim->n_rooms; i++)
		own_init(&sim->rooms[i], sim, i);
	for (size_t i = 0; i < plan->n; i++) {
		if (!plan->acts[i].is_dropped)
			sim_at(sim, plan->acts[i].at_ms,
			       &(struct event){ .fn = on_act,
						.p = &plan->acts[i] });
	}
	sim_at(sim, 10000, &(struct event){ .fn = on_tick });
}

void
sim_fini(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		for (unsigned k = 0; k < sim->n_rooms; k++) {
			if (sim->servers[i].copies[k])
				copy_free(sim->servers[i].copies[k]);
		}
	}
	for (unsigned i = 0; i < sim->n_rooms; i++)
		own_fini(&sim->rooms[i]);
	net_fini(sim);
	for (unsigned i = 0; i < sim->n_users; i++)
		user_fini(&sim->users[i]);
	for (unsigned i = 0; i < sim->n_servers; i++)
		jid_unref(&sim->servers[i].domain);
	free(sim->users);
	free(sim->said);
	xml_pool_free(sim->pool);
}

/* Cuts may be longer than the plan. */
static int64_t
end_of_breaks(const struct plan *plan)
{
	return plan->end_ms + (plan->has_way_breaks ? 1210000 : 0) +
	       (plan->has_crashes ? 150000 : 0);
}

char *
sim_run(const struct plan *plan, bool is_traced, struct sim *counts)
{
	struct sim sim = { .is_traced = is_traced };
	unsigned first;

	sim_init(&sim, plan);
	sim_play_until(&sim, end_of_breaks(plan) + REST_MS);
	if (!sim.wrong)
		verdict_end(&sim);
	first = sim.n_said + 1;
	for (unsigned i = 0; i < sim.n_users; i++) {
		for (unsigned k = 0; k < sim.n_rooms; k++)
			user_act(&sim, &(struct act){ .kind = ACT_SAY,
						      .who = i,
						      .room = k,
						      .more = 4 });
	}
	sim_play_until(&sim, sim.now_ms + PROBE_MS);
	if (!sim.wrong)
		verdict_probe(&sim, first);
	if (!sim.wrong)
		verdict_end(&sim);
	sim_fini(&sim);
	if (counts) {
		counts->n_wires += sim.n_wires;
		counts->n_bytes += sim.n_bytes;
		counts->n_snapshots += sim.n_snapshots;
		counts->n_entries += sim.n_entries;
		counts->n_returns += sim.n_returns;
		counts->n_duplicates += sim.n_duplicates;
		counts->n_heals += sim.n_heals;
		counts->n_said += sim.n_said;
	}
	return sim.wrong;
}
