/* hash.c - SipHash-1-3 with a random key. */

#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
draw_key(void)
{
	ssize_t got;

	do {
		got = getrandom(key, sizeof(key), 0);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(key))
		abort();
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

uint64_t
hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t last = (uint64_t)len << 56, word;
	struct sip s;

	pthread_once(&once, draw_key);
	s.v0 = key[0] ^ 0x736f6d6570736575u;
	s.v1 = key[1] ^ 0x646f72616e646f6du;
	s.v2 = key[0] ^ 0x6c7967656e657261u;
	s.v3 = key[1] ^ 0x7465646279746573u;
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		s.v3 ^= word;
		sip_round(&s);
		s.v0 ^= word;
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	s.v3 ^= last;
	sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_str(const char *s)
{
	return hash_bytes(s, strlen(s));
}
