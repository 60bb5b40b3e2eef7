/* check_tls.c - certificates, settings, and what handshakes tell, in memory. */

#include "net/tls.h"

#include "base/err.h"
#include "certs.h"
#include "unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct err err;

/* Two ends of a connection in memory. */
static SSL *server, *client;
static SSL_CTX *client_ctx;

static struct tls_cert *
load(const char *name, const struct cert_spec *spec)
{
	struct tls_cert *c = tls_cert_load(cert_make(name, spec), NULL, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static struct tls_config *
config(const struct tls_settings *s, struct tls_cert *cert)
{
	struct tls_config *cfg = tls_config_new(s, cert, &err);

	ck_assert_msg(cfg != NULL, "%s", err.text);
	return cfg;
}

/* A pair that has not shaken hands; client_ctx may be changed before SSL_new.
 */
static void
pair(struct tls_config *cfg)
{
	BIO *a, *b;

	ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	server = tls_config_ssl(cfg);
	client = SSL_new(client_ctx);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
}

/* True where both ends are satisfied. */
static bool
shake(void)
{
	int s = 0, c = 0;

	for (int i = 0; i < 20 && (s <= 0 || c <= 0); i++) {
		if (c <= 0)
			c = SSL_do_handshake(client);
		if (s <= 0)
			s = SSL_do_handshake(server);
	}
	return s > 0 && c > 0;
}

static void
unpair(void)
{
	SSL_free(server);
	SSL_free(client);
	server = client = NULL;
	ERR_clear_error();
}

static void
setup(void)
{
	client_ctx = SSL_CTX_new(TLS_client_method());
}

static void
teardown(void)
{
	unpair();
	SSL_CTX_free(client_ctx);
}

START_TEST(loads_certificates)
{
	static const enum cert_key kinds[] = { CERT_EC, CERT_RSA };
	int64_t now = time(NULL);
	struct tls_cert *c = load(
		"a.pem", &(struct cert_spec){ .key = kinds[_i], .days = 10 });

	ck_assert_int_ge(tls_cert_not_after(c), now + 10 * 86400 - 100);
	ck_assert_int_le(tls_cert_not_after(c), now + 10 * 86400 + 100);
	ck_assert_int_lt(tls_cert_not_before(c), now - 86400);
	tls_cert_unref(&c);
	ck_assert_ptr_null(c);
}
END_TEST

static const struct {
	const char *domain;
	bool covers;
} domains[] = {
	{ "example.org", true },	   { "EXAMPLE.org", true },
	{ "a.wild.example.org", true },	   { "a.b.wild.example.org", false },
	{ "wild.example.org", false },	   { "xample.org", false },
	{ "cn.example.org", false }, /* only subject alternative names count */
	{ "xn--bcher-kva.example", true },
};

START_TEST(covers)
{
	struct tls_cert *c =
		load("n.pem",
		     &(struct cert_spec){ .cn = "cn.example.org",
					  .san = "DNS:example.org,"
						 "DNS:*.wild.example.org,"
						 "DNS:xn--bcher-kva.example" });

	for (size_t i = 0; i < N_ELEMENTS(domains); i++)
		ck_assert_msg(tls_cert_covers(c, domains[i].domain) ==
				      domains[i].covers,
			      "%s", domains[i].domain);
	tls_cert_unref(&c);
}
END_TEST

static void
refused(const char *chain, const char *key, const char *want)
{
	err.text[0] = '\0';
	ck_assert_ptr_null(tls_cert_load(chain, key, &err));
	ck_assert_msg(strstr(err.text, want) != NULL, "got: %s", err.text);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* Each message names the file, what was found and what is expected. */
START_TEST(says_what_is_wrong)
{
	const char *good = cert_make("good.pem", &(struct cert_spec){ 0 });
	const char *other = cert_make("other.pem", &(struct cert_spec){ 0 });
	const char *rsa =
		cert_make("rsa.pem", &(struct cert_spec){ .key = CERT_RSA });
	const char *ed =
		cert_make("ed.pem", &(struct cert_spec){ .key = CERT_ED25519 });
	const char *text = cert_write("text.pem", "no certificate\n");
	const char *cut =
		cert_write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	const char *bad =
		cert_write("bad.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n"
				      "-----END CERTIFICATE-----\n");
	const char *no_key = cert_write("key.pem", "");
	const char *bad_key =
		cert_write("bad-key.pem", "-----BEGIN PRIVATE KEY-----\nMIIB\n"
					  "-----END PRIVATE KEY-----\n");
	const char *locked = cert_make(
		"locked.pem", &(struct cert_spec){ .passphrase = "secret" });

	refused("/nonexistent.pem", NULL,
		"cannot read the certificate /nonexistent.pem: No such file");
	refused(good, "/nonexistent.pem",
		"cannot read the private key /nonexistent.pem: No such file");
	refused(text, NULL,
		"text.pem: no certificate found, \"-----BEGIN "
		"CERTIFICATE-----\" is expected");
	refused(cut, NULL, "cut.pem: a certificate is damaged");
	refused(bad, NULL, "bad.pem: a certificate is damaged");
	refused(good, no_key, "key.pem: no private key found");
	refused(good, bad_key, "bad-key.pem: the private key is damaged");
	refused(locked, NULL, "locked.pem: the private key is encrypted");
	refused(good, other,
		"other.pem: the private key does not fit the certificate in");
	refused(good, rsa, "rsa.pem: the private key does not fit");
	refused(ed, NULL,
		"ed.pem: the private key is of kind ED25519, EC or "
		"RSA is expected");
}
END_TEST

START_TEST(wrong_settings)
{
	static const struct {
		struct tls_settings settings;
		const char *want;
	} cases[] = {
		{ { .min_version = "1.1" }, "TLS version \"1.1\": \"1.2\" or" },
		{ { .ciphers = "ROT13" }, "ciphers \"ROT13\": no cipher" },
		{ { .ciphersuites = "ROT13" }, "ciphersuites \"ROT13\": " },
		{ { .ask_client_cert = true, .ca_path = "/none" },
		  "CA certificates /none: No such file" },
		{ { .ask_client_cert = true, .ca_path = "/dev/null" },
		  "/dev/null: no CA certificates in PEM found" },
	};
	struct tls_cert *c = load("s.pem", &(struct cert_spec){ 0 });

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		ck_assert_ptr_null(tls_config_new(&cases[i].settings, c, &err));
		ck_assert_msg(strstr(err.text, cases[i].want) != NULL,
			      "got: %s", err.text);
	}
	tls_cert_unref(&c);
}
END_TEST

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* Both ends come to the same bindings (RFC 9266, RFC 5929). */
START_TEST(channel_bindings)
{
	static const enum cert_key kinds[] = { CERT_EC, CERT_RSA };
	struct tls_cert *c =
		load("b.pem", &(struct cert_spec){ .key = kinds[_i % 2] });
	struct tls_config *cfg = config(&(struct tls_settings){ 0 }, c);
	int version = versions[_i / 2];
	uint8_t own[EVP_MAX_MD_SIZE], exporter[TLS_EXPORTER_LEN];
	struct tls_info info;
	unsigned len;

	SSL_CTX_set_max_proto_version(client_ctx, version);
	pair(cfg);
	ck_assert(shake());
	tls_info_read(server, &info);
	ck_assert_str_eq(info.version,
			 version == TLS1_3_VERSION ? "1.3" : "1.2");
	ck_assert_str_eq(info.cipher, SSL_get_cipher_name(client));
	ck_assert_str_eq(info.sni, "");
	ck_assert(!info.has_peer_cert);

	ck_assert(info.has_exporter);
	ck_assert(tls_info_export(server, exporter));
	ck_assert_int_eq(SSL_export_keying_material(
				 client, own, 32, "EXPORTER-Channel-Binding",
				 24, (const unsigned char *)"", 0, 1),
			 1);
	ck_assert_mem_eq(exporter, own, 32);

	X509_digest(SSL_get0_peer_certificate(client), EVP_sha256(), own, &len);
	ck_assert_uint_eq(info.end_point_len, len);
	ck_assert_mem_eq(info.end_point, own, len);

	ck_assert_uint_eq(info.unique_len,
			  SSL_get_finished(client, own, sizeof(own)));
	ck_assert_mem_eq(info.unique, own, info.unique_len);
	tls_config_unref(&cfg);
	tls_cert_unref(&c);
}
END_TEST

/* Without the extended master secret TLS 1.2 binds nothing (RFC 9266, 4.2);
 * the certificate it can still name. */
START_TEST(no_extended_master_secret)
{
	struct tls_cert *c = load("b.pem", &(struct cert_spec){ 0 });
	struct tls_config *cfg = config(&(struct tls_settings){ 0 }, c);
	uint8_t exporter[TLS_EXPORTER_LEN];
	struct tls_info info;

	SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(client_ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	pair(cfg);
	ck_assert(shake());
	tls_info_read(server, &info);
	ck_assert(!info.has_exporter);
	ck_assert(!tls_info_export(server, exporter));
	ck_assert_uint_eq(info.unique_len, 0);
	ck_assert_uint_eq(info.end_point_len, 32);
	tls_config_unref(&cfg);
	tls_cert_unref(&c);
}
END_TEST

START_TEST(old_versions_are_refused)
{
	struct tls_cert *c = load("v.pem", &(struct cert_spec){ 0 });
	struct tls_config *any = config(&(struct tls_settings){ 0 }, c);
	struct tls_config *new =
		config(&(struct tls_settings){ .min_version = "1.3" }, c);

	SSL_CTX_set_security_level(client_ctx, 0);
	SSL_CTX_set_min_proto_version(client_ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(client_ctx, TLS1_1_VERSION);
	pair(any);
	ck_assert(!shake());
	unpair();
	SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
	pair(new);
	ck_assert(!shake());
	unpair();
	pair(any);
	ck_assert(shake());
	tls_config_unref(&any);
	tls_config_unref(&new);
	tls_cert_unref(&c);
}
END_TEST

/* No tickets, no session to come back to. */
START_TEST(no_resumption)
{
	struct tls_cert *c = load("r.pem", &(struct cert_spec){ 0 });
	struct tls_config *cfg = config(&(struct tls_settings){ 0 }, c);
	SSL_SESSION *session;
	char byte;

	SSL_CTX_set_max_proto_version(client_ctx, versions[_i]);
	pair(cfg);
	ck_assert(shake());
	SSL_read(client, &byte, 1); /* where tickets would come */
	session = SSL_get1_session(client);
	unpair();
	pair(cfg);
	SSL_set_session(client, session);
	ck_assert(shake());
	ck_assert(!SSL_session_reused(server));
	SSL_SESSION_free(session);
	tls_config_unref(&cfg);
	tls_cert_unref(&c);
}
END_TEST

static const struct {
	const char *asked, *got;
} names[] = {
	{ "a.example", "a.example" }, { "A.Example", "a.example" },
	{ "b.example", "b.example" }, /* another kind of key */
	{ "c.example", "default" },   { NULL, "default" },
};

static void
presented(char *out, size_t size)
{
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(SSL_get0_peer_certificate(client)),
		NID_commonName, out, (int)size);
}

START_TEST(certificate_by_name)
{
	struct tls_cert *def =
		load("d.pem", &(struct cert_spec){ .cn = "default" });
	struct tls_cert *a =
		load("a.pem", &(struct cert_spec){ .cn = "a.example" });
	struct tls_cert *b =
		load("b.pem",
		     &(struct cert_spec){ .key = CERT_RSA, .cn = "b.example" });
	struct tls_config *cfg = config(&(struct tls_settings){ 0 }, def);
	struct tls_info info;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char cn[64];

	ck_assert_int_eq(tls_config_add(cfg, "A.example", a, &err), 0);
	ck_assert_int_eq(tls_config_add(cfg, "b.example", b, &err), 0);
	ck_assert_int_eq(tls_config_add(cfg, "a.EXAMPLE", b, &err), -1);
	/* The config keeps them. */
	tls_cert_unref(&a);
	tls_cert_unref(&b);
	tls_cert_unref(&def);

	SSL_CTX_set_max_proto_version(client_ctx, versions[_i]);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		pair(cfg);
		if (names[i].asked)
			SSL_set_tlsext_host_name(client, names[i].asked);
		ck_assert(shake());
		presented(cn, sizeof(cn));
		ck_assert_str_eq(cn, names[i].got);
		tls_info_read(server, &info);
		ck_assert_str_eq(info.sni,
				 names[i].asked ? names[i].asked : "");
		X509_digest(SSL_get0_peer_certificate(client), EVP_sha256(),
			    digest, NULL);
		ck_assert_uint_eq(info.end_point_len, 32);
		ck_assert_mem_eq(info.end_point, digest, 32);
		unpair();
	}
	tls_config_unref(&cfg);
}
END_TEST

/* RFC 7301, 3.2: a client that does not offer ours hears so. */
START_TEST(alpn)
{
	static const unsigned char http[] = "\x02h2", none[] = "";
	static const unsigned char both[] = "\x0bxmpp-server\x0bxmpp-client";
	static const struct {
		const unsigned char *offer;
		size_t len;
		bool is_welcome;
	} cases[] = {
		{ http, sizeof(http) - 1, false },
		{ none, 0, true },
		{ both, sizeof(both) - 1, true },
	};
	struct tls_cert *c = load("p.pem", &(struct cert_spec){ 0 });
	struct tls_config *cfg =
		config(&(struct tls_settings){ .alpn = "xmpp-client" }, c);
	struct tls_config *any = config(&(struct tls_settings){ 0 }, c);
	const unsigned char *got;
	unsigned len;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		pair(cfg);
		if (cases[i].len)
			SSL_set_alpn_protos(client, cases[i].offer,
					    (unsigned)cases[i].len);
		ck_assert_int_eq(shake(), cases[i].is_welcome);
		SSL_get0_alpn_selected(client, &got, &len);
		ck_assert_uint_eq(len, cases[i].offer == both ? 11 : 0);
		unpair();
	}
	pair(any);
	SSL_set_alpn_protos(client, http, sizeof(http) - 1);
	ck_assert(shake());
	tls_config_unref(&cfg);
	tls_config_unref(&any);
	tls_cert_unref(&c);
}
END_TEST

/*
 * Certificates of clients
 */

static const char *ca_path;

static void
use_client_cert(const char *path)
{
	ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(client_ctx, path),
			 1);
	ck_assert_int_eq(
		SSL_CTX_use_PrivateKey_file(client_ctx, path, SSL_FILETYPE_PEM),
		1);
}

