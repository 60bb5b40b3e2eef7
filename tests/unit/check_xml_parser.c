/* check_xml_parser.c - streams of XML: elements, limits, what is refused. */

#include "xmpp/xml_parser.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_engine.h"

#include <stdlib.h>

#define OPEN                                    \
	"<stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define OPEN_SERVER                             \
	"<stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

static const struct xml_limits wide = {
	.stanza = 1 << 24,
	.token = 1 << 20,
	.depth = 1000,
	.attrs = 1000,
	.children = 100000,
};

static struct xml_pool *pool;
static struct xml_parser *p;
static struct buf out; /* what came, each element in a line */
static int pause_in;   /* the handler's calls until one pauses; 0: none */

static bool
go_on(void)
{
	buf_addc(&out, '\n');
	return !pause_in || --pause_in;
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)user;
	buf_printf(&out, "(%s) ", default_ns ? default_ns : "-");
	xml_write(&out, header, "");
	arena_unref(&a);
	return go_on();
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	(void)user;
	xml_write(&out, x, NS_CLIENT);
	arena_unref(&a);
	return go_on();
}

static void
on_close(void *user)
{
	(void)user;
	buf_adds(&out, "closed\n");
}

static const struct xml_handler handler = { on_open, on_element, on_close };

static void
setup(void)
{
	pool = xml_pool_new();
	p = xml_parser_new(pool, &handler, NULL, &wide);
	buf_adds(&out, "");
	pause_in = 0;
}

static void
teardown(void)
{
	xml_parser_free(p);
	xml_pool_free(pool);
	buf_fini(&out);
}

static enum xml_fed
feed(const char *s)
{
	return xml_parser_feed(p, s, strlen(s));
}

/* What came since the last time. */
static void
expect(const char *want)
{
	ck_assert_str_eq(out.data ? out.data : "", want);
	out.len = 0;
	if (out.data)
		out.data[0] = '\0';
}

static void
open_stream(void)
{
	ck_assert_int_eq(feed(OPEN), XML_MORE);
	out.len = 0;
	out.data[0] = '\0';
}

static const struct {
	const char *in, *want;
} streams[] = {
	{ "<?xml version='1.0'?>"
	  "<stream:stream to='a' version='1.0' xml:lang='de' "
	  "xmlns='jabber:client' "
	  "xmlns:stream='http://etherx.jabber.org/streams'>\n"
	  "<message to='b'><body>hi</body></message>"
	  "<presence/> <iq id=\"1\"><q xmlns='urn:q' a='1'><r/>t</q></iq>"
	  "</stream:stream>",
	  "(jabber:client) <stream xmlns='http://etherx.jabber.org/streams' "
	  "to='a' version='1.0' xml:lang='de'/>\n"
	  "<message to='b'><body>hi</body></message>\n"
	  "<presence/>\n"
	  "<iq id='1'><q xmlns='urn:q' a='1'><r/>t</q></iq>\n"
	  "closed\n" },
	/* RFC 6120 4.8.2: the content namespace need not be the default. */
	{ "<stream xmlns='http://etherx.jabber.org/streams'>"
	  "<message xmlns='jabber:client'/><features/></stream>",
	  "(http://etherx.jabber.org/streams) "
	  "<stream xmlns='http://etherx.jabber.org/streams'/>\n"
	  "<message/>\n"
	  "<features xmlns='http://etherx.jabber.org/streams'/>\nclosed\n" },
	/* Prefixes of the header's hold for all that follows. */
	{ "<s:stream xmlns:s='http://etherx.jabber.org/streams' "
	  "xmlns:c='jabber:client' xmlns:z='urn:z' z:at='1'>"
	  "<c:message z:k='v'><c:body/><none/></c:message>"
	  "<z:foo/><bar/></s:stream>",
	  "(-) <stream xmlns='http://etherx.jabber.org/streams' "
	  "xmlns:n0='urn:z' n0:at='1'/>\n"
	  "<message xmlns:n0='urn:z' n0:k='v'><body/><none xmlns=''/>"
	  "</message>\n"
	  "<foo xmlns='urn:z'/>\n<bar xmlns=''/>\nclosed\n" },
	{ "<stream:stream xmlns='jabber:server' "
	  "xmlns:db='jabber:server:dialback'"
	  " xmlns:stream='http://etherx.jabber.org/streams'>"
	  "<db:result to='a'>key</db:result><message/>",
	  "(jabber:server) <stream xmlns='http://etherx.jabber.org/streams'/>\n"
	  "<result xmlns='jabber:server:dialback' to='a'>key</result>\n"
	  "<message xmlns='jabber:server'/>\n" },
	/* References, CDATA, line ends, and text in one piece. */
	{ OPEN "<m a='&lt;&#65;&quot;\n\t'>a&amp;b&#x20AC;<![CDATA[<x>&]]>\r\n"
	       "\xe2\x82\xac</m>",
	  "(jabber:client) <stream xmlns='http://etherx.jabber.org/streams'/>\n"
	  "<m a='&lt;A\"  '>a&amp;b\xe2\x82\xac&lt;x&gt;&amp;\n"
	  "\xe2\x82\xac</m>\n" },
	{ "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>",
	  "(-) <stream xmlns='http://etherx.jabber.org/streams'/>\nclosed\n" },
	/* The header's own namespace is for others to judge. */
	{ "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'>",
	  "(urn:ietf:params:xml:ns:xmpp-framing) "
	  "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>\n" },
	{ "", "" },
};

