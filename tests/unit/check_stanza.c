/* check_stanza.c - messages, presences, iqs, and answers to them. */

#include "xmpp/stanza.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>

static struct jid *romeo, *juliet;
static struct buf out;
static struct xml_pool *pool;

static const struct xml_limits limits = { 65536, 65536, 100, 100, 100 };

/* One first-level element as a stanza of that stream. */
struct parsed {
	const char *ns;
	struct stanza *stanza;
};

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)user;
	(void)header;
	(void)default_ns;
	arena_unref(&a);
	return true;
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct parsed *got = user;

	got->stanza = stanza_from_xml(a, x, got->ns);
	if (!got->stanza)
		arena_unref(&a);
	return true;
}

static const struct xml_handler handler = {
	.on_open = on_open,
	.on_element = on_element,
};

static struct stanza *
parse(const char *ns, const char *text)
{
	struct parsed got = { .ns = ns };
	struct xml_parser *p = xml_parser_new(pool, &handler, &got, &limits);
	struct buf in = { 0 };

	buf_printf(&in, "<stream:stream xmlns='%s' xmlns:stream='%s'>%s", ns,
		   NS_STREAM, text);
	ck_assert_int_eq(xml_parser_feed(p, in.data, in.len), XML_MORE);
	xml_parser_free(p);
	buf_fini(&in);
	return got.stanza;
}

/* As it would go to its own addresses. */
static const char *
written(const struct stanza *s, const char *ns)
{
	out.len = 0;
	stanza_write(&out, s, s->from, s->to, ns);
	return out.data;
}

static void
setup(void)
{
	romeo = jid_parse("romeo@example.net/a");
	juliet = jid_parse("juliet@example.com/b");
	pool = xml_pool_new();
}

static void
teardown(void)
{
	jid_unref(&romeo);
	jid_unref(&juliet);
	xml_pool_free(pool);
	buf_fini(&out);
}

START_TEST(reads)
{
	struct stanza *s =
		parse(NS_CLIENT, "<message from='Romeo@example.net/a' id='1' "
				 "to='juliet@example.com' type='chat' "
				 "xml:lang='de' x='y'><body>hi</body>"
				 "</message>");

	ck_assert_int_eq(s->kind, STANZA_MESSAGE);
	ck_assert_int_eq(s->type, TYPE_CHAT);
	ck_assert_str_eq(jid_str(s->from), "romeo@example.net/a");
	ck_assert_str_eq(jid_str(s->to), "juliet@example.com");
	ck_assert(!s->bad_from && !s->bad_to);
	ck_assert_str_eq(stanza_id(s), "1");
	ck_assert_ptr_null(xml_get(s->root, "to"));
	ck_assert_ptr_null(xml_get(s->root, "from"));
	ck_assert_str_eq(xml_lang(s->root), "de");
	ck_assert_ptr_nonnull(stanza_child(s, "body", NS_CLIENT));
	ck_assert_ptr_null(stanza_child(s, "subject", NULL));
	ck_assert_str_eq(written(s, NS_CLIENT),
			 "<message to='juliet@example.com' "
			 "from='romeo@example.net/a' id='1' type='chat' "
			 "xml:lang='de' x='y'><body>hi</body></message>");
	stanza_unref(&s);
	ck_assert_ptr_null(s);
}
END_TEST

static const struct {
	const char *ns, *in;
} strangers[] = {
	{ NS_CLIENT, "<messages/>" },
	{ NS_CLIENT, "<message xmlns='jabber:server'/>" },
	{ NS_CLIENT, "<message xmlns=''/>" },
	{ NS_SERVER, "<iq xmlns='jabber:client'/>" },
};

START_TEST(leaves_others)
{
	ck_assert_ptr_null(parse(strangers[_i].ns, strangers[_i].in));
}
END_TEST

