/*
 * store_fixture.h - a database of its own for each test, in all the ways that
 * a server may use one.
 *
 * Tests of stores run in each of them: add_store_test, and _i is for
 * fixture_open.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "base/clock.h"
#include "storage/store.h"
#include "unit.h"

struct loop;
struct store_kind;

struct fixture {
	struct clock clock; /* fake */
	struct loop *loop;
	struct store *store;
	char dir[64], path[128];
	struct store_settings settings;
};

/* What a done function was told. */
struct outcome {
	int calls;
	enum store_status status;
	char error[256];
};

/* Zeroed memory, or one that was closed. */
void fixture_open(struct fixture *f, int variant);
/* A fresh directory and loop, but no database yet. */
void fixture_prepare(struct fixture *f, int variant);
/* Closes the database and opens it again. */
void fixture_reopen(struct fixture *f);
/* Runs the loop until no operation is under way. */
void fixture_settle(struct fixture *f);
/* Removes the directory too. */
void fixture_close(struct fixture *f);

/* How many variants there are, and which one runs without threads. */
int fixture_n_variants(void);
#define FIXTURE_INLINE	0
#define FIXTURE_READERS 2 /* threads for the writer and for readers */

/* A store_done; data is a struct outcome. */
void outcome_set(void *data, const struct store_result *res);
/* Settles, and fails the test unless it was called once, with status. */
void
outcome_expect(struct fixture *f, struct outcome *o, enum store_status status);

/* A disk that may fail, before any database is open: the setup of a case. */
void fixture_failing_disk(void);
/* What writing to it ends with from now on; 0: it works. */
void fixture_fail_writes(int e);

/* Fails the test where a statement of the kind visits all rows of a table. */
void fixture_ck_plans(struct fixture *f, const struct store_kind *kind);

#define add_store_test(tc, test) \
	tcase_add_loop_test(tc, test, 0, fixture_n_variants())

#endif
