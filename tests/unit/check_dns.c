/* check_dns.c - questions to a DNS server, answers and how long they hold. */

#include "net/dns.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "dns_server.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SRV_NAME "_xmpp-server._tcp.a.example"

struct got {
	int n;
	enum dns_status status;
	char error[200];
	struct dns_srv srv[DNS_RECORDS_MAX];
	size_t n_srv;
	struct dns_address addresses[DNS_RECORDS_MAX];
	size_t n_addresses;
};

static struct clock fake;
static struct loop *loop;
static struct dns_server *server;
static struct dns *dns;
static struct err err;
static struct got got;

static void
start(struct clock *clock, int timeout_ms)
{
	struct dns_settings s = { .timeout_ms = timeout_ms, .tries = 1 };

	memset(&got, 0, sizeof(got));
	loop = loop_new("core", clock);
	server = dns_server_new(loop);
	s.servers = dns_server_address(server);
	dns = dns_new(loop, &s, &err);
	ck_assert_msg(dns != NULL, "%s", err.text);
}

static void
setup(void)
{
	clock_init_fake(&fake);
	start(&fake, 5000);
}

static void
teardown(void)
{
	dns_free(dns);
	dns_server_free(server);
	loop_free(loop);
}

static void
on_done(void *data, const struct dns_answer *a)
{
	struct got *g = data;

	g->n++;
	g->status = a->status;
	snprintf(g->error, sizeof(g->error), "%s", a->error ? a->error : "");
	ck_assert_uint_le(a->n_srv, DNS_RECORDS_MAX);
	ck_assert_uint_le(a->n_addresses, DNS_RECORDS_MAX);
	ck_assert_int_eq(a->status == DNS_OK, a->n_srv + a->n_addresses > 0);
	g->n_srv = a->n_srv;
	g->n_addresses = a->n_addresses;
	if (a->n_srv)
		memcpy(g->srv, a->srv, a->n_srv * sizeof(*a->srv));
	if (a->n_addresses)
		memcpy(g->addresses, a->addresses,
		       a->n_addresses * sizeof(*a->addresses));
}

/* Until n answers are there in all. */
static void
wait_for(int n)
{
	for (int64_t i = 0; got.n < n; i++) {
		ck_assert_msg(i < 20000000, "no answer");
		loop_step(loop);
	}
	ck_assert_int_eq(got.n, n);
}

static void
ask_srv(const char *name)
{
	int n = got.n;

	ck_assert_ptr_nonnull(dns_srv(dns, name, on_done, &got));
	ck_assert_int_eq(got.n, n);
	wait_for(n + 1);
}

static const char *
ask_address(const char *host, int family)
{
	static char text[INET6_ADDRSTRLEN];
	int n = got.n;

	ck_assert_ptr_nonnull(dns_addresses(dns, host, family, on_done, &got));
	ck_assert_int_eq(got.n, n);
	wait_for(n + 1);
	if (!got.n_addresses)
		return got.error;
	ck_assert_int_eq(got.addresses[0].family, family);
	return inet_ntop(family,
			 family == AF_INET ? (void *)&got.addresses[0].v4
					   : (void *)&got.addresses[0].v6,
			 text, sizeof(text));
}

START_TEST(srv)
{
	dns_server_add(server, SRV_NAME, "SRV", 60, "10 5 5269 x.example");
	dns_server_add(server, SRV_NAME, "SRV", 60, "20 0 5270 y.example");
	ask_srv("_xmpp-server._TCP.A.example");
	ck_assert_int_eq(got.status, DNS_OK);
	ck_assert_uint_eq(got.n_srv, 2);
	ck_assert_str_eq(got.srv[0].host, "x.example");
	ck_assert_uint_eq(got.srv[0].priority, 10);
	ck_assert_uint_eq(got.srv[0].weight, 5);
	ck_assert_uint_eq(got.srv[0].port, 5269);
	ck_assert_str_eq(got.srv[1].host, "y.example");
	ck_assert_uint_eq(got.srv[1].port, 5270);
}
END_TEST

START_TEST(srv_not_offered)
{
	dns_server_add(server, SRV_NAME, "SRV", 60, "0 0 0 .");
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_OK);
	ck_assert_uint_eq(got.n_srv, 1);
	ck_assert_str_eq(got.srv[0].host, "");
}
END_TEST

START_TEST(addresses)
{
	dns_server_add(server, "x.example", "A", 60, "127.0.0.2");
	dns_server_add(server, "x.example", "AAAA", 60, "2001:db8::7");
	ck_assert_str_eq(ask_address("X.example", AF_INET), "127.0.0.2");
	ck_assert_str_eq(ask_address("x.example", AF_INET6), "2001:db8::7");
}
END_TEST

START_TEST(negative)
{
	dns_server_add(server, "x.example", "A", 60, "127.0.0.2");
	ask_srv("_xmpp-server._tcp.unknown.example");
	ck_assert_int_eq(got.status, DNS_NONE);
	ck_assert_str_eq(got.error, "no such name");
	ck_assert_str_eq(ask_address("x.example", AF_INET6), "no such record");
	ck_assert_int_eq(got.status, DNS_NONE);
}
END_TEST

START_TEST(cname)
{
	dns_server_add(server, "a.example", "CNAME", 60, "b.example");
	dns_server_add(server, "b.example", "CNAME", 60, "c.example");
	dns_server_add(server, "c.example", "A", 60, "127.0.0.9");
	ck_assert_str_eq(ask_address("a.example", AF_INET), "127.0.0.9");
	ck_assert_str_eq(ask_address("a.example", AF_INET6), "no such record");
}
END_TEST

START_TEST(cname_loop)
{
	dns_server_add(server, "a.example", "CNAME", 60, "b.example");
	dns_server_add(server, "b.example", "CNAME", 60, "a.example");
	ask_address("a.example", AF_INET);
	ck_assert_int_eq(got.status, DNS_FAILED);
	dns_server_add(server, "self.example", "CNAME", 60, "self.example");
	ask_address("self.example", AF_INET);
	ck_assert_int_eq(got.status, DNS_FAILED);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, srv);
	tcase_add_test(tc, srv_not_offered);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, negative);
	tcase_add_test(tc, cname);
	tcase_add_test(tc, cname_loop);
	return unit_run(tc);
}
