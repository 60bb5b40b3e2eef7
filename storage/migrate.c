/*
 * migrate.c - the tables, in numbered steps.
 *
 * A step that has been released is never changed: write a new one behind it.
 * For the words with an @ see db_script.
 */

#include "storage/migrate.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/db.h"

#include <inttypes.h>
#include <stdint.h>

static const char *const steps[] = {
	/* 1: accounts, rosters, offline messages, fragments, block lists */
	"CREATE TABLE accounts ("
	" domain @TEXT NOT NULL,"
	" local @TEXT NOT NULL,"
	" sha1_iterations @INT NOT NULL,"
	" sha1_salt @BLOB,"
	" sha1_stored @BLOB,"
	" sha1_server @BLOB,"
	" sha256_iterations @INT NOT NULL,"
	" sha256_salt @BLOB,"
	" sha256_stored @BLOB,"
	" sha256_server @BLOB,"
	" sha512_iterations @INT NOT NULL,"
	" sha512_salt @BLOB,"
	" sha512_stored @BLOB,"
	" sha512_server @BLOB,"
	" created_ms @INT NOT NULL,"
	" last_seen_ms @INT NOT NULL,"
	" last_status @TEXT,"
	" disabled @INT NOT NULL,"
	" PRIMARY KEY (domain, local));"

	/* Read as a whole at each log-in, so an owner's rows lie together.
	 * removed: a tombstone for roster versioning. */
	"CREATE TABLE roster ("
	" owner @TEXT NOT NULL,"
	" jid @TEXT NOT NULL,"
	" flags @INT NOT NULL,"
	" version @INT NOT NULL,"
	" removed @INT NOT NULL,"
	" name @TEXT,"
	" groups @TEXT,"
	" request @TEXT,"
	" PRIMARY KEY (owner, jid)) @CLUSTERED;"
	/* known_since: tombstones up to that version have been dropped. */
	"CREATE TABLE roster_versions ("
	" owner @TEXT NOT NULL PRIMARY KEY,"
	" version @INT NOT NULL,"
	" known_since @INT NOT NULL) @CLUSTERED;"

	"CREATE TABLE offline ("
	" id @ID,"
	" owner @TEXT NOT NULL,"
	" stamp_ms @INT NOT NULL,"
	" xml @TEXT NOT NULL);"
	"CREATE INDEX offline_owner ON offline (owner, id);"

	/* Rows may be large, so they stay out of the key's tree. */
	"CREATE TABLE fragments ("
	" owner @TEXT NOT NULL,"
	" kind @TEXT NOT NULL,"
	" key @TEXT NOT NULL,"
	" xml @TEXT NOT NULL,"
	" PRIMARY KEY (owner, kind, key));"

	"CREATE TABLE blocklist ("
	" owner @TEXT NOT NULL,"
	" jid @TEXT NOT NULL,"
	" PRIMARY KEY (owner, jid)) @CLUSTERED;",

	/* 2: rooms and archives. What is long comes last in a row. version: of
	 * the affiliations; known_since as above. */
	"CREATE TABLE rooms ("
	" jid @TEXT NOT NULL PRIMARY KEY,"
	" service @TEXT NOT NULL,"
	" name @TEXT,"
	" is_public @INT NOT NULL,"
	" is_persistent @INT NOT NULL,"
	" created_ms @INT NOT NULL,"
	" used_ms @INT NOT NULL,"
	" version @INT NOT NULL,"
	" known_since @INT NOT NULL,"
	" epoch @TEXT,"
	" seq @INT NOT NULL,"
	" last_id @INT NOT NULL,"
	" subject_from @TEXT,"
	" subject_ms @INT NOT NULL,"
	" subject @TEXT,"
	" config @TEXT NOT NULL);"
	"CREATE INDEX rooms_service ON rooms (service, jid, name);"
	/* With is_public the index alone answers, says SQLite. */
	"CREATE INDEX rooms_public ON rooms (service, jid, name, is_public)"
	" WHERE is_public = 1;"
	"CREATE INDEX rooms_temporary ON rooms (service, jid)"
	" WHERE is_persistent = 0;"
	/* Counting them for each page of a list would visit them all. */
	"CREATE TABLE room_counts ("
	" service @TEXT NOT NULL PRIMARY KEY,"
	" n_all @INT NOT NULL,"
	" n_public @INT NOT NULL) @CLUSTERED;"

	/* affiliation 0: a tombstone. */
	"CREATE TABLE room_affiliations ("
	" room @TEXT NOT NULL,"
	" jid @TEXT NOT NULL,"
	" affiliation @INT NOT NULL,"
	" changed @INT NOT NULL,"
	" stamp_ms @INT NOT NULL,"
	" nick @TEXT,"
	" reason @TEXT,"
	" PRIMARY KEY (room, jid)) @CLUSTERED;"
	"CREATE INDEX room_affiliations_jid"
	" ON room_affiliations (jid, room, affiliation);"
	"CREATE INDEX room_affiliations_changed"
	" ON room_affiliations (room, changed, affiliation);"

	"CREATE TABLE room_occupants ("
	" room @TEXT NOT NULL,"
	" jid @TEXT NOT NULL,"
	" nick @TEXT NOT NULL,"
	" occupant_id @TEXT,"
	" role @INT NOT NULL,"
	" stamp_ms @INT NOT NULL,"
	" payload @TEXT,"
	" PRIMARY KEY (room, jid));"

	/* An archive's number is short, and never used again: one that is
	 * removed has no owner any more at once, and its rows go bit by bit. */
	"CREATE TABLE archives ("
	" number @ID,"
	" owner @TEXT NOT NULL UNIQUE);"
	"CREATE TABLE archives_removed ("
	" number @INT NOT NULL PRIMARY KEY) @CLUSTERED;"
	/* Rows are added at the table's end, and each dirties one page of one
	 * index. ordinal: numbers an archive's rows without a gap, so that
	 * nothing is counted one by one. */
	"CREATE TABLE archive_rows ("
	" archive @INT NOT NULL,"
	" id @INT NOT NULL,"
	" ordinal @INT NOT NULL,"
	" stamp_ms @INT NOT NULL,"
	" kind @INT NOT NULL,"
	" peer @TEXT,"
	" origin_id @TEXT,"
	" xml @TEXT NOT NULL);"
	"CREATE INDEX archive_rows_id"
	" ON archive_rows (archive, id, peer, ordinal);",

	/* 3: what a crash must not make of rooms */
	"ALTER TABLE rooms ADD COLUMN is_locked @INT NOT NULL DEFAULT 0;"
	"ALTER TABLE room_occupants"
	" ADD COLUMN affiliation @INT NOT NULL DEFAULT 0;",
};

