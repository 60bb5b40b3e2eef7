/* chance.c - numbers that are the same for the same seed. They stand in the
 * place of token.c and hash.c of the library. */

#include "base/map.h"
#include "base/token.h"
#include "sim.h"

#include <string.h>

static struct dice tokens;

/* splitmix64 */
static uint64_t
next(struct dice *d)
{
	uint64_t x = d->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void
chance_seed(uint64_t seed)
{
	tokens.state = seed;
}

unsigned
dice_number(struct dice *d, unsigned n)
{
	return (unsigned)((next(d) >> 32) * n >> 32);
}

bool
dice_chance(struct dice *d, unsigned percent)
{
	return dice_number(d, 100) < percent;
}

unsigned
dice_between(struct dice *d, unsigned low, unsigned high)
{
	return low + dice_number(d, high - low + 1);
}

void
token_make(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		out[i] = digits[next(&tokens) & 15];
	out[n] = '\0';
}

/* FNV-1a, stirred */
uint64_t
hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

uint64_t
hash_str(const char *s)
{
	return hash_bytes(s, strlen(s));
}
