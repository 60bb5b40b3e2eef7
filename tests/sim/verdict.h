/* verdict.h - what the parts of the verdict share. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include <stdbool.h>

struct copy;
struct own_room;
struct sim;
struct user;

/* ---- verdict.c ---- */

/* What ordinary occupants know whose ways have broken is not in our hands. */
bool verdict_is_excused(const struct sim *sim, const struct user *u,
			const struct own_room *r);

/* ---- verdict_addresses.c ---- */

/* May that server know the addresses of others, now? */
bool verdict_may_know(const struct own_room *r, unsigned server);
/* A copy that never might does not. */
void check_known(struct sim *sim, const struct copy *c);

/* ---- verdict_submitted.c ---- */

/* What went through a copy was dealt with, or was refused and its user knows.
 */
void check_answered(struct sim *sim);
/* The presence that somebody has sent last is what the room has. */
void
check_presence(struct sim *sim, const struct user *u, const struct own_room *r);

#endif
