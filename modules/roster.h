/*
 * roster.h - what other modules may ask of rosters and subscriptions.
 *
 * A module that includes this has "roster" in its .needs.
 */
#ifndef MODULES_ROSTER_H
#define MODULES_ROSTER_H

#include "core/hook.h"
#include "storage/roster.h"

#include <stdbool.h>

struct account;
struct event;
struct jid;

/*
 * The roster of an account is read at first need and kept as long as the
 * account object is. It is there for every account with an available resource.
 */

/* For a handler to end with: goes on in fn, now or later, when the roster of
 * ev->account is there. Where it cannot be read, the event fails. */
enum verdict roster_then(struct event *ev, hook_fn *fn, void *data);
/* The same, but waits only for changes that are under way, so that what was
 * sent after a subscription stanza does not arrive before it. */
enum verdict roster_then_settled(struct event *ev, hook_fn *fn, void *data);

/* ROSTER_…; 0 where it is not a contact, or the roster has not been read. */
unsigned roster_contact_flags(struct account *a, const struct jid *contact);
/* Whether this address, full or bare, is entitled to the account's presence: a
 * contact that gets it, or the account itself. */
bool roster_may_see(struct account *a, struct jid *who);
/* Contacts and waiting requests, nothing where it has not been read. fn must
 * not keep the JID without a reference. */
void roster_each(struct account *a,
		 void (*fn)(void *data, struct jid *contact, unsigned flags),
		 void *data);

/* HOOK_PRESENCE_TO_CONTACT has nothing against a presence to this address. */
bool roster_may_send(struct account *a, struct jid *to);
/* The presence of each available resource, or that it is not available, goes
 * to this address. Whether it may know is the caller's question. */
void roster_show_presence(struct account *a, struct jid *to);
void roster_hide_presence(struct account *a, struct jid *to);

#endif
