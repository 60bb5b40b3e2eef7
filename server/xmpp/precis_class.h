/*
 * precis_class.h - which code points may stand where (RFC 8264 8, RFC 5892
 * appendix A, RFC 5893 2). For precis.c and idna.c.
 */
#ifndef XMPP_PRECIS_CLASS_H
#define XMPP_PRECIS_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum precis_class { PRECIS_IDENTIFIER, PRECIS_FREEFORM };

/* Every code point belongs to the class, in its context. */
bool precis_is_allowed(const uint32_t *s, size_t n, enum precis_class allowed);

/* The Bidi Rule, which holds only where something runs right to left. */
bool precis_is_bidi_ok(const uint32_t *s, size_t n);

#endif
