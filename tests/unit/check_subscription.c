/* check_subscription.c - every row of RFC 6121 appendix A. */

#include "modules/roster/subscription.h"
#include "storage/roster.h"
#include "unit.h"

/* The nine states of A.1. */
enum {
	NONE = 0,
	NONE_OUT = ROSTER_ASK,
	NONE_IN = ROSTER_PENDING_IN,
	NONE_OUT_IN = ROSTER_ASK | ROSTER_PENDING_IN,
	TO = ROSTER_TO,
	TO_IN = ROSTER_TO | ROSTER_PENDING_IN,
	FROM = ROSTER_FROM,
	FROM_OUT = ROSTER_FROM | ROSTER_ASK,
	BOTH = ROSTER_TO | ROSTER_FROM,
};

enum {
	F = SUB_FORWARD,
	P = SUB_PUSH,
	A = SUB_ANSWER,
	S = SUB_SHOW,
	H = SUB_HIDE
};

struct row {
	enum stanza_type type;
	unsigned from, to, effects;
};

/* All of a contact that the owner sees: ROSTER_LISTED is added to both. */
static const struct row out[] = {
	/* A.2.1 */
	{ TYPE_SUBSCRIBE, NONE, NONE_OUT, F | P },
	{ TYPE_SUBSCRIBE, NONE_OUT, NONE_OUT, F },
	{ TYPE_SUBSCRIBE, NONE_IN, NONE_OUT_IN, F | P },
	{ TYPE_SUBSCRIBE, NONE_OUT_IN, NONE_OUT_IN, F },
	{ TYPE_SUBSCRIBE, TO, TO, F },
	{ TYPE_SUBSCRIBE, TO_IN, TO_IN, F },
	{ TYPE_SUBSCRIBE, FROM, FROM_OUT, F | P },
	{ TYPE_SUBSCRIBE, FROM_OUT, FROM_OUT, F },
	{ TYPE_SUBSCRIBE, BOTH, BOTH, F },
	/* A.2.2 */
	{ TYPE_UNSUBSCRIBE, NONE, NONE, F },
	{ TYPE_UNSUBSCRIBE, NONE_OUT, NONE, F | P },
	{ TYPE_UNSUBSCRIBE, NONE_IN, NONE_IN, F },
	{ TYPE_UNSUBSCRIBE, NONE_OUT_IN, NONE_IN, F | P },
	{ TYPE_UNSUBSCRIBE, TO, NONE, F | P },
	{ TYPE_UNSUBSCRIBE, TO_IN, NONE_IN, F | P },
	{ TYPE_UNSUBSCRIBE, FROM, FROM, F },
	{ TYPE_UNSUBSCRIBE, FROM_OUT, FROM, F | P },
	{ TYPE_UNSUBSCRIBE, BOTH, FROM, F | P },
	/* A.2.3, with the pre-approval of 3.4.2 */
	{ TYPE_SUBSCRIBED, NONE, NONE | ROSTER_APPROVED, P },
	{ TYPE_SUBSCRIBED, NONE_OUT, NONE_OUT | ROSTER_APPROVED, P },
	{ TYPE_SUBSCRIBED, NONE_IN, FROM, F | P | S },
	{ TYPE_SUBSCRIBED, NONE_OUT_IN, FROM_OUT, F | P | S },
	{ TYPE_SUBSCRIBED, TO, TO | ROSTER_APPROVED, P },
	{ TYPE_SUBSCRIBED, TO_IN, BOTH, F | P | S },
	{ TYPE_SUBSCRIBED, FROM, FROM, 0 },
	{ TYPE_SUBSCRIBED, FROM_OUT, FROM_OUT, 0 },
	{ TYPE_SUBSCRIBED, BOTH, BOTH, 0 },
	/* A.2.4 */
	{ TYPE_UNSUBSCRIBED, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBED, NONE_OUT, NONE_OUT, 0 },
	{ TYPE_UNSUBSCRIBED, NONE_IN, NONE, F },
	{ TYPE_UNSUBSCRIBED, NONE_OUT_IN, NONE_OUT, F },
	{ TYPE_UNSUBSCRIBED, TO, TO, 0 },
	{ TYPE_UNSUBSCRIBED, TO_IN, TO, F },
	{ TYPE_UNSUBSCRIBED, FROM, NONE, F | P | H },
	{ TYPE_UNSUBSCRIBED, FROM_OUT, NONE_OUT, F | P | H },
	{ TYPE_UNSUBSCRIBED, BOTH, TO, F | P | H },
	/* 3.4.2: the end of a pre-approval */
	{ TYPE_UNSUBSCRIBED, NONE | ROSTER_APPROVED, NONE, P },
	{ TYPE_UNSUBSCRIBED, NONE_OUT | ROSTER_APPROVED, NONE_OUT, P },
	{ TYPE_UNSUBSCRIBED, TO | ROSTER_APPROVED, TO, P },
	{ TYPE_UNSUBSCRIBED, FROM | ROSTER_APPROVED, NONE, F | P | H },
};

