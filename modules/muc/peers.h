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

struct buf;
struct entry;
struct jid;
struct room;
struct room_change;
struct rules_env;
struct xml;

/* How many entries are kept for those that come back. */
#define PEERS_LOG_MAX 1000
/* A digest goes with every so many entries. */
#define PEERS_DIGEST_EVERY 64
/* How many submissions of a peer are known again. */
#define PEERS_SEEN 1024
/* How many who were put out are remembered, so that no copy that has not heard
 * of it lets them enter again. */
#define PEERS_PUT_OUT 256

/* What was sent to peers, and in place of what to their users, one by one:
 * instead.h. What goes by a relay is in place of that, too, and costs what is
 * sent to the relay. */
struct peers_traffic {
	uint64_t n_stanzas, n_bytes, n_instead_of, n_bytes_instead_of;
};

enum peer_state {
	PEER_ASKED,   /* whether it has a copy */
	PEER_FOLLOWS, /* gets all entries */
	PEER_LOST,    /* gets nothing before it attaches */
};

/* Of its submissions: peers_submit.c. */
struct peer_seen {
	uint64_t hashes[PEERS_SEEN];
	uint8_t outcomes[PEERS_SEEN];
};

/* For the log. */
struct peer_noted {
	bool is_there, is_deserted, is_relay;
	enum peer_state state;
	struct jid *via, *place; /* refs, or NULL */
};

struct peer {
	struct list node;   /* in peers->all */
	struct jid *domain; /* ref */
	enum peer_state state;
	bool is_entitled; /* has a moderator in the room */
	/* FOLLOWS: the last of its users has left, and what happens is not its
	 * business before one enters again. */
	bool is_deserted;
	uint64_t deserted_at; /* by that entry */
	/* That it was to be told: addresses, before it is at this position; and
	 * what relays do not say, until it has acknowledged its ticket. */
	uint64_t addresses_at;
	bool lacks_own;
	bool is_cut;	    /* there is no way to itself */
	bool says_cut;	    /* we know that from itself only */
	size_t n_sessions;  /* of its users, in the room */
	uint64_t acked;	    /* it has everything up to there */
	uint64_t ask;	    /* of its last <attach/> */
	struct peer *via;   /* FOLLOWS: a relay, which sends it the log */
	struct peer *place; /* where it was told to attach; NULL: here */
	bool is_relay;	    /* may send the log to others */
	/* How often it has left relays, looks before it is placed again, and
	 * looks that it has been below one, or was told to go there. */
	unsigned n_left, wait, n_placed;
	/* At the master: what it has drawn, and we have, when it came to its
	 * relay (SEAL_NONCE_LEN), and the last number that it has sealed. */
	char nonce[17], session[17];
	uint64_t opened;
	/* Drawn each time that it attaches here: what it shows is not older. */
	char ticket[17],
		old_ticket[17]; /* old: it may not have the other one */
	bool has_answered;	/* it has */
	bool was_told;
	uint64_t told; /* hash of what it was told of the tree, or 0 */
	char *proof; /* owned; at a copy: that it wants to be there, or NULL */
	struct peer_seen *seen; /* owned; of its last submissions, or NULL */
	uint64_t n_seen;
	struct peers_traffic traffic; /* since it is there */
	int64_t since_ms;	      /* owner's: of its state */
	unsigned n_idle;	 /* owner's: looks without users in a row */
	struct peer_noted noted; /* owner's: as it was said last */
};

struct peers_class {
	/* In a message from the room to the peer's domain; from a copy: from
	 * our domain. */
	void (*send)(void *owner, const struct peer *p, const char *xml,
		     size_t len);
	/* The peer's users are away, as nobody reaches it; or not any more. May
	 * be NULL. */
	void (*link)(void *owner, const struct peer *p, bool is_away);
};

