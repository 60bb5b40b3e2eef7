/* restore.c - a room as it is in the database. */

#include "modules/muc/restore.h"

#include "base/chunk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/server.h"
#include "modules/muc/archived.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "storage/archive.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

struct restore {
	struct server *server;
	struct room *room; /* owned */
	restore_done *done;
	void *data;
};

static void
finish(struct restore *x, enum stanza_cond cond)
{
	if (cond) {
		room_free(x->room);
		x->room = NULL;
	}
	x->done(x->data, x->room, cond);
	free(x);
}

static void
apply(struct room *r, const struct entry *from)
{
	struct entry *e = entry_new(from);

	if (room_can_apply(r, e))
		room_apply(r, e, NULL);
	entry_unref(&e);
}

/* ---- history ---- */

static void
add_message(struct room *r, const struct archive_row *row)
{
	struct chunk *payload = archived_payload(row);
	char author[OCCUPANT_ID_LEN + 1];
	bool has_author;

	if (!payload)
		return;
	/* What the room itself says has none. */
	has_author =
		row->peer && archived_author(payload, author, sizeof(author));
	apply(r, &(struct entry){
			 .type = ENTRY_MESSAGE,
			 .stamp_ms = row->stamp_ms,
			 .archive_id = row->id,
			 .nick = row->peer,
			 .occupant_id = has_author ? author : NULL,
			 .payload = payload,
			 .has_body = row->kind & ARCHIVED_BODY,
		 });
	chunk_unref(&payload);
}

static void
history_read(void *data, const struct archive_result *res)
{
	struct restore *x = data;

	if (res->res.status != STORE_OK) {
		finish(x, COND_INTERNAL_SERVER_ERROR);
		return;
	}
	for (size_t i = 0; i < res->n_rows; i++)
		add_message(x->room, &res->rows[i]);
	finish(x, COND_NONE);
}

static void
read_history(struct restore *x)
{
	struct room *r = x->room;

	if (!r->config.history) {
		finish(x, COND_NONE);
		return;
	}
	archive_last(x->server->store, jid_str(r->jid), ARCHIVED_HISTORY,
		     (size_t)r->config.history, history_read, x);
}

/* ---- what has changed in its lists ---- */

static void
add_change(struct room *r, const struct room_affiliation *item)
{
	struct jid *jid = jid_parse(item->jid);

	if (jid)
		versions_add(&r->versions, item->changed, jid,
			     (enum affiliation)item->affiliation);
	jid_unref(&jid);
}

static void
changes_read(void *data, const struct room_changes *res)
{
	struct restore *x = data;
	struct room *r = x->room;
	int64_t now = r->versions.now;

	if (res->res.status != STORE_OK) {
		finish(x, COND_INTERNAL_SERVER_ERROR);
		return;
	}
	if (!res->is_full && res->version == now) {
		versions_restore(&r->versions, now,
				 now > VERSIONS_KEPT ? now - VERSIONS_KEPT : 1);
		for (size_t i = 0; i < res->n_items; i++)
			add_change(r, &res->items[i]);
	}
	read_history(x);
}

/* ---- the room ---- */

static void
add_config(struct restore *x, const struct room_row *row)
{
	struct err err = { 0 };

	if (muc_config_from_text(&x->room->config, row->config,
				 strlen(row->config), &err) < 0)
		log_warn(&x->server->log, "room %s: option ignored: %s",
			 row->jid, err.text);
}

static void
add_subject(struct room *r, const struct room_row *row)
{
	struct chunk *payload;

	if (!row->subject)
		return;
	payload = chunk_copy(row->subject, strlen(row->subject));
	apply(r, &(struct entry){
			 .type = ENTRY_SUBJECT,
			 .stamp_ms = row->subject_ms,
			 .nick = row->subject_from,
			 .payload = payload,
		 });
	chunk_unref(&payload);
}

static void
add_affiliation(struct room *r, const struct room_affiliation *item)
{
	struct jid *jid = jid_parse(item->jid);

	if (jid)
		affiliations_set(&r->affiliations, jid,
				 (enum affiliation)item->affiliation,
				 item->nick, item->reason);
	jid_unref(&jid);
}

static void
add_occupant(struct room *r, const struct room_occupant *o)
{
	struct jid *jid = jid_parse(o->jid);
	struct chunk *payload = NULL;

	if (!jid)
		return;
	if (o->payload)
		payload = chunk_copy(o->payload, strlen(o->payload));
	apply(r, &(struct entry){
			 .type = ENTRY_JOIN,
			 .stamp_ms = o->stamp_ms,
			 .jid = jid,
			 .nick = o->nick,
			 .occupant_id = o->occupant_id,
			 .payload = payload,
			 .affiliation = (enum affiliation)o->affiliation,
			 .role = (enum role)o->role,
		 });
	chunk_unref(&payload);
	jid_unref(&jid);
}

static void
room_read(void *data, const struct room_result *res)
{
	struct restore *x = data;
	struct room *r = x->room;

	if (res->res.status == STORE_NOT_FOUND) {
		room_free(r);
		x->room = NULL;
		finish(x, COND_NONE);
		return;
	}
	if (res->res.status != STORE_OK) {
		finish(x, COND_INTERNAL_SERVER_ERROR);
		return;
	}
	add_config(x, res->row);
	r->created_ms = res->row->created_ms;
	r->last_archive_id = res->row->last_id;
	r->is_locked = res->row->is_locked;
	add_subject(r, res->row);
	for (size_t i = 0; i < res->n_affiliations; i++)
		add_affiliation(r, &res->affiliations[i]);
	for (size_t i = 0; i < res->n_occupants; i++)
		add_occupant(r, &res->occupants[i]);
	r->versions.now = r->versions.floor = res->version;
	if (res->version > 1)
		room_affiliations_since(x->server->store, jid_str(r->jid),
					res->version > VERSIONS_KEPT
						? res->version - VERSIONS_KEPT
						: 1,
					changes_read, x);
	else
		read_history(x);
}

void
restore_room(struct server *srv, struct jid *jid, restore_done *done,
	     void *data)
{
	struct restore *x = mem_zalloc(sizeof(*x));

	x->server = srv;
	x->room = room_new(jid, 0);
	x->done = done;
	x->data = data;
	rooms_load(srv->store, jid_str(jid), room_read, x);
}
