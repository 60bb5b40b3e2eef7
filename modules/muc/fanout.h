/*
 * fanout.h - an applied entry, shown to the occupants of a room.
 *
 * What is the same for all who may see as much is written once; each of them
 * costs the head with its address. Sessions of ours are written to directly,
 * all others are sent stanzas.
 */
#ifndef MUC_FANOUT_H
#define MUC_FANOUT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct chunk;
struct entry;
struct jid;
struct room;
struct room_change;
struct room_session;
struct server;
struct stanza;
struct submission;

/* How much of the past somebody who enters wants (XEP-0045 7.2.14). */
struct fanout_history {
	int max_stanzas, max_chars; /* -1: as the room has it */
	long long since_ms;	    /* wall clock; 0: all */
};

/* Tells all who have to know. JOIN: history is for who enters. */
void
fanout_show(struct server *srv, struct room *r, const struct room_change *c,
	    const struct fanout_history *history);

/* The service ends (11.2): tells the sessions of ours, for which nothing will
 * come from the room any more. */
void fanout_stop(const struct room *r);

/* One stanza, of which tail is all behind `<name to='…'`; takes it. */
void fanout_send(struct server *srv, const struct room_session *to,
		 const char *name, struct chunk *tail);

/* An <item/> behind its attributes; actor (a nickname) and reason may be
 * NULL. */
void
fanout_write_item_rest(struct buf *b, const char *actor, const char *reason);

/* ---- fanout_history.c ---- */

/* What who enters by this stanza (NULL: nobody's) wants to see. age: what is
 * older in ms is seen by nobody; 0: no limit. */
struct fanout_history
fanout_read_history(const struct stanza *join, int64_t now_ms, int64_t age);

/* The last messages and the subject. */
void fanout_past(struct server *srv, const struct room *r,
		 const struct room_session *s, const struct fanout_history *h);

/* ---- fanout_lists.c: XEP-0463 ---- */

/* For a session that has said which version of the lists it knows, perhaps "":
 * what has changed, or all. False: it may not know. */
bool fanout_lists_join(struct server *srv, const struct room *r,
		       const struct room_session *s, const char *since);
/* ENTRY_AFFILIATION: for sessions that have asked when they entered. */
void fanout_lists_changed(struct server *srv, const struct room *r,
			  const struct entry *e, int64_t old_version);
bool fanout_lists_follows(const struct room *r, const struct room_session *s);

/* A session has entered or left: whether it is one of ours to be written to
 * directly. */
void fanout_attach(struct server *srv, struct room_session *s);
void fanout_detach(struct room_session *s);

/* Forgets what is kept of occupants' presence for the next who enters. */
void fanout_drop_shown(struct room *r);

/* A message or subject of before with the time that it was said (XEP-0203):
 * all behind the `to` of the stanza. */
struct chunk *fanout_delayed(const struct room *r, const struct entry *e);

#endif
