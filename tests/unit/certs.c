/* certs.c - certificates for tests. */

#include "certs.h"

#include "base/mem.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY (24 * 3600)

static char dir[] = "/tmp/banyan-certs-XXXXXX";
static pid_t dir_owner;
static char *paths[64];
static int n_paths;

static void
require(bool is_ok, const char *what)
{
	if (is_ok)
		return;
	fprintf(stderr, "certs: %s failed\n", what);
	abort();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Check runs tests in children, whose end is not ours. */
static void
remove_dir(void)
{
	while (n_paths)
		free(paths[--n_paths]);
	if (getpid() == dir_owner)
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
certs_dir(void)
{
	if (dir_owner)
		return dir;
	require(mkdtemp(dir) != NULL, "mkdtemp");
	dir_owner = getpid();
	atexit(remove_dir);
	return dir;
}

static const char *
path_for(const char *name)
{
	require(n_paths < (int)N_ELEMENTS(paths), "room for paths");
	return paths[n_paths++] = mem_printf("%s/%s", certs_dir(), name);
}

static EVP_PKEY *
new_key(enum cert_key kind)
{
	switch (kind) {
	case CERT_RSA:
		return EVP_RSA_gen(2048);
	case CERT_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case CERT_EC:
	default:
		return EVP_EC_gen("P-256");
	}
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	require(ext && X509_add_ext(x, ext, -1), value);
	X509_EXTENSION_free(ext);
}

static void
read_issuer(const char *path, X509 **x, EVP_PKEY **key)
{
	FILE *f = fopen(path, "r");

	require(f != NULL, path);
	*x = PEM_read_X509(f, NULL, NULL, NULL);
	*key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	require(*x && *key, path);
	fclose(f);
}

static X509 *
new_cert(const struct cert_spec *spec, EVP_PKEY *key)
{
	static long serial;
	X509 *x = X509_new(), *issuer = x;
	EVP_PKEY *issuer_key = key;
	X509_NAME *name = X509_get_subject_name(x);
	int days = spec->days ? spec->days : 30;

	if (spec->issuer)
		read_issuer(spec->issuer, &issuer, &issuer_key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x),
			(spec->starts_in_days ? spec->starts_in_days : -2L) *
				DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8,
		(const unsigned char *)(spec->cn ? spec->cn : "test"), -1, -1,
		0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_set_pubkey(x, key);
	add_ext(x, issuer, NID_basic_constraints,
		spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (spec->eku)
		add_ext(x, issuer, NID_ext_key_usage, spec->eku);
	if (spec->san)
		add_ext(x, issuer, NID_subject_alt_name, spec->san);
	require(X509_sign(x, issuer_key,
			  spec->key == CERT_ED25519 ? NULL : EVP_sha256()) > 0,
		"signing");
	if (spec->issuer) {
		X509_free(issuer);
		EVP_PKEY_free(issuer_key);
	}
	return x;
}

static void
append_issuer(FILE *f, const char *path)
{
	X509 *x;
	EVP_PKEY *key;

	read_issuer(path, &x, &key);
	require(PEM_write_X509(f, x), path);
	X509_free(x);
	EVP_PKEY_free(key);
}

const char *
cert_make(const char *name, const struct cert_spec *spec)
{
	const char *path = path_for(name);
	EVP_PKEY *key = new_key(spec->key);
	X509 *x = new_cert(spec, key);
	FILE *f = fopen(path, "w");

	require(f && PEM_write_X509(f, x) &&
			PEM_write_PrivateKey(
				f, key,
				spec->passphrase ? EVP_aes_128_cbc() : NULL,
				NULL, 0, NULL, (void *)spec->passphrase),
		path);
	if (spec->with_issuer)
		append_issuer(f, spec->issuer);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
	return path;
}

const char *
cert_write(const char *name, const char *text)
{
	const char *path = path_for(name);
	FILE *f = fopen(path, "w");

	require(f && fputs(text, f) >= 0, path);
	fclose(f);
	return path;
}
