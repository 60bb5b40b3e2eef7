/* own_room.h - what the two halves of a room at its master share: who asks and
 * follows (own_room.c), and what becomes of it (own_life.c). */
#ifndef SIM_OWN_ROOM_H
#define SIM_OWN_ROOM_H

#include "sim.h"

struct ruling;

/* For what came of a stanza. */
void *ticket_new(struct own_room *r, struct stanza *s, unsigned from,
		 const char *submit);
/* An error, where the ruling is one. */
void own_reply(struct own_room *r, const struct stanza *s, unsigned to,
	       const struct ruling *ruling);
/* struct peers_class.send */
void own_send(void *owner, const struct peer *p, const char *xml, size_t len);
/* struct peers_class.link */
void own_link(void *owner, const struct peer *p, bool is_away);

#endif
