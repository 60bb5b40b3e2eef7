/* token.h - random text that nobody can guess: identifiers, resources. */
#ifndef BASE_TOKEN_H
#define BASE_TOKEN_H

#include <stddef.h>

/* Writes n hexadecimal digits and a NUL. Any thread. */
void token_make(char *out, size_t n);

#endif
