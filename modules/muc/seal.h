/*
 * seal.h - what goes by a relay and is not for it: the relay can delay or drop
 * it, but neither read nor make it (docs/dmuc.md, "Relays").
 *
 * The master makes a key for each domain, of its secret, so that it knows it
 * again after a restart. AES-256-GCM with a random nonce; room, domain and what
 * it is about are authenticated.
 */
#ifndef MUC_SEAL_H
#define MUC_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct jid;
struct room;
struct rules_env;

#define SEAL_KEY_LEN  32
#define SEAL_TEXT_LEN (2 * SEAL_KEY_LEN)
/* Characters of what a copy and its master draw each time that it attaches to a
 * relay, so that nothing of before is taken for something of now. */
#define SEAL_NONCE_LEN 16

/* What is sealed by a copy about attaching to a relay. */
#define SEAL_PROOF "proof"

struct seal {
	uint8_t key[SEAL_KEY_LEN];
};

/* The key between the master of the room and a domain. */
void seal_make_key(struct seal *seal, const struct rules_env *env,
		   const struct room *r, const struct jid *domain);
/* As text, in hexadecimal digits, and back; false: it is none. */
void seal_write_key(const struct seal *seal, char out[SEAL_TEXT_LEN + 1]);
bool seal_read_key(struct seal *seal, const char *text);

/* Appends the text, sealed, in base64. about, number: see seal_open. */
void
seal_close(struct buf *out, const struct seal *seal, const struct jid *room,
	   const struct jid *domain, const char *about, uint64_t number,
	   const char *text, size_t len);
/* Appends what was sealed, with that number. False: it was not sealed with this
 * key, for this. */
bool seal_open(struct buf *out, uint64_t *number_out, const struct seal *seal,
	       const struct jid *room, const struct jid *domain,
	       const char *about, const char *sealed);

#endif
