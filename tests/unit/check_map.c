/* check_map.c - the intrusive hash map and its hash. */

#include "base/map.h"

#include "base/list.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define N_ITEMS 5000

struct item {
	struct map_node node;
	int key;
	bool is_seen;
};

static struct map map;
static struct item items[N_ITEMS];

static struct item *
item_of(const struct map_node *n)
{
	return container_of(n, struct item, node);
}

static bool
eq(const struct map_node *n, const void *key)
{
	return item_of(n)->key == *(const int *)key;
}

static struct map_node *
find(int key)
{
	return map_find(&map, hash_bytes(&key, sizeof(key)), eq, &key);
}

static void
fill(int n)
{
	for (int i = 0; i < n; i++) {
		items[i].key = i;
		map_insert(&map, &items[i].node, hash_bytes(&i, sizeof(i)));
	}
}

static void
setup(void)
{
	memset(&map, 0, sizeof(map));
	memset(items, 0, sizeof(items));
}

static void
teardown(void)
{
	map_fini(&map);
}

START_TEST(empty)
{
	ck_assert_ptr_null(find(1));
	ck_assert_ptr_null(map_next(&map, NULL));
	map_fini(&map);
	ck_assert_uint_eq(map.n, 0);
}
END_TEST

START_TEST(finds_all_after_growth)
{
	fill(N_ITEMS);
	ck_assert_uint_eq(map.n, N_ITEMS);
	ck_assert_uint_ge(map.n_slots, N_ITEMS);
	for (int i = 0; i < N_ITEMS; i++)
		ck_assert_ptr_eq(find(i), &items[i].node);
	ck_assert_ptr_null(find(N_ITEMS));
}
END_TEST

START_TEST(removes)
{
	fill(100);
	for (int i = 0; i < 100; i += 2)
		map_remove(&map, &items[i].node);
	ck_assert_uint_eq(map.n, 50);
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(find(i), i % 2 ? &items[i].node : NULL);
	/* What was removed may come back. */
	for (int i = 0; i < 100; i += 2)
		map_insert(&map, &items[i].node, hash_bytes(&i, sizeof(i)));
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(find(i), &items[i].node);
}
END_TEST

/* Keys with the same hash are told apart by eq. */
START_TEST(collisions)
{
	for (int i = 0; i < 50; i++) {
		items[i].key = i;
		map_insert(&map, &items[i].node, 42);
	}
	for (int i = 0; i < 50; i++)
		ck_assert_ptr_eq(map_find(&map, 42, eq, &i), &items[i].node);
	for (int i = 49; i >= 0; i -= 3)
		map_remove(&map, &items[i].node);
	for (int i = 0; i < 50; i++)
		ck_assert_ptr_eq(map_find(&map, 42, eq, &i),
				 i % 3 == 1 ? NULL : &items[i].node);
}
END_TEST

START_TEST(walks_each_once)
{
	int n = 0;

	fill(1000);
	map_each (node, &map) {
		ck_assert(!item_of(node)->is_seen);
		item_of(node)->is_seen = true;
		n++;
	}
	ck_assert_int_eq(n, 1000);
}
END_TEST

/* The body may remove, and free, the node that it was given. */
START_TEST(removes_while_walking)
{
	size_t n = 0;

	for (int i = 0; i < 1000; i++) {
		struct item *item = mem_zalloc(sizeof(*item));

		item->key = i;
		map_insert(&map, &item->node, hash_bytes(&i, sizeof(i)));
	}
	map_each (node, &map) {
		n++;
		if (item_of(node)->key % 2) {
			map_remove(&map, node);
			free(item_of(node));
		}
	}
	ck_assert_uint_eq(n, 1000);
	ck_assert_uint_eq(map.n, 500);
	map_each (node, &map) {
		ck_assert_int_eq(item_of(node)->key % 2, 0);
		map_remove(&map, node);
		free(item_of(node));
	}
	ck_assert_uint_eq(map.n, 0);
}
END_TEST

START_TEST(hashes_differ)
{
	char data[64] = { 0 };

	/* Equal bytes, equal hash; every length and every bit counts. */
	ck_assert_uint_eq(hash_str("romeo"), hash_bytes("romeo", 5));
	for (size_t len = 0; len < sizeof(data); len++) {
		uint64_t was = hash_bytes(data, len);

		ck_assert_uint_ne(was, hash_bytes(data, len + 1));
		for (size_t i = 0; i < len; i++) {
			data[i] ^= 0x10;
			ck_assert_uint_ne(was, hash_bytes(data, len));
			data[i] ^= 0x10;
		}
		ck_assert_uint_eq(was, hash_bytes(data, len));
	}
}
END_TEST

/* Counters as keys fill the slots about evenly. */
START_TEST(hashes_spread)
{
	int n[64] = { 0 };

	for (int i = 0; i < 64000; i++)
		n[hash_bytes(&i, sizeof(i)) % 64]++;
	for (int i = 0; i < 64; i++) {
		ck_assert_int_gt(n[i], 700);
		ck_assert_int_lt(n[i], 1300);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("map");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, empty);
	tcase_add_test(tc, finds_all_after_growth);
	tcase_add_test(tc, removes);
	tcase_add_test(tc, collisions);
	tcase_add_test(tc, walks_each_once);
	tcase_add_test(tc, removes_while_walking);
	tcase_add_test(tc, hashes_differ);
	tcase_add_test(tc, hashes_spread);
	return unit_run(tc);
}
