/*
 * rooms.h - the rooms that one session is in, as far as we know. Pure.
 *
 * 24 bytes for each room, and the address of its occupant, which is usually
 * the same object that the module presence keeps (directed.h).
 */
#ifndef JOINED_ROOMS_H
#define JOINED_ROOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jid;
struct joined_check;

struct joined_room {
	struct jid *occupant;	    /* ref; room@service/nick */
	struct joined_check *check; /* private to check.c; NULL: none */
	uint32_t due_s;		    /* when to ask whether it is so; 0: never */
	uint16_t hash;		    /* of the room */
	uint8_t n_unknown;	    /* times in a row that nobody could tell */
	bool is_confirmed : 1;	    /* the room has said that we are in */
	bool is_missing : 1;	    /* asked, it did not know the address */
};

/* Zeroed memory is an empty one. */
struct joined_rooms {
	struct joined_room *rooms; /* owned */
	unsigned n, cap;
};

/* The room that this address, with whatever nick, is of; or NULL. The rooms
 * found most often come to stand in front. Pointers to rooms are valid until
 * the next call of any of these. */
struct joined_room *
joined_rooms_find(struct joined_rooms *r, const struct jid *jid);
/* One that is not there yet; takes a reference. */
struct joined_room *
joined_rooms_add(struct joined_rooms *r, struct jid *occupant);
void joined_rooms_remove(struct joined_rooms *r, struct joined_room *room);
/* Another nick. */
void joined_room_rename(struct joined_room *room, struct jid *occupant);
void joined_rooms_fini(struct joined_rooms *r);

#endif
