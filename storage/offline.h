/* offline.h - stanzas for users without a session (XEP-0160). */
#ifndef STORAGE_OFFLINE_H
#define STORAGE_OFFLINE_H

#include "storage/store.h"

struct chunk;

/* xml is the whole stanza, with its delay stamp, for namespace jabber:client.
 * STORE_FULL where the owner has max already. */
void
offline_append(struct store *s, const char *owner, struct chunk *xml,
	       int64_t stamp_ms, int64_t max, store_done *done, void *data);

struct offline_row {
	int64_t id; /* ascending in order of arrival */
	int64_t stamp_ms;
	const char *xml;
	size_t len;
};
struct offline_result {
	struct store_result res;
	const struct offline_row *rows;
	size_t n_rows;
};
typedef void offline_done(void *data, const struct offline_result *res);

/* At most max behind id `after`, oldest first. They stay until removed. */
void offline_fetch(struct store *s, const char *owner, int64_t after,
		   size_t max, offline_done *done, void *data);
/* Up to and with id. */
void offline_remove(struct store *s, const char *owner, int64_t up_to,
		    store_done *done, void *data);

typedef void
offline_count_done(void *data, const struct store_result *res, int64_t count);
void offline_count(struct store *s, const char *owner, offline_count_done *done,
		   void *data);

#endif
