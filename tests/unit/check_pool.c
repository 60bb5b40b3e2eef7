/* check_pool.c - blocks that come and go, within a thread and between them. */

#include "base/pool.h"

#include "unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define N	 3000
#define N_PASSED 5000 /* by each thread */
#define SLOTS	 512

static void *blocks[N];

/* Whatever came of the blocks before: each is whole, and there once. */
START_TEST(each_once)
{
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			blocks[i] = pool_alloc();
			ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
			memset(blocks[i], i % 251, POOL_BLOCK);
		}
		for (int i = 0; i < N; i++) {
			const unsigned char *b = blocks[i];

			for (unsigned k = 0; k < POOL_BLOCK; k++)
				if (b[k] != i % 251)
					ck_abort_msg("%d is shared", i);
			pool_free(blocks[i]);
		}
	}
	pool_free(NULL);
}
END_TEST

/* From hand to hand; a block is written to by its owner only. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static void *on_its_way[SLOTS];
static int n_on_its_way;
static bool is_over;

static void *
make(void *arg)
{
	for (int i = 0; i < N_PASSED; i++) {
		int *b = pool_alloc();

		*b = i;
		pthread_mutex_lock(&lock);
		while (n_on_its_way == SLOTS)
			pthread_cond_wait(&changed, &lock);
		on_its_way[n_on_its_way++] = b;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

/* NULL when there will be no more. */
static int *
next_block(void)
{
	int *b = NULL;

	pthread_mutex_lock(&lock);
	while (!n_on_its_way && !is_over)
		pthread_cond_wait(&changed, &lock);
	if (n_on_its_way)
		b = on_its_way[--n_on_its_way];
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return b;
}

static void *
end(void *arg)
{
	for (int *b; (b = next_block()) != NULL;) {
		if (*b < 0 || *b >= N_PASSED)
			abort();
		memset(b, 0xff, POOL_BLOCK);
		pool_free(b);
	}
	return arg;
}

/* Two that only allocate, two that only free: the sanitizers see whether one
 * block ever has two owners, and that the threads leave nothing behind. */
START_TEST(between_threads)
{
	pthread_t makers[2], enders[2];

	is_over = false;
	for (int i = 0; i < 2; i++) {
		pthread_create(&makers[i], NULL, make, NULL);
		pthread_create(&enders[i], NULL, end, NULL);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(makers[i], NULL);
	pthread_mutex_lock(&lock);
	is_over = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 2; i++)
		pthread_join(enders[i], NULL);
	ck_assert_int_eq(n_on_its_way, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pool");

	tcase_add_test(tc, each_once);
	tcase_add_test(tc, between_threads);
	return unit_run(tc);
}
