/*
 * intern.c - a table that is filled once and then only read.
 *
 * Peers can choose strings that walk over the same slots, but never add any:
 * the longest walk is set by names.def.
 */

#include "xmpp/intern.h"

#include "base/mem.h"
#include "xmpp/ns.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define SLOT_BITS 10u
#define N_SLOTS	  (1u << SLOT_BITS)

struct name {
	const char *s;
	size_t len;
};

static const struct name names[] = {
#define X(s) { s, sizeof(s) - 1 },
#include "xmpp/names.def"
#undef X
};
_Static_assert(N_ELEMENTS(names) < N_SLOTS / 2, "the table is too full");

static const struct name *slots[N_SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The ends tell names apart; namespaces are long and begin alike. */
static unsigned
slot_of(const char *s, size_t len)
{
	uint64_t head = 0, tail = 0;

	if (len >= 8) {
		memcpy(&head, s, 8);
		memcpy(&tail, s + len - 8, 8);
	} else if (len >= 4) {
		memcpy(&head, s, 4);
		memcpy(&tail, s + len - 4, 4);
	} else if (len) {
		head = (unsigned char)s[0];
		tail = (uint64_t)(unsigned char)s[len / 2] << 8 |
		       (unsigned char)s[len - 1];
	}
	head ^= tail << 29 ^ tail >> 35 ^ len << 56;
	head *= UINT64_C(0x9e3779b97f4a7c15);
	head ^= head >> 32;
	head *= UINT64_C(0xd6e8feb86659fd93);
	return (unsigned)(head >> (64 - SLOT_BITS));
}

static void
fill(void)
{
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		unsigned at = slot_of(names[i].s, names[i].len);

		while (slots[at])
			at = (at + 1) % N_SLOTS;
		slots[at] = &names[i];
	}
}

const char *
intern_find(const char *s, size_t len)
{
	unsigned at;

	pthread_once(&once, fill);
	for (at = slot_of(s, len); slots[at]; at = (at + 1) % N_SLOTS) {
		const struct name *n = slots[at];

		if (n->len == len && !memcmp(n->s, s, len))
			return n->s;
	}
	return NULL;
}
