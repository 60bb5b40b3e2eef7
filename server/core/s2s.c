/* s2s.c - the life of a stream with another server: accept, stanzas, silence,
 * the end. */

#include "core/s2s.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/addresses.h"
#include "core/host.h"
#include "core/router.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/dial.h"
#include "net/dns.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/idna.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/sm.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* For a server to take our last words. */
#define LINGER_MS 2000

/* For the other side to say its end, too. */
#define DRAIN_MS 5000

/* There are many users behind it. */
#define WINDOW 1024

/* A server whose stream breaks so soon after it was ready has a problem that
 * connecting again at once does not solve; a session that goes on may have had
 * bad luck. */
#define TOO_SOON_MS	  5000
#define TOO_SOON_AGAIN_MS 200

struct log
s2s_log(const struct s2s *s)
{
	return (struct log){
		.host = s->local,
		.stream = s->name,
		.jid = s->peer ? s->peer->domain : s->remote,
	};
}

bool
s2s_is_ours(const struct server *srv, const char *domain)
{
	return host_find(srv, domain) || route_has_service(srv, domain);
}

void
s2s_bounce(struct server *srv, struct stanza *stanza, enum stanza_cond cond,
	   const char *text)
{
	struct stanza *error = stanza_error(stanza, cond, text);

	if (error)
		route(srv, error);
	stanza_unref(&stanza);
}

/* ---- running ---- */

void
s2s_run(struct s2s *s)
{
	if (s->state == S2S_RUNNING && s->has_run)
		return;
	s->state = S2S_RUNNING;
	s->has_run = true;
	s->ready_ms = s->used_ms = s->server->clock->mono_ms;
	wire_run(s->wire, NS_SERVER, &s->server->s2s_limits);
	s2s_watch(s);
}

/* ---- the end ---- */

void
s2s_disconnect(struct s2s *s)
{
	if (s->wire)
		wire_release(s->wire);
	s->wire = NULL;
	if (s->tls)
		tls_info_fini(s->tls);
	free(s->tls);
	s->tls = NULL;
	if (s->has_address) {
		address_left(&s->server->s2s_addresses, s->address);
		s->all->n_in--;
	}
	s->has_address = false;
	*s->address = '\0';
	s->is_asked = s->has_run = s->is_opened = s->is_secure = false;
	if (s->is_counted)
		s->all->n_unauthenticated--;
	s->is_counted = false;
}

void
s2s_drop(struct s2s *s)
{
	struct s2s_peer *peer = s->peer;
	struct s2s_all *all = s->all;

	s->state = S2S_CLOSING;
	s2s_disconnect(s);
	dial_free(s->dial);
	loop_timer_clear(s->server->core, &s->timer);
	loop_timer_clear(s->server->core, &s->ack);
	s2s_dialback_forget(s);
	s2s_links_leave(s);
	s2s_sm_forget(s);
	s2s_pairs_free(s);
	list_remove(&s->node);
	if (peer)
		list_remove(&s->of_peer);
	if (!list_is_empty(&s->of_broken))
		all->n_broken--;
	list_remove(&s->of_broken);
	s2s_dial_ends(s);
	s2s_probe_end(s, false);
	free(s->local);
	free(s->remote);
	free(s->target);
	free(s->error);
	free(s->peer_id);
	all->n_streams--;
	server_stream_gone(s->server);
	free(s);
	if (peer)
		s2s_peer_tidy(peer);
}

/* Something has to be sent again, for which there is no other stream. */
static bool
has_work(const struct s2s *s)
{
	if (!s->peer || s2s_peer_has_way(s->peer))
		return false;
	list_each (n, &s->links) {
		if (container_of(n, struct s2s_link, of_stream)->n_queued)
			return true;
	}
	return false;
}

/* Whoever sends from now on needs another stream; what went by this one and
 * is not known to have arrived is looked after. */
static void
let_go(struct s2s *s, bool none_arrived)
{
	/* What bouncing brings about waits, like all else. */
	list_each (n, &s->links)
		container_of(n, struct s2s_link, of_stream)->state =
			LINK_WAITING;
	loop_timer_clear(s->server->core, &s->timer);
	loop_timer_clear(s->server->core, &s->ack);
	s2s_dialback_forget(s);
	s2s_sm_recover(s, none_arrived);
	/* Connecting again at once would bring the same again. */
	if (s->is_out && s->has_run && !s->server->is_stopping && has_work(s) &&
	    s->server->clock->mono_ms - s->ready_ms < TOO_SOON_MS)
		s2s_peer_lost(s->peer, "the stream was closed at once");
	s2s_links_leave(s);
	s2s_sm_forget(s);
}

