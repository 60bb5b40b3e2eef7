/* fanout_history.c - what was said before, for who enters (XEP-0045 7.2.13 to
 * 7.2.15). */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

#define MESSAGE_END "</message>"

struct chunk *
fanout_delayed(const struct room *r, const struct entry *e)
{
	struct buf b = { 0 };
	char stamp[CLOCK_STAMP_MAX];
	size_t len;
	const char *payload = chunk_data(e->payload, &len);

	buf_add(&b, payload, len - strlen(MESSAGE_END));
	buf_adds(&b, "<delay xmlns='" NS_DELAY "'");
	xml_write_attr(&b, "from", jid_str(r->jid));
	buf_printf(&b, " stamp='%s'/>" MESSAGE_END,
		   clock_stamp(e->stamp_ms, stamp));
	return buf_to_chunk(&b);
}

/* From where on it fits what was asked for: the newest, whole messages. */
static size_t
history_start(const struct room *r, const struct fanout_history *h)
{
	size_t i = r->n_history, n = 0, chars = 0;

	while (i > 0) {
		const struct entry *e = r->history[i - 1];
		struct chunk *tail;
		size_t len;

		if ((h->max_stanzas >= 0 && n >= (size_t)h->max_stanzas) ||
		    (h->since_ms && e->stamp_ms < h->since_ms))
			break;
		if (h->max_chars >= 0) {
			tail = fanout_delayed(r, e);
			chunk_data(tail, &len);
			chunk_unref(&tail);
			chars += len + strlen("<message");
			if (chars > (size_t)h->max_chars)
				break;
		}
		n++;
		i--;
	}
	return i;
}

static void
send_history(struct server *srv, const struct room *r,
	     const struct room_session *s, const struct fanout_history *h)
{
	for (size_t i = history_start(r, h); i < r->n_history; i++) {
		const struct entry *e = r->history[i];
		fanout_send(srv, s, "message", fanout_delayed(r, e));
	}
}

/* 7.2.15: sent always; without one it is empty. */
static void
send_subject(struct server *srv, const struct room *r,
	     const struct room_session *s)
{
	struct buf b = { 0 };

	if (r->subject) {
		fanout_send(srv, s, "message", fanout_delayed(r, r->subject));
		return;
	}
	room_write_from(&b, r, NULL);
	buf_adds(&b, " type='groupchat'><subject/></message>");
	fanout_send(srv, s, "message", buf_to_chunk(&b));
}

void
fanout_past(struct server *srv, const struct room *r,
	    const struct room_session *s, const struct fanout_history *h)
{
	send_history(srv, r, s, h);
	send_subject(srv, r, s);
}