static const struct {
	const char *in;
	enum stanza_type type;
} typed[] = {
	{ "<message/>", TYPE_NONE },
	{ "<message type='normal'/>", TYPE_NORMAL },
	{ "<message type='groupchat'/>", TYPE_GROUPCHAT },
	{ "<message type='headline'/>", TYPE_HEADLINE },
	{ "<message type='error'/>", TYPE_ERROR },
	{ "<message type='get'/>", TYPE_UNKNOWN },
	{ "<message type=''/>", TYPE_UNKNOWN },
	{ "<message type='Chat'/>", TYPE_UNKNOWN },
	{ "<presence/>", TYPE_NONE },
	{ "<presence type='available'/>", TYPE_UNKNOWN },
	{ "<presence type='unavailable'/>", TYPE_UNAVAILABLE },
	{ "<presence type='subscribe'/>", TYPE_SUBSCRIBE },
	{ "<presence type='subscribed'/>", TYPE_SUBSCRIBED },
	{ "<presence type='unsubscribe'/>", TYPE_UNSUBSCRIBE },
	{ "<presence type='unsubscribed'/>", TYPE_UNSUBSCRIBED },
	{ "<presence type='probe'/>", TYPE_PROBE },
	{ "<presence type='error'/>", TYPE_ERROR },
	{ "<presence type='chat'/>", TYPE_UNKNOWN },
	{ "<iq/>", TYPE_NONE },
	{ "<iq type='get'/>", TYPE_GET },
	{ "<iq type='set'/>", TYPE_SET },
	{ "<iq type='result'/>", TYPE_RESULT },
	{ "<iq type='error'/>", TYPE_ERROR },
	{ "<iq type='probe'/>", TYPE_UNKNOWN },
};

/* RFC 6120 8.2.3, RFC 6121 4.7.1, 5.2.2 */
START_TEST(knows_types)
{
	struct stanza *s = parse(NS_CLIENT, typed[_i].in);

	ck_assert_int_eq(s->type, typed[_i].type);
	stanza_unref(&s);
}
END_TEST

START_TEST(tells_bad_addresses)
{
	struct stanza *s = parse(NS_CLIENT, "<iq to='@' from=''/>");

	ck_assert(s->bad_to && s->bad_from);
	ck_assert_ptr_null(s->to);
	ck_assert_ptr_null(s->from);
	ck_assert_str_eq(written(s, NS_CLIENT), "<iq/>");
	stanza_set_to(s, juliet);
	ck_assert(!s->bad_to);
	stanza_unref(&s);
}
END_TEST

/* Inside there is one namespace for stanzas, whatever stream they came by. */
START_TEST(changes_the_namespace)
{
	static const char *const nss[] = { NS_SERVER, NS_COMPONENT };
	struct buf in = { 0 };
	struct stanza *s;

	buf_printf(&in,
		   "<message><body><em/></body><f xmlns='urn:f'>"
		   "<message xmlns='%s'><body/></message>"
		   "<message xmlns='jabber:client'/></f></message>",
		   nss[_i]);
	s = parse(nss[_i], in.data);
	ck_assert_ptr_nonnull(stanza_child(s, "body", NS_CLIENT));
	ck_assert_str_eq(written(s, nss[_i]), in.data);
	out.len = 0;
	buf_fini(&in);
	buf_printf(&in,
		   "<message xmlns='jabber:client'><body><em/></body>"
		   "<f xmlns='urn:f'><message xmlns='%s'><body/></message>"
		   "<message xmlns='jabber:client'/></f></message>",
		   nss[_i]);
	ck_assert_str_eq(written(s, NULL), in.data);
	buf_fini(&in);
	stanza_unref(&s);
}
END_TEST

START_TEST(makes)
{
	struct stanza *s = stanza_new(STANZA_PRESENCE, TYPE_SUBSCRIBE, romeo,
				      juliet, NULL);

	ck_assert_str_eq(written(s, NS_CLIENT),
			 "<presence to='juliet@example.com/b' "
			 "from='romeo@example.net/a' type='subscribe'/>");
	stanza_set_type(s, TYPE_NONE);
	stanza_set_from(s, NULL);
	stanza_set_to(s, romeo);
	ck_assert_str_eq(written(s, NS_CLIENT),
			 "<presence to='romeo@example.net/a'/>");
	stanza_unref(&s);
	s = stanza_new(STANZA_MESSAGE, TYPE_NONE, NULL, NULL, "x'y");
	ck_assert_str_eq(written(s, NS_SERVER), "<message id='x&apos;y'/>");
	stanza_unref(&s);
}
END_TEST

