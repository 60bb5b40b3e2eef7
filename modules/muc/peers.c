/* peers.c - the servers that have a copy of a room. */

#include "modules/muc/peers_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/info.h"
#include "modules/muc/instead.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/snapshot.h"
#include "modules/muc/tree.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
peers_init(struct peers *ps, struct room *room, const struct rules_env *env,
	   const struct peers_class *cls, void *owner)
{
	*ps = (struct peers){
		.room = room, .env = env, .cls = cls, .owner = owner
	};
	list_init(&ps->all);
}

static struct peer *
peer_of(struct list *n)
{
	return container_of(n, struct peer, node);
}

static void
peer_free(struct peer *p)
{
	list_remove(&p->node);
	jid_unref(&p->domain);
	jid_unref(&p->noted.via);
	jid_unref(&p->noted.place);
	free(p->seen);
	free(p->proof);
	free(p);
}

void
peers_fini(struct peers *ps)
{
	list_each_safe (n, &ps->all)
		peer_free(peer_of(n));
	ps->n = 0;
}

struct peer *
peers_find(const struct peers *ps, const struct jid *domain)
{
	list_each (n, &ps->all) {
		if (jid_eq_domain(peer_of(n)->domain, domain))
			return peer_of(n);
	}
	return NULL;
}

struct peer *
peers_add(struct peers *ps, const struct jid *domain)
{
	struct peer *p = mem_zalloc(sizeof(*p));

	assert(!peers_find(ps, domain));
	p->domain = jid_make(NULL, jid_domain(domain), NULL);
	/* It may go on from where it was when it was one before. */
	if (ps->env)
		p->addresses_at = ps->room->log.seq;
	list_append(&ps->all, &p->node);
	ps->n++;
	/* Who comes back later wants what was said meanwhile. */
	ps->room->log.max = PEERS_LOG_MAX;
	return p;
}

/* Who shows the room to that domain's users? */
static void
set_elsewhere(struct peers *ps, struct peer *p, bool is_elsewhere)
{
	p->n_sessions = 0;
	list_each (n, &ps->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			struct room_session *s = room_session_of(k);

			if (!jid_eq_domain(s->jid, p->domain))
				continue;
			s->is_elsewhere = is_elsewhere;
			p->n_sessions++;
		}
	}
}

void
peers_remove(struct peers *ps, struct peer *p)
{
	set_elsewhere(ps, p, false);
	tree_forget(ps, p);
	peer_free(p);
	ps->n--;
	tree_settle(ps);
}

const char *
peer_state_name(enum peer_state state)
{
	static const char *const names[] = {
		[PEER_ASKED] = "asked",
		[PEER_FOLLOWS] = "follows",
		[PEER_LOST] = "lost",
	};

	return names[state];
}

/* ---- sending ---- */

static void
count(struct peers *ps, struct peer *p, struct peers_traffic more)
{
	struct peers_traffic *const all[] = { &p->traffic, ps->total };

	for (size_t i = 0; i < N_ELEMENTS(all) && all[i]; i++) {
		all[i]->n_stanzas += more.n_stanzas;
		all[i]->n_bytes += more.n_bytes;
		all[i]->n_instead_of += more.n_instead_of;
		all[i]->n_bytes_instead_of += more.n_bytes_instead_of;
	}
}

/* One that somebody else shows it to costs us nothing by itself. */
static void
count_instead(struct peers *ps, struct peer *p, const struct instead *each)
{
	if (p->state != PEER_FOLLOWS || p->is_deserted)
		return;
	count(ps, p,
	      (struct peers_traffic){
		      .n_instead_of = each->n_stanzas * p->n_sessions,
		      .n_bytes_instead_of = each->n_bytes * p->n_sessions,
	      });
}

/* With its envelope. */
static size_t
size_of_message(const struct peers *ps, const struct peer *p,
		const struct buf *b)
{
	return strlen("<message from='' to=''></message>") +
	       strlen(jid_str(ps->room->jid)) + strlen(jid_domain(p->domain)) +
	       b->len;
}

void
peers_send_itself(struct peers *ps, struct peer *p, const struct buf *b)
{
	count(ps, p,
	      (struct peers_traffic){ .n_stanzas = 1,
				      .n_bytes = size_of_message(ps, p, b) });
	ps->cls->send(ps->owner, p, b->data, b->len);
}

