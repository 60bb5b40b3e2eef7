/* cli.h - the command line. */
#ifndef ADMIN_CLI_H
#define ADMIN_CLI_H

/* The whole program; returns its exit code. */
int cli_run(int argc, char **argv);

#endif
