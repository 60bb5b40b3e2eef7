/*
 * s2s_out.c - connecting to another server: each target in turn, TLS, its
 * certificate, EXTERNAL or dialback (RFC 6120 sections 3 to 6, XEP-0220).
 */

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/dial.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/idna.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* RFC 8305, 5 */
#define ATTEMPT_DELAY_MS 250

#define LINGER_MS 2000

/* A stream that was made to verify a key, and is of no other use so far. */
#define VERIFY_ONLY_MS 30000

struct s2s *
s2s_out_new(struct s2s_peer *peer, const char *local, const char *who)
{
	struct s2s *s = s2s_new(peer->all, true);

	s->local = mem_strdup(local);
	s->remote = mem_strdup(peer->domain);
	s2s_set_peer(s, peer->domain);
	s2s_dial_begins(s, who);
	return s;
}

/* ---- what an administrator can do ---- */

static const char check_the_name[] =
	"check how the domain is written. If it is right, its administrator "
	"has to set up DNS: SRV records _xmpp-server._tcp, or an address for "
	"the domain itself";
static const char check_the_way[] =
	"check that this machine may open connections to that address and "
	"port (firewall, routing, IPv6). If others cannot reach it either, "
	"that server is down";
static const char check_their_tls[] =
	"their administrator has to enable TLS for servers. A section remote "
	"{ require-tls = no } would do without, and without any privacy";
static const char check_their_certificate[] =
	"their administrator has to install a certificate for that domain, "
	"from an authority that is known here (s2s-ca), with its whole chain. "
	"Where dialback is allowed for that domain, it is good enough without";
static const char check_our_certificate[] =
	"check our own certificate with `banyan status`, and that the other "
	"server knows its authority. Where it accepts dialback, that must be "
	"allowed here, too";
static const char check_the_way_back[] =
	"for dialback the other server must be able to connect to us: check "
	"the SRV records of our domain, and that port 5269 is open from "
	"outside";
static const char ask_them[] =
	"ask the other server's administrator: its log says why it refuses";

/* ---- targets ---- */

/* No target is left. */
static void
exhausted(struct s2s *s, enum stanza_cond cond, const char *why)
{
	struct s2s_peer *peer = s->peer;
	struct log log = s2s_log(s);
	char *text = mem_strdup(s->error ? s->error : why);
	bool is_wanted = !list_is_empty(&s->links) || s->is_search;

	s2s_tell(s, "what to do: %s",
		 s->advice				? s->advice
		 : cond == COND_REMOTE_SERVER_NOT_FOUND ? check_the_name
							: check_the_way);
	if (server_may_log(s->server))
		log_info(&log, "no way to %s: %s", peer->domain, text);
	dial_free(s->dial);
	s->dial = NULL;
	s2s_dialback_peer_failed(peer, cond);
	if (s->is_resumable && s->server->clock->mono_ms < s->resume_until_ms) {
		s->state = S2S_BROKEN;
		s2s_peer_lost(peer, text);
		free(text);
		return;
	}
	s->state = S2S_CLOSING;
	s2s_sm_recover(s, false);
	while (!list_is_empty(&s->links)) {
		struct s2s_link *l =
			container_of(s->links.next, struct s2s_link, of_stream);

		s2s_link_detach(l);
		s2s_link_tidy(l);
	}
	if (!s->probe)
		s2s_peer_failed(peer, is_wanted ? s->local : NULL, cond, text);
	free(text);
	s2s_drop(s);
}

static void
on_dialed(void *data, const struct dial_result *r)
{
	struct s2s *s = data;

	if (r->status != DIAL_OK) {
		exhausted(s,
			  s->cond ? s->cond
			  : r->status == DIAL_NOT_FOUND
				  ? COND_REMOTE_SERVER_NOT_FOUND
				  : COND_REMOTE_SERVER_TIMEOUT,
			  r->error ? r->error : "no connection");
		return;
	}
	s->advice = ask_them;
	snprintf(s->address, sizeof(s->address), "%s", r->address);
	s->cond = COND_NONE;
	free(s->target);
	s->target = mem_printf("%s:%u", r->host, r->port);
	s2s_connect(s, r->fd, r->is_tls);
	if (!r->is_tls)
		s2s_send_open(s, s->remote, false);
}

/* Tests connect in this process; but never inside of the call. */
struct inside {
	struct mail mail;
	struct server *server;
	char name[24]; /* of the stream, if it is still there */
	struct dial_result result;
};

static void
on_inside(struct mail *m)
{
	struct inside *i = container_of(m, struct inside, mail);

	list_each_safe (n, &i->server->s2s->streams) {
		struct s2s *s = container_of(n, struct s2s, node);

		if (strcmp(s->name, i->name) != 0)
			continue;
		on_dialed(s, &i->result);
		i->result.fd = -1;
		break;
	}
	if (i->result.fd >= 0)
		close(i->result.fd);
	free(i);
}

