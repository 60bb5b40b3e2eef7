/* auth.c - one client's way through SASL. */

#include "core/auth.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/auth_limits.h"
#include "core/host.h"
#include "core/server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/workers.h"
#include "storage/accounts.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct auth {
	struct host *host; /* borrowed */
	auth_stepped *stepped;
	void *data;
	char address[INET6_ADDRSTRLEN]; /* peer_group */
	struct sasl_env env;
	struct key_mix_wait wait; /* for host->keys, before the look-up */
	account_done *found;	  /* after it */
	struct sasl_offer offer;
	uint8_t exporter[TLS_EXPORTER_LEN];
	bool has_exporter; /* auth_set_exporter */
	struct sasl *sasl; /* NULL: no attempt */
	char *account;	   /* bare JID of the attempt, once it is known */
	enum sasl_cond cond;
	const char *text;
	bool is_disabled;
	bool is_stale;	 /* the account has changed since it was looked up */
	bool is_pending; /* the store, a worker or key_mix has it */
	bool is_gone;	 /* free it when that comes back */
};

struct auth *
auth_new(struct host *host, const struct tls_info *tls, bool is_secure,
	 const char *address, auth_stepped *stepped, void *data)
{
	struct auth *a = mem_zalloc(sizeof(*a));
	const struct server *srv = host->server;
	struct sasl_env *env = &a->env;

	a->host = host;
	a->stepped = stepped;
	a->data = data;
	peer_group(address, a->address);
	env->host = host->name;
	env->has_tls = is_secure;
	env->allows_plain = srv->opt.sasl_plain;
	env->hashes = (1u << SCRAM_HASHES) - 1;
	env->secret = srv->secret;
	env->secret_len = sizeof(srv->secret);
	env->mix = &host->keys.mix;
	if (tls) {
		struct sasl_binding *b = env->bindings;

		if (tls->has_exporter)
			b[SASL_TLS_EXPORTER] = (struct sasl_binding){
				.data = a->exporter,
				.len = sizeof(a->exporter),
			};
		b[SASL_TLS_SERVER_END_POINT].data = tls->end_point;
		b[SASL_TLS_SERVER_END_POINT].len = tls->end_point_len;
		b[SASL_TLS_UNIQUE].data = tls->unique;
		b[SASL_TLS_UNIQUE].len = tls->unique_len;
		/* RFC 9266 defines tls-unique away in TLS 1.3, but clients
		 * (slixmpp 1.8) know no other; where we offer -PLUS, RFC 5802
		 * 6 leaves them no other way in. It binds as well. */
		b[SASL_TLS_UNIQUE].is_unoffered = !strcmp(tls->version, "1.3");
		if (tls->peer_cert_verified)
			env->identities = tls->xmpp_addrs;
	}
	sasl_offer(env, &a->offer);
	return a;
}

static void
forget_attempt(struct auth *a)
{
	sasl_free(a->sasl);
	a->sasl = NULL;
	free(a->account);
	a->account = NULL;
	a->is_disabled = a->is_stale = false;
}

static void
destroy(struct auth *a)
{
	forget_attempt(a);
	free(a);
}

void
auth_free(struct auth *a)
{
	if (!a)
		return;
	if (a->is_pending)
		a->is_gone = true;
	else
		destroy(a);
}

void
auth_account_changed(struct auth *a, const char *account)
{
	if (a->account && !strcmp(a->account, account))
		a->is_stale = true;
}

const struct sasl_offer *
auth_offer(const struct auth *a)
{
	return &a->offer;
}

bool
auth_wants_exporter(const char *mech)
{
	size_t len = strlen(mech);

	return len > 5 && !strcmp(mech + len - 5, "-PLUS");
}

void
auth_set_exporter(struct auth *a, const uint8_t *exporter)
{
	memcpy(a->exporter, exporter, sizeof(a->exporter));
	a->has_exporter = true;
}

static void
fail(struct auth *a, enum sasl_cond cond, const char *text)
{
	a->cond = cond;
	a->text = text;
	/* Our own troubles and the client's change of mind are not counted. */
	if (cond != SASL_ABORTED && cond != SASL_TEMPORARY_AUTH_FAILURE)
		auth_limits_failed(a->host->server->auth_limits, a->account,
				   a->address);
	a->stepped(a->data, AUTH_FAILURE);
}

