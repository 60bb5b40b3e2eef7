/*
 * c2s_negotiate.c - from a client's stream header to its bound resource:
 * STARTTLS, SASL, binding (RFC 6120 sections 4 to 7).
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/auth.h"
#include "core/c2s_private.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "core/wire.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 6120 6.4.5: at least 2 and no more than 5 tries on one stream. */
#define MAX_FAILURES 3

#define PROCEED "<proceed xmlns='" NS_TLS "'/>"

/* ---- features ---- */

static void
add_limits(struct c2s *c, struct arena *a, struct xml *features)
{
	const struct server_options *opt = &c->server->opt;
	struct xml *limits = xml_add(a, features, "limits", NS_LIMITS);
	bool is_authenticated = c->account != NULL;
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64,
		 is_authenticated ? opt->stanza_max : opt->stanza_max_unauth);
	xml_add_text(a, limits, "max-bytes", NULL, number);
	if (!is_authenticated || !opt->c2s_idle_timeout)
		return;
	snprintf(number, sizeof(number), "%" PRId64,
		 opt->c2s_idle_timeout / 1000);
	xml_add_text(a, limits, "idle-seconds", NULL, number);
}

static void
add_mechanisms(struct c2s *c, struct arena *a, struct xml *features)
{
	const struct sasl_offer *offer = auth_offer(c->auth);
	struct xml *x = xml_add(a, features, "mechanisms", NS_SASL);

	for (const char *const *m = offer->mechs; *m; m++)
		xml_add_text(a, x, "mechanism", NULL, *m);
	if (!offer->bindings[0])
		return;
	x = xml_add(a, features, "sasl-channel-binding", NS_SASL_CB);
	for (const char *const *b = offer->bindings; *b; b++)
		xml_set(a, xml_add(a, x, "channel-binding", NULL), "type", *b);
}

static void
send_features(struct c2s *c)
{
	struct arena *a = arena_new();
	struct xml *features = xml_new(a, "features", NS_CLIENT);
	struct buf *b = &c->server->scratch;
	struct xml *x;

	if (!c->account && !c->is_secure && c->server->c2s_tls) {
		x = xml_add(a, features, "starttls", NS_TLS);
		if (c->server->opt.c2s_require_tls)
			xml_add(a, x, "required", NULL);
	}
	if (c->auth)
		add_mechanisms(c, a, features);
	if (c->account)
		xml_add(a, features, "bind", NS_BIND);
	add_limits(c, a, features);
	if (c->account || c->is_secure)
		event_extend(c->host,
			     c->account ? HOOK_STREAM_FEATURES
					: HOOK_STREAM_FEATURES_UNAUTHENTICATED,
			     NULL, c->account, a, features);
	b->len = 0;
	buf_adds(b, "<stream:features>");
	xml_each (kid, features)
		xml_write(b, kid, NS_CLIENT);
	buf_adds(b, "</stream:features>");
	c2s_write(c, b->data, b->len, NULL);
	arena_unref(&a);
}

/* ---- the header ---- */

static void on_auth_step(void *data, enum auth_step step);

/* RFC 6120 4.7.4: our language, or a kind of it that the client prefers. */
static const char *
choose_lang(const char *wish)
{
	bool is_ours = wish && !strncasecmp(wish, "en", 2) &&
		       (!wish[2] || wish[2] == '-');

	return is_ours ? wish : "en";
}

void
c2s_send_open(struct c2s *c, const struct stream_header *h)
{
	const struct host *host = c->host ? c->host : c->server->first_host;
	struct buf *b = &c->server->scratch;
	char id[25];
	struct stream_open open = {
		.ns = NS_CLIENT,
		.from = host->name,
		.to = h && h->from ? jid_bare_str(h->from) : NULL,
		.id = id,
		.lang = choose_lang(h ? h->lang : NULL),
		.without_version = h && h->major < 1,
	};

	/* RFC 6120 4.7.3: unique, and not to be guessed. */
	token_make(id, sizeof(id) - 1);
	b->len = 0;
	stream_write_open(b, &open);
	c2s_write(c, b->data, b->len, NULL);
	c->is_opened = true;
}

