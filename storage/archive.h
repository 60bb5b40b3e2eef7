/*
 * archive.h - messages kept for an owner, in the order of their ids: the
 * history of a room, and its archive (XEP-0313).
 *
 * The owner is a bare JID. An id is made by the caller: the wall clock in
 * microseconds, or one more than the owner's last id where that is not less.
 * So ids grow, are above 0, and are times too: start_ms, end_ms and before_ms
 * are compared with id / 1000, not with stamp_ms, which is only kept.
 *
 * Rows leave at the old end only (archive_append's keep, archive_prune), or all
 * at once. What a message said is taken back by archive_replace; its place
 * stays.
 */
#ifndef STORAGE_ARCHIVE_H
#define STORAGE_ARCHIVE_H

#include "storage/store.h"

/* The lowest id of that millisecond of wall time. */
int64_t archive_id_at(int64_t ms);

struct archive_row {
	int64_t id;
	int64_t stamp_ms; /* wall time, for <delay/> */
	const char *peer; /* what archive_query.peer is compared with; NULL:
			   * nothing matches */
	const char *origin_id; /* the sender's, XEP-0359; or NULL */
	const char *xml;       /* ends with a NUL in results */
	size_t len;
	unsigned kind; /* the caller's flags */
};

/* Adds the row, whose id is above all others of the owner: else STORE_EXISTS.
 * keep > 0: of this owner, at least the newest `keep` rows stay, and older ones
 * go from time to time, so that never more than keep + keep / 8 + 1 are there
 * if all appends give that keep. 0: all stay. */
void archive_append(struct store *s, const char *owner,
		    const struct archive_row *row, int64_t keep,
		    store_done *done, void *data);
/* Other XML and flags for a row, as for the tombstone of a retracted message
 * (XEP-0424, XEP-0425); its origin id goes. NOT_FOUND where there is none. */
void
archive_replace(struct store *s, const char *owner, int64_t id, unsigned kind,
		const char *xml, size_t len, store_done *done, void *data);
/* The whole archive, at once for whoever looks; its rows leave the disk with
 * later calls of archive_prune. */
void archive_remove(struct store *s, const char *owner, store_done *done,
		    void *data);

/* Zeroed: everything. The first part says what the whole result is, the second
 * which page of it is wanted (XEP-0059). */
struct archive_query {
	const char *peer;	  /* only rows with exactly this one; or NULL */
	int64_t start_ms, end_ms; /* with those of that ms; 0: no limit */
	int64_t after_id, before_id; /* without these two; 0: no limit */
	/* Exactly these rows, as far as the other limits let them through;
	 * in any order, repeated or not. */
	const int64_t *ids;
	size_t n_ids; /* at most ARCHIVE_IDS_MAX; 0: any */

	/* Rows of the page; 0: none, for the count alone. It ends early behind
	 * ARCHIVE_PAGE_BYTES of XML. */
	size_t max;
	int64_t page_after, page_before; /* without these; 0: not given */
	/* The last rows before page_before, or, without that, of all; else the
	 * first rows behind page_after. */
	bool is_backwards;
	/* Count too. O(log n), except with a peer: then each row within the
	 * other limits is looked at, unless they are more than 10,000. */
	bool has_count;
};
#define ARCHIVE_IDS_MAX	   1000
#define ARCHIVE_PAGE_BYTES 1048576

struct archive_result {
	/* OK; NOT_FOUND: one of after_id, before_id, page_after, page_before or
	 * ids is not in the archive (XEP-0313: item-not-found); FAILED. */
	struct store_result res;
	const struct archive_row *rows; /* by id, whichever way was asked */
	size_t n_rows;
	/* There are no more rows of the result in the direction of paging. */
	bool is_complete;
	/* Of the whole result; -1: not asked for, or not counted. */
	int64_t count;
	/* Of the first row in it, from 0; -1: as above, or there is no row. */
	int64_t index;
};
typedef void archive_done(void *data, const struct archive_result *res);

void
archive_query(struct store *s, const char *owner, const struct archive_query *q,
	      archive_done *done, void *data);
/* The row, or NOT_FOUND. */
void archive_get(struct store *s, const char *owner, int64_t id,
		 archive_done *done, void *data);
/* The newest n rows, oldest first, of those that have all flags of kind. Rows
 * without them cost a visit each. */
void archive_last(struct store *s, const char *owner, unsigned kind, size_t n,
		  archive_done *done, void *data);
/* The newest row with that peer and origin id among the newest n rows, each of
 * which costs a visit; or NOT_FOUND. */
void archive_find_origin(struct store *s, const char *owner, const char *peer,
			 const char *origin_id, size_t n, archive_done *done,
			 void *data);

struct archive_bounds {
	struct store_result res; /* OK, FAILED */
	int64_t count;		 /* 0: it is empty, the rest is 0 too */
	int64_t first_id, first_ms, last_id, last_ms;
};
typedef void
archive_bounds_done(void *data, const struct archive_bounds *bounds);
/* XEP-0313's <metadata/>. */
void archive_bounds(struct store *s, const char *owner,
		    archive_bounds_done *done, void *data);

struct archive_pruned {
	struct store_result res;
	size_t n_removed;
	/* From where to go on, perhaps ""; NULL: all has been looked at. */
	const char *next_owner;
};
typedef void archive_prune_done(void *data, const struct archive_pruned *res);
/* Removes rows of archives that were removed, and what is older than before_ms
 * (0: nothing), of the owners at that domain (NULL: of all) from `from` on in
 * the order of bytes (NULL: from the first). Ends after max rows, or a few
 * hundred owners: call it again, with next_owner. A row costs 10 to 30 us. */
void archive_prune(struct store *s, const char *domain, const char *from,
		   int64_t before_ms, size_t max, archive_prune_done *done,
		   void *data);

#endif
