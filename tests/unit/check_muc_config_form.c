/* check_muc_config_form.c - the form of a room's options. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "modules/muc/affiliation.h"
#include "muc_fixture.h"
#include "unit.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <string.h>

static const struct muc_limits limits = { .max_users = 300, .max_history = 50 };

static struct xml_pool *pool;

static void
setup(void)
{
	fix_setup();
	pool = xml_pool_new();
}

static void
teardown(void)
{
	xml_pool_free(pool);
	fix_teardown();
}

#define CONF		   "muc#roomconfig_"
#define FIELD(var, values) "<field var='" var "'>" values "</field>"
#define VALUE(text)	   "<value>" text "</value>"
#define SET(var, text)	   FIELD(CONF var, VALUE(text))
#define PRESET(text)	   FIELD("{urn:xmpp:tmp:dmuc:1}preset", VALUE(text))

static const struct xml *
parse(const char *fields)
{
	struct buf b = { 0 };
	const struct xml *x;

	buf_printf(&b, "<x xmlns='" NS_DATA "' type='submit'>%s</x>", fields);
	x = xml_from_text(pool, fix_arena, b.data, b.len);
	ck_assert_ptr_nonnull(x);
	buf_fini(&b);
	return x;
}

static const char *
written(const struct xml *x)
{
	struct buf b = { 0 };
	const char *text;

	xml_write(&b, x, NS_DATA);
	text = arena_strndup(fix_arena, b.data, b.len);
	buf_fini(&b);
	return text;
}

static struct xml *
make_form(const struct muc_config *c, const struct muc_limits *l,
	  const struct affiliations *lists)
{
	struct xml *query = xml_new(fix_arena, "query", "x");

	return muc_config_to_form(fix_arena, query, c, l, lists);
}

static const struct {
	const char *old, *fields, *want, *problem;
} answers[] = {
	{ "", "", "", NULL },
	{ fix_all_set, "", "", NULL },
	{ "", FIELD("FORM_TYPE", VALUE("urn:x")), NULL,
	  "field FORM_TYPE: not http://jabber.org/protocol/muc#roomconfig" },
	{ "", FIELD("unknown", VALUE("x") VALUE("y")) SET("unknown", "1"), "",
	  NULL },
	{ "", SET("roomname", " A\tDark  Cave "), "name=A Dark  Cave\n", NULL },
	{ "", FIELD(CONF "roomdesc", VALUE("one") VALUE("two")),
	  "description=one two\n", NULL },
	{ fix_all_set, SET("roomname", "") FIELD(CONF "lang", ""),
	  "-name\n-lang\n", NULL },
	{ "", SET("moderatedroom", "true") SET("publicroom", "0"),
	  "public=0\nmoderated=1\n", NULL },
	{ "", SET("moderatedroom", ""), "", NULL },
	{ "", SET("moderatedroom", "yes"), NULL,
	  "field muc#roomconfig_moderatedroom is neither true nor false" },
	{ "", FIELD(CONF "membersonly", VALUE("1") VALUE("0")), NULL,
	  "field muc#roomconfig_membersonly has more than one value" },
	{ "", SET("whois", "anyone") SET("allowpm", "none"),
	  "private-messages=none\nwhois=anyone\n", NULL },
	{ "", SET("whois", "none"), NULL,
	  "field muc#roomconfig_whois: not one of the options: none" },
	{ "", SET("maxusers", "300"), "max-users=300\n", NULL },
	{ "", SET("maxusers", "301"), NULL,
	  "field muc#roomconfig_maxusers: at most 300" },
	{ fix_all_set, SET("maxusers", "none"), "max-users=none\n", NULL },
	{ "", SET("maxusers", "-3"), NULL,
	  "field muc#roomconfig_maxusers: not a number: -3" },
	{ "", FIELD("muc#maxhistoryfetch", VALUE("50")), "history=50\n", NULL },
	{ "", FIELD("muc#maxhistoryfetch", VALUE("51")), NULL,
	  "field muc#maxhistoryfetch: at most 50" },
	{ "", SET("slow_mode_duration", "20"), "slow-mode=20\n", NULL },
	{ "", SET("slow_mode_duration", "2.5"), NULL,
	  "field muc#roomconfig_slow_mode_duration: not a number: 2.5" },
	{ "",
	  FIELD(CONF "presencebroadcast", VALUE("visitor") VALUE("moderator")),
	  "presence-broadcast=moderator visitor\n", NULL },
	{ "", FIELD(CONF "presencebroadcast", ""), "presence-broadcast=\n",
	  NULL },
	{ "", SET("getmemberlist", "none"), NULL,
	  "field muc#roomconfig_getmemberlist: not one of the options: none" },
	{ "",
	  FIELD("muc#roominfo_contactjid",
		VALUE("A@X.example/r") VALUE("") VALUE("b@x.example")),
	  "contacts=a@x.example\\nb@x.example\n", NULL },
	{ "", FIELD("muc#roominfo_contactjid", VALUE("@")), NULL,
	  "field muc#roominfo_contactjid: not an address: @" },
	{ "", FIELD("{urn:xmpp:tmp:dmuc:1}split", VALUE("continue")),
	  "split=continue\n", NULL },
	{ "",
	  FIELD("{urn:xmpp:tmp:dmuc:1}distribute", VALUE("listed"))
		  FIELD("{urn:xmpp:tmp:dmuc:1}distribute-to",
			VALUE("X.example") VALUE("y.example")),
	  "distribute=listed\ncopies=x.example\\ny.example\n", NULL },
	{ "", FIELD("{urn:xmpp:tmp:dmuc:1}distribute", VALUE("maybe")), NULL,
	  "field {urn:xmpp:tmp:dmuc:1}distribute: not one of the options: "
	  "maybe" },

	/* As other servers call it. */
	{ "", FIELD("mam", VALUE("1")), "archive=1\n", NULL },
	{ "", SET("mam", "1"), "archive=1\n", NULL },
	{ "", SET("enablearchiving", "1") FIELD("mam", VALUE("0")),
	  "archive=1\n", NULL },
	{ "", SET("historylength", "9"), "history=9\n", NULL },
	{ "",
	  FIELD("{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites",
		VALUE("0")),
	  "invites=0\n", NULL },

	/* Passwords: 10.1.3 */
	{ "", SET("passwordprotectedroom", "1") SET("roomsecret", "s"),
	  "password=s\n", NULL },
	{ "", SET("passwordprotectedroom", "1"), NULL,
	  "field muc#roomconfig_roomsecret: a password is required" },
	{ "", SET("passwordprotectedroom", "1") SET("roomsecret", ""), NULL,
	  "field muc#roomconfig_roomsecret: a password is required" },
	{ "password=s\n",
	  SET("passwordprotectedroom", "1") SET("roomsecret", ""), NULL,
	  "field muc#roomconfig_roomsecret: a password is required" },
	{ "password=s\n", SET("passwordprotectedroom", "1"), "", NULL },
	{ "password=s\n", SET("passwordprotectedroom", "0"), "-password\n",
	  NULL },
	{ "password=s\n",
	  SET("passwordprotectedroom", "0") SET("roomsecret", "s"),
	  "-password\n", NULL },
	{ "", SET("passwordprotectedroom", "0") SET("roomsecret", "s"), "",
	  NULL },
	{ "", SET("passwordprotectedroom", "x"), NULL,
	  "field muc#roomconfig_passwordprotectedroom is neither true nor "
	  "false" },
	{ "", SET("roomsecret", "s"), "password=s\n", NULL },
	{ "password=s\n", SET("roomsecret", "t"), "password=t\n", NULL },
	{ "", SET("roomsecret", ""), "", NULL },
	{ "password=s\n", SET("roomsecret", ""), NULL,
	  "field muc#roomconfig_roomsecret: a password is required" },

	/* Presets: what the form does not change is theirs. */
	{ "", PRESET("private-group"),
	  "archive=1\npublic=0\npersistent=1\nmembers-only=1\nwhois=anyone\n",
	  NULL },
	{ "", FIELD("preset", VALUE("public-channel")),
	  "archive=1\nchange-subject=0\npersistent=1\n", NULL },
	{ "",
	  PRESET("private-group") SET("membersonly", "0") SET("publicroom", "1")
		  SET("enablearchiving", "0"),
	  "archive=1\npublic=0\npersistent=1\nmembers-only=1\nwhois=anyone\n",
	  NULL },
	{ "persistent=1\nmoderated=1\n",
	  PRESET("temporary") SET("persistentroom", "1")
		  SET("enablearchiving", "1") SET("whois", "anyone")
			  SET("moderatedroom", "1"),
	  "archive=1\npersistent=0\nwhois=anyone\n", NULL },
	{ fix_all_set, PRESET(""), "", NULL },
	{ "", PRESET("secret"), NULL,
	  "field {urn:xmpp:tmp:dmuc:1}preset: not one of the options: "
	  "secret" },
	{ "", FIELD("preset", VALUE("temporary") VALUE("temporary")), NULL,
	  "field {urn:xmpp:tmp:dmuc:1}preset has more than one value" },
};

