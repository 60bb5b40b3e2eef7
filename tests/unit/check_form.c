/* check_form.c - data forms: what is written, and what is let through. */

#include "xmpp/form.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <string.h>

static const struct form_option sizes[] = {
	{ "s", "Small" },
	{ "l", NULL },
	{ 0 },
};

static const struct form_field table[] = {
	{ "name", FORM_TEXT_SINGLE, "Name", .is_required = true },
	{ "secret", FORM_TEXT_PRIVATE, NULL, .is_required = false },
	{ "about", FORM_TEXT_MULTI, NULL, .is_required = false },
	{ "public", FORM_BOOLEAN, NULL, .is_required = false },
	{ NULL, FORM_FIXED, "Who and how", .is_required = false },
	{ "owner", FORM_JID_SINGLE, NULL, .is_required = false },
	{ "guests", FORM_JID_MULTI, NULL, .is_required = false },
	{ "size", FORM_LIST_SINGLE, NULL, .options = sizes },
	{ "sizes", FORM_LIST_MULTI, NULL, .options = sizes },
	{ 0 },
};

static struct arena *arena;
static struct xml_pool *pool;
static struct buf out;

static void
setup(void)
{
	arena = arena_new();
	pool = xml_pool_new();
}

static void
teardown(void)
{
	arena_unref(&arena);
	xml_pool_free(pool);
	buf_fini(&out);
}

static const struct xml *
parse(const char *fields)
{
	struct buf b = { 0 };
	const struct xml *x;

	buf_printf(&b, "<x xmlns='" NS_DATA "' type='submit'>%s</x>", fields);
	x = xml_from_text(pool, arena, b.data, b.len);
	ck_assert_ptr_nonnull(x);
	buf_fini(&b);
	return x;
}

START_TEST(writes_fields)
{
	struct xml *parent = xml_new(arena, "query", NS_REGISTER);
	struct xml *form =
		form_add(arena, parent, "urn:x", "Title", "Fill & send.");

	form_add_fields(arena, form, table);
	xml_write(&out, form, "");
	ck_assert_str_eq(
		out.data,
		"<x xmlns='jabber:x:data' type='form'>"
		"<title>Title</title>"
		"<instructions>Fill &amp; send.</instructions>"
		"<field var='FORM_TYPE' type='hidden'><value>urn:x</value>"
		"</field>"
		"<field var='name' type='text-single' label='Name'><required/>"
		"</field><field var='secret' type='text-private'/>"
		"<field var='about' type='text-multi'/>"
		"<field var='public' type='boolean'/>"
		"<field type='fixed'><value>Who and how</value></field>"
		"<field var='owner' type='jid-single'/>"
		"<field var='guests' type='jid-multi'/>"
		"<field var='size' type='list-single'>"
		"<option label='Small'><value>s</value></option>"
		"<option label='l'><value>l</value></option></field>"
		"<field var='sizes' type='list-multi'>"
		"<option label='Small'><value>s</value></option>"
		"<option label='l'><value>l</value></option></field></x>");
	ck_assert_ptr_eq(form_find(parent), form);
}
END_TEST

START_TEST(writes_results)
{
	struct xml *parent = xml_new(arena, "query", NS_REGISTER);
	struct xml *form = form_add_results(arena, parent, NULL);
	struct xml *field;

	form_add_result(arena, form, "n", "How many", "3");
	field = form_add_result(arena, form, "who", NULL, NULL);
	form_add_value(arena, field, "a");
	form_add_value(arena, field, "b");
	xml_write(&out, form, "");
	ck_assert_str_eq(out.data,
			 "<x xmlns='jabber:x:data' type='result'>"
			 "<field var='n' label='How many'><value>3</value>"
			 "</field><field var='who'><value>a</value>"
			 "<value>b</value></field></x>");
}
END_TEST

START_TEST(writes_ranges)
{
	struct xml *form =
		form_add(arena, xml_new(arena, "q", "x"), NULL, NULL, NULL);

	form_add_range(arena, form_add_field(arena, form, table), 0, 60);
	xml_write(&out, form, "");
	ck_assert_str_eq(out.data,
			 "<x xmlns='jabber:x:data' type='form'>"
			 "<field var='name' type='text-single' label='Name'>"
			 "<required/><validate xmlns='http://jabber.org/"
			 "protocol/xdata-validate' datatype='xs:integer'>"
			 "<range min='0' max='60'/></validate></field></x>");
}
END_TEST

START_TEST(parses_booleans)
{
	ck_assert_int_eq(form_parse_bool("1"), 1);
	ck_assert_int_eq(form_parse_bool("true"), 1);
	ck_assert_int_eq(form_parse_bool("0"), 0);
	ck_assert_int_eq(form_parse_bool("false"), 0);
	ck_assert_int_eq(form_parse_bool("True"), -1);
	ck_assert_int_eq(form_parse_bool(""), -1);
}
END_TEST