void
peers_send(struct peers *ps, struct peer *p, const struct buf *b)
{
	if (p->via)
		tree_carry(ps, p, b);
	else
		peers_send_itself(ps, p, b);
}

struct envelope
peers_envelope(const struct peers *ps, const struct peer *p)
{
	return (struct envelope){ .room = ps->room,
				  .env = ps->env,
				  .domain = ps->env ? jid_domain(p->domain)
						    : NULL,
				  .is_entitled = p->is_entitled };
}

/* Whose it is, where it does not come from there. */
static void
write_room(struct buf *b, const struct peers *ps)
{
	if (!ps->env)
		xml_write_attr(b, "room", jid_str(ps->room->jid));
}

static void
begin_log(struct buf *b, const struct peers *ps, bool is_late)
{
	b->len = 0;
	buf_printf(b, "<log xmlns='" NS_DMUC "' epoch='%s'%s",
		   ps->room->log.epoch, is_late ? " late='true'" : "");
	write_room(b, ps);
	buf_addc(b, '>');
}

/* What it has missed. */
static void
send_missing(struct peers *ps, struct peer *p, uint64_t seq, uint64_t last)
{
	struct envelope to = peers_envelope(ps, p);
	struct buf b = { 0 };
	struct entry *e;

	while (seq < last && (e = log_ring_after(&ps->room->log, seq))) {
		begin_log(&b, ps, true);
		do {
			envelope_write_entry(&b, &to, e);
			seq = e->seq;
			e = log_ring_after(&ps->room->log, seq);
		} while (e && seq < last && b.len < ENVELOPE_MAX);
		buf_adds(&b, "</log>");
		peers_send(ps, p, &b);
	}
	buf_fini(&b);
}

struct sending {
	struct peers *peers;
	struct peer *peer;
	uint64_t ask;
	struct buf b;
};

/* Which <attach/> it answers; 0: none. */
static void
write_ask(struct buf *b, uint64_t ask)
{
	if (ask)
		buf_printf(b, " ask='%" PRIu64 "'", ask);
}

static void
send_part(void *data, const struct buf *xml, unsigned number, bool is_last)
{
	struct sending *x = data;
	const struct log_ring *log = &x->peers->room->log;

	x->b.len = 0;
	buf_printf(&x->b,
		   "<snapshot xmlns='" NS_DMUC "' epoch='%s' seq='%" PRIu64
		   "' part='%u'%s",
		   log->epoch, log->seq, number, is_last ? " last='true'" : "");
	write_ask(&x->b, x->ask);
	write_room(&x->b, x->peers);
	buf_addc(&x->b, '>');
	buf_add(&x->b, xml->data, xml->len);
	buf_adds(&x->b, "</snapshot>");
	peers_send(x->peers, x->peer, &x->b);
}

static void
send_room(struct peers *ps, struct peer *p, uint64_t ask)
{
	struct envelope to = peers_envelope(ps, p);
	struct sending x = { .peers = ps, .peer = p, .ask = ask };

	snapshot_write(&to, send_part, &x);
	buf_fini(&x.b);
}

static uint64_t
info_of(const struct peers *ps)
{
	struct muc_limits limits;

	if (!ps->env)
		return info_digest(ps->room, NULL);
	limits = rules_limits(ps->env);
	return info_digest(ps->room, &limits);
}

/* is_lost: whom that is for gets nothing before it attaches, and looks at no
 * digest, which takes a walk over the whole room. */
static void
write_position(struct buf *b, const struct peers *ps, uint64_t ask,
	       bool is_lost)
{
	const struct log_ring *log = &ps->room->log;

	buf_printf(b,
		   "<position xmlns='" NS_DMUC "' epoch='%s' seq='%" PRIu64 "'",
		   log->epoch, log->seq);
	if (!is_lost && (ps->env || ps->has_digest))
		buf_printf(b, " digest='%016" PRIx64 "'",
			   snapshot_digest(ps->room, ps->env));
	if (!is_lost && (ps->env || ps->has_info))
		buf_printf(b, " info='%016" PRIx64 "'", info_of(ps));
	write_ask(b, ask);
	write_room(b, ps);
	if (ps->path)
		xml_write_attr(b, "path", ps->path);
	if (is_lost)
		buf_adds(b, " lost='true'");
	buf_adds(b, "/>");
}

