/* unit.c - runs the cases of one test program. */

#include "unit.h"

#include <stdio.h>

int
unit_run_all(TCase *const tc[])
{
	Suite *suite = suite_create("unit");
	SRunner *runner;
	int run, failed;

	for (; *tc; tc++)
		suite_add_tcase(suite, *tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	printf("%d passed, %d failed\n", run - failed, failed);
	/* A program that ran nothing shows nothing. */
	return failed || !run;
}

int
unit_run(TCase *tc)
{
	return unit_run_all((TCase *const[]){ tc, NULL });
}
