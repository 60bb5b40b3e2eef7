/* check_idna.c - domain names (RFC 5890 to 5893). */

#include "xmpp/idna.h"

#include "base/buf.h"
#include "unit.h"

static const struct {
	const char *in;
	const char *want;  /* NULL: rejected */
	const char *ascii; /* of want */
} cases[] = {
	{ "B\u00fccher.Example", "b\u00fccher.example",
	  "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.example", "b\u00fccher.example",
	  "xn--bcher-kva.example" },
	{ "Bu\u0308cher.example", "b\u00fccher.example",
	  "xn--bcher-kva.example" },
	{ "fa\u00df.de", "fa\u00df.de", "xn--fa-hia.de" },
	{ "\u03c2.gr", "\u03c2.gr", "xn--3xa.gr" },
	{ "\uff25\uff38.com", "ex.com", "ex.com" },
	{ "example.com", "example.com", "example.com" },
	{ "b\u00fccher.example.", "b\u00fccher.example",
	  "xn--bcher-kva.example" },
	{ "b\u00fccher\u3002org", "b\u00fccher.org", "xn--bcher-kva.org" },
	{ "b\u00fccher.org\u3002", "b\u00fccher.org", "xn--bcher-kva.org" },
	{ "\u05d01.org", "\u05d01.org", "xn--1-zhc.org" },

	{ "", NULL, NULL },
	{ ".", NULL, NULL },
	{ "\u3002org", NULL, NULL },
	{ "a\u3002\u3002b", NULL, NULL },
	{ "b\u00fccher..org", NULL, NULL },
	{ "b\u00fccher.-a", NULL, NULL },
	{ "b\u00fccher.a-", NULL, NULL },
	/* libidn2 would drop what it forbids here, not refuse it */
	{ "a_b.org", NULL, NULL },
	{ "\u00fc_b.org", NULL, NULL },
	{ "a\uff0fb.org", NULL, NULL },
	{ "a\uff20b.org", NULL, NULL },
	{ "a b.org", NULL, NULL },
	{ "a\u00a0b.org", NULL, NULL },
	{ "a\u2260b.org", NULL, NULL },
	{ "\u00fc\x01.org", NULL, NULL },
	/* not A-labels */
	{ "xn--a.org", NULL, NULL },
	{ "xn--abc-.org", NULL, NULL },
	{ "xn--0.org", NULL, NULL },
	{ "xn--n3h.net", NULL, NULL },
	{ "xn--.org", NULL, NULL },
	{ "ab--cd.org", NULL, NULL },
	/* not U-labels */
	{ "\u2603.net", NULL, NULL },
	{ "\u200d.de", NULL, NULL },
	{ "\u0378.de", NULL, NULL },
	{ "\u0301a.de", NULL, NULL },
	{ "\u05d0a.com", NULL, NULL },
	{ "\xc3.org", NULL, NULL },
	{ "\xed\xa0\x80.org", NULL, NULL },
};

START_TEST(prepares)
{
	struct buf out = { 0 }, ascii = { 0 };
	const char *in = cases[_i].in, *want = cases[_i].want;
	int ret = idna_prepare(in, strlen(in), &out);

	ck_assert_int_eq(ret, want ? 0 : -1);
	ck_assert_pstr_eq(out.data, want);
	if (want) {
		ck_assert_int_eq(idna_to_ascii(out.data, &ascii), 0);
		ck_assert_str_eq(ascii.data, cases[_i].ascii);
	}
	buf_fini(&ascii);
	buf_fini(&out);
}
END_TEST

START_TEST(refuses_nul)
{
	struct buf out = { 0 };

	ck_assert_int_eq(idna_prepare("a\0b", 3, &out), -1);
	ck_assert_int_eq(idna_prepare("a.\0", 3, &out), -1);
	ck_assert_ptr_null(out.data);
}
END_TEST

/* RFC 1035 2.3.4 holds for the A-labels. */
START_TEST(limits_labels)
{
	struct buf name = { 0 }, out = { 0 };

	for (int i = 0; i < 60; i++)
		buf_adds(&name, "\u00fc");
	ck_assert_int_eq(idna_prepare(name.data, name.len, &out), -1);
	name.len = 0;
	for (int i = 0; i < 50; i++)
		buf_adds(&name, "\u00fc");
	ck_assert_int_eq(idna_prepare(name.data, name.len, &out), 0);
	buf_fini(&name);
	buf_fini(&out);
}
END_TEST

START_TEST(to_ascii_refuses)
{
	struct buf out = { 0 };

	ck_assert_int_eq(idna_to_ascii("", &out), -1);
	ck_assert_int_eq(idna_to_ascii("a_b", &out), -1);
	ck_assert_int_eq(idna_to_ascii("[::1]", &out), -1);
	ck_assert_ptr_null(out.data);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("idna");

	tcase_add_loop_test(tc, prepares, 0, N_ELEMENTS(cases));
	tcase_add_test(tc, refuses_nul);
	tcase_add_test(tc, limits_labels);
	tcase_add_test(tc, to_ascii_refuses);
	return unit_run(tc);
}