static void need_keys(struct auth *a);
static void need_check(struct auth *a);
static void need_account(struct auth *a);

static void
succeed(struct auth *a)
{
	/* Only who has shown the password learns that it is disabled. */
	if (a->is_stale)
		fail(a, SASL_TEMPORARY_AUTH_FAILURE, "the account has changed");
	else if (a->is_disabled)
		fail(a, SASL_ACCOUNT_DISABLED, "account is disabled");
	else
		a->stepped(a->data, AUTH_SUCCESS);
}

/* Who is over the limit is refused before anything is looked up. */
static bool
may_try(struct auth *a)
{
	if (!a->account)
		a->account = mem_printf("%s@%s", sasl_username(a->sasl),
					a->host->name);
	return auth_limits_allow(a->host->server->auth_limits, a->account,
				 a->address);
}

static void
go_on(struct auth *a, enum sasl_step step)
{
	switch (step) {
	case SASL_CONTINUE:
		a->stepped(a->data, AUTH_CHALLENGE);
		return;
	case SASL_SUCCESS:
		succeed(a);
		return;
	case SASL_FAILURE:
		fail(a, sasl_cond(a->sasl), sasl_text(a->sasl));
		return;
	case SASL_NEED_KEYS:
	case SASL_NEED_CHECK:
	case SASL_NEED_ACCOUNT:
		break;
	}
	if (!may_try(a))
		fail(a, SASL_TEMPORARY_AUTH_FAILURE, "too many failures");
	else if (step == SASL_NEED_KEYS)
		need_keys(a);
	else if (step == SASL_NEED_CHECK)
		need_check(a);
	else
		need_account(a);
}

/* The store or a worker has answered: false where nobody waits any more. */
static bool
came_back(struct auth *a)
{
	a->is_pending = false;
	if (!a->is_gone)
		return true;
	destroy(a);
	return false;
}

static bool
store_failed(struct auth *a, const struct account_result *res)
{
	if (res->res.status == STORE_OK || res->res.status == STORE_NOT_FOUND)
		return false;
	fail(a, SASL_TEMPORARY_AUTH_FAILURE, "the store failed");
	return true;
}

static void
to_scram(const struct account_keys *from, struct scram_keys *to)
{
	*to = (struct scram_keys){ 0 };
	to->iterations = from->iterations;
	to->salt_len = from->salt_len;
	memcpy(to->salt, from->salt, from->salt_len);
	memcpy(to->stored_key, from->stored_key, sizeof(from->stored_key));
	memcpy(to->server_key, from->server_key, sizeof(from->server_key));
}

static void
keys_done(void *data, const struct account_result *res)
{
	struct auth *a = data;
	struct scram_keys keys;

	if (!came_back(a) || store_failed(a, res))
		return;
	if (res->res.status == STORE_NOT_FOUND) {
		go_on(a, sasl_keys(a->sasl, NULL));
		return;
	}
	a->is_disabled = res->account->disabled;
	to_scram(&res->account->keys[sasl_hash(a->sasl)], &keys);
	go_on(a, sasl_keys(a->sasl, &keys));
	OPENSSL_cleanse(&keys, sizeof(keys));
}

static void
keys_known(struct key_mix_wait *w, bool ok)
{
	struct auth *a = container_of(w, struct auth, wait);

	if (ok && !a->is_gone)
		account_get(a->host->store, a->account, a->found, a);
	else if (came_back(a))
		fail(a, SASL_TEMPORARY_AUTH_FAILURE, "the store failed");
}

static void
look_up(struct auth *a, account_done *done)
{
	a->is_pending = true;
	a->found = done;
	a->wait.fn = keys_known;
	key_mix_then(a->host, &a->wait);
}

static void
need_keys(struct auth *a)
{
	look_up(a, keys_done);
}

static void
account_found(void *data, const struct account_result *res)
{
	struct auth *a = data;
	bool is_there = res->res.status == STORE_OK;

	if (!came_back(a) || store_failed(a, res))
		return;
	a->is_disabled = is_there && res->account->disabled;
	go_on(a, sasl_account(a->sasl, is_there));
}

