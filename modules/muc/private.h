/*
 * private.h - what the files of the module share: services, and the rooms of
 * them that are awake.
 */
#ifndef MUC_PRIVATE_H
#define MUC_PRIVATE_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timer.h"
#include "core/counts.h"
#include "core/event.h"
#include "core/module.h"
#include "core/option.h"
#include "core/router.h"
#include "modules/muc/config.h"
#include "modules/muc/fanout.h"
#include "modules/muc/master.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/sent.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct jid;
struct stanza;

/* Who may make rooms. */
enum muc_create { CREATE_ANYBODY, CREATE_LOCAL, CREATE_ADMINS };

struct muc {		   /* per host */
	struct host *host; /* borrowed */
	struct option_list services, aliases;
	int create; /* enum muc_create */
	int preset; /* enum muc_preset */
	int64_t vcard_max, history_max, history_size, occupants_max,
		affiliations_max, presence_max;
	int64_t archive_page;
	int64_t archive_age; /* ms; 0: for ever */
	int64_t per_user, joins_rate, asks_rate, queries_rate, awake_max;
	int64_t unlock_time, sleep_time, away_time, ping_interval; /* ms */
	struct rules_env env;
	uint8_t secret[RULES_SECRET_LEN];
	struct list domains; /* struct muc_service.node */
	/* distribute.c */
	int distribute; /* enum muc_distribute */
	struct option_list distribute_to, relays;
	bool owners_relay;
	int64_t fanout;
	struct map known; /* what domains can do */
	struct peers_traffic traffic;
	struct log_limit peers_log;
	/* limits.c; by user, within a minute */
	struct counts joins, asks, queries;
	struct counts attaches; /* by room and domain, within 10 s */
	/* ghosts.c */
	struct list lost;	  /* struct lost_domain.node */
	struct timer ghost_timer; /* while there is somebody to look after */
	size_t n_foreign;	  /* sessions that are not of this process */
};

extern struct module_slot muc_slot;

/* A domain with rooms, or another name of one. */
struct muc_service {
	struct list node;
	struct muc *muc;   /* borrowed */
	struct host *host; /* borrowed */
	struct service service;
	struct jid *jid;  /* ref */
	struct jid *main; /* ref; of an alias: the service meant; else NULL */
	struct map rooms; /* struct live.node, those that are awake */
	struct sent_ring invites, privates;
	/* prune.c; none for an alias */
	struct timer prune_timer;
	char *prune_from; /* owned; in the middle of a sweep; or NULL */
};

/* ---- live.c: rooms that are awake ---- */

enum live_state {
	LIVE_LOADING, /* events wait */
	LIVE_NONE,    /* there is no such room; it is about to go */
	LIVE_AWAKE,
};

struct live {
	struct map_node node;	     /* in service->rooms, by local part */
	struct muc_service *service; /* borrowed */
	struct host *host;	     /* borrowed */
	struct jid *jid;	     /* ref; bare */
	enum live_state state;
	struct master master;	  /* its room is NULL until AWAKE */
	struct list waiting;	  /* struct live_waiter.node */
	struct event *current;	  /* being submitted: see live_submit */
	struct timer timer;	  /* unlocking; going to sleep */
	struct timer shown_timer; /* fanout_drop_shown */
	struct turn_end go_on; /* there is more to apply than fits in a turn */
	unsigned n_turns;      /* for which it has gone on */
	unsigned n_used;       /* somebody works with it: it may not be freed */
	unsigned n_storing;
	unsigned n_foreign; /* sessions in it that are not of this process */
	struct distribution *distribution; /* distribute.c; NULL: none */
	bool is_stored;			   /* it has its row in the database */
};

static inline struct room *
live_room(const struct live *l)
{
	return l->master.room;
}

/* The room of that address: awake, or waking up, or one that does not exist
 * yet. live_use before, live_release after what is done with it. */
struct live *live_take(struct muc_service *s, struct jid *room);
/* The same where it is in memory, or NULL. */
struct live *live_find(struct muc_service *s, const struct jid *room);
void live_use(struct live *l);
void live_release(struct live *l);
/* Runs fn(ev, live), which does and returns what a handler may, once the room
 * is AWAKE or known to be NONE. Returns what fn did, or WAIT. ev NULL: only
 * wakes it. */
enum verdict live_when_awake(struct live *l, struct event *ev, hook_fn *fn);
/* The same without an event: fn(data, l), perhaps at once. l is NULL where the
 * room could not be read. */
typedef void live_fn(void *data, struct live *l);
void live_then(struct live *l, live_fn *fn, void *data);
/* A new room that is not there yet: NONE becomes AWAKE. */
void live_create(struct live *l);
/* Judges the event's stanza, or what sub says (from, now_ms and so on are
 * filled in), and answers it: the sender gets the error, or, for an iq, an
 * empty result. */
