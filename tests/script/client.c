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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	if (!strcmp(x->ns, NS_COMPONENT))
		x->ns = NS_CLIENT;
	xml_each (kid, x)
		rename_ns(kid);
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	const struct client *c = user;

	if (c->is_component)
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
	c->parser = xml_parser_new(c->pool, &handler, c, &limits);
	c->is_component = how->is_component;
	if (how->is_component)
		component_accept(srv, fds[1], &peer);
	else
		server_accept_c2s(srv, fds[1], how->is_secure, peer.text);
}

void
client_disconnect(struct client *c)
{
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

static void
read_all(struct client *c)
{
	static char data[65536];
	ssize_t n = -1;

	while (c->fd >= 0 && (n = read(c->fd, data, sizeof(data))) > 0) {
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
	read_all(c);
}

void
client_send(struct client *c, const char *text, size_t len)
{
	while (len && c->fd >= 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}
