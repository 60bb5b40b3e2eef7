/* c2s.c - the life of a client's stream: accept, stanzas, silence, the end. */

#include "core/c2s.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/addresses.h"
#include "core/auth.h"
#include "core/c2s_private.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/s2s.h"
#include "core/server.h"
#include "core/session.h"
#include "core/wire.h"
#include "net/listener.h"
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
#include <unistd.h>

/* For a client to take our last words. */
#define LINGER_MS 2000

/* Stanzas of one client that are under way: so many of a flood come before
 * somebody else's turn. */
#define WINDOW 128

struct log
c2s_log(const struct c2s *c)
{
	return (struct log){
		.host = c->host ? c->host->name : NULL,
		.stream = c->name,
		.jid = c->session   ? jid_str(c->session->jid)
		       : c->account ? jid_str(c->account->jid)
				    : NULL,
	};
}

const char *
c2s_name(const struct c2s *c)
{
	return c->name;
}

void
c2s_write(struct c2s *c, const char *head, size_t len, struct chunk *tail)
{
	if (c->state != C2S_CLOSING)
		wire_write(c->wire, head, len, tail);
}

void
c2s_write_bulk(struct c2s *c, const char *head, size_t len, struct chunk *tail)
{
	if (c->state != C2S_CLOSING)
		wire_write_bulk(c->wire, head, len, tail);
}

/* What belongs to the client, not to the connection. */
static void
let_go(struct c2s *c)
{
	struct session *s = c->session;

	c->session = NULL;
	if (s)
		session_end(s);
	session_unref(&s);
	account_unref(&c->account);
	auth_free(c->auth);
	c->auth = NULL;
	tls_info_fini(c->tls);
	free(c->tls);
	c->tls = NULL;
	if (c->pending)
		c->pending->answer_data = NULL;
	c->pending = NULL;
}

/* Before the log-in anybody can cause lines, and later who misbehaves. */
static bool
may_log_end(struct c2s *c, enum stream_cond cond)
{
	if (!c->account)
		return server_may_log(c->server);
	switch (cond) {
	case STREAM_NONE:
	case STREAM_CONFLICT:
	case STREAM_CONNECTION_TIMEOUT:
	case STREAM_INTERNAL_SERVER_ERROR:
	case STREAM_NOT_AUTHORIZED: /* any more */
	case STREAM_SYSTEM_SHUTDOWN:
		return true;
	default:
		return server_may_log(c->server);
	}
}

void
c2s_close(struct c2s *c, enum stream_cond cond, const char *text)
{
	struct buf *b = &c->server->scratch;
	struct log log = c2s_log(c);

	if (c->state == C2S_CLOSING)
		return;
	if (may_log_end(c, cond))
		log_info(&log, "closed%s%s%s%s", cond ? ": " : "",
			 cond ? stream_cond_name(cond) : "", text ? ": " : "",
			 text ? text : "");
	/* RFC 6120 4.9.1.2: an error stands inside of a stream. */
	if (!c->is_opened)
		c2s_send_open(c, NULL);
	b->len = 0;
	if (cond)
		stream_write_error(b, cond, text);
	stream_write_close(b);
	c2s_write(c, b->data, b->len, NULL);
	wire_close(c->wire, LINGER_MS);
	c->state = C2S_CLOSING;
	loop_timer_clear(c->server->core, &c->timer);
	let_go(c);
}

/* ---- silence ---- */

static void
ping(struct c2s *c)
{
	struct buf *b = &c->server->scratch;

	/* The answer, result or error, is a sign of life; nobody reads it. */
	b->len = 0;
	buf_printf(b, "<iq type='get' id='p%" PRIx64 "' from='",
		   ++c->server->next_id);
	buf_adds(b, c->host->name);
	buf_adds(b, "'");
	xml_write_attr(b, "to", jid_str(c->session->jid));
	buf_adds(b, "><ping xmlns='" NS_PING "'/></iq>");
	c2s_write(c, b->data, b->len, NULL);
	c->is_pinged = true;
	c->pinged_ms = c->server->clock->mono_ms;
}

