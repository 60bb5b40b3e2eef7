/*
 * master.h - the authority of a room: takes submissions in their order, judges
 * them, has what lasts put on disk, and applies the entries.
 *
 * No socket, clock or database: whoever owns it does what the class says, and
 * tells it when that is done.
 */
#ifndef MUC_MASTER_H
#define MUC_MASTER_H

#include "base/list.h"
#include "modules/muc/rules.h"

#include <stdbool.h>
#include <stddef.h>

struct entry;
struct room;
struct room_change;
struct work;

struct master_class {
	/* Before anybody sees these entries: put on disk what has to be there.
	 * True: master_stored follows once, later, not inside; these calls are
	 * answered in their order. False: nothing has to. */
	bool (*store)(void *owner, struct entry *const *entries, size_t n);
	/* May the entries of sub be applied now? False: later, by master_go_on;
	 * the order stays. NULL: always. Asked about stanzas: what the server
	 * itself does waits for nothing but those that wait already. */
	bool (*may_apply)(void *owner, const struct submission *sub);
	/* The entry is in the log and the room. */
	void (*applied)(void *owner, const struct room_change *change);
	/* What came of a submission: its entries, if any, have been applied,
	 * or are about to be (is_told_first).
	 * Called once for each, perhaps inside master_submit. */
	void (*done)(void *owner, void *ticket, const struct submission *sub,
		     const struct ruling *ruling);
};

struct master {
	struct room *room;	     /* owned */
	const struct rules_env *env; /* borrowed */
	const struct master_class *cls;
	void *owner;
	struct list waiting;   /* submissions, behind those that are stored */
	struct list storing;   /* rulings on their way to the disk, behind those
				* that are there and have yet to be applied */
	struct work *unstored; /* the first one on its way */
	const struct submission *now; /* whose entries are being applied */
	bool is_busy;
};

/* Takes the room. */
void
master_init(struct master *m, struct room *room, const struct rules_env *env,
	    const struct master_class *cls, void *owner);
/* What has not been answered is given up: done with INTERNAL_SERVER_ERROR.
 * Frees the room. */
void master_fini(struct master *m);

/* What sub refers to is referenced or copied where it has to wait. */
void
master_submit(struct master *m, const struct submission *sub, void *ticket);
/* cond: COND_NONE where it is on disk; else what the sender is told. */
void master_stored(struct master *m, enum stanza_cond cond);
/* Goes on where it was told that it may not apply. */
void master_go_on(struct master *m);
/* Is nothing under way? */
bool master_is_idle(const struct master *m);

#endif