START_TEST(reads_forms)
{
	struct err err = { "" };
	struct muc_config old, c;
	int ret;

	fix_read(&old, answers[_i].old);
	memset(&c, 0x55, sizeof(c));
	ret = muc_config_from_form(parse(answers[_i].fields), &old, &limits, &c,
				   &err);
	ck_assert_msg(ret == (answers[_i].problem ? -1 : 0), "%s", err.text);
	if (answers[_i].problem)
		ck_assert_str_eq(err.text, answers[_i].problem);
	else
		ck_assert_str_eq(fix_changes(&old, &c), answers[_i].want);
	muc_config_fini(&c);
	muc_config_fini(&old);
}
END_TEST

START_TEST(limits_texts)
{
	const char *fields[] = { SET("roomname", "%s"), SET("roomdesc", "%s"),
				 SET("lang", "%s"), SET("roomsecret", "%s") };
	static const int bytes[] = { 256, 4096, 64, 1023 };

	for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
		for (int over = 0; over < 2; over++) {
			const char *form = fields[i];
			const char *at = strstr(form, "%s");
			struct buf b = { 0 };
			struct err err = { "" };
			struct muc_config c;
			int ret;

			buf_add(&b, form, (size_t)(at - form));
			for (int n = 0; n < bytes[i] + over; n++)
				buf_addc(&b, 'a');
			buf_adds(&b, at + 2);
			ret = muc_config_from_form(parse(b.data), &fix_plain,
						   &limits, &c, &err);
			ck_assert_int_eq(ret, -over);
			ck_assert_int_eq(strstr(err.text, "bytes") != NULL,
					 over);
			muc_config_fini(&c);
			buf_fini(&b);
		}
	}
}
END_TEST

