/* json.h - strings in JSON. */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

struct buf;

/* Appends s, in quotes. What is not UTF-8 becomes U+FFFD. */
void json_string(struct buf *out, const char *s);

#endif
