/* expand.c - what bodies may ask to be written for them. */

#include "expand.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/seal.h"
#include "sealed.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* \0 stands for a NUL. */
static void
to_base64(const char *arg, size_t len, struct buf *out)
{
	struct buf bytes = { 0 };

	for (size_t i = 0; i < len; i++) {
		if (arg[i] == '\\' && i + 1 < len && arg[i + 1] == '0') {
			buf_addc(&bytes, '\0');
			i++;
		} else {
			buf_addc(&bytes, arg[i]);
		}
	}
	base64_encode(out, bytes.data, bytes.len);
	buf_fini(&bytes);
}

static void
from_hex(const char *arg, size_t len, struct buf *out)
{
	const char *end = arg + len;

	while (arg < end) {
		char digits[3] = { arg[0], arg[1], '\0' };

		buf_addc(out, (char)strtoul(digits, NULL, 16));
		arg += 2;
		arg += arg < end && *arg == ' ';
	}
}

static void
to_sha1(const char *arg, size_t len, struct buf *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_Digest(arg, len, md, &n, EVP_sha1(), NULL);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%02x", md[i]);
}

/* Where the key is none, nothing. */
static void
to_sealed(const char *arg, size_t len, struct buf *out)
{
	struct sealed s;

	if (sealed_read(&s, arg, len))
		seal_close(out, &s.key, s.room, s.domain, s.about,
			   strtoull(s.number, NULL, 10), s.text,
			   strlen(s.text));
	sealed_fini(&s);
}

static const struct {
	const char *name;
	void (*write)(const char *arg, size_t len, struct buf *out);
} functions[] = {
	{ "base64 ", to_base64 },
	{ "hex ", from_hex },
	{ "sealed ", to_sealed },
	{ "sha1 ", to_sha1 },
};

/* {N of TEXT} */
static int
repeat(const char *s, const char *end, struct buf *out)
{
	char *arg;
	unsigned long n = strtoul(s, &arg, 10);

	if (arg == s || strncmp(arg, " of ", 4) != 0)
		return -1;
	arg += 4;
	while (n--)
		buf_add(out, arg, (size_t)(end - arg));
	return 0;
}

/* What stands between braces; -1: it is nothing of ours. */
static int
call(const char *s, const char *end, bool is_pattern, struct buf *out)
{
	for (size_t i = 0; i < N_ELEMENTS(functions); i++) {
		size_t len = strlen(functions[i].name);

		if (strncmp(s, functions[i].name, len) != 0)
			continue;
		if (is_pattern && functions[i].write == to_sealed)
			return -1;
		functions[i].write(s + len, (size_t)(end - s) - len, out);
		return 0;
	}
	return repeat(s, end, out);
}

static void
write_out(const char *text, bool is_pattern, struct buf *out)
{
	while (*text) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;

		if (end && call(text + 1, end, is_pattern, out) == 0)
			text = end + 1;
		else
			buf_addc(out, *text++);
	}
}

void
expand(const char *text, struct buf *out)
{
	write_out(text, false, out);
}

void
expand_pattern(const char *text, struct buf *out)
{
	write_out(text, true, out);
}
