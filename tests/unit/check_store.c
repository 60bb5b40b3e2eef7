/* check_store.c - order, commits, failures: what all typed stores rely on. */

#include "storage/store.h"

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "net/loop.h"
#include "storage/op.h"
#include "store_fixture.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture f;

/* A store for the tests: numbers in a table that the fixture's database gets
 * on top of the real ones. */

static const struct db_sql sql_add = {
	"INSERT INTO test_numbers (owner, n, filler) VALUES ($2, $1, $3)"
};
static const struct db_sql sql_sum = {
	"SELECT coalesce(sum(n), 0) FROM test_numbers WHERE owner = $1"
};

struct test_op {
	struct op op;
	const char *owner, *script;
	int64_t n, sum;
	size_t fill;
	enum store_status end; /* what run returns after its work */
	struct outcome *out;
	int64_t *sum_out;
};

static struct test_op *
of_op(struct op *op)
{
	return container_of(op, struct test_op, op);
}

static enum store_status
run_add(struct op *op, struct db *db)
{
	struct test_op *t = of_op(op);
	char *filler = mem_zalloc(t->fill + 1);
	const struct db_value v[] = { db_int(t->n), db_text(t->owner),
				      db_blob(filler, t->fill) };
	int64_t changed = db_exec(db, &sql_add, v, N_ELEMENTS(v));

	free(filler);
	if (changed < 0)
		return op_fail(op, db);
	ck_assert_int_eq(changed, 1);
	return t->end;
}

