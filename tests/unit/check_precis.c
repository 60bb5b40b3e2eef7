/* check_precis.c - user names and passwords (RFC 8264, 8265; RFC 5892). */

#include "xmpp/precis.h"

#include "base/buf.h"
#include "unit.h"

struct text_case {
	const char *in, *want; /* want NULL: rejected */
};

static const struct text_case usernames[] = {
	/* RFC 8265 3.5, tables 1 and 2 */
	{ "juliet@example.com", "juliet@example.com" },
	{ "fussball", "fussball" },
	{ "fu\u00dfball", "fu\u00dfball" },
	{ "\u03c0", "\u03c0" },
	{ "\u03a3", "\u03c3" },
	{ "\u03c3", "\u03c3" },
	{ "\u03c2", "\u03c2" },
	{ "foo bar", NULL },
	{ "", NULL },
	{ "henry\u2163", NULL },
	{ "\u221e", NULL },

	/* mapping: width, case, composition (RFC 8265 3.3.2 and 3.3.3) */
	{ "Juliet", "juliet" },
	{ "\uff2a\uff35\uff2c\uff29\uff25\uff34", "juliet" },
	{ "\uff20", "@" },
	{ "\uff76\uff9e", "\u30ac" },
	{ "\u00c5ngstr\u00f6m", "\u00e5ngstr\u00f6m" },
	{ "A\u030angstro\u0308m", "\u00e5ngstr\u00f6m" },
	{ "\u212b", "\u00e5" },
	{ "\u1112\u1161\u11ab", "\ud55c" },
	{ "\u039f\u03a3", "\u03bf\u03c3" }, /* no final sigma */
	{ "\u1e9e", "\u00df" },
	{ "\u0130", "i\u0307" },
	{ "\u13a0", "\uab70" }, /* Cherokee */

	/* IdentifierClass (RFC 8264 4.2, 8, 9) */
	{ "\u265a", NULL },
	{ "\ufb01", NULL },	/* has a compatibility form */
	{ "\U0001f600", NULL }, /* symbol */
	{ "a\u00adb", NULL },	/* soft hyphen */
	{ "a\u200bb", NULL },	/* zero width space */
	{ "\u0378", NULL },	/* unassigned */
	{ "\u01c5", NULL },	/* titlecase */
	{ "\u1100", NULL },	/* old Hangul */
	{ "\ufdd0", NULL },	/* not a character */
	{ "\ue000", NULL },	/* private use */
	{ "\u2028", NULL },
	{ "\u0640", NULL }, /* exceptions, RFC 5892 2.6 */
	{ "\u302e", NULL },
	{ "\u0f0b", "\u0f0b" },
	{ "\u3007", "\u3007" },
	{ "\u06fd", "\u06fd" },
	{ "\u4f60\u597d", "\u4f60\u597d" },
	{ "a\tb", NULL },
	{ "a\x7f", NULL },

	/* contextual rules (RFC 5892 appendix A) */
	{ "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937" },
	{ "\u0915\u200d\u0937", NULL },
	{ "a\u200d", NULL },
	{ "\u200d", NULL },
	{ "\u0915\u094d\u200c\u0937", "\u0915\u094d\u200c\u0937" },
	{ "\u0628\u200c\u0628", "\u0628\u200c\u0628" },
	{ "\u0628\u064b\u200c\u064b\u0628", "\u0628\u064b\u200c\u064b\u0628" },
	{ "\u0627\u200c\u0628", NULL },
	{ "\u0628\u200c", NULL },
	{ "\u200c\u0628", NULL },
	{ "a\u200cb", NULL },
	{ "l\u00b7l", "l\u00b7l" },
	{ "L\u00b7L", "l\u00b7l" },
	{ "a\u00b7l", NULL },
	{ "l\u00b7", NULL },
	{ "\u00b7", NULL },
	{ "\u0375\u03b1", "\u0375\u03b1" },
	{ "\u0375a", NULL },
	{ "\u03b1\u0375", NULL },
	{ "\u05d0\u05f3", "\u05d0\u05f3" },
	{ "\u05d0\u05f4", "\u05d0\u05f4" },
	{ "\u05f3\u05d0", NULL },
	{ "a\u05f4", NULL },
	{ "\u30ab\u30fb", "\u30ab\u30fb" },
	{ "\u3042\u30fb", "\u3042\u30fb" },
	{ "\u30fb\u4f60", "\u30fb\u4f60" },
	{ "a\u30fbb", NULL },
	{ "\u0627\u0661", "\u0627\u0661" },
	{ "\u0627\u06f1", "\u0627\u06f1" },
	{ "\u0627\u0661\u06f1", NULL },
	{ "\u0627\u06f1\u0661", NULL },

	/* Bidi Rule (RFC 5893 2) */
	{ "\u05d0\u05d1", "\u05d0\u05d1" },
	{ "\u05d01", "\u05d01" },
	{ "\u05d0\u05b0", "\u05d0\u05b0" },
	{ "\u0627-\u0628", "\u0627-\u0628" },
	{ "a\u05d0", NULL },
	{ "\u05d0a", NULL },
	{ "\u05d0a\u05d0", NULL },
	{ "1\u05d0", NULL },	   /* starts with a number */
	{ "\u05d0-", NULL },	   /* ends with a neutral one */
	{ "\u06271\u0661", NULL }, /* two kinds of numbers */
	{ "\u0661", NULL },

	/* not UTF-8 */
	{ "\xc0\x80", NULL },
	{ "\xc1\xa1", NULL },
	{ "\xed\xa0\x80", NULL },
	{ "\xf4\x90\x80\x80", NULL },
	{ "a\xff", NULL },
	{ "a\xc3", NULL },
};

