/* check_muc_envelope.c - entries as they go from server to server. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/err.h"
#include "modules/muc/config.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/ns.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = { .secret = secret };
static struct xml_pool *pool;
static struct jid *jid;
static struct room *room;
static struct arena *arena;
static struct buf text;

static void
setup(void)
{
	pool = xml_pool_new();
	jid = jid_parse("den@rooms.a.example");
	room = room_new(jid, 0);
	arena = arena_new();
}

static void
teardown(void)
{
	buf_fini(&text);
	arena_unref(&arena);
	room_free(room);
	jid_unref(&jid);
	xml_pool_free(pool);
}

static struct entry *
read_text(const char *xml, size_t len, struct err *err)
{
	struct xml *x = xml_from_text(pool, arena, xml, len);

	ck_assert_msg(x, "no XML: %.*s", (int)len, xml);
	return envelope_read_entry(jid, x, err);
}

/* As it comes to a domain. */
static struct entry *
send_to(const char *domain, bool is_entitled, const struct entry *e)
{
	struct envelope to = { room, &env, domain, is_entitled };
	struct err err = { 0 };
	struct entry *read;

	text.len = 0;
	envelope_write_entry(&text, &to, e);
	read = read_text(text.data, text.len, &err);
	ck_assert_msg(read, "%s: %s", err.text, text.data);
	return read;
}

static void
same_text(const char *a, const char *b)
{
	ck_assert_pstr_eq(a && !*a ? NULL : a, b && !*b ? NULL : b);
}

static void
same(const struct entry *a, const struct entry *b)
{
	size_t a_len = 0, b_len = 0;
	const char *x = a->payload ? chunk_data(a->payload, &a_len) : "";
	const char *y = b->payload ? chunk_data(b->payload, &b_len) : "";

	ck_assert_int_eq(a->type, b->type);
	ck_assert_int_eq((int64_t)a->seq, (int64_t)b->seq);
	ck_assert_int_eq(a->stamp_ms, b->stamp_ms);
	ck_assert_int_eq(a->archive_id, b->archive_id);
	ck_assert_int_eq(a->target, b->target);
	same_text(a->nick, b->nick);
	same_text(a->new_nick, b->new_nick);
	same_text(a->stanza_id, b->stanza_id);
	same_text(a->submit, b->submit);
	same_text(a->actor, b->actor);
	same_text(a->reason, b->reason);
	ck_assert_int_eq(a->code, b->code);
	ck_assert_int_eq(a->is_away, b->is_away);
	ck_assert_int_eq(a->is_new, b->is_new);
	ck_assert_int_eq(a->is_locked, b->is_locked);
	ck_assert_int_eq(a->is_renamed, b->is_renamed);
	ck_assert_int_eq(a->has_body, b->has_body);
	ck_assert_msg(a_len == b_len && !memcmp(x, y, a_len),
		      "%.*s\nbecame\n%.*s", (int)a_len, x, (int)b_len, y);
}

#define USER "u1@b.example/phone"
#define MESSAGE                                                         \
	" from='den@rooms.a.example/A&apos;n &amp; &lt;B&gt;' id='s1' " \
	"type='groupchat' xml:lang='de'><body>1 &lt; 2 &amp; 3</body>"  \
	"<x xmlns='urn:x' a='&apos;\"'><y xmlns='urn:y'/><z/></x></message>"
#define PRESENCE " xml:lang='de'><show>away</show><c xmlns='urn:c' v='1'>x</c>"

