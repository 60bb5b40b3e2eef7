/* tree.c - which servers get a room's log from a relay and not from its master
 * itself. */

#include "modules/muc/tree.h"

#include "base/buf.h"
#include "base/list.h"
#include "modules/muc/fnv.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/seal.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <string.h>

/* A peer is told so many relays. */
#define FALLBACKS_MAX 8

static struct peer *
peer_of(struct list *n)
{
	return container_of(n, struct peer, node);
}

/* ---- how it stands ---- */

bool
tree_is_below(const struct peer *p, const struct peer *relay)
{
	for (p = p->via; p; p = p->via) {
		if (p == relay)
			return true;
	}
	return false;
}

/* Where it is, or is going to be. */
static struct peer *
parent_of(const struct peer *p)
{
	return p->via ? p->via : p->place;
}

static bool
is_going_below(const struct peer *p, const struct peer *relay)
{
	unsigned n = 0;

	while ((p = parent_of(p)) && n++ < TREE_DEPTH_MAX) {
		if (p == relay)
			return true;
	}
	return n > TREE_DEPTH_MAX;
}

static unsigned
depth_of(const struct peer *p)
{
	unsigned n = 0;

	while ((p = parent_of(p)) && n < TREE_DEPTH_MAX)
		n++;
	return n;
}

/* parent NULL: the master. */
static size_t
count_below(const struct peers *ps, const struct peer *parent)
{
	size_t n = 0;

	list_each (i, &ps->all) {
		const struct peer *p = peer_of(i);

		n += p->state == PEER_FOLLOWS && !p->is_deserted &&
		     parent_of(p) == parent;
	}
	return n;
}

static bool
serves(const struct peer *p)
{
	return p->is_relay && p->state == PEER_FOLLOWS && !p->is_deserted;
}

/* ---- what they are told ---- */

static void
write_fallbacks(struct buf *b, const struct peers *ps, const struct peer *to)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->n_relays && n < FALLBACKS_MAX; i++) {
		list_each (k, &ps->all) {
			const struct peer *p = peer_of(k);

			if (p == to || !serves(p) ||
			    strcmp(jid_domain(p->domain), ps->relays[i]) != 0)
				continue;
			n++;
			buf_adds(b, "<fallback");
			xml_write_attr(b, "jid", ps->relays[i]);
			buf_adds(b, "/>");
		}
	}
}

static void
write_key(struct buf *b, const struct peers *ps, const struct peer *p)
{
	char text[SEAL_TEXT_LEN + 1];
	struct seal seal;

	seal_make_key(&seal, ps->env, ps->room, p->domain);
	seal_write_key(&seal, text);
	xml_write_attr(b, "key", text);
}

static void
tell(struct peers *ps, struct peer *p)
{
	uint64_t hash = FNV_START;
	struct buf b = { 0 };

	buf_adds(&b, "<tree xmlns='" NS_DMUC "'");
	if (p->is_relay)
		buf_adds(&b, " relay='true'");
	if (p->place)
		xml_write_attr(&b, "parent", jid_domain(p->place->domain));
	if (ps->n_relays)
		write_key(&b, ps, p);
	buf_addc(&b, '>');
	write_fallbacks(&b, ps, p);
	buf_adds(&b, "</tree>");
	fnv_mix(&hash, b.data, b.len);
	if (hash != p->told)
		peers_send(ps, p, &b);
	p->told = hash;
	buf_fini(&b);
}

/* ---- who goes where ---- */

static bool
may_move(const struct peer *p, bool is_relay)
{
	return p->state == PEER_FOLLOWS && !p->is_deserted && !p->is_cut &&
	       !p->is_fixed && !parent_of(p) && p->is_relay == is_relay;
}

/* The shallowest free place below a relay. */
static struct peer *
place_for(const struct peers *ps, const struct peer *p)
{
	struct peer *best = NULL;

	list_each (n, &ps->all) {
		struct peer *r = peer_of(n);

		if (r == p || !serves(r) || is_going_below(r, p) ||
		    depth_of(r) + 1 >= TREE_DEPTH_MAX ||
		    count_below(ps, r) >= ps->fanout)
			continue;
		if (!best || depth_of(r) < depth_of(best))
			best = r;
	}
	return best;
}

