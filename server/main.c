/* main.c - where it begins. */

#include "admin/cli.h"

int
main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
