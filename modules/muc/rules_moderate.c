/* rules_moderate.c - what was said is taken back: by who has said it
 * (XEP-0424), or by a moderator (XEP-0425). */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t
rules_retracted_id(const struct stanza *s)
{
	const struct xml *x = s->kind == STANZA_IQ
				      ? stanza_payload(s)
				      : stanza_child(s, "retract", NS_RETRACT);
	const char *text = x ? xml_get(x, "id") : NULL;
	char *end;
	int64_t id;

	if (!text || !*text || strspn(text, "0123456789") != strlen(text))
		return 0;
	id = strtoll(text, &end, 10);
	return id > 0 && id < INT64_MAX ? id : 0;
}

/* What there is nothing of to take back: no message, or no more. */
static bool
is_fixed(const struct stanza *target)
{
	return stanza_child(target, "retracted", NS_RETRACT) ||
	       (stanza_child(target, "subject", NS_CLIENT) &&
		!stanza_child(target, "body", NS_CLIENT));
}

static bool
is_of(const struct stanza *target, const char *occupant_id)
{
	const struct xml *x =
		stanza_child(target, "occupant-id", NS_OCCUPANT_ID);
	const char *id = x ? xml_get(x, "id") : NULL;

	return id && occupant_id && !strcmp(id, occupant_id);
}

/* ---- what is left of it ---- */

struct moderation {
	const struct room *room;
	const struct occupant *by; /* NULL: it was its author */
	const char *reason;	   /* or NULL */
};

/* <moderated/> and <reason/> in an element of NS_RETRACT. */
static void
write_moderation(struct buf *b, const struct moderation *m)
{
	struct jid *by = jid_with_resource(m->room->jid, m->by->nick);

	buf_adds(b, "<moderated xmlns='" NS_MODERATE "'");
	xml_write_attr(b, "by", jid_str(by));
	buf_addc(b, '>');
	if (m->by->id)
		buf_printf(b,
			   "<occupant-id xmlns='" NS_OCCUPANT_ID "' id='%s'/>",
			   m->by->id);
	buf_adds(b, "</moderated>");
	if (m->reason) {
		buf_adds(b, "<reason>");
		xml_escape(b, m->reason, strlen(m->reason));
		buf_adds(b, "</reason>");
	}
	jid_unref(&by);
}

/* XEP-0424 4, XEP-0425 4: the message without what it said. Who may see the
 * sender's address still may; it stays at the end (archived.h). */
static struct chunk *
write_tombstone(const struct submission *sub, const struct moderation *m,
		const char *id)
{
	const struct stanza *t = sub->target;
	char stamp[CLOCK_STAMP_MAX];
	struct buf b = { 0 };

	if (t->from)
		xml_write_attr(&b, "from", jid_str(t->from));
	if (stanza_id(t))
		xml_write_attr(&b, "id", stanza_id(t));
	buf_adds(&b, " type='groupchat'><retracted xmlns='" NS_RETRACT "'");
	xml_write_attr(&b, "id", id);
	xml_write_attr(&b, "stamp", clock_stamp(sub->now_ms, stamp));
	if (m->by) {
		buf_addc(&b, '>');
		write_moderation(&b, m);
		buf_adds(&b, "</retracted>");
	} else {
		buf_adds(&b, "/>");
	}
	xml_each (x, t->root) {
		if (xml_is(x, "stanza-id", NS_SID) ||
		    xml_is(x, "occupant-id", NS_OCCUPANT_ID))
			xml_write(&b, x, NS_CLIENT);
	}
	if (stanza_child(t, "x", NS_MUC_USER))
		xml_write(&b, stanza_child(t, "x", NS_MUC_USER), NS_CLIENT);
	buf_adds(&b, "</message>");
	return buf_to_chunk(&b);
}

/* ---- by its author ---- */

