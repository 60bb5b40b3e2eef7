/* idna.c - domain names in Unicode (IDNA2008), by libidn2. */

#include "xmpp/idna.h"

#include "base/buf.h"
#include "base/mem.h"
#include "xmpp/precis_class.h"

#include <idn2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* Nothing longer becomes a name of 253 bytes. */
#define INPUT_MAX 1023u
#define LABEL_MAX 63u

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens; no empty label, no hyphen at either end. */
static bool
is_ldh_label(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_letter_or_digit(s[i]) && s[i] != '-')
			return false;
	}
	return len > 0 && len <= LABEL_MAX && s[0] != '-' && s[len - 1] != '-';
}

typedef bool label_fn(const char *s, size_t len);

static bool
all_labels(const char *s, label_fn *is_ok)
{
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!is_ok(s, len))
			return false;
		if (s[len] == '\0')
			return true;
		s += len + 1;
	}
}

/* Not with IDN2_USE_STD3_ASCII_RULES: that drops what it forbids and says
 * nothing, so that "a_b" becomes "ab". Empty labels get through as well. */
static int
to_ascii(const char *s, char **out)
{
	const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT;
	char *ascii = NULL;
	size_t len;

	if (idn2_to_ascii_8z(s, &ascii, flags) != IDN2_OK)
		return -1;
	len = strlen(ascii);
	if (len > 0 && ascii[len - 1] == '.')
		ascii[len - 1] = '\0';
	if (!all_labels(ascii, is_ldh_label)) {
		idn2_free(ascii);
		return -1;
	}
	*out = ascii;
	return 0;
}

/* Without those rules, U+2260 and its like are taken for letters. Whatever
 * IDNA2008 allows, the IdentifierClass of PRECIS does too. */
static bool
is_u_label(const char *s, size_t len)
{
	uint32_t room[LABEL_MAX], *cp;
	size_t n = N_ELEMENTS(room);
	bool ret;

	cp = u8_to_u32((const uint8_t *)s, len, room, &n);
	ret = cp && precis_is_allowed(cp, n, PRECIS_IDENTIFIER);
	if (cp != room)
		free(cp);
	return ret;
}

static int
prepare(const char *s, struct buf *out)
{
	char *ascii, *text;
	int ret = -1;

	if (to_ascii(s, &ascii) < 0)
		return -1;
	if (idn2_to_unicode_8z8z(ascii, &text, 0) == IDN2_OK) {
		if (all_labels(text, is_u_label)) {
			buf_adds(out, text);
			ret = 0;
		}
		idn2_free(text);
	}
	idn2_free(ascii);
	return ret;
}

int
idna_prepare(const char *s, size_t len, struct buf *out)
{
	char z[INPUT_MAX + 1];

	if (len > INPUT_MAX || memchr(s, '\0', len))
		return -1;
	memcpy(z, s, len);
	z[len] = '\0';
	return prepare(z, out);
}

int
idna_to_ascii(const char *domain, struct buf *out)
{
	char *ascii;

	if (to_ascii(domain, &ascii) < 0)
		return -1;
	buf_adds(out, ascii);
	idn2_free(ascii);
	return 0;
}
