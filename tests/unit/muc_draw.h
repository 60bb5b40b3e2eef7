/* muc_draw.h - what somebody does to a room, at random: for muc_play.h. */
#ifndef MUC_DRAW_H
#define MUC_DRAW_H

#include "muc_play.h"

#include <stdbool.h>
#include <stdint.h>

#define DRAW_USERS     7
#define DRAW_RESOURCES 2

/* Some users of some hosts, all of whom know the room. Made once. */
struct draw_world {
	struct jid *room;
	struct jid *users[DRAW_USERS], *full[DRAW_USERS * DRAW_RESOURCES];
	struct jid *domains[3]; /* the last one is of another server */
};

struct draw {
	const struct draw_world *world;
	uint64_t state; /* of the numbers */
	bool is_traced; /* what is done is printed */
};

void draw_world_init(struct draw_world *w);
void draw_world_fini(struct draw_world *w);

/* A number below n, which is not 0; true in so many of a hundred cases. */
unsigned draw_number(struct draw *d, unsigned n);
bool draw_chance(struct draw *d, unsigned percent);

/* A room is made, and mostly configured; some enter. */
void draw_opening(struct draw *d, struct play *p);
/* Submits something. */
void draw_submission(struct draw *d, struct play *p);
/* Something that may happen inside the master's calls. */
void draw_inside(struct play *p, void *draw);

#endif
