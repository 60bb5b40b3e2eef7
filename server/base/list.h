/* list.h - intrusive doubly linked circular list. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Inserts n before the node at: before a head means at the list's end. */
static inline void
list_insert(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void
list_append(struct list *head, struct list *n)
{
	list_insert(head, n);
}

static inline void
list_prepend(struct list *head, struct list *n)
{
	list_insert(head->next, n);
}

/* Leaves n as an empty list, so removing twice does no harm. */
static inline void
list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* Removes and returns the first node, or NULL. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *n = head->next;

	if (n == head)
		return NULL;
	list_remove(n);
	return n;
}

/* list_each(n, head) { struct x *x = container_of(n, struct x, node); } */
#define list_each(n, head) \
	for (struct list *n = (head)->next; n != (head); n = n->next)

/* The same where the body may remove n (and only n). */
#define list_each_safe(n, head)                                               \
	for (struct list *n = (head)->next, *n##_next = n->next; n != (head); \
	     n = n##_next, n##_next = n->next)

#endif
