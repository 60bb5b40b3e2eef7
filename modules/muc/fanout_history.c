/* fanout_history.c - what was said before, for who enters (XEP-0045 7.2.13 to
 * 7.2.15). */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_END "</message>"

/* ---- what who enters wants to see of the past ---- */

static int
read_count(const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);
	char *end;
	long n;

	if (!value)
		return -1;
	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || *end || end == value || n < 0 || n > INT32_MAX)
		return -1;
	return (int)n;
}

static void
not_before(struct fanout_history *past, int64_t ms)
{
	if (ms > past->since_ms)
		past->since_ms = ms;
}

/* XEP-0045 7.2.14. What is not understood is not asked for. */
struct fanout_history
fanout_read_history(const struct stanza *join, int64_t now_ms, int64_t age)
{
	const struct xml *x = join ? stanza_child(join, "x", NS_MUC) : NULL;
	const struct xml *h = x ? xml_child(x, "history", NS_MUC) : NULL;
	struct fanout_history past = { -1, -1, 0 };
	const char *since;
	int64_t since_ms;
	int seconds;

	/* What is older may not have been pruned yet. */
	if (age)
		past.since_ms = now_ms - age;
	if (!h)
		return past;
	past.max_stanzas = read_count(h, "maxstanzas");
	past.max_chars = read_count(h, "maxchars");
	seconds = read_count(h, "seconds");
	if (seconds >= 0)
		not_before(&past, now_ms - seconds * 1000LL);
	since = xml_get(h, "since");
	if (since && clock_parse_stamp(since, &since_ms) == 0)
		not_before(&past, since_ms);
	return past;
}

/* ---- showing it ---- */

/* Does it end with the time when it was said, as it has waited in a split
 * (rules_message.c)? */
static bool
has_time(const struct room *r, const char *payload, size_t len)
{
	struct buf b = { 0 };
	const char *at;
	bool has;

	buf_adds(&b, "<delay xmlns='" NS_DELAY "'");
	xml_write_attr(&b, "from", jid_str(r->jid));
	at = payload + len - strlen(MESSAGE_END);
	do
		at--;
	while (at > payload && *at != '<');
	has = (size_t)(payload + len - at) > b.len &&
	      !memcmp(at, b.data, b.len);
	buf_fini(&b);
	return has;
}

struct chunk *
fanout_delayed(const struct room *r, const struct entry *e)
{
	struct buf b = { 0 };
	char stamp[CLOCK_STAMP_MAX];
	size_t len;
	const char *payload = chunk_data(e->payload, &len);

	if (has_time(r, payload, len))
		return chunk_ref(e->payload);
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
