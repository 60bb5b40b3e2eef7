/*
 * muc_play.h - a room played without a server: a master whose disk is slow and
 * fails, whose process crashes, and whose log somebody else replays. Whatever
 * is not as it has to be is found at the step that made it so.
 */
#ifndef MUC_PLAY_H
#define MUC_PLAY_H

#include "base/list.h"
#include "modules/muc/entry.h"
#include "modules/muc/master.h"
#include "modules/muc/room.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stanza;

/* What is on disk: as storage/rooms.h and storage/archive.h keep it. */
struct play_disk {
	bool has_room, is_locked;
	struct muc_config config;
	struct affiliations lists;
	struct entry *subject;
	struct entry **archive;
	size_t n_archive, cap_archive;
	int64_t last_id;
};

struct play {
	struct rules_env env;
	struct master master; /* its room is NULL where there is none now */
	struct room *replica; /* another one that the same entries have made */
	struct jid *jid;
	struct jid *admin; /* of the service; borrowed, may be NULL */
	/* Does the user's server go on when ours crashes? */
	bool (*is_remote)(const struct jid *user);
	/* Called inside applied and done: may submit. May be NULL. */
	void (*inside)(struct play *p, void *data);
	void *data;
	int64_t now_ms;
	int64_t started_ms; /* the last start of the server */
	struct play_disk disk;
	struct list writes;  /* on their way to the disk, in order */
	struct list stored;  /* those that are there, and not applied yet */
	struct list tickets; /* all submissions of this life of the room */
	size_t n_writes;
	/* There is no time for more than so many rulings. */
	unsigned n_may_apply;
	/* The entries of the ruling that is being applied. */
	struct entry **applying;
	size_t n_applying, n_applied;
	uint64_t seq;
	int64_t last_id;
	uint64_t n_submitted, last_done;
	unsigned depth; /* calls of the master that we are in */
	bool had_owner;
	/* The first thing that was not as it has to be; static. NULL: none */
	const char *wrong;
	bool is_traced; /* what comes of it is printed */
	/* For who counts what was played. */
	size_t n_entries, n_refused, n_crashes;
	size_t n_of_type[N_ENTRY_TYPES];
	size_t n_compared; /* entries, when the replica was last compared */
};

/* Takes a reference to the room's JID; env has to be filled in. */
void play_init(struct play *p, struct jid *room);
/* The end of the server, with whatever is outstanding. */
void play_fini(struct play *p);

/* A stanza to the room, as receive.c takes it: entering makes the room where
 * there is none. What no room's rules ever see is dropped. */
void play_stanza(struct play *p, struct jid *from, struct stanza *s);
/* The rest: now_ms and is_service_admin are filled in. Without a room nothing
 * happens. */
void play_submit(struct play *p, struct submission *sub);
/* The oldest write is on disk, or has failed with cond. */
void play_stored(struct play *p, enum stanza_cond cond);
/* There is time for so many rulings more, or PLAY_ALL. */
#define PLAY_ALL (~0u)
void play_go_on(struct play *p, unsigned n_may_apply);
/* The process dies when the first n writes have reached the disk, and starts
 * again. */
void play_crash(struct play *p, size_t n);
/* Everything that is under way comes to its end. */
void play_settle(struct play *p);

#endif
