/*
 * control.h - the control socket: commands for a server that runs.
 *
 * A request is a 32-bit length (big-endian) and that many bytes: words that
 * each end with NUL, an empty one, and then the command's input. The first
 * word is "text" or "json", for the answer; the others are the command's. The
 * answer is the exit code as one byte, and lengths with the bytes for standard
 * output and for standard error; then the server closes. Only the server's own
 * user and root are listened to.
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct control;
struct err;
struct server;

#define CONTROL_REQUEST_MAX (64u << 20)
#define CONTROL_ANSWER_MAX  (256u << 20)

/* On the core loop. The caller has the data directory's lock: an old socket is
 * replaced. */
struct control *
control_open(struct server *srv, const char *data_dir, struct err *err);
/* Before server_free. Commands that are still at work end unheard. */
void control_close(struct control **c);

/* The client's side, for a blocking call. input may be NULL. Returns the exit
 * code with what is to be printed appended, -1 with err, or -2 where nobody
 * listens. */
int control_call(const char *data_dir, int argc, char *const *argv, bool json,
		 const char *input, struct buf *out, struct buf *err_out,
		 struct err *err);

#endif