/* NULL: all is well; else why the stream cannot be. */
static enum stream_cond
judge_header(struct c2s *c, const struct stream_header *h)
{
	struct host *host;

	if (h->error)
		return h->error;
	if (!h->to)
		return STREAM_IMPROPER_ADDRESSING;
	host = jid_is_domain(h->to) ? host_of(c->server, h->to) : NULL;
	if (!host)
		return STREAM_HOST_UNKNOWN;
	/* A restarted stream stays with whom it was authenticated for. */
	if (c->account && c->host != host)
		return STREAM_NOT_AUTHORIZED;
	c->host = host;
	return STREAM_NONE;
}

/* A tag that is longer than this one is none (BCP 47 section 4.4.1). */
#define LANG_MAX 35

static void
keep_lang(struct c2s *c, const char *lang)
{
	free(c->lang);
	c->lang = lang && *lang && strlen(lang) <= LANG_MAX ? mem_strdup(lang)
							    : NULL;
}

void
c2s_on_open(void *owner, struct arena *a, struct xml *header,
	    const char *default_ns)
{
	struct c2s *c = owner;
	struct stream_header h;
	enum stream_cond bad;

	stream_header_read(header, default_ns, NS_CLIENT, &h);
	bad = c->state == C2S_HEADER ? judge_header(c, &h) : STREAM_NONE;
	if (c->state == C2S_HEADER)
		c2s_send_open(c, &h);
	if (bad) {
		c2s_close(c, bad, h.error_text);
	} else if (c->state == C2S_HEADER) {
		keep_lang(c, h.lang);
		auth_free(c->auth);
		c->auth = NULL;
		if (!c->account &&
		    (c->is_secure || !c->server->opt.c2s_require_tls))
			c->auth = auth_new(c->host, c->tls, c->is_secure,
					   c->address, on_auth_step, c);
		send_features(c);
		c->state = c->account ? C2S_BIND : C2S_NEGOTIATE;
		wire_continue(c->wire);
	}
	stream_header_fini(&h);
	arena_unref(&a);
}

/* ---- TLS ---- */

static void
start_tls(struct c2s *c)
{
	/* RFC 6120 5.4.2.2 */
	if (c->is_secure || !c->server->c2s_tls) {
		static const char failure[] = "<failure xmlns='" NS_TLS "'/>";

		c2s_write(c, failure, sizeof(failure) - 1, NULL);
		c2s_close(c, STREAM_NONE, NULL);
		return;
	}
	auth_free(c->auth);
	c->auth = NULL;
	c->state = C2S_SECURING;
	wire_start_tls(c->wire, PROCEED, c->server->c2s_tls);
}

/* ---- SASL ---- */

static void
send_sasl(struct c2s *c, const char *name)
{
	struct buf *b = &c->server->scratch;
	size_t start;

	b->len = 0;
	buf_printf(b, "<%s xmlns='" NS_SASL "'>", name);
	start = b->len;
	sasl_reply_text(auth_sasl(c->auth), b);
	/* A challenge without data is empty; so is success without any. */
	if (b->len == start && strcmp(name, "success") != 0)
		buf_adds(b, "=");
	buf_printf(b, "</%s>", name);
	c2s_write(c, b->data, b->len, NULL);
}

static void
refuse(struct c2s *c, enum sasl_cond cond, const char *why)
{
	struct buf *b = &c->server->scratch;
	const char *account = c->auth ? auth_account(c->auth) : NULL;
	struct log log = c2s_log(c);

	if (server_may_log(c->server))
		log_info(&log, "authentication failed%s%s from %s: %s",
			 account ? " for " : "", account ? account : "",
			 c->address, why);
	b->len = 0;
	buf_printf(b, "<failure xmlns='" NS_SASL "'><%s/></failure>",
		   sasl_cond_name(cond));
	c2s_write(c, b->data, b->len, NULL);
	if (++c->failures >= MAX_FAILURES) {
		c2s_close(c, STREAM_POLICY_VIOLATION, "too many failures");
		return;
	}
	c->state = C2S_NEGOTIATE;
	wire_continue(c->wire);
}

