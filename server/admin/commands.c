/* commands.c - finding commands by their words. */

#include "admin/commands.h"

#include "core/module.h"

#include <string.h>

static const struct command *
nth_of(const struct command *table, size_t *i)
{
	for (; table && table->name; table++) {
		if ((*i)-- == 0)
			return table;
	}
	return NULL;
}

const struct command *
command_nth(size_t i)
{
	const struct command *cmd = nth_of(server_commands, &i);

	if (!cmd)
		cmd = nth_of(user_commands, &i);
	if (!cmd)
		cmd = nth_of(s2s_commands, &i);
	if (!cmd)
		cmd = nth_of(room_commands, &i);
	if (!cmd)
		cmd = nth_of(copy_commands, &i);
	for (const struct module *const *m = all_modules; !cmd && *m; m++)
		cmd = nth_of((*m)->commands, &i);
	return cmd;
}

/* How many of the words the name is made of; 0: it is another. */
static int
match(const char *name, int argc, char *const *argv)
{
	int n = 0;

	for (; n < argc && *name; n++) {
		size_t len = strcspn(name, " ");

		if (strlen(argv[n]) != len || strncmp(argv[n], name, len))
			return 0;
		name += len;
		name += *name == ' ';
	}
	return *name ? 0 : n;
}

const struct command *
command_find(int argc, char *const *argv, int *words_out)
{
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_nth(i)); i++) {
		*words_out = match(cmd->name, argc, argv);
		if (*words_out)
			return cmd;
	}
	return NULL;
}

bool
command_is_group(const char *word)
{
	const struct command *cmd;
	size_t len = strlen(word);

	for (size_t i = 0; (cmd = command_nth(i)); i++) {
		if (!strncmp(cmd->name, word, len) && cmd->name[len] == ' ')
			return true;
	}
	return false;
}
