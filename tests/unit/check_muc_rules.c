/* check_muc_rules.c - XEP-0045: what comes of presence and messages. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "muc_fixture.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdio.h>
#include <string.h>

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = {
	.secret = secret,
	.presence_max = 300,
	.occupants_max = 5,
	.affiliations_max = 100,
	.history_max = 20,
};

static struct room *room;
static struct buf told;

/* ---- a room ---- */

static void
apply(struct entry from, const char *jid)
{
	struct entry *e;

	from.jid = jid_parse(jid);
	e = entry_new(&from);
	jid_unref(&from.jid);
	ck_assert(room_can_apply(room, e));
	room_apply(room, e, NULL);
	entry_unref(&e);
}

static void
put(const char *jid, enum affiliation affiliation, const char *nick)
{
	apply((struct entry){ .type = ENTRY_AFFILIATION,
			      .affiliation = affiliation,
			      .nick = nick },
	      jid);
}

static void
enter(const char *jid, const char *nick, enum affiliation affiliation,
      enum role role)
{
	apply((struct entry){ .type = ENTRY_JOIN,
			      .nick = nick,
			      .affiliation = affiliation,
			      .role = role },
	      jid);
}

/* Four are in it; others are known to it. */
static void
setup(void)
{
	struct jid *jid = jid_parse("den@rooms.example");

	fix_setup();
	room = room_new(jid, 0);
	jid_unref(&jid);
	put("own@x.example", AFFILIATION_OWNER, NULL);
	put("adm@x.example", AFFILIATION_ADMIN, NULL);
	put("mem@x.example", AFFILIATION_MEMBER, "Member");
	put("out@x.example", AFFILIATION_OUTCAST, NULL);
	put("banned.example", AFFILIATION_OUTCAST, NULL);
	enter("own@x.example/1", "Own", AFFILIATION_OWNER, ROLE_MODERATOR);
	enter("par@x.example/1", "Par", AFFILIATION_NONE, ROLE_PARTICIPANT);
	enter("par@x.example/2", "Par", AFFILIATION_NONE, ROLE_PARTICIPANT);
	enter("vis@x.example/1", "Vis", AFFILIATION_NONE, ROLE_VISITOR);
	enter("mod@x.example/1", "Mod", AFFILIATION_NONE, ROLE_MODERATOR);
}

static void
teardown(void)
{
	room_free(room);
	fix_teardown();
	buf_fini(&told);
}

/* ---- stanzas from text ---- */

static struct stanza *parsed;

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
	(void)user;
	ck_assert_ptr_null(parsed);
	parsed = stanza_from_xml(a, x, NS_CLIENT);
	ck_assert_ptr_nonnull(parsed);
	return true;
}

static struct stanza *
parse(const char *text)
{
	static const struct xml_handler handler = { on_open, on_element, NULL };
	static const struct xml_limits limits = { 9999, 9999, 20, 20, 99 };
	static const char open[] =
		"<stream:stream xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams'>";
	struct xml_pool *pool = xml_pool_new();
	struct xml_parser *p = xml_parser_new(pool, &handler, NULL, &limits);
	struct stanza *s;

	xml_parser_feed(p, open, strlen(open));
	xml_parser_feed(p, text, strlen(text));
	xml_parser_free(p);
	xml_pool_free(pool);
	ck_assert_msg(parsed != NULL, "%s", text);
	s = parsed;
	parsed = NULL;
	return s;
}

/* ---- rulings as text ---- */

static void
tell_entry(const struct entry *e)
{
	size_t len;

	buf_printf(&told, "%s%s", told.len ? "; " : "",
		   entry_type_name(e->type));
	if (e->nick)
		buf_printf(&told, " %s", e->nick);
	if (e->new_nick)
		buf_printf(&told, " to %s", e->new_nick);
	if (e->type == ENTRY_JOIN || e->type == ENTRY_AFFILIATION)
		buf_printf(&told, " %s", affiliation_name(e->affiliation));
	if (e->type == ENTRY_JOIN)
		buf_printf(&told, " %s", role_name(e->role));
	if (e->is_locked)
		buf_adds(&told, " locked");
	if (e->payload && e->type != ENTRY_MESSAGE && e->type != ENTRY_SUBJECT)
		buf_printf(&told, " %.*s",
			   (int)(chunk_data(e->payload, &len), len),
			   chunk_data(e->payload, &len));
}

