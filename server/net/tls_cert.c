/* tls_cert.c - certificates from files. */

#include "base/err.h"
#include "base/mem.h"
#include "net/tls.h"
#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tls_cert {
	atomic_uint refs;
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf; may be NULL */
	EVP_PKEY *key;
};

bool
tls_cert_use_ctx(const struct tls_cert *c, SSL_CTX *ctx)
{
	return SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) > 0;
}

bool
tls_cert_use_ssl(const struct tls_cert *c, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) > 0;
}

/* A passphrase would have to be asked for: there is nobody to ask. */
static int
no_passphrase(char *buf, int size, int rw, void *asked)
{
	(void)buf;
	(void)size;
	(void)rw;
	*(bool *)asked = true;
	return -1;
}

static FILE *
open_file(const char *path, const char *what, struct err *err)
{
	FILE *f = fopen(path, "re");

	if (!f)
		err_sys(err, "cannot read the %s %s", what, path);
	return f;
}

static int
read_chain(struct tls_cert *c, const char *path, struct err *err)
{
	FILE *f = open_file(path, "certificate", err);
	unsigned long e;
	X509 *x;

	if (!f)
		return -1;
	c->leaf = PEM_read_X509(f, NULL, NULL, NULL);
	if (c->leaf)
		c->chain = sk_X509_new_null();
	while (c->leaf && (x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
		sk_X509_push(c->chain, x);
	fclose(f);
	/* The end of the file ends the chain, everything else is damage. */
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return err_set(err, "%s: a certificate is damaged: %s", path,
			       ERR_reason_error_string(e));
	if (!c->leaf)
		return err_set(err,
			       "%s: no certificate found, \"-----BEGIN "
			       "CERTIFICATE-----\" is expected",
			       path);
	return 0;
}

/* OpenSSL's reasons do not tell a damaged key from none. */
static bool
has_key(FILE *f)
{
	char line[128];

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "-----BEGIN ", 11) &&
		    strstr(line, "PRIVATE KEY-----")) {
			rewind(f);
			return true;
		}
	return false;
}

static int
read_key(struct tls_cert *c, const char *path, struct err *err)
{
	FILE *f = open_file(path, "private key", err);
	bool has_asked = false;
	unsigned long e;

	if (!f)
		return -1;
	if (!has_key(f)) {
		fclose(f);
		return err_set(err,
			       "%s: no private key found, \"-----BEGIN PRIVATE "
			       "KEY-----\" is expected",
			       path);
	}
	c->key = PEM_read_PrivateKey(f, NULL, no_passphrase, &has_asked);
	fclose(f);
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (c->key)
		return 0;
	if (has_asked)
		return err_set(err,
			       "%s: the private key is encrypted, one without "
			       "a passphrase is expected",
			       path);
	return err_set(err, "%s: the private key is damaged: %s", path,
		       ERR_reason_error_string(e));
}

/* What OpenSSL will not work with is to be known now, not when a client comes.
 */
static int
try_out(const struct tls_cert *c, const char *chain_path, const char *key_path,
	struct err *err)
{
	int kind = EVP_PKEY_get_base_id(c->key);
	SSL_CTX *ctx;
	bool is_ok;

	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return err_set(err,
			       "%s: the private key is of kind %s, EC or RSA "
			       "is expected",
			       key_path, OBJ_nid2sn(kind));
	if (X509_check_private_key(c->leaf, c->key) != 1) {
		ERR_clear_error();
		return err_set(err,
			       "%s: the private key does not fit the "
			       "certificate in %s",
			       key_path, chain_path);
	}
	ctx = SSL_CTX_new(TLS_server_method());
	is_ok = ctx && tls_cert_use_ctx(c, ctx) && tls_info_prepare(c->leaf);
	SSL_CTX_free(ctx);
	return is_ok ? 0 : tls_err(err, chain_path);
}

struct tls_cert *
tls_cert_load(const char *chain_path, const char *key_path, struct err *err)
{
	struct tls_cert *c = mem_zalloc(sizeof(*c));

	if (!key_path)
		key_path = chain_path;
	atomic_init(&c->refs, 1);
	ERR_clear_error();
	if (read_chain(c, chain_path, err) < 0 ||
	    read_key(c, key_path, err) < 0 ||
	    try_out(c, chain_path, key_path, err) < 0)
		tls_cert_unref(&c);
	return c;
}

struct tls_cert *
tls_cert_ref(struct tls_cert *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
tls_cert_unref(struct tls_cert **c)
{
	struct tls_cert *old = *c;

	*c = NULL;
	if (!old ||
	    atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(old->leaf);
	sk_X509_pop_free(old->chain, X509_free);
	EVP_PKEY_free(old->key);
	free(old);
}

bool
tls_cert_covers(const struct tls_cert *c, const char *domain)
{
	return X509_check_host(c->leaf, domain, 0,
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
			       NULL) == 1;
}

int64_t
tls_seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

int64_t
tls_cert_not_after(const struct tls_cert *c)
{
	return tls_seconds(X509_get0_notAfter(c->leaf));
}

int64_t
tls_cert_not_before(const struct tls_cert *c)
{
	return tls_seconds(X509_get0_notBefore(c->leaf));
}