static const char *const olds[] = {
	"",
	fix_all_set,
	"max-users=10\n",
	"max-users=11\n",
	"max-users=300\n",
	"presence-broadcast=\n",
};

/* A client that sends back what it got changes nothing. */
START_TEST(form_there_and_back)
{
	struct err err = { "" };
	struct muc_config old, c;
	struct xml *form;

	fix_read(&old, olds[_i]);
	form = make_form(&old, &limits, NULL);
	ck_assert_msg(muc_config_from_form(form, &old, &limits, &c, &err) == 0,
		      "%s", err.text);
	ck_assert(muc_config_eq(&old, &c));
	muc_config_fini(&c);
	/* And a new room made of it is the same, but for the picture, which is
	 * not set by forms. */
	ck_assert_ptr_null(form_field(form, "muc#roominfo_avatarhash"));
	ck_assert_int_eq(
		muc_config_from_form(form, &fix_plain, &limits, &c, &err), 0);
	ck_assert_ptr_null(c.avatar);
	c.avatar = old.avatar ? mem_strdup(old.avatar) : NULL;
	ck_assert_str_eq(fix_text(&c), fix_text(&old));
	muc_config_fini(&c);
	muc_config_fini(&old);
}
END_TEST

static const char *
option_list(int max_users, const struct muc_limits *l)
{
	struct muc_config c;
	struct buf b = { 0 };
	const char *text;
	const struct xml *field;

	muc_config_init(&c, PRESET_TEMPORARY);
	c.max_users = max_users;
	field = form_field(make_form(&c, l, NULL), CONF "maxusers");
	xml_each (x, field)
		buf_printf(
			&b, "%s%s ", xml_is(x, "value", NS_DATA) ? "=" : "",
			xml_is(x, "value", NS_DATA)
				? xml_get_text(fix_arena, x)
				: xml_child_text(fix_arena, x, "value", NULL));
	text = arena_strndup(fix_arena, b.data, b.len);
	buf_fini(&b);
	return text;
}

