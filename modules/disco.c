/* disco.c - what the server and its accounts are and can do (XEP-0030), forms
 * that say more (XEP-0128), and whom to turn to (XEP-0157). */

#include "modules/disco.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/module.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/roster.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FORM_SERVER_INFO "http://jabber.org/network/serverinfo"

enum { ABUSE, ADMIN, FEEDBACK, SALES, SECURITY, STATUS, SUPPORT, N_CONTACTS };

struct disco { /* per host */
	struct option_list contacts[N_CONTACTS];
};

static struct module_slot slot;

/* ---- options ---- */

static bool
is_scheme_char(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.';
}

/* RFC 3986 3: a scheme and something behind it, no blanks. */
static int
check_uri(const char *value, struct err *err)
{
	const char *s = value;

	while (is_scheme_char(*s))
		s++;
	if (isalpha((unsigned char)*value) && *s == ':' && s[1] &&
	    !strpbrk(s, " \t\n<>\""))
		return 0;
	return err_set(err,
		       "found \"%s\", expected a URI like "
		       "\"xmpp:user@example.org\" or \"mailto:…\"",
		       value);
}

static const struct option options[] = {
	{ "contact-abuse", OPT_LIST, offsetof(struct disco, contacts[ABUSE]),
	  .def = "", .check = check_uri,
	  .doc = "URIs for reports of abuse. This and the other contact- "
		 "options are told to whoever asks the server about itself." },
	{ "contact-admin", OPT_LIST, offsetof(struct disco, contacts[ADMIN]),
	  .def = "", .check = check_uri, .doc = "URIs of the administrators." },
	{ "contact-feedback", OPT_LIST,
	  offsetof(struct disco, contacts[FEEDBACK]), .def = "",
	  .check = check_uri, .doc = "URIs for praise and complaints." },
	{ "contact-sales", OPT_LIST, offsetof(struct disco, contacts[SALES]),
	  .def = "", .check = check_uri, .doc = "URIs for who wants to buy." },
	{ "contact-security", OPT_LIST,
	  offsetof(struct disco, contacts[SECURITY]), .def = "",
	  .check = check_uri, .doc = "URIs for reports of vulnerabilities." },
	{ "contact-status", OPT_LIST, offsetof(struct disco, contacts[STATUS]),
	  .def = "", .check = check_uri,
	  .doc = "URIs that tell how the service is doing." },
	{ "contact-support", OPT_LIST,
	  offsetof(struct disco, contacts[SUPPORT]), .def = "",
	  .check = check_uri, .doc = "URIs for users who need help." },
	{ 0 },
};

/* ---- building ---- */

void
disco_add_identity(struct arena *a, struct xml *query, const char *category,
		   const char *type, const char *name)
{
	struct xml *x = xml_add(a, query, "identity", NULL);

	xml_set(a, x, "category", category);
	xml_set(a, x, "type", type);
	xml_set(a, x, "name", name);
}

void
disco_add_feature(struct arena *a, struct xml *query, const char *var)
{
	/* XEP-0115 5.4: the same one twice makes the answer ill-formed. */
	xml_each (x, query) {
		if (!strcmp(x->name, "feature") &&
		    !strcmp(xml_get(x, "var"), var))
			return;
	}
	xml_set(a, xml_add(a, query, "feature", NULL), "var", var);
}

/* ---- the host ---- */

/* XEP-0157 */
static void
add_contacts(const struct disco *disco, struct arena *a, struct xml *query)
{
	static const char *const vars[N_CONTACTS] = {
		[ABUSE] = "abuse-addresses",
		[ADMIN] = "admin-addresses",
		[FEEDBACK] = "feedback-addresses",
		[SALES] = "sales-addresses",
		[SECURITY] = "security-addresses",
		[STATUS] = "status-addresses",
		[SUPPORT] = "support-addresses",
	};
	struct xml *form = NULL, *field;

	for (int i = 0; i < N_CONTACTS; i++) {
		const struct option_list *list = &disco->contacts[i];

		if (!list->n)
			continue;
		if (!form)
			form = form_add_results(a, query, FORM_SERVER_INFO);
		field = form_add_result(a, form, vars[i], NULL, NULL);
		for (size_t n = 0; n < list->n; n++)
			form_add_value(a, field, list->items[n]);
	}
}

