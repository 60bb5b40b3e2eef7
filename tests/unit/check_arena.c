/* check_arena.c - memory that lives and dies as a whole. */

#include "base/arena.h"

#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

START_TEST(aligns)
{
	struct arena *a = arena_new();

	for (size_t size = 0; size < 40; size++) {
		char *p = arena_alloc(a, size);

		ck_assert_uint_eq((uintptr_t)p % 8, 0);
		memset(p, 'x', size);
	}
	arena_unref(&a);
	ck_assert_ptr_null(a);
}
END_TEST

/* What was allocated earlier stays where and what it was. */
START_TEST(grows)
{
	struct arena *a = arena_new();
	size_t before = arena_size(a);
	char *p[2000];

	for (int i = 0; i < 2000; i++)
		p[i] = arena_printf(a, "number %d", i);
	for (int i = 0; i < 2000; i++) {
		char want[32];

		snprintf(want, sizeof(want), "number %d", i);
		ck_assert_str_eq(p[i], want);
	}
	ck_assert_uint_ge(arena_size(a), before + 2000 * strlen("number 0"));
	arena_unref(&a);
}
END_TEST

/* As large as it has to be, and yet it grows. */
START_TEST(grows_out_of_a_copy)
{
	struct arena *a = arena_new(), *b;
	char *p;

	arena_alloc(a, 100);
	b = arena_new_like(a);
	ck_assert_uint_ge(arena_size(b), 100);
	ck_assert_uint_lt(arena_size(b), 200);
	memset(arena_alloc(b, 100), 'x', 100);
	ck_assert_uint_lt(arena_size(b), 200);
	p = arena_strdup(b, "more");
	memset(arena_alloc(b, 10000), 'x', 10000);
	ck_assert_str_eq(p, "more");
	arena_unref(&a);
	arena_unref(&b);
}
END_TEST

/* A large object gets its own block; small ones go on filling the old. */
START_TEST(large)
{
	struct arena *a = arena_new();
	char *first = arena_alloc(a, 8);
	char *big = arena_zalloc(a, 1000000);
	char *second = arena_alloc(a, 8);

	ck_assert_ptr_eq(second, first + 8);
	for (int i = 0; i < 1000000; i++)
		ck_assert_int_eq(big[i], 0);
	memset(big, 'x', 1000000);
	ck_assert_uint_ge(arena_size(a), 1000000);
	ck_assert_uint_lt(arena_size(a), 1010000);
	arena_unref(&a);
}
END_TEST

START_TEST(strings)
{
	struct arena *a = arena_new();
	const char *text = "romeo@example.net";

	ck_assert_str_eq(arena_strdup(a, text), text);
	ck_assert_str_eq(arena_strdup(a, ""), "");
	ck_assert_str_eq(arena_strndup(a, text, 5), "romeo");
	ck_assert_str_eq(arena_strndup(a, NULL, 0), "");
	ck_assert_mem_eq(arena_strndup(a, "a\0b", 3), "a\0b", 4);
	ck_assert_str_eq(arena_printf(a, "%s/%d", "x", 7), "x/7");
	arena_unref(&a);
}
END_TEST

static char dropped[8];

static void
drop(void *obj)
{
	strcat(dropped, obj);
}

START_TEST(owns)
{
	struct arena *a = arena_new();

	/* The names themselves lie in the arena: still there when dropped. */
	arena_own(a, arena_strdup(a, "1"), drop);
	arena_own(a, arena_strdup(a, "2"), drop);
	arena_own(a, arena_strdup(a, "3"), drop);
	ck_assert_str_eq(dropped, "");
	arena_unref(&a);
	ck_assert_str_eq(dropped, "321");
}
END_TEST

START_TEST(counts)
{
	struct arena *a = arena_new(), *b = arena_ref(a), *none = NULL;

	arena_own(a, arena_strdup(a, "x"), drop);
	arena_unref(&a);
	ck_assert_ptr_null(a);
	ck_assert_str_eq(dropped, "");
	arena_unref(&b);
	ck_assert_str_eq(dropped, "x");
	arena_unref(&none);
}
END_TEST

static void
forget_dropped(void)
{
	dropped[0] = '\0';
}

int
main(void)
{
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, forget_dropped, NULL);
	tcase_add_test(tc, aligns);
	tcase_add_test(tc, grows);
	tcase_add_test(tc, grows_out_of_a_copy);
	tcase_add_test(tc, large);
	tcase_add_test(tc, strings);
	tcase_add_test(tc, owns);
	tcase_add_test(tc, counts);
	return unit_run(tc);
}