/* The stanza holds its addresses, and edits hold the stanza. */
START_TEST(edits_outlive_the_old_one)
{
	struct jid *to = jid_parse("nurse@example.com");
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_CHAT, romeo, to, "1");
	struct stanza *edit, *shared;

	jid_unref(&to);
	xml_add_text(s->arena, s->root, "body", NULL, "hi");
	shared = stanza_ref(s);
	stanza_unref(&s);
	edit = stanza_edit(shared);
	stanza_set_type(edit, TYPE_NORMAL);
	xml_add(edit->arena, edit->root, "x", "urn:x");
	ck_assert_str_eq(written(shared, NS_CLIENT),
			 "<message to='nurse@example.com' "
			 "from='romeo@example.net/a' id='1' type='chat'>"
			 "<body>hi</body></message>");
	stanza_unref(&shared);
	ck_assert_str_eq(written(edit, NS_CLIENT),
			 "<message to='nurse@example.com' "
			 "from='romeo@example.net/a' id='1' type='normal'>"
			 "<body>hi</body><x xmlns='urn:x'/></message>");
	stanza_unref(&edit);
}
END_TEST

START_TEST(copies_in_little_room)
{
	struct jid *to = jid_parse("nurse@example.com");
	struct stanza *s =
		stanza_new(STANZA_PRESENCE, TYPE_NONE, romeo, to, "1");
	struct stanza *copy;

	jid_unref(&to);
	xml_set_ns(s->arena, s->root, NS_XML, "lang", "it");
	xml_add_text(s->arena, s->root, "status", NULL, "hi");
	xml_set(s->arena, xml_add(s->arena, s->root, "c", "urn:c"), "v", "1");
	copy = stanza_compact(s);
	ck_assert_uint_lt(arena_size(copy->arena), arena_size(s->arena) / 2);
	stanza_unref(&s);
	ck_assert_str_eq(written(copy, NS_CLIENT),
			 "<presence to='nurse@example.com' "
			 "from='romeo@example.net/a' id='1' xml:lang='it'>"
			 "<status>hi</status><c xmlns='urn:c' v='1'/>"
			 "</presence>");
	stanza_unref(&copy);
}
END_TEST

static const struct {
	const char *in, *name;
} payloads[] = {
	{ "<iq type='get'><a/></iq>", "a" },
	{ "<iq type='set'> <a/>\n</iq>", "a" },
	{ "<iq type='result'><a/></iq>", "a" },
	{ "<iq type='get'/>", NULL },
	{ "<iq type='get'>text</iq>", NULL },
	{ "<iq type='get'><a/><b/></iq>", NULL },
	{ "<iq type='error'><a/></iq>", NULL },
	{ "<message><a/></message>", NULL },
};

/* RFC 6120 8.2.3: a get or set has exactly one child. */
START_TEST(finds_the_payload)
{
	struct stanza *s = parse(NS_CLIENT, payloads[_i].in);
	struct xml *x = stanza_payload(s);

	ck_assert_pstr_eq(x ? x->name : NULL, payloads[_i].name);
	stanza_unref(&s);
}
END_TEST

START_TEST(answers)
{
	struct stanza *s =
		parse(NS_CLIENT, "<iq from='a@b' to='c' id='7' type='get' "
				 "x='y'><ping xmlns='urn:xmpp:ping'/></iq>");
	struct stanza *r = stanza_result(s);

	ck_assert_str_eq(written(r, NS_CLIENT),
			 "<iq to='a@b' from='c' id='7' type='result'/>");
	stanza_unref(&r);
	stanza_unref(&s);
}
END_TEST

/* RFC 6120 8.3 */
START_TEST(answers_with_errors)
{
	struct stanza *s =
		parse(NS_CLIENT, "<iq from='a@b' to='c' id='7' type='set'>"
				 "<q xmlns='urn:q'><item/></q></iq>");
	struct stanza *e = stanza_error(s, COND_ITEM_NOT_FOUND, "<no> such");

	stanza_unref(&s);
	ck_assert_int_eq(e->type, TYPE_ERROR);
	ck_assert_str_eq(written(e, NS_CLIENT),
			 "<iq to='a@b' from='c' id='7' type='error'>"
			 "<q xmlns='urn:q'><item/></q><error type='cancel'>"
			 "<item-not-found xmlns='" NS_STANZA_ERROR "'/>"
			 "<text xmlns='" NS_STANZA_ERROR "' xml:lang='en'>"
			 "&lt;no&gt; such</text></error></iq>");
	ck_assert_int_eq(stanza_error_cond(e), COND_ITEM_NOT_FOUND);
	ck_assert_ptr_null(stanza_error(e, COND_FORBIDDEN, NULL));
	stanza_unref(&e);
	s = parse(NS_CLIENT, "<message from='a@b' to='c'><body>secret</body>"
			     "</message>");
	e = stanza_error(s, COND_SERVICE_UNAVAILABLE, NULL);
	ck_assert_str_eq(written(e, NS_CLIENT),
			 "<message to='a@b' from='c' type='error'>"
			 "<error type='cancel'><service-unavailable "
			 "xmlns='" NS_STANZA_ERROR "'/></error></message>");
	stanza_unref(&e);
	stanza_unref(&s);
}
END_TEST

