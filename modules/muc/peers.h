/*
 * peers.h - the servers that have a copy of a room, as its master knows them
 * (docs/dmuc.md).
 *
 * Each is sent every entry once and shows it to its own users. A peer that
 * cannot be reached is sent nothing until it says where it stands.
 *
 * No socket, clock or database, as in master.h.
 */
#ifndef MUC_PEERS_H
#define MUC_PEERS_H

#include "base/list.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jid;
struct room;
struct room_change;
struct room_session;
struct rules_env;
struct xml;

/* How many entries are kept for those that come back. */
#define PEERS_LOG_MAX 1000
/* A digest goes with every so many entries. */
#define PEERS_DIGEST_EVERY 64
/* How many submissions of a peer are known again. */
#define PEERS_SEEN 1024

/* What was sent to peers, and in place of how many stanzas to their users, one
 * by one. What who enters would have been sent of others is not counted. */
struct peers_traffic {
	uint64_t n_stanzas, n_bytes, n_instead_of;
};

enum peer_state {
	PEER_ASKED,   /* whether it has a copy */
	PEER_FOLLOWS, /* gets all entries */
	PEER_LOST,    /* gets nothing before it attaches */
};

struct peer {
	struct list node;   /* in peers->all */
	struct jid *domain; /* ref */
	enum peer_state state;
	bool is_entitled; /* has a moderator in the room */
	/* FOLLOWS: the last of its users has left, and what happens is not its
	 * business before one enters again. */
	bool is_deserted;
	bool lacks_addresses;	      /* that it was to be told meanwhile */
	size_t n_sessions;	      /* of its users, in the room */
	uint64_t acked;		      /* it has everything up to there */
	uint64_t seen[PEERS_SEEN];    /* hashes of its last submissions … */
	uint8_t outcomes[PEERS_SEEN]; /* … and what came of each: peers.c */
	uint64_t n_seen;
	struct peers_traffic traffic; /* since it is there */
	int64_t since_ms;	      /* owner's: of its state */
	unsigned n_idle; /* owner's: looks without users in a row */
};

struct peers_class {
	/* In a message from the room to the peer's domain. */
	void (*send)(void *owner, const struct peer *p, const char *xml,
		     size_t len);
};

struct peers {
	struct room *room;	     /* borrowed */
	const struct rules_env *env; /* borrowed */
	const struct peers_class *cls;
	void *owner;
	struct peers_traffic *total; /* borrowed; counts, too; may be NULL */
	struct list all;
	size_t n;
	unsigned n_undigested; /* entries since the last digest */
};

void
peers_init(struct peers *ps, struct room *room, const struct rules_env *env,
	   const struct peers_class *cls, void *owner);
/* Without a word. */
void peers_fini(struct peers *ps);

/* "follows" */
const char *peer_state_name(enum peer_state state);

/* The peer of that domain (of which only that counts), or NULL. */
struct peer *peers_find(const struct peers *ps, const struct jid *domain);
/* A new one, ASKED. */
struct peer *peers_add(struct peers *ps, const struct jid *domain);
/* It is none any more: its users are ordinary occupants of another server. */
void peers_remove(struct peers *ps, struct peer *p);

/* It has a copy at the position of this element (<slave/> or <attach/>; epoch
 * "", seq 0: an empty one) and gets what comes behind it, or the whole room.
 * From now on it shows the room to all its users. */
void peers_follow(struct peers *ps, struct peer *p, const struct xml *at);
void peers_lost(struct peers *ps, struct peer *p);
void
peers_acked(struct peers *ps, struct peer *p, const char *epoch, uint64_t seq);

/* An entry has been applied: all that follow get it. Before anybody here is
 * shown it: a session that has entered may be one that is elsewhere. */
void peers_applied(struct peers *ps, const struct room_change *c);

/* Has it submitted that? */
bool peers_has_seen(const struct peer *p, const char *submit);
/* False: it has submitted this before. */
bool peers_is_new(struct peer *p, const char *submit);
/* It is done: COND_NONE, or why it was refused. */
void peers_done(struct peer *p, const char *submit, enum stanza_cond cond);
/* What came of one that is not new. False: nothing yet. */
bool peers_outcome(const struct peer *p, const char *submit,
		   enum stanza_cond *cond_out);
/* Nothing came of it, or it was there before: the peer forgets it. */
void peers_settled(struct peers *ps, struct peer *p, const char *submit);

/* Says where the log is, with a digest: who is behind, or has another room,
 * attaches. */
void peers_tell_position(struct peers *ps);
/* The same to a domain that is no peer, and acts as if it were. */
void peers_tell_stranger(struct peers *ps, struct jid *domain);

#endif
