/*
 * store.h - the database: what all typed stores share.
 *
 * A store belongs to the loop that opened it (the core's). Every typed
 * function is called there and returns at once; its done is called exactly
 * once, later, on that loop, never inside the call. Arguments are copied or
 * referenced before the call returns. Results are valid only during done.
 *
 * One writer thread drains its queue into one transaction and commits
 * (group commit); done with STORE_OK means that the write is on disk. An
 * operation that fails takes back only its own changes. Reads run beside the
 * writer, but never overtake: the operations of one owner take effect, and
 * finish, in the order of the calls.
 *
 * When the disk is full or fails, writes end with STORE_NO_SPACE or
 * STORE_FAILED and reads go on. That is logged once, and once when it is over.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct store;

enum store_status {
	STORE_OK,
	STORE_NOT_FOUND, /* no such row */
	STORE_EXISTS,	 /* there already */
	STORE_FULL,	 /* a limit that the caller gave would be exceeded */
	STORE_NO_SPACE,	 /* the disk is full, or the database's size limit */
	STORE_FAILED,	 /* anything else; error says what */
};

struct store_result {
	enum store_status status;
	const char *error; /* for the log; NULL unless NO_SPACE or FAILED */
};

/* For operations without data to give back. */
typedef void store_done(void *data, const struct store_result *res);

struct store_settings {
	const char *driver; /* "sqlite" */
	const char *path;   /* of the database file */
	/* Threads beside the writer, at most 16; 0: the writer reads. */
	unsigned readers;
	/* True: no threads; operations run on the given loop in its next
	 * turns, in order (tests, and commands while no server runs). */
	bool inline_mode;
};

/* Opens or creates (mode 0600), and migrates. NULL with err. */
struct store *
store_open(struct loop *core, const struct store_settings *s, struct err *err);
/* Commits what is queued; done functions that are still outstanding are
 * called before it returns, and what they ask for is done too. Not from inside
 * a done. */
void store_close(struct store **s);

struct store_stats {
	uint64_t reads, writes; /* that have ended, well or not */
	uint64_t commits, failures;
	size_t queued;
	bool is_failing; /* a write has failed within the last seconds */
};
void store_stats_get(struct store *s, struct store_stats *out);

/* Whether operations are under way (for tests and for draining). */
bool store_is_busy(const struct store *s);

#endif
