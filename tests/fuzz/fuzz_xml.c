/*
 * fuzz_xml.c - streams of XML.
 *
 * The first two bytes choose how the rest is cut in pieces and after which
 * elements parsing pauses; neither may change what comes out. What came out
 * must be the same again when it is written and parsed.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>

#define MAX_ELEMENTS 4096u

static const struct xml_limits wide = {
	.stanza = 1 << 24,
	.token = 1 << 24,
	.depth = 1000,
	.attrs = 10000,
	.children = 100000,
};
static const struct xml_limits narrow = {
	.stanza = 256,
	.token = 64,
	.depth = 3,
	.attrs = 2,
	.children = 4,
};

/* What one parser told. */
struct seen {
	unsigned pause; /* bit n: after element n, n + 8, … */
	unsigned n;
	struct arena *arenas[MAX_ELEMENTS];
	struct xml *elements[MAX_ELEMENTS];
	unsigned n_closed;
	enum stream_cond error;
};

static void
check(bool is_right)
{
	if (!is_right)
		abort();
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct seen *seen = user;

	check(!seen->n_closed);
	if (seen->n == MAX_ELEMENTS) {
		arena_unref(&a);
		return true;
	}
	seen->arenas[seen->n] = a;
	seen->elements[seen->n] = x;
	return !(seen->pause >> seen->n++ % 8 & 1);
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	struct seen *seen = user;

	check(seen->n == 0 && header->n_kids == 0);
	check(!default_ns || strlen(default_ns) < 1 << 24);
	return on_element(user, a, header);
}

static void
on_close(void *user)
{
	struct seen *seen = user;

	seen->n_closed++;
}

static const struct xml_handler handler = { on_open, on_element, on_close };

static void
parse(struct seen *seen, struct xml_pool *pool, const struct xml_limits *limits,
      const char *data, size_t len, size_t piece)
{
	struct xml_parser *p = xml_parser_new(pool, &handler, seen, limits);
	enum xml_fed fed = XML_MORE;
	const char *text;

	for (size_t at = 0; at < len; at += piece) {
		size_t n = piece < len - at ? piece : len - at;

		fed = xml_parser_feed(p, data + at, n);
		while (fed == XML_PAUSED)
			fed = xml_parser_resume(p);
		check(xml_parser_pending(p) == 0);
	}
	seen->error = xml_parser_error(p, &text);
	check((fed == XML_BAD) == (seen->error != STREAM_NONE));
	check((fed == XML_BAD) == (text != NULL));
	xml_parser_free(p);
}

static void
seen_free(struct seen *seen)
{
	for (unsigned i = 0; i < seen->n; i++)
		arena_unref(&seen->arenas[i]);
	free(seen);
}

/* Where text is wrong in two ways, or cannot be told from bytes that are no
 * UTF-8, it depends on how much has come which one is seen first. */
static enum stream_cond
condition(const struct seen *seen)
{
	switch (seen->error) {
	case STREAM_UNSUPPORTED_ENCODING:
	case STREAM_BAD_FORMAT:
		return STREAM_NOT_WELL_FORMED;
	default:
		return seen->error;
	}
}

static void
compare(const struct seen *a, const struct seen *b)
{
	check(a->n == b->n && condition(a) == condition(b) &&
	      a->n_closed == b->n_closed);
	for (unsigned i = 0; i < a->n; i++)
		check(xml_eq(a->elements[i], b->elements[i]));
}

/* The elements behind the header of the text in b, a whole stream. */
static struct seen *
parse_again(struct xml_pool *pool, const struct buf *b)
{
	struct seen *seen = mem_zalloc(sizeof(*seen));

	parse(seen, pool, &wide, b->data, b->len, b->len);
	check(seen->error == STREAM_NONE && seen->n_closed == 1);
	return seen;
}

#define OPEN                                    \
	"<stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define CLOSE "</stream:stream>"

static void
check_trees(struct xml_pool *pool, const struct seen *seen)
{
	struct seen *again;
	struct buf b = { 0 };

	buf_adds(&b, OPEN);
	for (unsigned i = 0; i < seen->n; i++)
		xml_write(&b, seen->elements[i], NS_CLIENT);
	buf_adds(&b, CLOSE);
	again = parse_again(pool, &b);
	check(again->n == seen->n + 1 || again->n == MAX_ELEMENTS);
	for (unsigned i = 0; i + 1 < again->n; i++) {
		struct arena *a = arena_new();

		check(xml_eq(seen->elements[i], again->elements[i + 1]));
		check(xml_eq(seen->elements[i],
			     xml_deep_copy(a, seen->elements[i])));
		arena_unref(&a);
	}
	buf_fini(&b);
	seen_free(again);
}

/* Written as stanzas and read again; at the end the text may not change. */
static void
check_stanzas(struct xml_pool *pool, const struct seen *seen)
{
	struct buf first = { 0 }, second = { 0 };
	struct buf *const texts[] = { &first, &second };
	const struct seen *from = seen;
	struct seen *again = NULL;

	for (int round = 0; round < 2; round++) {
		buf_adds(texts[round], OPEN);
		for (unsigned i = 0; i < from->n; i++) {
			struct stanza *s = stanza_from_xml(
				from->arenas[i], from->elements[i], NS_CLIENT);

			if (s)
				stanza_write(texts[round], s, s->from, s->to,
					     NS_CLIENT);
		}
		buf_adds(texts[round], CLOSE);
		if (again)
			seen_free(again);
		again = parse_again(pool, texts[round]);
		from = again;
	}
	check(first.len == second.len &&
	      !memcmp(first.data, second.data, first.len));
	seen_free(again);
	buf_fini(&first);
	buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_pool *pool = xml_pool_new();
	struct seen *whole, *pieces, *limited;
	const char *text = (const char *)data + 2;

	if (size >= 2) {
		whole = mem_zalloc(sizeof(*whole));
		pieces = mem_zalloc(sizeof(*pieces));
		limited = mem_zalloc(sizeof(*limited));
		size -= 2;
		pieces->pause = data[1];
		parse(whole, pool, &wide, text, size, size ? size : 1);
		parse(pieces, pool, &wide, text, size, data[0] % 64 + 1u);
		compare(whole, pieces);
		parse(limited, pool, &narrow, text, size, data[0] + 1u);
		check_trees(pool, whole);
		check_stanzas(pool, whole);
		seen_free(whole);
		seen_free(pieces);
		seen_free(limited);
	}
	xml_pool_free(pool);
	return 0;
}
