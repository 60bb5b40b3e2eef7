/* directed.h - to whom a resource has sent its presence by itself (RFC 6121
 * 4.6): they have to learn of its end, too. */
#ifndef PRESENCE_DIRECTED_H
#define PRESENCE_DIRECTED_H

#include <stdbool.h>
#include <stddef.h>

struct jid;

/* Of a session; zeroed memory is an empty one. */
struct directed {
	struct jid **targets; /* refs, owned */
	unsigned n;
};

bool directed_has(const struct directed *d, const struct jid *jid);
/* Any of the address's resources, or itself. */
bool directed_has_bare(const struct directed *d, const struct jid *jid);
/* False where there are max already. */
bool directed_add(struct directed *d, struct jid *jid, size_t max);
/* Instead of all others of the same bare address, and whatever the limit: a
 * room knows the resource under this nick now. */
void directed_move(struct directed *d, struct jid *jid);
void directed_remove(struct directed *d, const struct jid *jid);
void directed_fini(struct directed *d);

#endif
