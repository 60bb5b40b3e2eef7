/* archived.c - what was said, as text in the archive. */

#include "modules/muc/archived.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "storage/archive.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <string.h>

/* Before and behind a payload. */
#define START "<message xmlns='jabber:client'"
#define END   "</message>"
/* In front of the JID; nothing behind it can look like this. */
#define JID_START "<x xmlns='" NS_MUC_USER "'>"

unsigned
archived_write(struct buf *b, const struct entry *e, bool is_open)
{
	unsigned kind = is_open ? ARCHIVED_OPEN : 0;
	size_t len;
	const char *payload = chunk_data(e->payload, &len);

	if (e->type == ENTRY_MESSAGE || e->type == ENTRY_RETRACT)
		kind |= ARCHIVED_HISTORY;
	if (e->has_body)
		kind |= ARCHIVED_BODY;
	buf_adds(b, START);
	if (!e->jid) {
		buf_add(b, payload, len);
		return kind;
	}
	buf_add(b, payload, len - strlen(END));
	buf_adds(b, JID_START "<item affiliation='");
	buf_adds(b, affiliation_name(e->affiliation));
	buf_adds(b, "' role='");
	buf_adds(b, role_name(e->role));
	buf_addc(b, '\'');
	xml_write_attr(b, "jid", jid_str(e->jid));
	buf_adds(b, "/></x>" END);
	return kind | ARCHIVED_JID;
}

unsigned
archived_tombstone(struct buf *b, const struct chunk *payload)
{
	static const char jid_end[] = "</x>" END;
	size_t len, n = strlen(jid_end);
	const char *text = chunk_data(payload, &len);

	buf_adds(b, START);
	buf_add(b, text, len);
	return len >= n && !memcmp(text + len - n, jid_end, n) ? ARCHIVED_JID
							       : 0;
}

/* Where the JID starts, or the end. */
static size_t
length_without_jid(const struct archive_row *row)
{
	size_t n = strlen(JID_START), at = row->len;

	if (!(row->kind & ARCHIVED_JID))
		return row->len;
	while (at-- > 0) {
		if (row->xml[at] == '<' && row->len - at > n &&
		    !memcmp(row->xml + at, JID_START, n))
			return at;
	}
	return row->len;
}

void
archived_add(struct buf *b, const struct archive_row *row, bool with_jid)
{
	size_t len = with_jid ? row->len : length_without_jid(row);

	buf_add(b, row->xml, len);
	if (len < row->len)
		buf_adds(b, END);
}

struct chunk *
archived_payload(const struct archive_row *row)
{
	struct buf b = { 0 };
	struct chunk *payload = NULL;
	size_t skip = strlen(START);

	archived_add(&b, row, false);
	if (b.len > skip + strlen(END) && !memcmp(b.data, START, skip))
		payload = chunk_copy(b.data + skip, b.len - skip);
	buf_fini(&b);
	return payload;
}

bool
archived_author(const struct chunk *payload, char *out, size_t size)
{
	static const char start[] =
		"<occupant-id xmlns='" NS_OCCUPANT_ID "' id='";
	size_t len, n = strlen(start), id_len;
	const char *text = chunk_data(payload, &len), *id, *end;

	/* The last one is the room's. */
	for (size_t at = len; at-- > 0;) {
		if (text[at] != '<' || len - at <= n ||
		    memcmp(text + at, start, n) != 0)
			continue;
		id = text + at + n;
		end = memchr(id, '\'', len - at - n);
		id_len = end ? (size_t)(end - id) : size;
		if (id_len >= size)
			return false;
		memcpy(out, id, id_len);
		out[id_len] = '\0';
		return true;
	}
	return false;
}
