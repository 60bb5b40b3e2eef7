/* check_muc_user.c - what a room says to its occupants. */

#include "base/mem.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

/* codes: NULL-terminated; ns of the <x/>. */
static struct stanza *
presence(const char *ns, const char *nick, const char *const *codes)
{
	struct jid *from = jid_parse("garden@rooms.example/Juliet");
	struct stanza *s =
		stanza_new(STANZA_PRESENCE, TYPE_UNAVAILABLE, from, NULL, NULL);
	struct xml *x = xml_add(s->arena, s->root, "x", ns);
	struct xml *item = xml_add(s->arena, x, "item", NULL);

	xml_set(s->arena, item, "nick", nick);
	/* One that says nothing. */
	xml_add(s->arena, x, "status", NULL);
	for (; *codes; codes++)
		xml_set(s->arena, xml_add(s->arena, x, "status", NULL), "code",
			*codes);
	jid_unref(&from);
	return s;
}

START_TEST(status)
{
	const char *const codes[] = { "303", "110", NULL };
	struct stanza *s = presence(NS_MUC_USER, "Jules", codes);

	ck_assert(muc_user_has_status(s, "303"));
	ck_assert(muc_user_has_status(s, "110"));
	ck_assert(!muc_user_has_status(s, "11"));
	ck_assert(!muc_user_has_status(s, "333"));
	stanza_unref(&s);
	s = presence(NS_MUC, "Jules", codes);
	ck_assert(!muc_user_has_status(s, "110"));
	stanza_unref(&s);
}
END_TEST

START_TEST(renamed)
{
	static const struct {
		const char *nick, *code, *want;
	} cases[] = {
		{ "Jules", "303", "garden@rooms.example/Jules" },
		{ "a@b/c", "303", "garden@rooms.example/a@b/c" },
		{ "Jules", "307", NULL },
		{ NULL, "303", NULL },
		{ "", "303", NULL },
		{ "\xef\xbf\xbf", "303", NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const char *const codes[] = { cases[i].code, NULL };
		struct stanza *s = presence(NS_MUC_USER, cases[i].nick, codes);
		struct jid *jid = muc_user_renamed(s);

		ck_assert_pstr_eq(jid ? jid_str(jid) : NULL, cases[i].want);
		jid_unref(&jid);
		stanza_unref(&s);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_user");

	tcase_add_test(tc, status);
	tcase_add_test(tc, renamed);
	return unit_run(tc);
}
