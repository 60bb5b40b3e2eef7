/* check_dial.c - finding and connecting a domain's servers. */

#include "net/dial.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "dns_server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLAIN "_xmpp-server._tcp.a.example"
#define TLS   "_xmpps-server._tcp.a.example"

#define N_LISTENERS 8

static struct clock fake;
static struct loop *loop;
static struct dns_server *server;
static struct dns *dns;
static struct dial *dial;
static struct err err;
static struct buf traced;

/* 127.0.0.1, 127.0.0.2, ... */
static struct listener *listeners[N_LISTENERS];

static struct {
	int n;
	enum dial_status status;
	int fd;
	bool is_tls;
	char host[256], address[64], error[2000];
	uint16_t port;
} got;

static void
setup(void)
{
	struct dns_settings s = { .timeout_ms = 5000, .tries = 1 };

	clock_init_fake(&fake);
	memset(&got, 0, sizeof(got));
	got.fd = -1;
	loop = loop_new("core", &fake);
	server = dns_server_new(loop);
	s.servers = dns_server_address(server);
	dns = dns_new(loop, &s, &err);
	ck_assert_msg(dns != NULL, "%s", err.text);
}

static void
teardown(void)
{
	dial_free(dial);
	dial = NULL;
	if (got.fd >= 0)
		close(got.fd);
	for (int i = 0; i < N_LISTENERS; i++)
		listener_free(&listeners[i]);
	dns_free(dns);
	dns_server_free(server);
	loop_free(loop);
	buf_fini(&traced);
}

static void
on_accept(void *data, int fd, const struct peer_addr *peer)
{
	(void)data;
	(void)peer;
	close(fd);
}

/* Returns the port. */
static unsigned
listen_on(int i)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.%d", i + 1);
	listeners[i] = listener_new(loop, address, 0, on_accept, NULL, &err);
	ck_assert_msg(listeners[i] != NULL, "%s", err.text);
	return listener_port(listeners[i]);
}

/* A port where nobody listens. */
static unsigned
dead_port(void)
{
	unsigned port = listen_on(N_LISTENERS - 1);

	listener_free(&listeners[N_LISTENERS - 1]);
	return port;
}

static void
on_done(void *data, const struct dial_result *r)
{
	ck_assert_ptr_eq(data, &got);
	if (got.fd >= 0)
		close(got.fd);
	got.n++;
	got.status = r->status;
	got.fd = r->fd;
	got.is_tls = r->is_tls;
	got.port = r->port;
	snprintf(got.host, sizeof(got.host), "%s", r->host ? r->host : "");
	snprintf(got.address, sizeof(got.address), "%s",
		 r->address ? r->address : "");
	snprintf(got.error, sizeof(got.error), "%s", r->error ? r->error : "");
	ck_assert_int_eq(r->status == DIAL_OK, r->fd >= 0);
	ck_assert_int_eq(r->status == DIAL_OK, r->error == NULL);
}

static void
on_trace(void *data, const char *line)
{
	ck_assert_ptr_eq(data, &got);
	buf_printf(&traced, "%s\n", line);
}

static void
start(const char *domain, const char *const *fixed, unsigned port)
{
	struct dial_settings s = { .dns = dns,
				   .service = "xmpp-server",
				   .default_port = (uint16_t)port,
				   .fixed = fixed,
				   .connect_timeout_ms = 10000,
				   .attempt_delay_ms = 250,
				   .user_timeout_ms = 30000,
				   .trace = on_trace };

	dial = dial_new(loop, domain, &s, on_done, &got);
	ck_assert_int_eq(got.n, 0);
}

/* Without moving the clock. */
static void
run(void)
{
	int n = got.n;

	for (int idle = 0; idle < 1000 && got.n == n; idle++)
		if (loop_step(loop))
			idle = 0;
}

static void
must_connect(const char *host, const char *address, unsigned port)
{
	int n = got.n;

	run();
	ck_assert_int_eq(got.n, n + 1);
	ck_assert_str_eq(got.error, "");
	ck_assert_int_eq(got.status, DIAL_OK);
	ck_assert_str_eq(got.host, host);
	ck_assert_str_eq(got.address, address);
	ck_assert_uint_eq(got.port, port);
}

static void
must_fail(enum dial_status status, const char *error)
{
	int n = got.n;

	run();
	ck_assert_int_eq(got.n, n + 1);
	ck_assert_int_eq(got.status, status);
	ck_assert_str_eq(got.error, error);
}

