/* s2s_show.c - streams with other servers, as an administrator sees them. */

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/sm.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what others say ---- */

size_t
s2s_cut(const char *text, size_t max)
{
	size_t left = strlen(text), n = 0, step;

	while (left && (step = xml_utf8_len(text + n, left)) &&
	       n + step <= max) {
		n += step;
		left -= step;
	}
	return n;
}

const char *
s2s_error_text(struct s2s *s, struct arena *a, const struct xml *x)
{
	const char *text = xml_child_text(a, x, "text", NS_STREAM_ERROR);
	const char *cond = "undefined-condition";

	xml_each (kid, x) {
		if (!strcmp(kid->ns, NS_STREAM_ERROR) &&
		    strcmp(kid->name, "text") != 0)
			cond = kid->name;
	}
	text = text ? text : "";
	free(s->error);
	s->error = mem_printf("stream error %.*s%s%.*s", (int)s2s_cut(cond, 60),
			      cond, *text ? ": " : "", (int)s2s_cut(text, 200),
			      text);
	return s->error;
}

/* ---- what there is ---- */

static const char *
state_word(const struct s2s *s)
{
	static const char *const words[] = {
		[S2S_DIALING] = "connecting",
		[S2S_BROKEN] = "lost",
		[S2S_SECURING] = "securing",
		[S2S_HEADER] = "opening",
		[S2S_FEATURES] = "opening",
		[S2S_STARTTLS] = "securing",
		[S2S_NEGOTIATE] = "waiting",
		[S2S_SASL] = "authenticating",
		[S2S_DIALBACK] = "authenticating",
		[S2S_RESUMING] = "resuming",
		[S2S_RUNNING] = "up",
		[S2S_DRAINING] = "closing",
		[S2S_CLOSING] = "closing",
	};

	return words[s->state];
}

static const char *
certificate_word(const struct s2s *s)
{
	if (!s->tls || !s->tls->has_peer_cert)
		return "";
	if (!s->tls->peer_cert_verified)
		return s->tls->peer_error;
	if (s->remote && !s2s_is_certified(s, s->remote))
		return "for other names";
	return "valid";
}

static size_t
n_waiting(const struct s2s *s)
{
	size_t n = 0;

	list_each (i, &s->links)
		n += container_of(i, struct s2s_link, of_stream)->n_queued;
	return n;
}

/* Of this stream, or else the last one with that domain. */
static void
set_error(const struct s2s *s, struct s2s_info *info, int64_t now_ms)
{
	info->last_error = s->error ? s->error : "";
	info->error_age_ms = -1;
	if (s->error || !s->peer || !s->peer->error)
		return;
	info->last_error = s->peer->error;
	info->error_age_ms = now_ms - s->peer->error_ms;
}

void
s2s_each(struct server *srv,
	 void (*fn)(void *data, const struct s2s_info *info), void *data)
{
	int64_t now_ms = srv->clock->mono_ms;

	if (!srv->s2s)
		return;
	list_each (n, &srv->s2s->streams) {
		const struct s2s *s = container_of(n, struct s2s, node);
		struct s2s_info info = {
			.name = s->name,
			.local = s->local ? s->local : "",
			.remote = s->remote ? s->remote : "",
			.address = s->address,
			.state = state_word(s),
			.auth = s->auth ? s->auth : "",
			.tls_version = s->tls ? s->tls->version : "",
			.certificate = certificate_word(s),
			.is_out = s->is_out,
			.is_bidi = s->is_bidi,
			.is_resumable = s->is_resumable,
			.age_ms = now_ms - s->since_ms,
			.rtt_ms = s->rtt_ms,
			.n_queued = n_waiting(s),
			.n_unacked = s->sm ? sm_n_unacked(s->sm) : 0,
			.n_in = s->n_in,
			.n_out = s->n_out,
		};

		set_error(s, &info, now_ms);
		fn(data, &info);
	}
}

size_t
s2s_count(const struct server *srv)
{
	return srv->s2s ? srv->s2s->n_streams : 0;
}

