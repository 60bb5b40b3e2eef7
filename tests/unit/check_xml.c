/* check_xml.c - trees, and how they are written. */

#include "xmpp/xml.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"
#include "xmpp/cond.h"
#include "xmpp/intern.h"
#include "xmpp/ns.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena *a;
static struct buf out;

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_unref(&a);
	buf_fini(&out);
}

static const char *
written(const struct xml *x, const char *ns_context)
{
	out.len = 0;
	xml_write(&out, x, ns_context);
	return out.data;
}

START_TEST(builds)
{
	struct xml *x = xml_new(a, "message", NS_CLIENT);
	struct xml *delay;

	xml_set(a, x, "type", "chat");
	xml_set_int(a, x, "n", INT64_MIN);
	xml_add_text(a, x, "body", NULL, "hi");
	delay = xml_add(a, x, "delay", NS_DELAY);
	xml_set(a, delay, "stamp", "now");
	xml_add_text(a, delay, "reason", NULL, "");
	ck_assert_str_eq(written(x, NS_CLIENT),
			 "<message type='chat' n='-9223372036854775808'>"
			 "<body>hi</body>"
			 "<delay xmlns='urn:xmpp:delay' stamp='now'><reason/>"
			 "</delay></message>");
}
END_TEST

START_TEST(sets_attributes)
{
	struct xml *x = xml_new(a, "x", NS_CLIENT);
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		xml_set(a, x, names[i], names[i]);
	xml_set(a, x, "c", "new");
	xml_set(a, x, "a", NULL);
	xml_set(a, x, "f", NULL);
	xml_set(a, x, "g", NULL);
	ck_assert_ptr_null(xml_get(x, "a"));
	ck_assert_ptr_null(xml_get(x, "g"));
	ck_assert_str_eq(xml_get(x, "c"), "new");
	ck_assert_str_eq(written(x, NS_CLIENT),
			 "<x b='b' c='new' d='d' e='e'/>");
}
END_TEST

START_TEST(attributes_have_namespaces)
{
	struct xml *x = xml_new(a, "x", NS_CLIENT);

	xml_set(a, x, "lang", "none");
	xml_set_ns(a, x, NS_XML, "lang", "de");
	xml_set_ns(a, x, "urn:a", "k", "1");
	xml_set_ns(a, x, "urn:b", "k", "2");
	xml_set_ns(a, x, "urn:a", "l", "3");
	ck_assert_str_eq(xml_lang(x), "de");
	ck_assert_str_eq(xml_get(x, "lang"), "none");
	ck_assert_ptr_null(xml_get(x, "k"));
	ck_assert_str_eq(xml_get_ns(x, "urn:b", "k"), "2");
	ck_assert_str_eq(written(x, NS_CLIENT),
			 "<x lang='none' xml:lang='de' xmlns:n2='urn:a' "
			 "n2:k='1' xmlns:n3='urn:b' n3:k='2' n2:l='3'/>");
}
END_TEST

START_TEST(declares_what_changes)
{
	struct xml *x = xml_new(a, "iq", NS_CLIENT);
	struct xml *q = xml_add(a, x, "query", NS_ROSTER);

	xml_add(a, q, "item", NULL);
	xml_add(a, q, "message", NS_CLIENT);
	xml_add(a, xml_add(a, x, "bare", ""), "inner", NULL);
	ck_assert_str_eq(written(x, ""),
			 "<iq xmlns='jabber:client'>"
			 "<query xmlns='jabber:iq:roster'><item/>"
			 "<message xmlns='jabber:client'/></query>"
			 "<bare xmlns=''><inner/></bare></iq>");
}
END_TEST

/* Namespaces in XML 1.0, 3: the namespace of the prefix xml cannot be the
 * default one. */
START_TEST(writes_elements_of_xml)
{
	struct xml *x = xml_new(a, "foo", NS_XML);

	xml_add(a, x, "bar", NS_CLIENT);
	ck_assert_str_eq(written(x, NS_CLIENT), "<xml:foo><bar/></xml:foo>");
}
END_TEST

START_TEST(writes_with_prefix)
{
	struct xml *x = xml_new(a, "features", NS_STREAM);

	xml_add(a, x, "starttls", NS_TLS);
	xml_add(a, x, "plain", NS_CLIENT);
	xml_write_as(&out, x, "stream:features", NS_CLIENT);
	ck_assert_str_eq(out.data,
			 "<stream:features>"
			 "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
			 "<plain/></stream:features>");
}
END_TEST