#define FIELD(var, values) "<field var='" var "'>" values "</field>"
#define VALUE(text)	   "<value>" text "</value>"
#define NAME		   FIELD("name", VALUE("n"))

static const struct {
	const char *fields, *problem; /* NULL: none */
} answers[] = {
	{ NAME, NULL },
	{ "", "field name is missing" },
	{ FIELD("name", ""), "field name is missing" },
	{ FIELD("name", VALUE("")), "field name is missing" },
	{ FIELD("name", VALUE("a") VALUE("b")),
	  "field name has more than one value" },
	{ NAME FIELD("unknown", VALUE("x") VALUE("y")), NULL },
	{ NAME FIELD("about", VALUE("x") VALUE("y")), NULL },
	{ NAME FIELD("public", VALUE("1")), NULL },
	{ NAME FIELD("public", VALUE("true")), NULL },
	{ NAME FIELD("public", VALUE("0")), NULL },
	{ NAME FIELD("public", VALUE("false")), NULL },
	{ NAME FIELD("public", VALUE("")), NULL },
	{ NAME FIELD("public", VALUE("yes")),
	  "field public is neither true nor false" },
	{ NAME FIELD("owner", VALUE("a@b.example")), NULL },
	{ NAME FIELD("owner", VALUE("@b.example")),
	  "field owner: not an address: @b.example" },
	{ NAME FIELD("owner", VALUE("a.example") VALUE("b.example")),
	  "field owner has more than one value" },
	{ NAME FIELD("guests", VALUE("a.example") VALUE("b.example")), NULL },
	{ NAME FIELD("guests", VALUE("a.example") VALUE("@")),
	  "field guests: not an address: @" },
	{ NAME FIELD("size", VALUE("s")), NULL },
	{ NAME FIELD("size", VALUE("l")), NULL },
	{ NAME FIELD("size", VALUE("Small")),
	  "field size: not one of the options: Small" },
	{ NAME FIELD("size", VALUE("s") VALUE("l")),
	  "field size has more than one value" },
	{ NAME FIELD("sizes", VALUE("s") VALUE("l")), NULL },
	{ NAME FIELD("sizes", VALUE("s") VALUE("m")),
	  "field sizes: not one of the options: m" },
};

START_TEST(judges)
{
	struct err err = { "" };
	int ret = form_check(parse(answers[_i].fields), table, &err);

	ck_assert_int_eq(ret, answers[_i].problem ? -1 : 0);
	if (ret < 0)
		ck_assert_str_eq(err.text, answers[_i].problem);
}
END_TEST

START_TEST(reads)
{
	const struct xml *form = parse(
		"<field var='name' xmlns='other'><value>no</value></field>"
		"<field><value>no</value></field>" FIELD(
			"name", "<option><value>no</value></option>" VALUE(
					"yes")) FIELD("name", VALUE("second"))
			FIELD("about", VALUE("one") VALUE("") VALUE("three"))
				FIELD("empty", "")
					FIELD("public", VALUE("true"))
						FIELD("odd", VALUE("?")));
	const char **all = form_get_all(arena, form, "about");

	ck_assert_str_eq(form_get(arena, form, "name"), "yes");
	ck_assert_ptr_null(form_get(arena, form, "empty"));
	ck_assert_ptr_nonnull(form_field(form, "empty"));
	ck_assert_ptr_null(form_field(form, "absent"));
	ck_assert_ptr_null(form_get(arena, form, "absent"));
	ck_assert_str_eq(all[0], "one");
	ck_assert_str_eq(all[1], "");
	ck_assert_str_eq(all[2], "three");
	ck_assert_ptr_null(all[3]);
	ck_assert_ptr_null(form_get_all(arena, form, "absent")[0]);
	ck_assert_str_eq(form_get_lines(arena, form, "about"), "one\n\nthree");
	ck_assert_ptr_null(form_get_lines(arena, form, "absent"));
	ck_assert(form_get_bool(form, "public", false));
	ck_assert(form_get_bool(form, "odd", true));
	ck_assert(!form_get_bool(form, "absent", false));
	ck_assert(form_has_type(form, "submit"));
	ck_assert(!form_has_type(form, "cancel"));
}
END_TEST

START_TEST(knows_its_purpose)
{
	ck_assert(form_is_for(parse(""), "urn:x"));
	ck_assert(form_is_for(parse(FIELD("FORM_TYPE", VALUE("urn:x"))),
			      "urn:x"));
	ck_assert(!form_is_for(parse(FIELD("FORM_TYPE", VALUE("urn:y"))),
			       "urn:x"));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("form");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, writes_fields);
	tcase_add_test(tc, writes_results);
	tcase_add_test(tc, writes_ranges);
	tcase_add_test(tc, parses_booleans);
	tcase_add_loop_test(tc, judges, 0, N_ELEMENTS(answers));
	tcase_add_test(tc, reads);
	tcase_add_test(tc, knows_its_purpose);
	return unit_run(tc);
}