/* Shakes hands with a server that trusts the CA. */
static void
meet(int version, struct tls_info *info)
{
	struct tls_cert *c = load("server.pem", &(struct cert_spec){ 0 });
	struct tls_config *cfg =
		config(&(struct tls_settings){ .ask_client_cert = true,
					       .ca_path = ca_path },
		       c);

	SSL_CTX_set_max_proto_version(client_ctx, version);
	pair(cfg);
	ck_assert(shake());
	tls_info_read(server, info);
	tls_config_unref(&cfg);
	tls_cert_unref(&c);
}

#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

START_TEST(client_without_certificate)
{
	struct tls_info info;

	meet(versions[_i], &info);
	ck_assert(!info.has_peer_cert);
	ck_assert(!info.peer_cert_verified);
	ck_assert_str_eq(info.xmpp_addrs, "");
}
END_TEST

START_TEST(client_verified)
{
	static const char want[] = "romeo@example.org\0r@example.net\0";
	struct tls_info info;

	use_client_cert(cert_make(
		"c.pem", &(struct cert_spec){ .issuer = ca_path,
					      .san = XMPP_ADDR
					      "romeo@example.org,"
					      "DNS:example.com," XMPP_ADDR
					      "r@example.net" }));
	meet(versions[_i], &info);
	ck_assert(info.has_peer_cert);
	ck_assert_msg(info.peer_cert_verified, "%s", info.peer_error);
	ck_assert_mem_eq(info.xmpp_addrs, want, sizeof(want));
	tls_info_fini(&info);
}
END_TEST

