/* muc_disk.h - what of a room is on disk, as store.c writes it and restore.c
 * reads it, for a room that is played (muc_play.h). */
#ifndef MUC_DISK_H
#define MUC_DISK_H

#include "muc_play.h"

/* Occupants of other servers, who stay over a restart: rows of
 * struct room_occupant. */
struct disk_guests {
	struct entry **joins;
	size_t n;
};

/* Has one of a ruling's entries to be on disk before it is applied? */
bool disk_wants(const struct muc_config *config, struct entry *const *entries,
		size_t n);
/* last_id: the room's now. */
void disk_write(struct play_disk *d, struct entry *const *entries, size_t n,
		int64_t last_id);
/* The message of that id as it can be read there, or NULL; a new reference. */
struct stanza *disk_find(const struct play_disk *d, int64_t id);
void disk_remove_room(struct play_disk *d);

void disk_save_guests(struct disk_guests *g, const struct room *r,
		      bool (*is_remote)(const struct jid *user));
void disk_guests_fini(struct disk_guests *g);

/* The room as it wakes up; NULL: there is none, or nobody needs it. */
struct room *disk_restore(const struct play_disk *d, struct jid *room,
			  const struct disk_guests *guests);

#endif