START_TEST(numbers_of_users)
{
	static const struct muc_limits none = { 0 }, few = { .max_users = 25 };

	ck_assert_str_eq(option_list(0, &none),
			 "10 20 30 50 100 200 500 1000 none =none ");
	ck_assert_str_eq(option_list(20, &none),
			 "10 20 30 50 100 200 500 1000 none =20 ");
	ck_assert_str_eq(option_list(77, &none),
			 "10 20 30 50 77 100 200 500 1000 none =77 ");
	ck_assert_str_eq(option_list(5000, &none),
			 "10 20 30 50 100 200 500 1000 5000 none =5000 ");
	ck_assert_str_eq(option_list(22, &few), "10 20 22 none =22 ");
	/* The limit was higher once. */
	ck_assert_str_eq(option_list(77, &few), "10 20 25 none =25 ");
}
END_TEST

/* Only where the service lets owners name relays. */
START_TEST(relays_of_owners)
{
	static const char field[] = "{urn:xmpp:tmp:dmuc:1}relays";
	static const struct muc_limits any = { 0 }, no = { .no_relays = true };
	const struct xml *form =
		parse(FIELD("FORM_TYPE", VALUE(NS_MUC_ROOMCONFIG)) FIELD(
			"{urn:xmpp:tmp:dmuc:1}relays", VALUE("a.example")));
	struct muc_config c;

	ck_assert_ptr_null(form_field(make_form(&fix_plain, &no, NULL), field));
	ck_assert_ptr_nonnull(
		form_field(make_form(&fix_plain, &any, NULL), field));
	ck_assert_int_eq(muc_config_from_form(form, &fix_plain, &no, &c, NULL),
			 0);
	ck_assert(muc_config_eq(&c, &fix_plain));
	muc_config_fini(&c);
	ck_assert_int_eq(muc_config_from_form(form, &fix_plain, &any, &c, NULL),
			 0);
	ck_assert_str_eq(c.relays, "a.example");
	muc_config_fini(&c);
}
END_TEST

static const char *
field_text(const struct xml *form, const char *var)
{
	return written(form_field(form, var));
}

