/*
 * precis.h - user names and passwords in Unicode (RFC 8264, RFC 8265).
 *
 * Each prepares UTF-8 and appends the result to out. -1, with nothing
 * appended, when the text is empty, not UTF-8, not allowed by the profile or
 * longer than PRECIS_MAX bytes. Any thread.
 */
#ifndef XMPP_PRECIS_H
#define XMPP_PRECIS_H

#include <stddef.h>

struct buf;

/* Three times the longest part of an address: fullwidth forms shrink by that
 * much. */
#define PRECIS_MAX 3072u

/* UsernameCaseMapped. An address forbids some of what this allows: use
 * jid_prep_local for the names of accounts. */
int precis_username(const char *s, size_t len, struct buf *out);

/* OpaqueString: passwords, and resources of addresses. */
int precis_opaque(const char *s, size_t len, struct buf *out);

#endif
