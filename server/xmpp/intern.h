/* intern.h - the common names and namespaces as static strings. */
#ifndef XMPP_INTERN_H
#define XMPP_INTERN_H

#include <stddef.h>

/* The static copy of these bytes, the same one each time, or NULL where they
 * are none of the common names. Any thread. */
const char *intern_find(const char *s, size_t len);

#endif
