/* check_jid.c - RFC 7622 parsing and mapping. */

#include "xmpp/jid.h"

#include "base/buf.h"
#include "base/map.h"
#include "unit.h"

#include <string.h>

static const struct {
	const char *in, *want; /* want NULL: rejected */
} cases[] = {
	/* RFC 7622 3.5, table 1 */
	{ "juliet@example.com", "juliet@example.com" },
	{ "juliet@example.com/foo", "juliet@example.com/foo" },
	{ "juliet@example.com/foo bar", "juliet@example.com/foo bar" },
	{ "juliet@example.com/foo@bar", "juliet@example.com/foo@bar" },
	{ "foo\\20bar@example.com", "foo\\20bar@example.com" },
	{ "fussball@example.com", "fussball@example.com" },
	{ "fu\u00dfball@example.com", "fu\u00dfball@example.com" },
	{ "\u03c0@example.com", "\u03c0@example.com" },
	{ "\u03a3@example.com/foo", "\u03c3@example.com/foo" },
	{ "\u03c3@example.com/foo", "\u03c3@example.com/foo" },
	{ "\u03c2@example.com/foo", "\u03c2@example.com/foo" },
	{ "king@example.com/\u265a", "king@example.com/\u265a" },
	{ "example.com", "example.com" },
	{ "example.com/foobar", "example.com/foobar" },
	{ "a.example.com/b@example.net", "a.example.com/b@example.net" },
	/* Table 2. "juliet@example.com/ foo" stands there too, but no rule
	 * forbids it: OpaqueString keeps spaces. */
	{ "\"juliet\"@example.com", NULL },
	{ "foo bar@example.com", NULL },
	{ "juliet@example.com/ foo", "juliet@example.com/ foo" },
	{ "@example.com/", NULL },
	{ "henry\u2163@example.com", NULL },
	{ "\u265a@example.com", NULL },
	{ "juliet@", NULL },
	{ "/foobar", NULL },

	/* RFC 7622 3.1: how the text is cut */
	{ "", NULL },
	{ "@", NULL },
	{ "/", NULL },
	{ "@/", NULL },
	{ "@example.net", NULL },
	{ "romeo@example.net/", NULL },
	{ "example.net/", NULL },
	{ "romeo@/orchard", NULL },
	{ "romeo@example@net", NULL },
	{ "a@b/c/d@e", "a@b/c/d@e" },
	{ "a@b//", "a@b//" },
	{ "a/b@c/d", "a/b@c/d" },

	/* 3.2: domains */
	{ "Romeo@Example.NET/Orchard", "romeo@example.net/Orchard" },
	{ "example.net.", "example.net" },
	{ "a@EXAMPLE.net./r", "a@example.net/r" },
	{ "example.net..", NULL },
	{ ".", NULL },
	{ ".example", NULL },
	{ "a..b", NULL },
	{ "-a.b", NULL },
	{ "a-.b", NULL },
	{ "a.b-", NULL },
	{ "a-b.c--d.e", "a-b.c--d.e" },
	{ "ab--c", NULL },
	{ "a_b.example", NULL },
	{ "a b", NULL },
	{ "a:5222", NULL },
	{ "127.0.0.1", "127.0.0.1" },
	{ "a@[::1]/r", "a@[::1]/r" },
	{ "[2001:DB8:0:0::0:1]", "[2001:db8::1]" },
	{ "[::FFFF:192.0.2.1]", "[::ffff:192.0.2.1]" },
	{ "[::1", NULL },
	{ "::1]", NULL },
	{ "[", NULL },
	{ "[]", NULL },
	{ "[::1].", NULL },
	{ "[::1%25eth0]", NULL },
	{ "[127.0.0.1]", NULL },
	{ "[v1.x]", NULL },
	{ "x@B\u00fccher.example", "x@b\u00fccher.example" },
	{ "x@xn--bcher-kva.example", "x@b\u00fccher.example" },
	{ "x@xn--a.example", NULL },
	{ "x@a\uff0fb", NULL },
	{ "x@\u3002org", NULL },

	/* 3.3: local parts; what is excluded is so after the mapping too */
	{ "a&b@x", NULL },
	{ "a'b@x", NULL },
	{ "a:b@x", NULL },
	{ "a<b@x", NULL },
	{ "a>b@x", NULL },
	{ "a\uff20b@x", NULL },
	{ "a\uff0fb@x", NULL },
	{ "a\uff1cb@x", NULL },
	{ "!#$%()*+,-.;=?[\\]^_`{|}~@x", "!#$%()*+,-.;=?[\\]^_`{|}~@x" },
	{ "09AZaz@x", "09azaz@x" },
	{ "\uff32omeo@x", "romeo@x" },
	{ "a\u05d0@x", NULL },
	{ "a\x7f@x", NULL },
	{ "a\xff@x", NULL },

	/* 3.4: resources */
	{ "x/ ", "x/ " },
	{ "x/~!\"&'<>:", "x/~!\"&'<>:" },
	{ "x/a\u00a0b", "x/a b" },
	{ "x/A\u030a", "x/\u00c5" },
	{ "x/a\nb", NULL },
	{ "x/\x7f", NULL },
	{ "x/\u202e", NULL },
	{ "x/\xc0\xaf", NULL },
};

