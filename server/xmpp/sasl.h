/*
 * sasl.h - log-in by SASL (RFC 4422; RFC 6120 section 6), the server's side.
 *
 * SCRAM with and without channel binding, PLAIN and EXTERNAL as one state
 * machine, without XML, storage or threads: it says what it needs, the owner
 * of the stream gets it and carries on with the function named there. A
 * struct sasl lives for one attempt and belongs to one thread.
 *
 * What an unknown user gets to see, and when, is what a wrong password gives:
 * the caller asks the storage for every user and hands over what comes.
 */
#ifndef XMPP_SASL_H
#define XMPP_SASL_H

#include "xmpp/scram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sasl;

/* RFC 6120 section 6.5 */
enum sasl_cond {
	SASL_NONE,
	SASL_ABORTED,
	SASL_ACCOUNT_DISABLED,
	SASL_CREDENTIALS_EXPIRED,
	SASL_ENCRYPTION_REQUIRED,
	SASL_INCORRECT_ENCODING,
	SASL_INVALID_AUTHZID,
	SASL_INVALID_MECHANISM,
	SASL_MALFORMED_REQUEST,
	SASL_MECHANISM_TOO_WEAK,
	SASL_NOT_AUTHORIZED,
	SASL_TEMPORARY_AUTH_FAILURE,
	SASL_CONDS
};

/* "not-authorized"; NULL for SASL_NONE. */
const char *sasl_cond_name(enum sasl_cond cond);

/* Channel bindings, the preferred first (RFC 9266, 5929). */
enum sasl_binding_type {
	SASL_TLS_EXPORTER,
	SASL_TLS_SERVER_END_POINT,
	SASL_TLS_UNIQUE, /* defined for TLS 1.2; see is_unoffered */
	SASL_BINDINGS
};

struct sasl_binding {
	const uint8_t *data;
	size_t len; /* 0: not to be had on this connection */
	/* Taken from a client that asks for it, but in no list. */
	bool is_unoffered;
};

/* What the stream is like. Borrowed with all it points to, and unchanged, from
 * sasl_offer to the last sasl_free. */
struct sasl_env {
	const char *host; /* prepared domain */
	bool has_tls;
	bool allows_plain; /* by configuration; never used without TLS */
	unsigned hashes; /* 1 << enum scram_hash: what accounts have keys for */
	struct sasl_binding bindings[SASL_BINDINGS];
	/* The JIDs of a client certificate that was verified: NUL-separated,
	 * ended by an empty one; NULL: no such certificate. */
	const char *identities;
	/* For the keys of unknown users; see scram_fake_keys. */
	const uint8_t *secret;
	size_t secret_len;
	const struct scram_mix *mix; /* of the host's accounts */
};

#define SASL_MECHS 8

/* What the stream's features say, and XEP-0474 vouches for. The names are
 * static; each list is in order of preference and ends with NULL. */
struct sasl_offer {
	const char *mechs[SASL_MECHS + 1];
	/* XEP-0440; empty: no <sasl-channel-binding/>. */
	const char *bindings[SASL_BINDINGS + 1];
};

void sasl_offer(const struct sasl_env *env, struct sasl_offer *out);
/* Appends XEP-0474's attribute h for this offer, in base64. */
void sasl_offer_digest(const struct sasl_offer *offer, enum scram_hash hash,
		       struct buf *out);

enum sasl_step {
	/* Send <challenge/> with sasl_reply_text, feed the response to
	 * sasl_step. */
	SASL_CONTINUE,
	/* Get sasl_username's keys for sasl_hash, then sasl_keys. */
	SASL_NEED_KEYS,
	/* Get sasl_username's keys for any hash, or if there are none those of
	 * sasl_fake_keys for that same hash; on a worker check sasl_password
	 * with scram_verify_password; then sasl_checked. */
	SASL_NEED_CHECK,
	/* Find out whether sasl_username has an account, then sasl_account. */
	SASL_NEED_ACCOUNT,
	/* sasl_username is logged in; send <success/> with sasl_reply_text. The
	 * caller may still refuse, with SASL_ACCOUNT_DISABLED and the like. */
	SASL_SUCCESS,
	/* Send <failure/> with sasl_cond. */
	SASL_FAILURE,
};

/* One attempt with a mechanism as the client named it. NULL with the condition
 * where it is not in the offer, which is copied. */
struct sasl *
sasl_new(const struct sasl_env *env, const struct sasl_offer *offer,
	 const char *mech, enum sasl_cond *cond_out);
/* Wipes what was secret. NULL is fine. */
void sasl_free(struct sasl *s);

/* What the client sent, decoded. data NULL: <auth/> without initial response.
 * First, and after each SASL_CONTINUE. */
enum sasl_step sasl_step(struct sasl *s, const char *data, size_t len);
/* The same from the text of <auth/> or <response/> (RFC 6120 6.4.2): base64,
 * "=" for no bytes, and for the first one "" for no response. */
enum sasl_step sasl_step_text(struct sasl *s, const char *text, size_t len);

/* After SASL_NEED_KEYS. NULL, or without iterations: no such user, or none
 * with this hash. */
enum sasl_step sasl_keys(struct sasl *s, const struct scram_keys *keys);
/* After SASL_NEED_CHECK. */
enum sasl_step sasl_checked(struct sasl *s, bool is_right);
/* After SASL_NEED_ACCOUNT. */
enum sasl_step sasl_account(struct sasl *s, bool is_there);

/* The offered name, static. */
const char *sasl_mech(const struct sasl *s);
/* Prepared local part; from the first SASL_NEED_... on, NULL before. */
const char *sasl_username(const struct sasl *s);
/* For SCRAM. */
enum scram_hash sasl_hash(const struct sasl *s);
/* For PLAIN: prepared. A worker needs its own copy, to be wiped after use. */
const char *sasl_password(const struct sasl *s, size_t *len_out);
void sasl_fake_keys(const struct sasl *s, enum scram_hash hash,
		    struct scram_keys *out);

/* Appends the data for the challenge or success in base64, where there is any.
 */
void sasl_reply_text(const struct sasl *s, struct buf *out);

/* After SASL_FAILURE. The text is for the log: static, never NULL. */
enum sasl_cond sasl_cond(const struct sasl *s);
const char *sasl_text(const struct sasl *s);

#endif