static const struct {
	const char *in;
	enum stanza_cond cond;
} errors[] = {
	{ "<iq type='error'><error><text xmlns='" NS_STANZA_ERROR "'/>"
	  "<gone xmlns='" NS_STANZA_ERROR "'>x</gone></error></iq>",
	  COND_GONE },
	{ "<iq type='error'/>", COND_UNDEFINED_CONDITION },
	{ "<iq type='error'><error/></iq>", COND_UNDEFINED_CONDITION },
	{ "<iq type='error'><error><gone/></error></iq>",
	  COND_UNDEFINED_CONDITION },
	{ "<iq type='error'><error><new xmlns='" NS_STANZA_ERROR "'/>"
	  "</error></iq>",
	  COND_UNDEFINED_CONDITION },
};

START_TEST(reads_errors)
{
	struct stanza *s = parse(NS_CLIENT, errors[_i].in);

	ck_assert_int_eq(stanza_error_cond(s), errors[_i].cond);
	stanza_unref(&s);
}
END_TEST

/* RFC 6120 8.2.3: a result is not answered. */
START_TEST(does_not_answer_results)
{
	struct stanza *s = parse(NS_CLIENT, "<iq type='result' id='1'/>");

	ck_assert_ptr_null(stanza_error(s, COND_BAD_REQUEST, NULL));
	stanza_unref(&s);
}
END_TEST

/* XEP-0203 */
START_TEST(stamps)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, NULL, NULL, NULL);
	struct jid *host = jid_parse("example.net");

	stanza_add_delay(s, host, 1031699305000);
	stanza_add_delay(s, NULL, 0);
	ck_assert_str_eq(written(s, NS_CLIENT),
			 "<message><delay xmlns='urn:xmpp:delay' "
			 "from='example.net' stamp='2002-09-10T23:08:25Z'/>"
			 "<delay xmlns='urn:xmpp:delay' "
			 "stamp='1970-01-01T00:00:00Z'/></message>");
	jid_unref(&host);
	stanza_unref(&s);
}
END_TEST

START_TEST(writes_in_two_parts)
{
	struct stanza *s = parse(NS_CLIENT, "<presence to='x' type='probe'>"
					    "<a/></presence>");
	struct chunk *tail = stanza_tail(s, romeo, NS_CLIENT);
	struct buf whole = { 0 };
	const char *data;
	size_t len;

	stanza_write_head(&out, s, juliet);
	data = chunk_data(tail, &len);
	buf_add(&out, data, len);
	stanza_write(&whole, s, romeo, juliet, NS_CLIENT);
	ck_assert_str_eq(out.data, whole.data);
	ck_assert_str_eq(out.data, "<presence to='juliet@example.com/b' "
				   "from='romeo@example.net/a' type='probe'>"
				   "<a/></presence>");
	chunk_unref(&tail);
	buf_fini(&whole);
	stanza_unref(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("stanza");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reads);
	tcase_add_loop_test(tc, leaves_others, 0, N_ELEMENTS(strangers));
	tcase_add_loop_test(tc, knows_types, 0, N_ELEMENTS(typed));
	tcase_add_test(tc, tells_bad_addresses);
	tcase_add_loop_test(tc, changes_the_namespace, 0, 2);
	tcase_add_test(tc, makes);
	tcase_add_test(tc, edits_outlive_the_old_one);
	tcase_add_test(tc, copies_in_little_room);
	tcase_add_loop_test(tc, finds_the_payload, 0, N_ELEMENTS(payloads));
	tcase_add_test(tc, answers);
	tcase_add_test(tc, answers_with_errors);
	tcase_add_loop_test(tc, reads_errors, 0, N_ELEMENTS(errors));
	tcase_add_test(tc, does_not_answer_results);
	tcase_add_test(tc, stamps);
	tcase_add_test(tc, writes_in_two_parts);
	return unit_run(tc);
}
