/* commands_room.c - rooms: room list, room show, room delete. */

#include "admin/commands_room.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/administration.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LIST, SHOW, DELETE };

/* Rooms read at once. */
#define PAGE 500

/* ---- list ---- */

struct listing {
	struct command_call *call;   /* borrowed */
	struct muc_service *service; /* borrowed: the one under way */
	bool is_only;		     /* no other service is wanted */
	size_t n;
};

static void
room_text(struct buf *out, const struct muc_seen *r)
{
	buf_printf(out, "%s  %s, %s  %zu in it  %s\n", r->jid,
		   r->is_public ? "public" : "hidden",
		   r->is_persistent ? "persistent" : "temporary",
		   r->n_occupants, r->name ? r->name : "-");
}

static void
room_json(struct buf *out, const struct muc_seen *r)
{
	buf_adds(out, "{\"jid\":");
	json_string(out, r->jid);
	buf_adds(out, ",\"name\":");
	if (r->name)
		json_string(out, r->name);
	else
		buf_adds(out, "null");
	buf_printf(out,
		   ",\"public\":%s,\"persistent\":%s,\"occupants\":%zu,"
		   "\"created\":%" PRId64 "}\n",
		   r->is_public ? "true" : "false",
		   r->is_persistent ? "true" : "false", r->n_occupants,
		   r->created_ms / 1000);
}

static void
end_list(struct listing *l)
{
	struct command_call *call = l->call;

	if (!l->n && !call->json)
		buf_adds(&call->out, "no rooms\n");
	free(l);
	command_end(call, COMMAND_DONE);
}

static void
listed(void *data, const struct muc_rooms *res)
{
	struct listing *l = data;
	struct command_call *call = l->call;

	if (res->is_failed) {
		free(l);
		command_fail(call, "the rooms could not be read; the log says "
				   "why");
		return;
	}
	for (size_t i = 0; i < res->n; i++) {
		if (call->json)
			room_json(&call->out, &res->rooms[i]);
		else
			room_text(&call->out, &res->rooms[i]);
	}
	l->n += res->n;
	if (!res->is_complete && res->n) {
		muc_list(l->service, res->rooms[res->n - 1].jid, PAGE, listed,
			 l);
		return;
	}
	l->service =
		l->is_only ? NULL : muc_service_next(call->server, l->service);
	if (l->service)
		muc_list(l->service, NULL, PAGE, listed, l);
	else
		end_list(l);
}

/* A host, perhaps, whose rooms are at another name. */
static void
no_rooms_there(struct command_call *call, const struct jid *jid)
{
	struct host *h =
		jid && jid_is_domain(jid) ? host_of(call->server, jid) : NULL;
	const struct muc_service *s = h ? muc_service_of_host(h) : NULL;

	if (s)
		command_fail(call,
			     "%s is not a domain with rooms; its rooms are at "
			     "%s",
			     call->argv[0], muc_service_domain(s));
	else
		command_fail(call, "%s is not a domain with rooms",
			     call->argv[0]);
}

static void
run_list(struct command_call *call)
{
	struct listing *l;
	struct muc_service *s;
	struct jid *jid;

	if (call->argc > 1) {
		command_misused(call, &room_commands[LIST]);
		return;
	}
	jid = call->argc ? jid_parse(call->argv[0]) : NULL;
	s = jid ? muc_service_find(call->server, jid)
		: muc_service_next(call->server, NULL);
	if (call->argc && (!s || !jid_is_domain(jid))) {
		no_rooms_there(call, jid);
		jid_unref(&jid);
		return;
	}
	jid_unref(&jid);
	l = mem_zalloc(sizeof(*l));
	*l = (struct listing){ call, s, call->argc == 1, 0 };
	if (s)
		muc_list(s, NULL, PAGE, listed, l);
	else
		end_list(l);
}

/* ---- which one ---- */

struct jid *
command_room(struct command_call *call, struct muc_service **s_out)
{
	struct jid *jid = jid_parse(call->argv[0]);

	*s_out = jid ? muc_service_find(call->server, jid) : NULL;
	if (*s_out && jid_local(jid) && jid_is_bare(jid))
		return jid;
	jid_unref(&jid);
	command_fail(call, "%s is not an address of a room here",
		     call->argv[0]);
	return NULL;
}

