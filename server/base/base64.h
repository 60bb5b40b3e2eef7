/* base64.h - RFC 4648 section 4: padded, no line breaks, strict. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

struct buf;

/* Bytes of the text for len bytes, without a NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Appends. */
void base64_encode(struct buf *out, const void *data, size_t len);

/* Appends; -1, and nothing appended, where the text is not exactly what
 * base64_encode would write for some bytes: another character, white space,
 * padding that is missing or hides bits that are not zero. */
int base64_decode(struct buf *out, const char *text, size_t len);

#endif
