/* rules_message.c - what is said to all (XEP-0045 7.4), and the subject (7.3,
 * 8.1). */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>

/* 7.2.15: with a body it is a message that has a subject of its own. */
bool
rules_is_subject(const struct stanza *s)
{
	return stanza_child(s, "subject", NS_CLIENT) &&
	       !stanza_child(s, "body", NS_CLIENT) &&
	       !stanza_child(s, "thread", NS_CLIENT);
}

int64_t
rules_next_id(const struct room *r, int64_t now_ms)
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

static void
write_delay(struct buf *b, const struct room *r, int64_t said_ms)
{
	char stamp[CLOCK_STAMP_MAX];

	buf_adds(b, "<delay xmlns='" NS_DELAY "'");
	xml_write_attr(b, "from", jid_str(r->jid));
	buf_printf(b, " stamp='%s'/>", clock_stamp(said_ms, stamp));
}

static struct chunk *
write_all(const struct room *r, const struct stanza *s,
	  const struct occupant *o, int64_t id, int64_t said_ms)
{
	struct buf b = { 0 };

	room_write_from(&b, r, o->nick);
	if (stanza_id(s))
		xml_write_attr(&b, "id", stanza_id(s));
	buf_adds(&b, " type='groupchat'");
	rules_write_payload(&b, r, s, NULL);
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
	if (said_ms)
		write_delay(&b, r, said_ms);
	buf_adds(&b, "</message>");
	return buf_to_chunk(&b);
}

struct chunk *
rules_message_payload(const struct room *r, const struct stanza *s,
		      const struct occupant *o, int64_t id)
{
	return write_all(r, s, o, id, 0);
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

/* XEP-0500 4 */
static bool
may_say_now(const struct room *r, const struct submission *sub,
	    const struct occupant *o, struct ruling *out)
{
	int64_t slow_ms = r->config.slow_mode_s * INT64_C(1000), last, since;

	if (!slow_ms || !o->id ||
	    has_privilege(&r->config, o->affiliation, o->role,
			  PRIV_SPEAK_OFTEN))
		return true;
	last = slow_last(&r->slow, o->id);
	since = sub->now_ms - last;
	/* A clock that was put back holds up nobody. */
	if (last < 0 || since < 0 || since >= slow_ms)
		return true;
	out->own_text = mem_printf("one message every %d seconds; the next one "
				   "in %" PRId64,
				   r->config.slow_mode_s,
				   (slow_ms - since + 999) / 1000);
	out->type = "wait";
	return ruling_refuse(out, COND_POLICY_VIOLATION, out->own_text);
}

void
rules_message(const struct room *r, const struct rules_env *env,
	      const struct submission *sub, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	bool sets_subject = rules_is_subject(sub->stanza);
	bool retracts = stanza_child(sub->stanza, "retract", NS_RETRACT);
	struct entry e = {
		.type = sets_subject ? ENTRY_SUBJECT : ENTRY_MESSAGE,
		.stamp_ms = sub->now_ms,
		.jid = sub->from,
		.stanza_id = stanza_id(sub->stanza),
		.submit = sub->submit,
		.has_body = stanza_child(sub->stanza, "body", NS_CLIENT),
	};

	(void)env;
	if (!may_say(r, s, sets_subject, out) ||
	    (e.has_body && !may_say_now(r, sub, s->occupant, out)))
		return;
	e.nick = s->occupant->nick;
	e.occupant_id = s->occupant->id;
	e.affiliation = s->occupant->affiliation;
	e.role = s->occupant->role;
	/* XEP-0424 5: that something was taken back is kept in any case. */
	if (sets_subject || retracts || is_lasting(sub->stanza))
		e.archive_id = rules_next_id(r, sub->now_ms);
	if (retracts && !sets_subject &&
	    !rules_retract(r, sub, s->occupant, &e, out))
		return;
	e.payload = write_all(r, sub->stanza, s->occupant, e.archive_id,
			      sub->said_ms);
	ruling_add(out, &e);
	chunk_unref(&e.payload);
	chunk_unref(&e.tombstone);
}
