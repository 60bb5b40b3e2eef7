/* distribute_log.c - one line in the log for each change of what a room's
 * master knows of a server that has a copy of it. */

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/distribute_private.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdlib.h>

void
distribution_note(const struct live *l, const struct jid *domain,
		  const char *what)
{
	struct log_limit *limit = &l->service->muc->peers_log;
	const struct log_ring *log = &live_room(l)->log;

	if (!log_limit_allows(limit, l->host->server->clock->mono_ms))
		return;
	log_limit_tell(limit, &l->host->log);
	log_info(&l->host->log, "room %s: %s %s at %s %" PRIu64,
		 jid_str(l->jid), jid_domain(domain), what, log->epoch,
		 log->seq);
}

void
distribution_note_by(const struct live *l, const struct jid *domain,
		     const char *what, const struct jid *relay)
{
	char *text = mem_printf("%s %s", what, jid_domain(relay));

	distribution_note(l, domain, text);
	free(text);
}

/* relay NULL: none. */
static void
say(const struct live *l, const struct peer *p, const char *what,
    const struct jid *relay)
{
	if (relay)
		distribution_note_by(l, p->domain, what, relay);
	else
		distribution_note(l, p->domain, what);
}

static const struct jid *
domain_of(const struct peer *p)
{
	return p ? p->domain : NULL;
}

static bool
is_other(const struct jid *a, const struct jid *b)
{
	return a != b && !(a && b && jid_eq(a, b));
}

static void
say_state(const struct live *l, const struct peer *p)
{
	const struct peer_noted *was = &p->noted;
	const struct jid *via = domain_of(p->via);
	bool is_back = was->is_there && was->state == PEER_LOST;

	if (p->state == PEER_FOLLOWS)
		say(l, p,
		    is_back ? (via ? "follows again, by" : "follows again")
			    : (via ? "follows by" : "follows"),
		    via);
	else if (p->is_deserted)
		say(l, p, "is told that it has no copy any more", NULL);
	else if (p->state == PEER_LOST)
		say(l, p, was->via ? "is lost, it followed by" : "is lost",
		    was->via);
}

/* The same state, but perhaps by another server. */
static void
say_way(const struct live *l, const struct peer *p)
{
	const struct peer_noted *was = &p->noted;

	if (was->is_deserted != p->is_deserted)
		say(l, p,
		    p->is_deserted ? "has no users in it any more"
				   : "has users in it again",
		    NULL);
	else if (p->via)
		say(l, p, "follows by", p->via->domain);
	else
		say(l, p, "does not follow any more by", was->via);
}

static void
say_place(const struct live *l, const struct peer *p)
{
	const struct jid *place = domain_of(p->place), *was = p->noted.place;

	if (!is_other(place, was) || p->state != PEER_FOLLOWS)
		return;
	if (place && p->via != p->place)
		say(l, p, "is to follow by", place);
	else if (!place && is_other(domain_of(p->via), was))
		say(l, p, "is not to follow any more by", was);
}

static void
note_changes(const struct live *l, struct peer *p)
{
	struct peer_noted *was = &p->noted, old = *was;
	bool is_way = is_other(domain_of(p->via), was->via) ||
		      p->is_deserted != was->is_deserted;

	if (p->state == PEER_ASKED)
		return;
	if (!was->is_there || p->state != was->state)
		say_state(l, p);
	else if (is_way)
		say_way(l, p);
	if (!was->is_there || p->state != was->state || is_way)
		p->since_ms = l->host->server->clock->mono_ms;
	say_place(l, p);
	if (p->is_relay != was->is_relay)
		say(l, p, p->is_relay ? "is a relay" : "is no relay any more",
		    NULL);
	*was = (struct peer_noted){
		.is_there = true,
		.state = p->state,
		.is_deserted = p->is_deserted,
		.is_relay = p->is_relay,
		.via = p->via ? jid_ref(p->via->domain) : NULL,
		.place = p->place ? jid_ref(p->place->domain) : NULL,
	};
	jid_unref(&old.via);
	jid_unref(&old.place);
}

void
distribution_note_changes(const struct live *l)
{
	if (!l->distribution || !live_room(l))
		return;
	list_each (n, &l->distribution->peers.all)
		note_changes(l, container_of(n, struct peer, node));
}
