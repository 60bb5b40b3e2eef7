/* limits.c - what one user may ask of rooms. */

#include "base/arena.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/affiliation.h"
#include "modules/muc/private.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdlib.h>

/* Of the rooms to which somebody belongs, so many are looked at. */
#define ROOMS_READ_MAX 10000

/* So often within this time a copy is sent what it asks for. */
#define ATTACH_MAX 5
static const int64_t attach_ms = 10000;

static const int64_t window_ms = 60000;

void
limits_start(struct muc *muc)
{
	counts_init(&muc->joins, muc->host->server->core, &window_ms);
	counts_init(&muc->asks, muc->host->server->core, &window_ms);
	counts_init(&muc->queries, muc->host->server->core, &window_ms);
	counts_init(&muc->attaches, muc->host->server->core, &attach_ms);
}

void
limits_stop(struct muc *muc)
{
	counts_fini(&muc->joins);
	counts_fini(&muc->asks);
	counts_fini(&muc->queries);
	counts_fini(&muc->attaches);
}

bool
limits_may_wake(struct muc_service *s, const struct event *ev)
{
	return s->rooms.n < (size_t)s->muc->awake_max || live_find(s, ev->to) ||
	       host_is_admin(s->host, ev->from);
}

static bool
count(const struct muc_service *s, const struct event *ev, struct counts *c,
      int64_t max)
{
	const char *user = jid_bare_str(ev->from);

	if (host_is_admin(s->host, ev->from))
		return true;
	if (counts_get(c, user) >= max)
		return false;
	counts_add(c, user);
	return true;
}

bool
limits_may_join(const struct muc_service *s, const struct event *ev)
{
	return count(s, ev, &s->muc->joins, s->muc->joins_rate);
}

bool
limits_may_ask(const struct muc_service *s, const struct event *ev)
{
	return count(s, ev, &s->muc->asks, s->muc->asks_rate);
}

bool
limits_may_query(const struct muc_service *s, const struct event *ev)
{
	return count(s, ev, &s->muc->queries, s->muc->queries_rate);
}

bool
limits_may_attach(const struct live *l, const struct jid *domain)
{
	return limits_may_attach_to(l, domain, l->jid);
}

bool
limits_may_attach_to(const struct live *l, const struct jid *domain,
		     const struct jid *to)
{
	struct counts *c = &l->service->muc->attaches;
	/* No address has the blank. */
	char *key = mem_printf("%s %s %s", jid_str(l->jid), jid_domain(to),
			       jid_domain(domain));
	bool may = counts_get(c, key) < ATTACH_MAX;

	if (may)
		counts_add(c, key);
	free(key);
	return may;
}

/* ---- rooms of one user ---- */

/* A room that is about to be made; in the event's arena. */
struct creation {
	struct live *live; /* used */
	struct event *event;
	hook_fn *fn;
};

static int64_t
count_own(const struct muc_service *s, const struct rooms_of_result *res)
{
	int64_t n = 0;

	for (size_t i = 0; i < res->n_rooms; i++) {
		struct jid *room = jid_parse(res->rooms[i].room);

		n += res->rooms[i].affiliation == AFFILIATION_OWNER &&
		     jid_eq_domain(room, s->jid);
		jid_unref(&room);
	}
	return n;
}

static void
rooms_read(void *data, const struct rooms_of_result *res)
{
	struct creation *c = data;
	struct live *l = c->live;

	if (res->res.status != STORE_OK)
		event_fail_store(c->event, &res->res);
	else if (count_own(l->service, res) >= l->service->muc->per_user)
		live_refuse(l, c->event, COND_RESOURCE_CONSTRAINT,
			    "you have too many rooms");
	else
		event_step(c->event, c->fn, l);
	live_release(l);
}

enum verdict
limits_before_create(struct live *l, struct event *ev, hook_fn *fn)
{
	struct creation *c;

	if (host_is_admin(l->host, ev->from))
		return fn(ev, l);
	c = arena_alloc(event_arena(ev), sizeof(*c));
	*c = (struct creation){ l, ev, fn };
	live_use(l);
	rooms_of(l->host->store, jid_bare_str(ev->from), NULL, ROOMS_READ_MAX,
		 rooms_read, c);
	return WAIT;
}
