/* module.c - commands for administrators (XEP-0133). */

#include "core/module.h"
#include "base/clock.h"
#include "base/list.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/admin/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

#define NODE(name) NS_ADMIN "#" name
#define EDIT	   "banyan#edit-user"

struct admin_session {
	int64_t since_ms; /* wall time of the log-in */
};

static struct module_slot slot;

static enum verdict
on_bound(struct event *ev, void *data)
{
	struct admin_session *s = session_data(ev->session, &slot);

	(void)data;
	s->since_ms = ev->server->clock->wall_ms;
	return PASS;
}

int64_t
admin_online_since(struct command_run *run, const struct jid *jid)
{
	struct account *a = account_find(run->host->server, jid);
	int64_t since_ms = 0;

	if (!a)
		return 0;
	list_each (n, &a->sessions) {
		const struct admin_session *s =
			session_data(session_of(n), &slot);

		if (s->since_ms > since_ms)
			since_ms = s->since_ms;
	}
	return since_ms;
}

static const struct form_field add_fields[] = {
	{ "accountjid", FORM_JID_SINGLE, "The address of the new account",
	  .is_required = true },
	{ "password", FORM_TEXT_PRIVATE, "The password for this account",
	  .is_required = true },
	{ "password-verify", FORM_TEXT_PRIVATE, "The password again",
	  .is_required = true },
	{ 0 },
};

static const struct form_field password_fields[] = {
	{ "accountjid", FORM_JID_SINGLE, "The address of the account",
	  .is_required = true },
	{ "password", FORM_TEXT_PRIVATE, "The new password",
	  .is_required = true },
	{ 0 },
};

static const struct form_field announce_fields[] = {
	{ "announcement", FORM_TEXT_MULTI, "The announcement",
	  .is_required = true },
	{ 0 },
};

/* Of a command that has one form. */
#define ONE_FORM(title, fields, value, submit)          \
	(const struct command_stage[])                  \
	{                                               \
		{ title, NULL, fields, value, submit }, \
		{                                       \
			0                               \
		}                                       \
	}

#define SOME(node, name, submit)                                           \
	{                                                                  \
		NODE(node), name, NS_ADMIN, host_is_admin,                 \
			ONE_FORM(name, admin_some_accounts, NULL, submit), \
			NULL                                               \
	}
#define LIST(node, name, submit)                                            \
	{                                                                   \
		NODE(node), name, NS_ADMIN, host_is_admin,                  \
			ONE_FORM(name, admin_list_fields, admin_list_value, \
				 submit),                                   \
			NULL                                                \
	}
#define NUMBER(node, name, run)                                      \
	{                                                            \
		NODE(node), name, NS_ADMIN, host_is_admin, NULL, run \
	}
#define FORM(node, name, fields, submit)                           \
	{                                                          \
		NODE(node), name, NS_ADMIN, host_is_admin,         \
			ONE_FORM(name, fields, NULL, submit), NULL \
	}

static const struct command_def commands[] = {
	FORM("add-user", "Add a user", add_fields, admin_add_user),
	SOME("delete-user", "Delete users", admin_delete),
	SOME("disable-user", "Disable users", admin_disable),
	SOME("reenable-user", "Re-enable users", admin_reenable),
	SOME("end-user-session", "End sessions", admin_end_session),
	FORM("change-user-password", "Change a user's password",
	     password_fields, admin_change_password),
	SOME("get-user-roster", "Show users' contacts", admin_get_roster),
	SOME("get-user-lastlogin", "Show users' last log-in", admin_get_last),
	FORM("user-stats", "Show a user's statistics", admin_one_account,
	     admin_stats),
	NUMBER("get-registered-users-num", "Number of registered users",
	       admin_count_registered),
	NUMBER("get-disabled-users-num", "Number of disabled users",
	       admin_count_disabled),
	NUMBER("get-online-users-num", "Number of online users",
	       admin_count_online),
	NUMBER("get-active-users-num", "Number of active users",
	       admin_count_active),
	NUMBER("get-idle-users-num", "Number of idle users", admin_count_idle),
	LIST("get-registered-users-list", "List of registered users",
	     admin_list_registered),
	LIST("get-disabled-users-list", "List of disabled users",
	     admin_list_disabled),
	LIST("get-online-users-list", "List of online users",
	     admin_list_online),
	LIST("get-active-users", "List of active users", admin_list_active),
	LIST("get-idle-users", "List of idle users", admin_list_idle),
	FORM("announce", "Send an announcement to online users",
	     announce_fields, admin_announce),
	{ EDIT, "Edit a user", EDIT, host_is_admin, admin_edit_stages, NULL },
	{ 0 },
};

static int
load(struct host *host, void *data, struct err *err)
{
	(void)err;
	commands_offer(host, commands, data);
	return 0;
}

const struct module mod_admin = {
	.name = "admin",
	.slot = &slot,
	.needs = (const char *const[]){ "commands", NULL },
	.hooks =
		(const struct hook[]){
			{ HOOK_SESSION_BOUND, PHASE_STAMP, on_bound },
			{ 0 },
		},
	.session_size = sizeof(struct admin_session),
	.load = load,
};