static const char version_table[] =
	"CREATE TABLE schema_version (version @INT NOT NULL);"
	"INSERT INTO schema_version VALUES (0);";
static const struct db_sql get_version = {
	"SELECT version FROM schema_version"
};
static const struct db_sql set_version = {
	"UPDATE schema_version SET version = $1"
};

int
migrate_version(void)
{
	return (int)N_ELEMENTS(steps);
}

static int
fail(struct db *db, struct err *err, const char *what)
{
	return err_set(err, "database %s: %s: %s", db_target(db), what,
		       db_error(db));
}

/* Reads the version, -1 where that is not possible. Runs in a transaction. */
static int
find_version(struct db *db, int64_t *version_out, struct err *err)
{
	int has = db_has_table(db, "schema_version"), is_empty;

	*version_out = 0;
	if (has < 0)
		return fail(db, err, "reading its schema");
	if (has) {
		has = db_query_int(db, &get_version, NULL, 0, version_out);
		if (has < 0)
			return fail(db, err, "reading its version");
		if (!has)
			return err_set(err,
				       "database %s: its table schema_version "
				       "is empty; expected one row",
				       db_target(db));
		return 0;
	}
	is_empty = db_is_empty(db);
	if (is_empty < 0)
		return fail(db, err, "reading its schema");
	if (!is_empty)
		return err_set(err,
			       "database %s: belongs to another program: it "
			       "has tables, but no schema_version",
			       db_target(db));
	if (db_script(db, version_table) < 0)
		return fail(db, err, "creating its first table");
	return 0;
}

/* One step: 1 where there may be more, 0 at the end. */
static int
step(struct db *db, struct err *err)
{
	int64_t version;

	if (find_version(db, &version, err) < 0)
		return -1;
	if (version < 0 || version > migrate_version())
		return err_set(err,
			       "database %s: is of version %" PRId64
			       "; this banyan knows versions up to %d: use the "
			       "newer one that has written it",
			       db_target(db), version, migrate_version());
	if (version == migrate_version())
		return 0;
	if (db_script(db, steps[version]) < 0)
		goto fail;
	version++;
	const struct db_value v[] = { db_int(version) };

	if (db_exec(db, &set_version, v, N_ELEMENTS(v)) < 0)
		goto fail;
	log_info(NULL, "storage: database %s is now of version %" PRId64,
		 db_target(db), version);
	return 1;
fail:
	return err_set(
		err, "database %s: cannot bring it to version %" PRId64 ": %s",
		db_target(db), version + 1, db_error(db));
}

int
migrate(struct db *db, struct err *err)
{
	int more;

	do {
		/* For write: another process may be doing the same. */
		if (db_begin(db, true) < 0)
			return fail(db, err, "cannot write to it");
		more = step(db, err);
		if (more >= 0 && db_commit(db) < 0)
			more = fail(db, err, "cannot write to it");
		if (more < 0)
			db_rollback(db);
	} while (more > 0);
	return more;
}
