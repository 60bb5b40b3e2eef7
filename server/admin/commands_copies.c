/* commands_copies.c - distributed rooms: room copies, room tree, room drain. */

#include "admin/commands.h"
#include "admin/commands_room.h"
#include "admin/json.h"
#include "base/arena.h"
#include "core/server.h"
#include "modules/muc/administration.h"
#include "modules/muc/copies.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES, TREE, DRAIN };

/* ---- copies ---- */

struct gathered {
	struct arena *arena; /* owned; the texts are its */
	struct copy_seen *all;
	size_t n, cap;
};

static void
gather(void *data, const struct copy_seen *seen)
{
	struct gathered *g = data;
	struct copy_seen *more;

	if (g->n == g->cap) {
		g->cap = 2 * g->cap + 16;
		more = arena_alloc(g->arena, g->cap * sizeof(*more));
		if (g->n)
			memcpy(more, g->all, g->n * sizeof(*more));
		g->all = more;
	}
	more = &g->all[g->n++];
	*more = *seen;
	more->room = arena_strdup(g->arena, seen->room);
	more->host = arena_strdup(g->arena, seen->host);
	more->epoch = arena_strdup(g->arena, seen->epoch);
	more->path = arena_strdup(g->arena, seen->path);
}

static int
by_room(const void *a, const void *b)
{
	const struct copy_seen *x = a, *y = b;
	int order = strcmp(x->room, y->room);

	return order ? order : strcmp(x->host, y->host);
}

/* room NULL: all. */
static struct gathered
gather_copies(struct server *srv, const struct jid *room)
{
	struct gathered g = { arena_new(), NULL, 0, 0 };

	copies_each(srv, room, gather, &g);
	if (g.n)
		qsort(g.all, g.n, sizeof(*g.all), by_room);
	return g;
}

static void
copy_text(struct buf *out, const struct copy_seen *c)
{
	buf_printf(out, "%s  copy for %s, %s for %" PRId64 " s, at %s %" PRIu64,
		   c->room, c->host, c->state, c->since_s,
		   *c->epoch ? c->epoch : "-", c->seq);
	if (c->n_behind < 0)
		buf_adds(out, ", of another epoch than the room");
	else
		buf_printf(out, ", %" PRId64 " behind", c->n_behind);
	buf_printf(out, ", %zu of ours, %zu in it, %zu waiting", c->n_users,
		   c->n_occupants, c->n_waiting);
	if (*c->path)
		buf_printf(out, ", by %s", c->path);
	if (c->n_below)
		buf_printf(out, ", relay for %zu", c->n_below);
	buf_addc(out, '\n');
}

static void
copy_json(struct buf *out, const struct copy_seen *c)
{
	buf_adds(out, "{\"jid\":");
	json_string(out, c->room);
	buf_adds(out, ",\"host\":");
	json_string(out, c->host);
	buf_printf(out, ",\"state\":\"%s\",\"since_s\":%" PRId64 ",\"epoch\":",
		   c->state, c->since_s);
	json_string(out, c->epoch);
	buf_printf(out, ",\"seq\":%" PRIu64 ",\"behind\":", c->seq);
	if (c->n_behind < 0)
		buf_adds(out, "null");
	else
		buf_printf(out, "%" PRId64, c->n_behind);
	buf_printf(out,
		   ",\"users\":%zu,\"occupants\":%zu,"
		   "\"waiting\":%zu,\"below\":%zu,\"path\":",
		   c->n_users, c->n_occupants, c->n_waiting, c->n_below);
	json_string(out, c->path);
	buf_adds(out, "}\n");
}

static void
run_copies(struct command_call *call)
{
	struct gathered g;

	if (call->argc) {
		command_misused(call, &copy_commands[COPIES]);
		return;
	}
	g = gather_copies(call->server, NULL);
	for (size_t i = 0; i < g.n; i++) {
		if (call->json)
			copy_json(&call->out, &g.all[i]);
		else
			copy_text(&call->out, &g.all[i]);
	}
	if (!g.n && !call->json)
		buf_adds(&call->out, "no copies\n");
	arena_unref(&g.arena);
	command_end(call, COMMAND_DONE);
}

