/* check_muc_affiliation.c - who may do what in a room, and a room's lists. */

#include "base/map.h"
#include "modules/muc/affiliation.h"
#include "modules/muc/config.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <stdio.h>
#include <string.h>

static struct muc_config config;
static struct affiliations list;

static void
setup(void)
{
	muc_config_init(&config, PRESET_TEMPORARY);
	affiliations_init(&list);
}

static void
teardown(void)
{
	muc_config_fini(&config);
	affiliations_fini(&list);
}

START_TEST(names)
{
	static const char *const affiliations[] = { "outcast", "none", "member",
						    "admin", "owner" };
	static const char *const roles[] = { "none", "visitor", "participant",
					     "moderator" };
	enum affiliation affiliation;
	enum role role;

	for (int i = 0; i < N_AFFILIATIONS; i++) {
		ck_assert_int_eq(
			affiliation_parse(affiliations[i], &affiliation), 0);
		ck_assert_int_eq(affiliation, i - 1);
		ck_assert_str_eq(affiliation_name(affiliation),
				 affiliations[i]);
	}
	for (int i = 0; i < N_ROLES; i++) {
		ck_assert_int_eq(role_parse(roles[i], &role), 0);
		ck_assert_int_eq(role, i);
		ck_assert_str_eq(role_name(role), roles[i]);
	}
	ck_assert_int_eq(affiliation_parse("", &affiliation), -1);
	ck_assert_int_eq(affiliation_parse("Owner", &affiliation), -1);
	ck_assert_int_eq(affiliation, AFFILIATION_OWNER);
	ck_assert_int_eq(role_parse("owner", &role), -1);
	ck_assert_int_eq(role, ROLE_MODERATOR);
}
END_TEST

/* Table 4; n: may not enter. */
static const struct {
	bool is_moderated, is_members_only;
	const char *roles; /* of an outcast, none, member, admin, owner */
} defaults[] = {
	{ false, false, "nppmm" },
	{ true, false, "nvpmm" },
	{ false, true, "nnpmm" },
	{ true, true, "nnpmm" },
};

START_TEST(default_roles)
{
	config.is_moderated = defaults[_i].is_moderated;
	config.is_members_only = defaults[_i].is_members_only;
	for (int i = 0; i < N_AFFILIATIONS; i++) {
		enum role role =
			role_default(&config, (enum affiliation)(i - 1));

		ck_assert_int_eq("nvpm"[role], defaults[_i].roles[i]);
		ck_assert_int_eq(has_privilege(&config,
					       (enum affiliation)(i - 1),
					       ROLE_NONE, PRIV_ENTER),
				 role != ROLE_NONE);
	}
}
END_TEST

#define O AFFILIATION_OWNER
#define A AFFILIATION_ADMIN
#define M AFFILIATION_MEMBER
#define N AFFILIATION_NONE
#define X AFFILIATION_OUTCAST

static const struct {
	bool is_moderated, is_members_only;
	enum role role;
	enum affiliation old, affiliation;
	enum role want;
} afters[] = {
	{ false, false, ROLE_VISITOR, N, A, ROLE_MODERATOR },
	{ false, false, ROLE_PARTICIPANT, A, O, ROLE_MODERATOR },
	{ false, false, ROLE_MODERATOR, O, A, ROLE_MODERATOR },
	{ false, false, ROLE_MODERATOR, A, M, ROLE_PARTICIPANT },
	{ false, false, ROLE_MODERATOR, O, N, ROLE_PARTICIPANT },
	{ true, false, ROLE_MODERATOR, A, N, ROLE_VISITOR },
	{ true, false, ROLE_VISITOR, N, M, ROLE_PARTICIPANT },
	{ true, false, ROLE_PARTICIPANT, M, N, ROLE_VISITOR },
	/* Voice that was taken does not come back with a loss. */
	{ false, false, ROLE_VISITOR, M, N, ROLE_VISITOR },
	/* Made a moderator by hand, not by affiliation. */
	{ true, false, ROLE_MODERATOR, M, N, ROLE_MODERATOR },
	{ false, false, ROLE_MODERATOR, N, M, ROLE_MODERATOR },
	{ false, true, ROLE_MODERATOR, M, N, ROLE_NONE },
	{ false, false, ROLE_MODERATOR, O, X, ROLE_NONE },
	/* Nothing new. */
	{ false, false, ROLE_VISITOR, M, M, ROLE_VISITOR },
};

