/* register.c - new passwords, the end of an account, and, where the
 * administrator wants that, new accounts (XEP-0077). */

#include "base/arena.h"
#include "core/counts.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "core/session.h"
#include "core/users.h"
#include "net/listener.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

static const int64_t hour_ms = 3600 * INT64_C(1000);

/* Names that are taken, and the like: somebody has to find a free one. */
#define TRIES_PER_ACCOUNT 5

#define FORM_CHANGE NS_REGISTER ":changepassword"

struct registration {		       /* per host */
	bool is_open;		       /* option registration */
	int64_t per_hour;	       /* option registration-per-hour */
	int64_t shortest;	       /* option registration-password-min */
	struct option_list reserved;   /* option registration-reserved */
	struct host *host;	       /* borrowed */
	struct counts tries, accounts; /* in an hour, by address */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "registration", OPT_BOOL, offsetof(struct registration, is_open),
	  .def = "no",
	  .doc = "Whether everybody who can reach the server may make an "
		 "account from a client." },
	{ "registration-per-hour", OPT_INT,
	  offsetof(struct registration, per_hour), .def = "5", .min = 1,
	  .max = 1000000,
	  .doc = "Accounts that can be made from one address (IPv6: from one "
		 "/64) within an hour." },
	{ "registration-password-min", OPT_INT,
	  offsetof(struct registration, shortest), .def = "8", .min = 1,
	  .max = 256,
	  .doc = "Characters that a password must have at least which is "
		 "chosen in a client." },
	{ "registration-reserved", OPT_LIST,
	  offsetof(struct registration, reserved),
	  .def = "abuse admin administrator hostmaster info noc postmaster "
		 "root security support webmaster xmpp",
	  .doc = "Names for which nobody can make an account from a client. "
		 "Those of the administrators are reserved anyway." },
	{ 0 },
};

/* ---- answers ---- */

/* XEP-0086, which XEP-0077 section 8 still asks for. */
static int
legacy_code(enum stanza_cond cond)
{
	switch (cond) {
	case COND_BAD_REQUEST:
	case COND_UNEXPECTED_REQUEST:
		return 400;
	case COND_NOT_ALLOWED:
		return 405;
	case COND_NOT_ACCEPTABLE:
		return 406;
	case COND_REGISTRATION_REQUIRED:
		return 407;
	case COND_CONFLICT:
		return 409;
	case COND_SERVICE_UNAVAILABLE:
		return 503;
	default:
		return 500;
	}
}

/* Section 3.3: an error does not return what was sent, since there is a
 * password in it. */
static enum verdict
fail(struct event *ev, enum stanza_cond cond, const char *text)
{
	struct stanza *with = stanza_error(ev->stanza, cond, text), *reply;
	struct xml *error = xml_child(with->root, "error", NS_CLIENT);

	reply = stanza_new(STANZA_IQ, TYPE_ERROR, with->from, with->to,
			   stanza_id(with));
	error = xml_deep_copy(reply->arena, error);
	xml_set_int(reply->arena, error, "code", legacy_code(cond));
	xml_append(reply->arena, reply->root, error);
	stanza_unref(&with);
	return event_reply(ev, reply);
}

static enum verdict
fail_status(struct event *ev, enum user_status status)
{
	switch (status) {
	case USER_EXISTS:
		return fail(ev, COND_CONFLICT, NULL);
	case USER_NOT_FOUND:
		return fail(ev, COND_REGISTRATION_REQUIRED, NULL);
	case USER_BAD_PASSWORD:
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "this is not a possible password");
	case USER_BUSY:
		return fail(ev, COND_RESOURCE_CONSTRAINT, NULL);
	default:
		return fail(ev, COND_INTERNAL_SERVER_ERROR, NULL);
	}
}

/* What was filled in: the form goes before the elements (section 6). */
static const char *
filled_in(struct arena *a, const struct xml *query, const char *name)
{
	const struct xml *form = form_find(query);

	return form ? form_get(a, form, name)
		    : xml_child_text(a, query, name, NS_REGISTER);
}

static bool
is_too_short(const struct registration *reg, const char *password)
{
	int64_t n = 0;

	for (; *password; password++) {
		if ((*password & 0xc0) != 0x80)
			n++;
	}
	return n < reg->shortest;
}

/* ---- users who have logged in ---- */

