/*
 * session.h - accounts that are in use, and their bound resources.
 *
 * An account object exists while somebody is logged in or somebody refers to
 * it; what is known about a user for longer is in the store.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct c2s;
struct chunk;
struct host;
struct jid;
struct server;
struct stanza;

struct account {
	struct map_node node; /* in server->accounts, by bare JID */
	struct jid *jid;      /* ref; bare */
	struct host *host;    /* borrowed */
	struct list sessions; /* struct session.node */
	unsigned refs;
	unsigned n_sessions, n_available;
	bool is_known; /* it exists in the store */
	bool is_gone;  /* deleted while in use */
		       /* the modules' data follows */
};

struct session {
	struct list node;	 /* in account->sessions */
	struct account *account; /* ref */
	struct host *host;	 /* borrowed */
	struct jid *jid;	 /* ref; full */
	struct c2s *stream;	 /* borrowed; NULL: the stream is gone */
	struct stanza *presence; /* ref; the last available one, or NULL: not
				  * available (RFC 6121 section 4) */
	int64_t presence_at_ms;	 /* wall time of it */
	uint64_t id;		 /* grows: an older session has a lower one */
	unsigned refs;
	int8_t priority; /* of presence */
	bool is_open;	 /* false: over; nothing can be sent */
	struct log log;
	/* the modules' data follows */
};

/* The account object of a bare (or full) JID if it is in use, or NULL. */
struct account *account_find(struct server *srv, const struct jid *jid);
/* The same, made where it is not there; the caller holds a reference. It may
 * not exist in the store: is_known, and account_check. */
struct account *account_take(struct host *host, struct jid *jid);
struct account *account_ref(struct account *a);
void account_unref(struct account **a);
/* Calls done with is_known brought up to date; at once where it is true. The
 * account is kept alive until then. ok false: the store failed. */
void
account_check(struct account *a,
	      void (*done)(void *data, struct account *a, bool ok), void *data);
/* The session bound to this full JID, or NULL. */
struct session *
account_session(const struct account *a, const struct jid *full);

/* list_each(n, &a->sessions) { struct session *s = session_of(n); … } */
#define session_of(n) container_of(n, struct session, node)

/* Binds: the account gains a session. The caller (c2s) holds a reference. */
struct session *
session_new(struct account *a, struct jid *full, struct c2s *stream);
/* For the presence module: the last available presence (a copy is kept), or
 * NULL. */
void
session_set_presence(struct session *s, struct stanza *presence, int priority);
/* The stream is over: takes the session out of its account and runs
 * HOOK_SESSION_CLOSED, in which the presence module tells its contacts. The
 * caller's reference stays. */
void session_end(struct session *s);
struct session *session_ref(struct session *s);
void session_unref(struct session **s);

static inline bool
session_is_open(const struct session *s)
{
	return s->is_open;
}

static inline bool
session_is_available(const struct session *s)
{
	return s->presence != NULL;
}

/* Sends to the client as it is (addresses of the stanza). Does nothing where
 * the session is over. */
void session_send(struct session *s, struct stanza *stanza);
/* The same with another `to` (usually the session's full JID). */
void session_send_to(struct session *s, struct stanza *stanza, struct jid *to);
/* A whole stanza as it was stored. */
void session_send_raw(struct session *s, const char *xml, size_t len);
/* What many sessions are sent at once, in two parts, the second of which is
 * shared; it may be NULL. It may wait for what is for others alone. */
void session_write_bulk(struct session *s, const char *head, size_t len,
			struct chunk *tail);
/* For fan-out: tail from stanza_tail, written once for all. */
void session_send_tail(struct session *s, const struct stanza *stanza,
		       struct jid *to, struct chunk *tail);

#endif
