/*
 * snapshot.h - a room as it is, for a server that has none of it yet, or not
 * enough (docs/dmuc.md, "Snapshots").
 *
 * It consists of entries that make such a room: whoever applies them to a new
 * one has what the master has, less what it may not know.
 */
#ifndef MUC_SNAPSHOT_H
#define MUC_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct envelope;
struct room;
struct rules_env;

/* One part: some entries, of together at most ENVELOPE_MAX bytes unless it is
 * one alone. Numbers begin with 1. */
typedef void
snapshot_part(void *data, const struct buf *xml, unsigned number, bool is_last);

/* Calls fn with all parts. Of the lists only what is about users of the
 * domain is in it, and no password; from a copy, no lists. */
void snapshot_write(const struct envelope *to, snapshot_part *fn, void *data);
/* Those alone. */
void
snapshot_write_lists(const struct envelope *to, snapshot_part *fn, void *data);

/* A number for what a copy has of the room: the same at the master and at a
 * copy that is at the same position. env NULL: r is a copy. */
uint64_t snapshot_digest(const struct room *r, const struct rules_env *env);

#endif
