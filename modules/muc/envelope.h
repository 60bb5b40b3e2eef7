/*
 * envelope.h - entries as they go from server to server: written and read
 * (docs/dmuc.md, "Entries").
 *
 * Instead of real addresses there are pseudonyms. A real address is with them
 * only where everybody in the room may see it, or where it is of the server
 * that it is sent to.
 *
 * What is read comes from another server and may be anything.
 */
#ifndef MUC_ENVELOPE_H
#define MUC_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct entry;
struct err;
struct jid;
struct room;
struct rules_env;
struct xml;

/* How large a stanza may grow that carries entries, in bytes. */
#define ENVELOPE_MAX (64 << 10)

/* What somebody writes, and to whom. */
struct envelope {
	const struct room *room;
	const struct rules_env *env; /* NULL: the room is a copy */
	/* The domain that it goes to; NULL: several. */
	const char *domain;
	/* It has a moderator, who may know real addresses. */
	bool is_entitled;
};

/* Is it the same whoever it goes to? The others are written for one domain. */
bool envelope_is_for_all(const struct entry *e);

/* Appends <entry/>. With seq 0 it is part of a snapshot. */
void envelope_write_entry(struct buf *b, const struct envelope *to,
			  const struct entry *e);

/* The entry that x is, for the room with that address: a new reference, or
 * NULL, and err says why. Its jid is a pseudonym. */
struct entry *
envelope_read_entry(struct jid *room, const struct xml *x, struct err *err);

#endif