static const char *
judge(struct submission *sub, const char *from)
{
	struct ruling ruling = { 0 };

	told.len = 0;
	sub->from = jid_parse(from);
	sub->now_ms = 1000;
	rules_judge(room, &env, sub, &ruling);
	if (ruling.cond) {
		ck_assert_uint_eq(ruling.n + ruling.n_mail, 0);
		buf_adds(&told, stanza_cond_name(ruling.cond));
	}
	for (size_t i = 0; i < ruling.n; i++)
		tell_entry(ruling.entries[i]);
	if (ruling.is_out_of_step)
		buf_adds(&told, "out of step");
	buf_addc(&told, '\0');
	ruling_fini(&ruling);
	jid_unref(&sub->from);
	return told.data;
}

static void
configure(const char *text)
{
	muc_config_fini(&room->config);
	fix_read(&room->config, text ? text : "");
}

#define MUC	    "http://jabber.org/protocol/muc"
#define X	    "<x xmlns='" MUC "'/>"
#define TO(nick)    "to='den@rooms.example/" nick "'"
#define P(nick, in) "<presence " TO(nick) ">" in "</presence>"
#define P0(in)	    "<presence to='den@rooms.example'>" in "</presence>"
#define M(type, in) \
	"<message type='" type "' to='den@rooms.example'>" in "</message>"
#define PASSWORD(word) "<x xmlns='" MUC "'><password>" word "</password></x>"

struct situation {
	const char *config, *from, *stanza, *want;
};

static void
check(const struct situation *s)
{
	struct submission sub = { .type = SUBMIT_STANZA,
				  .stanza = parse(s->stanza) };

	configure(s->config);
	ck_assert_str_eq(judge(&sub, s->from), s->want);
	stanza_unref(&sub.stanza);
}

/* ---- entering ---- */

