/* check_tls_peer.c - servers among themselves: certificates of both sides, what
 * is wrong with them, and whose they are. */

#include "base/err.h"
#include "certs.h"
#include "net/tls.h"
#include "unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

static struct err err;
static const char *ca_path;

/* Two ends of a connection in memory. */
static SSL *server, *client;
static struct tls_info server_info, client_info;

static struct tls_cert *
load(const char *name, const struct cert_spec *spec)
{
	struct tls_cert *c = tls_cert_load(cert_make(name, spec), NULL, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static struct tls_config *
new_client(const struct tls_settings *s, const struct cert_spec *spec)
{
	struct tls_cert *cert = spec ? load("c.pem", spec) : NULL;
	struct tls_config *cfg = tls_config_new_client(s, cert, &err);

	ck_assert_msg(cfg != NULL, "%s", err.text);
	tls_cert_unref(&cert);
	return cfg;
}

static void
unpair(void)
{
	SSL_free(server);
	SSL_free(client);
	server = client = NULL;
	tls_info_fini(&server_info);
	tls_info_fini(&client_info);
}

static void
shake(void)
{
	int s = 0, c = 0;

	for (int i = 0; i < 20 && (s <= 0 || c <= 0); i++) {
		if (c <= 0)
			c = SSL_do_handshake(client);
		if (s <= 0)
			s = SSL_do_handshake(server);
	}
	ck_assert_int_eq(s, 1);
	ck_assert_int_eq(c, 1);
	ERR_clear_error();
	tls_info_read(server, &server_info);
	tls_info_read(client, &client_info);
}

static void
join(struct tls_config *at, struct tls_config *to, const char *name,
     bool with_alpn)
{
	BIO *a, *b;

	unpair();
	ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	server = tls_config_ssl(at);
	client = tls_config_ssl_client(to, name, with_alpn);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	shake();
}

/* theirs: of who is dialed; ours: of who dials, NULL: none. */
static void
meet_as(const struct cert_spec *theirs, const struct cert_spec *ours,
	const char *name, bool with_alpn)
{
	struct tls_settings s = { .ask_client_cert = true,
				  .clients_are_servers = true,
				  .alpn = "xmpp-server",
				  .ca_path = ca_path };
	struct tls_cert *cert = load("s.pem", theirs);
	struct tls_config *at = tls_config_new(&s, cert, &err);
	struct tls_config *to = new_client(&s, ours);

	ck_assert_msg(at != NULL, "%s", err.text);
	join(at, to, name, with_alpn);
	tls_config_unref(&at);
	tls_config_unref(&to);
	tls_cert_unref(&cert);
}

static void
meet_server(const struct cert_spec *theirs, const struct cert_spec *ours,
	    const char *name)
{
	meet_as(theirs, ours, name, true);
}

#define OF(names) (&(struct cert_spec){ .issuer = ca_path, .san = names })

START_TEST(both_are_known)
{
	uint8_t at_client[TLS_EXPORTER_LEN], at_server[TLS_EXPORTER_LEN];
	const unsigned char *chosen;
	struct tls_info kept = { 0 };
	int64_t day = 86400, now = time(NULL);
	unsigned len;

	meet_server(OF("DNS:b.example"), OF("DNS:a.example"), "b.example");
	ck_assert_str_eq(server_info.peer_error, "");
	ck_assert_str_eq(client_info.peer_error, "");
	ck_assert(server_info.peer_cert_verified);
	ck_assert(client_info.peer_cert_verified);
	ck_assert_str_eq(server_info.sni, "b.example");
	SSL_get0_alpn_selected(server, &chosen, &len);
	ck_assert_uint_eq(len, 11);
	ck_assert_mem_eq(chosen, "xmpp-server", 11);
	ck_assert(client_info.has_exporter);
	ck_assert(tls_info_export(client, at_client));
	ck_assert(tls_info_export(server, at_server));
	ck_assert_mem_eq(at_client, at_server, sizeof(at_client));
	ck_assert_uint_eq(client_info.unique_len, 0);
	ck_assert_uint_eq(client_info.end_point_len, 0);
	ck_assert_str_eq(client_info.peer_subject, "CN=test");
	ck_assert_str_eq(client_info.issuer, "CN=CA");
	ck_assert_int_ge(client_info.peer_not_after, now + 30 * day - 100);
	ck_assert_int_le(client_info.peer_not_after, now + 30 * day + 100);

	/* A copy has its own hold on the certificate. */
	tls_info_copy(&kept, &client_info);
	tls_info_fini(&client_info);
	ck_assert(tls_info_is_for(&kept, "b.example", "xmpp-server"));
	ck_assert(!tls_info_is_for(&kept, "a.example", "xmpp-server"));
	ck_assert(tls_info_is_for(&server_info, "a.example", "xmpp-server"));
	unpair();
	ck_assert(tls_info_is_for(&kept, "b.example", "xmpp-server"));
	tls_info_fini(&kept);
	ck_assert(!tls_info_is_for(&kept, "b.example", "xmpp-server"));
}
END_TEST

/* XEP-0368: ALPN is for TLS that comes first. */
START_TEST(no_alpn_after_starttls)
{
	const unsigned char *chosen;
	unsigned len;

	meet_as(OF("DNS:b.example"), NULL, "b.example", false);
	SSL_get0_alpn_selected(server, &chosen, &len);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(server_info.sni, "b.example");
}
END_TEST

START_TEST(dials_without_certificate)
{
	meet_server(OF("DNS:b.example"), NULL, "b.example");
	ck_assert(!server_info.has_peer_cert);
	ck_assert(!server_info.peer_cert_verified);
	ck_assert(!tls_info_is_for(&server_info, "a.example", "xmpp-server"));
	ck_assert(client_info.peer_cert_verified);
}
END_TEST

/* Addresses are no SNI (RFC 6066, 3). */
START_TEST(dials_an_address)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "[::1]" };

	for (size_t i = 0; i < N_ELEMENTS(hosts); i++) {
		meet_server(OF("DNS:b.example"), NULL, hosts[i]);
		ck_assert_str_eq(server_info.sni, "");
		ck_assert(client_info.peer_cert_verified);
	}
}
END_TEST