static const struct text_case opaques[] = {
	/* RFC 8265 4.3, tables 3 and 4 */
	{ "correct horse battery staple", "correct horse battery staple" },
	{ "Correct Horse Battery Staple", "Correct Horse Battery Staple" },
	{ "\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5" },
	{ "Jack of \u2666s", "Jack of \u2666s" },
	{ "foo\u1680bar", "foo bar" },
	{ "", NULL },
	{ "my cat is a \t by", NULL },

	{ " ", " " },
	{ " a ", " a " },
	{ "\u00a0\u3000\u2003", "   " },
	{ "A\u030a", "\u00c5" },
	{ "\u212b", "\u00c5" },
	{ "\uff21", "\uff21" }, /* no width mapping */
	{ "\u2163\ufb01", "\u2163\ufb01" },
	{ "\U0001f600", "\U0001f600" },
	{ "a\u05d0", "a\u05d0" }, /* no Bidi Rule */
	{ "\u01c5", "\u01c5" },
	{ "a\u202eb", NULL },
	{ "\u200b", NULL },
	{ "a\u200db", NULL },
	{ "\u1100", NULL },
	{ "\ue000", NULL },
	{ "\u0378", NULL },
	{ "\xed\xa0\x80", NULL },
	{ "\x01", NULL },
};

typedef int prepare_fn(const char *s, size_t len, struct buf *out);

static void
check(const struct text_case *c, prepare_fn *prepare)
{
	struct buf out = { 0 }, again = { 0 };

	buf_adds(&out, "<");
	if (!c->want) {
		ck_assert_int_eq(prepare(c->in, strlen(c->in), &out), -1);
		ck_assert_str_eq(out.data, "<");
		ck_assert_uint_eq(out.len, 1);
	} else {
		ck_assert_int_eq(prepare(c->in, strlen(c->in), &out), 0);
		ck_assert_str_eq(out.data + 1, c->want);
		ck_assert_uint_eq(out.len, strlen(c->want) + 1);
		/* RFC 8264 7: applying it again changes nothing. */
		ck_assert_int_eq(prepare(c->want, strlen(c->want), &again), 0);
		ck_assert_str_eq(again.data, c->want);
	}
	buf_fini(&again);
	buf_fini(&out);
}

START_TEST(prepares_usernames)
{
	check(&usernames[_i], precis_username);
}
END_TEST

START_TEST(prepares_opaque_strings)
{
	check(&opaques[_i], precis_opaque);
}
END_TEST

/* A NUL is a character like others, and a forbidden one. */
START_TEST(refuses_nul)
{
	struct buf out = { 0 };

	ck_assert_int_eq(precis_username("a\0b", 3, &out), -1);
	ck_assert_int_eq(precis_opaque("a\0b", 3, &out), -1);
	ck_assert_int_eq(precis_opaque("a\0b", 1, &out), 0);
	ck_assert_str_eq(out.data, "a");
	buf_fini(&out);
}
END_TEST

static struct buf
repeat(const char *s, size_t times)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < times; i++)
		buf_adds(&b, s);
	return b;
}

START_TEST(limits_length)
{
	struct buf out = { 0 };
	struct buf long_ok = repeat("\uff21", PRECIS_MAX / 3);
	struct buf too_long = repeat("a", PRECIS_MAX + 1);

	ck_assert_int_eq(precis_username(long_ok.data, long_ok.len, &out), 0);
	ck_assert_uint_eq(out.len, PRECIS_MAX / 3);
	ck_assert_uint_eq(strspn(out.data, "a"), out.len);
	ck_assert_int_eq(precis_username(too_long.data, too_long.len, &out),
			 -1);
	ck_assert_int_eq(precis_opaque(too_long.data, too_long.len, &out), -1);
	buf_fini(&too_long);
	buf_fini(&long_ok);
	buf_fini(&out);
}
END_TEST

/* Long runs of marks are sorted and kept, whatever their number. */
START_TEST(takes_many_marks)
{
	struct buf out = { 0 };
	struct buf marks = repeat("\u0301\u0316", PRECIS_MAX / 8);
	struct buf name = { 0 };

	buf_addc(&name, 'q');
	buf_add(&name, marks.data, marks.len);
	ck_assert_int_eq(precis_username(name.data, name.len, &out), 0);
	ck_assert_uint_eq(out.len, name.len);
	ck_assert_int_eq(strncmp(out.data, "q\u0316\u0316", 5), 0);
	buf_fini(&name);
	buf_fini(&marks);
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("precis");

	tcase_add_loop_test(tc, prepares_usernames, 0, N_ELEMENTS(usernames));
	tcase_add_loop_test(tc, prepares_opaque_strings, 0,
			    N_ELEMENTS(opaques));
	tcase_add_test(tc, refuses_nul);
	tcase_add_test(tc, limits_length);
	tcase_add_test(tc, takes_many_marks);
	return unit_run(tc);
}
