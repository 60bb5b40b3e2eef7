/*
 * s2s_in.c - negotiating with a server that has connected to us: TLS, EXTERNAL,
 * dialback, and what it may do then (RFC 6120 sections 4 to 6).
 */

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6120 6.4.5 */
#define MAX_FAILURES 3

/* So long it may take to say whether a session goes on. */
#define SPEAK_MS 2000

#define PROCEED "<proceed xmlns='" NS_TLS "'/>"

/* Before it is known, the options at the top count. */
static void
policy_of(const struct s2s *s, struct remote_policy *out)
{
	remote_policy_of(s->server, s->remote ? s->remote : "", out);
	if (!s->remote)
		out->is_blocked = false;
}

/* ---- header and features ---- */

static enum stream_cond
judge_header(struct s2s *s, const struct stream_header *h)
{
	struct remote_policy policy;

	if (h->error)
		return h->error;
	if (!h->to)
		return STREAM_IMPROPER_ADDRESSING;
	if (!jid_is_domain(h->to) || !s2s_is_ours(s->server, jid_domain(h->to)))
		return STREAM_HOST_UNKNOWN;
	if (h->from && (!jid_is_domain(h->from) ||
			s2s_is_ours(s->server, jid_domain(h->from))))
		return STREAM_INVALID_FROM;
	/* A restarted stream stays with who it is. */
	if (s->auth && (!h->from || strcmp(jid_str(h->from), s->remote) != 0))
		return STREAM_INVALID_FROM;
	free(s->local);
	s->local = mem_strdup(jid_domain(h->to));
	if (h->from && !s->auth) {
		free(s->remote);
		s->remote = mem_strdup(jid_domain(h->from));
	}
	policy_of(s, &policy);
	return policy.is_blocked ? STREAM_POLICY_VIOLATION : STREAM_NONE;
}

static bool
may_external(const struct s2s *s)
{
	return s->is_secure && !s->auth && s->remote &&
	       s2s_is_certified(s, s->remote);
}

void
s2s_read_limits(struct s2s *s, struct arena *a, const struct xml *x)
{
	const struct xml *limits = xml_child(x, "limits", NS_LIMITS);
	const char *max;

	max = limits ? xml_child_text(a, limits, "max-bytes", NULL) : NULL;
	if (max && strtoull(max, NULL, 10) >= 10000) /* RFC 6120 13.12 */
		s->peer_max_bytes = (size_t)strtoull(max, NULL, 10);
}

/* is_last: after dialback there are no further features. */
static void
add_limits(const struct s2s *s, struct buf *b, bool is_last)
{
	const struct server_options *opt = &s->server->opt;

	buf_printf(b,
		   "<limits xmlns='" NS_LIMITS "'><max-bytes>%" PRId64
		   "</max-bytes>",
		   is_last ? opt->s2s_stanza_max : opt->stanza_max_unauth);
	if (opt->s2s_idle_timeout)
		buf_printf(b, "<idle-seconds>%" PRId64 "</idle-seconds>",
			   2 * opt->s2s_idle_timeout / 1000);
	buf_adds(b, "</limits>");
}

static void
send_features(struct s2s *s)
{
	struct buf *b = &s->server->scratch;
	struct remote_policy policy;
	bool is_last = s->auth != NULL;

	policy_of(s, &policy);
	b->len = 0;
	buf_adds(b, "<stream:features>");
	if (!s->is_secure && s->server->s2s_tls)
		buf_printf(b, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
			   policy.require_tls ? "<required/>" : "");
	if (may_external(s))
		buf_adds(b, "<mechanisms xmlns='" NS_SASL
			    "'><mechanism>EXTERNAL</mechanism></mechanisms>");
	if (s->is_secure || !policy.require_tls) {
		if (policy.bidi && !s->auth)
			buf_adds(b, "<bidi xmlns='" NS_BIDI_FEATURE "'/>");
		if (policy.allow_dialback) {
			buf_adds(b, "<dialback xmlns='" NS_DIALBACK_FEATURE
				    "'><errors/></dialback>");
			is_last = true;
		}
		buf_adds(b, "<sm xmlns='" NS_SM "'/>");
	}
	add_limits(s, b, is_last);
	buf_adds(b, "</stream:features>");
	s2s_flush(s);
}

void
s2s_in_ready(struct s2s *s)
{
	s2s_run(s);
	if (s->is_bidi)
		loop_timer_set(s->server->core, &s->ack, SPEAK_MS);
	else
		s2s_in_spoke(s);
}

void
s2s_in_spoke(struct s2s *s)
{
	if (s->is_out || s->has_spoken)
		return;
	s->has_spoken = true;
	loop_timer_clear(s->server->core, &s->ack);
	s2s_peer_came(s->peer);
	s2s_hurry(s->peer);
	if (s->is_bidi && s->local)
		s2s_peer_up(s->peer, s->local);
}

void
s2s_in_open(struct s2s *s, const struct stream_header *h)
{
	enum stream_cond bad = judge_header(s, h);

	s2s_send_open(s, h->from ? jid_str(h->from) : NULL, h->major < 1);
	if (bad) {
		s2s_close(s, bad, h->error_text);
		return;
	}
	s2s_tries_again(s);
	send_features(s);
	s->state = S2S_NEGOTIATE;
	if (s->auth)
		s2s_in_ready(s);
	else
		wire_continue(s->wire);
}

/* ---- TLS, EXTERNAL ---- */

