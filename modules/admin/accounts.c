/* accounts.c - making one account, changing one (XEP-0133 4.1, 4.7). */

#include "storage/accounts.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/admin/private.h"
#include "xmpp/jid.h"

#include <string.h>

const struct form_field admin_one_account[] = {
	{ "accountjid", FORM_JID_SINGLE, "The address of the account",
	  .is_required = true },
	{ 0 },
};

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

struct jid *
admin_account(struct command_run *run)
{
	const char *text = form_get(run->arena, run->form, "accountjid");
	struct jid *jid = jid_parse(text);

	if (!jid)
		return NULL;
	arena_own(run->arena, jid, drop_jid);
	if (!jid_local(jid) || !jid_is_bare(jid) ||
	    !jid_eq_domain(jid, run->host->jid))
		return NULL;
	return jid;
}

enum verdict
admin_not_ours(struct command_run *run)
{
	return commands_refuse(run, "this is no address of a user of this "
				    "host");
}

enum verdict
admin_finish(struct command_run *run, enum user_status status)
{
	const char *text = user_status_text(status);

	switch (status) {
	case USER_OK:
		return commands_complete(run);
	case USER_EXISTS:
		return commands_fail(run, COND_CONFLICT, text);
	case USER_NOT_FOUND:
		return commands_fail(run, COND_ITEM_NOT_FOUND, text);
	case USER_BAD_PASSWORD:
		return commands_refuse(run, text);
	case USER_BUSY:
		return commands_fail(run, COND_RESOURCE_CONSTRAINT, text);
	default:
		return commands_fail(run, COND_INTERNAL_SERVER_ERROR, text);
	}
}

void
admin_log(struct command_run *run, const char *what, const struct jid *jid)
{
	log_info(&run->host->log, "%s %s %s", jid_bare_str(run->from), what,
		 jid_str(jid));
}

/* ---- a new one ---- */

static void
added(void *data, enum user_status status)
{
	struct command_run *run = data;

	if (status == USER_OK)
		admin_log(run, "has added", run->state);
	admin_finish(run, status);
}

enum verdict
admin_add_user(struct command_run *run)
{
	const char *password = form_get(run->arena, run->form, "password");
	const char *again = form_get(run->arena, run->form, "password-verify");
	struct jid *jid = admin_account(run);

	if (!jid)
		return admin_not_ours(run);
	if (strcmp(password, again) != 0)
		return commands_refuse(run, "the passwords differ");
	run->state = jid;
	user_create(run->host->server, jid, password, added, run);
	return WAIT;
}

/* ---- another password ---- */

static void
password_set(void *data, enum user_status status)
{
	struct command_run *run = data;

	if (status == USER_OK)
		admin_log(run, "has set the password of", run->state);
	admin_finish(run, status);
}

enum verdict
admin_change_password(struct command_run *run)
{
	const char *password = form_get(run->arena, run->form, "password");
	struct jid *jid = admin_account(run);

	if (!jid)
		return admin_not_ours(run);
	run->state = jid;
	user_set_password(run->host->server, jid, password, password_set, run);
	return WAIT;
}

/* ---- two forms: which one, and what to change ---- */

struct edit {
	struct jid *jid; /* owned by the arena of the execution */
	bool was_disabled, is_disabled;
};

static void
edit_got(void *data, const struct account_result *res)
{
	struct command_run *run = data;
	struct edit *edit = run->state;

	switch (res->res.status) {
	case STORE_OK:
		edit->was_disabled = res->account->disabled;
		commands_next(run);
		break;
	case STORE_NOT_FOUND:
		admin_finish(run, USER_NOT_FOUND);
		break;
	default:
		admin_finish(run, USER_FAILED);
	}
}

static enum verdict
edit_which(struct command_run *run)
{
	struct jid *jid = admin_account(run);
	struct edit *edit;

	if (!jid)
		return admin_not_ours(run);
	edit = run->state = arena_zalloc(run->arena, sizeof(*edit));
	edit->jid = jid;
	account_get(run->host->store, jid_str(jid), edit_got, run);
	return WAIT;
}

static const char *
edit_value(struct command_run *run, const struct form_field *field)
{
	const struct edit *edit = run->state;

	if (!edit)
		return NULL;
	if (!strcmp(field->var, "accountjid"))
		return jid_str(edit->jid);
	if (!strcmp(field->var, "disabled"))
		return edit->was_disabled ? "1" : "0";
	return NULL;
}

static void
edit_switched(void *data, enum user_status status)
{
	struct command_run *run = data;
	const struct edit *edit = run->state;

	if (status == USER_OK)
		admin_log(run,
			  edit->is_disabled ? "has disabled" : "has re-enabled",
			  edit->jid);
	admin_finish(run, status);
}

static enum verdict
edit_switch(struct command_run *run)
{
	struct edit *edit = run->state;

	edit->is_disabled =
		form_get_bool(run->form, "disabled", edit->was_disabled);
	if (edit->is_disabled == edit->was_disabled)
		return commands_complete(run);
	user_set_disabled(run->host->server, edit->jid, edit->is_disabled,
			  edit_switched, run);
	return WAIT;
}

static void
edit_password_set(void *data, enum user_status status)
{
	struct command_run *run = data;
	const struct edit *edit = run->state;

	if (status != USER_OK) {
		admin_finish(run, status);
		return;
	}
	admin_log(run, "has set the password of", edit->jid);
	edit_switch(run);
}

static enum verdict
edit_apply(struct command_run *run)
{
	const char *password = form_get(run->arena, run->form, "password");
	struct edit *edit = run->state;

	if (!password || !*password)
		return edit_switch(run);
	user_set_password(run->host->server, edit->jid, password,
			  edit_password_set, run);
	return WAIT;
}

static const struct form_field edit_fields[] = {
	{ "disabled", FORM_BOOLEAN, "The account is disabled",
	  .is_required = false },
	{ "password", FORM_TEXT_PRIVATE,
	  "A new password (empty: the old one stays)", .is_required = false },
	{ 0 },
};

const struct command_stage admin_edit_stages[] = {
	{ "A user", "Whose account is it?", admin_one_account, edit_value,
	  edit_which },
	{ "A user", "What shall be different?", edit_fields, edit_value,
	  edit_apply },
	{ 0 },
};
