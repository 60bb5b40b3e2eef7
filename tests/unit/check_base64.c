/* check_base64.c - RFC 4648 section 4. */

#include "base/base64.h"

#include "base/buf.h"
#include "unit.h"

/* RFC 4648 section 10, and the last two digits. */
static const struct {
	const char *bytes, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
};

START_TEST(both_ways)
{
	const char *bytes = vectors[_i].bytes;
	const char *text = vectors[_i].text;
	struct buf b = { 0 };

	buf_addc(&b, '>');
	base64_encode(&b, bytes, strlen(bytes));
	ck_assert_str_eq(b.data + 1, text);
	ck_assert_uint_eq(b.len - 1, BASE64_LEN(strlen(bytes)));
	b.len = 1;
	ck_assert_int_eq(base64_decode(&b, text, strlen(text)), 0);
	ck_assert_uint_eq(b.len - 1, strlen(bytes));
	ck_assert_str_eq(b.data + 1, bytes);
	buf_fini(&b);
}
END_TEST

static const char *const bad[] = {
	"Z",	   "Zg",     "Zg=",    "Zg===",	       "=",
	"====",	   "Zm9v=",  "Zm9vYg", "Zg==Zg==",     "Z===",
	"Z=g=",	   "Zm9v\n", "Zm 9",   " Zm9v",	       "Zm-_",
	"Zm9\xc3", "Zh==",   "Zm9=",   "Zg==\n\n\n\n", "Zm9vZ===",
};

START_TEST(rejects)
{
	struct buf b = { 0 };

	buf_adds(&b, "before");
	ck_assert_int_eq(base64_decode(&b, bad[_i], strlen(bad[_i])), -1);
	ck_assert_str_eq(b.data, "before");
	ck_assert_uint_eq(b.len, 6);
	buf_fini(&b);
}
END_TEST

/* A NUL is one more character that is none of ours. */
START_TEST(rejects_nul)
{
	struct buf b = { 0 };

	ck_assert_int_eq(base64_decode(&b, "Zm9\0", 4), -1);
	ck_assert_int_eq(base64_decode(&b, "\0\0\0\0", 4), -1);
	buf_fini(&b);
}
END_TEST

START_TEST(every_byte)
{
	struct buf text = { 0 }, bytes = { 0 };
	unsigned char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (size_t len = 0; len <= sizeof(all); len++) {
		text.len = bytes.len = 0;
		base64_encode(&text, all, len);
		ck_assert_int_eq(base64_decode(&bytes, text.data, text.len), 0);
		ck_assert_uint_eq(bytes.len, len);
		ck_assert_mem_eq(bytes.data, all, len);
	}
	buf_fini(&text);
	buf_fini(&bytes);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("base64");

	tcase_add_loop_test(tc, both_ways, 0, N_ELEMENTS(vectors));
	tcase_add_loop_test(tc, rejects, 0, N_ELEMENTS(bad));
	tcase_add_test(tc, rejects_nul);
	tcase_add_test(tc, every_byte);
	return unit_run(tc);
}
