/* certs.h - which certificate is for which host. */
#ifndef CORE_CERTS_H
#define CORE_CERTS_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct err;
struct server;
struct tls_cert;

/*
 * Finds the certificate of each host (its options, or by name in
 * certificates-dir) and builds what connections use from now on: of clients, of
 * servers that dial us, and to dial them. Warns in the log about hosts without
 * one and, now and each day, about dates. A file that is no good leaves
 * its host with what it had, which the log tells; but at the start it is an
 * error where the configuration names it. On error all stays as it was.
 *
 * In certificates-dir, for example.org: example.org.crt with example.org.key,
 * example.org.pem (both in one), example.org/fullchain.pem with
 * example.org/privkey.pem; and the same for example.org's parent domains, or
 * "_.org" for them, where the certificate covers it (a wildcard).
 */
int certs_load(struct server *srv, bool is_start, struct err *err);
/* Before a reload: whether the authorities that it names can be read. */
int certs_check(const struct config *cfg, struct err *err);

/* The same for one domain. certificate, key and dir may be NULL. *out NULL:
 * there is none. -1: it is no good. */
int certs_find(const char *domain, const char *certificate, const char *key,
	       const char *dir, struct tls_cert **out, struct err *err);
/* What is doubtful about its names and dates: -1 with err set to it, in words
 * like "expires in 12 days". */
int certs_doubt(const struct tls_cert *cert, const char *domain, int64_t now_s,
		struct err *err);

#endif
