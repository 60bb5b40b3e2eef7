/* peers.c - the servers that have a copy of a room. */

#include "modules/muc/peers.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/info.h"
#include "modules/muc/ns.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/snapshot.h"
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
	peer_free(p);
	ps->n--;
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
	}
}

static void
send(struct peers *ps, struct peer *p, const struct buf *b)
{
	count(ps, p, (struct peers_traffic){ 1, b->len, 0 });
	ps->cls->send(ps->owner, p, b->data, b->len);
}

static struct envelope
to_peer(const struct peers *ps, const struct peer *p)
{
	return (struct envelope){ .room = ps->room,
				  .env = ps->env,
				  .domain = jid_domain(p->domain),
				  .is_entitled = p->is_entitled };
}

static void
begin_log(struct buf *b, const struct peers *ps, bool is_late)
{
	b->len = 0;
	buf_printf(b, "<log xmlns='" NS_DMUC "' epoch='%s'%s>",
		   ps->room->log.epoch, is_late ? " late='true'" : "");
}

/* What it has missed. */
static void
send_missing(struct peers *ps, struct peer *p, uint64_t seq)
{
	struct envelope to = to_peer(ps, p);
	struct buf b = { 0 };
	struct entry *e;

	while ((e = log_ring_after(&ps->room->log, seq))) {
		begin_log(&b, ps, true);
		do {
			envelope_write_entry(&b, &to, e);
			seq = e->seq;
			e = log_ring_after(&ps->room->log, seq);
		} while (e && b.len < ENVELOPE_MAX);
		buf_adds(&b, "</log>");
		send(ps, p, &b);
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
	buf_addc(&x->b, '>');
	buf_add(&x->b, xml->data, xml->len);
	buf_adds(&x->b, "</snapshot>");
	send(x->peers, x->peer, &x->b);
}

static void
send_room(struct peers *ps, struct peer *p, uint64_t ask)
{
	struct envelope to = to_peer(ps, p);
	struct sending x = { .peers = ps, .peer = p, .ask = ask };

	snapshot_write(&to, send_part, &x);
	buf_fini(&x.b);
}

static void
write_position(struct buf *b, const struct peers *ps, uint64_t ask)
{
	const struct log_ring *log = &ps->room->log;
	struct muc_limits limits = { (int)ps->env->occupants_max,
				     (int)ps->env->history_max };

	buf_printf(b,
		   "<position xmlns='" NS_DMUC "' epoch='%s' seq='%" PRIu64
		   "' digest='%016" PRIx64 "' info='%016" PRIx64 "'",
		   log->epoch, log->seq, snapshot_digest(ps->room, ps->env),
		   info_digest(ps->room, &limits));
	write_ask(b, ask);
	buf_adds(b, "/>");
}

/* ---- who may know addresses ---- */

static bool
has_moderator(const struct peers *ps, const struct peer *p)
{
	list_each (n, &ps->room->occupants) {
		const struct occupant *o = occupant_of(n);

		if (o->role == ROLE_MODERATOR &&
		    jid_eq_domain(o->bare, p->domain))
			return true;
	}
	return false;
}

/* Of all who are in the room. */
static void
send_addresses(struct peers *ps, struct peer *p)
{
	struct buf b = { 0 };

	buf_adds(&b, "<whois xmlns='" NS_DMUC "'>");
	list_each (n, &ps->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			const struct room_session *s = room_session_of(k);
			struct jid *who =
				pseudonym_of(ps->env, ps->room, s->jid);

			buf_adds(&b, "<session");
			xml_write_attr(&b, "who", jid_str(who));
			xml_write_attr(&b, "jid", jid_str(s->jid));
			buf_adds(&b, "/>");
			jid_unref(&who);
		}
	}
	buf_adds(&b, "</whois>");
	send(ps, p, &b);
	buf_fini(&b);
}

static void
entitle(struct peers *ps, struct peer *p, const struct room_change *c)
{
	const struct occupant *o = c->occupant;
	bool was = p->is_entitled;

	switch (c->entry->type) {
	case ENTRY_JOIN:
	case ENTRY_ROLE:
	case ENTRY_LEAVE:
		if (!jid_eq_domain(o->bare, p->domain))
			return;
		if (c->entry->type != ENTRY_LEAVE && o->role == ROLE_MODERATOR)
			p->is_entitled = true;
		else if (was)
			p->is_entitled = has_moderator(ps, p);
		break;
	case ENTRY_CONFIG:
		if (c->old_config.whois != ps->room->config.whois &&
		    ps->room->config.whois == WHOIS_ANYONE)
			send_addresses(ps, p);
		return;
	default:
		return;
	}
	if (p->is_entitled && !was && ps->room->config.whois != WHOIS_ANYONE)
		send_addresses(ps, p);
}

/* ---- entries ---- */

static uint64_t
number_of(const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);

	return value ? strtoull(value, NULL, 10) : 0;
}

