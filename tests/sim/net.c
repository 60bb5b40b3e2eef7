/* net.c - events in their order, and ways between servers: what is sent
 * arrives in order, or waits, or comes back, or comes twice
 * (docs/federation.md, "Streams that break"). */

#include "base/mem.h"
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What waits for a server that cannot be reached. */
#define QUEUE_MAX 300
/* So long it waits. */
#define GIVE_UP_MS 120000
/* The first try to get another stream takes so long. */
#define LOST_MS 2000
/* It takes so long to see that a server cannot be reached. */
#define NOTICE_MIN_MS 1000
#define NOTICE_MAX_MS 40000
/* What is around an element on the wire: the message, TLS, TCP and IP. */
#define AROUND 200
/* In plans that are drawn there are no more servers. */
#define DRAWN_MAX 5

/* ---- events: a heap ---- */

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at_ms < b->at_ms ||
	       (a->at_ms == b->at_ms && a->order < b->order);
}

static void
swap(struct event *a, struct event *b)
{
	struct event c = *a;

	*a = *b;
	*b = c;
}

void
sim_at(struct sim *sim, int64_t at_ms, const struct event *ev)
{
	size_t i = sim->n_events++;

	if (sim->n_events > sim->cap_events) {
		sim->cap_events = sim->cap_events ? sim->cap_events * 2 : 256;
		sim->events = mem_realloc(
			sim->events, sim->cap_events * sizeof(struct event));
	}
	sim->events[i] = *ev;
	sim->events[i].at_ms = at_ms;
	sim->events[i].order = ++sim->order;
	for (; i && is_before(&sim->events[i], &sim->events[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&sim->events[i], &sim->events[(i - 1) / 2]);
}

static struct event
pop(struct sim *sim)
{
	struct event first = sim->events[0];
	size_t i = 0, kid;

	sim->events[0] = sim->events[--sim->n_events];
	while ((kid = 2 * i + 1) < sim->n_events) {
		if (kid + 1 < sim->n_events &&
		    is_before(&sim->events[kid + 1], &sim->events[kid]))
			kid++;
		if (!is_before(&sim->events[kid], &sim->events[i]))
			break;
		swap(&sim->events[kid], &sim->events[i]);
		i = kid;
	}
	return first;
}

void
sim_play_until(struct sim *sim, int64_t at_ms)
{
	while (!sim->wrong && sim->n_events && sim->events[0].at_ms <= at_ms) {
		struct event ev = pop(sim);

		sim->now_ms = ev.at_ms;
		ev.fn(sim, &ev);
	}
	if (!sim->wrong)
		sim->now_ms = at_ms;
}

/* ---- what is sent ---- */

#define wire_of(n) container_of(n, struct wire, node)

struct wire *
wire_new(enum wire_kind kind, unsigned from, unsigned to, unsigned room)
{
	struct wire *w = mem_zalloc(sizeof(*w));

	w->kind = kind;
	w->from = from;
	w->to = to;
	w->room = room;
	list_init(&w->node);
	return w;
}

void
wire_free(struct wire *w)
{
	list_remove(&w->node);
	free(w->text);
	free(w->sight);
	free(w);
}

static bool
is_usable(const struct sim *sim, unsigned from, unsigned to)
{
	return !sim->ways[from][to].n_cuts && !sim->ways[to][from].n_cuts &&
	       sim->servers[from].is_up && sim->servers[to].is_up;
}

static unsigned
delay(struct way *way)
{
	return way->delay_ms + dice_number(&way->dice, way->jitter_ms + 1);
}

static void
on_ack(struct sim *sim, const struct event *ev)
{
	struct way *way = &sim->ways[ev->a][ev->b];

	if (way->stream != ev->c >> 32 || sim->ways[ev->b][ev->a].n_cuts)
		return;
	while (!list_is_empty(&way->sent)) {
		struct wire *w = wire_of(way->sent.next);

		if (!w->has_arrived || (uint32_t)w->number > (uint32_t)ev->c)
			return;
		wire_free(w);
	}
}

static uint64_t
mark(const struct way *way, uint64_t number)
{
	return (uint64_t)way->stream << 32 | (uint32_t)number;
}

static void
acknowledge(struct sim *sim, unsigned from, unsigned to, uint64_t number)
{
	sim_at(sim, sim->now_ms + delay(&sim->ways[to][from]),
	       &(struct event){ .fn = on_ack,
				.a = from,
				.b = to,
				.c = mark(&sim->ways[from][to], number) });
}

/* A server may lose what it has confirmed. Of what copies submit no more than
 * time may be lost by that. */
static bool
is_lost_there(struct sim *sim, struct way *way, const struct wire *w)
{
	const char *id;

	if (!sim->plan->has_way_breaks || sim->now_ms > sim->plan->end_ms ||
	    w->kind != WIRE_STANZA || dice_number(&way->dice, 300) ||
	    !strstr(w->text, "<submit"))
		return false;
	sim_tell(sim, "%u->%u loses %u", w->from, w->to, (unsigned)w->number);
	/* Its copy may end before it says it again. */
	id = strstr(w->text, " id='");
	if (id && strtoul(id + 5, NULL, 10) <= sim->n_said)
		sim->said[strtoul(id + 5, NULL, 10)].is_lost = true;
	return true;
}

static void
on_arrival(struct sim *sim, const struct event *ev)
{
	struct way *way = &sim->ways[ev->a][ev->b];
	struct wire *w = ev->p;

	if (way->stream != ev->c >> 32 || way->n_cuts ||
	    !sim->servers[ev->b].is_up)
		return;
	w->has_arrived = true;
	acknowledge(sim, ev->a, ev->b, w->number);
	if (!is_lost_there(sim, way, w))
		host_take(sim, w);
}

/* One behind the other, whomever they go to. */
static int64_t
pass_uplink(struct sim *sim, const struct wire *w)
{
	const struct uplink *up = &sim->plan->uplink;
	int64_t *until_us = &sim->servers[w->from].sends_until_us;

	if (*until_us < sim->now_ms * 1000)
		*until_us = sim->now_ms * 1000;
	*until_us += up->stanza_us;
	if (up->bytes_per_s)
		*until_us +=
			(int64_t)(w->len + AROUND) * 1000000 / up->bytes_per_s;
	return (*until_us + 500) / 1000;
}

static void
let_go(struct sim *sim, struct way *way, struct wire *w)
{
	int64_t at_ms = sim->plan->uplink.is_measured ? pass_uplink(sim, w)
						      : sim->now_ms;

	at_ms += delay(way);
	if (at_ms <= way->last_ms)
		at_ms = way->last_ms + 1;
	way->last_ms = at_ms;
	w->has_left = true;
	sim_at(sim, at_ms,
	       &(struct event){ .fn = on_arrival,
				.a = w->from,
				.b = w->to,
				.c = mark(way, w->number),
				.p = w });
}

/* Everything that has not arrived is on its way again. */
static void
pump(struct sim *sim, unsigned from, unsigned to)
{
	struct way *way = &sim->ways[from][to];

	way->stream++;
	way->last_ms = sim->now_ms;
	list_each (n, &way->sent) {
		struct wire *w = wire_of(n);

		if (w->has_arrived)
			acknowledge(sim, from, to, w->number);
		else
			let_go(sim, way, w);
	}
}

static void
on_return(struct sim *sim, const struct event *ev)
{
	struct wire *w = ev->p;

	if (sim->servers[w->from].is_up && w->number == ev->c)
		host_bounced(sim, w);
	wire_free(w);
}

/* Takes it. */
static void
give_back(struct sim *sim, struct wire *w, int64_t after_ms)
{
	list_remove(&w->node);
	list_append(&sim->ways[w->from][w->from].sent, &w->node);
	sim_at(sim, sim->now_ms + after_ms,
	       &(struct event){ .fn = on_return, .c = w->number, .p = w });
}

static size_t
count(const struct list *l)
{
	size_t n = 0;

	list_each (i, l)
		n++;
	return n;
}

void
net_send(struct sim *sim, struct wire *w)
{
	struct way *way = &sim->ways[w->from][w->to];

	verdict_links(sim, w);
	sim->n_wires++;
	sim->servers[w->from].n_sent++;
	sim->n_bytes += w->len;
	w->number = ++way->n;
	list_append(&way->sent, &w->node);
	sim_tell(sim, "%u->%u %" PRIu64 ": %.*s", w->from, w->to, w->number,
		 w->len > 400 ? 400 : (int)w->len, w->text ? w->text : "(…)");
	if (way->is_given_up ||
	    (way->is_broken && count(&way->sent) > QUEUE_MAX))
		give_back(sim, w, 3000);
	else if (!way->is_broken)
		let_go(sim, way, w);
}

/* ---- breaks ---- */

static void mend_later(struct sim *sim, unsigned from, unsigned to);

/* Errors have no error. */
static bool
may_return(const struct wire *w)
{
	return w->kind == WIRE_STANZA || w->kind == WIRE_DOWN ||
	       w->kind == WIRE_CREATE || w->kind == WIRE_UP ||
	       w->kind == WIRE_SIDE;
}

static void
give_up_all(struct sim *sim, struct way *way)
{
	list_each_safe (n, &way->sent) {
		struct wire *w = wire_of(n);

		if (may_return(w))
			give_back(sim, w, 1);
		else
			wire_free(w);
	}
}

static void
on_give_up(struct sim *sim, const struct event *ev)
{
	struct way *way = &sim->ways[ev->a][ev->b];

	if (!way->is_broken || way->stream != ev->c)
		return;
	sim_tell(sim, "%u->%u given up", ev->a, ev->b);
	way->is_given_up = way->is_forgotten = true;
	give_up_all(sim, way);
}

static void
on_lost(struct sim *sim, const struct event *ev)
{
	struct way *way = &sim->ways[ev->a][ev->b];

	if (!way->is_broken || way->stream != ev->c)
		return;
	way->is_lost = true;
	host_lost(sim, ev->a, ev->b);
}

static void
break_way(struct sim *sim, unsigned from, unsigned to)
{
	struct way *way = &sim->ways[from][to];

	if (way->is_broken)
		return;
	sim_tell(sim, "%u->%u broken", from, to);
	way->is_broken = true;
	way->is_given_up = false;
	way->stream++;
	sim_at(sim, sim->now_ms + GIVE_UP_MS,
	       &(struct event){ .fn = on_give_up,
				.a = from,
				.b = to,
				.c = way->stream });
	sim_at(sim, sim->now_ms + LOST_MS,
	       &(struct event){
		       .fn = on_lost, .a = from, .b = to, .c = way->stream });
}

static void
on_notice(struct sim *sim, const struct event *ev)
{
	if (sim->servers[ev->a].is_up && !is_usable(sim, ev->a, ev->b))
		break_way(sim, ev->a, ev->b);
}

static void
notice_later(struct sim *sim, unsigned from, unsigned to, unsigned most_ms)
{
	unsigned ms = dice_between(&sim->ways[from][to].dice,
				   most_ms < NOTICE_MIN_MS ? 0 : NOTICE_MIN_MS,
				   most_ms);

	sim_at(sim, sim->now_ms + ms,
	       &(struct event){ .fn = on_notice, .a = from, .b = to });
}

/* What may come twice without harm, as s2s_sm.c has it. */
static bool
may_come_twice(struct sim *sim, const struct way *way, const struct wire *w)
{
	(void)sim;
	(void)way;
	if (w->kind == WIRE_STANZA)
		return !strncmp(w->text, "<presence", 9);
	return w->kind != WIRE_DOWN && w->kind != WIRE_UP &&
	       w->kind != WIRE_SIDE && w->kind != WIRE_CREATE;
}

/* What the other side has, where nobody knows that any more. */
static bool
sort_out(struct sim *sim, struct way *way)
{
	bool is_resumed = !way->is_forgotten && dice_chance(&way->dice, 60);
	bool all_twice = dice_chance(&way->dice, 25);

	list_each_safe (n, &way->sent) {
		struct wire *w = wire_of(n);

		if (!w->has_left)
			continue;
		if (is_resumed) {
			if (w->has_arrived)
				wire_free(w);
			continue;
		}
		if (!all_twice && !may_come_twice(sim, way, w)) {
			give_back(sim, w, dice_chance(&way->dice, 50) ? 0 : 2);
			continue;
		}
		sim->n_duplicates += w->has_arrived;
		w->has_arrived = false;
	}
	return is_resumed;
}

static void
on_found(struct sim *sim, const struct event *ev)
{
	if (!sim->ways[ev->a][ev->b].is_broken && sim->servers[ev->a].is_up &&
	    sim->ways[ev->a][ev->b].stream == ev->c)
		host_found(sim, ev->a, ev->b);
}

static void
on_broken(struct sim *sim, const struct event *ev)
{
	if (sim->servers[ev->a].is_up)
		host_broken(sim, ev->a, ev->b);
}

static void
on_mend(struct sim *sim, const struct event *ev)
{
	struct way *way = &sim->ways[ev->a][ev->b];
	bool is_resumed;

	if (!is_usable(sim, ev->a, ev->b) || !way->is_broken)
		return;
	is_resumed = sort_out(sim, way);
	sim_tell(sim, "%u->%u mended%s", ev->a, ev->b,
		 is_resumed ? ", resumed" : "");
	way->is_broken = way->is_given_up = way->is_forgotten = false;
	way->whole_ms = sim->now_ms;
	pump(sim, ev->a, ev->b);
	sim->n_heals++;
	if (!is_resumed) {
		sim_at(sim, sim->now_ms,
		       &(struct event){
			       .fn = on_broken, .a = ev->a, .b = ev->b });
		sim_at(sim, sim->now_ms + dice_number(&way->dice, 100),
		       &(struct event){
			       .fn = on_broken, .a = ev->b, .b = ev->a });
	}
	if (way->is_lost)
		sim_at(sim, sim->now_ms + 1,
		       &(struct event){ .fn = on_found,
					.a = ev->a,
					.b = ev->b,
					.c = way->stream });
	way->is_lost = false;
}

static void
mend_later(struct sim *sim, unsigned from, unsigned to)
{
	unsigned ms = dice_between(&sim->ways[from][to].dice, 50, 8000);

	sim_at(sim, sim->now_ms + ms,
	       &(struct event){ .fn = on_mend, .a = from, .b = to });
}

/* What did not pass while nobody noticed is sent again by TCP. */
static void
passes_again(struct sim *sim, unsigned from, unsigned to)
{
	if (!is_usable(sim, from, to))
		return;
	if (sim->ways[from][to].is_broken)
		mend_later(sim, from, to);
	else
		pump(sim, from, to);
}

static void
on_uncut(struct sim *sim, const struct event *ev)
{
	sim_tell(sim, "%u->%u passes", ev->a, ev->b);
	sim->ways[ev->a][ev->b].n_cuts--;
	sim->ways[ev->a][ev->b].whole_ms = sim->now_ms;
	passes_again(sim, ev->a, ev->b);
	passes_again(sim, ev->b, ev->a);
}

void
net_cut(struct sim *sim, unsigned from, unsigned to, int64_t ms)
{
	sim_tell(sim, "%u->%u cut", from, to);
	sim->ways[from][to].n_cuts++;
	notice_later(sim, from, to, NOTICE_MAX_MS);
	notice_later(sim, to, from, NOTICE_MAX_MS);
	sim_at(sim, sim->now_ms + ms,
	       &(struct event){ .fn = on_uncut, .a = from, .b = to });
}

void
net_blip(struct sim *sim, unsigned from, unsigned to)
{
	if (!sim->servers[from].is_up || sim->ways[from][to].is_broken)
		return;
	break_way(sim, from, to);
	mend_later(sim, from, to);
}

/* ---- crashes ---- */

static void
drop_all(struct way *way)
{
	list_each_safe (n, &way->sent)
		wire_free(wire_of(n));
}

void
net_down(struct sim *sim, unsigned server)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		struct way *out = &sim->ways[server][i];
		struct way *in = &sim->ways[i][server];

		if (i == server) {
			list_each (n, &out->sent)
				wire_of(n)->number = 0;
			continue;
		}
		drop_all(out);
		out->stream++;
		out->is_broken = out->is_forgotten = true;
		out->is_given_up = false;
		in->is_forgotten = true;
		notice_later(sim, i, server, 5000);
	}
}

