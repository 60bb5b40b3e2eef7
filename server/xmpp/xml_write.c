/*
 * xml_write.c - trees to text.
 *
 * The text is well-formed whatever the strings hold: characters that XML does
 * not have, and bytes that are not UTF-8, are written as U+FFFD.
 */

#include "xmpp/xml.h"

#include "base/buf.h"
#include "xmpp/ns.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define IN_TEXT 1u /* not as it is in text */
#define IN_ATTR 2u /* not as it is in an attribute in single quotes */
#define HIGH	4u /* part of a longer UTF-8 sequence */

static const unsigned char classes[256] = {
	[0 ... 8] = IN_TEXT | IN_ATTR,
	['\t'] = IN_ATTR,
	['\n'] = IN_ATTR,
	[11 ... 31] = IN_TEXT | IN_ATTR,
	['&'] = IN_TEXT | IN_ATTR,
	['<'] = IN_TEXT | IN_ATTR,
	['>'] = IN_TEXT | IN_ATTR, /* in text only needed behind ]] */
	['\''] = IN_ATTR,
	[128 ... 255] = HIGH,
};

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629 4 */
size_t
xml_utf8_len(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || left < 2 || !is_tail(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if (left < 3 || !is_tail(s[2]))
		return 0;
	if (s[0] < 0xf0) {
		if (s[0] == 0xe0 && s[1] < 0xa0)
			return 0;
		if (s[0] == 0xed && s[1] > 0x9f) /* surrogates */
			return 0;
		return 3;
	}
	if (left < 4 || !is_tail(s[3]))
		return 0;
	if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return 4;
}

/* U+FFFE and U+FFFF are characters of UTF-8, but not of XML (XML 1.0 2.2). */
static size_t
char_len(const char *s, size_t left)
{
	size_t n = xml_utf8_len(s, left);

	return n == 3 && !memcmp(s, "\xef\xbf", 2) && (unsigned char)s[2] > 0xbd
		       ? 0
		       : n;
}

static const char *
replacement(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return "\xef\xbf\xbd";
	}
}

/* A byte in each of the eight places. */
#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

static bool
has_zero(uint64_t w)
{
	return (w - ALL(1)) & ~w & ALL(0x80);
}

/* None of these eight bytes is one that classes names. */
static bool
is_plain(const unsigned char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return !(w & ALL(0x80)) && !((w - ALL(' ')) & ALL(0x80)) &&
	       !has_zero((w | ALL(1)) ^ ALL('&' | '\'')) &&
	       !has_zero((w | ALL(2)) ^ ALL('<' | '>'));
}

static void
escape(struct buf *b, const char *text, size_t len, unsigned special)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t from = 0, at = 0;

	while (at < len) {
		unsigned class;
		size_t n = 1;

		if (len - at >= 8 && is_plain(s + at)) {
			at += 8;
			continue;
		}
		class = classes[s[at]];
		if (class == HIGH)
			n = char_len(text + at, len - at);
		if (n && !(class & special)) {
			at += n;
			continue;
		}
		buf_add(b, text + from, at - from);
		buf_adds(b, replacement(s[at]));
		from = ++at;
	}
	buf_add(b, text + from, len - from);
}

void
xml_escape(struct buf *b, const char *text, size_t len)
{
	escape(b, text, len, IN_TEXT);
}

/* ` name='value'`; prefix is NULL or stands before a colon. */
static void
write_attr(struct buf *b, const char *prefix, const char *name,
	   const char *value)
{
	buf_addc(b, ' ');
	if (prefix) {
		buf_adds(b, prefix);
		buf_addc(b, ':');
	}
	buf_adds(b, name);
	buf_add(b, "='", 2);
	escape(b, value, strlen(value), IN_ATTR);
	buf_addc(b, '\'');
}

void
xml_write_attr(struct buf *b, const char *name, const char *value)
{
	write_attr(b, NULL, name, value);
}

/* The index of the first attribute in that one's namespace names the prefix
 * that is declared there. */
static void
write_ns_attr(struct buf *b, const struct xml *x, uint32_t i)
{
	const struct xml_attr *at = &x->attrs[i];
	uint32_t first = 0;
	char prefix[16];

	if (!strcmp(at->ns, NS_XML)) {
		write_attr(b, "xml", at->name, at->value);
		return;
	}
	while (!x->attrs[first].ns || strcmp(x->attrs[first].ns, at->ns) != 0)
		first++;
	snprintf(prefix, sizeof(prefix), "n%u", (unsigned)first);
	if (first == i)
		write_attr(b, "xmlns", prefix, at->ns);
	write_attr(b, prefix, at->name, at->value);
}

void
xml_write_attrs(struct buf *b, const struct xml *x)
{
	for (uint32_t i = 0; i < x->n_attrs; i++) {
		if (x->attrs[i].ns)
			write_ns_attr(b, x, i);
		else
			write_attr(b, NULL, x->attrs[i].name,
				   x->attrs[i].value);
	}
}

void
xml_write_rest(struct buf *b, const struct xml *x, const char *name,
	       const char *ns_context)
{
	if (!x->n_kids) {
		buf_add(b, "/>", 2);
		return;
	}
	buf_addc(b, '>');
	for (uint32_t i = 0; i < x->n_kids; i++) {
		const struct xml *kid = x->kids[i];

		if (kid->name)
			xml_write(b, kid, ns_context);
		else
			escape(b, kid->text, kid->n_kids, IN_TEXT);
	}
	buf_add(b, "</", 2);
	buf_adds(b, name);
	buf_addc(b, '>');
}

void
xml_write_as(struct buf *b, const struct xml *x, const char *name,
	     const char *ns_context)
{
	buf_addc(b, '<');
	buf_adds(b, name);
	xml_write_attrs(b, x);
	xml_write_rest(b, x, name, ns_context);
}

void
xml_write(struct buf *b, const struct xml *x, const char *ns_context)
{
	bool is_inherited = x->ns == ns_context || !strcmp(x->ns, ns_context);

	/* This namespace may not be declared as the default one (Namespaces
	 * in XML 1.0, 3). No name is near the limit: it came through expat or
	 * is ours. */
	if (!is_inherited && !strcmp(x->ns, NS_XML)) {
		struct buf name = { 0 };

		buf_printf(&name, "xml:%s", x->name);
		xml_write_as(b, x, name.data, ns_context);
		buf_fini(&name);
		return;
	}
	buf_addc(b, '<');
	buf_adds(b, x->name);
	if (!is_inherited)
		write_attr(b, NULL, "xmlns", x->ns);
	xml_write_attrs(b, x);
	xml_write_rest(b, x, x->name, x->ns);
}
