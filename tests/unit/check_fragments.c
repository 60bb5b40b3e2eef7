/* check_fragments.c - pieces of XML that a user keeps on the server. */

#include "storage/fragments.h"

#include "base/chunk.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

#define ROMEO  "romeo@example.net"
#define JULIET "juliet@example.net"

static struct fixture f;

static void
put(const char *owner, const char *kind, const char *key, const char *xml,
    size_t max, enum store_status want)
{
	struct chunk *c = chunk_copy(xml, strlen(xml));
	struct outcome o = { 0 };

	fragment_put(f.store, owner, kind, key, c, max, outcome_set, &o);
	chunk_unref(&c);
	outcome_expect(&f, &o, want);
}

static void
on_fragment(void *data, const struct fragment_result *res)
{
	char *out = data;

	if (res->res.status == STORE_NOT_FOUND) {
		ck_assert_ptr_null(res->xml);
		strcpy(out, "none");
		return;
	}
	ck_assert_int_eq(res->res.status, STORE_OK);
	ck_assert_uint_eq(res->len, strlen(res->xml));
	strcpy(out, res->xml);
}

static void
ck_get(const char *owner, const char *kind, const char *key, const char *want)
{
	char got[256] = "";

	fragment_get(f.store, owner, kind, key, on_fragment, got);
	fixture_settle(&f);
	ck_assert_str_eq(got, want);
}

START_TEST(puts_and_gets)
{
	fixture_open(&f, _i);
	ck_get(ROMEO, "vcard", "", "none");
	put(ROMEO, "vcard", "", "<vCard/>", 1, STORE_OK);
	put(JULIET, "vcard", "", "<vCard>J</vCard>", 1, STORE_OK);
	put(ROMEO, "private", "a urn:a", "<a/>", 10, STORE_OK);
	put(ROMEO, "private", "b urn:b", "", 10, STORE_OK);
	fixture_reopen(&f);
	ck_get(ROMEO, "vcard", "", "<vCard/>");
	ck_get(JULIET, "vcard", "", "<vCard>J</vCard>");
	ck_get(ROMEO, "private", "a urn:a", "<a/>");
	ck_get(ROMEO, "private", "b urn:b", "");
	ck_get(ROMEO, "private", "", "none");
	ck_get(ROMEO, "vcard", "a urn:a", "none");

	put(ROMEO, "vcard", "", "<vCard>R</vCard>", 1, STORE_OK);
	ck_get(ROMEO, "vcard", "", "<vCard>R</vCard>");
	ck_get(JULIET, "vcard", "", "<vCard>J</vCard>");
}
END_TEST

START_TEST(refuses_too_many_keys)
{
	fixture_open(&f, _i);
	put(ROMEO, "private", "a", "<a/>", 2, STORE_OK);
	put(ROMEO, "private", "b", "<b/>", 2, STORE_OK);
	put(ROMEO, "private", "c", "<c/>", 2, STORE_FULL);
	ck_get(ROMEO, "private", "c", "none");
	/* The limit is for new ones of this kind and owner. */
	put(ROMEO, "private", "a", "<a2/>", 2, STORE_OK);
	put(ROMEO, "private", "a", "<a3/>", 0, STORE_OK);
	put(ROMEO, "vcard", "c", "<c/>", 2, STORE_OK);
	put(JULIET, "private", "c", "<c/>", 2, STORE_OK);
	ck_get(ROMEO, "private", "a", "<a3/>");
}
END_TEST

START_TEST(removes)
{
	struct outcome o = { 0 };

	fixture_open(&f, _i);
	put(ROMEO, "private", "a", "<a/>", 2, STORE_OK);
	put(ROMEO, "private", "b", "<b/>", 2, STORE_OK);
	fragment_remove(f.store, ROMEO, "private", "a", outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
	fragment_remove(f.store, ROMEO, "private", "a", outcome_set, &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	fragment_remove(f.store, JULIET, "private", "b", outcome_set, &o);
	outcome_expect(&f, &o, STORE_NOT_FOUND);
	ck_get(ROMEO, "private", "a", "none");
	ck_get(ROMEO, "private", "b", "<b/>");
	put(ROMEO, "private", "c", "<c/>", 2, STORE_OK);
}
END_TEST

static void
put_all(const char *const pairs[][2], size_t n, size_t max,
	enum store_status want)
{
	struct fragment_item items[4] = { 0 };
	struct outcome o = { 0 };

	for (size_t i = 0; i < n; i++) {
		const char *xml = pairs[i][1];

		items[i].key = pairs[i][0];
		items[i].xml = xml ? chunk_copy(xml, strlen(xml)) : NULL;
	}
	fragment_put_all(f.store, ROMEO, "private", items, n, max, outcome_set,
			 &o);
	for (size_t i = 0; i < n; i++)
		chunk_unref(&items[i].xml);
	outcome_expect(&f, &o, want);
}

START_TEST(puts_all_or_none)
{
	static const char *const first[][2] = { { "a", "<a/>" },
						{ "b", "<b/>" } };
	static const char *const second[][2] = { { "a", "<a2/>" },
						 { "b", NULL },
						 { "c", "<c/>" },
						 { "none", NULL } };
	static const char *const full[][2] = { { "a", "<a3/>" },
					       { "c", "<c3/>" },
					       { "d", "<d/>" } };

	fixture_open(&f, _i);
	put(ROMEO, "vcard", "", "<vCard/>", 1, STORE_OK);
	put_all(first, 2, 2, STORE_OK);
	put_all(second, 4, 2, STORE_OK);
	ck_get(ROMEO, "private", "a", "<a2/>");
	ck_get(ROMEO, "private", "b", "none");
	ck_get(ROMEO, "private", "c", "<c/>");
	put_all(full, 3, 2, STORE_FULL);
	ck_get(ROMEO, "private", "a", "<a2/>");
	ck_get(ROMEO, "private", "c", "<c/>");
	ck_get(ROMEO, "private", "d", "none");
	/* The limit is for new ones. */
	put_all(full, 2, 1, STORE_OK);
	ck_get(ROMEO, "private", "a", "<a3/>");
	ck_get(ROMEO, "vcard", "", "<vCard/>");
}
END_TEST

static void
teardown(void)
{
	fixture_close(&f);
}

int
main(void)
{
	TCase *tc = tcase_create("fragments");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, puts_and_gets);
	add_store_test(tc, refuses_too_many_keys);
	add_store_test(tc, removes);
	add_store_test(tc, puts_all_or_none);
	return unit_run(tc);
}
