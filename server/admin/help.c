/* help.c - usage and overviews, from the tables of commands. */

#include "admin/help.h"

#include "admin/commands.h"

#include <string.h>

#define WIDTH 76

/* Text in lines of at most WIDTH, each behind an indent. */
static void
wrap(FILE *to, const char *text, int indent)
{
	int column = 0;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column && column + 1 + len > WIDTH - indent) {
			fputc('\n', to);
			column = 0;
		}
		if (column)
			column += fprintf(to, " %.*s", len, text);
		else
			column = fprintf(to, "%*s%.*s", indent, "", len, text) -
				 indent;
		text += len;
		text += *text == ' ';
	}
	fputc('\n', to);
}

static void
overview_line(FILE *to, const struct command *cmd)
{
	const char *stop = strstr(cmd->doc, ". ");
	int len = stop ? (int)(stop - cmd->doc) : (int)strlen(cmd->doc) - 1;

	fprintf(to, "  %-14s %.*s\n", cmd->name, len, cmd->doc);
}

void
help_all(FILE *to, const struct command *local)
{
	const struct command *cmd;

	fputs("usage: banyan [-c FILE] COMMAND [ARGUMENT...]\n\n", to);
	for (; local->name; local++)
		overview_line(to, local);
	for (size_t i = 0; (cmd = command_nth(i)); i++)
		overview_line(to, cmd);
	fputs("\nThe configuration is FILE, or $BANYAN_CONF, or " SYSCONFDIR
	      "/banyan/banyan.conf.\n"
	      "banyan COMMAND --help tells more; so do banyan(1) and "
	      "banyan.conf(5).\n\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no server is "
	      "running.\n\n"
	      "Examples:\n"
	      "  banyan -c banyan.conf check\n"
	      "  banyan -c banyan.conf serve\n"
	      "  banyan user add romeo@example.org\n",
	      to);
}

void
help_group(FILE *to, const char *word)
{
	const struct command *cmd;
	size_t len = strlen(word);

	fprintf(to, "usage: banyan [-c FILE] %s COMMAND [ARGUMENT...]\n\n",
		word);
	for (size_t i = 0; (cmd = command_nth(i)); i++) {
		if (!strncmp(cmd->name, word, len) && cmd->name[len] == ' ')
			overview_line(to, cmd);
	}
	fprintf(to, "\nbanyan %s COMMAND --help tells more.\n", word);
}

void
help_command(FILE *to, const struct command *cmd)
{
	const char *line = cmd->example;

	fprintf(to, "usage: banyan [-c FILE] %s%s%s\n\n", cmd->name,
		*cmd->usage ? " " : "", cmd->usage);
	wrap(to, cmd->doc, 0);
	fputs("\nExample:\n", to);
	while (*line) {
		int len = (int)strcspn(line, "\n");

		fprintf(to, "  %.*s\n", len, line);
		line += len;
		line += *line == '\n';
	}
}
