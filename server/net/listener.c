/* listener.c - listening sockets. */

#include "net/listener.h"

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
/* Accepted at once, before others have their turn. */
#define ACCEPTS_MAX 64
#define PAUSE_MS    1000

struct listener {
	struct loop *loop; /* borrowed */
	int fd;
	struct event ev;
	struct timer pause; /* until there are file descriptors again */
	listener_accept *on_accept;
	void *data;
};

static void
name_peer(const struct sockaddr_storage *ss, struct peer_addr *out)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	*out = (struct peer_addr){ 0 };
	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, out->text, sizeof(out->text));
		out->port = ntohs(in->sin_port);
	} else if (ss->ss_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12],
				  out->text, sizeof(out->text));
		else
			inet_ntop(AF_INET6, &in6->sin6_addr, out->text,
				  sizeof(out->text));
		out->port = ntohs(in6->sin6_port);
	}
}

/* accept failed with errno e. True where it is worth trying again at once. */
static bool
accept_failed(struct listener *l, int e)
{
	switch (e) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		log_warn(NULL, "port %u: no connection accepted for %d ms: %s",
			 listener_port(l), PAUSE_MS, strerror(e));
		event_del(&l->ev);
		loop_timer_set(l->loop, &l->pause, PAUSE_MS);
		return false;
	default:
		/* That one has gone already (accept(2): network errors). */
		return true;
	}
}

static void
on_pause_over(struct timer *t)
{
	event_add(&container_of(t, struct listener, pause)->ev, NULL);
}

static void
on_readable(evutil_socket_t listen_fd, short what, void *data)
{
	struct listener *l = data;

	(void)what;
	loop_enter(l->loop);
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct peer_addr peer;
		int fd = accept4(listen_fd, (struct sockaddr *)&ss, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (accept_failed(l, errno))
				continue;
			return;
		}
		name_peer(&ss, &peer);
		l->on_accept(l->data, fd, &peer);
	}
}

/* The bound socket, or -1. */
static int
listen_on(const struct addrinfo *ai, struct err *err)
{
	int fd = socket(ai->ai_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return err_sys(err, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	/* Accepted sockets inherit it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		err_sys(err, "cannot listen");
		close(fd);
		return -1;
	}
	return fd;
}

void
peer_group(const char *text, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, text, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
		memset(a.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &a, out, INET6_ADDRSTRLEN);
	} else {
		snprintf(out, INET6_ADDRSTRLEN, "%s", text);
	}
}

struct listener *
listener_new(struct loop *loop, const char *address, uint16_t port,
	     listener_accept *on_accept, void *data, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST |
					      AI_NUMERICSERV };
	struct addrinfo *ai;
	struct listener *l;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &ai)) {
		err_set(err,
			"\"%s\" is not an IP address, one like 0.0.0.0 or :: "
			"is expected",
			address);
		return NULL;
	}
	fd = listen_on(ai, err);
	freeaddrinfo(ai);
	if (fd < 0) {
		err_wrap(err, "%s port %u", address, port);
		return NULL;
	}
	l = mem_zalloc(sizeof(*l));
	l->loop = loop;
	l->fd = fd;
	l->on_accept = on_accept;
	l->data = data;
	l->pause.fn = on_pause_over;
	event_assign(&l->ev, loop_base(loop), fd, EV_READ | EV_PERSIST,
		     on_readable, l);
	event_add(&l->ev, NULL);
	return l;
}

void
listener_free(struct listener **l)
{
	struct listener *old = *l;

	*l = NULL;
	if (!old)
		return;
	event_del(&old->ev);
	loop_timer_clear(old->loop, &old->pause);
	close(old->fd);
	free(old);
}

uint16_t
listener_port(const struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct peer_addr self;

	if (getsockname(l->fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	name_peer(&ss, &self);
	return self.port;
}
