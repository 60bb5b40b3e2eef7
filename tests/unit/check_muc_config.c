/* check_muc_config.c - the options of a room: storage, disco, codes. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "modules/muc/affiliation.h"
#include "muc_fixture.h"
#include "unit.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

static const struct muc_limits limits = { .max_users = 300, .max_history = 50 };

static struct buf out;

static void
setup(void)
{
	fix_setup();
}

static void
teardown(void)
{
	buf_fini(&out);
	fix_teardown();
}

START_TEST(presets)
{
	static const struct {
		const char *name, *text;
	} want[N_PRESETS] = {
		{ "temporary",
		  "public=1 persistent=0 moderated=0 members-only=0 archive=0 "
		  "logging=0 invites=1 whois=moderators history=20 "
		  "max-users=0 split=hold private-messages=anyone "
		  "change-subject=1" },
		{ "private-group",
		  "public=0 persistent=1 moderated=0 members-only=1 archive=1 "
		  "logging=0 invites=1 whois=anyone history=20 "
		  "max-users=0 split=hold private-messages=anyone "
		  "change-subject=1" },
		{ "public-channel",
		  "public=1 persistent=1 moderated=0 members-only=0 archive=1 "
		  "logging=0 invites=1 whois=moderators history=20 "
		  "max-users=0 split=hold private-messages=anyone "
		  "change-subject=0" },
	};
	struct muc_config c, same;
	enum muc_preset preset;
	char *words = arena_strdup(fix_arena, want[_i].text), *word;

	muc_config_init(&c, (enum muc_preset)_i);
	while ((word = strsep(&words, " ")) != NULL) {
		const char *line = arena_printf(fix_arena, "%s\n", word);

		if (!strcmp(word, "max-users=0"))
			line = "max-users=none\n";
		ck_assert_msg(strstr(fix_text(&c), line) != NULL, "%s", word);
	}
	ck_assert_str_eq(muc_preset_name((enum muc_preset)_i), want[_i].name);
	ck_assert_int_eq(muc_preset_parse(want[_i].name, &preset), 0);
	ck_assert_int_eq(preset, _i);
	ck_assert_int_eq(muc_preset_parse("", &preset), -1);
	ck_assert_int_eq(muc_preset_parse("private", &preset), -1);

	/* From any other it gets there, and only what it is about changes. */
	muc_config_init(&same, PRESET_PRIVATE_GROUP);
	muc_config_apply_preset(&same, (enum muc_preset)_i);
	ck_assert(muc_config_eq(&same, &c));
	fix_read(&same, fix_all_set);
	muc_config_apply_preset(&same, (enum muc_preset)_i);
	ck_assert_str_eq(same.password, " two\nlines ");
	ck_assert_str_eq(same.name, "The den \\ a=b");
	ck_assert(same.is_moderated);
	ck_assert_int_eq(same.is_members_only, _i == PRESET_PRIVATE_GROUP);
	muc_config_fini(&same);
}
END_TEST

START_TEST(compares_and_copies)
{
	struct muc_config c, copy;
	char *text = arena_strdup(fix_arena, fix_all_set), *line;
	int n = 0;

	while (*(line = strsep(&text, "\n"))) {
		fix_read(&c, line);
		ck_assert_msg(!muc_config_eq(&c, &fix_plain), "%s", line);
		ck_assert_str_eq(fix_changes(&fix_plain, &c),
				 arena_printf(fix_arena, "%s\n", line));
		muc_config_copy(&copy, &c);
		ck_assert(muc_config_eq(&c, &copy));
		muc_config_fini(&c);
		ck_assert_msg(!muc_config_eq(&copy, &fix_plain), "%s", line);
		muc_config_fini(&copy);
		n++;
	}
	ck_assert_int_eq(n, 31);
	muc_config_fini(&(struct muc_config){ 0 });
}
END_TEST

/* ---- storage ---- */

