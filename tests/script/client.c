/* client.c - a scripted client. */

#include "client.h"

#include "base/arena.h"
#include "base/mem.h"
#include "core/component.h"
#include "core/server.h"
#include "net/listener.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than any needs. */
#define HANDSHAKE_TURNS 10

static const struct xml_limits limits = {
	.stanza = 16u << 20,
	.token = 16u << 20,
	.depth = 1000,
	.attrs = 1000,
	.children = 100000,
};

static void
add_incoming(struct client *c, struct arena *a, struct xml *x, bool is_header)
{
	struct incoming *in = mem_zalloc(sizeof(*in));

	in->arena = a;
	in->xml = x;
	in->is_header = is_header;
	list_append(&c->incoming, &in->node);
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)default_ns;
	add_incoming(user, a, header, true);
	return true;
}

/* In dialogues, stanzas look the same on every stream. */
static void
rename_ns(struct xml *x)
{
	if (!strcmp(x->ns, NS_COMPONENT) || !strcmp(x->ns, NS_SERVER))
		x->ns = NS_CLIENT;
	xml_each (kid, x)
		rename_ns(kid);
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	const struct client *c = user;

	if (c->is_component || c->is_server)
		rename_ns(x);
	add_incoming(user, a, x, false);
	/* RFC 6120 5.4.3.3, 6.4.6: a new stream comes next. */
	return !xml_is(x, "success", NS_SASL) && !xml_is(x, "proceed", NS_TLS);
}

static void
on_close(void *user)
{
	add_incoming(user, NULL, NULL, false);
}

static const struct xml_handler handler = {
	.on_open = on_open,
	.on_element = on_element,
	.on_close = on_close,
};

struct client *
client_new(const char *name)
{
	struct client *c = mem_zalloc(sizeof(*c));

	c->name = mem_strdup(name);
	c->fd = -1;
	list_init(&c->incoming);
	c->pool = xml_pool_new();
	return c;
}

void
incoming_free(struct incoming *in)
{
	arena_unref(&in->arena);
	free(in);
}

struct incoming *
client_next(struct client *c)
{
	struct list *n = list_pop(&c->incoming);

	return n ? container_of(n, struct incoming, node) : NULL;
}

static void
new_parser(struct client *c)
{
	xml_parser_free(c->parser);
	c->parser = xml_parser_new(c->pool, &handler, c, &limits);
}

static void
reset(struct client *c)
{
	struct incoming *in;

	client_disconnect(c);
	while ((in = client_next(c)))
		incoming_free(in);
	xml_parser_free(c->parser);
	c->parser = NULL;
	free(c->jid);
	c->jid = NULL;
	free(c->response);
	c->response = NULL;
	c->is_ended = false;
}

void
client_free(struct client *c)
{
	reset(c);
	xml_pool_free(c->pool);
	free(c->log);
	free(c->name);
	free(c);
}

void
client_connect(struct client *c, struct server *srv,
	       const struct connection *how)
{
	struct peer_addr peer = { .port = 0 };
	int fds[2], ret;

	reset(c);
	snprintf(peer.text, sizeof(peer.text), "%s",
		 how->address ? how->address : "192.0.2.1");
	ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			 fds);
	assert(ret == 0);
	(void)ret;
	c->fd = fds[0];
	new_parser(c);
	c->is_component = how->is_component;
	c->is_server = how->is_server;
	c->is_dialed = c->awaits_tls = false;
	if (how->is_component)
		component_accept(srv, fds[1], &peer);
	else if (how->is_server)
		server_accept_s2s(srv, fds[1], how->tls, peer.text);
	else
		server_accept_c2s(srv, fds[1], how->is_secure, peer.text);
}

void
client_take(struct client *c, int fd, bool with_tls)
{
	reset(c);
	c->fd = fd;
	c->is_component = false;
	c->is_server = c->is_dialed = true;
	c->awaits_tls = with_tls;
	new_parser(c);
}

/* ---- TLS ---- */

static SSL *
new_ssl(bool as_server, const char *pem)
{
	SSL_CTX *ctx = SSL_CTX_new(as_server ? TLS_server_method()
					     : TLS_client_method());
	SSL *ssl;

	if (pem &&
	    (SSL_CTX_use_certificate_file(ctx, pem, SSL_FILETYPE_PEM) <= 0 ||
	     SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) <= 0))
		abort();
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (as_server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

bool
client_start_tls(struct client *c, struct server *srv, const char *pem)
{
	static const char proceed[] = "<proceed xmlns='" NS_TLS "'/>";
	int ret = 0;

	if (c->is_dialed && !c->awaits_tls)
		client_send(c, proceed, sizeof(proceed) - 1);
	c->awaits_tls = false;
	new_parser(c);
	c->ssl = new_ssl(c->is_dialed, pem);
	SSL_set_fd(c->ssl, c->fd);
	for (int i = 0; i < HANDSHAKE_TURNS && ret <= 0; i++) {
		server_settle(srv);
		ret = SSL_do_handshake(c->ssl);
	}
	return ret == 1;
}

void
client_disconnect(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void
keep_log(struct client *c, const char *data, size_t len)
{
	c->log = mem_realloc(c->log, c->log_len + len + 1);
	memcpy(c->log + c->log_len, data, len);
	c->log_len += len;
	c->log[c->log_len] = '\0';
}

static void
parse(struct client *c, const char *data, size_t len)
{
	enum xml_fed fed = xml_parser_feed(c->parser, data, len);

	while (fed == XML_PAUSED) {
		xml_parser_restart(c->parser, &limits);
		fed = xml_parser_resume(c->parser);
	}
}

/* Like read: 0 at the end, -1 with EAGAIN when nothing more is there. */
static ssize_t
read_some(struct client *c, char *data, size_t size)
{
	int n;

	if (!c->ssl)
		return read(c->fd, data, size);
	n = SSL_read(c->ssl, data, (int)size);
	if (n > 0)
		return n;
	if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
		return 0;
	errno = EAGAIN;
	return -1;
}

static void
read_all(struct client *c)
{
	static char data[65536];
	ssize_t n = -1;

	while (c->fd >= 0 && (n = read_some(c, data, sizeof(data))) > 0) {
		keep_log(c, data, (size_t)n);
		parse(c, data, (size_t)n);
	}
	if (c->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN)))
		c->is_ended = true;
}

void
client_pump(struct client *c, struct server *srv)
{
	server_settle(srv);
	if (!c->awaits_tls)
		read_all(c);
}

/* RFC 6120 5.4.3.3, 6.4.6: behind these, a new stream comes from who has
 * connected. */
static bool
ends_stream(const char *text, size_t len)
{
	static const char *const ends[] = { "<success", "<proceed" };

	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		if (len > strlen(ends[i]) &&
		    !strncmp(text, ends[i], strlen(ends[i])))
			return true;
	}
	return false;
}

void
client_send(struct client *c, const char *text, size_t len)
{
	if (c->is_server && ends_stream(text, len))
		new_parser(c);
	while (len && c->fd >= 0) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, text, (int)len)
				   : send(c->fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}
