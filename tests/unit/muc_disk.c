/* muc_disk.c - what of a room is on disk. */

#include "muc_disk.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static bool
is_wanted(const struct muc_config *c, const struct entry *e)
{
	if (e->type != ENTRY_MESSAGE && e->type != ENTRY_RETRACT)
		return entry_is_lasting(e);
	return e->archive_id &&
	       (c->is_archived || (c->is_persistent && c->history > 0));
}

bool
disk_wants(const struct muc_config *config, struct entry *const *entries,
	   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_wanted(config, entries[i]))
			return true;
	}
	return false;
}

static void
archive_cut(struct play_disk *d, size_t at)
{
	entry_unref(&d->archive[at]);
	d->n_archive--;
	memmove(d->archive + at, d->archive + at + 1,
		(d->n_archive - at) * sizeof(struct entry *));
}

static void
archive_add(struct play_disk *d, struct entry *e)
{
	if (d->n_archive == d->cap_archive) {
		d->cap_archive = d->cap_archive ? d->cap_archive * 2 : 8;
		d->archive = mem_realloc(
			d->archive, d->cap_archive * sizeof(struct entry *));
	}
	d->archive[d->n_archive++] = entry_ref(e);
	while (!d->config.is_archived &&
	       d->n_archive > (size_t)d->config.history)
		archive_cut(d, 0);
}

static void
archive_drop(struct play_disk *d, int64_t id)
{
	for (size_t i = 0; i < d->n_archive; i++) {
		if (d->archive[i]->archive_id == id) {
			archive_cut(d, i);
			return;
		}
	}
}

static void
set_config(struct play_disk *d, const struct muc_config *c)
{
	muc_config_fini(&d->config);
	muc_config_copy(&d->config, c);
}

void
disk_remove_room(struct play_disk *d)
{
	while (d->n_archive)
		archive_cut(d, d->n_archive - 1);
	free(d->archive);
	entry_unref(&d->subject);
	affiliations_fini(&d->lists);
	if (d->has_room)
		muc_config_fini(&d->config);
	*d = (struct play_disk){ 0 };
}

static void
write_one(struct play_disk *d, struct entry *e, int64_t last_id)
{
	/* Only what saves the room's row saves that. */
	if (e->type == ENTRY_SUBJECT || e->type == ENTRY_CONFIG)
		d->last_id = last_id;
	switch (e->type) {
	case ENTRY_AFFILIATION:
		affiliations_set(&d->lists, e->jid, e->affiliation, e->nick,
				 e->reason);
		return;
	case ENTRY_SUBJECT:
		entry_unref(&d->subject);
		d->subject = entry_ref(e);
		return;
	case ENTRY_CONFIG:
		set_config(d, e->config);
		d->is_locked = false;
		return;
	case ENTRY_MESSAGE:
		archive_add(d, e);
		return;
	case ENTRY_RETRACT:
		archive_drop(d, e->target);
		archive_add(d, e);
		return;
	case ENTRY_DESTROY:
		disk_remove_room(d);
		return;
	default:
		return;
	}
}

void
disk_write(struct play_disk *d, struct entry *const *entries, size_t n,
	   int64_t last_id)
{
	if (!d->has_room) {
		affiliations_init(&d->lists);
		muc_config_init(&d->config, PRESET_TEMPORARY);
		d->has_room = d->is_locked = true;
	}
	for (size_t i = 0; i < n; i++)
		write_one(d, entries[i], last_id);
}

struct stanza *
disk_find(const struct play_disk *d, int64_t id)
{
	const struct entry *e = NULL;
	struct stanza *s;
	struct xml *x;

	for (size_t i = 0; i < d->n_archive; i++) {
		if (d->archive[i]->archive_id == id)
			e = d->archive[i];
	}
	if (!e || e->type != ENTRY_MESSAGE)
		return NULL;
	s = stanza_new(STANZA_MESSAGE, TYPE_GROUPCHAT, NULL, NULL, NULL);
	xml_add_text(s->arena, s->root, "body", NULL, "Hello");
	if (e->occupant_id) {
		x = xml_add(s->arena, s->root, "occupant-id", NS_OCCUPANT_ID);
		xml_set(s->arena, x, "id", e->occupant_id);
	}
	return s;
}