static void
auth_succeeded(struct c2s *c)
{
	const struct sasl *sasl = auth_sasl(c->auth);
	struct jid *jid;
	struct log log;

	jid = jid_make(sasl_username(sasl), c->host->name, NULL);
	if (!jid) {
		c2s_close(c, STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	c->account = account_take(c->host, jid);
	c->account->is_known = !c->account->is_gone;
	jid_unref(&jid);
	c->mech = sasl_mech(sasl);
	log = c2s_log(c);
	log_info(&log, "authenticated mech=%s tls=%s from %s", c->mech,
		 *c->tls_version ? c->tls_version : "no", c->address);
	send_sasl(c, "success");
	auth_free(c->auth);
	c->auth = NULL;
	tls_info_fini(c->tls);
	free(c->tls);
	c->tls = NULL;
	c->is_opened = false;
	c->state = C2S_HEADER;
	wire_restart(c->wire);
}

static void
on_auth_step(void *data, enum auth_step step)
{
	struct c2s *c = data;

	switch (step) {
	case AUTH_CHALLENGE:
		send_sasl(c, "challenge");
		c->state = C2S_SASL;
		wire_continue(c->wire);
		break;
	case AUTH_SUCCESS:
		auth_succeeded(c);
		break;
	case AUTH_FAILURE:
		refuse(c, auth_cond(c->auth), auth_text(c->auth));
		break;
	}
}

/* Any thread. */
bool
c2s_wants_exporter(const struct xml *x)
{
	const char *mech = xml_get(x, "mechanism");

	return xml_is(x, "auth", NS_SASL) && mech && auth_wants_exporter(mech);
}

void
c2s_on_exporter(void *owner, const uint8_t *exporter)
{
	struct c2s *c = owner;

	if (c->auth)
		auth_set_exporter(c->auth, exporter);
}

/* RFC 6120 6.4.1 */
static void
on_sasl(struct c2s *c, struct arena *a, struct xml *x)
{
	const char *text = xml_get_text(a, x);
	const char *mech = xml_get(x, "mechanism");

	if (!c->auth) {
		/* RFC 6120 6.5.4 */
		refuse(c, SASL_ENCRYPTION_REQUIRED, "no TLS");
	} else if (c->state == C2S_SASL && !strcmp(x->name, "response")) {
		c->state = C2S_BUSY;
		auth_respond(c->auth, text);
	} else if (!strcmp(x->name, "abort")) {
		c->state = C2S_BUSY;
		auth_abort(c->auth);
	} else if (c->state == C2S_NEGOTIATE && !strcmp(x->name, "auth")) {
		c->state = C2S_BUSY;
		auth_start(c->auth, mech ? mech : "", text);
	} else {
		refuse(c, SASL_MALFORMED_REQUEST, "out of order");
	}
}

/* ---- resource binding ---- */

static void
bind_error(struct c2s *c, struct stanza *iq, enum stanza_cond cond)
{
	struct buf *b = &c->server->scratch;
	struct stanza *error = stanza_error(iq, cond, NULL);

	b->len = 0;
	stanza_write(b, error, error->from, error->to, NS_CLIENT);
	c2s_write(c, b->data, b->len, NULL);
	stanza_unref(&error);
	wire_continue(c->wire);
}

static struct jid *
make_up_resource(const struct c2s *c)
{
	char text[19];

	token_make(text, sizeof(text) - 1);
	return jid_with_resource(c->account->jid, text);
}

/* RFC 6120 7.7.2.2. NULL: refused. Takes and gives the reference. */
static struct jid *
resolve_conflict(struct c2s *c, struct jid *full)
{
	struct session *old = account_session(c->account, full);

	if (!old)
		return full;
	switch ((enum bind_conflict)c->server->opt.c2s_bind_conflict) {
	case BIND_REPLACE:
		c2s_close(old->stream, STREAM_CONFLICT,
			  "replaced by a new connection");
		return full;
	case BIND_RENAME:
		jid_unref(&full);
		return make_up_resource(c);
	case BIND_REJECT:
		break;
	}
	jid_unref(&full);
	return NULL;
}

static void
bound(struct c2s *c, const struct stanza *iq, struct jid *full)
{
	struct buf *b = &c->server->scratch;
	struct stanza *result;
	struct xml *x;
	struct log log;

	c->session = session_new(c->account, full, c);
	c->state = C2S_BOUND;
	result = stanza_result(iq);
	x = xml_add(result->arena, result->root, "bind", NS_BIND);
	xml_add_text(result->arena, x, "jid", NULL, jid_str(full));
	b->len = 0;
	stanza_write(b, result, result->from, result->to, NS_CLIENT);
	c2s_write(c, b->data, b->len, NULL);
	stanza_unref(&result);
	log = c2s_log(c);
	log_debug(&log, "bound");
	c2s_watch_silence(c);
	wire_run(c->wire, NS_CLIENT, &c->server->limits);
	event_occur(c->host, HOOK_SESSION_BOUND, c->session, c->account, NULL);
}

static void
bind(struct c2s *c, struct arena *a, struct stanza *iq, struct xml *payload)
{
	const char *wish = xml_child_text(a, payload, "resource", NS_BIND);
	struct jid *full;

	if (c->account->is_gone) {
		c2s_close(c, STREAM_NOT_AUTHORIZED, NULL);
		return;
	}
	full = wish && *wish ? jid_with_resource(c->account->jid, wish)
			     : make_up_resource(c);
	if (!full) {
		bind_error(c, iq, COND_BAD_REQUEST);
		return;
	}
	full = resolve_conflict(c, full);
	if (!full) {
		bind_error(c, iq, COND_CONFLICT);
		return;
	}
	/* RFC 6120 7.6.2.1 */
	if (c->account->n_sessions >=
	    (uint64_t)c->server->opt.sessions_max_per_account)
		bind_error(c, iq, COND_RESOURCE_CONSTRAINT);
	else
		bound(c, iq, full);
	jid_unref(&full);
}

/* RFC 6120 7.1: nothing but binding before a resource is bound. Takes the
 * reference to the arena. */
static void
on_unbound(struct c2s *c, struct arena *a, struct xml *x)
{
	struct stanza *s = stanza_from_xml(a, x, NS_CLIENT);
	struct xml *payload;

	if (!s) {
		arena_unref(&a);
		c2s_close(c, STREAM_NOT_AUTHORIZED, NULL);
		return;
	}
	payload = s->kind == STANZA_IQ ? stanza_payload(s) : NULL;
	if (s->type == TYPE_SET && stanza_id(s) && payload &&
	    xml_is(payload, "bind", NS_BIND))
		bind(c, a, s, payload);
	else
		c2s_close(c, STREAM_NOT_AUTHORIZED, "bind a resource first");
	stanza_unref(&s);
}

/* ---- requests before authentication (XEP-0077) ---- */

static void
answer_unauthenticated(struct event *ev, struct stanza *reply)
{
	struct c2s *c = ev->answer_data;
	struct buf *b;

	if (c) {
		b = &c->server->scratch;
		b->len = 0;
		stanza_write(b, reply, reply->from, reply->to, NS_CLIENT);
		c2s_write(c, b->data, b->len, NULL);
	}
	stanza_unref(&reply);
}

static void
request_done(struct event *ev, enum verdict v)
{
	struct c2s *c = ev->answer_data;

	event_end(ev);
	if (!c)
		return;
	c->pending = NULL;
	if (v == PASS) {
		c2s_close(c, STREAM_NOT_AUTHORIZED, NULL);
	} else if (c->state == C2S_BUSY) {
		c->state = C2S_NEGOTIATE;
		wire_continue(c->wire);
	}
}

/* Takes the reference to the arena. */
static void
on_request(struct c2s *c, struct arena *a, struct xml *x)
{
	struct stanza *s = stanza_from_xml(a, x, NS_CLIENT);
	struct event *ev;

	if (!s || s->kind != STANZA_IQ || !stanza_payload(s) || !stanza_id(s) ||
	    (s->type != TYPE_GET && s->type != TYPE_SET)) {
		if (!s)
			arena_unref(&a);
		stanza_unref(&s);
		c2s_close(c, STREAM_NOT_AUTHORIZED, NULL);
		return;
	}
	ev = event_make(c->server, c->host, s);
	stanza_unref(&s);
	ev->answer = answer_unauthenticated;
	ev->answer_data = c;
	ev->peer_address = c->address;
	c->pending = ev;
	c->state = C2S_BUSY;
	event_run(ev, HOOK_IQ_UNAUTHENTICATED, request_done);
}

void
c2s_on_negotiation(struct c2s *c, struct arena *a, struct xml *x)
{
	if (c->state == C2S_BIND) {
		on_unbound(c, arena_ref(a), x);
	} else if (xml_is(x, "starttls", NS_TLS) && c->state == C2S_NEGOTIATE) {
		start_tls(c);
	} else if (!strcmp(x->ns, NS_SASL)) {
		on_sasl(c, a, x);
	} else if (c->state == C2S_NEGOTIATE && c->is_secure) {
		on_request(c, arena_ref(a), x);
	} else {
		/* RFC 6120 5.3.1, 6.3.1: first things first. */
		c2s_close(c, STREAM_NOT_AUTHORIZED,
			  c->is_secure ? NULL : "use STARTTLS first");
	}
}
