/* xml_text.h - an element that was written as text, to be stored. */
#ifndef XMPP_XML_TEXT_H
#define XMPP_XML_TEXT_H

#include <stddef.h>

struct arena;
struct chunk;
struct xml;
struct xml_pool;

/* x has a namespace. */
struct chunk *xml_to_text(const struct xml *x);
/* Of what xml_to_text has written; the element lives as long as arena a. NULL
 * where the text is something else. There are no limits. */
struct xml *xml_from_text(struct xml_pool *pool, struct arena *a,
			  const char *text, size_t len);

#endif
