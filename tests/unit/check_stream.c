/* check_stream.c - headers, errors and ends of streams (RFC 6120 4). */

#include "xmpp/stream.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>

static const struct xml_limits limits = { 65536, 65536, 100, 100, 100 };

struct seen {
	const char *ns;
	struct arena *arena;
	struct stream_header h;
};

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	struct seen *seen = user;

	stream_header_read(header, default_ns, seen->ns, &seen->h);
	seen->arena = a;
	return true;
}

static const struct xml_handler handler = { .on_open = on_open };

static void
read_header(struct seen *seen, const char *ns, const char *text)
{
	struct xml_pool *pool = xml_pool_new();
	struct xml_parser *p = xml_parser_new(pool, &handler, seen, &limits);

	*seen = (struct seen){ .ns = ns };
	ck_assert_int_eq(xml_parser_feed(p, text, strlen(text)), XML_MORE);
	ck_assert_ptr_nonnull(seen->arena);
	xml_parser_free(p);
	xml_pool_free(pool);
}

static void
seen_fini(struct seen *seen)
{
	stream_header_fini(&seen->h);
	arena_unref(&seen->arena);
}

#define STREAM "xmlns:stream='http://etherx.jabber.org/streams'"
#define CLIENT "xmlns='jabber:client' " STREAM " to='a' "

START_TEST(reads)
{
	struct seen seen;

	read_header(&seen, NS_CLIENT,
		    "<stream:stream from='Juliet@im.example.com' "
		    "to='IM.example.com' version='1.0' xml:lang='en' id='++1' "
		    "xmlns='jabber:client' " STREAM ">");
	ck_assert_int_eq(seen.h.error, STREAM_NONE);
	ck_assert_ptr_null(seen.h.error_text);
	ck_assert_str_eq(jid_str(seen.h.from), "juliet@im.example.com");
	ck_assert_str_eq(jid_str(seen.h.to), "im.example.com");
	ck_assert_str_eq(seen.h.id, "++1");
	ck_assert_str_eq(seen.h.lang, "en");
	ck_assert_uint_eq(seen.h.major, 1);
	ck_assert_uint_eq(seen.h.minor, 0);
	seen_fini(&seen);
}
END_TEST

static const struct {
	const char *version; /* the attribute */
	unsigned major, minor;
	bool is_good;
} versions[] = {
	{ "version='1.0'", 1, 0, true },
	{ "version='1.3'", 1, 3, true },
	{ "version='1.13'", 1, 13, true },
	{ "version='2.0'", 2, 0, true },
	{ "version='01.00'", 1, 0, true },
	{ "version='10.1'", 10, 1, true },
	{ "", 0, 9, false },
	{ "version='0.9'", 0, 9, false },
	{ "version='0.10'", 0, 10, false },
	{ "version=''", 0, 0, false },
	{ "version='1'", 0, 0, false },
	{ "version='1.'", 0, 0, false },
	{ "version='.1'", 0, 0, false },
	{ "version='1.0.0'", 0, 0, false },
	{ "version='-1.0'", 0, 0, false },
	{ "version='x'", 0, 0, false },
};

/* RFC 6120 4.7.5 */
START_TEST(compares_versions)
{
	struct buf text = { 0 };
	struct seen seen;

	buf_printf(&text, "<stream:stream " CLIENT "%s>", versions[_i].version);
	read_header(&seen, NS_CLIENT, text.data);
	ck_assert_uint_eq(seen.h.major, versions[_i].major);
	ck_assert_uint_eq(seen.h.minor, versions[_i].minor);
	ck_assert_int_eq(seen.h.error, versions[_i].is_good
					       ? STREAM_NONE
					       : STREAM_UNSUPPORTED_VERSION);
	ck_assert_int_eq(seen.h.error_text == NULL, versions[_i].is_good);
	seen_fini(&seen);
	buf_fini(&text);
}
END_TEST

START_TEST(survives_huge_versions)
{
	struct seen seen;

	read_header(&seen, NS_CLIENT,
		    "<stream:stream " CLIENT
		    "version='99999999999999999999999.1'>");
	ck_assert_int_eq(seen.h.error, STREAM_NONE);
	ck_assert_uint_gt(seen.h.major, 1);
	seen_fini(&seen);
}
END_TEST

