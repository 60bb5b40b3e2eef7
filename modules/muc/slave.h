/*
 * slave.h - a copy of another server's room, for the users of one domain
 * (docs/dmuc.md).
 *
 * It replays the entries that the master sends and has them shown to its own
 * users, whose stanzas it passes up and keeps until they have come back as
 * entries. The entries come from the master itself, or from another copy, a
 * relay that the master has named. Without a way to either it holds what its
 * users send; when there is one again it catches up, and nobody sees anything
 * twice.
 *
 * No socket, clock or database: whoever owns it does what the class says. What
 * it is given to receive comes from the master, which it does not trust with
 * anything but its own room.
 */
#ifndef MUC_SLAVE_H
#define MUC_SLAVE_H

#include "base/list.h"
#include "base/map.h"
#include "modules/muc/log.h"
#include "modules/muc/seal.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk;
struct entry;
struct jid;
struct relay;
struct room;
struct room_change;
struct room_session;
struct stanza;
struct xml;

#define SUBMIT_ID_LEN  16
#define SLAVE_ANSWERED 256

struct slave_class {
	/* In a message from our domain; to: a domain; NULL: the room. */
	void (*send)(void *owner, struct jid *to, const char *xml, size_t len);
	/* Something from the master that has come sealed, as text: it is to be
	 * received as if it had come by itself. */
	void (*opened)(void *owner, const char *xml, size_t len);
	/* A stanza of a user of ours, on its way to the room: takes it. */
	void (*submit)(void *owner, struct stanza *stanza);
	/* The same for a user who was in the room before: enters it with this
	 * nickname, presence (payload; may be NULL) and id, and is not sent
	 * history. */
	void (*rejoin)(void *owner, struct jid *user, const char *nick,
		       struct chunk *payload, const char *id);
	/* The session of a user of ours is gone, and the master has to know: a
	 * submission with this id. */
	void (*leave)(void *owner, struct jid *user, const char *nick,
		      const char *id);
	/* The copy has changed: its occupants who are not elsewhere are shown
	 * that. stanza: of a user of ours, from which it comes; or NULL. */
	void (*applied)(void *owner, const struct room_change *c,
			const struct stanza *stanza);
	/* The stanza will not reach the room. */
	void (*refuse)(void *owner, const struct stanza *stanza,
		       enum stanza_cond cond, const char *text);
	/* Is there a session of ours of that address, which wants to be in the
	 * room? The master is not to know more than that. */
	bool (*is_here)(void *owner, const struct jid *full);
	/* The users of ours in it are ordinary occupants from now on, or there
	 * are none any more. slave_free is to follow, not inside. */
	void (*over)(void *owner);
	/* For the log: what happened. */
	void (*note)(void *owner, const char *what);
};

enum slave_state {
	SLAVE_BEHIND,  /* has asked for what it misses */
	SLAVE_CURRENT, /* as far as it knows */
	SLAVE_SPLIT,   /* there is no way to the master, nor by a relay */
};

/* A copy at another server that passes the log on. */
struct slave_relay {
	struct jid *domain;    /* ref */
	int64_t not_before_ms; /* monotonic; it is not asked before */
};

enum slave_pending_kind {
	PENDING_STANZA, /* what one of ours has sent */
	PENDING_RETURN, /* enters again after a split */
	PENDING_LEAVE,	/* has gone while there was no way to say so */
};

/* What the master has not answered, or not been told yet. */
struct slave_pending {
	struct list node; /* in slave->pending, in the order of sending */
	enum slave_pending_kind kind;
	char id[SUBMIT_ID_LEN + 1];
	struct jid *user;      /* ref */
	struct stanza *stanza; /* ref; NULL: none */
	size_t size;	       /* of that, bytes */
	char *nick;	       /* owned; LEAVE; who has entered in a split */
	char *occupant;	       /* owned; the id of who has sent it, or NULL */
	int64_t stamp_ms;      /* wall clock; 0: it did not have to wait */
	/* Ours who were here then have seen it, as the room goes on: slave's
	 * turn; 0: nobody has. */
	uint64_t shown_at;
	struct entry *said; /* ref; as what, for who enters; or NULL */
	unsigned round;	    /* slave's, when it was passed up last */
	int64_t passed_ms;  /* likewise; monotonic */
	bool is_there;	    /* the master has it, as far as is known */
	bool is_due;	    /* it is about to be passed up */
	bool has_entered;   /* a join: in a split, without the master */
	bool was_passed;    /* up, at least once */
};

