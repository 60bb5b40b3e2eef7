/*
 * copies.h - the copies of other servers' rooms that this server has for the
 * users of its hosts, for who runs it.
 */
#ifndef MUC_COPIES_H
#define MUC_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jid;
struct server;

struct copy_seen {
	const char *room, *host; /* host: for whose users */
	const char *state;	 /* "behind", "current", "split" */
	bool is_split;
	int64_t since_s; /* of its state */
	const char *epoch;
	uint64_t seq;
	/* Entries that it lacks, as far as it was told; -1: it was told of
	 * another epoch. */
	int64_t n_behind;
	size_t n_users;	    /* of ours, in the room; each of their clients */
	size_t n_occupants; /* of all servers */
	size_t n_waiting;   /* stanzas of ours without an answer */
	/* The relays between the room's server and this one, with blanks; "":
	 * none. */
	const char *path;
	size_t n_below; /* servers that get the room from here */
};

/* Those of that room; NULL: all, in no order. What fn gets is borrowed for the
 * call. */
typedef void copies_fn(void *data, const struct copy_seen *copy);
void copies_each(struct server *srv, const struct jid *room, copies_fn *fn,
		 void *data);

#endif