static const struct situation entering[] = {
	{ NULL, "new@x.example/1", P("New", X), "join New none participant >" },
	{ "moderated=1\n", "new@x.example/1", P("New", X),
	  "join New none visitor >" },
	{ "moderated=1\n", "mem@x.example/1", P("Member", X),
	  "join Member member participant >" },
	{ NULL, "adm@x.example/1", P("Adm", X), "join Adm admin moderator >" },
	{ NULL, "new@x.example/1",
	  "<presence " TO("New") " xml:lang='de'><show>dnd</show>" X
				 "</presence>",
	  "join New none participant  xml:lang='de'><show>dnd</show>" },
	/* What only the room says. */
	{ NULL, "new@x.example/1",
	  P("New", X "<x xmlns='" MUC "#user'><item role='moderator'/></x>"
		     "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>"),
	  "join New none participant >" },
	/* 7.1.17 */
	{ NULL, "new@x.example/1", P("New", ""), "out of step" },
	{ NULL, "new@x.example/1", P0(""), "out of step" },
	/* 7.2.1 */
	{ NULL, "new@x.example/1", P0(X), "jid-malformed" },
	{ NULL, "new@x.example/1", P(" ", X), "jid-malformed" },
	/* 7.2.5 */
	{ "password=sesame\n", "new@x.example/1", P("New", X),
	  "not-authorized" },
	{ "password=sesame\n", "new@x.example/1", P("New", PASSWORD("x")),
	  "not-authorized" },
	{ "password=sesame\n", "own@x.example/2", P("Own", X),
	  "not-authorized" },
	{ "password=sesame\n", "new@x.example/1", P("New", PASSWORD("sesame")),
	  "join New none participant >" },
	{ NULL, "new@x.example/1", P("New", PASSWORD("sesame")),
	  "join New none participant >" },
	/* 7.2.6 */
	{ "members-only=1\n", "new@x.example/1", P("New", X),
	  "registration-required" },
	{ "members-only=1\n", "mem@x.example/1", P("New", X),
	  "join New member participant >" },
	/* 7.2.7; who is banned learns nothing else. */
	{ NULL, "out@x.example/1", P("New", X), "forbidden" },
	{ NULL, "any@banned.example/1", P("New", X), "forbidden" },
	{ "members-only=1\npassword=sesame\n", "out@x.example/1", P("Own", X),
	  "forbidden" },
	/* 7.2.8 */
	{ NULL, "new@x.example/1", P("Own", X), "conflict" },
	{ NULL, "new@x.example/1", P("Member", X), "conflict" },
	{ NULL, "mem@x.example/1", P("Member", X),
	  "join Member member participant >" },
	{ NULL, "par@x.example/3", P("Par", X), "join Par none participant >" },
	/* The role that the occupant has already. */
	{ NULL, "vis@x.example/2", P("Vis", X), "join Vis none visitor >" },
	{ NULL, "mod@x.example/2", P("Mod", X), "join Mod none moderator >" },
	/* 7.2.9: by the room, by the service; with another session; admins. */
	{ "max-users=4\n", "new@x.example/1", P("New", X),
	  "service-unavailable" },
	{ "max-users=5\n", "new@x.example/1", P("New", X),
	  "join New none participant >" },
	{ "max-users=4\n", "par@x.example/3", P("Par", X),
	  "join Par none participant >" },
	{ "max-users=2\n", "adm@x.example/1", P("Adm", X),
	  "join Adm admin moderator >" },
	/* Again: what it would be sent on entering. */
	{ "password=sesame\n", "par@x.example/1", P("Par", X),
	  "join Par none participant >" },
};

START_TEST(enters)
{
	check(&entering[_i]);
}
END_TEST

static const struct situation locked[] = {
	{ NULL, "new@x.example/1", P("New", X), "item-not-found" },
	{ NULL, "own@x.example/2", P("Own", X), "item-not-found" },
	{ NULL, "out@x.example/1", P("New", X), "forbidden" },
	{ NULL, "own@x.example/1", P("Own", ""), "presence Own >" },
};

START_TEST(enters_locked)
{
	room->is_locked = true;
	check(&locked[_i]);
}
END_TEST

START_TEST(makes_the_room)
{
	struct submission sub = { .type = SUBMIT_STANZA,
				  .stanza = parse(P("New", X)),
				  .is_creation = true };

	room_free(room);
	sub.from = jid_parse("den@rooms.example");
	room = room_new(sub.from, 0);
	jid_unref(&sub.from);
	ck_assert_str_eq(judge(&sub, "new@x.example/1"),
			 "affiliation owner; "
			 "join New owner moderator locked >");
	stanza_unref(&sub.stanza);
}
END_TEST

START_TEST(service_admin)
{
	struct submission sub = { .type = SUBMIT_STANZA,
				  .stanza = parse(P("New", X)),
				  .is_service_admin = true };

	configure("password=sesame\nmembers-only=1\nmax-users=4\n");
	ck_assert_str_eq(judge(&sub, "new@x.example/1"),
			 "join New owner moderator >");
	stanza_unref(&sub.stanza);
}
END_TEST

/* A room's owner has made him a visitor: his next client is one, too. */
START_TEST(service_admin_again)
{
	struct submission sub = { .type = SUBMIT_STANZA,
				  .stanza = parse(P("Vis", X)),
				  .is_service_admin = true };

	ck_assert_str_eq(judge(&sub, "vis@x.example/2"),
			 "join Vis none visitor >");
	stanza_unref(&sub.stanza);
}
END_TEST

