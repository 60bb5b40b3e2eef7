/* client.h - runs a command where the server is: in it, or here. */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include <stdbool.h>

struct command;

struct client_call {
	const char *config_path;
	const struct command *cmd;
	int argc, n_words; /* all words; how many of them are the name */
	char **argv;
	bool json;
	const char *input; /* may be NULL */
};

/* Prints what the command prints; returns the exit code. */
int client_run(const struct client_call *c);

#endif
