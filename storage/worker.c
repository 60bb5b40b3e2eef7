/* worker.c - runs operations on a connection. */

#include "storage/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "storage/db.h"
#include "storage/op.h"

#include <inttypes.h>

/* A commit costs its wait for the disk, however much is in it; but the first
 * operation waits for the last. */
#define COMMIT_OPS 100
#define COMMIT_MS  5

#define HAND_BACK_READS 16

/* Without failure for so long, writing works again: a full disk still takes
 * changes that need no new page, and nobody wants a line for each of these. */
#define WORKS_AGAIN_MS 5000

static int64_t
now_ms(void)
{
	struct clock c;

	/* How long the machine takes is no matter for a test's clock. */
	clock_init(&c);
	clock_update(&c);
	return c.mono_ms;
}

static int
begin(struct worker *w, bool for_write)
{
	if (w->in_transaction)
		return 0;
	if (db_begin(w->db, for_write) < 0)
		return -1;
	w->in_transaction = true;
	return 0;
}

static int
commit(struct worker *w)
{
	if (!w->in_transaction)
		return 0;
	if (db_commit(w->db) < 0)
		return -1;
	w->in_transaction = false;
	w->n_commits++;
	return 0;
}

static void
rollback(struct worker *w)
{
	if (w->in_transaction)
		db_rollback(w->db);
	w->in_transaction = false;
}

/* What only read has nothing to take back, and a commit is prepared. */
static void
end_reading(struct worker *w)
{
	if (db_commit(w->db) < 0)
		db_rollback(w->db);
	w->in_transaction = false;
}

static void
fail(struct worker *w, struct op *op)
{
	op_reset(op);
	op->res.status = op_fail(op, w->db);
}

/* A read that is one statement needs no transaction; others see one state. -1
 * where the transaction that it ran in cannot go on. */
static int
run_read(struct worker *w, struct op *op)
{
	if (w->in_transaction || op->type->kind == OP_READ) {
		op->res.status = op->type->run(op, w->db);
		return w->in_transaction && op->failure ? -1 : 0;
	}
	if (begin(w, false) < 0) {
		fail(w, op);
		return 0;
	}
	op->res.status = op->type->run(op, w->db);
	end_reading(w);
	return 0;
}

/* Inside a transaction. -1 where that one cannot go on. */
static int
run_write(struct worker *w, struct op *op)
{
	bool has_savepoint = op->type->kind == OP_WRITE_MANY;
	int ret = 0;

	if (has_savepoint && db_savepoint(w->db) < 0)
		goto fail;
	op->res.status = op->type->run(op, w->db);
	if (op->failure)
		return -1;
	if (!has_savepoint)
		return 0;
	if (op->res.status != STORE_OK)
		ret = db_rollback_to(w->db);
	if (ret < 0 || db_release(w->db) < 0)
		goto fail;
	return 0;
fail:
	fail(w, op);
	return -1;
}

/* No transaction could be started: the others would get the same answer, each
 * after a wait. Reads still run. */
static void
run_reads_only(struct worker *w, struct op *op, const struct op *end)
{
	for (; op != end; op = op->next) {
		if (op_is_write(op)) {
			fail(w, op);
			continue;
		}
		op_reset(op);
		run_read(w, op);
	}
}

/* After a failure that took back what others had done too: each in its own
 * transaction, so that only those fail that cannot be done. */
static void
run_apart(struct worker *w, struct op *op, const struct op *end)
{
	for (; op != end; op = op->next) {
		op_reset(op);
		if (!op_is_write(op)) {
			run_read(w, op);
			continue;
		}
		if (begin(w, true) < 0) {
			run_reads_only(w, op, end);
			return;
		}
		if (run_write(w, op) == 0 && commit(w) < 0)
			fail(w, op);
		rollback(w);
	}
}

/* Runs operations from the list's start until it is time to commit; returns
 * the first that has not been run. */
