/*
 * fnv.h - FNV-1a, for digests that are the same number on every machine
 * (docs/dmuc.md 8.3). Not for maps: who knows it finds collisions.
 */
#ifndef MUC_FNV_H
#define MUC_FNV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

static inline void
fnv_mix(uint64_t *h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		*h = (*h ^ p[i]) * UINT64_C(0x100000001b3);
}

/* With the byte 0 at its end; NULL is "". */
static inline void
fnv_text(uint64_t *h, const char *s)
{
	fnv_mix(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

static inline void
fnv_int(uint64_t *h, int64_t i)
{
	for (int k = 0; k < 8; k++) {
		uint8_t byte = (uint8_t)((uint64_t)i >> 8 * k);

		fnv_mix(h, &byte, 1);
	}
}

#endif
