/* check_timer.c - timers of one thread. */

#include "base/timer.h"

#include "base/list.h"
#include "unit.h"

#define N_TIMERS 1000

struct probe {
	struct timer timer;
	int fired;
	int64_t again_ms;     /* set again for then, or 0 */
	struct probe *clears; /* cleared when this fires, or NULL */
};

static struct timers ts;
static struct probe probes[N_TIMERS];
static int64_t last_ms;

static void
on_timer(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	ck_assert(!timer_is_set(t));
	ck_assert_int_ge(t->at_ms, last_ms);
	last_ms = t->at_ms;
	p->fired++;
	if (p->again_ms)
		timer_set(&ts, t, p->again_ms);
	if (p->clears)
		timer_clear(&ts, &p->clears->timer);
}

static void
setup(void)
{
	for (int i = 0; i < N_TIMERS; i++)
		probes[i] = (struct probe){ .timer.fn = on_timer };
	last_ms = 0;
}

static void
teardown(void)
{
	timers_fini(&ts);
}

START_TEST(none)
{
	ck_assert_int_eq(timers_next(&ts), -1);
	ck_assert_uint_eq(timers_run(&ts, 1000), 0);
	timer_clear(&ts, &probes[0].timer);
	ck_assert(!timer_is_set(&probes[0].timer));
}
END_TEST

START_TEST(fires_when_due)
{
	timer_set(&ts, &probes[0].timer, 100);
	ck_assert(timer_is_set(&probes[0].timer));
	ck_assert_int_eq(timers_next(&ts), 100);
	ck_assert_uint_eq(timers_run(&ts, 99), 0);
	ck_assert_uint_eq(timers_run(&ts, 100), 1);
	ck_assert_uint_eq(timers_run(&ts, 200), 0);
	ck_assert_int_eq(probes[0].fired, 1);
	ck_assert_int_eq(timers_next(&ts), -1);
}
END_TEST

/* In order of time, whatever the order of setting, moving and clearing;
 * on_timer looks at the order. */
START_TEST(keeps_order)
{
	int64_t due = 0;

	for (int i = 0; i < N_TIMERS; i++)
		timer_set(&ts, &probes[i].timer, (i * 7919) % 1009 + 1);
	for (int i = 0; i < N_TIMERS; i += 3)
		timer_set(&ts, &probes[i].timer, (i * 104729) % 2003 + 1);
	for (int i = 0; i < N_TIMERS; i += 5)
		timer_clear(&ts, &probes[i].timer);
	while (timers_next(&ts) >= 0) {
		ck_assert_int_gt(timers_next(&ts), due);
		due = timers_next(&ts);
		ck_assert_uint_ge(timers_run(&ts, due), 1);
	}
	for (int i = 0; i < N_TIMERS; i++)
		ck_assert_int_eq(probes[i].fired, i % 5 ? 1 : 0);
}
END_TEST

START_TEST(moves)
{
	timer_set(&ts, &probes[0].timer, 100);
	timer_set(&ts, &probes[1].timer, 50);
	timer_set(&ts, &probes[0].timer, 10);
	ck_assert_int_eq(timers_next(&ts), 10);
	timer_set(&ts, &probes[0].timer, 200);
	ck_assert_int_eq(timers_next(&ts), 50);
	ck_assert_uint_eq(timers_run(&ts, 300), 2);
	ck_assert_int_eq(probes[0].fired, 1);
}
END_TEST

START_TEST(handler_clears_another)
{
	probes[0].clears = &probes[1];
	timer_set(&ts, &probes[0].timer, 10);
	timer_set(&ts, &probes[1].timer, 11);
	timer_set(&ts, &probes[2].timer, 12);
	ck_assert_uint_eq(timers_run(&ts, 20), 2);
	ck_assert_int_eq(probes[1].fired, 0);
	ck_assert_int_eq(probes[2].fired, 1);
}
END_TEST

START_TEST(handler_sets_itself)
{
	probes[0].again_ms = 30;
	timer_set(&ts, &probes[0].timer, 10);
	ck_assert_uint_eq(timers_run(&ts, 20), 1);
	ck_assert_int_eq(timers_next(&ts), 30);
	/* For a time that has come: once in each run, never for ever. */
	ck_assert_uint_eq(timers_run(&ts, 30), 1);
	ck_assert_uint_eq(timers_run(&ts, 30), 1);
	ck_assert_int_eq(probes[0].fired, 3);
}
END_TEST

START_TEST(fini_forgets)
{
	timer_set(&ts, &probes[0].timer, 10);
	timers_fini(&ts);
	ck_assert(!timer_is_set(&probes[0].timer));
	ck_assert_uint_eq(timers_run(&ts, 20), 0);
	timer_set(&ts, &probes[0].timer, 10);
	ck_assert_uint_eq(timers_run(&ts, 20), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("timer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, none);
	tcase_add_test(tc, fires_when_due);
	tcase_add_test(tc, keeps_order);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, handler_clears_another);
	tcase_add_test(tc, handler_sets_itself);
	tcase_add_test(tc, fini_forgets);
	return unit_run(tc);
}