static const char *
day(int days)
{
	static char text[2][16];
	static int n;
	time_t t = time(NULL) + (time_t)days * 86400;
	struct tm tm;

	n = !n;
	gmtime_r(&t, &tm);
	strftime(text[n], sizeof(text[n]), "%Y-%m-%d", &tm);
	return text[n];
}

/* What is wrong with a certificate is said on both sides, in words, and does
 * not end the handshake. */
START_TEST(says_what_is_wrong_with_peers)
{
	const char *other =
		cert_make("other.pem",
			  &(struct cert_spec){ .cn = "Other", .is_ca = true });
	const char *old = cert_make(
		"old.pem",
		&(struct cert_spec){ .cn = "Old", .is_ca = true, .days = -1 });
	struct {
		struct cert_spec spec;
		const char *want;
	} cases[] = {
		{ { .san = "DNS:a.example" }, "self-signed" },
		{ { .issuer = other }, "unknown issuer (CN=Other)" },
		/* What it does not sign for is not even asked. */
		{ { .issuer = other, .days = -1 },
		  "unknown issuer (CN=Other)" },
		{ { .issuer = ca_path, .days = -1 }, "expired since " },
		{ { .issuer = ca_path, .starts_in_days = 3 },
		  "not valid before " },
		{ { .issuer = ca_path, .eku = "codeSigning" },
		  "made for another purpose (extended key usage)" },
	};
	char want[100];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		snprintf(want, sizeof(want), "%s%s", cases[i].want,
			 cases[i].spec.days		? day(-1)
			 : cases[i].spec.starts_in_days ? day(3)
							: "");
		if (strncmp(cases[i].want, "unknown", 7) == 0)
			snprintf(want, sizeof(want), "%s", cases[i].want);
		meet_server(&cases[i].spec, &cases[i].spec, "b.example");
		ck_assert_str_eq(server_info.peer_error, want);
		ck_assert_str_eq(client_info.peer_error, want);
		ck_assert(server_info.has_peer_cert);
		ck_assert(client_info.has_peer_cert);
		ck_assert(!server_info.peer_cert_verified);
		ck_assert(!client_info.peer_cert_verified);
	}
	/* An authority that is known, but has expired. */
	ca_path = old;
	meet_server(OF("DNS:b.example"), NULL, "b.example");
	snprintf(want, sizeof(want),
		 "its authority (CN=Old) is expired since "
		 "%s",
		 day(-1));
	ck_assert_str_eq(client_info.peer_error, want);
}
END_TEST

