/* kinds.c - the list of all typed stores. */

#include "storage/kinds.h"

#include "base/err.h"
#include "base/mem.h"
#include "storage/migrate.h"

const struct store_kind *const store_kinds[] = {
	&accounts_kind,
	&archive_kind,
	&archive_query_kind,
	&blocklist_kind,
	&fragments_kind,
	&offline_kind,
	&room_affiliations_kind,
	&rooms_kind,
	&rooms_list_kind,
	&roster_kind,
	NULL,
};

int
store_forget_owner(struct db *db, const char *owner)
{
	const struct db_value v[] = { db_text(owner) };

	for (size_t i = 0; store_kinds[i]; i++) {
		const struct db_sql *const *sql = store_kinds[i]->forget;

		for (; sql && *sql; sql++) {
			if (db_exec(db, *sql, v, N_ELEMENTS(v)) < 0)
				return -1;
		}
	}
	return 0;
}

int
store_check_sql(struct db *db, struct err *err)
{
	for (size_t i = 0; store_kinds[i]; i++) {
		const struct store_kind *kind = store_kinds[i];

		for (size_t k = 0; k < kind->n_sql; k++) {
			if (db_prepare(db, &kind->sql[k]) == 0)
				continue;
			return err_set(err,
				       "database %s: its tables are not those "
				       "of version %d (%s: %s); restore it "
				       "from a backup",
				       db_target(db), migrate_version(),
				       kind->name, db_error(db));
		}
	}
	return 0;
}
