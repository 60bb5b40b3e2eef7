/* wire.c - an XMPP stream's bytes. */

#include "core/wire.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/quota.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct wire {
	struct conn *conn;  /* owned */
	struct loop *core;  /* borrowed */
	struct wire_io *io; /* borrowed */
	const struct wire_class *cls;

	/* the core's */
	void *owner;	       /* NULL: released */
	unsigned n_stanzas;    /* under way */
	unsigned done;	       /* weight to be taken from under_way */
	bool is_over;	       /* freed with the last of them */
	struct list abandoned; /* in io->abandoned; next is NULL: it is not */

	/* the I/O thread's */
	struct xml_parser *parser;	 /* owned; NULL before the first byte */
	const struct xml_limits *limits; /* borrowed */
	const char *ns;			 /* NULL: lockstep */
	unsigned window;
	bool is_paused;	     /* lockstep: the core has not answered */
	bool is_full;	     /* too much is under way */
	bool is_throttled;   /* over its rate */
	bool is_deaf;	     /* nothing more is parsed */
	struct quota *quota; /* ref; NULL: no limit */
	int64_t n_parsed;    /* what the quota has not seen */
	struct timer timer;  /* end of is_throttled */

	_Atomic int64_t last_read_ms;
	atomic_uint under_way;	/* weight of the stanzas */
	atomic_bool wants_room; /* ROOM is to be said */
};

/* What weighs one: the smallest arena. */
#define WEIGHT_BYTES 2048u

/* ---- from the I/O thread to the core ---- */

enum letter_kind {
	ON_OPEN,
	ON_ELEMENT,
	ON_STANZA,
	ON_CLOSE,
	ON_SECURE,
	ON_BAD,
	ON_END,
	FREE,
};

struct letter {
	struct mail mail;
	struct wire *wire;
	enum letter_kind kind;
	bool in_arena;	 /* this struct is */
	unsigned weight; /* of a stanza */
	struct arena *arena;
	union {
		struct xml *xml;
		struct stanza *stanza;
		struct tls_info *info; /* owned */
		enum stream_cond cond;
		enum conn_end end;
	};
	union {
		const char *text;
		char *detail;		 /* owned; of ON_END */
		const uint8_t *exporter; /* in the arena; of ON_ELEMENT */
	};
};

static void
deliver(struct letter *l)
{
	const struct wire_class *cls = l->wire->cls;
	void *owner = l->wire->owner;

	switch (l->kind) {
	case ON_OPEN:
		cls->on_open(owner, l->arena, l->xml, l->text);
		break;
	case ON_ELEMENT:
		if (l->exporter)
			cls->on_exporter(owner, l->exporter);
		cls->on_element(owner, l->arena, l->xml);
		break;
	case ON_STANZA:
		l->wire->n_stanzas++;
		cls->on_stanza(owner, l->stanza, l->weight);
		break;
	case ON_CLOSE:
		cls->on_close(owner);
		break;
	case ON_SECURE:
		cls->on_secure(owner, l->info);
		break;
	case ON_BAD:
		cls->on_bad(owner, l->cond, l->text);
		break;
	case ON_END:
		cls->on_end(owner, l->end, l->detail);
		break;
	case FREE:
		break;
	}
}

static void
over(struct wire *w)
{
	w->is_over = true;
	if (!w->n_stanzas)
		free(w);
}

/* Whatever the owner did not take. */
static void
drop(struct letter *l)
{
	if (l->kind == ON_STANZA)
		stanza_unref(&l->stanza);
	else if (l->in_arena)
		arena_unref(&l->arena);
}

static void
on_letter(struct mail *m)
{
	struct letter *l = container_of(m, struct letter, mail);
	struct wire *w = l->wire;

	if (l->in_arena) {
		/* The arena, and this letter with it, goes to the owner. */
		if (w->owner)
			deliver(l);
		else
			drop(l);
		return;
	}
	if (w->owner)
		deliver(l);
	/* Maybe it is only now that it was abandoned. */
	if (l->kind == ON_END && w->abandoned.next)
		wire_release(w);
	if (l->kind == ON_SECURE) {
		tls_info_fini(l->info);
		free(l->info);
	}
	if (l->kind == ON_END)
		free(l->detail);
	if (l->kind == FREE)
		over(w);
	free(l);
}

static void
post(struct wire *w, struct letter *l)
{
	l->mail.run = on_letter;
	l->wire = w;
	loop_send(w->io->loop, w->core, &l->mail);
}

static struct letter *
letter(enum letter_kind kind)
{
	struct letter *l = mem_zalloc(sizeof(*l));

	l->kind = kind;
	return l;
}