struct slave {
	struct jid *jid, *domain; /* refs; the room; ours */
	const struct slave_class *cls;
	void *owner;
	enum slave_state state;
	struct room *room; /* owned; of epoch "" as long as it is empty */
	struct map locals; /* struct slave_local, by address */
	struct list pending;
	struct map senders; /* of what is pending: slave_pending.c */
	size_t n_pending;
	unsigned round; /* of passing all up */
	uint64_t turn;	/* counts who enters, and what is shown in a split */
	/* Hashes of the last that were answered: where the way breaks before
	 * their way there is confirmed, they come back all the same. */
	uint64_t answered[SLAVE_ANSWERED];
	uint64_t n_answered;
	/* A snapshot that is being read, or NULL. */
	struct room *next;
	unsigned next_part;
	size_t next_entries;
	/* Bytes that both may take, about, and what they may: for the owner to
	 * set. A larger room is given up, its users are ordinary occupants. */
	size_t size, size_max;
	size_t size_again; /* where it is counted again */
	/* As far as it knows where the log is: slave_receive.c. */
	char told_epoch[LOG_EPOCH_LEN + 1];
	uint64_t told_seq;
	/* Whom it gets the log from: slave_way.c. */
	struct jid *parent;	    /* ref; NULL: the master itself */
	struct jid *asked;	    /* ref; SPLIT: a relay that may answer */
	bool is_placed;		    /* the master has told it to attach there */
	bool is_cut;		    /* there is no way to the master itself */
	struct slave_relay *relays; /* owned; in the order to try */
	size_t n_relays;
	char *path; /* owned; the relays between the master and this, or "" */
	/* Those that get the log from this: relay.c; owned, or NULL. */
	struct relay *relay;
	/* What a <tree/> is to be answered with. */
	bool owes_ticket, owes_children;
	bool is_wanted; /* as a relay, by the master */
	bool is_relay;	/* and it is one */
	/* What goes by a relay is sealed, once the master has said with what.
	 */
	struct seal seal;
	bool has_seal;
	char nonce[SEAL_NONCE_LEN + 1];	  /* of the last attach to a relay */
	char session[SEAL_NONCE_LEN + 1]; /* what the master says to that */
	char ticket[SEAL_NONCE_LEN + 1];  /* and what it has said before */
	uint64_t n_sealed, n_opened;
	/* Refs: whom the split shows as away, by domains. */
	struct jid **faded;
	size_t n_faded;
	bool is_faded;	    /* in this split */
	unsigned n_unacked; /* entries */
	int64_t acked_ms;   /* when it was told, last; monotonic */
	int64_t asked_ms;   /* when it has attached; monotonic */
	uint64_t n_asked;   /* how often: the answer says so, too */
	int64_t since_ms;   /* of its state; monotonic */
	int64_t now_ms;	    /* monotonic; as last told */
	int64_t wall_ms;    /* likewise */
	/* In a split users of ours see what they say, where the room's owner
	 * wants that, too. */
	bool may_continue;
	bool may_relay; /* the owner of this copy wants to, to so many */
	size_t children_max;
	const struct stanza *entering; /* borrowed; by what, in a split */
	int64_t used_ms;   /* when one of ours was seen in it; monotonic */
	int64_t looked_ms; /* when those who are gone were looked for */
	/* What may wait of one client: stanzas; bytes, and one stanza more. The
	 * owner sets both. */
	size_t pending_max, pending_size_max;
	/* What the room says about itself is the same here, as the options were
	 * at the position that the master has told last. */
	bool knows_info;
	bool is_leaving; /* the master was asked to take over those of ours */
	int64_t leaving_ms; /* when, last; monotonic */
	bool is_over;
};

/* One of ours in the room. */
struct slave_local {
	struct map_node node;	      /* in slave->locals */
	struct jid *real;	      /* ref */
	struct room_session *session; /* borrowed */
	uint64_t since;		      /* slave's turn */
	int64_t heard;	 /* as an ordinary occupant: messages up to this id */
	bool is_missing; /* the master does not have it: it is to return */
};