START_TEST(whole)
{
	ck_assert_int_eq(feed(streams[_i].in), XML_MORE);
	expect(streams[_i].want);
}
END_TEST

/* Nothing may wait in the parser for bytes that come later. */
START_TEST(byte_by_byte)
{
	for (const char *s = streams[_i].in; *s; s++)
		ck_assert_int_eq(xml_parser_feed(p, s, 1), XML_MORE);
	expect(streams[_i].want);
}
END_TEST

START_TEST(paused_at_each)
{
	enum xml_fed fed;

	pause_in = 1;
	fed = feed(streams[_i].in);
	while (fed == XML_PAUSED) {
		ck_assert_int_eq(pause_in, 0);
		ck_assert_int_eq(feed(""), XML_PAUSED);
		pause_in = 1;
		fed = xml_parser_resume(p);
	}
	ck_assert_int_eq(fed, XML_MORE);
	ck_assert_uint_eq(xml_parser_pending(p), 0);
	expect(streams[_i].want);
}
END_TEST

START_TEST(ignores_what_follows_the_end)
{
	ck_assert_int_eq(feed(OPEN "</stream:stream><message/>"), XML_MORE);
	ck_assert_int_eq(feed("<<<"), XML_MORE);
	expect("(jabber:client) "
	       "<stream xmlns='http://etherx.jabber.org/streams'/>\nclosed\n");
}
END_TEST

