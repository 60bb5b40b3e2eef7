/* store.c - hands operations to the database threads and back. */

#include "storage/store.h"

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/loop.h"
#include "storage/db.h"
#include "storage/kinds.h"
#include "storage/migrate.h"
#include "storage/op.h"
#include "storage/worker.h"

#include <assert.h>
#include <stdlib.h>

#define N_BUCKETS   1024
#define READERS_MAX 16
/* In a long turn the threads start before its end. */
#define SUBMIT_OPS 64

/* The owners that share a hash: where their operations are. While some are with
 * a reader, none may be with the writer, which would be quicker or slower. */
struct bucket {
	unsigned at_writer, at_reader;
	struct op_list waiting; /* writes for the readers' end, and followers */
};

struct store {
	struct loop *core; /* borrowed */
	struct turn_end turn_end;
	struct worker writer;
	struct worker readers[READERS_MAX];
	unsigned n_readers;
	struct inbox done; /* what comes back */
	struct bucket buckets[N_BUCKETS];

	size_t queued;
	uint64_t n_reads, n_writes, n_failures;
	struct worker_stats stats;
	bool is_in_done;
};

static void
hand_out(struct store *s)
{
	inbox_put(&s->writer.inbox, &s->writer.due);
	for (unsigned i = 0; i < s->n_readers; i++)
		inbox_put(&s->readers[i].inbox, &s->readers[i].due);
}

static void
on_turn_end(struct turn_end *e)
{
	hand_out(container_of(e, struct store, turn_end));
}

static void
give(struct store *s, struct worker *w, struct op *op)
{
	op_list_add(&w->due, op);
	if (w->due.n >= SUBMIT_OPS)
		inbox_put(&w->inbox, &w->due);
	else
		loop_at_turn_end(s->core, &s->turn_end);
}

static void
give_writer(struct store *s, struct op *op)
{
	s->buckets[op->bucket].at_writer++;
	give(s, &s->writer, op);
}

void
op_submit(struct op *op, const char *owner)
{
	struct store *s = op->store;
	struct bucket *b;

	op->bucket = (unsigned)(hash_str(owner) % N_BUCKETS);
	b = &s->buckets[op->bucket];
	s->queued++;
	if (b->waiting.first || (op_is_write(op) && b->at_reader)) {
		op_list_add(&b->waiting, op);
	} else if (op_is_write(op) || b->at_writer || !s->n_readers) {
		give_writer(s, op);
	} else {
		b->at_reader++;
		op->is_at_reader = true;
		give(s, &s->readers[op->bucket % s->n_readers], op);
	}
}

static void
finish(struct store *s, struct op *op)
{
	struct bucket *b = &s->buckets[op->bucket];

	if (!op->is_at_reader)
		b->at_writer--;
	else if (--b->at_reader == 0)
		for (struct op *next; (next = op_list_pop(&b->waiting));)
			give_writer(s, next);
	s->queued--;
	if (op_is_write(op))
		s->n_writes++;
	else
		s->n_reads++;
	if (op->res.status >= STORE_NO_SPACE)
		s->n_failures++;

	s->is_in_done = true;
	if (op->type->finish)
		op->type->finish(op);
	else if (op->done)
		op->done(op->data, &op->res);
	s->is_in_done = false;
	op_free(op);
}

static void
on_done(void *data)
{
	struct store *s = data;
	struct op_list ops = inbox_take(&s->done);

	for (struct op *op; (op = op_list_pop(&ops));)
		finish(s, op);
}

static int
open_readers(struct store *s, const struct store_settings *set, struct err *err)
{
	unsigned n = set->inline_mode ? 0 : set->readers;

	if (n > READERS_MAX)
		n = READERS_MAX;
	for (unsigned i = 0; i < n; i++) {
		struct db *db = db_open(set->driver, set->path, true, err);

		if (!db)
			return -1;
		worker_start(&s->readers[i], db, NULL, "store-read", &s->done,
			     NULL);
		s->n_readers++;
	}
	return 0;
}

struct store *
store_open(struct loop *core, const struct store_settings *set, struct err *err)
{
	struct db *db = db_open(set->driver, set->path, false, err);
	struct store *s;

	if (!db)
		return NULL;
	if (migrate(db, err) < 0 || store_check_sql(db, err) < 0) {
		db_close(&db);
		return NULL;
	}
	s = mem_zalloc(sizeof(*s));
	s->core = core;
	s->turn_end.fn = on_turn_end;
	pthread_mutex_init(&s->stats.lock, NULL);
	inbox_init(&s->done, core, on_done, s);
	worker_start(&s->writer, db, set->inline_mode ? core : NULL,
		     "store-write", &s->done, &s->stats);
	if (open_readers(s, set, err) < 0)
		store_close(&s);
	return s;
}

/* With the threads at rest, what they left is run here. */
static void
drain(struct store *s)
{
	while (s->queued) {
		hand_out(s);
		for (unsigned i = 0; i < s->n_readers; i++)
			worker_run(&s->readers[i]);
		worker_run(&s->writer);
		on_done(s);
	}
}

void
store_close(struct store **store)
{
	struct store *s = *store;

	if (!s)
		return;
	assert(!s->is_in_done);
	hand_out(s);
	for (unsigned i = 0; i < s->n_readers; i++)
		worker_stop(&s->readers[i]);
	worker_stop(&s->writer);
	drain(s);
	loop_cancel_turn_end(&s->turn_end);
	for (unsigned i = 0; i < s->n_readers; i++)
		worker_fini(&s->readers[i]);
	/* The last connection folds the log into the file. */
	worker_fini(&s->writer);
	inbox_fini(&s->done);
	pthread_mutex_destroy(&s->stats.lock);
	free(s);
	/* Until here, done functions could call it. */
	*store = NULL;
}

void
store_stats_get(struct store *s, struct store_stats *out)
{
	pthread_mutex_lock(&s->stats.lock);
	*out = (struct store_stats){
		.reads = s->n_reads,
		.writes = s->n_writes,
		.commits = s->stats.commits,
		.failures = s->n_failures,
		.queued = s->queued,
		.is_failing = s->stats.is_failing,
	};
	pthread_mutex_unlock(&s->stats.lock);
}

bool
store_is_busy(const struct store *s)
{
	return s->queued > 0;
}