/* No allocation for what happens with each stanza. */
static struct letter *
letter_in(struct arena *a, enum letter_kind kind)
{
	struct letter *l = arena_alloc(a, sizeof(*l));

	l->kind = kind;
	l->in_arena = true;
	l->arena = a;
	l->text = NULL;
	return l;
}

/* ---- the parser's events ---- */

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	struct wire *w = user;
	struct letter *l = letter_in(a, ON_OPEN);

	l->xml = header;
	l->text = default_ns;
	w->is_paused = true;
	post(w, l);
	return false;
}

/* So much more is under way. The core takes away from it at the same time: if
 * that was enough before it could see that room is wanted, nobody says so. */
static bool
has_room(struct wire *w, unsigned weight)
{
	if (atomic_fetch_add(&w->under_way, weight) + weight < w->window)
		return true;
	atomic_store(&w->wants_room, true);
	return atomic_load(&w->under_way) <= w->window / 2 &&
	       atomic_exchange(&w->wants_room, false);
}

static bool
on_stanza(struct wire *w, struct stanza *s)
{
	size_t size = arena_size(s->arena);
	struct letter *l = letter_in(s->arena, ON_STANZA);

	l->stanza = s;
	l->weight = (unsigned)(size / WEIGHT_BYTES);
	w->is_full = !has_room(w, l->weight);
	w->n_parsed++;
	post(w, l);
	return !w->is_full;
}

/* NULL: not wanted, or not to be had. */
static const uint8_t *
exporter_for(const struct wire *w, struct arena *a, const struct xml *x)
{
	uint8_t *out;

	if (w->ns || !w->cls->wants_exporter || !w->cls->wants_exporter(x))
		return NULL;
	out = arena_alloc(a, TLS_EXPORTER_LEN);
	return conn_export(w->conn, out) ? out : NULL;
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct wire *w = user;
	struct stanza *s = w->ns ? stanza_from_xml(a, x, w->ns) : NULL;
	struct letter *l;

	if (s)
		return on_stanza(w, s);
	l = letter_in(a, ON_ELEMENT);
	l->xml = x;
	l->exporter = exporter_for(w, a, x);
	w->is_paused = !w->ns;
	w->n_parsed += w->ns != NULL;
	post(w, l);
	return w->ns != NULL;
}

static void
on_close(void *user)
{
	struct wire *w = user;

	w->is_deaf = true;
	post(w, letter(ON_CLOSE));
}

static const struct xml_handler handler = {
	.on_open = on_open,
	.on_element = on_element,
	.on_close = on_close,
};

static void
bad(struct wire *w, enum stream_cond cond, const char *text)
{
	struct letter *l = letter(ON_BAD);

	w->is_deaf = true;
	l->cond = cond;
	l->text = text;
	post(w, l);
}

static void
parsed(struct wire *w, enum xml_fed fed)
{
	const char *text;
	enum stream_cond cond;

	if (fed != XML_BAD)
		return;
	cond = xml_parser_error(w->parser, &text);
	bad(w, cond, text);
}

/* ---- the connection's events ---- */

static bool
may_read(const struct wire *w)
{
	return !w->is_paused && !w->is_full && !w->is_throttled;
}

static void
resume(struct wire *w)
{
	if (may_read(w))
		conn_resume(w->io->loop, w->conn);
}

static void
on_throttle_end(struct timer *t)
{
	struct wire *w = container_of(t, struct wire, timer);

	w->is_throttled = false;
	resume(w);
}

/* Nothing is read until what was taken too much has come in again. */
static void
throttle(struct wire *w, int64_t bytes, int64_t stanzas, int64_t now_ms)
{
	int64_t delay_ms = 0;

	if (w->quota)
		delay_ms = quota_take(w->quota, bytes, stanzas, now_ms);
	if (!delay_ms)
		return;
	w->is_throttled = true;
	if (!timer_is_set(&w->timer) || w->timer.at_ms < now_ms + delay_ms)
		loop_timer_set(w->io->loop, &w->timer, delay_ms);
	/* Nobody is silent while we do not listen. */
	if (atomic_load_explicit(&w->last_read_ms, memory_order_relaxed) <
	    now_ms + delay_ms)
		atomic_store_explicit(&w->last_read_ms, now_ms + delay_ms,
				      memory_order_relaxed);
}

static bool
on_data(struct conn *c, void *user, char *data, size_t len)
{
	struct wire *w = user;
	int64_t now_ms = loop_clock(w->io->loop)->mono_ms;

	(void)c;
	atomic_store_explicit(&w->last_read_ms, now_ms, memory_order_relaxed);
	if (w->is_deaf)
		return true;
	if (!w->parser)
		w->parser = xml_parser_new(w->io->pool, &handler, w, w->limits);
	throttle(w, (int64_t)len, 0, now_ms);
	parsed(w, xml_parser_feed(w->parser, data, len));
	throttle(w, 0, w->n_parsed, now_ms);
	w->n_parsed = 0;
	return may_read(w);
}

