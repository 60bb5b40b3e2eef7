/*
 * sim.h - many servers, their rooms and their users in one process, on a
 * network that delays, breaks and forgets (docs/testing.md).
 *
 * Everything that happens follows from a seed: a plan of what users, the
 * network and the servers do is drawn first (plan.c), and then played. Time is
 * a number. The rooms, their copies and the protocol between them are the real
 * code; what is here does what the module around it does.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/list.h"
#include "modules/muc/master.h"
#include "modules/muc/peers.h"
#include "modules/muc/rules.h"
#include "tests/unit/muc_disk.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk;
struct occupant;
struct room_change;
struct slave;
struct stanza;
struct xml_pool;

/* As many as there are bits. */
#define SERVERS_MAX 64
#define ROOMS_MAX   2
#define NICK_MAX    32
#define SHOW_MAX    12

/* ---- numbers (chance.c) ---- */

/* What token_make and the maps draw is the same for the same seed. */
void chance_seed(uint64_t seed);

struct dice {
	uint64_t state;
};
unsigned dice_number(struct dice *d, unsigned n); /* below n, not 0 */
bool dice_chance(struct dice *d, unsigned percent);
/* Between the two, and both of them. */
unsigned dice_between(struct dice *d, unsigned low, unsigned high);

/* ---- what is planned (plan.c) ---- */

enum act_kind {
	ACT_JOIN,
	ACT_SAY,
	ACT_BURST, /* several messages */
	ACT_PRESENCE,
	ACT_NICK,
	ACT_LEAVE,
	ACT_QUIT, /* the session ends */
	ACT_KICK,
	ACT_ROLE,
	ACT_AFFILIATION,
	ACT_CONFIG,
	ACT_SUBJECT,
	ACT_CUT,  /* nothing passes, one way or both, for a time */
	ACT_BLIP, /* a stream breaks */
	ACT_CRASH,
	ACT_BACKUP,
	ACT_RESTORE, /* a crash, and a start from the backup */
	N_ACTS
};

struct act {
	int64_t at_ms;
	enum act_kind kind;
	bool is_dropped;
	unsigned who, whom, room;
	uint64_t more; /* for whatever else has to be drawn */
};

/* What it takes to send, where that is measured; else ways have delays that
 * are drawn, and sending takes nothing. */
struct uplink {
	bool is_measured;
	unsigned low_ms, high_ms; /* delays of ways, in either direction */
	unsigned stanza_us;	  /* of the server, for each stanza, … */
	unsigned bytes_per_s; /* … and of its line; 0: as fast as can be */
};

struct plan {
	uint64_t seed;
	struct act *acts; /* owned; in order of time */
	size_t n;
	unsigned n_servers, n_rooms, n_users;
	uint64_t hosts;	 /* bits: which servers have copies */
	uint64_t relays; /* bits: which are relays of all rooms */
	unsigned fanout; /* how many a room sends its log to itself */
	bool continues;	 /* rooms, in a split */
	bool has_way_breaks, has_crashes;
	int64_t end_ms; /* of all breaks */
	struct uplink uplink;
};

void plan_draw(struct plan *p, uint64_t seed);
void plan_fini(struct plan *p);
void plan_print(const struct plan *p);

/* ---- events and the network (net.c) ---- */

struct sim;

struct event {
	int64_t at_ms;
	uint64_t order;
	void (*fn)(struct sim *sim, const struct event *ev);
	unsigned a, b;
	uint64_t c;
	void *p; /* borrowed */
};

enum wire_kind {
	WIRE_STANZA, /* user -> room */
	WIRE_REPLY,  /* room -> user: an error */
	WIRE_SIGHT,  /* room -> user: what an ordinary occupant is shown */
	WIRE_DOWN,   /* room -> domain: an element of the protocol */
	WIRE_UP,     /* domain -> room: the same */
	WIRE_SIDE,   /* domain -> domain: the same, about a room */
	WIRE_CREATE, /* room -> domain: have a copy; for a user */
	WIRE_ANSWER, /* domain -> room */
};

struct sight;

#define FORS_MAX 4

