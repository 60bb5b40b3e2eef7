/* rsm.h - results that come page by page (XEP-0059). */
#ifndef XMPP_RSM_H
#define XMPP_RSM_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct xml;

/* What is asked for. Texts live as long as the request, or the arena. */
struct rsm {
	bool is_there;	    /* <set/> was */
	int64_t max;	    /* -1: not said; 0: only the count is wanted */
	const char *after;  /* NULL: from the first */
	const char *before; /* NULL: up to the last */
	bool is_backwards;  /* <before/>, perhaps empty: the last ones */
};

/* The <set/> in parent. COND_NONE, or what it is refused with: bad-request,
 * or feature-not-implemented for <index/> (section 2.6). */
enum stanza_cond
rsm_read(struct arena *a, const struct xml *parent, struct rsm *out);

/* What is told of a page; first and last are NULL where it is empty. */
struct rsm_page {
	const char *first, *last;
	int64_t index; /* of the first one; -1: not known */
	int64_t count; /* of all; -1: not known */
};
void rsm_add(struct arena *a, struct xml *parent, const struct rsm_page *page);

#endif
