/* certs.h - which certificate is for which host. */
#ifndef CORE_CERTS_H
#define CORE_CERTS_H

struct err;
struct server;

/*
 * Finds the certificate of each host (its options, or by name in
 * certificates-dir) and builds what connections use from now on. Warns in the
 * log about hosts without one and about dates. On error (a file that the
 * configuration names is no good) all stays as it was.
 *
 * In certificates-dir, for example.org: example.org.crt with example.org.key,
 * example.org.pem (both in one), example.org/fullchain.pem with
 * example.org/privkey.pem; and the same for example.org's parent domains,
 * where the certificate covers it (a wildcard).
 */
int certs_load(struct server *srv, struct err *err);

#endif
