/*
 * dialback.h - server dialback (XEP-0220): keys (XEP-0185) and elements.
 *
 * Pure: whom to ask, and whether an answer was asked for, is for the streams.
 */
#ifndef XMPP_DIALBACK_H
#define XMPP_DIALBACK_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct buf;
struct jid;
struct xml;

#define DIALBACK_KEY_SIZE 65	/* of ours, with a NUL */
#define DIALBACK_KEY_MAX  1024u /* of others, in bytes */

/* The key that proves to `receiving` that a stream, which it gave that id, is
 * `originating`'s; both are prepared. secret: random bytes, in the place of
 * XEP-0185's SHA256(Secret); the same on all servers of `originating`. */
void dialback_key(const uint8_t secret[32], const char *receiving,
		  const char *originating, const char *stream_id,
		  char out[DIALBACK_KEY_SIZE]);
/* Takes the same time for every key of that length. */
bool dialback_key_is(const uint8_t secret[32], const char *receiving,
		     const char *originating, const char *stream_id,
		     const char *key);

enum dialback_type {
	DIALBACK_REQUEST,
	DIALBACK_VALID,
	DIALBACK_INVALID,
	DIALBACK_ERROR,
};

struct dialback {
	bool is_verify; /* <db:verify/>; else <db:result/> */
	enum dialback_type type;
	/* Domains. As read they live as long as the arena does. */
	struct jid *from, *to;
	const char *id;	 /* the stream's, of verify; else NULL */
	const char *key; /* of a request; else NULL */
	/* Of an error, never COND_NONE: what XMPP does not define (any more)
	 * is undefined-condition. */
	enum stanza_cond error;
};

/* -1: x is no such element, or malformed: an address is missing or no domain,
 * verify has no id, a request has no key, the type is unknown. */
int dialback_read(struct arena *a, const struct xml *x, struct dialback *out);
/* For a stream whose header declares the prefix db. error_text: for people,
 * in an error; may be NULL. */
void
dialback_write(struct buf *b, const struct dialback *d, const char *error_text);

#endif
