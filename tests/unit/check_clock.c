/* check_clock.c - the fake clock, and XEP-0082 DateTimes. */

#include "base/clock.h"

#include "unit.h"

static const struct {
	const char *in;
	int64_t want;
	const char *out; /* NULL: as in */
} good[] = {
	{ "1970-01-01T00:00:00Z", 0, NULL },
	{ "2026-01-01T00:00:00Z", 1767225600000, NULL },
	/* XEP-0082 2.2: the first steps on the Moon, twice. */
	{ "1969-07-21T02:56:15Z", -14159025000, NULL },
	{ "1969-07-20T21:56:15-05:00", -14159025000, "1969-07-21T02:56:15Z" },
	{ "1969-12-31T23:59:59.999Z", -1, NULL },
	{ "2000-02-29T12:00:00.5Z", 951825600500, "2000-02-29T12:00:00.500Z" },
	{ "2024-02-29T23:59:59.001Z", 1709251199001, NULL },
	/* Any number of digits behind the point. */
	{ "1970-01-01T00:00:00.0019999999999999999999Z", 1,
	  "1970-01-01T00:00:00.001Z" },
	{ "1970-01-01T00:00:00.000Z", 0, "1970-01-01T00:00:00Z" },
	{ "1970-01-01T00:00:00+00:00", 0, "1970-01-01T00:00:00Z" },
	{ "1970-01-01T00:00:00-00:00", 0, "1970-01-01T00:00:00Z" },
	{ "1970-01-01T05:45:00+05:45", 0, "1970-01-01T00:00:00Z" },
	{ "2025-12-31T18:00:00-06:00", 1767225600000, "2026-01-01T00:00:00Z" },
	{ "0999-12-31T23:59:59Z", -30610224001000, NULL },
	{ "9999-12-31T23:59:59.999Z", 253402300799999, NULL },
};

static const char *const bad[] = {
	"",
	"2026-01-01",		/* Date, not DateTime */
	"12:00:00Z",		/* Time */
	"2026-01-01T00:00:00",	/* no zone */
	"20260101T00:00:00",	/* XEP-0091 */
	"2026-01-01T00:00:00z", /* lower case */
	"2026-01-01t00:00:00Z",
	"2026-01-01 00:00:00Z",
	"2026-1-1T0:0:0Z",
	"26-01-01T00:00:00Z",
	"12026-01-01T00:00:00Z",
	"-001-01-01T00:00:00Z",
	" 2026-01-01T00:00:00Z",
	"2026-01-01T00:00:00Z ",
	"2026-01-01T00:00:00ZZ",
	"2026-00-01T00:00:00Z",
	"2026-13-01T00:00:00Z",
	"2026-01-00T00:00:00Z",
	"2026-01-32T00:00:00Z",
	"2026-02-29T00:00:00Z", /* no leap year */
	"1900-02-29T00:00:00Z",
	"2026-04-31T00:00:00Z",
	"2026-01-01T24:00:00Z",
	"2026-01-01T00:60:00Z",
	"2026-01-01T12:00:60Z",
	"2016-12-31T23:59:60Z", /* seconds are 00 through 59 */
	"2026-01-01T00:00:00.Z",
	"2026-01-01T00:00:00,5Z",
	"2026-01-01T00:00:00.5",
	"2026-01-01T00:00:00+1:00",
	"2026-01-01T00:00:00+0100",
	"2026-01-01T00:00:00+24:00",
	"2026-01-01T00:00:00+01:60",
	"2026-01-01T00:00:00+01:00Z",
	"2026-01-01T00:00:\xd9\xa0\xd9\xa0Z", /* digits of another script */
};

START_TEST(parses)
{
	char out[CLOCK_STAMP_MAX];
	int64_t ms = 7;

	ck_assert_int_eq(clock_parse_stamp(good[_i].in, &ms), 0);
	ck_assert_int_eq(ms, good[_i].want);
	ck_assert_str_eq(clock_stamp(ms, out),
			 good[_i].out ? good[_i].out : good[_i].in);
}
END_TEST

START_TEST(refuses)
{
	int64_t ms;

	ck_assert_msg(clock_parse_stamp(bad[_i], &ms) < 0, "%s is accepted",
		      bad[_i]);
}
END_TEST

/* Whatever a database holds, the buffer is large enough. */
START_TEST(stamps_fit)
{
	static const int64_t far[] = { INT64_MIN, INT64_MAX, INT64_MIN / 2,
				       -62198755200000 };
	char out[CLOCK_STAMP_MAX];

	for (size_t i = 0; i < N_ELEMENTS(far); i++) {
		const char *s = clock_stamp(far[i], out);

		ck_assert_int_eq(s[strlen(s) - 1], 'Z');
	}
}
END_TEST

START_TEST(fake_moves_only_when_told)
{
	struct clock c;
	char out[CLOCK_STAMP_MAX];

	clock_init_fake(&c);
	clock_update(&c);
	ck_assert_int_eq(c.mono_ms, 0);
	ck_assert_str_eq(clock_stamp(c.wall_ms, out), "2026-01-01T00:00:00Z");
	clock_advance(&c, 1500);
	clock_update(&c);
	ck_assert_int_eq(c.mono_ms, 1500);
	ck_assert_str_eq(clock_stamp(c.wall_ms, out),
			 "2026-01-01T00:00:01.500Z");
}
END_TEST

START_TEST(real_goes_forward)
{
	struct clock c;
	int64_t was;

	clock_init(&c);
	was = c.mono_ms;
	ck_assert_int_gt(c.wall_ms, 1700000000000);
	clock_update(&c);
	ck_assert_int_ge(c.mono_ms, was);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("clock");

	tcase_add_loop_test(tc, parses, 0, N_ELEMENTS(good));
	tcase_add_loop_test(tc, refuses, 0, N_ELEMENTS(bad));
	tcase_add_test(tc, stamps_fit);
	tcase_add_test(tc, fake_moves_only_when_told);
	tcase_add_test(tc, real_goes_forward);
	return unit_run(tc);
}
