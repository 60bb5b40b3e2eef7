/*
 * room.h - the state of a room (XEP-0045): who is in it as what, its lists,
 * options, subject and last messages.
 *
 * Entries are the only thing that changes it (room_apply), and the same entries
 * make the same room wherever they are applied: the room does not ask who wrote
 * them. It has no socket, clock or database.
 */
#ifndef MUC_ROOM_H
#define MUC_ROOM_H

#include "base/list.h"
#include "base/map.h"
#include "modules/muc/affiliation.h"
#include "modules/muc/config.h"
#include "modules/muc/log.h"
#include "modules/muc/slow.h"
#include "modules/muc/versions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct chunk;
struct entry;
struct jid;

/* A nickname that is in the room, with all sessions of one user. There are many
 * of them, and of their sessions: room.c asserts their size. */
struct occupant {
	struct map_node node;	  /* in room->nicks */
	struct list in_room;	  /* in room->occupants, in order of arrival */
	struct map_node by_bare;  /* in room->users */
	struct jid *bare;	  /* ref; the user */
	struct list sessions;	  /* struct room_session.in_occupant */
	struct room_session *top; /* whose presence is shown */
	unsigned n_sessions;
	enum affiliation affiliation : 8;
	enum role role : 8;
	char *nick;	/* owned, with the id behind it */
	const char *id; /* XEP-0421; NULL: none */
	/* Their presence as others see it: without and with the JID. Made when
	 * needed, dropped when it changes: fanout.c. Refs or NULL. */
	struct chunk *shown[2];
};

/* One client of an occupant. */
struct room_session {
	struct map_node node;	 /* in room->sessions, by full JID */
	struct list in_occupant; /* in occupant->sessions, the newest last */
	struct occupant *occupant;
	struct jid *jid;       /* ref; full; in a copy a pseudonym */
	struct jid *real;      /* ref; in a copy: whose, where it is known */
	struct chunk *payload; /* ref; of its last presence; NULL: it is bare */
	void *owner;	       /* whoever shows the room to it: fanout.h */
	int32_t seen_s;	       /* owner's: when something came from it */
	bool is_away;	       /* there is no way to its server now */
	bool is_elsewhere;     /* another server shows the room to it */
	bool follows_lists;    /* wants to know of their changes (XEP-0463) */
	bool is_pinged;	       /* owner's: it is asked whether it is there */
};

/* XEP-0045 7.2.15: nobody has set one where entry is NULL. */
struct room {
	struct jid *jid; /* ref; bare */
	struct muc_config config;
	struct affiliations affiliations;
	struct versions versions; /* of these */
	struct map nicks, users, sessions;
	struct list occupants;
	size_t n_occupants;
	struct entry *subject;	/* ref; ENTRY_SUBJECT */
	struct entry **history; /* refs; the last messages, the oldest first */
	size_t n_history, cap_history;
	size_t history_size, history_size_max; /* of their payloads; bytes */
	struct slow slow;		       /* while slow mode is on */
	struct log_ring log;
	int64_t created_ms;
	int64_t last_archive_id; /* archive ids only grow */
	/* XEP-0045 10.1.1: nobody may enter before its owner has configured
	 * it. */
	bool is_locked;
	/* It is there for who is about to make it, and is no room before that
	 * is on disk. */
	bool is_unmade;
	bool is_destroyed;
	/* The master is another server: addresses of sessions are pseudonyms.
	 */
	bool is_copy;
};

/* What an entry changed, for who shows it. */
struct room_change {
	const struct entry *entry; /* borrowed */
	/* Whom it is about, as they are now; NULL where it is about nobody in
	 * the room. After the last session has left it is in no room any more,
	 * and lives as long as this. */
	struct occupant *occupant;
	struct room_session *session; /* the one that entered, changed, left */
	enum affiliation old_affiliation;
	enum role old_role;
	int64_t old_version; /* AFFILIATION: of the lists */
	bool is_first;	     /* JOIN: the occupant was not there before */
	bool is_again;	     /* JOIN: this session was there already … */
	bool is_same;	     /* … with the same presence */
	bool is_last;	     /* LEAVE: the occupant is gone with it */
	bool is_late;	     /* MESSAGE and the like: it is older than now */
	bool was_top; /* LEAVE: others have seen this session's presence */
	struct muc_config old_config; /* CONFIG */
};

/* jid: bare; the reference is taken. The options of the plain temporary room;
 * log_max: entries that are kept for who needs them again. */
struct room *room_new(struct jid *jid, size_t log_max);
void room_free(struct room *r);

/* From now on the messages that are kept, whose number is an option of the
 * room, take no more than so many bytes; without this any number. */
void room_limit_history(struct room *r, size_t size_max);

/* Whether the entry fits the state: who makes entries has asked before; who
 * replays some of another server has to. */
bool room_can_apply(const struct room *r, const struct entry *e);
/* Applies an entry for which that is so. It is not put into the log here.
 * change may be NULL. */
void room_apply(struct room *r, struct entry *e, struct room_change *change);
/* In a copy: the session is known by another pseudonym from now on. Its user's
 * other sessions are not in the room, or have that already. */
void
room_rename_session(struct room *r, struct room_session *s, struct jid *jid);
/* Frees what was taken out of the room. */
void room_change_fini(struct room_change *c);

/* NULL where there is none. */
struct occupant *room_by_nick(const struct room *r, const char *nick);
/* The occupant who is that user (bare JIDs are compared). */
struct occupant *room_by_user(const struct room *r, const struct jid *jid);
struct room_session *room_session(const struct room *r, const struct jid *full);

/* The real address of a session, or NULL: it is not known here. */
static inline struct jid *
room_session_address(const struct room *r, const struct room_session *s)
{
	return r->is_copy ? s->real : s->jid;
}

/* Is he shown as unreachable? That the master does not reach us is not shown to
 * ours. */
static inline bool
room_session_shows_away(const struct room *r, const struct room_session *s)
{
	return s->is_away && (!r->is_copy || s->is_elsewhere);
}

#define occupant_of(n)	   container_of(n, struct occupant, in_room)
#define room_session_of(n) container_of(n, struct room_session, in_occupant)

static inline bool
room_is_empty(const struct room *r)
{
	return !r->n_occupants;
}

/* May this occupant see real JIDs (XEP-0045 section 5.1.1, table 3)? */
bool room_shows_jid(const struct room *r, const struct occupant *viewer);
/* Is the presence of such an occupant shown to others
 * (muc#roomconfig_presencebroadcast)? */
bool room_shows_role(const struct room *r, enum role role);

/* Of two presences or messages; NULL: a presence without anything in it. */
bool room_same_payload(const struct chunk *a, const struct chunk *b);

/* ` from='room/nick'`, or, with nick NULL, ` from='room'`. */
void room_write_from(struct buf *b, const struct room *r, const char *nick);

/* A number for the whole state: the same for two rooms in which the same
 * entries were applied. */
uint64_t room_digest(const struct room *r);

#endif
