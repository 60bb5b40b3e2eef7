/* users.c - making, changing and deleting accounts. */

#include "core/users.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/c2s.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "net/workers.h"
#include "storage/accounts.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"
#include "xmpp/scram.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are no passwords; they only burn time. */
#define PASSWORD_MAX 1023

const char *
user_status_text(enum user_status st)
{
	static const char *const words[] = {
		[USER_OK] = "done",
		[USER_EXISTS] = "the account exists already",
		[USER_NOT_FOUND] = "there is no such account",
		[USER_BAD_PASSWORD] = "not a possible password",
		[USER_BUSY] = "too many passwords to hash at the moment",
		[USER_FAILED] = "the database failed; see the log",
	};

	return words[st];
}

/* One of the functions below on its way. */
struct task {
	struct job job;
	struct server *server;
	struct jid *jid;	 /* ref */
	struct account *account; /* ref; NULL: not in use */
	user_done *done;
	void *data;
	bool is_new, disables;
	int iterations;
	struct account_keys keys[ACCOUNT_HASHES];
	size_t len;
	char password[PASSWORD_MAX + 1]; /* prepared */
};

static struct task *
task_new(struct server *srv, struct jid *jid, user_done *done, void *data)
{
	struct task *t = mem_zalloc(sizeof(*t));

	t->server = srv;
	t->jid = jid_bare(jid);
	t->done = done;
	t->data = data;
	return t;
}

static void
task_end(struct task *t, enum user_status status)
{
	user_done *done = t->done;
	void *data = t->data;

	jid_unref(&t->jid);
	account_unref(&t->account);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
	done(data, status);
}

static enum user_status
to_status(struct task *t, const struct store_result *res)
{
	switch (res->status) {
	case STORE_OK:
		return USER_OK;
	case STORE_EXISTS:
		return USER_EXISTS;
	case STORE_NOT_FOUND:
		return USER_NOT_FOUND;
	default:
		log_error(&t->server->log, "account %s: %s", jid_str(t->jid),
			  res->error ? res->error : "not stored");
		return USER_FAILED;
	}
}

/* ---- a new account, a new password ---- */

/* Answers that come within the call are answers, too. */
static void
on_refused(struct job *j)
{
	struct task *t = container_of(j, struct task, job);

	task_end(t, t->len ? USER_BUSY : USER_BAD_PASSWORD);
}

static void
nothing(struct job *j)
{
	(void)j;
}

static void
run_mail(struct mail *m)
{
	struct job *j = container_of(m, struct job, mail);

	j->done(j);
}

/* In the next turn, so that done is never called inside the call. */
static void
refuse(struct task *t)
{
	t->job.work = nothing;
	t->job.done = on_refused;
	t->job.mail.run = run_mail;
	loop_send(t->server->core, t->server->core, &t->job.mail);
}

static void
stored(void *data, const struct store_result *res)
{
	struct task *t = data;
	enum user_status status = to_status(t, res);
	struct host *host = host_of(t->server, t->jid);
	struct account *a = account_find(t->server, t->jid);

	if (status == USER_OK && host)
		key_mix_changed(host);
	if (status == USER_OK && !t->is_new)
		c2s_account_changed(t->server, t->jid);
	if (status == USER_OK && t->is_new) {
		if (a)
			a->is_gone = false;
		if (host)
			event_occur(host, HOOK_ACCOUNT_CREATED, NULL, NULL,
				    t->jid);
	}
	task_end(t, status);
}

static void
derive(struct job *j)
{
	struct task *t = container_of(j, struct task, job);

	for (int h = 0; h < ACCOUNT_HASHES; h++) {
		struct scram_keys keys;
		struct account_keys *to = &t->keys[h];

		scram_keys_new((enum scram_hash)h, t->password, t->len,
			       t->iterations, &keys);
		to->iterations = keys.iterations;
		to->salt_len = keys.salt_len;
		memcpy(to->salt, keys.salt, sizeof(to->salt));
		memcpy(to->stored_key, keys.stored_key, sizeof(to->stored_key));
		memcpy(to->server_key, keys.server_key, sizeof(to->server_key));
		OPENSSL_cleanse(&keys, sizeof(keys));
	}
}

static void
derived(struct job *j)
{
	struct task *t = container_of(j, struct task, job);
	struct store *store = t->server->store;
	const char *jid = jid_str(t->jid);

	if (t->is_new)
		account_create(store, jid, t->keys, t->server->clock->wall_ms,
			       stored, t);
	else
		account_set_keys(store, jid, t->keys, stored, t);
}