/* ---- guests ---- */

static int
compare(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;
	int order = strcmp((*x)->nick, (*y)->nick);

	return order ? order : strcmp(jid_str((*x)->jid), jid_str((*y)->jid));
}

static void
add_guest(struct disk_guests *g, const struct occupant *o,
	  const struct room_session *s)
{
	g->joins = mem_realloc(g->joins, (g->n + 1) * sizeof(struct entry *));
	g->joins[g->n++] = entry_new(&(struct entry){
		.type = ENTRY_JOIN,
		.jid = s->jid,
		.nick = o->nick,
		.occupant_id = o->id,
		.payload = s->payload,
		.role = o->role,
		.affiliation = o->affiliation,
	});
}

void
disk_save_guests(struct disk_guests *g, const struct room *r,
		 bool (*is_remote)(const struct jid *user))
{
	list_each (n, &r->occupants) {
		const struct occupant *o = occupant_of(n);

		if (!is_remote || !is_remote(o->bare))
			continue;
		list_each (k, &o->sessions)
			add_guest(g, o, room_session_of(k));
	}
	if (g->n)
		qsort(g->joins, g->n, sizeof(struct entry *), compare);
}

void
disk_guests_fini(struct disk_guests *g)
{
	for (size_t i = 0; i < g->n; i++)
		entry_unref(&g->joins[i]);
	free(g->joins);
}

/* ---- reading ---- */

static void
apply(struct room *r, const struct entry *from)
{
	struct entry *e = entry_new(from);

	e->seq = 0;
	if (room_can_apply(r, e))
		room_apply(r, e, NULL);
	entry_unref(&e);
}

static void
read_config(struct room *r, const struct muc_config *c)
{
	struct buf b = { 0 };

	muc_config_to_text(c, &b);
	muc_config_from_text(&r->config, b.data ? b.data : "", b.len, NULL);
	buf_fini(&b);
}

static void
read_archive(struct room *r, const struct play_disk *d)
{
	size_t n = (size_t)r->config.history;

	for (size_t i = n < d->n_archive ? d->n_archive - n : 0;
	     i < d->n_archive; i++)
		apply(r, &(struct entry){
				 .type = ENTRY_MESSAGE,
				 .stamp_ms = d->archive[i]->stamp_ms,
				 .archive_id = d->archive[i]->archive_id,
				 .nick = d->archive[i]->nick,
				 .occupant_id = d->archive[i]->occupant_id,
				 .payload = d->archive[i]->payload,
			 });
}

struct room *
disk_restore(const struct play_disk *d, struct jid *room,
	     const struct disk_guests *guests)
{
	struct room *r;

	/* ghosts_start: those that end with their last occupant have ended,
	 * and those that nobody can configure any more. */
	if (!d->has_room ||
	    ((!d->config.is_persistent || d->is_locked) && !guests->n))
		return NULL;
	r = room_new(room, 0);
	read_config(r, &d->config);
	r->last_archive_id = d->last_id;
	if (d->n_archive &&
	    d->archive[d->n_archive - 1]->archive_id > r->last_archive_id)
		r->last_archive_id = d->archive[d->n_archive - 1]->archive_id;
	if (d->subject)
		apply(r, &(struct entry){ .type = ENTRY_SUBJECT,
					  .stamp_ms = d->subject->stamp_ms,
					  .nick = d->subject->nick,
					  .payload = d->subject->payload });
	affiliations_each (item, &d->lists)
		affiliations_set(&r->affiliations, item->jid, item->affiliation,
				 item->nick, item->reason);
	r->is_locked = d->is_locked;
	for (size_t i = 0; i < guests->n; i++)
		apply(r, guests->joins[i]);
	read_archive(r, d);
	return r;
}
