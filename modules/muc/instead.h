/*
 * instead.h - what the users of a server that has a copy of a room would have
 * been sent if it had none (XEP-0045): to see what the copy saves.
 */
#ifndef MUC_INSTEAD_H
#define MUC_INSTEAD_H

#include <stdint.h>

struct room;
struct room_change;

/* One client. */
struct instead {
	uint64_t n_stanzas, n_bytes;
};

/* An entry, just applied. As a rule it is a little less than the truth: no
 * stanza has an address that it goes to, nor an id or a real address, and who
 * enters is sent nothing of others. */
struct instead
instead_of_entry(const struct room *r, const struct room_change *c);

#endif
