/* play.h - a dialogue that is being played, for player.c and receive.c. */
#ifndef SCRIPT_PLAY_H
#define SCRIPT_PLAY_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "match.h"

#include <stdbool.h>

struct client;
struct dialogue;
struct server;
struct statement;
struct xml_pool;

struct play {
	const struct dialogue *dialogue;
	const struct statement *at;
	struct server *server; /* NULL before the first statement needs it */
	struct clock clock;
	struct list clients;
	struct bindings bindings;
	struct xml_pool *pool;
	char dir[32];
	char *config; /* owned */
	struct buf log;
	bool is_down; /* shut down */
};

/* Says what went wrong, where, and what has happened so far. */
void fail(struct play *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* A word of the statement, "" where there are fewer. */
const char *word(const struct play *p, size_t i);
/* The words from there on are these. */
bool says(const struct play *p, size_t from, const char *text);

/* The server works until nothing is left to do; the clients read. */
void pump_all(struct play *p);

/* NAME receives ... */
void do_receives(struct play *p, struct client *c);
void expect_nothing(struct play *p, struct client *c);
/* </stream:stream> */
void expect_end(struct play *p, struct client *c);
/* At the end of a dialogue: what nobody expected must not have happened. */
void expect_all_read(struct play *p);

#endif
