/*
 * iq.h - requests that the server answers, by type, target, namespace and
 * element (RFC 6120 section 8.2.3; RFC 6121 section 8.5).
 */
#ifndef CORE_IQ_H
#define CORE_IQ_H

#include "core/hook.h"

struct event;
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

#endif
