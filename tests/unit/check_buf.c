/* check_buf.c - the growing byte buffer. */

#include "base/buf.h"

#include "base/chunk.h"
#include "unit.h"

#include <stdlib.h>

START_TEST(starts_empty)
{
	struct buf b = { 0 };
	char *s = buf_take(&b);

	ck_assert_str_eq(s, "");
	ck_assert_ptr_null(b.data);
	free(s);
}
END_TEST

START_TEST(grows)
{
	struct buf b = { 0 };

	for (int i = 0; i < 1000; i++)
		buf_add(&b, "0123456789", 10);
	ck_assert_uint_eq(b.len, 10000);
	ck_assert_uint_gt(b.cap, b.len);
	for (size_t i = 0; i < b.len; i++)
		ck_assert_int_eq(b.data[i], '0' + (int)(i % 10));
	ck_assert_int_eq(b.data[b.len], '\0');
	buf_fini(&b);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

/* Each way to add keeps a NUL behind the bytes. */
START_TEST(adds)
{
	struct buf b = { 0 };

	buf_addc(&b, '<');
	ck_assert_str_eq(b.data, "<");
	buf_adds(&b, "iq");
	ck_assert_str_eq(b.data, "<iq");
	buf_printf(&b, " id='%d'", 42);
	ck_assert_str_eq(b.data, "<iq id='42'");
	buf_add(&b, "/>no", 2);
	ck_assert_str_eq(b.data, "<iq id='42'/>");
	buf_add(&b, NULL, 0);
	ck_assert_uint_eq(b.len, strlen("<iq id='42'/>"));
	buf_fini(&b);
}
END_TEST

START_TEST(counts)
{
	struct buf b = { 0 };

	buf_count(&b, 1, "copy", "copies");
	ck_assert_str_eq(b.data, "1 copy");
	buf_count(&b, 0, "copy", "copies");
	buf_count(&b, UINT64_MAX, "copy", "copies");
	ck_assert_str_eq(b.data, "1 copy0 copies18446744073709551615 copies");
	buf_fini(&b);
}
END_TEST

START_TEST(prints_past_its_room)
{
	struct buf b = { 0 };
	char word[300];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	buf_printf(&b, "%s|%s", word, word);
	ck_assert_uint_eq(b.len, 2 * 299 + 1);
	ck_assert_uint_eq(strlen(b.data), b.len);
	buf_fini(&b);
}
END_TEST

START_TEST(keeps_nul_bytes)
{
	struct buf b = { 0 };

	buf_add(&b, "a\0b", 3);
	buf_addc(&b, 'c');
	ck_assert_uint_eq(b.len, 4);
	ck_assert_mem_eq(b.data, "a\0bc", 5);
	buf_fini(&b);
}
END_TEST

START_TEST(becomes_a_chunk)
{
	struct buf b = { 0 };
	struct chunk *c;
	const char *data;
	size_t len;

	buf_adds(&b, "<presence/>");
	c = buf_to_chunk(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_ptr_null(b.data);
	data = chunk_data(c, &len);
	ck_assert_uint_eq(len, 11);
	ck_assert_mem_eq(data, "<presence/>", len);
	chunk_unref(&c);

	/* An empty one too. */
	c = buf_to_chunk(&b);
	chunk_data(c, &len);
	ck_assert_uint_eq(len, 0);
	chunk_unref(&c);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, starts_empty);
	tcase_add_test(tc, grows);
	tcase_add_test(tc, adds);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, prints_past_its_room);
	tcase_add_test(tc, keeps_nul_bytes);
	tcase_add_test(tc, becomes_a_chunk);
	return unit_run(tc);
}
