/* stats.c - what is known of one user (XEP-0133 4.10). */

#include "base/arena.h"
#include "base/list.h"
#include "core/c2s.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/admin/private.h"
#include "storage/accounts.h"
#include "storage/roster.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <string.h>

struct addresses {
	struct arena *arena;
	struct xml *field;
	const struct account *account;
};

static bool
has_value(const struct xml *field, const char *text)
{
	struct arena *a = arena_new();
	bool is_there = false;

	xml_each (x, field) {
		if (!strcmp(xml_get_text(a, x), text))
			is_there = true;
	}
	arena_unref(&a);
	return is_there;
}

static bool
is_session_of(const struct account *a, const char *jid)
{
	list_each (n, &a->sessions) {
		if (!strcmp(jid_str(session_of(n)->jid), jid))
			return true;
	}
	return false;
}

static void
on_stream(void *data, const struct c2s_info *info)
{
	struct addresses *to = data;

	if (info->is_bound && is_session_of(to->account, info->jid) &&
	    !has_value(to->field, info->address))
		form_add_value(to->arena, to->field, info->address);
}

static void
add_sessions(struct command_run *run, struct xml *form)
{
	struct account *account = account_find(run->host->server, run->state);
	struct addresses to = { .arena = commands_arena(run) };
	struct xml *resources;

	to.field = form_add_result(to.arena, form, "ipaddresses",
				   "Addresses of the sessions", NULL);
	resources = form_add_result(to.arena, form, "onlineresources",
				    "Resources that are online", NULL);
	if (!account)
		return;
	to.account = account;
	c2s_each(run->host->server, on_stream, &to);
	list_each (n, &account->sessions)
		form_add_value(to.arena, resources,
			       jid_resource(session_of(n)->jid));
}

static void
roster_loaded(void *data, const struct roster_result *res)
{
	struct command_run *run = data;
	struct xml *form;
	struct arena *a;
	size_t n = 0;

	if (res->res.status != STORE_OK) {
		admin_finish(run, USER_FAILED);
		return;
	}
	for (size_t i = 0; i < res->n_rows; i++)
		n += (res->rows[i].flags & ROSTER_LISTED) != 0;
	form = commands_results(run);
	a = commands_arena(run);
	add_sessions(run, form);
	form_add_result(a, form, "rostersize", "Contacts",
			arena_printf(a, "%zu", n));
	commands_complete(run);
}

static void
account_got(void *data, const struct account_result *res)
{
	struct command_run *run = data;

	switch (res->res.status) {
	case STORE_OK:
		roster_load(run->host->store, jid_str(run->state),
			    roster_loaded, run);
		break;
	case STORE_NOT_FOUND:
		admin_finish(run, USER_NOT_FOUND);
		break;
	default:
		admin_finish(run, USER_FAILED);
	}
}

enum verdict
admin_stats(struct command_run *run)
{
	struct jid *jid = admin_account(run);

	if (!jid)
		return admin_not_ours(run);
	run->state = jid;
	account_get(run->host->store, jid_str(jid), account_got, run);
	return WAIT;
}
