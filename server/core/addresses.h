/* addresses.h - how many streams come from each address. */
#ifndef CORE_ADDRESSES_H
#define CORE_ADDRESSES_H

#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

/* One more from an address (IPv6: from its /64). False: it has max (0: no
 * limit) already. A zeroed map is an empty one. */
bool address_came(struct map *m, const char *address, int64_t max);
/* One that address_came has counted is gone. */
void address_left(struct map *m, const char *address);

#endif