/* Something on its way from one server to another. */
struct wire {
	struct list node; /* in way->sent */
	enum wire_kind kind;
	unsigned from, to, room;
	uint64_t number; /* on this way */
	char *text;	 /* owned */
	size_t len;
	struct sight *sight; /* owned; SIGHT */
	unsigned user;	     /* SIGHT, REPLY */
	/* CREATE: for whom. */
	struct {
		unsigned user;
		char submit[17];
	} fors[FORS_MAX];
	unsigned n_fors;
	unsigned creation; /* CREATE, ANSWER: its number */
	bool is_yes;	   /* ANSWER */
	bool has_left, has_arrived;
};

/* From one server to another. */
struct way {
	struct list sent; /* not acknowledged */
	uint64_t n;	  /* numbers */
	unsigned stream;  /* events of another one are of the past */
	unsigned n_cuts;  /* so many things keep it from passing */
	bool is_broken;	  /* its sender knows … */
	bool is_lost;	  /* … and has found no other stream */
	bool is_given_up;
	bool is_forgotten; /* the session is no more */
	int64_t last_ms;   /* when the last one arrives */
	int64_t whole_ms;  /* since when it is whole, if it is */
	unsigned delay_ms, jitter_ms;
	struct dice dice;
};

struct wire *
wire_new(enum wire_kind kind, unsigned from, unsigned to, unsigned room);
void wire_free(struct wire *w);
/* Takes it. */
void net_send(struct sim *sim, struct wire *w);
void net_cut(struct sim *sim, unsigned from, unsigned to, int64_t ms);
void net_blip(struct sim *sim, unsigned from, unsigned to);
void net_down(struct sim *sim, unsigned server);
void net_up(struct sim *sim, unsigned server);
void net_init(struct sim *sim);
void net_fini(struct sim *sim);

void sim_at(struct sim *sim, int64_t at_ms, const struct event *ev);
/* Until nothing is to happen before that time. */
void sim_play_until(struct sim *sim, int64_t at_ms);

/* ---- servers (host.c) ---- */

struct copy {
	unsigned at, room;
	uint64_t number;
	struct sim *sim;
	struct slave *slave; /* owned */
	bool is_over;
};

struct server {
	unsigned index;
	struct jid *domain;
	bool is_up, hosts, may_continue;
	int64_t skew_ms;	/* of its clock */
	int64_t sends_until_us; /* see uplink */
	uint64_t n_sent;
	struct copy *copies[ROOMS_MAX]; /* owned, or NULL */
};

int64_t host_wall(const struct sim *sim, unsigned server);
void host_take(struct sim *sim, struct wire *w);
/* It will not arrive; or it did. */
void host_bounced(struct sim *sim, struct wire *w);
void host_lost(struct sim *sim, unsigned here, unsigned there);
void host_found(struct sim *sim, unsigned here, unsigned there);
/* The session has ended: something may be lost. */
void host_broken(struct sim *sim, unsigned here, unsigned there);
void host_crash(struct sim *sim, unsigned server, int64_t ms, bool from_backup);

/* ---- a room at its master (own_room.c) ---- */

/* A server is asked to have a copy. */
struct creation {
	bool is_asked;
	unsigned number;
	struct stanza **joins; /* refs; and what comes behind them */
	size_t n, n_asked;     /* the first so many: it was asked for */
};

struct backup {
	bool is_there;
	struct play_disk disk;
	struct disk_guests guests;
	int64_t at_ms;
};

struct own_room {
	struct sim *sim;
	unsigned index, at;
	struct jid *jid, *service;
	uint8_t secret[RULES_SECRET_LEN];
	struct rules_env env;
	bool is_up;
	unsigned life;
	struct master master;
	struct peers peers;
	const char *relays[SERVERS_MAX]; /* of peers */
	struct play_disk disk;
	struct disk_guests guests;
	struct backup backup;
	struct list writes, tickets;
	struct creation creations[SERVERS_MAX];
	int64_t refused_until_ms[SERVERS_MAX];
	int64_t lost_ms[SERVERS_MAX]; /* since when; 0: it is not */
	bool is_lost[SERVERS_MAX];    /* the way; or a relay goes round it */
	/* How often each has attached, and since when that counts. */
	unsigned n_attached[SERVERS_MAX];
	int64_t attached_ms[SERVERS_MAX];
	int64_t *joined_ms; /* owned; by user: when they entered */
	bool *put_out;	    /* owned; by user: and has not entered since */
	unsigned *appended; /* owned; by user: the last number, in this life */
	uint64_t entitled;  /* bits: servers that may once know addresses */
	size_t n_entries;   /* in all its lives */
	int64_t told_ms;    /* its position */
	int64_t stored_ms;  /* the last write ends */
	bool has_changed;   /* since then */
	bool was_restored, was_crashed;
	int64_t restored_ms; /* the last time */
	bool is_ending;	     /* the process dies: nobody is told */
};

