/* verdict_addresses.c - no real address reaches a server that may not know it:
 * not on a way, not under a seal, and not into a copy. */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/muc/entry.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/seal.h"
#include "modules/muc/slave.h"
#include "sim.h"
#include "verdict.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

bool
verdict_may_know(const struct own_room *r, unsigned server)
{
	const struct room *room = r->master.room;

	if (!r->is_up || room->config.whois == WHOIS_ANYONE)
		return true;
	list_each (n, &room->occupants) {
		const struct occupant *o = occupant_of(n);

		if (o->role == ROLE_MODERATOR &&
		    jid_eq_domain(o->bare, r->sim->servers[server].domain))
			return true;
	}
	return false;
}

/* At the position of a relay, which may be behind the room. */
static bool
all_know(struct sim *sim, const struct wire *w)
{
	const struct copy *c = copy_find(sim, w->from, w->room);

	return c && c->slave->room->config.whois == WHOIS_ANYONE;
}

static void
check_text(struct sim *sim, unsigned to, const char *text, size_t len)
{
	char at[40];

	for (unsigned i = 0; i < sim->n_servers; i++) {
		int n = snprintf(at, sizeof(at), "@d%u.example", i);

		if (i != to && memmem(text, len, at, (size_t)n))
			sim_wrong(sim, "an address of d%u goes to d%u: %.*s", i,
				  to, (int)len, text);
	}
}

/* To the last of them. */
static unsigned
server_at_end(const struct sim *sim, const char *domains)
{
	const char *space = strrchr(domains, ' ');
	struct jid *domain = jid_parse(space ? space + 1 : domains);
	unsigned i = 0;

	while (i < sim->n_servers &&
	       !jid_eq_domain(sim->servers[i].domain, domain))
		i++;
	jid_unref(&domain);
	return i;
}

static void
check_opened(struct sim *sim, const struct own_room *r, unsigned to,
	     const char *sealed)
{
	const struct jid *domain = sim->servers[to].domain;
	const struct peer *p = peers_find(&r->peers, domain);
	struct seal seal;
	struct buf text = { 0 };
	uint64_t number;

	seal_make_key(&seal, &r->env, r->master.room, domain);
	if (!p ||
	    !seal_open(&text, &number, &seal, r->jid, domain, p->nonce, sealed))
		sim_wrong(sim, "what is for d%u is sealed for somebody else",
			  to);
	else
		check_text(sim, to, text.data, text.len);
	buf_fini(&text);
}

/* What the room seals for a copy below relays, as that will open it; when it is
 * sent, as later others may be moderators. */
static void
check_sealed(struct sim *sim, const struct wire *w)
{
	const struct own_room *r = &sim->rooms[w->room];
	struct arena *a = arena_new();
	const struct xml *x = xml_from_text(sim->pool, a, w->text, w->len);
	const char *domains = x ? xml_get(x, "to") : NULL;
	unsigned to = domains ? server_at_end(sim, domains) : sim->n_servers;

	if (to == sim->n_servers)
		sim_wrong(sim, "it goes to nobody: %s", w->text);
	else if (!verdict_may_know(r, to))
		check_opened(sim, r, to, xml_get_text(a, x));
	arena_unref(&a);
}

void
verdict_links(struct sim *sim, const struct wire *w)
{
	if (w->kind != WIRE_DOWN && w->kind != WIRE_SIDE)
		return;
	if (w->kind == WIRE_DOWN && !strncmp(w->text, "<carry", 6))
		check_sealed(sim, w);
	if (!verdict_may_know(&sim->rooms[w->room], w->to) &&
	    !(w->kind == WIRE_SIDE && all_know(sim, w)))
		check_text(sim, w->to, w->text, w->len);
}

/* ---- what copies know ---- */

void
verdict_note_entitled(struct own_room *r)
{
	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		if (verdict_may_know(r, i))
			r->entitled |= UINT64_C(1) << i;
	}
}

void
check_known(struct sim *sim, const struct copy *c)
{
	if (sim->rooms[c->room].entitled >> c->at & 1)
		return;
	list_each (n, &c->slave->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			const struct jid *real = room_session_of(k)->real;

			if (real &&
			    !jid_eq_domain(real, sim->servers[c->at].domain))
				sim_wrong(sim,
					  "the copy of room %u at %u knows %s",
					  c->room, c->at, jid_str(real));
		}
	}
}