void
s2s_close(struct s2s *s, enum stream_cond cond, const char *text)
{
	struct buf *b = &s->server->scratch;
	struct log log = s2s_log(s);

	if (s->state == S2S_CLOSING)
		return;
	if (!s->wire) {
		s2s_sm_recover(s, false);
		s2s_drop(s);
		return;
	}
	if ((s->auth && !cond) || server_may_log(s->server))
		log_info(&log, "closed%s%s%s%s", cond ? ": " : "",
			 cond ? stream_cond_name(cond) : "", text ? ": " : "",
			 text ? text : "");
	if (s->auth && s->peer && cond)
		s2s_peer_erred(s->peer, text ? text : stream_cond_name(cond));
	/* RFC 6120 4.9.1.2: an error stands inside of a stream. */
	if (!s->is_opened)
		s2s_send_open(s, s->remote, false);
	b->len = 0;
	if (cond)
		stream_write_error(b, cond, text);
	stream_write_close(b);
	s2s_flush(s);
	wire_close(s->wire, LINGER_MS);
	s->state = S2S_CLOSING;
	let_go(s, s->is_final);
}

void
s2s_drain(struct s2s *s)
{
	struct buf *b = &s->server->scratch;

	if (s->state != S2S_RUNNING) {
		s2s_close(s, STREAM_NONE, NULL);
		return;
	}
	s2s_sm_answer(s);
	b->len = 0;
	stream_write_close(b);
	s2s_flush(s);
	s->state = S2S_DRAINING;
	s2s_links_leave(s);
	loop_timer_set(s->server->core, &s->timer, DRAIN_MS);
}

/* ---- silence ---- */

/* What it may be silent for before it is closed; 0: for ever. */
static int64_t
idle_limit_ms(const struct s2s *s)
{
	int64_t limit_ms = s->server->opt.s2s_idle_timeout;

	/* It is for the one that has opened it to close it. */
	return s->is_out ? limit_ms : 2 * limit_ms;
}

/* ms 0: only to see whether it is idle. */
static void
check_in(struct s2s *s, int64_t ms)
{
	int64_t limit_ms = idle_limit_ms(s);
	int64_t idle_ms = s->server->clock->mono_ms - s->used_ms;

	if (limit_ms > idle_ms && (!ms || limit_ms - idle_ms < ms))
		ms = limit_ms - idle_ms;
	else if (limit_ms && !ms)
		ms = limit_ms;
	if (ms)
		loop_timer_set(s->server->core, &s->timer, ms);
}

void
s2s_watch(struct s2s *s)
{
	check_in(s, s->server->opt.s2s_ping_interval);
}

static void broken(struct s2s *s, const char *why);

static void
on_no_answer(struct s2s *s)
{
	struct log log = s2s_log(s);

	log_info(&log, "no answer for %" PRId64 " s",
		 s->server->opt.s2s_ping_timeout / 1000);
	wire_abandon(s->wire, 0);
	s->wire = NULL;
	broken(s, "it does not answer");
}

/* Nothing is sent and nothing waits: it can come back when it is needed. */
static bool
is_idle(const struct s2s *s, int64_t now_ms)
{
	int64_t limit_ms = idle_limit_ms(s);

	if (!limit_ms || (s->sm && sm_n_unacked(s->sm)) || s->probe)
		return false;
	return now_ms - s->used_ms >= limit_ms;
}

/* RFC 6120 13.7.2.3. A new stream shows what there is now. */
static bool
has_expired(const struct s2s *s)
{
	return s->auth && !strcmp(s->auth, BY_CERTIFICATE) && s->tls &&
	       s->tls->peer_not_after &&
	       s->tls->peer_not_after * 1000 < s->server->clock->wall_ms;
}

/* In order, so that nothing is lost by it. */
static void
end_expired(struct s2s *s)
{
	struct log log = s2s_log(s);

	log_info(&log, "its certificate has expired meanwhile");
	s2s_peer_erred(s->peer, "its certificate has expired meanwhile");
	s2s_drain(s);
}

