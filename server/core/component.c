/* component.c - external components (XEP-0114). */

#include "core/component.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/token.h"
#include "core/config.h"
#include "core/event.h"
#include "core/router.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/listener.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINGER_MS 2000

/* More than for a client: there may be many users behind it. */
#define WINDOW 1024

/* A white space after so much silence of ours, so that a connection that is
 * dead is found out. */
#define KEEPALIVE_MS 60000

struct component_stream;

/* A domain of the configuration. */
struct component {
	struct list node;      /* in server->components */
	struct server *server; /* borrowed */
	struct service service;
	struct component_stream *stream; /* borrowed; NULL: not connected */
	char *secret;			 /* owned */
	bool is_gone;			 /* not in the configuration any more */
	struct log log;
	char domain[];
};

enum stream_state { WAIT_HEADER, WAIT_HANDSHAKE, RUNNING, CLOSING };

/* A connection; until it has shown the secret it is nobody's. */
struct component_stream {
	struct list node; /* in server->component_streams */
	struct server *server;
	struct component *component; /* borrowed; NULL before the header */
	struct wire *wire;	     /* owned */
	struct timer timer;	     /* to log in; then keepalive */
	enum stream_state state;
	bool is_opened;
	char id[33];
	char name[20];
	char address[INET6_ADDRSTRLEN];
};

static struct log
stream_log(const struct component_stream *s)
{
	return (struct log){
		.host = s->component ? s->component->domain : NULL,
		.stream = s->name,
	};
}

static void
write_text(struct component_stream *s, const char *text, size_t len)
{
	wire_write(s->wire, text, len, NULL);
}

static void
send_open(struct component_stream *s)
{
	struct buf *b = &s->server->scratch;
	struct stream_open open = {
		.ns = NS_COMPONENT,
		.from = s->component ? s->component->domain : NULL,
		.id = s->id,
		.without_version = true,
	};

	b->len = 0;
	stream_write_open(b, &open);
	write_text(s, b->data, b->len);
	s->is_opened = true;
}

static void
stream_end(struct component_stream *s, enum stream_cond cond, const char *text)
{
	struct buf *b = &s->server->scratch;
	struct log log = stream_log(s);
	bool was_running = s->state == RUNNING;

	if (s->state == CLOSING)
		return;
	if (!s->is_opened)
		send_open(s);
	b->len = 0;
	if (cond)
		stream_write_error(b, cond, text);
	stream_write_close(b);
	write_text(s, b->data, b->len);
	wire_close(s->wire, LINGER_MS);
	loop_timer_clear(s->server->core, &s->timer);
	if (s->state == RUNNING && s->component->stream == s)
		s->component->stream = NULL;
	s->state = CLOSING;
	if (was_running || server_may_log(s->server))
		log_info(&log, "component closed: %s%s%s",
			 cond ? stream_cond_name(cond) : "done",
			 text ? ": " : "", text ? text : "");
}

static void
stream_free(struct component_stream *s)
{
	if (s->component && s->component->stream == s)
		s->component->stream = NULL;
	loop_timer_clear(s->server->core, &s->timer);
	list_remove(&s->node);
	wire_release(s->wire);
	server_stream_gone(s->server);
	free(s);
}

/* ---- logging in ---- */

static struct component *
component_find(const struct server *srv, const char *domain)
{
	list_each (n, &srv->components) {
		struct component *c = container_of(n, struct component, node);

		if (!c->is_gone && !strcmp(c->domain, domain))
			return c;
	}
	return NULL;
}

static void
on_open(void *owner, struct arena *a, struct xml *header,
	const char *default_ns)
{
	struct component_stream *s = owner;
	enum stream_cond bad = STREAM_NONE;
	struct stream_header h;

	stream_header_read(header, default_ns, NS_COMPONENT, &h);
	/* XEP-0114 is older than versions of streams. */
	if (h.error && h.error != STREAM_UNSUPPORTED_VERSION)
		bad = h.error;
	else if (h.to)
		s->component = component_find(s->server, jid_str(h.to));
	if (!bad && !s->component)
		bad = STREAM_HOST_UNKNOWN;
	if (bad) {
		stream_end(s, bad, h.error_text);
	} else if (s->state == WAIT_HEADER) {
		send_open(s);
		s->state = WAIT_HANDSHAKE;
		wire_continue(s->wire);
	}
	stream_header_fini(&h);
	arena_unref(&a);
}

