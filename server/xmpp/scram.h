/*
 * scram.h - salted challenge response (RFC 5802, 7677), the server's side.
 *
 * Keys are what is stored instead of a password; an exchange is two messages
 * from the client with one answer to each. No I/O, no clock; any thread may
 * call, a struct belongs to one thread at a time.
 */
#ifndef XMPP_SCRAM_H
#define XMPP_SCRAM_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256, SCRAM_SHA512, SCRAM_HASHES };

#define SCRAM_ITERATIONS 10000 /* of new keys, unless configured */
#define SCRAM_SALT_LEN	 16    /* of new keys */
#define SCRAM_SALT_MAX	 32
#define SCRAM_KEY_MAX	 64
/* What a client may put into its first message, in bytes. */
#define SCRAM_NONCE_MAX 256

/* Of one password with one hash. No secret as such, but whoever has them can
 * guess the password, and stored_key with a recorded log-in impersonates the
 * client, server_key the server. */
struct scram_keys {
	int iterations; /* 0: there are no keys */
	uint8_t salt[SCRAM_SALT_MAX];
	size_t salt_len;
	/* The first scram_key_len() bytes are used. */
	uint8_t stored_key[SCRAM_KEY_MAX], server_key[SCRAM_KEY_MAX];
};

size_t scram_key_len(enum scram_hash hash); /* 20, 32, 64 */

/* The hash itself; out has room for scram_key_len() bytes. */
void
scram_digest(enum scram_hash hash, const void *data, size_t len, uint8_t *out);

/* Passwords are prepared with OpaqueString (RFC 8265). The next three take
 * milliseconds per 10,000 iterations: they are for workers. */

/* With a new random salt. */
void scram_keys_new(enum scram_hash hash, const char *password, size_t len,
		    int iterations, struct scram_keys *out);
/* iterations > 0, salt_len <= SCRAM_SALT_MAX. */
void scram_derive(enum scram_hash hash, const char *password, size_t len,
		  const uint8_t *salt, size_t salt_len, int iterations,
		  struct scram_keys *out);
/* Does the same work whatever the answer. */
bool scram_verify_password(enum scram_hash hash, const struct scram_keys *keys,
			   const char *password, size_t len);

/* How many accounts have keys of how many iterations; by iterations. */
#define SCRAM_MIX_MAX 16
struct scram_mix {
	struct {
		int iterations;
		uint32_t accounts;
	} of[SCRAM_MIX_MAX];
	size_t n; /* at least one, with accounts */
};

/*
 * Keys for a user who is not there: always the same for the same user and mix,
 * and no password fits. The iterations are those of one of the accounts: as
 * often each as among these, or by them one could tell who is there. When the
 * mix shifts, some users' change, and with them the salt, as when a password is
 * set. user is the prepared bare JID, lest two hosts show the same salt; secret
 * is the server's own, kept for as long as its accounts.
 */
void scram_fake_keys(const void *secret, size_t secret_len, const char *user,
		     enum scram_hash hash, const struct scram_mix *mix,
		     struct scram_keys *out);

enum scram_error {
	SCRAM_OK,
	SCRAM_MALFORMED,   /* against the syntax of RFC 5802 section 7 */
	SCRAM_EXTENSION,   /* m=: an extension that we would have to know */
	SCRAM_BAD_NONCE,   /* not the one of this exchange */
	SCRAM_BAD_BINDING, /* bound to another channel, or header changed */
	SCRAM_BAD_PROOF,   /* wrong password */
};

/* One exchange; all zero but hash to begin with. */
struct scram {
	enum scram_hash hash;

	/* From the client's first message. */
	char flag;	     /* channel binding: 'n', 'y' or 'p' */
	struct buf binding;  /* "tls-exporter"; empty unless flag is 'p' */
	struct buf authzid;  /* unescaped; empty: none */
	struct buf username; /* unescaped, not prepared */

	/* Private. */
	struct buf gs2, nonce, auth;
	struct scram_keys keys;
};

/* Wipes the keys. */
void scram_fini(struct scram *x);

/* Client-first-message. */
enum scram_error scram_read_first(struct scram *x, const char *msg, size_t len);
/* Appends the server-first-message. nonce: the server's part of it, printable
 * without comma; NULL: random. downgrade: the value of XEP-0474's attribute h,
 * or NULL. keys are copied. */
void
scram_write_first(struct scram *x, const struct scram_keys *keys,
		  const char *nonce, const char *downgrade, struct buf *out);
/* Client-final-message; appends the server-final-message when it is right.
 * cb: the data of the channel binding that the client chose; of length 0
 * unless flag is 'p'. */
enum scram_error
scram_read_final(struct scram *x, const char *msg, size_t len, const void *cb,
		 size_t cb_len, struct buf *out);

#endif
