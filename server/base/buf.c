/* buf.c - a growing byte buffer. */

#include "base/buf.h"

#include "base/chunk.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

char *
buf_grow(struct buf *b, size_t n)
{
	size_t need = b->len + n + 1;

	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap < need)
			cap *= 2;
		b->data = mem_realloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	vsnprintf(buf_reserve(b, (size_t)len), (size_t)len + 1, fmt, again);
	va_end(again);
	b->len += (size_t)len;
}

void
buf_count(struct buf *b, uint64_t n, const char *one, const char *many)
{
	buf_printf(b, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

struct chunk *
buf_to_chunk(struct buf *b)
{
	size_t len = b->len;

	return chunk_take(buf_take(b), len);
}

char *
buf_take(struct buf *b)
{
	char *data = buf_reserve(b, 0);

	b->data[b->len] = '\0';
	data = b->data;
	*b = (struct buf){ 0 };
	return data;
}
