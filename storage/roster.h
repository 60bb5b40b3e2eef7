/* roster.h - contacts (RFC 6121 section 2), with a version for each owner. */
#ifndef STORAGE_ROSTER_H
#define STORAGE_ROSTER_H

#include "storage/store.h"

/* Bits of struct roster_row.flags. */
enum {
	ROSTER_TO = 1,	       /* the owner receives the contact's presence */
	ROSTER_FROM = 2,       /* the contact receives the owner's */
	ROSTER_ASK = 4,	       /* pending out: ask='subscribe' */
	ROSTER_PENDING_IN = 8, /* the contact's request waits for an answer */
	ROSTER_APPROVED = 16,  /* pre-approved, RFC 6121 3.4 */
	ROSTER_LISTED = 32,    /* the owner sees it; off: only PENDING_IN or
				* APPROVED is known */
};

struct roster_row {
	const char *jid;     /* bare or not, prepared; the row's key */
	const char *name;    /* NULL: none */
	const char *groups;  /* '\n'-separated, NULL: none */
	const char *request; /* the waiting subscribe stanza as XML; or NULL */
	unsigned flags;
	int64_t version; /* at which it changed last */
	bool removed;	 /* only in roster_changes: a tombstone */
};

struct roster_result {
	struct store_result res;
	const struct roster_row *rows;
	size_t n_rows;
	/* Of the whole roster. Where nothing is stored, it is 0, or above that
	 * of any roster that went with its account: no version of an owner ever
	 * means two different rosters. */
	int64_t version;
	/* Changes since the version asked for are not known: rows is the whole
	 * roster. */
	bool is_full;
};
typedef void roster_done(void *data, const struct roster_result *res);

void
roster_load(struct store *s, const char *owner, roster_done *done, void *data);
/* What changed behind version `since` (RFC 6121 2.6), in the order of the
 * changes; or all. A row that has lost ROSTER_LISTED is a removal too, in the
 * eyes of a client; one that never had it is not among the changes. */
void roster_changes(struct store *s, const char *owner, int64_t since,
		    roster_done *done, void *data);

typedef void
roster_write_done(void *data, const struct store_result *res, int64_t version);
/* Both expect the roster's version plus one and raise it to that. With another
 * they change nothing and end with STORE_EXISTS: the caller's copy is old. Only
 * where nothing is stored yet, a lower one does: accounts that are deleted move
 * the beginning. done gets the version that the roster has now, 0 where that is
 * not known. */

/* Inserts or replaces the row, whose version is the new one. STORE_FULL where
 * there would be more than max_items that are ROSTER_LISTED, or, if this one is
 * not, more than max_items that are not. */
void
roster_put(struct store *s, const char *owner, const struct roster_row *row,
	   size_t max_items, roster_write_done *done, void *data);
/* Leaves a tombstone for versioning, if the row ever was ROSTER_LISTED;
 * NOT_FOUND where there is none. */
void roster_remove(struct store *s, const char *owner, const char *jid,
		   int64_t version, roster_write_done *done, void *data);

#endif