struct peers {
	struct room *room;	     /* borrowed */
	const struct rules_env *env; /* borrowed; NULL: the room is a copy */
	const struct peers_class *cls;
	void *owner;
	struct peers_traffic *total; /* borrowed; counts, too; may be NULL */
	struct list all;
	size_t n;
	unsigned n_undigested; /* entries since the last digest */
	/* At the master: the relays (in their order), and how many others each
	 * server sends the log to, if there are any: tree.h. */
	const char *const *relays; /* borrowed */
	size_t n_relays, fanout;
	uint64_t put_out[PEERS_PUT_OUT]; /* hashes of full JIDs, or 0 */
	size_t n_put_out;
	uint64_t n_sealed; /* the owner's wall clock at first: it grows */
	bool is_unsettled; /* something has changed */
	/* At a copy, as it stands in what is sent. */
	const char *path;	   /* owner's; see <position/> */
	bool has_digest, has_info; /* it is what the master's is */
};

/* A position, as others state it; ask: see <attach/>, 0 for none. */
struct peers_at {
	const char *epoch; /* borrowed */
	uint64_t seq, ask;
};
struct peers_at peers_at_of(const struct xml *x);

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

/* It has a copy at this position (epoch "", seq 0: an empty one) and gets what
 * comes behind it, or the whole room. From now on it shows the room to all its
 * users. */
void peers_follow(struct peers *ps, struct peer *p, const struct peers_at *at);
/* It was left alone: it gets what has happened until then, if that is at
 * hand. */
void
peers_tell_last(struct peers *ps, struct peer *p, const struct peers_at *at);
/* Can it go on from there with what is at hand? */
bool peers_can_continue(const struct peers *ps, const struct peers_at *at);
/* There is no way to itself; or there is one. */
void peers_lost(struct peers *ps, struct peer *p);
void peers_found(struct peers *ps, struct peer *p);
/* Something that was on its way there may be lost. */
void peers_broken(struct peers *ps, struct peer *p);
/* <ack/> */
void peers_acked(struct peers *ps, struct peer *p, const struct xml *x);

/* An entry has been applied: all that follow get it. Before anybody here is
 * shown it: a session that has entered may be one that is elsewhere. */
void peers_applied(struct peers *ps, const struct room_change *c);
/* At a copy: the same of an entry that it has taken. */
void peers_pass_on(struct peers *ps, const struct entry *e, bool is_late);

/* Was he put out of the room, and has not entered since? */
bool peers_was_put_out(const struct peers *ps, const struct jid *user);
/* Is a submission to be taken now (x: its <submit/>, which has an id)? Not if
 * it is of another epoch, or if what the user has sent before is not here: the
 * copy submits that again. */
bool peers_may_take(struct peers *ps, struct peer *p, const struct xml *x);
/* False: it has submitted this before. */
bool peers_is_new(struct peer *p, const char *submit);
/* It is done: COND_NONE, or why it was refused. */
void peers_done(struct peer *p, const char *submit, enum stanza_cond cond);
/* What came of one that is not new. False: nothing yet. */
bool peers_outcome(const struct peer *p, const char *submit,
		   enum stanza_cond *cond_out);
/* Nothing came of it, or it was there before: the peer forgets it. */
void peers_settled(struct peers *ps, struct peer *p, const char *submit);
/* The same for one that was refused, where an error does not get to the user
 * by itself. */
void peers_refused(struct peers *ps, struct peer *p, const char *submit,
		   enum stanza_cond cond);
/* It is none any more: it learns whether its users are ordinary occupants from
 * now on (stay). peers_remove is to follow. */
void peers_detach(struct peers *ps, struct peer *p, bool users_stay);

/* Says where the log is, with a digest: who is behind, or has another room,
 * attaches. */
void peers_tell_position(struct peers *ps);
/* The same to a domain that is no peer, and acts as if it were. */
void peers_tell_stranger(struct peers *ps, struct jid *domain);

/* ---- for tree.c ---- */

/* By the relay, if it has the log from one: in the order of that. */
void peers_send(struct peers *ps, struct peer *p, const struct buf *b);
/* Not by one. */
void peers_send_itself(struct peers *ps, struct peer *p, const struct buf *b);
/* To one peer. */
void peers_tell_one(struct peers *ps, struct peer *p);
/* It has a copy, and gets the log from this relay. */
void peers_follow_by(struct peers *ps, struct peer *p, struct peer *relay);
/* What no relay can tell it: who its users are in the room, what stands about
 * them on the lists, and the addresses that it may know. */
void peers_tell_own(struct peers *ps, struct peer *p);

#endif
