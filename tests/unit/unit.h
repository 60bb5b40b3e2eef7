/* unit.h - what every unit test starts with: Check, and a main in one line. */
#ifndef UNIT_H
#define UNIT_H

#include "base/mem.h"

#include <check.h>

/*
 * Runs the case and prints what failed and `N passed, N failed`; the result is
 * the program's exit status. Takes ownership of tc. CK_FORK=no runs all tests
 * in this process, for a debugger; CK_RUN_CASE, CK_VERBOSITY and
 * CK_TIMEOUT_MULTIPLIER work too.
 */
int unit_run(TCase *tc);

/* The same for several cases; the list ends with NULL. */
int unit_run_all(TCase *const tc[]);

#endif
