/* check_sm.c - stream management: counts, what is kept, elements. */

#include "xmpp/sm.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

static struct sm *sm;

static void
setup(void)
{
	sm = sm_new();
}

static void
teardown(void)
{
	sm_free(sm);
}

/* A message with that id, in one reference: the session's. */
static void
send_one(const char *id, size_t bytes)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, NULL, NULL, id);

	sm_sent(sm, s, bytes);
	stanza_unref(&s);
}

static void
add_id(void *data, struct stanza *s)
{
	struct buf *b = data;

	buf_printf(b, "%s ", stanza_id(s));
}

/* Those that are kept: "a b c ". */
static void
keeps(const char *want)
{
	struct buf b = { 0 };

	sm_each(sm, add_id, &b);
	buf_addc(&b, '\0');
	ck_assert_str_eq(b.data, want);
	buf_fini(&b);
}

START_TEST(counts_what_is_handled)
{
	ck_assert_uint_eq(sm_handled(sm), 0);
	sm_received(sm);
	sm_received(sm);
	ck_assert_uint_eq(sm_handled(sm), 2);
	ck_assert_uint_eq(sm_sent_count(sm), 0);
}
END_TEST

START_TEST(keeps_until_acknowledged)
{
	send_one("a", 100);
	send_one("b", 10);
	send_one("c", 1);
	ck_assert_uint_eq(sm_sent_count(sm), 3);
	ck_assert_uint_eq(sm_n_unacked(sm), 3);
	ck_assert_uint_eq(sm_unacked_bytes(sm), 111);

	ck_assert_int_eq(sm_acked(sm, 0), 0);
	keeps("a b c ");
	ck_assert_int_eq(sm_acked(sm, 2), 0);
	keeps("c ");
	ck_assert_uint_eq(sm_unacked_bytes(sm), 1);
	ck_assert_int_eq(sm_acked(sm, 2), 0);
	send_one("d", 5);
	keeps("c d ");
	ck_assert_int_eq(sm_acked(sm, 4), 0);
	keeps("");
	ck_assert_uint_eq(sm_n_unacked(sm), 0);
	ck_assert_uint_eq(sm_unacked_bytes(sm), 0);
	send_one("e", 5);
	keeps("e ");
	ck_assert_uint_eq(sm_sent_count(sm), 5);
}
END_TEST

/* A peer that counts from now on has what came before, once it counts. */
START_TEST(restarts)
{
	sm_received(sm);
	send_one("a", 1);
	send_one("b", 1);
	sm_restart(sm);
	ck_assert_uint_eq(sm_handled(sm), 0);
	ck_assert_uint_eq(sm_sent_count(sm), 0);
	send_one("c", 1);
	keeps("a b c ");
	ck_assert_int_eq(sm_acked(sm, 2), -1);
	ck_assert_int_eq(sm_acked(sm, 0), 0);
	keeps("c ");
	ck_assert_int_eq(sm_acked(sm, 1), 0);
	keeps("");
}
END_TEST

START_TEST(refuses_what_was_not_sent)
{
	static const uint32_t wrong[] = { 4, 5, UINT32_MAX, 0 };

	ck_assert_int_eq(sm_acked(sm, 1), -1);
	send_one("a", 1);
	send_one("b", 1);
	send_one("c", 1);
	ck_assert_int_eq(sm_acked(sm, 1), 0);
	for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
		ck_assert_int_eq(sm_acked(sm, wrong[i]), -1);
		keeps("b c ");
	}
	ck_assert_int_eq(sm_acked(sm, 3), 0);
	ck_assert_int_eq(sm_acked(sm, 2), -1);
}
END_TEST

/* Section 4: behind 2^32 - 1 comes 0. To send as many would take minutes, so
 * the counts are set; they are the first members of the struct. */