START_TEST(roles_after)
{
	config.is_moderated = afters[_i].is_moderated;
	config.is_members_only = afters[_i].is_members_only;
	ck_assert_int_eq(role_after_affiliation(&config, afters[_i].role,
						afters[_i].old,
						afters[_i].affiliation),
			 afters[_i].want);
}
END_TEST

/* Who has it: by role, without an affiliation (visitor, participant,
 * moderator); by affiliation, without a role (none, member, admin, owner). */
static const struct {
	enum privilege privilege;
	const char *roles, *affiliations;
} privileges[] = {
	{ PRIV_ENTER, "vpm", "nmao" },
	{ PRIV_ENTER_FULL, "---", "--ao" },
	{ PRIV_SEE_OCCUPANTS, "vpm", "----" },
	{ PRIV_SEE_JIDS, "--m", "----" },
	{ PRIV_SPEAK, "-pm", "----" },
	{ PRIV_SPEAK_OFTEN, "---", "--ao" },
	{ PRIV_PM, "vpm", "----" },
	{ PRIV_QUERY, "vpm", "----" },
	{ PRIV_NICK, "vpm", "----" },
	{ PRIV_STATUS, "vpm", "----" },
	{ PRIV_VOICE_REQUEST, "vpm", "----" },
	{ PRIV_INVITE, "vpm", "----" },
	{ PRIV_SUBJECT, "-pm", "----" },
	{ PRIV_KICK, "--m", "--ao" },
	{ PRIV_VOICE, "--m", "--ao" },
	{ PRIV_MODERATE, "--m", "----" },
	{ PRIV_GET_MEMBERS, "--m", "--ao" },
	{ PRIV_GET_RULERS, "---", "---o" },
	{ PRIV_BAN, "---", "--ao" },
	{ PRIV_EDIT_MEMBERS, "---", "--ao" },
	{ PRIV_EDIT_MODERATORS, "---", "--ao" },
	{ PRIV_EDIT_ADMINS, "---", "---o" },
	{ PRIV_EDIT_OWNERS, "---", "---o" },
	{ PRIV_CONFIGURE, "---", "---o" },
	{ PRIV_DESTROY, "---", "---o" },
};

static void
check_privilege(enum privilege p, const char *roles, const char *affiliations)
{
	for (int i = 0; i < 3; i++)
		ck_assert_msg(has_privilege(&config, N, (enum role)(i + 1),
					    p) == (roles[i] != '-'),
			      "%d: role %d", p, i + 1);
	for (int i = 0; i < 4; i++)
		ck_assert_msg(has_privilege(&config, (enum affiliation)i,
					    ROLE_NONE,
					    p) == (affiliations[i] != '-'),
			      "%d: affiliation %d", p, i);
	for (int i = 0; i < N_ROLES; i++)
		ck_assert(!has_privilege(&config, X, (enum role)i, p));
}

START_TEST(by_default)
{
	ck_assert_int_eq(N_ELEMENTS(privileges), N_PRIVILEGES);
	ck_assert_int_eq(privileges[_i].privilege, _i);
	check_privilege(privileges[_i].privilege, privileges[_i].roles,
			privileges[_i].affiliations);
}
END_TEST

