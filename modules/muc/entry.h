/*
 * entry.h - one thing that happened in a room: what its log is made of.
 *
 * A room's state is what its entries have made of it, in their order; whoever
 * replays the log has the same room (room.h). An entry does not change once it
 * is made, but for its number, which the log gives it (log.h).
 */
#ifndef MUC_ENTRY_H
#define MUC_ENTRY_H

#include "modules/muc/affiliation.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk;
struct jid;
struct muc_config;

enum entry_type {
	/* A session enters as `nick`; the occupant may be there already. */
	ENTRY_JOIN,
	/* New presence of a session: payload. */
	ENTRY_PRESENCE,
	/* A session, or with no jid all of an occupant's, is gone: code. */
	ENTRY_LEAVE,
	/* An occupant has another nickname: new_nick. */
	ENTRY_NICK,
	/* An occupant's role and affiliation are these from now on. */
	ENTRY_ROLE,
	/* The room's list: jid (bare, or a domain) has this affiliation and,
	 * where nick is set, this reserved nickname. */
	ENTRY_AFFILIATION,
	/* What was said: payload. */
	ENTRY_MESSAGE,
	/* The new subject: payload; an empty one too. */
	ENTRY_SUBJECT,
	/* The room's options from now on: config. Where its vCard is another
	 * one, payload: its text, or nothing (length 0) where it has none. */
	ENTRY_CONFIG,
	/* The way to a server, jid, is lost, or back (is_away). */
	ENTRY_LINK,
	/* A message of before is taken back: payload tells who and why,
	 * target which (its archive_id). */
	ENTRY_RETRACT,
	/* The room is no more: reason, and new_nick where to go instead. */
	ENTRY_DESTROY,
	N_ENTRY_TYPES
};

/* Strings are NULL where there is nothing to tell. */
struct entry {
	unsigned refs;
	enum entry_type type;
	uint64_t seq;	  /* in the log, from 1; 0: not in it yet */
	int64_t stamp_ms; /* wall clock of who made it */
	/* On disk and in stanza-id (XEP-0359); grows. 0: not archived. */
	int64_t archive_id, target;
	struct jid *jid; /* ref; a session's full JID; AFFILIATION: bare */
	/* ref; in a copy of the room, where jid is a pseudonym: whose, if that
	 * is known. */
	struct jid *real;
	const char *nick, *new_nick;
	const char *occupant_id; /* XEP-0421; JOIN, MESSAGE */
	const char *stanza_id;	 /* `id` of the stanza that it came by */
	const char *submit;	 /* what its peerhost knows it by (dmuc) */
	const char *actor;	 /* the nickname of who did it */
	const char *reason;
	/* JOIN: the version of the lists that the client knows (XEP-0463), ""
	 * for none; NULL: it does not want to know. */
	const char *since;
	/* ref; text in jabber:client. MESSAGE, SUBJECT, RETRACT: the whole
	 * stanza but for `<message` and its `to`: as it is sent to all.
	 * DESTROY: what else is in <destroy/>. Others: the presence's
	 * attributes but for id, type, from and to, the end of its start tag,
	 * and its children, less what only the room says. */
	struct chunk *payload;
	/* ref; RETRACT: what stands in the place of the message from now on,
	 * as a payload; NULL: it is not at hand. */
	struct chunk *tombstone;
	struct muc_config *config; /* owned; CONFIG */
	/* MESSAGE, SUBJECT: of who says it. */
	enum affiliation affiliation;
	enum role role;
	int code;	/* status code: LEAVE */
	bool is_away;	/* LINK */
	bool is_new;	/* JOIN: it makes the room (201) … */
	bool is_locked; /* … and nobody may follow before it is configured */
	/* JOIN: `nick` is not the one that was asked for (210) */
	bool is_renamed;
	bool has_body; /* MESSAGE: there is something to read in it */
};

/* What entry_new is told: strings are copied, references taken; config is
 * copied, too. */
struct entry *entry_new(const struct entry *from);
struct entry *entry_ref(struct entry *e);
void entry_unref(struct entry **e);

const char *entry_type_name(enum entry_type type);
/* Whether all entries like it have to be on disk before anybody sees them, in
 * rooms that are stored. */
bool entry_is_lasting(const struct entry *e);

#endif