static void
need_account(struct auth *a)
{
	look_up(a, account_found);
}

/* PLAIN: a key derivation, milliseconds long. */
struct check_job {
	struct job job;
	struct auth *auth;
	enum scram_hash hash;
	struct scram_keys keys;
	bool is_right;
	size_t len;
	char password[];
};

static void
check_work(struct job *j)
{
	struct check_job *c = container_of(j, struct check_job, job);

	c->is_right =
		scram_verify_password(c->hash, &c->keys, c->password, c->len);
}

static void
check_free(struct check_job *c)
{
	OPENSSL_cleanse(c, sizeof(*c) + c->len);
	free(c);
}

static void
check_done(struct job *j)
{
	struct check_job *c = container_of(j, struct check_job, job);
	struct auth *a = c->auth;
	bool is_right = c->is_right;

	check_free(c);
	if (came_back(a))
		go_on(a, sasl_checked(a->sasl, is_right));
}

/* SHA-256 where there is a choice: for unknown users always. */
static void
choose_keys(const struct auth *a, const struct account_result *res,
	    struct check_job *c)
{
	static const enum scram_hash order[] = { SCRAM_SHA256, SCRAM_SHA512,
						 SCRAM_SHA1 };

	for (size_t i = 0; res->account && i < N_ELEMENTS(order); i++) {
		const struct account_keys *k = &res->account->keys[order[i]];

		if (!k->iterations)
			continue;
		c->hash = order[i];
		to_scram(k, &c->keys);
		return;
	}
	c->hash = SCRAM_SHA256;
	sasl_fake_keys(a->sasl, c->hash, &c->keys);
}

static void
check_keys_done(void *data, const struct account_result *res)
{
	struct auth *a = data;
	struct server *srv = a->host->server;
	struct check_job *c;
	const char *password;
	size_t len;

	if (!came_back(a) || store_failed(a, res))
		return;
	a->is_disabled = res->account && res->account->disabled;
	password = sasl_password(a->sasl, &len);
	c = mem_zalloc(sizeof(*c) + len + 1);
	c->auth = a;
	c->len = len;
	memcpy(c->password, password, len);
	c->job.work = check_work;
	c->job.done = check_done;
	choose_keys(a, res, c);
	a->is_pending = true;
	if (workers_submit(srv->workers, srv->core, &c->job) == 0)
		return;
	a->is_pending = false;
	check_free(c);
	fail(a, SASL_TEMPORARY_AUTH_FAILURE, "too many passwords to check");
}

static void
need_check(struct auth *a)
{
	look_up(a, check_keys_done);
}

void
auth_start(struct auth *a, const char *mech, const char *text)
{
	enum sasl_cond cond;

	forget_attempt(a);
	if (!auth_limits_allow(a->host->server->auth_limits, NULL,
			       a->address)) {
		fail(a, SASL_TEMPORARY_AUTH_FAILURE, "too many failures");
		return;
	}
	/* Offered, so OpenSSL has failed. Zeros would bind to nothing. */
	if (auth_wants_exporter(mech) && !a->has_exporter &&
	    a->env.bindings[SASL_TLS_EXPORTER].len) {
		fail(a, SASL_TEMPORARY_AUTH_FAILURE, "no tls-exporter");
		return;
	}
	a->sasl = sasl_new(&a->env, &a->offer, mech, &cond);
	if (a->sasl)
		go_on(a, sasl_step_text(a->sasl, text, strlen(text)));
	else
		fail(a, cond, "mechanism is not offered");
}

void
auth_respond(struct auth *a, const char *text)
{
	if (a->sasl)
		go_on(a, sasl_step_text(a->sasl, text, strlen(text)));
	else
		fail(a, SASL_MALFORMED_REQUEST, "response without auth");
}

void
auth_abort(struct auth *a)
{
	fail(a, SASL_ABORTED, "aborted by the client");
}

const struct sasl *
auth_sasl(const struct auth *a)
{
	return a->sasl;
}

enum sasl_cond
auth_cond(const struct auth *a)
{
	return a->cond;
}

const char *
auth_account(const struct auth *a)
{
	return a->account;
}

const char *
auth_text(const struct auth *a)
{
	return a->text;
}