START_TEST(by_option)
{
	config.allow_query = config.allow_visitor_nick = false;
	config.allow_visitor_status = config.allow_voice_requests = false;
	config.allow_invites = config.allow_subject = false;
	check_privilege(PRIV_QUERY, "--m", "----");
	check_privilege(PRIV_NICK, "-pm", "----");
	check_privilege(PRIV_STATUS, "-pm", "----");
	check_privilege(PRIV_VOICE_REQUEST, "---", "----");
	check_privilege(PRIV_INVITE, "--m", "----");
	check_privilege(PRIV_SUBJECT, "--m", "----");
	config.allow_pm = PM_PARTICIPANTS;
	check_privilege(PRIV_PM, "-pm", "----");
	config.allow_pm = PM_MODERATORS;
	check_privilege(PRIV_PM, "--m", "----");
	config.allow_pm = PM_NONE;
	check_privilege(PRIV_PM, "---", "----");
	config.is_members_only = true;
	check_privilege(PRIV_ENTER, "---", "-mao");
	check_privilege(PRIV_INVITE, "---", "--ao");
	config.allow_invites = true;
	check_privilege(PRIV_INVITE, "---", "-mao");
	config.whois = WHOIS_ANYONE;
	check_privilege(PRIV_SEE_JIDS, "vpm", "----");
	check_privilege(PRIV_GET_MEMBERS, "vpm", "-mao");
	check_privilege(PRIV_GET_RULERS, "vpm", "-mao");
	config.get_members = 1u << ROLE_MODERATOR;
	check_privilege(PRIV_GET_MEMBERS, "--m", "--ao");
	check_privilege(PRIV_GET_RULERS, "--m", "--ao");
	config.get_members = 0;
	check_privilege(PRIV_GET_MEMBERS, "---", "--ao");
	check_privilege(PRIV_GET_RULERS, "---", "---o");
}
END_TEST

static const struct {
	struct standing actor, target;
	enum role role;
	enum stanza_cond want;
} changes[] = {
	/* Whoever is no moderator changes nothing. */
	{ { N, ROLE_PARTICIPANT }, { N, 1 }, 2, COND_FORBIDDEN },
	{ { M, ROLE_VISITOR }, { N, 2 }, ROLE_NONE, COND_FORBIDDEN },
	/* An admin need not be in the room. */
	{ { A, ROLE_NONE }, { N, 2 }, ROLE_NONE, COND_NONE },
	/* Kicks (8.2) */
	{ { N, ROLE_MODERATOR }, { N, 2 }, ROLE_NONE, COND_NONE },
	{ { N, ROLE_MODERATOR }, { M, 2 }, ROLE_NONE, COND_NOT_ALLOWED },
	{ { M, ROLE_MODERATOR }, { M, 1 }, ROLE_NONE, COND_NONE },
	{ { M, ROLE_MODERATOR }, { A, 3 }, ROLE_NONE, COND_NOT_ALLOWED },
	{ { M, ROLE_MODERATOR }, { N, 3 }, ROLE_NONE, COND_NOT_ALLOWED },
	{ { A, ROLE_MODERATOR }, { N, 3 }, ROLE_NONE, COND_NONE },
	{ { A, ROLE_MODERATOR }, { O, 3 }, ROLE_NONE, COND_NOT_ALLOWED },
	{ { O, ROLE_MODERATOR }, { A, 3 }, ROLE_NONE, COND_NONE },
	{ { O, ROLE_MODERATOR }, { O, 3 }, ROLE_NONE, COND_NONE },
	/* Voice (8.3, 8.4) */
	{ { N, ROLE_MODERATOR }, { N, 1 }, ROLE_PARTICIPANT, COND_NONE },
	{ { N, ROLE_MODERATOR }, { M, 1 }, ROLE_PARTICIPANT, COND_NONE },
	{ { N, ROLE_MODERATOR }, { N, 2 }, ROLE_VISITOR, COND_NONE },
	{ { N, ROLE_MODERATOR }, { M, 2 }, ROLE_VISITOR, COND_NOT_ALLOWED },
	{ { M, ROLE_MODERATOR }, { M, 2 }, ROLE_VISITOR, COND_NONE },
	{ { O, ROLE_MODERATOR }, { A, 3 }, ROLE_VISITOR, COND_NOT_ALLOWED },
	{ { O, ROLE_MODERATOR }, { O, 3 }, ROLE_VISITOR, COND_NOT_ALLOWED },
	{ { N, ROLE_MODERATOR }, { N, 3 }, ROLE_VISITOR, COND_FORBIDDEN },
	{ { A, ROLE_MODERATOR }, { N, 3 }, ROLE_VISITOR, COND_NONE },
	/* Moderators (9.6, 9.7) */
	{ { A, ROLE_MODERATOR }, { N, 2 }, ROLE_MODERATOR, COND_NONE },
	{ { M, ROLE_MODERATOR }, { N, 2 }, ROLE_MODERATOR, COND_FORBIDDEN },
	{ { M, ROLE_MODERATOR }, { N, 3 }, ROLE_PARTICIPANT, COND_FORBIDDEN },
	{ { A, ROLE_MODERATOR }, { M, 3 }, ROLE_PARTICIPANT, COND_NONE },
	{ { A, ROLE_MODERATOR }, { A, 3 }, ROLE_PARTICIPANT, COND_NOT_ALLOWED },
	{ { A, ROLE_MODERATOR }, { O, 3 }, ROLE_PARTICIPANT, COND_NOT_ALLOWED },
	{ { M, ROLE_MODERATOR }, { O, 3 }, ROLE_PARTICIPANT, COND_NOT_ALLOWED },
	/* What is so already. */
	{ { N, ROLE_MODERATOR }, { O, 3 }, ROLE_MODERATOR, COND_NONE },
	{ { M, ROLE_MODERATOR }, { N, 1 }, ROLE_VISITOR, COND_NONE },
};