/* Nothing is re-armed when bytes come: at expiry it shows how long ago. */
static void
on_silence(struct c2s *c)
{
	const struct server_options *opt = &c->server->opt;
	int64_t now_ms = c->server->clock->mono_ms;
	int64_t read_ms = wire_last_read_ms(c->wire);
	int64_t silent_ms = now_ms - read_ms;

	if (!opt->c2s_idle_timeout)
		return;
	if (c->is_pinged && read_ms < c->pinged_ms) {
		c2s_close(c, STREAM_CONNECTION_TIMEOUT, NULL);
	} else if (silent_ms < opt->c2s_idle_timeout) {
		c->is_pinged = false;
		loop_timer_set(c->server->core, &c->timer,
			       opt->c2s_idle_timeout - silent_ms);
	} else {
		ping(c);
		loop_timer_set(c->server->core, &c->timer,
			       opt->c2s_ping_timeout);
	}
}

void
c2s_watch_silence(struct c2s *c)
{
	if (c->server->opt.c2s_idle_timeout)
		loop_timer_set(c->server->core, &c->timer,
			       c->server->opt.c2s_idle_timeout);
	else
		loop_timer_clear(c->server->core, &c->timer);
}

static void
on_timer(struct timer *t)
{
	struct c2s *c = container_of(t, struct c2s, timer);

	if (c->state == C2S_BOUND)
		on_silence(c);
	else
		c2s_close(c, STREAM_CONNECTION_TIMEOUT, "log in faster");
}

/* ---- what the wire tells ---- */

