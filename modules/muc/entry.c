/* entry.c - one thing that happened in a room. */

#include "modules/muc/entry.h"

#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[N_ENTRY_TYPES] = {
	[ENTRY_JOIN] = "join",	     [ENTRY_PRESENCE] = "presence",
	[ENTRY_LEAVE] = "leave",     [ENTRY_NICK] = "nick",
	[ENTRY_ROLE] = "role",	     [ENTRY_AFFILIATION] = "affiliation",
	[ENTRY_MESSAGE] = "message", [ENTRY_SUBJECT] = "subject",
	[ENTRY_CONFIG] = "config",   [ENTRY_LINK] = "link",
	[ENTRY_RETRACT] = "retract", [ENTRY_DESTROY] = "destroy",
};

const char *
entry_type_name(enum entry_type type)
{
	return names[type];
}

static size_t
room_for(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *
put(char **at, const char *s)
{
	char *copy = *at;

	if (!s)
		return NULL;
	strcpy(copy, s);
	*at += strlen(s) + 1;
	return copy;
}

struct entry *
entry_new(const struct entry *from)
{
	size_t room = room_for(from->nick) + room_for(from->new_nick) +
		      room_for(from->occupant_id) + room_for(from->stanza_id) +
		      room_for(from->actor) + room_for(from->reason) +
		      room_for(from->since) + room_for(from->submit);
	struct entry *e = mem_alloc(sizeof(*e) + room);
	char *at = (char *)(e + 1);

	*e = *from;
	e->refs = 1;
	e->jid = jid_ref(from->jid);
	e->real = jid_ref(from->real);
	e->payload = from->payload ? chunk_ref(from->payload) : NULL;
	e->tombstone = from->tombstone ? chunk_ref(from->tombstone) : NULL;
	e->nick = put(&at, from->nick);
	e->new_nick = put(&at, from->new_nick);
	e->occupant_id = put(&at, from->occupant_id);
	e->stanza_id = put(&at, from->stanza_id);
	e->actor = put(&at, from->actor);
	e->reason = put(&at, from->reason);
	e->since = put(&at, from->since);
	e->submit = put(&at, from->submit);
	if (from->config) {
		e->config = mem_zalloc(sizeof(*e->config));
		muc_config_copy(e->config, from->config);
	}
	return e;
}

struct entry *
entry_ref(struct entry *e)
{
	e->refs++;
	return e;
}

void
entry_unref(struct entry **e)
{
	struct entry *old = *e;

	*e = NULL;
	if (!old || --old->refs)
		return;
	jid_unref(&old->jid);
	jid_unref(&old->real);
	chunk_unref(&old->payload);
	chunk_unref(&old->tombstone);
	if (old->config)
		muc_config_fini(old->config);
	free(old->config);
	free(old);
}

bool
entry_is_lasting(const struct entry *e)
{
	switch (e->type) {
	case ENTRY_AFFILIATION:
	case ENTRY_MESSAGE:
	case ENTRY_SUBJECT:
	case ENTRY_CONFIG:
	case ENTRY_RETRACT:
	case ENTRY_DESTROY:
		return true;
	default:
		return false;
	}
}