static void
give_inside(struct s2s *s, const struct dial_result *r)
{
	struct loop *core = s->server->core;
	struct inside *i = mem_zalloc(sizeof(*i));

	i->mail.run = on_inside;
	i->server = s->server;
	memcpy(i->name, s->name, sizeof(i->name));
	i->result = *r;
	loop_send(core, core, &i->mail);
}

static void
dial_inside(struct s2s *s)
{
	struct server *srv = s->server;
	struct dial_result r = { .host = "test", .address = "127.0.0.1" };

	r.fd = srv->dial(srv->dial_data, s->peer->domain, &r.is_tls);
	if (r.fd < 0)
		r.status = r.fd == -1 ? DIAL_NOT_FOUND : DIAL_UNREACHABLE;
	give_inside(s, &r);
}

static void
on_trace(void *data, const char *line)
{
	s2s_tell(data, "%s", line);
}

void
s2s_out_dial(struct s2s *s)
{
	const struct server_options *opt = &s->server->opt;
	struct dial_settings settings = {
		.dns = s->all->dns,
		.service = "xmpp-server",
		.default_port = 5269,
		.connect_timeout_ms = (int)opt->s2s_connect_timeout,
		.attempt_delay_ms = ATTEMPT_DELAY_MS,
		.user_timeout_ms = (int)opt->s2s_ping_timeout,
		.trace = s->probe ? on_trace : NULL,
	};
	struct remote_policy policy;
	struct buf name = { 0 };

	remote_policy_of(s->server, s->peer->domain, &policy);
	settings.fixed = (const char *const *)policy.addresses;
	free(s->error);
	s->error = NULL;
	/* A new connection has to prove everything anew. */
	s->auth = NULL;
	s->is_bidi = false;
	s->state = S2S_DIALING;
	dial_free(s->dial);
	s->dial = NULL;
	if (s->server->dial) {
		dial_inside(s);
		return;
	}
	if (idna_to_ascii(s->peer->domain, &name) < 0)
		buf_adds(&name, s->peer->domain);
	s->dial = dial_new(s->server->core, name.data, &settings, on_dialed, s);
	buf_fini(&name);
}

/* It is in the way of another one. */
static void
leave_connection(struct s2s *s)
{
	if (s->wire) {
		struct buf *b = &s->server->scratch;

		b->len = 0;
		if (s->is_opened)
			stream_write_close(b);
		s2s_flush(s);
		wire_abandon(s->wire, LINGER_MS);
		s->wire = NULL;
	}
	loop_timer_clear(s->server->core, &s->timer);
	s2s_dialback_forget(s);
	s2s_disconnect(s);
	s->state = S2S_DIALING;
	s->auth = NULL;
	s->is_bidi = false;
}

void
s2s_out_failed(struct s2s *s, const char *why)
{
	struct log log = s2s_log(s);
	char *text =
		mem_printf("%s: %s", s->target ? s->target : s->remote, why);
	struct dial_result none = { .status = DIAL_UNREACHABLE, .fd = -1 };
	bool is_early = s->auth && s->is_bidi && !s->shuns_bidi;

	if (server_may_log(s->server))
		log_info(&log, "%s", text);
	s2s_tell(s, "%s", text);
	free(s->error);
	s->error = text;
	leave_connection(s);
	if (is_early) {
		/* Prosody may send what is ours before the stream has begun
		 * anew. One that goes a single way does not break by that. */
		s->shuns_bidi = true;
		s2s_out_dial(s);
	} else if (s->dial)
		dial_next(s->dial);
	else
		give_inside(s, &none);
}

void
s2s_out_anew(struct s2s *s)
{
	struct log log = s2s_log(s);

	log_info(&log, "no answer so far, while it has come to us: once more");
	leave_connection(s);
	s2s_out_dial(s);
}

/* ---- header and features ---- */

void
s2s_out_open(struct s2s *s, const struct stream_header *h)
{
	if (h->error) {
		s2s_out_failed(s, h->error_text ? h->error_text
						: "its header is no good");
	} else if (h->from && strcmp(jid_str(h->from), s->remote) != 0) {
		s2s_out_failed(s, "it answers for another domain");
	} else if (!h->id || !*h->id) {
		/* RFC 6120 4.7.3; a key would hold for every stream. */
		s2s_out_failed(s, "its stream has no id");
	} else {
		free(s->peer_id);
		s->peer_id = mem_strdup(h->id);
		s->state = S2S_FEATURES;
		wire_continue(s->wire);
	}
}

