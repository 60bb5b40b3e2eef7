/*
 * cache.h - answers of clients, each kept for all that say the same of
 * themselves. Pure: who owns the cache does the asking.
 */
#ifndef CAPS_CACHE_H
#define CAPS_CACHE_H

#include "modules/caps.h"

#include <stddef.h>

struct caps_cache;
struct jid;
struct xml;

/* What <c/> says (XEP-0115 section 4); hash may be NULL (section 5.4, 1). */
struct caps_name {
	const char *hash, *node, *ver;
};

/* A question that waits for its answer. */
struct caps_question;

/* Asks who for disco#info of that node; caps_cache_answer follows, perhaps
 * inside. False: nobody can be asked any more, and none follows. */
typedef bool caps_ask(void *data, struct caps_question *q, struct jid *who,
		      const char *node);

/* max: answers that are kept, and questions at a time. */
struct caps_cache *caps_cache_new(size_t max, caps_ask *ask, void *data);
/* No question is open any more. */
void caps_cache_free(struct caps_cache *c);
void caps_cache_set_max(struct caps_cache *c, size_t max);

void caps_cache_get(struct caps_cache *c, struct jid *who,
		    const struct caps_name *name, caps_done *done, void *data);
/* query: NULL where none came. The question is over. An answer that does not
 * fit what was claimed is not believed, and the next one who claims the same
 * is asked. */
void caps_cache_answer(struct caps_cache *c, struct caps_question *q,
		       const struct xml *query);

#endif
