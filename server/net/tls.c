/* tls.c - settings for TLS, the certificate by SNI, and what came of it. */

#include "net/tls.h"

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/tls_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Forward secrecy and authenticated encryption only (RFC 9325, 4.2). */
#define DEFAULT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

struct sni {
	struct map_node node;
	struct tls_cert *cert; /* ref */
	char name[];	       /* lower case */
};

struct tls_config {
	atomic_uint refs;
	SSL_CTX *ctx;
	struct map names;
	struct tls_cert *default_cert; /* ref */
	unsigned char *alpn; /* owned: length and bytes, as on the wire */
};

int
tls_err(struct err *err, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(e);

	if (ERR_SYSTEM_ERROR(e))
		reason = strerror(ERR_GET_REASON(e));
	ERR_clear_error();
	return err_set(err, "%s: %s", what,
		       reason ? reason : "OpenSSL gives no reason");
}

static bool
sni_eq(const struct map_node *node, const void *name)
{
	return !strcmp(container_of(node, struct sni, node)->name, name);
}

/* NULL where the name is longer than a name can be. */
static const char *
lower(const char *name, char out[256])
{
	size_t len = strlen(name);

	if (len > 255)
		return NULL;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	return out;
}

static int
on_sni(SSL *ssl, int *alert, void *data)
{
	const struct tls_config *cfg = data;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct map_node *node;
	struct tls_cert *cert;
	char key[256];

	if (!name || !lower(name, key))
		return SSL_TLSEXT_ERR_NOACK;
	node = map_find(&cfg->names, hash_str(key), sni_eq, key);
	if (!node)
		return SSL_TLSEXT_ERR_NOACK;
	cert = container_of(node, struct sni, node)->cert;
	if (cert == cfg->default_cert) /* has it already */
		return SSL_TLSEXT_ERR_OK;
	/* Without clearing, a default certificate with another kind of key
	 * would stay as a choice. */
	SSL_certs_clear(ssl);
	if (tls_cert_use_ssl(cert, ssl))
		return SSL_TLSEXT_ERR_OK;
	ERR_clear_error();
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *data)
{
	const struct tls_config *cfg = data;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, cfg->alpn, cfg->alpn[0] + 1,
				  in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
set_version(SSL_CTX *ctx, const char *version, struct err *err)
{
	if (version && strcmp(version, "1.2") && strcmp(version, "1.3"))
		return err_set(
			err,
			"TLS version \"%s\": \"1.2\" or \"1.3\" is expected",
			version);
	SSL_CTX_set_min_proto_version(ctx, version && !strcmp(version, "1.3")
						   ? TLS1_3_VERSION
						   : TLS1_2_VERSION);
	return 0;
}

static int
set_ciphers(SSL_CTX *ctx, const struct tls_settings *s, struct err *err)
{
	char what[256];

	if (!SSL_CTX_set_cipher_list(ctx, s->ciphers ? s->ciphers
						     : DEFAULT_CIPHERS)) {
		snprintf(what, sizeof(what), "ciphers \"%s\"", s->ciphers);
		return tls_err(err, what);
	}
	if (s->ciphersuites &&
	    !SSL_CTX_set_ciphersuites(ctx, s->ciphersuites)) {
		snprintf(what, sizeof(what), "ciphersuites \"%s\"",
			 s->ciphersuites);
		return tls_err(err, what);
	}
	return 0;
}

static int
check(int (*set)(SSL_CTX *, const char *), const char *value,
      const char *expected, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	bool is_good = ctx && set(ctx, value) && *value;

	SSL_CTX_free(ctx);
	ERR_clear_error();
	return is_good ? 0
		       : err_set(err, "found \"%s\", expected %s", value,
				 expected);
}

int
tls_check_ciphers(const char *value, struct err *err)
{
	return check(SSL_CTX_set_cipher_list, value,
		     "a list for OpenSSL like ECDHE+AESGCM:ECDHE+CHACHA20",
		     err);
}

int
tls_check_ciphersuites(const char *value, struct err *err)
{
	return check(SSL_CTX_set_ciphersuites, value,
		     "a list for OpenSSL like TLS_AES_256_GCM_SHA384:"
		     "TLS_CHACHA20_POLY1305_SHA256",
		     err);
}

static int
load_cas(SSL_CTX *ctx, const char *path, struct err *err)
{
	struct stat st;
	int ok;

	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		return err_sys(err, "CA certificates %s", path);
	ok = S_ISDIR(st.st_mode) ? SSL_CTX_load_verify_dir(ctx, path)
				 : SSL_CTX_load_verify_file(ctx, path);
	if (!ok) {
		tls_err(err, "no CA certificates in PEM found");
		return err_wrap(err, "%s", path);
	}
	return 0;
}

int
tls_check_cas(const char *path, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int ret;

	ERR_clear_error();
	ret = ctx ? load_cas(ctx, path, err) : tls_err(err, "TLS");
	SSL_CTX_free(ctx);
	return ret;
}

static int
set_verify(SSL_CTX *ctx, const struct tls_settings *s, struct err *err)
{
	tls_peer_verify(ctx, s->clients_are_servers);
	if (s->cas_of)
		SSL_CTX_set1_cert_store(ctx,
					SSL_CTX_get_cert_store(s->cas_of->ctx));
	else if (s->ca_path)
		return load_cas(ctx, s->ca_path, err);
	else if (!SSL_CTX_set_default_verify_paths(ctx))
		return tls_err(err, "the system's CA certificates");
	return 0;
}

static void
set_fixed(SSL_CTX *ctx)
{
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
			     SSL_OP_CIPHER_SERVER_PREFERENCE |
			     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

static void
set_alpn(struct tls_config *cfg, const char *alpn)
{
	size_t len = strlen(alpn);

	assert(len && len < 256);
	cfg->alpn = mem_alloc(1 + len);
	cfg->alpn[0] = (unsigned char)len;
	memcpy(cfg->alpn + 1, alpn, len);
}

/* What both sides have in common. */
static struct tls_config *
new_config(const SSL_METHOD *method, const struct tls_settings *s,
	   struct tls_cert *cert, struct err *err)
{
	struct tls_config *cfg = mem_zalloc(sizeof(*cfg));

	atomic_init(&cfg->refs, 1);
	ERR_clear_error();
	cfg->ctx = SSL_CTX_new(method);
	if (!cfg->ctx) {
		tls_err(err, "TLS");
		goto failed;
	}
	set_fixed(cfg->ctx);
	if (set_version(cfg->ctx, s->min_version, err) < 0 ||
	    set_ciphers(cfg->ctx, s, err) < 0)
		goto failed;
	if (cert && !tls_cert_use_ctx(cert, cfg->ctx)) {
		tls_err(err, "certificate");
		goto failed;
	}
	cfg->default_cert = cert ? tls_cert_ref(cert) : NULL;
	if (s->alpn)
		set_alpn(cfg, s->alpn);
	return cfg;
failed:
	tls_config_unref(&cfg);
	return NULL;
}

struct tls_config *
tls_config_new(const struct tls_settings *s, struct tls_cert *default_cert,
	       struct err *err)
{
	struct tls_config *cfg;

	cfg = new_config(TLS_server_method(), s, default_cert, err);
	if (!cfg)
		return NULL;
	if (s->ask_client_cert && set_verify(cfg->ctx, s, err) < 0) {
		tls_config_unref(&cfg);
		return NULL;
	}
	SSL_CTX_set_tlsext_servername_callback(cfg->ctx, on_sni);
	SSL_CTX_set_tlsext_servername_arg(cfg->ctx, cfg);
	if (cfg->alpn)
		SSL_CTX_set_alpn_select_cb(cfg->ctx, on_alpn, cfg);
	return cfg;
}

struct tls_config *
tls_config_new_client(const struct tls_settings *s, struct tls_cert *cert,
		      struct err *err)
{
	struct tls_settings own = *s;
	struct tls_config *cfg;

	own.clients_are_servers = false;
	cfg = new_config(TLS_client_method(), s, cert, err);
	if (cfg && set_verify(cfg->ctx, &own, err) < 0)
		tls_config_unref(&cfg);
	return cfg;
}

int
tls_config_add(struct tls_config *cfg, const char *name, struct tls_cert *cert,
	       struct err *err)
{
	char key[256];
	struct sni *sni;

	if (!lower(name, key))
		return err_set(err, "%.40s...: the name is too long", name);
	if (map_find(&cfg->names, hash_str(key), sni_eq, key))
		return err_set(err, "%s: there is a certificate already", name);
	sni = mem_alloc(sizeof(*sni) + strlen(key) + 1);
	strcpy(sni->name, key);
	sni->cert = tls_cert_ref(cert);
	map_insert(&cfg->names, &sni->node, hash_str(key));
	return 0;
}

struct tls_config *
tls_config_ref(struct tls_config *cfg)
{
	atomic_fetch_add_explicit(&cfg->refs, 1, memory_order_relaxed);
	return cfg;
}

void
tls_config_unref(struct tls_config **cfg)
{
	struct tls_config *old = *cfg;

	*cfg = NULL;
	if (!old ||
	    atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) != 1)
		return;
	map_each (n, &old->names) {
		struct sni *sni = container_of(n, struct sni, node);

		map_remove(&old->names, n);
		tls_cert_unref(&sni->cert);
		free(sni);
	}
	map_fini(&old->names);
	tls_cert_unref(&old->default_cert);
	SSL_CTX_free(old->ctx);
	free(old->alpn);
	free(old);
}

SSL *
tls_config_ssl(struct tls_config *cfg)
{
	SSL *ssl = SSL_new(cfg->ctx);

	/* Only memory can be missing. */
	if (!ssl)
		abort();
	return ssl;
}

/* RFC 6066, 3: addresses are no names. */
static bool
is_address(const char *name)
{
	struct in_addr v4;

	return strchr(name, ':') || inet_pton(AF_INET, name, &v4) == 1;
}

SSL *
tls_config_ssl_client(struct tls_config *cfg, const char *name, bool with_alpn)
{
	SSL *ssl = tls_config_ssl(cfg);

	if (!is_address(name))
		SSL_set_tlsext_host_name(ssl, name);
	if (with_alpn && cfg->alpn)
		SSL_set_alpn_protos(ssl, cfg->alpn, 1u + cfg->alpn[0]);
	ERR_clear_error();
	return ssl;
}