/* Nothing is re-armed when bytes come: at expiry it shows how long ago. */
static void
on_silence(struct s2s *s)
{
	const struct server_options *opt = &s->server->opt;
	int64_t now_ms = s->server->clock->mono_ms;
	int64_t read_ms = wire_last_read_ms(s->wire);
	int64_t silent_ms = now_ms - read_ms;

	if (has_expired(s)) {
		end_expired(s);
		return;
	}
	if (is_idle(s, now_ms)) {
		s2s_drain(s);
		return;
	}
	if (s->is_asked && read_ms < s->asked_ms) {
		if (now_ms - s->asked_ms < opt->s2s_ping_timeout)
			loop_timer_set(s->server->core, &s->timer,
				       s->asked_ms + opt->s2s_ping_timeout -
					       now_ms);
		else if (s->is_sm || s->is_enabling || s->has_answered_ping)
			on_no_answer(s);
		else
			s2s_watch(s);
		return;
	}
	if (!opt->s2s_ping_interval) {
		check_in(s, 0);
		return;
	}
	if (s->is_asked && now_ms - s->asked_ms >= opt->s2s_ping_timeout) {
		s->is_asked = false; /* it talks, but of other things */
	} else if (silent_ms < opt->s2s_ping_interval) {
		check_in(s, opt->s2s_ping_interval - silent_ms);
		return;
	}
	s2s_sm_ask(s);
	loop_timer_set(s->server->core, &s->timer, opt->s2s_ping_timeout);
}

static void
on_timer(struct timer *t)
{
	struct s2s *s = container_of(t, struct s2s, timer);

	switch ((enum s2s_state)s->state) {
	case S2S_RUNNING:
		on_silence(s);
		break;
	case S2S_DRAINING:
		s2s_close(s, STREAM_NONE, NULL);
		break;
	case S2S_BROKEN:
		s2s_on_no_return(s);
		break;
	case S2S_DIALING:
	case S2S_CLOSING:
		break;
	default:
		if (s->is_out && s->state == S2S_NEGOTIATE)
			s2s_drain(s); /* it was for others' keys only */
		else if (s->is_out && s->is_hurried)
			s2s_on_hurry(s);
		else if (s->is_out)
			s2s_out_failed(s, "no answer while logging in");
		else
			s2s_close(s, STREAM_CONNECTION_TIMEOUT, NULL);
	}
}

static void
on_ack_timer(struct timer *t)
{
	struct s2s *s = container_of(t, struct s2s, ack);

	if (s->state == S2S_RUNNING && s->is_enabling)
		s2s_sm_enable_failed(s);
	else if (s->state == S2S_RUNNING && !s->is_out && !s->has_spoken)
		s2s_in_spoke(s);
	else if (s->state == S2S_RUNNING && !s->is_asked && s->sm &&
		 sm_n_unacked(s->sm))
		s2s_sm_ask(s);
}

/* ---- what the wire tells ---- */

static void
on_open(void *owner, struct arena *a, struct xml *header,
	const char *default_ns)
{
	struct s2s *s = owner;
	struct stream_header h;

	if (s->state == S2S_HEADER) {
		stream_header_read(header, default_ns, NS_SERVER, &h);
		if (s->is_out)
			s2s_out_open(s, &h);
		else
			s2s_in_open(s, &h);
		stream_header_fini(&h);
	}
	arena_unref(&a);
}

static void
on_element(void *owner, struct arena *a, struct xml *x)
{
	struct s2s *s = owner;
	struct log log = s2s_log(s);

	s->has_counted = false;
	if (s->state == S2S_CLOSING) {
		;
	} else if (xml_is(x, "error", NS_STREAM)) {
		const char *text = s2s_error_text(s, a, x);

		if (s->is_out && !s->has_run) {
			s2s_out_failed(s, text);
		} else {
			if (server_may_log(s->server))
				log_info(&log, "%s", text);
			if (s->auth && s->peer)
				s2s_peer_erred(s->peer, text);
			if (s->auth &&
			    xml_child(x, "system-shutdown", NS_STREAM_ERROR))
				s2s_broken(s);
			s2s_close(s, STREAM_NONE, NULL);
		}
	} else if (s->is_out) {
		s2s_out_element(s, a, x);
	} else {
		s2s_in_element(s, a, x);
	}
	arena_unref(&a);
}

