/* check_certs.c - certificates of hosts, found by their names. */

#include "core/certs.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "certs.h"
#include "core/host.h"
#include "core/server.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SAN(names) (&(struct cert_spec){ .san = names })

static char *
folder(const char *name)
{
	char *path = mem_printf("%s/%s", certs_dir(), name);

	mkdir(path, 0700);
	return path;
}

/* Which certificate was found: its first and only name. */
static bool
found(const char *domain, const char *dir, const char *name)
{
	struct tls_cert *cert;
	struct err err;
	bool ok;

	ck_assert_int_eq(certs_find(domain, NULL, NULL, dir, &cert, &err), 0);
	ok = name ? cert && tls_cert_covers(cert, name) : !cert;
	tls_cert_unref(&cert);
	return ok;
}

START_TEST(by_name)
{
	char *dir = folder("by-name");

	free(folder("by-name/three.example"));
	cert_make("by-name/one.example.pem", SAN("DNS:one.test"));
	cert_make("by-name/xn--bcher-kva.example.pem", SAN("DNS:five.test"));
	cert_make("by-name/m\u00fcller.example.pem", SAN("DNS:six.test"));
	ck_assert(found("one.example", dir, "one.test"));
	ck_assert(found("b\u00fccher.example", dir, "five.test"));
	ck_assert(found("m\u00fcller.example", dir, "six.test"));
	ck_assert(found("other.example", dir, NULL));
	ck_assert(found("other.example", NULL, NULL));
	ck_assert(found("one.example", "/does/not/exist", NULL));
	free(dir);
}
END_TEST

/* Of two files, as .crt with .key and as certbot has them. */
START_TEST(in_two_files)
{
	static const struct {
		const char *chain, *key, *domain;
	} cases[] = {
		{ "two/one.example.crt", "two/one.example.key", "one.example" },
		{ "two/two.example/fullchain.pem",
		  "two/two.example/privkey.pem", "two.example" },
	};
	char *dir = folder("two");

	free(folder("two/two.example"));
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const char *from = cert_make(cases[i].chain, SAN("DNS:a.test"));
		char *to = mem_printf("%s/%s", certs_dir(), cases[i].key);
		char *copy = mem_printf("cp '%s' '%s'", from, to);

		ck_assert_int_eq(system(copy), 0);
		ck_assert(found(cases[i].domain, dir, "a.test"));
		free(copy);
		free(to);
	}
	free(dir);
}
END_TEST

START_TEST(wildcards)
{
	char *dir = folder("wild");

	cert_make("wild/example.org.pem",
		  SAN("DNS:example.org,DNS:*.example.org"));
	cert_make("wild/_.example.net.pem", SAN("DNS:*.example.net"));
	cert_make("wild/example.com.pem", SAN("DNS:example.com"));
	ck_assert(found("example.org", dir, "example.org"));
	ck_assert(found("chat.example.org", dir, "chat.example.org"));
	ck_assert(found("a.chat.example.org", dir, NULL));
	ck_assert(found("chat.example.net", dir, "chat.example.net"));
	ck_assert(found("example.net", dir, NULL));
	ck_assert(found("chat.example.com", dir, NULL));
	free(dir);
}
END_TEST

