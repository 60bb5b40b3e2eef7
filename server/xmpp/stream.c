/* stream.c - headers, errors and ends of streams. */

#include "xmpp/stream.h"

#include "base/buf.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <string.h>

/* More than anyone will ever mean, and no overflow. */
#define VERSION_MAX 999999u

static void
complain(struct stream_header *h, enum stream_cond cond, const char *text)
{
	if (h->error)
		return;
	h->error = cond;
	h->error_text = text;
}

static bool
read_number(const char **s, unsigned *n_out)
{
	const char *start = *s;

	for (*n_out = 0; **s >= '0' && **s <= '9'; ++*s) {
		if (*n_out <= VERSION_MAX)
			*n_out = 10 * *n_out + (unsigned)(**s - '0');
	}
	return *s != start;
}

/* RFC 6120 4.7.5: two whole numbers, leading zeros do not count; none means
 * 0.9. */
static bool
read_version(const char *s, unsigned *major_out, unsigned *minor_out)
{
	if (!s) {
		*major_out = 0;
		*minor_out = 9;
		return true;
	}
	if (read_number(&s, major_out) && *s++ == '.' &&
	    read_number(&s, minor_out) && !*s)
		return true;
	*major_out = *minor_out = 0;
	return false;
}

/* RFC 6120 4.8.1, 4.8.2 */
static void
check_namespaces(const struct xml *x, const char *default_ns,
		 const char *content_ns, struct stream_header *h)
{
	if (strcmp(x->ns, NS_STREAM) != 0)
		complain(h, STREAM_INVALID_NAMESPACE,
			 "not in the namespace of streams");
	if (strcmp(x->name, "stream") != 0)
		complain(h, STREAM_BAD_FORMAT, "no stream header");
	/* Where there is no content namespace, each element brings its own. */
	if (default_ns && *default_ns && strcmp(default_ns, NS_STREAM) != 0 &&
	    strcmp(default_ns, content_ns) != 0)
		complain(h, STREAM_INVALID_NAMESPACE,
			 "content namespace not supported here");
}

static struct jid *
read_address(const struct xml *x, const char *name, bool *bad_out)
{
	const char *value = xml_get(x, name);
	struct jid *jid = value ? jid_parse(value) : NULL;

	*bad_out = value && !jid;
	return jid;
}

void
stream_header_read(const struct xml *header, const char *default_ns,
		   const char *content_ns, struct stream_header *out)
{
	bool is_version;

	memset(out, 0, sizeof(*out));
	check_namespaces(header, default_ns, content_ns, out);
	out->to = read_address(header, "to", &out->bad_to);
	out->from = read_address(header, "from", &out->bad_from);
	out->id = xml_get(header, "id");
	out->lang = xml_lang(header);
	is_version = read_version(xml_get(header, "version"), &out->major,
				  &out->minor);
	/* XEP-0114 is older than versions. */
	if (strcmp(content_ns, NS_COMPONENT) != 0 &&
	    (!is_version || out->major < 1))
		complain(out, STREAM_UNSUPPORTED_VERSION, "XMPP 1.0 is needed");
	if (out->bad_to || out->bad_from)
		complain(out, STREAM_IMPROPER_ADDRESSING,
			 "'to' or 'from' is no address");
}

void
stream_header_fini(struct stream_header *h)
{
	jid_unref(&h->to);
	jid_unref(&h->from);
}

void
stream_write_open(struct buf *b, const struct stream_open *open)
{
	buf_adds(b, "<?xml version='1.0'?><stream:stream");
	xml_write_attr(b, "xmlns", open->ns);
	xml_write_attr(b, "xmlns:stream", NS_STREAM);
	if (open->with_dialback)
		xml_write_attr(b, "xmlns:db", NS_DIALBACK);
	if (open->from)
		xml_write_attr(b, "from", open->from);
	if (open->to)
		xml_write_attr(b, "to", open->to);
	if (open->id)
		xml_write_attr(b, "id", open->id);
	if (open->lang)
		xml_write_attr(b, "xml:lang", open->lang);
	if (!open->without_version)
		xml_write_attr(b, "version", "1.0");
	buf_addc(b, '>');
}

void
stream_write_error(struct buf *b, enum stream_cond cond, const char *text)
{
	stream_write_error_with(b, cond, NULL, text, NULL);
}

void
stream_write_error_with(struct buf *b, enum stream_cond cond,
			const char *content, const char *text,
			const struct xml *app)
{
	const char *name = stream_cond_name(cond);

	buf_printf(b, "<stream:error><%s xmlns='" NS_STREAM_ERROR "'", name);
	if (content) {
		buf_addc(b, '>');
		xml_escape(b, content, strlen(content));
		buf_printf(b, "</%s>", name);
	} else {
		buf_adds(b, "/>");
	}
	if (text) {
		buf_adds(b, "<text xmlns='" NS_STREAM_ERROR "' xml:lang='en'>");
		xml_escape(b, text, strlen(text));
		buf_adds(b, "</text>");
	}
	if (app) {
		assert(*app->ns);
		xml_write(b, app, "");
	}
	buf_adds(b, "</stream:error>");
}

void
stream_write_close(struct buf *b)
{
	buf_adds(b, "</stream:stream>");
}
