/* check_list.c - the intrusive list. */

#include "base/list.h"

#include "unit.h"

struct item {
	char name;
	struct list node;
};

static struct list head;
static struct item a = { .name = 'a' }, b = { .name = 'b' },
		   c = { .name = 'c' };

static void
setup(void)
{
	list_init(&head);
	list_init(&a.node);
	list_init(&b.node);
	list_init(&c.node);
}

/* The names in order, forwards; the way back must agree. */
static const char *
names(void)
{
	static char out[8];
	size_t n = 0, back;

	list_each (at, &head)
		out[n++] = container_of(at, struct item, node)->name;
	out[n] = '\0';
	back = n;
	for (struct list *at = head.prev; at != &head; at = at->prev)
		ck_assert_int_eq(out[--back],
				 container_of(at, struct item, node)->name);
	ck_assert_uint_eq(back, 0);
	return out;
}

START_TEST(order)
{
	ck_assert(list_is_empty(&head));
	ck_assert_str_eq(names(), "");
	list_append(&head, &b.node);
	ck_assert(!list_is_empty(&head));
	list_append(&head, &c.node);
	list_prepend(&head, &a.node);
	ck_assert_str_eq(names(), "abc");
}
END_TEST

START_TEST(inserts_before)
{
	list_append(&head, &a.node);
	list_append(&head, &c.node);
	list_insert(&c.node, &b.node);
	ck_assert_str_eq(names(), "abc");
}
END_TEST

START_TEST(removes)
{
	list_append(&head, &a.node);
	list_append(&head, &b.node);
	list_append(&head, &c.node);
	list_remove(&b.node);
	ck_assert_str_eq(names(), "ac");
	ck_assert(list_is_empty(&b.node));
	list_remove(&b.node);
	ck_assert_str_eq(names(), "ac");
	list_append(&head, &b.node);
	ck_assert_str_eq(names(), "acb");
}
END_TEST

START_TEST(pops)
{
	list_append(&head, &a.node);
	list_append(&head, &b.node);
	ck_assert_ptr_eq(list_pop(&head), &a.node);
	ck_assert(list_is_empty(&a.node));
	ck_assert_ptr_eq(list_pop(&head), &b.node);
	ck_assert_ptr_null(list_pop(&head));
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(removes_while_walking)
{
	int seen = 0;

	list_append(&head, &a.node);
	list_append(&head, &b.node);
	list_append(&head, &c.node);
	list_each_safe (at, &head) {
		seen++;
		if (container_of(at, struct item, node)->name != 'b')
			list_remove(at);
	}
	ck_assert_int_eq(seen, 3);
	ck_assert_str_eq(names(), "b");
	list_each_safe (at, &head)
		list_remove(at);
	ck_assert(list_is_empty(&head));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("list");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, order);
	tcase_add_test(tc, inserts_before);
	tcase_add_test(tc, removes);
	tcase_add_test(tc, pops);
	tcase_add_test(tc, removes_while_walking);
	return unit_run(tc);
}
