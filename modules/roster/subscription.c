/* subscription.c - what a subscription stanza does (RFC 6121 appendix A). */

#include "modules/roster/subscription.h"

#include "storage/roster.h"

/* What the owner's clients see of a contact. */
#define VISIBLE \
	(ROSTER_TO | ROSTER_FROM | ROSTER_ASK | ROSTER_APPROVED | ROSTER_LISTED)

static struct subscription_step
step(unsigned old, unsigned flags, unsigned effects)
{
	if (flags & ROSTER_LISTED && (old ^ flags) & VISIBLE)
		effects |= SUB_PUSH;
	return (struct subscription_step){ flags, effects };
}

/* 3.1.5, 3.4.2 */
static struct subscription_step
approve(unsigned flags)
{
	unsigned was = flags;

	if (flags & ROSTER_FROM)
		return step(was, flags, 0);
	flags |= ROSTER_LISTED;
	if (!(flags & ROSTER_PENDING_IN))
		return step(was, flags | ROSTER_APPROVED, 0);
	flags &= ~(unsigned)ROSTER_PENDING_IN;
	return step(was, flags | ROSTER_FROM, SUB_FORWARD | SUB_SHOW);
}

/* 3.2.1: a refusal, or the end of a subscription; 3.4.2: of a pre-approval,
 * which the contact never learns of. */
static struct subscription_step
cancel(unsigned flags)
{
	unsigned was = flags, effects = 0;

	if (flags & (ROSTER_FROM | ROSTER_PENDING_IN))
		effects |= SUB_FORWARD;
	if (flags & ROSTER_FROM)
		effects |= SUB_HIDE;
	flags &= ~(unsigned)(ROSTER_FROM | ROSTER_PENDING_IN | ROSTER_APPROVED);
	return step(was, flags, effects);
}

struct subscription_step
subscription_out(unsigned flags, enum stanza_type type)
{
	unsigned was = flags;

	switch (type) {
	case TYPE_SUBSCRIBE: /* A.2.1 */
		flags |= ROSTER_LISTED;
		if (!(flags & ROSTER_TO))
			flags |= ROSTER_ASK;
		return step(was, flags, SUB_FORWARD);
	case TYPE_UNSUBSCRIBE: /* A.2.2 */
		flags &= ~(unsigned)(ROSTER_TO | ROSTER_ASK);
		return step(was, flags, SUB_FORWARD);
	case TYPE_SUBSCRIBED: /* A.2.3 */
		return approve(flags);
	case TYPE_UNSUBSCRIBED: /* A.2.4 */
		return cancel(flags);
	default:
		return step(was, flags, 0);
	}
}

/* A.3.1. Where the contact may have the presence already, it gets that as well:
 * it asks because it does not know of it any more. */
static struct subscription_step
requested(unsigned flags)
{
	unsigned was = flags;

	if (flags & (ROSTER_FROM | ROSTER_APPROVED))
		return step(was, flags | ROSTER_FROM, SUB_ANSWER | SUB_SHOW);
	if (flags & ROSTER_PENDING_IN)
		return step(was, flags, 0);
	return step(was, flags | ROSTER_PENDING_IN, SUB_FORWARD);
}

/* A.3.2 */
static struct subscription_step
unsubscribed_from(unsigned flags)
{
	unsigned was = flags;

	if (!(flags & (ROSTER_FROM | ROSTER_PENDING_IN)))
		return step(was, flags, 0);
	flags &= ~(unsigned)(ROSTER_FROM | ROSTER_PENDING_IN);
	return step(was, flags,
		    SUB_FORWARD | (was & ROSTER_FROM ? SUB_HIDE : 0u));
}

struct subscription_step
subscription_in(unsigned flags, enum stanza_type type)
{
	unsigned was = flags;

	switch (type) {
	case TYPE_SUBSCRIBE:
		return requested(flags);
	case TYPE_UNSUBSCRIBE:
		return unsubscribed_from(flags);
	case TYPE_SUBSCRIBED: /* A.3.3 */
		if (!(flags & ROSTER_ASK))
			return step(was, flags, 0);
		flags &= ~(unsigned)ROSTER_ASK;
		return step(was, flags | ROSTER_TO, SUB_FORWARD);
	case TYPE_UNSUBSCRIBED: /* A.3.4 */
		if (!(flags & (ROSTER_TO | ROSTER_ASK)))
			return step(was, flags, 0);
		flags &= ~(unsigned)(ROSTER_TO | ROSTER_ASK);
		return step(was, flags, SUB_FORWARD);
	default:
		return step(was, flags, 0);
	}
}
