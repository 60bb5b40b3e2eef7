/* check_quota.c - bytes and stanzas a second, also of several together. */

#include "core/quota.h"

#include "unit.h"

#include <pthread.h>

enum { N_THREADS = 4, N_TAKES = 10000 };

static const struct quota_rates rates = { .bytes = 1000,
					  .burst = 4000,
					  .stanzas = 10 };

START_TEST(waits)
{
	struct quota *q = quota_new(&rates, 5);

	ck_assert_int_eq(quota_full_ms(q, 5), 0);
	ck_assert_int_eq(quota_take(q, 4000, 10, 5), 0);
	ck_assert_int_eq(quota_full_ms(q, 5), 4001);
	ck_assert_int_eq(quota_take(q, 500, 0, 5), 501);
	/* What one has taken the other one waits for, too. */
	ck_assert_int_eq(quota_take(q, 500, 0, 5), 1001);
	ck_assert_int_eq(quota_take(q, 0, 20, 5), 2001);
	ck_assert_int_eq(quota_take(q, 1, 0, 2005), 0);
	/* Another thread's clock may be a little behind. */
	ck_assert_int_eq(quota_take(q, 1, 0, 2004), 0);
	/* It never holds more than the burst. */
	ck_assert_int_eq(quota_full_ms(q, 100000), 0);
	ck_assert_int_eq(quota_take(q, 4001, 0, 100000), 2);
	quota_unref(&q);
	ck_assert_ptr_null(q);
}
END_TEST

START_TEST(changes)
{
	static const struct quota_rates none = { .burst = 4000 };
	static const struct quota_rates twice = { .bytes = 2000,
						  .burst = 8000 };
	struct quota *q = quota_new(&rates, 0);

	ck_assert_int_eq(quota_take(q, 5000, 0, 0), 1001);
	quota_change(q, &twice);
	ck_assert_int_eq(quota_take(q, 1000, 0, 0), 1001);
	quota_change(q, &none);
	ck_assert_int_eq(quota_take(q, 1000000, 1000000, 0), 0);
	ck_assert_int_eq(quota_full_ms(q, 0), 0);
	quota_change(q, &rates);
	ck_assert_int_eq(quota_take(q, 4000, 10, 0), 0);
	ck_assert_int_eq(quota_take(q, 1, 0, 0), 2);
	quota_unref(&q);
}
END_TEST

static void *
take_often(void *data)
{
	struct quota *q = quota_ref(data);

	for (int i = 0; i < N_TAKES; i++)
		quota_take(q, 1, 0, 0);
	quota_unref(&q);
	return NULL;
}

START_TEST(at_once)
{
	struct quota *q = quota_new(&rates, 0);
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, take_often, q), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(quota_take(q, 1000, 0, 0),
			 N_THREADS * N_TAKES - 4000 + 1000 + 1);
	quota_unref(&q);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("quota");

	tcase_add_test(tc, waits);
	tcase_add_test(tc, changes);
	tcase_add_test(tc, at_once);
	return unit_run(tc);
}