/* RFC 8265 4.2: OpaqueString. */
static void
prepare(struct task *t, const char *password)
{
	struct buf b = { 0 };

	if (precis_opaque(password, strlen(password), &b) == 0 &&
	    b.len <= PASSWORD_MAX) {
		memcpy(t->password, b.data, b.len);
		t->len = b.len;
	}
	if (b.data)
		OPENSSL_cleanse(b.data, b.len);
	buf_fini(&b);
}

static void
hash_and_store(struct task *t, const char *password)
{
	t->iterations = (int)t->server->opt.scram_iterations;
	prepare(t, password);
	t->job.work = derive;
	t->job.done = derived;
	if (!t->len ||
	    workers_submit(t->server->workers, t->server->core, &t->job) < 0)
		refuse(t);
}

void
user_create(struct server *srv, struct jid *jid, const char *password,
	    user_done *done, void *data)
{
	struct task *t = task_new(srv, jid, done, data);

	t->is_new = true;
	hash_and_store(t, password);
}

void
user_set_password(struct server *srv, struct jid *jid, const char *password,
		  user_done *done, void *data)
{
	hash_and_store(task_new(srv, jid, done, data), password);
}

/* ---- the end of an account ---- */

/* Nothing of it is left but who is logged in. */
static void
bury(struct account *a, struct jid *jid)
{
	key_mix_changed(a->host);
	c2s_account_changed(a->host->server, jid);
	c2s_close_account(a, STREAM_NOT_AUTHORIZED, "the account was deleted");
	event_occur(a->host, HOOK_ACCOUNT_DELETED, NULL, a, jid);
}

static void
deleted(void *data, const struct store_result *res)
{
	struct task *t = data;
	struct account *a = account_ref(t->account);
	struct jid *jid = jid_ref(t->jid);
	enum user_status status = to_status(t, res);

	if (status == USER_FAILED)
		a->is_gone = false;
	/* XEP-0077 3.2: who has asked is answered before the stream ends. */
	task_end(t, status);
	if (status == USER_OK)
		bury(a, jid);
	account_unref(&a);
	jid_unref(&jid);
}

static void
farewell_said(struct event *ev, enum verdict v)
{
	struct task *t = ev->answer_data;

	(void)v;
	event_end(ev);
	account_delete(t->server->store, jid_str(t->jid), deleted, t);
}

void
user_delete(struct server *srv, struct jid *jid, user_done *done, void *data)
{
	struct task *t = task_new(srv, jid, done, data);
	struct host *host = host_of(srv, t->jid);
	struct event *ev = event_make(srv, host, NULL);

	t->account = account_take(host, t->jid);
	t->account->is_gone = true;
	t->account->is_known = false;
	ev->account = account_ref(t->account);
	ev->to = jid_ref(t->jid);
	ev->answer_data = t;
	event_run(ev, HOOK_ACCOUNT_DELETING, farewell_said);
}

static void
flag_stored(void *data, const struct store_result *res)
{
	struct task *t = data;
	struct server *srv = t->server;
	struct jid *jid = jid_ref(t->jid);
	bool disables = t->disables;
	enum user_status status = to_status(t, res);

	task_end(t, status);
	if (status == USER_OK && disables) {
		c2s_account_changed(srv, jid);
		user_kick(srv, jid, "the account was disabled");
	}
	jid_unref(&jid);
}

void
user_set_disabled(struct server *srv, struct jid *jid, bool disabled,
		  user_done *done, void *data)
{
	struct task *t = task_new(srv, jid, done, data);

	t->disables = disabled;
	account_set_disabled(srv->store, jid_str(t->jid), disabled, flag_stored,
			     t);
}

bool
user_kick(struct server *srv, const struct jid *jid, const char *text)
{
	struct account *a = account_find(srv, jid);
	struct session *s;
	bool was_there;

	if (!a)
		return false;
	if (jid_resource(jid)) {
		s = account_session(a, jid);
		if (s)
			c2s_close(s->stream, STREAM_NOT_AUTHORIZED, text);
		return s != NULL;
	}
	was_there = a->n_sessions > 0;
	account_ref(a);
	c2s_close_account(a, STREAM_NOT_AUTHORIZED, text);
	account_unref(&a);
	return was_there;
}
