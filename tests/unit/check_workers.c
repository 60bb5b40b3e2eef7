/* check_workers.c - jobs on threads, and without. */

#include "net/workers.h"

#include "base/clock.h"
#include "unit.h"

#include <pthread.h>

struct sum {
	struct job job;
	pthread_t worked_on, done_on;
	int n, square;
	bool is_done;
};

static int n_done, n_wanted;

static void
work(struct job *j)
{
	struct sum *s = container_of(j, struct sum, job);

	s->square = s->n * s->n;
	s->worked_on = pthread_self();
}

static void
done(struct job *j)
{
	struct sum *s = container_of(j, struct sum, job);

	ck_assert(!s->is_done);
	s->is_done = true;
	s->done_on = pthread_self();
	if (++n_done == n_wanted)
		loop_quit(j->home);
}

static void
sum_init(struct sum *s, int n)
{
	*s = (struct sum){ .job = { .work = work, .done = done }, .n = n };
}

START_TEST(on_threads)
{
	struct loop *home = loop_new("home", NULL);
	struct workers *w = workers_new(3, 1000);
	static struct sum sums[1000];

	n_done = 0;
	n_wanted = 1000;
	for (int i = 0; i < 1000; i++) {
		sum_init(&sums[i], i);
		ck_assert_int_eq(workers_submit(w, home, &sums[i].job), 0);
	}
	loop_run(home);
	workers_free(w);
	for (int i = 0; i < 1000; i++) {
		ck_assert(sums[i].is_done);
		ck_assert_int_eq(sums[i].square, i * i);
		ck_assert(pthread_equal(sums[i].done_on, pthread_self()));
		ck_assert(!pthread_equal(sums[i].worked_on, pthread_self()));
	}
	loop_free(home);
}
END_TEST

/* Without threads: in the next turn, not inside the call. */
START_TEST(in_the_next_turn)
{
	struct clock fake;
	struct loop *home;
	struct workers *w = workers_new(0, 0);
	struct sum s;

	clock_init_fake(&fake);
	home = loop_new("home", &fake);
	sum_init(&s, 7);
	ck_assert_int_eq(workers_submit(w, home, &s.job), 0);
	ck_assert_int_eq(s.square, 0);
	while (loop_step(home))
		;
	ck_assert(s.is_done);
	ck_assert_int_eq(s.square, 49);
	workers_free(w);
	loop_free(home);
}
END_TEST

static pthread_barrier_t started;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void
work_behind_gate(struct job *j)
{
	(void)j;
	pthread_barrier_wait(&started);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

/* One works, two wait, the next is refused; all three are done at the end. */
START_TEST(full_and_freed)
{
	struct loop *home = loop_new("home", NULL);
	struct workers *w = workers_new(1, 2);
	struct sum first, sums[3];

	pthread_barrier_init(&started, NULL, 2);
	pthread_mutex_lock(&gate);
	sum_init(&first, 0);
	first.job.work = work_behind_gate;
	ck_assert_int_eq(workers_submit(w, home, &first.job), 0);
	pthread_barrier_wait(&started);
	for (int i = 0; i < 3; i++) {
		sum_init(&sums[i], i);
		ck_assert_int_eq(workers_submit(w, home, &sums[i].job),
				 i < 2 ? 0 : -1);
	}
	pthread_mutex_unlock(&gate);
	workers_free(w);
	loop_step(home);
	ck_assert(first.is_done);
	ck_assert(sums[0].is_done);
	ck_assert(sums[1].is_done);
	ck_assert(!sums[2].is_done);
	loop_free(home);
	pthread_barrier_destroy(&started);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("workers");

	tcase_add_test(tc, on_threads);
	tcase_add_test(tc, in_the_next_turn);
	tcase_add_test(tc, full_and_freed);
	return unit_run(tc);
}
