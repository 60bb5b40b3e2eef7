/*
 * sm.h - stream management (XEP-0198): what was handled, what was sent and is
 * not acknowledged yet. For streams of servers and of clients.
 *
 * A struct sm is one session of it; it outlives connections where they can be
 * resumed. No I/O, no clock; it belongs to one thread. What is kept costs a
 * list node and a reference for each stanza.
 *
 * The owner makes it when it sends <enable/> or <enabled/>, from where sent
 * stanzas count, and tells of received ones from behind the peer's <enabled/>
 * or <enable/> on. Only messages, presences and iqs count.
 */
#ifndef XMPP_SM_H
#define XMPP_SM_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct sm;
struct stanza;
struct xml;

struct sm *sm_new(void);
/* Drops what is still kept. */
void sm_free(struct sm *sm);

/* One more stanza of the peer's was handled. */
void sm_received(struct sm *sm);
/* The h to send; behind 2^32 - 1 comes 0. */
uint32_t sm_handled(const struct sm *sm);

/* The peer counts from here on, in both directions. What was sent before is
 * acknowledged by whatever it acknowledges first. */
void sm_restart(struct sm *sm);

/* Takes a reference and keeps it until it is acknowledged. bytes: for the
 * questions below. */
void sm_sent(struct sm *sm, struct stanza *s, size_t bytes);
uint32_t sm_sent_count(const struct sm *sm); /* as the peer's h counts */

/* The peer has handled h stanzas; those are dropped. -1, and nothing changed:
 * h is more than was sent, or less than it was before. */
int sm_acked(struct sm *sm, uint32_t h);
/* For the stream error undefined-condition that follows (section 6). */
struct xml *sm_too_high(struct arena *a, const struct sm *sm, uint32_t h);

size_t sm_n_unacked(const struct sm *sm);
size_t sm_unacked_bytes(const struct sm *sm);

/* Is <r/> due? That is every 16 stanzas or 64 KB since the last one. */
bool sm_wants_ack(const struct sm *sm);
void sm_asked(struct sm *sm);

/* After <resumed/>, and sm_acked with its h: what is left goes over the new
 * connection, in the order in which it was sent, and nothing of it has been
 * asked for there. fn must not use sm. */
void
sm_resume(struct sm *sm, void (*fn)(void *data, struct stanza *s), void *data);
/* The same without the asking. */
void sm_each(const struct sm *sm, void (*fn)(void *data, struct stanza *s),
	     void *data);
/* When the session has ended: the oldest one that is not acknowledged, the
 * caller's reference; NULL: there is none. To be sent again or bounced. */
struct stanza *sm_pop(struct sm *sm);

/* ---- elements ---- */

enum sm_kind {
	SM_ENABLE,
	SM_ENABLED,
	SM_RESUME,
	SM_RESUMED,
	SM_FAILED,
	SM_REQUEST, /* <r/> */
	SM_ACK,	    /* <a/> */
};

struct sm_element {
	enum sm_kind kind;
	uint32_t h; /* of RESUME, RESUMED and ACK; where has_h, of FAILED */
	bool has_h;
	bool resume;	/* ENABLE: it is asked for; ENABLED: it is granted */
	uint32_t max_s; /* ENABLE, ENABLED: seconds; 0: not said */
	/* ENABLED: NULL where it cannot be resumed; RESUME, RESUMED: previd */
	const char *id;
	const char *location;  /* ENABLED; NULL: none */
	enum stanza_cond cond; /* FAILED; COND_NONE: not said */
};

/* Strings live as long as x does. -1: it is none of these, or malformed. */
int sm_read(const struct xml *x, struct sm_element *out);
/* What does not belong to its kind is left out. */
void sm_write(struct buf *b, const struct sm_element *e);

#endif