static const struct {
	const char *in, *text, *attr;
} escapes[] = {
	{ "", "", "" },
	{ "plain", "plain", "plain" },
	{ "a<b>&'\"", "a&lt;b&gt;&amp;'\"", "a&lt;b&gt;&amp;&apos;\"" },
	{ "]]>", "]]&gt;", "]]&gt;" },
	{ "\t\n\r", "\t\n&#13;", "&#9;&#10;&#13;" },
	{ "\x01z\x1f\x7f", "\xef\xbf\xbdz\xef\xbf\xbd\x7f",
	  "\xef\xbf\xbdz\xef\xbf\xbd\x7f" },
	/* Valid: é, €, 😀, U+FFFD, U+10FFFF. */
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf",
	  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf",
	  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf" },
	/* Cut, stray, overlong. */
	{ "a\xc3", "a\xef\xbf\xbd", "a\xef\xbf\xbd" },
	{ "\xe2\x82z", "\xef\xbf\xbd\xef\xbf\xbdz",
	  "\xef\xbf\xbd\xef\xbf\xbdz" },
	{ "\x80", "\xef\xbf\xbd", "\xef\xbf\xbd" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	/* A surrogate, U+FFFE, beyond U+10FFFF. */
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xef\xbf\xbe", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(escaping)
{
	struct buf want = { 0 };

	xml_escape(&out, escapes[_i].in, strlen(escapes[_i].in));
	ck_assert_str_eq(out.data, escapes[_i].text);
	out.len = 0;
	xml_write_attr(&out, "v", escapes[_i].in);
	buf_printf(&want, " v='%s'", escapes[_i].attr);
	ck_assert_str_eq(out.data, want.data);
	buf_fini(&want);
}
END_TEST

/* Each byte, wherever it stands in a longer text. */
START_TEST(escaping_anywhere)
{
	char text[24], want[64];

	for (size_t at = 0; at < 20; at++) {
		const char *in_text = _i == '&'	   ? "&amp;"
				      : _i == '<'  ? "&lt;"
				      : _i == '>'  ? "&gt;"
				      : _i == '\r' ? "&#13;"
						   : NULL;
		char as_is[] = { (char)_i, '\0' };

		if (!in_text)
			in_text = (_i < ' ' && _i != '\t' && _i != '\n') ||
						  _i > 127
					  ? "\xef\xbf\xbd"
					  : as_is;
		memset(text, 'x', sizeof(text));
		text[at] = (char)_i;
		snprintf(want, sizeof(want), "%.*s%s%.*s", (int)at, text,
			 in_text, (int)(20 - at), text + at + 1);
		out.len = 0;
		xml_escape(&out, text, 21);
		ck_assert_str_eq(out.data, want);
	}
}
END_TEST

START_TEST(finds_children)
{
	struct xml *x = xml_new(a, "iq", NS_CLIENT);
	struct xml *one, *two, *three;
	int n = 0;

	xml_text(a, x, " ");
	one = xml_add(a, x, "a", "urn:1");
	xml_text(a, x, " ");
	two = xml_add(a, x, "a", "urn:2");
	three = xml_add(a, x, "b", "urn:1");
	xml_text(a, x, " ");
	ck_assert_ptr_eq(xml_child(x, NULL, NULL), one);
	ck_assert_ptr_eq(xml_child(x, "a", "urn:2"), two);
	ck_assert_ptr_eq(xml_child(x, "b", NULL), three);
	ck_assert_ptr_null(xml_child(x, "b", "urn:2"));
	ck_assert_ptr_eq(xml_next(x, one, "a", NULL), two);
	ck_assert_ptr_eq(xml_next(x, one, NULL, "urn:1"), three);
	ck_assert_ptr_null(xml_next(x, three, NULL, NULL));
	xml_each (kid, x) {
		n++;
		ck_assert_ptr_eq(kid, n == 1 ? one : n == 2 ? two : three);
	}
	ck_assert_int_eq(n, 3);
	xml_each (kid, one)
		ck_abort_msg("a child of an empty element");
}
END_TEST

START_TEST(joins_text)
{
	struct xml *x = xml_new(a, "body", NS_CLIENT);
	struct xml *parent = xml_new(a, "message", NS_CLIENT);

	ck_assert_str_eq(xml_get_text(a, x), "");
	xml_text(a, x, "");
	ck_assert_uint_eq(x->n_kids, 0);
	xml_text_len(a, x, "one more", 3);
	ck_assert_str_eq(xml_get_text(a, x), "one");
	xml_add_text(a, x, "em", NULL, "not this");
	xml_text(a, x, " two");
	ck_assert_str_eq(xml_get_text(a, x), "one two");
	ck_assert_ptr_null(xml_child_text(a, parent, "body", NULL));
	xml_append(a, parent, x);
	ck_assert_str_eq(xml_child_text(a, parent, "body", NULL), "one two");
}
END_TEST

START_TEST(shallow_copy_leaves_the_old_one)
{
	struct xml *x = xml_new(a, "message", NS_CLIENT), *copy;
	char *before;

	xml_set(a, x, "id", "1");
	xml_add_text(a, x, "body", NULL, "hi");
	before = arena_strdup(a, written(x, ""));
	copy = xml_shallow_copy(a, x);
	ck_assert(xml_eq(x, copy));
	xml_set(a, copy, "id", "2");
	xml_set(a, copy, "type", "chat");
	xml_add(a, copy, "more", NULL);
	ck_assert_str_eq(written(x, ""), before);
	ck_assert_str_eq(written(copy, NS_CLIENT),
			 "<message id='2' type='chat'><body>hi</body><more/>"
			 "</message>");
	copy = xml_shallow_copy(a, xml_new(a, "empty", NS_CLIENT));
	xml_set(a, copy, "id", "2");
	ck_assert_str_eq(written(copy, NS_CLIENT), "<empty id='2'/>");
}
END_TEST

START_TEST(deep_copy_outlives_the_old_one)
{
	struct arena *old = arena_new();
	struct xml *x = xml_new(old, arena_strdup(old, "own"),
				arena_strdup(old, "urn:own"));
	struct xml *kid = xml_add(old, x, arena_strdup(old, "kid"), NULL);
	struct xml *copy;

	xml_set_ns(old, kid, arena_strdup(old, "urn:a"),
		   arena_strdup(old, "at"), "v");
	xml_text(old, kid, "text");
	xml_add(old, x, "body", arena_strdup(old, NS_CLIENT));
	copy = xml_deep_copy(a, x);
	ck_assert(xml_eq(x, copy));
	arena_unref(&old);
	ck_assert_str_eq(written(copy, ""),
			 "<own xmlns='urn:own'><kid xmlns:n0='urn:a' "
			 "n0:at='v'>text</kid><body xmlns='jabber:client'/>"
			 "</own>");
}
END_TEST

START_TEST(tells_differences)
{
	struct xml *x = xml_new(a, "x", NS_CLIENT), *y;

	xml_set(a, x, "a", "1");
	xml_set(a, x, "b", "2");
	xml_text(a, x, "t");
	xml_add(a, x, "k", NULL);
	y = xml_new(a, "x", NS_CLIENT);
	xml_set(a, y, "b", "2");
	xml_set(a, y, "a", "1");
	xml_text(a, y, "t");
	ck_assert(!xml_eq(x, y));
	xml_add(a, y, "k", NULL);
	ck_assert(xml_eq(x, y));
	xml_set(a, y, "a", "2");
	ck_assert(!xml_eq(x, y));
	xml_set(a, y, "a", "1");
	y->kids[0] = xml_new_text(a, "u", 1);
	ck_assert(!xml_eq(x, y));
	ck_assert(!xml_eq(x, y->kids[0]));
}
END_TEST

START_TEST(interned)
{
	char copy[] = "jabber:client", other[] = "jabber:clienT";

	ck_assert_str_eq(intern_find(copy, strlen(copy)), NS_CLIENT);
	ck_assert_ptr_eq(intern_find(copy, strlen(copy)),
			 intern_find(NS_CLIENT, strlen(NS_CLIENT)));
	ck_assert_ptr_null(intern_find(other, strlen(other)));
	ck_assert_ptr_null(intern_find(copy, 7));
	ck_assert_str_eq(intern_find("", 0), "");
	ck_assert_str_eq(intern_find("id!", 2), "id");
	ck_assert_str_eq(intern_find("from", 4), "from");
}
END_TEST

/* RFC 6120 8.3.3 and 4.9.3. */
START_TEST(conditions)
{
	for (int i = 1; i < N_CONDS; i++)
		ck_assert_int_eq(stanza_cond_by_name(
					 stanza_cond_name((enum stanza_cond)i)),
				 i);
	for (int i = 1; i < N_STREAM_CONDS; i++)
		ck_assert_ptr_nonnull(stream_cond_name((enum stream_cond)i));
	ck_assert_int_eq(stanza_cond_by_name("text"), COND_NONE);
	ck_assert_str_eq(stanza_cond_name(COND_ITEM_NOT_FOUND),
			 "item-not-found");
	ck_assert_str_eq(stanza_cond_type(COND_ITEM_NOT_FOUND), "cancel");
	ck_assert_str_eq(stream_cond_name(STREAM_NOT_WELL_FORMED),
			 "not-well-formed");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("xml");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, builds);
	tcase_add_test(tc, sets_attributes);
	tcase_add_test(tc, attributes_have_namespaces);
	tcase_add_test(tc, declares_what_changes);
	tcase_add_test(tc, writes_elements_of_xml);
	tcase_add_test(tc, writes_with_prefix);
	tcase_add_loop_test(tc, escaping, 0, N_ELEMENTS(escapes));
	tcase_add_loop_test(tc, escaping_anywhere, 1, 256);
	tcase_add_test(tc, finds_children);
	tcase_add_test(tc, joins_text);
	tcase_add_test(tc, shallow_copy_leaves_the_old_one);
	tcase_add_test(tc, deep_copy_outlives_the_old_one);
	tcase_add_test(tc, tells_differences);
	tcase_add_test(tc, interned);
	tcase_add_test(tc, conditions);
	return unit_run(tc);
}