START_TEST(wraps)
{
	uint32_t *counts = (uint32_t *)(void *)sm;

	counts[0] = counts[1] = UINT32_MAX - 1;
	ck_assert_uint_eq(sm_handled(sm), UINT32_MAX - 1);
	ck_assert_uint_eq(sm_sent_count(sm), UINT32_MAX - 1);
	sm_received(sm);
	ck_assert_uint_eq(sm_handled(sm), UINT32_MAX);
	sm_received(sm);
	ck_assert_uint_eq(sm_handled(sm), 0);

	send_one("last", 1);
	send_one("zeroth", 1);
	send_one("first", 1);
	ck_assert_uint_eq(sm_sent_count(sm), 1);
	ck_assert_int_eq(sm_acked(sm, 2), -1);
	ck_assert_int_eq(sm_acked(sm, UINT32_MAX - 2), -1);
	ck_assert_int_eq(sm_acked(sm, UINT32_MAX - 1), 0);
	keeps("last zeroth first ");
	ck_assert_int_eq(sm_acked(sm, 0), 0);
	keeps("first ");
	ck_assert_int_eq(sm_acked(sm, UINT32_MAX), -1);
	ck_assert_int_eq(sm_acked(sm, 1), 0);
	keeps("");
}
END_TEST

START_TEST(asks_every_so_often)
{
	for (int i = 0; i < 15; i++) {
		send_one("a", 1);
		ck_assert(!sm_wants_ack(sm));
	}
	send_one("a", 1);
	ck_assert(sm_wants_ack(sm));
	sm_asked(sm);
	ck_assert(!sm_wants_ack(sm));

	send_one("a", 64 * 1024 - 1);
	ck_assert(!sm_wants_ack(sm));
	send_one("a", 1);
	ck_assert(sm_wants_ack(sm));

	/* The peer was quicker than we. */
	ck_assert_int_eq(sm_acked(sm, 17), 0);
	ck_assert(!sm_wants_ack(sm));
	ck_assert_int_eq(sm_acked(sm, 18), 0);
}
END_TEST

START_TEST(resumes_in_order)
{
	struct buf b = { 0 };

	for (char id[] = "a"; *id <= 'e'; ++*id)
		send_one(id, 40000);
	sm_received(sm);
	sm_asked(sm);
	ck_assert_int_eq(sm_acked(sm, 2), 0);
	sm_resume(sm, add_id, &b);
	buf_addc(&b, '\0');
	ck_assert_str_eq(b.data, "c d e ");
	buf_fini(&b);
	ck_assert(sm_wants_ack(sm));
	/* Counts go on; what was sent again is not counted again. */
	ck_assert_uint_eq(sm_sent_count(sm), 5);
	ck_assert_uint_eq(sm_handled(sm), 1);
	send_one("f", 1);
	ck_assert_int_eq(sm_acked(sm, 5), 0);
	keeps("f ");
}
END_TEST

START_TEST(hands_out_what_is_left)
{
	struct stanza *s;

	send_one("a", 1);
	send_one("b", 2);
	send_one("c", 3);
	ck_assert_int_eq(sm_acked(sm, 1), 0);
	s = sm_pop(sm);
	ck_assert_str_eq(stanza_id(s), "b");
	stanza_unref(&s);
	ck_assert_uint_eq(sm_unacked_bytes(sm), 3);
	s = sm_pop(sm);
	ck_assert_str_eq(stanza_id(s), "c");
	stanza_unref(&s);
	ck_assert_ptr_null(sm_pop(sm));
	ck_assert_uint_eq(sm_n_unacked(sm), 0);

	send_one("d", 1); /* sm_free drops it */
	sm_free(NULL);
}
END_TEST

START_TEST(says_what_was_too_high)
{
	struct arena *a = arena_new();
	struct xml *x;

	send_one("a", 1);
	x = sm_too_high(a, sm, 10);
	ck_assert(xml_is(x, "handled-count-too-high", "urn:xmpp:sm:3"));
	ck_assert_str_eq(xml_get(x, "h"), "10");
	ck_assert_str_eq(xml_get(x, "send-count"), "1");
	arena_unref(&a);
}
END_TEST

/* ---- elements ---- */

#define FAILED(attrs, inside)                             \
	"<failed xmlns='urn:xmpp:sm:3'" attrs "><" inside \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"

