/* command.c - how a command ends. */

#include "core/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
command_end(struct command_call *call, int code)
{
	free(call->data);
	call->data = NULL;
	call->ended(call, code);
}

void
command_fail(struct command_call *call, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	buf_printf(&call->err, "banyan: %s\n", text);
	free(text);
	command_end(call, COMMAND_FAILED);
}

void
command_misused(struct command_call *call, const struct command *cmd)
{
	buf_printf(&call->err, "usage: banyan %s %s\n", cmd->name, cmd->usage);
	command_end(call, COMMAND_USAGE);
}
