/* rooms.c - the rooms that one session is in. */

#include "modules/joined/rooms.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <assert.h>
#include <stdlib.h>

static_assert(sizeof(struct joined_room) == 24, "there are many of them");

static uint16_t
short_hash(const struct jid *jid)
{
	return (uint16_t)jid_hash_bare(jid);
}

static unsigned
promote(struct joined_rooms *r, unsigned i)
{
	struct joined_room found = r->rooms[i];

	r->rooms[i] = r->rooms[i / 2];
	r->rooms[i / 2] = found;
	return i / 2;
}

struct joined_room *
joined_rooms_find(struct joined_rooms *r, const struct jid *jid)
{
	uint16_t hash = short_hash(jid);

	for (unsigned i = 0; i < r->n; i++) {
		if (r->rooms[i].hash == hash &&
		    jid_eq_bare(r->rooms[i].occupant, jid))
			return &r->rooms[promote(r, i)];
	}
	return NULL;
}

struct joined_room *
joined_rooms_add(struct joined_rooms *r, struct jid *occupant)
{
	struct joined_room *room;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->rooms = mem_realloc(r->rooms, r->cap * sizeof(*r->rooms));
	}
	room = &r->rooms[r->n++];
	*room = (struct joined_room){
		.occupant = jid_ref(occupant),
		.hash = short_hash(occupant),
	};
	return room;
}

void
joined_rooms_remove(struct joined_rooms *r, struct joined_room *room)
{
	jid_unref(&room->occupant);
	*room = r->rooms[--r->n];
	if (!r->n)
		joined_rooms_fini(r);
}

void
joined_room_rename(struct joined_room *room, struct jid *occupant)
{
	jid_ref(occupant);
	jid_unref(&room->occupant);
	room->occupant = occupant;
}

void
joined_rooms_fini(struct joined_rooms *r)
{
	while (r->n)
		jid_unref(&r->rooms[--r->n].occupant);
	free(r->rooms);
	*r = (struct joined_rooms){ 0 };
}