/* "current" */
const char *slave_state_name(enum slave_state state);

/* Empty, BEHIND. References are taken. */
struct slave *slave_new(struct jid *room, struct jid *domain,
			const struct slave_class *cls, void *owner);
void slave_free(struct slave *s);

/* A stanza by which a user of ours is about to enter is known to the master by
 * this id. */
void slave_expect(struct slave *s, struct jid *user, struct stanza *join,
		  const char *id);
/* Does a stanza of this user wait by which he enters? Not if he is in already,
 * as in a split. */
bool slave_is_entering(const struct slave *s, const struct jid *user);
/* A presence or a groupchat message of one of ours to the room. It is copied
 * where it has to be kept. */
void slave_submit(struct slave *s, struct stanza *stanza);
/* Makes a stanza to the room a submission with that id. <submit/> is borrowed,
 * for what else there is to say of it. */
struct xml *
slave_add_submit(const struct slave *s, struct stanza *stanza, const char *id);
/* An error has come for a stanza of one of ours. True: it is not for the user,
 * as the stanza is going to be sent again. */
bool slave_error(struct slave *s, const struct stanza *error);
/* The user's session is gone without a word. */
void slave_session_gone(struct slave *s, const struct jid *full);

/* An element of the protocol; from: the domain, NULL: the room itself. */
void slave_receive(struct slave *s, struct jid *from, const struct xml *x);
/* The way to a domain is lost, the master's or another one; or there is one
 * again; or it was broken, and something may have been lost. */
void slave_lost(struct slave *s, const struct jid *domain);
void slave_found(struct slave *s, const struct jid *domain);
void slave_broken(struct slave *s, const struct jid *domain);
/* Something that was sent to the domain has come back. */
void slave_bounced(struct slave *s, const struct jid *domain);
/* The master has forgotten us. */
void slave_attach(struct slave *s);
/* What is for the room goes by the relay: each stanza through slave_carry, as
 * text. */
bool slave_is_carried(const struct slave *s);
void slave_carry(struct slave *s, const char *xml, size_t len);
/* What time it is, before any other call. */
void slave_set_clock(struct slave *s, int64_t mono_ms, int64_t wall_ms);
/* The master is to show the room to those of ours itself. It is over when that
 * says that it does, so that they miss nothing; or at once, where it takes too
 * much. why: for the log. */
void slave_leave(struct slave *s, const char *why, bool at_once);
/* It is over, and the master is not asked; what waits is refused. */
void slave_end(struct slave *s);
/* From time to time: some seconds. */
void slave_tick(struct slave *s, int64_t now_ms);

/* Whether its owner wants it to be a relay has changed. */
void slave_set_may_relay(struct slave *s, bool may_relay);
/* Is it in a split in which the room goes on? */
bool slave_continues(const struct slave *s);
/* Then: a moderator of ours puts an occupant out, all of whose clients are of
 * ours. COND_NONE, or why not (XEP-0045 8.2). reason may be NULL. */
enum stanza_cond slave_put_out(struct slave *s, const struct jid *by,
			       const char *nick, const char *reason);

/* The session of ours with that address in the room, or NULL. */
struct room_session *
slave_session(const struct slave *s, const struct jid *full);
/* How many entries it lacks, as far as it was told; -1: that was of another
 * epoch. */
int64_t slave_n_behind(const struct slave *s);
/* How many other copies get the log from it. */
size_t slave_n_below(const struct slave *s);
/* Can it say about the room (info.h) what the master would, or was the last to
 * say in a split? */
bool slave_answers_info(const struct slave *s);
/* Is it in the room, or about to enter, by this copy? */
bool slave_serves(struct slave *s, const struct jid *full);

/* ---- slave_heal.c ---- */

/* The copy becomes what `to` is: what differs is shown as entries. */
void slave_become(struct slave *s, struct room *to);

/* ---- for the other files ---- */

/* One of ours, of whom the master is going to be told that; and who has not
 * entered again since. */
bool slave_is_leaving(const struct slave *s, const struct jid *user);
/* The same of who may have. */
bool slave_has_left(const struct slave *s, const struct jid *user);

#endif
