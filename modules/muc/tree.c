/* tree.c - which servers get a room's log from a relay and not from its master
 * itself. */

#include "modules/muc/tree.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/token.h"
#include "modules/muc/fnv.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/seal.h"
#include "modules/muc/tree_wish.h"
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

/* Those that have a copy, in the order of their names. */
struct fallbacks {
	const struct peer *relays[FALLBACKS_MAX + 1];
	size_t n;
};

static struct fallbacks
find_fallbacks(const struct peers *ps)
{
	struct fallbacks f = { .n = 0 };

	for (size_t i = 0; i < ps->n_relays && f.n <= FALLBACKS_MAX; i++) {
		list_each (k, &ps->all) {
			const struct peer *p = peer_of(k);

			if (f.n <= FALLBACKS_MAX && serves(p) &&
			    !strcmp(jid_domain(p->domain), ps->relays[i]))
				f.relays[f.n++] = p;
		}
	}
	return f;
}

static void
write_fallback(struct buf *b, const struct peer *relay)
{
	buf_adds(b, "<fallback");
	xml_write_attr(b, "jid", jid_domain(relay->domain));
	buf_adds(b, "/>");
}

static void
write_fallbacks(struct buf *b, const struct fallbacks *f, const struct peer *to)
{
	size_t n = 0;

	if (to->place) {
		write_fallback(b, to->place);
		n++;
	}
	for (size_t i = 0; i < f->n && n < FALLBACKS_MAX; i++) {
		if (f->relays[i] == to || f->relays[i] == to->place)
			continue;
		n++;
		write_fallback(b, f->relays[i]);
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

/* What it is told of the tree, which depends on nothing else. */
static uint64_t
hash_of(const struct peers *ps, const struct fallbacks *f, const struct peer *p)
{
	uint64_t hash = FNV_START;

	fnv_int(&hash, p->is_relay);
	fnv_int(&hash, ps->n_relays > 0);
	fnv_text(&hash, p->place ? jid_domain(p->place->domain) : "");
	fnv_text(&hash, p->via ? p->session : "");
	for (size_t i = 0; i < f->n; i++)
		fnv_text(&hash, jid_domain(f->relays[i]->domain));
	return hash;
}

static void
tell(struct peers *ps, const struct fallbacks *f, struct peer *p)
{
	uint64_t hash = hash_of(ps, f, p);
	struct buf b = { 0 };

	if (hash == p->told)
		return;
	p->told = hash;
	p->was_told = true;
	buf_adds(&b, "<tree xmlns='" NS_DMUC "'");
	if (p->is_relay)
		buf_adds(&b, " relay='true'");
	if (p->place)
		xml_write_attr(&b, "parent", jid_domain(p->place->domain));
	if (ps->n_relays)
		write_key(&b, ps, p);
	if (ps->n_relays && *p->ticket)
		xml_write_attr(&b, "ticket", p->ticket);
	if (p->via)
		xml_write_attr(&b, "session", p->session);
	buf_addc(&b, '>');
	write_fallbacks(&b, f, p);
	buf_adds(&b, "</tree>");
	peers_send(ps, p, &b);
	buf_fini(&b);
}

/* ---- who goes where ---- */

static bool
may_move(const struct peer *p, bool is_relay)
{
	return p->state == PEER_FOLLOWS && !p->is_deserted && !p->is_cut &&
	       !p->wait && !parent_of(p) && p->is_relay == is_relay;
}

/* How many are below it, one below the other. */
static unsigned
height_of(const struct peers *ps, const struct peer *of)
{
	unsigned height = 0;

	list_each (n, &ps->all) {
		const struct peer *p = peer_of(n);
		unsigned k = 1;

		while ((p = parent_of(p)) && p != of && k <= TREE_DEPTH_MAX)
			k++;
		if (p == of && k > height)
			height = k;
	}
	return height;
}

static bool
is_too_deep(const struct peers *ps, const struct peer *relay,
	    const struct peer *p)
{
	return depth_of(relay) + 1 + height_of(ps, p) >= TREE_DEPTH_MAX;
}

/* The shallowest free place below a relay. */
static struct peer *
place_for(const struct peers *ps, const struct peer *p)
{
	struct peer *best = NULL;

	list_each (n, &ps->all) {
		struct peer *r = peer_of(n);

		if (r == p || !serves(r) || is_going_below(r, p) ||
		    is_too_deep(ps, r, p) || count_below(ps, r) >= ps->fanout)
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
		p->n_placed = 0;
		/* Where there is none for one, there is none for others. */
		if (p->place || !is_relay)
			return p->place != NULL;
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
	struct fallbacks f;

	ps->is_unsettled = false;
	if (ps->n_relays)
		place(ps);
	f = find_fallbacks(ps);
	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);

		/* Where there never were any, nobody asks. */
		if (p->state == PEER_FOLLOWS && !p->is_deserted &&
		    (ps->n_relays || p->was_told))
			tell(ps, &f, p);
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

static void drop_children(struct peers *ps, struct peer *relay);

void
tree_set_relays(struct peers *ps, const char *const *relays, size_t n,
		size_t fanout)
{
	ps->relays = relays;
	ps->n_relays = n;
	ps->fanout = fanout;
	list_each (i, &ps->all) {
		struct peer *p = peer_of(i);
		bool was = p->is_relay;

		p->is_relay = is_named(ps, p);
		if (was && !p->is_relay)
			drop_children(ps, p);
		p->wait = p->n_left = 0;
	}
	tree_settle(ps);
}

/* It has been below one for long, then. */
#define AT_EASE 20
/* It does not go where it was told to. */
#define NOT_GOING 3

/* It has not got along with a relay, and is told to go to one again after so
 * many looks; each time later. */
static void
stay_away(struct peer *p)
{
	p->wait = 1u << p->n_left;
	if (p->n_left < 6)
		p->n_left++;
}

static void
stay_here(struct peers *ps, struct peer *p)
{
	p->place = NULL;
	stay_away(p);
	ps->is_unsettled = true;
}

void
tree_tick(struct peers *ps)
{
	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);

		if (p->via ? ++p->n_placed > AT_EASE : false)
			p->n_left = 0;
		if (p->place && !p->via && ++p->n_placed > NOT_GOING)
			stay_here(ps, p);
		else if (p->wait)
			ps->is_unsettled |= !--p->wait;
		/* What it was told when its relay lost it may have come while
		 * it still waited for that. */
		if (p->state == PEER_LOST && !p->is_cut)
			peers_tell_one(ps, p);
	}
	if (ps->is_unsettled)
		tree_settle(ps);
}

/* ---- what happens to them ---- */

/* What was on its way to those below it may be lost. The relays name them again
 * when they are told of the tree. */
static bool
doubt_below(struct peers *ps, struct peer *relay)
{
	bool has_any = false;

	list_each (n, &ps->all) {
		if (!tree_is_below(peer_of(n), relay))
			continue;
		peer_of(n)->lacks_own = true;
		has_any = true;
	}
	if (has_any)
		relay->told = 0;
	return has_any;
}

void
tree_broken(struct peers *ps, struct peer *p)
{
	if (doubt_below(ps, p))
		tree_settle(ps);
}

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
	if (p->via || p->place)
		stay_away(p);
	p->via = p->place = NULL;
	p->is_cut = false;
	p->told = 0;
	doubt_below(ps, p);
	p->is_relay = is_named(ps, p);
	/* What is on its way to it may be lost again: it has one of the two. */
	if (p->has_answered || !*p->ticket) {
		strcpy(p->old_ticket, p->ticket);
		token_make(p->ticket, SEAL_NONCE_LEN);
	}
	p->has_answered = false;
}

