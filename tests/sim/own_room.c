/* own_room.c - a room at its master: its disk, its peers, and who is asked to
 * have a copy. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "own_room.h"
#include "sim.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that does not say whether it has a copy has none. */
#define ANSWER_MS 5000
/* One that refuses is not asked for so long. */
#define REFUSED_MS 600000
/* Users behind a way that is lost for so long are out. */
#define SPLIT_MS 900000
/* In a quiet room the position is told so often. */
#define POSITION_MS 300000

/* ---- entering by a copy ---- */

static bool
is_join(const struct stanza *s)
{
	return s->kind == STANZA_PRESENCE && s->type == TYPE_NONE &&
	       stanza_child(s, "x", NS_MUC);
}

static struct peer *
peer_at(struct own_room *r, unsigned server)
{
	return peers_find(&r->peers, r->sim->servers[server].domain);
}

static void
send_down(struct own_room *r, unsigned to, const char *xml, size_t len)
{
	struct wire *w = wire_new(WIRE_DOWN, r->at, to, r->index);

	w->text = mem_strndup(xml, len);
	w->len = len;
	net_send(r->sim, w);
}

void
own_send(void *owner, const struct peer *p, const char *xml, size_t len)
{
	struct own_room *r = owner;

	r->sim->n_snapshots += !strncmp(xml, "<snapshot", 9);
	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		if (jid_eq_domain(r->sim->servers[i].domain, p->domain))
			send_down(r, i, xml, len);
	}
}

/* Who has a copy and is no peer any more learns that it is behind. */
static void
send_position(struct own_room *r, unsigned to)
{
	const struct log_ring *log = &r->master.room->log;
	char text[200];
	int len = snprintf(text, sizeof(text),
			   "<position xmlns='" NS_DMUC
			   "' epoch='%s' seq='%" PRIu64 "'/>",
			   log->epoch, log->seq);

	send_down(r, to, text, (size_t)len);
}

static void
submit(struct own_room *r, struct stanza *s, unsigned from, const char *id)
{
	const struct xml *x = stanza_child(s, "submit", NS_DMUC);
	const char *is_return = x ? xml_get(x, "return") : NULL;

	master_submit(&r->master,
		      &(struct submission){ .type = SUBMIT_STANZA,
					    .from = s->from,
					    .stanza = s,
					    .submit = id,
					    .now_ms = host_wall(r->sim, r->at),
					    .is_return = id && is_return },
		      ticket_new(r, s, from, id));
}

static void
submit_by_peer(struct own_room *r, struct peer *p, struct stanza *s,
	       unsigned from, const char *id)
{
	if (id && !peers_is_new(p, id)) {
		peers_settled(&r->peers, p, id);
		return;
	}
	submit(r, s, from, id);
}

static void
creation_end(struct creation *c)
{
	while (c->n)
		stanza_unref(&c->joins[--c->n]);
	free(c->joins);
	*c = (struct creation){ .number = c->number };
}

/* What waited happens, by a copy or without one. */
static void
created(struct own_room *r, unsigned from, bool is_yes)
{
	struct creation c = r->creations[from];
	struct peer *p = peer_at(r, from);

	r->creations[from] = (struct creation){ .number = c.number };
	for (size_t i = 0; i < c.n; i++) {
		const char *id = i || !is_yes ? NULL : c.submit;

		if (id && p)
			submit_by_peer(r, p, c.joins[i], from, id);
		else
			submit(r, c.joins[i], from, NULL);
	}
	creation_end(&c);
}

static void
on_no_answer(struct sim *sim, const struct event *ev)
{
	struct own_room *r = &sim->rooms[ev->a];
	struct creation *c = &r->creations[ev->b];

	if (!r->is_up || !c->is_asked || c->number != ev->c)
		return;
	r->refused_until_ms[ev->b] = sim->now_ms + REFUSED_MS;
	created(r, ev->b, false);
}

static void
wait_for(struct creation *c, struct stanza *s)
{
	c->joins = mem_realloc(c->joins, (c->n + 1) * sizeof(struct stanza *));
	c->joins[c->n++] = stanza_ref(s);
}