static const struct {
	struct entry e;
	const char *payload;
} entries[] = {
	{ { .type = ENTRY_JOIN,
	    .nick = "A'n & <B>",
	    .occupant_id = "x",
	    .stanza_id = "j'1",
	    .submit = "0123456789abcdef",
	    .affiliation = AFFILIATION_ADMIN,
	    .role = ROLE_MODERATOR,
	    .is_new = true,
	    .is_locked = true,
	    .is_renamed = true },
	  PRESENCE },
	{ { .type = ENTRY_PRESENCE, .nick = "Ann" }, PRESENCE },
	{ { .type = ENTRY_LEAVE,
	    .nick = "Ann",
	    .actor = "Ben \"x\"",
	    .reason = "<b> & that",
	    .affiliation = AFFILIATION_OUTCAST,
	    .code = 301 },
	  "><status>gone</status>" },
	{ { .type = ENTRY_NICK,
	    .nick = "Ann",
	    .new_nick = "Bea",
	    .submit = "1" },
	  PRESENCE },
	{ { .type = ENTRY_ROLE,
	    .nick = "Ann",
	    .affiliation = AFFILIATION_MEMBER,
	    .role = ROLE_VISITOR,
	    .reason = "so" },
	  NULL },
	{ { .type = ENTRY_MESSAGE,
	    .nick = "A'n & <B>",
	    .occupant_id = "0a0b",
	    .stanza_id = "s1",
	    .submit = "abc",
	    .archive_id = INT64_C(1700000000000001),
	    .affiliation = AFFILIATION_OWNER,
	    .role = ROLE_MODERATOR,
	    .has_body = true },
	  MESSAGE },
	{ { .type = ENTRY_SUBJECT,
	    .nick = "Ann",
	    .stanza_id = "s1",
	    .archive_id = 2 },
	  MESSAGE },
	{ { .type = ENTRY_RETRACT,
	    .nick = "Ann",
	    .stanza_id = "s1",
	    .archive_id = 3,
	    .target = 2 },
	  MESSAGE },
	{ { .type = ENTRY_DESTROY,
	    .reason = "closed",
	    .new_nick = "other@rooms.a.example" },
	  "<password>x</password>" },
};

START_TEST(round_trip)
{
	struct entry e = entries[_i].e, *read;
	const char *payload = entries[_i].payload;

	e.seq = 7;
	e.stamp_ms = INT64_C(1700000000123);
	e.jid = jid_parse(USER);
	if (payload)
		e.payload = chunk_copy(payload, strlen(payload));
	read = send_to("b.example", false, &e);
	same(&e, read);
	if (e.affiliation || e.role) {
		ck_assert_int_eq(read->affiliation, e.affiliation);
		ck_assert_int_eq(read->role, e.role);
	}
	entry_unref(&read);
	chunk_unref(&e.payload);
	jid_unref(&e.jid);
}
END_TEST

START_TEST(link)
{
	struct entry e = { .type = ENTRY_LINK, .is_away = true, .seq = 1 };
	struct entry *read;

	e.jid = jid_parse("b.example");
	read = send_to("c.example", false, &e);
	same(&e, read);
	ck_assert(jid_is_domain(read->jid) && pseudonym_is(read->jid));
	entry_unref(&read);
	jid_unref(&e.jid);
}
END_TEST

START_TEST(options)
{
	struct muc_config config;
	struct entry e = { .type = ENTRY_CONFIG, .config = &config }, *read;

	muc_config_init(&config, PRESET_PRIVATE_GROUP);
	config.name = mem_strdup("Den <&> = \\ x");
	config.password = mem_strdup("open");
	read = send_to("b.example", true, &e);
	ck_assert_str_ne(read->config->password, "open");
	ck_assert_ptr_null(strstr(text.data, "open"));
	free(read->config->password);
	read->config->password = mem_strdup("open");
	ck_assert(muc_config_eq(read->config, &config));
	entry_unref(&read);
	muc_config_fini(&config);
}
END_TEST

/* ---- who may know what ---- */

static bool
tells_address(const char *domain, bool is_entitled)
{
	struct entry e = { .type = ENTRY_JOIN, .nick = "Ann" }, *read;
	bool tells;

	e.jid = jid_parse(USER);
	read = send_to(domain, is_entitled, &e);
	tells = strstr(text.data, "u1@b.example") != NULL;
	ck_assert(pseudonym_is(read->jid));
	ck_assert_int_eq(read->real != NULL, tells);
	ck_assert(!tells || jid_eq(read->real, e.jid));
	entry_unref(&read);
	jid_unref(&e.jid);
	return tells;
}

START_TEST(addresses)
{
	ck_assert(!tells_address("c.example", false));
	ck_assert(!tells_address(NULL, false));
	ck_assert(tells_address("b.example", false));
	ck_assert(tells_address("c.example", true));
	room->config.whois = WHOIS_ANYONE;
	ck_assert(tells_address("c.example", false));
}
END_TEST

