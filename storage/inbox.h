/*
 * inbox.h - operations for one loop, from any thread.
 *
 * Kept apart from the loop's mail so that a store that is being closed can
 * take back what has not been looked at.
 */
#ifndef STORAGE_INBOX_H
#define STORAGE_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;
struct op;
struct wake;

/* first is NULL where it is empty. Operations are linked by their next. */
struct op_list {
	struct op *first, *last;
	size_t n;
};

void op_list_add(struct op_list *l, struct op *op);
void op_list_join(struct op_list *l, struct op_list *more);
/* Removes and returns the first, or NULL. */
struct op *op_list_pop(struct op_list *l);

struct inbox {
	pthread_mutex_t lock;
	struct op_list ops; /* by lock */
	bool is_posted;	    /* by lock: wake is on its way */
	struct wake *wake;  /* owned; by the loop's mail if on its way */
	struct loop *loop;  /* borrowed */
	void (*fn)(void *data);
	void *data;
};

/* fn(data) runs on the loop when something was put in. */
void inbox_init(struct inbox *in, struct loop *loop, void (*fn)(void *data),
		void *data);
/* On the loop's thread, or once the loop is gone. fn is not called any more. */
void inbox_fini(struct inbox *in);
/* Takes what is in the list, and leaves it empty. */
void inbox_put(struct inbox *in, struct op_list *ops);
struct op_list inbox_take(struct inbox *in);

#endif
