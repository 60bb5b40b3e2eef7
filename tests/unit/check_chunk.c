/* check_chunk.c - immutable shared bytes. */

#include "base/chunk.h"

#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_THREADS 4
#define N_ROUNDS  20000

START_TEST(takes)
{
	char *data = mem_strdup("<a/>");
	struct chunk *c = chunk_take(data, 4);
	size_t len;

	ck_assert_ptr_eq(chunk_data(c, &len), data);
	ck_assert_uint_eq(len, 4);
	chunk_unref(&c);
	ck_assert_ptr_null(c);
	chunk_unref(&c);
}
END_TEST

START_TEST(copies)
{
	char data[] = "<a/>";
	struct chunk *c = chunk_copy(data, 4);
	struct chunk *empty = chunk_copy(NULL, 0);
	size_t len;

	data[0] = 'x';
	ck_assert_mem_eq(chunk_data(c, &len), "<a/>", 4);
	ck_assert_uint_eq(len, 4);
	chunk_data(empty, &len);
	ck_assert_uint_eq(len, 0);
	chunk_unref(&c);
	chunk_unref(&empty);
}
END_TEST

START_TEST(counts)
{
	struct chunk *a = chunk_copy("text", 4), *b = chunk_ref(a);
	size_t len;

	ck_assert_ptr_eq(a, b);
	chunk_unref(&a);
	ck_assert_mem_eq(chunk_data(b, &len), "text", 4);
	chunk_unref(&b);
}
END_TEST

static void *
take_and_drop(void *arg)
{
	struct chunk *mine = arg;

	for (int i = 0; i < N_ROUNDS; i++) {
		struct chunk *c = chunk_ref(mine);
		size_t len;

		if (chunk_data(c, &len)[len - 1] != 't')
			abort();
		chunk_unref(&c);
	}
	chunk_unref(&mine);
	return NULL;
}

/* Each thread drops the last reference that it knows of; one of them frees.
 * The sanitizers see whether it is exactly one. */
START_TEST(counts_across_threads)
{
	struct chunk *c = chunk_copy("text", 4);
	pthread_t thread[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, take_and_drop,
						chunk_ref(c)),
				 0);
	chunk_unref(&c);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("chunk");

	tcase_add_test(tc, takes);
	tcase_add_test(tc, copies);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, counts_across_threads);
	return unit_run(tc);
}
