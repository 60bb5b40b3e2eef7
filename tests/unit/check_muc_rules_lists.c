/* check_muc_rules_lists.c - what moderators, admins and owners may change in a
 * room, and what follows: rules_admin.c, rules_owner.c, rules_lists.c. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "unit.h"
#include "xmpp/cond.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

static const uint8_t secret[RULES_SECRET_LEN];
static const struct rules_env env = {
	.secret = secret,
	.presence_max = 200,
	.occupants_max = 100,
	.affiliations_max = 8,
	.history_max = 50,
};

static struct xml_pool *pool;
static struct room *room;
static struct buf out;

static void
apply(const struct entry *from)
{
	struct entry *e = entry_new(from);

	ck_assert(room_can_apply(room, e));
	room_apply(room, e, NULL);
	entry_unref(&e);
}

static void
add_user(const char *address, const char *nick, enum affiliation affiliation,
	 enum role role)
{
	struct jid *jid = jid_parse(address), *bare = jid_bare(jid);

	if (affiliation != AFFILIATION_NONE)
		apply(&(struct entry){ .type = ENTRY_AFFILIATION,
				       .jid = bare,
				       .affiliation = affiliation });
	if (nick)
		apply(&(struct entry){ .type = ENTRY_JOIN,
				       .jid = jid,
				       .nick = nick,
				       .affiliation = affiliation,
				       .role = role });
	jid_unref(&bare);
	jid_unref(&jid);
}

/* Owner, admin, member, nobody, and a moderator by hand; another owner and an
 * outcast are not in the room. */
static void
setup(void)
{
	struct jid *jid = jid_parse("den@rooms.example");

	pool = xml_pool_new();
	room = room_new(jid, 0);
	jid_unref(&jid);
	add_user("own@a.example/r", "Own", AFFILIATION_OWNER, ROLE_MODERATOR);
	add_user("adm@a.example/r", "Adm", AFFILIATION_ADMIN, ROLE_MODERATOR);
	add_user("mem@b.example/r", "Mem", AFFILIATION_MEMBER,
		 ROLE_PARTICIPANT);
	add_user("non@b.example/r", "Non", AFFILIATION_NONE, ROLE_PARTICIPANT);
	add_user("mod@c.example/r", "Mod", AFFILIATION_NONE, ROLE_MODERATOR);
	add_user("away@a.example", NULL, AFFILIATION_OWNER, ROLE_NONE);
	add_user("bad@c.example", NULL, AFFILIATION_OUTCAST, ROLE_NONE);
}

static void
teardown(void)
{
	room_free(room);
	xml_pool_free(pool);
	buf_fini(&out);
}

static struct stanza *
make_iq(const char *from, const char *ns, const char *items)
{
	struct arena *a = arena_new();
	struct buf b = { 0 };
	struct xml *x;
	struct stanza *s;
	struct jid *jid = jid_parse(from);

	buf_printf(&b,
		   "<iq xmlns='" NS_CLIENT "' type='set' id='1'>"
		   "<query xmlns='%s'>%s</query></iq>",
		   ns, items);
	x = xml_from_text(pool, a, b.data, b.len);
	ck_assert_ptr_nonnull(x);
	buf_fini(&b);
	s = stanza_from_xml(a, x, NS_CLIENT);
	stanza_set_from(s, jid);
	jid_unref(&jid);
	return s;
}

static void
write_entry(const struct entry *e)
{
	if (out.len)
		buf_adds(&out, ", ");
	buf_adds(&out, entry_type_name(e->type));
	if (e->type == ENTRY_AFFILIATION)
		buf_printf(&out, " %s %s", jid_str(e->jid),
			   affiliation_name(e->affiliation));
	if (e->nick && *e->nick)
		buf_printf(&out, " %s", e->nick);
	if (e->type == ENTRY_ROLE)
		buf_printf(&out, " %s %s", affiliation_name(e->affiliation),
			   role_name(e->role));
	if (e->type == ENTRY_LEAVE)
		buf_printf(&out, " %s %d", affiliation_name(e->affiliation),
			   e->code);
	if (e->new_nick)
		buf_printf(&out, " %s", e->new_nick);
	if (e->actor)
		buf_printf(&out, " by %s", e->actor);
	if (e->reason)
		buf_printf(&out, " (%s)", e->reason);
	if (e->payload) {
		size_t len;
		const char *text = chunk_data(e->payload, &len);

		buf_printf(&out, " %.*s", (int)len, text);
	}
}

