/* archive_fixture.h - an archive to store messages in, and what is found there
 * again: for check_archive*.c. */
#ifndef ARCHIVE_FIXTURE_H
#define ARCHIVE_FIXTURE_H

#include "storage/archive.h"
#include "store_fixture.h"

#include <stdbool.h>
#include <stdint.h>

#define ROOM  "room@rooms.example.net"
#define OTHER "other@rooms.example.net"

extern struct fixture archive_store;

/* keep: how many stay. */
void append_row(const char *owner, const struct archive_row *row, int64_t keep,
		enum store_status want);
/* The XML is "<ID/>". */
void append(const char *owner, int64_t id, const char *peer, int64_t keep);
void append_many(const char *owner, int64_t from, int64_t to);

/* What came of a query. */
struct got {
	int calls;
	enum store_status status;
	size_t n;
	char xml[2048]; /* "xml xml xml" */
	char more[256]; /* of the last: "id stamp_ms peer origin_id kind" */
	int64_t count, index, first, last;
	bool is_complete;
};

/* For what asks the archive; then settle. */
archive_done on_got;
struct got settle(struct got *got);
struct got query(const char *owner, struct archive_query q);

#endif
