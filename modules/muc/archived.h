/*
 * archived.h - how what was said stands in the archive (storage/archive.h): as
 * text, and what its flags mean.
 *
 * The sender's JID is kept with it, at its end, for those who may see it
 * (XEP-0313 section 6.1.2); it is cut off for all others.
 */
#ifndef MUC_ARCHIVED_H
#define MUC_ARCHIVED_H

#include <stdbool.h>
#include <stddef.h>

struct archive_row;
struct buf;
struct chunk;
struct entry;

/* archive_row.kind */
enum {
	/* Is shown to who enters. */
	ARCHIVED_HISTORY = 1,
	/* Has a <body/>: it counts for slow mode. */
	ARCHIVED_BODY = 2,
	/* Ends with the sender's JID … */
	ARCHIVED_JID = 4,
	/* … which all could see when it was said. */
	ARCHIVED_OPEN = 8,
};

/* The text and flags of a row for an entry with a payload. is_open: JIDs are
 * no secret in the room. */
unsigned archived_write(struct buf *b, const struct entry *e, bool is_open);

/* The same for what stands in the place of a message that was taken back. Its
 * sender's address is for moderators only. */
unsigned archived_tombstone(struct buf *b, const struct chunk *payload);

/* Appends the message to b, a document of its own, with its sender's JID or
 * without. */
void archived_add(struct buf *b, const struct archive_row *row, bool with_jid);

/* The payload that the row was written from, without the JID; NULL where the
 * row is something else. The caller's reference. */
struct chunk *archived_payload(const struct archive_row *row);
/* Who has said it (XEP-0421), as the room has written it into the payload.
 * False: it does not say. */
bool archived_author(const struct chunk *payload, char *out, size_t size);

#endif