START_TEST(role_changes)
{
	ck_assert_int_eq(may_change_role(changes[_i].actor, changes[_i].target,
					 changes[_i].role),
			 changes[_i].want);
}
END_TEST

/* Table 8, and the errors of 9 and 10. Lines: from outcast, none, member,
 * admin, owner; columns: to them. Of an admin: f forbidden, a not-allowed. */
START_TEST(affiliation_changes)
{
	static const char *const admin[] = {
		"...ff", "...ff", "...ff", "affff", "affff",
	};

	for (int old = X; old <= O; old++) {
		for (int new = X; new <= O; new ++) {
			char want = admin[old + 1][new + 1], got;
			enum stanza_cond cond;

			cond = may_change_affiliation(A, (enum affiliation)old,
						      (enum affiliation) new);
			got = cond == COND_NONE	       ? '.'
			      : cond == COND_FORBIDDEN ? 'f'
						       : 'a';
			ck_assert_msg(got == want, "%d to %d: %c", old, new,
				      got);
			ck_assert(cond == COND_NONE || cond == COND_FORBIDDEN ||
				  cond == COND_NOT_ALLOWED);
			ck_assert_int_eq(
				may_change_affiliation(O, (enum affiliation)old,
						       (enum affiliation) new),
				COND_NONE);
			for (int actor = X; actor <= M; actor++)
				ck_assert_int_eq(
					may_change_affiliation(
						(enum affiliation)actor,
						(enum affiliation)old,
						(enum affiliation) new),
					COND_FORBIDDEN);
		}
	}
}
END_TEST

/* ---- the list ---- */

static void
set(const char *address, enum affiliation affiliation, const char *nick,
    const char *reason)
{
	struct jid *jid = jid_parse(address);

	affiliations_set(&list, jid, affiliation, nick, reason);
	jid_unref(&jid);
}

static enum affiliation
get(const char *address)
{
	struct jid *jid = jid_parse(address);
	enum affiliation affiliation = affiliations_get(&list, jid);

	jid_unref(&jid);
	return affiliation;
}