static const char *
certificate_words(const struct s2s *s)
{
	if (!s->tls)
		return "no TLS";
	if (!s->tls->has_peer_cert)
		return "it has no certificate";
	if (!s->tls->peer_cert_verified)
		return s->tls->peer_error;
	return s2s_is_certified(s, s->remote) ? "valid" : "for other names";
}

void
s2s_out_secure(struct s2s *s)
{
	s2s_tell(s, "TLS %s, %s; certificate: %s", s->tls->version,
		 s->tls->cipher, certificate_words(s));
	s2s_send_open(s, s->remote, false);
}

static void
read_features(struct s2s *s, struct arena *a, const struct xml *x)
{
	const struct xml *dialback =
		xml_child(x, "dialback", NS_DIALBACK_FEATURE);
	const struct xml *mechs = xml_child(x, "mechanisms", NS_SASL);

	s->offers_starttls = xml_child(x, "starttls", NS_TLS) != NULL;
	s->offers_bidi = xml_child(x, "bidi", NS_BIDI_FEATURE) != NULL;
	s->offers_sm = xml_child(x, "sm", NS_SM) != NULL;
	s->offers_dialback_errors =
		dialback && xml_child(dialback, "errors", NULL);
	s->offers_external = false;
	if (mechs) {
		xml_each (m, mechs) {
			if (!strcmp(xml_get_text(a, m), "EXTERNAL"))
				s->offers_external = true;
		}
	}
	s2s_read_limits(s, a, x);
}

static void
start_tls(struct s2s *s)
{
	static const char request[] = "<starttls xmlns='" NS_TLS "'/>";

	s2s_write(s, request, sizeof(request) - 1);
	s->state = S2S_STARTTLS;
	wire_continue(s->wire);
}

static void
on_features(struct s2s *s, struct arena *a, const struct xml *x)
{
	struct remote_policy policy;

	remote_policy_of(s->server, s->peer->domain, &policy);
	read_features(s, a, x);
	if (s->auth) {
		s2s_sm_begin(s);
	} else if (!s->is_secure && s->offers_starttls) {
		start_tls(s);
	} else if (!s->is_secure && policy.require_tls) {
		s->advice = check_their_tls;
		s2s_out_failed(s, "it offers no TLS, which is required here");
	} else {
		s2s_out_log_in(s);
	}
}

/* ---- TLS ---- */

static void
on_starttls_answer(struct s2s *s, const struct xml *x)
{
	struct buf name = { 0 };

	if (!xml_is(x, "proceed", NS_TLS)) {
		s->advice = check_their_tls;
		s2s_out_failed(s, "it refuses to start TLS");
		return;
	}
	if (idna_to_ascii(s->remote, &name) < 0)
		buf_adds(&name, s->remote);
	s->state = S2S_SECURING;
	wire_start_tls_client(s->wire, s2s_client_tls(s), name.data);
	buf_fini(&name);
}

/* ---- logging in ---- */

static void
ask_for_bidi(struct s2s *s)
{
	static const char bidi[] = "<bidi xmlns='" NS_BIDI "'/>";

	s2s_write(s, bidi, sizeof(bidi) - 1);
	s->is_bidi = true;
}