/* RFC 6120 8.1.1.2, 8.1.2.2, 4.9.3.9, XEP-0220 2.5: what is wrong with it. */
static enum stream_cond
judge(const struct s2s *s, const struct stanza *st)
{
	if (!s->auth || (s->is_out && !s->is_bidi))
		return STREAM_NOT_AUTHORIZED;
	if ((!st->from && !st->bad_from) || (!st->to && !st->bad_to))
		return STREAM_IMPROPER_ADDRESSING;
	if (st->bad_from || !st->from)
		return STREAM_INVALID_FROM;
	if (st->bad_to)
		return STREAM_IMPROPER_ADDRESSING;
	if (!host_of(s->server, st->to) &&
	    !s2s_is_ours(s->server, jid_domain(st->to)))
		return STREAM_HOST_UNKNOWN;
	if (!s2s_may_come(s, st->from, st->to))
		return STREAM_INVALID_FROM;
	return STREAM_NONE;
}

static void
on_stanza(void *owner, struct stanza *stanza, unsigned weight)
{
	struct s2s *s = owner;
	enum stream_cond bad = STREAM_NONE;

	s->has_counted = false;
	if (s->state == S2S_RUNNING || s->state == S2S_DRAINING)
		bad = judge(s, stanza);
	if (bad)
		s2s_close(s, bad, NULL);
	/* Behind our last count its sender will hear that it was lost. */
	if (s->state != S2S_RUNNING && (s->state != S2S_DRAINING || s->is_sm)) {
		stanza_unref(&stanza);
		wire_stanza_done(s->wire, weight);
		return;
	}
	s->n_in++;
	s->used_ms = s->server->clock->mono_ms;
	s->has_moved = true;
	s2s_in_spoke(s);
	if (s->is_sm)
		sm_received(s->sm);
	route_from_wire(s->server, stanza, s->wire, weight);
}

static void
on_close(void *owner)
{
	struct s2s *s = owner;

	if (s->is_out && !s->has_run && s->state != S2S_CLOSING) {
		s2s_out_failed(s, s->error ? s->error : "it closed the stream");
		return;
	}
	if (s->state == S2S_RUNNING)
		s2s_sm_answer(s);
	/* Nothing can be counted behind its end: what the count just before
	 * leaves out has not been handled, and may be sent again. */
	s->is_final = s->has_counted;
	s2s_close(s, STREAM_NONE, NULL);
}

static void
on_secure(void *owner, const struct tls_info *info)
{
	struct s2s *s = owner;

	if (s->state != S2S_SECURING)
		return;
	s->is_secure = true;
	s->is_opened = false;
	s->tls = mem_alloc(sizeof(*s->tls));
	tls_info_copy(s->tls, info);
	s->state = S2S_HEADER;
	if (s->is_out)
		s2s_out_secure(s);
}

static void
on_bad(void *owner, enum stream_cond cond, const char *text)
{
	struct s2s *s = owner;

	if (s->is_out && !s->has_run && s->state != S2S_CLOSING)
		s2s_out_failed(s, text ? text : stream_cond_name(cond));
	else
		s2s_close(s, cond, text);
}

