/* modules.h - for the core: the sizes of what the modules add. */
#ifndef CORE_MODULES_H
#define CORE_MODULES_H

#include <stddef.h>

/* Once, before the first host is made. */
void modules_place(void);

/* Of a struct session or account with the modules' data behind it. */
size_t modules_session_size(void);
size_t modules_account_size(void);

#endif
