/* check_counts.c - counting within a window, and forgetting after it. */

#include "core/counts.h"

#include "base/clock.h"
#include "net/loop.h"
#include "unit.h"

static struct clock fake;
static struct loop *loop;
static int64_t window_ms;
static struct counts counts;

static void
setup(void)
{
	clock_init_fake(&fake);
	loop = loop_new("core", &fake);
	window_ms = 1000;
	counts_init(&counts, loop, &window_ms);
}

static void
teardown(void)
{
	counts_fini(&counts);
	loop_free(loop);
}

static void
pass(int64_t ms)
{
	clock_advance(&fake, ms);
	loop_step(loop);
}

START_TEST(each_key)
{
	ck_assert_int_eq(counts_get(&counts, "a"), 0);
	counts_add(&counts, "a");
	counts_add(&counts, "a");
	counts_add(&counts, "b");
	ck_assert_int_eq(counts_get(&counts, "a"), 2);
	ck_assert_int_eq(counts_get(&counts, "b"), 1);
	ck_assert_int_eq(counts_get(&counts, "c"), 0);
}
END_TEST

/* The window starts with the first, not with each. */
START_TEST(window)
{
	counts_add(&counts, "a");
	pass(999);
	counts_add(&counts, "a");
	ck_assert_int_eq(counts_get(&counts, "a"), 2);
	clock_advance(&fake, 1);
	ck_assert_int_eq(counts_get(&counts, "a"), 0);
	counts_add(&counts, "a");
	ck_assert_int_eq(counts_get(&counts, "a"), 1);
}
END_TEST

START_TEST(forgotten)
{
	counts_add(&counts, "a");
	pass(600);
	counts_add(&counts, "b");
	pass(600);
	ck_assert_uint_eq(counts.map.n, 1);
	ck_assert_int_eq(counts_get(&counts, "b"), 1);
	pass(600);
	ck_assert_uint_eq(counts.map.n, 0);
	pass(10000);
	ck_assert(!timer_is_set(&counts.sweep));
}
END_TEST

/* A reload may make it longer or shorter. */
START_TEST(another_window)
{
	counts_add(&counts, "a");
	clock_advance(&fake, 500);
	window_ms = 400;
	ck_assert_int_eq(counts_get(&counts, "a"), 0);
	window_ms = 2000;
	ck_assert_int_eq(counts_get(&counts, "a"), 1);
}
END_TEST

START_TEST(zeroed)
{
	struct counts none = { 0 };

	counts_fini(&none);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("counts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_key);
	tcase_add_test(tc, window);
	tcase_add_test(tc, forgotten);
	tcase_add_test(tc, another_window);
	tcase_add_test(tc, zeroed);
	return unit_run(tc);
}
