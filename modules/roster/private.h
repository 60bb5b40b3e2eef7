/* private.h - what the files of this module share. */
#ifndef ROSTER_PRIVATE_H
#define ROSTER_PRIVATE_H

#include "core/hook.h"
#include "core/module.h"
#include "modules/roster.h"
#include "modules/roster/contact.h"
#include "xmpp/cond.h"
#include "xmpp/stanza.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct event;
struct jid;
struct session;

struct roster_host {
	int64_t max;	      /* option roster-max */
	int64_t requests_max; /* option roster-requests-max */
};

struct roster_session {
	bool is_interested; /* RFC 6121 2.2: it has asked for the roster */
};

struct roster_wait;

/* Of an account: all zero until something is known. */
struct roster {
	struct contact **contacts; /* owned; in the order of their JIDs' text */
	struct roster_wait *waits, *last_wait;
	int64_t version;
	uint32_t n_contacts;
	bool is_loaded;	 /* false: contacts are none, or may be old */
	bool is_loading; /* a read is under way */
	bool is_writing; /* a write is under way: no other may begin */
};

extern struct module_slot roster_slot;

/* ---- roster.c ---- */

struct roster *roster_of(struct account *a);
struct contact *roster_find(struct account *a, const struct jid *jid);
void roster_fini(struct account *a, void *data);
/* Reads it, if it is not in memory or on its way there. */
void roster_prefetch(struct account *a);
/* What is in memory is not true any more. */
void roster_forget(struct account *a);

/* As roster_then, but also waits until no write is under way. */
enum verdict roster_then_edit(struct event *ev, hook_fn *fn, void *data);
/* The same for an account that is being deleted. */
enum verdict roster_then_farewell(struct event *ev, hook_fn *fn, void *data);
/* Stores a contact in the place of what is known of its JID (flags 0: removes
 * that), takes it, and calls done when it is on disk and in memory; in there
 * the event goes on. bad: what the sender is to be told. Only inside of
 * roster_then_edit. */
typedef void roster_edited(struct event *ev, void *data, enum stanza_cond bad);
void roster_edit(struct event *ev, struct contact *c, roster_edited *done,
		 void *data);

/* ---- requests.c ---- */

enum verdict roster_on_get(struct event *ev, void *data);
enum verdict roster_on_set(struct event *ev, void *data);
enum verdict roster_on_foreign(struct event *ev, void *data);
/* To all interested resources: the contact as it is now, or that it is gone. */
void roster_push(struct account *a, struct jid *contact);

/* ---- subscriptions.c ---- */

enum verdict roster_on_presence_check(struct event *ev, void *data);
enum verdict roster_on_presence_from_user(struct event *ev, void *data);
enum verdict roster_on_presence_to_user(struct event *ev, void *data);
enum verdict roster_on_available(struct event *ev, void *data);
/* What a contact hears who is none any more; flags: what it was. */
void roster_end_subscriptions(struct account *a, struct jid *contact,
			      unsigned flags);
/* A subscription stanza in the account's name. */
void roster_send_subscription(struct account *a, struct jid *to,
			      enum stanza_type type);

#endif