/* Public CAs issue certificates for servers only. One for clients only is good
 * for dialing, not for being dialed. */
START_TEST(purposes)
{
	static const struct {
		const char *eku;
		bool may_dial, may_be_dialed;
	} cases[] = {
		{ NULL, true, true },
		{ "serverAuth", true, true },
		{ "serverAuth,clientAuth", true, true },
		{ "clientAuth", true, false },
		{ "codeSigning", false, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct cert_spec spec = { .issuer = ca_path,
					  .eku = cases[i].eku };

		meet_server(&spec, &spec, "b.example");
		ck_assert_int_eq(server_info.peer_cert_verified,
				 cases[i].may_dial);
		ck_assert_int_eq(client_info.peer_cert_verified,
				 cases[i].may_be_dialed);
	}
}
END_TEST

/* From the file of a certificate with those between it and the authority. */
START_TEST(intermediate)
{
	const char *mid = cert_make("mid.pem",
				    &(struct cert_spec){ .cn = "Mid",
							 .is_ca = true,
							 .issuer = ca_path,
							 .eku = "serverAuth" });
	struct cert_spec spec = { .issuer = mid };

	meet_server(&spec, &spec, "b.example");
	ck_assert_str_eq(client_info.peer_error, "unknown issuer (CN=Mid)");
	spec.with_issuer = true;
	meet_server(&spec, &spec, "b.example");
	ck_assert_str_eq(client_info.peer_error, "");
	ck_assert_str_eq(server_info.peer_error, "");
}
END_TEST

/* Authorities that another config has read already. */
START_TEST(shared_authorities)
{
	struct tls_settings s = { .ca_path = ca_path };
	struct tls_config *first = new_client(&s, NULL), *second;
	struct tls_cert *cert = load("s.pem", OF("DNS:b.example"));
	struct tls_config *at;

	at = tls_config_new(&(struct tls_settings){ 0 }, cert, &err);

	s.ca_path = "/does/not/exist";
	ck_assert_ptr_null(tls_config_new_client(&s, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/does/not/exist"));
	s.cas_of = first;
	second = new_client(&s, NULL);
	tls_config_unref(&first);
	join(at, second, "b.example", false);
	ck_assert(client_info.peer_cert_verified);
	tls_config_unref(&second);
	tls_config_unref(&at);
	tls_cert_unref(&cert);
}
END_TEST

#define SRV_NAME "otherName:1.3.6.1.5.5.7.8.7;IA5:"

static const struct {
	const char *san, *domain;
	bool is_for;
} peer_names[] = {
	{ "DNS:a.example", "a.example", true },
	{ "DNS:a.example", "A.Example", true },
	{ "DNS:a.example", "b.a.example", false },
	{ "DNS:a.example", ".example", false },
	{ "DNS:a.example", ".a.example", false },
	{ "DNS:a.example", "", false },
	{ "DNS:*.a.example", "b.a.example", true },
	{ "DNS:*.a.example", "xn--bcher-kva.a.example", true },
	{ "DNS:*.a.example", "c.b.a.example", false },
	{ "DNS:*.a.example", "a.example", false },
	{ "DNS:b*.a.example", "bc.a.example", false },
	{ "DNS:xn--bcher-kva.example", "xn--bcher-kva.example", true },
	{ NULL, "cn.example", false }, /* the subject does not count */
	{ "email:a.example@a.example", "a.example", false },
	{ "URI:xmpp:a.example", "a.example", false },
	{ SRV_NAME "_xmpp-server.a.example", "a.example", true },
	{ SRV_NAME "_XMPP-Server.A.example", "a.example", true },
	{ SRV_NAME "_xmpp-server.*.a.example", "b.a.example", true },
	{ SRV_NAME "_xmpp-server.*.a.example", "a.example", false },
	{ SRV_NAME "_xmpp-server.*.a.example", "c.b.a.example", false },
	{ SRV_NAME "_xmpp-server.*", "example", false },
	{ SRV_NAME "_xmpp-server.*.example", "a.example", false },
	{ "DNS:*.example", "a.example", false },
	{ SRV_NAME "_xmpp-client.a.example", "a.example", false },
	{ SRV_NAME "_xmpp-server", "a.example", false },
	{ SRV_NAME "_xmpp-server.", "a.example", false },
	{ SRV_NAME "a.example", "a.example", false },
	{ XMPP_ADDR "a.example", "a.example", true },
	{ XMPP_ADDR "A.Example", "a.example", true },
	{ XMPP_ADDR "xn--bcher-kva.example", "xn--bcher-kva.example", true },
	/* The same, as people write it: xmppAddr in UTF-8. */
	{ "DER:30:1F:A0:1D:06:08:2B:06:01:05:05:07:08:05:A0:11:0C:0F:62:C3:BC:"
	  "63:68:65:72:2E:65:78:61:6D:70:6C:65",
	  "xn--bcher-kva.example", true },
	{ XMPP_ADDR "*.a.example", "b.a.example", false },
	{ XMPP_ADDR "user@a.example", "a.example", false },
	{ "DNS:x.example,DNS:y.example," XMPP_ADDR "z.example", "z.example",
	  true },
	/* Of another type than they have to be. */
	{ "otherName:1.3.6.1.5.5.7.8.5;IA5:a.example", "a.example", false },
	{ "otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-server.a.example",
	  "a.example", false },
	/* xmppAddr "a" NUL "b" */
	{ "DER:30:13:A0:11:06:08:2B:06:01:05:05:07:08:05:A0:05:0C:03:61:00:62",
	  "a", false },
};

START_TEST(names_of_peers)
{
	struct cert_spec spec = { .cn = "cn.example",
				  .issuer = ca_path,
				  .san = peer_names[_i].san };

	meet_server(OF("DNS:b.example"), &spec, "b.example");
	ck_assert_msg(server_info.peer_cert_verified, "%s",
		      server_info.peer_error);
	ck_assert_msg(tls_info_is_for(&server_info, peer_names[_i].domain,
				      "xmpp-server") == peer_names[_i].is_for,
		      "%s is%s for %s", peer_names[_i].san,
		      peer_names[_i].is_for ? " not" : "",
		      peer_names[_i].domain);
}
END_TEST

/* What a peer calls itself ends up in logs. */
START_TEST(subjects_are_one_line)
{
	struct cert_spec spec = { .cn = "evil\nerror: \"x\" \u00fc",
				  .issuer = ca_path };

	meet_server(OF("DNS:b.example"), &spec, "b.example");
	ck_assert_str_eq(server_info.peer_subject,
			 "CN=evil\\0Aerror: \\\"x\\\" \\C3\\BC");
}
END_TEST

static void
setup(void)
{
	ca_path = cert_make("ca.pem",
			    &(struct cert_spec){ .cn = "CA", .is_ca = true });
}

int
main(void)
{
	TCase *tc = tcase_create("tls_peer");

	certs_dir();
	tcase_add_checked_fixture(tc, setup, unpair);
	tcase_add_test(tc, both_are_known);
	tcase_add_test(tc, no_alpn_after_starttls);
	tcase_add_test(tc, dials_without_certificate);
	tcase_add_test(tc, dials_an_address);
	tcase_add_test(tc, says_what_is_wrong_with_peers);
	tcase_add_test(tc, purposes);
	tcase_add_test(tc, intermediate);
	tcase_add_test(tc, shared_authorities);
	tcase_add_loop_test(tc, names_of_peers, 0, N_ELEMENTS(peer_names));
	tcase_add_test(tc, subjects_are_one_line);
	return unit_run(tc);
}
