/*
 * muc_user.h - what a room says to its occupants (XEP-0045): the element
 * <x xmlns='http://jabber.org/protocol/muc#user'/> of a presence.
 */
#ifndef XMPP_MUC_USER_H
#define XMPP_MUC_USER_H

#include <stdbool.h>

struct jid;
struct stanza;

#define NS_MUC	    "http://jabber.org/protocol/muc"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"

/* Has it this status code, "110" for example? */
bool muc_user_has_status(const struct stanza *s, const char *code);
/* Of an unavailable presence: the address under which the occupant goes on
 * (7.6, status 303); the caller's. NULL: there is none. */
struct jid *muc_user_renamed(const struct stanza *s);

#endif
