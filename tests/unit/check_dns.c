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
	struct clock real;
	int64_t until_ms;

	clock_init(&real);
	until_ms = real.mono_ms + 20000;
	while (got.n < n) {
		loop_step(loop);
		clock_update(&real);
		ck_assert_msg(real.mono_ms < until_ms, "no answer");
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

/* A server that only serves its own zones. */
START_TEST(cname_only)
{
	dns_server_lone_aliases(server);
	dns_server_add(server, "a.example", "CNAME", 60, "b.example");
	dns_server_add(server, "b.example", "CNAME", 60, "c.example");
	dns_server_add(server, "c.example", "A", 60, "127.0.0.9");
	ck_assert_str_eq(ask_address("a.example", AF_INET), "127.0.0.9");
	ck_assert_uint_eq(dns_server_n_asked(server, "c.example", "A"), 1);
	dns_server_add(server, "l.example", "CNAME", 60, "m.example");
	dns_server_add(server, "m.example", "CNAME", 60, "l.example");
	ck_assert_str_eq(ask_address("l.example", AF_INET),
			 "the name leads from one alias to the next");
	ck_assert_int_eq(got.status, DNS_FAILED);
	ck_assert_uint_le(dns_server_n_asked(server, "l.example", "A"), 5);
}
END_TEST

/* More than fits into a datagram, and more than anyone needs. */
START_TEST(thousand_records)
{
	char text[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d 1 5269 x%d.example", 1000 - i,
			 i);
		dns_server_add(server, SRV_NAME, "SRV", 60, text);
		snprintf(text, sizeof(text), "127.1.%d.%d", i / 256, i % 256);
		dns_server_add(server, "x.example", "A", 60, text);
	}
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_OK);
	ck_assert_uint_eq(got.n_srv, DNS_RECORDS_MAX);
	for (size_t i = 0; i < got.n_srv; i++)
		ck_assert_uint_le(got.srv[i].priority, DNS_RECORDS_MAX);
	ck_assert_uint_eq(dns_server_n_asked(server, SRV_NAME, "SRV"), 2);
	ck_assert_str_eq(ask_address("x.example", AF_INET), "127.1.0.0");
	ck_assert_uint_eq(got.n_addresses, DNS_RECORDS_MAX);
}
END_TEST

#define SRV_DATA(name) "\0\1\0\1\x14\x95" name

static const struct {
	const char *data;
	size_t len;
} absurd[] = {
	{ SRV_DATA("\3a b\0"), 11 },	  /* a blank */
	{ SRV_DATA("\3a\0b\0"), 11 },	  /* NUL */
	{ SRV_DATA("\3a.b\0"), 11 },	  /* a dot in a label */
	{ SRV_DATA("\2\xc3\xbc\0"), 10 }, /* UTF-8 */
	{ "\0\1\0\1\0\0\1x", 9 },	  /* port 0 */
	{ SRV_DATA(""), 6 },		  /* no name */
	{ SRV_DATA("\3a"), 8 },		  /* breaks off */
	{ SRV_DATA("\xff\xff"), 8 },	  /* leads out of the message */
	{ "", 0 },
	{ "\0", 1 },
};

START_TEST(absurd_records)
{
	dns_server_add_raw(server, SRV_NAME, "SRV", 60, absurd[_i].data,
			   absurd[_i].len);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_FAILED);
	ck_assert_uint_eq(got.n_srv, 0);
	ck_assert_str_ne(got.error, "");
	/* The others of the answer can be used. */
	dns_server_add(server, SRV_NAME, "SRV", 60, "1 1 5269 x.example");
	clock_advance(&fake, 5000);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_OK);
	ck_assert_uint_eq(got.n_srv, 1);
	ck_assert_str_eq(got.srv[0].host, "x.example");
}
END_TEST

START_TEST(absurd_addresses)
{
	dns_server_add_raw(server, "x.example", "A", 60, "\1\2\3", 3);
	dns_server_add_raw(server, "x.example", "AAAA", 60, "\1\2\3\4", 4);
	ask_address("x.example", AF_INET);
	ck_assert_int_eq(got.status, DNS_FAILED);
	ask_address("x.example", AF_INET6);
	ck_assert_int_eq(got.status, DNS_FAILED);
}
END_TEST

START_TEST(not_names)
{
	static const char *const bad[] = { "",
					   ".",
					   "a..b",
					   "a b.example",
					   ".a",
					   "a.",
					   "\xc3\xbc.example",
					   "a/b.c",
					   "[::1]",
					   "::1" };
	char big[400];

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		ck_assert_str_eq(ask_address(bad[i], AF_INET),
				 "not a name for the DNS");
		ck_assert_int_eq(got.status, DNS_NONE);
	}
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	for (size_t i = 0; i < sizeof(big); i += 60)
		big[i] = i ? '.' : 'b';
	ask_srv(big);
	ck_assert_int_eq(got.status, DNS_NONE);
	big[64] = '\0';
	memset(big, 'a', 64); /* a label of 64 */
	ask_srv(big);
	ck_assert_int_eq(got.status, DNS_NONE);
}
END_TEST