/* ---- entries ---- */

static uint64_t
number_of(const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);

	return value ? strtoull(value, NULL, 10) : 0;
}

struct peers_at
peers_at_of(const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch");

	return (struct peers_at){ epoch ? epoch : "", number_of(x, "seq"),
				  number_of(x, "ask") };
}

bool
peers_can_continue(const struct peers *ps, const struct peers_at *at)
{
	const struct log_ring *log = &ps->room->log;

	return !strcmp(at->epoch, log->epoch) && at->seq <= log->seq &&
	       at->seq >= log_ring_floor(log);
}

void
peers_tell_last(struct peers *ps, struct peer *p, const struct peers_at *at)
{
	if (peers_can_continue(ps, at))
		send_missing(ps, p, at->seq, p->deserted_at);
}

void
peers_follow(struct peers *ps, struct peer *p, const struct peers_at *at)
{
	bool said_cut = p->says_cut;
	struct buf b = { 0 };

	tree_attached(ps, p);
	p->says_cut = false;
	p->is_entitled = peers_has_moderator(ps, p);
	p->state = PEER_FOLLOWS;
	p->acked = 0;
	p->ask = at->ask;
	p->is_deserted = false;
	set_elsewhere(ps, p, true);
	if (peers_can_continue(ps, at)) {
		p->acked = at->seq;
		/* Those who have entered since come with them. */
		if (at->seq < p->addresses_at && peers_may_know_all(ps, p))
			peers_send_addresses(ps, p, true);
		send_missing(ps, p, at->seq, UINT64_MAX);
		if (p->lacks_own)
			peers_tell_own(ps, p);
	} else {
		send_room(ps, p, at->ask);
	}
	/* That was all. */
	write_position(&b, ps, at->ask, false);
	peers_send(ps, p, &b);
	buf_fini(&b);
	/* No way is found again that was not lost here. */
	if (said_cut && ps->cls->link)
		ps->cls->link(ps->owner, p, false);
	tree_settle(ps);
}

void
peers_follow_by(struct peers *ps, struct peer *p, struct peer *relay)
{
	p->via = relay;
	p->is_entitled = peers_has_moderator(ps, p);
	p->state = PEER_FOLLOWS;
	p->acked = 0;
	set_elsewhere(ps, p, true);
}

void
peers_detach(struct peers *ps, struct peer *p, bool users_stay)
{
	struct buf b = { 0 };

	buf_adds(&b, "<detach xmlns='" NS_DMUC "'");
	if (users_stay)
		buf_adds(&b, " users='stay'");
	buf_adds(&b, "/>");
	peers_send(ps, p, &b);
	buf_fini(&b);
}

void
peers_lost(struct peers *ps, struct peer *p)
{
	p->is_cut = true;
	p->says_cut = false;
	/* It is reached all the same. */
	if (p->via)
		return;
	if (p->state == PEER_FOLLOWS)
		p->state = PEER_LOST;
	tree_orphan(ps, p);
	tree_settle(ps);
}

void
peers_found(struct peers *ps, struct peer *p)
{
	p->is_cut = false;
	peers_tell_one(ps, p);
	tree_settle(ps);
}

void
peers_broken(struct peers *ps, struct peer *p)
{
	peers_tell_one(ps, p);
	tree_broken(ps, p);
}

void
peers_acked(struct peers *ps, struct peer *p, const struct xml *x)
{
	struct peers_at at = peers_at_of(x);

	tree_acked(p, xml_get(x, "ticket"));
	if (!strcmp(at.epoch, ps->room->log.epoch) &&
	    at.seq <= ps->room->log.seq && at.seq > p->acked)
		p->acked = at.seq;
}

/* Whom somebody else shows the room to, and how many these are. */
static void
count_joined(struct peers *ps, const struct room_change *c)
{
	struct peer *p = peers_find(ps, c->session->jid);

	if (!p || p->state == PEER_ASKED || c->is_again)
		return;
	c->session->is_elsewhere = true;
	p->n_sessions++;
	p->is_deserted = false;
}

static void
count_left(struct peers *ps, const struct room_change *c)
{
	struct peer *p = peers_find(ps, c->occupant->bare);

	if (!p || p->state == PEER_ASKED)
		return;
	p->n_sessions -= c->is_last ? c->occupant->n_sessions : 1;
}

