/*
 * fuzz_s2s.c - what another server sends besides stanzas: dialback and stream
 * management.
 *
 * An input is what follows the header of a stream. What was read is the same
 * when it is written and read again. Stanzas are taken as handled, and echoed;
 * acknowledgements are for the echoes.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "fuzz.h"
#include "xmpp/dialback.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/sm.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>
#include <string.h>

#define HEADER                                                        \
	"<stream:stream xmlns='jabber:server' xmlns:db='" NS_DIALBACK \
	"' xmlns:stream='" NS_STREAM "'>"

static const struct xml_limits limits = {
	.stanza = 1 << 20,
	.token = 1 << 20,
	.depth = 100,
	.attrs = 100,
	.children = 1000,
};
static const uint8_t secret[32] = { 1 };

static struct xml_pool *pool;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)user, (void)header, (void)default_ns;
	arena_unref(&a);
	return true;
}

static void
on_close(void *user)
{
	(void)user;
}

/* ---- what we have written ourselves ---- */

struct again {
	struct arena *arena; /* ref; NULL: nothing has come */
	struct xml *x;
};

static bool
on_again(void *user, struct arena *a, struct xml *x)
{
	struct again *again = user;

	must(!again->arena);
	*again = (struct again){ a, x };
	return true;
}

static struct again
read_again(const struct buf *b)
{
	static const struct xml_handler handler = { on_open, on_again,
						    on_close };
	struct again again = { 0 };
	struct xml_parser *p = xml_parser_new(pool, &handler, &again, &limits);

	must(xml_parser_feed(p, HEADER, sizeof(HEADER) - 1) == XML_MORE);
	must(xml_parser_feed(p, b->data, b->len) == XML_MORE);
	must(again.arena != NULL);
	xml_parser_free(p);
	return again;
}

/* ---- dialback ---- */

static void
check_key(const struct dialback *d)
{
	const char *to = jid_str(d->to), *from = jid_str(d->from);
	char key[DIALBACK_KEY_SIZE];

	must(*d->key && strlen(d->key) <= DIALBACK_KEY_MAX);
	if (!d->is_verify)
		return;
	dialback_key(secret, from, to, d->id, key);
	must(dialback_key_is(secret, from, to, d->id, d->key) ==
	     !strcmp(key, d->key));
}

static void
check_dialback(struct arena *a, const struct xml *x)
{
	struct dialback d, e;
	struct buf b = { 0 };
	struct again again;

	if (dialback_read(a, x, &d) < 0)
		return;
	must(jid_is_domain(d.from) && jid_is_domain(d.to));
	must(!d.is_verify || d.id);
	must((d.type == DIALBACK_REQUEST) == (d.key != NULL));
	must((d.type == DIALBACK_ERROR) == (d.error != COND_NONE));
	if (d.key)
		check_key(&d);
	dialback_write(&b, &d, "<text>");
	again = read_again(&b);
	must(!dialback_read(again.arena, again.x, &e));
	must(e.is_verify == d.is_verify && e.type == d.type &&
	     e.error == d.error && jid_eq(e.from, d.from) &&
	     jid_eq(e.to, d.to) && same(e.id, d.id) && same(e.key, d.key));
	arena_unref(&again.arena);
	buf_fini(&b);
}

/* ---- stream management ---- */

static void
acknowledge(struct sm *sm, uint32_t h)
{
	size_t before = sm_n_unacked(sm);

	if (sm_acked(sm, h) < 0) {
		must(sm_n_unacked(sm) == before);
		return;
	}
	must(sm_n_unacked(sm) == sm_sent_count(sm) - h);
	must(sm_n_unacked(sm) <= before);
	must(!sm_n_unacked(sm) == !sm_unacked_bytes(sm));
}

static void
check_sm(struct sm *sm, const struct xml *x)
{
	struct sm_element d, e;
	struct buf b = { 0 };
	struct again again;

	if (sm_read(x, &d) < 0)
		return;
	must(d.kind != SM_ACK || d.has_h);
	must(d.has_h || !d.h);
	if (d.kind == SM_RESUME || d.kind == SM_RESUMED || d.resume)
		must(d.kind == SM_ENABLE || d.id);
	sm_write(&b, &d);
	again = read_again(&b);
	must(!sm_read(again.x, &e));
	must(e.kind == d.kind && e.h == d.h && e.has_h == d.has_h &&
	     e.resume == d.resume && e.max_s == d.max_s && e.cond == d.cond &&
	     same(e.id, d.id) && same(e.location, d.location));
	arena_unref(&again.arena);
	buf_fini(&b);
	if (d.kind == SM_ACK)
		acknowledge(sm, d.h);
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct sm *sm = user;
	struct stanza *s;

	check_dialback(a, x);
	check_sm(sm, x);
	s = stanza_from_xml(a, x, NS_SERVER);
	if (!s) {
		arena_unref(&a);
		return true;
	}
	sm_received(sm);
	sm_sent(sm, s, 1);
	must(sm_handled(sm) == sm_sent_count(sm));
	stanza_unref(&s);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xml_handler handler = { on_open, on_element,
						    on_close };
	struct sm *sm = sm_new();
	struct xml_parser *p;

	pool = xml_pool_new();
	p = xml_parser_new(pool, &handler, sm, &limits);
	must(xml_parser_feed(p, HEADER, sizeof(HEADER) - 1) == XML_MORE);
	xml_parser_feed(p, (const char *)data, size);
	xml_parser_free(p);
	xml_pool_free(pool);
	sm_free(sm);
	return 0;
}
