/* own_room.c - a room at its master: its disk, its peers, and who is asked to
 * have a copy. */

#include "own_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/tree.h"
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
/* As ghosts.c, and what its timer takes. */
#define RELAY_WAIT_MS 5000
/* One that refuses is not asked for so long. */
#define REFUSED_MS 600000
/* Users behind a way that is lost for so long are out. */
#define SPLIT_MS 900000
/* So often within this time a copy is sent what it asks for. */
#define ATTACH_MS  10000
#define ATTACH_MAX 5
/* A peer without users is none after so many looks. */
#define IDLE_LOOKS 2
/* The position is told so often, if something has happened. */
#define POSITION_MS 30000

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
					    .is_return = is_return != NULL,
					    .is_put_out = peers_was_put_out(
						    &r->peers, s->from) },
		      ticket_new(r, s, from, id));
}

static void
answer_again(struct own_room *r, struct peer *p, struct stanza *s,
	     unsigned from, const char *id)
{
	struct ruling ruling = { 0 };

	if (!peers_outcome(p, id, &ruling.cond))
		return;
	if (ruling.cond && p->is_cut && p->via)
		peers_refused(&r->peers, p, id, ruling.cond);
	else if (ruling.cond)
		own_reply(r, s, from, &ruling);
	else
		peers_settled(&r->peers, p, id);
}

/* As distribute_submitted. */
static void
submit_by(struct own_room *r, struct stanza *s, unsigned from, const char *id)
{
	struct peer *p = peer_at(r, from);

	if (id && !p &&
	    (room_session(r->master.room, s->from) || !is_join(s))) {
		peers_tell_stranger(&r->peers, r->sim->servers[from].domain);
		return;
	}
	if (!p)
		id = NULL;
	if (id &&
	    !peers_may_take(&r->peers, p, stanza_child(s, "submit", NS_DMUC)))
		return;
	if (id && !peers_is_new(p, id))
		answer_again(r, p, s, from, id);
	else
		submit(r, s, from, id);
}

static const char *
submit_of(const struct stanza *s)
{
	const struct xml *x = stanza_child(s, "submit", NS_DMUC);

	return x ? xml_get(x, "id") : NULL;
}

/* The first n that wait go on. */
static void
let_enter(struct own_room *r, unsigned from, size_t n)
{
	struct creation *c = &r->creations[from];

	for (size_t i = 0; i < n; i++)
		submit_by(r, c->joins[i], from, submit_of(c->joins[i]));
	for (size_t i = 0; i < n; i++)
		stanza_unref(&c->joins[i]);
	c->n -= n;
	memmove(c->joins, c->joins + n, c->n * sizeof(struct stanza *));
	c->is_asked = false;
}

static void
on_no_answer(struct sim *sim, const struct event *ev)
{
	struct own_room *r = &sim->rooms[ev->a];
	struct creation *c = &r->creations[ev->b];

	if (!r->is_up || !c->is_asked || c->number != ev->c)
		return;
	r->refused_until_ms[ev->b] = sim->now_ms + REFUSED_MS;
	let_enter(r, ev->b, c->n);
	if (peer_at(r, ev->b) && peer_at(r, ev->b)->via)
		peers_tell_own(&r->peers, peer_at(r, ev->b));
}

static void
wait_for(struct creation *c, struct stanza *s)
{
	c->joins = mem_realloc(c->joins, (c->n + 1) * sizeof(struct stanza *));
	c->joins[c->n++] = stanza_ref(s);
}

/* By its own id, or a new one. */
static const char *
give_id(struct stanza **s)
{
	const char *id = submit_of(*s);
	struct stanza *copy;
	struct xml *x;
	char own[17];

	if (id)
		return id;
	token_make(own, 16);
	copy = stanza_edit(*s);
	x = xml_add(copy->arena, copy->root, "submit", NS_DMUC);
	xml_set(copy->arena, x, "id", own);
	stanza_unref(s);
	*s = copy;
	return submit_of(copy);
}

