/*
 * op.h - one operation on its way: what typed stores are written with.
 *
 * A typed store embeds struct op as the first field of a request that also
 * holds the copied arguments and the results. op_submit gives it away; it is
 * freed after done.
 */
#ifndef STORAGE_OP_H
#define STORAGE_OP_H

#include "storage/db.h"
#include "storage/store.h"

struct arena;
struct op;

enum op_kind {
	OP_READ,      /* one SELECT */
	OP_READ_MANY, /* several, which see the same state */
	OP_WRITE,     /* changes nothing unless it ends with STORE_OK */
	OP_WRITE_MANY /* what it changed is taken back unless STORE_OK */
};

struct op_type {
	enum op_kind kind;
	/* On a database thread; perhaps once more, after its transaction was
	 * rolled back: sets all that it gives back. */
	enum store_status (*run)(struct op *op, struct db *db);
	/* On the store's loop: calls the typed done. NULL: op->done. */
	void (*finish)(struct op *op);
	/* On the store's loop: drops references in the arguments; or NULL. */
	void (*fini)(struct op *op);
};

struct op {
	struct op *next;
	const struct op_type *type;
	struct store *store; /* borrowed */
	struct store_result res;
	struct arena *arena; /* owned; for results; NULL until op_arena */
	char *tail, *end;    /* room for op_copy */
	unsigned bucket;
	bool is_at_reader;
	enum db_failure failure; /* the database's, if it was that */

	store_done *done;
	void *data;
};

/* In the operation's arena. Zeroed memory is an empty one. */
struct op_array {
	void *items;
	size_t n, cap;
};

/* size: of the request, which is zeroed. tail: what its op_copy calls will
 * need, summed up with op_room. */
void *
op_new(struct store *s, const struct op_type *type, size_t size, size_t tail);
size_t op_room(const char *s);
/* NULL stays NULL. */
const char *op_copy(struct op *op, const char *s);
/* Operations of one owner take effect and finish in the order of submission. */
void op_submit(struct op *op, const char *owner);
void op_free(struct op *op);

/* While it runs. */
struct arena *op_arena(struct op *op);
/* Room for one more element of that size in a growing array of results; not
 * zeroed. */
void *op_array_add(struct op *op, struct op_array *a, size_t size);
/* A column's text, kept for the result. NULL for a null. */
const char *op_get_text(struct op *op, struct db_rows *rows, int col);
/* What db reports of its last failure, as the status that run returns. */
enum store_status op_fail(struct op *op, struct db *db);
/* Something that is not the database's failure. */
enum store_status op_fail_text(struct op *op, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Back to the state before it ran. */
void op_reset(struct op *op);

static inline bool
op_is_write(const struct op *op)
{
	return op->type->kind >= OP_WRITE;
}

#endif
