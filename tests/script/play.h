/* play.h - a dialogue that is being played, for player.c, receive.c, remote.c
 * and rooms.c. */
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
	struct list dialed; /* private to remote.c */
	struct bindings bindings;
	struct bindings ways; /* to other domains; private to remote.c */
	struct xml_pool *pool;
	char dir[32];
	char *config; /* owned */
	struct buf log;
	struct buf test;  /* what a test of a domain has said */
	struct buf heard; /* what a host was told of other domains */
	bool is_down;	  /* shut down */
};

/* Says what went wrong, where, and what has happened so far. */
void fail(struct play *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* A word of the statement, "" where there are fewer. */
const char *word(const struct play *p, size_t i);
/* The words from there on are these. */
bool says(const struct play *p, size_t from, const char *text);

/* The one that is under test; made when it is needed first. */
struct server *server(struct play *p);
struct client *make_client(struct play *p, const char *name);
/* What came so far has been seen. */
void forget(struct client *c);

/* The server works until nothing is left to do; the clients read. */
void pump_all(struct play *p);

/* NAME receives ... */
void do_receives(struct play *p, struct client *c);
void expect_nothing(struct play *p, struct client *c);
/* SEALED opened … */
void expect_sealed(struct play *p);
/* </stream:stream> */
void expect_end(struct play *p, struct client *c);
/* At the end of a dialogue: what nobody expected must not have happened. */
void expect_all_read(struct play *p);

/* ---- remote.c: other servers ---- */

/* For server_setup. */
int remote_dialed(void *play, const char *domain, bool *is_tls_out);
/* The first host notes what it is told of other domains. */
void remote_listen(struct play *p);
/* True: the statement was about another server, and has been played. */
bool remote_statement(struct play *p);
/* The certificate authority that the server trusts, if the dialogue has
 * certificates; else NULL. */
const char *remote_ca(const struct play *p);
/* A body's {dialback key TO FROM ID} written out. */
void remote_expand_keys(struct play *p, const char *text, struct buf *out);
/* Nobody has answered for them. */
void remote_hang_up(struct play *p);
/* At the end of a dialogue: all have been answered. */
void remote_expect_none(struct play *p);

/* ---- administrator.c ---- */

/* True: the statement was a command, and has been played. */
bool administrator_statement(struct play *p);

/* ---- rooms.c ---- */

/* True: the statement was about a room, and has been played. */
bool room_statement(struct play *p);

#endif
