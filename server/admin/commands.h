/* commands.h - the commands that act on a server: ours and the modules'. */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include "core/command.h"

/* Each ends with { 0 }. */
extern const struct command user_commands[];
extern const struct command server_commands[];
extern const struct command s2s_commands[];
extern const struct command room_commands[];
extern const struct command copy_commands[];

/* The i-th of all, or NULL behind the last. */
const struct command *command_nth(size_t i);

/* The command that the first words name, and how many words that are; NULL
 * where there is none. */
const struct command *command_find(int argc, char *const *argv, int *words_out);
/* Whether commands of several words begin with this one, as "user". */
bool command_is_group(const char *word);

#endif
