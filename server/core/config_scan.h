/* config_scan.h - what is looked at before libconfuse reads a file. */
#ifndef CORE_CONFIG_SCAN_H
#define CORE_CONFIG_SCAN_H

#include <stddef.h>

struct config_errors;

/*
 * Blanks the comments (libconfuse counts lines wrongly behind them, and takes
 * none inside a list), and sees to what it would let pass: a section or string
 * that is still open at the end, NUL bytes. -1 with errs.
 */
int config_scan(const char *file, char *text, size_t len,
		struct config_errors *errs);

#endif
