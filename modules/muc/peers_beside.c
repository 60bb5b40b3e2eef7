/* peers_beside.c - what servers that have a copy of a room are told beside its
 * log: addresses, where they may know them, and, where the log comes by a
 * relay, what that does not say; and who was put out, whom no copy may bring
 * back. */

#include "modules/muc/peers_private.h"

#include "base/buf.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/ns.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/snapshot.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <string.h>

/* ---- who may know addresses ---- */

bool
peers_has_moderator(const struct peers *ps, const struct peer *p)
{
	list_each (n, &ps->room->occupants) {
		const struct occupant *o = occupant_of(n);

		if (o->role == ROLE_MODERATOR &&
		    jid_eq_domain(o->bare, p->domain))
			return true;
	}
	return false;
}

static void
write_address(struct buf *b, const struct peers *ps, const struct jid *real)
{
	struct jid *who = pseudonym_of(ps->env, ps->room, real);

	buf_adds(b, "<session");
	xml_write_attr(b, "who", jid_str(who));
	xml_write_attr(b, "jid", jid_str(real));
	buf_adds(b, "/>");
	jid_unref(&who);
}

bool
peers_may_know_all(const struct peers *ps, const struct peer *p)
{
	return p->is_entitled || ps->room->config.whois == WHOIS_ANYONE;
}

#define BEGIN_WHOIS "<whois xmlns='" NS_DMUC "'>"

/* And begins another one. */
static void
end_addresses(struct peers *ps, struct peer *p, struct buf *b)
{
	buf_adds(b, "</whois>");
	peers_send(ps, p, b);
	b->len = 0;
	buf_adds(b, BEGIN_WHOIS);
}

/* Of all who are in the room, or of its own users. */
void
peers_send_addresses(struct peers *ps, struct peer *p, bool are_all)
{
	struct buf b = { 0 };

	buf_adds(&b, BEGIN_WHOIS);
	list_each (n, &ps->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			const struct jid *real = room_session_of(k)->jid;

			if (!are_all && !jid_eq_domain(real, p->domain))
				continue;
			if (b.len > ENVELOPE_MAX)
				end_addresses(ps, p, &b);
			write_address(&b, ps, real);
		}
	}
	end_addresses(ps, p, &b);
	buf_fini(&b);
}

/* The entry comes by a relay, which may not know. */
static void
send_address(struct peers *ps, struct peer *p, const struct jid *real)
{
	struct buf b = { 0 };

	buf_adds(&b, BEGIN_WHOIS);
	write_address(&b, ps, real);
	end_addresses(ps, p, &b);
	buf_fini(&b);
}

/* Where it gets nothing now, it is told when it comes. */
static void
owe_addresses(struct peers *ps, struct peer *p)
{
	p->addresses_at = ps->room->log.seq;
	if (p->state == PEER_FOLLOWS && !p->is_deserted)
		peers_send_addresses(ps, p, true);
}

void
peers_entitle(struct peers *ps, struct peer *p, const struct room_change *c)
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
			p->is_entitled = peers_has_moderator(ps, p);
		break;
	case ENTRY_CONFIG:
		if (c->old_config.whois != ps->room->config.whois &&
		    ps->room->config.whois == WHOIS_ANYONE)
			owe_addresses(ps, p);
		return;
	default:
		return;
	}
	if (p->is_entitled && !was && ps->room->config.whois != WHOIS_ANYONE)
		owe_addresses(ps, p);
}

/* ---- lists ---- */

struct listing {
	struct peers *peers;
	struct peer *peer;
	struct buf b;
};

static void
write_lists(struct buf *b, const struct peers *ps, bool are_all)
{
	buf_printf(b, "<lists xmlns='" NS_DMUC "' epoch='%s'%s>",
		   ps->room->log.epoch, are_all ? " all='true'" : "");
}

static void
send_lists_part(void *data, const struct buf *xml, unsigned number,
		bool is_last)
{
	struct listing *x = data;

	(void)is_last;
	x->b.len = 0;
	write_lists(&x->b, x->peers, number == 1);
	buf_add(&x->b, xml->data, xml->len);
	buf_adds(&x->b, "</lists>");
	peers_send(x->peers, x->peer, &x->b);
}

/* What is about its users, as it is now. */
static void
send_lists(struct peers *ps, struct peer *p)
{
	struct envelope to = peers_envelope(ps, p);
	struct listing x = { .peers = ps, .peer = p };

	snapshot_write_lists(&to, send_lists_part, &x);
	buf_fini(&x.b);
}

/* One for which a relay has a place in the log only. */
static void
send_list(struct peers *ps, struct peer *p, const struct entry *e)
{
	struct envelope to = peers_envelope(ps, p);
	struct entry copy = *e;
	struct buf b = { 0 };

	copy.seq = 0;
	copy.submit = NULL;
	write_lists(&b, ps, false);
	envelope_write_entry(&b, &to, &copy);
	buf_adds(&b, "</lists>");
	peers_send(ps, p, &b);
	buf_fini(&b);
}

void
peers_tell_own(struct peers *ps, struct peer *p)
{
	send_lists(ps, p);
	peers_send_addresses(ps, p, peers_may_know_all(ps, p));
}

/* What the relay does not tell it of the entry. */
void
peers_tell_beside(struct peers *ps, struct peer *p, const struct room_change *c)
{
	const struct entry *e = c->entry;

	peers_entitle(ps, p, c);
	if (e->type == ENTRY_AFFILIATION && jid_eq_domain(e->jid, p->domain))
		send_list(ps, p, e);
	else if (e->type == ENTRY_JOIN && p->is_entitled &&
		 ps->room->config.whois != WHOIS_ANYONE)
		send_address(ps, p, e->jid);
}

/* ---- who was put out ---- */

static bool
is_put_out_by(int code)
{
	return code == 301 || code == 307 || code == 322;
}

static void
note_put_out(struct peers *ps, const struct room_session *s)
{
	ps->put_out[ps->n_put_out++ % PEERS_PUT_OUT] = jid_hash(s->jid) | 1;
}

bool
peers_was_put_out(const struct peers *ps, const struct jid *user)
{
	for (size_t i = 0; i < PEERS_PUT_OUT; i++) {
		if (ps->put_out[i] == (jid_hash(user) | 1))
			return true;
	}
	return false;
}

void
peers_remember_put_out(struct peers *ps, const struct room_change *c)
{
	if (c->entry->type == ENTRY_JOIN && ps->n_put_out) {
		for (size_t i = 0; i < PEERS_PUT_OUT; i++) {
			if (ps->put_out[i] == (jid_hash(c->session->jid) | 1))
				ps->put_out[i] = 0;
		}
	}
	if (c->entry->type != ENTRY_LEAVE || !is_put_out_by(c->entry->code))
		return;
	if (!c->is_last) {
		note_put_out(ps, c->session);
		return;
	}
	list_each (n, &c->occupant->sessions)
		note_put_out(ps, room_session_of(n));
}
