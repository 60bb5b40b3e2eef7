/* scram_client.h - the client's side of SCRAM, with nothing but OpenSSL. */
#ifndef SCRAM_CLIENT_H
#define SCRAM_CLIENT_H

#include "xmpp/scram.h"

struct buf;

/* The value of an attribute in a message, to be freed; aborts where it is not
 * there. */
char *scram_attr(const char *msg, char name);

/* Appends the final message for what the client sent first and the challenge
 * that came, and what the server must answer it with. cb: the data of the
 * channel binding, NULL where there is none. */
void scram_answer(enum scram_hash hash, const char *password, const char *first,
		  const char *challenge, const void *cb, size_t cb_len,
		  struct buf *final_out, struct buf *success_out);

#endif
