/* lock.h - one process at a time works on a data directory. */
#ifndef ADMIN_LOCK_H
#define ADMIN_LOCK_H

#include <stdbool.h>

struct err;

/* Makes the directory where it is not there. Returns a descriptor that holds
 * the lock until it is closed; -1 with err; -2 where another process has it,
 * with err naming it. */
int lock_take(const char *data_dir, struct err *err);
/* Whether a process has it; makes nothing. */
bool lock_is_held(const char *data_dir);
/* Waits until nobody has it, at most max_ms: 0, or -1. */
int lock_wait(const char *data_dir, int max_ms);

#endif