static struct op *
run_batch(struct worker *w, struct op *first)
{
	int64_t start_ms = now_ms();
	struct op *op = first;
	int ret = 0, n = 0;

	for (; op && ret == 0; op = op->next, n++) {
		if (n >= COMMIT_OPS || now_ms() - start_ms >= COMMIT_MS)
			break;
		if (!op_is_write(op)) {
			ret = run_read(w, op);
			continue;
		}
		if (begin(w, true) < 0) {
			run_reads_only(w, op, NULL);
			return NULL;
		}
		ret = run_write(w, op);
	}
	if (ret == 0 && commit(w) == 0)
		return op;
	if (n == 1) {
		/* Alone already. */
		if (ret == 0)
			fail(w, first);
		rollback(w);
		return op;
	}
	rollback(w);
	run_apart(w, first, op);
	return op;
}

static void
note_failures(struct worker *w, uint64_t n, const struct op *op)
{
	w->failed_ms = loop_clock(w->loop)->mono_ms;
	w->n_failed += n;
	if (w->is_failing)
		return;
	w->is_failing = true;
	log_error(NULL, "storage: cannot write to %s: %s", db_target(w->db),
		  op->res.error);
}

static void
note_success(struct worker *w)
{
	if (!w->is_failing ||
	    loop_clock(w->loop)->mono_ms - w->failed_ms < WORKS_AGAIN_MS)
		return;
	w->is_failing = false;
	log_info(NULL,
		 "storage: writing to %s works again; failed: %" PRIu64
		 " operations",
		 db_target(w->db), w->n_failed);
	w->n_failed = 0;
}

/* The database's trouble, as opposed to that of one operation. */
static bool
is_outage(const struct op *op)
{
	return op->failure && op->failure != DB_FAIL_CONSTRAINT;
}

/* What is on disk now, or has failed, is told. */
static void
hand_back(struct worker *w, struct op_list *ops, const struct op *end)
{
	const struct op *failed = NULL;
	struct op_list done = { 0 };
	uint64_t n_failed = 0, n_ok = 0;

	while (ops->first != end) {
		struct op *op = op_list_pop(ops);

		if (op_is_write(op) && is_outage(op)) {
			n_failed++;
			failed = op;
		} else if (op_is_write(op) && op->res.status == STORE_OK) {
			n_ok++;
		}
		op_list_add(&done, op);
	}
	if (w->stats) {
		if (n_failed)
			note_failures(w, n_failed, failed);
		else if (n_ok)
			note_success(w);
		pthread_mutex_lock(&w->stats->lock);
		w->stats->commits = w->n_commits;
		w->stats->is_failing = w->is_failing;
		pthread_mutex_unlock(&w->stats->lock);
	}
	inbox_put(w->to, &done);
}

/* A few reads at a time, so that they share the way back, and the locks on the
 * database. */
static struct op *
run_some_reads(struct worker *w, struct op *op)
{
	bool is_shared = op->next && begin(w, false) == 0;

	for (int n = 0; op && n < HAND_BACK_READS; op = op->next, n++)
		run_read(w, op);
	if (is_shared)
		end_reading(w);
	return op;
}

void
worker_run(struct worker *w)
{
	struct op_list ops = inbox_take(&w->inbox);

	while (ops.first) {
		struct op *rest = w->stats ? run_batch(w, ops.first)
					   : run_some_reads(w, ops.first);

		hand_back(w, &ops, rest);
	}
}

static void
on_inbox(void *data)
{
	worker_run(data);
}

void
worker_start(struct worker *w, struct db *db, struct loop *loop,
	     const char *name, struct inbox *to, struct worker_stats *stats)
{
	*w = (struct worker){ .db = db, .to = to, .stats = stats };
	w->has_thread = loop == NULL;
	w->loop = loop ? loop : loop_new(name, NULL);
	inbox_init(&w->inbox, w->loop, on_inbox, w);
	if (w->has_thread)
		loop_start(w->loop);
}

void
worker_stop(struct worker *w)
{
	if (w->has_thread && w->loop)
		loop_stop(w->loop);
}

void
worker_fini(struct worker *w)
{
	/* Its mail holds the inbox's wake. */
	if (w->has_thread)
		loop_free(w->loop);
	w->loop = NULL;
	inbox_fini(&w->inbox);
	db_close(&w->db);
}
