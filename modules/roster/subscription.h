/*
 * subscription.h - what a subscription stanza does (RFC 6121 appendix A).
 *
 * States are the bits of ROSTER_* (storage/roster.h); the nine states of the
 * RFC are TO or ASK or neither, with FROM or PENDING_IN or neither. To these
 * come pre-approval (3.4) and whether the owner sees the contact. Nothing is
 * read or sent here.
 */
#ifndef ROSTER_SUBSCRIPTION_H
#define ROSTER_SUBSCRIPTION_H

#include "xmpp/stanza.h"

enum {
	/* The stanza goes on: from the owner to the contact, or to the owner's
	 * resources. */
	SUB_FORWARD = 1,
	/* The owner's clients learn of the change. */
	SUB_PUSH = 2,
	/* The contact gets `subscribed` in the owner's name. */
	SUB_ANSWER = 4,
	/* The contact gets the owner's presence, as it is now. */
	SUB_SHOW = 8,
	/* The contact gets `unavailable` from each available resource. */
	SUB_HIDE = 16,
};

struct subscription_step {
	unsigned flags;	  /* the new state; 0: nothing is left to remember */
	unsigned effects; /* SUB_… */
};

static inline bool
subscription_is_type(enum stanza_type type)
{
	return type >= TYPE_SUBSCRIBE && type <= TYPE_UNSUBSCRIBED;
}

/* The owner sends (A.2), the contact sends (A.3). flags is 0 where the contact
 * is not known. */
struct subscription_step
subscription_out(unsigned flags, enum stanza_type type);
struct subscription_step subscription_in(unsigned flags, enum stanza_type type);

#endif
