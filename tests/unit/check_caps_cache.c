/* check_caps_cache.c - answers of clients, asked for once and checked. */

#include "modules/caps/cache.h"

#include "base/arena.h"
#include "modules/caps/ver.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE "urn:client"

/* The last questions. */
static struct {
	struct caps_question *q;
	char who[64], node[128];
} asked[8];
static size_t n_asked;
static bool is_over;

static struct caps_cache *cache;
static struct arena *arena;

/* What somebody was told: the features among a to e, "none" for nothing. */
struct told {
	int calls;
	char text[32];
};

static bool
on_ask(void *data, struct caps_question *q, struct jid *who, const char *node)
{
	ck_assert_ptr_eq(data, &asked);
	if (is_over)
		return false;
	ck_assert_uint_lt(n_asked, N_ELEMENTS(asked));
	asked[n_asked].q = q;
	snprintf(asked[n_asked].who, sizeof(asked[n_asked].who), "%s",
		 jid_str(who));
	snprintf(asked[n_asked].node, sizeof(asked[n_asked].node), "%s", node);
	n_asked++;
	return true;
}

static void
on_caps(void *data, const struct caps *caps)
{
	struct told *told = data;

	told->calls++;
	strcpy(told->text, caps ? "" : "none");
	for (const char *f = "abcde"; *f && caps; f++) {
		char feature[] = { *f, '\0' };

		if (caps_has_feature(caps, feature))
			strcat(told->text, feature);
	}
}

static void
set_up(void)
{
	n_asked = 0;
	is_over = false;
	arena = arena_new();
	cache = caps_cache_new(2, on_ask, &asked);
}

static void
tear_down(void)
{
	caps_cache_free(cache);
	arena_unref(&arena);
}

/* An answer with these features. */
static struct xml *
query(const char *features)
{
	struct xml *x = xml_new(arena, "query", NS_DISCO_INFO);

	for (; *features; features++) {
		char var[] = { *features, '\0' };

		xml_set(arena, xml_add(arena, x, "feature", NULL), "var", var);
	}
	return x;
}

static const char *
ver(const char *features)
{
	return caps_ver(arena, query(features), "sha-1");
}

static void
get(const char *who, const char *hash, const char *v, struct told *told)
{
	struct jid *jid = jid_parse(who);
	struct caps_name name = { hash, NODE, v };

	*told = (struct told){ 0 };
	caps_cache_get(cache, jid, &name, on_caps, told);
	jid_unref(&jid);
}

#define ck_told(told, want)                          \
	do {                                         \
		ck_assert_int_eq((told).calls, 1);   \
		ck_assert_str_eq((told).text, want); \
	} while (0)

START_TEST(asks_once_for_all)
{
	struct told x, y, z;

	get("x@example.org/1", "sha-1", ver("ab"), &x);
	ck_assert_uint_eq(n_asked, 1);
	ck_assert_str_eq(asked[0].who, "x@example.org/1");
	ck_assert(!strncmp(asked[0].node, NODE "#", strlen(NODE) + 1));
	ck_assert_str_eq(asked[0].node + strlen(NODE) + 1, ver("ab"));
	get("y@example.org/1", "sha-1", ver("ab"), &y);
	ck_assert_int_eq(x.calls + y.calls, 0);
	caps_cache_answer(cache, asked[0].q, query("ba"));
	ck_told(x, "ab");
	ck_told(y, "ab");
	get("z@example.net/1", "sha-1", ver("ab"), &z);
	ck_told(z, "ab");
	ck_assert_uint_eq(n_asked, 1);
}
END_TEST

START_TEST(does_not_believe_what_does_not_fit)
{
	struct told x, x2, y, z;

	get("x@example.org/1", "sha-1", ver("ab"), &x);
	get("y@example.org/1", "sha-1", ver("ab"), &y);
	get("x@example.org/1", "sha-1", ver("ab"), &x2);
	caps_cache_answer(cache, asked[0].q, query("abc"));
	/* The next one who claims the same is asked; x is out. */
	ck_told(x, "none");
	ck_told(x2, "none");
	ck_assert_uint_eq(n_asked, 2);
	ck_assert_str_eq(asked[1].who, "y@example.org/1");
	caps_cache_answer(cache, asked[1].q, NULL);
	ck_told(y, "none");
	/* Nothing is left of it. */
	get("z@example.org/1", "sha-1", ver("ab"), &z);
	ck_assert_uint_eq(n_asked, 3);
	caps_cache_answer(cache, asked[2].q, query("ab"));
	ck_told(z, "ab");
}
END_TEST