START_TEST(writes_form)
{
	struct affiliations lists;
	struct xml *form;
	static const struct {
		const char *jid;
		enum affiliation affiliation;
	} users[] = {
		{ "c@x.example", AFFILIATION_ADMIN },
		{ "a@x.example", AFFILIATION_ADMIN },
		{ "b@x.example", AFFILIATION_OWNER },
		{ "d@x.example", AFFILIATION_MEMBER },
	};

	affiliations_init(&lists);
	for (size_t i = 0; i < N_ELEMENTS(users); i++) {
		struct jid *jid = jid_parse(users[i].jid);

		affiliations_set(&lists, jid, users[i].affiliation, NULL, NULL);
		jid_unref(&jid);
	}
	form = make_form(&fix_plain, &limits, &lists);
	affiliations_fini(&lists);
	ck_assert(form_has_type(form, "form"));
	ck_assert_str_eq(form_get(fix_arena, form, "FORM_TYPE"),
			 "http://jabber.org/protocol/muc#roomconfig");
	ck_assert_str_eq(field_text(form, CONF "roomname"),
			 "<field var='muc#roomconfig_roomname' "
			 "type='text-single' "
			 "label='Natural-Language Room Name'/>");
	ck_assert_str_eq(field_text(form, CONF "roomadmins"),
			 "<field var='muc#roomconfig_roomadmins' "
			 "type='jid-multi' label='Full List of Room Admins'>"
			 "<value>a@x.example</value><value>c@x.example</value>"
			 "</field>");
	ck_assert_str_eq(field_text(form, CONF "roomowners"),
			 "<field var='muc#roomconfig_roomowners' "
			 "type='jid-multi' label='Full List of Room Owners'>"
			 "<value>b@x.example</value></field>");
	ck_assert_str_eq(
		field_text(form, CONF "slow_mode_duration"),
		"<field var='muc#roomconfig_slow_mode_duration' "
		"type='text-single' label='Slow Mode: Seconds Between Two "
		"Messages, or 0'><validate "
		"xmlns='http://jabber.org/protocol/xdata-validate' "
		"datatype='xs:integer'><range min='0' max='86400'/></validate>"
		"<value>0</value></field>");
	ck_assert_str_eq(
		field_text(form, "muc#maxhistoryfetch"),
		"<field var='muc#maxhistoryfetch' type='text-single' "
		"label='Maximum Number of History Messages Returned by Room'>"
		"<validate xmlns='http://jabber.org/protocol/xdata-validate' "
		"datatype='xs:integer'><range min='0' max='50'/></validate>"
		"<value>20</value></field>");
	ck_assert_str_eq(
		form_get(fix_arena, form, CONF "passwordprotectedroom"), "0");
	ck_assert_ptr_null(form_field(make_form(&fix_plain, &limits, NULL),
				      CONF "roomadmins"));
}
END_TEST

/* Every field of the standard has its place. */
START_TEST(knows_the_standard)
{
	static const char *const vars[] = {
		"muc#maxhistoryfetch", CONF "allowpm",
		CONF "allowinvites",   CONF "changesubject",
		CONF "enablelogging",  CONF "getmemberlist",
		CONF "lang",	       CONF "pubsub",
		CONF "maxusers",       CONF "membersonly",
		CONF "moderatedroom",  CONF "passwordprotectedroom",
		CONF "persistentroom", CONF "presencebroadcast",
		CONF "publicroom",     CONF "roomadmins",
		CONF "roomdesc",       CONF "roomname",
		CONF "roomowners",     CONF "roomsecret",
		CONF "whois",
	};
	struct affiliations lists = { 0 };
	struct xml *form = make_form(&fix_plain, &limits, &lists);

	for (size_t i = 0; i < N_ELEMENTS(vars); i++)
		ck_assert_msg(form_field(form, vars[i]) != NULL, "%s", vars[i]);
}
END_TEST

START_TEST(reads_lists)
{
	const struct xml *form = parse(
		FIELD(CONF "roomadmins",
		      VALUE("b@x.example") VALUE("") VALUE("A@X.example/phone")
			      VALUE("a@x.example") VALUE("b@x.example"))
			FIELD(CONF "roomowners", ""));
	struct err err = { "" };
	struct jid **jids;

	ck_assert_int_eq(muc_config_form_list(fix_arena, form,
					      AFFILIATION_ADMIN, &jids, &err),
			 0);
	ck_assert_str_eq(jid_str(jids[0]), "a@x.example");
	ck_assert_str_eq(jid_str(jids[1]), "b@x.example");
	ck_assert_ptr_null(jids[2]);
	ck_assert_int_eq(muc_config_form_list(fix_arena, form,
					      AFFILIATION_OWNER, &jids, &err),
			 0);
	ck_assert_ptr_nonnull(jids);
	ck_assert_ptr_null(jids[0]);
	ck_assert_int_eq(muc_config_form_list(fix_arena, parse(""),
					      AFFILIATION_OWNER, &jids, &err),
			 0);
	ck_assert_ptr_null(jids);
	ck_assert_int_eq(muc_config_form_list(
				 fix_arena,
				 parse(FIELD(CONF "roomowners",
					     VALUE("a@x.example") VALUE("@"))),
				 AFFILIATION_OWNER, &jids, &err),
			 -1);
	ck_assert_ptr_null(jids);
	ck_assert_str_eq(err.text,
			 "field muc#roomconfig_roomowners: not an address: @");
}
END_TEST