static const struct {
	struct sm_element e;
	const char *text;
} elements[] = {
	{ { .kind = SM_ENABLE }, "<enable xmlns='urn:xmpp:sm:3'/>" },
	{ { .kind = SM_ENABLE, .resume = true, .max_s = 300 },
	  "<enable xmlns='urn:xmpp:sm:3' max='300' resume='true'/>" },
	{ { .kind = SM_ENABLED }, "<enabled xmlns='urn:xmpp:sm:3'/>" },
	{ { .kind = SM_ENABLED,
	    .resume = true,
	    .id = "a'b",
	    .location = "[::1]:1",
	    .max_s = UINT32_MAX },
	  "<enabled xmlns='urn:xmpp:sm:3' id='a&apos;b' location='[::1]:1' "
	  "max='4294967295' resume='true'/>" },
	{ { .kind = SM_RESUME, .h = 0, .has_h = true, .id = "x" },
	  "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>" },
	{ { .kind = SM_RESUMED, .h = UINT32_MAX, .has_h = true, .id = "x" },
	  "<resumed xmlns='urn:xmpp:sm:3' h='4294967295' previd='x'/>" },
	{ { .kind = SM_FAILED }, "<failed xmlns='urn:xmpp:sm:3'/>" },
	{ { .kind = SM_FAILED,
	    .cond = COND_ITEM_NOT_FOUND,
	    .h = 7,
	    .has_h = true },
	  FAILED(" h='7'", "item-not-found") },
	{ { .kind = SM_FAILED, .cond = COND_UNEXPECTED_REQUEST },
	  FAILED("", "unexpected-request") },
	{ { .kind = SM_REQUEST }, "<r xmlns='urn:xmpp:sm:3'/>" },
	{ { .kind = SM_ACK, .h = 4000000000, .has_h = true },
	  "<a xmlns='urn:xmpp:sm:3' h='4000000000'/>" },
};

static void
is_same(const struct sm_element *got, const struct sm_element *want)
{
	ck_assert_int_eq(got->kind, want->kind);
	ck_assert_uint_eq(got->h, want->h);
	ck_assert_int_eq(got->has_h, want->has_h);
	ck_assert_int_eq(got->resume, want->resume);
	ck_assert_uint_eq(got->max_s, want->max_s);
	ck_assert_pstr_eq(got->id, want->id);
	ck_assert_pstr_eq(got->location, want->location);
	ck_assert_int_eq(got->cond, want->cond);
}

START_TEST(writes)
{
	struct buf b = { 0 };

	sm_write(&b, &elements[_i].e);
	ck_assert_str_eq(b.data, elements[_i].text);
	buf_fini(&b);
}
END_TEST

/* name, then attributes in pairs. */
static struct xml *
make(struct arena *a, const char *const *words)
{
	struct xml *x = xml_new(a, words[0], NS_SM);

	for (words++; words[0]; words += 2)
		xml_set(a, x, words[0], words[1]);
	return x;
}

static const struct {
	const char *words[8];
	struct sm_element want;
} read_well[] = {
	{ { "enable" }, { .kind = SM_ENABLE } },
	{ { "enable", "resume", "true" },
	  { .kind = SM_ENABLE, .resume = true } },
	{ { "enable", "resume", "1", "max", "60" },
	  { .kind = SM_ENABLE, .resume = true, .max_s = 60 } },
	{ { "enable", "resume", "false" }, { .kind = SM_ENABLE } },
	{ { "enable", "resume", "0", "more", "x" }, { .kind = SM_ENABLE } },
	{ { "enable", "max", "99999999999999999999999" },
	  { .kind = SM_ENABLE, .max_s = UINT32_MAX } },
	{ { "enabled", "id", "x" }, { .kind = SM_ENABLED } },
	{ { "enabled", "resume", "true" }, { .kind = SM_ENABLED } },
	{ { "enabled", "id", "x", "resume", "1", "location", "[::1]:1" },
	  { .kind = SM_ENABLED,
	    .resume = true,
	    .id = "x",
	    .location = "[::1]:1" } },
	{ { "resume", "previd", "x", "h", "007" },
	  { .kind = SM_RESUME, .id = "x", .h = 7, .has_h = true } },
	{ { "resumed", "previd", "", "h", "4294967295" },
	  { .kind = SM_RESUMED, .id = "", .h = UINT32_MAX, .has_h = true } },
	{ { "failed" }, { .kind = SM_FAILED } },
	{ { "failed", "h", "3" },
	  { .kind = SM_FAILED, .h = 3, .has_h = true } },
	{ { "r", "h", "x" }, { .kind = SM_REQUEST } },
	{ { "a", "h", "0" }, { .kind = SM_ACK, .has_h = true } },
};

