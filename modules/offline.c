/* offline.c - messages for users with no available resource (XEP-0160). */

#include "storage/offline.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "core/session.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Messages read from the store at once. */
#define PAGE 100

struct offline {     /* per host */
	int64_t max; /* option offline-max */
};

/* A message that waits for older ones; in its event's arena. */
struct held {
	struct event *event;
	struct held *next;
};

struct offline_account {
	bool is_flushing;
	struct session *next; /* ref; became reachable meanwhile, or NULL */
	struct held *first, *last;
};

static struct module_slot slot;

static const struct option options[] = {
	{ "offline-max", OPT_INT, offsetof(struct offline, max), .def = "500",
	  .min = 0, .max = 1000000,
	  .doc = "Messages kept for one user; later ones bounce. With 0 none "
		 "is kept." },
	{ 0 },
};

/* ---- storing ---- */

static void
append_done(void *data, const struct store_result *res)
{
	struct event *ev = data;

	switch (res->status) {
	case STORE_OK:
		event_resume(ev, DONE);
		return;
	case STORE_FULL:
		event_fail(ev, COND_SERVICE_UNAVAILABLE);
		return;
	default:
		event_fail_store(ev, res);
	}
}

/* XEP-0160 section 3: chat states and the like are of no use later. */
static bool
is_fleeting(const struct xml *x)
{
	return !strcmp(x->ns, NS_CHATSTATES) || !strcmp(x->ns, NS_HINTS) ||
	       xml_is(x, "thread", NS_CLIENT);
}

static bool
is_worth_keeping(const struct stanza *s)
{
	xml_each (kid, s->root) {
		if (!is_fleeting(kid))
			return true;
	}
	return stanza_child(s, "store", NS_HINTS);
}

static enum verdict
on_unreachable(struct event *ev, void *data)
{
	const struct offline *off = data;
	int64_t now_ms = ev->server->clock->wall_ms;
	struct buf xml = { 0 };
	struct stanza *copy;
	struct chunk *chunk;

	if (!is_worth_keeping(ev->stanza))
		return DONE;
	if (!off->max || stanza_child(ev->stanza, "no-store", NS_HINTS))
		return PASS;
	copy = stanza_edit(ev->stanza);
	stanza_add_delay(copy, ev->host->jid, now_ms);
	stanza_write(&xml, copy, copy->from, copy->to, NS_CLIENT);
	stanza_unref(&copy);
	chunk = buf_to_chunk(&xml);
	offline_append(ev->host->store, jid_bare_str(ev->to), chunk, now_ms,
		       off->max, append_done, ev);
	chunk_unref(&chunk);
	return WAIT;
}

/* ---- delivering ---- */

struct flush {
	struct session *session; /* ref */
	int64_t last;		 /* id of the last one that was sent */
};

static void flush(struct session *s);

/* Those that wait go on in the order in which they came. The account stays
 * until the last has. */
static void
release(struct account *a)
{
	struct offline_account *state = account_data(a, &slot);

	account_ref(a);
	for (struct held *h; (h = state->first);) {
		state->first = h->next;
		event_resume(h->event, PASS);
	}
	account_unref(&a);
}

/* RFC 6120 10.1: what is in the store is older than what comes now. */
static enum verdict
on_message(struct event *ev, void *data)
{
	struct offline_account *state = account_data(ev->account, &slot);
	struct held *h;

	(void)data;
	if (!state->is_flushing)
		return PASS;
	h = arena_zalloc(event_arena(ev), sizeof(*h));
	h->event = ev;
	if (state->first)
		state->last->next = h;
	else
		state->first = h;
	state->last = h;
	return WAIT;
}

static bool
may_get(const struct session *s)
{
	return session_is_available(s) && s->priority >= 0;
}

static void
flush_end(struct flush *f)
{
	struct session *s = f->session;
	struct offline_account *state = account_data(s->account, &slot);
	struct session *next = state->next;

	free(f);
	state->next = NULL;
	state->is_flushing = false;
	/* More may have been stored since this one was gone. */
	if (next && may_get(next))
		flush(next);
	else
		release(s->account);
	session_unref(&next);
	session_unref(&s);
}

static void next_page(struct flush *f);

static void
page_removed(void *data, const struct store_result *res)
{
	struct flush *f = data;

	/* Not removed means that they come again: better than never. */
	if (res->status == STORE_OK && may_get(f->session))
		next_page(f);
	else
		flush_end(f);
}

static void
page_read(void *data, const struct offline_result *res)
{
	struct flush *f = data;
	struct session *s = f->session;

	if (res->res.status != STORE_OK || !res->n_rows || !may_get(s)) {
		flush_end(f);
		return;
	}
	for (size_t i = 0; i < res->n_rows; i++)
		session_send_raw(s, res->rows[i].xml, res->rows[i].len);
	f->last = res->rows[res->n_rows - 1].id;
	offline_remove(s->host->store, jid_str(s->account->jid), f->last,
		       page_removed, f);
}

static void
next_page(struct flush *f)
{
	struct session *s = f->session;

	offline_fetch(s->host->store, jid_str(s->account->jid), f->last, PAGE,
		      page_read, f);
}

static void
flush(struct session *s)
{
	struct offline_account *state = account_data(s->account, &slot);
	struct flush *f = mem_zalloc(sizeof(*f));

	state->is_flushing = true;
	f->session = session_ref(s);
	next_page(f);
}

/* XEP-0160: to the first resource whose priority is not negative. */
static enum verdict
on_reachable(struct event *ev, void *data)
{
	struct offline_account *state = account_data(ev->account, &slot);

	(void)data;
	if (!state->is_flushing) {
		flush(ev->session);
		return PASS;
	}
	session_unref(&state->next);
	state->next = session_ref(ev->session);
	return PASS;
}

const struct module mod_offline = {
	.name = "offline",
	.slot = &slot,
	.needs = (const char *const[]){ "message", NULL },
	.features = (const char *const[]){ NS_OFFLINE, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_MESSAGE_UNREACHABLE, PHASE_FALLBACK,
			  on_unreachable },
			{ HOOK_MESSAGE_TO_USER, PHASE_STAMP, on_message },
			{ HOOK_SESSION_REACHABLE, PHASE_DELIVER, on_reachable },
			{ 0 },
		},
	.host_size = sizeof(struct offline),
	.account_size = sizeof(struct offline_account),
};
