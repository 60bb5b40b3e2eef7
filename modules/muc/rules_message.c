/* rules_message.c - what is said to all (XEP-0045 7.4), and the subject (7.3,
 * 8.1). */

#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <string.h>

/* 7.2.15: with a body it is a message that has a subject of its own. */
static bool
is_subject(const struct stanza *s)
{
	return stanza_child(s, "subject", NS_CLIENT) &&
	       !stanza_child(s, "body", NS_CLIENT) &&
	       !stanza_child(s, "thread", NS_CLIENT);
}

/* Ids are times in microseconds, and grow (storage/archive.h). */
static int64_t
next_id(const struct room *r, int64_t now_ms)
{
	int64_t id = now_ms * 1000;

	return id > r->last_archive_id ? id : r->last_archive_id + 1;
}

/* Worth to be kept for who is not here now (XEP-0313 5.1.2)? Typing and the
 * like is not. */
static bool
is_lasting(const struct stanza *s)
{
	if (stanza_child(s, "no-store", NS_HINTS) ||
	    stanza_child(s, "no-permanent-store", NS_HINTS))
		return false;
	return stanza_child(s, "body", NS_CLIENT) ||
	       stanza_child(s, "store", NS_HINTS);
}

static struct chunk *
write_all(const struct room *r, const struct submission *sub,
	  const struct occupant *o, int64_t id)
{
	struct buf b = { 0 };

	room_write_from(&b, r, o->nick);
	if (stanza_id(sub->stanza))
		xml_write_attr(&b, "id", stanza_id(sub->stanza));
	buf_adds(&b, " type='groupchat'");
	rules_write_payload(&b, r, sub->stanza, NULL);
	if (id) {
		buf_printf(&b, "<stanza-id xmlns='" NS_SID "' id='%" PRId64 "'",
			   id);
		xml_write_attr(&b, "by", jid_bare_str(r->jid));
		buf_adds(&b, "/>");
	}
	if (o->id)
		buf_printf(&b,
			   "<occupant-id xmlns='" NS_OCCUPANT_ID "' id='%s'/>",
			   o->id);
	buf_adds(&b, "</message>");
	return buf_to_chunk(&b);
}

static bool
may_say(const struct room *r, const struct room_session *s, bool is_subject,
	struct ruling *out)
{
	/* 17.2: one that is locked is not there yet. */
	if (!s && r->is_locked)
		return ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	if (!s)
		return ruling_refuse(out, COND_NOT_ACCEPTABLE,
				     "you are not in the room");
	if (is_subject && s->occupant->role < ROLE_MODERATOR &&
	    !r->config.allow_subject)
		return ruling_refuse(out, COND_FORBIDDEN,
				     "only moderators set the subject here");
	if (s->occupant->role < ROLE_PARTICIPANT)
		return ruling_refuse(out, COND_FORBIDDEN, NULL);
	return true;
}

void
rules_message(const struct room *r, const struct rules_env *env,
	      const struct submission *sub, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	bool sets_subject = is_subject(sub->stanza);
	struct entry e = {
		.type = sets_subject ? ENTRY_SUBJECT : ENTRY_MESSAGE,
		.stamp_ms = sub->now_ms,
		.jid = sub->from,
		.stanza_id = stanza_id(sub->stanza),
		.has_body = stanza_child(sub->stanza, "body", NS_CLIENT),
	};

	(void)env;
	if (!may_say(r, s, sets_subject, out))
		return;
	e.nick = s->occupant->nick;
	e.occupant_id = s->occupant->id;
	e.affiliation = s->occupant->affiliation;
	e.role = s->occupant->role;
	if (sets_subject || is_lasting(sub->stanza))
		e.archive_id = next_id(r, sub->now_ms);
	e.payload = write_all(r, sub, s->occupant, e.archive_id);
	ruling_add(out, &e);
	chunk_unref(&e.payload);
}
