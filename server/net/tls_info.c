/* tls_info.c - what a handshake brought about. */

#include "base/mem.h"
#include "net/tls.h"
#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTER_LABEL "EXPORTER-Channel-Binding"

static void
copy(char *out, size_t size, const char *s)
{
	snprintf(out, size, "%s", s ? s : "");
}

/* RFC 9266: with TLS 1.2 only where the extended master secret was agreed on,
 * which TLS 1.3 has without saying so. */
static bool
is_bound(SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION ||
	       SSL_get_extms_support(ssl) == 1;
}

/* RFC 5929, 3.1: the client's Finished of a full handshake, the server's of a
 * resumed one. It is not defined for TLS 1.3, where the same messages are just
 * as unique, and where some clients use them all the same. */
static size_t
unique(SSL *ssl, uint8_t *out, size_t size)
{
	size_t len;

	if (!is_bound(ssl) || !SSL_is_server(ssl))
		return 0;
	len = SSL_session_reused(ssl) ? SSL_get_finished(ssl, out, size)
				      : SSL_get_peer_finished(ssl, out, size);
	return len <= size ? len : 0;
}

/* Of a certificate, computed once. */
struct end_point {
	unsigned len;
	uint8_t hash[EVP_MAX_MD_SIZE];
};

static int end_point_index;
static pthread_once_t end_point_once = PTHREAD_ONCE_INIT;

static void
free_end_point(void *x509, void *data, CRYPTO_EX_DATA *all, int index,
	       long argl, void *argp)
{
	(void)x509;
	(void)all;
	(void)index;
	(void)argl;
	(void)argp;
	free(data);
}

static void
make_index(void)
{
	end_point_index =
		X509_get_ex_new_index(0, NULL, NULL, NULL, free_end_point);
}

/* RFC 5929, 4.1: the certificate's own hash, SHA-256 in place of the broken
 * ones; undefined where the signature names no hash (EdDSA). */
bool
tls_info_prepare(X509 *x)
{
	struct end_point *p;
	int md, key;

	pthread_once(&end_point_once, make_index);
	if (!X509_get_signature_info(x, &md, &key, NULL, NULL) ||
	    md == NID_undef)
		return true;
	if (md == NID_md5 || md == NID_sha1)
		md = NID_sha256;
	p = mem_zalloc(sizeof(*p));
	if (X509_digest(x, EVP_get_digestbynid(md), p->hash, &p->len) &&
	    X509_set_ex_data(x, end_point_index, p))
		return true;
	free(p);
	return false;
}

/* With SNI it is the certificate of this connection. */
static size_t
end_point(SSL *ssl, uint8_t out[EVP_MAX_MD_SIZE])
{
	X509 *x = SSL_is_server(ssl) ? SSL_get_certificate(ssl) : NULL;
	const struct end_point *p;

	p = x ? X509_get_ex_data(x, end_point_index) : NULL;
	if (!p)
		return 0;
	memcpy(out, p->hash, p->len);
	return p->len;
}

static void
bindings(SSL *ssl, struct tls_info *out)
{
	_Static_assert(TLS_BINDING_MAX >= EVP_MAX_MD_SIZE, "digests fit");

	out->has_exporter = is_bound(ssl);
	out->end_point_len = end_point(ssl, out->end_point);
	out->unique_len = unique(ssl, out->unique, sizeof(out->unique));
}

bool
tls_info_export(SSL *ssl, uint8_t out[TLS_EXPORTER_LEN])
{
	return is_bound(ssl) && SSL_export_keying_material(
					ssl, out, TLS_EXPORTER_LEN,
					EXPORTER_LABEL, strlen(EXPORTER_LABEL),
					(const unsigned char *)"", 0, 1) == 1;
}

/* RFC 6120, 13.7.1.4. A name with a NUL inside is an attack; one that does not
 * fit any more is left out. */
static void
xmpp_addrs(X509 *x, char *out, size_t size)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *s;
		size_t len;

		if (name->type != GEN_OTHERNAME ||
		    OBJ_obj2nid(name->d.otherName->type_id) != NID_XmppAddr ||
		    name->d.otherName->value->type != V_ASN1_UTF8STRING)
			continue;
		s = name->d.otherName->value->value.utf8string;
		len = (size_t)ASN1_STRING_length(s);
		if (!len || memchr(ASN1_STRING_get0_data(s), '\0', len) ||
		    used + len + 2 > size)
			continue;
		memcpy(out + used, ASN1_STRING_get0_data(s), len);
		used += len + 1;
	}
	GENERAL_NAMES_free(names);
}

static void
peer_cert(SSL *ssl, struct tls_info *out)
{
	X509 *x = SSL_get1_peer_certificate(ssl);

	if (!x)
		return;
	out->peer = x;
	out->has_peer_cert = true;
	out->peer_cert_verified =
		!tls_peer_error(ssl, out->peer_error, sizeof(out->peer_error));
	out->peer_not_after = tls_seconds(X509_get0_notAfter(x));
	tls_peer_name(X509_get_subject_name(x), out->peer_subject,
		      sizeof(out->peer_subject));
	tls_peer_name(X509_get_issuer_name(x), out->issuer,
		      sizeof(out->issuer));
	xmpp_addrs(x, out->xmpp_addrs, sizeof(out->xmpp_addrs));
}

void
tls_info_read(SSL *ssl, struct tls_info *out)
{
	memset(out, 0, sizeof(*out));
	copy(out->version, sizeof(out->version),
	     SSL_version(ssl) >= TLS1_3_VERSION ? "1.3" : "1.2");
	copy(out->cipher, sizeof(out->cipher), SSL_get_cipher_name(ssl));
	copy(out->sni, sizeof(out->sni),
	     SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	bindings(ssl, out);
	peer_cert(ssl, out);
	ERR_clear_error();
}

void
tls_info_copy(struct tls_info *out, const struct tls_info *in)
{
	*out = *in;
	if (out->peer)
		X509_up_ref(out->peer);
}

void
tls_info_fini(struct tls_info *info)
{
	if (!info)
		return;
	X509_free(info->peer);
	info->peer = NULL;
}
