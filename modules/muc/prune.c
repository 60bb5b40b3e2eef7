/* prune.c - archives: what is too old goes, and what is left of rooms that are
 * no more. */

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/private.h"
#include "net/loop.h"
#include "storage/archive.h"
#include "xmpp/jid.h"

#include <stdlib.h>

/* The first sweep after a start, the pause between two of them, and between
 * the steps of one, each of which keeps the database's writer for some
 * milliseconds. */
#define FIRST_MS  60000
#define SWEEP_MS  3600000
#define STEP_MS	  100
#define STEP_ROWS 200

static void
sweep_after(struct muc_service *s, int64_t ms)
{
	loop_timer_set(s->host->server->core, &s->prune_timer, ms);
}

static void
pruned(void *data, const struct archive_pruned *res)
{
	struct muc_service *s = data;

	free(s->prune_from);
	s->prune_from = NULL;
	if (res->res.status != STORE_OK)
		log_warn(&s->host->log, "rooms: archives not pruned: %s",
			 res->res.error ? res->res.error : "database");
	else if (res->next_owner)
		s->prune_from = mem_strdup(res->next_owner);
	sweep_after(s, s->prune_from ? STEP_MS : SWEEP_MS);
}

static void
on_timer(struct timer *t)
{
	struct muc_service *s =
		container_of(t, struct muc_service, prune_timer);
	int64_t age = s->muc->archive_age;
	int64_t now = s->host->server->clock->wall_ms;

	archive_prune(s->host->store, jid_str(s->jid), s->prune_from,
		      age && now > age ? now - age : 0, STEP_ROWS, pruned, s);
}

void
prune_start(struct muc_service *s)
{
	s->prune_timer.fn = on_timer;
	sweep_after(s, FIRST_MS);
}

void
prune_stop(struct muc_service *s)
{
	loop_timer_clear(s->host->server->core, &s->prune_timer);
	free(s->prune_from);
}
