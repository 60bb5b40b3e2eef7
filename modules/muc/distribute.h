/*
 * distribute.h - the I/O of a room's master with the servers that have a copy
 * of it (docs/dmuc.md, peers.h).
 */
#ifndef MUC_DISTRIBUTE_H
#define MUC_DISTRIBUTE_H

#include "core/hook.h"

#include <stdbool.h>

struct arena;
struct event;
struct jid;
struct live;
struct muc;
struct muc_shown;
struct muc_totals;
struct room_change;
struct ruling;
struct stanza;
struct submission;

void distribute_stop(struct muc *muc);

/* Somebody is about to enter: where the user's server can have a copy of the
 * room, it is asked to. Then runs fn(ev, l), and does and returns what that
 * does, or WAIT. */
enum verdict
distribute_before_join(struct live *l, struct event *ev, hook_fn *fn);

/* From a copy: a user who was in the room before enters it again. */
bool distribute_is_return(const struct stanza *s);

/* A stanza from a domain to a room. True: it was of the protocol. */
bool distribute_receive(struct live *l, struct event *ev);

/* ---- for live.c ---- */

/* A submission from another server. False: it was there before, and nothing
 * is to come of it now. */
bool distribute_submitted(struct live *l, struct submission *sub);
/* True: its user is told by the copy, since no error gets there by itself. */
bool distribute_done(struct live *l, const struct submission *sub,
		     const struct ruling *ruling);
/* Before anybody here is shown the entry. */
void distribute_applied(struct live *l, const struct room_change *c);
void distribute_free(struct live *l);

/* The way to a domain is lost, or there is one again; or what was on its way
 * there may be lost. */
void distribute_lost(struct muc *muc, const struct jid *domain);
void distribute_found(struct muc *muc, const struct jid *domain);
void distribute_broken(struct muc *muc, const struct jid *domain);

/* Does that domain get the log from a relay? Then a lost way to itself puts
 * nobody away. */
bool distribute_is_reached(const struct live *l, const struct jid *domain);
/* It has a copy, and there are relays that may reach it. */
bool distribute_has_relays(const struct live *l, const struct jid *domain);

/* Options have changed: who may not have a copy any more has none. */
void distribute_reloaded(struct muc *muc);

/* ---- for who runs the server: administration.h ---- */

/* That domain's users become ordinary occupants, and it is not asked to have a
 * copy of this room for an hour. False: it has none. */
bool distribute_drain(struct live *l, const struct jid *domain);
/* Adds the peers. */
void
distribute_show(const struct live *l, struct arena *a, struct muc_shown *out);
void distribute_count(const struct live *l, struct muc_totals *out);

#endif
