/* slave_private.h - what the files slave*.c share. */
#ifndef MUC_SLAVE_PRIVATE_H
#define MUC_SLAVE_PRIVATE_H

#include "modules/muc/slave.h"

/* The epoch of a copy that has nothing yet. */
#define NO_EPOCH ""

/* ---- slave.c: those of ours, entries, the end ---- */

static inline struct slave_local *
slave_local_of(struct map_node *n)
{
	return container_of(n, struct slave_local, node);
}

struct slave_local *
slave_local_find(const struct slave *s, const struct jid *full);
void slave_local_free(struct slave *s, struct slave_local *l);
/* Is it an address of a user of ours? */
bool slave_is_ours(const struct slave *s, const struct jid *real);
void slave_set_state(struct slave *s, enum slave_state state);

/* Applies and shows it: the reference stays the caller's. False: it does not
 * fit. */
bool slave_apply(struct slave *s, struct entry *e, bool is_late);
/* The join by which such a session of ours has entered: a snapshot does not say
 * so. NULL: none. */
struct slave_pending *
slave_pending_of_join(struct slave *s, const struct jid *who,
		      const struct jid *real, const char *nick);
/* By the join that waits a user is in the room whom the master had in it
 * anyhow, and who was taken for gone here: he is shown it, and nothing waits.
 * False: it is not so. */
bool slave_enter_present(struct slave *s, const struct slave_pending *p);
/* One of ours whom a relay has brought without an address: if he is here, he is
 * shown the room. */
void slave_enter_known(struct slave *s, struct room_session *session);
bool slave_is_join(const struct stanza *s);
/* p may be NULL. */
bool slave_is_return(const struct slave_pending *p);

/* Is it to bring somebody into the master's room who is in this one? p may be
 * NULL. */
bool slave_comes_again(const struct slave_pending *p);

/* Does the room have a session of that address, whoever shows it the room? */
bool slave_is_known(const struct slave *s, const struct jid *user);
/* A user of ours who has entered in a split is known to the master by this
 * pseudonym. */
void slave_recognise(struct slave *s, const struct jid *user, struct jid *who);

/* Nobody of ours is in it any more. */
void slave_leave_master(struct slave *s);
/* The master shows the room to those of ours; again: it has to be asked once
 * more by those who were about to enter. */
void slave_hand_over(struct slave *s, bool again);

/* ---- slave_pending.c: what waits for the master ---- */

static inline struct slave_pending *
slave_pending_of(struct list *n)
{
	return container_of(n, struct slave_pending, node);
}

/* The last in the order. stanza: a reference is taken; NULL: none; id NULL: a
 * new one. */
struct slave_pending *
slave_pending_add(struct slave *s, enum slave_pending_kind kind,
		  struct jid *user, struct stanza *stanza, const char *id);
void slave_pending_drop(struct slave *s, struct slave_pending *p);
struct slave_pending *slave_pending_by_id(struct slave *s, const char *id);
/* What this message comes from: a snapshot does not say so. */
struct slave_pending *
slave_pending_of_message(struct slave *s, const struct entry *e);
/* The one before it of the same user. */
struct slave_pending *
slave_pending_before(struct slave *s, struct slave_pending *p);
/* May the user have one more thing waiting? */
bool slave_may_wait(const struct slave *s, const struct stanza *stanza);
void slave_pass_up(struct slave *s, struct slave_pending *p);
/* One of ours whom the room has is not here. */
void slave_say_gone(struct slave *s, struct jid *user, const char *nick);
/* The master has refused it, and says so to us. */
void
slave_refused(struct slave *s, struct slave_pending *p, enum stanza_cond cond);
/* The subject is another one since the split began: those that wait would take
 * it back. */
void slave_refuse_subjects(struct slave *s, const struct slave_pending *but);
/* The next that is due, and not any more, or NULL: passing up may end others,
 * where the way refuses it at once, and the copy with them. */
struct slave_pending *slave_pending_due(struct slave *s);

/* ---- slave_split.c ---- */

/* The nickname by which the master is going to know what the user says now: of
 * the last presence that waits, "" for none. */
const char *slave_nick_wanted(const struct slave *s, const struct jid *user);
/* All but those of ours are shown as away; or not any more. */
void slave_fade(struct slave *s);
void slave_unfade(struct slave *s);
/* What was on its way when the split came: before what is said in it. */
void slave_show_waiting(struct slave *s);

/* ---- slave_way.c: whom it gets the log from ---- */

/* To the master, by a relay if need be. */
void slave_tell_master(struct slave *s, const char *xml, size_t len);
/* <name/> with where we stand, to whom we get the log from. */
void slave_say(struct slave *s, const char *name);
/* The same, to the master. */
void slave_say_to_master(struct slave *s, const char *name);
/* Attaches; for_all: for the room as a whole. */
void slave_ask(struct slave *s, bool for_all);
/* The relay does not serve us. */
void slave_leave_relay(struct slave *s);
/* It says so. */
void slave_released(struct slave *s, const struct xml *x);
/* Says what the last <tree/> is to be answered with, if that is still owed. */
void slave_answer_tree(struct slave *s);
/* <tree/> */
void slave_on_tree(struct slave *s, const struct xml *x);
/* An element from another server than the master's: is it of the log, and
 * from whom we get it? */
bool
slave_takes_from(struct slave *s, const struct jid *from, const struct xml *x);
void slave_way_tick(struct slave *s);
void slave_way_free(struct slave *s);

/* ---- relay.c: who gets the log from this ---- */

/* Something that is meant for a relay: from a copy, or from above. */
void relay_receive(struct slave *s, struct jid *from, const struct xml *x);
void relay_pass_on(struct slave *s, const struct entry *e, bool is_late);
/* It is current now; or it was, and the master has told the position. */
void relay_is_current(struct slave *s, bool is_news);
/* What was on its way to a domain may be lost. */
void relay_broken(struct slave *s, const struct jid *domain);
/* There is no way to a domain any more. */
void relay_lost(struct slave *s, const struct jid *domain);
/* Tells the master whom it serves, or that it does not want to. */
void relay_name_children(struct slave *s);
/* They have to find somebody else. */
void relay_release_all(struct slave *s);
void relay_free(struct slave *s);

/* ---- slave_receive.c: what comes from the master ---- */

/* Forgets the snapshot that is being read. */
void slave_drop_next(struct slave *s);
void slave_acknowledge(struct slave *s);
/* Is the user about to enter again after a split? */
bool slave_returns(struct slave *s, const struct jid *user);
/* Is anybody? */
bool slave_has_return(const struct slave *s);
/* The master is told of those of ours whom the room has and who are not here.
 * That it was told so once may have been lost, or forgotten with what a backup
 * does not have. */
void slave_leave_for_gone(struct slave *s);
/* Which <attach/> is it the answer to: the last one? */
bool slave_is_answer(const struct slave *s, const struct xml *x);

#endif
