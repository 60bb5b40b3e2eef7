/* base64.c - RFC 4648 section 4. */

#include "base/base64.h"

#include "base/buf.h"

#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *out, const void *data, size_t len)
{
	char *to = buf_reserve(out, BASE64_LEN(len));
	const uint8_t *in = data;
	uint32_t v;

	for (; len >= 3; len -= 3, in += 3) {
		v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = digits[v >> 6 & 63];
		*to++ = digits[v & 63];
	}
	if (len) {
		v = (uint32_t)in[0] << 16;
		if (len == 2)
			v |= (uint32_t)in[1] << 8;
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = len == 2 ? digits[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

/* The digit's value, or -1. */
static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* n digits (2 to 4) as n - 1 bytes; -1 where bits are left over. */
static int
decode_group(const char *text, int n, uint8_t *to)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int digit = i < n ? value(text[i]) : 0;

		if (digit < 0)
			return -1;
		v = v << 6 | (uint32_t)digit;
	}
	for (int i = 0; i < n - 1; i++)
		to[i] = (uint8_t)(v >> (16 - 8 * i));
	/* RFC 4648 3.5: pad bits are zero, so that there is one encoding. */
	return n < 4 && (v & (n == 3 ? 0xffu : 0xffffu)) ? -1 : 0;
}

int
base64_decode(struct buf *out, const char *text, size_t len)
{
	uint8_t *start, *to;

	if (len % 4)
		return -1;
	start = to = (uint8_t *)buf_reserve(out, len / 4 * 3);
	for (; len; len -= 4, text += 4) {
		int n = 4;

		if (len == 4 && text[3] == '=')
			n = text[2] == '=' ? 2 : 3;
		if (decode_group(text, n, to) < 0) {
			*start = '\0';
			return -1;
		}
		to += n - 1;
	}
	*to = '\0';
	out->len += (size_t)(to - start);
	return 0;
}
