/*
 * administration.h - rooms as who runs the server sees them: all of them, and
 * those in them; deleted, or taken over.
 */
#ifndef MUC_ADMINISTRATION_H
#define MUC_ADMINISTRATION_H

#include "modules/muc/affiliation.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct jid;
struct muc_service;
struct server;

/* The domain of rooms, or NULL where it is none (or another name of one). */
struct muc_service *muc_service_find(struct server *srv, const struct jid *jid);
/* The first of a host; NULL: it has none. */
struct muc_service *muc_service_of_host(struct host *h);
/* Those of all hosts, one after the other: NULL starts and ends. */
struct muc_service *muc_service_next(struct server *srv, struct muc_service *s);
struct host *muc_service_host(const struct muc_service *s);
/* Lives as long as the service. */
const char *muc_service_domain(const struct muc_service *s);

/* Of all services. */
struct muc_totals {
	size_t n_distributed; /* rooms */
	size_t n_peers, n_lost;
	/* Since the start. */
	uint64_t n_stanzas, n_bytes, n_instead_of, n_bytes_instead_of;
};
struct muc_totals muc_totals_of(struct server *srv);

struct muc_seen {
	const char *jid, *name; /* name: NULL where it has none */
	int64_t created_ms;
	size_t n_occupants; /* where it is asleep, 0 */
	bool is_public, is_persistent;
};
struct muc_rooms {
	const struct muc_seen *rooms; /* by address */
	size_t n;
	bool is_complete; /* there are no more behind the last */
	bool is_failed;	  /* they could not be read */
};
typedef void muc_rooms_done(void *data, const struct muc_rooms *res);
/* At most max rooms behind the address `after`; NULL: from the first. */
void muc_list(struct muc_service *s, const char *after, size_t max,
	      muc_rooms_done *done, void *data);

struct muc_occupant {
	const char *nick;
	const char *const *jids; /* full; ends with NULL */
	enum affiliation affiliation;
	enum role role;
};
/* A server that has a copy of the room, or is asked to. */
struct muc_peer {
	const char *domain;
	const char *state; /* "asked", "follows", "lost" */
	const char *via;   /* the relay that it gets the room from, or NULL */
	bool is_lost;
	int64_t since_s; /* of its state */
	/* The position that it has told last, and entries behind that. */
	uint64_t acked, n_behind;
	size_t n_sessions; /* of its users, in the room */
	/* What it was sent; and what its users would have been. */
	uint64_t n_stanzas, n_bytes, n_instead_of, n_bytes_instead_of;
};
struct muc_shown {
	enum stanza_cond cond; /* ITEM_NOT_FOUND, …: nothing else is set */
	struct muc_seen room;
	const char *desc;	   /* NULL: none */
	const char *const *owners; /* bare JIDs; ends with NULL */
	const struct muc_occupant *occupants;
	size_t n_occupants;
	const char *epoch; /* its log, and how far that is */
	uint64_t seq;
	const struct muc_peer *peers;
	size_t n_peers;
};
typedef void muc_shown_done(void *data, const struct muc_shown *room);
/* Calls done once, perhaps at once. */
void muc_show(struct muc_service *s, struct jid *room, muc_shown_done *done,
	      void *data);

/* cond: NONE, or why it is not done. Called once, perhaps at once. */
typedef void muc_changed(void *data, enum stanza_cond cond);
/* Its end; who is in it hears the reason, and where to go instead (a JID).
 * Both may be NULL. */
void muc_delete(struct muc_service *s, struct jid *room, const char *reason,
		const char *instead, muc_changed *done, void *data);
/* The users of that domain, whose server has a copy of the room, become
 * ordinary occupants, without leaving; for an hour it is not asked to have
 * another one. NOT_ACCEPTABLE: it has none. */
void muc_drain(struct muc_service *s, struct jid *room, struct jid *domain,
	       muc_changed *done, void *data);
/* user: bare */
void muc_make_owner(struct muc_service *s, struct jid *room, struct jid *user,
		    muc_changed *done, void *data);

#endif