static const struct affiliation_item *
find(const char *address)
{
	struct jid *jid = jid_parse(address);
	const struct affiliation_item *item = affiliations_find(&list, jid);

	jid_unref(&jid);
	return item;
}

START_TEST(sets_and_removes)
{
	ck_assert_int_eq(get("a@x.example"), N);
	set("a@x.example/phone", O, NULL, NULL);
	set("b@x.example", X, NULL, "spam");
	ck_assert_int_eq(get("a@x.example"), O);
	ck_assert_int_eq(get("a@x.example/other"), O);
	ck_assert_str_eq(jid_str(find("a@x.example/x")->jid), "a@x.example");
	ck_assert_str_eq(find("a@x.example")->reason, "");
	ck_assert_str_eq(find("b@x.example")->reason, "spam");
	ck_assert_int_eq(get("x.example"), N);
	ck_assert_uint_eq(affiliations_count(&list, O), 1);
	ck_assert_uint_eq(affiliations_count(&list, X), 1);
	ck_assert_uint_eq(affiliations_count(&list, M), 0);
	set("b@x.example", M, NULL, NULL);
	ck_assert_str_eq(find("b@x.example")->reason, "");
	ck_assert_uint_eq(affiliations_count(&list, X), 0);
	ck_assert_uint_eq(affiliations_count(&list, M), 1);
	set("b@x.example", N, NULL, "bye");
	set("c@x.example", N, "C", NULL);
	ck_assert_ptr_null(find("b@x.example"));
	ck_assert_ptr_null(find("c@x.example"));
	ck_assert_ptr_null(affiliations_by_nick(&list, "C"));
	ck_assert_uint_eq(affiliations_count(&list, M), 0);
	ck_assert_uint_eq(affiliations_count(&list, N), 0);
}
END_TEST

/* Section 9.2: first the user, then the domain. */
START_TEST(domains)
{
	set("x.example", X, NULL, NULL);
	set("friend@x.example", M, NULL, NULL);
	ck_assert_int_eq(get("a@x.example/r"), X);
	ck_assert_int_eq(get("x.example"), X);
	ck_assert_int_eq(get("x.example/r"), X);
	ck_assert_int_eq(get("friend@x.example"), M);
	ck_assert_int_eq(get("a@sub.x.example"), N);
	ck_assert_ptr_null(find("a@x.example"));
	set("x.example", M, NULL, NULL);
	ck_assert_int_eq(get("a@x.example"), M);
	/* Nobody rules a room only because of where he is. */
	set("x.example", O, NULL, NULL);
	ck_assert_int_eq(get("x.example"), O);
	ck_assert_int_eq(get("a@x.example"), N);
	set("x.example", N, NULL, NULL);
	ck_assert_int_eq(get("a@x.example"), N);
	ck_assert_int_eq(get("friend@x.example"), M);
}
END_TEST

START_TEST(nicks)
{
	const struct affiliation_item *item;

	set("a@x.example", M, "Ann", NULL);
	item = affiliations_by_nick(&list, "Ann");
	ck_assert_ptr_eq(item, find("a@x.example"));
	ck_assert_ptr_null(affiliations_by_nick(&list, "ann"));
	ck_assert_ptr_null(affiliations_by_nick(&list, ""));
	/* Kept, also when the texts are those of the item itself. */
	affiliations_set(&list, item->jid, A, item->nick, item->reason);
	set("a@x.example", O, NULL, NULL);
	ck_assert_str_eq(find("a@x.example")->nick, "Ann");
	/* It is Ann's. */
	set("b@x.example", M, "Ann", NULL);
	ck_assert_str_eq(find("b@x.example")->nick, "");
	ck_assert_ptr_eq(affiliations_by_nick(&list, "Ann"),
			 find("a@x.example"));
	set("a@x.example", O, "", NULL);
	ck_assert_ptr_null(affiliations_by_nick(&list, "Ann"));
	set("b@x.example", M, "Ann", NULL);
	ck_assert_ptr_eq(affiliations_by_nick(&list, "Ann"),
			 find("b@x.example"));
	/* 9.1: a ban ends that. */
	set("b@x.example", X, NULL, NULL);
	ck_assert_ptr_null(affiliations_by_nick(&list, "Ann"));
	ck_assert_str_eq(find("b@x.example")->nick, "");
}
END_TEST

