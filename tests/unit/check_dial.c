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

static int64_t
real_ms(void)
{
	struct clock real;

	clock_init(&real);
	return real.mono_ms;
}

/* Until done is called, without moving the clock. */
static void
run(void)
{
	int64_t until_ms = real_ms() + 20000;
	int n = got.n;

	while (got.n == n && real_ms() < until_ms)
		loop_step(loop);
}

/* Until nothing happens any more, also on a busy machine. */
static void
settle(void)
{
	int64_t idle_since_ms = real_ms();

	while (real_ms() - idle_since_ms < 10)
		if (loop_step(loop))
			idle_since_ms = real_ms();
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

/* A port of address where connecting takes for ever; its sockets are hogs. */
static int hogs[8], n_hogs;

static int
connect_hog(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	connect(fd, sa, len);
	return hogs[n_hogs++] = fd;
}

static unsigned
black_hole(int family, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool is_v4 = family == AF_INET;
	struct sockaddr *sa =
		is_v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t len = is_v4 ? sizeof(in) : sizeof(in6);
	int fd = hogs[n_hogs++] = socket(family, SOCK_STREAM, 0);

	inet_pton(family, address,
		  is_v4 ? (void *)&in.sin_addr : (void *)&in6.sin6_addr);
	ck_assert_int_eq(bind(fd, sa, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	getsockname(fd, sa, &len);
	for (int i = 0; i < 3; i++)
		connect_hog(sa, len);
	return ntohs(is_v4 ? in.sin_port : in6.sin6_port);
}

static void
free_hogs(void)
{
	while (n_hogs)
		close(hogs[--n_hogs]);
}

static void
must_wait(void)
{
	int n = got.n;

	settle();
	ck_assert_int_eq(got.n, n);
}

static void
must_wait_for(int64_t ms)
{
	must_wait();
	clock_advance(&fake, ms - 1);
	must_wait();
	clock_advance(&fake, 1);
}

/* IPv6 takes for ever; IPv4 is tried after a moment. */
START_TEST(happy_eyeballs)
{
	unsigned port = black_hole(AF_INET6, "::1");

	listeners[0] = listener_new(loop, "127.0.0.1", (uint16_t)port,
				    on_accept, NULL, &err);
	ck_assert_msg(listeners[0] != NULL, "%s", err.text);
	dns_server_add(server, "a.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "a.example", "AAAA", 60, "::1");
	start("a.example", NULL, port);
	must_wait_for(250);
	must_connect("a.example", "127.0.0.1", port);
	/* IPv6 was only slower: it has its chance. */
	dial_next(dial);
	must_wait_for(10000);
	run();
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
	ck_assert_ptr_nonnull(
		strstr(got.error, "(::1): no answer within 10 s"));
	free_hogs();
}
END_TEST

/* Both work: IPv6 first, then the other one. */
START_TEST(both_families)
{
	unsigned port = listen_on(0);

	listeners[1] = listener_new(loop, "::1", (uint16_t)port, on_accept,
				    NULL, &err);
	ck_assert_msg(listeners[1] != NULL, "%s", err.text);
	dns_server_add(server, "a.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "a.example", "A", 60, "127.0.0.9");
	dns_server_add(server, "a.example", "AAAA", 60, "::1");
	start("a.example", NULL, port);
	must_connect("a.example", "::1", port);
	dial_next(dial);
	must_connect("a.example", "127.0.0.1", port);
	dial_next(dial);
	run();
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
}
END_TEST

/* Unroutable or refused: no waiting. */
START_TEST(dead_ipv6)
{
	unsigned port = listen_on(0);

	dns_server_add(server, "a.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "a.example", "AAAA", 60, "::1");
	start("a.example", NULL, port);
	must_connect("a.example", "127.0.0.1", port);
}
END_TEST

/* RFC 8305 section 3: a server that is silent about AAAA costs 50 ms. */
START_TEST(no_answer_about_ipv6)
{
	unsigned port = listen_on(0);

	dns_server_add(server, "a.example", "A", 60, "127.0.0.1");
	dns_server_mood(server, "a.example", "AAAA", DNS_SERVER_SILENT);
	start("a.example", NULL, port);
	must_wait_for(50);
	must_connect("a.example", "127.0.0.1", port);
}
END_TEST

START_TEST(connect_timeout)
{
	unsigned hole = black_hole(AF_INET, "127.0.0.1"), port = listen_on(1);

	add_srv(PLAIN, 1, hole, "x.example");
	add_srv(PLAIN, 2, port, "y.example");
	dns_server_add(server, "x.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "y.example", "A", 60, "127.0.0.2");
	start("a.example", NULL, 1);
	must_wait_for(10000);
	must_connect("y.example", "127.0.0.2", port);
	free_hogs();
}
END_TEST

/* XEP-0495: targets of one priority are raced, others not. */
START_TEST(race_of_targets)
{
	unsigned hole = black_hole(AF_INET, "127.0.0.1"), port = listen_on(1);

	dns_server_add(server, PLAIN, "SRV", 60, "1 0 1 z.example");
	dns_server_add(server, "x.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "y.example", "A", 60, "127.0.0.2");
	add_srv(TLS, 1, port, "y.example");
	add_srv(PLAIN, 1, hole, "x.example");
	start("a.example", NULL, 1);
	settle();
	if (!got.n) { /* the order is drawn */
		clock_advance(&fake, 250);
		run();
	}
	ck_assert_int_eq(got.n, 1);
	ck_assert_str_eq(got.address, "127.0.0.2");
	ck_assert(got.is_tls);
	free_hogs();
}
END_TEST

static const struct {
	const char *plain, *tls; /* SRV; "?" SERVFAIL, NULL none */
	bool has_address;
	enum dial_status status;
	const char *error; /* begins so */
} ends[] = {
	{ "0 0 0 .", "0 0 0 .", true, DIAL_NOT_FOUND,
	  "the DNS says that a.example does not offer xmpp-server" },
	{ "0 0 0 .", NULL, true, DIAL_NOT_FOUND,
	  "the DNS says that a.example does not offer xmpp-server" },
	{ "0 0 0 .", "?", true, DIAL_UNREACHABLE,
	  TLS ": the DNS server has failed to find out (SERVFAIL)" },
	{ "?", "?", true, DIAL_UNREACHABLE, "_xmpp" },
	{ "?", NULL, false, DIAL_UNREACHABLE, PLAIN ": the DNS server has" },
	{ NULL, NULL, false, DIAL_NOT_FOUND, "a.example: no address: no such" },
	{ NULL, "0 0 0 .", false, DIAL_NOT_FOUND,
	  "a.example: no address: no such" },
	{ "1 1 1 n.example", NULL, true, DIAL_UNREACHABLE,
	  "n.example: no address: no such name" },
	{ "1 1 1 f.example", NULL, true, DIAL_UNREACHABLE, "f.example: IPv" },
	{ "1 1 1 127.0.0.1", NULL, true, DIAL_UNREACHABLE,
	  "127.0.0.1 port 1 (127.0.0.1): Connection refused" },
	/* These fall back. */
	{ NULL, "0 0 0 .", true, DIAL_OK, "" },
	{ NULL, "?", true, DIAL_OK, "" },
	{ "?", NULL, true, DIAL_OK, "" },
	{ NULL, NULL, true, DIAL_OK, "" },
};

static void
add_or_fail(const char *name, const char *text)
{
	if (text && strcmp(text, "?") == 0)
		dns_server_mood(server, name, NULL, DNS_SERVER_SERVFAIL);
	else if (text)
		dns_server_add(server, name, "SRV", 60, text);
}

START_TEST(end)
{
	unsigned port = listen_on(1);

	add_or_fail(PLAIN, ends[_i].plain);
	add_or_fail(TLS, ends[_i].tls);
	dns_server_mood(server, "f.example", NULL, DNS_SERVER_SERVFAIL);
	if (ends[_i].has_address)
		dns_server_add(server, "a.example", "A", 60, "127.0.0.2");
	start("a.example", NULL, port);
	run();
	ck_assert_int_eq(got.n, 1);
	ck_assert_int_eq(got.status, ends[_i].status);
	ck_assert_msg(
		strncmp(got.error, ends[_i].error, strlen(ends[_i].error)) == 0,
		"%s", got.error);
}
END_TEST

/* "." beside others means nothing. */
START_TEST(dot_and_others)
{
	unsigned port = listen_on(1);

	add_srv(PLAIN, 0, 1, ".");
	add_srv(TLS, 1, port, "127.0.0.2");
	start("a.example", NULL, 1);
	must_connect("127.0.0.2", "127.0.0.2", port);
	ck_assert(got.is_tls);
	dial_next(dial);
	run();
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
}
END_TEST

START_TEST(literal_ipv6)
{
	unsigned port;

	listeners[0] = listener_new(loop, "::1", 0, on_accept, NULL, &err);
	ck_assert_msg(listeners[0] != NULL, "%s", err.text);
	port = listener_port(listeners[0]);
	start("[::1]", NULL, port);
	must_connect("::1", "::1", port);
}
END_TEST

START_TEST(bad_fixed_targets)
{
	const char *fixed[] = { "nonsense", NULL };

	start("a.example", fixed, 1);
	must_fail(DIAL_UNREACHABLE, "\"nonsense\" is not host:port");
}
END_TEST

START_TEST(no_fixed_targets)
{
	const char *fixed[] = { NULL };

	start("a.example", fixed, 1);
	must_fail(DIAL_UNREACHABLE, "no other target is left");
}
END_TEST

/* However many there are, the text and the work stay small. */
START_TEST(hundred_targets)
{
	unsigned port = dead_port();
	char host[32];

	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof(host), "127.0.1.%d", i);
		add_srv(PLAIN, (unsigned)i, port, host);
		add_srv(TLS, (unsigned)i, port, host);
	}
	start("a.example", NULL, 1);
	run();
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
	ck_assert_uint_gt(strlen(got.error), 500);
	ck_assert_uint_le(strlen(got.error), 1000);
	ck_assert_ptr_nonnull(strstr(traced.data, "trying 127.0.1.15 "));
	ck_assert_ptr_null(strstr(traced.data, "trying 127.0.1.16 "));
}
END_TEST

/* Freed after each number of turns: in DNS, in a race, with a result. */
START_TEST(freed_at_any_time)
{
	unsigned hole = black_hole(AF_INET, "127.0.0.1");

	add_srv(PLAIN, 1, hole, "x.example");
	add_srv(TLS, 1, hole, "x.example");
	add_srv(PLAIN, 2, listen_on(1), "y.example");
	dns_server_add(server, "x.example", "A", 60, "127.0.0.1");
	dns_server_add(server, "y.example", "A", 60, "127.0.0.2");
	start("a.example", NULL, 1);
	for (int i = 0; i < _i && i < 12; i++)
		loop_step(loop);
	if (_i >= 12)
		settle();
	if (_i >= 13)
		clock_advance(&fake, 250);
	if (_i >= 14)
		settle();
	ck_assert_int_eq(got.n, 0);
	if (_i >= 15)
		clock_advance(&fake, 10000);
	if (_i >= 16) {
		run();
		ck_assert_str_eq(got.address, "127.0.0.2");
	}
	got.n = 0;
	dial_free(dial);
	dial = NULL;
	settle();
	clock_advance(&fake, 10000);
	settle();
	ck_assert_int_eq(got.n, 0);
	free_hogs();
}
END_TEST

static void
on_done_free(void *data, const struct dial_result *r)
{
	on_done(data, r);
	dial_free(dial);
	dial = NULL;
}

static void
on_done_next(void *data, const struct dial_result *r)
{
	on_done(data, r);
	dial_next(dial);
}

START_TEST(called_inside_of_done)
{
	unsigned port1 = listen_on(1), port2 = listen_on(2);
	struct dial_settings s = { .dns = dns,
				   .service = "xmpp-server",
				   .default_port = 1,
				   .connect_timeout_ms = 10000,
				   .attempt_delay_ms = 250 };

	add_srv(PLAIN, 1, port1, "127.0.0.2");
	add_srv(PLAIN, 2, port2, "127.0.0.3");
	dial = dial_new(loop, "a.example", &s, on_done_next, &got);
	while (got.n < 3)
		run();
	ck_assert_int_eq(got.n, 3);
	ck_assert_int_eq(got.status, DIAL_UNREACHABLE);
	dial_free(dial);
	dial = dial_new(loop, "a.example", &s, on_done_free, &got);
	run();
	ck_assert_int_eq(got.n, 4);
	ck_assert_ptr_null(dial);
	dial = dial_new(loop, "unknown.example", &s, on_done_free, &got);
	run();
	ck_assert_int_eq(got.status, DIAL_NOT_FOUND);
	ck_assert_ptr_null(dial);
}
END_TEST

static const struct {
	const char *text, *host; /* NULL: rejected */
	unsigned port;
	bool is_tls;
} texts[] = {
	{ "x.example:5269", "x.example", 5269, false },
	{ "tls://x.example:5270", "x.example", 5270, true },
	{ "127.0.0.2:65535", "127.0.0.2", 65535, false },
	{ "[::1]:1", "::1", 1, false },
	{ "tls://[2001:db8::1]:443", "2001:db8::1", 443, true },
	{ "x.example", NULL, 0, false },
	{ "x.example:", NULL, 0, false },
	{ "x.example:0", NULL, 0, false },
	{ "x.example:65536", NULL, 0, false },
	{ "x.example:99999999999999999999", NULL, 0, false },
	{ "x.example:52 ", NULL, 0, false },
	{ "x.example:-1", NULL, 0, false },
	{ ":5269", NULL, 0, false },
	{ "::1:5269", NULL, 0, false },
	{ "[::1]", NULL, 0, false },
	{ "[::1", NULL, 0, false },
	{ "[127.0.0.1]:5269", NULL, 0, false },
	{ "[]:5269", NULL, 0, false },
	{ "http://x.example:80", NULL, 0, false },
	{ "tls://", NULL, 0, false },
	{ "", NULL, 0, false },
	{ "a b:5269", NULL, 0, false },
};

START_TEST(target_text)
{
	struct dial_target t;
	int ret = dial_parse_target(texts[_i].text, &t);

	ck_assert_int_eq(ret, texts[_i].host ? 0 : -1);
	if (ret < 0)
		return;
	ck_assert_str_eq(t.srv.host, texts[_i].host);
	ck_assert_uint_eq(t.srv.port, texts[_i].port);
	ck_assert_int_eq(t.is_tls, texts[_i].is_tls);
}
END_TEST

#define N_DRAWS 4000

static void
set_targets(struct dial_target t[5])
{
	static const unsigned weights[] = { 30, 0, 10, 60, 1 };

	for (unsigned i = 0; i < 5; i++)
		t[i] = (struct dial_target){
			.srv = { .priority = i == 4 ? 5 : 9,
				 .weight = (uint16_t)weights[i],
				 .port = (uint16_t)i }
		};
}

/* RFC 2782: the chance to be first is the weight's part of the sum. */
START_TEST(order_by_weight)
{
	struct dial_target t[5], again[5];
	int first[5] = { 0 }, second[5] = { 0 };

	for (uint64_t seed = 0; seed < N_DRAWS; seed++) {
		unsigned seen = 0;

		set_targets(t);
		set_targets(again);
		dial_order(t, 5, seed);
		dial_order(again, 5, seed);
		ck_assert_mem_eq(t, again, sizeof(t));
		ck_assert_uint_eq(t[0].srv.port, 4);
		for (int i = 0; i < 5; i++)
			seen |= 1u << t[i].srv.port;
		ck_assert_uint_eq(seen, 31);
		first[t[1].srv.port]++;
		second[t[2].srv.port]++;
	}
	/* Within four standard deviations. */
	ck_assert_int_lt(abs(first[0] - N_DRAWS * 30 / 101), 120);
	ck_assert_int_lt(abs(first[1] - N_DRAWS * 1 / 101), 40);
	ck_assert_int_lt(abs(first[2] - N_DRAWS * 10 / 101), 80);
	ck_assert_int_lt(abs(first[3] - N_DRAWS * 60 / 101), 130);
	/* After 60: 30 of 41; after 30: 60 of 71. */
	ck_assert_int_gt(second[0], N_DRAWS * 40 / 100);
	ck_assert_int_lt(second[1], N_DRAWS * 5 / 100);
}
END_TEST

START_TEST(order_without_weight)
{
	int first[3] = { 0 };

	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct dial_target t[3] = { { .srv.port = 0 },
					    { .srv.port = 1 },
					    { .srv.port = 2 } };

		dial_order(t, 3, seed);
		first[t[0].srv.port]++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_lt(abs(first[i] - 1000), 110);
	dial_order(NULL, 0, 1);
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
	tcase_add_test(tc, happy_eyeballs);
	tcase_add_test(tc, both_families);
	tcase_add_test(tc, dead_ipv6);
	tcase_add_test(tc, no_answer_about_ipv6);
	tcase_add_test(tc, connect_timeout);
	tcase_add_test(tc, race_of_targets);
	tcase_add_loop_test(tc, end, 0, N_ELEMENTS(ends));
	tcase_add_test(tc, dot_and_others);
	tcase_add_test(tc, literal_ipv6);
	tcase_add_test(tc, bad_fixed_targets);
	tcase_add_test(tc, no_fixed_targets);
	tcase_add_test(tc, hundred_targets);
	tcase_add_loop_test(tc, freed_at_any_time, 0, 17);
	tcase_add_test(tc, called_inside_of_done);
	tcase_add_loop_test(tc, target_text, 0, N_ELEMENTS(texts));
	tcase_add_test(tc, order_by_weight);
	tcase_add_test(tc, order_without_weight);
	return unit_run(tc);
}
