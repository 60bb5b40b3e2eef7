/* main.c - the command line. */

#include "config.h"

#include <stdio.h>
#include <string.h>

/* Exit codes: 0 done, 1 failed, 2 wrong usage. */
#define EXIT_USAGE 2

static int
help(FILE *to)
{
	fputs("usage: banyan version | help\n", to);
	return to == stdout ? 0 : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "version")) {
		puts(PACKAGE_STRING);
		return 0;
	}
	if (!strcmp(command, "help") || !strcmp(command, "--help"))
		return help(stdout);
	return help(stderr);
}
