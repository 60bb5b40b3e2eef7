/*
 * s2s_dialback.c - server dialback (XEP-0220) in all its roles: as the
 * initiating server we show a key, as the receiving one we ask its owner about
 * one that was shown to us, as the authoritative one we are asked. Keys are
 * those of XEP-0185, so that nothing has to be remembered about them.
 */

#include "xmpp/dialback.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Keys that turned out to be false, before the stream ends. */
#define MAX_FAILURES 3

/* Domains whose owners could not be asked, before the stream ends: each has
 * cost us a connection. */
#define MAX_UNPROVED 100

static void
say(struct s2s *s, const struct dialback *d, const char *text)
{
	struct buf *b = &s->server->scratch;

	b->len = 0;
	dialback_write(b, d, text);
	s2s_flush(s);
}

/* The answer to d. */
static void
answer(struct s2s *s, const struct dialback *d, enum dialback_type type,
       enum stanza_cond cond, const char *text)
{
	struct dialback reply = {
		.is_verify = d->is_verify,
		.type = type,
		.from = d->to,
		.to = d->from,
		.id = d->id,
		.error = cond,
	};

	say(s, &reply, text);
}

/* ---- as the initiating server ---- */

void
s2s_dialback_ask(struct s2s *s, const char *local, const char *remote)
{
	char key[DIALBACK_KEY_SIZE];
	struct dialback d = {
		.type = DIALBACK_REQUEST,
		.from = jid_make(NULL, local, NULL),
		.to = jid_make(NULL, remote, NULL),
		.key = key,
	};

	dialback_key(s->server->secret, remote, local, s->peer_id, key);
	say(s, &d, NULL);
	jid_unref(&d.from);
	jid_unref(&d.to);
}

static const char *
refusal(const struct dialback *d)
{
	return d->type == DIALBACK_INVALID ? "the key is not valid"
					   : stanza_cond_name(d->error);
}

static void
on_own_result(struct s2s *s, const struct dialback *d)
{
	char *why;

	if (d->type == DIALBACK_VALID) {
		s2s_out_accepted(s, "dialback");
		s2s_sm_begin(s);
		return;
	}
	/* XEP-0220 2.1.1 */
	if (d->type == DIALBACK_INVALID)
		s->cond = COND_INTERNAL_SERVER_ERROR;
	why = mem_printf("it refuses dialback: %s", refusal(d));
	s2s_out_failed(s, why);
	free(why);
}

static void
on_result(struct s2s *s, const struct dialback *d)
{
	const char *local = jid_str(d->to), *remote = jid_str(d->from);
	struct s2s_link *l;

	if (s->state == S2S_DIALBACK && !strcmp(local, s->local) &&
	    !strcmp(remote, s->remote)) {
		on_own_result(s, d);
		return;
	}
	l = s2s_link_find(s->all, local, remote);
	if (!l || l->stream != s || l->state != LINK_ASKED)
		return;
	if (d->type == DIALBACK_VALID) {
		if (s->is_bidi)
			s2s_add_pair(s, remote, local);
		s2s_link_up(l);
	} else {
		/* XEP-0220 2.6: then by a stream of its own. */
		s2s_link_detach(l);
		l->is_alone = true;
		s2s_link_connect(l);
	}
}

/* ---- as the receiving server ---- */

static void
verify_free(struct s2s_verify *v)
{
	struct s2s_peer *p = s2s_peer_find(v->in->all, v->remote);

	list_remove(&v->of_in);
	list_remove(&v->of_peer);
	free(v->local);
	free(v->remote);
	free(v->key);
	free(v);
	if (p)
		s2s_peer_tidy(p);
}

static void
verified(struct s2s_verify *v)
{
	struct s2s *in = v->in;

	/* Whatever the header has said. */
	if (!in->auth) {
		free(in->remote);
		in->remote = mem_strdup(v->remote);
	}
	s2s_set_peer(in, v->remote);
	s2s_add_pair(in, v->remote, v->local);
	s2s_authenticated(in, "dialback");
	/* Stanzas may follow as soon as the answer is there. */
	if (in->state == S2S_NEGOTIATE)
		s2s_run(in);
}