/* Of as many as the service lets in, too. */
START_TEST(full_service)
{
	enter("new@x.example/1", "New", AFFILIATION_NONE, ROLE_PARTICIPANT);
	check(&(struct situation){ NULL, "late@x.example/1", P("Late", X),
				   "service-unavailable" });
}
END_TEST

/* ---- being here ---- */

static const struct situation being[] = {
	/* 7.6 */
	{ NULL, "par@x.example/1", P("New", ""), "nick Par to New >" },
	{ NULL, "par@x.example/1", P("New", X), "nick Par to New >" },
	{ NULL, "par@x.example/1", P("Own", ""), "conflict" },
	{ NULL, "par@x.example/1", P("Member", ""), "conflict" },
	{ NULL, "par@x.example/1", P(" ", ""), "jid-malformed" },
	{ NULL, "vis@x.example/1", P("New", ""), "nick Vis to New >" },
	{ "visitor-nick=0\n", "vis@x.example/1", P("New", ""),
	  "not-acceptable" },
	{ "visitor-nick=0\n", "par@x.example/1", P("New", ""),
	  "nick Par to New >" },
	/* 7.7 */
	{ NULL, "par@x.example/1", P("Par", "<show>away</show>"),
	  "presence Par ><show>away</show>" },
	{ NULL, "par@x.example/1", P0("<show>away</show>"),
	  "presence Par ><show>away</show>" },
	{ "visitor-status=0\n", "vis@x.example/1",
	  P("Vis", "<show>xa</show><status>Buy!</status>"),
	  "presence Vis ><show>xa</show>" },
	{ "visitor-status=0\n", "par@x.example/1",
	  P("Par", "<status>Buy!</status>"),
	  "presence Par ><status>Buy!</status>" },
	/* 7.14 */
	{ NULL, "par@x.example/1",
	  "<presence type='unavailable' " TO("Par") "/>", "leave Par >" },
	{ NULL, "par@x.example/1",
	  "<presence type='unavailable' to='den@rooms.example'>"
	  "<status>Bye</status><show>xa</show></presence>",
	  "leave Par ><status>Bye</status>" },
	{ NULL, "new@x.example/1",
	  "<presence type='unavailable' " TO("Par") "/>", "" },
	/* 17.3 */
	{ NULL, "par@x.example/1",
	  "<presence type='subscribe' to='den@rooms.example'/>", "" },
	{ NULL, "par@x.example/1",
	  "<presence type='probe' to='den@rooms.example'/>", "" },
};

START_TEST(is_here)
{
	check(&being[_i]);
}
END_TEST

/* 300 bytes are kept of a presence; who leaves leaves all the same. */
START_TEST(too_large)
{
	char text[800], filler[400];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	snprintf(text, sizeof(text), P("Par", "<status>%s</status>"), filler);
	check(&(struct situation){ NULL, "par@x.example/1", text,
				   "policy-violation" });
	snprintf(text, sizeof(text), P("New", X "<status>%s</status>"), filler);
	check(&(struct situation){ NULL, "new@x.example/1", text,
				   "policy-violation" });
	snprintf(text, sizeof(text),
		 "<presence type='unavailable' " TO("Par") "><status>%s"
							   "</status>"
							   "</presence>",
		 filler);
	check(&(struct situation){ NULL, "par@x.example/1", text,
				   "leave Par" });
}
END_TEST

/* ---- speaking ---- */

