/* tls_private.h - between tls.c, tls_cert.c, tls_info.c and tls_peer.c. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tls_cert;

/* "what: OpenSSL's last reason"; -1. */
int tls_err(struct err *err, const char *what);
/* Since 1970. */
int64_t tls_seconds(const ASN1_TIME *t);

/* For a certificate of ours: what tls_info_read will tell of it. False: OpenSSL
 * has failed. */
bool tls_info_prepare(X509 *leaf);

bool tls_cert_use_ctx(const struct tls_cert *c, SSL_CTX *ctx);
bool tls_cert_use_ssl(const struct tls_cert *c, SSL *ssl);

/* Peers' certificates are verified, and are welcome either way. */
void tls_peer_verify(SSL_CTX *ctx, bool clients_are_servers);
/* After the handshake: what is wrong with the peer's certificate. False:
 * nothing. */
bool tls_peer_error(SSL *ssl, char *out, size_t size);
/* A name in certificates as one line of ASCII. */
void tls_peer_name(const X509_NAME *name, char *out, size_t size);

#endif