/* Tells who has shown the key, and forgets it. */
static void
finish(struct s2s_verify *v, enum dialback_type type, enum stanza_cond cond)
{
	struct s2s *in = v->in;
	struct log log = s2s_log(in);
	bool has_others = in->pairs.n > 0;
	bool is_new = in->state == S2S_NEGOTIATE;
	struct dialback d = {
		.type = type,
		.from = jid_make(NULL, v->local, NULL),
		.to = jid_make(NULL, v->remote, NULL),
		.error = cond,
	};

	if (type == DIALBACK_VALID)
		verified(v);
	else if (server_may_log(in->server))
		log_info(&log, "dialback for %s refused: %s", v->remote,
			 type == DIALBACK_INVALID ? "the key is not its own"
						  : stanza_cond_name(cond));
	/* XEP-0220 2.2.1: it may be wrong about one of several domains. */
	if (type == DIALBACK_INVALID && has_others) {
		d.type = DIALBACK_ERROR;
		d.error = COND_FORBIDDEN;
	}
	say(in, &d, NULL);
	jid_unref(&d.from);
	jid_unref(&d.to);
	verify_free(v);
	/* What is ours comes behind the answer (XEP-0288 2.2). */
	if (type == DIALBACK_VALID && is_new)
		s2s_in_ready(in);
	if (type == DIALBACK_INVALID &&
	    (!has_others || ++in->n_failures >= MAX_FAILURES))
		s2s_close(in, STREAM_NONE, "a false dialback key");
	else if (type == DIALBACK_ERROR && ++in->n_unproved >= MAX_UNPROVED)
		s2s_close(in, STREAM_POLICY_VIOLATION,
			  "too many domains that cannot be verified");
}

/* Who was connected to has given it. */
static const char *
stream_id(const struct s2s *s)
{
	return s->is_out ? s->peer_id : s->id;
}

static void
ask_about(struct s2s *s, struct s2s_verify *v)
{
	struct dialback d = {
		.is_verify = true,
		.type = DIALBACK_REQUEST,
		.from = jid_make(NULL, v->local, NULL),
		.to = jid_make(NULL, v->remote, NULL),
		.id = stream_id(v->in),
		.key = v->key,
	};

	list_remove(&v->of_peer);
	list_append(&s->asked, &v->of_peer);
	v->via = s;
	say(s, &d, NULL);
	jid_unref(&d.from);
	jid_unref(&d.to);
}

void
s2s_dialback_verify_all(struct s2s *s)
{
	list_each_safe (n, &s->peer->verifies)
		ask_about(s, container_of(n, struct s2s_verify, of_peer));
}

/* By a stream that is there, or by a new one; never by the one that the key
 * came by (XEP-0288 3). */
static void
verify(struct s2s_peer *p, struct s2s_verify *v)
{
	bool is_coming = false;
	struct s2s *s;

	list_append(&p->verifies, &v->of_peer);
	list_each (n, &p->streams) {
		s = container_of(n, struct s2s, of_peer);
		if (s == v->in)
			continue;
		if (s2s_out_can_verify(s)) {
			ask_about(s, v);
			return;
		}
		if (s->is_out && s->state != S2S_CLOSING &&
		    s->state != S2S_DRAINING && s->state != S2S_BROKEN)
			is_coming = true;
	}
	if (is_coming)
		return;
	if (s2s_may_dial(v->in->all, v->in->address))
		s2s_out_dial(s2s_out_new(p, v->local, v->in->address));
	else
		finish(v, DIALBACK_ERROR, COND_RESOURCE_CONSTRAINT);
}

static size_t
n_open(const struct s2s *s)
{
	size_t n = 0;

	list_each (i, &s->verifies)
		n++;
	return n;
}

/* COND_NONE: the owner of the key is to be asked. */
static enum stanza_cond
judge(const struct s2s *s, const struct dialback *d, const char **text_out)
{
	struct remote_policy policy;

	if (!s2s_is_ours(s->server, jid_str(d->to)))
		return COND_ITEM_NOT_FOUND;
	remote_policy_of(s->server, jid_str(d->from), &policy);
	if (policy.is_blocked) {
		*text_out = "not talked to from here";
		return COND_POLICY_VIOLATION;
	}
	/* The header may have named another domain, or none. */
	if (policy.require_tls && !s->is_secure) {
		*text_out = "TLS is required";
		return COND_POLICY_VIOLATION;
	}
	if (!policy.allow_dialback) {
		*text_out = "a valid certificate is required";
		return COND_NOT_AUTHORIZED;
	}
	if (!s2s_has_room(s) ||
	    n_open(s) >= (size_t)s->server->opt.s2s_dialback_max) {
		*text_out = "too many requests are open";
		return COND_RESOURCE_CONSTRAINT;
	}
	return COND_NONE;
}