static void
ask(struct own_room *r, unsigned from)
{
	struct creation *c = &r->creations[from];
	struct wire *w = wire_new(WIRE_CREATE, r->at, from, r->index);

	c->is_asked = true;
	w->creation = ++c->number;
	for (c->n_asked = 0; c->n_asked < c->n && w->n_fors < FORS_MAX;
	     c->n_asked++) {
		struct stanza **s = &c->joins[c->n_asked];

		if (!is_join(*s))
			continue;
		snprintf(w->fors[w->n_fors].submit, 17, "%s", give_id(s));
		w->fors[w->n_fors++].user =
			user_find(r->sim, (*s)->from)->index;
	}
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
	const struct xml *x = stanza_child(s, "submit", NS_DMUC);
	bool is;

	sub.is_return = x && xml_get(x, "return");
	sub.is_put_out = peers_was_put_out(&r->peers, s->from);

	rules_judge(r->master.room, &r->env, &sub, &ruling);
	is = !ruling.cond;
	if (!is)
		own_reply(r, s, from, &ruling);
	ruling_fini(&ruling);
	return is;
}

/* Behind his join, which waits? */
static bool
waits(struct own_room *r, struct stanza *s, unsigned from)
{
	struct creation *c = &r->creations[from];

	for (size_t i = 0; i < c->n; i++) {
		if (jid_eq(c->joins[i]->from, s->from)) {
			wait_for(c, s);
			return true;
		}
	}
	return false;
}

/* As distribute_before_join. True: it waits, or is answered. */
static bool
before_join(struct own_room *r, struct stanza *s, unsigned from, const char *id)
{
	struct creation *c = &r->creations[from];
	struct peer *p = peer_at(r, from);

	if (from == r->at || !is_join(s) ||
	    room_session(r->master.room, s->from) ||
	    (p && p->state == PEER_FOLLOWS && id) ||
	    r->sim->now_ms < r->refused_until_ms[from])
		return false;
	if (!is_welcome(r, s, from))
		return true;
	wait_for(c, s);
	if (!c->is_asked)
		ask(r, from);
	return true;
}

void
own_take(struct own_room *r, struct stanza *s, unsigned from)
{
	const char *id = submit_of(s);

	if (!r->is_up)
		own_reply(r, s, from,
			  &(struct ruling){ .cond = COND_ITEM_NOT_FOUND });
	else if (!waits(r, s, from) && !before_join(r, s, from, id))
		submit_by(r, s, from, id);
}

/* ---- what copies say ---- */