/* Those that came last go first; relays, where there is nobody else. */
static bool
move_one(struct peers *ps, bool is_relay)
{
	for (struct list *n = ps->all.prev; n != &ps->all; n = n->prev) {
		struct peer *p = peer_of(n);

		if (!may_move(p, is_relay))
			continue;
		p->place = place_for(ps, p);
		if (p->place)
			return true;
	}
	return false;
}

static void
place(struct peers *ps)
{
	size_t n = count_below(ps, NULL);

	while (n > ps->fanout && (move_one(ps, false) || move_one(ps, true)))
		n--;
}

void
tree_settle(struct peers *ps)
{
	ps->is_unsettled = false;
	if (ps->n_relays)
		place(ps);
	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);

		/* Where there never were any, nobody asks. */
		if (p->state == PEER_FOLLOWS && !p->is_deserted &&
		    (ps->n_relays || p->told))
			tell(ps, p);
	}
}

static bool
is_named(const struct peers *ps, const struct peer *p)
{
	for (size_t i = 0; i < ps->n_relays; i++) {
		if (!strcmp(ps->relays[i], jid_domain(p->domain)))
			return true;
	}
	return false;
}

void
tree_set_relays(struct peers *ps, const char *const *relays, size_t n,
		size_t fanout)
{
	ps->relays = relays;
	ps->n_relays = n;
	ps->fanout = fanout;
	list_each (i, &ps->all) {
		struct peer *p = peer_of(i);

		p->is_relay = is_named(ps, p);
		if (!p->is_relay)
			tree_deserted(ps, p);
		p->is_fixed = false;
	}
	tree_settle(ps);
}

/* ---- what happens to them ---- */

void
tree_drop(struct peers *ps, struct peer *relay, const struct jid *domain,
	  uint64_t ask)
{
	struct buf b = { 0 };

	buf_adds(&b, "<drop xmlns='" NS_DMUC "'");
	xml_write_attr(&b, "jid", jid_domain(domain));
	buf_printf(&b, " ask='%" PRIu64 "'/>", ask);
	peers_send(ps, relay, &b);
	buf_fini(&b);
}

void
tree_attached(struct peers *ps, struct peer *p)
{
	if (p->via)
		tree_drop(ps, p->via, p->domain, p->ask);
	p->lacks_own |= p->via != NULL;
	/* It was told to go elsewhere. */
	if (p->place && !p->via)
		p->is_fixed = true;
	p->via = p->place = NULL;
	p->is_cut = false;
	p->told = 0;
	p->is_relay = is_named(ps, p);
	if (!p->is_relay || p->state == PEER_FOLLOWS)
		return;
	/* There is another one now. */
	list_each (n, &ps->all)
		peer_of(n)->is_fixed = false;
}

/* It has to find somebody else. */
static void
lose_parent(struct peers *ps, struct peer *p)
{
	p->lacks_own |= p->via != NULL;
	p->via = p->place = NULL;
	p->told = 0;
	if (p->state != PEER_FOLLOWS)
		return;
	p->state = PEER_LOST;
	tree_orphan(ps, p);
	if (!p->is_cut)
		peers_tell_one(ps, p);
	else if (ps->cls->link)
		ps->cls->link(ps->owner, p, true);
}

void
tree_orphan(struct peers *ps, struct peer *p)
{
	p->place = NULL;
	p->told = 0;
	list_each (n, &ps->all) {
		struct peer *child = peer_of(n);

		if (child->via == p)
			lose_parent(ps, child);
		else if (child->place == p)
			child->place = NULL;
	}
}

void
tree_forget(struct peers *ps, struct peer *p)
{
	if (p->via)
		tree_drop(ps, p->via, p->domain, p->ask);
	p->via = NULL;
	tree_orphan(ps, p);
}

void
tree_deserted(struct peers *ps, struct peer *p)
{
	list_each (n, &ps->all) {
		if (peer_of(n)->via == p)
			tree_drop(ps, p, peer_of(n)->domain, peer_of(n)->ask);
	}
	tree_orphan(ps, p);
	if (p->is_deserted && p->via) {
		tree_drop(ps, p->via, p->domain, p->ask);
		p->via = NULL;
		p->lacks_own = true;
	}
	ps->is_unsettled = true;
}

/* ---- what relays say ---- */