void
net_up(struct sim *sim, unsigned server)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		if (i == server)
			continue;
		if (sim->servers[i].is_up) {
			sim->ways[i][server].is_forgotten = true;
			break_way(sim, i, server);
		}
		if (!is_usable(sim, server, i))
			continue;
		mend_later(sim, server, i);
		mend_later(sim, i, server);
	}
}

/* ---- all of it ---- */

/* As long in both directions. */
static void
measure_ways(struct sim *sim)
{
	const struct uplink *up = &sim->plan->uplink;
	struct dice dice = { sim->plan->seed ^ UINT64_C(0x6e6574) };

	for (unsigned i = 0; i < sim->n_servers; i++) {
		for (unsigned k = 0; k <= i; k++) {
			sim->ways[i][k].delay_ms = sim->ways[k][i].delay_ms =
				dice_between(&dice, up->low_ms, up->high_ms);
			list_init(&sim->ways[i][k].sent);
			list_init(&sim->ways[k][i].sent);
		}
	}
}

void
net_init(struct sim *sim)
{
	struct dice dice = { sim->plan->seed ^ UINT64_C(0x6e6574) };

	if (sim->plan->uplink.is_measured) {
		measure_ways(sim);
		return;
	}
	for (unsigned i = 0; i < DRAWN_MAX; i++) {
		for (unsigned k = 0; k < DRAWN_MAX; k++) {
			struct way *way = &sim->ways[i][k];

			list_init(&way->sent);
			way->dice.state = sim->plan->seed * 64 + i * 8 + k;
			way->delay_ms = dice_between(&dice, 1, 80);
			if (dice_chance(&dice, 10))
				way->delay_ms *= 20;
			way->jitter_ms =
				dice_chance(&dice, 50) ? way->delay_ms : 0;
		}
	}
}

void
net_fini(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		for (unsigned k = 0; k < sim->n_servers; k++)
			drop_all(&sim->ways[i][k]);
	}
	free(sim->events);
}