START_TEST(stores)
{
	struct muc_config c;

	fix_read(&c, fix_all_set);
	ck_assert_str_eq(fix_text(&c), fix_all_set);
	ck_assert_str_eq(c.name, "The den \\ a=b");
	ck_assert_str_eq(c.password, " two\nlines ");
	ck_assert_str_eq(c.contacts, "a@x.example\nb@x.example");
	ck_assert_int_eq(c.max_users, 77);
	ck_assert_uint_eq(c.presence_broadcast, 1u << ROLE_MODERATOR);
	ck_assert_uint_eq(c.get_members,
			  1u << ROLE_MODERATOR | 1u << ROLE_PARTICIPANT);
	ck_assert_int_eq(c.split, SPLIT_CONTINUE);
	ck_assert_int_eq(c.distribute, DISTRIBUTE_LISTED);
	muc_config_fini(&c);
}
END_TEST

START_TEST(copies)
{
	struct muc_config c;

	fix_read(&c, "");
	ck_assert(muc_config_allows_copy(&c, "x.example"));
	muc_config_fini(&c);
	fix_read(&c, "distribute=no\ncopies=x.example\n");
	ck_assert(!muc_config_allows_copy(&c, "x.example"));
	muc_config_fini(&c);
	fix_read(&c, "distribute=listed\n");
	ck_assert(!muc_config_allows_copy(&c, "x.example"));
	muc_config_fini(&c);
	fix_read(&c, fix_all_set);
	ck_assert(muc_config_allows_copy(&c, "x.example"));
	ck_assert(muc_config_allows_copy(&c, "y.x.example"));
	/* The whole of a line. */
	ck_assert(!muc_config_allows_copy(&c, "x.exampl"));
	ck_assert(!muc_config_allows_copy(&c, "x.example.org"));
	ck_assert(!muc_config_allows_copy(&c, "example"));
	ck_assert(!muc_config_allows_copy(&c, ""));
	muc_config_fini(&c);
}
END_TEST

static const struct {
	const char *text;
	const char *want;    /* other than in a temporary room */
	const char *problem; /* NULL: none */
} texts[] = {
	{ "", "", NULL },
	{ "\n\n", "", NULL },
	{ "name=x", "name=x\n", NULL },
	{ "name=x\nname=y\n", "name=y\n", NULL },
	{ "name=\n", "", NULL },
	/* A newer version has more. */
	{ "colour=red\nname=x\n=\nNAME=y\n", "name=x\n", NULL },
	{ "presence-broadcast=\n", "presence-broadcast=\n", NULL },
	{ "max-users=none\nhistory=0\n", "history=0\n", NULL },
	{ "name=a\\nb\\\n", "name=a b\\\\\n", NULL },
	{ "name\nlang=de\n", "lang=de\n", "a line without =" },
	{ "moderated=yes\nlang=de\nhistory=x\n", "lang=de\n",
	  "moderated: field muc#roomconfig_moderatedroom is neither true nor "
	  "false" },
	{ "whois=none\nmoderated=1\n", "moderated=1\n",
	  "whois: field muc#roomconfig_whois: not one of the options: none" },
	{ "history=-1\n", "",
	  "history: field muc#maxhistoryfetch: not a number: -1" },
	{ "history=100001\n", "",
	  "history: field muc#maxhistoryfetch: at most 100000" },
	{ "max-users=99999999999999999999\n", "",
	  "max-users: field muc#roomconfig_maxusers: not a number: "
	  "99999999999999999999" },
	{ "get-members=moderator owner\n", "",
	  "get-members: field muc#roomconfig_getmemberlist: not one of the "
	  "options: owner" },
	{ "contacts=@\n", "",
	  "contacts: field muc#roominfo_contactjid: not an address: @" },
};