/* Of the room that the first word names. */
static struct gathered
copies_of(struct command_call *call)
{
	struct jid *jid = jid_parse(call->argv[0]);
	struct gathered none = { arena_new(), NULL, 0, 0 }, found = none;

	if (jid && jid_local(jid) && jid_is_bare(jid)) {
		arena_unref(&none.arena);
		found = gather_copies(call->server, jid);
	}
	jid_unref(&jid);
	return found;
}

bool
command_show_copy(struct command_call *call)
{
	struct gathered g = copies_of(call);
	bool any = g.n > 0;

	for (size_t i = 0; i < g.n; i++) {
		if (call->json)
			copy_json(&call->out, &g.all[i]);
		else
			copy_text(&call->out, &g.all[i]);
	}
	arena_unref(&g.arena);
	if (any)
		command_end(call, COMMAND_DONE);
	return any;
}

/* ---- tree ---- */

/* One line between two servers. */
struct branch {
	const char *from, *to, *state;
	unsigned depth; /* below the master: 1 */
	uint64_t seq;
	size_t n_users;
	bool is_broken;
};

static bool
wants_dot(const struct command_call *call)
{
	return call->argc == 2 && !strcmp(call->argv[1], "--dot");
}

static void
begin_tree(struct command_call *call, const char *master)
{
	if (wants_dot(call))
		buf_printf(&call->out, "digraph \"%s\" {\n\t\"%s\";\n",
			   call->argv[0], master);
	else
		buf_printf(&call->out, "%s\n", master);
}

/* Neither a domain nor an address of a room has a quotation mark. */
static void
add_branch(struct command_call *call, const struct branch *b)
{
	if (wants_dot(call))
		buf_printf(&call->out,
			   "\t\"%s\" -> \"%s\" [label=\"%s, %" PRIu64
			   "\"%s];\n",
			   b->from, b->to, b->state, b->seq,
			   b->is_broken ? ", style=dashed" : "");
	else
		buf_printf(&call->out, "%*s%s  %s, at %" PRIu64 ", %zu in it\n",
			   2 * (int)b->depth, "", b->to, b->state, b->seq,
			   b->n_users);
}

static void
end_tree(struct command_call *call)
{
	if (wants_dot(call))
		buf_adds(&call->out, "}\n");
	command_end(call, COMMAND_DONE);
}

static bool
is_below(const struct muc_peer *p, const char *relay)
{
	return relay ? p->via && !strcmp(p->via, relay) : !p->via;
}

/* Those that get the room from this server, and what is below them. */
static void
add_peers(struct command_call *call, const struct muc_shown *room,
	  const char *master, const char *relay, unsigned depth)
{
	for (size_t i = 0; i < room->n_peers && depth <= room->n_peers; i++) {
		const struct muc_peer *p = &room->peers[i];

		if (!is_below(p, relay))
			continue;
		add_branch(call,
			   &(struct branch){ relay ? relay : master, p->domain,
					     p->state, depth, p->acked,
					     p->n_sessions, p->is_lost });
		add_peers(call, room, master, p->domain, depth + 1);
	}
}

static void
tree_of_master(void *data, const struct muc_shown *room)
{
	struct command_call *call = data;
	const char *at;

	if (room->cond) {
		command_room_fail(call, room->cond);
		return;
	}
	at = strchr(room->room.jid, '@') + 1;
	begin_tree(call, at);
	add_peers(call, room, at, NULL, 1);
	end_tree(call);
}