void
tree_acked(struct peer *p, const char *ticket)
{
	if (!ticket || strcmp(ticket, p->ticket) != 0)
		return;
	p->has_answered = true;
	/* Before it attaches again that may be of before. */
	if (p->state == PEER_FOLLOWS && !p->via && !p->is_deserted)
		p->lacks_own = false;
}

/* It has to find somebody else. */
static void
lose_parent(struct peers *ps, struct peer *p)
{
	p->lacks_own |= p->via != NULL;
	if (p->via)
		stay_away(p);
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

static void
lose_children(struct peers *ps, struct peer *relay)
{
	list_each (n, &ps->all) {
		struct peer *child = peer_of(n);

		if (child->via == relay)
			lose_parent(ps, child);
		else if (child->place == relay)
			child->place = NULL;
	}
}

void
tree_orphan(struct peers *ps, struct peer *p)
{
	p->place = NULL;
	p->told = 0;
	lose_children(ps, p);
}

void
tree_forget(struct peers *ps, struct peer *p)
{
	if (p->via)
		tree_drop(ps, p->via, p->domain, p->ask);
	p->via = NULL;
	tree_orphan(ps, p);
}

static void
drop_children(struct peers *ps, struct peer *relay)
{
	list_each (n, &ps->all) {
		const struct peer *p = peer_of(n);

		if (p->via == relay)
			tree_drop(ps, relay, p->domain, p->ask);
	}
	lose_children(ps, relay);
}

void
tree_deserted(struct peers *ps, struct peer *p)
{
	drop_children(ps, p);
	p->place = NULL;
	p->told = 0;
	p->wait = p->n_placed = 0;
	if (p->via) {
		tree_drop(ps, p->via, p->domain, p->ask);
		p->via = NULL;
		p->lacks_own = true;
	}
	ps->is_unsettled = true;
}

/* ---- what relays say ---- */

static bool
may_be_below(const struct peers *ps, const struct peer *relay,
	     const struct peer *p, uint64_t ask, bool is_cut)
{
	if (!serves(relay) || p == relay || tree_is_below(relay, p) ||
	    is_too_deep(ps, relay, p) || p->is_deserted)
		return false;
	if (p->via == relay)
		return ask >= p->ask;
	/* It was told so, or has no other way. */
	if (p->state == PEER_FOLLOWS && ask <= p->ask)
		return false;
	return p->place == relay || p->is_cut || is_cut ||
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

static void
go_below(struct peers *ps, struct peer *relay, struct peer *p, uint64_t ask,
	 const struct tree_wish *wish)
{
	struct fallbacks f = find_fallbacks(ps);

	if (p->via && p->via != relay)
		tree_drop(ps, p->via, p->domain, p->ask);
	p->ask = ask;
	if (strcmp(p->nonce, wish->nonce) != 0) {
		strcpy(p->nonce, wish->nonce);
		token_make(p->session, SEAL_NONCE_LEN);
		p->opened = 0;
	}
	if (p->place != relay)
		p->place = NULL;
	p->wait = p->n_placed = 0;
	p->says_cut |= wish->is_cut && !p->is_cut;
	p->is_cut |= wish->is_cut;
	if (!*p->ticket)
		token_make(p->ticket, SEAL_NONCE_LEN);
	peers_follow_by(ps, p, relay);
	doubt_below(ps, p);
	/* It has something to seal with before it is current. */
	p->told = 0;
	tell(ps, &f, p);
	say_child(ps, relay, p);
	/* What was on its way to it may be lost, and the relay has not all. */
	peers_tell_own(ps, p);
	p->lacks_own = false;
}

void
tree_below(struct peers *ps, struct peer *relay, struct jid *domain,
	   const struct xml *x)
{
	uint64_t ask = peers_at_of(x).ask;
	struct peer *p = peers_find(ps, domain);
	struct tree_wish wish;
	bool is_new = !p;

	/* What was taken once stands, however often the relay says so. */
	if (!tree_wish_read(ps, relay, domain, x, &wish) ||
	    !(tree_wish_holds(p, relay, ask, &wish) ||
	      tree_wish_is_fresh(ps, p, &wish))) {
		tree_refuse(ps, relay, domain, ask);
		return;
	}
	p = p ? p : peers_add(ps, domain);
	if (!may_be_below(ps, relay, p, ask, wish.is_cut)) {
		tree_refuse(ps, relay, domain, ask);
		if (is_new)
			peers_remove(ps, p);
		return;
	}
	go_below(ps, relay, p, ask, &wish);
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
		lose_children(ps, relay);
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

void
tree_refuse(struct peers *ps, struct peer *relay, const struct jid *domain,
	    uint64_t ask)
{
	struct peer *p = peers_find(ps, domain);

	tree_drop(ps, relay, domain, ask);
	if (!p || p->via != relay || p->ask > ask)
		return;
	lose_parent(ps, p);
	tree_settle(ps);
}

bool
tree_is_in_force(const struct peers *ps, const struct peer *relay,
		 const struct jid *domain, const struct xml *x)
{
	struct tree_wish wish;

	return tree_wish_read(ps, relay, domain, x, &wish) &&
	       tree_wish_holds(peers_find(ps, domain), relay,
			       peers_at_of(x).ask, &wish);
}

/* ---- what goes by them ---- */

bool
tree_open(struct peers *ps, struct peer *p, const char *sealed, struct buf *out)
{
	struct seal seal;
	uint64_t number;

	seal_make_key(&seal, ps->env, ps->room, p->domain);
	if (!seal_open(out, &number, &seal, ps->room->jid, p->domain,
		       p->session, sealed) ||
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
	seal_close(&carry, &seal, ps->room->jid, p->domain, p->nonce,
		   ++ps->n_sealed, b->data, b->len);
	buf_adds(&carry, "</carry>");
	peers_send_itself(ps, next, &carry);
	buf_fini(&carry);
}
