/* blocklist.h - whom a user does not want to hear of (XEP-0191). */
#ifndef STORAGE_BLOCKLIST_H
#define STORAGE_BLOCKLIST_H

#include "storage/store.h"

struct blocklist_result {
	struct store_result res;
	const char *const *jids; /* sorted */
	size_t n_jids;
};
typedef void blocklist_done(void *data, const struct blocklist_result *res);

void blocklist_load(struct store *s, const char *owner, blocklist_done *done,
		    void *data);
/* All of them, or none: STORE_FULL where the list would have more than max. */
void blocklist_add(struct store *s, const char *owner, const char *const *jids,
		   size_t n_jids, size_t max, store_done *done, void *data);
/* n_jids 0: all. */
void
blocklist_remove(struct store *s, const char *owner, const char *const *jids,
		 size_t n_jids, store_done *done, void *data);

#endif