START_TEST(parse)
{
	struct jid *jid = jid_parse(cases[_i].in), *again;

	ck_assert_pstr_eq(jid_str(jid), cases[_i].want);
	if (jid) {
		ck_assert_uint_eq(jid_len(jid), strlen(cases[_i].want));
		again = jid_parse(jid_str(jid));
		ck_assert(jid_eq(jid, again));
		jid_unref(&again);
	}
	jid_unref(&jid);
	ck_assert_ptr_null(jid);
}
END_TEST

/* Every ASCII character but NUL: the fast path agrees with the RFC's rules. */
START_TEST(ascii)
{
	char c = (char)_i, lower = c;
	char in[] = { 'x', c, 'x', '\0' }, want[] = "x?x";
	bool is_name = strchr("-.0123456789", c);
	struct jid *jid;

	if (c >= 'A' && c <= 'Z')
		lower = (char)(c - 'A' + 'a');
	is_name = is_name || (lower >= 'a' && lower <= 'z');
	want[1] = lower;

	jid = jid_make(in, "h", NULL);
	if (c <= ' ' || c > '~' || strchr("\"&'/:<>@", c))
		ck_assert_ptr_null(jid);
	else
		ck_assert_pstr_eq(jid_local(jid), want);
	jid_unref(&jid);

	jid = jid_make(NULL, in, NULL);
	ck_assert_pstr_eq(jid_domain(jid), is_name ? want : NULL);
	jid_unref(&jid);

	jid = jid_make(NULL, "h", in);
	ck_assert_pstr_eq(jid_resource(jid), c >= ' ' && c <= '~' ? in : NULL);
	jid_unref(&jid);
}
END_TEST

START_TEST(parts)
{
	struct jid *jid = jid_parse("Romeo@Example.net/Orchard x");

	ck_assert_str_eq(jid_local(jid), "romeo");
	ck_assert_str_eq(jid_domain(jid), "example.net");
	ck_assert_str_eq(jid_resource(jid), "Orchard x");
	ck_assert_str_eq(jid_bare_str(jid), "romeo@example.net");
	ck_assert(!jid_is_bare(jid));
	ck_assert(!jid_is_domain(jid));
	jid_unref(&jid);

	jid = jid_parse("romeo@example.net");
	ck_assert_str_eq(jid_local(jid), "romeo");
	ck_assert_str_eq(jid_domain(jid), "example.net");
	ck_assert_ptr_null(jid_resource(jid));
	ck_assert_str_eq(jid_bare_str(jid), "romeo@example.net");
	ck_assert(jid_is_bare(jid));
	ck_assert(!jid_is_domain(jid));
	jid_unref(&jid);

	jid = jid_parse("example.net/Orchard");
	ck_assert_ptr_null(jid_local(jid));
	ck_assert_str_eq(jid_domain(jid), "example.net");
	ck_assert_str_eq(jid_resource(jid), "Orchard");
	ck_assert_str_eq(jid_bare_str(jid), "example.net");
	ck_assert(!jid_is_bare(jid));
	ck_assert(!jid_is_domain(jid));
	jid_unref(&jid);

	jid = jid_parse("example.net");
	ck_assert_ptr_null(jid_local(jid));
	ck_assert_str_eq(jid_domain(jid), "example.net");
	ck_assert_ptr_null(jid_resource(jid));
	ck_assert(jid_is_bare(jid));
	ck_assert(jid_is_domain(jid));
	jid_unref(&jid);
}
END_TEST

