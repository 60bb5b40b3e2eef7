/* ver.h - verification strings (XEP-0115 section 5). Pure. */
#ifndef CAPS_VER_H
#define CAPS_VER_H

#include <stdbool.h>

struct arena;
struct xml;

/* Is this a value of the attribute `hash` that we can verify? */
bool caps_hash_is_known(const char *hash);

/* The verification string of a disco#info <query/>, in the arena. NULL where
 * the query is ill-formed (5.4), or the hash not known. */
const char *
caps_ver(struct arena *a, const struct xml *query, const char *hash);

#endif