/* The entries in words, or the condition; what is allowed is done. */
static const char *
judge(const char *from, const char *ns, const char *items)
{
	struct stanza *s = make_iq(from, ns, items);
	struct submission sub = { .from = s->from, .stanza = s };
	struct ruling ruling = { 0 };

	buf_fini(&out);
	buf_add(&out, "", 0);
	rules_judge(room, &env, &sub, &ruling);
	if (ruling.cond) {
		ck_assert_uint_eq(ruling.n, 0);
		buf_adds(&out, stanza_cond_name(ruling.cond));
	}
	for (size_t i = 0; i < ruling.n; i++) {
		write_entry(ruling.entries[i]);
		ck_assert(room_can_apply(room, ruling.entries[i]));
		room_apply(room, ruling.entries[i], NULL);
	}
	for (size_t i = 0; i < ruling.n_mail; i++)
		buf_printf(&out, ", mail to %s", jid_str(ruling.mail[i]->to));
	ruling_fini(&ruling);
	stanza_unref(&s);
	return out.data;
}

#define OWN  "own@a.example/r"
#define ADM  "adm@a.example/r"
#define MEM  "mem@b.example/r"
#define NON  "non@b.example/r"
#define MOD  "mod@c.example/r"
#define AWAY "away@a.example/r"

#define ROLE(nick, role) "<item nick='" nick "' role='" role "'/>"
#define LIST(jid, affiliation) \
	"<item jid='" jid "' affiliation='" affiliation "'/>"

static const struct {
	const char *from, *items, *want;
} admin[] = {
	/* What is no request. */
	{ OWN, "", "bad-request" },
	{ OWN, "<item/>", "bad-request" },
	{ OWN, "<item xmlns='x' nick='Non' role='none'/>", "bad-request" },
	{ OWN, "<item nick='Non' role='none' affiliation='none'/>",
	  "bad-request" },
	{ OWN, ROLE("Non", "none") LIST("x@x.example", "member"),
	  "bad-request" },
	{ OWN, "<item role='none'/>", "bad-request" },
	{ OWN, ROLE("Non", "king"), "bad-request" },
	{ OWN, LIST("x@x.example", "king"), "bad-request" },
	{ OWN, LIST("@", "member"), "jid-malformed" },
	{ OWN, "<item affiliation='member'/>", "bad-request" },

	/* Roles */
	{ MOD, "<item nick='Non' role='none'><reason>Out!</reason></item>",
	  "leave Non none 307 by Mod (Out!)" },
	{ MOD, ROLE("Non", "visitor"), "role Non none visitor" },
	{ MOD, ROLE("Non", "participant"), "" },
	{ MOD, ROLE("Mem", "visitor"), "not-allowed" },
	{ MOD, ROLE("Nobody", "visitor"), "item-not-found" },
	{ MOD, ROLE("", "visitor"), "item-not-found" },
	{ NON, ROLE("Nobody", "visitor"), "forbidden" },
	{ NON, ROLE("Mem", "none"), "forbidden" },
	{ "else@x.example/r", ROLE("Mem", "none"), "forbidden" },
	{ AWAY, ROLE("Mem", "none"), "leave Mem member 307" },
	{ ADM, ROLE("Non", "moderator") ROLE("Mem", "visitor"),
	  "role Non none moderator, role Mem member visitor" },
	{ ADM, ROLE("Non", "none") ROLE("Own", "none"), "not-allowed" },
	{ ADM,
	  ROLE("Non", "visitor") ROLE("Mem", "visitor")
		  ROLE("Non", "participant"),
	  "bad-request" },

	/* Affiliations */
	{ ADM, LIST("x@x.example/r", "member"),
	  "affiliation x@x.example member by Adm" },
	{ ADM, LIST("mem@b.example", "member"), "" },
	{ ADM, "<item jid='x@x.example' affiliation='member' nick='X'/>",
	  "affiliation x@x.example member X by Adm" },
	{ ADM,
	  "<item jid='x@x.example' affiliation='member' nick='X'/>"
	  "<item jid='y@x.example' affiliation='member' nick='X'/>",
	  "conflict" },
	{ ADM, "<item nick='Non' affiliation='member'/>",
	  "affiliation non@b.example member by Adm, "
	  "role Non member participant" },
	{ ADM, "<item nick='Nobody' affiliation='member'/>", "item-not-found" },
	{ ADM, LIST("x@x.example", "admin"), "forbidden" },
	{ ADM, LIST("own@a.example", "member"), "forbidden" },
	{ ADM, LIST("own@a.example", "outcast"), "not-allowed" },
	{ ADM, LIST("adm@a.example", "outcast"), "conflict" },
	{ MOD, LIST("x@x.example", "member"), "forbidden" },
	{ MOD, LIST("mod@c.example", "outcast"), "forbidden" },
	{ ADM, LIST("x@x.example", "member") LIST("X@x.example", "none"),
	  "bad-request" },
	{ ADM,
	  "<item jid='mem@b.example' affiliation='outcast'><reason>No!"
	  "</reason></item>",
	  "affiliation mem@b.example outcast by Adm (No!), "
	  "leave Mem outcast 301 by Adm (No!)" },
	{ ADM, LIST("mem@b.example", "none"),
	  "affiliation mem@b.example none by Adm, role Mem none participant" },
	{ ADM, LIST("bad@c.example", "none"),
	  "affiliation bad@c.example none by Adm" },
	/* A domain: who is nothing else. */
	{ ADM, LIST("b.example", "outcast"),
	  "affiliation b.example outcast by Adm, "
	  "leave Non outcast 301 by Adm" },
	{ ADM, LIST("b.example", "outcast") LIST("mem@b.example", "none"),
	  "affiliation b.example outcast by Adm, "
	  "affiliation mem@b.example none by Adm, "
	  "leave Mem outcast 301 by Adm, leave Non outcast 301 by Adm" },
	{ OWN, LIST("b.example", "owner"),
	  "affiliation b.example owner by Own" },
	/* Who loses goes before who gains. */
	{ OWN, LIST("mem@b.example", "admin") LIST("adm@a.example", "none"),
	  "affiliation mem@b.example admin by Own, "
	  "affiliation adm@a.example none by Own, "
	  "role Adm none participant, role Mem admin moderator" },
	/* Owners */
	{ OWN, LIST("own@a.example", "admin"),
	  "affiliation own@a.example admin by Own, role Own admin moderator" },
	{ OWN, LIST("own@a.example", "none") LIST("away@a.example", "none"),
	  "conflict" },
	{ OWN,
	  LIST("own@a.example", "none") LIST("away@a.example", "none")
		  LIST("adm@a.example", "owner"),
	  "affiliation own@a.example none by Own, "
	  "affiliation away@a.example none by Own, "
	  "affiliation adm@a.example owner by Own, "
	  "role Own none participant, role Adm owner moderator" },
	{ OWN, LIST("own@a.example", "outcast"), "conflict" },
	/* There are five; eight is full. */
	{ OWN,
	  LIST("1@x.example", "member") LIST("2@x.example", "member")
		  LIST("3@x.example", "member") LIST("4@x.example", "member"),
	  "resource-constraint" },
	{ OWN,
	  LIST("1@x.example", "member") LIST("2@x.example", "member")
		  LIST("3@x.example", "member") LIST("4@x.example", "member")
			  LIST("bad@c.example", "none"),
	  "affiliation 1@x.example member by Own, "
	  "affiliation 2@x.example member by Own, "
	  "affiliation 3@x.example member by Own, "
	  "affiliation 4@x.example member by Own, "
	  "affiliation bad@c.example none by Own" },
};

