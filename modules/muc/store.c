/* store.c - what a live room has put on disk before anybody sees it. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/archived.h"
#include "modules/muc/entry.h"
#include "modules/muc/private.h"
#include "storage/archive.h"
#include "storage/fragments.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* The writes of one ruling. */
struct storing {
	struct live *live; /* kept by n_storing */
	unsigned n_left;
	enum stanza_cond cond;
};

static void
one_done(struct storing *s, const struct store_result *res)
{
	struct live *l = s->live;
	enum stanza_cond cond;

	if (res->status == STORE_NO_SPACE)
		s->cond = COND_RESOURCE_CONSTRAINT;
	else if (res->status != STORE_OK && res->status != STORE_NOT_FOUND)
		s->cond = COND_INTERNAL_SERVER_ERROR;
	if (--s->n_left)
		return;
	cond = s->cond;
	free(s);
	l->n_storing--;
	live_use(l);
	master_stored(&l->master, cond);
	live_release(l);
}

static void
stored(void *data, const struct store_result *res)
{
	one_done(data, res);
}

static void
set_stored(void *data, const struct store_result *res, int64_t version)
{
	(void)version;
	one_done(data, res);
}

/* ---- rows ---- */

/* With what the entries are about to change. */
static void
save_row(struct live *l, const struct entry *config,
	 const struct entry *subject, const struct room_affiliation *owner,
	 struct storing *s)
{
	const struct room *r = live_room(l);
	const struct muc_config *c = config ? config->config : &r->config;
	const struct entry *e = subject ? subject : r->subject;
	/* 10.1.1: nobody else sees it before it is configured, and it does not
	 * stay. */
	bool is_locked = !config && (owner || r->is_locked);
	struct buf text = { 0 }, subject_text = { 0 };
	struct room_row row = {
		.jid = jid_str(l->jid),
		.name = c->name,
		.last_id = r->last_archive_id,
		.created_ms = r->created_ms,
		.used_ms = l->host->server->clock->wall_ms,
		.is_public = c->is_public && !is_locked,
		.is_persistent = c->is_persistent && !is_locked,
		.is_locked = is_locked,
	};
	size_t len;
	const char *payload;

	muc_config_to_text(c, &text);
	row.config = text.data ? text.data : "";
	if (e) {
		payload = chunk_data(e->payload, &len);
		buf_add(&subject_text, payload, len);
		row.subject = subject_text.data;
		row.subject_from = e->nick;
		row.subject_ms = e->stamp_ms;
	}
	if (owner)
		rooms_create(l->host->store, &row, owner, 1, stored, s);
	else
		rooms_save(l->host->store, &row, stored, s);
	buf_fini(&text);
	buf_fini(&subject_text);
}

/* The reserved nickname is what affiliations_set makes of it. */
static struct room_affiliation
affiliation_row(const struct live *l, const struct entry *e)
{
	const struct affiliation_item *old =
		affiliations_find(&live_room(l)->affiliations, e->jid);
	const char *nick = e->nick;

	if (!nick && old && e->affiliation != AFFILIATION_OUTCAST)
		nick = old->nick;
	return (struct room_affiliation){
		.jid = jid_str(e->jid),
		.nick = nick && *nick ? nick : NULL,
		.reason = e->reason,
		.stamp_ms = e->stamp_ms,
		.affiliation = e->affiliation,
	};
}

static void
save_message(struct live *l, const struct entry *e, struct storing *s)
{
	const struct muc_config *c = &live_room(l)->config;
	struct buf b = { 0 };
	struct archive_row row = {
		.id = e->archive_id,
		.stamp_ms = e->stamp_ms,
		.peer = e->nick,
		.origin_id = e->stanza_id,
	};

	row.kind = archived_write(&b, e, c->whois == WHOIS_ANYONE);
	row.xml = b.data;
	row.len = b.len;
	archive_append(l->host->store, jid_str(l->jid), &row,
		       c->is_archived ? 0 : c->history, stored, s);
	buf_fini(&b);
}

bool
live_keeps_messages(const struct live *l)
{
	const struct muc_config *c = &live_room(l)->config;

	return c->is_archived || (c->is_persistent && c->history > 0);
}

/* XEP-0313 6.1.2: a subject is said, too. */
static unsigned
save_subject(struct live *l, const struct entry *e, struct storing *s)
{
	save_row(l, NULL, e, NULL, s);
	if (!live_room(l)->config.is_archived)
		return 1;
	save_message(l, e, s);
	return 2;
}