/* XEP-0178: the domain is said again, for those who ask for it. */
static void
auth_external(struct s2s *s)
{
	struct buf *b = &s->server->scratch;

	b->len = 0;
	buf_adds(b, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>");
	base64_encode(b, s->local, strlen(s->local));
	buf_adds(b, "</auth>");
	s2s_flush(s);
	s->state = S2S_SASL;
	s2s_tell(s, "authenticating by our certificate (SASL EXTERNAL)");
}

static void
auth_dialback(struct s2s *s)
{
	s->state = S2S_DIALBACK;
	s->advice = check_the_way_back;
	s2s_tell(s, "authenticating by dialback");
	s2s_dialback_ask(s, s->local, s->remote);
	s2s_dialback_verify_all(s);
}

static bool
has_certificate(const struct s2s *s)
{
	const struct host *h = host_find(s->server, s->local);
	const struct service_tls *service =
		h ? NULL : route_service_tls(s->server, s->local);

	return h ? h->cert != NULL : service && service->cert;
}

void
s2s_out_log_in(struct s2s *s)
{
	bool is_certified = s2s_is_certified(s, s->remote);
	struct remote_policy policy;
	char why[400];

	remote_policy_of(s->server, s->peer->domain, &policy);
	if (!is_certified && !policy.allow_dialback) {
		snprintf(why, sizeof(why),
			 "its certificate is required here, and it is no good: "
			 "%s",
			 certificate_words(s));
		s->advice = check_their_certificate;
		s2s_out_failed(s, why);
		return;
	}
	if (list_is_empty(&s->links) && !s->probe && !s->is_resumable &&
	    !s->is_search) {
		s->state = S2S_NEGOTIATE;
		loop_timer_set(s->server->core, &s->timer, VERIFY_ONLY_MS);
		s2s_dialback_verify_all(s);
		wire_continue(s->wire);
		return;
	}
	if (policy.bidi && s->offers_bidi && !s->shuns_bidi && !s->probe)
		ask_for_bidi(s);
	if (s->offers_external && s->is_secure && has_certificate(s))
		auth_external(s);
	else
		auth_dialback(s);
	wire_continue(s->wire);
}

void
s2s_out_accepted(struct s2s *s, const char *how)
{
	s2s_tell(s, "accepted, by %s", how);
	s2s_authenticated(s, how);
	/* XEP-0288: the other way for the same domains. */
	if (s->is_bidi && !s2s_has_pair(s, s->remote, s->local))
		s2s_add_pair(s, s->remote, s->local);
}

static void
on_sasl(struct s2s *s, struct arena *a, const struct xml *x)
{
	struct remote_policy policy;

	if (xml_is(x, "success", NS_SASL)) {
		s2s_out_accepted(s, BY_CERTIFICATE);
		s->is_opened = false;
		s->state = S2S_HEADER;
		s2s_send_open(s, s->remote, false);
		wire_restart(s->wire);
		return;
	}
	remote_policy_of(s->server, s->peer->domain, &policy);
	if (!xml_is(x, "failure", NS_SASL)) {
		s2s_out_failed(s, "it answers EXTERNAL with something else");
	} else if (!policy.allow_dialback) {
		s->advice = check_our_certificate;
		s2s_out_failed(s, "it does not accept our certificate");
	} else {
		const char *text = xml_child_text(a, x, "text", NULL);

		s2s_tell(s, "it does not accept our certificate%s%s",
			 text ? ": " : "", text ? text : "");
		auth_dialback(s);
		wire_continue(s->wire);
	}
}

bool
s2s_out_can_verify(const struct s2s *s)
{
	return s->is_out &&
	       (s->state == S2S_NEGOTIATE || s->state == S2S_DIALBACK ||
		s->state == S2S_RUNNING);
}

static void
share(struct s2s *s, struct s2s_link *l)
{
	if (s->offers_dialback_errors && !l->is_alone) {
		l->state = LINK_ASKED;
		s2s_dialback_ask(s, l->local, l->remote);
		return;
	}
	s2s_link_detach(l);
	l->is_alone = true;
	s2s_link_connect(l);
}

void
s2s_out_ready(struct s2s *s)
{
	struct log log = s2s_log(s);

	s2s_run(s);
	s2s_dial_ends(s);
	dial_free(s->dial);
	s->dial = NULL;
	if (s->error) /* of another target */
		s2s_peer_erred(s->peer, s->error);
	free(s->error);
	s->error = NULL;
	if (s->probe) {
		s2s_drain(s); /* the ping does not go by it */
		s2s_probe_end(s, true);
		return;
	}
	log_debug(&log, "ready");
	s2s_peer_up(s->peer, s->local);
	s2s_found(s->peer);
	list_each_safe (n, &s->links) {
		struct s2s_link *l =
			container_of(n, struct s2s_link, of_stream);

		if (!strcmp(l->local, s->local) ||
		    (s->was_resumed && l->was_up))
			s2s_link_up(l);
		else
			share(s, l);
	}
	s2s_peer_try(s->peer);
	s2s_dialback_verify_all(s);
}

void
s2s_out_element(struct s2s *s, struct arena *a, struct xml *x)
{
	switch ((enum s2s_state)s->state) {
	case S2S_FEATURES:
		if (xml_is(x, "features", NS_STREAM))
			on_features(s, a, x);
		else
			s2s_out_failed(s, "it sends no features");
		break;
	case S2S_STARTTLS:
		on_starttls_answer(s, x);
		break;
	case S2S_SASL:
		on_sasl(s, a, x);
		break;
	case S2S_NEGOTIATE:
	case S2S_DIALBACK:
		if (!s2s_dialback(s, a, x))
			s2s_out_failed(s, "it answers dialback with something "
					  "else");
		else if (s->wire && !s->has_run && s->state != S2S_CLOSING)
			wire_continue(s->wire);
		break;
	case S2S_RESUMING:
		if (!s2s_sm(s, x))
			s2s_out_failed(s, "it answers resumption with "
					  "something else");
		break;
	case S2S_RUNNING:
	case S2S_DRAINING:
		/* RFC 6120 4.9.3.24 */
		if (!s2s_sm(s, x) && !s2s_dialback(s, a, x))
			s2s_close(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		break;
	default:
		break;
	}
}
