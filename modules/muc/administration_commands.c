/* administration_commands.c - rooms in the commands for administrators
 * (XEP-0050), in the manner of XEP-0133. */

#include "base/arena.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/commands.h"
#include "modules/muc/administration.h"
#include "modules/muc/private.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NODE(name)    "banyan#" name
#define DEFAULT_ITEMS "100"

/* ---- waiting, or not ---- */

/* What a run has asked for: the answer may be there at once. */
struct asked {
	struct command_run *run;
	bool is_inside, is_over;
};

static struct asked *
ask(struct command_run *run)
{
	struct asked *k = mem_zalloc(sizeof(*k));

	k->run = run;
	k->is_inside = true;
	return k;
}

/* To return, after asking. */
static enum verdict
outcome(struct asked *k)
{
	k->is_inside = false;
	if (!k->is_over)
		return WAIT;
	free(k);
	return DONE;
}

/* The run has been answered. */
static void
over(struct asked *k)
{
	k->is_over = true;
	if (!k->is_inside)
		free(k);
}

/* ---- which room ---- */

static const struct form_field room_fields[] = {
	{ "roomjid", FORM_JID_SINGLE, "The address of the room",
	  .is_required = true },
	{ 0 },
};

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

/* One of this host's; NULL: that was said. It lives as long as the run. */
static struct jid *
room_of(struct command_run *run, const char *var, struct muc_service **s_out)
{
	const char *text = form_get(run->arena, run->form, var);
	struct jid *jid = text ? jid_parse(text) : NULL, *room = NULL;
	struct muc_service *s =
		jid ? muc_service_find(run->host->server, jid) : NULL;

	if (s && muc_service_host(s) == run->host && jid_local(jid)) {
		room = jid_bare(jid);
		arena_own(run->arena, room, drop_jid);
		*s_out = s;
	}
	jid_unref(&jid);
	return room;
}

static enum verdict
not_ours(struct command_run *run)
{
	return commands_refuse(run, "this is not a room of this host");
}

static enum verdict
fail(struct command_run *run, enum stanza_cond cond)
{
	return commands_fail(
		run, cond,
		cond == COND_ITEM_NOT_FOUND ? "there is no such room" : NULL);
}

/* ---- list ---- */

static const struct form_option max_items[] = {
	{ "25", NULL },	 { "50", NULL },  { "100", NULL },
	{ "200", NULL }, { "500", NULL }, { 0 },
};

static const struct form_field list_fields[] = {
	{ "max_items", FORM_LIST_SINGLE, "Maximum number of items to show",
	  .options = max_items },
	{ "after", FORM_JID_SINGLE, "Only those behind this address",
	  .is_required = false },
	{ 0 },
};

static const char *
list_value(struct command_run *run, const struct form_field *field)
{
	(void)run;
	return field->type == FORM_LIST_SINGLE ? DEFAULT_ITEMS : NULL;
}

static void
tell_list(struct command_run *run, const struct muc_rooms *res)
{
	struct xml *form, *field;
	struct arena *a;

	form = commands_results(run);
	a = commands_arena(run);
	field = form_add_result(a, form, "roomjids", "The list of rooms", NULL);
	for (size_t i = 0; i < res->n; i++)
		form_add_value(a, field, res->rooms[i].jid);
	if (!res->is_complete)
		commands_note(run, "info",
			      "There are more: ask for those behind the last.");
	commands_complete(run);
}

static void
listed(void *data, const struct muc_rooms *res)
{
	struct asked *k = data;

	if (res->is_failed)
		fail(k->run, COND_INTERNAL_SERVER_ERROR);
	else
		tell_list(k->run, res);
	over(k);
}

/* Of the host's first service, or of that of `after`. */
static enum verdict
list(struct command_run *run)
{
	const char *max = form_get(run->arena, run->form, "max_items");
	const char *text = form_get(run->arena, run->form, "after");
	struct muc_service *s = muc_service_of_host(run->host);
	struct jid *after = text && *text ? room_of(run, "after", &s) : NULL;
	struct asked *k;

	if (text && *text && !after)
		return not_ours(run);
	k = ask(run);
	muc_list(s, after ? jid_str(after) : NULL,
		 strtoul(max && *max ? max : DEFAULT_ITEMS, NULL, 10), listed,
		 k);
	return outcome(k);
}

/* ---- show ---- */

static void
add_flag(struct arena *a, struct xml *form, const char *var, const char *label,
	 bool value)
{
	form_add_result(a, form, var, label, value ? "1" : "0");
}

