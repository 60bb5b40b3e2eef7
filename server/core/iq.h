/*
 * iq.h - requests that the server answers, by type, target, namespace and
 * element (RFC 6120 section 8.2.3; RFC 6121 section 8.5).
 */
#ifndef CORE_IQ_H
#define CORE_IQ_H

#include "core/hook.h"

#include <stdbool.h>

struct event;
struct host;
struct stanza;

enum {
	IQ_GET = 1,
	IQ_SET = 2,
	IQ_ANY = IQ_GET | IQ_SET,
};

/* Whom it was sent to. */
enum {
	TO_HOST = 1,	/* a local domain */
	TO_SELF = 2,	/* the sender's own bare JID, or no `to` */
	TO_ACCOUNT = 4, /* another local account's bare JID: ev->account; the
			 * handler must check what the sender may see */
	TO_NOBODY = 8,	/* a bare JID of ours that no account has; for who must
			 * not give away that there is none. Unhandled:
			 * service-unavailable, RFC 6121 8.5.1 */
	TO_NOBODYS_RESOURCE = 16, /* the same for a full JID */
};

struct iq_handler {
	unsigned types;	  /* IQ_GET, IQ_SET or both */
	unsigned targets; /* TO_… */
	const char *ns, *name;
	/* The payload is stanza_payload(ev->stanza). Ends the event by
	 * event_reply… or event_fail (and returns DONE), or says WAIT. PASS:
	 * not mine after all. */
	hook_fn *fn;
};

/* For the core. handlers end with { 0 } and are borrowed, as is data. */
void
iq_register(struct host *host, const struct iq_handler *handlers, void *data);
void iq_unregister_all(struct host *host);
/* Answers a get or set for one target by ev->host's table; service-unavailable
 * where nobody does. Never PASS. */
enum verdict iq_dispatch(struct event *ev, unsigned target);
/* Does somebody answer gets of this target? */
bool iq_is_answered(const struct host *host, unsigned target, const char *ns,
		    const char *name);

#endif
