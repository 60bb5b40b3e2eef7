/*
 * auth.h - one client's way through SASL, with what it needs from elsewhere:
 * keys from the store, hashing on a worker, and a limit on failures.
 */
#ifndef CORE_AUTH_H
#define CORE_AUTH_H

#include "xmpp/sasl.h"

#include <stdbool.h>
#include <stdint.h>

struct auth;
struct host;
struct tls_info;

enum auth_step {
	AUTH_CHALLENGE, /* send sasl_reply_text of auth_sasl */
	AUTH_SUCCESS,	/* likewise; auth_sasl has the user's name */
	AUTH_FAILURE,	/* auth_cond */
};

typedef void auth_stepped(void *data, enum auth_step step);

/* What a stream offers. tls NULL: not there (is_secure may still be true, in
 * tests). host, tls are borrowed for as long as the auth lives. */
struct auth *
auth_new(struct host *host, const struct tls_info *tls, bool is_secure,
	 const char *address, auth_stepped *stepped, void *data);
/* The attempt under way is forgotten; stepped is not called any more. */
void auth_free(struct auth *a);

/* An attempt for this account (bare JID) that is under way will fail: it was
 * deleted, disabled, or has another password. */
void auth_account_changed(struct auth *a, const char *account);

const struct sasl_offer *auth_offer(const struct auth *a);
/* Any thread: is tls-exporter to be there before auth_start with it? */
bool auth_wants_exporter(const char *mech);
/* TLS_EXPORTER_LEN bytes, copied. */
void auth_set_exporter(struct auth *a, const uint8_t *exporter);
/* <auth/>, <response/>: stepped follows, maybe inside the call. */
void auth_start(struct auth *a, const char *mech, const char *text);
void auth_respond(struct auth *a, const char *text);
/* <abort/> */
void auth_abort(struct auth *a);

const struct sasl *auth_sasl(const struct auth *a);
enum sasl_cond auth_cond(const struct auth *a);
/* The bare JID that the attempt is for; NULL: not known. */
const char *auth_account(const struct auth *a);
/* For the log: why it failed. */
const char *auth_text(const struct auth *a);

#endif