static void
ask(struct own_room *r, struct stanza *s, unsigned from, const char *id)
{
	struct creation *c = &r->creations[from];
	struct wire *w = wire_new(WIRE_CREATE, r->at, from, r->index);

	c->is_asked = true;
	c->number++;
	if (id)
		snprintf(c->submit, sizeof(c->submit), "%s", id);
	else
		token_make(c->submit, 16);
	wait_for(c, s);
	memcpy(w->submit, c->submit, sizeof(w->submit));
	w->user = user_find(r->sim, s->from)->index;
	net_send(r->sim, w);
	sim_at(r->sim, r->sim->now_ms + ANSWER_MS,
	       &(struct event){ .fn = on_no_answer,
				.a = r->index,
				.b = from,
				.c = c->number });
}

/* Would it be let in? */
static bool
is_welcome(struct own_room *r, struct stanza *s, unsigned from)
{
	struct ruling ruling = { 0 };
	struct submission sub = { .type = SUBMIT_STANZA,
				  .from = s->from,
				  .stanza = s,
				  .now_ms = host_wall(r->sim, r->at) };
	bool is;

	rules_judge(r->master.room, &r->env, &sub, &ruling);
	is = !ruling.cond;
	if (!is)
		own_reply(r, s, from, &ruling);
	ruling_fini(&ruling);
	return is;
}

/* Of somebody whose server is not a peer. */
static void
take_ordinary(struct own_room *r, struct stanza *s, unsigned from,
	      const char *id)
{
	struct creation *c = &r->creations[from];
	bool is_in = room_session(r->master.room, s->from) != NULL;

	for (size_t i = 0; i < c->n; i++) {
		if (jid_eq(c->joins[i]->from, s->from)) {
			wait_for(c, s);
			return;
		}
	}
	if (!is_in && is_join(s) && from != r->at &&
	    r->sim->now_ms >= r->refused_until_ms[from]) {
		if (!is_welcome(r, s, from))
			return;
		if (c->is_asked)
			wait_for(c, s);
		else
			ask(r, s, from, id);
		return;
	}
	if (id)
		send_position(r, from);
	else
		submit(r, s, from, NULL);
}

void
own_take(struct own_room *r, struct stanza *s, unsigned from)
{
	const struct xml *x = stanza_child(s, "submit", NS_DMUC);
	const char *id = x ? xml_get(x, "id") : NULL;
	struct peer *p;

	if (!r->is_up) {
		own_reply(r, s, from,
			  &(struct ruling){ .cond = COND_ITEM_NOT_FOUND });
		return;
	}
	p = peer_at(r, from);
	if (p)
		submit_by_peer(r, p, s, from, id);
	else
		take_ordinary(r, s, from, id);
}

/* ---- what copies say ---- */

static void
let_go(struct own_room *r, unsigned from)
{
	const struct jid *domain = r->sim->servers[from].domain;
	struct peer *p = peer_at(r, from);
	struct jid **gone;
	size_t n = 0;

	if (p)
		peers_remove(&r->peers, p);
	gone = mem_alloc((r->master.room->sessions.n + 1) *
			 sizeof(struct jid *));
	list_each (i, &r->master.room->occupants) {
		list_each (k, &occupant_of(i)->sessions) {
			if (jid_eq_domain(room_session_of(k)->jid, domain))
				gone[n++] = jid_ref(room_session_of(k)->jid);
		}
	}
	for (size_t i = 0; i < n; i++) {
		own_session_gone(r, gone[i]);
		jid_unref(&gone[i]);
	}
	free(gone);
}

static void
submit_link(struct own_room *r, unsigned there, bool is_away)
{
	master_submit(&r->master,
		      &(struct submission){
			      .type = SUBMIT_LINK,
			      .from = r->sim->servers[there].domain,
			      .now_ms = host_wall(r->sim, r->at),
			      .is_away = is_away },
		      NULL);
}

static bool
has_users(const struct own_room *r, unsigned there)
{
	list_each (n, &r->master.room->occupants) {
		if (jid_eq_domain(occupant_of(n)->bare,
				  r->sim->servers[there].domain))
			return true;
	}
	return false;
}

static void
attached(struct own_room *r, unsigned from, const char *epoch, uint64_t seq)
{
	static const char no[] = "<detach xmlns='" NS_DMUC "'/>";
	struct peer *p = peer_at(r, from);

	if (!p && !has_users(r, from)) {
		send_down(r, from, no, strlen(no));
		return;
	}
	if (!p)
		p = peers_add(&r->peers, r->sim->servers[from].domain);
	if (!r->lost_ms[from])
		submit_link(r, from, false);
	/* Its users were put out, and are to return: not to be shown that. */
	if (r->is_timed_out[from])
		epoch = "";
	r->is_timed_out[from] = false;
	peers_follow(&r->peers, p, epoch, seq);
}