START_TEST(bad_files)
{
	char *dir = folder("bad");
	struct tls_cert *cert;
	struct err err;

	cert_write("bad/one.example.pem", "nonsense\n");
	ck_assert_int_eq(
		certs_find("one.example", NULL, NULL, dir, &cert, &err), -1);
	ck_assert_ptr_null(cert);
	ck_assert_ptr_nonnull(strstr(err.text, "one.example.pem"));
	/* Its key is missing. */
	cert_make("bad/two.example.crt", SAN("DNS:two.example"));
	ck_assert_int_eq(
		certs_find("two.example", NULL, NULL, dir, &cert, &err), -1);
	ck_assert_int_eq(certs_find("one.example", "/does/not/exist", NULL, dir,
				    &cert, &err),
			 -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/does/not/exist"));
	free(dir);
}
END_TEST

static void
check_doubt(const struct tls_cert *cert, const char *domain, int64_t now_s,
	    const char *want)
{
	struct err err = { "" };
	int ret = certs_doubt(cert, domain, now_s, &err);

	ck_assert_str_eq(err.text, want);
	ck_assert_int_eq(ret, *want ? -1 : 0);
}

START_TEST(doubts)
{
	const char *path =
		cert_make("doubts.pem", SAN("DNS:xn--bcher-kva.example"));
	const char *name = "b\u00fccher.example";
	int64_t day = 86400;
	struct tls_cert *cert;
	int64_t end;
	struct err err;

	cert = tls_cert_load(path, NULL, &err);
	ck_assert_ptr_nonnull(cert);
	end = tls_cert_not_after(cert);
	check_doubt(cert, name, end - 20 * day, "");
	check_doubt(cert, name, end - 5 * day - 1, "expires in 5 days");
	check_doubt(cert, name, end - day - 1, "expires in 1 day");
	check_doubt(cert, name, end - 10, "expires in less than a day");
	check_doubt(cert, name, end + 10, "expired today");
	check_doubt(cert, name, end + 3 * day, "expired 3 days ago");
	check_doubt(cert, name, tls_cert_not_before(cert) - 1,
		    "is not valid yet, but in less than a day");
	check_doubt(cert, "one.example", end - 20 * day,
		    "is not for one.example");
	check_doubt(cert, "one.example", end + day, "expired 1 day ago");
	tls_cert_unref(&cert);
}
END_TEST

/*
 * All of a server, without the rest of it
 */

static struct clock fake;
static struct server server;
static struct host host, fresh;
static int n_lines;
static char line[512];

static void
on_line(const char *text, void *data)
{
	(void)data;
	n_lines++;
	snprintf(line, sizeof(line), "%s", text);
}

static void
add_host(struct host *h, const char *name)
{
	*h = (struct host){ .name = name, .server = &server };
	h->log.host = name;
	map_insert(&server.hosts, &h->node, hash_str(name));
}

static void
setup_server(void)
{
	clock_init_fake(&fake);
	fake.wall_ms = (int64_t)time(NULL) * 1000;
	server = (struct server){ .core = loop_new("core", &fake),
				  .clock = &fake,
				  .opt = { .s2s = true } };
	server.opt.certificates_dir = folder("all");
	add_host(&host, "one.example");
	n_lines = 0;
	log_capture(on_line, NULL);
}

static void
teardown_server(void)
{
	log_capture(NULL, NULL);
	map_each (n, &server.hosts) {
		struct host *h = container_of(n, struct host, node);

		map_remove(&server.hosts, n);
		tls_cert_unref(&h->cert);
		tls_config_unref(&h->s2s_tls_client);
		tls_config_unref(&h->s2s_tls);
	}
	map_fini(&server.hosts);
	tls_config_unref(&server.c2s_tls);
	tls_config_unref(&server.s2s_tls);
	tls_config_unref(&server.s2s_tls_client);
	loop_timer_clear(server.core, &server.certs_timer);
	loop_free(server.core);
	free(server.opt.certificates_dir);
}

static void
days_pass(int days)
{
	for (int i = 0; i < days; i++) {
		clock_advance(&fake, 86400 * 1000);
		while (loop_step(server.core))
			;
	}
}

START_TEST(warns_daily)
{
	struct err err;

	cert_make("all/one.example.pem",
		  &(struct cert_spec){ .san = "DNS:one.example", .days = 16 });
	ck_assert_int_eq(certs_load(&server, true, &err), 0);
	ck_assert_int_eq(n_lines, 0);
	days_pass(1);
	ck_assert_int_eq(n_lines, 0);
	days_pass(2);
	ck_assert_int_ge(n_lines, 1);
	ck_assert_ptr_nonnull(strstr(line, "the certificate expires in 1"));
	n_lines = 0;
	days_pass(1);
	ck_assert_int_eq(n_lines, 1);
	days_pass(13);
	ck_assert_ptr_nonnull(strstr(line, "the certificate expired "));

	/* A new one is there, and read. */
	cert_make("all/one.example.pem",
		  &(struct cert_spec){ .san = "DNS:one.example", .days = 90 });
	n_lines = 0;
	ck_assert_int_eq(certs_load(&server, false, &err), 0);
	days_pass(2);
	ck_assert_int_eq(n_lines, 0);
}
END_TEST

START_TEST(for_other_servers)
{
	struct tls_config *client, *own;
	char nowhere[] = "/does/not/exist";
	struct err err;

	free(server.opt.certificates_dir);
	server.opt.certificates_dir = folder("servers");
	/* No certificate: others can be dialed all the same. */
	ck_assert_int_eq(certs_load(&server, true, &err), 0);
	ck_assert_ptr_null(server.c2s_tls);
	ck_assert_ptr_null(server.s2s_tls);
	ck_assert_ptr_null(host.s2s_tls);
	ck_assert_ptr_nonnull(server.s2s_tls_client);
	ck_assert_ptr_eq(host.s2s_tls_client, server.s2s_tls_client);
	ck_assert_int_eq(n_lines, 1);

	cert_make("servers/one.example.pem", SAN("DNS:one.example"));
	ck_assert_int_eq(certs_load(&server, false, &err), 0);
	ck_assert_ptr_nonnull(server.c2s_tls);
	ck_assert_ptr_nonnull(server.s2s_tls);
	ck_assert_ptr_ne(server.s2s_tls, server.c2s_tls);
	ck_assert_ptr_ne(host.s2s_tls_client, server.s2s_tls_client);
	ck_assert_ptr_nonnull(host.s2s_tls);
	ck_assert_ptr_ne(host.s2s_tls, server.s2s_tls);

	/* On error all stays; and a host that is new can dial. */
	client = server.s2s_tls_client;
	own = host.s2s_tls_client;
	server.opt.s2s_ca = nowhere;
	add_host(&fresh, "two.example");
	ck_assert_int_eq(certs_load(&server, false, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "s2s-ca"));
	ck_assert_ptr_nonnull(strstr(err.text, "/does/not/exist"));
	ck_assert_ptr_eq(server.s2s_tls_client, client);
	ck_assert_ptr_eq(host.s2s_tls_client, own);
	ck_assert_ptr_eq(fresh.s2s_tls_client, client);

	/* Without federation it is nobody's concern. */
	server.opt.s2s = false;
	ck_assert_int_eq(certs_load(&server, false, &err), 0);
	server.opt.s2s_ca = NULL;
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("certs"), *all = tcase_create("all");

	certs_dir();
	tcase_add_test(tc, by_name);
	tcase_add_test(tc, in_two_files);
	tcase_add_test(tc, wildcards);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, doubts);
	tcase_add_checked_fixture(all, setup_server, teardown_server);
	tcase_add_test(all, warns_daily);
	tcase_add_test(all, for_other_servers);
	return unit_run_all((TCase *const[]){ tc, all, NULL });
}
