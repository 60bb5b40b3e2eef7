/* loop.c - a turn: wait, sockets, mail, timers, turn ends, hand over. */

#include "net/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A long turn hands over this often, so that it does not add latency. */
#define BATCH_MAX 256
/* What a turn may spend on what can wait; its later ends again as much. */
#define SPEND_US 400
/* Where the clock stands still. Most write what many have got at once: 8 µs for
 * one stanza, 20 for many. */
#define LATER_END_US 8
/* So often what has come is handled, in a turn that brings much. */
#define EVENTS_MAX 16

/* A queue of mail; first is NULL where it is empty. */
struct queue {
	struct mail *first, *last;
	size_t n;
};

struct outbox {
	struct loop *to;
	struct queue queue;
};

struct loop {
	const char *name; /* borrowed */
	struct event_base *base;
	struct event wake_event, wait_event;
	int64_t wait_until_ms; /* what wait_event is set to, or -1 */
	int wake_fd;

	struct clock *clock; /* borrowed, or own_clock */
	struct clock own_clock;
	bool is_clock_old; /* not read since the last wait */
	bool has_run;	   /* something ran in this turn */
	unsigned n_turns, n_events;

	struct timers timers;
	struct list turn_ends, later_ends;
	/* See loop_spend; for the turn, then for its later ends. */
	int64_t since_us;
	int spent_us; /* what was said; in tests nothing else is known */
	bool has_spent, is_over;
	struct outbox *outboxes;
	size_t n_outboxes, n_unsent;

	void *local;
	void (*local_fini)(void *local);

	pthread_t thread;
	bool is_started;

	/* Shared with other threads. */
	atomic_bool must_quit;
	_Alignas(64) pthread_mutex_t lock;
	struct queue inbox;	/* by lock */
	atomic_bool is_waiting; /* must be woken for mail; set by lock */
	_Alignas(64) atomic_size_t backlog; /* also what is being run */
};

static void
queue_append(struct queue *q, const struct queue *more)
{
	if (q->first)
		q->last->next = more->first;
	else
		q->first = more->first;
	q->last = more->last;
	q->n += more->n;
}

/* Nothing is read: each write is an edge. The mail comes later in the turn. */
static void
on_wake(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
}

static void
on_wait_over(evutil_socket_t fd, short what, void *data)
{
	struct loop *l = data;

	(void)fd;
	(void)what;
	l->wait_until_ms = -1;
}

