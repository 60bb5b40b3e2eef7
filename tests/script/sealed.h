/*
 * sealed.h - what goes by a relay and is not for it (docs/dmuc.md, 5.10), as
 * dialogues write it.
 */
#ifndef SCRIPT_SEALED_H
#define SCRIPT_SEALED_H

#include "modules/muc/seal.h"

#include <stdbool.h>
#include <stddef.h>

struct jid;

/* What stands between "{sealed " and "}": KEY ROOM DOMAIN ABOUT NUMBER TEXT. */
struct sealed {
	char *words;		   /* owned; what the others are parts of */
	struct jid *room, *domain; /* ref */
	const char *about, *number, *text;
	struct seal key;
};

/* False: there is no such key, or address. To be ended in any case. */
bool sealed_read(struct sealed *s, const char *words, size_t len);
void sealed_fini(struct sealed *s);

/* Is it "{sealed …}" as a whole? Then its words. */
bool sealed_is(const char *text, const char **words_out, size_t *len_out);

#endif
