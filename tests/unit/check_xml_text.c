/* check_xml_text.c - elements to text and back. */

#include "xmpp/xml_text.h"

#include "base/arena.h"
#include "base/chunk.h"
#include "unit.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>
#include <string.h>

static struct xml_pool *pool;
static struct arena *arena;

static void
set_up(void)
{
	pool = xml_pool_new();
	arena = arena_new();
}

static void
tear_down(void)
{
	arena_unref(&arena);
	xml_pool_free(pool);
}

static struct xml *
read_text(const char *text)
{
	return xml_from_text(pool, arena, text, strlen(text));
}

START_TEST(comes_back)
{
	struct xml *x = xml_new(arena, "prefs", "urn:a"), *kid, *back;
	struct chunk *text;
	const char *data;
	size_t len;

	xml_set(arena, x, "a", "'\"<&>\n");
	kid = xml_add(arena, x, "none", "");
	xml_text(arena, kid, " one \r two ");
	xml_add(arena, kid, "client", "jabber:client");
	xml_set_ns(arena, xml_add(arena, x, "own", NULL),
		   "http://www.w3.org/XML/1998/namespace", "lang", "de");
	for (int i = 0; i < 3; i++) {
		text = xml_to_text(x);
		data = chunk_data(text, &len);
		back = xml_from_text(pool, arena, data, len);
		chunk_unref(&text);
		ck_assert_ptr_nonnull(back);
		ck_assert(xml_eq(x, back));
	}
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"text",
	"<a xmlns='urn:a'>",
	"<a xmlns='urn:a'/",
	"<a xmlns='urn:a'/><b xmlns='urn:a'/>",
	"<a xmlns='urn:a'/></stream:stream>",
	"<!DOCTYPE a><a/>",
	"<a></b>",
};

START_TEST(refuses)
{
	ck_assert_ptr_null(read_text(bad[_i]));
	/* The pool is none the worse for it. */
	ck_assert_ptr_nonnull(read_text("<a xmlns='urn:a'/>"));
}
END_TEST

START_TEST(large)
{
	enum { LEN = 3 << 20 };
	struct xml *x = xml_new(arena, "photo", "urn:a"), *back;
	char *text = mem_alloc(LEN);
	struct chunk *chunk;
	const char *data;
	size_t len;

	memset(text, 'A', LEN);
	xml_text_len(arena, x, text, LEN);
	chunk = xml_to_text(x);
	data = chunk_data(chunk, &len);
	back = xml_from_text(pool, arena, data, len);
	ck_assert_ptr_nonnull(back);
	ck_assert(xml_eq(x, back));
	chunk_unref(&chunk);
	free(text);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("xml_text");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, comes_back);
	tcase_add_loop_test(tc, refuses, 0, N_ELEMENTS(bad));
	tcase_add_test(tc, large);
	return unit_run(tc);
}
