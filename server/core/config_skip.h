/* config_skip.h - sections that have no meaning; private to config_file.c. */
#ifndef CORE_CONFIG_SKIP_H
#define CORE_CONFIG_SKIP_H

#include "core/config_file.h"

#include <stddef.h>

/*
 * Reports sections that cannot stand in one of this kind, and blanks them with
 * all that is in them: libconfuse ends at the first, and what is behind it
 * would not be looked at. text: as config_scan has left it. What is wrong in
 * another way is left to libconfuse, and all behind that.
 */
void config_skip(const char *file, char *text, size_t len,
		 enum config_kind kind, struct config_errors *errs);

#endif