void
s2s_each_lost(struct server *srv,
	      void (*fn)(void *data, const struct s2s_lost *lost), void *data)
{
	if (!srv->s2s)
		return;
	map_each (n, &srv->s2s->peers) {
		const struct s2s_peer *p =
			container_of(n, struct s2s_peer, node);
		struct s2s_lost lost = {
			.domain = p->domain,
			.error = p->error ? p->error : "",
			.retry_ms = p->retry.at_ms - srv->clock->mono_ms,
		};

		if (!s2s_peer_is_resting(p))
			continue;
		list_each (i, &p->links)
			lost.n_queued +=
				container_of(i, struct s2s_link, of_peer)
					->n_queued;
		fn(data, &lost);
	}
}

static bool
may_close(const struct s2s *s, const char *domain)
{
	if (s->state == S2S_CLOSING || s->state == S2S_DRAINING || s->probe)
		return false;
	return !*domain || (s->remote && !strcmp(domain, s->remote));
}

size_t
s2s_close_domain(struct server *srv, const char *domain)
{
	struct list *last;
	size_t n_closed = 0;

	if (!srv->s2s)
		return 0;
	/* What waits for one of them gets a new one at once, behind these. */
	last = srv->s2s->streams.prev;
	list_each_safe (n, &srv->s2s->streams) {
		struct s2s *s = container_of(n, struct s2s, node);
		bool is_last = n == last;

		if (may_close(s, domain)) {
			s2s_drain(s);
			n_closed++;
		}
		if (is_last)
			break;
	}
	return n_closed;
}

/* ---- trying a domain ---- */

void
s2s_tell(struct s2s *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!s->probe)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	line[s2s_cut(line, sizeof(line) - 1)] = '\0';
	s->probe->tell(s->probe->data, line);
}

/* An error of ours, for a ping that did not get there. */
static bool
has_bounced(const struct stanza *reply)
{
	enum stanza_cond cond = stanza_error_cond(reply);

	return cond == COND_REMOTE_SERVER_NOT_FOUND ||
	       cond == COND_REMOTE_SERVER_TIMEOUT;
}

static void
on_pong(void *data, const struct stanza *reply)
{
	struct s2s_probe *p = data;
	const char *text = "no answer to a ping: is the way back open?";
	bool is_good =
		reply && (reply->type == TYPE_RESULT || !has_bounced(reply));

	if (is_good && reply->type == TYPE_RESULT)
		text = "it answers a ping";
	else if (is_good)
		text = "it answers a ping with an error; that will do";
	else if (reply)
		text = "a ping does not get there: `banyan s2s` says why";
	p->tell(p->data, text);
	p->done(p->data, is_good);
	free(p);
}

/* The ping goes the way that all stanzas go. */
static void
ping(struct s2s *s, struct s2s_probe *p)
{
	struct jid *from = jid_make(NULL, s->local, NULL);
	struct jid *to = jid_make(NULL, s->remote, NULL);
	struct stanza *iq = stanza_new(STANZA_IQ, TYPE_GET, from, to, NULL);

	xml_add(iq->arena, iq->root, "ping", NS_PING);
	jid_unref(&from);
	jid_unref(&to);
	iq_request(s->server, iq, s->server->opt.s2s_ping_timeout, on_pong, p);
}

void
s2s_probe_end(struct s2s *s, bool is_good)
{
	struct s2s_probe *p = s->probe;

	s->probe = NULL;
	if (!p)
		return;
	if (is_good) {
		/* There is a way: nobody has to wait for the next try. */
		s2s_peer_came(s->peer);
		ping(s, p);
		return;
	}
	p->done(p->data, false);
	free(p);
}

void
s2s_test(struct server *srv, const char *local, const char *remote,
	 void (*tell)(void *data, const char *line),
	 void (*done)(void *data, bool is_good), void *data)
{
	struct remote_policy policy;
	struct s2s *s;

	remote_policy_of(srv, remote, &policy);
	if (!srv->s2s || !srv->opt.s2s) {
		tell(data, "the configuration switches federation off (s2s = "
			   "no)");
		done(data, false);
		return;
	}
	if (policy.is_blocked) {
		tell(data, "the configuration does not allow this domain "
			   "(block, s2s-only-listed)");
		done(data, false);
		return;
	}
	s = s2s_out_new(s2s_peer_take(srv->s2s, remote), local, OURSELVES);
	s->probe = mem_alloc(sizeof(*s->probe));
	s->probe->tell = tell;
	s->probe->done = done;
	s->probe->data = data;
	s2s_out_dial(s);
}
