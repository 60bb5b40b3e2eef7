/* sm.c - stream management (XEP-0198). */

#include "xmpp/sm.h"

#include "base/buf.h"
#include "base/mem.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASK_STANZAS 16
#define ASK_BYTES   ((size_t)64 * 1024)

struct kept {
	struct kept *next;
	struct stanza *stanza; /* ref */
	size_t bytes;
};

struct sm {
	uint32_t handled, sent; /* wrap */
	struct kept *first, **end;
	size_t n, bytes;
	size_t n_unasked, unasked_bytes;
};

struct sm *
sm_new(void)
{
	struct sm *sm = mem_zalloc(sizeof(*sm));

	sm->end = &sm->first;
	return sm;
}

void
sm_free(struct sm *sm)
{
	struct stanza *s;

	while (sm && (s = sm_pop(sm)))
		stanza_unref(&s);
	free(sm);
}

void
sm_received(struct sm *sm)
{
	sm->handled++;
}

uint32_t
sm_handled(const struct sm *sm)
{
	return sm->handled;
}

void
sm_restart(struct sm *sm)
{
	sm->handled = sm->sent = 0;
}

void
sm_sent(struct sm *sm, struct stanza *s, size_t bytes)
{
	struct kept *k = mem_alloc(sizeof(*k));

	*k = (struct kept){ NULL, stanza_ref(s), bytes };
	*sm->end = k;
	sm->end = &k->next;
	sm->sent++;
	sm->n++;
	sm->bytes += bytes;
	sm->n_unasked++;
	sm->unasked_bytes += bytes;
}

uint32_t
sm_sent_count(const struct sm *sm)
{
	return sm->sent;
}

int
sm_acked(struct sm *sm, uint32_t h)
{
	/* Beyond the first that is kept; one that goes back becomes huge. */
	uint32_t n = h - (sm->sent - (uint32_t)sm->n);

	if (n > sm->n)
		return -1;
	while (n--) {
		struct stanza *s = sm_pop(sm);

		stanza_unref(&s);
	}
	return 0;
}

struct xml *
sm_too_high(struct arena *a, const struct sm *sm, uint32_t h)
{
	struct xml *x = xml_new(a, "handled-count-too-high", NS_SM);

	xml_set_int(a, x, "h", h);
	xml_set_int(a, x, "send-count", sm->sent);
	return x;
}

size_t
sm_n_unacked(const struct sm *sm)
{
	return sm->n;
}

size_t
sm_unacked_bytes(const struct sm *sm)
{
	return sm->bytes;
}

bool
sm_wants_ack(const struct sm *sm)
{
	return sm->n_unasked >= ASK_STANZAS || sm->unasked_bytes >= ASK_BYTES;
}

void
sm_asked(struct sm *sm)
{
	sm->n_unasked = sm->unasked_bytes = 0;
}

void
sm_each(const struct sm *sm, void (*fn)(void *data, struct stanza *s),
	void *data)
{
	for (const struct kept *k = sm->first; k; k = k->next)
		fn(data, k->stanza);
}

void
sm_resume(struct sm *sm, void (*fn)(void *data, struct stanza *s), void *data)
{
	sm->n_unasked = sm->n;
	sm->unasked_bytes = sm->bytes;
	sm_each(sm, fn, data);
}

struct stanza *
sm_pop(struct sm *sm)
{
	struct kept *k = sm->first;
	struct stanza *s;

	if (!k)
		return NULL;
	s = k->stanza;
	sm->first = k->next;
	if (!sm->first)
		sm->end = &sm->first;
	sm->n--;
	sm->bytes -= k->bytes;
	/* Acknowledged without being asked for. */
	if (sm->n_unasked > sm->n) {
		sm->n_unasked = sm->n;
		sm->unasked_bytes = sm->bytes;
	}
	free(k);
	return s;
}

/* ---- elements ---- */

static const char *const names[] = {
	[SM_ENABLE] = "enable", [SM_ENABLED] = "enabled",
	[SM_RESUME] = "resume", [SM_RESUMED] = "resumed",
	[SM_FAILED] = "failed", [SM_REQUEST] = "r",
	[SM_ACK] = "a",
};

