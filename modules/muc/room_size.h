/*
 * room_size.h - how much memory a room takes, about: for who keeps what others
 * send.
 */
#ifndef MUC_ROOM_SIZE_H
#define MUC_ROOM_SIZE_H

#include <stddef.h>

struct entry;
struct jid;
struct room;

/* What a room takes, in bytes. Looks at everything in it. */
size_t room_size(const struct room *r);
/* What it may grow by, at most, when the entry is applied. */
size_t room_size_of_entry(const struct entry *e);
/* An address that is known of one of its sessions; NULL: 0. */
size_t room_size_of_jid(const struct jid *jid);

#endif