static const struct situation speaking[] = {
	{ NULL, "par@x.example/2", M("groupchat", "<body>Hi</body>"),
	  "message Par" },
	{ NULL, "vis@x.example/1", M("groupchat", "<body>Hi</body>"),
	  "forbidden" },
	{ NULL, "mod@x.example/1", M("groupchat", "<body>Hi</body>"),
	  "message Mod" },
	{ NULL, "new@x.example/1", M("groupchat", "<body>Hi</body>"),
	  "not-acceptable" },
	{ NULL, "par@x.example/3", M("groupchat", "<body>Hi</body>"),
	  "not-acceptable" },
	{ NULL, "par@x.example/1", M("groupchat", ""), "message Par" },
	/* 8.1: a subject is what has nothing else to say. */
	{ NULL, "par@x.example/1", M("groupchat", "<subject>Tea</subject>"),
	  "subject Par" },
	{ NULL, "par@x.example/1", M("groupchat", "<subject/>"),
	  "subject Par" },
	{ NULL, "par@x.example/1",
	  M("groupchat", "<subject>Tea</subject><body>Hi</body>"),
	  "message Par" },
	{ NULL, "par@x.example/1",
	  M("groupchat", "<subject>Tea</subject><thread>t</thread>"),
	  "message Par" },
	{ "change-subject=0\n", "par@x.example/1",
	  M("groupchat", "<subject>Tea</subject>"), "forbidden" },
	{ "change-subject=0\n", "mod@x.example/1",
	  M("groupchat", "<subject>Tea</subject>"), "subject Mod" },
	{ NULL, "vis@x.example/1", M("groupchat", "<subject>Tea</subject>"),
	  "forbidden" },
	{ NULL, "new@x.example/1", M("groupchat", "<subject>Tea</subject>"),
	  "not-acceptable" },
	/* Nothing for a room. */
	{ NULL, "par@x.example/1", M("chat", "<body>Hi</body>"),
	  "bad-request" },
	{ NULL, "par@x.example/1", M("headline", "<body>Hi</body>"),
	  "bad-request" },
	{ NULL, "par@x.example/1", M("normal", "<body>Hi</body>"),
	  "bad-request" },
};

START_TEST(speaks)
{
	check(&speaking[_i]);
}
END_TEST

/* ---- what is written of a message ---- */

START_TEST(message_as_sent)
{
	struct submission sub = {
		.type = SUBMIT_STANZA,
		.stanza = parse("<message type='groupchat' id='m1' "
				"to='den@rooms.example' from='par@x.example/1'>"
				"<body>a &lt; b</body>"
				"<stanza-id xmlns='urn:xmpp:sid:0' id='7' "
				"by='den@rooms.example'/>"
				"<stanza-id xmlns='urn:xmpp:sid:0' id='7' "
				"by='other.example'/></message>"),
		.now_ms = 1000,
	};
	struct ruling ruling = { 0 };
	size_t len;

	sub.from = jid_parse("par@x.example/1");
	rules_judge(room, &env, &sub, &ruling);
	ck_assert_uint_eq(ruling.n, 1);
	ck_assert_int_eq(ruling.entries[0]->archive_id, 1000000);
	ck_assert_str_eq(ruling.entries[0]->stanza_id, "m1");
	buf_printf(&told, "%.*s",
		   (int)(chunk_data(ruling.entries[0]->payload, &len), len),
		   chunk_data(ruling.entries[0]->payload, &len));
	ck_assert_str_eq(told.data,
			 " from='den@rooms.example/Par' id='m1' "
			 "type='groupchat'><body>a &lt; b</body>"
			 "<stanza-id xmlns='urn:xmpp:sid:0' id='7' "
			 "by='other.example'/>"
			 "<stanza-id xmlns='urn:xmpp:sid:0' id='1000000' "
			 "by='den@rooms.example'/></message>");
	ruling_fini(&ruling);
	jid_unref(&sub.from);
	stanza_unref(&sub.stanza);
}
END_TEST

/* Ids grow, whatever the clock does. */
START_TEST(archive_ids)
{
	static const int64_t last[] = { 0, 999999, 1000000, 5000000 };
	static const int64_t want[] = { 1000000, 1000000, 1000001, 5000001 };
	struct submission sub = {
		.type = SUBMIT_STANZA,
		.stanza = parse(M("groupchat", "<body>Hi</body>")),
		.now_ms = 1000,
	};
	struct ruling ruling = { 0 };

	sub.from = jid_parse("par@x.example/1");
	room->last_archive_id = last[_i];
	rules_judge(room, &env, &sub, &ruling);
	ck_assert_int_eq(ruling.entries[0]->archive_id, want[_i]);
	ruling_fini(&ruling);
	jid_unref(&sub.from);
	stanza_unref(&sub.stanza);
}
END_TEST

