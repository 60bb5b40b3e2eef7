/*
 * command.h - administration: what `banyan NAME …` does to a server.
 *
 * A command runs in the server, asked over its control socket, or in a server
 * that was made for it and serves nobody. It gets its words and prints lines;
 * it may finish later.
 */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct server;

/* Exit codes of the program; see banyan(1). */
enum command_code {
	COMMAND_DONE = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2,
	COMMAND_NOT_RUNNING = 3,
};

/* One invocation; lives until command_end. */
struct command_call {
	struct server *server;
	int argc;	   /* words behind the command's own name */
	char **argv;	   /* borrowed */
	const char *input; /* what came with it (passwords); may be NULL */
	bool json;
	struct buf out, err; /* printed by the client at the end */
	void *data; /* the command's own; freed with free() at the end */
	/* Private to whoever runs commands. */
	void (*ended)(struct command_call *call, int code);
};

struct command {
	const char *name; /* "user add" */
	const char
		*usage;	 /* "JID [--password-stdin]"; "" where it takes none */
	const char *doc; /* sentences; the first one stands in the overview */
	const char *example;
	/* argv[0] is an account whose password comes as the input: the client
	 * asks for it. With --batch, a file comes instead. */
	bool takes_password, takes_batch;
	int min_words;	    /* fewer are refused before anything is done */
	bool needs_running; /* makes no sense while no server runs */
	void (*run)(struct command_call *call);
};

/* Ends the call with an exit code. */
void command_end(struct command_call *call, int code);
/* The same after a line about what went wrong. */
void command_fail(struct command_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* COMMAND_USAGE: the words are not what it takes. */
void command_misused(struct command_call *call, const struct command *cmd);

#endif