bool
rules_retract(const struct room *r, const struct submission *sub,
	      const struct occupant *by, struct entry *e, struct ruling *out)
{
	const struct xml *x = stanza_child(sub->stanza, "retract", NS_RETRACT);
	struct moderation m = { .room = r };
	char id[24];

	if (xml_child(x, "moderated", NS_MODERATE))
		return ruling_refuse(out, COND_FORBIDDEN,
				     "only the room itself says that");
	if (!sub->target)
		return true;
	if (!is_of(sub->target, by->id))
		return ruling_refuse(out, COND_FORBIDDEN,
				     "somebody else has said that");
	if (is_fixed(sub->target))
		return true;
	snprintf(id, sizeof(id), "%" PRId64, e->archive_id);
	e->type = ENTRY_RETRACT;
	e->target = sub->target_id;
	e->tombstone = write_tombstone(
		sub, &m, stanza_id(sub->stanza) ? stanza_id(sub->stanza) : id);
	return true;
}

/* ---- by a moderator ---- */

/* XEP-0425 3.1 */
static struct chunk *
write_notice(const struct submission *sub, const struct moderation *m,
	     int64_t id)
{
	struct buf b = { 0 };

	room_write_from(&b, m->room, NULL);
	buf_printf(&b,
		   " id='%" PRId64
		   "' type='groupchat'><retract xmlns='" NS_RETRACT
		   "' id='%" PRId64 "'>",
		   id, sub->target_id);
	write_moderation(&b, m);
	buf_printf(&b,
		   "</retract><stanza-id xmlns='" NS_SID "' id='%" PRId64 "'",
		   id);
	xml_write_attr(&b, "by", jid_bare_str(m->room->jid));
	buf_adds(&b, "/></message>");
	return buf_to_chunk(&b);
}

/* Where nothing is archived nobody knows what was said: what may have been. */
static bool
is_there(const struct room *r, const struct submission *sub)
{
	if (sub->target)
		return !is_fixed(sub->target);
	return !r->config.is_archived && sub->target_id > 0 &&
	       sub->target_id >= r->created_ms * 1000 &&
	       sub->target_id <= r->last_archive_id;
}

static bool
may_moderate(const struct room *r, const struct submission *sub,
	     struct ruling *out)
{
	const struct xml *x = stanza_payload(sub->stanza);
	const struct room_session *s = room_session(r, sub->from);

	if (!s || !has_privilege(&r->config, s->occupant->affiliation,
				 s->occupant->role, PRIV_MODERATE))
		return ruling_refuse(out, COND_FORBIDDEN,
				     "only moderators take back what others "
				     "have said");
	if (!xml_get(x, "id"))
		return ruling_refuse(out, COND_BAD_REQUEST, NULL);
	if (!xml_child(x, "retract", NS_RETRACT))
		return ruling_refuse(out, COND_FEATURE_NOT_IMPLEMENTED, NULL);
	if (!is_there(r, sub))
		return ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	return true;
}

void
rules_moderate(const struct room *r, const struct submission *sub,
	       struct ruling *out)
{
	struct arena *a;
	struct moderation m = { .room = r };
	struct entry e = {
		.type = ENTRY_RETRACT,
		.stamp_ms = sub->now_ms,
		.target = sub->target_id,
	};
	char id[24];

	if (!may_moderate(r, sub, out))
		return;
	a = arena_new();
	m.by = room_session(r, sub->from)->occupant;
	m.reason = xml_child_text(a, stanza_payload(sub->stanza), "reason",
				  NS_MODERATE);
	e.archive_id = rules_next_id(r, sub->now_ms);
	snprintf(id, sizeof(id), "%" PRId64, e.archive_id);
	e.payload = write_notice(sub, &m, e.archive_id);
	if (sub->target)
		e.tombstone = write_tombstone(sub, &m, id);
	ruling_add(out, &e);
	chunk_unref(&e.payload);
	chunk_unref(&e.tombstone);
	arena_unref(&a);
}
