/* check_token.c - random text. */

#include "base/token.h"

#include "unit.h"

#include <stdbool.h>
#include <string.h>

#define N 200 /* more than one filling of the pool */

START_TEST(are_all_different)
{
	char tokens[N][25];

	for (int i = 0; i < N; i++) {
		token_make(tokens[i], 24);
		ck_assert_uint_eq(strlen(tokens[i]), 24);
		ck_assert_uint_eq(strspn(tokens[i], "0123456789abcdef"), 24);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(tokens[k], tokens[i]);
	}
}
END_TEST

START_TEST(have_the_length_that_is_asked_for)
{
	char token[8] = "xxxxxxx";

	token_make(token, 0);
	ck_assert_str_eq(token, "");
	token_make(token, 5);
	ck_assert_uint_eq(strlen(token), 5);
	ck_assert_int_eq(token[6], 'x');
}
END_TEST

/* Each one: that one is missing happens once in 10^27 runs. */
START_TEST(uses_all_digits)
{
	bool seen[256] = { 0 };
	char token[1001];

	token_make(token, 1000);
	for (int i = 0; i < 1000; i++)
		seen[(unsigned char)token[i]] = true;
	for (const char *d = "0123456789abcdef"; *d; d++)
		ck_assert(seen[(unsigned char)*d]);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("token");

	tcase_add_test(tc, are_all_different);
	tcase_add_test(tc, have_the_length_that_is_asked_for);
	tcase_add_test(tc, uses_all_digits);
	return unit_run(tc);
}
