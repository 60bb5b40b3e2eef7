/*
 * users.h - making, changing and deleting accounts.
 *
 * Hashing happens on a worker; done is called once, later, on the core loop.
 */
#ifndef CORE_USERS_H
#define CORE_USERS_H

#include "storage/store.h"

struct jid;
struct server;

enum user_status {
	USER_OK,
	USER_EXISTS,
	USER_NOT_FOUND,
	USER_BAD_PASSWORD, /* empty, or not allowed by OpaqueString */
	USER_BUSY,	   /* too much to hash at the moment */
	USER_FAILED,	   /* the store failed; it is in the log */
};
const char *user_status_text(enum user_status st);

typedef void user_done(void *data, enum user_status st);

/* jid: bare, of a host of ours. */
void user_create(struct server *srv, struct jid *jid, const char *password,
		 user_done *done, void *data);
void user_set_password(struct server *srv, struct jid *jid,
		       const char *password, user_done *done, void *data);
/* Deletes all that is stored for it, calls done, and then ends its streams
 * (not-authorized). In the meantime nothing is taken from them any more. */
void
user_delete(struct server *srv, struct jid *jid, user_done *done, void *data);
void user_set_disabled(struct server *srv, struct jid *jid, bool disabled,
		       user_done *done, void *data);
/* Ends the streams of an account, or of one session where it is a full JID
 * (not-authorized); text may be NULL. False: there was none. */
bool user_kick(struct server *srv, const struct jid *jid, const char *text);

#endif
