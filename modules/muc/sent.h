/*
 * sent.h - the last messages that a service has sent for somebody: should one
 * come back, or be answered to the room, that one is told.
 */
#ifndef MUC_SENT_H
#define MUC_SENT_H

#include <stdbool.h>

struct jid;

#define SENT_KEPT 256

struct sent {
	struct jid *at;	       /* ref; the room, or the occupant's address */
	struct jid *from, *to; /* refs; real addresses */
	char *id;	       /* owned; NULL: nothing is kept here */
};

/* Zeroed memory is an empty one. */
struct sent_ring {
	struct sent kept[SENT_KEPT];
	unsigned next;
};

/* In place of the oldest. References are taken. */
void sent_note(struct sent_ring *r, struct jid *at, struct jid *from,
	       struct jid *to, const char *id);
/* Takes out the last one that went to `to` from this room (of both the bare
 * addresses count). id: of the message; NULL: any. sent_fini follows. */
bool sent_take(struct sent_ring *r, const struct jid *room,
	       const struct jid *to, const char *id, struct sent *out);
void sent_fini(struct sent *s);
void sent_ring_fini(struct sent_ring *r);

#endif