enum verdict
live_submit(struct live *l, struct event *ev, struct submission *sub);
/* All sessions of that domain leave. */
void live_put_out(struct live *l, struct jid *domain);
/* What nobody has sent: SUBMIT_GONE, SUBMIT_LINK, SUBMIT_ENTRY. */
void live_submit_own(struct live *l, struct submission *sub);
/* Answers with an error as rooms do (`by`). */
enum verdict live_refuse(struct live *l, struct event *ev,
			 enum stanza_cond cond, const char *text);
/* XEP-0045 7.1.17: the client takes itself for an occupant. */
enum verdict live_out_of_step(struct event *ev);
bool live_is_admin(const struct live *l, const struct event *ev);
/* What its owner may choose. */
struct muc_limits live_limits(const struct live *l);
/* All of a service, without a word: the server's end. */
void live_free_all(struct muc_service *s);

/* ---- store.c: what a live room has put on disk ---- */

/* master_class.store */
bool live_store(void *owner, struct entry *const *entries, size_t n);
/* Occupants of other servers, who stay over a restart. */
void live_store_occupant(struct live *l, const struct room_change *c);

/* Its vCard, among the fragments of the room (storage/fragments.h). */
#define ROOM_VCARD     "vcard"
#define ROOM_VCARD_KEY ""

/* Are messages put on disk: for the archive, or for the history of a room that
 * lasts? */
bool live_keeps_messages(const struct live *l);

/* ---- retract.c ---- */

/* A message or iq that is to take something back: judged with what that was. */
enum verdict retract(struct live *l, struct event *ev);

/* ---- receive.c ---- */

/* struct service.receive */
enum verdict muc_receive(void *data, struct event *ev);

/* ---- invite.c ---- */

/* A message of a room is about to be sent: if it is an invitation, it is kept
 * in mind. It gets an id where it has none. */
void invite_sent(struct muc_service *s, struct jid *from, struct stanza *mail);
/* An error has come to a room: if it answers an invitation, its sender gets
 * one, too (XEP-0045 7.8.2). False: it does not. */
bool invite_bounced(struct muc_service *s, struct event *ev);
/* <decline/>: only who was invited is heard, and only once. */
void invite_declined(struct live *l, struct event *ev);

/* ---- private_message.c ---- */

/* To one occupant: the resource of ev->to. */
enum verdict private_message(struct live *l, struct event *ev);
enum verdict private_request(struct live *l, struct event *ev);
/* An error has come for an occupant: if it answers a private message, its
 * sender gets it. False: it does not. */
bool private_bounced(struct live *l, struct event *ev);

/* ---- ghosts.c: who is not there any more ---- */

void ghosts_start(struct muc *muc);
void ghosts_stop(struct muc *muc);
/* A session of another process is in a room now: it is looked after. */
void ghosts_watch(struct live *l, struct room_session *s);
void ghosts_unwatch(struct live *l);
/* Something has come from it. */
void ghosts_seen(const struct live *l, struct room_session *s);
/* The room is awake, with sessions from before. */
void ghosts_awake(struct live *l);
/* A stanza that the room has sent comes back. */
enum verdict ghost_error(struct live *l, struct event *ev);
hook_fn ghosts_on_unreachable, ghosts_on_reachable, ghosts_on_broken;
/* That domain's users are away from now on only, if there is no way to it. */
void ghosts_away(struct muc *muc, const struct jid *domain);

/* ---- prune.c: archives grow old ---- */

void prune_start(struct muc_service *s);
void prune_stop(struct muc_service *s);

/* ---- administration_commands.c ---- */

void administration_offer(struct muc *muc);

/* ---- limits.c: what one user may ask of rooms ---- */

void limits_start(struct muc *muc);
void limits_stop(struct muc *muc);
/* May this event wake up, or look for, one more room? */
bool limits_may_wake(struct muc_service *s, const struct event *ev);
/* May the user enter one more room, ask somebody for something, or send another
 * occupant a request, now? If so, it is counted. */
bool limits_may_join(const struct muc_service *s, const struct event *ev);
bool limits_may_ask(const struct muc_service *s, const struct event *ev);
bool limits_may_query(const struct muc_service *s, const struct event *ev);
/* May the domain be sent what its copy of the room misses? If so, it is
 * counted. */
bool limits_may_attach(const struct live *l, const struct jid *domain);
/* The same where a relay says so. */
bool limits_may_attach_to(const struct live *l, const struct jid *domain,
			  const struct jid *to);
/* Has the user room for one more room? Calls fn(ev, l), as by event_step, if
 * so, and else refuses. */
enum verdict
limits_before_create(struct live *l, struct event *ev, hook_fn *fn);

/* ---- service.c: what is for the service itself ---- */

#define MUC_SERVICE_NAME "Rooms"
/* Of a name that nobody guesses. */
#define UNIQUE_LEN 32

enum verdict service_receive(struct muc_service *s, struct event *ev);
/* XEP-0045 10.1.1 */
bool service_may_create(const struct muc_service *s, const struct jid *who);
/* For a room at another name: where it is now. */
enum verdict alias_receive(struct muc_service *s, struct event *ev);

/* ---- service_items.c ---- */

enum verdict service_items(struct muc_service *s, struct event *ev);

#endif
