/* several.c - commands that go through a list of accounts, one by one
 * (XEP-0133 4.2 to 4.5, 4.8, 4.9). */

#include "base/arena.h"
#include "base/clock.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/admin/private.h"
#include "storage/accounts.h"
#include "storage/roster.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

const struct form_field admin_some_accounts[] = {
	{ "accountjids", FORM_JID_MULTI, "The addresses of the accounts",
	  .is_required = true },
	{ 0 },
};

struct walk {
	struct command_run *run;
	/* Does it with one; WAIT: one_done follows. */
	enum verdict (*one)(struct walk *w, struct jid *jid);
	const char *what;    /* for the log; NULL: nothing */
	const char *missing; /* what is said of one that is not there */
	struct jid **jids;   /* owned by the arena of the execution */
	size_t n, at;
	bool takes_resources;
	size_t n_failed;
	enum user_status first_failure;
	/* For those that tell something. */
	struct xml *results, *accounts, *values;
};

static void
failed(struct walk *w, const struct jid *jid, enum user_status status)
{
	struct arena *a = commands_arena(w->run);

	if (!w->n_failed++)
		w->first_failure = status;
	commands_note(w->run, "error",
		      arena_printf(a, "%s: %s", jid_str(jid),
				   status == USER_NOT_FOUND
					   ? w->missing
					   : user_status_text(status)));
}

static enum verdict
finish(struct walk *w)
{
	if (w->n != 1 || !w->n_failed)
		return commands_complete(w->run);
	/* Nothing else was asked for: the command has failed. */
	if (w->first_failure == USER_NOT_FOUND)
		return commands_fail(w->run, COND_ITEM_NOT_FOUND, w->missing);
	return admin_finish(w->run, w->first_failure);
}

static bool
is_ours(const struct walk *w, const struct jid *jid)
{
	return jid_local(jid) && jid_eq_domain(jid, w->run->host->jid) &&
	       (jid_is_bare(jid) || w->takes_resources);
}

static enum verdict
go_on(struct walk *w)
{
	while (w->at < w->n) {
		struct jid *jid = w->jids[w->at];

		if (!is_ours(w, jid))
			failed(w, jid, USER_NOT_FOUND);
		else if (w->one(w, jid) == WAIT)
			return WAIT;
		w->at++;
	}
	return finish(w);
}

/* The outcome of the one that w->at stands at. */
static void
take(struct walk *w, enum user_status status)
{
	struct jid *jid = w->jids[w->at];

	if (status != USER_OK)
		failed(w, jid, status);
	else if (w->what)
		admin_log(w->run, w->what, jid);
}

static void
one_done(void *data, enum user_status status)
{
	struct walk *w = data;

	take(w, status);
	w->at++;
	go_on(w);
}

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

/* XEP-0004 3.3: the same one twice is ignored. */
static void
add_jid(struct walk *w, const char *text)
{
	struct jid *jid = jid_parse(text);

	for (size_t i = 0; i < w->n; i++) {
		if (jid && jid_eq(w->jids[i], jid))
			jid_unref(&jid);
	}
	if (!jid)
		return;
	arena_own(w->run->arena, jid, drop_jid);
	w->jids[w->n++] = jid;
}

static struct walk *
walk_new(struct command_run *run,
	 enum verdict (*one)(struct walk *w, struct jid *jid), const char *what)
{
	struct walk *w = arena_zalloc(run->arena, sizeof(*w));
	const char **texts = form_get_all(run->arena, run->form, "accountjids");
	size_t n = 0;

	while (texts[n])
		n++;
	w->run = run;
	w->one = one;
	w->what = what;
	w->missing = user_status_text(USER_NOT_FOUND);
	w->jids = arena_alloc(run->arena, (n + 1) * sizeof(struct jid *));
	for (size_t i = 0; i < n; i++)
		add_jid(w, texts[i]);
	return w;
}

/* ---- the commands ---- */

static enum verdict
delete_one(struct walk *w, struct jid *jid)
{
	user_delete(w->run->host->server, jid, one_done, w);
	return WAIT;
}

enum verdict
admin_delete(struct command_run *run)
{
	return go_on(walk_new(run, delete_one, "has deleted"));
}

static enum verdict
disable_one(struct walk *w, struct jid *jid)
{
	user_set_disabled(w->run->host->server, jid, true, one_done, w);
	return WAIT;
}

enum verdict
admin_disable(struct command_run *run)
{
	return go_on(walk_new(run, disable_one, "has disabled"));
}

static enum verdict
reenable_one(struct walk *w, struct jid *jid)
{
	user_set_disabled(w->run->host->server, jid, false, one_done, w);
	return WAIT;
}

