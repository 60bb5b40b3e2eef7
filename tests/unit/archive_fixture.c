/* archive_fixture.c - an archive to store messages in. */

#include "archive_fixture.h"

#include <stdio.h>
#include <string.h>

struct fixture archive_store;

void
append_row(const char *owner, const struct archive_row *row, int64_t keep,
	   enum store_status want)
{
	struct outcome o = { 0 };

	archive_append(archive_store.store, owner, row, keep, outcome_set, &o);
	outcome_expect(&archive_store, &o, want);
}

/* The XML is "<ID/>". */
void
append(const char *owner, int64_t id, const char *peer, int64_t keep)
{
	char xml[32];
	const struct archive_row row = {
		.id = id,
		.stamp_ms = id / 1000,
		.peer = peer,
		.xml = xml,
		.len = (size_t)snprintf(xml, sizeof(xml), "<%d/>", (int)id)
	};

	append_row(owner, &row, keep, STORE_OK);
}

void
append_many(const char *owner, int64_t from, int64_t to)
{
	for (int64_t id = from; id <= to; id++)
		append(owner, id, NULL, 0);
}

void
on_got(void *data, const struct archive_result *res)
{
	struct got *got = data;

	got->calls++;
	got->status = res->res.status;
	got->n = res->n_rows;
	got->count = res->count;
	got->index = res->index;
	got->is_complete = res->is_complete;
	for (size_t i = 0; i < res->n_rows; i++) {
		const struct archive_row *row = &res->rows[i];

		ck_assert_uint_eq(row->len, strlen(row->xml));
		if (strlen(got->xml) + row->len + 2 < sizeof(got->xml)) {
			strcat(got->xml, i ? " " : "");
			strcat(got->xml, row->xml);
		}
		if (i == 0)
			got->first = row->id;
		got->last = row->id;
		snprintf(got->more, sizeof(got->more), "%d %d %s %s %u",
			 (int)row->id, (int)row->stamp_ms,
			 row->peer ? row->peer : "-",
			 row->origin_id ? row->origin_id : "-", row->kind);
	}
}

struct got
settle(struct got *got)
{
	fixture_settle(&archive_store);
	ck_assert_int_eq(got->calls, 1);
	return *got;
}

struct got
query(const char *owner, struct archive_query q)
{
	struct got got = { 0 };

	archive_query(archive_store.store, owner, &q, on_got, &got);
	return settle(&got);
}
