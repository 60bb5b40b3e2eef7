/* xml_parser.c - one stream's parser: which engine, when, with what bytes. */

#include "xmpp/xml_parser.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "xmpp/xml_engine.h"

#include <assert.h>
#include <stdlib.h>

/* Larger pieces would only make expat's buffers larger. */
#define PIECE 4096u

enum state {
	BEFORE, /* the header */
	INSIDE,
	CLOSED,
	FAILED,
};

struct xml_parser {
	struct engine_user user;
	struct xml_pool *pool;		   /* borrowed */
	const struct xml_handler *handler; /* borrowed */
	void *data;			   /* the handler's */
	struct engine *engine;		   /* owned; NULL between stanzas */
	enum state state;
	enum xml_preset preset;
	/* Where the header was none of the presets: its start tag. */
	struct buf header;
	struct buf pending;
	bool is_paused;
	bool is_restarted;
	bool is_busy;	/* inside an engine */
	bool close_due; /* on_close waits for resume */
	enum stream_cond error;
	const char *error_text;
};

static struct xml_parser *
parser_of(struct engine_user *u)
{
	return container_of(u, struct xml_parser, user);
}

static void
on_open(struct engine_user *u, struct arena *a, struct xml *header,
	const char *default_ns, enum xml_preset preset, const char *raw,
	size_t raw_len)
{
	struct xml_parser *p = parser_of(u);

	p->state = INSIDE;
	p->preset = preset;
	if (preset == N_PRESETS)
		buf_add(&p->header, raw, raw_len);
	if (!p->handler->on_open(p->data, a, header, default_ns)) {
		p->is_paused = true;
		engine_stop(p->engine);
	}
}

static void
on_element(struct engine_user *u, struct arena *a, struct xml *x)
{
	struct xml_parser *p = parser_of(u);

	p->is_paused = !p->handler->on_element(p->data, a, x);
	if (p->is_paused || engine_is_worn(p->engine))
		engine_stop(p->engine);
}

static void
on_close(struct engine_user *u)
{
	struct xml_parser *p = parser_of(u);

	p->state = CLOSED;
	/* Only behind <stream:stream/>: expat cannot stop in the middle. */
	if (p->is_paused)
		p->close_due = true;
	else
		p->handler->on_close(p->data);
}

static void
on_error(struct engine_user *u, enum stream_cond cond, const char *text)
{
	struct xml_parser *p = parser_of(u);

	p->state = FAILED;
	p->error = cond;
	p->error_text = text;
}

struct xml_parser *
xml_parser_new(struct xml_pool *pool, const struct xml_handler *handler,
	       void *user, const struct xml_limits *limits)
{
	struct xml_parser *p = mem_zalloc(sizeof(*p));

	p->user = (struct engine_user){
		.limits = limits,
		.on_open = on_open,
		.on_element = on_element,
		.on_close = on_close,
		.on_error = on_error,
	};
	p->pool = pool;
	p->handler = handler;
	p->data = user;
	return p;
}

static void
drop_engine(struct xml_parser *p)
{
	engine_free(p->engine);
	p->engine = NULL;
}

void
xml_parser_free(struct xml_parser *p)
{
	if (!p)
		return;
	assert(!p->is_busy);
	drop_engine(p);
	buf_fini(&p->header);
	buf_fini(&p->pending);
	free(p);
}

static void
take_engine(struct xml_parser *p)
{
	if (p->state == BEFORE)
		p->engine = engine_new();
	else if (p->preset == N_PRESETS)
		p->engine = engine_new_inside(p->header.data, p->header.len);
	else
		p->engine = xml_pool_take(p->pool, p->preset);
}

/* The engine has parsed all, and no element is open. */
static void
rest(struct xml_parser *p)
{
	if (p->preset != N_PRESETS) {
		xml_pool_give(p->pool, p->preset, p->engine);
		p->engine = NULL;
	} else if (engine_is_worn(p->engine)) {
		drop_engine(p);
	}
}

/* Keepalives (RFC 6120 4.6.1) need no engine. Neither does what stood behind
 * the last element of the stream that is being restarted. */
static size_t
skip_space(const struct xml_parser *p, const char *data, size_t len)
{
	size_t n = 0;

	if (p->state == BEFORE && !p->is_restarted)
		return 0;
	while (n < len && (data[n] == ' ' || data[n] == '\n' ||
			   data[n] == '\r' || data[n] == '\t'))
		n++;
	return n;
}

/* Returns how many bytes were parsed. */
static size_t
feed_piece(struct xml_parser *p, const char *data, size_t len)
{
	size_t left = 0;

	if (len > PIECE)
		len = PIECE;
	p->is_busy = true;
	switch (engine_feed(p->engine, &p->user, data, len, &left)) {
	case ENGINE_MORE:
		break;
	case ENGINE_REST:
		rest(p);
		break;
	case ENGINE_STOPPED:
	case ENGINE_DEAD:
		drop_engine(p);
		break;
	}
	p->is_busy = false;
	return len - left;
}

static enum xml_fed
parse(struct xml_parser *p, const char *data, size_t len)
{
	size_t at = 0;

	while (p->state != FAILED && p->state != CLOSED && !p->is_paused) {
		if (!p->engine)
			at += skip_space(p, data + at, len - at);
		if (at == len)
			break;
		if (!p->engine)
			take_engine(p);
		at += feed_piece(p, data + at, len - at);
	}
	if (p->state == FAILED)
		return XML_BAD;
	if (!p->is_paused)
		return XML_MORE;
	if (p->state != CLOSED && at < len)
		buf_add(&p->pending, data + at, len - at);
	return XML_PAUSED;
}

enum xml_fed
xml_parser_feed(struct xml_parser *p, const char *data, size_t len)
{
	assert(!p->is_busy);
	if (!len)
		return p->state == FAILED ? XML_BAD
		       : p->is_paused	  ? XML_PAUSED
					  : XML_MORE;
	if (!p->is_paused && !p->pending.len)
		return parse(p, data, len);
	buf_add(&p->pending, data, len);
	return p->is_paused ? XML_PAUSED : xml_parser_resume(p);
}

enum xml_fed
xml_parser_resume(struct xml_parser *p)
{
	struct buf pending = p->pending;
	enum xml_fed fed;

	assert(!p->is_busy);
	p->is_paused = false;
	p->pending = (struct buf){ 0 };
	if (p->close_due) {
		p->close_due = false;
		p->handler->on_close(p->data);
	}
	fed = parse(p, pending.len ? pending.data : "", pending.len);
	buf_fini(&pending);
	return fed;
}

size_t
xml_parser_pending(const struct xml_parser *p)
{
	return p->pending.len;
}

void
xml_parser_restart(struct xml_parser *p, const struct xml_limits *limits)
{
	assert(!p->is_busy);
	drop_engine(p);
	buf_fini(&p->header);
	p->user.limits = limits;
	p->state = BEFORE;
	p->is_paused = p->close_due = false;
	p->is_restarted = true;
	p->error = STREAM_NONE;
	p->error_text = NULL;
}

void
xml_parser_set_limits(struct xml_parser *p, const struct xml_limits *limits)
{
	assert(!p->is_busy);
	p->user.limits = limits;
}

enum stream_cond
xml_parser_error(const struct xml_parser *p, const char **text_out)
{
	if (text_out)
		*text_out = p->error_text;
	return p->error;
}