static void
wake(struct loop *l)
{
	uint64_t one = 1;

	/* EAGAIN: 2^64 wake-ups wait already, so it will wake. */
	while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Any thread. */
static void
deliver(struct loop *to, const struct queue *mail)
{
	bool must_wake;

	/* Before the mail is there: backlog must not go below zero. */
	atomic_fetch_add_explicit(&to->backlog, mail->n, memory_order_relaxed);
	pthread_mutex_lock(&to->lock);
	queue_append(&to->inbox, mail);
	must_wake = atomic_exchange_explicit(&to->is_waiting, false,
					     memory_order_relaxed);
	pthread_mutex_unlock(&to->lock);
	if (must_wake)
		wake(to);
}

struct loop *
loop_new(const char *name, struct clock *fake)
{
	struct event_config *cfg = event_config_new();
	struct loop *l = aligned_alloc(64, sizeof(*l));

	if (!cfg || !l)
		abort();
	/* A socket that the peer has closed is an error code, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	*l = (struct loop){ .name = name, .wait_until_ms = -1 };
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(cfg, EV_FEATURE_ET);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!l->base || l->wake_fd < 0) {
		log_error(NULL, "%s: cannot make an event loop: %s", name,
			  strerror(errno));
		abort();
	}
	event_assign(&l->wake_event, l->base, l->wake_fd,
		     EV_READ | EV_PERSIST | EV_ET, on_wake, l);
	event_add(&l->wake_event, NULL);
	evtimer_assign(&l->wait_event, l->base, on_wait_over, l);
	l->clock = fake;
	if (!fake) {
		l->clock = &l->own_clock;
		clock_init(l->clock);
	}
	list_init(&l->turn_ends);
	list_init(&l->later_ends);
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static bool
run_mail(struct loop *l)
{
	struct queue in;
	size_t ran = 0;

	pthread_mutex_lock(&l->lock);
	in = l->inbox;
	l->inbox = (struct queue){ 0 };
	atomic_store_explicit(&l->is_waiting, false, memory_order_relaxed);
	pthread_mutex_unlock(&l->lock);

	for (struct mail *m = in.first, *next; m; m = next) {
		next = m->next;
		m->run(m);
		if (++ran % 64 == 0)
			atomic_fetch_sub_explicit(&l->backlog, 64,
						  memory_order_relaxed);
	}
	atomic_fetch_sub_explicit(&l->backlog, ran % 64, memory_order_relaxed);
	return ran > 0;
}

static bool
run_first(struct list *ends)
{
	struct list *n = list_pop(ends);
	struct turn_end *e;

	if (!n)
		return false;
	e = container_of(n, struct turn_end, node);
	/* Zeroed memory is one that is not armed. */
	e->node.next = NULL;
	e->fn(e);
	return true;
}

static int64_t
mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
start_spending(struct loop *l)
{
	l->since_us = l->clock->is_fake ? 0 : mono_us();
	l->spent_us = 0;
	l->has_spent = l->is_over = false;
}

static int64_t
spent_us(const struct loop *l)
{
	return l->clock->is_fake ? l->spent_us : mono_us() - l->since_us;
}

static bool
run_later_ends(struct loop *l)
{
	bool ran = false;

	if (list_is_empty(&l->later_ends))
		return false;
	start_spending(l);
	while (!l->is_over && spent_us(l) < SPEND_US &&
	       run_first(&l->later_ends)) {
		l->spent_us += LATER_END_US;
		ran = true;
	}
	return ran;
}

static bool
run_turn_ends(struct loop *l)
{
	bool ran = false;

	while (run_first(&l->turn_ends))
		ran = true;
	return run_later_ends(l) || ran;
}

static void
hand_over(struct loop *l)
{
	if (!l->n_unsent)
		return;
	for (size_t i = 0; i < l->n_outboxes; i++) {
		struct outbox *o = &l->outboxes[i];

		if (!o->queue.n)
			continue;
		deliver(o->to, &o->queue);
		o->queue = (struct queue){ 0 };
	}
	l->n_unsent = 0;
}

/* Sets libevent's timer where it would ring later than our first one. Ringing
 * too early costs one empty turn, setting it in every turn would cost more. */
static void
arm_wait(struct loop *l)
{
	int64_t next = timers_next(&l->timers), in_ms;
	struct timeval tv;

	if (next < 0 || (l->wait_until_ms >= 0 && l->wait_until_ms <= next))
		return;
	clock_update(l->clock);
	in_ms = next > l->clock->mono_ms ? next - l->clock->mono_ms : 0;
	tv = (struct timeval){ in_ms / 1000, in_ms % 1000 * 1000 };
	evtimer_add(&l->wait_event, &tv);
	l->wait_until_ms = next;
}

static bool
may_wait(struct loop *l)
{
	bool may;

	if (!list_is_empty(&l->turn_ends) || !list_is_empty(&l->later_ends))
		return false;
	pthread_mutex_lock(&l->lock);
	may = !l->inbox.first && !atomic_load(&l->must_quit);
	atomic_store_explicit(&l->is_waiting, may, memory_order_relaxed);
	pthread_mutex_unlock(&l->lock);
	return may;
}

static bool
run_all(struct loop *l)
{
	bool ran;

	start_spending(l);
	hand_over(l); /* also what sockets brought for this loop itself */
	ran = run_mail(l);
	ran |= timers_run(&l->timers, loop_clock(l)->mono_ms) > 0;
	ran |= run_turn_ends(l);
	hand_over(l);
	return ran;
}

static bool
turn(struct loop *l, bool wait)
{
	int flags = EVLOOP_ONCE | EVLOOP_NONBLOCK;

	l->has_run = false;
	l->n_turns++;
	hand_over(l); /* what was sent before the loop ran */
	if (wait && may_wait(l)) {
		arm_wait(l);
		flags = EVLOOP_ONCE;
	}
	l->is_clock_old = true;
	event_base_loop(l->base, flags);
	loop_clock(l);
	l->has_run |= run_all(l);
	return l->has_run;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	do {
		run_turn_ends(l);
		hand_over(l);
	} while (run_mail(l) || !list_is_empty(&l->later_ends));
	timers_fini(&l->timers);
	if (l->local)
		l->local_fini(l->local);
	event_del(&l->wake_event);
	event_del(&l->wait_event);
	event_base_free(l->base);
	close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l->outboxes);
	free(l);
}

static void *
thread_main(void *data)
{
	struct loop *l = data;
	char name[16] = "";

	strncpy(name, l->name, sizeof(name) - 1);
	pthread_setname_np(pthread_self(), name);
	loop_run(l);
	return NULL;
}

