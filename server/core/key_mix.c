/* key_mix.c - of how many iterations the keys of a host's accounts are. */

#include "core/key_mix.h"

#include "base/clock.h"
#include "core/host.h"
#include "core/server.h"
#include "storage/accounts.h"

/* Reading takes a part of the time of 1 in so many, however large the table. */
#define READ_SHARE 20

void
key_mix_init(struct key_mix *k)
{
	list_init(&k->waits);
}

/* New keys are of this number; with no other there, none can come. */
static bool
is_only(const struct key_mix *k, const struct server *srv)
{
	return k->has_accounts && k->mix.n == 1 &&
	       k->mix.of[0].iterations == (int)srv->opt.scram_iterations;
}

static bool
has_to_read(const struct host *h)
{
	const struct key_mix *k = &h->keys;

	if (!k->is_known)
		return true;
	return k->is_changed && !is_only(k, h->server) &&
	       h->server->clock->mono_ms >= k->not_before_ms;
}

/* Where there is nobody: what the first one will have. */
static void
take_option(struct key_mix *k, const struct server *srv)
{
	k->mix.of[0].iterations = (int)srv->opt.scram_iterations;
	k->mix.of[0].accounts = 1;
	k->mix.n = 1;
}

static void
take(struct key_mix *k, const struct account_mix_result *res)
{
	k->is_known = true;
	k->has_accounts = res->n > 0;
	k->mix.n = res->n;
	for (size_t i = 0; i < res->n; i++) {
		const struct account_mix *of = &res->of[i];

		k->mix.of[i].iterations = of->iterations;
		k->mix.of[i].accounts = of->accounts < UINT32_MAX
						? (uint32_t)of->accounts
						: UINT32_MAX;
	}
}

static void
mix_read(void *data, const struct account_mix_result *res)
{
	struct host *h = data;
	struct key_mix *k = &h->keys;
	int64_t now = h->server->clock->mono_ms;
	bool ok = res->res.status == STORE_OK;
	struct list *n;

	k->is_reading = false;
	k->not_before_ms = now + READ_SHARE * (now - k->asked_ms);
	if (ok)
		take(k, res);
	if (!k->has_accounts)
		take_option(k, h->server);
	while ((n = list_pop(&k->waits))) {
		struct key_mix_wait *w =
			container_of(n, struct key_mix_wait, node);

		w->fn(w, ok);
	}
}

void
key_mix_then(struct host *h, struct key_mix_wait *w)
{
	struct key_mix *k = &h->keys;

	if (!k->has_accounts)
		take_option(k, h->server);
	if (!k->is_reading && !has_to_read(h)) {
		w->fn(w, true);
		return;
	}
	list_append(&k->waits, &w->node);
	if (k->is_reading)
		return;
	k->is_reading = true;
	k->is_changed = false;
	k->asked_ms = h->server->clock->mono_ms;
	account_get_mix(h->store, h->name, SCRAM_MIX_MAX, mix_read, h);
}

void
key_mix_changed(struct host *h)
{
	h->keys.is_changed = true;
}
