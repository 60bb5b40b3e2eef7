/* muc_invariants.h - what holds in every room, whatever has happened. */
#ifndef MUC_INVARIANTS_H
#define MUC_INVARIANTS_H

#include <stdbool.h>

struct jid;
struct room;

/* After each entry: the parts of the room agree with each other. Returns what
 * does not, or NULL. */
const char *room_find_broken(const struct room *r);
/* After all entries of a ruling: everybody may be here, as what they are.
 * admin: who is an owner in every room; may be NULL. */
const char *room_find_wrong(const struct room *r, const struct jid *admin);
/* Two that have been made of the same entries. */
bool room_is_same(const struct room *a, const struct room *b);

#endif
