/* check_blocklist.c - whom a user does not want to hear of. */

#include "storage/blocklist.h"

#include "store_fixture.h"

#include <string.h>

#define ROMEO  "romeo@example.net"
#define JULIET "juliet@example.net"

static struct fixture f;

static void
on_list(void *data, const struct blocklist_result *res)
{
	char *out = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	strcat(out, ":");
	for (size_t i = 0; i < res->n_jids; i++) {
		strcat(out, " ");
		strcat(out, res->jids[i]);
	}
}

static void
ck_list(const char *owner, const char *want)
{
	char got[256] = "";

	blocklist_load(f.store, owner, on_list, got);
	fixture_settle(&f);
	ck_assert_str_eq(got, want);
}

static void
add(const char *owner, const char *const *jids, size_t n, size_t max,
    enum store_status want)
{
	struct outcome o = { 0 };

	blocklist_add(f.store, owner, jids, n, max, outcome_set, &o);
	outcome_expect(&f, &o, want);
}

static void
take(const char *owner, const char *const *jids, size_t n)
{
	struct outcome o = { 0 };

	blocklist_remove(f.store, owner, jids, n, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
}

static const char *const abc[] = { "c@x", "a@x", "b@x/r", "d" };

START_TEST(adds_and_removes)
{
	fixture_open(&f, _i);
	ck_list(ROMEO, ":");
	add(ROMEO, abc, 3, 10, STORE_OK);
	add(JULIET, abc, 1, 10, STORE_OK);
	add(ROMEO, abc + 2, 2, 10, STORE_OK); /* one is there already */
	fixture_reopen(&f);
	ck_list(ROMEO, ": a@x b@x/r c@x d");
	take(ROMEO, abc + 1, 2);
	ck_list(ROMEO, ": c@x d");
	take(ROMEO, abc + 1, 2);
	ck_list(ROMEO, ": c@x d");
	add(ROMEO, NULL, 0, 10, STORE_OK);
	take(ROMEO, NULL, 0);
	ck_list(ROMEO, ":");
	ck_list(JULIET, ": c@x");
}
END_TEST

START_TEST(refuses_all_or_none)
{
	fixture_open(&f, _i);
	add(ROMEO, abc, 2, 2, STORE_OK);
	add(ROMEO, abc + 1, 2, 2, STORE_FULL);
	ck_list(ROMEO, ": a@x c@x");
	/* What is there already needs no room. */
	add(ROMEO, abc, 2, 2, STORE_OK);
	add(ROMEO, abc, 2, 0, STORE_OK);
	add(JULIET, abc, 3, 2, STORE_FULL);
	ck_list(JULIET, ":");
	add(ROMEO, abc, 4, 4, STORE_OK);
	ck_list(ROMEO, ": a@x b@x/r c@x d");
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
	TCase *tc = tcase_create("blocklist");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, adds_and_removes);
	add_store_test(tc, refuses_all_or_none);
	return unit_run(tc);
}