/* SHA1(stream id + secret) in lower case hexadecimal digits. */
static bool
is_handshake(const struct component_stream *s, const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	char *both = mem_printf("%s%s", s->id, s->component->secret);
	unsigned len = 0;

	EVP_Digest(both, strlen(both), digest, &len, EVP_sha1(), NULL);
	OPENSSL_cleanse(both, strlen(both));
	free(both);
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	return strlen(text) == 2 * (size_t)len &&
	       CRYPTO_memcmp(text, hex, 2 * (size_t)len) == 0;
}

static void
logged_in(struct component_stream *s)
{
	static const char handshake[] = "<handshake/>";
	struct component *c = s->component;
	struct log log = stream_log(s);

	/* It has come back before its old connection was found dead. */
	if (c->stream)
		stream_end(c->stream, STREAM_CONFLICT,
			   "replaced by a new connection");
	c->stream = s;
	s->state = RUNNING;
	write_text(s, handshake, sizeof(handshake) - 1);
	wire_run(s->wire, NS_COMPONENT, &s->server->limits);
	loop_timer_set(s->server->core, &s->timer, KEEPALIVE_MS);
	log_info(&log, "component connected from %s", s->address);
}

static void
on_element(void *owner, struct arena *a, struct xml *x)
{
	struct component_stream *s = owner;

	if (s->state == RUNNING)
		stream_end(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	else if (s->state != WAIT_HANDSHAKE)
		;
	else if (s->component->is_gone)
		stream_end(s, STREAM_HOST_GONE, NULL);
	else if (!xml_is(x, "handshake", NS_COMPONENT) ||
		 !is_handshake(s, xml_get_text(a, x)))
		stream_end(s, STREAM_NOT_AUTHORIZED, NULL);
	else
		logged_in(s);
	arena_unref(&a);
}

/* ---- stanzas ---- */

/* RFC 6120 4.9.3.7: whatever they are. */
static bool
has_addresses(const struct stanza *s)
{
	return (s->from || s->bad_from) && (s->to || s->bad_to);
}

/* From the component to the world. */
static void
on_stanza(void *owner, struct stanza *stanza, unsigned weight)
{
	struct component_stream *s = owner;

	if (s->state == RUNNING && !has_addresses(stanza))
		stream_end(s, STREAM_IMPROPER_ADDRESSING, NULL);
	else if (s->state == RUNNING &&
		 (!stanza->from ||
		  strcmp(jid_domain(stanza->from), s->component->domain)))
		stream_end(s, STREAM_INVALID_FROM, NULL);
	if (s->state == RUNNING) {
		route_from_wire(s->server, stanza, s->wire, weight);
	} else {
		stanza_unref(&stanza);
		wire_stanza_done(s->wire, weight);
	}
}

/* From the world to the component. */
static enum verdict
receive(void *data, struct event *ev)
{
	struct component *c = data;
	struct buf *b = &c->server->scratch;
	const struct stanza *stanza = ev->stanza;

	if (!c->stream)
		return event_fail_text(ev, COND_REMOTE_SERVER_TIMEOUT,
				       "the component is not connected");
	b->len = 0;
	stanza_write(b, stanza, stanza->from, stanza->to, NS_COMPONENT);
	write_text(c->stream, b->data, b->len);
	return DONE;
}

static void
on_close(void *owner)
{
	stream_end(owner, STREAM_NONE, NULL);
}

static void
on_bad(void *owner, enum stream_cond cond, const char *text)
{
	stream_end(owner, cond, text);
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	struct component_stream *s = owner;
	struct log log = stream_log(s);

	(void)why;
	if (s->state != CLOSING &&
	    (s->state == RUNNING || server_may_log(s->server)))
		log_info(&log, "component's connection lost%s%s",
			 detail ? ": " : "", detail ? detail : "");
	stream_free(s);
}

static const struct wire_class wire_class = {
	.on_open = on_open,
	.on_element = on_element,
	.on_stanza = on_stanza,
	.on_close = on_close,
	.on_bad = on_bad,
	.on_end = on_end,
};

static void
on_timer(struct timer *t)
{
	struct component_stream *s =
		container_of(t, struct component_stream, timer);

	if (s->state != RUNNING) {
		stream_end(s, STREAM_CONNECTION_TIMEOUT, NULL);
		return;
	}
	write_text(s, " ", 1);
	loop_timer_set(s->server->core, &s->timer, KEEPALIVE_MS);
}

void
component_accept(struct server *srv, int fd, const struct peer_addr *peer)
{
	struct wire_settings settings = {
		.limits = &srv->limits_unauth,
		.max_queue = (size_t)srv->opt.component_queue_max,
		.max_backlog = SERVER_MAX_BACKLOG,
		.window = WINDOW,
	};
	struct component_stream *s;
	struct wire_io *io;

	if (srv->is_stopping) {
		close(fd);
		return;
	}
	io = wire_io_next(srv->io, srv->n_io, &srv->n_handed);
	s = mem_zalloc(sizeof(*s));
	srv->n_streams++;
	s->server = srv;
	s->timer.fn = on_timer;
	snprintf(s->name, sizeof(s->name), "component-%" PRIu64,
		 ++srv->next_id);
	snprintf(s->address, sizeof(s->address), "%s", peer->text);
	token_make(s->id, sizeof(s->id) - 1);
	list_append(&srv->component_streams, &s->node);
	s->wire = wire_new(srv->core, io, fd, &wire_class, s, &settings);
	loop_timer_set(srv->core, &s->timer, srv->opt.c2s_auth_timeout);
}

/* ---- the configuration ---- */

static int
component_add(struct server *srv, const struct config_component *cc,
	      struct err *err)
{
	struct component *c = mem_zalloc(sizeof(*c) + strlen(cc->domain) + 1);

	strcpy(c->domain, cc->domain);
	c->server = srv;
	c->secret = mem_strdup(cc->secret);
	c->service.receive = receive;
	c->service.data = c;
	c->log.host = c->domain;
	if (route_add_service(srv, c->domain, &c->service) < 0) {
		err_set(err, "component \"%s\": the domain is taken",
			c->domain);
		free(c->secret);
		free(c);
		return -1;
	}
	list_append(&srv->components, &c->node);
	return 0;
}

int
components_load(struct server *srv, const struct config *cfg, struct err *err)
{
	for (size_t i = 0; i < config_n_components(cfg); i++) {
		if (component_add(srv, config_component(cfg, i), err) < 0)
			return -1;
	}
	return 0;
}

/* Its domain is unknown from now on. The struct stays until the end, for a
 * stream that still has its name. */
static void
component_remove(struct component *c)
{
	c->is_gone = true;
	route_remove_service(c->server, c->domain);
	if (c->stream)
		stream_end(c->stream, STREAM_HOST_GONE, NULL);
}

static const struct config_component *
configured(const struct config *cfg, const char *domain)
{
	for (size_t i = 0; i < config_n_components(cfg); i++) {
		if (!strcmp(config_component(cfg, i)->domain, domain))
			return config_component(cfg, i);
	}
	return NULL;
}

int
components_reload(struct server *srv, const struct config *cfg, struct err *err)
{
	int ret = 0;

	list_each (n, &srv->components) {
		struct component *c = container_of(n, struct component, node);
		const struct config_component *cc;

		if (c->is_gone)
			continue;
		cc = configured(cfg, c->domain);
		if (!cc) {
			component_remove(c);
		} else if (strcmp(c->secret, cc->secret)) {
			free(c->secret);
			c->secret = mem_strdup(cc->secret);
		}
	}
	for (size_t i = 0; i < config_n_components(cfg); i++) {
		const struct config_component *cc = config_component(cfg, i);

		if (!component_find(srv, cc->domain) &&
		    component_add(srv, cc, err) < 0)
			ret = -1;
	}
	return ret;
}

void
components_stop(struct server *srv)
{
	list_each (n, &srv->component_streams)
		stream_end(container_of(n, struct component_stream, node),
			   STREAM_SYSTEM_SHUTDOWN, NULL);
}

void
components_free(struct server *srv)
{
	struct list *n;

	list_each_safe (s, &srv->component_streams)
		stream_free(container_of(s, struct component_stream, node));
	while ((n = list_pop(&srv->components))) {
		struct component *c = container_of(n, struct component, node);

		if (!c->is_gone)
			route_remove_service(srv, c->domain);
		free(c->secret);
		free(c);
	}
}
