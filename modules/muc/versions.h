/*
 * versions.h - versions of a room's lists (XEP-0463), and what has changed
 * since which.
 *
 * They are those of the database (storage/rooms.h): each item that is put, and
 * each that is removed, is one more.
 */
#ifndef MUC_VERSIONS_H
#define MUC_VERSIONS_H

#include "modules/muc/affiliation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jid;

/* Changes that are remembered; who knows an older version gets all. */
#define VERSIONS_KEPT 64

struct version_change {
	int64_t version;
	struct jid *jid; /* ref; bare, or a domain */
	enum affiliation affiliation;
};

/* Zeroed memory is that of lists that never had an item. */
struct versions {
	int64_t now;
	int64_t floor; /* all changes behind this one are there */
	struct version_change *changes; /* owned; the oldest first */
	size_t n, cap;
};

void versions_fini(struct versions *v);
/* The lists are of this version, from an earlier life; what has changed behind
 * floor is added next. */
void versions_restore(struct versions *v, int64_t now, int64_t floor);
void versions_add(struct versions *v, int64_t version, struct jid *jid,
		  enum affiliation affiliation);
/* A change now. */
void versions_note(struct versions *v, struct jid *jid,
		   enum affiliation affiliation);

/* The first change behind that version, perhaps v->n: there is none. False: it
 * is not known what has changed since. */
bool versions_since(const struct versions *v, int64_t since, size_t *at_out);

/* As clients see them. A room that is made again under the same name has other
 * ones. part: a piece of all, from 1, which is no version to start from; 0: the
 * version. */
#define VERSIONS_TEXT_MAX 64
const char *versions_text(int64_t created_ms, int64_t version, unsigned part,
			  char out[VERSIONS_TEXT_MAX]);
/* -1: it is none of this room. */
int64_t versions_parse(int64_t created_ms, const char *text);

#endif
