/* expand.c - what bodies may ask to be written for them. */

#include "expand.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/seal.h"
#include "xmpp/jid.h"

#include <openssl/evp.h>
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

/* KEY ROOM DOMAIN ABOUT NUMBER TEXT (docs/dmuc.md, 5.10). Where the key is
 * none, nothing. */
static void
to_sealed(const char *arg, size_t len, struct buf *out)
{
	char *text = mem_strndup(arg, len), *words[6], *at = text;
	struct jid *room, *domain;
	struct seal seal;

	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		char *end = i + 1 < N_ELEMENTS(words) ? strchr(at, ' ') : NULL;

		words[i] = at;
		at = end ? end + 1 : at + strlen(at);
		if (end)
			*end = '\0';
	}
	room = jid_parse(words[1]);
	domain = jid_parse(words[2]);
	if (room && domain && seal_read_key(&seal, words[0]))
		seal_close(out, &seal, room, domain, words[3],
			   strtoull(words[4], NULL, 10), words[5],
			   strlen(words[5]));
	jid_unref(&room);
	jid_unref(&domain);
	free(text);
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
call(const char *s, const char *end, struct buf *out)
{
	for (size_t i = 0; i < N_ELEMENTS(functions); i++) {
		size_t len = strlen(functions[i].name);

		if (strncmp(s, functions[i].name, len) != 0)
			continue;
		functions[i].write(s + len, (size_t)(end - s) - len, out);
		return 0;
	}
	return repeat(s, end, out);
}

void
expand(const char *text, struct buf *out)
{
	while (*text) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;

		if (end && call(text + 1, end, out) == 0)
			text = end + 1;
		else
			buf_addc(out, *text++);
	}
}
