/* receive.c - what clients have to receive. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client.h"
#include "dialogue.h"
#include "expand.h"
#include "match.h"
#include "modules/muc/seal.h"
#include "play.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdlib.h>
#include <string.h>

/* The elements of a body, as children of one; a stream header alone (without
 * end) becomes an element of its own. */
struct body {
	struct arena *arena;
	struct xml *elements[64];
	size_t n;
};

static bool
body_on_open(void *user, struct arena *a, struct xml *header,
	     const char *default_ns)
{
	(void)user;
	(void)header;
	(void)default_ns;
	arena_unref(&a);
	return true;
}

static bool
body_on_element(void *user, struct arena *a, struct xml *x)
{
	struct body *b = user;

	if (b->n < N_ELEMENTS(b->elements))
		b->elements[b->n++] = xml_deep_copy(b->arena, x);
	arena_unref(&a);
	return true;
}

static void
body_on_close(void *user)
{
	(void)user;
}

static const struct xml_handler body_handler = {
	.on_open = body_on_open,
	.on_element = body_on_element,
	.on_close = body_on_close,
};

static const struct xml_limits body_limits = {
	.stanza = 1u << 24,
	.token = 1u << 24,
	.depth = 1000,
	.attrs = 1000,
	.children = 100000,
};

static void
parse_body(struct play *p, const char *text, struct body *out)
{
	static const char open[] = "<stream:stream xmlns='jabber:client' "
				   "xmlns:stream='" NS_STREAM "' "
				   "xmlns:db='jabber:server:dialback'>";
	struct xml_parser *parser;
	struct buf keys = { 0 }, written = { 0 }, ready = { 0 };
	const char *why;

	*out = (struct body){ .arena = arena_new() };
	remote_expand_keys(p, text, &keys);
	expand_pattern(keys.data ? keys.data : "", &written);
	match_prepare(written.data ? written.data : "", &ready);
	buf_fini(&keys);
	buf_fini(&written);
	parser = xml_parser_new(p->pool, &body_handler, out, &body_limits);
	if (xml_parser_feed(parser, open, sizeof(open) - 1) == XML_BAD ||
	    xml_parser_feed(parser, ready.data ? ready.data : "", ready.len) ==
		    XML_BAD) {
		xml_parser_error(parser, &why);
		fail(p, "the script's XML is bad: %s", why ? why : "");
	}
	xml_parser_free(parser);
	buf_fini(&ready);
}

static char *
incoming_text(const struct incoming *in)
{
	struct buf b = { 0 };

	if (!in)
		buf_adds(&b, "nothing");
	else if (!in->xml)
		buf_adds(&b, "the end of the stream");
	else
		xml_write(&b, in->xml, NS_CLIENT);
	return buf_take(&b);
}

static void
expect(struct play *p, struct client *c, const struct xml *pattern)
{
	struct incoming *in = client_next(c);
	struct buf why = { 0 };
	char *got;

	if (in && in->xml && match(pattern, in->xml, &p->bindings, &why)) {
		incoming_free(in);
		buf_fini(&why);
		return;
	}
	got = incoming_text(in);
	fail(p, "%s got something else:\n  %s\n  %s", c->name, got,
	     why.data ? why.data : "");
}

static void
expect_in_order(struct play *p, struct client *c)
{
	struct body body;

	parse_body(p, p->at->body, &body);
	if (!body.n)
		fail(p, "nothing to receive in the body");
	for (size_t i = 0; i < body.n; i++)
		expect(p, c, body.elements[i]);
	arena_unref(&body.arena);
}

/* Any order among as many as the body has. */
static void
expect_any_order(struct play *p, struct client *c)
{
	struct body body;
	struct buf why = { 0 };

	parse_body(p, p->at->body, &body);
	for (size_t left = body.n; left; left--) {
		struct incoming *in = client_next(c);
		size_t i = 0;

		while (in && in->xml && i < left &&
		       !match(body.elements[i], in->xml, &p->bindings, &why))
			i++;
		if (!in || !in->xml || i == left) {
			char *got = incoming_text(in);

			fail(p, "%s got something else:\n  %s\n  %s", c->name,
			     got, why.data ? why.data : "");
		}
		body.elements[i] = body.elements[left - 1];
		incoming_free(in);
	}
	buf_fini(&why);
	arena_unref(&body.arena);
}