/* An xs:unsignedInt; larger ones fail, or are cut to the largest. */
static int
read_number(const char *text, bool cut, uint32_t *out)
{
	uint64_t v = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > UINT32_MAX && !cut)
			return -1;
		if (v > UINT32_MAX)
			v = UINT32_MAX;
	}
	*out = (uint32_t)v;
	return 0;
}

static int
read_h(const struct xml *x, bool needed, struct sm_element *out)
{
	const char *h = xml_get(x, "h");

	if (!h)
		return needed ? -1 : 0;
	out->has_h = true;
	return read_number(h, false, &out->h);
}

/* An xs:boolean. */
static int
read_bool(const char *text, bool *out)
{
	*out = text && (!strcmp(text, "true") || !strcmp(text, "1"));
	if (!text || *out || !strcmp(text, "false") || !strcmp(text, "0"))
		return 0;
	return -1;
}

static int
read_enable(const struct xml *x, struct sm_element *out)
{
	const char *max = xml_get(x, "max");

	if (max && read_number(max, true, &out->max_s) < 0)
		return -1;
	if (read_bool(xml_get(x, "resume"), &out->resume) < 0)
		return -1;
	if (out->kind == SM_ENABLE)
		return 0;
	out->location = xml_get(x, "location");
	/* Section 5: both or none. Prosody has no id between servers, where
	 * it cannot resume. */
	if (out->resume)
		out->id = xml_get(x, "id");
	out->resume = out->id != NULL;
	return 0;
}

static int
read_resume(const struct xml *x, struct sm_element *out)
{
	out->id = xml_get(x, "previd");
	return out->id ? read_h(x, true, out) : -1;
}

static int
read_failed(const struct xml *x, struct sm_element *out)
{
	xml_each (kid, x) {
		if (strcmp(kid->ns, NS_STANZA_ERROR) != 0 ||
		    !strcmp(kid->name, "text"))
			continue;
		out->cond = stanza_cond_by_name(kid->name);
		if (!out->cond)
			out->cond = COND_UNDEFINED_CONDITION;
		break;
	}
	return read_h(x, false, out);
}

int
sm_read(const struct xml *x, struct sm_element *out)
{
	enum sm_kind kind = 0;

	while (kind < N_ELEMENTS(names) && !xml_is(x, names[kind], NS_SM))
		kind++;
	*out = (struct sm_element){ .kind = kind };
	switch (kind) {
	case SM_ENABLE:
	case SM_ENABLED:
		return read_enable(x, out);
	case SM_RESUME:
	case SM_RESUMED:
		return read_resume(x, out);
	case SM_FAILED:
		return read_failed(x, out);
	case SM_ACK:
		return read_h(x, true, out);
	case SM_REQUEST:
		return 0;
	}
	return -1;
}

static void
write_enable(struct buf *b, const struct sm_element *e)
{
	if (e->resume && e->kind == SM_ENABLED)
		xml_write_attr(b, "id", e->id);
	if (e->location && e->kind == SM_ENABLED)
		xml_write_attr(b, "location", e->location);
	if (e->max_s)
		buf_printf(b, " max='%" PRIu32 "'", e->max_s);
	if (e->resume)
		buf_adds(b, " resume='true'");
}

void
sm_write(struct buf *b, const struct sm_element *e)
{
	bool is_failed = e->kind == SM_FAILED;
	bool is_resume = e->kind == SM_RESUME || e->kind == SM_RESUMED;

	buf_printf(b, "<%s xmlns='" NS_SM "'", names[e->kind]);
	if (e->kind == SM_ENABLE || e->kind == SM_ENABLED)
		write_enable(b, e);
	if (is_resume || e->kind == SM_ACK || (is_failed && e->has_h))
		buf_printf(b, " h='%" PRIu32 "'", e->h);
	if (is_resume)
		xml_write_attr(b, "previd", e->id);
	if (is_failed && e->cond)
		buf_printf(b, "><%s xmlns='" NS_STANZA_ERROR "'/></failed>",
			   stanza_cond_name(e->cond));
	else
		buf_adds(b, "/>");
}