#define N_USERS 24
#define N_STEPS 20000

struct model {
	enum affiliation affiliation;
	int nick; /* 0: none */
};

static const struct model *
model_by_nick(const struct model *users, int nick)
{
	for (int i = 0; i < N_USERS; i++) {
		if (nick && users[i].nick == nick)
			return &users[i];
	}
	return NULL;
}

static void
compare(const struct model *users)
{
	size_t n = 0, counts[N_AFFILIATIONS] = { 0 };

	affiliations_each (item, &list)
		n++;
	for (int i = 0; i < N_USERS; i++) {
		char address[32], nick[16] = "";
		const struct affiliation_item *item;

		snprintf(address, sizeof(address), "u%d@x.example", i);
		if (users[i].nick)
			snprintf(nick, sizeof(nick), "n%d", users[i].nick);
		item = find(address);
		ck_assert_int_eq(get(address), users[i].affiliation);
		ck_assert_int_eq(item != NULL, users[i].affiliation != N);
		if (!item)
			continue;
		n--;
		counts[users[i].affiliation + 1]++;
		ck_assert_str_eq(item->nick, nick);
		if (*nick)
			ck_assert_ptr_eq(affiliations_by_nick(&list, nick),
					 item);
	}
	ck_assert_uint_eq(n, 0);
	for (int i = 0; i < N_AFFILIATIONS; i++)
		ck_assert_uint_eq(
			affiliations_count(&list, (enum affiliation)(i - 1)),
			counts[i]);
}

static unsigned
draw(unsigned below)
{
	static uint64_t state = 4;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* Against a plain array. */
START_TEST(many_changes)
{
	struct model users[N_USERS] = { 0 };

	for (int step = 0; step < N_STEPS; step++) {
		unsigned who = draw(N_USERS);
		int nick = (int)draw(10) - 1; /* -1: as it was */
		enum affiliation new = (enum affiliation)((int)draw(5) - 1);
		char address[32], text[16] = "";

		snprintf(address, sizeof(address), "u%u@x.example", who);
		if (nick > 0)
			snprintf(text, sizeof(text), "n%d", nick);
		set(address, new, nick < 0 ? NULL : text, NULL);
		if (nick < 0)
			nick = users[who].nick;
		users[who].nick = 0;
		if (new >= M && !model_by_nick(users, nick))
			users[who].nick = nick;
		users[who].affiliation = new;
		if (step % 16 == 0)
			compare(users);
	}
	compare(users);
}
END_TEST

/* A hundred bytes for one, with a usual nickname. */
START_TEST(size)
{
	ck_assert_uint_le(sizeof(struct affiliation_item), 72);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_affiliation");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, default_roles, 0, N_ELEMENTS(defaults));
	tcase_add_loop_test(tc, roles_after, 0, N_ELEMENTS(afters));
	tcase_add_loop_test(tc, by_default, 0, N_ELEMENTS(privileges));
	tcase_add_test(tc, by_option);
	tcase_add_loop_test(tc, role_changes, 0, N_ELEMENTS(changes));
	tcase_add_test(tc, affiliation_changes);
	tcase_add_test(tc, sets_and_removes);
	tcase_add_test(tc, domains);
	tcase_add_test(tc, nicks);
	tcase_add_test(tc, many_changes);
	tcase_add_test(tc, size);
	return unit_run(tc);
}