/* Random fields, with values that fit somewhere or nowhere. */
static void
add_random_field(struct buf *b)
{
	static const char *const vars[] = {
		"FORM_TYPE",
		"preset",
		"mam",
		"muc#maxhistoryfetch",
		CONF "allowpm",
		CONF "allowinvites",
		CONF "enablelogging",
		CONF "getmemberlist",
		CONF "lang",
		CONF "maxusers",
		CONF "membersonly",
		CONF "passwordprotectedroom",
		CONF "presencebroadcast",
		CONF "roomname",
		CONF "roomdesc",
		CONF "roomsecret",
		CONF "whois",
		CONF "slow_mode_duration",
		"muc#roominfo_contactjid",
		"",
	};
	static const char *const values[] = {
		"",
		"0",
		"1",
		"true",
		"anyone",
		"moderator",
		"visitor",
		"private-group",
		"50",
		"99999",
		"-1",
		"a@x.example",
		"@",
		"&#10;\\",
		"&#xf6; ö",
		"none",
		"http://jabber.org/protocol/muc#roomconfig",
	};

	buf_printf(b, "<field var='%s'>", vars[fix_draw(N_ELEMENTS(vars))]);
	for (unsigned n = fix_draw(4) ? 1 : fix_draw(4); n; n--)
		buf_printf(b, "<value>%s</value>",
			   values[fix_draw(N_ELEMENTS(values))]);
	buf_adds(b, "</field>");
}

START_TEST(survives_garbage_forms)
{
	int n_good = 0, n_bad = 0;

	for (int i = 0; i < 20000; i++) {
		struct buf b = { 0 };
		struct err err = { "" };
		struct muc_config c;

		for (unsigned n = fix_draw(5) + 1; n; n--)
			add_random_field(&b);
		if (muc_config_from_form(parse(b.data), &fix_plain, &limits, &c,
					 &err) == 0) {
			fix_check_sound(&c);
			ck_assert_int_le(c.history, 50);
			ck_assert_int_le(c.max_users, 300);
			n_good++;
			/* What it makes is where the next one starts. */
			muc_config_fini(&fix_plain);
			fix_plain = c;
		} else {
			ck_assert_int_eq(strncmp(err.text, "field ", 6), 0);
			ck_assert_ptr_null(c.name);
			ck_assert_ptr_null(c.password);
			n_bad++;
		}
		buf_fini(&b);
		if (i % 64 == 0) {
			arena_unref(&fix_arena);
			fix_arena = arena_new();
		}
	}
	ck_assert_int_gt(n_good, 1000);
	ck_assert_int_gt(n_bad, 1000);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_config_form");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads_forms, 0, N_ELEMENTS(answers));
	tcase_add_test(tc, limits_texts);
	tcase_add_loop_test(tc, form_there_and_back, 0, N_ELEMENTS(olds));
	tcase_add_test(tc, numbers_of_users);
	tcase_add_test(tc, relays_of_owners);
	tcase_add_test(tc, writes_form);
	tcase_add_test(tc, knows_the_standard);
	tcase_add_test(tc, reads_lists);
	tcase_add_test(tc, survives_garbage_forms);
	return unit_run(tc);
}