static const struct row in[] = {
	/* A.3.1, with its footnote */
	{ TYPE_SUBSCRIBE, NONE, NONE_IN, F },
	{ TYPE_SUBSCRIBE, NONE_OUT, NONE_OUT_IN, F },
	{ TYPE_SUBSCRIBE, NONE_IN, NONE_IN, 0 },
	{ TYPE_SUBSCRIBE, NONE_OUT_IN, NONE_OUT_IN, 0 },
	{ TYPE_SUBSCRIBE, TO, TO_IN, F },
	{ TYPE_SUBSCRIBE, TO_IN, TO_IN, 0 },
	{ TYPE_SUBSCRIBE, FROM, FROM, A | S },
	{ TYPE_SUBSCRIBE, FROM_OUT, FROM_OUT, A | S },
	{ TYPE_SUBSCRIBE, BOTH, BOTH, A | S },
	/* 3.4.2: pre-approved */
	{ TYPE_SUBSCRIBE, NONE | ROSTER_APPROVED, FROM | ROSTER_APPROVED,
	  A | S | P },
	{ TYPE_SUBSCRIBE, NONE_OUT | ROSTER_APPROVED,
	  FROM_OUT | ROSTER_APPROVED, A | S | P },
	{ TYPE_SUBSCRIBE, TO | ROSTER_APPROVED, BOTH | ROSTER_APPROVED,
	  A | S | P },
	/* A.3.2 */
	{ TYPE_UNSUBSCRIBE, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBE, NONE_OUT, NONE_OUT, 0 },
	{ TYPE_UNSUBSCRIBE, NONE_IN, NONE, F },
	{ TYPE_UNSUBSCRIBE, NONE_OUT_IN, NONE_OUT, F },
	{ TYPE_UNSUBSCRIBE, TO, TO, 0 },
	{ TYPE_UNSUBSCRIBE, TO_IN, TO, F },
	{ TYPE_UNSUBSCRIBE, FROM, NONE, F | P | H },
	{ TYPE_UNSUBSCRIBE, FROM_OUT, NONE_OUT, F | P | H },
	{ TYPE_UNSUBSCRIBE, BOTH, TO, F | P | H },
	/* A.3.3 */
	{ TYPE_SUBSCRIBED, NONE, NONE, 0 },
	{ TYPE_SUBSCRIBED, NONE_OUT, TO, F | P },
	{ TYPE_SUBSCRIBED, NONE_IN, NONE_IN, 0 },
	{ TYPE_SUBSCRIBED, NONE_OUT_IN, TO_IN, F | P },
	{ TYPE_SUBSCRIBED, TO, TO, 0 },
	{ TYPE_SUBSCRIBED, TO_IN, TO_IN, 0 },
	{ TYPE_SUBSCRIBED, FROM, FROM, 0 },
	{ TYPE_SUBSCRIBED, FROM_OUT, BOTH, F | P },
	{ TYPE_SUBSCRIBED, BOTH, BOTH, 0 },
	/* A.3.4 */
	{ TYPE_UNSUBSCRIBED, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBED, NONE_OUT, NONE, F | P },
	{ TYPE_UNSUBSCRIBED, NONE_IN, NONE_IN, 0 },
	{ TYPE_UNSUBSCRIBED, NONE_OUT_IN, NONE_IN, F | P },
	{ TYPE_UNSUBSCRIBED, TO, NONE, F | P },
	{ TYPE_UNSUBSCRIBED, TO_IN, NONE_IN, F | P },
	{ TYPE_UNSUBSCRIBED, FROM, FROM, 0 },
	{ TYPE_UNSUBSCRIBED, FROM_OUT, FROM, F | P },
	{ TYPE_UNSUBSCRIBED, BOTH, FROM, F | P },
};