static void
on_secure(struct conn *c, void *user, const struct tls_info *info)
{
	struct wire *w = user;
	struct letter *l = letter(ON_SECURE);

	(void)c;
	l->info = mem_alloc(sizeof(*l->info));
	tls_info_copy(l->info, info);
	post(w, l);
}

static void
on_end(struct conn *c, void *user, enum conn_end why, const char *detail)
{
	struct wire *w = user;
	struct letter *l = letter(ON_END);

	(void)c;
	w->is_deaf = true;
	l->end = why;
	l->detail = detail ? mem_strdup(detail) : NULL;
	post(w, l);
}

static const struct conn_class conn_class = {
	.on_data = on_data,
	.on_secure = on_secure,
	.on_end = on_end,
};

/* ---- from the core to the I/O thread ---- */

enum order_kind {
	CONTINUE,
	RESTART,
	START_TLS,
	SHARE,
	RUN,
	ROOM,
	RELEASE,
	RELEASED,
};

struct order {
	struct mail mail;
	struct wire *wire;
	enum order_kind kind;
	const char *text;
	const struct xml_limits *limits;
	struct tls_config *tls; /* ref */
	char *tls_name;		/* owned; the client's side */
	struct quota *quota;	/* ref */
};

/* Reading may go on, if the parser has nothing left that makes it wait. */
static void
parse_on(struct wire *w)
{
	w->is_paused = w->is_full = false;
	if (w->parser && !w->is_deaf)
		parsed(w, xml_parser_resume(w->parser));
	resume(w);
}

static void
start_tls(struct wire *w, const struct order *o)
{
	/* RFC 6120 5.3.3: nothing may follow <starttls/> or <proceed/>. */
	if (w->parser && xml_parser_pending(w->parser)) {
		bad(w, STREAM_POLICY_VIOLATION, "data before TLS");
		return;
	}
	if (w->parser)
		xml_parser_restart(w->parser, w->limits);
	w->is_paused = false;
	if (o->tls_name) {
		conn_start_tls_client(w->io->loop, w->conn, o->tls,
				      o->tls_name);
		return;
	}
	conn_write(w->io->loop, w->conn, o->text, strlen(o->text), NULL);
	conn_start_tls(w->io->loop, w->conn, o->tls);
}

static void send_order(struct loop *self, const struct order *o);

/* The connection may still say its last word before it goes; what is sent
 * behind conn_release comes after that. */
static void
release(struct wire *w)
{
	conn_release(w->io->loop, w->conn);
	send_order(w->io->loop, &(struct order){ .wire = w, .kind = RELEASED });
}

static void
released(struct wire *w)
{
	loop_timer_clear(w->io->loop, &w->timer);
	xml_parser_free(w->parser);
	quota_unref(&w->quota);
	post(w, letter(FREE));
}

static void
carry_out(struct order *o)
{
	struct wire *w = o->wire;

	switch (o->kind) {
	case CONTINUE:
	case ROOM:
		parse_on(w);
		break;
	case RESTART:
		if (w->parser)
			xml_parser_restart(w->parser, w->limits);
		parse_on(w);
		break;
	case START_TLS:
		start_tls(w, o);
		break;
	case SHARE:
		quota_unref(&w->quota);
		w->quota = o->quota;
		break;
	case RUN:
		w->ns = o->text;
		w->limits = o->limits;
		if (w->parser)
			xml_parser_set_limits(w->parser, o->limits);
		parse_on(w);
		break;
	case RELEASE:
		release(w);
		break;
	case RELEASED:
		released(w);
		break;
	}
	tls_config_unref(&o->tls);
	free(o->tls_name);
}

static void
on_order(struct mail *m)
{
	struct order *o = container_of(m, struct order, mail);

	carry_out(o);
	free(o);
}

static void
send_order(struct loop *self, const struct order *o)
{
	struct order *copy = mem_alloc(sizeof(*copy));

	*copy = *o;
	copy->mail.run = on_order;
	loop_send(self, o->wire->io->loop, &copy->mail);
}

/* On a shared loop at once: the peer's answer to what is written at the end of
 * this turn then finds the connection reading. */
static void
give(struct wire *w, struct order o)
{
	o.wire = w;
	if (w->io->loop == w->core)
		carry_out(&o);
	else
		send_order(w->core, &o);
}

/* ---- for the core ---- */

