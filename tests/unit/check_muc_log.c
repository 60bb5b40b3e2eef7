/* check_muc_log.c - a room's entries in their order, the last of them at hand.
 */

#include "modules/muc/entry.h"
#include "modules/muc/log.h"
#include "unit.h"

#include <string.h>

static struct log_ring l;

static void
teardown(void)
{
	log_ring_fini(&l);
}

static void
append(unsigned n)
{
	while (n--) {
		struct entry *e = entry_new(&(struct entry){
			.type = ENTRY_MESSAGE,
			.stamp_ms = 1000 + (int64_t)l.seq,
		});

		log_ring_append(&l, e);
		ck_assert_uint_eq(e->seq, l.seq);
		entry_unref(&e);
	}
}

/* All that is at hand, and nothing else, is found by its position. */
static void
check_at_hand(uint64_t floor, uint64_t last)
{
	ck_assert_uint_eq(log_ring_floor(&l), floor);
	ck_assert_uint_eq(l.seq, last);
	if (floor)
		ck_assert_ptr_null(log_ring_after(&l, floor - 1));
	for (uint64_t at = floor; at < last; at++) {
		const struct entry *e = log_ring_after(&l, at);

		ck_assert_ptr_nonnull(e);
		ck_assert_uint_eq(e->seq, at + 1);
		ck_assert_int_eq(e->stamp_ms, 1000 + (int64_t)at);
	}
	ck_assert_ptr_null(log_ring_after(&l, last));
	ck_assert_ptr_null(log_ring_after(&l, last + 1));
	ck_assert_ptr_null(log_ring_after(&l, UINT64_MAX));
}

static const struct {
	size_t max;
	unsigned n;
	uint64_t floor;
} sizes[] = {
	{ 8, 0, 0 },	 { 8, 1, 0 },	   { 8, 7, 0 },	   { 8, 8, 0 },
	{ 8, 9, 1 },	 { 8, 16, 8 },	   { 8, 100, 92 }, { 1, 3, 2 },
	{ 0, 5, 5 },	 { 100, 17, 0 },   { 100, 33, 0 }, { 100, 100, 0 },
	{ 100, 101, 1 }, { 20, 16, 0 },	   { 20, 20, 0 },  { 20, 21, 1 },
	{ 20, 59, 39 },	 { 1000, 999, 0 },
};

/* It grows up to its size, and drops the oldest then. */
START_TEST(ring)
{
	log_ring_init(&l, sizes[_i].max);
	append(sizes[_i].n);
	check_at_hand(sizes[_i].floor, sizes[_i].n);
	ck_assert_uint_le(l.cap, sizes[_i].max);
}
END_TEST

START_TEST(ring_at_each_step)
{
	log_ring_init(&l, 5);
	for (uint64_t n = 1; n < 40; n++) {
		append(1);
		check_at_hand(n > 5 ? n - 5 : 0, n);
	}
}
END_TEST

/* The ring holds references, and no more of them than it has entries. */
START_TEST(references)
{
	struct entry *e = entry_new(&(struct entry){ .type = ENTRY_MESSAGE });

	log_ring_init(&l, 2);
	log_ring_append(&l, e);
	ck_assert_uint_eq(e->refs, 2);
	append(1);
	ck_assert_uint_eq(e->refs, 2);
	append(1);
	ck_assert_uint_eq(e->refs, 1);
	entry_unref(&e);
}
END_TEST

START_TEST(counted_only)
{
	struct entry *e = entry_new(&(struct entry){ .type = ENTRY_MESSAGE });

	log_ring_init(&l, 0);
	log_ring_append(&l, e);
	ck_assert_uint_eq(e->seq, 1);
	ck_assert_uint_eq(e->refs, 1);
	entry_unref(&e);
}
END_TEST

START_TEST(epochs)
{
	struct log_ring other;

	log_ring_init(&l, 4);
	log_ring_init(&other, 4);
	ck_assert_uint_eq(strlen(l.epoch), LOG_EPOCH_LEN);
	ck_assert_str_ne(l.epoch, other.epoch);
	append(3);
	ck_assert_uint_eq(strlen(l.epoch), LOG_EPOCH_LEN);
	log_ring_fini(&other);
}
END_TEST

/* After a restart it goes on where it was; what was before is not at hand. */
START_TEST(resumed)
{
	log_ring_init(&l, 4);
	append(6);
	log_ring_resume(&l, "abc", 41);
	ck_assert_str_eq(l.epoch, "abc");
	check_at_hand(41, 41);
	ck_assert_ptr_null(log_ring_after(&l, 5));
	append(1);
	check_at_hand(41, 42);
	append(9);
	check_at_hand(47, 51);
}
END_TEST

START_TEST(long_epoch)
{
	log_ring_init(&l, 4);
	log_ring_resume(&l, "0123456789abcdef-and-more", 1);
	ck_assert_str_eq(l.epoch, "0123456789abcdef");
}
END_TEST

static const struct {
	uint64_t at, seq;
	enum log_order want;
} orders[] = {
	{ 0, 1, LOG_NEXT }, { 0, 2, LOG_GAP },		{ 0, 0, LOG_DUPLICATE },
	{ 7, 8, LOG_NEXT }, { 7, 7, LOG_DUPLICATE },	{ 7, 1, LOG_DUPLICATE },
	{ 7, 9, LOG_GAP },  { 7, UINT64_MAX, LOG_GAP },
};

START_TEST(order)
{
	log_ring_init(&l, 4);
	log_ring_resume(&l, "abc", orders[_i].at);
	ck_assert_int_eq(log_ring_order(&l, orders[_i].seq), orders[_i].want);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_log");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, ring, 0, N_ELEMENTS(sizes));
	tcase_add_test(tc, ring_at_each_step);
	tcase_add_test(tc, references);
	tcase_add_test(tc, counted_only);
	tcase_add_test(tc, epochs);
	tcase_add_test(tc, resumed);
	tcase_add_test(tc, long_epoch);
	tcase_add_loop_test(tc, order, 0, N_ELEMENTS(orders));
	return unit_run(tc);
}
