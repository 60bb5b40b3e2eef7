/* migrate.h - brings the tables of a database up to date. */
#ifndef STORAGE_MIGRATE_H
#define STORAGE_MIGRATE_H

struct db;
struct err;

/* Each step that is missing runs in a transaction of its own. -1 where one
 * fails, where the database is from a newer Banyan, or is somebody else's. */
int migrate(struct db *db, struct err *err);

/* What it brings a database to. */
int migrate_version(void);

#endif