START_TEST(lists)
{
	struct entry e = { .type = ENTRY_AFFILIATION,
			   .affiliation = AFFILIATION_OUTCAST,
			   .nick = "",
			   .submit = "s",
			   .seq = 3 };
	struct entry *read;

	e.jid = jid_parse("u1@b.example");
	read = send_to("b.example", false, &e);
	ck_assert_int_eq(read->type, ENTRY_AFFILIATION);
	ck_assert_int_eq(read->affiliation, AFFILIATION_OUTCAST);
	ck_assert(jid_is_bare(read->jid));
	entry_unref(&read);
	/* For others it is a place in the log only. */
	read = send_to("c.example", true, &e);
	ck_assert_int_eq(read->type, N_ENTRY_TYPES);
	ck_assert_int_eq((int64_t)read->seq, 3);
	ck_assert_ptr_null(strstr(text.data, "b.example"));
	entry_unref(&read);
	jid_unref(&e.jid);
}
END_TEST

/* What is in an archive has its id in the text only. */
START_TEST(archived)
{
	struct entry e = { .type = ENTRY_MESSAGE, .nick = "Ann" }, *read;

	e.payload = chunk_copy(MESSAGE, strlen(MESSAGE));
	read = send_to("b.example", false, &e);
	ck_assert_pstr_eq(read->stanza_id, "s1");
	entry_unref(&read);
	chunk_unref(&e.payload);
}
END_TEST

/* ---- what is none ---- */

#define WHO   "who='0a@1b.invalid/2c' "
#define STAMP "stamp='2026-11-22T10:00:00Z' "

static const char *const malformed[] = {
	"<other xmlns='" NS_DMUC "' type='join' " STAMP "/>",
	"<entry xmlns='urn:x' type='join' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='king' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='join'/>",
	"<entry xmlns='" NS_DMUC "' type='join' stamp='now'/>",
	"<entry xmlns='" NS_DMUC "' type='join' seq='-1' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='join' seq='1x' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='join' seq='' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='leave' code='1000' " STAMP "/>",
	"<entry xmlns='" NS_DMUC
	"' type='join' archive='99999999999999999999' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='role' role='king' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='role' affiliation='pope' " STAMP "/>",
	/* Addresses that are no pseudonyms may be anybody's. */
	"<entry xmlns='" NS_DMUC "' type='join' who='u@b.example/x' " STAMP
	"/>",
	"<entry xmlns='" NS_DMUC "' type='join' who='@' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='join' " WHO STAMP "jid='b.example'/>",
	"<entry xmlns='" NS_DMUC "' type='join' " WHO STAMP "jid='@'/>",
	"<entry xmlns='" NS_DMUC "' type='join' nick='' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='nick' new-nick='' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='config' " STAMP "/>",
	"<entry xmlns='" NS_DMUC "' type='message' " STAMP "/>",
	/* Not of this room, not to all. */
	"<entry xmlns='" NS_DMUC "' type='message' " STAMP
	"><message xmlns='jabber:client' type='groupchat' "
	"from='other@rooms.a.example/x'/></entry>",
	"<entry xmlns='" NS_DMUC "' type='message' " STAMP
	"><message xmlns='jabber:client' type='chat' "
	"from='den@rooms.a.example/x'/></entry>",
	"<entry xmlns='" NS_DMUC "' type='message' " STAMP
	"><message xmlns='jabber:client' type='groupchat' "
	"to='u@b.example' from='den@rooms.a.example/x'/></entry>",
};

START_TEST(refused)
{
	struct err err = { 0 };

	ck_assert_ptr_null(
		read_text(malformed[_i], strlen(malformed[_i]), &err));
	ck_assert_msg(*err.text, "nothing says why: %s", malformed[_i]);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_envelope");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, round_trip, 0, N_ELEMENTS(entries));
	tcase_add_test(tc, link);
	tcase_add_test(tc, options);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, archived);
	tcase_add_loop_test(tc, refused, 0, N_ELEMENTS(malformed));
	return unit_run(tc);
}