START_TEST(admin_requests)
{
	ck_assert_str_eq(judge(admin[_i].from, NS_MUC_ADMIN, admin[_i].items),
			 admin[_i].want);
}
END_TEST

START_TEST(members_only)
{
	room->config.is_members_only = true;
	ck_assert_str_eq(
		judge(ADM, NS_MUC_ADMIN, LIST("mem@b.example", "none")),
		"affiliation mem@b.example none by Adm, "
		"leave Mem none 321 by Adm");
}
END_TEST

/* 9.5: kept while nobody speaks of it, taken away by an empty one. */
START_TEST(reserved_nicks)
{
	judge(ADM, NS_MUC_ADMIN,
	      "<item jid='x@x.example' affiliation='member' nick='X'/>");
	ck_assert_str_eq(judge(OWN, NS_MUC_ADMIN, LIST("x@x.example", "admin")),
			 "affiliation x@x.example admin X by Own");
	ck_assert_str_eq(judge(ADM, NS_MUC_ADMIN,
			       "<item jid='y@x.example' affiliation='member' "
			       "nick='X'/>"),
			 "conflict");
	ck_assert_str_eq(
		judge(OWN, NS_MUC_ADMIN,
		      "<item jid='x@x.example' affiliation='admin' nick=''/>"),
		"affiliation x@x.example admin by Own");
	ck_assert_ptr_null(affiliations_by_nick(&room->affiliations, "X"));
}
END_TEST

START_TEST(long_reasons)
{
	struct buf b = { 0 };

	buf_adds(&b, "<item nick='Non' role='none'><reason>");
	for (int i = 0; i < 201; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "</reason></item>");
	ck_assert_str_eq(judge(OWN, NS_MUC_ADMIN, b.data), "policy-violation");
	buf_fini(&b);
}
END_TEST

/* ---- owners ---- */

#define FORM(type, fields) \
	"<x xmlns='jabber:x:data' type='" type "'>" fields "</x>"
#define FIELD(var, values) \
	"<field var='muc#roomconfig_" var "'>" values "</field>"
#define VALUE(text) "<value>" text "</value>"