/* Returns how many writes are on their way. */
static unsigned
save_config(struct live *l, const struct entry *e, struct storing *s)
{
	const char *jid = jid_str(l->jid);
	size_t len = 0;

	save_row(l, e, NULL, NULL, s);
	if (!e->payload)
		return 1;
	chunk_data(e->payload, &len);
	if (len)
		fragment_put(l->host->store, jid, ROOM_VCARD, ROOM_VCARD_KEY,
			     e->payload, 1, stored, s);
	else
		fragment_remove(l->host->store, jid, ROOM_VCARD, ROOM_VCARD_KEY,
				stored, s);
	return 2;
}

/* What takes something back is kept, and its place (XEP-0424 4, 5). */
static unsigned
save_retraction(struct live *l, const struct entry *e, struct storing *s)
{
	struct buf b = { 0 };
	unsigned kind;

	if (!live_keeps_messages(l))
		return 0;
	save_message(l, e, s);
	if (!e->tombstone)
		return 1;
	kind = archived_tombstone(&b, e->tombstone);
	archive_replace(l->host->store, jid_str(l->jid), e->target, kind,
			b.data, b.len, stored, s);
	buf_fini(&b);
	return 2;
}

/* How many writes are on their way. */
static unsigned
save(struct live *l, const struct entry *e, struct storing *s)
{
	struct room_affiliation item;

	switch (e->type) {
	case ENTRY_AFFILIATION:
		item = affiliation_row(l, e);
		if (l->is_stored)
			room_set_affiliation(l->host->store, jid_str(l->jid),
					     &item, set_stored, s);
		else
			save_row(l, NULL, NULL, &item, s);
		l->is_stored = true;
		return 1;
	case ENTRY_MESSAGE:
		if (!e->archive_id || !live_keeps_messages(l))
			return 0;
		save_message(l, e, s);
		return 1;
	case ENTRY_RETRACT:
		return save_retraction(l, e, s);
	case ENTRY_SUBJECT:
		return save_subject(l, e, s);
	case ENTRY_CONFIG:
		return save_config(l, e, s);
	case ENTRY_DESTROY:
		rooms_delete(l->host->store, jid_str(l->jid), stored, s);
		return 1;
	default:
		return 0;
	}
}

bool
live_store(void *owner, struct entry *const *entries, size_t n)
{
	struct live *l = owner;
	struct storing *s = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!entry_is_lasting(entries[i]))
			continue;
		if (!s) {
			s = mem_zalloc(sizeof(*s));
			s->live = l;
		}
		s->n_left += save(l, entries[i], s);
	}
	if (!s)
		return false;
	if (!s->n_left) {
		free(s);
		return false;
	}
	l->n_storing++;
	return true;
}

/* ---- occupants of other servers ---- */

static void
put_occupant(struct live *l, const struct room_session *s)
{
	struct buf b = { 0 };
	struct room_occupant row = {
		.jid = jid_str(s->jid),
		.nick = s->occupant->nick,
		.occupant_id = s->occupant->id,
		.stamp_ms = l->host->server->clock->wall_ms,
		.role = s->occupant->role,
		.affiliation = s->occupant->affiliation,
	};
	size_t len;
	const char *payload;

	if (s->payload) {
		payload = chunk_data(s->payload, &len);
		buf_add(&b, payload, len);
		row.payload = b.data;
	}
	room_occupant_put(l->host->store, jid_str(l->jid), &row, NULL, NULL);
	buf_fini(&b);
}

static void
remove_occupant(struct live *l, const struct room_session *s)
{
	if (!s->owner)
		room_occupant_remove(l->host->store, jid_str(l->jid),
				     jid_str(s->jid), NULL, NULL);
}

static void
put_all(struct live *l, const struct occupant *o)
{
	list_each (n, &o->sessions) {
		if (!room_session_of(n)->owner)
			put_occupant(l, room_session_of(n));
	}
}

void
live_store_occupant(struct live *l, const struct room_change *c)
{
	switch (c->entry->type) {
	case ENTRY_JOIN:
	case ENTRY_PRESENCE:
		if (!c->session->owner && !c->is_same)
			put_occupant(l, c->session);
		return;
	case ENTRY_NICK:
	case ENTRY_ROLE:
		put_all(l, c->occupant);
		return;
	case ENTRY_LEAVE:
		if (!c->is_last) {
			remove_occupant(l, c->session);
			return;
		}
		list_each (n, &c->occupant->sessions)
			remove_occupant(l, room_session_of(n));
		return;
	default:
		return;
	}
}
