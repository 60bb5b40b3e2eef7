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

void
command_room_text(struct buf *out, const struct muc_seen *r)
{
	buf_printf(out, "%s  %s, %s  %zu in it  %s\n", r->jid,
		   r->is_public ? "public" : "hidden",
		   r->is_persistent ? "persistent" : "temporary",
		   r->n_occupants, r->name ? r->name : "-");
}

void
command_room_json(struct buf *out, const struct muc_seen *r)
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
		   "\"created\":%" PRId64,
		   r->is_public ? "true" : "false",
		   r->is_persistent ? "true" : "false", r->n_occupants,
		   r->created_ms / 1000);
}

static void
list_json(struct buf *out, const struct muc_seen *r)
{
	command_room_json(out, r);
	buf_adds(out, "}\n");
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
			list_json(&call->out, &res->rooms[i]);
		else
			command_room_text(&call->out, &res->rooms[i]);
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
run_show(struct command_call *call)
{
	if (call->argc == 1)
		command_room_show(call);
	else
		command_misused(call, &room_commands[SHOW]);
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
		.usage = "ROOM [--json]",
		.doc = "Show a room, its owners, and who is in it: nickname, "
		       "affiliation, role and addresses. Of a room of which "
		       "other servers have copies: the position in its log, "
		       "and each server with the position that it has "
		       "acknowledged, what is in the queue for that server, "
		       "its users in the room, and the stanzas and bytes that "
		       "it was sent and that it saves. Of a room of another "
		       "server: the copy that is here.",
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