/* Is it none of its business? When it has users again it finds that something
 * is missing, and gets it. */
static bool
is_kept_from(const struct peer *p)
{
	/* Or it comes by a relay. */
	return p->state != PEER_FOLLOWS || p->is_deserted || p->via;
}

/* After the last of its users has left: it has been told that. */
static void
desert(struct peers *ps, struct peer *p, const struct room_change *c)
{
	if (c->entry->type != ENTRY_LEAVE || p->n_sessions ||
	    p->state != PEER_FOLLOWS ||
	    !jid_eq_domain(c->occupant->bare, p->domain))
		return;
	p->is_deserted = true;
	p->deserted_at = c->entry->seq;
	tree_deserted(ps, p);
}

static void
write_log(struct buf *b, const struct peers *ps, const struct envelope *to,
	  const struct entry *e)
{
	begin_log(b, ps, false);
	envelope_write_entry(b, to, e);
	buf_adds(b, "</log>");
}

void
peers_applied(struct peers *ps, const struct room_change *c)
{
	struct buf logs[2] = { { 0 }, { 0 } }, own = { 0 };
	bool is_for_all = envelope_is_for_all(c->entry);
	struct instead each = { 0, 0 };

	if (ps->n)
		each = instead_of_entry(ps->room, c);
	peers_remember_put_out(ps, c);
	if (c->entry->type == ENTRY_JOIN)
		count_joined(ps, c);
	else if (c->entry->type == ENTRY_LEAVE)
		count_left(ps, c);
	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);
		struct envelope to = peers_envelope(ps, p);
		struct buf *b;
		/* It is to know its own users. */
		bool is_own = !is_for_all ||
			      (c->entry->jid &&
			       jid_eq_domain(c->entry->jid, p->domain));

		if (!p->via)
			peers_entitle(ps, p, c);
		count_instead(ps, p, &each);
		if (is_kept_from(p))
			continue;
		b = is_own ? &own : &logs[p->is_entitled];
		to.is_entitled = p->is_entitled;
		if (!is_own)
			to.domain = NULL;
		if (is_own || !b->len)
			write_log(b, ps, &to, c->entry);
		peers_send(ps, p, b);
	}
	/* Behind what relays pass on. */
	list_each (n, &ps->all) {
		if (peer_of(n)->via)
			peers_tell_beside(ps, peer_of(n), c);
		desert(ps, peer_of(n), c);
	}
	buf_fini(&logs[0]);
	buf_fini(&logs[1]);
	buf_fini(&own);
	if (ps->is_unsettled)
		tree_settle(ps);
	if (++ps->n_undigested >= PEERS_DIGEST_EVERY)
		peers_tell_position(ps);
}

void
peers_pass_on(struct peers *ps, const struct entry *e, bool is_late)
{
	struct envelope to = { .room = ps->room };
	struct buf b = { 0 };

	begin_log(&b, ps, is_late);
	envelope_write_entry(&b, &to, e);
	buf_adds(&b, "</log>");
	list_each (n, &ps->all) {
		if (peer_of(n)->state == PEER_FOLLOWS)
			peers_send(ps, peer_of(n), &b);
	}
	buf_fini(&b);
}

/* By a relay others are told, once it is there itself. */
static bool
is_told(const struct peer *p)
{
	return p->state != PEER_ASKED && !p->is_deserted && !p->via;
}

void
peers_tell_position(struct peers *ps)
{
	struct buf b = { 0 };

	ps->n_undigested = 0;
	write_position(&b, ps, 0, false);
	list_each (n, &ps->all) {
		if (peer_of(n)->state == PEER_LOST)
			peers_tell_one(ps, peer_of(n));
		else if (is_told(peer_of(n)))
			peers_send(ps, peer_of(n), &b);
	}
	buf_fini(&b);
}

void
peers_tell_one(struct peers *ps, struct peer *p)
{
	struct buf b = { 0 };

	if (!is_told(p))
		return;
	write_position(&b, ps, 0, p->state == PEER_LOST);
	peers_send(ps, p, &b);
	buf_fini(&b);
}

void
peers_tell_stranger(struct peers *ps, struct jid *domain)
{
	struct peer stranger = { .domain = domain };
	struct buf b = { 0 };

	write_position(&b, ps, 0, true);
	peers_send(ps, &stranger, &b);
	buf_fini(&b);
}
