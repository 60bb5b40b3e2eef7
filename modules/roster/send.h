/* send.h - presences to one address, at the least cost. */
#ifndef ROSTER_SEND_H
#define ROSTER_SEND_H

struct chunk;
struct jid;
struct server;
struct session;
struct stanza;

/* As route() of the presence with this `to`; but for local users without an
 * available resource nothing is done at all, and for the others nothing is
 * copied. tail: from stanza_tail, or NULL where it is for one only. sender: its
 * session, where the recipient may want to answer; or NULL. */
void send_presence(struct server *srv, struct stanza *presence, struct jid *to,
		   struct chunk *tail, struct session *sender);

#endif