void
command_room_fail(struct command_call *call, enum stanza_cond cond)
{
	if (cond == COND_ITEM_NOT_FOUND)
		command_fail(call, "there is no room %s", call->argv[0]);
	else
		command_fail(call, "%s: %s", call->argv[0],
			     stanza_cond_name(cond));
}

/* ---- show ---- */

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
peer_text(struct buf *out, const struct muc_peer *p)
{
	if (!p->n_stanzas && !p->is_lost) {
		buf_printf(out, "  %s  %s\n", p->domain, p->state);
		return;
	}
	buf_printf(out,
		   "  %s  %s%s%s for %" PRId64 " s, at %" PRIu64 ", %" PRIu64
		   " behind, %zu in it, %" PRIu64 " stanzas (%" PRIu64
		   " bytes) in place of %" PRIu64 "\n",
		   p->domain, p->state, p->via ? " by " : "",
		   p->via ? p->via : "", p->since_s, p->acked, p->n_behind,
		   p->n_sessions, p->n_stanzas, p->n_bytes, p->n_instead_of);
}

static void
copies_text(struct buf *out, const struct muc_shown *room)
{
	buf_printf(out, "copies, of epoch %s at %" PRIu64 ":\n", room->epoch,
		   room->seq);
	for (size_t i = 0; i < room->n_peers; i++)
		peer_text(out, &room->peers[i]);
}

static void
shown(void *data, const struct muc_shown *room)
{
	struct command_call *call = data;
	struct buf *out = &call->out;

	if (room->cond) {
		command_room_fail(call, room->cond);
		return;
	}
	room_text(out, &room->room);
	if (room->desc)
		buf_printf(out, "description: %s\n", room->desc);
	buf_adds(out, "owners:");
	for (const char *const *jid = room->owners; *jid; jid++)
		buf_printf(out, " %s", *jid);
	buf_addc(out, '\n');
	if (room->n_peers)
		copies_text(out, room);
	for (size_t i = 0; i < room->n_occupants; i++)
		occupant_text(out, &room->occupants[i]);
	command_end(call, COMMAND_DONE);
}

static void
run_show(struct command_call *call)
{
	struct muc_service *s;
	struct jid *room;

	if (call->argc != 1) {
		command_misused(call, &room_commands[SHOW]);
		return;
	}
	if (command_show_copy(call))
		return;
	room = command_room(call, &s);
	if (room)
		muc_show(s, room, shown, call);
	jid_unref(&room);
}

/* ---- delete ---- */

static void
deleted(void *data, enum stanza_cond cond)
{
	struct command_call *call = data;

	if (cond)
		command_room_fail(call, cond);
	else
		command_end(call, COMMAND_DONE);
}

static void
run_delete(struct command_call *call)
{
	bool has_reason = call->argc == 3 && !strcmp(call->argv[1], "--reason");
	struct muc_service *s;
	struct jid *room;

	if (call->argc != 1 && !has_reason) {
		command_misused(call, &room_commands[DELETE]);
		return;
	}
	room = command_room(call, &s);
	if (room)
		muc_delete(s, room, has_reason ? call->argv[2] : NULL, NULL,
			   deleted, call);
	jid_unref(&room);
}

const struct command room_commands[] = {
	[LIST] = {
		.name = "room list",
		.usage = "[DOMAIN] [--json]",
		.doc = "List the rooms, of all domains or one of them. Of each: "
		       "whether it is listed for everybody and stays when "
		       "nobody is in it, how many are in it, and its name.",
		.example = "banyan room list rooms.example.org",
		.needs_running = true,
		.run = run_list,
	},
	[SHOW] = {
		.name = "room show",
		.usage = "ROOM",
		.doc = "Show a room, its owners, and who is in it: nickname, "
		       "affiliation, role and addresses. Of a room of which "
		       "other servers have copies: the position in its log, "
		       "and each server with the position that it has "
		       "acknowledged, its users in the room, and what it was "
		       "sent, in place of how many stanzas. Of a room of "
		       "another server: the copy that is here.",
		.example = "banyan room show den@rooms.example.org",
		.min_words = 1,
		.needs_running = true,
		.run = run_show,
	},
	[DELETE] = {
		.name = "room delete",
		.usage = "ROOM [--reason TEXT]",
		.doc = "Delete a room with all that was said in it. Who is in "
		       "it is told, with the reason.",
		.example = "banyan room delete den@rooms.example.org",
		.min_words = 1,
		.needs_running = true,
		.run = run_delete,
	},
	{ 0 }
};