/* ---- what nobody sends ---- */

START_TEST(gone)
{
	struct submission sub = { .type = SUBMIT_GONE, .code = 333 };

	ck_assert_str_eq(judge(&sub, "par@x.example/2"), "leave Par");
	ck_assert_str_eq(judge(&sub, "par@x.example/3"), "");
}
END_TEST

START_TEST(links)
{
	struct submission sub = { .type = SUBMIT_LINK, .is_away = true };

	ck_assert_str_eq(judge(&sub, "y.example"), "");
	ck_assert_str_eq(judge(&sub, "x.example"), "link");
	apply((struct entry){ .type = ENTRY_LINK, .is_away = true },
	      "x.example");
	ck_assert_str_eq(judge(&sub, "x.example"), "");
	sub.is_away = false;
	ck_assert_str_eq(judge(&sub, "x.example"), "link");
}
END_TEST

static const struct situation after_the_end[] = {
	{ NULL, "new@x.example/1", P("New", X), "item-not-found" },
	{ NULL, "par@x.example/1", P("Par", ""), "item-not-found" },
	{ NULL, "par@x.example/1", M("groupchat", "<body>Hi</body>"),
	  "item-not-found" },
};

START_TEST(destroyed)
{
	room->is_destroyed = true;
	check(&after_the_end[_i]);
}
END_TEST

/* Whoever has waited for a room that could not be made. */
static const struct situation unmade[] = {
	{ NULL, "new@x.example/1", P("New", X), "item-not-found" },
	{ NULL, "new@x.example/1", P("New", ""), "out of step" },
	{ NULL, "new@x.example/1", M("groupchat", "<body>Hi</body>"),
	  "item-not-found" },
};

START_TEST(not_made)
{
	room->is_unmade = true;
	check(&unmade[_i]);
}
END_TEST

/* A crash came between the disk and those who are in the room: what the list
 * says (`now`) is newer than what the occupant is. */
static const struct {
	const char *config;
	enum affiliation affiliation;
	enum role role;
	enum affiliation now;
	const char *want;
	enum role want_role;
} restored[] = {
	{ NULL, AFFILIATION_NONE, ROLE_VISITOR, AFFILIATION_NONE, "",
	  ROLE_NONE },
	{ NULL, AFFILIATION_MEMBER, ROLE_MODERATOR, AFFILIATION_MEMBER, "",
	  ROLE_NONE },
	{ NULL, AFFILIATION_ADMIN, ROLE_MODERATOR, AFFILIATION_ADMIN, "",
	  ROLE_NONE },
	{ NULL, AFFILIATION_NONE, ROLE_PARTICIPANT, AFFILIATION_ADMIN,
	  "role New", ROLE_MODERATOR },
	{ NULL, AFFILIATION_ADMIN, ROLE_MODERATOR, AFFILIATION_NONE, "role New",
	  ROLE_PARTICIPANT },
	{ "moderated=1\n", AFFILIATION_OWNER, ROLE_MODERATOR, AFFILIATION_NONE,
	  "role New", ROLE_VISITOR },
	{ NULL, AFFILIATION_OWNER, ROLE_MODERATOR, AFFILIATION_ADMIN,
	  "role New", ROLE_MODERATOR },
	/* By no affiliation. */
	{ NULL, AFFILIATION_MEMBER, ROLE_MODERATOR, AFFILIATION_NONE,
	  "role New", ROLE_MODERATOR },
	{ NULL, AFFILIATION_NONE, ROLE_PARTICIPANT, AFFILIATION_OUTCAST,
	  "leave New", ROLE_NONE },
	{ "members-only=1\n", AFFILIATION_NONE, ROLE_PARTICIPANT,
	  AFFILIATION_NONE, "leave New", ROLE_NONE },
	{ "members-only=1\n", AFFILIATION_MEMBER, ROLE_PARTICIPANT,
	  AFFILIATION_NONE, "leave New", ROLE_NONE },
	{ "members-only=1\n", AFFILIATION_MEMBER, ROLE_PARTICIPANT,
	  AFFILIATION_MEMBER, "", ROLE_NONE },
};

