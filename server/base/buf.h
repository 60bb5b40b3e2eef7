/* buf.h - a growing byte buffer, always with a NUL behind its bytes. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct chunk;

/* Zeroed memory is an empty buffer. data may be NULL while len is 0. */
struct buf {
	char *data; /* owned */
	size_t len, cap;
};

void buf_fini(struct buf *b);

/* For buf_reserve, where the room is not there yet. */
char *buf_grow(struct buf *b, size_t n);

/* Makes room for n more bytes and a NUL; returns where they go. */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
	return b->cap - b->len > n ? b->data + b->len : buf_grow(b, n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "1 copy", "2 copies". */
void buf_count(struct buf *b, uint64_t n, const char *one, const char *many);

/* Moves the bytes into a chunk and leaves the buffer empty. */
struct chunk *buf_to_chunk(struct buf *b);
/* Moves the bytes out, to be freed by the caller; never NULL. */
char *buf_take(struct buf *b);

/* data may be NULL while len is 0. */
static inline void
buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = buf_reserve(b, len);

	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	b->len += len;
}

static inline void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

#endif