/* The handshake succeeds all the same; it only is not verified. */
START_TEST(client_not_verified)
{
	const struct cert_spec cases[] = {
		{ .san = XMPP_ADDR "eve@example.org" }, /* self-signed */
		{ .san = XMPP_ADDR "eve@example.org",
		  .issuer = ca_path,
		  .days = -1 }, /* expired */
		{ .san = XMPP_ADDR "eve@example.org",
		  .issuer = ca_path,
		  .eku = "serverAuth" },
	};
	static const char *const wants[] = {
		"self-signed", "expired since 20",
		"made for another purpose (extended key usage)"
	};
	struct tls_info info;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		use_client_cert(cert_make("c.pem", &cases[i]));
		meet(versions[_i], &info);
		ck_assert(info.has_peer_cert);
		ck_assert(!info.peer_cert_verified);
		ck_assert_mem_eq(info.peer_error, wants[i], strlen(wants[i]));
		ck_assert_str_eq(info.xmpp_addrs, "eve@example.org");
		tls_info_fini(&info);
		unpair();
	}
}
END_TEST

/* A NUL inside an address must not cut it to another one. */
START_TEST(client_address_with_nul)
{
	struct tls_info info;

	use_client_cert(cert_make(
		"c.pem", &(struct cert_spec){
				 .issuer = ca_path,
				 /* Two of them: a NUL b, and b@c. */
				 .san = "DER:30:26:"
					"A0:11:06:08:2B:06:01:05:05:07:08:05:"
					"A0:05:0C:03:61:00:62:"
					"A0:11:06:08:2B:06:01:05:05:07:08:05:"
					"A0:05:0C:03:62:40:63" }));
	meet(versions[_i], &info);
	ck_assert(info.peer_cert_verified);
	ck_assert_mem_eq(info.xmpp_addrs, "b@c\0", 5);
	tls_info_fini(&info);
}
END_TEST

