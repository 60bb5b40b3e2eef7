/* local.h - a command while no server runs. */
#ifndef ADMIN_LOCAL_H
#define ADMIN_LOCAL_H

#include <stdbool.h>

struct buf;
struct command;
struct config;
struct err;

/* Makes a server that listens nowhere, runs the command in it and takes it
 * apart. The caller has the data directory's lock. Returns the exit code, or
 * -1 with err. */
int local_call(const struct config *cfg, const struct command *cmd, int argc,
	       char **argv, bool json, const char *input, struct buf *out,
	       struct buf *err_out, struct err *err);

#endif