void own_init(struct own_room *r, struct sim *sim, unsigned index);
void own_fini(struct own_room *r);
/* A stanza of a user, which has come from that server. */
void own_take(struct own_room *r, struct stanza *s, unsigned from);
void own_take_up(struct own_room *r, unsigned from, const struct wire *w);
void own_take_answer(struct own_room *r, unsigned from, const struct wire *w);
void own_lost(struct own_room *r, unsigned there);
void own_found(struct own_room *r, unsigned there);
void own_broken(struct own_room *r, unsigned there);
void own_session_gone(struct own_room *r, struct jid *full);
void own_crash(struct own_room *r, bool to_backup);
void own_restart(struct own_room *r);
void own_save_backup(struct own_room *r);
void own_tick(struct own_room *r);
struct said;
/* It has been there before a crash, and nobody knows that any more. */
bool own_is_out_of_history(const struct own_room *r, const struct said *said);

/* ---- a copy at another server (copy.c) ---- */

struct copy *copy_find(struct sim *sim, unsigned server, unsigned room);
void copy_take_create(struct sim *sim, const struct wire *w);
void copy_take_down(struct sim *sim, const struct wire *w);
/* From another server. */
void copy_take_side(struct sim *sim, const struct wire *w);
/* Such a thing has come back. */
void copy_bounced(struct sim *sim, const struct wire *w);
/* True: it was not for the user. */
bool copy_error(struct copy *c, const struct stanza *error);
void copy_submit(struct copy *c, struct stanza *s);
void copy_session_gone(struct copy *c, const struct jid *full);
void copy_free(struct copy *c);

/* ---- what users are shown (show.c) ---- */

enum sight_type {
	SIGHT_PRESENCE,
	SIGHT_ENTERED, /* the own presence, behind the roster */
	SIGHT_GONE,
	SIGHT_RENAMED,
	SIGHT_MESSAGE,
	SIGHT_ERROR,
};

struct sight {
	enum sight_type type;
	unsigned room;
	char nick[NICK_MAX], new_nick[NICK_MAX];
	char shown[SHOW_MAX]; /* its presence: show_status */
	enum affiliation affiliation;
	enum role role;
	bool is_self;
	bool is_late; /* of the past; ENTERED: that follows */
	bool is_far;  /* it has come over a way, by itself */
	int code;
	unsigned number; /* MESSAGE; ERROR: of what was sent */
	enum stanza_cond cond;
};

struct shower {
	struct sim *sim;
	unsigned room, server;
	const struct room *state;
	const struct stanza *stanza; /* it comes from; or NULL */
};

void show_change(const struct shower *by, const struct room_change *c);
/* <show/> of a presence; "" if there is none. */
void show_of(const struct chunk *payload, char out[SHOW_MAX]);
/* The same of an occupant, as others see him: also "unreachable". */
void show_status(const struct occupant *o, char out[SHOW_MAX]);

/* ---- users (user.c) ---- */

enum view_state { VIEW_OUT, VIEW_JOINING, VIEW_IN, VIEW_LEAVING };

struct seat {
	char nick[NICK_MAX], shown[SHOW_MAX];
	enum role role;
	enum affiliation affiliation;
};

/* What somebody knows of a room, from what was shown. */
struct view {
	enum view_state state;
	char nick[NICK_MAX];
	unsigned join;	   /* the number of the join */
	bool has_asked;	   /* to be shown all of it */
	bool leaves_early; /* before the answer to that */
	bool has_past;	   /* was sent history when this stay began */
	bool was_far;	   /* was an ordinary occupant in this stay */
	struct seat *seats;
	size_t n, cap;
	uint8_t *seen;	/* by number of the message; of sim->cap_said */
	unsigned *last; /* by user: the last that was seen */
	/* Its server has passed on a join that has no answer yet. */
	struct stanza *joining;
};

