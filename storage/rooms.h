/*
 * rooms.h - rooms (XEP-0045): what they are, who may do what in them, and which
 * users of other servers are in them over a restart.
 *
 * A room is known by its bare JID, room@service. All operations on one room
 * take effect in the order of the calls, together with those on its archive
 * (archive.h), whose owner it is. Those on a service are not ordered with them:
 * they see what has been confirmed.
 */
#ifndef STORAGE_ROOMS_H
#define STORAGE_ROOMS_H

#include "storage/store.h"

struct room_row {
	const char *jid;	  /* its service is the domain */
	const char *name;	  /* shown in lists; NULL: none */
	const char *config;	  /* opaque here; not NULL */
	const char *subject;	  /* XML; NULL: none */
	const char *subject_from; /* nick; or NULL */
	const char *epoch;	  /* of its log; or NULL */
	int64_t subject_ms;
	int64_t seq; /* of its log */
	/* Id of the last row in its archive. rooms_load gives what is found
	 * there if that is more, so it need not be saved for each message. */
	int64_t last_id;
	int64_t created_ms, used_ms;
	bool is_public; /* listed */
	bool is_persistent;
	bool is_locked; /* its owner has not configured it yet */
};

/* What somebody is in a room that is not just "none" (XEP-0045 5.2). */
struct room_affiliation {
	const char *jid;    /* bare, or a domain */
	const char *nick;   /* reserved for them; or NULL */
	const char *reason; /* or NULL */
	int64_t stamp_ms;
	int affiliation; /* enum affiliation of the rooms; 0: none */
	/* Version of the room's lists in which it came to be so. Set by the
	 * store. */
	int64_t changed;
};

/* A session of a user of another server that is in the room. */
struct room_occupant {
	const char *jid; /* full; the row's key */
	const char *nick;
	const char *occupant_id; /* XEP-0421; or NULL */
	const char *payload;	 /* children of its presence as XML; or NULL */
	int64_t stamp_ms;
	int role;	 /* enum role of the rooms */
	int affiliation; /* the one that the role goes with */
};

/* Inserts or updates the room's row, not its lists. */
void rooms_save(struct store *s, const struct room_row *row, store_done *done,
		void *data);
/* A new room with its first affiliations, in one transaction; versions from 1
 * on. EXISTS where there is one of that name. Whatever was left in that name
 * goes. */
void rooms_create(struct store *s, const struct room_row *row,
		  const struct room_affiliation *items, size_t n_items,
		  store_done *done, void *data);
/* With its lists, its occupants and its archive: see archive_remove.
 * NOT_FOUND. */
void
rooms_delete(struct store *s, const char *jid, store_done *done, void *data);

struct room_result {
	struct store_result res; /* OK, NOT_FOUND, FAILED */
	const struct room_row *row;
	const struct room_affiliation *affiliations; /* by JID; no "none" */
	size_t n_affiliations;
	int64_t version; /* of the affiliations; 0: there never were any */
	const struct room_occupant *occupants; /* by nick, then by JID */
	size_t n_occupants;
};
typedef void room_done(void *data, const struct room_result *res);
/* All of it but the archive, as one state. */
void rooms_load(struct store *s, const char *jid, room_done *done, void *data);

/* A page of a service's rooms, by JID in the order of bytes (XEP-0059). */
struct rooms_query {
	const char *service;
	bool only_public;
	const char *prefix; /* of the JID; NULL: any */
	/* Part of the JID's local part or of the name, without regard to the
	 * case of ASCII; NULL: any. Costs a look at each room of the service.
	 */
	const char *search;

	size_t max;		    /* 0: only the count */
	const char *after, *before; /* JIDs, which need not exist; or NULL */
	/* The last rooms before `before`, or, without that, of all; else the
	 * first ones behind `after`. */
	bool is_backwards;
};

struct rooms_list_result {
	struct store_result res;
	/* By JID, whichever way was asked. Only jid, name, is_public,
	 * is_persistent, created_ms and used_ms are set. */
	const struct room_row *rows;
	size_t n_rows;
	int64_t count; /* of all that match; -1: more than is worth counting */
	int64_t index; /* of the first row among them; -1: as above, or none */
	bool is_complete; /* no more in the direction of paging */
};
typedef void rooms_list_done(void *data, const struct rooms_list_result *res);
void rooms_list(struct store *s, const struct rooms_query *q,
		rooms_list_done *done, void *data);

struct rooms_jids {
	struct store_result res;
	const char *const *jids; /* sorted */
	size_t n_jids;
};
typedef void rooms_jids_done(void *data, const struct rooms_jids *res);
/* Rooms of the service that have occupants in the database. */
void rooms_with_occupants(struct store *s, const char *service,
			  rooms_jids_done *done, void *data);

typedef void
rooms_purge_done(void *data, const struct store_result *res, int64_t n);
/* Deletes rooms that are not persistent and have no occupants in the database,
 * for the start of a server: at most max in one transaction, 0.2 ms each. n:
 * how many; call it again until that is 0. */
void rooms_purge_temporary(struct store *s, const char *service, size_t max,
			   rooms_purge_done *done, void *data);

/* Affiliations. Each change of one raises the version of the room's lists by
 * one, for XEP-0463. How many a room may have is the caller's to limit. */

typedef void
room_version_done(void *data, const struct store_result *res, int64_t version);
/* Puts them in the order given, or none of them: the first that changes gets
 * the version after the room's. affiliation 0 removes one; where it is not
 * there, nothing changes. version: the room's now, 0 where that is not known.
 * NOT_FOUND where there is no such room. */
void room_set_affiliations(struct store *s, const char *room,
			   const struct room_affiliation *items, size_t n_items,
			   room_version_done *done, void *data);
/* One of them. item->changed is ignored. */
void room_set_affiliation(struct store *s, const char *room,
			  const struct room_affiliation *item,
			  room_version_done *done, void *data);

struct room_changes {
	struct store_result res; /* OK, NOT_FOUND (no such room), FAILED */
	const struct room_affiliation *items;
	size_t n_items;
	int64_t version; /* of the lists now */
	/* Changes since the version asked for are not known, or it was 0: items
	 * are all there are, by JID. */
	bool is_full;
};
typedef void room_changes_done(void *data, const struct room_changes *res);
/* What changed behind version `since`, in the order of the changes; those that
 * were removed with affiliation 0. */
void room_affiliations_since(struct store *s, const char *room, int64_t since,
			     room_changes_done *done, void *data);

struct room_of {
	const char *room;
	int affiliation;
};
struct rooms_of_result {
	struct store_result res;
	const struct room_of *rooms; /* by JID */
	size_t n_rooms;
};
typedef void rooms_of_done(void *data, const struct rooms_of_result *res);
/* Rooms in which this bare JID has an affiliation: at most max that sort behind
 * `after` (NULL: from the first). */
void rooms_of(struct store *s, const char *jid, const char *after, size_t max,
	      rooms_of_done *done, void *data);

/* Occupants. */

/* Inserts or replaces. Does not look whether the room is there. */
void
room_occupant_put(struct store *s, const char *room,
		  const struct room_occupant *o, store_done *done, void *data);
/* Well where there is none. */
void room_occupant_remove(struct store *s, const char *room, const char *jid,
			  store_done *done, void *data);
void room_occupants_clear(struct store *s, const char *room, store_done *done,
			  void *data);

#endif