static void
add_features(struct arena *a, struct xml *query, const char *const *vars)
{
	for (; vars && *vars; vars++)
		disco_add_feature(a, query, *vars);
}

void
disco_host_info(struct host *host, const struct event *request, struct arena *a,
		struct xml *query)
{
	disco_add_identity(a, query, "server", "im", "Banyan");
	for (const struct module *const *m = host->modules; *m; m++)
		add_features(a, query, (*m)->features);
	add_contacts(host_data(host, &slot), a, query);
	event_extend(host, HOOK_DISCO_INFO, request, NULL, a, query);
}

struct services {
	struct host *host;
	struct listed {
		const char *domain, *name; /* name: NULL where it has none */
	} * items;			   /* owned array */
	size_t n, cap;
};

/* How much of the domain is the host's name, if it is beneath it. */
static size_t
beneath(const char *domain, const char *host)
{
	size_t len = strlen(domain), host_len = strlen(host);

	if (len > host_len && domain[len - host_len - 1] == '.' &&
	    !strcmp(domain + len - host_len, host))
		return host_len;
	return 0;
}

/* A service belongs to the host that it is beneath, the one with the longest
 * name, and to all hosts where there is none. */
static bool
belongs(const struct host *host, const char *domain)
{
	size_t own = beneath(domain, host->name), longest = 0;

	map_each (n, &host->server->hosts) {
		const struct host *h = container_of(n, struct host, node);
		size_t len = beneath(domain, h->name);

		if (len > longest)
			longest = len;
	}
	return own == longest;
}

static void
on_service(void *data, const char *domain, const struct service *service)
{
	struct services *s = data;

	if (service->is_hidden || !belongs(s->host, domain))
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 8;
		s->items = mem_realloc(s->items, s->cap * sizeof(*s->items));
	}
	s->items[s->n++] = (struct listed){ domain, service->name };
}

static int
by_domain(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return strcmp(x->domain, y->domain);
}

static void
add_services(struct host *host, struct arena *a, struct xml *query)
{
	struct services s = { .host = host };

	route_each_service(host->server, on_service, &s);
	if (s.n)
		qsort(s.items, s.n, sizeof(*s.items), by_domain);
	for (size_t i = 0; i < s.n; i++) {
		struct xml *item = xml_add(a, query, "item", NULL);

		xml_set(a, item, "jid", s.items[i].domain);
		xml_set(a, item, "name", s.items[i].name);
	}
	free(s.items);
}

/* ---- requests to the host ---- */

/* The answer under way, its <query/> empty but for the node. */
struct answer {
	struct stanza *reply;
	struct arena *arena;
	struct xml *query;
	const char *node; /* NULL: none */
};

static void
begin(struct event *ev, struct answer *ans)
{
	const struct xml *x = stanza_payload(ev->stanza);

	ans->node = xml_get(x, "node");
	ans->reply = event_result(ev);
	ans->arena = ans->reply->arena;
	ans->query = xml_add(ans->arena, ans->reply->root, "query", x->ns);
	xml_set(ans->arena, ans->query, "node", ans->node);
}

/* A node that nobody knows is not found; one without an identity is not for
 * whoever asks. */
static enum verdict
answer_node(struct event *ev, struct answer *ans, enum hook_id hook)
{
	enum stanza_cond bad = COND_ITEM_NOT_FOUND;

	if (event_extend(ev->host, hook, ev, ev->account, ans->arena,
			 ans->query) == DONE) {
		if (hook == HOOK_DISCO_NODE_ITEMS || ans->query->n_kids)
			return event_reply(ev, ans->reply);
		bad = COND_FORBIDDEN;
	}
	stanza_unref(&ans->reply);
	return event_fail(ev, bad);
}

