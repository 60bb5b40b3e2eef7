/*
 * presence.h - what other modules may do about presence.
 *
 * A module that includes this has "presence" in its .needs.
 */
#ifndef MODULES_PRESENCE_H
#define MODULES_PRESENCE_H

#include <stdbool.h>

struct account;
struct jid;
struct session;

/* Whom a resource has sent its presence by itself (RFC 6121 4.6) and is_one is
 * true of, hears now that the resource is unavailable, and no more. Contacts
 * that get the user's presence anyway are just forgotten. */
void
presence_end_directed(struct account *a,
		      bool (*is_one)(const void *data, const struct jid *jid),
		      const void *data);

/* This address hears of the session's end, and no other of the same bare one:
 * the room is known to see the session under this nick. */
void presence_move_directed(struct session *s, struct jid *jid);

/* Has the session sent an available presence there, and not taken it back
 * since? Also true of the last ones that have gone since, by themselves, under
 * whatever resource. */
bool presence_knows_directed(struct session *s, const struct jid *jid);

/* Has it sent its presence to that address, or one of the same bare one, and
 * nobody has ended that since? */
bool presence_has_directed(struct session *s, const struct jid *jid);
/* The session is not there any more, and was told so. */
void presence_drop_directed(struct session *s, const struct jid *jid);

#endif