static void
add_occupants(struct arena *a, struct xml *form, const struct muc_shown *room)
{
	struct xml *field =
		form_add_result(a, form, "occupants", "Who is in it", NULL);

	for (size_t i = 0; i < room->n_occupants; i++) {
		const struct muc_occupant *o = &room->occupants[i];

		for (const char *const *jid = o->jids; *jid; jid++)
			form_add_value(
				a, field,
				arena_printf(a, "%s (%s, %s, %s)", *jid,
					     o->nick,
					     affiliation_name(o->affiliation),
					     role_name(o->role)));
	}
}

static void
tell_room(struct command_run *run, const struct muc_shown *room)
{
	struct xml *form = commands_results(run), *field;
	struct arena *a = commands_arena(run);

	form_add_result(a, form, "roomjid", "Address", room->room.jid);
	form_add_result(a, form, "name", "Name", room->room.name);
	form_add_result(a, form, "description", "Description", room->desc);
	add_flag(a, form, "public", "It is listed", room->room.is_public);
	add_flag(a, form, "persistent", "It stays when nobody is in it",
		 room->room.is_persistent);
	field = form_add_result(a, form, "owners", "Owners", NULL);
	for (const char *const *jid = room->owners; *jid; jid++)
		form_add_value(a, field, *jid);
	add_occupants(a, form, room);
	commands_complete(run);
}

static void
shown(void *data, const struct muc_shown *room)
{
	struct asked *k = data;

	if (room->cond)
		fail(k->run, room->cond);
	else
		tell_room(k->run, room);
	over(k);
}

static enum verdict
show(struct command_run *run)
{
	struct muc_service *s;
	struct jid *room = room_of(run, "roomjid", &s);
	struct asked *k;

	if (!room)
		return not_ours(run);
	k = ask(run);
	muc_show(s, room, shown, k);
	return outcome(k);
}

/* ---- change ---- */

static const struct form_field delete_fields[] = {
	{ "roomjid", FORM_JID_SINGLE, "The address of the room",
	  .is_required = true },
	{ "reason", FORM_TEXT_SINGLE, "What those in it are told",
	  .is_required = false },
	{ "alternate", FORM_JID_SINGLE, "Another room for them",
	  .is_required = false },
	{ 0 },
};

static void
changed(void *data, enum stanza_cond cond)
{
	struct asked *k = data;
	struct command_run *run = k->run;

	if (cond) {
		fail(run, cond);
	} else {
		log_info(&run->host->log, "%s has %s", jid_bare_str(run->from),
			 (const char *)run->state);
		commands_complete(run);
	}
	over(k);
}

static enum verdict delete (struct command_run *run) {
	struct arena *a = run->arena;
	const char *reason = form_get(a, run->form, "reason");
	const char *text = form_get(a, run->form, "alternate");
	struct jid *instead = text && *text ? jid_parse(text) : NULL;
	struct muc_service * s; struct jid *room = room_of(run, "roomjid", &s);
	struct asked * k;

	if (!room || (text && *text && !instead)){ jid_unref(&instead);
						   return not_ours(run); }
run->state = arena_printf(a, "deleted %s", jid_str(room));
k = ask(run);
muc_delete(s, room, reason &&*reason ? reason : NULL,
	   instead ? jid_bare_str(instead) : NULL, changed, k);
jid_unref(&instead);
return outcome(k);
}

static enum verdict
take_over(struct command_run *run)
{
	struct muc_service *s;
	struct jid *room = room_of(run, "roomjid", &s), *bare;
	struct asked *k;

	if (!room)
		return not_ours(run);
	run->state = arena_printf(run->arena, "become an owner of %s",
				  jid_str(room));
	bare = jid_bare(run->from);
	k = ask(run);
	muc_make_owner(s, room, bare, changed, k);
	jid_unref(&bare);
	return outcome(k);
}

#define FORM(node, name, fields, value, submit)                              \
	{                                                                    \
		NODE(node), name, NODE(node), host_is_admin,                 \
			(const struct command_stage[]){                      \
				{ name, NULL, fields, value, submit }, { 0 } \
			},                                                   \
			NULL                                                 \
	}

static const struct command_def commands[] = {
	FORM("list-rooms", "List of rooms", list_fields, list_value, list),
	FORM("show-room", "Show a room", room_fields, NULL, show),
	FORM("delete-room", "Delete a room", delete_fields, NULL, delete),
	FORM("own-room", "Become an owner of a room", room_fields, NULL,
	     take_over),
	{ 0 },
};

void
administration_offer(struct muc *muc)
{
	if (host_has_module(muc->host, "commands"))
		commands_offer(muc->host, commands, muc);
}