static enum store_status
run_sum(struct op *op, struct db *db)
{
	struct test_op *t = of_op(op);
	const struct db_value v[] = { db_text(t->owner) };

	if (db_query_int(db, &sql_sum, v, N_ELEMENTS(v), &t->sum) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static enum store_status
run_script(struct op *op, struct db *db)
{
	if (db_script(db, of_op(op)->script) < 0)
		return op_fail(op, db);
	return STORE_OK;
}

static void
finish(struct op *op)
{
	struct test_op *t = of_op(op);

	if (t->sum_out)
		*t->sum_out = t->sum;
	if (t->out)
		outcome_set(t->out, &op->res);
}

static const struct op_type add_type = { OP_WRITE, run_add, finish, NULL };
static const struct op_type add_many_type = { OP_WRITE_MANY, run_add, finish,
					      NULL };
static const struct op_type sum_type = { OP_READ, run_sum, finish, NULL };
static const struct op_type sum_many_type = { OP_READ_MANY, run_sum, finish,
					      NULL };
static const struct op_type script_type = { OP_READ, run_script, finish, NULL };

static struct test_op *
test_op_new(const struct op_type *type, const char *owner, struct outcome *out)
{
	struct test_op *t = op_new(f.store, type, sizeof(*t), op_room(owner));

	t->owner = op_copy(&t->op, owner);
	t->out = out;
	return t;
}

static void
add(const char *owner, int64_t n, struct outcome *out)
{
	struct test_op *t = test_op_new(&add_type, owner, out);

	t->n = n;
	op_submit(&t->op, owner);
}

static void
sum(const char *owner, int64_t *sum_out)
{
	struct test_op *t = test_op_new(&sum_type, owner, NULL);

	t->sum_out = sum_out;
	*sum_out = -1;
	op_submit(&t->op, owner);
}

static int64_t
sum_now(const char *owner)
{
	int64_t n;

	sum(owner, &n);
	fixture_settle(&f);
	return n;
}

/* On the writer's connection: its bucket has something at the writer. */
static void
script(const char *text)
{
	struct outcome o = { 0 }, o2 = { 0 };
	struct test_op *t = test_op_new(&script_type, "script", &o);

	add("script", 0, &o2);
	t->script = text;
	op_submit(&t->op, "script");
	outcome_expect(&f, &o, STORE_OK);
}

static void
add_table(void)
{
	static const char text[] =
		"CREATE TABLE test_numbers (owner TEXT NOT NULL,"
		" n INTEGER NOT NULL CHECK (n < 1000000), filler BLOB);"
		"CREATE INDEX test_numbers_owner ON test_numbers (owner);";
	struct db *db;
	struct err err = { "" };

	store_close(&f.store);
	db = db_open(f.settings.driver, f.path, false, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	ck_assert_int_eq(db_script(db, text), 0);
	db_close(&db);
	fixture_reopen(&f);
}

static void
open_test_store(int variant)
{
	fixture_open(&f, variant);
	add_table();
}

START_TEST(answers_later_and_once)
{
	struct outcome o = { 0 };

	open_test_store(_i);
	ck_assert(!store_is_busy(f.store));
	add("romeo", 1, &o);
	ck_assert(store_is_busy(f.store));
	ck_assert_int_eq(o.calls, 0);
	outcome_expect(&f, &o, STORE_OK);
	ck_assert(!store_is_busy(f.store));
	ck_assert_int_eq(sum_now("romeo"), 1);
}
END_TEST

/* Every read sees exactly the writes of its owner that were called before. */
START_TEST(keeps_the_order_of_an_owner)
{
	enum { N = 200 };
	static int64_t before[N], after[N];

	open_test_store(_i);
	for (int i = 0; i < N; i++) {
		const char *owner = i % 3 ? "romeo" : "juliet";

		sum(owner, &before[i]);
		add(owner, 1, NULL);
		sum(owner, &after[i]);
		if (i % 7 == 0)
			loop_step(f.loop);
	}
	fixture_settle(&f);
	for (int i = 0, r = 0, j = 0; i < N; i++) {
		int *n = i % 3 ? &r : &j;

		ck_assert_int_eq(before[i], *n);
		ck_assert_int_eq(after[i], ++*n);
	}
}
END_TEST

static int64_t chained[4];

static void
chain_on(struct op *op)
{
	struct test_op *t = of_op(op), *next;
	int step = (int)t->n;

	chained[step] = t->sum;
	if (step == 3)
		return;
	next = test_op_new(op->type, t->owner, NULL);
	next->n = step + 1;
	add("romeo", 10, NULL);
	op_submit(&next->op, t->owner);
}

/* A done function calls the store again. */
START_TEST(goes_on_from_done)
{
	static const struct op_type type = { OP_READ, run_sum, chain_on, NULL };
	struct test_op *t;

	open_test_store(_i);
	t = test_op_new(&type, "romeo", NULL);
	op_submit(&t->op, "romeo");
	if (_i == FIXTURE_INLINE)
		fixture_settle(&f);
	else
		store_close(&f.store); /* drains all of it */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(chained[i], 10 * i);
}
END_TEST

START_TEST(commits_in_groups)
{
	enum { N = 1000 };
	struct outcome o = { 0 };
	struct store_stats st;

	open_test_store(_i);
	for (int i = 0; i < N; i++)
		add("romeo", 1, &o);
	fixture_settle(&f);
	ck_assert_int_eq(o.calls, N);
	ck_assert_int_eq(sum_now("romeo"), N);
	store_stats_get(f.store, &st);
	ck_assert_uint_eq(st.writes, N);
	ck_assert_uint_eq(st.reads, 1);
	ck_assert_uint_ge(st.commits, N / 100);
	ck_assert_uint_lt(st.commits, N / 4);
	ck_assert_uint_eq(st.failures, 0);
	ck_assert_uint_eq(st.queued, 0);
	ck_assert(!st.is_failing);
}
END_TEST

START_TEST(close_runs_what_waits)
{
	enum { N = 150 };
	struct outcome o = { 0 };
	int64_t seen;

	open_test_store(_i);
	for (int i = 0; i < N; i++)
		add("romeo", 1, &o);
	sum("romeo", &seen);
	store_close(&f.store);
	ck_assert_int_eq(o.calls, N);
	ck_assert_int_eq(seen, N);
	/* The mail that was under way finds nobody, and does no harm. */
	while (loop_step(f.loop))
		;
	fixture_reopen(&f);
	ck_assert_int_eq(sum_now("romeo"), N);
	store_close(&f.store);
	store_close(&f.store);
}
END_TEST

/* One operation breaks a rule of the table: the others in its transaction are
 * not its victims. */
START_TEST(a_failure_stays_with_its_operation)
{
	struct outcome good = { 0 }, bad = { 0 };
	struct store_stats st;

	open_test_store(_i);
	for (int i = 0; i < 10; i++) {
		add("romeo", 1, &good);
		if (i == 5)
			add("romeo", 1000000, &bad);
	}
	outcome_expect(&f, &bad, STORE_FAILED);
	ck_assert_int_eq(good.calls, 10);
	ck_assert_int_eq(good.status, STORE_OK);
	ck_assert_int_eq(sum_now("romeo"), 10);
	store_stats_get(f.store, &st);
	ck_assert_uint_eq(st.failures, 1);
	/* It is the operation's fault, not the disk's. */
	ck_assert(!st.is_failing);
}
END_TEST

START_TEST(refused_takes_back_its_changes)
{
	struct outcome first = { 0 }, refused = { 0 }, last = { 0 };
	struct test_op *t;
	int64_t many;

	open_test_store(_i);
	add("romeo", 1, &first);
	t = test_op_new(&add_many_type, "romeo", &refused);
	t->n = 100;
	t->end = STORE_FULL;
	op_submit(&t->op, "romeo");
	t = test_op_new(&add_many_type, "romeo", &last);
	t->n = 10;
	op_submit(&t->op, "romeo");
	outcome_expect(&f, &refused, STORE_FULL);
	ck_assert_int_eq(first.status, STORE_OK);
	ck_assert_int_eq(last.status, STORE_OK);
	ck_assert_int_eq(sum_now("romeo"), 11);
	t = test_op_new(&sum_many_type, "romeo", NULL);
	t->sum_out = &many;
	op_submit(&t->op, "romeo");
	fixture_settle(&f);
	ck_assert_int_eq(many, 11);
}
END_TEST

static enum store_status
run_flaky(struct op *op, struct db *db)
{
	of_op(op)->n = of_op(op)->n ? 1 : 1000000;
	return run_add(op, db);
}

/* What a failed attempt has left in the operation does not count. There is a
 * second one only where another operation was in its transaction, which on a
 * busy machine may have been committed alone. */
START_TEST(the_second_attempt_counts)
{
	static const struct op_type type = { OP_WRITE, run_flaky, finish,
					     NULL };
	struct outcome flaky = { 0 };
	int tries = 0;

	open_test_store(_i);
	do {
		struct outcome before = { 0 };

		flaky = (struct outcome){ 0 };
		ck_assert_int_lt(tries++, 1000);
		add("romeo", 10, &before);
		op_submit(&test_op_new(&type, "romeo", &flaky)->op, "romeo");
		fixture_settle(&f);
		ck_assert_int_eq(before.status, STORE_OK);
	} while (flaky.status != STORE_OK);
	ck_assert_int_eq(sum_now("romeo"), 10 * tries + 1);
}
END_TEST

static sem_t reader_runs, reader_may_go_on;

static enum store_status
run_slow_sum(struct op *op, struct db *db)
{
	sem_post(&reader_runs);
	sem_wait(&reader_may_go_on);
	return run_sum(op, db);
}

/* However slow the reader is, it does not see what was called later. */
START_TEST(a_write_does_not_overtake)
{
	static const struct op_type type = { OP_READ, run_slow_sum, finish,
					     NULL };
	struct outcome write = { 0 }, other = { 0 };
	int64_t before = -1, after;
	struct test_op *t;

	open_test_store(FIXTURE_READERS);
	sem_init(&reader_runs, 0, 0);
	sem_init(&reader_may_go_on, 0, 0);
	t = test_op_new(&type, "romeo", NULL);
	t->sum_out = &before;
	op_submit(&t->op, "romeo");
	add("romeo", 1, &write);
	sum("romeo", &after);
	loop_step(f.loop);
	sem_wait(&reader_runs);
	/* The writer is not waiting, only romeo is. */
	add("juliet", 1, &other);
	while (!other.calls) {
		loop_step(f.loop);
		sched_yield();
	}
	ck_assert_int_eq(write.calls, 0);
	sem_post(&reader_may_go_on);
	outcome_expect(&f, &write, STORE_OK);
	ck_assert_int_eq(before, 0);
	ck_assert_int_eq(after, 1);
}
END_TEST

/* --- A disk that fails */

static struct {
	int lines, working;
	char last[512];
} logged;

static void
on_log(const char *line, void *data)
{
	(void)data;
	logged.lines++;
	logged.working += strstr(line, "works again") != NULL;
	snprintf(logged.last, sizeof(logged.last), "%s", line);
}

static void
ck_failing(bool want)
{
	struct store_stats st;

	store_stats_get(f.store, &st);
	ck_assert(st.is_failing == want);
}

static void
fail_and_recover(enum store_status want)
{
	struct outcome o = { 0 };

	memset(&logged, 0, sizeof(logged));
	log_set_level(LOG_INFO);
	log_capture(on_log, NULL);
	for (int round = 0; round < 3; round++) {
		struct outcome many = { 0 };
		int64_t seen = -1;

		for (int i = 0; i < 20; i++)
			add("romeo", 1, &many);
		sum("romeo", &seen);
		add("romeo", 1, &o);
		outcome_expect(&f, &o, want);
		ck_assert_int_eq(many.calls, 20);
		ck_assert_int_eq(many.status, want);
		ck_assert_int_ne(many.error[0], '\0');
		/* What failed is not seen, and reading goes on. */
		ck_assert_int_eq(seen, 7);
		ck_assert_int_eq(logged.lines, 1);
		ck_failing(true);
	}
	ck_assert_ptr_nonnull(strstr(logged.last, f.path));
}

static void
ck_recovered(void)
{
	struct outcome o = { 0 };

	add("romeo", 1, &o);
	outcome_expect(&f, &o, STORE_OK);
	ck_assert_int_eq(sum_now("romeo"), 8);
	log_capture(NULL, NULL);
	log_set_level(LOG_WARN);
}

START_TEST(a_full_disk)
{
	struct outcome o = { 0 };

	open_test_store(_i);
	add("romeo", 7, &o);
	outcome_expect(&f, &o, STORE_OK);
	fixture_fail_writes(ENOSPC);
	fail_and_recover(STORE_NO_SPACE);
	fixture_fail_writes(0);
	ck_recovered();
}
END_TEST

START_TEST(a_failing_disk)
{
	struct outcome o = { 0 };

	open_test_store(_i);
	add("romeo", 7, &o);
	outcome_expect(&f, &o, STORE_OK);
	fixture_fail_writes(EIO);
	fail_and_recover(STORE_FAILED);
	fixture_fail_writes(0);
	ck_recovered();
	fixture_reopen(&f);
	ck_assert_int_eq(sum_now("romeo"), 8);
}
END_TEST

/* The line that it works again comes once, and not while it is on and off. */
START_TEST(says_when_it_works_again)
{
	struct outcome o = { 0 };

	open_test_store(FIXTURE_INLINE);
	memset(&logged, 0, sizeof(logged));
	log_set_level(LOG_INFO);
	log_capture(on_log, NULL);
	for (int i = 0; i < 3; i++) {
		fixture_fail_writes(ENOSPC);
		add("romeo", 1, &o);
		outcome_expect(&f, &o, STORE_NO_SPACE);
		fixture_fail_writes(0);
		clock_advance(&f.clock, 1000);
		add("romeo", 1, &o);
		outcome_expect(&f, &o, STORE_OK);
		ck_failing(true);
	}
	ck_assert_int_eq(logged.lines, 1);
	clock_advance(&f.clock, 5000);
	for (int i = 0; i < 3; i++) {
		add("romeo", 1, &o);
		outcome_expect(&f, &o, STORE_OK);
		ck_failing(false);
	}
	ck_assert_int_eq(logged.lines, 2);
	ck_assert_int_eq(logged.working, 1);
	log_capture(NULL, NULL);
}
END_TEST

/* The limit strikes in the middle of a transaction: what fits is stored. */
START_TEST(a_full_database)
{
	struct outcome before = { 0 }, big = { 0 }, after = { 0 };
	struct test_op *t;

	open_test_store(_i);
	script("PRAGMA max_page_count = 60");
	for (int i = 0; i < 5; i++)
		add("romeo", 1, &before);
	t = test_op_new(&add_type, "romeo", &big);
	t->fill = 1000000;
	op_submit(&t->op, "romeo");
	for (int i = 0; i < 5; i++)
		add("romeo", 1, &after);
	log_set_level(LOG_ERROR);
	log_capture(on_log, NULL);
	outcome_expect(&f, &big, STORE_NO_SPACE);
	log_capture(NULL, NULL);
	ck_assert_int_eq(before.calls, 5);
	ck_assert_int_eq(before.status, STORE_OK);
	ck_assert_int_eq(after.calls, 5);
	ck_assert_int_eq(after.status, STORE_OK);
	ck_assert_int_eq(sum_now("romeo"), 10);
	ck_failing(true);
}
END_TEST

START_TEST(another_process_has_the_lock)
{
	struct outcome a = { 0 }, b = { 0 };
	sqlite3 *other;
	int64_t seen;

	open_test_store(_i);
	script("PRAGMA busy_timeout = 1");
	ck_assert_int_eq(sqlite3_open(f.path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", 0, 0, 0),
			 SQLITE_OK);
	log_capture(on_log, NULL);
	add("romeo", 1, &a);
	sum("romeo", &seen);
	add("romeo", 1, &b);
	outcome_expect(&f, &a, STORE_FAILED);
	ck_assert_int_eq(b.calls, 1);
	ck_assert_int_eq(b.status, STORE_FAILED);
	ck_assert_int_eq(seen, 0);
	log_capture(NULL, NULL);
	ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
	add("romeo", 1, &a);
	outcome_expect(&f, &a, STORE_OK);
}
END_TEST

static void
teardown(void)
{
	fixture_fail_writes(0);
	fixture_close(&f);
}

int
main(void)
{
	TCase *ways = tcase_create("ways"), *disk = tcase_create("disk");

	tcase_add_checked_fixture(ways, NULL, teardown);
	add_store_test(ways, answers_later_and_once);
	add_store_test(ways, keeps_the_order_of_an_owner);
	add_store_test(ways, goes_on_from_done);
	add_store_test(ways, commits_in_groups);
	add_store_test(ways, close_runs_what_waits);
	add_store_test(ways, a_failure_stays_with_its_operation);
	add_store_test(ways, refused_takes_back_its_changes);
	add_store_test(ways, the_second_attempt_counts);
	tcase_add_test(ways, a_write_does_not_overtake);

	tcase_add_checked_fixture(disk, fixture_failing_disk, teardown);
	add_store_test(disk, a_full_disk);
	add_store_test(disk, a_failing_disk);
	tcase_add_test(disk, says_when_it_works_again);
	add_store_test(disk, a_full_database);
	add_store_test(disk, another_process_has_the_lock);

	return unit_run_all((TCase *const[]){ ways, disk, NULL });
}
