/* lists.c - how many users there are, and who (XEP-0133 4.13 to 4.22), and a
 * word to those who are online (4.23). */

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/admin/private.h"
#include "storage/accounts.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ITEMS "100"

static const struct form_option max_items[] = {
	{ "25", NULL },	 { "50", NULL },  { "75", NULL },   { "100", NULL },
	{ "150", NULL }, { "200", NULL }, { "1000", NULL }, { 0 },
};

const struct form_field admin_list_fields[] = {
	{ "max_items", FORM_LIST_SINGLE, "Maximum number of items to show",
	  .options = max_items },
	{ "after", FORM_JID_SINGLE, "Only those behind this address",
	  .is_required = false },
	{ 0 },
};

const char *
admin_list_value(struct command_run *run, const struct form_field *field)
{
	(void)run;
	return field->type == FORM_LIST_SINGLE ? DEFAULT_ITEMS : NULL;
}

/* ---- who is online ---- */

enum presence_kind { ONLINE, ACTIVE, IDLE };

/* Clients say themselves when nobody sits before them: away, xa. */
static bool
is_active(const struct session *s)
{
	struct arena *a;
	const char *show;
	bool is_away;

	if (!session_is_available(s))
		return false;
	a = arena_new();
	show = xml_child_text(a, s->presence->root, "show", NS_CLIENT);
	is_away = show && (!strcmp(show, "away") || !strcmp(show, "xa"));
	arena_unref(&a);
	return !is_away;
}

static bool
has_active(const struct account *a)
{
	list_each (n, &a->sessions) {
		if (is_active(session_of(n)))
			return true;
	}
	return false;
}

static bool
is_of_kind(const struct account *a, enum presence_kind kind)
{
	if (!a->n_sessions)
		return false;
	return kind == ONLINE || has_active(a) == (kind == ACTIVE);
}

static int
by_address(const void *x, const void *y)
{
	const struct jid *const *a = x, *const *b = y;

	return strcmp(jid_str(*a), jid_str(*b));
}

/* Sorted, in the arena; the JIDs are borrowed from the accounts. */
static struct jid **
gather(struct arena *arena, const struct host *host, enum presence_kind kind,
       size_t *n_out)
{
	const struct server *srv = host->server;
	struct jid **all;
	size_t n = 0;

	all = arena_alloc(arena, (srv->accounts.n + 1) * sizeof(struct jid *));
	map_each (node, &srv->accounts) {
		const struct account *a =
			container_of(node, struct account, node);

		if (a->host == host && is_of_kind(a, kind))
			all[n++] = a->jid;
	}
	if (n)
		qsort(all, n, sizeof(*all), by_address);
	*n_out = n;
	return all;
}

/* ---- numbers ---- */

static enum verdict
tell_number(struct command_run *run, const char *var, const char *label,
	    int64_t n)
{
	struct xml *form = commands_results(run);
	struct arena *a = commands_arena(run);

	form_add_result(a, form, var, label, arena_printf(a, "%" PRId64, n));
	return commands_complete(run);
}

static void
registered_counted(void *data, const struct store_result *res, int64_t n)
{
	struct command_run *run = data;

	if (res->status != STORE_OK)
		admin_finish(run, USER_FAILED);
	else
		tell_number(run, "registeredusersnum",
			    "The number of registered users", n);
}

enum verdict
admin_count_registered(struct command_run *run)
{
	account_count(run->host->store, run->host->name, registered_counted,
		      run);
	return WAIT;
}

static void
disabled_counted(void *data, const struct store_result *res, int64_t n)
{
	struct command_run *run = data;

	if (res->status != STORE_OK)
		admin_finish(run, USER_FAILED);
	else
		tell_number(run, "disabledusersnum",
			    "The number of disabled users", n);
}

enum verdict
admin_count_disabled(struct command_run *run)
{
	account_count_disabled(run->host->store, run->host->name,
			       disabled_counted, run);
	return WAIT;
}

static enum verdict
count_kind(struct command_run *run, enum presence_kind kind, const char *var,
	   const char *label)
{
	size_t n;

	gather(run->arena, run->host, kind, &n);
	return tell_number(run, var, label, (int64_t)n);
}

enum verdict
admin_count_online(struct command_run *run)
{
	return count_kind(run, ONLINE, "onlineusersnum",
			  "The number of online users");
}