START_TEST(reads)
{
	struct arena *a = arena_new();
	struct sm_element e;

	ck_assert_int_eq(sm_read(make(a, read_well[_i].words), &e), 0);
	is_same(&e, &read_well[_i].want);
	arena_unref(&a);
}
END_TEST

static const char *const malformed[][8] = {
	{ "sm" },
	{ "message" },
	{ "a" },
	{ "a", "h", "" },
	{ "a", "h", "-1" },
	{ "a", "h", "+1" },
	{ "a", "h", " 1" },
	{ "a", "h", "1x" },
	{ "a", "h", "4294967296" },
	{ "a", "h", "18446744073709551617" },
	{ "resume", "h", "1" },
	{ "resume", "previd", "x" },
	{ "resumed", "previd", "x", "h", "one" },
	{ "failed", "h", "one" },
	{ "enable", "resume", "yes" },
	{ "enable", "max", "1.5" },
	{ "enabled", "resume", "TRUE", "id", "x" },
};

START_TEST(refuses_malformed)
{
	struct arena *a = arena_new();
	struct sm_element e;

	ck_assert_int_eq(sm_read(make(a, malformed[_i]), &e), -1);
	ck_assert_int_eq(sm_read(xml_new(a, "r", NS_SERVER), &e), -1);
	arena_unref(&a);
}
END_TEST

/* Children of <failed/>, and what they mean. */
static const struct {
	const char *names[2], *ns;
	enum stanza_cond want;
} conds[] = {
	{ { "item-not-found" }, NS_STANZA_ERROR, COND_ITEM_NOT_FOUND },
	{ { "text", "conflict" }, NS_STANZA_ERROR, COND_CONFLICT },
	{ { "conflict", "forbidden" }, NS_STANZA_ERROR, COND_CONFLICT },
	{ { "what" }, NS_STANZA_ERROR, COND_UNDEFINED_CONDITION },
	{ { "text" }, NS_STANZA_ERROR, COND_NONE },
	{ { "item-not-found" }, NS_SERVER, COND_NONE },
};

START_TEST(reads_conditions)
{
	struct arena *a = arena_new();
	struct xml *x = xml_new(a, "failed", NS_SM);
	struct sm_element e;

	for (int i = 0; i < 2 && conds[_i].names[i]; i++)
		xml_add(a, x, conds[_i].names[i], conds[_i].ns);
	ck_assert_int_eq(sm_read(x, &e), 0);
	ck_assert_int_eq(e.cond, conds[_i].want);
	arena_unref(&a);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sm");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, counts_what_is_handled);
	tcase_add_test(tc, keeps_until_acknowledged);
	tcase_add_test(tc, restarts);
	tcase_add_test(tc, refuses_what_was_not_sent);
	tcase_add_test(tc, wraps);
	tcase_add_test(tc, asks_every_so_often);
	tcase_add_test(tc, resumes_in_order);
	tcase_add_test(tc, hands_out_what_is_left);
	tcase_add_test(tc, says_what_was_too_high);
	tcase_add_loop_test(tc, writes, 0, N_ELEMENTS(elements));
	tcase_add_loop_test(tc, reads, 0, N_ELEMENTS(read_well));
	tcase_add_loop_test(tc, refuses_malformed, 0, N_ELEMENTS(malformed));
	tcase_add_loop_test(tc, reads_conditions, 0, N_ELEMENTS(conds));
	return unit_run(tc);
}