struct user {
	unsigned index, server;
	struct jid *jid; /* full */
	bool is_online;
	bool has_quit; /* once: what is on its way may come to the next session
			*/
	/* When the session ended that a copy had, and was not a crash; or 0. */
	int64_t quit_ms[ROOMS_MAX];
	struct view views[ROOMS_MAX];
};

void user_init(struct user *u, struct sim *sim, unsigned index);
void user_fini(struct user *u);
void user_act(struct sim *sim, const struct act *act);
void user_sees(struct sim *sim, struct user *u, const struct sight *sight);
void user_offline(struct sim *sim, struct user *u);
/* A stanza of the user leaves for a room. */
void
user_send(struct sim *sim, struct user *u, unsigned room, struct stanza *s);
struct user *user_find(struct sim *sim, const struct jid *full);
/* What a user's stanza is, or 0: somebody else has made it. */
unsigned user_number(const struct sim *sim, const struct stanza *s);

/* ---- all of it (sim.c) ---- */

enum said_kind {
	SAID_MESSAGE,
	SAID_SUBJECT,
	SAID_JOIN,
	SAID_PRESENCE, /* a nickname, too */
	SAID_LEAVE,
	SAID_ORDER, /* to the room; no submission */
};

/* Something that a user has sent, by its number. */
struct said {
	unsigned user, room;
	enum said_kind kind;
	int64_t sent_ms;
	char show[SHOW_MAX], nick[NICK_MAX]; /* JOIN, PRESENCE */
	bool by_copy;			     /* it went through a copy */
	bool is_lost;	/* its user was gone before it was answered */
	bool is_unsure; /* it was in the log, and a backup was older */
	unsigned n_logged, n_refused;
	bool is_refused_for_good;
	/* What it has added to the log, in one of the room's lives: bits. */
	unsigned appended, life;
	bool is_done;	  /* the room has dealt with it */
	bool has_entered; /* JOIN: by it */
	int64_t logged_ms, archive_id;
	unsigned n_seen;
	int64_t seen_ms; /* the last time */
};

struct sim {
	const struct plan *plan;
	int64_t now_ms;
	bool is_traced;
	char *wrong; /* owned; the first thing that was not as it has to be */
	struct event *events; /* a heap */
	size_t n_events, cap_events;
	uint64_t order;
	struct server servers[SERVERS_MAX];
	struct way ways[SERVERS_MAX][SERVERS_MAX];
	struct own_room rooms[ROOMS_MAX];
	struct user *users;
	unsigned n_servers, n_rooms, n_users;
	struct said *said;
	unsigned n_said, cap_said;
	struct xml_pool *pool;
	/* For who counts what was played. */
	uint64_t n_copies;
	uint64_t n_wires, n_bytes, n_snapshots, n_entries, n_returns,
		n_duplicates, n_heals, n_carried, n_passed_on;
};

/* Of a plan: all of it, before anything happens; and its end. */
void sim_init(struct sim *sim, const struct plan *plan);
void sim_fini(struct sim *sim);
/* NULL, or what was wrong: the caller's. */
char *sim_run(const struct plan *plan, bool is_traced, struct sim *counts);

void sim_wrong(struct sim *sim, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sim_trace(const struct sim *sim, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
#define sim_tell(sim, ...)                             \
	do {                                           \
		if ((sim)->is_traced)                  \
			sim_trace((sim), __VA_ARGS__); \
	} while (0)

/* Something is sent (verdict_addresses.c). */
void verdict_links(struct sim *sim, const struct wire *w);
/* Who is in the room, or an option, has changed. */
void verdict_note_entitled(struct own_room *r);
/* An entry has been applied (verdict_submitted.c). */
void verdict_appended(struct own_room *r, const struct room_change *c);
/* From time to time (verdict.c). */
void verdict_ways(struct sim *sim);
/* When everything has come to rest. */
void verdict_end(struct sim *sim);
/* All who are in a room have seen what was said since `first`. */
void verdict_probe(struct sim *sim, unsigned first);

#endif
