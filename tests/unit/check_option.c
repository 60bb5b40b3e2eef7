/* check_option.c - settings from text, and back. */

#include "core/option.h"

#include "base/err.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

enum fruit { APPLE, PEAR, PLUM };

struct settings {
	bool flag;
	int64_t number, any, size, time;
	char *text, *unset;
	int fruit;
	struct option_list names, none;
};

static const char *const fruits[] = { "apple", "pear", "plum", NULL };

static int
check_name(const char *value, struct err *err)
{
	if (!strchr(value, '!'))
		return 0;
	return err_set(err, "found \"%s\", expected a name", value);
}

#define AT(field) offsetof(struct settings, field)

static const struct option table[] = {
	{ "flag", OPT_BOOL, AT(flag), .def = "yes" },
	{ "number", OPT_INT, AT(number), .def = "500", .min = 1, .max = 1000 },
	{ "any", OPT_INT, AT(any), .doc = "Any." },
	{ "size", OPT_SIZE, AT(size), .def = "256K", .min = 1024,
	  .max = INT64_MAX },
	{ "time", OPT_DURATION, AT(time), .def = "90s", .max = 86400000 },
	{ "text", OPT_STRING, AT(text), .def = "a b" },
	{ "unset", OPT_STRING, AT(unset), .doc = "Unset." },
	{ "fruit", OPT_ENUM, AT(fruit), .def = "pear", .choices = fruits },
	{ "names", OPT_LIST, AT(names), .def = "one two", .check = check_name },
	{ "none", OPT_LIST, AT(none), .doc = "None." },
	{ 0 }
};

START_TEST(defaults)
{
	struct settings s = { 0 };

	option_defaults(table, &s);
	ck_assert(s.flag);
	ck_assert_int_eq(s.number, 500);
	ck_assert_int_eq(s.any, 0);
	ck_assert_int_eq(s.size, 256 * 1024);
	ck_assert_int_eq(s.time, 90000);
	ck_assert_str_eq(s.text, "a b");
	ck_assert_ptr_null(s.unset);
	ck_assert_int_eq(s.fruit, PEAR);
	ck_assert_uint_eq(s.names.n, 2);
	ck_assert_str_eq(s.names.items[0], "one");
	ck_assert_str_eq(s.names.items[1], "two");
	ck_assert_uint_eq(s.none.n, 0);
	/* Once more over the values: nothing leaks. */
	option_defaults(table, &s);
	option_fini(table, &s);
	ck_assert_ptr_null(s.text);
	ck_assert_uint_eq(s.names.n, 0);
	option_defaults(NULL, NULL);
	option_fini(NULL, NULL);
}
END_TEST

/* text is how option_text writes what was set; NULL: refused. */
static const struct {
	const char *name, *in, *text;
} values[] = {
	{ "flag", "no", "no" },
	{ "flag", "on", "yes" },
	{ "flag", "false", "no" },
	{ "flag", "1", NULL },
	{ "flag", "", NULL },
	{ "number", "1", "1" },
	{ "number", "1000", "1000" },
	{ "number", "0", NULL },
	{ "number", "1001", NULL },
	{ "number", "1K", NULL },
	{ "number", " 1", NULL },
	{ "number", "+1", NULL },
	{ "number", "1 ", NULL },
	{ "number", "", NULL },
	{ "number", "0x10", NULL },
	{ "any", "-9223372036854775808", "-9223372036854775808" },
	{ "any", "9223372036854775808", NULL },
	{ "any", "-", NULL },
	{ "size", "4M", "4M" },
	{ "size", "1024", "1K" },
	{ "size", "1025", "1025" },
	{ "size", "3G", "3G" },
	{ "size", "2048K", "2M" },
	{ "size", "1k", NULL },
	{ "size", "1023", NULL },
	{ "size", "-4K", NULL },
	{ "size", "9223372036854775807", "9223372036854775807" },
	{ "size", "9223372036854775807K", NULL },
	{ "time", "500ms", "500ms" },
	{ "time", "60s", "1m" },
	{ "time", "120m", "2h" },
	{ "time", "24h", "1d" },
	{ "time", "1d", "1d" },
	{ "time", "2d", NULL },
	{ "time", "0", "0" },
	{ "time", "0s", "0" },
	{ "time", "30", NULL },
	{ "time", "s", NULL },
	{ "time", "0x", NULL },
	{ "text", "", "" },
	{ "text", "x y", "x y" },
	{ "fruit", "plum", "plum" },
	{ "fruit", "Plum", NULL },
	{ "names", "three", "three" },
	{ "names", "thr!ee", NULL },
};