/* RFC 6120 4.6.1 and 11.7: whitespace between elements. */
START_TEST(keepalives)
{
	open_stream();
	ck_assert_uint_eq(xml_pool_idle(pool), 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(feed(" \r\n\t"), XML_MORE);
	ck_assert_int_eq(feed("\n<a/>\r"), XML_MORE);
	ck_assert_int_eq(feed("\n\r"), XML_MORE);
	ck_assert_int_eq(feed(" <b/>"), XML_MORE);
	expect("<a/>\n<b/>\n");
}
END_TEST

START_TEST(holds_no_engine_between_stanzas)
{
	struct xml_parser *q = xml_parser_new(pool, &handler, NULL, &wide);

	ck_assert_uint_eq(xml_pool_idle(pool), 0);
	open_stream();
	ck_assert_uint_eq(xml_pool_idle(pool), 1);
	feed("<a>");
	ck_assert_uint_eq(xml_pool_idle(pool), 0);
	xml_parser_feed(q, OPEN, strlen(OPEN));
	ck_assert_uint_eq(xml_pool_idle(pool), 1);
	xml_parser_feed(q, "<b/><c", 6);
	ck_assert_uint_eq(xml_pool_idle(pool), 0);
	feed("</a>");
	ck_assert_uint_eq(xml_pool_idle(pool), 1);
	xml_parser_feed(q, "/>", 2);
	ck_assert_uint_eq(xml_pool_idle(pool), 2);
	expect("(jabber:client) "
	       "<stream xmlns='http://etherx.jabber.org/streams'/>\n"
	       "<b/>\n<a/>\n<c/>\n");
	xml_parser_free(q);
}
END_TEST

/* Streams with other headers never meet each other's prefixes. */
START_TEST(shares_no_prefixes)
{
	struct xml_parser *q = xml_parser_new(pool, &handler, NULL, &wide);
	const char *dialback =
		"<stream:stream xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams' "
		"xmlns:db='jabber:server:dialback'>";
	const char *own = "<stream:stream xmlns='jabber:client' "
			  "xmlns:stream='http://etherx.jabber.org/streams' "
			  "xmlns:own='urn:own'><own:a/>";

	xml_parser_feed(q, dialback, strlen(dialback));
	xml_parser_free(q);
	q = xml_parser_new(pool, &handler, NULL, &wide);
	xml_parser_feed(q, own, strlen(own));
	xml_parser_free(q);
	ck_assert_uint_eq(xml_pool_idle(pool), 1);
	ck_assert_int_eq(feed(OPEN_SERVER), XML_MORE);
	ck_assert_int_eq(feed("<db:result/>"), XML_BAD);
	ck_assert_int_eq(xml_parser_error(p, NULL), STREAM_NOT_WELL_FORMED);
	xml_parser_restart(p, &wide);
	ck_assert_int_eq(feed(OPEN), XML_MORE);
	ck_assert_int_eq(feed("<own:a/>"), XML_BAD);
}
END_TEST

START_TEST(keeps_what_is_behind_a_pause)
{
	open_stream();
	pause_in = 1;
	ck_assert_int_eq(feed("<a/>"), XML_PAUSED);
	ck_assert_uint_eq(xml_parser_pending(p), 0);
	ck_assert_int_eq(feed("<b/>"), XML_PAUSED);
	ck_assert_uint_eq(xml_parser_pending(p), 4);
	ck_assert_int_eq(feed("<c"), XML_PAUSED);
	expect("<a/>\n");
	pause_in = 1;
	ck_assert_int_eq(xml_parser_resume(p), XML_PAUSED);
	ck_assert_uint_eq(xml_parser_pending(p), 2);
	expect("<b/>\n");
	ck_assert_int_eq(xml_parser_resume(p), XML_MORE);
	ck_assert_uint_eq(xml_parser_pending(p), 0);
	ck_assert_int_eq(feed("/><d/>"), XML_MORE);
	expect("<c/>\n<d/>\n");
}
END_TEST

/* RFC 6120 4.3.3: a new stream, on the same connection. */
START_TEST(restarts)
{
	open_stream();
	pause_in = 1;
	ck_assert_int_eq(feed("<auth/>"), XML_PAUSED);
	xml_parser_restart(p, &wide);
	ck_assert_int_eq(feed("<?xml version='1.0'?>" OPEN_SERVER "<a/>"),
			 XML_MORE);
	expect("<auth/>\n(jabber:server) "
	       "<stream xmlns='http://etherx.jabber.org/streams'/>\n"
	       "<a xmlns='jabber:server'/>\n");
}
END_TEST

/* What a hasty client sent behind its last element is the new document; a
 * line end behind that element is not part of it. */
START_TEST(restarts_with_what_is_pending)
{
	open_stream();
	pause_in = 1;
	ck_assert_int_eq(feed("<auth/>\n<?xml version='1.0'?>" OPEN_SERVER),
			 XML_PAUSED);
	xml_parser_restart(p, &wide);
	ck_assert_uint_gt(xml_parser_pending(p), 0);
	ck_assert_int_eq(xml_parser_resume(p), XML_MORE);
	ck_assert_uint_eq(xml_parser_pending(p), 0);
	expect("<auth/>\n(jabber:server) "
	       "<stream xmlns='http://etherx.jabber.org/streams'/>\n");
	pause_in = 1;
	ck_assert_int_eq(feed("<a/><stream:str"), XML_PAUSED);
	xml_parser_restart(p, &wide);
	ck_assert_int_eq(
		feed("eam xmlns:stream='http://etherx.jabber.org/streams'>"),
		XML_MORE);
	expect("<a xmlns='jabber:server'/>\n"
	       "(-) <stream xmlns='http://etherx.jabber.org/streams'/>\n");
}
END_TEST

/* An engine that has read too much is replaced in the middle of a read. */
START_TEST(outlives_many_engines)
{
	static const char *const headers[] = {
		OPEN,
		"<stream:stream xmlns='jabber:client' xmlns:o='urn:own' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
	};
	struct buf lot = { 0 };
	int lines = 0;

	ck_assert_int_eq(feed(headers[_i]), XML_MORE);
	out.len = 0;
	for (int i = 0; i < 3000; i++)
		buf_printf(&lot, "<m n='%d'><b%d>%01000d</b%d></m>", i, i, i,
			   i);
	for (size_t at = 0; at < lot.len; at += 5000) {
		size_t n = lot.len - at < 5000 ? lot.len - at : 5000;

		ck_assert_int_eq(xml_parser_feed(p, lot.data + at, n),
				 XML_MORE);
	}
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	ck_assert_int_eq(lines, 3000);
	ck_assert_int_eq(feed("</stream:stream>"), XML_MORE);
	buf_fini(&lot);
}
END_TEST

static const struct {
	const char *in;
	enum stream_cond cond;
} bad[] = {
	/* RFC 6120 11.1 */
	{ "<!DOCTYPE stream>", STREAM_RESTRICTED_XML },
	{ "<!DOCTYPE a [<!ENTITY b 'c'>]>", STREAM_RESTRICTED_XML },
	{ "<!-- comment -->" OPEN, STREAM_RESTRICTED_XML },
	{ "<?pi?>" OPEN, STREAM_RESTRICTED_XML },
	{ OPEN "<!-- comment -->", STREAM_RESTRICTED_XML },
	{ OPEN "<a><!-- comment --></a>", STREAM_RESTRICTED_XML },
	{ OPEN "<a><?pi text?></a>", STREAM_RESTRICTED_XML },
	{ OPEN "<a>&b;</a>", STREAM_RESTRICTED_XML },
	{ OPEN "<a b='&c;'/>", STREAM_RESTRICTED_XML },
	/* RFC 6120 11.3 */
	{ OPEN "<a></b>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a b='1' b='2'/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a b=1/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a b='<'/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a>]]></a>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a>&#0;</a>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a>\x01</a>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a>\xef\xbf\xbe</a>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a>&#xD800;</a>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<?xml version='1.0'?>", STREAM_NOT_WELL_FORMED },
	{ " <?xml version='1.0'?>" OPEN, STREAM_NOT_WELL_FORMED },
	{ "text" OPEN, STREAM_NOT_WELL_FORMED },
	/* RFC 6120 11.3: namespace-well-formed */
	{ OPEN "<b:a/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a b:c='1'/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a xmlns:b=''/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a xmlns:b='u' xmlns:c='u' b:d='1' c:d='1'/>",
	  STREAM_NOT_WELL_FORMED },
	{ OPEN "<a xmlns:xml='urn:b'/>", STREAM_NOT_WELL_FORMED },
	{ OPEN "<a:b:c xmlns:a='u'/>", STREAM_NOT_WELL_FORMED },
	/* RFC 6120 4.9.3.2 */
	{ "<stream:stream xmlns='jabber:client'>",
	  STREAM_BAD_NAMESPACE_PREFIX },
	/* RFC 6120 4.9.3.22, 11.6 */
	{ "<?xml version='1.0' encoding='UTF-16'?>",
	  STREAM_UNSUPPORTED_ENCODING },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?>",
	  STREAM_UNSUPPORTED_ENCODING },
	{ OPEN "<a>\xff</a>", STREAM_UNSUPPORTED_ENCODING },
	{ OPEN "<a>\xc3(</a>", STREAM_UNSUPPORTED_ENCODING },
	{ OPEN "<a>\xed\xa0\x80</a>", STREAM_UNSUPPORTED_ENCODING },
	{ OPEN "<a b='\x80'/>", STREAM_UNSUPPORTED_ENCODING },
	/* RFC 6120 11.7: only whitespace between elements */
	{ OPEN "text", STREAM_BAD_FORMAT },
	{ OPEN "<a/> &#97; ", STREAM_BAD_FORMAT },
};

