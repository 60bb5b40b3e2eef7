/*
 * expand.h - what bodies may ask to be written for them: {20 of x},
 * {base64 TEXT}, {hex 0d 0a}, {sha1 TEXT}. See README.
 */
#ifndef SCRIPT_EXPAND_H
#define SCRIPT_EXPAND_H

struct buf;

/* Appends the text with all of these written out. */
void expand(const char *text, struct buf *out);
/* The same for what is received, where {sealed … is left to match.h. */
void expand_pattern(const char *text, struct buf *out);

#endif