static void
add_srv(const char *name, unsigned priority, unsigned port, const char *host)
{
	char text[300];

	snprintf(text, sizeof(text), "%u 1 %u %s", priority, port, host);
	dns_server_add(server, name, "SRV", 60, text);
}

START_TEST(srv)
{
	unsigned port = listen_on(1);
	int value = 0;
	socklen_t len = sizeof(value);

	add_srv(PLAIN, 1, port, "x.example");
	dns_server_add(server, "x.example", "A", 60, "127.0.0.2");
	start("a.example", NULL, 1);
	must_connect("x.example", "127.0.0.2", port);
	ck_assert(!got.is_tls);
	ck_assert_int_ne(fcntl(got.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(got.fd, F_GETFD) & FD_CLOEXEC, 0);
	getsockopt(got.fd, IPPROTO_TCP, TCP_NODELAY, &value, &len);
	ck_assert_int_ne(value, 0);
	getsockopt(got.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len);
	ck_assert_int_eq(value, 30000);
	dial_next(dial);
	must_fail(DIAL_UNREACHABLE, "no other target is left");
	ck_assert_ptr_nonnull(strstr(traced.data, PLAIN ": x.example port"));
}
END_TEST

START_TEST(both_kinds_by_priority)
{
	unsigned port1 = listen_on(1), port2 = listen_on(2),
		 port3 = listen_on(3), dead = dead_port();

	add_srv(PLAIN, 10, port1, "x.example");
	add_srv(PLAIN, 30, port3, "z.example");
	add_srv(PLAIN, 15, dead, "x.example");
	add_srv(TLS, 20, port2, "y.example");
	dns_server_add(server, "x.example", "A", 60, "127.0.0.2");
	dns_server_add(server, "y.example", "A", 60, "127.0.0.3");
	dns_server_add(server, "z.example", "A", 60, "127.0.0.4");
	start("a.example", NULL, 1);
	must_connect("x.example", "127.0.0.2", port1);
	ck_assert(!got.is_tls);
	dial_next(dial);
	must_connect("y.example", "127.0.0.3", port2);
	ck_assert(got.is_tls);
	dial_next(dial);
	must_connect("z.example", "127.0.0.4", port3);
	ck_assert(!got.is_tls);
	dial_next(dial);
	run();
	ck_assert_int_eq(got.n, 4);
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
	ck_assert_ptr_nonnull(
		strstr(got.error, "(127.0.0.2): Connection refused"));
}
END_TEST

START_TEST(no_srv)
{
	unsigned port = listen_on(1);

	dns_server_add(server, "a.example", "A", 60, "127.0.0.2");
	start("a.example", NULL, port);
	must_connect("a.example", "127.0.0.2", port);
}
END_TEST

START_TEST(unknown_domain)
{
	start("a.example", NULL, 5269);
	must_fail(DIAL_NOT_FOUND, "a.example: no address: no such name");
}
END_TEST

START_TEST(literal)
{
	unsigned port = listen_on(1);

	start("127.0.0.2", NULL, port);
	must_connect("127.0.0.2", "127.0.0.2", port);
	ck_assert_uint_eq(dns_server_n_asked(server, "127.0.0.2", NULL), 0);
}
END_TEST

START_TEST(fixed_targets)
{
	unsigned port1 = listen_on(1), port2 = listen_on(2);
	char one[40], two[40];
	const char *fixed[] = { one, two, NULL };

	snprintf(one, sizeof(one), "tls://127.0.0.2:%u", port1);
	snprintf(two, sizeof(two), "x.example:%u", port2);
	dns_server_add(server, "x.example", "A", 60, "127.0.0.3");
	start("a.example", fixed, 1);
	must_connect("127.0.0.2", "127.0.0.2", port1);
	ck_assert(got.is_tls);
	dial_next(dial);
	must_connect("x.example", "127.0.0.3", port2);
	ck_assert(!got.is_tls);
	ck_assert_uint_eq(dns_server_n_asked(server, PLAIN, NULL), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dial");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, srv);
	tcase_add_test(tc, both_kinds_by_priority);
	tcase_add_test(tc, no_srv);
	tcase_add_test(tc, unknown_domain);
	tcase_add_test(tc, literal);
	tcase_add_test(tc, fixed_targets);
	return unit_run(tc);
}
