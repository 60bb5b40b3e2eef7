/* check_err.c - why something failed, in words. */

#include "base/err.h"

#include "unit.h"

#include <errno.h>
#include <string.h>

START_TEST(sets)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, "port %d", 5222), -1);
	ck_assert_str_eq(err.text, "port 5222");
	ck_assert_int_eq(err_set(NULL, "nobody asks"), -1);
}
END_TEST

START_TEST(wraps)
{
	struct err err;

	err_set(&err, "not valid for %s", "example.net");
	ck_assert_int_eq(err_wrap(&err, "certificate %s", "a.pem"), -1);
	ck_assert_str_eq(err.text,
			 "certificate a.pem: not valid for example.net");
	ck_assert_int_eq(err_wrap(NULL, "nobody asks"), -1);
}
END_TEST

START_TEST(names_errno)
{
	struct err err;

	errno = ENOENT;
	ck_assert_int_eq(err_sys(&err, "open %s", "x"), -1);
	ck_assert_str_eq(err.text, "open x: No such file or directory");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(err_sys(NULL, "nobody asks"), -1);
}
END_TEST

/* What does not fit is cut at the end: the context stays. */
START_TEST(cuts)
{
	char word[2 * sizeof(struct err)];
	struct err err;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err_set(&err, "%s", word);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, "context");
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_int_eq(strncmp(err.text, "context: xxx", 12), 0);
	err_wrap(&err, "%s", word);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	errno = ENOENT;
	err_sys(&err, "%s", word);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("err");

	tcase_add_test(tc, sets);
	tcase_add_test(tc, wraps);
	tcase_add_test(tc, names_errno);
	tcase_add_test(tc, cuts);
	return unit_run(tc);
}
