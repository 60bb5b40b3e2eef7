/* check_listener.c - listening sockets, on the loopback interface. */

#include "net/listener.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clock fake;
static struct loop *loop;
static struct listener *listener;
static struct err err;

static int accepted[200], n_accepted;
static struct peer_addr peer;
static int n_warned;

static void
on_accept(void *data, int fd, const struct peer_addr *p)
{
	ck_assert_ptr_eq(data, &fake);
	accepted[n_accepted++] = fd;
	peer = *p;
}

static void
setup(void)
{
	n_warned = 0;
	clock_init_fake(&fake);
	loop = loop_new("core", &fake);
}

static void
teardown(void)
{
	while (n_accepted)
		close(accepted[--n_accepted]);
	listener_free(&listener);
	loop_free(loop);
}

static void
listen_at(const char *address)
{
	listener = listener_new(loop, address, 0, on_accept, &fake, &err);
	ck_assert_msg(listener != NULL, "%s", err.text);
	ck_assert_uint_ne(listener_port(listener), 0);
}

static int
connect_to(const char *address, uint16_t *own_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool is6 = strchr(address, ':') != NULL;
	struct sockaddr *sa =
		is6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = is6 ? sizeof(in6) : sizeof(in);
	int fd = socket(sa->sa_family, SOCK_STREAM, 0);

	in.sin_port = in6.sin6_port = htons(listener_port(listener));
	ck_assert_int_eq(
		inet_pton(sa->sa_family, address,
			  is6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr),
		1);
	ck_assert_int_eq(connect(fd, sa, len), 0);
	getsockname(fd, sa, &len);
	*own_port = ntohs(is6 ? in6.sin6_port : in.sin_port);
	return fd;
}

static const char *const addresses[] = { "127.0.0.1", "127.0.0.3", "::1" };

START_TEST(accepts)
{
	socklen_t len = sizeof(int);
	int no_delay = 0, fd;
	uint16_t port;

	listen_at(addresses[_i]);
	ck_assert(!loop_step(loop));
	fd = connect_to(addresses[_i], &port);
	ck_assert(loop_step(loop));
	ck_assert_int_eq(n_accepted, 1);
	if (_i == 2)
		ck_assert_str_eq(peer.text, "::1");
	else
		ck_assert_str_eq(peer.text, "127.0.0.1");
	ck_assert_uint_eq(peer.port, port);
	ck_assert_int_ne(fcntl(accepted[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC, 0);
	getsockopt(accepted[0], IPPROTO_TCP, TCP_NODELAY, &no_delay, &len);
	ck_assert_int_ne(no_delay, 0);
	close(fd);
}
END_TEST

START_TEST(accepts_many)
{
	int fds[150];
	uint16_t port;

	listen_at("127.0.0.1");
	for (int i = 0; i < 150; i++)
		fds[i] = connect_to("127.0.0.1", &port);
	loop_step(loop);
	ck_assert_int_lt(n_accepted, 150); /* others have their turn */
	while (loop_step(loop))
		;
	ck_assert_int_eq(n_accepted, 150);
	for (int i = 0; i < 150; i++)
		close(fds[i]);
}
END_TEST

START_TEST(not_an_address)
{
	static const char *const bad[] = { "localhost", "", "127.0.0.1:5222",
					   "300.1.1.1" };

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		ck_assert_ptr_null(
			listener_new(loop, bad[i], 0, on_accept, &fake, &err));
		ck_assert_ptr_nonnull(strstr(err.text, "is not an IP address"));
	}
}
END_TEST

START_TEST(port_in_use)
{
	char want[100];

	listen_at("127.0.0.1");
	ck_assert_ptr_null(listener_new(loop, "127.0.0.1",
					listener_port(listener), on_accept,
					&fake, &err));
	snprintf(want, sizeof(want),
		 "127.0.0.1 port %u: cannot listen: Address already in use",
		 listener_port(listener));
	ck_assert_str_eq(err.text, want);
}
END_TEST

static void
on_log(const char *line, void *data)
{
	(void)data;
	ck_assert_ptr_nonnull(strstr(line, "Too many open files"));
	n_warned++;
}

/* Without file descriptors it waits, and says so once a second at most. */
START_TEST(out_of_descriptors)
{
	struct rlimit lim, old;
	uint16_t port;
	int fd;

	listen_at("127.0.0.1");
	fd = connect_to("127.0.0.1", &port);
	getrlimit(RLIMIT_NOFILE, &old);
	lim = (struct rlimit){ (rlim_t)fd + 1, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
	log_capture(on_log, NULL);
	while (loop_step(loop))
		;
	ck_assert_int_eq(n_accepted, 0);
	ck_assert_int_eq(n_warned, 1);

	setrlimit(RLIMIT_NOFILE, &old);
	while (loop_step(loop))
		;
	ck_assert_int_eq(n_accepted, 0);
	clock_advance(&fake, 1000);
	while (loop_step(loop))
		;
	ck_assert_int_eq(n_accepted, 1);
	ck_assert_int_eq(n_warned, 1);
	log_capture(NULL, NULL);
	close(fd);
}
END_TEST

static const struct {
	const char *address, *group;
} groups[] = {
	{ "192.0.2.7", "192.0.2.7" },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
	{ "2001:db8:1:2::", "2001:db8:1:2::" },
	{ "::1", "::" },
	{ "::ffff:192.0.2.7", "::ffff:192.0.2.7" },
	{ "", "" },
};

START_TEST(groups_of_addresses)
{
	char group[INET6_ADDRSTRLEN];

	peer_group(groups[_i].address, group);
	ck_assert_str_eq(group, groups[_i].group);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("listener");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, accepts, 0, N_ELEMENTS(addresses));
	tcase_add_test(tc, accepts_many);
	tcase_add_test(tc, not_an_address);
	tcase_add_test(tc, port_in_use);
	tcase_add_test(tc, out_of_descriptors);
	tcase_add_loop_test(tc, groups_of_addresses, 0, N_ELEMENTS(groups));
	return unit_run(tc);
}
