/*
 * check_muc_histories.c - what holds in every room holds after whatever its
 * users, its disk and its crashes do to it.
 *
 * MUC_HISTORIES is how many histories are played; MUC_HISTORY a single one,
 * step by step, as the failure names it.
 */

#include "muc_draw.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define N_HISTORIES	 100000
#define STEPS_MIN	 8
#define STEPS_MAX	 28
#define TIMEOUT_S	 900
#define AFFILIATIONS_MAX 8
#define OCCUPANTS_MAX	 6

/* Shared with the process that plays: it is told which one it was even when
 * that process is gone. */
static struct progress {
	uint64_t history;
	unsigned step;
	bool is_playing;
} * progress;

static struct draw_world world;
static size_t n_of_type[N_ENTRY_TYPES], n_refused, n_crashes;

static bool
is_remote(const struct jid *user)
{
	return jid_eq_domain(user, world.domains[2]);
}

/* How a history goes is drawn for the whole of it. */
struct manner {
	unsigned delay;	  /* percent: a write is not done at once */
	unsigned failing; /* percent of the writes */
	unsigned crashing;
	unsigned late; /* percent: there is not time for all */
};

static void
write_some(struct draw *d, struct play *p, const struct manner *m)
{
	while (p->n_writes && !p->wrong && !draw_chance(d, m->delay)) {
		bool fails = draw_chance(d, m->failing);

		if (d->is_traced)
			printf("%s\n", fails ? "not stored" : "stored");
		play_stored(p, !fails ? COND_NONE
			       : draw_chance(d, 50)
				       ? COND_RESOURCE_CONSTRAINT
				       : COND_INTERNAL_SERVER_ERROR);
	}
}

static void
pass_time(struct draw *d, struct play *p)
{
	static const int steps_ms[] = { 0, 0, 1, 7, 250, 60000, -400 };

	p->now_ms += steps_ms[draw_number(d, N_ELEMENTS(steps_ms))];
	if (p->now_ms < p->started_ms)
		p->now_ms = p->started_ms;
}

static void
step(struct draw *d, struct play *p, const struct manner *m)
{
	if (draw_chance(d, m->crashing)) {
		size_t n = p->n_writes;

		if (n)
			n = draw_number(d, (unsigned)n + 1);
		if (d->is_traced)
			printf("crash, %zu of %zu stored\n", n, p->n_writes);
		play_crash(p, n);
	}
	pass_time(d, p);
	play_go_on(p, draw_chance(d, m->late) ? draw_number(d, 3) : PLAY_ALL);
	draw_submission(d, p);
	write_some(d, p, m);
}

/* Returns what was wrong, or NULL. */
static const char *
play_history(uint64_t seed, bool is_traced)
{
	static const uint8_t secret[RULES_SECRET_LEN] = "secret";
	struct draw d = { &world, seed << 20, is_traced };
	struct manner m = { draw_chance(&d, 50) ? draw_number(&d, 100) : 0,
			    draw_chance(&d, 30) ? 20 : 0,
			    draw_chance(&d, 40) ? 8 : 0,
			    draw_chance(&d, 40) ? draw_number(&d, 100) : 0 };
	unsigned n = STEPS_MIN + draw_number(&d, STEPS_MAX - STEPS_MIN + 1);
	struct play p;
	const char *wrong;

	play_init(&p, world.room);
	p.env = (struct rules_env){
		.secret = secret,
		.presence_max = 2048,
		.vcard_max = 2048,
		.occupants_max = OCCUPANTS_MAX,
		.affiliations_max = AFFILIATIONS_MAX,
		.history_max = 10,
	};
	p.admin = draw_chance(&d, 20) ? world.users[0] : NULL;
	p.is_remote = is_remote;
	p.inside = draw_inside;
	p.data = &d;
	p.is_traced = is_traced;
	p.now_ms = INT64_C(1700000000000);
	if (draw_chance(&d, 90))
		draw_opening(&d, &p);
	for (unsigned i = 0; i < n && !p.wrong; i++) {
		progress->step = i;
		step(&d, &p, &m);
	}
	/* Some end with whatever is under way. */
	if (draw_chance(&d, 80))
		play_settle(&p);
	for (int i = 0; i < N_ENTRY_TYPES; i++)
		n_of_type[i] += p.n_of_type[i];
	n_refused += p.n_refused;
	n_crashes += p.n_crashes;
	play_fini(&p);
	wrong = p.wrong;
	return wrong;
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

static void
tell_counts(void)
{
	for (int i = 0; i < N_ENTRY_TYPES; i++)
		printf("%s %zu, ", entry_type_name((enum entry_type)i),
		       n_of_type[i]);
	printf("refused %zu, crashes %zu\n", n_refused, n_crashes);
	fflush(stdout);
}

START_TEST(histories)
{
	uint64_t one = number_of("MUC_HISTORY", 0);
	uint64_t n = one ? one : number_of("MUC_HISTORIES", N_HISTORIES);
	const char *wrong;

	setvbuf(stdout, NULL, one ? _IOLBF : _IOFBF, BUFSIZ);
	draw_world_init(&world);
	progress->is_playing = true;
	for (uint64_t i = one ? one : 1; i <= n; i++) {
		progress->history = i;
		wrong = play_history(i, one != 0);
		ck_assert_msg(!wrong, "history %" PRIu64 ", step %u: %s", i,
			      progress->step, wrong);
	}
	progress->is_playing = false;
	draw_world_fini(&world);
	tell_counts();
	if (one || n < 10000)
		return;
	/* Whoever plays nothing shows nothing. */
	for (int i = 0; i < N_ENTRY_TYPES; i++)
		ck_assert_msg(n_of_type[i] > n / 200, "hardly any %s",
			      entry_type_name((enum entry_type)i));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_histories");
	int failed;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return 99;
	tcase_set_timeout(tc, TIMEOUT_S);
	tcase_add_test(tc, histories);
	failed = unit_run(tc);
	if (progress->is_playing)
		printf("to see it: MUC_HISTORY=%" PRIu64 "\n",
		       progress->history);
	return failed;
}
