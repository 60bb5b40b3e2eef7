/* commands_room_show.c - room show: a room of ours, who is in it, and the
 * servers that have a copy of it. */

#include "admin/commands_room.h"
#include "admin/json.h"
#include "base/buf.h"
#include "core/command.h"
#include "core/s2s.h"
#include "core/server.h"
#include "modules/muc/administration.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <string.h>

/* ---- the queue for a server ---- */

struct queue {
	const char *domain;
	size_t n;
};

static void
add_stream(void *data, const struct s2s_info *info)
{
	struct queue *q = data;

	if ((info->is_out || info->is_bidi) && !strcmp(info->remote, q->domain))
		q->n += info->n_queued;
}

static void
add_lost(void *data, const struct s2s_lost *lost)
{
	struct queue *q = data;

	if (!strcmp(lost->domain, q->domain))
		q->n += lost->n_queued;
}

/* Stanzas that wait for a way there, of this room and of all else. */
static size_t
queue_to(struct server *srv, const char *domain)
{
	struct queue q = { domain, 0 };

	s2s_each(srv, add_stream, &q);
	s2s_each_lost(srv, add_lost, &q);
	return q.n;
}

static int64_t
saved_by(const struct muc_peer *p)
{
	return (int64_t)(p->n_bytes_instead_of - p->n_bytes);
}

static bool
was_asked_only(const struct muc_peer *p)
{
	return !p->n_stanzas && !p->n_instead_of && !p->is_lost;
}

static const char *
master_of(const struct muc_shown *room)
{
	return strchr(room->room.jid, '@') + 1;
}

/* ---- text ---- */

static void
occupant_text(struct buf *out, const struct muc_occupant *o)
{
	buf_printf(out, "  %s  %s, %s ", o->nick,
		   affiliation_name(o->affiliation), role_name(o->role));
	for (const char *const *jid = o->jids; *jid; jid++)
		buf_printf(out, " %s", *jid);
	buf_addc(out, '\n');
}

static void
peer_text(struct buf *out, const struct muc_peer *p, size_t n_queued)
{
	if (was_asked_only(p)) {
		buf_printf(out, "  %s  %s\n", p->domain, p->state);
		return;
	}
	buf_printf(out,
		   "  %s  %s%s%s for %" PRId64 " s, at %" PRIu64 ", %" PRIu64
		   " behind, %zu in its queue, %zu in it, ",
		   p->domain, p->state, p->via ? " by " : "",
		   p->via ? p->via : "", p->since_s, p->acked, p->n_behind,
		   n_queued, p->n_sessions);
	buf_count(out, p->n_stanzas, "stanza", "stanzas");
	buf_printf(out,
		   " in place of %" PRIu64 ", %" PRIu64
		   " bytes in place of about %" PRIu64 ": %" PRId64 " saved\n",
		   p->n_instead_of, p->n_bytes, p->n_bytes_instead_of,
		   saved_by(p));
}

static void
room_text(struct command_call *call, const struct muc_shown *room)
{
	struct buf *out = &call->out;

	command_room_text(out, &room->room);
	if (room->desc)
		buf_printf(out, "description: %s\n", room->desc);
	buf_adds(out, "owners:");
	for (const char *const *jid = room->owners; *jid; jid++)
		buf_printf(out, " %s", *jid);
	buf_addc(out, '\n');
	if (room->n_peers)
		buf_printf(out,
			   "copies, of epoch %s at %" PRIu64
			   "; the master is %s:\n",
			   room->epoch, room->seq, master_of(room));
	for (size_t i = 0; i < room->n_peers; i++)
		peer_text(out, &room->peers[i],
			  queue_to(call->server, room->peers[i].domain));
	for (size_t i = 0; i < room->n_occupants; i++)
		occupant_text(out, &room->occupants[i]);
}

/* ---- JSON ---- */

static void
strings_json(struct buf *out, const char *const *texts)
{
	buf_addc(out, '[');
	for (const char *const *text = texts; *text; text++) {
		if (text != texts)
			buf_addc(out, ',');
		json_string(out, *text);
	}
	buf_addc(out, ']');
}

static void
or_null_json(struct buf *out, const char *text)
{
	if (text)
		json_string(out, text);
	else
		buf_adds(out, "null");
}

static void
peer_json(struct buf *out, const struct muc_peer *p, size_t n_queued)
{
	buf_adds(out, "{\"domain\":");
	json_string(out, p->domain);
	buf_printf(out, ",\"state\":\"%s\",\"since_s\":%" PRId64 ",\"via\":",
		   p->state, p->since_s);
	or_null_json(out, p->via);
	buf_printf(out,
		   ",\"acknowledged\":%" PRIu64 ",\"behind\":%" PRIu64
		   ",\"queued\":%zu,\"users\":%zu,\"stanzas\":%" PRIu64
		   ",\"instead_of\":%" PRIu64 ",\"bytes\":%" PRIu64
		   ",\"bytes_instead_of\":%" PRIu64 ",\"bytes_saved\":%" PRId64
		   "}",
		   p->acked, p->n_behind, n_queued, p->n_sessions, p->n_stanzas,
		   p->n_instead_of, p->n_bytes, p->n_bytes_instead_of,
		   saved_by(p));
}

static void
occupant_json(struct buf *out, const struct muc_occupant *o)
{
	buf_adds(out, "{\"nick\":");
	json_string(out, o->nick);
	buf_printf(out, ",\"affiliation\":\"%s\",\"role\":\"%s\",\"jids\":",
		   affiliation_name(o->affiliation), role_name(o->role));
	strings_json(out, o->jids);
	buf_addc(out, '}');
}

static void
show_json(struct command_call *call, const struct muc_shown *room)
{
	struct buf *out = &call->out;

	command_room_json(out, &room->room);
	buf_adds(out, ",\"description\":");
	or_null_json(out, room->desc);
	buf_adds(out, ",\"owners\":");
	strings_json(out, room->owners);
	buf_adds(out, ",\"master\":");
	json_string(out, master_of(room));
	buf_adds(out, ",\"epoch\":");
	json_string(out, room->epoch);
	buf_printf(out, ",\"seq\":%" PRIu64 ",\"peers\":[", room->seq);
	for (size_t i = 0; i < room->n_peers; i++) {
		buf_adds(out, i ? "," : "");
		peer_json(out, &room->peers[i],
			  queue_to(call->server, room->peers[i].domain));
	}
	buf_adds(out, "],\"in_it\":[");
	for (size_t i = 0; i < room->n_occupants; i++) {
		buf_adds(out, i ? "," : "");
		occupant_json(out, &room->occupants[i]);
	}
	buf_adds(out, "]}\n");
}

/* ---- the command ---- */

static void
shown(void *data, const struct muc_shown *room)
{
	struct command_call *call = data;

	if (room->cond) {
		command_room_fail(call, room->cond);
		return;
	}
	if (call->json)
		show_json(call, room);
	else
		room_text(call, room);
	command_end(call, COMMAND_DONE);
}

void
command_room_show(struct command_call *call)
{
	struct muc_service *s;
	struct jid *room;

	if (command_show_copy(call))
		return;
	room = command_room(call, &s);
	if (room)
		muc_show(s, room, shown, call);
	jid_unref(&room);
}
