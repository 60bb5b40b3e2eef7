/* commands_room.h - what the commands about rooms share. */
#ifndef ADMIN_COMMANDS_ROOM_H
#define ADMIN_COMMANDS_ROOM_H

#include "xmpp/cond.h"

#include <stdbool.h>

struct buf;
struct command_call;
struct jid;
struct muc_seen;
struct muc_service;

/* The room that the first word names, and its service: a new reference. NULL:
 * it is none of ours, which was said. */
struct jid *command_room(struct command_call *call, struct muc_service **s_out);
/* Ends the call; says that there is no such room, or what else. */
void command_room_fail(struct command_call *call, enum stanza_cond cond);
/* A line of it; the beginning of an object. */
void command_room_text(struct buf *out, const struct muc_seen *r);
void command_room_json(struct buf *out, const struct muc_seen *r);
/* commands_room_show.c: the one that the first word names; ends the call. */
void command_room_show(struct command_call *call);
/* Shows the copy that is here of the room that the first word names, and ends
 * the call. False: there is none. */
bool command_show_copy(struct command_call *call);

#endif