/* Contacts whom the owner does not see. */
static const struct row unlisted_out[] = {
	{ TYPE_SUBSCRIBE, NONE, NONE_OUT | ROSTER_LISTED, F | P },
	{ TYPE_SUBSCRIBE, NONE_IN, NONE_OUT_IN | ROSTER_LISTED, F | P },
	{ TYPE_UNSUBSCRIBE, NONE, NONE, F },
	{ TYPE_UNSUBSCRIBE, NONE_IN, NONE_IN, F },
	{ TYPE_SUBSCRIBED, NONE, ROSTER_APPROVED | ROSTER_LISTED, P },
	{ TYPE_SUBSCRIBED, NONE_IN, FROM | ROSTER_LISTED, F | P | S },
	{ TYPE_UNSUBSCRIBED, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBED, NONE_IN, NONE, F },
};

static const struct row unlisted_in[] = {
	{ TYPE_SUBSCRIBE, NONE, NONE_IN, F },
	{ TYPE_SUBSCRIBE, NONE_IN, NONE_IN, 0 },
	{ TYPE_UNSUBSCRIBE, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBE, NONE_IN, NONE, F },
	{ TYPE_SUBSCRIBED, NONE, NONE, 0 },
	{ TYPE_UNSUBSCRIBED, NONE, NONE, 0 },
};

static void
check(const struct row *row, struct subscription_step got, unsigned listed)
{
	ck_assert_msg(got.flags == (row->to | listed),
		      "%s in state %u: state %u, not %u",
		      stanza_type_name(row->type), row->from, got.flags,
		      row->to | listed);
	ck_assert_msg(got.effects == row->effects,
		      "%s in state %u: effects %u, not %u",
		      stanza_type_name(row->type), row->from, got.effects,
		      row->effects);
}

START_TEST(owner_sends)
{
	const struct row *row = &out[_i];

	check(row, subscription_out(row->from | ROSTER_LISTED, row->type),
	      ROSTER_LISTED);
}
END_TEST

START_TEST(contact_sends)
{
	const struct row *row = &in[_i];

	check(row, subscription_in(row->from | ROSTER_LISTED, row->type),
	      ROSTER_LISTED);
}
END_TEST

START_TEST(owner_sends_unlisted)
{
	const struct row *row = &unlisted_out[_i];

	check(row, subscription_out(row->from, row->type), 0);
}
END_TEST

START_TEST(contact_sends_unlisted)
{
	const struct row *row = &unlisted_in[_i];

	check(row, subscription_in(row->from, row->type), 0);
}
END_TEST

/* No stanza leads out of the nine states. */
START_TEST(states_stay_sound)
{
	for (unsigned type = TYPE_SUBSCRIBE; type <= TYPE_UNSUBSCRIBED;
	     type++) {
		for (size_t i = 0; i < N_ELEMENTS(out); i++) {
			unsigned from = out[i].from;
			unsigned a = subscription_out(from, type).flags;
			unsigned b = subscription_in(from, type).flags;

			ck_assert(!(a & ROSTER_TO && a & ROSTER_ASK));
			ck_assert(!(b & ROSTER_TO && b & ROSTER_ASK));
			ck_assert(!(a & ROSTER_FROM && a & ROSTER_PENDING_IN));
			ck_assert(!(b & ROSTER_FROM && b & ROSTER_PENDING_IN));
		}
	}
}
END_TEST

START_TEST(other_types)
{
	ck_assert_uint_eq(subscription_out(BOTH, TYPE_UNAVAILABLE).flags, BOTH);
	ck_assert_uint_eq(subscription_in(BOTH, TYPE_PROBE).effects, 0);
	ck_assert(!subscription_is_type(TYPE_NONE));
	ck_assert(!subscription_is_type(TYPE_UNAVAILABLE));
	ck_assert(!subscription_is_type(TYPE_PROBE));
	ck_assert(subscription_is_type(TYPE_SUBSCRIBE));
	ck_assert(subscription_is_type(TYPE_UNSUBSCRIBED));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("subscription");

	tcase_add_loop_test(tc, owner_sends, 0, N_ELEMENTS(out));
	tcase_add_loop_test(tc, contact_sends, 0, N_ELEMENTS(in));
	tcase_add_loop_test(tc, owner_sends_unlisted, 0,
			    N_ELEMENTS(unlisted_out));
	tcase_add_loop_test(tc, contact_sends_unlisted, 0,
			    N_ELEMENTS(unlisted_in));
	tcase_add_test(tc, states_stay_sound);
	tcase_add_test(tc, other_types);
	return unit_run(tc);
}