struct wire *
wire_new(struct loop *core, struct wire_io *io, int fd,
	 const struct wire_class *cls, void *owner,
	 const struct wire_settings *settings)
{
	struct wire *w = mem_zalloc(sizeof(*w));
	int64_t now_ms = loop_clock(core)->mono_ms;
	struct conn_options opts = {
		.max_queue = settings->max_queue,
		.reader = core,
		.max_backlog = settings->max_backlog,
		.tls = settings->tls,
		.tls_client_name = settings->tls_client_name,
	};

	w->core = core;
	w->io = io;
	w->cls = cls;
	w->owner = owner;
	w->limits = settings->limits;
	w->window = settings->window;
	if (settings->rates.bytes || settings->rates.stanzas)
		w->quota = quota_new(&settings->rates, now_ms);
	w->timer.fn = on_throttle_end;
	atomic_init(&w->last_read_ms, now_ms);
	atomic_init(&w->under_way, 0);
	atomic_init(&w->wants_room, false);
	w->conn = conn_new(core, io->loop, fd, &conn_class, w, &opts);
	return w;
}

void
wire_write(struct wire *w, const char *head, size_t len, struct chunk *tail)
{
	conn_write(w->core, w->conn, head, len, tail);
}

void
wire_write_bulk(struct wire *w, const char *head, size_t len,
		struct chunk *tail)
{
	conn_write_bulk(w->core, w->conn, head, len, tail);
}

void
wire_share(struct wire *w, struct quota *q)
{
	give(w, (struct order){ .kind = SHARE, .quota = quota_ref(q) });
}

void
wire_continue(struct wire *w)
{
	give(w, (struct order){ .kind = CONTINUE });
}

void
wire_restart(struct wire *w)
{
	give(w, (struct order){ .kind = RESTART });
}

void
wire_start_tls(struct wire *w, const char *proceed, struct tls_config *cfg)
{
	give(w, (struct order){ .kind = START_TLS,
				.text = proceed,
				.tls = tls_config_ref(cfg) });
}

void
wire_start_tls_client(struct wire *w, struct tls_config *cfg, const char *name)
{
	give(w, (struct order){ .kind = START_TLS,
				.tls = tls_config_ref(cfg),
				.tls_name = mem_strdup(name) });
}

void
wire_run(struct wire *w, const char *ns, const struct xml_limits *limits)
{
	give(w, (struct order){ .kind = RUN, .text = ns, .limits = limits });
}

void
wire_stanza_done(struct wire *w, unsigned weight)
{
	unsigned left;

	w->n_stanzas--;
	if (w->is_over) {
		over(w);
		return;
	}
	w->done += weight;
	/* A few at a time: the counter is shared. */
	if (!w->owner || w->done < w->window / 8)
		return;
	left = atomic_fetch_sub(&w->under_way, w->done) - w->done;
	w->done = 0;
	if (left <= w->window / 2 && atomic_load(&w->wants_room) &&
	    atomic_exchange(&w->wants_room, false))
		give(w, (struct order){ .kind = ROOM });
}

void
wire_close(struct wire *w, int linger_ms)
{
	conn_close(w->core, w->conn, linger_ms);
}

void
wire_abandon(struct wire *w, int linger_ms)
{
	w->owner = NULL;
	list_append(&w->io->abandoned, &w->abandoned);
	wire_close(w, linger_ms);
}

void
wire_io_init(struct wire_io *io, struct loop *loop)
{
	io->loop = loop;
	io->pool = xml_pool_new();
	list_init(&io->abandoned);
}

void
wire_io_fini(struct wire_io *io)
{
	xml_pool_free(io->pool);
}

struct wire_io *
wire_io_next(struct wire_io *ios, unsigned n, uint32_t *count)
{
	uint32_t i = (*count)++, round = i / n + 1;

	/* Each round begins at another one (the finaliser of MurmurHash3). */
	round = (round ^ round >> 16) * 0x85ebca6bu;
	round = (round ^ round >> 13) * 0xc2b2ae35u;
	round ^= round >> 16;
	return &ios[(i % n + round % n) % n];
}

void
wire_io_drop(struct wire_io *io)
{
	while (!list_is_empty(&io->abandoned))
		wire_release(container_of(io->abandoned.next, struct wire,
					  abandoned));
}

void
wire_release(struct wire *w)
{
	if (w->abandoned.next)
		list_remove(&w->abandoned);
	w->abandoned.next = NULL;
	w->owner = NULL;
	give(w, (struct order){ .kind = RELEASE });
}

int64_t
wire_last_read_ms(const struct wire *w)
{
	return atomic_load_explicit(&w->last_read_ms, memory_order_relaxed);
}
