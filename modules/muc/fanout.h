/*
 * fanout.h - an applied entry, shown to the occupants of a room.
 *
 * What is the same for all who may see as much is written once; each of them
 * costs the head with its address. Sessions of ours are written to directly,
 * all others are sent stanzas.
 */
#ifndef MUC_FANOUT_H
#define MUC_FANOUT_H

struct chunk;
struct entry;
struct jid;
struct room;
struct room_change;
struct room_session;
struct server;
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
