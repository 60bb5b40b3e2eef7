/* certs.h - certificates for tests, made on the spot. */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>

enum cert_key { CERT_EC, CERT_RSA, CERT_ED25519 };

struct cert_spec {
	enum cert_key key;
	const char *cn;	    /* NULL: "test" */
	const char *san;    /* as in OpenSSL's configuration; NULL: none */
	int days;	    /* from two days ago until then; 0: 30 */
	int starts_in_days; /* 0: two days ago */
	bool is_ca;
	const char *eku;	/* extended key usage; NULL: none */
	const char *passphrase; /* of the key; NULL: not encrypted */
	const char *issuer;	/* a file made before; NULL: self-signed */
	bool with_issuer;	/* its certificate goes into the file, too */
};

/* A directory that goes with the process that called this first. */
const char *certs_dir(void);
/* Writes the certificate, then its key, to certs_dir()/name; returns the path,
 * which is valid until the process ends. */
const char *cert_make(const char *name, const struct cert_spec *spec);
/* The same for any text. */
const char *cert_write(const char *name, const char *text);

#endif
