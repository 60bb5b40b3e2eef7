/* private.h - what the files of this module share. */
#ifndef JOINED_PRIVATE_H
#define JOINED_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "base/timer.h"
#include "modules/joined/rooms.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct jid;
struct session;

struct joined_host {
	int64_t max;	      /* option joined-max */
	int64_t interval_ms;  /* option joined-ping-interval */
	int64_t rate;	      /* option joined-ping-rate */
	struct host *host;    /* borrowed */
	struct list sessions; /* struct joined.node */
	struct map ways;      /* private to check.c */
	struct timer sweep;   /* set while there are rooms */
	unsigned n_rooms;     /* of all sessions */
	char leave_id[25]; /* of the presences by which we leave for a client */
};

/* A session that is in rooms. */
struct joined {
	struct list node;
	struct joined_host *host; /* borrowed */
	struct session *session;  /* borrowed; open */
	struct joined_rooms rooms;
};

/* ---- check.c: is it still so? ---- */

void checks_init(struct joined_host *jh);
void checks_fini(struct joined_host *jh);
/* The interval is another one. */
void checks_reloaded(struct joined_host *jh);

/* Of each room that a session has come to be in, and is in no more. */
void check_begin(struct joined *j, struct joined_room *room);
void check_end(struct joined *j, struct joined_room *room);
/* The room has shown that we are in. */
void check_heard(struct joined *j, struct joined_room *room);
/* An answer that may come to an earlier question says nothing any more. */
void check_forget(struct joined_room *room);
/* Something that was sent there has come back. */
void check_doubt(struct joined *j, struct joined_room *room);
/* The same of all rooms of a domain. */
void check_domain(struct joined_host *jh, const struct jid *domain);
/* Has it been asked, and not answered? */
bool check_is_under_way(const struct joined_room *room);

/* ---- module.c ---- */

/* The session is not in this room any more; j may be gone afterwards. */
void joined_forget(struct joined *j, struct joined_room *room);

#endif