START_TEST(reads_texts)
{
	struct err err = { "" };
	struct muc_config c;
	int ret = muc_config_from_text(&c, texts[_i].text,
				       strlen(texts[_i].text), &err);

	ck_assert_int_eq(ret, texts[_i].problem ? -1 : 0);
	if (texts[_i].problem)
		ck_assert_str_eq(err.text, texts[_i].problem);
	ck_assert_str_eq(fix_changes(&fix_plain, &c), texts[_i].want);
	muc_config_fini(&c);
}
END_TEST

START_TEST(survives_garbage_texts)
{
	for (int i = 0; i < 20000; i++) {
		char text[1024];
		size_t len = strlen(fix_all_set);
		struct muc_config c;

		ck_assert_uint_lt(len, sizeof(text));
		memcpy(text, fix_all_set, len);
		for (unsigned n = fix_draw(12); n; n--)
			text[fix_draw((unsigned)len)] =
				fix_draw(2) ? "=\\\n \0n1"[fix_draw(7)]
					    : (char)fix_draw(256);
		muc_config_from_text(
			&c, text, fix_draw(8) ? len : fix_draw((unsigned)len),
			NULL);
		fix_check_sound(&c);
		muc_config_fini(&c);
		if (i % 64 == 0) {
			arena_unref(&fix_arena);
			fix_arena = arena_new();
		}
	}
}
END_TEST

/* ---- what others are told ---- */

static const struct {
	const char *text, *features;
} features[] = {
	{ "", "muc_public muc_temporary muc_unmoderated muc_open muc_unsecured "
	      "muc_semianonymous " },
	{ fix_all_set, "urn:xmpp:mam:2 muc_hidden muc_persistent muc_moderated "
		       "muc_membersonly muc_passwordprotected muc_nonanonymous "
		       "urn:xmpp:hats:0 " },
};

START_TEST(tells_features)
{
	struct xml *query = xml_new(fix_arena, "query", NS_DISCO_INFO);
	struct muc_config c;

	fix_read(&c, features[_i].text);
	muc_config_add_features(fix_arena, query, &c);
	xml_each (x, query) {
		ck_assert(xml_is(x, "feature", NS_DISCO_INFO));
		buf_printf(&out, "%s ", xml_get(x, "var"));
	}
	ck_assert_str_eq(out.data, features[_i].features);
	muc_config_fini(&c);
}
END_TEST

static const char *
info_text(const char *text, const struct muc_roominfo *info)
{
	struct xml *query = xml_new(fix_arena, "query", NS_DISCO_INFO), *form;
	struct muc_config c;

	fix_read(&c, text);
	form = muc_config_add_info(fix_arena, query, &c, &limits, info);
	muc_config_fini(&c);
	ck_assert(form_has_type(form, "result"));
	buf_fini(&out);
	xml_each (x, form) {
		buf_printf(&out, "%s=", xml_get(x, "var"));
		xml_each (v, x)
			buf_printf(&out, "%s;", xml_get_text(fix_arena, v));
		buf_addc(&out, '\n');
	}
	return out.data;
}

START_TEST(tells_info)
{
	ck_assert_str_eq(info_text("history=99\n", &(struct muc_roominfo){ 0 }),
			 "FORM_TYPE=http://jabber.org/protocol/muc#roominfo;\n"
			 "muc#roomconfig_changesubject=1;\n"
			 "muc#roominfo_subjectmod=1;\n"
			 "muc#roomconfig_allowinvites=1;\n"
			 "muc#roomconfig_allowpm=anyone;\n"
			 "muc#maxhistoryfetch=50;\n"
			 "muc#roominfo_slow_mode_duration=0;\n"
			 "muc#roominfo_occupants=0;\n");
	ck_assert_str_eq(
		info_text(fix_all_set,
			  &(struct muc_roominfo){ .n_occupants = 3,
						  .subject = "Spells" }),
		"FORM_TYPE=http://jabber.org/protocol/muc#roominfo;\n"
		"muc#roomconfig_roomname=The den \\ a=b;\n"
		"muc#roominfo_description=Two words;\n"
		"muc#roominfo_lang=de;\n"
		"muc#roominfo_logs=https://x.example/logs;\n"
		"muc#roomconfig_changesubject=0;\n"
		"muc#roominfo_subjectmod=0;\n"
		"muc#roomconfig_allowinvites=0;\n"
		"muc#roomconfig_allowpm=moderators;\n"
		"muc#maxhistoryfetch=7;\n"
		"muc#roominfo_slow_mode_duration=20;\n"
		"muc#roomconfig_pubsub=xmpp:p.example?;node=n;\n"
		"muc#roominfo_contactjid=a@x.example;b@x.example;\n"
		"muc#roominfo_avatarhash=a31c;b31c;\n"
		"muc#roominfo_occupants=3;\n"
		"muc#roominfo_subject=Spells;\n");
}
END_TEST