enum verdict
admin_reenable(struct command_run *run)
{
	return go_on(walk_new(run, reenable_one, "has re-enabled"));
}

static enum verdict
end_one(struct walk *w, struct jid *jid)
{
	bool was_there = user_kick(w->run->host->server, jid,
				   "ended by an administrator");

	take(w, was_there ? USER_OK : USER_NOT_FOUND);
	return DONE;
}

enum verdict
admin_end_session(struct command_run *run)
{
	struct walk *w = walk_new(run, end_one, "has ended the session of");

	w->missing = "there is no such session";
	w->takes_resources = true;
	return go_on(w);
}

/* ---- those that tell something ---- */

static struct walk *
teller_new(struct command_run *run,
	   enum verdict (*one)(struct walk *w, struct jid *jid))
{
	struct walk *w = walk_new(run, one, NULL);

	w->results = commands_results(run);
	w->accounts = form_add_result(commands_arena(run), w->results,
				      "accountjids", NULL, NULL);
	return w;
}

static void
add_account(struct walk *w)
{
	form_add_value(commands_arena(w->run), w->accounts,
		       jid_bare_str(w->jids[w->at]));
}

static void
add_groups(struct arena *a, struct xml *item, const char *groups)
{
	while (groups && *groups) {
		size_t len = strcspn(groups, "\n");
		struct xml *x = xml_add(a, item, "group", NULL);

		xml_text_len(a, x, groups, len);
		groups += len + (groups[len] == '\n');
	}
}

static void
add_contact(struct arena *a, struct xml *query, const struct roster_row *row)
{
	static const char *const words[] = { "none", "to", "from", "both" };
	struct xml *item = xml_add(a, query, "item", NULL);

	xml_set(a, item, "jid", row->jid);
	xml_set(a, item, "name", row->name);
	xml_set(a, item, "subscription",
		words[row->flags & (ROSTER_TO | ROSTER_FROM)]);
	if (row->flags & ROSTER_ASK)
		xml_set(a, item, "ask", "subscribe");
	add_groups(a, item, row->groups);
}

static void
roster_loaded(void *data, const struct roster_result *res)
{
	struct walk *w = data;
	struct arena *a = commands_arena(w->run);
	struct xml *query;

	if (res->res.status != STORE_OK) {
		one_done(w, USER_FAILED);
		return;
	}
	add_account(w);
	query = xml_add(a, w->results, "query", NS_ROSTER);
	for (size_t i = 0; i < res->n_rows; i++) {
		if (res->rows[i].flags & ROSTER_LISTED)
			add_contact(a, query, &res->rows[i]);
	}
	one_done(w, USER_OK);
}

static enum user_status
status_of(const struct store_result *res)
{
	switch (res->status) {
	case STORE_OK:
		return USER_OK;
	case STORE_NOT_FOUND:
		return USER_NOT_FOUND;
	default:
		return USER_FAILED;
	}
}

static void
owner_found(void *data, const struct account_result *res)
{
	struct walk *w = data;

	if (res->res.status != STORE_OK)
		one_done(w, status_of(&res->res));
	else
		roster_load(w->run->host->store, jid_bare_str(w->jids[w->at]),
			    roster_loaded, w);
}

static enum verdict
roster_one(struct walk *w, struct jid *jid)
{
	account_get(w->run->host->store, jid_bare_str(jid), owner_found, w);
	return WAIT;
}

enum verdict
admin_get_roster(struct command_run *run)
{
	return go_on(teller_new(run, roster_one));
}

/* Who is online has logged in then; of the others it is known when they were
 * here last. */
static int64_t
last_login_ms(struct walk *w, const struct account_record *record)
{
	int64_t online_ms = admin_online_since(w->run, w->jids[w->at]);

	return online_ms ? online_ms : record->last_seen_ms;
}

static void
last_got(void *data, const struct account_result *res)
{
	struct walk *w = data;
	char stamp[CLOCK_STAMP_MAX] = "";
	int64_t ms;

	if (res->res.status == STORE_OK) {
		ms = last_login_ms(w, res->account);
		add_account(w);
		form_add_value(commands_arena(w->run), w->values,
			       ms ? clock_stamp(ms, stamp) : stamp);
	}
	one_done(w, status_of(&res->res));
}

static enum verdict
last_one(struct walk *w, struct jid *jid)
{
	account_get(w->run->host->store, jid_bare_str(jid), last_got, w);
	return WAIT;
}

enum verdict
admin_get_last(struct command_run *run)
{
	struct walk *w = teller_new(run, last_one);

	w->values = form_add_result(commands_arena(run), w->results,
				    "lastlogin", NULL, NULL);
	return go_on(w);
}
