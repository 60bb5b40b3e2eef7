/* check_muc_entry.c - one thing that happened in a room. */

#include "base/chunk.h"
#include "modules/muc/config.h"
#include "modules/muc/entry.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <string.h>

/* It holds all it was told, after whoever told it has forgotten. */
START_TEST(copied)
{
	char nick[] = "Ann", new_nick[] = "Ben", id[] = "1234", stanza[] = "s1",
	     actor[] = "Cat", reason[] = "Because";
	struct muc_config config;
	struct entry from = {
		.type = ENTRY_NICK,
		.stamp_ms = 17,
		.archive_id = 18,
		.target = 19,
		.jid = jid_parse("a@b.example/c"),
		.nick = nick,
		.new_nick = new_nick,
		.occupant_id = id,
		.stanza_id = stanza,
		.actor = actor,
		.reason = reason,
		.payload = chunk_copy(">x", 2),
		.config = &config,
		.affiliation = AFFILIATION_ADMIN,
		.role = ROLE_MODERATOR,
		.code = 303,
		.is_away = true,
	};
	struct entry *e;
	size_t len;

	muc_config_init(&config, PRESET_PRIVATE_GROUP);
	config.name = mem_strdup("Den");
	e = entry_new(&from);
	*nick = *new_nick = *id = *stanza = *actor = *reason = '?';
	muc_config_fini(&config);
	jid_unref(&from.jid);
	chunk_unref(&from.payload);
	ck_assert_str_eq(e->nick, "Ann");
	ck_assert_str_eq(e->new_nick, "Ben");
	ck_assert_str_eq(e->occupant_id, "1234");
	ck_assert_str_eq(e->stanza_id, "s1");
	ck_assert_str_eq(e->actor, "Cat");
	ck_assert_str_eq(e->reason, "Because");
	ck_assert_str_eq(jid_str(e->jid), "a@b.example/c");
	ck_assert_int_eq(memcmp(chunk_data(e->payload, &len), ">x", 2), 0);
	ck_assert_str_eq(e->config->name, "Den");
	ck_assert(e->config->is_members_only);
	ck_assert_int_eq(e->stamp_ms + e->archive_id + e->target, 54);
	ck_assert_int_eq(e->affiliation, AFFILIATION_ADMIN);
	ck_assert_int_eq(e->role, ROLE_MODERATOR);
	ck_assert_int_eq(e->code, 303);
	ck_assert(e->is_away);
	entry_unref(&e);
	ck_assert_ptr_null(e);
}
END_TEST

START_TEST(nothing_to_tell)
{
	struct entry *e =
		entry_new(&(struct entry){ .type = ENTRY_LINK, .reason = "" });

	ck_assert_ptr_null(e->nick);
	ck_assert_ptr_null(e->jid);
	ck_assert_ptr_null(e->payload);
	ck_assert_ptr_null(e->config);
	ck_assert_str_eq(e->reason, "");
	entry_unref(&e);
	entry_unref(&e);
}
END_TEST

START_TEST(references)
{
	struct entry *e = entry_new(&(struct entry){ .nick = "Ann" });
	struct entry *again = entry_ref(e);

	entry_unref(&e);
	ck_assert_str_eq(again->nick, "Ann");
	entry_unref(&again);
}
END_TEST

static const struct {
	enum entry_type type;
	const char *name;
	bool is_lasting;
} types[] = {
	{ ENTRY_JOIN, "join", false },
	{ ENTRY_PRESENCE, "presence", false },
	{ ENTRY_LEAVE, "leave", false },
	{ ENTRY_NICK, "nick", false },
	{ ENTRY_ROLE, "role", false },
	{ ENTRY_AFFILIATION, "affiliation", true },
	{ ENTRY_MESSAGE, "message", true },
	{ ENTRY_SUBJECT, "subject", true },
	{ ENTRY_CONFIG, "config", true },
	{ ENTRY_LINK, "link", false },
	{ ENTRY_RETRACT, "retract", true },
	{ ENTRY_DESTROY, "destroy", true },
};

START_TEST(kinds)
{
	struct entry e = { .type = types[_i].type };

	ck_assert_uint_eq(N_ELEMENTS(types), N_ENTRY_TYPES);
	ck_assert_str_eq(entry_type_name(types[_i].type), types[_i].name);
	ck_assert(entry_is_lasting(&e) == types[_i].is_lasting);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_entry");

	tcase_add_test(tc, copied);
	tcase_add_test(tc, nothing_to_tell);
	tcase_add_test(tc, references);
	tcase_add_loop_test(tc, kinds, 0, N_ELEMENTS(types));
	return unit_run(tc);
}
