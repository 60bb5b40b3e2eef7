/*
 * hook.h - the ways of a stanza, and where modules step in.
 *
 * docs/hooks.md describes each hook for authors of modules.
 */
#ifndef CORE_HOOK_H
#define CORE_HOOK_H

struct event;

/* What a handler says of an event. */
enum verdict {
	PASS, /* the next handler's turn */
	DONE, /* handled: nobody else sees it */
	WAIT, /* suspended: event_resume or event_fail follows exactly once */
};

/* In a hook, handlers run phase by phase; two in one phase must commute. */
enum phase {
	PHASE_CHECK,	/* is it well-formed and allowed by the standard? */
	PHASE_POLICY,	/* may it pass: blocking, limits */
	PHASE_STAMP,	/* things added to it */
	PHASE_COPY,	/* somebody else gets one too: copies, archives */
	PHASE_DELIVER,	/* it reaches whom it is for */
	PHASE_FALLBACK, /* nobody took it */
	N_PHASES
};

enum hook_id {
	/* A stanza from a session of ours, before it is routed: ev->session
	 * and ev->account are the sender's. For presences without `to`, ev->to
	 * is NULL; other stanzas without one have been given the sender's bare
	 * JID (RFC 6120 10.3). */
	HOOK_MESSAGE_FROM_USER,
	HOOK_PRESENCE_FROM_USER,
	HOOK_IQ_FROM_USER,

	/* A stanza for an account of ours, from anywhere: ev->account is the
	 * recipient's; the account exists. ev->session is the sender's, or
	 * NULL. An iq comes here only when it is for a full JID. A presence
	 * that goes to many has its address in ev->to only. */
	HOOK_MESSAGE_TO_USER,
	HOOK_PRESENCE_TO_USER,
	HOOK_IQ_TO_USER,
	/* A request for the bare JID of an account of ours from somebody else,
	 * before the account's table of requests answers it. */
	HOOK_IQ_TO_ACCOUNT,
	/* No resource could take the message (RFC 6121 8.5.2.2). Unless
	 * somebody does, the sender gets service-unavailable. */
	HOOK_MESSAGE_UNREACHABLE,

	/* The server is about to send a presence of ev->account, or one in its
	 * name, to ev->to: a broadcast, the answer to a probe. There is no
	 * stanza. DONE: it is not sent. May not wait. */
	HOOK_PRESENCE_TO_CONTACT,

	/* A message or presence for the host itself. */
	HOOK_MESSAGE_TO_HOST,
	HOOK_PRESENCE_TO_HOST,

	/* Occurrences; there is no stanza. ev->session is the session. */
	HOOK_SESSION_BOUND,	  /* a resource was bound */
	HOOK_SESSION_AVAILABLE,	  /* after its first available presence has been
				   * handled, and each after an unavailable one */
	HOOK_SESSION_REACHABLE,	  /* what is for the account may go to it now:
				   * its priority is not negative any more */
	HOOK_SESSION_UNAVAILABLE, /* it was available and is not any more */
	HOOK_SESSION_CLOSED,	  /* it is over; sends nothing, may not wait */

	/* ev->xml is a stream's <features/> after authentication, with
	 * ev->account: add to it. May not wait. */
	HOOK_STREAM_FEATURES,
	/* The same before authentication, over TLS. */
	HOOK_STREAM_FEATURES_UNAUTHENTICATED,
	/* A request from a client that has not authenticated (XEP-0077), over
	 * TLS: no session, no account, ev->from is what it claims;
	 * ev->peer_address is set. Not handled, it ends the stream. */
	HOOK_IQ_UNAUTHENTICATED,
	/* ev->xml is the disco#info <query/> of the host (no ev->account), or
	 * of an account, without node: add what is not static. What a host
	 * says changes only when its configuration does. ev->from and
	 * ev->session are who has asked, or NULL. May not wait. */
	HOOK_DISCO_INFO,
	/* The same for disco#items. */
	HOOK_DISCO_ITEMS,
	/* The same with a node, which is an attribute of ev->xml. DONE: this
	 * node is mine, and this is what it has. */
	HOOK_DISCO_NODE_INFO,
	HOOK_DISCO_NODE_ITEMS,

	/* ev->account is about to be deleted; ev->to is its address. Nobody can
	 * prevent it: DONE and a failure only end the hook. */
	HOOK_ACCOUNT_DELETING,
	/* An account was created, or is gone: ev->to. May not wait. */
	HOOK_ACCOUNT_CREATED,
	HOOK_ACCOUNT_DELETED,

	/* There is no way to another domain, ev->to, to which something was
	 * sent; what is for it waits for a while and is bounced then, or at
	 * once where it was not reached before. And: there is one now. May not
	 * wait. */
	HOOK_REMOTE_UNREACHABLE,
	HOOK_REMOTE_REACHABLE,
	/* A session with another domain, ev->to, has ended without having been
	 * resumed, or they shut down: what was on its way from or to there may
	 * be lost, and they may have forgotten all. Whether there is a way is
	 * another matter. May not wait. */
	HOOK_REMOTE_BROKEN,

	/* The server is about to stop: clients are still there, and will be
	 * told. May not wait. */
	HOOK_SERVER_STOPPING,
	N_HOOKS
};

typedef enum verdict hook_fn(struct event *ev, void *data);

struct hook {
	enum hook_id id;
	enum phase phase;
	hook_fn *fn; /* data: the module's data of that host */
};

#endif