/* It was running, and the connection is gone without a word. */
static void
broken(struct s2s *s, const char *why)
{
	struct log log = s2s_log(s);
	int64_t now_ms = s->server->clock->mono_ms;
	bool too_soon = s->is_resumable
				? !s->has_moved && now_ms - s->ready_ms <
							   TOO_SOON_AGAIN_MS
				: now_ms - s->ready_ms < TOO_SOON_MS;

	log_info(&log, "connection lost: %s", why);
	s2s_peer_erred(s->peer, why);
	loop_timer_clear(s->server->core, &s->timer);
	loop_timer_clear(s->server->core, &s->ack);
	s2s_dialback_forget(s);
	s2s_disconnect(s);
	if (s->server->is_stopping || (!s->is_out && !s->is_resumable)) {
		s2s_give_up_waiting(s);
		return;
	}
	s->resume_until_ms = now_ms + s->server->opt.s2s_resume_time;
	list_each (n, &s->links) {
		struct s2s_link *l =
			container_of(n, struct s2s_link, of_stream);

		l->was_up = l->state == LINK_UP;
		l->state = LINK_WAITING;
	}
	s->state = S2S_BROKEN;
	if (!s->is_out) {
		s2s_wait_for_return(s);
		return;
	}
	if (!s->is_resumable) {
		s2s_sm_recover(s, false);
		s2s_broken(s);
	}
	if (too_soon)
		s2s_peer_lost(s->peer, why);
	else
		s2s_out_dial(s);
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	static const char *const words[] = {
		[CONN_EOF] = "the other side closed it",
		[CONN_RESET] = "reset",
		[CONN_TLS_FAILED] = "TLS failed",
		[CONN_QUEUE_FULL] = "it does not read what it is sent",
		[CONN_CLOSED] = "closed",
	};
	struct s2s *s = owner;
	struct log log = s2s_log(s);
	char text[200];

	snprintf(text, sizeof(text), "%s%s%s", words[why], detail ? ": " : "",
		 detail ? detail : "");
	if (s->state == S2S_CLOSING || s->state == S2S_DRAINING) {
		s2s_sm_recover(s, false);
		s2s_drop(s);
	} else if (s->state == S2S_RUNNING) {
		broken(s, text);
	} else if (s->is_out) {
		s2s_out_failed(s, text);
	} else {
		if (server_may_log(s->server))
			log_info(&log, "%s", text);
		s2s_drop(s);
	}
}

static const struct wire_class wire_class = {
	.on_open = on_open,
	.on_element = on_element,
	.on_stanza = on_stanza,
	.on_close = on_close,
	.on_secure = on_secure,
	.on_bad = on_bad,
	.on_end = on_end,
};

/* ---- the beginning ---- */

struct s2s *
s2s_new(struct s2s_all *all, bool is_out)
{
	struct server *srv = all->server;
	struct s2s *s = mem_zalloc(sizeof(*s));

	s->all = all;
	s->server = srv;
	s->is_out = is_out;
	s->rtt_ms = -1;
	s->since_ms = s->used_ms = srv->clock->mono_ms;
	s->timer.fn = on_timer;
	s->ack.fn = on_ack_timer;
	list_init(&s->links);
	list_init(&s->verifies);
	list_init(&s->asked);
	list_init(&s->of_broken);
	snprintf(s->name, sizeof(s->name), "s2s-%s-%" PRIu64,
		 is_out ? "out" : "in", ++srv->next_id);
	list_append(&all->streams, &s->node);
	all->n_streams++;
	srv->n_streams++;
	return s;
}

struct tls_config *
s2s_client_tls(const struct s2s *s)
{
	const struct host *h = host_find(s->server, s->local);
	const struct service_tls *service =
		h ? NULL : route_service_tls(s->server, s->local);

	if (h && h->s2s_tls_client)
		return h->s2s_tls_client;
	if (service && service->client)
		return service->client;
	return s->server->s2s_tls_client;
}

void
s2s_connect(struct s2s *s, int fd, bool direct_tls)
{
	struct server *srv = s->server;
	const struct server_options *opt = &srv->opt;
	struct buf name = { 0 };
	struct wire_settings settings = {
		.limits = s->is_out ? &srv->s2s_limits : &srv->limits_unauth,
		.max_queue = (size_t)opt->s2s_output_max,
		.max_backlog = SERVER_MAX_BACKLOG,
		.window = WINDOW,
		/* Until its peer's are known: s2s_share_rate. */
		.rates = { .bytes = opt->s2s_rate,
			   .burst = opt->s2s_burst,
			   .stanzas = opt->s2s_stanza_rate },
	};
	struct wire_io *io = wire_io_next(srv->io, srv->n_io, &srv->n_handed);
	unsigned user_ms = (unsigned)opt->s2s_ping_timeout;

	/* A connection that takes nothing is dead after that time. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms,
		   sizeof(user_ms));
	if (direct_tls && s->is_out) {
		settings.tls = s2s_client_tls(s);
		if (idna_to_ascii(s->remote, &name) == 0)
			settings.tls_client_name = name.data;
	} else if (direct_tls) {
		settings.tls = srv->s2s_tls;
	}
	s->has_moved = s->is_hurried = false;
	s->is_direct_tls = direct_tls;
	s->state = direct_tls ? S2S_SECURING : S2S_HEADER;
	s->wire = wire_new(srv->core, io, fd, &wire_class, s, &settings);
	buf_fini(&name);
	loop_timer_set(srv->core, &s->timer, opt->s2s_auth_timeout);
}