/* Section 3.1: what is on file. */
static enum verdict
tell(struct event *ev)
{
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "query", NS_REGISTER);

	xml_add(a, x, "registered", NULL);
	xml_add_text(a, x, "instructions", NULL,
		     "You have an account here. Choose a new password.");
	xml_add_text(a, x, "username", NULL,
		     jid_local(ev->session->account->jid));
	xml_add(a, x, "password", NULL);
	return event_reply(ev, reply);
}

static void
password_changed(void *data, enum user_status status)
{
	struct event *ev = data;

	if (status != USER_OK) {
		fail_status(ev, status);
		return;
	}
	log_info(ev->log, "has changed the password");
	event_reply_empty(ev);
}

/* "romeo" or, as in the form of section 3.3, romeo@example.org. */
static bool
is_own_name(const struct account *a, const char *username)
{
	struct jid *jid = strchr(username, '@')
				  ? jid_parse(username)
				  : jid_make(username, a->host->name, NULL);
	bool is_own = jid && jid_eq(jid, a->jid);

	jid_unref(&jid);
	return is_own;
}

/* Section 3.3 */
static enum verdict
change_password(struct event *ev, const struct registration *reg,
		const struct xml *query)
{
	const struct xml *form = form_find(query);
	struct account *own = ev->session->account;
	struct arena *a = event_arena(ev);
	const char *username = filled_in(a, query, "username");
	const char *password = filled_in(a, query, "password");

	if (form && form_has_type(form, "cancel"))
		return event_reply_empty(ev);
	if (form && !form_is_for(form, FORM_CHANGE) &&
	    !form_is_for(form, NS_REGISTER))
		return fail(ev, COND_BAD_REQUEST, "this is another form");
	if (!username || !password || !*password)
		return fail(ev, COND_BAD_REQUEST,
			    "the username and a password are needed");
	if (!is_own_name(own, username))
		return fail(ev, COND_NOT_ALLOWED,
			    "this is not the name of your account");
	if (is_too_short(reg, password))
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "this password is too short");
	user_set_password(ev->server, own->jid, password, password_changed, ev);
	return WAIT;
}

static void
removed(void *data, enum user_status status)
{
	struct event *ev = data;

	if (status != USER_OK) {
		fail_status(ev, status);
		return;
	}
	log_info(ev->log, "has cancelled the account");
	event_reply_empty(ev);
}

/* Section 3.2. The streams end after the answer, in user_delete. */
static enum verdict
cancel(struct event *ev, const struct xml *query)
{
	struct xml **at = NULL;

	/* The only child. */
	xml_step(query, &at);
	if (xml_step(query, &at))
		return fail(ev, COND_BAD_REQUEST, NULL);
	user_delete(ev->server, ev->session->account->jid, removed, ev);
	return WAIT;
}

static enum verdict
on_query(struct event *ev, void *data)
{
	const struct xml *query = stanza_payload(ev->stanza);
	bool is_remove = xml_child(query, "remove", NS_REGISTER) != NULL;

	if (!ev->session || ev->session->host != ev->host) {
		/* No account of this host: section 3.2. */
		if (ev->stanza->type == TYPE_SET && is_remove)
			return fail(ev, COND_REGISTRATION_REQUIRED, NULL);
		return PASS;
	}
	if (ev->stanza->type == TYPE_GET)
		return tell(ev);
	return is_remove ? cancel(ev, query) : change_password(ev, data, query);
}

/* ---- new accounts ---- */

static const struct form_field fields[] = {
	{ "username", FORM_TEXT_SINGLE, "Username", .is_required = true },
	{ "password", FORM_TEXT_PRIVATE, "Password", .is_required = true },
	{ 0 },
};

static enum verdict
on_features(struct event *ev, void *data)
{
	const struct registration *reg = data;

	if (reg->is_open)
		xml_add(ev->arena, ev->xml, "register", NS_REGISTER_FEATURE);
	return PASS;
}

static enum verdict
ask(struct event *ev)
{
	static const char words[] = "Choose a username and a password.";
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "query", NS_REGISTER);

	xml_add_text(a, x, "instructions", NULL, words);
	xml_add(a, x, "username", NULL);
	xml_add(a, x, "password", NULL);
	form_add_fields(a, form_add(a, x, NS_REGISTER, "A new account", words),
			fields);
	return event_reply(ev, reply);
}

/* On its way to the store; in the event's arena. */
struct attempt {
	struct event *event;
	struct registration *reg; /* borrowed */
	struct jid *jid;	  /* ref */
	char key[INET6_ADDRSTRLEN];
};

