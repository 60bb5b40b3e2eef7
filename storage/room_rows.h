/* room_rows.h - inside of the stores of rooms.h: what their sources share. */
#ifndef STORAGE_ROOM_ROWS_H
#define STORAGE_ROOM_ROWS_H

#include "storage/db.h"
#include "storage/op.h"
#include "storage/rooms.h"

/* The columns of a struct room_affiliation, for room_rows_affiliation. */
#define ROOM_AFFILIATION_COLUMNS \
	"jid, affiliation, changed, stamp_ms, nick, reason"
struct room_affiliation
room_rows_affiliation(struct op *op, struct db_rows *rows);
/* All there are, by JID. -1 where the database failed. */
int room_rows_affiliations(struct op *op, struct db *db, const char *room,
			   struct op_array *out);
/* Puts or removes each, and raises *version for those that change something.
 * -1 where the database failed. */
int
room_rows_set(struct db *db, const char *room,
	      const struct room_affiliation *items, size_t n, int64_t *version);
/* Copies an array and its text into one block for free(). */
struct room_affiliation *
room_rows_copy(const struct room_affiliation *items, size_t n);

/* The service of a room. */
const char *room_rows_service(const char *jid);

#endif
