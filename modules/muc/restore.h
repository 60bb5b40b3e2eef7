/* restore.h - a room as it is in the database. */
#ifndef MUC_RESTORE_H
#define MUC_RESTORE_H

#include "xmpp/cond.h"

struct jid;
struct room;
struct server;

/* room: the caller's from now on; NULL without a condition: there is none. */
typedef void restore_done(void *data, struct room *room, enum stanza_cond cond);

/* Calls done once, later: with the options, lists, subject, last messages and
 * those occupants who stay in it over a restart. */
void restore_room(struct server *srv, struct jid *jid, restore_done *done,
		  void *data);

#endif
