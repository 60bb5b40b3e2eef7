/* tls_peer.c - a peer's certificate: what is wrong with it, and whose it is. */

#include "net/tls.h"
#include "net/tls_private.h"

#include <assert.h>
#include <idn2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- Verifying */

static int first_index;
static pthread_once_t first_once = PTHREAD_ONCE_INIT;

static void
make_index(void)
{
	first_index =
		X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* Whether it is good is asked afterwards (SSL_get_verify_result). Of several
 * faults the first says most: "unknown issuer" before "unable to verify". */
static int
keep_first(X509_STORE_CTX *ctx, bool is_fault)
{
	intptr_t first = (intptr_t)X509_STORE_CTX_get_ex_data(ctx, first_index);

	if (is_fault && !first) {
		first = X509_STORE_CTX_get_error(ctx);
		X509_STORE_CTX_set_ex_data(ctx, first_index, (void *)first);
	}
	X509_STORE_CTX_set_error(ctx, (int)first);
	return 1;
}

static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	return keep_first(ctx, !ok);
}

/* One that is made for clients is as good as one for servers. */
static int
on_verify_server(int ok, X509_STORE_CTX *ctx)
{
	bool is_client =
		!ok &&
		X509_STORE_CTX_get_error(ctx) == X509_V_ERR_INVALID_PURPOSE &&
		X509_check_purpose(X509_STORE_CTX_get_current_cert(ctx),
				   X509_PURPOSE_SSL_CLIENT,
				   X509_STORE_CTX_get_error_depth(ctx) > 0) ==
			1;

	return keep_first(ctx, !ok && !is_client);
}

void
tls_peer_verify(SSL_CTX *ctx, bool clients_are_servers)
{
	pthread_once(&first_once, make_index);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER,
			   clients_are_servers ? on_verify_server : on_verify);
	if (clients_are_servers) {
		SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
		SSL_CTX_set_trust(ctx, X509_TRUST_SSL_SERVER);
	}
}

/* --- Words */

void
tls_peer_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	size_t len;

	if (!b || X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) < 0)
		len = 0;
	else
		len = (size_t)BIO_get_mem_data(b, &text);
	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(out, text, len);
	out[len] = '\0';
	BIO_free(b);
}

static const char *
day_of(const ASN1_TIME *t, char out[16])
{
	time_t at = (time_t)tls_seconds(t);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
	return out;
}

/* The peer's own certificate, then those above it as far as they are known. */
static X509 *
chain_at(SSL *ssl, int i)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	if (!chain || !sk_X509_num(chain))
		return i ? NULL : SSL_get0_peer_certificate(ssl);
	return i < sk_X509_num(chain) ? sk_X509_value(chain, i) : NULL;
}

static X509 *
chain_top(SSL *ssl)
{
	X509 *top = NULL, *x;

	for (int i = 0; (x = chain_at(ssl, i)); i++)
		top = x;
	return top;
}

static void
say_dates(SSL *ssl, bool is_expired, char *out, size_t size)
{
	const char *words = is_expired ? "expired since" : "not valid before";
	char name[160], day[16];
	const ASN1_TIME *t = NULL;
	X509 *x;
	int i;

	for (i = 0; (x = chain_at(ssl, i)); i++) {
		t = is_expired ? X509_get0_notAfter(x) : X509_get0_notBefore(x);
		if (X509_cmp_current_time(t) * (is_expired ? 1 : -1) < 0)
			break;
	}
	if (!x) /* it was a matter of this second */
		snprintf(out, size, "%s now", words);
	else if (!i)
		snprintf(out, size, "%s %s", words, day_of(t, day));
	else {
		tls_peer_name(X509_get_subject_name(x), name, sizeof(name));
		snprintf(out, size, "its authority (%s) is %s %s", name, words,
			 day_of(t, day));
	}
}

bool
tls_peer_error(SSL *ssl, char *out, size_t size)
{
	long result = SSL_get_verify_result(ssl);
	char name[160];

	switch (result) {
	case X509_V_OK:
		return false;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(out, size, "self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		tls_peer_name(X509_get_issuer_name(chain_top(ssl)), name,
			      sizeof(name));
		snprintf(out, size, "unknown issuer (%s)", name);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		say_dates(ssl, true, out, size);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		say_dates(ssl, false, out, size);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		snprintf(out, size,
			 "made for another purpose (extended key "
			 "usage)");
		break;
	default:
		snprintf(out, size, "%s",
			 X509_verify_cert_error_string(result));
	}
	return true;
}

/* --- Names */

/* RFC 9525, 6.3: equal, or with "*" for the first label and nothing else; not
 * for all of a top-level domain. */
static bool
covers(const char *pattern, size_t len, const char *domain)
{
	const char *rest = strchr(domain, '.');

	if (len > 2 && !strncmp(pattern, "*.", 2))
		return rest && rest != domain && strchr(rest + 1, '.') &&
		       strlen(rest) == len - 1 &&
		       !strncasecmp(pattern + 1, rest, len - 1);
	return strlen(domain) == len && !strncasecmp(pattern, domain, len);
}

/* RFC 4985: _service.domain */
static bool
srv_is(const char *value, size_t len, const char *domain, const char *service)
{
	size_t n = strlen(service);

	return len > n + 2 && value[0] == '_' &&
	       !strncasecmp(value + 1, service, n) && value[n + 1] == '.' &&
	       covers(value + n + 2, len - n - 2, domain);
}

/* A domain as people write it, or in A-labels. */
static bool
addr_is(const char *value, size_t len, const char *domain)
{
	char z[1024], *ascii;
	bool is_it;

	if (len >= sizeof(z))
		return false;
	memcpy(z, value, len);
	z[len] = '\0';
	if (!strcasecmp(z, domain))
		return true;
	if (idn2_to_ascii_8z(z, &ascii,
			     IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return false;
	is_it = !strcasecmp(ascii, domain);
	idn2_free(ascii);
	return is_it;
}

static bool
other_name_is(const OTHERNAME *name, const char *domain, const char *service)
{
	int nid = OBJ_obj2nid(name->type_id);
	const ASN1_STRING *s;
	const char *value;
	size_t len;

	if (!(nid == NID_XmppAddr && name->value->type == V_ASN1_UTF8STRING) &&
	    !(nid == NID_SRVName && name->value->type == V_ASN1_IA5STRING))
		return false;
	s = name->value->value.asn1_string;
	value = (const char *)ASN1_STRING_get0_data(s);
	len = (size_t)ASN1_STRING_length(s);
	/* A NUL inside is an attack. */
	if (!len || memchr(value, '\0', len))
		return false;
	return nid == NID_XmppAddr ? addr_is(value, len, domain)
				   : srv_is(value, len, domain, service);
}

static bool
has_other_name(const X509 *x, const char *domain, const char *service)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool has = false;

	for (int i = 0; !has && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		has = name->type == GEN_OTHERNAME &&
		      other_name_is(name->d.otherName, domain, service);
	}
	GENERAL_NAMES_free(names);
	return has;
}

bool
tls_info_is_for(const struct tls_info *info, const char *domain,
		const char *service)
{
	bool is_for;

	/* To OpenSSL, ".example.org" is each name below it. */
	if (!info->peer || !*domain || *domain == '.')
		return false;
	is_for = X509_check_host(info->peer, domain, 0,
				 X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
				 NULL) == 1 ||
		 has_other_name(info->peer, domain, service);
	ERR_clear_error();
	return is_for;
}