START_TEST(localhost)
{
	ck_assert_str_eq(ask_address("localhost", AF_INET), "127.0.0.1");
	ck_assert_str_eq(ask_address("a.LOCALHOST", AF_INET6), "::1");
	ck_assert_uint_eq(dns_server_n_asked(server, "localhost", NULL), 0);
}
END_TEST

static void
must_ask(const char *name, bool must)
{
	unsigned n = dns_server_n_asked(server, name, "SRV");

	ask_srv(name);
	ck_assert_uint_eq(dns_server_n_asked(server, name, "SRV"), n + must);
}

START_TEST(answers_hold)
{
	dns_server_add(server, SRV_NAME, "SRV", 100, "10 5 5269 x.example");
	dns_server_add(server, SRV_NAME, "SRV", 30, "20 5 5269 y.example");
	must_ask(SRV_NAME, true);
	clock_advance(&fake, 29999);
	must_ask(SRV_NAME, false);
	ck_assert_uint_eq(got.n_srv, 2);
	clock_advance(&fake, 1);
	must_ask(SRV_NAME, true);
}
END_TEST

START_TEST(nothing_holds_too_long)
{
	dns_server_add(server, SRV_NAME, "SRV", 0x7fffffff, "1 5 5 x.example");
	must_ask(SRV_NAME, true);
	clock_advance(&fake, 24 * 3600 * 1000);
	must_ask(SRV_NAME, true);
	/* RFC 2181: a TTL that looks negative is 0. */
	dns_server_add(server, "odd.example", "SRV", UINT32_MAX, "1 1 1 x");
	must_ask("odd.example", true);
	must_ask("odd.example", true);
}
END_TEST

START_TEST(negative_answers_hold)
{
	dns_server_negative_ttl(server, 20);
	must_ask("no.example", true);
	clock_advance(&fake, 19999);
	must_ask("no.example", false);
	ck_assert_int_eq(got.status, DNS_NONE);
	clock_advance(&fake, 1);
	must_ask("no.example", true);
	dns_server_negative_ttl(server, UINT32_MAX);
	must_ask("none.example", true);
	must_ask("none.example", true);
}
END_TEST

START_TEST(failures_hold)
{
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_SERVFAIL);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_FAILED);
	must_ask(SRV_NAME, false);
	ck_assert_str_eq(got.error,
			 "the DNS server has failed to find out (SERVFAIL)");
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_HONEST);
	clock_advance(&fake, 5000);
	must_ask(SRV_NAME, true);
	ck_assert_int_eq(got.status, DNS_NONE);
}
END_TEST

START_TEST(refused)
{
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_REFUSED);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_FAILED);
	ck_assert_str_eq(got.error,
			 "the DNS server refuses to answer (REFUSED)");
}
END_TEST

START_TEST(unreachable)
{
	struct dns_settings s = { .servers = "127.0.0.1:1",
				  .timeout_ms = 5000 };

	ck_assert_int_eq(dns_reload(dns, &s, &err), 0);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_FAILED);
	ck_assert_str_eq(got.error, "no DNS server can be reached");
}
END_TEST

/* c-ares goes by the real time. */
START_TEST(silent)
{
	teardown();
	start(NULL, 20);
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_SILENT);
	ask_srv(SRV_NAME);
	ck_assert_int_eq(got.status, DNS_FAILED);
	ck_assert_str_eq(got.error, "no DNS server answers in time");
}
END_TEST

/* The first server of two is dead. */
START_TEST(next_server)
{
	char servers[100];
	struct dns_settings s = { .servers = servers, .timeout_ms = 5000 };

	snprintf(servers, sizeof(servers), "127.0.0.1:1,%s",
		 dns_server_address(server));
	ck_assert_int_eq(dns_reload(dns, &s, &err), 0);
	dns_server_add(server, "x.example", "A", 60, "127.0.0.2");
	ck_assert_str_eq(ask_address("x.example", AF_INET), "127.0.0.2");
}
END_TEST

START_TEST(asked_once)
{
	dns_server_add(server, SRV_NAME, "SRV", 0, "10 5 5269 x.example");
	for (int i = 0; i < 5; i++)
		dns_srv(dns, SRV_NAME, on_done, &got);
	wait_for(5);
	ck_assert_uint_eq(dns_server_n_asked(server, SRV_NAME, "SRV"), 1);
	must_ask(SRV_NAME, true); /* TTL 0 */
}
END_TEST

