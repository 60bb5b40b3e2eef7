/*
 * command.h - administration of a running server, over its control socket.
 *
 * A command gets its words and prints lines; it may finish later.
 */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "base/buf.h"

#include <stdbool.h>

struct server;

/* One invocation; lives until command_end. */
struct command_call {
	struct server *server;
	int argc;	   /* words behind the command's own name */
	char **argv;	   /* borrowed */
	const char *input; /* what came with it (passwords); may be NULL */
	bool json;
	struct buf out, err; /* printed by the client at the end */
	void *data; /* the command's own; freed with free() at the end */
};

struct command {
	const char *name;  /* "user add" */
	const char *usage; /* "JID [--password-stdin]" */
	const char *doc;
	const char *example;
	void (*run)(struct command_call *call);
};

/* Ends the call with an exit code (0: done; see banyan(1)). */
void command_end(struct command_call *call, int code);

#endif
