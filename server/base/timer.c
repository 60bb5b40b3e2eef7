/* timer.c - a binary heap of timers. */

#include "base/timer.h"

#include "base/mem.h"

#include <stdlib.h>

void
timers_fini(struct timers *ts)
{
	for (size_t i = 1; i <= ts->n; i++)
		ts->heap[i]->pos = 0;
	free(ts->heap);
	*ts = (struct timers){ 0 };
}

static void
place(struct timers *ts, size_t pos, struct timer *t)
{
	ts->heap[pos] = t;
	t->pos = pos;
}

static void
sift_up(struct timers *ts, struct timer *t)
{
	size_t pos = t->pos;

	for (; pos > 1 && ts->heap[pos / 2]->at_ms > t->at_ms; pos /= 2)
		place(ts, pos, ts->heap[pos / 2]);
	place(ts, pos, t);
}

static void
sift_down(struct timers *ts, struct timer *t)
{
	size_t pos = t->pos;

	for (size_t child; (child = 2 * pos) <= ts->n; pos = child) {
		if (child < ts->n &&
		    ts->heap[child + 1]->at_ms < ts->heap[child]->at_ms)
			child++;
		if (ts->heap[child]->at_ms >= t->at_ms)
			break;
		place(ts, pos, ts->heap[child]);
	}
	place(ts, pos, t);
}

void
timer_set(struct timers *ts, struct timer *t, int64_t at_ms)
{
	t->at_ms = at_ms;
	if (!t->pos) {
		if (ts->n + 2 > ts->cap) {
			ts->cap = ts->cap ? 2 * ts->cap : 64;
			ts->heap = mem_realloc(ts->heap,
					       ts->cap * sizeof(*ts->heap));
		}
		place(ts, ++ts->n, t);
	}
	sift_up(ts, t);
	sift_down(ts, t);
}

void
timer_clear(struct timers *ts, struct timer *t)
{
	struct timer *last;

	if (!t->pos)
		return;
	last = ts->heap[ts->n--];
	if (last != t) {
		place(ts, t->pos, last);
		sift_up(ts, last);
		sift_down(ts, last);
	}
	t->pos = 0;
}

int64_t
timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[1]->at_ms : -1;
}

size_t
timers_run(struct timers *ts, int64_t now_ms)
{
	size_t ran = 0, max = ts->n;

	while (ran < max && ts->n && ts->heap[1]->at_ms <= now_ms) {
		struct timer *t = ts->heap[1];

		timer_clear(ts, t);
		t->fn(t);
		ran++;
	}
	return ran;
}