void
expect_nothing(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);

	if (in)
		fail(p, "%s got something: %s", c->name, incoming_text(in));
}

static void
expect_header(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);
	struct body body;
	struct buf why = { 0 };

	parse_body(p, p->at->body, &body);
	if (!in || !in->is_header || body.n != 1 ||
	    !match(body.elements[0], in->xml, &p->bindings, &why))
		fail(p, "%s got something else: %s\n  %s", c->name,
		     incoming_text(in), why.data ? why.data : "");
	incoming_free(in);
	buf_fini(&why);
	arena_unref(&body.arena);
}

void
expect_end(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);

	if (!in || in->xml)
		fail(p, "%s got something else: %s", c->name,
		     incoming_text(in));
	incoming_free(in);
}

void
do_receives(struct play *p, struct client *c)
{
	pump_all(p);
	if (says(p, 2, "nothing"))
		expect_nothing(p, c);
	else if (says(p, 2, "header"))
		expect_header(p, c);
	else if (says(p, 2, "the end"))
		expect_end(p, c);
	else if (says(p, 2, "in any order"))
		expect_any_order(p, c);
	else if (p->at->n_words == 2)
		expect_in_order(p, c);
	else
		fail(p, "what is to be received?");
}

void
expect_all_read(struct play *p)
{
	pump_all(p);
	list_each (n, &p->clients) {
		struct client *c = container_of(n, struct client, node);
		struct incoming *in = client_next(c);

		if (in)
			fail(p, "in the end %s still has: %s", c->name,
			     incoming_text(in));
	}
	remote_expect_none(p);
}

/* ---- what was sealed ---- */

/* A word of the statement, with the names in it written out. */
static char *
full_word(const struct play *p, size_t i)
{
	struct buf b = { 0 };

	bindings_expand(&p->bindings, word(p, i), &b);
	return buf_take(&b);
}

static void
open_sealed(struct play *p, struct buf *out)
{
	char *sealed = full_word(p, 1), *key = full_word(p, 2);
	char *about = full_word(p, 5);
	struct jid *room = jid_parse(word(p, 3));
	struct jid *domain = jid_parse(word(p, 4));
	struct seal seal;
	uint64_t number;

	if (!room || !domain || !seal_read_key(&seal, key) ||
	    !seal_open(out, &number, &seal, room, domain, about, sealed))
		fail(p, "it cannot be opened so");
	jid_unref(&room);
	jid_unref(&domain);
	free(sealed);
	free(key);
	free(about);
}

/* As an attribute, where names stand for what they stand for elsewhere. */
static struct xml *
words_as_xml(struct arena *a, const char *text)
{
	struct xml *x = xml_new(a, "words", NS_CLIENT);
	char *copy = arena_strdup(a, text), *word;

	for (int i = 0; (word = strsep(&copy, " \t\n"));) {
		if (*word)
			xml_set(a, x, arena_printf(a, "w%d", i++), word);
	}
	return x;
}

void
expect_sealed(struct play *p)
{
	struct buf text = { 0 }, why = { 0 };
	struct body body;
	struct arena *a = arena_new();
	struct xml *got, *want;

	open_sealed(p, &text);
	buf_addc(&text, '\0');
	if (text.data[0] == '<') {
		parse_body(p, p->at->body, &body);
		want = body.n ? body.elements[0] : NULL;
		got = xml_from_text(p->pool, a, text.data, text.len - 1);
	} else {
		body = (struct body){ .arena = arena_new() };
		want = words_as_xml(a, p->at->body);
		got = words_as_xml(a, text.data);
	}
	if (!want || !got || !match(want, got, &p->bindings, &why))
		fail(p, "what was sealed is something else:\n  %s\n  %s",
		     text.data, why.data ? why.data : "");
	arena_unref(&body.arena);
	arena_unref(&a);
	buf_fini(&text);
}