static void
setup_clients(void)
{
	setup();
	ca_path = cert_make("ca.pem",
			    &(struct cert_spec){ .cn = "CA", .is_ca = true });
}

int
main(void)
{
	TCase *tc = tcase_create("tls"), *clients = tcase_create("clients");

	certs_dir();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, loads_certificates, 0, 2);
	tcase_add_test(tc, covers);
	tcase_add_test(tc, says_what_is_wrong);
	tcase_add_test(tc, wrong_settings);
	tcase_add_loop_test(tc, channel_bindings, 0, 4);
	tcase_add_test(tc, no_extended_master_secret);
	tcase_add_test(tc, old_versions_are_refused);
	tcase_add_loop_test(tc, no_resumption, 0, 2);
	tcase_add_loop_test(tc, certificate_by_name, 0, 2);
	tcase_add_test(tc, alpn);
	tcase_add_checked_fixture(clients, setup_clients, teardown);
	tcase_add_loop_test(clients, client_without_certificate, 0, 2);
	tcase_add_loop_test(clients, client_verified, 0, 2);
	tcase_add_loop_test(clients, client_not_verified, 0, 2);
	tcase_add_loop_test(clients, client_address_with_nul, 0, 2);
	return unit_run_all((TCase *const[]){ tc, clients, NULL });
}
