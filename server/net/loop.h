/*
 * loop.h - one thread's loop: sockets, mail from other threads, timers.
 *
 * A turn is: wait for sockets, mail or the next timer; run what is ready; run
 * the hooks of the turn's end; hand over what was sent to other loops. All
 * state that is not explicitly shared belongs to one loop, and only code that
 * runs on that loop touches it.
 *
 * The same loops run each on a thread of its own (loop_start), in the calling
 * thread (loop_run), or stepped by a test (loop_step) with a fake clock.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"
#include "base/timer.h"

#include <stdbool.h>
#include <stddef.h>

struct clock;
struct event_base;
struct loop;

/*
 * Something for another loop to do: embedded in a typed request, whose owner
 * changes hands with it. run gets it on the receiving loop, once.
 */
struct mail {
	struct mail *next;
	void (*run)(struct mail *m);
};

/* Runs at the end of each turn in which it was armed; see loop_at_turn_end. */
struct turn_end {
	struct list node; /* next is NULL while it is not armed */
	bool is_later;	  /* armed by loop_at_later_end */
	void (*fn)(struct turn_end *e);
};

/* name is for thread names and logs (borrowed). fake: tests' clock (borrowed),
 * NULL for the system's. From the first loop on, the process ignores SIGPIPE.
 */
struct loop *loop_new(const char *name, struct clock *fake);
/* Not running any more. Mail that waits is run first, so that its owners free
 * it; the loops that it may write to must still be there. Where loops write to
 * each other, stop them all, loop_step them until nothing runs, then free. */
void loop_free(struct loop *l);

/* Runs the loop on a new thread until loop_stop, which any other thread may
 * call; it waits for the thread's end. */
void loop_start(struct loop *l);
void loop_stop(struct loop *l);
/* Runs the loop in the calling thread until loop_quit (any thread, and safe in
 * mail and timers). */
void loop_run(struct loop *l);
void loop_quit(struct loop *l);
/* One turn that does not wait. True where anything ran. */
bool loop_step(struct loop *l);

/* On the loop's thread only. */
/* The time of this turn; ask again in each callback. */
struct clock *loop_clock(struct loop *l);
/* For sockets. What is called from here calls loop_enter first, which makes
 * the clock right and tells loop_step that something ran. */
struct event_base *loop_base(struct loop *l);
void loop_enter(struct loop *l);
/* May be called at the very end of it: now and then what has come so far is
 * run, and written, before more sockets are looked at. */
void loop_leave(struct loop *l);
/* Counts turns: for what has a budget in each. */
unsigned loop_turn(const struct loop *l);
/* Zeroed memory of this loop for conn.c, made at the first call. */
void *loop_local(struct loop *l, size_t size, void (*fini)(void *local));
/* At or after that time, at least 1 ms: what is to follow at once is mail. */
void loop_timer_set(struct loop *l, struct timer *t, int64_t after_ms);
void loop_timer_clear(struct loop *l, struct timer *t);
/* e->fn runs once, at the end of this turn; arming it twice is once. */
void loop_at_turn_end(struct loop *l, struct turn_end *e);
/* The same for what many have at once: behind the others, and so few of them in
 * a turn that nobody has to wait for all of them. Armed both ways, it is among
 * the others. */
void loop_at_later_end(struct loop *l, struct turn_end *e);
/* The same for what did not fit into this turn: in front of the others, and in
 * the next turn. */
void loop_at_next_later_end(struct loop *l, struct turn_end *e);
void loop_cancel_turn_end(struct turn_end *e);
/* For work that comes in pieces of which there may be many: may one that takes
 * about so long be done now? False: this turn has had enough of it; go on at
 * loop_at_next_later_end. A turn, or a piece of one, has less than half a
 * millisecond for this, and its later ends together have as much. However long,
 * one in each fits in. */
bool loop_spend(struct loop *l, int us);

/* Hands m over at the end of self's turn, or earlier in batches: cheap, in
 * order. self is the caller's loop; to may be self (next turn). */
void loop_send(struct loop *self, struct loop *to, struct mail *m);

/* From any thread, at once. */
void loop_post(struct loop *to, struct mail *m);
/* Mail that waits here, about; any thread. */
size_t loop_backlog(const struct loop *l);

#endif
