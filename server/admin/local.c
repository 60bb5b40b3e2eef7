/* local.c - a command while no server runs. */

#include "admin/local.h"

#include "base/list.h"
#include "base/log.h"
#include "core/command.h"
#include "core/server.h"
#include "net/loop.h"

struct local {
	struct mail mail;
	struct command_call call;
	const struct command *cmd;
	int code;
};

static void
on_end(struct command_call *call, int code)
{
	struct local *l = container_of(call, struct local, call);

	l->code = code;
	server_stop(call->server);
}

static void
start(struct mail *m)
{
	struct local *l = container_of(m, struct local, mail);

	l->cmd->run(&l->call);
}

int
local_call(const struct config *cfg, const struct command *cmd, int argc,
	   char **argv, bool json, const char *input, struct buf *out,
	   struct buf *err_out, struct err *err)
{
	struct server_setup setup = { .config = cfg, .no_listen = true };
	struct local l = {
		.mail.run = start,
		.call = { .argc = argc,
			  .argv = argv,
			  .input = input,
			  .json = json,
			  .ended = on_end },
		.cmd = cmd,
	};

	/* What a server says of itself is of no interest here. */
	log_set_level(LOG_ERROR);
	l.call.server = server_new(&setup, err);
	if (!l.call.server)
		return -1;
	loop_post(l.call.server->core, &l.mail);
	server_run(l.call.server);
	server_free(l.call.server);
	*out = l.call.out;
	*err_out = l.call.err;
	return l.code;
}
