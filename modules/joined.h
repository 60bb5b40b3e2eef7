/* joined.h - for who shows rooms of other servers to sessions of ours without
 * the way of stanzas (modules/joined). */
#ifndef MODULES_JOINED_H
#define MODULES_JOINED_H

struct jid;
struct session;

/* The session is in the room as this occupant; it was shown that. */
void joined_entered(struct session *s, struct jid *occupant);
/* It is not in it any more, and was shown that. */
void joined_left(struct session *s, struct jid *occupant);

#endif
