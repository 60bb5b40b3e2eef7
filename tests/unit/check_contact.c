/* check_contact.c - contacts in memory, and as clients see them. */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/roster/contact.h"
#include "storage/roster.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

static struct jid *jid;

static void
setup(void)
{
	jid = jid_parse("romeo@example.net");
}

static void
teardown(void)
{
	jid_unref(&jid);
}

START_TEST(texts)
{
	struct contact *c = contact_new(jid, ROSTER_LISTED, "R\xc3\xb6meo",
					"A\nB b", "<presence/>");
	struct contact *none = contact_new(jid, 0, NULL, NULL, NULL);
	struct roster_row row;

	ck_assert_str_eq(contact_name(c), "R\xc3\xb6meo");
	ck_assert_str_eq(contact_groups(c), "A\nB b");
	ck_assert_str_eq(contact_request(c), "<presence/>");
	contact_to_row(none, &row);
	ck_assert_str_eq(row.jid, "romeo@example.net");
	ck_assert_ptr_null(row.name);
	ck_assert_ptr_null(row.groups);
	ck_assert_ptr_null(row.request);
	contact_free(c);
	contact_free(none);
	contact_free(NULL);
}
END_TEST

/* A request is kept while it waits: the first one, whatever else changes. */
START_TEST(request)
{
	struct contact *first = contact_with_flags(NULL, jid, ROSTER_PENDING_IN,
						   "<presence id='1'/>");
	struct contact *listed = contact_with_flags(
		first, jid, ROSTER_PENDING_IN | ROSTER_LISTED, NULL);
	struct contact *answered = contact_with_flags(
		listed, jid, ROSTER_FROM | ROSTER_LISTED, NULL);

	ck_assert_str_eq(contact_request(first), "<presence id='1'/>");
	ck_assert_str_eq(contact_request(listed), "<presence id='1'/>");
	ck_assert_str_eq(contact_request(answered), "");
	contact_free(first);
	contact_free(listed);
	contact_free(answered);
}
END_TEST

#define L ROSTER_LISTED

static const struct {
	struct roster_row row;
	const char *want;
} items[] = {
	{ { .flags = L }, "subscription='none'/>" },
	{ { .flags = L | ROSTER_TO }, "subscription='to'/>" },
	{ { .flags = L | ROSTER_FROM }, "subscription='from'/>" },
	{ { .flags = L | ROSTER_TO | ROSTER_FROM }, "subscription='both'/>" },
	{ { .flags = L | ROSTER_ASK },
	  "subscription='none' ask='subscribe'/>" },
	{ { .flags = L | ROSTER_FROM | ROSTER_ASK },
	  "subscription='from' ask='subscribe'/>" },
	{ { .flags = L | ROSTER_PENDING_IN }, "subscription='none'/>" },
	{ { .flags = L | ROSTER_APPROVED },
	  "subscription='none' approved='true'/>" },
	{ { .flags = L, .name = "R & J", .groups = "A\nB b" },
	  "name='R &amp; J' subscription='none'><group>A</group>"
	  "<group>B b</group></item>" },
	/* What the owner does not see is gone for his clients. */
	{ { .flags = ROSTER_PENDING_IN, .name = "x" },
	  "subscription='remove'/>" },
	{ { .flags = L, .removed = true }, "subscription='remove'/>" },
};

START_TEST(as_item)
{
	struct arena *a = arena_new();
	struct xml *query = xml_new(a, "query", NS_ROSTER);
	struct roster_row row = items[_i].row;
	struct buf b = { 0 }, want = { 0 };

	row.jid = "romeo@example.net";
	contact_add_item(a, query, &row);
	xml_write(&b, query, NS_ROSTER);
	buf_printf(&want, "<query><item jid='romeo@example.net' %s</query>",
		   items[_i].want);
	ck_assert_str_eq(b.data, want.data);
	buf_fini(&b);
	buf_fini(&want);
	arena_unref(&a);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("contact");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, request);
	tcase_add_loop_test(tc, as_item, 0, N_ELEMENTS(items));
	return unit_run(tc);
}
