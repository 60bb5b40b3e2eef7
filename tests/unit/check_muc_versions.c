/* check_muc_versions.c - versions of a room's lists (XEP-0463). */

#include "modules/muc/versions.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <string.h>

static struct versions v;

static void
note(const char *address, enum affiliation affiliation)
{
	struct jid *jid = jid_parse(address);

	versions_note(&v, jid, affiliation);
	jid_unref(&jid);
}

START_TEST(counts_and_remembers)
{
	size_t at;

	ck_assert(versions_since(&v, 0, &at));
	ck_assert_uint_eq(at, 0);
	ck_assert(!versions_since(&v, 1, &at));
	note("a@x.example", AFFILIATION_OWNER);
	note("b@x.example", AFFILIATION_MEMBER);
	ck_assert_int_eq(v.now, 2);
	ck_assert(versions_since(&v, 0, &at));
	ck_assert_uint_eq(at, 0);
	ck_assert(versions_since(&v, 1, &at));
	ck_assert_uint_eq(at, 1);
	ck_assert_str_eq(jid_str(v.changes[at].jid), "b@x.example");
	ck_assert_int_eq(v.changes[at].affiliation, AFFILIATION_MEMBER);
	ck_assert(versions_since(&v, 2, &at));
	ck_assert_uint_eq(at, v.n);
	versions_fini(&v);
}
END_TEST

START_TEST(forgets_the_oldest)
{
	size_t at;

	for (int i = 0; i < VERSIONS_KEPT + 3; i++)
		note("a@x.example", AFFILIATION_MEMBER);
	ck_assert(!versions_since(&v, 2, &at));
	ck_assert(versions_since(&v, 3, &at));
	ck_assert_uint_eq(at, 0);
	ck_assert_int_eq(v.changes[0].version, 4);
	ck_assert_uint_eq(v.n, VERSIONS_KEPT);
	versions_fini(&v);
}
END_TEST

/* In the database one change of each is left. */
START_TEST(goes_on)
{
	struct jid *jid = jid_parse("a@x.example");
	size_t at;

	note("b@x.example", AFFILIATION_OWNER);
	versions_restore(&v, 100, 90);
	ck_assert_uint_eq(v.n, 0);
	versions_add(&v, 93, jid, AFFILIATION_NONE);
	versions_add(&v, 98, jid, AFFILIATION_MEMBER);
	jid_unref(&jid);
	ck_assert(!versions_since(&v, 89, &at));
	ck_assert(versions_since(&v, 90, &at));
	ck_assert_uint_eq(at, 0);
	ck_assert(versions_since(&v, 93, &at));
	ck_assert_uint_eq(at, 1);
	ck_assert(versions_since(&v, 98, &at));
	ck_assert_uint_eq(at, 2);
	note("b@x.example", AFFILIATION_OWNER);
	ck_assert_int_eq(v.now, 101);
	versions_fini(&v);
}
END_TEST

START_TEST(texts)
{
	char text[VERSIONS_TEXT_MAX];
	static const char *const bad[] = { "",
					   "-",
					   "7b",
					   "7b-",
					   "7b-x",
					   "7b--1",
					   "7b-07",
					   "7b-7.1",
					   "7c-7",
					   "7B-7",
					   " 7b-7",
					   "7b-7 ",
					   "7b-99999999999999999999" };

	ck_assert_str_eq(versions_text(123, 7, 0, text), "7b-7");
	ck_assert_int_eq(versions_parse(123, text), 7);
	ck_assert_int_eq(versions_parse(123, "7b-0"), 0);
	ck_assert_str_eq(versions_text(123, 7, 1, text), "7b-7.1");
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		ck_assert_int_eq(versions_parse(123, bad[i]), -1);
	versions_text(INT64_MIN, INT64_MAX, UINT32_MAX, text);
	ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("versions");

	tcase_add_test(tc, counts_and_remembers);
	tcase_add_test(tc, forgets_the_oldest);
	tcase_add_test(tc, goes_on);
	tcase_add_test(tc, texts);
	return unit_run(tc);
}