void
own_take_up(struct own_room *r, unsigned from, const struct wire *w)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(r->sim->pool, a, w->text, w->len);
	const char *epoch = xml_get(x, "epoch");
	uint64_t seq = strtoull(xml_get(x, "seq"), NULL, 10);
	struct peer *p = r->is_up ? peer_at(r, from) : NULL;

	if (!r->is_up)
		;
	else if (!strcmp(x->name, "attach"))
		attached(r, from, epoch, seq);
	else if (!strcmp(x->name, "ack") && p)
		peers_acked(&r->peers, p, epoch, seq);
	else if (!strcmp(x->name, "detach") && p)
		let_go(r, from);
	arena_unref(&a);
}

void
own_take_answer(struct own_room *r, unsigned from, const struct wire *w)
{
	struct creation *c = &r->creations[from];
	struct arena *a;
	struct xml *x;
	struct peer *p;

	if (!r->is_up || !c->is_asked || strcmp(c->submit, w->submit) != 0)
		return;
	if (!w->is_yes) {
		r->refused_until_ms[from] = r->sim->now_ms + REFUSED_MS;
		created(r, from, false);
		return;
	}
	a = arena_new();
	x = xml_from_text(r->sim->pool, a, w->text, w->len);
	p = peer_at(r, from);
	if (!p)
		p = peers_add(&r->peers, r->sim->servers[from].domain);
	peers_follow(&r->peers, p, xml_get(x, "epoch"),
		     strtoull(xml_get(x, "seq"), NULL, 10));
	arena_unref(&a);
	created(r, from, true);
}

void
own_bounced(struct own_room *r, unsigned to)
{
	struct peer *p = r->is_up ? peer_at(r, to) : NULL;

	if (p)
		peers_lost(&r->peers, p);
	/* Or it may never learn that it has missed something. */
	if (p && !r->lost_ms[to])
		send_position(r, to);
}

void
own_lost(struct own_room *r, unsigned there)
{
	struct peer *p = r->is_up ? peer_at(r, there) : NULL;

	if (!r->is_up)
		return;
	if (!r->lost_ms[there])
		r->lost_ms[there] = r->sim->now_ms + 1;
	if (p)
		peers_lost(&r->peers, p);
	submit_link(r, there, true);
}

void
own_found(struct own_room *r, unsigned there)
{
	struct peer *p = r->is_up ? peer_at(r, there) : NULL;

	r->lost_ms[there] = 0;
	if (!r->is_up)
		return;
	if (!p || p->state == PEER_FOLLOWS)
		submit_link(r, there, false);
	if (p && p->state == PEER_LOST)
		peers_tell_position(&r->peers);
	else if (!p && has_users(r, there))
		send_position(r, there);
}

void
own_session_gone(struct own_room *r, struct jid *full)
{
	if (r->is_up)
		master_submit(&r->master,
			      &(struct submission){
				      .type = SUBMIT_GONE,
				      .from = full,
				      .now_ms = host_wall(r->sim, r->at),
				      .code = 333 },
			      NULL);
}

/* ---- time ---- */

static void
time_out(struct own_room *r, unsigned there)
{
	bool was_peer = peer_at(r, there) != NULL;

	r->lost_ms[there] = r->sim->now_ms + 1;
	if (!has_users(r, there))
		return;
	sim_tell(r->sim, "room %u puts out who is at %u", r->index, there);
	let_go(r, there);
	if (was_peer) {
		struct peer *p = peers_add(&r->peers,
					   r->sim->servers[there].domain);

		p->state = PEER_LOST;
		r->is_timed_out[there] = true;
	}
}

void
own_tick(struct own_room *r)
{
	if (!r->is_up || !r->sim->servers[r->at].is_up)
		return;
	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		if (r->lost_ms[i] &&
		    r->sim->now_ms - r->lost_ms[i] >= SPLIT_MS)
			time_out(r, i);
	}
	if (r->sim->now_ms - r->told_ms >= POSITION_MS) {
		r->told_ms = r->sim->now_ms;
		peers_tell_position(&r->peers);
	}
}