static const struct {
	const char *from, *content, *want;
} owner[] = {
	{ ADM, FORM("submit", ""), "forbidden" },
	{ ADM, "<destroy/>", "forbidden" },
	{ OWN, "", "bad-request" },
	{ OWN, FORM("form", ""), "bad-request" },
	{ OWN, FORM("submit", "<field var='FORM_TYPE'>" VALUE("x") "</field>"),
	  "bad-request" },
	{ OWN, FORM("submit", ""), "config" },
	{ OWN, FORM("cancel", ""), "" },
	{ OWN, FORM("submit", FIELD("whois", VALUE("x"))), "not-acceptable" },
	{ OWN, FORM("submit", FIELD("roomadmins", VALUE("@"))),
	  "not-acceptable" },
	/* 10.2: full lists */
	{ OWN, FORM("submit", FIELD("roomadmins", VALUE("mem@b.example"))),
	  "affiliation adm@a.example none by Own, "
	  "affiliation mem@b.example admin by Own, "
	  "role Adm none participant, role Mem admin moderator, config" },
	{ OWN, FORM("submit", FIELD("roomadmins", "")),
	  "affiliation adm@a.example none by Own, "
	  "role Adm none participant, config" },
	{ OWN, FORM("submit", FIELD("roomowners", "")), "conflict" },
	{ OWN, FORM("submit", FIELD("roomowners", VALUE("own@a.example"))),
	  "affiliation away@a.example admin by Own, config" },
	{ OWN,
	  FORM("submit", FIELD("roomowners",
			       VALUE("adm@a.example") VALUE("own@a.example"))
				 FIELD("roomadmins", VALUE("adm@a.example"))),
	  "affiliation adm@a.example owner by Own, "
	  "affiliation away@a.example none by Own, "
	  "role Adm owner moderator, config" },
	/* A list of admins takes nothing from owners. */
	{ OWN,
	  FORM("submit", FIELD("roomadmins",
			       VALUE("adm@a.example") VALUE("own@a.example"))),
	  "config" },
	/* Nobody who may not stay. */
	{ OWN, FORM("submit", FIELD("membersonly", VALUE("1"))),
	  "leave Non none 322 by Own, leave Mod none 322 by Own, config" },
	{ OWN,
	  FORM("submit", FIELD("membersonly", VALUE("1"))
				 FIELD("roomadmins", VALUE("non@b.example"))),
	  "leave Mod none 322 by Own" },
	/* 10.9 */
	{ OWN, "<destroy/>", "destroy" },
	{ AWAY,
	  "<destroy jid='Hall@rooms.example'><reason>Macbeth</reason>"
	  "<password>a&amp;b</password></destroy>",
	  "destroy hall@rooms.example (Macbeth) "
	  "<password>a&amp;b</password>" },
	{ OWN, "<destroy jid='@'/>", "jid-malformed" },
};

START_TEST(owner_requests)
{
	const char *got =
		judge(owner[_i].from, NS_MUC_OWNER, owner[_i].content);

	if (strstr(owner[_i].content, "non@b.example")) {
		/* In the order in which the list has them. */
		ck_assert_ptr_nonnull(strstr(got, owner[_i].want));
		ck_assert_ptr_nonnull(
			strstr(got, "affiliation adm@a.example member"));
		ck_assert_ptr_nonnull(strstr(got, "role Non admin moderator"));
		ck_assert_ptr_null(strstr(got, "leave Non"));
		return;
	}
	ck_assert_str_eq(got, owner[_i].want);
}
END_TEST

/* 10.1.3: a room that nobody has configured ends with who could. */
START_TEST(locked_room)
{
	struct jid *jid = jid_parse("new@rooms.example");
	struct jid *user = jid_parse("own@a.example/r");
	struct ruling ruling = { 0 };

	room_free(room);
	room = room_new(jid, 0);
	add_user("own@a.example/r", "Own", AFFILIATION_OWNER, ROLE_MODERATOR);
	room->is_locked = true;
	rules_judge(room, &env,
		    &(struct submission){
			    .type = SUBMIT_GONE, .from = user, .code = 333 },
		    &ruling);
	ck_assert_uint_eq(ruling.n, 1);
	ck_assert_int_eq(ruling.entries[0]->type, ENTRY_DESTROY);
	ruling_fini(&ruling);
	ck_assert_str_eq(judge(OWN, NS_MUC_OWNER, FORM("cancel", "")),
			 "destroy");
	ck_assert(room->is_destroyed);
	ck_assert_str_eq(judge(OWN, NS_MUC_OWNER, FORM("cancel", "")),
			 "item-not-found");
	jid_unref(&user);
	jid_unref(&jid);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_rules_lists");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, admin_requests, 0, N_ELEMENTS(admin));
	tcase_add_test(tc, members_only);
	tcase_add_test(tc, reserved_nicks);
	tcase_add_test(tc, long_reasons);
	tcase_add_loop_test(tc, owner_requests, 0, N_ELEMENTS(owner));
	tcase_add_test(tc, locked_room);
	return unit_run(tc);
}
