/* tls_private.h - between tls.c, tls_cert.c and tls_info.c. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <openssl/types.h>
#include <stdbool.h>

struct err;
struct tls_cert;

/* "what: OpenSSL's last reason"; -1. */
int tls_err(struct err *err, const char *what);

/* For a certificate of ours: what tls_info_read will tell of it. False: OpenSSL
 * has failed. */
bool tls_info_prepare(X509 *leaf);

bool tls_cert_use_ctx(const struct tls_cert *c, SSL_CTX *ctx);
bool tls_cert_use_ssl(const struct tls_cert *c, SSL *ssl);

#endif
