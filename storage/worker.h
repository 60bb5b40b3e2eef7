/*
 * worker.h - a database connection, and what runs operations on it.
 *
 * The writer runs what waits in one transaction and commits before it hands
 * the operations back; a reader runs one after the other.
 */
#ifndef STORAGE_WORKER_H
#define STORAGE_WORKER_H

#include "storage/inbox.h"

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct db;
struct loop;

/* Shared by the writer with whoever asks for statistics. */
struct worker_stats {
	pthread_mutex_t lock;
	uint64_t commits;
	bool is_failing;
};

struct worker {
	struct db *db;		    /* owned */
	struct loop *loop;	    /* owned if has_thread, else the core's */
	struct inbox inbox;	    /* what is to be run */
	struct inbox *to;	    /* borrowed; where it goes afterwards */
	struct op_list due;	    /* the core's: not in the inbox yet */
	struct worker_stats *stats; /* borrowed; NULL: it only reads */
	bool has_thread;

	/* The writer's. */
	bool in_transaction;
	uint64_t n_commits;
	bool is_failing;
	int64_t failed_ms; /* the last failure, by the loop's clock */
	uint64_t n_failed; /* since is_failing */
};

/* db: taken over. loop: the core's, or NULL for a thread with its own, whose
 * name is given. */
void
worker_start(struct worker *w, struct db *db, struct loop *loop,
	     const char *name, struct inbox *to, struct worker_stats *stats);
/* Waits for what its thread is doing; worker_run is for the caller then. */
void worker_stop(struct worker *w);
void worker_fini(struct worker *w);
/* Runs what is in its inbox. */
void worker_run(struct worker *w);

#endif