void
loop_start(struct loop *l)
{
	sigset_t all, old;
	int e;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&l->thread, NULL, thread_main, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e) {
		log_error(NULL, "%s: cannot start a thread: %s", l->name,
			  strerror(e));
		abort();
	}
	l->is_started = true;
}

void
loop_stop(struct loop *l)
{
	loop_quit(l);
	if (l->is_started)
		pthread_join(l->thread, NULL);
	l->is_started = false;
}

void
loop_run(struct loop *l)
{
	while (!atomic_load(&l->must_quit))
		turn(l, true);
	atomic_store(&l->must_quit, false);
}

void
loop_quit(struct loop *l)
{
	bool must_wake;

	atomic_store(&l->must_quit, true);
	pthread_mutex_lock(&l->lock);
	must_wake = atomic_exchange_explicit(&l->is_waiting, false,
					     memory_order_relaxed);
	pthread_mutex_unlock(&l->lock);
	if (must_wake)
		wake(l);
}

bool
loop_step(struct loop *l)
{
	return turn(l, false);
}

struct clock *
loop_clock(struct loop *l)
{
	if (l->is_clock_old) {
		l->is_clock_old = false;
		clock_update(l->clock);
	}
	return l->clock;
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

void
loop_enter(struct loop *l)
{
	l->has_run = true;
	loop_clock(l);
	/* Awake: mail is looked at before the next wait. */
	if (atomic_load_explicit(&l->is_waiting, memory_order_relaxed))
		atomic_store_explicit(&l->is_waiting, false,
				      memory_order_relaxed);
}

void
loop_leave(struct loop *l)
{
	if (++l->n_events % EVENTS_MAX)
		return;
	l->is_clock_old = true;
	run_all(l);
}

unsigned
loop_turn(const struct loop *l)
{
	return l->n_turns;
}

void *
loop_local(struct loop *l, size_t size, void (*fini)(void *local))
{
	if (!l->local) {
		l->local = mem_zalloc(size);
		l->local_fini = fini;
	}
	return l->local;
}

void
loop_timer_set(struct loop *l, struct timer *t, int64_t after_ms)
{
	/* 0 would run again and again in the turn that sets it. */
	if (after_ms < 1)
		after_ms = 1;
	timer_set(&l->timers, t, loop_clock(l)->mono_ms + after_ms);
}

void
loop_timer_clear(struct loop *l, struct timer *t)
{
	timer_clear(&l->timers, t);
}

void
loop_at_turn_end(struct loop *l, struct turn_end *e)
{
	if (e->node.next && e->is_later)
		loop_cancel_turn_end(e);
	if (!e->node.next)
		list_append(&l->turn_ends, &e->node);
	e->is_later = false;
}

void
loop_at_later_end(struct loop *l, struct turn_end *e)
{
	if (e->node.next)
		return;
	list_append(&l->later_ends, &e->node);
	e->is_later = true;
}

void
loop_at_next_later_end(struct loop *l, struct turn_end *e)
{
	if (e->node.next)
		return;
	list_prepend(&l->later_ends, &e->node);
	e->is_later = l->is_over = true;
}

bool
loop_spend(struct loop *l, int us)
{
	if (l->has_spent && spent_us(l) + us > SPEND_US)
		return false;
	l->has_spent = true;
	l->spent_us += us;
	return true;
}

void
loop_cancel_turn_end(struct turn_end *e)
{
	if (e->node.next)
		list_remove(&e->node);
	e->node.next = NULL;
}

static struct outbox *
outbox_for(struct loop *self, struct loop *to)
{
	struct outbox *o;

	for (size_t i = 0; i < self->n_outboxes; i++)
		if (self->outboxes[i].to == to)
			return &self->outboxes[i];
	self->outboxes =
		mem_realloc(self->outboxes,
			    (self->n_outboxes + 1) * sizeof(*self->outboxes));
	o = &self->outboxes[self->n_outboxes++];
	*o = (struct outbox){ .to = to };
	return o;
}

void
loop_send(struct loop *self, struct loop *to, struct mail *m)
{
	struct outbox *o = outbox_for(self, to);
	struct queue one = { m, m, 1 };

	m->next = NULL;
	queue_append(&o->queue, &one);
	self->n_unsent++;
	if (o->queue.n < BATCH_MAX)
		return;
	self->n_unsent -= o->queue.n;
	deliver(to, &o->queue);
	o->queue = (struct queue){ 0 };
}

void
loop_post(struct loop *to, struct mail *m)
{
	struct queue one = { m, m, 1 };

	m->next = NULL;
	deliver(to, &one);
}

size_t
loop_backlog(const struct loop *l)
{
	return atomic_load_explicit(&l->backlog, memory_order_relaxed);
}