void
peers_follow(struct peers *ps, struct peer *p, const struct xml *at)
{
	const struct log_ring *log = &ps->room->log;
	const char *epoch = xml_get(at, "epoch");
	uint64_t seq = number_of(at, "seq");
	struct buf b = { 0 };

	p->is_entitled = has_moderator(ps, p);
	p->state = PEER_FOLLOWS;
	p->acked = 0;
	p->is_deserted = false;
	set_elsewhere(ps, p, true);
	if (!epoch || strcmp(epoch, log->epoch) != 0 || seq > log->seq ||
	    seq < log_ring_floor(log)) {
		send_room(ps, p, number_of(at, "ask"));
	} else {
		p->acked = seq;
		send_missing(ps, p, seq);
		if (p->lacks_addresses &&
		    (p->is_entitled || ps->room->config.whois == WHOIS_ANYONE))
			send_addresses(ps, p);
	}
	p->lacks_addresses = false;
	/* That was all. */
	write_position(&b, ps, number_of(at, "ask"));
	send(ps, p, &b);
	buf_fini(&b);
}

void
peers_lost(struct peers *ps, struct peer *p)
{
	(void)ps;
	if (p->state == PEER_FOLLOWS)
		p->state = PEER_LOST;
}

void
peers_acked(struct peers *ps, struct peer *p, const char *epoch, uint64_t seq)
{
	if (!strcmp(epoch, ps->room->log.epoch) && seq <= ps->room->log.seq &&
	    seq > p->acked)
		p->acked = seq;
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
is_kept_from(struct peer *p, const struct entry *e)
{
	if (p->state != PEER_FOLLOWS)
		return true;
	if (p->is_deserted && e->type == ENTRY_CONFIG)
		p->lacks_addresses = true;
	return p->is_deserted;
}

/* After the last of its users has left: it has been told that. */
static void
desert(struct peer *p, const struct room_change *c)
{
	if (c->entry->type == ENTRY_LEAVE && !p->n_sessions &&
	    jid_eq_domain(c->occupant->bare, p->domain))
		p->is_deserted = true;
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

	if (c->entry->type == ENTRY_JOIN)
		count_joined(ps, c);
	else if (c->entry->type == ENTRY_LEAVE)
		count_left(ps, c);
	list_each (n, &ps->all) {
		struct peer *p = peer_of(n);
		struct envelope to = to_peer(ps, p);
		struct buf *b;
		/* It is to know its own users. */
		bool is_own = !is_for_all ||
			      (c->entry->jid &&
			       jid_eq_domain(c->entry->jid, p->domain));

		if (is_kept_from(p, c->entry))
			continue;
		entitle(ps, p, c);
		b = is_own ? &own : &logs[p->is_entitled];
		to.is_entitled = p->is_entitled;
		if (!is_own)
			to.domain = NULL;
		if (is_own || !b->len)
			write_log(b, ps, &to, c->entry);
		send(ps, p, b);
		count(ps, p, (struct peers_traffic){ 0, 0, p->n_sessions });
		desert(p, c);
	}
	buf_fini(&logs[0]);
	buf_fini(&logs[1]);
	buf_fini(&own);
	if (++ps->n_undigested >= PEERS_DIGEST_EVERY)
		peers_tell_position(ps);
}

void
peers_tell_position(struct peers *ps)
{
	struct buf b = { 0 };

	ps->n_undigested = 0;
	write_position(&b, ps, 0);
	list_each (n, &ps->all) {
		if (peer_of(n)->state != PEER_ASKED && !peer_of(n)->is_deserted)
			send(ps, peer_of(n), &b);
	}
	buf_fini(&b);
}

void
peers_tell_stranger(struct peers *ps, struct jid *domain)
{
	struct peer stranger = { .domain = domain };
	struct buf b = { 0 };

	write_position(&b, ps, 0);
	send(ps, &stranger, &b);
	buf_fini(&b);
}

/* ---- submissions ---- */

/* In peer->outcomes: 0, or 1 and the condition. */
#define UNDER_WAY 0

/* Where it is, or PEERS_SEEN. */
static size_t
find_seen(const struct peer *p, const char *submit)
{
	uint64_t hash = hash_str(submit);
	size_t n = p->n_seen < PEERS_SEEN ? (size_t)p->n_seen : PEERS_SEEN;

	for (size_t i = 0; i < n; i++) {
		if (p->seen[i] == hash)
			return i;
	}
	return PEERS_SEEN;
}

bool
peers_has_seen(const struct peer *p, const char *submit)
{
	return find_seen(p, submit) < PEERS_SEEN;
}

bool
peers_is_new(struct peer *p, const char *submit)
{
	size_t at = p->n_seen % PEERS_SEEN;

	if (peers_has_seen(p, submit))
		return false;
	p->seen[at] = hash_str(submit);
	p->outcomes[at] = UNDER_WAY;
	p->n_seen++;
	return true;
}

void
peers_done(struct peer *p, const char *submit, enum stanza_cond cond)
{
	size_t at = find_seen(p, submit);

	if (at < PEERS_SEEN)
		p->outcomes[at] = (uint8_t)(1 + cond);
}

bool
peers_outcome(const struct peer *p, const char *submit,
	      enum stanza_cond *cond_out)
{
	size_t at = find_seen(p, submit);

	if (at == PEERS_SEEN || p->outcomes[at] == UNDER_WAY)
		return false;
	*cond_out = (enum stanza_cond)(p->outcomes[at] - 1);
	return true;
}

void
peers_settled(struct peers *ps, struct peer *p, const char *submit)
{
	struct buf b = { 0 };

	buf_adds(&b, "<settled xmlns='" NS_DMUC "'");
	xml_write_attr(&b, "submit", submit);
	buf_adds(&b, "/>");
	send(ps, p, &b);
	buf_fini(&b);
}