static struct tls_config *
server_tls(const struct s2s *s)
{
	const struct host *h = host_find(s->server, s->local);
	const struct service_tls *service =
		h || !s->local ? NULL : route_service_tls(s->server, s->local);

	if (h && h->s2s_tls)
		return h->s2s_tls;
	if (service && service->server)
		return service->server;
	return s->server->s2s_tls;
}

static void
on_starttls(struct s2s *s)
{
	if (s->is_secure || !s->server->s2s_tls) {
		static const char failure[] = "<failure xmlns='" NS_TLS "'/>";

		s2s_write(s, failure, sizeof(failure) - 1);
		s2s_close(s, STREAM_NONE, NULL);
		return;
	}
	/* RFC 6120 5.4.3.3: nothing of it counts any more. */
	s2s_dialback_forget(s);
	s->is_bidi = false;
	s->state = S2S_SECURING;
	wire_start_tls(s->wire, PROCEED, server_tls(s));
}

static void
refuse(struct s2s *s, const char *cond, const char *why)
{
	struct buf *b = &s->server->scratch;
	struct log log = s2s_log(s);

	if (server_may_log(s->server))
		log_info(&log, "EXTERNAL refused: %s", why);
	b->len = 0;
	buf_printf(b,
		   "<failure xmlns='" NS_SASL "'><%s/><text xml:lang='en'>%s"
		   "</text></failure>",
		   cond, why);
	s2s_flush(s);
	if (++s->n_failures >= MAX_FAILURES)
		s2s_close(s, STREAM_POLICY_VIOLATION, "too many failures");
	else
		wire_continue(s->wire);
}

/* XEP-0178 3: an identity that is empty, or the domain that the header has.
 * What is wrong with it; NULL: nothing. */
static const char *
judge_identity(const struct s2s *s, const char *text)
{
	const char *bad = NULL;
	struct buf name = { 0 };
	struct jid *jid;

	if (!*text || !strcmp(text, "="))
		return NULL;
	if (base64_decode(&name, text, strlen(text)) < 0) {
		buf_fini(&name);
		return "incorrect-encoding";
	}
	jid = jid_parse_len(name.data, name.len);
	if (!jid || strcmp(jid_str(jid), s->remote) != 0)
		bad = "invalid-authzid";
	jid_unref(&jid);
	buf_fini(&name);
	return bad;
}

static void
on_auth(struct s2s *s, struct arena *a, const struct xml *x)
{
	static const char success[] = "<success xmlns='" NS_SASL "'/>";
	const char *mech = xml_get(x, "mechanism"), *bad;

	if (xml_is(x, "abort", NS_SASL)) {
		refuse(s, "aborted", "as it was asked for");
	} else if (!xml_is(x, "auth", NS_SASL)) {
		refuse(s, "malformed-request", "out of order");
	} else if (!s->is_secure) {
		refuse(s, "encryption-required", "no TLS");
	} else if (!mech || strcmp(mech, "EXTERNAL") != 0) {
		refuse(s, "invalid-mechanism", "only EXTERNAL");
	} else if (!may_external(s)) {
		refuse(s, "not-authorized",
		       "the certificate does not prove the stream's from");
	} else if ((bad = judge_identity(s, xml_get_text(a, x)))) {
		refuse(s, bad, "not the stream's from");
	} else {
		s2s_set_peer(s, s->remote);
		s2s_add_pair(s, s->remote, NULL);
		s2s_authenticated(s, BY_CERTIFICATE);
		s2s_write(s, success, sizeof(success) - 1);
		s2s_dialback_forget(s); /* of the stream that is over */
		s->is_opened = false;
		s->state = S2S_HEADER;
		wire_restart(s->wire);
	}
}

/* ---- elements ---- */

static void
on_bidi(struct s2s *s, struct arena *a, const struct xml *x)
{
	struct remote_policy policy;

	policy_of(s, &policy);
	if (policy.bidi)
		s->is_bidi = true;
	s2s_read_limits(s, a, x); /* XEP-0478 3.2 */
	wire_continue(s->wire);
}

static void
on_negotiation(struct s2s *s, struct arena *a, struct xml *x)
{
	struct remote_policy policy;

	policy_of(s, &policy);
	if (xml_is(x, "starttls", NS_TLS)) {
		on_starttls(s);
	} else if (!s->is_secure && policy.require_tls) {
		s2s_close(s, STREAM_POLICY_VIOLATION, "use STARTTLS first");
	} else if (!strcmp(x->ns, NS_SASL)) {
		on_auth(s, a, x);
	} else if (xml_is(x, "bidi", NS_BIDI)) {
		on_bidi(s, a, x);
	} else if (xml_is(x, "enable", NS_SM) || xml_is(x, "resume", NS_SM)) {
		s2s_sm(s, x); /* refuses it */
		wire_continue(s->wire);
	} else if (s2s_dialback(s, a, x)) {
		/* A verified key may have made it run meanwhile. */
		if (s->state == S2S_NEGOTIATE)
			wire_continue(s->wire);
	} else {
		s2s_close(s, STREAM_NOT_AUTHORIZED, NULL);
	}
}

void
s2s_in_element(struct s2s *s, struct arena *a, struct xml *x)
{
	if (s->state == S2S_NEGOTIATE)
		on_negotiation(s, a, x);
	else if (s->state != S2S_RUNNING && s->state != S2S_DRAINING)
		;
	else if (!s2s_sm(s, x) && !s2s_dialback(s, a, x))
		s2s_close(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
}
