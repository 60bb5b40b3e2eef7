/*
 * directed.h - to whom a resource has sent its presence by itself (RFC 6121
 * 4.6): they have to learn of its end, too.
 *
 * Who has gone (a room that was shut down, for example) need not, and is
 * forgotten; but the last few are known to have been there: a presence that was
 * on its way may reach the room when it is there again, and then the user is
 * in.
 */
#ifndef PRESENCE_DIRECTED_H
#define PRESENCE_DIRECTED_H

#include <stdbool.h>
#include <stddef.h>

struct jid;

/* Of those who have gone, the last ones are known. */
#define DIRECTED_GONE_MAX 16

/* Of a session; zeroed memory is an empty one. In most cases there is one at
 * most, which takes no memory of its own. */
struct directed {
	union {
		struct jid *one;   /* ref, or NULL; where there is no other */
		struct jid **many; /* refs, owned; n, and then those who have
				    * gone, oldest first */
	};
	unsigned n, n_gone;
};

/* i < n; borrowed. Removing one has the last take its place. */
struct jid *directed_at(const struct directed *d, unsigned i);
bool directed_has(const struct directed *d, const struct jid *jid);
/* Any of the address's resources, or itself. */
bool directed_has_bare(const struct directed *d, const struct jid *jid);
/* This address, or one that has gone of the same bare address. */
bool directed_knows(const struct directed *d, const struct jid *jid);
/* False where there are max already. */
bool directed_add(struct directed *d, struct jid *jid, size_t max);
/* Instead of all others of the same bare address, and whatever the limit: a
 * room knows the resource under this nick now. */
void directed_move(struct directed *d, struct jid *jid);
/* For good. */
void directed_remove(struct directed *d, const struct jid *jid);
/* It has said itself that it does not know the resource any more. */
void directed_gone(struct directed *d, const struct jid *jid);
/* And now that it does: added again, if it is one of the last that have gone
 * (under whatever nick), and there are fewer than max. */
void directed_back(struct directed *d, struct jid *jid, size_t max);
void directed_fini(struct directed *d);

#endif
