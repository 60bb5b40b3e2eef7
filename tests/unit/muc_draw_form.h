/* muc_draw_form.h - forms for a room, filled in at random. */
#ifndef MUC_DRAW_FORM_H
#define MUC_DRAW_FORM_H

#include "muc_draw.h"

struct stanza;

#define DRAW_PASSWORD "sesame"

const char *draw_nick(struct draw *d);
/* A bare JID, or, now and then, a domain. Borrowed. */
struct jid *draw_user(struct draw *d);

/* muc#owner: options, lists of owners and admins; now and then nonsense. */
void draw_owner_query(struct draw *d, struct stanza *iq);
/* jabber:iq:register */
void draw_registration(struct draw *d, struct stanza *iq);
/* Voice or membership, asked for or granted. */
void draw_request(struct draw *d, struct stanza *message);

#endif