START_TEST(after_a_crash)
{
	struct submission sub = { .type = SUBMIT_RESTORED };
	struct jid *jid = jid_parse("den@rooms.example");
	struct ruling ruling = { 0 };

	room_free(room);
	room = room_new(jid, 0);
	jid_unref(&jid);
	configure(restored[_i].config);
	put("new@x.example", restored[_i].now, NULL);
	enter("new@x.example/1", "New", restored[_i].affiliation,
	      restored[_i].role);
	ck_assert_str_eq(judge(&sub, "x.example"), restored[_i].want);
	rules_judge(room, &env, &sub, &ruling);
	for (size_t i = 0; i < ruling.n; i++) {
		ck_assert_int_eq(ruling.entries[i]->affiliation,
				 restored[_i].now);
		ck_assert_int_eq(ruling.entries[i]->role,
				 restored[_i].want_role);
	}
	ruling_fini(&ruling);
}
END_TEST

/* XEP-0421: the same for a user's clients, another one in another room. */
START_TEST(occupant_ids)
{
	static const struct rules_env other_env = {
		.secret = (const uint8_t *)"another secret, of 32 bytes too",
	};
	char ids[5][OCCUPANT_ID_LEN + 1];
	struct jid *one = jid_parse("par@x.example/1");
	struct jid *two = jid_parse("par@x.example/2");
	struct jid *eve = jid_parse("eve@x.example/1");
	struct jid *hall = jid_parse("hall@rooms.example");
	struct room *other = room_new(hall, 0);

	rules_occupant_id(&env, room, one, ids[0]);
	rules_occupant_id(&env, room, two, ids[1]);
	rules_occupant_id(&env, room, eve, ids[2]);
	rules_occupant_id(&env, other, one, ids[3]);
	rules_occupant_id(&other_env, room, one, ids[4]);
	ck_assert_uint_eq(strlen(ids[0]), OCCUPANT_ID_LEN);
	ck_assert_str_eq(ids[0], ids[1]);
	ck_assert_str_ne(ids[0], ids[2]);
	ck_assert_str_ne(ids[0], ids[3]);
	ck_assert_str_ne(ids[0], ids[4]);
	room_free(other);
	jid_unref(&one);
	jid_unref(&two);
	jid_unref(&eve);
	jid_unref(&hall);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_rules");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, enters, 0, N_ELEMENTS(entering));
	tcase_add_loop_test(tc, enters_locked, 0, N_ELEMENTS(locked));
	tcase_add_test(tc, makes_the_room);
	tcase_add_test(tc, service_admin);
	tcase_add_test(tc, service_admin_again);
	tcase_add_test(tc, full_service);
	tcase_add_loop_test(tc, is_here, 0, N_ELEMENTS(being));
	tcase_add_test(tc, too_large);
	tcase_add_loop_test(tc, speaks, 0, N_ELEMENTS(speaking));
	tcase_add_test(tc, message_as_sent);
	tcase_add_loop_test(tc, archive_ids, 0, 4);
	tcase_add_test(tc, gone);
	tcase_add_test(tc, links);
	tcase_add_loop_test(tc, destroyed, 0, N_ELEMENTS(after_the_end));
	tcase_add_loop_test(tc, not_made, 0, N_ELEMENTS(unmade));
	tcase_add_loop_test(tc, after_a_crash, 0, N_ELEMENTS(restored));
	tcase_add_test(tc, occupant_ids);
	return unit_run(tc);
}
