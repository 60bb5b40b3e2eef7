/* json.c - strings in JSON (RFC 8259 section 7). */

#include "admin/json.h"

#include "base/buf.h"

#include <string.h>
#include <unistr.h>

void
json_string(struct buf *out, const char *s)
{
	size_t left = strlen(s);

	buf_addc(out, '"');
	while (left) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, (const uint8_t *)s, left);

		if (n <= 0)
			buf_adds(out, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", (unsigned)c);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else
			buf_add(out, s, (size_t)n);
		n = n > 0 ? n : 1;
		s += n;
		left -= (size_t)n;
	}
	buf_addc(out, '"');
}
