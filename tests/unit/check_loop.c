/* check_loop.c - mail, timers, turn ends and sockets, stepped and on threads.
 */

#include "net/loop.h"

#include "base/clock.h"
#include "unit.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clock fake;
static struct loop *a, *b;
static int seen[4096], n_seen, fired;

static void
setup(void)
{
	n_seen = fired = 0;
	clock_init_fake(&fake);
	a = loop_new("a", &fake);
	b = loop_new("b", &fake);
}

static void
teardown(void)
{
	loop_free(a);
	loop_free(b);
}

/* Mail that writes down when it ran. */
struct note {
	struct mail mail;
	int n;
};

static void
note_run(struct mail *m)
{
	struct note *note = container_of(m, struct note, mail);

	seen[n_seen++] = note->n;
	free(note);
}

static struct mail *
note_new(int n)
{
	struct note *note = mem_zalloc(sizeof(*note));

	note->mail.run = note_run;
	note->n = n;
	return &note->mail;
}

START_TEST(nothing_to_do)
{
	ck_assert(!loop_step(a));
	ck_assert(!loop_step(a));
}
END_TEST

START_TEST(mail_in_order)
{
	for (int i = 0; i < 3; i++)
		loop_send(a, b, note_new(i));
	ck_assert(!loop_step(b));
	ck_assert_uint_eq(loop_backlog(b), 0);
	loop_step(a);
	ck_assert_uint_eq(loop_backlog(b), 3);
	ck_assert(loop_step(b));
	ck_assert_uint_eq(loop_backlog(b), 0);
	ck_assert_int_eq(n_seen, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(seen[i], i);
	ck_assert(!loop_step(b));
}
END_TEST

/* Long turns hand over on the way, in order with the rest. */
START_TEST(mail_in_batches)
{
	for (int i = 0; i < 1000; i++)
		loop_send(a, b, note_new(i));
	ck_assert(loop_step(b));
	ck_assert_int_gt(n_seen, 0);
	ck_assert_int_lt(n_seen, 1000);
	loop_step(a);
	loop_step(b);
	ck_assert_int_eq(n_seen, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(seen[i], i);
	ck_assert_uint_eq(loop_backlog(b), 0);
}
END_TEST

START_TEST(post_needs_no_turn)
{
	loop_post(b, note_new(7));
	ck_assert_uint_eq(loop_backlog(b), 1);
	ck_assert(loop_step(b));
	ck_assert_int_eq(n_seen, 1);
}
END_TEST

static void
answer_self(struct mail *m)
{
	free(m);
	loop_send(a, a, note_new(1));
}

START_TEST(mail_to_self_is_for_the_next_turn)
{
	struct mail *m = mem_zalloc(sizeof(*m));

	m->run = answer_self;
	loop_post(a, m);
	ck_assert(loop_step(a));
	ck_assert_int_eq(n_seen, 0);
	ck_assert(loop_step(a));
	ck_assert_int_eq(n_seen, 1);
}
END_TEST

/* What waits runs, and what that sends to the loop itself as well. */
START_TEST(free_runs_what_waits)
{
	struct loop *c = loop_new("c", &fake);

	loop_send(c, c, note_new(1));
	loop_post(c, note_new(2));
	loop_free(c);
	ck_assert_int_eq(n_seen, 2);
}
END_TEST

static void
on_timer(struct timer *t)
{
	(void)t;
	fired++;
}

static void
on_timer_again(struct timer *t)
{
	fired++;
	loop_timer_set(a, t, 0);
}

START_TEST(timers_by_the_fake_clock)
{
	struct timer t = { .fn = on_timer }, u = { .fn = on_timer };

	loop_timer_set(a, &t, 1000);
	loop_timer_set(a, &u, 1000);
	loop_timer_clear(a, &u);
	clock_advance(&fake, 999);
	ck_assert(!loop_step(a));
	clock_advance(&fake, 1);
	ck_assert(loop_step(a));
	ck_assert_int_eq(fired, 1);
	ck_assert(!loop_step(a));
}
END_TEST

START_TEST(timer_sets_itself)
{
	struct timer t = { .fn = on_timer_again };

	loop_timer_set(a, &t, 5);
	clock_advance(&fake, 5);
	loop_step(a);
	loop_step(a);
	ck_assert_int_eq(fired, 1);
	clock_advance(&fake, 1);
	loop_step(a);
	ck_assert_int_eq(fired, 2);
	loop_timer_clear(a, &t);
}
END_TEST

static struct turn_end end_a, end_b;

static void
on_turn_end(struct turn_end *e)
{
	seen[n_seen++] = e == &end_a ? 1 : 2;
	if (e == &end_a)
		loop_at_turn_end(a, &end_b);
}

START_TEST(turn_ends_run_once)
{
	end_a.fn = end_b.fn = on_turn_end;
	loop_at_turn_end(a, &end_a);
	loop_at_turn_end(a, &end_a);
	ck_assert(loop_step(a));
	ck_assert_int_eq(n_seen, 2);
	ck_assert_int_eq(seen[0], 1);
	ck_assert_int_eq(seen[1], 2);
	ck_assert(!loop_step(a));

	loop_at_turn_end(a, &end_a);
	loop_cancel_turn_end(&end_a);
	ck_assert(!loop_step(a));
	ck_assert_int_eq(n_seen, 2);
}
END_TEST

#define N_LATER 200

static struct turn_end later_ends[N_LATER];
static int n_later, n_at_end_a;

static void
on_later_end(struct turn_end *e)
{
	(void)e;
	n_later++;
}

static void
count_later(struct turn_end *e)
{
	(void)e;
	n_at_end_a = n_later;
}

/* What many have at once is spread over turns, behind what one alone has. */
START_TEST(later_ends_are_spread)
{
	int turns = 0;

	n_later = 0;
	end_a.fn = count_later;
	for (int i = 0; i < N_LATER; i++) {
		later_ends[i].fn = on_later_end;
		loop_at_later_end(a, &later_ends[i]);
		loop_at_later_end(a, &later_ends[i]);
	}
	/* The last one has something of its own, too: it is the first now. */
	loop_at_turn_end(a, &later_ends[N_LATER - 1]);
	loop_at_later_end(a, &later_ends[N_LATER - 1]);
	loop_at_turn_end(a, &end_a);
	loop_cancel_turn_end(&later_ends[0]);
	ck_assert(loop_step(a));
	ck_assert_int_eq(n_at_end_a, 1);
	ck_assert_int_lt(n_later, N_LATER / 2);
	while (loop_step(a))
		turns++;
	ck_assert_int_eq(n_later, N_LATER - 1);
	ck_assert_int_ge(turns, 2);
}
END_TEST

/* Pieces of work that cost piece_us each. */
static int n_pieces, piece_us;

static void
on_pieces(struct turn_end *e)
{
	while (n_pieces && loop_spend(a, piece_us))
		n_pieces--;
	if (n_pieces)
		loop_at_next_later_end(a, e);
}

/* It goes on in front of what was there before, and leaves each turn soon. */
START_TEST(work_in_pieces)
{
	struct turn_end work = { .fn = on_pieces };

	n_later = 0;
	later_ends[0].fn = on_later_end;
	loop_at_later_end(a, &later_ends[0]);
	n_pieces = 6;
	piece_us = 150;
	loop_at_next_later_end(a, &work);
	loop_at_next_later_end(a, &work);
	for (int left = 4; left; left -= 2) {
		ck_assert(loop_step(a));
		ck_assert_int_eq(n_pieces, left);
		ck_assert_int_eq(n_later, 0);
	}
	ck_assert(loop_step(a));
	ck_assert_int_eq(n_pieces, 0);
	ck_assert_int_eq(n_later, 1);
	ck_assert(!loop_step(a));

	/* One that takes longer than there is has a turn, too. */
	n_pieces = 3;
	piece_us = 100000;
	loop_at_later_end(a, &work);
	for (int left = 2; left >= 0; left--) {
		ck_assert(loop_step(a));
		ck_assert_int_eq(n_pieces, left);
	}
	ck_assert(!loop_step(a));
}
END_TEST

static void
spend(struct mail *m)
{
	(void)m;
	while (loop_spend(a, piece_us))
		n_pieces++;
}

/* What mail does has as much. */
START_TEST(mail_has_its_share)
{
	struct mail first = { .run = spend }, second = { .run = spend };
	struct turn_end work = { .fn = on_pieces };

	n_pieces = 0;
	piece_us = 150;
	loop_send(a, a, &first);
	loop_send(a, a, &second);
	loop_step(a);
	ck_assert_int_eq(n_pieces, 2);
	loop_at_later_end(a, &work);
	loop_send(a, a, &first);
	loop_step(a);
	ck_assert_int_eq(n_pieces, 4 - 2);
	while (loop_step(a))
		;
	ck_assert_int_eq(n_pieces, 0);
}
END_TEST

static void
arm_end(struct mail *m)
{
	free(m);
	loop_at_turn_end(a, &end_b);
}

/* Turn ends come after the mail of the turn, before handing over. */
static void
send_at_end(struct turn_end *e)
{
	(void)e;
	loop_send(a, b, note_new(n_seen));
}

START_TEST(turn_end_comes_last)
{
	struct mail *m = mem_zalloc(sizeof(*m));

	m->run = arm_end;
	end_b.fn = send_at_end;
	loop_post(a, m);
	loop_post(a, note_new(9));
	ck_assert(loop_step(a));
	ck_assert(loop_step(b));
	ck_assert_int_eq(n_seen, 2);
	ck_assert_int_eq(seen[1], 1);
}
END_TEST

static void
on_readable(evutil_socket_t fd, short what, void *data)
{
	char c;

	(void)what;
	loop_enter(data);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	fired++;
}

START_TEST(sockets)
{
	int fds[2];
	struct event ev;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	event_assign(&ev, loop_base(a), fds[0], EV_READ | EV_PERSIST,
		     on_readable, a);
	event_add(&ev, NULL);
	ck_assert(!loop_step(a));
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert(loop_step(a));
	ck_assert_int_eq(fired, 1);
	ck_assert(!loop_step(a));
	event_del(&ev);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Below: loops with threads and the system's clock. */

#define ROUNDS 20000

/* Goes to and fro between two loops until it has gone far enough. */
struct ball {
	struct mail mail;
	struct loop *at, *other, *home;
	int left;
};

static void
ball_run(struct mail *m)
{
	struct ball *ball = container_of(m, struct ball, mail);
	struct loop *here = ball->at;

	if (--ball->left == 0) {
		loop_quit(ball->home);
		return;
	}
	ball->at = ball->other;
	ball->other = here;
	loop_send(here, ball->at, m);
}

START_TEST(threads_play_ball)
{
	struct loop *home = loop_new("home", NULL), *x = loop_new("x", NULL),
		    *y = loop_new("y", NULL);
	struct ball ball = { { NULL, ball_run }, x, y, home, ROUNDS };

	loop_start(x);
	loop_start(y);
	loop_post(x, &ball.mail);
	loop_run(home);
	ck_assert_int_eq(ball.left, 0);
	loop_stop(x);
	loop_stop(y);
	loop_free(x);
	loop_free(y);
	loop_free(home);
}
END_TEST

/* Several senders; each one's mail stays in order. */
struct count {
	struct mail mail;
	struct loop *home;
	int sender, n;
};

#define SENDERS 3
static int last_of[SENDERS], n_counted;

static void
count_run(struct mail *m)
{
	struct count *c = container_of(m, struct count, mail);

	ck_assert_int_eq(c->n, last_of[c->sender] + 1);
	last_of[c->sender] = c->n;
	if (++n_counted == SENDERS * ROUNDS)
		loop_quit(c->home);
	free(c);
}

struct burst {
	struct mail mail;
	struct loop *self, *to;
	int sender, sent;
};

static void
burst_run(struct mail *m)
{
	struct burst *burst = container_of(m, struct burst, mail);

	for (int i = 0; i < 100 && burst->sent < ROUNDS; i++) {
		struct count *c = mem_zalloc(sizeof(*c));

		c->mail.run = count_run;
		c->home = burst->to;
		c->sender = burst->sender;
		c->n = ++burst->sent;
		loop_send(burst->self, burst->to, &c->mail);
	}
	if (burst->sent < ROUNDS)
		loop_send(burst->self, burst->self, m);
}

START_TEST(threads_send_in_order)
{
	struct loop *home = loop_new("home", NULL), *from[SENDERS];
	struct burst bursts[SENDERS];

	for (int i = 0; i < SENDERS; i++) {
		from[i] = loop_new("from", NULL);
		bursts[i] = (struct burst){
			{ NULL, burst_run }, from[i], home, i, 0
		};
		loop_start(from[i]);
		loop_post(from[i], &bursts[i].mail);
	}
	loop_run(home);
	ck_assert_int_eq(n_counted, SENDERS * ROUNDS);
	for (int i = 0; i < SENDERS; i++) {
		loop_stop(from[i]);
		loop_free(from[i]);
	}
	ck_assert_uint_eq(loop_backlog(home), 0);
	loop_free(home);
}
END_TEST

static struct loop *running;
static int64_t rang_at_ms;

static void
on_ring(struct timer *t)
{
	(void)t;
	rang_at_ms = loop_clock(running)->mono_ms;
	loop_quit(running);
}

/* A loop that waits wakes up for its timer, also for one that is nearer than
 * the one for which it was about to wait. */
START_TEST(waits_for_timers)
{
	struct timer far = { .fn = on_ring }, near = { .fn = on_ring };
	int64_t start_ms;

	running = loop_new("x", NULL);
	start_ms = loop_clock(running)->mono_ms;
	loop_timer_set(running, &far, 60000);
	loop_step(running);
	loop_timer_set(running, &near, 20);
	loop_run(running);
	ck_assert_int_ge(rang_at_ms, start_ms + 20);
	ck_assert_int_lt(rang_at_ms, start_ms + 30000);
	loop_free(running);
}
END_TEST

#define N_SOCKETS 100

static int n_came, came_before_the_first;

static void
on_first_mail(struct mail *m)
{
	(void)m;
	if (!came_before_the_first)
		came_before_the_first = n_came;
}

static void
on_one_of_many(evutil_socket_t fd, short what, void *data)
{
	static struct mail mail[N_SOCKETS];

	(void)fd;
	(void)what;
	(void)data;
	loop_enter(a);
	mail[n_came].run = on_first_mail;
	loop_send(a, a, &mail[n_came++]);
	loop_leave(a);
}

/* The first need not wait for all others that came in the same turn. */
START_TEST(long_turns_run_what_came)
{
	struct event ev[N_SOCKETS];
	int fd[N_SOCKETS][2];

	for (int i = 0; i < N_SOCKETS; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[i]), 0);
		event_assign(&ev[i], loop_base(a), fd[i][0], EV_READ,
			     on_one_of_many, NULL);
		event_add(&ev[i], NULL);
		ck_assert_int_eq(write(fd[i][1], "x", 1), 1);
	}
	for (int i = 0; i < N_SOCKETS && n_came < N_SOCKETS; i++)
		loop_step(a);
	ck_assert_int_eq(n_came, N_SOCKETS);
	ck_assert_int_gt(came_before_the_first, 1);
	ck_assert_int_le(came_before_the_first, 16);
	ck_assert_uint_eq(loop_backlog(a), 0);
	for (int i = 0; i < N_SOCKETS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_to_do);
	tcase_add_test(tc, mail_in_order);
	tcase_add_test(tc, mail_in_batches);
	tcase_add_test(tc, post_needs_no_turn);
	tcase_add_test(tc, mail_to_self_is_for_the_next_turn);
	tcase_add_test(tc, free_runs_what_waits);
	tcase_add_test(tc, timers_by_the_fake_clock);
	tcase_add_test(tc, timer_sets_itself);
	tcase_add_test(tc, turn_ends_run_once);
	tcase_add_test(tc, turn_end_comes_last);
	tcase_add_test(tc, later_ends_are_spread);
	tcase_add_test(tc, work_in_pieces);
	tcase_add_test(tc, mail_has_its_share);
	tcase_add_test(tc, sockets);
	tcase_add_test(tc, long_turns_run_what_came);
	tcase_add_test(tc, threads_play_ball);
	tcase_add_test(tc, threads_send_in_order);
	tcase_add_test(tc, waits_for_timers);
	return unit_run(tc);
}
