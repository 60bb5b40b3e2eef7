/*
 * fragments.h - pieces of XML that a user keeps on the server.
 *
 * kind says what they are ("private": XEP-0049, "vcard": XEP-0054, …), key
 * which of them.
 */
#ifndef STORAGE_FRAGMENTS_H
#define STORAGE_FRAGMENTS_H

#include "storage/store.h"

struct chunk;

struct fragment_result {
	struct store_result res; /* OK, NOT_FOUND, FAILED */
	const char *xml;
	size_t len;
};
typedef void fragment_done(void *data, const struct fragment_result *res);

void fragment_get(struct store *s, const char *owner, const char *kind,
		  const char *key, fragment_done *done, void *data);
/* STORE_FULL where the owner would have more than max_keys of this kind. */
void fragment_put(struct store *s, const char *owner, const char *kind,
		  const char *key, struct chunk *xml, size_t max_keys,
		  store_done *done, void *data);

struct fragment_item {
	const char *key;
	struct chunk *xml; /* NULL: it is removed, if it is there */
};
/* All of them, or none. */
void fragment_put_all(struct store *s, const char *owner, const char *kind,
		      const struct fragment_item *items, size_t n_items,
		      size_t max_keys, store_done *done, void *data);
/* NOT_FOUND where there is none. */
void fragment_remove(struct store *s, const char *owner, const char *kind,
		     const char *key, store_done *done, void *data);

#endif
