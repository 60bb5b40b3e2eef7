/* help.h - what the program says of itself, and its manual. */
#ifndef ADMIN_HELP_H
#define ADMIN_HELP_H

#include <stdio.h>

struct command;

/* The overview of all commands. local ends with { 0 }. */
void help_all(FILE *to, const struct command *local);
/* Those that begin with this word. */
void help_group(FILE *to, const char *word);
void help_command(FILE *to, const struct command *cmd);

/* banyan.conf(5) in mdoc, from the tables of options; banyan(1). */
void help_man_conf(FILE *to);
void help_man(FILE *to, const struct command *local);

#endif