START_TEST(sets)
{
	const struct option *o = option_find(table, values[_i].name);
	const char *want = values[_i].text;
	struct settings s = { 0 };
	char *before, *after;
	struct err err;
	int ret;

	option_defaults(table, &s);
	before = option_text(o, &s);
	ret = option_set(o, &s, &values[_i].in, 1, &err);
	after = option_text(o, &s);
	ck_assert_int_eq(ret, want ? 0 : -1);
	ck_assert_str_eq(after, want ? want : before);
	if (!want)
		ck_assert_ptr_nonnull(strstr(err.text, "expected"));
	free(before);
	free(after);
	option_fini(table, &s);
}
END_TEST

START_TEST(takes_lists)
{
	static const char *const items[] = { "a", "b c", "d" };
	const struct option *o = option_find(table, "names");
	struct settings s = { 0 };
	struct err err;

	option_defaults(table, &s);
	ck_assert_int_eq(option_set(o, &s, items, 3, &err), 0);
	ck_assert_uint_eq(s.names.n, 3);
	ck_assert_str_eq(s.names.items[1], "b c");
	ck_assert_int_eq(option_set(o, &s, NULL, 0, &err), 0);
	ck_assert_uint_eq(s.names.n, 0);

	o = option_find(table, "number");
	ck_assert_int_eq(option_set(o, &s, items, 2, &err), -1);
	ck_assert_str_eq(err.text, "found 2 values, expected a whole number, "
				   "from 1 to 1000");
	option_fini(table, &s);
}
END_TEST

static const struct {
	const char *name, *in, *says;
} refused[] = {
	{ "flag", "maybe", "found \"maybe\", expected yes or no" },
	{ "number", "7.5",
	  "found \"7.5\", expected a whole number, from 1 to 1000" },
	{ "any", "x", "found \"x\", expected a whole number" },
	{ "size", "1",
	  "found \"1\", expected a size like 256K or 4M, at least 1K" },
	{ "time", "30",
	  "found \"30\", expected a time like 30s or 5m, from 0 to 1d" },
	{ "fruit", "fig",
	  "found \"fig\", expected \"apple\", \"pear\" or \"plum\"" },
	{ "names", "!", "found \"!\", expected a name" },
};

START_TEST(says_what_was_expected)
{
	const struct option *o = option_find(table, refused[_i].name);
	struct settings s = { 0 };
	struct err err;

	ck_assert_int_eq(option_set(o, &s, &refused[_i].in, 1, &err), -1);
	ck_assert_str_eq(err.text, refused[_i].says);
}
END_TEST

START_TEST(finds)
{
	ck_assert_ptr_eq(option_find(table, "flag"), &table[0]);
	ck_assert_ptr_null(option_find(table, "fla"));
	ck_assert_ptr_null(option_find(NULL, "flag"));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("option");

	tcase_add_test(tc, defaults);
	tcase_add_loop_test(tc, sets, 0, N_ELEMENTS(values));
	tcase_add_test(tc, takes_lists);
	tcase_add_loop_test(tc, says_what_was_expected, 0, N_ELEMENTS(refused));
	tcase_add_test(tc, finds);
	return unit_run(tc);
}
