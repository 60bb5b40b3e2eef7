/*
 * tls.h - certificates, TLS settings, and what a handshake brought about.
 *
 * Settings are immutable once built and counted: a reload builds new ones, and
 * connections keep those that they started with.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tls_cert;
struct tls_config;
typedef struct ssl_st SSL;
typedef struct x509_st X509;

/* A certificate with chain and key, from PEM files (key NULL: in the same
 * file). err says what is wrong in words for the administrator: unreadable,
 * key does not fit, ... */
struct tls_cert *
tls_cert_load(const char *chain_path, const char *key_path, struct err *err);
struct tls_cert *tls_cert_ref(struct tls_cert *c);
void tls_cert_unref(struct tls_cert **c);
/* RFC 6125 DNS-ID, wildcards of one label; domain in A-labels. */
bool tls_cert_covers(const struct tls_cert *c, const char *domain);
/* Seconds since 1970. */
int64_t tls_cert_not_after(const struct tls_cert *c);
int64_t tls_cert_not_before(const struct tls_cert *c);

struct tls_settings {
	const char *min_version;  /* "1.2" or "1.3"; NULL: 1.2 */
	const char *ciphers;	  /* OpenSSL list for 1.2; NULL: our choice */
	const char *ciphersuites; /* for 1.3; NULL: OpenSSL's default */
	const char *alpn;	  /* "xmpp-client", NULL: none. A client that
				   * offers ALPN without it is refused */
	bool ask_client_cert;	  /* never required; info tells what came */
	bool clients_are_servers; /* a certificate for servers will do for
				   * them: public CAs issue no others */
	const char *ca_path;	  /* who may vouch for the peer: file or
				   * directory; NULL: the system's */
	/* The same authorities as of this one, not read and kept again;
	 * NULL: ca_path. Borrowed during the call. */
	const struct tls_config *cas_of;
};

/* One set of settings for several names. cert is used for clients without SNI
 * and for unknown names. */
struct tls_config *
tls_config_new(const struct tls_settings *settings,
	       struct tls_cert *default_cert, struct err *err);
/* Before the config is shared: SNI name (A-labels, any case) -> certificate. */
int tls_config_add(struct tls_config *cfg, const char *name,
		   struct tls_cert *cert, struct err *err);
struct tls_config *tls_config_ref(struct tls_config *cfg);
void tls_config_unref(struct tls_config **cfg);

/* The client's side: cert is shown to a server that asks for one; NULL: none.
 * A server's certificate is verified, but a bad one does not end the handshake:
 * info tells what came of it. ask_client_cert and clients_are_servers mean
 * nothing here. */
struct tls_config *
tls_config_new_client(const struct tls_settings *settings,
		      struct tls_cert *cert, struct err *err);

/* For conn.c: a new server-side SSL. */
SSL *tls_config_ssl(struct tls_config *cfg);
/* A new client-side SSL to name (A-labels), which is the SNI but where it is an
 * address. ALPN is for TLS that comes first (XEP-0368), not for STARTTLS. */
SSL *
tls_config_ssl_client(struct tls_config *cfg, const char *name, bool with_alpn);

#define TLS_BINDING_MAX	 64
#define TLS_EXPORTER_LEN 32

struct tls_info {
	char version[8]; /* "1.2", "1.3" */
	char cipher[48];
	char sni[256]; /* "" where the client sent none */
	/* Channel bindings (RFC 9266, RFC 5929); length 0: not available. On
	 * the client's side there is only the exporter. */
	bool has_exporter; /* tls_info_export */
	uint8_t end_point[TLS_BINDING_MAX];
	size_t end_point_len;
	/* The client's Finished; in TLS 1.2 with extended master secret. In
	 * TLS 1.3 the name tls-unique is not defined for it. */
	uint8_t unique[TLS_BINDING_MAX];
	size_t unique_len;
	/* The peer's certificate: verified (chain, dates, purpose; not names:
	 * tls_info_is_for), and the JIDs in its xmppAddr names (NUL-separated,
	 * ended by an empty one). */
	bool has_peer_cert, peer_cert_verified;
	char peer_error[256]; /* why it was not verified, in plain words */
	char xmpp_addrs[1024];
	char peer_subject[256], issuer[256]; /* like "CN=a,O=b", in ASCII */
	int64_t peer_not_after; /* seconds since 1970; 0: no certificate */
	X509 *peer;		/* ref, shared by threads; NULL: none */
};

/* For conn.c, after the handshake. */
void tls_info_read(SSL *ssl, struct tls_info *out);
/* tls-exporter; false where it is not to be had. Not in tls_info: few ask for
 * it, and it takes twenty times as long as all that is read there. */
bool tls_info_export(SSL *ssl, uint8_t out[TLS_EXPORTER_LEN]);
/* Who keeps one copies it, and ends it. Zeroed memory is an info of nothing. */
void tls_info_copy(struct tls_info *out, const struct tls_info *in);
void tls_info_fini(struct tls_info *info);
/*
 * Does the peer's certificate name this domain (in A-labels) for this service
 * ("xmpp-server")? By dNSName and SRVName, with wildcards for one whole label
 * (RFC 9525), or by xmppAddr (RFC 6120, 13.7.1.4), never by the subject. Says
 * nothing about whether the certificate is any good: peer_cert_verified.
 */
bool tls_info_is_for(const struct tls_info *info, const char *domain,
		     const char *service);

/* Loads what ca_path names, to see whether it is any good. */
int tls_check_cas(const char *path, struct err *err);
/* Whether OpenSSL takes a list; for options. */
int tls_check_ciphers(const char *value, struct err *err);
int tls_check_ciphersuites(const char *value, struct err *err);

#endif