/* After each number of turns, one of two that ask. */
START_TEST(cancelled)
{
	struct dns_query *q;

	dns_server_add(server, SRV_NAME, "SRV", 60, "10 5 5269 x.example");
	q = dns_srv(dns, SRV_NAME, on_done, &got);
	dns_srv(dns, SRV_NAME, on_done, &got);
	for (int i = 0; i < _i && !got.n; i++)
		loop_step(loop);
	if (!got.n)
		dns_cancel(&q);
	wait_for(1 + (q != NULL));
	q = NULL;
	dns_cancel(&q);
	/* From the cache: before the turn's end. */
	q = dns_srv(dns, SRV_NAME, on_done, &got);
	dns_cancel(&q);
	ck_assert_ptr_null(q);
	got.n = 0;
	for (int i = 0; i < 10; i++)
		loop_step(loop);
	ck_assert_int_eq(got.n, 0);
}
END_TEST

/* teardown frees the rest, under the sanitizers. */
START_TEST(freed_at_any_time)
{
	struct dns_query *q;

	dns_server_add(server, SRV_NAME, "SRV", 60, "10 5 5269 x.example");
	q = dns_srv(dns, SRV_NAME, on_done, &got);
	dns_srv(dns, SRV_NAME, on_done, &got);
	dns_srv(dns, "other.example", on_done, &got);
	for (int i = 0; i < _i; i++)
		loop_step(loop);
	if (!got.n)
		dns_cancel(&q);
	got.n = 0;
	dns_free(dns);
	dns = NULL;
	for (int i = 0; i < 10; i++)
		loop_step(loop);
	ck_assert_int_eq(got.n, 0);
}
END_TEST

/* What is under way goes to the new server. */
START_TEST(reload)
{
	struct dns_settings s = { .servers = dns_server_address(server) };

	dns_server_add(server, SRV_NAME, "SRV", 60, "10 5 5269 x.example");
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_SILENT);
	dns_srv(dns, SRV_NAME, on_done, &got);
	for (int i = 0; i < 10; i++)
		loop_step(loop);
	ck_assert_int_eq(got.n, 0);
	dns_server_mood(server, SRV_NAME, NULL, DNS_SERVER_HONEST);
	ck_assert_int_eq(dns_reload(dns, &s, &err), 0);
	wait_for(1);
	ck_assert_int_eq(got.status, DNS_OK);
	must_ask(SRV_NAME, false);
	ck_assert_int_eq(dns_reload(dns, &s, &err), 0);
	must_ask(SRV_NAME, true);
	s.servers = "nonsense";
	ck_assert_int_eq(dns_reload(dns, &s, &err), -1);
	ck_assert_str_eq(err.text, "\"nonsense\" does not list DNS servers, as "
				   "\"127.0.0.1:53,[::1]:53\" does");
	must_ask(SRV_NAME, false);
	ck_assert_ptr_null(dns_new(loop, &s, &err));
}
END_TEST

/* Neither what is under way nor what is kept grows for ever. */
START_TEST(bounded)
{
	char name[64];

	dns_server_negative_ttl(server, 3600);
	for (int i = 0; i < 4200; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		ask_srv(name);
		ck_assert_int_eq(got.status, DNS_NONE);
	}
	must_ask("n4199.example", false);
	must_ask("n0.example", true); /* the oldest have gone */
	got.n = 0;
	for (int i = 0; i < 4097; i++) {
		snprintf(name, sizeof(name), "m%d.example", i);
		dns_srv(dns, name, on_done, &got);
	}
	ck_assert_int_eq(got.n, 0);
	loop_step(loop);
	ck_assert_int_ge(got.n, 1);
	ck_assert_str_eq(got.error, "too many questions to the DNS at once");
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
	tcase_add_test(tc, cname_only);
	tcase_add_test(tc, thousand_records);
	tcase_add_loop_test(tc, absurd_records, 0, N_ELEMENTS(absurd));
	tcase_add_test(tc, absurd_addresses);
	tcase_add_test(tc, not_names);
	tcase_add_test(tc, localhost);
	tcase_add_test(tc, answers_hold);
	tcase_add_test(tc, nothing_holds_too_long);
	tcase_add_test(tc, negative_answers_hold);
	tcase_add_test(tc, failures_hold);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, unreachable);
	tcase_add_test(tc, silent);
	tcase_add_test(tc, next_server);
	tcase_add_test(tc, asked_once);
	tcase_add_loop_test(tc, cancelled, 0, 4);
	tcase_add_loop_test(tc, freed_at_any_time, 0, 4);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, bounded);
	return unit_run(tc);
}
