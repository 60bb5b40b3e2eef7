/* inbox.c - operations for one loop, from any thread. */

#include "storage/inbox.h"

#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"
#include "storage/op.h"

#include <stdlib.h>

struct wake {
	struct mail mail;
	struct inbox *inbox; /* borrowed; NULL: it is gone */
};

void
op_list_add(struct op_list *l, struct op *op)
{
	struct op_list one = { op, op, 1 };

	op->next = NULL;
	op_list_join(l, &one);
}

void
op_list_join(struct op_list *l, struct op_list *more)
{
	if (!more->first)
		return;
	if (l->first)
		l->last->next = more->first;
	else
		l->first = more->first;
	l->last = more->last;
	l->n += more->n;
	*more = (struct op_list){ 0 };
}

struct op *
op_list_pop(struct op_list *l)
{
	struct op *op = l->first;

	if (!op)
		return NULL;
	l->first = op->next;
	op->next = NULL;
	l->n--;
	return op;
}

static void
on_wake(struct mail *m)
{
	struct wake *w = container_of(m, struct wake, mail);
	struct inbox *in = w->inbox;

	if (!in) {
		free(w);
		return;
	}
	pthread_mutex_lock(&in->lock);
	in->is_posted = false;
	pthread_mutex_unlock(&in->lock);
	in->fn(in->data);
}

void
inbox_init(struct inbox *in, struct loop *loop, void (*fn)(void *data),
	   void *data)
{
	*in = (struct inbox){ .loop = loop, .fn = fn, .data = data };
	pthread_mutex_init(&in->lock, NULL);
	in->wake = mem_zalloc(sizeof(*in->wake));
	in->wake->mail.run = on_wake;
	in->wake->inbox = in;
}

void
inbox_fini(struct inbox *in)
{
	if (!in->wake)
		return;
	if (in->is_posted)
		in->wake->inbox = NULL;
	else
		free(in->wake);
	in->wake = NULL;
	pthread_mutex_destroy(&in->lock);
}

void
inbox_put(struct inbox *in, struct op_list *ops)
{
	bool must_post;

	if (!ops->first)
		return;
	pthread_mutex_lock(&in->lock);
	op_list_join(&in->ops, ops);
	must_post = !in->is_posted;
	in->is_posted = true;
	pthread_mutex_unlock(&in->lock);
	if (must_post)
		loop_post(in->loop, &in->wake->mail);
}

struct op_list
inbox_take(struct inbox *in)
{
	struct op_list ops;

	pthread_mutex_lock(&in->lock);
	ops = in->ops;
	in->ops = (struct op_list){ 0 };
	pthread_mutex_unlock(&in->lock);
	return ops;
}
