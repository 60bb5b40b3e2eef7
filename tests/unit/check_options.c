/* check_options.c - the tables of all options: ours and the modules'. */

#include "base/err.h"
#include "core/config.h"
#include "core/host.h"
#include "core/module.h"
#include "core/remote.h"
#include "core/server.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 512

static const struct option *all[OPTIONS_MAX];
static int n_all;

static void
collect(const struct option *table)
{
	for (; table && table->name; table++)
		all[n_all++] = table;
}

/* They share one file, and most of them one section. */
START_TEST(names_are_unique)
{
	for (int i = 0; i < _i; i++)
		ck_assert_str_ne(all[i]->name, all[_i]->name);
}
END_TEST

START_TEST(names_are_plain)
{
	const char *name = all[_i]->name;

	ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
			  strlen(name));
	ck_assert_str_ne(name, "host");
	ck_assert_str_ne(name, "component");
	ck_assert_str_ne(name, "remote");
	ck_assert_str_ne(name, "include");
}
END_TEST

/* The manual has whole sentences. */
START_TEST(texts_end_with_a_stop)
{
	const char *doc = all[_i]->doc;

	ck_assert_ptr_nonnull(doc);
	ck_assert_msg(*doc && doc[strlen(doc) - 1] == '.', "%s: %s",
		      all[_i]->name, doc);
	ck_assert_ptr_null(strstr(doc, "  "));
}
END_TEST

/* What is taken when nothing is written could also be written. */
START_TEST(defaults_are_taken)
{
	struct option alone[] = { *all[_i], { 0 } };
	struct option_list value = { 0 }; /* the largest of all types */
	const char *items[32];
	struct err err;
	size_t n = 0;

	alone[0].offset = 0;
	option_defaults(alone, &value);
	if (alone[0].type == OPT_LIST) {
		for (; n < value.n; n++)
			items[n] = mem_strdup(value.items[n]);
	} else if (alone[0].def) {
		items[n++] = mem_strdup(alone[0].def);
	}
	if (n)
		ck_assert_int_eq(option_set(alone, &value, items, n, &err), 0);
	while (n)
		free((char *)items[--n]);
	option_fini(alone, &value);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("options");

	collect(server_options);
	collect(host_options);
	collect(remote_options);
	for (const struct module *const *m = all_modules; *m; m++)
		collect((*m)->options);
	tcase_add_loop_test(tc, names_are_unique, 0, n_all);
	tcase_add_loop_test(tc, names_are_plain, 0, n_all);
	tcase_add_loop_test(tc, texts_end_with_a_stop, 0, n_all);
	tcase_add_loop_test(tc, defaults_are_taken, 0, n_all);
	return unit_run(tc);
}
