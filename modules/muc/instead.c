/* instead.c - what the users of a server that has a copy of a room would have
 * been sent if it had none. */

#include "modules/muc/instead.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"

#include <string.h>

static void
add_payload(struct buf *b, const struct chunk *payload)
{
	size_t len;
	const char *text = payload ? chunk_data(payload, &len) : NULL;

	if (text)
		buf_add(b, text, len);
	else
		buf_addc(b, '>');
}

static void
add_presence(struct buf *b, const struct room *r, const struct room_change *c)
{
	const struct occupant *o = c->occupant;
	const struct entry *e = c->entry;
	const char *nick = e->new_nick && e->type == ENTRY_NICK ? e->new_nick
			   : e->nick				? e->nick
			   : o					? o->nick
								: "";

	buf_adds(b, "<presence");
	room_write_from(b, r, nick);
	if (e->payload || e->type != ENTRY_ROLE || !o || !o->top)
		add_payload(b, e->type == ENTRY_DESTROY ? NULL : e->payload);
	else
		add_payload(b, o->top->payload);
	buf_printf(b,
		   "<x xmlns='" NS_MUC_USER "'><item affiliation='%s' "
		   "role='%s'/></x>",
		   affiliation_name(o ? o->affiliation : e->affiliation),
		   role_name(o ? o->role : e->role));
	if (o && o->id)
		buf_printf(b,
			   "<occupant-id xmlns='" NS_OCCUPANT_ID "' id='%s'/>",
			   o->id);
	if (e->reason)
		buf_adds(b, e->reason);
	buf_adds(b, "</presence>");
}

static void
add_status(struct buf *b, const struct room *r)
{
	buf_adds(b, "<message");
	room_write_from(b, r, NULL);
	buf_adds(b, " type='groupchat'><x xmlns='" NS_MUC_USER
		    "'><status code='104'/></x></message>");
}

struct instead
instead_of_entry(const struct room *r, const struct room_change *c)
{
	struct instead instead = { 1, 0 };
	struct buf b = { 0 };
	size_t len;

	switch (c->entry->type) {
	case ENTRY_AFFILIATION:
		/* Who is in the room has a ROLE besides. */
		return (struct instead){ 0, 0 };
	case ENTRY_MESSAGE:
	case ENTRY_SUBJECT:
	case ENTRY_RETRACT:
		/* As it is shown: nothing is written for that. */
		chunk_data(c->entry->payload, &len);
		instead.n_bytes = strlen("<message") + len;
		return instead;
	case ENTRY_CONFIG:
		add_status(&b, r);
		break;
	case ENTRY_NICK:
		/* 7.6: the old one leaves, the new one is there. */
		instead.n_stanzas = 2;
		add_presence(&b, r, c);
		add_presence(&b, r, c);
		break;
	default:
		add_presence(&b, r, c);
	}
	instead.n_bytes = b.len;
	buf_fini(&b);
	return instead;
}
