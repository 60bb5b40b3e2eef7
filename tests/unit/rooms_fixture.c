/* rooms_fixture.c - rooms in a database. */

#include "rooms_fixture.h"

#include <stdio.h>
#include <string.h>

struct fixture rooms_store;

void
create(const char *jid, const struct room_affiliation *items, size_t n,
       enum store_status want)
{
	const struct room_row row = { .jid = jid,
				      .config = "",
				      .is_public = true,
				      .is_persistent = true };
	struct outcome o = { 0 };

	rooms_create(rooms_store.store, &row, items, n, outcome_set, &o);
	outcome_expect(&rooms_store, &o, want);
}

void
destroy(const char *jid, enum store_status want)
{
	struct outcome o = { 0 };

	rooms_delete(rooms_store.store, jid, outcome_set, &o);
	outcome_expect(&rooms_store, &o, want);
}

const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

void
add_text(char *all, size_t size, const char *text)
{
	size_t len = strlen(all);

	snprintf(all + len, size - len, "%s%s", len ? ", " : "", text);
}

void
add_affiliation(char *all, size_t size, const struct room_affiliation *a)
{
	char one[256];

	snprintf(one, sizeof(one), "%s %d %s %s %d@%d", a->jid, a->affiliation,
		 or_dash(a->nick), or_dash(a->reason), (int)a->stamp_ms,
		 (int)a->changed);
	add_text(all, size, one);
}