static void
on_request(struct s2s *s, const struct dialback *d)
{
	const char *text = NULL;
	enum stanza_cond bad;
	struct s2s_verify *v;

	/* Nobody else has our domains. */
	if (s2s_is_ours(s->server, jid_str(d->from))) {
		s2s_close(s, STREAM_INVALID_FROM, NULL);
		return;
	}
	bad = judge(s, d, &text);
	if (bad) {
		answer(s, d, DIALBACK_ERROR, bad, text);
		return;
	}
	v = mem_zalloc(sizeof(*v));
	v->in = s;
	v->local = mem_strdup(jid_str(d->to));
	v->remote = mem_strdup(jid_str(d->from));
	v->key = mem_strdup(d->key);
	list_append(&s->verifies, &v->of_in);
	verify(s2s_peer_take(s->all, v->remote), v);
}

/* XEP-0220 2.3.2: only what was asked here. */
static void
on_verified(struct s2s *s, const struct dialback *d)
{
	list_each (n, &s->asked) {
		struct s2s_verify *v =
			container_of(n, struct s2s_verify, of_peer);

		if (strcmp(stream_id(v->in), d->id) != 0 ||
		    strcmp(v->remote, jid_str(d->from)) != 0 ||
		    strcmp(v->local, jid_str(d->to)) != 0)
			continue;
		/* XEP-0220 2.4: whatever it was. */
		finish(v, d->type,
		       d->type == DIALBACK_ERROR ? COND_REMOTE_SERVER_NOT_FOUND
						 : COND_NONE);
		return;
	}
}

void
s2s_dialback_peer_failed(struct s2s_peer *p, enum stanza_cond cond)
{
	struct list *n;

	while ((n = list_pop(&p->verifies)))
		finish(container_of(n, struct s2s_verify, of_peer),
		       DIALBACK_ERROR, cond);
}

void
s2s_dialback_forget(struct s2s *s)
{
	struct list *n;

	while ((n = list_pop(&s->asked)))
		finish(container_of(n, struct s2s_verify, of_peer),
		       DIALBACK_ERROR, COND_REMOTE_SERVER_TIMEOUT);
	while ((n = list_pop(&s->verifies)))
		verify_free(container_of(n, struct s2s_verify, of_in));
}

/* ---- as the authoritative server ---- */

static void
on_verify(struct s2s *s, const struct dialback *d)
{
	const char *local = jid_str(d->to), *remote = jid_str(d->from);

	if (!s2s_is_ours(s->server, local))
		answer(s, d, DIALBACK_ERROR, COND_ITEM_NOT_FOUND, NULL);
	else if (dialback_key_is(s->server->secret, remote, local, d->id,
				 d->key))
		answer(s, d, DIALBACK_VALID, COND_NONE, NULL);
	else
		answer(s, d, DIALBACK_INVALID, COND_NONE, NULL);
}

bool
s2s_dialback(struct s2s *s, struct arena *a, const struct xml *x)
{
	struct dialback d;

	if (strcmp(x->ns, NS_DIALBACK) != 0)
		return false;
	if (dialback_read(a, x, &d) < 0) {
		if (s->is_out && !s->has_run)
			s2s_out_failed(s, "its dialback is malformed");
		else
			s2s_close(s, STREAM_BAD_FORMAT, "dialback");
		return true;
	}
	if (d.is_verify && d.type == DIALBACK_REQUEST)
		on_verify(s, &d);
	else if (d.is_verify)
		on_verified(s, &d);
	else if (d.type != DIALBACK_REQUEST)
		on_result(s, &d);
	else if (!s->is_out || (s->is_bidi && s->has_run))
		on_request(s, &d);
	else
		answer(s, &d, DIALBACK_ERROR, COND_POLICY_VIOLATION, NULL);
	return true;
}
