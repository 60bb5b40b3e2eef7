/*
 * iq_request.h - requests that the server itself sends, and their answers.
 */
#ifndef CORE_IQ_REQUEST_H
#define CORE_IQ_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct server;
struct stanza;

/* reply: a result or an error; NULL where none came in time. Borrowed. */
typedef void iq_request_done(void *data, const struct stanza *reply);

/* Sends a get or set from one of our domains or accounts, with an id of our
 * own; takes the reference to the stanza, which must not be shared yet. An
 * answer counts only from whom it was sent to. The full JID of a session and
 * the addresses of a service may ask, too: neither the client nor the service
 * sees anything of the answer. */
void iq_request(struct server *srv, struct stanza *stanza, int64_t timeout_ms,
		iq_request_done *done, void *data);
/* The same, but the caller sends it by itself: only the id is set. */
void iq_request_expect(struct server *srv, struct stanza *stanza,
		       int64_t timeout_ms, iq_request_done *done, void *data);
/* For the router: a result or an error that came to one of ours. True where it
 * was an answer to a request, and is not for anybody else. */
bool iq_request_answered(struct server *srv, const struct stanza *reply);
/* At the server's end: forgets all, done is called with NULL. */
void iq_request_drop_all(struct server *srv);

#endif