static enum verdict
on_host_info(struct event *ev, void *data)
{
	struct answer ans;

	(void)data;
	begin(ev, &ans);
	if (ans.node)
		return answer_node(ev, &ans, HOOK_DISCO_NODE_INFO);
	disco_host_info(ev->host, ev, ans.arena, ans.query);
	return event_reply(ev, ans.reply);
}

static enum verdict
on_host_items(struct event *ev, void *data)
{
	struct answer ans;

	(void)data;
	begin(ev, &ans);
	if (ans.node)
		return answer_node(ev, &ans, HOOK_DISCO_NODE_ITEMS);
	add_services(ev->host, ans.arena, ans.query);
	event_extend(ev->host, HOOK_DISCO_ITEMS, ev, NULL, ans.arena,
		     ans.query);
	return event_reply(ev, ans.reply);
}

/* ---- requests to accounts: section 8 ---- */

static enum verdict
account_info(struct event *ev, void *data)
{
	struct answer ans;

	(void)data;
	if (!roster_may_see(ev->account, ev->from))
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	begin(ev, &ans);
	if (ans.node)
		return answer_node(ev, &ans, HOOK_DISCO_NODE_INFO);
	disco_add_identity(ans.arena, ans.query, "account", "registered", NULL);
	for (const struct module *const *m = ev->host->modules; *m; m++)
		add_features(ans.arena, ans.query, (*m)->account_features);
	event_extend(ev->host, HOOK_DISCO_INFO, ev, ev->account, ans.arena,
		     ans.query);
	return event_reply(ev, ans.reply);
}

static enum verdict
on_account_info(struct event *ev, void *data)
{
	return roster_then(ev, account_info, data);
}

static void
add_resources(struct account *account, struct arena *a, struct xml *query)
{
	list_each (n, &account->sessions) {
		const struct session *s = session_of(n);

		if (session_is_available(s))
			xml_set(a, xml_add(a, query, "item", NULL), "jid",
				jid_str(s->jid));
	}
}

/* Who may not know gets the same as of an account that does not exist. */
static enum verdict
account_items(struct event *ev, void *data)
{
	bool may_see = roster_may_see(ev->account, ev->from);
	struct answer ans;

	(void)data;
	begin(ev, &ans);
	if (ans.node && may_see)
		return answer_node(ev, &ans, HOOK_DISCO_NODE_ITEMS);
	if (may_see)
		add_resources(ev->account, ans.arena, ans.query);
	event_extend(ev->host,
		     ans.node ? HOOK_DISCO_NODE_ITEMS : HOOK_DISCO_ITEMS, ev,
		     ev->account, ans.arena, ans.query);
	return event_reply(ev, ans.reply);
}

static enum verdict
on_account_items(struct event *ev, void *data)
{
	return roster_then(ev, account_items, data);
}

static enum verdict
on_nobody_items(struct event *ev, void *data)
{
	struct answer ans;

	(void)data;
	begin(ev, &ans);
	return event_reply(ev, ans.reply);
}

const struct module mod_disco = {
	.name = "disco",
	.slot = &slot,
	.needs = (const char *const[]){ "roster", NULL },
	.features =
		(const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NULL },
	.account_features =
		(const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_HOST, NS_DISCO_INFO, "query",
			  on_host_info },
			{ IQ_GET, TO_HOST, NS_DISCO_ITEMS, "query",
			  on_host_items },
			{ IQ_GET, TO_SELF | TO_ACCOUNT, NS_DISCO_INFO, "query",
			  on_account_info },
			{ IQ_GET, TO_SELF | TO_ACCOUNT, NS_DISCO_ITEMS, "query",
			  on_account_items },
			{ IQ_GET, TO_NOBODY, NS_DISCO_ITEMS, "query",
			  on_nobody_items },
			{ 0 },
		},
	.host_size = sizeof(struct disco),
};