static bool
may_be_below(const struct peers *ps, const struct peer *relay,
	     const struct peer *p, uint64_t ask)
{
	if (!serves(relay) || p == relay || tree_is_below(relay, p) ||
	    depth_of(relay) + 1 >= TREE_DEPTH_MAX || p->is_deserted)
		return false;
	if (p->via == relay)
		return true;
	/* It was told so, or has no other way. */
	if (p->state == PEER_FOLLOWS && ask <= p->ask)
		return false;
	return p->place == relay || p->is_cut ||
	       (p->state != PEER_FOLLOWS &&
		count_below(ps, relay) < ps->fanout);
}

static void
say_child(struct peers *ps, struct peer *relay, const struct peer *p)
{
	struct buf b = { 0 };

	buf_adds(&b, "<child xmlns='" NS_DMUC "'");
	xml_write_attr(&b, "jid", jid_domain(p->domain));
	buf_printf(&b, " ask='%" PRIu64 "'/>", p->ask);
	peers_send(ps, relay, &b);
	buf_fini(&b);
}

void
tree_below(struct peers *ps, struct peer *relay, struct jid *domain,
	   uint64_t ask)
{
	struct peer *p = peers_find(ps, domain);

	p = p ? p : peers_add(ps, domain);
	if (!may_be_below(ps, relay, p, ask)) {
		tree_drop(ps, relay, domain, ask);
		return;
	}
	if (p->via && p->via != relay)
		tree_drop(ps, p->via, domain, p->ask);
	p->ask = ask;
	p->told = 0;
	if (p->place != relay)
		p->place = NULL;
	/* But where it was told to go there. */
	p->lacks_own |= p->state != PEER_FOLLOWS || p->via;
	peers_follow_by(ps, p, relay);
	say_child(ps, relay, p);
	if (p->lacks_own)
		peers_tell_own(ps, p);
	p->lacks_own = false;
	if (p->is_cut && ps->cls->link)
		ps->cls->link(ps->owner, p, false);
	tree_settle(ps);
}

static bool
is_child_in(const struct xml *x, const struct peer *p)
{
	xml_each (kid, x) {
		const char *jid = xml_get(kid, "jid");

		if (jid && !strcmp(jid, jid_domain(p->domain)))
			return true;
	}
	return false;
}

void
tree_children(struct peers *ps, struct peer *relay, const struct xml *x)
{
	const char *refused = xml_get(x, "refused");

	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);

		if (p->via == relay && !is_child_in(x, p))
			lose_parent(ps, p);
	}
	if (refused && !strcmp(refused, "true")) {
		relay->is_relay = false;
		tree_orphan(ps, relay);
	}
	tree_settle(ps);
}

void
tree_lost(struct peers *ps, struct peer *relay, const struct jid *domain,
	  uint64_t ask)
{
	struct peer *p = peers_find(ps, domain);

	if (!p || p->via != relay || p->ask != ask)
		return;
	lose_parent(ps, p);
	tree_settle(ps);
}

/* ---- what goes by them ---- */

bool
tree_open(struct peers *ps, struct peer *p, const char *sealed, struct buf *out)
{
	struct seal seal;
	uint64_t number;

	seal_make_key(&seal, ps->env, ps->room, p->domain);
	if (!seal_open(out, &number, &seal, ps->room->jid, p->domain, true,
		       sealed) ||
	    number <= p->opened)
		return false;
	p->opened = number;
	return true;
}

/* On the way that the log has, so as not to overtake it. */
void
tree_carry(struct peers *ps, struct peer *p, const struct buf *b)
{
	const struct peer *way[TREE_DEPTH_MAX];
	struct buf carry = { 0 };
	struct seal seal;
	size_t n = 0;
	struct peer *next = p;

	do {
		way[n++] = next;
		next = next->via;
	} while (next->via && n < TREE_DEPTH_MAX);
	buf_adds(&carry, "<carry xmlns='" NS_DMUC "' to='");
	/* Names of domains need no escapes. */
	while (n--)
		buf_printf(&carry, "%s%s", jid_domain(way[n]->domain),
			   n ? " " : "'>");
	seal_make_key(&seal, ps->env, ps->room, p->domain);
	seal_close(&carry, &seal, ps->room->jid, p->domain, false, 0, b->data,
		   b->len);
	buf_adds(&carry, "</carry>");
	peers_send_itself(ps, next, &carry);
	buf_fini(&carry);
}