static void
check_bad(enum stream_cond cond)
{
	const char *text = NULL;

	ck_assert_int_eq(xml_parser_error(p, &text), cond);
	ck_assert_ptr_nonnull(text);
	out.len = 0;
	ck_assert_int_eq(feed("<more/>"), XML_BAD);
	ck_assert_int_eq(xml_parser_resume(p), XML_BAD);
	ck_assert_uint_eq(out.len, 0);
}

START_TEST(refuses)
{
	ck_assert_int_eq(feed(bad[_i].in), XML_BAD);
	check_bad(bad[_i].cond);
}
END_TEST

START_TEST(refuses_byte_by_byte)
{
	enum xml_fed fed = XML_MORE;

	for (const char *s = bad[_i].in; *s && fed == XML_MORE; s++)
		fed = xml_parser_feed(p, s, 1);
	if (fed == XML_MORE) /* it may need one more to see it */
		fed = feed("<");
	ck_assert_int_eq(fed, XML_BAD);
	check_bad(bad[_i].cond);
}
END_TEST

START_TEST(accepts_utf8_named)
{
	ck_assert_int_eq(feed("<?xml version='1.0' encoding='utf-8'?>" OPEN),
			 XML_MORE);
}
END_TEST

static const struct {
	const char *in;
	size_t len;
} utf16[] = {
	{ "<\0a\0>\0", 6 },
	{ "\0<\0a\0>", 6 },
	{ "\xff\xfe<\0a\0>\0", 8 },
	{ "\xfe\xff\0<\0a\0>", 8 },
};