START_TEST(takes_null)
{
	struct jid *none = NULL;

	ck_assert_ptr_null(jid_parse(NULL));
	ck_assert_ptr_null(jid_ref(NULL));
	ck_assert_ptr_null(jid_bare(NULL));
	ck_assert_ptr_null(jid_with_resource(NULL, "r"));
	ck_assert_ptr_null(jid_str(NULL));
	ck_assert_ptr_null(jid_bare_str(NULL));
	ck_assert_ptr_null(jid_local(NULL));
	ck_assert_ptr_null(jid_domain(NULL));
	ck_assert_ptr_null(jid_resource(NULL));
	ck_assert_uint_eq(jid_len(NULL), 0);
	ck_assert(!jid_is_bare(NULL));
	ck_assert(!jid_is_domain(NULL));
	jid_unref(&none);
}
END_TEST

START_TEST(make)
{
	struct jid *jid = jid_make("Romeo", "Example.NET.", "Orchard/@ 1");

	ck_assert_str_eq(jid_str(jid), "romeo@example.net/Orchard/@ 1");
	jid_unref(&jid);
	jid = jid_make(NULL, "example.net", NULL);
	ck_assert_str_eq(jid_str(jid), "example.net");
	jid_unref(&jid);

	ck_assert_ptr_null(jid_make("a", NULL, "r"));
	ck_assert_ptr_null(jid_make("", "b", NULL));
	ck_assert_ptr_null(jid_make("a", "b", ""));
	ck_assert_ptr_null(jid_make("a", "", "r"));
	ck_assert_ptr_null(jid_make("a@b", "c", NULL));
	ck_assert_ptr_null(jid_make("a", "b/c", NULL));
	ck_assert_ptr_null(jid_make("a", "b@c", NULL));
}
END_TEST

START_TEST(changes_resource)
{
	static const char *const bares[] = { "romeo@example.net",
					     "example.net" };
	struct jid *bare = jid_parse(bares[_i]);
	struct jid *full = jid_with_resource(bare, "a\u00a0b"), *other, *back;

	ck_assert_str_eq(jid_resource(full), "a b");
	ck_assert_str_eq(jid_bare_str(full), bares[_i]);
	ck_assert(jid_eq_bare(full, bare));
	ck_assert(!jid_eq(full, bare));
	ck_assert_ptr_null(jid_with_resource(bare, ""));
	ck_assert_ptr_null(jid_with_resource(bare, "\n"));
	ck_assert_ptr_null(jid_with_resource(bare, NULL));

	other = jid_with_resource(full, "c");
	ck_assert_str_eq(jid_resource(other), "c");
	ck_assert(jid_eq_bare(other, bare));

	back = jid_bare(full);
	ck_assert_ptr_ne(back, full);
	ck_assert(jid_eq(back, bare));
	ck_assert_pstr_eq(jid_local(back), jid_local(bare));
	jid_unref(&back);
	back = jid_bare(bare);
	ck_assert_ptr_eq(back, bare);

	jid_unref(&back);
	jid_unref(&other);
	jid_unref(&full);
	ck_assert_str_eq(jid_str(bare), bares[_i]);
	jid_unref(&bare);
}
END_TEST

START_TEST(compares)
{
	struct jid *a = jid_parse("a@h/r"), *same = jid_parse("A@H/r");
	struct jid *other = jid_parse("a@h/R"), *bare = jid_parse("a@h");
	struct jid *user = jid_parse("b@h/r"), *host = jid_parse("h");
	struct jid *far = jid_parse("a@i/r");

	ck_assert(jid_eq(a, a));
	ck_assert(jid_eq(a, same));
	ck_assert(!jid_eq(a, other));
	ck_assert(!jid_eq(a, bare));
	ck_assert(!jid_eq(a, NULL));
	ck_assert(!jid_eq(NULL, a));
	ck_assert(jid_eq(NULL, NULL));

	ck_assert(jid_eq_bare(a, other));
	ck_assert(jid_eq_bare(a, bare));
	ck_assert(!jid_eq_bare(a, user));
	ck_assert(!jid_eq_bare(a, host));
	ck_assert(!jid_eq_bare(a, far));
	ck_assert(!jid_eq_bare(a, NULL));
	ck_assert(jid_eq_bare(NULL, NULL));

	ck_assert(jid_eq_domain(a, user));
	ck_assert(jid_eq_domain(a, host));
	ck_assert(!jid_eq_domain(a, far));
	ck_assert(!jid_eq_domain(NULL, a));
	ck_assert(jid_eq_domain(NULL, NULL));

	jid_unref(&a);
	jid_unref(&same);
	jid_unref(&other);
	jid_unref(&bare);
	jid_unref(&user);
	jid_unref(&host);
	jid_unref(&far);
}
END_TEST

