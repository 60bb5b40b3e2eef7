/* idna.h - domain names in Unicode (IDNA2008). Any thread. */
#ifndef XMPP_IDNA_H
#define XMPP_IDNA_H

#include <stddef.h>

struct buf;

/* Appends the one form of a name that addresses use: lower case, U-labels, no
 * dot at the end. -1, with nothing appended, when it is not a domain name. */
int idna_prepare(const char *s, size_t len, struct buf *out);

/* Appends the form that DNS and certificates know, of a prepared name or an
 * ASCII one; -1 when there is none. IP literals are not names. */
int idna_to_ascii(const char *domain, struct buf *out);

#endif
