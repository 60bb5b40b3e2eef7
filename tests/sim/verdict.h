/* verdict.h - what the parts of the verdict share. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include <stdbool.h>

struct copy;
struct own_room;
struct sim;

/* ---- verdict_addresses.c ---- */

/* May that server know the addresses of others, now? */
bool verdict_may_know(const struct own_room *r, unsigned server);
/* A copy that never might does not. */
void check_known(struct sim *sim, const struct copy *c);

#endif
