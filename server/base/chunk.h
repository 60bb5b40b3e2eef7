/* chunk.h - immutable shared bytes: written once, queued on many sockets. */
#ifndef BASE_CHUNK_H
#define BASE_CHUNK_H

#include <stddef.h>

struct chunk;

/* Takes ownership of data (from malloc). The caller holds one reference. */
struct chunk *chunk_take(char *data, size_t len);
struct chunk *chunk_copy(const char *data, size_t len);

/* Any thread may take or drop references; the last one frees. */
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct chunk **c);

const char *chunk_data(const struct chunk *c, size_t *len_out);

#endif