static void
put_out(struct own_room *r, unsigned from)
{
	const struct jid *domain = r->sim->servers[from].domain;
	struct jid **gone;
	size_t n = 0;

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
	master_submit(
		&r->master,
		&(struct submission){ .type = SUBMIT_LINK,
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

/* ---- what copies ask for ---- */

static bool
asks_too_often(struct own_room *r, unsigned from)
{
	if (r->sim->now_ms - r->attached_ms[from] >= ATTACH_MS) {
		r->attached_ms[from] = r->sim->now_ms;
		r->n_attached[from] = 0;
	}
	return ++r->n_attached[from] > ATTACH_MAX;
}

static void
attached(struct own_room *r, unsigned from, const struct xml *x)
{
	static const char no[] = "<detach xmlns='" NS_DMUC "'/>";
	struct peers_at at = peers_at_of(x);
	struct peer *p = peer_at(r, from);

	if (p ? p->is_deserted : !has_users(r, from)) {
		if (p)
			peers_tell_last(&r->peers, p, &at);
		send_down(r, from, no, strlen(no));
		if (p)
			p->state = PEER_LOST;
		return;
	}
	if (asks_too_often(r, from))
		return;
	if (!p)
		p = peers_add(&r->peers, r->sim->servers[from].domain);
	peers_follow(&r->peers, p, &at);
}

static unsigned
server_of(const struct sim *sim, const struct jid *domain)
{
	unsigned i = 0;

	while (i < sim->n_servers &&
	       !jid_eq_domain(sim->servers[i].domain, domain))
		i++;
	return i;
}

/* As distribute_receive.c. */
static void
below(struct own_room *r, struct peer *relay, const struct xml *x)
{
	struct jid *domain = jid_parse(xml_get(x, "jid"));
	unsigned from = server_of(r->sim, domain);
	struct peer *p = peer_at(r, from);

	if (p ? p->is_deserted : !has_users(r, from))
		tree_refuse(&r->peers, relay, domain, peers_at_of(x).ask);
	else if (!asks_too_often(r, from))
		tree_below(&r->peers, relay, domain, x);
	else if (!tree_is_in_force(&r->peers, relay, domain, x))
		tree_refuse(&r->peers, relay, domain, peers_at_of(x).ask);
	jid_unref(&domain);
}

static bool
is_known(struct own_room *r, const struct peer *relay, const struct xml *x)
{
	struct jid *domain = jid_parse(xml_get(x, "jid"));
	const struct peer *p = peers_find(&r->peers, domain);
	bool is = p && !p->lacks_own &&
		  tree_is_in_force(&r->peers, relay, domain, x);

	jid_unref(&domain);
	return is;
}

static void take_up(struct own_room *r, unsigned from, const struct xml *x);

static void
take_opened(struct own_room *r, const struct peer *p, unsigned from,
	    const struct buf *text)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(r->sim->pool, a, text->data, text->len);
	struct stanza *s;

	r->sim->n_carried++;
	sim_tell(r->sim, "room %u opens %.*s", r->index, (int)text->len,
		 text->data);
	if (x && !strcmp(x->ns, NS_DMUC)) {
		take_up(r, from, x);
		arena_unref(&a);
		return;
	}
	s = x ? stanza_from_xml(a, x, NS_CLIENT) : NULL;
	if (s && jid_eq_domain(s->from, p->domain))
		own_take(r, s, from);
	else
		sim_wrong(r->sim, "a relay carries what is no stanza");
	stanza_unref(&s);
}

static void
carried(struct own_room *r, struct peer *by, const struct xml *x)
{
	struct jid *domain = jid_parse(xml_get(x, "from"));
	unsigned from = server_of(r->sim, domain);
	struct peer *p = peer_at(r, from);
	struct arena *a = arena_new();
	struct buf text = { 0 };

	jid_unref(&domain);
	if (p && by && tree_is_below(p, by) &&
	    tree_open(&r->peers, p, xml_get_text(a, x), &text))
		take_opened(r, p, from, &text);
	buf_fini(&text);
	arena_unref(&a);
}

void
own_link(void *owner, const struct peer *p, bool is_away)
{
	struct own_room *r = owner;
	unsigned there = server_of(r->sim, p->domain);

	/* As ghosts_away: of a way that it knows to be lost. */
	r->lost_ms[there] =
		is_away && r->is_lost[there] ? r->sim->now_ms + 1 : 0;
	submit_link(r, there, is_away);
}

static void
take_up(struct own_room *r, unsigned from, const struct xml *x)
{
	struct peers_at at = peers_at_of(x);
	struct peer *p = peer_at(r, from);
	struct jid *domain;

	if (!strcmp(x->name, "attach"))
		attached(r, from, x);
	else if (!strcmp(x->name, "ack") && p)
		peers_acked(&r->peers, p, x);
	else if (!strcmp(x->name, "carry"))
		carried(r, p, x);
	else if (!strcmp(x->name, "below") && p)
		below(r, p, x);
	else if (!strcmp(x->name, "children") && p && p->is_relay) {
		tree_children(&r->peers, p, x);
		xml_each (kid, x) {
			if (!is_known(r, p, kid))
				below(r, p, kid);
		}
	} else if (!strcmp(x->name, "lost") && p) {
		domain = jid_parse(xml_get(x, "jid"));
		tree_lost(&r->peers, p, domain, at.ask);
		jid_unref(&domain);
	} else if (!strcmp(x->name, "detach") && p) {
		peers_remove(&r->peers, p);
		put_out(r, from);
	}
}

void
own_take_up(struct own_room *r, unsigned from, const struct wire *w)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(r->sim->pool, a, w->text, w->len);

	if (!x)
		sim_wrong(r->sim, "an element that cannot be read: %s",
			  w->text);
	else if (r->is_up)
		take_up(r, from, x);
	arena_unref(&a);
}

static void
follow(struct own_room *r, unsigned from, const struct wire *w)
{
	struct arena *a = arena_new();
	struct xml *x = xml_from_text(r->sim->pool, a, w->text, w->len);
	struct peer *p = peer_at(r, from);

	struct peers_at at = peers_at_of(x);

	if (!p)
		p = peers_add(&r->peers, r->sim->servers[from].domain);
	peers_follow(&r->peers, p, &at);
	arena_unref(&a);
}

void
own_take_answer(struct own_room *r, unsigned from, const struct wire *w)
{
	struct creation *c = &r->creations[from];

	if (!r->is_up || !c->is_asked || c->number != w->creation)
		return;
	if (w->is_yes) {
		follow(r, from, w);
		let_enter(r, from, c->n_asked);
		if (c->n)
			ask(r, from);
		return;
	}
	/* That nobody enters is no refusal. */
	if (!r->sim->servers[from].hosts)
		r->refused_until_ms[from] = r->sim->now_ms + REFUSED_MS;
	let_enter(r, from, c->n);
}

/* As ghosts.c: no relay has reached it either. */
static void
on_not_reached(struct sim *sim, const struct event *ev)
{
	struct own_room *r = &sim->rooms[ev->a];
	const struct peer *p = r->is_up ? peer_at(r, ev->b) : NULL;

	if (r->is_up && (uint64_t)r->lost_ms[ev->b] == ev->c && !(p && p->via))
		submit_link(r, ev->b, true);
}

void
own_lost(struct own_room *r, unsigned there)
{
	struct peer *p = r->is_up ? peer_at(r, there) : NULL;

	if (!r->is_up)
		return;
	r->is_lost[there] = true;
	if (p)
		peers_lost(&r->peers, p);
	if (r->lost_ms[there] || (p && p->via))
		return;
	r->lost_ms[there] = r->sim->now_ms + 1;
	if (p && r->peers.n_relays)
		sim_at(r->sim, r->sim->now_ms + RELAY_WAIT_MS,
		       &(struct event){ .fn = on_not_reached,
					.a = r->index,
					.b = there,
					.c = (uint64_t)r->lost_ms[there] });
	else
		submit_link(r, there, true);
}

void
own_found(struct own_room *r, unsigned there)
{
	if (!r->is_up)
		return;
	if (r->lost_ms[there])
		submit_link(r, there, false);
	r->lost_ms[there] = 0;
	r->is_lost[there] = false;
	if (peer_at(r, there))
		peers_found(&r->peers, peer_at(r, there));
}

/* Those that have a copy are asked whether they still do. */
void
own_broken(struct own_room *r, unsigned there)
{
	if (r->is_up && peer_at(r, there))
		peers_broken(&r->peers, peer_at(r, there));
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

/* As distribution_drop_deserted. */
static void
drop_deserted(struct own_room *r)
{
	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		struct peer *p = peer_at(r, i);

		if (!p)
			continue;
		if ((p->state != PEER_FOLLOWS && !p->is_deserted) ||
		    p->n_sessions) {
			p->n_idle = 0;
			continue;
		}
		if (++p->n_idle < IDLE_LOOKS)
			continue;
		if (p->state == PEER_FOLLOWS)
			peers_detach(&r->peers, p, true);
		peers_remove(&r->peers, p);
	}
}

void
own_tick(struct own_room *r)
{
	if (!r->is_up || !r->sim->servers[r->at].is_up)
		return;
	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		if (r->lost_ms[i] &&
		    r->sim->now_ms - r->lost_ms[i] >= SPLIT_MS) {
			put_out(r, i);
			r->lost_ms[i] = 0;
		}
	}
	if (r->sim->now_ms - r->told_ms < POSITION_MS)
		return;
	r->told_ms = r->sim->now_ms;
	if (r->has_changed)
		peers_tell_position(&r->peers);
	r->has_changed = false;
	drop_deserted(r);
	tree_tick(&r->peers);
}
