/* op.c - requests and their results. */

#include "storage/op.h"

#include "base/arena.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
op_new(struct store *s, const struct op_type *type, size_t size, size_t tail)
{
	struct op *op = mem_alloc(size + tail);

	memset(op, 0, size);
	op->type = type;
	op->store = s;
	op->tail = (char *)op + size;
	op->end = op->tail + tail;
	return op;
}

size_t
op_room(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

const char *
op_copy(struct op *op, const char *s)
{
	size_t len = op_room(s);
	char *to = op->tail;

	if (!s)
		return NULL;
	assert(len <= (size_t)(op->end - to));
	op->tail += len;
	return memcpy(to, s, len);
}

void
op_free(struct op *op)
{
	if (op->type->fini)
		op->type->fini(op);
	arena_unref(&op->arena);
	free(op);
}

struct arena *
op_arena(struct op *op)
{
	if (!op->arena)
		op->arena = arena_new();
	return op->arena;
}

void *
op_array_add(struct op *op, struct op_array *a, size_t size)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 8;
		void *more = arena_alloc(op_arena(op), cap * size);

		if (a->n)
			memcpy(more, a->items, a->n * size);
		a->items = more;
		a->cap = cap;
	}
	return (char *)a->items + a->n++ * size;
}

const char *
op_get_text(struct op *op, struct db_rows *rows, int col)
{
	size_t len;
	const char *text = db_get_text(rows, col, &len);

	return text ? arena_strndup(op_arena(op), text, len) : NULL;
}

enum store_status
op_fail(struct op *op, struct db *db)
{
	op->failure = db_failure(db);
	op->res.error = arena_strdup(op_arena(op), db_error(db));
	return db_failure(db) == DB_FAIL_FULL ? STORE_NO_SPACE : STORE_FAILED;
}

enum store_status
op_fail_text(struct op *op, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	op->res.error = arena_strdup(op_arena(op), text);
	return STORE_FAILED;
}

void
op_reset(struct op *op)
{
	arena_unref(&op->arena);
	op->res = (struct store_result){ 0 };
	op->failure = DB_FAIL_NONE;
}