START_TEST(keeps_what_cannot_be_verified_apart)
{
	static const char *const hashes[] = { NULL, "md5" };
	struct told x, y;

	get("x@example.org/1", hashes[_i], "1.0", &x);
	get("y@example.org/1", hashes[_i], "1.0", &y);
	ck_assert_uint_eq(n_asked, 2);
	caps_cache_answer(cache, asked[1].q, query("de"));
	caps_cache_answer(cache, asked[0].q, query("ab"));
	ck_told(x, "ab");
	ck_told(y, "de");
	get("x@example.org/1", hashes[_i], "1.0", &x);
	ck_told(x, "ab");
	get("x@example.org/1", hashes[_i], "1.1", &x);
	ck_assert_uint_eq(n_asked, 3);
	caps_cache_answer(cache, asked[2].q, query(""));
	ck_told(x, "");
}
END_TEST

START_TEST(forgets_the_longest_not_used)
{
	struct told x;

	get("x@example.org/1", "sha-1", ver("a"), &x);
	caps_cache_answer(cache, asked[0].q, query("a"));
	get("x@example.org/1", "sha-1", ver("b"), &x);
	caps_cache_answer(cache, asked[1].q, query("b"));
	get("x@example.org/1", "sha-1", ver("a"), &x);
	ck_told(x, "a");
	get("x@example.org/1", "sha-1", ver("c"), &x);
	caps_cache_answer(cache, asked[2].q, query("c"));
	ck_assert_uint_eq(n_asked, 3);
	get("x@example.org/1", "sha-1", ver("a"), &x);
	ck_told(x, "a");
	get("x@example.org/1", "sha-1", ver("b"), &x);
	ck_assert_uint_eq(n_asked, 4);
	caps_cache_answer(cache, asked[3].q, query("b"));
	caps_cache_set_max(cache, 1);
	get("x@example.org/1", "sha-1", ver("b"), &x);
	ck_told(x, "b");
	get("x@example.org/1", "sha-1", ver("a"), &x);
	ck_assert_uint_eq(n_asked, 5);
	caps_cache_answer(cache, asked[4].q, NULL);
}
END_TEST

START_TEST(has_limits)
{
	struct told x, y, z;
	char *name = mem_alloc(1025);
	struct xml *large = query("");

	/* Questions at a time. */
	get("x@example.org/1", "sha-1", ver("a"), &x);
	get("x@example.org/1", "sha-1", ver("b"), &y);
	get("x@example.org/1", "sha-1", ver("c"), &z);
	ck_told(z, "none");
	caps_cache_answer(cache, asked[1].q, NULL);
	caps_cache_answer(cache, asked[0].q, NULL);
	/* A name. */
	memset(name, 'x', 1024);
	name[1024] = '\0';
	get("x@example.org/1", "sha-1", name, &x);
	ck_told(x, "none");
	free(name);
	/* An answer. */
	for (int i = 0; i < 501; i++) {
		char var[16];

		snprintf(var, sizeof(var), "%d", i);
		xml_set(arena, xml_add(arena, large, "feature", NULL), "var",
			var);
	}
	get("x@example.org/1", "sha-1", caps_ver(arena, large, "sha-1"), &x);
	caps_cache_answer(cache, asked[2].q, large);
	ck_told(x, "none");
	/* The end. */
	is_over = true;
	get("x@example.org/1", "sha-1", ver("d"), &x);
	ck_told(x, "none");
	ck_assert_uint_eq(n_asked, 3);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("caps_cache");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, asks_once_for_all);
	tcase_add_test(tc, does_not_believe_what_does_not_fit);
	tcase_add_loop_test(tc, keeps_what_cannot_be_verified_apart, 0, 2);
	tcase_add_test(tc, forgets_the_longest_not_used);
	tcase_add_test(tc, has_limits);
	return unit_run(tc);
}