enum verdict
admin_count_active(struct command_run *run)
{
	return count_kind(run, ACTIVE, "activeusersnum",
			  "The number of active users");
}

enum verdict
admin_count_idle(struct command_run *run)
{
	return count_kind(run, IDLE, "idleusersnum",
			  "The number of idle users");
}

/* ---- lists ---- */

struct listing {
	const char *var, *label;
	size_t max;
	const char *after; /* prepared; NULL: from the first */
};

/* XML that is sent is of a limited size, so there is always a limit. */
static struct listing *
listing_new(struct command_run *run, const char *var, const char *label)
{
	struct listing *l = arena_zalloc(run->arena, sizeof(*l));
	const char *max = form_get(run->arena, run->form, "max_items");
	const char *after = form_get(run->arena, run->form, "after");
	struct jid *jid = after ? jid_parse(after) : NULL;

	l->var = var;
	l->label = label;
	l->max = strtoul(max && *max ? max : DEFAULT_ITEMS, NULL, 10);
	if (jid && jid_local(jid))
		l->after = arena_strdup(run->arena, jid_bare_str(jid));
	jid_unref(&jid);
	return l;
}

static enum verdict
tell_list(struct command_run *run, const struct listing *l,
	  const char *const *jids, size_t n)
{
	struct xml *form = commands_results(run), *field;
	struct arena *a = commands_arena(run);

	field = form_add_result(a, form, l->var, l->label, NULL);
	for (size_t i = 0; i < n && i < l->max; i++)
		form_add_value(a, field, jids[i]);
	if (n > l->max)
		commands_note(run, "info",
			      "There are more: ask for those behind the last.");
	return commands_complete(run);
}

static void
listed(void *data, const struct account_list_result *res)
{
	struct command_run *run = data;

	if (res->res.status != STORE_OK)
		admin_finish(run, USER_FAILED);
	else
		tell_list(run, run->state, res->jids, res->n_jids);
}

enum verdict
admin_list_registered(struct command_run *run)
{
	const struct listing *l = run->state =
		listing_new(run, "registereduserjids", "The list of all users");

	account_list(run->host->store, run->host->name, l->after, l->max + 1,
		     listed, run);
	return WAIT;
}

enum verdict
admin_list_disabled(struct command_run *run)
{
	const struct listing *l = run->state = listing_new(
		run, "disableduserjids", "The list of all disabled users");

	account_list_disabled(run->host->store, run->host->name, l->after,
			      l->max + 1, listed, run);
	return WAIT;
}

static enum verdict
list_kind(struct command_run *run, enum presence_kind kind, const char *var,
	  const char *label)
{
	const struct listing *l = listing_new(run, var, label);
	size_t n, n_texts = 0;
	struct jid **jids = gather(run->arena, run->host, kind, &n);
	const char **texts;

	texts = arena_alloc(run->arena, (n + 1) * sizeof(*texts));
	for (size_t i = 0; i < n; i++) {
		if (!l->after || strcmp(jid_str(jids[i]), l->after) > 0)
			texts[n_texts++] = jid_str(jids[i]);
	}
	return tell_list(run, l, texts, n_texts);
}

enum verdict
admin_list_online(struct command_run *run)
{
	return list_kind(run, ONLINE, "onlineuserjids",
			 "The list of all online users");
}

enum verdict
admin_list_active(struct command_run *run)
{
	return list_kind(run, ACTIVE, "activeuserjids",
			 "The list of active users");
}

enum verdict
admin_list_idle(struct command_run *run)
{
	return list_kind(run, IDLE, "idleuserjids", "The list of idle users");
}

/* ---- a word to all of them ---- */

static void
send_to(struct host *host, struct jid *to, const char *text)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_HEADLINE, host->jid, to, NULL);

	xml_add_text(s->arena, s->root, "body", NULL, text);
	route(host->server, s);
}

enum verdict
admin_announce(struct command_run *run)
{
	const char *text =
		form_get_lines(run->arena, run->form, "announcement");
	size_t n;
	struct jid **all = gather(run->arena, run->host, ONLINE, &n);

	/* Accounts may go while the messages are on their way. */
	for (size_t i = 0; i < n; i++)
		jid_ref(all[i]);
	for (size_t i = 0; i < n; i++) {
		send_to(run->host, all[i], text);
		jid_unref(&all[i]);
	}
	admin_log(run, "has made an announcement on", run->host->jid);
	return commands_complete(run);
}