/* Behind the relays on its way. */
static void
add_copy(struct command_call *call, const char *master,
	 const struct copy_seen *c)
{
	const char *from = master, *at = c->path;
	struct arena *a = arena_new();
	unsigned depth = 1;

	while (*at) {
		size_t len = strcspn(at, " ");
		const char *relay = arena_strndup(a, at, len);

		if (wants_dot(call))
			buf_printf(&call->out, "\t\"%s\" -> \"%s\";\n", from,
				   relay);
		else
			buf_printf(&call->out, "%*s%s  relay\n", 2 * (int)depth,
				   "", relay);
		from = relay;
		depth++;
		at += len + (at[len] == ' ');
	}
	add_branch(call, &(struct branch){ from, c->host, c->state, depth,
					   c->seq, c->n_users, c->is_split });
	arena_unref(&a);
}

/* All that a copy knows: where it gets the room from. */
static bool
tree_of_copy(struct command_call *call)
{
	struct gathered g = copies_of(call);
	bool any = g.n > 0;

	for (size_t i = 0; i < g.n; i++) {
		const struct copy_seen *c = &g.all[i];
		const char *at = strchr(c->room, '@') + 1;

		if (i == 0)
			begin_tree(call, at);
		add_copy(call, at, c);
	}
	arena_unref(&g.arena);
	if (any)
		end_tree(call);
	return any;
}

static void
run_tree(struct command_call *call)
{
	struct muc_service *s;
	struct jid *room;

	if (call->argc != 1 && !wants_dot(call)) {
		command_misused(call, &copy_commands[TREE]);
		return;
	}
	if (tree_of_copy(call))
		return;
	room = command_room(call, &s);
	if (room)
		muc_show(s, room, tree_of_master, call);
	jid_unref(&room);
}

/* ---- drain ---- */

static void
drained(void *data, enum stanza_cond cond)
{
	struct command_call *call = data;

	if (cond == COND_NOT_ACCEPTABLE)
		command_fail(call, "%s has no copy of %s", call->argv[1],
			     call->argv[0]);
	else if (cond)
		command_room_fail(call, cond);
	else
		command_end(call, COMMAND_DONE);
}

static void
run_drain(struct command_call *call)
{
	struct jid *room = NULL, *domain;
	struct muc_service *s;

	if (call->argc != 2) {
		command_misused(call, &copy_commands[DRAIN]);
		return;
	}
	domain = jid_parse(call->argv[1]);
	if (!domain || !jid_is_domain(domain))
		command_fail(call, "%s is not a domain", call->argv[1]);
	else
		room = command_room(call, &s);
	if (room)
		muc_drain(s, room, domain, drained, call);
	jid_unref(&room);
	jid_unref(&domain);
}

const struct command copy_commands[] = {
	[COPIES] = {
		.name = "room copies",
		.usage = "[--json]",
		.doc = "List the copies that this server has of other servers' "
		       "rooms, for its own users: for which host, whether it "
		       "is current, behind, or split (there is no way to the "
		       "room) and since when, the position in the room's log, "
		       "how many entries it lacks, as far as it knows, "
		       "and what users have sent that waits for the room.",
		.example = "banyan room copies",
		.needs_running = true,
		.run = run_copies,
	},
	[TREE] = {
		.name = "room tree",
		.usage = "ROOM [--dot]",
		.doc = "Show which servers have a copy of a room, and where "
		       "they get it from. With --dot, for dot(1).",
		.example = "banyan room tree den@rooms.example.org --dot",
		.min_words = 1,
		.needs_running = true,
		.run = run_tree,
	},
	[DRAIN] = {
		.name = "room drain",
		.usage = "ROOM DOMAIN",
		.doc = "End the copy that a server has of a room. Its users "
		       "stay in the room as ordinary occupants, and see "
		       "nothing of it; for an hour the server is not asked to "
		       "have a copy of that room again.",
		.example = "banyan room drain den@rooms.example.org "
			   "example.net",
		.min_words = 2,
		.needs_running = true,
		.run = run_drain,
	},
	{ 0 }
};