static const struct {
	const char *old, *now, *codes;
} codes[] = {
	{ "", "", "" },
	{ fix_all_set, fix_all_set, "" },
	{ "", "name=x\n", "104 " },
	{ "name=x\n", "", "104 " },
	{ "", "password=x\n", "104 " },
	{ "", "slow-mode=1\n", "104 " },
	{ "", "logging=1\n", "170 " },
	{ "", "archive=1\n", "170 " },
	{ "archive=1\n", "", "171 " },
	{ "archive=1\nlogging=1\n", "", "171 " },
	/* It was and is logged, in another way. */
	{ "archive=1\n", "logging=1\n", "104 " },
	{ "archive=1\n", "archive=1\nlogging=1\n", "104 " },
	{ "", "whois=anyone\n", "172 " },
	{ "whois=anyone\n", "", "173 " },
	{ "", "whois=anyone\narchive=1\nname=x\n", "170 172 104 " },
};

START_TEST(tells_changes)
{
	int got[MUC_CONFIG_CODES_MAX];
	struct muc_config old, now;
	size_t n;

	fix_read(&old, codes[_i].old);
	fix_read(&now, codes[_i].now);
	n = muc_config_status_codes(&old, &now, got);
	buf_add(&out, "", 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%d ", got[i]);
	ck_assert_str_eq(out.data, codes[_i].codes);
	ck_assert_int_eq(muc_config_is_logged(&now),
			 now.is_archived || now.is_logged);
	muc_config_fini(&old);
	muc_config_fini(&now);
}
END_TEST

START_TEST(keeps_to_limits)
{
	static const struct muc_limits none = { .max_history = 100000 };
	struct muc_config c;

	fix_read(&c, "history=9000\nmax-users=5000\nslow-mode=9\n");
	muc_config_limit(&c, &none);
	ck_assert_str_eq(fix_changes(&fix_plain, &c),
			 "max-users=5000\nhistory=9000\nslow-mode=9\n");
	muc_config_limit(&c, &limits);
	ck_assert_str_eq(fix_changes(&fix_plain, &c),
			 "max-users=300\nhistory=50\nslow-mode=9\n");
	muc_config_fini(&c);
	muc_config_limit(&fix_plain, &limits);
	ck_assert_int_eq(fix_plain.max_users, 0);
	ck_assert_int_eq(fix_plain.history, 20);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, presets, 0, N_PRESETS);
	tcase_add_test(tc, compares_and_copies);
	tcase_add_test(tc, stores);
	tcase_add_test(tc, copies);
	tcase_add_loop_test(tc, reads_texts, 0, N_ELEMENTS(texts));
	tcase_add_test(tc, survives_garbage_texts);
	tcase_add_loop_test(tc, tells_features, 0, N_ELEMENTS(features));
	tcase_add_test(tc, tells_info);
	tcase_add_loop_test(tc, tells_changes, 0, N_ELEMENTS(codes));
	tcase_add_test(tc, keeps_to_limits);
	return unit_run(tc);
}
