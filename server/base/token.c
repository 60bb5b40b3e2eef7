/* token.c - random text that nobody can guess. */

#include "base/token.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* OpenSSL takes about as long for a few bytes as for many. */
static _Thread_local uint8_t pool[256];
static _Thread_local size_t left;

static uint8_t
next(void)
{
	uint8_t byte;

	if (!left) {
		if (RAND_bytes(pool, sizeof(pool)) != 1) {
			fputs("error: OpenSSL has no random bytes\n", stderr);
			abort();
		}
		left = sizeof(pool);
	}
	byte = pool[--left];
	pool[left] = 0;
	return byte;
}

void
token_make(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		out[i] = digits[next() & 15];
	out[n] = '\0';
}
