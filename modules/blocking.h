/* blocking.h - whom a user does not want to hear of (XEP-0191). */
#ifndef MODULES_BLOCKING_H
#define MODULES_BLOCKING_H

#include <stdbool.h>

struct account;

/* Has the account's user blocked anybody? For who would write to its sessions
 * without asking the hooks on a stanza's way: where it has, a stanza goes that
 * way. The list is known once the user has sent anything; before, and while it
 * is being read, this is true. */
bool blocking_is_used(struct account *a);

#endif