START_TEST(hashes)
{
	static const char *const texts[] = { "a@h/r", "a@h", "h/r", "h" };
	struct jid *jid = jid_parse(texts[_i]);

	ck_assert_uint_eq(jid_hash(jid), hash_str(texts[_i]));
	ck_assert_uint_eq(jid_hash_bare(jid), hash_str(jid_bare_str(jid)));
	ck_assert_uint_eq(jid_hash_domain(jid), hash_str("h"));
	jid_unref(&jid);
}
END_TEST

START_TEST(counts_references)
{
	struct jid *jid = jid_parse("a@h"), *more = jid_ref(jid);

	ck_assert_ptr_eq(jid, more);
	jid_unref(&jid);
	ck_assert_ptr_null(jid);
	ck_assert_str_eq(jid_str(more), "a@h");
	jid_unref(&more);
}
END_TEST

static void
fill(char *at, size_t n, const char *unit)
{
	size_t len = strlen(unit);

	for (size_t i = 0; i < n; i++)
		memcpy(at + i * len, unit, len);
	at[n * len] = '\0';
}

/* RFC 7622 3.2 to 3.4: 1023 bytes are the most, after the mapping. */
START_TEST(limits)
{
	char part[JID_PART_MAX * 3 + 4];
	struct jid *jid;

	fill(part, JID_PART_MAX, "a");
	jid = jid_make(part, "h", part);
	ck_assert_uint_eq(jid_len(jid), 2 * JID_PART_MAX + 3);
	jid_unref(&jid);
	fill(part, JID_PART_MAX + 1, "a");
	ck_assert_ptr_null(jid_make(part, "h", NULL));
	ck_assert_ptr_null(jid_make(NULL, "h", part));
	ck_assert_ptr_null(jid_make(NULL, part, NULL));

	fill(part, JID_PART_MAX, "\uff21");
	jid = jid_make(part, "h", NULL);
	ck_assert_uint_eq(strlen(jid_local(jid)), JID_PART_MAX);
	jid_unref(&jid);
	fill(part, JID_PART_MAX / 2 + 1, "\u00e4");
	ck_assert_ptr_null(jid_make(part, "h", NULL));
	ck_assert_ptr_null(jid_make(NULL, "h", part));

	/* All three at once. */
	fill(part, JID_PART_MAX, "a");
	for (size_t i = 63; i < JID_PART_MAX; i += 64)
		part[i] = '.';
	part[JID_PART_MAX - 1] = 'a';
	jid = jid_make(part, part, part);
	ck_assert_uint_eq(jid_len(jid), 3 * JID_PART_MAX + 2);
	ck_assert_str_eq(jid_domain(jid), part);
	ck_assert_str_eq(jid_local(jid), part);
	jid_unref(&jid);
}
END_TEST

START_TEST(limits_labels)
{
	char label[80];
	struct jid *jid;

	fill(label, 63, "A");
	jid = jid_parse(label);
	ck_assert_uint_eq(jid_len(jid), 63);
	jid_unref(&jid);
	fill(label, 64, "a");
	ck_assert_ptr_null(jid_parse(label));
}
END_TEST

START_TEST(prepares_parts)
{
	struct buf out = { 0 };

	ck_assert_int_eq(jid_prep_local("Romeo", 5, &out), 0);
	ck_assert_int_eq(jid_prep_domain("Example.", 8, &out), 0);
	ck_assert_int_eq(jid_prep_resource("R\u00a0", 3, &out), 0);
	ck_assert_str_eq(out.data, "romeoexampleR ");
	ck_assert_int_eq(jid_prep_local("a@b", 3, &out), -1);
	ck_assert_int_eq(jid_prep_local("\uff20", 3, &out), -1);
	ck_assert_int_eq(jid_prep_local("a\0b", 3, &out), -1);
	ck_assert_int_eq(jid_prep_domain("a\0b", 3, &out), -1);
	ck_assert_int_eq(jid_prep_resource("a\0b", 3, &out), -1);
	ck_assert_int_eq(jid_prep_local("", 0, &out), -1);
	ck_assert_str_eq(out.data, "romeoexampleR ");
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("jid");

	tcase_add_loop_test(tc, parse, 0, N_ELEMENTS(cases));
	tcase_add_loop_test(tc, ascii, 1, 128);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, takes_null);
	tcase_add_test(tc, make);
	tcase_add_loop_test(tc, changes_resource, 0, 2);
	tcase_add_test(tc, compares);
	tcase_add_loop_test(tc, hashes, 0, 4);
	tcase_add_test(tc, counts_references);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, limits_labels);
	tcase_add_test(tc, prepares_parts);
	return unit_run(tc);
}
