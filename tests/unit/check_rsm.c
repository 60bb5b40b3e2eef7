/* check_rsm.c - pages of results (XEP-0059). */

#include "base/arena.h"
#include "base/chunk.h"
#include "base/list.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/rsm.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

#define MANY "99999999999999999999"

static const struct {
	const char *set; /* inside; NULL: no <set/> */
	enum stanza_cond cond;
	struct rsm want;
} cases[] = {
	{ NULL, COND_NONE, { false, -1, NULL, NULL, false } },
	{ "", COND_NONE, { true, -1, NULL, NULL, false } },
	{ "<max>10</max>", COND_NONE, { true, 10, NULL, NULL, false } },
	{ "<max>0</max>", COND_NONE, { true, 0, NULL, NULL, false } },
	{ "<max>" MANY "</max>",
	  COND_NONE,
	  { true, 999999999, NULL, NULL, false } },
	{ "<max>-1</max>", COND_BAD_REQUEST, { 0 } },
	{ "<max>1x</max>", COND_BAD_REQUEST, { 0 } },
	{ "<max/>", COND_BAD_REQUEST, { 0 } },
	{ "<after>x</after>", COND_NONE, { true, -1, "x", NULL, false } },
	{ "<after/>", COND_NONE, { true, -1, NULL, NULL, false } },
	{ "<before/>", COND_NONE, { true, -1, NULL, NULL, true } },
	{ "<before>y</before>", COND_NONE, { true, -1, NULL, "y", true } },
	{ "<max>1</max><index>4</index>", COND_FEATURE_NOT_IMPLEMENTED, { 0 } },
};

static struct xml *
parse(struct xml_pool *pool, struct arena *a, const char *set)
{
	char text[256];

	snprintf(text, sizeof(text), "<query xmlns='x'>%s%s%s</query>",
		 set ? "<set xmlns='" NS_RSM "'>" : "", set ? set : "",
		 set ? "</set>" : "");
	return xml_from_text(pool, a, text, strlen(text));
}

START_TEST(read)
{
	struct xml_pool *pool = xml_pool_new();
	struct arena *a = arena_new();
	const struct rsm *want = &cases[_i].want;
	struct rsm got;

	ck_assert_int_eq(rsm_read(a, parse(pool, a, cases[_i].set), &got),
			 cases[_i].cond);
	if (!cases[_i].cond) {
		ck_assert_int_eq(got.is_there, want->is_there);
		ck_assert_int_eq(got.max, want->max);
		ck_assert_pstr_eq(got.after, want->after);
		ck_assert_pstr_eq(got.before, want->before);
		ck_assert_int_eq(got.is_backwards, want->is_backwards);
	}
	arena_unref(&a);
	xml_pool_free(pool);
}
END_TEST

static const struct {
	struct rsm_page page;
	const char *want;
} pages[] = {
	{ { "a", "b", 3, 7 },
	  "<first index='3'>a</first><last>b</last><count>7</count>" },
	{ { "a", "a", -1, -1 }, "<first>a</first><last>a</last>" },
	{ { NULL, NULL, -1, 7 }, "<count>7</count>" },
	{ { NULL, NULL, 0, 0 }, "<count>0</count>" },
};

START_TEST(write)
{
	struct arena *a = arena_new();
	struct xml *query = xml_new(a, "query", "x");
	struct chunk *text;
	char want[256];
	size_t len;

	rsm_add(a, query, &pages[_i].page);
	text = xml_to_text(query);
	snprintf(want, sizeof(want),
		 "<query xmlns='x'><set xmlns='" NS_RSM "'>%s</set></query>",
		 pages[_i].want);
	ck_assert_str_eq(chunk_data(text, &len), want);
	chunk_unref(&text);
	arena_unref(&a);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("rsm");

	tcase_add_loop_test(tc, read, 0, N_ELEMENTS(cases));
	tcase_add_loop_test(tc, write, 0, N_ELEMENTS(pages));
	return unit_run(tc);
}