/* RFC 6120 11.6 */
START_TEST(refuses_utf16)
{
	ck_assert_int_eq(xml_parser_feed(p, utf16[_i].in, utf16[_i].len),
			 XML_BAD);
	check_bad(STREAM_UNSUPPORTED_ENCODING);
	xml_parser_restart(p, &wide);
	ck_assert_int_eq(xml_parser_feed(p, utf16[_i].in, 1),
			 utf16[_i].in[0] == '<' ? XML_MORE : XML_BAD);
	if (utf16[_i].in[0] == '<')
		ck_assert_int_eq(xml_parser_feed(p, utf16[_i].in + 1, 1),
				 XML_BAD);
	check_bad(STREAM_UNSUPPORTED_ENCODING);
}
END_TEST

static const struct xml_limits narrow = {
	.stanza = 100,
	.token = 60,
	.depth = 3,
	.attrs = 2,
	.children = 3,
};

#define TEN "0123456789"
static const struct {
	const char *in;
	bool is_good;
} limited[] = {
	{ "<a>" TEN TEN TEN TEN TEN TEN TEN TEN TEN "012</a>", true },
	{ "<a>" TEN TEN TEN TEN TEN TEN TEN TEN TEN "0123</a>", false },
	{ "<a>" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN, false },
	{ "<a>" TEN TEN TEN TEN TEN TEN TEN TEN TEN "012</a>"
	  "<a>" TEN TEN TEN TEN TEN TEN TEN TEN TEN "012</a>",
	  true },
	{ "<a b='" TEN TEN TEN TEN "0123456789>'/>", true },
	{ "<a b='" TEN TEN TEN TEN "0123456789a>'/>", false },
	{ "<a b='" TEN TEN TEN TEN TEN TEN, false },
	{ "<a><b><c/></b><b><c/></b></a>", true },
	{ "<a><b><c><d/></c></b></a>", false },
	{ "<a b='' c=''/>", true },
	{ "<a b='' c='' d=''/>", false },
	{ "<a><b/><b/>t<b/>t</a><a><b/></a>", true },
	{ "<a><b/><b/><b/><b/></a>", false },
};

