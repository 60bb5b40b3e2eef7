/*
 * main.c - plays seeds of the simulator.
 *
 *	sim [SEEDS [FIRST]]	that many, from that one on
 *	sim -l SEEDS [FIRST]	all of them: which of them fail, and by what
 *	sim -v SEED		one, with all that happens
 *	sim -s SEED		the shortest history that is found for it; with
 *				SIM_TRACE set, with all that happens in it
 */

#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* As many as take some seconds; a minute of one processor, with sanitizers. */
#define SEEDS 2000
/* No history takes so long. */
#define RUN_MAX_S 60

/* Shared with the process that plays. */
static struct shared {
	uint64_t seed;
	bool is_wrong;
	char text[700];
	struct sim counts;
} * shared;

/* But for numbers. */
static bool
is_alike(const char *a, const char *b)
{
	while (*a && *b) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b)
			return false;
		a += *a != '\0';
		b += *b != '\0';
	}
	return !*a && !*b;
}

/* In a process of its own. True: something was wrong. */
static bool
fails(const struct plan *plan)
{
	int status;
	pid_t pid;
	char *wrong;

	fflush(stdout);
	shared->is_wrong = false;
	pid = fork();
	if (!pid) {
		alarm(RUN_MAX_S);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		wrong = sim_run(plan, false, NULL);
		shared->is_wrong = wrong != NULL;
		if (wrong)
			snprintf(shared->text, sizeof(shared->text), "%s",
				 wrong);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		return false;
	if (status)
		snprintf(shared->text, sizeof(shared->text),
			 "ended with signal %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return status || shared->is_wrong;
}

static void
set_dropped(struct plan *plan, size_t from, size_t n, bool is_dropped,
	    bool *was)
{
	for (size_t i = from; i < from + n && i < plan->n; i++) {
		if (is_dropped) {
			was[i] = plan->acts[i].is_dropped;
			plan->acts[i].is_dropped = true;
		} else {
			plan->acts[i].is_dropped = was[i];
		}
	}
}

static bool
is_dropped(const struct plan *plan, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < plan->n; i++) {
		if (!plan->acts[i].is_dropped)
			return false;
	}
	return true;
}

/* Leaves out what the failure does not need: many acts at first, then fewer. */
static void
shorten(struct plan *plan)
{
	bool *was = calloc(plan->n, sizeof(bool));
	char first[sizeof(shared->text)];
	bool more = false;

	memcpy(first, shared->text, sizeof(first));

	for (size_t n = plan->n / 2; was && n; n = more ? n : n / 2) {
		more = false;
		for (size_t at = 0; at < plan->n; at += n) {
			if (is_dropped(plan, at, n))
				continue;
			set_dropped(plan, at, n, true, was);
			if (!fails(plan) || !is_alike(first, shared->text))
				set_dropped(plan, at, n, false, was);
			else
				more = n < 4;
		}
	}
	free(was);
}

static void
explain(uint64_t seed)
{
	struct plan plan;

	plan_draw(&plan, seed);
	if (!fails(&plan)) {
		printf("seed %" PRIu64 ": nothing is wrong\n", seed);
		plan_fini(&plan);
		return;
	}
	shorten(&plan);
	fails(&plan);
	plan_print(&plan);
	printf("%s\n", shared->text);
	fflush(stdout);
	if (getenv("SIM_TRACE"))
		free(sim_run(&plan, true, NULL));
	plan_fini(&plan);
}

static int
show(uint64_t seed)
{
	struct plan plan;
	char *wrong;

	plan_draw(&plan, seed);
	plan_print(&plan);
	wrong = sim_run(&plan, true, NULL);
	plan_fini(&plan);
	printf("%s\n", wrong ? wrong : "nothing is wrong");
	return wrong ? 1 : 0;
}

static void
play(uint64_t first, uint64_t n)
{
	char *wrong = NULL;

	for (uint64_t i = first; !wrong && i < first + n; i++) {
		struct plan plan;

		shared->seed = i;
		alarm(RUN_MAX_S);
		plan_draw(&plan, i);
		wrong = sim_run(&plan, false, &shared->counts);
		plan_fini(&plan);
	}
	shared->is_wrong = wrong != NULL;
	if (wrong)
		snprintf(shared->text, sizeof(shared->text), "%s", wrong);
	free(wrong);
	exit(0);
}

static void
tell_counts(uint64_t n)
{
	const struct sim *c = &shared->counts;

	printf("%" PRIu64 " seeds: %" PRIu64 " entries, %" PRIu64
	       " stanzas between servers, %" PRIu64 " of them twice, %" PRIu64
	       " ways mended, %" PRIu64 " parts of snapshots, %" PRIu64
	       " users returned\n",
	       n, c->n_entries, c->n_wires, c->n_duplicates, c->n_heals,
	       c->n_snapshots, c->n_returns);
	printf("%" PRIu64 " passed, 0 failed\n", n);
}

static int
play_all(uint64_t n, uint64_t first)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		play(first, n);
	if (waitpid(pid, &status, 0) < 0)
		return 99;
	if (!status && !shared->is_wrong) {
		tell_counts(n);
		return 0;
	}
	printf("seed %" PRIu64 ": %s\n", shared->seed,
	       shared->is_wrong ? shared->text : "the process has ended");
	explain(shared->seed);
	printf("to see it: tests/sim/sim -v %" PRIu64 "\n", shared->seed);
	printf("%" PRIu64 " passed, 1 failed\n", shared->seed - first);
	return 1;
}

static int
list_all(uint64_t n, uint64_t first)
{
	uint64_t n_wrong = 0;

	for (uint64_t i = first; i < first + n; i++) {
		struct plan plan;

		plan_draw(&plan, i);
		if (fails(&plan)) {
			printf("seed %" PRIu64 ": %s\n", i, shared->text);
			n_wrong++;
		}
		plan_fini(&plan);
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", n - n_wrong,
	       n_wrong);
	return n_wrong != 0;
}

int
main(int argc, char **argv)
{
	uint64_t n;

	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 99;
	if (argc == 3 && !strcmp(argv[1], "-v"))
		return show(strtoull(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "-s")) {
		explain(strtoull(argv[2], NULL, 10));
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "-l"))
		return list_all(strtoull(argv[2], NULL, 10),
				argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	n = argc > 1 ? strtoull(argv[1], NULL, 10) : SEEDS;
	return play_all(n, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
}
