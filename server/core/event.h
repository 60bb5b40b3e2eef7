/*
 * event.h - something on its way: a stanza, or an occurrence.
 *
 * All on the core thread. While a handler has said WAIT the event is kept
 * alive, with its session and account, and later events of the same sender to
 * the same recipient, at whatever resource, queue behind it. Exactly one of
 * event_resume, event_fail and the event_reply family then follows.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "base/list.h"
#include "core/hook.h"
#include "xmpp/cond.h"

#include <stdbool.h>

struct account;
struct arena;
struct chunk;
struct host;
struct jid;
struct log;
struct server;
struct session;
struct stanza;
struct store_result;
struct wire;
struct xml;

struct event {
	struct server *server;
	struct host *host;	 /* whose hooks run */
	struct stanza *stanza;	 /* ref; NULL for an occurrence */
	struct jid *from, *to;	 /* ref; may be NULL */
	struct session *session; /* ref; see hook.h */
	struct account *account; /* ref; see hook.h */
	struct xml *xml;	 /* for *_FEATURES and DISCO hooks; borrowed */
	struct arena *arena;	 /* of xml; borrowed. For steps: event_arena */
	const struct log *log;
	/* How the sender is answered, where it is not by its session or by the
	 * router; takes the reference. Usually NULL. */
	void (*answer)(struct event *ev, struct stanza *reply);
	void *answer_data;
	/* Of a presence to many: stanza_tail of the stanza, which has no `to`
	 * itself (ev->to has). ref; usually NULL. */
	struct chunk *tail;
	const char *peer_address; /* borrowed; HOOK_IQ_UNAUTHENTICATED only,
				   * not after waiting */

	/* What it came by, if by a stream: told when the event ends. */
	struct wire *wire; /* borrowed */
	unsigned weight;

	/* private to event.c */
	enum hook_id hook;
	unsigned next; /* handler */
	void (*then)(struct event *ev, enum verdict v);
	struct lane *lane;
	struct list node; /* in a lane's queue */
	void (*start)(struct event *ev);
	struct arena *own_arena;
	bool is_waiting;
};

/* After WAIT. PASS: the next handler goes on; DONE: it was handled. */
void event_resume(struct event *ev, enum verdict v);
/* Answers the sender with this error where an answer is allowed; the event is
 * over. Returns DONE, so that a handler can end with `return event_fail(…)`;
 * after WAIT the value is ignored. */
enum verdict event_fail(struct event *ev, enum stanza_cond cond);
enum verdict
event_fail_text(struct event *ev, enum stanza_cond cond, const char *text);

/* The same for what could not be stored or read; it is in the log already:
 * resource-constraint where there is no space, else internal-server-error. */
enum verdict event_fail_store(struct event *ev, const struct store_result *res);

/* The answer to an iq: build it with event_result (a result stanza with
 * addresses and id set, owned by the caller), then event_reply, which takes
 * it over and ends the event; returns DONE. */
struct stanza *event_result(struct event *ev);
enum verdict event_reply(struct event *ev, struct stanza *reply);
/* An empty result. */
enum verdict event_reply_empty(struct event *ev);

/* For a handler to end with: the rest of the way is that hook's handlers
 * instead of the remaining ones of this hook. */
enum verdict event_divert(struct event *ev, enum hook_id hook);

/* After WAIT: a further step, which may do and return what a handler may. */
void event_step(struct event *ev, hook_fn *fn, void *data);

/* Memory that lives as long as the event: for the steps of a longer flow. */
struct arena *event_arena(struct event *ev);

/* For the core's own ways (router, c2s). libevent has an event_new. */
struct event *
event_make(struct server *server, struct host *host, struct stanza *stanza);
/* Runs the hooks of ev->host, then calls `then` with PASS (nobody took it) or
 * DONE; `then` runs the next hook or ends with event_end. */
void event_run(struct event *ev, enum hook_id hook,
	       void (*then)(struct event *ev, enum verdict v));
void event_end(struct event *ev);
/* The way itself waits (outside of a hook); it goes on by calling event_run or
 * event_end after event_go_on. */
void event_hold(struct event *ev);
static inline void
event_go_on(struct event *ev)
{
	ev->is_waiting = false;
}
/* Calls start at once, or when the events before it in its lane (same sender,
 * same recipient) are over. */
void event_enter(struct event *ev, void (*start)(struct event *ev));
/* An occurrence: runs the hook and ends. session, account may be NULL. */
void event_occur(struct host *host, enum hook_id hook, struct session *s,
		 struct account *a, struct jid *to);
/* Asks the handlers of a hook that may not wait: DONE, or PASS. The event that
 * they see has nothing but the account and the address. */
enum verdict event_ask(struct host *host, enum hook_id hook, struct account *a,
		       struct jid *to);
/* The hooks that extend an element. request: what it is the answer to; its
 * sender (from, session) is the handlers' too. NULL: nobody has asked. DONE
 * where a handler said so, or PASS. */
enum verdict
event_extend(struct host *host, enum hook_id hook, const struct event *request,
	     struct account *a, struct arena *arena, struct xml *x);

#endif