static void
check_limited(enum xml_fed fed, bool is_good)
{
	const char *text;

	if (is_good) {
		ck_assert_int_eq(fed, XML_MORE);
		return;
	}
	ck_assert_int_eq(fed, XML_BAD);
	ck_assert_int_eq(xml_parser_error(p, &text), STREAM_POLICY_VIOLATION);
}

START_TEST(limits)
{
	open_stream();
	xml_parser_set_limits(p, &narrow);
	check_limited(feed(limited[_i].in), limited[_i].is_good);
}
END_TEST

START_TEST(limits_byte_by_byte)
{
	enum xml_fed fed = XML_MORE;

	open_stream();
	xml_parser_set_limits(p, &narrow);
	for (const char *s = limited[_i].in; *s && fed == XML_MORE; s++)
		fed = xml_parser_feed(p, s, 1);
	check_limited(fed, limited[_i].is_good);
}
END_TEST

START_TEST(limits_the_header)
{
	xml_parser_set_limits(p, &narrow);
	ck_assert_int_eq(feed(OPEN), XML_BAD);
	ck_assert_int_eq(xml_parser_error(p, NULL), STREAM_POLICY_VIOLATION);
	expect("");
	xml_parser_restart(p, &narrow);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(feed(i ? "a" : "<"), XML_MORE);
	ck_assert_int_eq(feed("a"), XML_BAD);
}
END_TEST

START_TEST(may_end_anywhere)
{
	const char *s = streams[0].in;
	size_t len = strlen(s);

	for (size_t n = 0; n < len; n++) {
		struct xml_parser *q =
			xml_parser_new(pool, &handler, NULL, &wide);

		ck_assert_int_eq(xml_parser_feed(q, s, n), XML_MORE);
		xml_parser_free(q);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("xml_parser");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, whole, 0, N_ELEMENTS(streams));
	tcase_add_loop_test(tc, byte_by_byte, 0, N_ELEMENTS(streams));
	tcase_add_loop_test(tc, paused_at_each, 0, N_ELEMENTS(streams));
	tcase_add_test(tc, ignores_what_follows_the_end);
	tcase_add_test(tc, keepalives);
	tcase_add_test(tc, holds_no_engine_between_stanzas);
	tcase_add_test(tc, shares_no_prefixes);
	tcase_add_test(tc, keeps_what_is_behind_a_pause);
	tcase_add_test(tc, restarts);
	tcase_add_test(tc, restarts_with_what_is_pending);
	tcase_add_loop_test(tc, outlives_many_engines, 0, 2);
	tcase_add_loop_test(tc, refuses, 0, N_ELEMENTS(bad));
	tcase_add_loop_test(tc, refuses_byte_by_byte, 0, N_ELEMENTS(bad));
	tcase_add_test(tc, accepts_utf8_named);
	tcase_add_loop_test(tc, refuses_utf16, 0, N_ELEMENTS(utf16));
	tcase_add_loop_test(tc, limits, 0, N_ELEMENTS(limited));
	tcase_add_loop_test(tc, limits_byte_by_byte, 0, N_ELEMENTS(limited));
	tcase_add_test(tc, limits_the_header);
	tcase_add_test(tc, may_end_anywhere);
	return unit_run(tc);
}