static void
created(void *data, enum user_status status)
{
	struct attempt *t = data;
	struct event *ev = t->event;

	if (status == USER_OK) {
		counts_add(&t->reg->accounts, t->key);
		log_info(ev->log, "%s was registered from %s", jid_str(t->jid),
			 t->key);
		jid_unref(&t->jid);
		event_reply_empty(ev);
		return;
	}
	jid_unref(&t->jid);
	fail_status(ev, status);
}

static bool
is_reserved(const struct registration *reg, const struct jid *jid)
{
	for (size_t i = 0; i < reg->reserved.n; i++) {
		if (!strcmp(reg->reserved.items[i], jid_local(jid)))
			return true;
	}
	return host_is_admin(reg->host, jid);
}

/* Takes the reference. */
static enum verdict
create(struct event *ev, struct registration *reg, struct jid *jid,
       const char *password)
{
	struct attempt *t = arena_zalloc(event_arena(ev), sizeof(*t));

	t->event = ev;
	t->reg = reg;
	t->jid = jid;
	peer_group(ev->peer_address, t->key);
	if (counts_get(&reg->accounts, t->key) >= reg->per_hour ||
	    counts_get(&reg->tries, t->key) >=
		    reg->per_hour * TRIES_PER_ACCOUNT) {
		if (server_may_log(ev->host->server))
			log_info(ev->log, "too many registrations from %s",
				 t->key);
		jid_unref(&jid);
		/* Section 3.1.1 */
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "too many registrations from your address; try "
			    "again later");
	}
	counts_add(&reg->tries, t->key);
	user_create(ev->server, jid, password, created, t);
	return WAIT;
}

static enum verdict
judge(struct event *ev, struct registration *reg, const struct xml *query)
{
	const struct xml *form = form_find(query);
	struct arena *a = event_arena(ev);
	const char *username = filled_in(a, query, "username");
	const char *password = filled_in(a, query, "password");
	struct jid *jid;

	if (form && form_has_type(form, "cancel"))
		return event_reply_empty(ev);
	if (form && !form_is_for(form, NS_REGISTER))
		return fail(ev, COND_BAD_REQUEST, "this is another form");
	if (!username || !*username || !password || !*password)
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "a username and a password are needed");
	if (is_too_short(reg, password))
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "this password is too short");
	jid = jid_make(username, ev->host->name, NULL);
	if (!jid)
		return fail(ev, COND_NOT_ACCEPTABLE,
			    "this is not a possible username");
	if (!is_reserved(reg, jid))
		return create(ev, reg, jid, password);
	jid_unref(&jid);
	return fail(ev, COND_NOT_ACCEPTABLE, "this username is reserved");
}

static enum verdict
on_unauthenticated(struct event *ev, void *data)
{
	struct registration *reg = data;
	const struct xml *query = stanza_payload(ev->stanza);

	if (!xml_is(query, "query", NS_REGISTER) || ev->stanza->bad_to ||
	    (ev->to && !jid_eq(ev->to, ev->host->jid)))
		return PASS;
	if (!reg->is_open)
		return fail(ev, COND_SERVICE_UNAVAILABLE, NULL);
	if (ev->stanza->type == TYPE_GET)
		return ask(ev);
	/* Section 3.2: of whom? */
	if (xml_child(query, "remove", NS_REGISTER))
		return fail(ev, COND_UNEXPECTED_REQUEST, NULL);
	return judge(ev, reg, query);
}

static int
load(struct host *host, void *data, struct err *err)
{
	struct registration *reg = data;

	(void)err;
	reg->host = host;
	counts_init(&reg->tries, host->server->core, &hour_ms);
	counts_init(&reg->accounts, host->server->core, &hour_ms);
	return 0;
}

static void
unload(struct host *host, void *data)
{
	struct registration *reg = data;

	(void)host;
	counts_fini(&reg->tries);
	counts_fini(&reg->accounts);
}

const struct module mod_register = {
	.name = "register",
	.slot = &slot,
	.features = (const char *const[]){ NS_REGISTER, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_STREAM_FEATURES_UNAUTHENTICATED, PHASE_STAMP,
			  on_features },
			{ HOOK_IQ_UNAUTHENTICATED, PHASE_DELIVER,
			  on_unauthenticated },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_ANY, TO_HOST | TO_SELF, NS_REGISTER, "query",
			  on_query },
			{ 0 },
		},
	.host_size = sizeof(struct registration),
	.load = load,
	.unload = unload,
};