static void
on_element(void *owner, struct arena *a, struct xml *x)
{
	struct c2s *c = owner;

	switch (c->state) {
	case C2S_CLOSING:
		break;
	case C2S_BOUND:
		/* RFC 6120 4.9.3.24: a first-level child that is no stanza. */
		c2s_close(c, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		break;
	default:
		c2s_on_negotiation(c, a, x);
	}
	arena_unref(&a);
}

static void
on_stanza(void *owner, struct stanza *s, unsigned weight)
{
	struct c2s *c = owner;

	/* What comes from an account that is being deleted would only be left
	 * behind. */
	if (c->state != C2S_BOUND || c->account->is_gone) {
		stanza_unref(&s);
		wire_stanza_done(c->wire, weight);
		return;
	}
	/* RFC 6120 8.1.2.1: whatever the client has written there. */
	stanza_set_from(s, c->session->jid);
	/* RFC 6120 8.1.5 */
	if (c->lang && !xml_lang(s->root))
		xml_set_ns(s->arena, s->root, NS_XML, "lang", c->lang);
	route_from_session(c->session, s, c->wire, weight);
}

static void
on_close(void *owner)
{
	c2s_close(owner, STREAM_NONE, NULL);
}

static void
on_secure(void *owner, const struct tls_info *info)
{
	struct c2s *c = owner;

	if (c->state != C2S_SECURING)
		return;
	c->is_secure = true;
	c->is_opened = false;
	c->tls = mem_alloc(sizeof(*c->tls));
	tls_info_copy(c->tls, info);
	snprintf(c->tls_version, sizeof(c->tls_version), "%s", info->version);
	c->state = C2S_HEADER;
}

static void
on_bad(void *owner, enum stream_cond cond, const char *text)
{
	c2s_close(owner, cond, text);
}

/* The stream is over and forgotten. */
static void
drop(struct c2s *c)
{
	c->state = C2S_CLOSING;
	loop_timer_clear(c->server->core, &c->timer);
	let_go(c);
	list_remove(&c->node);
	address_left(&c->server->c2s_addresses, c->address);
	wire_release(c->wire);
	c->server->n_clients--;
	server_stream_gone(c->server);
	free(c->address);
	free(c->lang);
	free(c);
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	static const char *const words[] = {
		[CONN_EOF] = "connection closed",
		[CONN_RESET] = "connection lost",
		[CONN_TLS_FAILED] = "TLS failed",
		[CONN_QUEUE_FULL] = "does not read what it is sent",
		[CONN_CLOSED] = "closed",
	};
	struct c2s *c = owner;
	struct server *srv = c->server;
	struct log log = c2s_log(c);

	if (c->state == C2S_CLOSING)
		log_debug(&log, "ended");
	else if ((c->account && why != CONN_QUEUE_FULL) || server_may_log(srv))
		log_info(&log, "%s%s%s", words[why], detail ? ": " : "",
			 detail ? detail : "");
	drop(c);
}

static const struct wire_class wire_class = {
	.on_open = c2s_on_open,
	.wants_exporter = c2s_wants_exporter,
	.on_exporter = c2s_on_exporter,
	.on_element = on_element,
	.on_stanza = on_stanza,
	.on_close = on_close,
	.on_secure = on_secure,
	.on_bad = on_bad,
	.on_end = on_end,
};

static bool
is_full(const struct server *srv)
{
	return srv->opt.c2s_max && srv->n_clients >= (uint64_t)srv->opt.c2s_max;
}

void
c2s_accept(struct server *srv, int fd, const struct peer_addr *peer,
	   bool direct_tls, bool secure)
{
	struct wire_settings settings = {
		.limits = &srv->limits_unauth,
		.max_queue = (size_t)srv->opt.c2s_queue_max,
		.max_backlog = SERVER_MAX_BACKLOG,
		.window = WINDOW,
		.rates = { .bytes = srv->opt.c2s_rate,
			   .burst = srv->opt.c2s_burst },
		.tls = direct_tls ? srv->c2s_tls : NULL,
	};
	struct wire_io *io = wire_io_next(srv->io, srv->n_io, &srv->n_handed);
	struct c2s *c;

	if (srv->is_stopping || is_full(srv) ||
	    !address_came(&srv->c2s_addresses, peer->text,
			  srv->opt.c2s_max_per_address)) {
		close(fd);
		return;
	}
	c = mem_zalloc(sizeof(*c));
	c->server = srv;
	c->address = mem_strdup(peer->text);
	c->is_secure = secure;
	c->timer.fn = on_timer;
	snprintf(c->name, sizeof(c->name), "c2s-%" PRIu64, ++srv->next_id);
	list_append(&srv->streams, &c->node);
	srv->n_streams++;
	srv->n_clients++;
	c->wire = wire_new(srv->core, io, fd, &wire_class, c, &settings);
	if (direct_tls)
		c->state = C2S_SECURING;
	loop_timer_set(srv->core, &c->timer, srv->opt.c2s_auth_timeout);
}

void
c2s_each(struct server *srv,
	 void (*fn)(void *data, const struct c2s_info *info), void *data)
{
	list_each (n, &srv->streams) {
		const struct c2s *c = container_of(n, struct c2s, node);
		struct log log = c2s_log(c);
		struct c2s_info info = {
			.name = c->name,
			.address = c->address,
			.jid = log.jid,
			.tls_version = *c->tls_version ? c->tls_version : NULL,
			.mechanism = c->mech,
			.is_bound = c->state == C2S_BOUND,
		};

		fn(data, &info);
	}
}

void
c2s_close_account(struct account *a, enum stream_cond cond, const char *text)
{
	list_each_safe (n, &a->host->server->streams) {
		struct c2s *c = container_of(n, struct c2s, node);

		if (c->account == a)
			c2s_close(c, cond, text);
	}
}

void
c2s_account_changed(struct server *srv, const struct jid *account)
{
	list_each (n, &srv->streams) {
		struct c2s *c = container_of(n, struct c2s, node);

		if (c->auth)
			auth_account_changed(c->auth, jid_str(account));
	}
}

void
c2s_close_all(struct server *srv, enum stream_cond cond)
{
	list_each_safe (n, &srv->streams)
		c2s_close(container_of(n, struct c2s, node), cond, NULL);
}

void
c2s_drop_all(struct server *srv)
{
	list_each_safe (n, &srv->streams)
		drop(container_of(n, struct c2s, node));
}
