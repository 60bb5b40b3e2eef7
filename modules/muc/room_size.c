/* room_size.c - how much memory a room takes, about. */

#include "modules/muc/room_size.h"

#include "base/chunk.h"
#include "modules/muc/config.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"

#include <string.h>

/* What goes with each of the many things: places in maps, and of malloc. */
#define OVERHEAD 128

static size_t
size_of_text(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static size_t
size_of_chunk(const struct chunk *c)
{
	size_t len = 0;

	if (c)
		chunk_data(c, &len);
	return len;
}

/* It is parsed into a part, and a whole, of what is in its text. */
size_t
room_size_of_jid(const struct jid *jid)
{
	return jid ? OVERHEAD + 2 * size_of_text(jid_str(jid)) : 0;
}

static size_t
size_of_config(const struct muc_config *c)
{
	if (!c)
		return 0;
	return sizeof(*c) + OVERHEAD + size_of_text(c->name) +
	       size_of_text(c->desc) + size_of_text(c->lang) +
	       size_of_text(c->password) + size_of_text(c->contacts) +
	       size_of_text(c->copies) + size_of_text(c->logs) +
	       size_of_text(c->pubsub) + size_of_text(c->avatar) +
	       size_of_text(c->relays);
}

size_t
room_size_of_entry(const struct entry *e)
{
	return sizeof(struct entry) + sizeof(struct occupant) +
	       sizeof(struct room_session) + 2 * OVERHEAD +
	       size_of_config(e->config) + room_size_of_jid(e->jid) +
	       room_size_of_jid(e->real) + size_of_text(e->nick) +
	       size_of_text(e->new_nick) + size_of_text(e->occupant_id) +
	       size_of_text(e->stanza_id) + size_of_text(e->submit) +
	       size_of_text(e->actor) + size_of_text(e->reason) +
	       size_of_chunk(e->payload) + size_of_chunk(e->tombstone);
}

static size_t
size_of_session(const struct room_session *s)
{
	return sizeof(*s) + OVERHEAD + room_size_of_jid(s->jid) +
	       room_size_of_jid(s->real) + size_of_chunk(s->payload);
}

static size_t
size_of_occupant(const struct occupant *o)
{
	size_t size = sizeof(*o) + OVERHEAD + room_size_of_jid(o->bare) +
		      size_of_text(o->nick) + size_of_text(o->id) +
		      size_of_chunk(o->shown[0]) + size_of_chunk(o->shown[1]);

	list_each (n, &o->sessions)
		size += size_of_session(room_session_of(n));
	return size;
}

size_t
room_size(const struct room *r)
{
	size_t size = sizeof(*r) + r->cap_history * sizeof(*r->history);

	list_each (n, &r->occupants)
		size += size_of_occupant(occupant_of(n));
	affiliations_each (item, &r->affiliations)
		size += sizeof(*item) + OVERHEAD + room_size_of_jid(item->jid) +
			size_of_text(item->nick) + size_of_text(item->reason);
	for (size_t i = 0; i < r->n_history; i++)
		size += room_size_of_entry(r->history[i]);
	if (r->subject)
		size += room_size_of_entry(r->subject);
	/* Of a relay; those of the history are counted twice then. */
	for (size_t i = 0; i < r->log.n; i++)
		size += room_size_of_entry(
			r->log.entries[(r->log.first + i) % r->log.cap]);
	return size + r->slow.by_id.n * 2 * OVERHEAD + r->versions.n * OVERHEAD;
}
