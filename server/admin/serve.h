/* serve.h - `banyan serve`: the server's process. */
#ifndef ADMIN_SERVE_H
#define ADMIN_SERVE_H

struct buf;

/* Exit code; see core/command.h. argv: the words behind "serve". */
int serve(const char *config_path, int argc, char **argv);

/* Reads the configuration and the certificates again. What was wrong goes into
 * out as lines. -1: nothing has changed; 1: all else is taken over. */
int serve_reload(struct buf *out);

#endif