static const struct {
	const char *ns, *in;
	enum stream_cond error;
} headers[] = {
	/* RFC 6120 4.8.1 */
	{ NS_CLIENT,
	  "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x' "
	  "version='1.0'>",
	  STREAM_INVALID_NAMESPACE },
	{ NS_CLIENT, "<stream xmlns='jabber:client' version='1.0'>",
	  STREAM_INVALID_NAMESPACE },
	{ NS_CLIENT, "<stream:features " CLIENT "version='1.0'>",
	  STREAM_BAD_FORMAT },
	/* RFC 6120 4.8.2: a content namespace, or each element its own */
	{ NS_CLIENT, "<stream:stream " CLIENT "version='1.0'>", STREAM_NONE },
	{ NS_SERVER, "<stream:stream " CLIENT "version='1.0'>",
	  STREAM_INVALID_NAMESPACE },
	{ NS_CLIENT,
	  "<stream:stream xmlns='urn:other' " STREAM " version='1.0'>",
	  STREAM_INVALID_NAMESPACE },
	{ NS_CLIENT, "<stream:stream " STREAM " version='1.0'>", STREAM_NONE },
	{ NS_CLIENT,
	  "<stream xmlns='http://etherx.jabber.org/streams' version='1.0'>",
	  STREAM_NONE },
	/* RFC 6120 4.8.5: any prefix will do. */
	{ NS_CLIENT,
	  "<s:stream xmlns='jabber:client' "
	  "xmlns:s='http://etherx.jabber.org/streams' version='1.0'>",
	  STREAM_NONE },
	/* The first thing wrong is told. */
	{ NS_CLIENT, "<stream xmlns='jabber:client' to=''>",
	  STREAM_INVALID_NAMESPACE },
	{ NS_CLIENT, "<stream:stream xmlns='jabber:client' " STREAM " to=''>",
	  STREAM_UNSUPPORTED_VERSION },
	/* RFC 6120 4.9.3.7 */
	{ NS_CLIENT,
	  "<stream:stream xmlns='jabber:client' " STREAM
	  " version='1.0' to=''>",
	  STREAM_IMPROPER_ADDRESSING },
	{ NS_CLIENT, "<stream:stream " CLIENT "from='@' version='1.0'>",
	  STREAM_IMPROPER_ADDRESSING },
	/* XEP-0114 */
	{ NS_COMPONENT,
	  "<stream:stream xmlns='jabber:component:accept' " STREAM
	  " to='plays.shakespeare.lit'>",
	  STREAM_NONE },
};

START_TEST(judges)
{
	struct seen seen;

	read_header(&seen, headers[_i].ns, headers[_i].in);
	ck_assert_int_eq(seen.h.error, headers[_i].error);
	seen_fini(&seen);
}
END_TEST

START_TEST(writes_headers)
{
	struct buf b = { 0 };
	struct stream_open open = {
		.ns = NS_CLIENT,
		.from = "im.example.com",
		.to = "juliet@im.example.com",
		.id = "t7A'",
		.lang = "en",
	};
	struct seen seen;

	stream_write_open(&b, &open);
	ck_assert_str_eq(b.data,
			 "<?xml version='1.0'?><stream:stream "
			 "xmlns='jabber:client' " STREAM
			 " from='im.example.com' to='juliet@im.example.com' "
			 "id='t7A&apos;' xml:lang='en' version='1.0'>");
	read_header(&seen, NS_CLIENT, b.data);
	ck_assert_int_eq(seen.h.error, STREAM_NONE);
	ck_assert_str_eq(seen.h.id, "t7A'");
	seen_fini(&seen);
	b.len = 0;
	open = (struct stream_open){ .ns = NS_SERVER,
				     .without_version = true,
				     .with_dialback = true };
	stream_write_open(&b, &open);
	stream_write_close(&b);
	ck_assert_str_eq(b.data, "<?xml version='1.0'?><stream:stream "
				 "xmlns='jabber:server' " STREAM
				 " xmlns:db='jabber:server:dialback'>"
				 "</stream:stream>");
	buf_fini(&b);
}
END_TEST

/* RFC 6120 4.9.2 to 4.9.4 */
START_TEST(writes_errors)
{
	struct arena *a = arena_new();
	struct xml *app = xml_new(a, "escape-your-data", "urn:app");
	struct buf b = { 0 };

	stream_write_error(&b, STREAM_HOST_UNKNOWN, NULL);
	ck_assert_str_eq(b.data,
			 "<stream:error><host-unknown xmlns='" NS_STREAM_ERROR
			 "'/></stream:error>");
	b.len = 0;
	stream_write_error(&b, STREAM_NOT_WELL_FORMED, "a < b");
	ck_assert_str_eq(
		b.data, "<stream:error><not-well-formed xmlns='" NS_STREAM_ERROR
			"'/><text xmlns='" NS_STREAM_ERROR
			"' xml:lang='en'>a &lt; b</text></stream:error>");
	b.len = 0;
	stream_write_error_with(&b, STREAM_SEE_OTHER_HOST, "[2001:db8::1]:5222",
				NULL, app);
	ck_assert_str_eq(b.data,
			 "<stream:error><see-other-host xmlns='" NS_STREAM_ERROR
			 "'>[2001:db8::1]:5222"
			 "</see-other-host><escape-your-data "
			 "xmlns='urn:app'/></stream:error>");
	buf_fini(&b);
	arena_unref(&a);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("stream");

	tcase_add_test(tc, reads);
	tcase_add_loop_test(tc, compares_versions, 0, N_ELEMENTS(versions));
	tcase_add_test(tc, survives_huge_versions);
	tcase_add_loop_test(tc, judges, 0, N_ELEMENTS(headers));
	tcase_add_test(tc, writes_headers);
	tcase_add_test(tc, writes_errors);
	return unit_run(tc);
}
