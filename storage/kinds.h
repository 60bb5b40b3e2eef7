/* kinds.h - what every typed store tells about itself. */
#ifndef STORAGE_KINDS_H
#define STORAGE_KINDS_H

#include "storage/db.h"

struct err;

struct store_kind {
	const char *name;
	/* All its statements, to be tried when a database is opened. */
	const struct db_sql *sql;
	size_t n_sql;
	/* Those of them that delete all it keeps for the owner $1, a bare JID.
	 * The list ends with NULL; NULL where it keeps nothing by owner. */
	const struct db_sql *const *forget;
};

/* Each at the top of its store's source. */
extern const struct store_kind accounts_kind;
extern const struct store_kind archive_kind;
extern const struct store_kind archive_query_kind;
extern const struct store_kind blocklist_kind;
extern const struct store_kind fragments_kind;
extern const struct store_kind offline_kind;
extern const struct store_kind room_affiliations_kind;
extern const struct store_kind rooms_kind;
extern const struct store_kind rooms_list_kind;
extern const struct store_kind roster_kind;

/* All of them; ends with NULL. */
extern const struct store_kind *const store_kinds[];

/* Runs what every store has to forget an owner. -1 where one fails. */
int store_forget_owner(struct db *db, const char *owner);
/* -1 where a statement does not fit the tables of the database. */
int store_check_sql(struct db *db, struct err *err);

#endif
