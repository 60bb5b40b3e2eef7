/* slave_way.c - whom a copy gets the log from: the room's master itself, or a
 * relay. */

#include "modules/muc/slave_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was asked for and has not come is asked for again. */
#define ASK_AGAIN_MS 10000

/* So long a relay that did not serve is left alone. */
#define RELAY_AGAIN_MS 30000

/* More relays are not kept in mind. */
#define RELAYS_MAX 8

/* ---- saying something ---- */

bool
slave_is_carried(const struct slave *s)
{
	return s->is_cut && s->parent;
}

void
slave_carry(struct slave *s, const char *xml, size_t len)
{
	struct buf b = { 0 };

	/* It is passed up again, when there is one. */
	if (!s->has_seal || !*s->session)
		return;
	buf_adds(&b, "<carry xmlns='" NS_DMUC "'");
	xml_write_attr(&b, "room", jid_str(s->jid));
	xml_write_attr(&b, "from", jid_str(s->domain));
	buf_addc(&b, '>');
	seal_close(&b, &s->seal, s->jid, s->domain, s->session, ++s->n_sealed,
		   xml, len);
	buf_adds(&b, "</carry>");
	s->cls->send(s->owner, s->parent, b.data, b.len);
	buf_fini(&b);
}

void
slave_tell_master(struct slave *s, const char *xml, size_t len)
{
	if (slave_is_carried(s))
		slave_carry(s, xml, len);
	else
		s->cls->send(s->owner, NULL, xml, len);
}

static void
write_at(struct buf *b, const char *name, const char *epoch, uint64_t seq)
{
	buf_printf(b, "<%s xmlns='" NS_DMUC "'", name);
	xml_write_attr(b, "epoch", epoch);
	buf_printf(b, " seq='%" PRIu64 "'", seq);
}

void
slave_say(struct slave *s, const char *name)
{
	struct buf b = { 0 };

	write_at(&b, name, s->room->log.epoch, s->room->log.seq);
	if (s->parent)
		xml_write_attr(&b, "room", jid_str(s->jid));
	buf_adds(&b, "/>");
	s->cls->send(s->owner, s->parent, b.data, b.len);
	buf_fini(&b);
}

void
slave_say_to_master(struct slave *s, const char *name)
{
	struct buf b = { 0 };

	write_at(&b, name, s->room->log.epoch, s->room->log.seq);
	buf_adds(&b, "/>");
	slave_tell_master(s, b.data, b.len);
	buf_fini(&b);
}

/* That we want to have the log from it: for the master, to whom the relay has
 * to show it. */
static void
write_proof(struct buf *b, struct slave *s, const struct jid *relay)
{
	char *text;

	token_make(s->nonce, SEAL_NONCE_LEN);
	*s->session = '\0';
	s->n_sealed = s->n_opened = 0;
	text = mem_printf(
		"%s %" PRIu64 " %s %s %s%s", jid_str(relay), s->n_asked,
		s->nonce, *s->room->log.epoch ? s->room->log.epoch : "-",
		*s->ticket ? s->ticket : "-", s->is_cut ? " cut" : "");
	buf_adds(b, " proof='");
	seal_close(b, &s->seal, s->jid, s->domain, SEAL_PROOF, 0, text,
		   strlen(text));
	buf_addc(b, '\'');
	free(text);
}

static void
say_attach(struct slave *s, struct jid *to, bool for_all)
{
	struct buf b = { 0 };

	write_at(&b, "attach", for_all ? NO_EPOCH : s->room->log.epoch,
		 for_all ? 0 : s->room->log.seq);
	buf_printf(&b, " ask='%" PRIu64 "'", ++s->n_asked);
	if (to) {
		xml_write_attr(&b, "room", jid_str(s->jid));
		write_proof(&b, s, to);
		/* The master says it better, if it can. */
		if (s->is_cut)
			buf_adds(&b, " whole='true'");
	}
	buf_adds(&b, "/>");
	s->cls->send(s->owner, to, b.data, b.len);
	buf_fini(&b);
}

/* ---- which way ---- */

/* relay NULL: none, any more. */
static void
note_way(struct slave *s, const struct jid *relay)
{
	const struct jid *was = s->parent;
	char *text;

	if (relay == was || (relay && was && jid_eq(relay, was)))
		return;
	text = relay ? mem_printf("by the relay %s", jid_str(relay))
		     : mem_printf("not by the relay %s any more", jid_str(was));
	s->cls->note(s->owner, text);
	free(text);
}

static void
set_parent(struct slave *s, struct jid *parent, bool is_placed)
{
	note_way(s, parent);
	jid_unref(&s->parent);
	s->parent = parent ? jid_ref(parent) : NULL;
	s->is_placed = is_placed;
	jid_unref(&s->asked);
}

void
slave_ask(struct slave *s, bool for_all)
{
	/* A relay does not tell all of it. */
	if (s->parent && !s->is_cut && for_all)
		set_parent(s, NULL, false);
	slave_set_state(s, SLAVE_BEHIND);
	s->asked_ms = s->now_ms;
	slave_drop_next(s);
	/* It may have forgotten what it worked on. */
	list_each (n, &s->pending)
		slave_pending_of(n)->is_there = false;
	say_attach(s, s->parent, for_all);
}

/* To the master itself, which knows more than any relay. */
void
slave_attach(struct slave *s)
{
	/* It is asked when there is a way again. */
	if (s->state == SLAVE_SPLIT)
		return;
	if (s->parent && !s->is_cut) {
		set_parent(s, NULL, false);
		slave_ask(s, false);
		return;
	}
	if (s->state != SLAVE_BEHIND || s->now_ms - s->asked_ms >= ASK_AGAIN_MS)
		slave_ask(s, false);
}

static struct slave_relay *
relay_find(const struct slave *s, const struct jid *domain)
{
	for (size_t i = 0; i < s->n_relays; i++) {
		if (jid_eq(s->relays[i].domain, domain))
			return &s->relays[i];
	}
	return NULL;
}

static void
refuse_relay(struct slave *s, const struct jid *domain)
{
	struct slave_relay *r = relay_find(s, domain);

	if (r)
		r->not_before_ms = s->now_ms + RELAY_AGAIN_MS;
}

/* In a split: the next of them. It is over when one answers. */
static void
ask_relay(struct slave *s)
{
	jid_unref(&s->asked);
	for (size_t i = 0; i < s->n_relays; i++) {
		struct slave_relay *r = &s->relays[i];

		if (r->not_before_ms > s->now_ms || !s->has_seal)
			continue;
		s->asked = jid_ref(r->domain);
		s->asked_ms = s->now_ms;
		say_attach(s, r->domain, false);
		return;
	}
}

static void
split(struct slave *s)
{
	slave_set_state(s, SLAVE_SPLIT);
	slave_drop_next(s);
	s->is_faded = false;
	relay_release_all(s);
	slave_show_waiting(s);
	ask_relay(s);
}

void
slave_leave_relay(struct slave *s)
{
	if (s->state == SLAVE_SPLIT) {
		refuse_relay(s, s->asked);
		ask_relay(s);
		return;
	}
	refuse_relay(s, s->parent);
	set_parent(s, NULL, false);
	if (s->is_cut)
		split(s);
	else
		slave_ask(s, false);
}

/* ---- ways are lost and found ---- */

static bool
is_master(const struct slave *s, const struct jid *domain)
{
	return jid_eq_domain(s->jid, domain);
}

static bool
is_source(const struct slave *s, const struct jid *domain)
{
	const struct jid *relay =
		s->state == SLAVE_SPLIT ? s->asked : s->parent;

	return relay && jid_eq_domain(relay, domain);
}

void
slave_lost(struct slave *s, const struct jid *domain)
{
	if (is_source(s, domain))
		slave_leave_relay(s);
	relay_lost(s, domain);
	if (!is_master(s, domain) || s->is_cut)
		return;
	s->is_cut = true;
	if (s->parent)
		/* What is on its way up may be lost. */
		slave_ask(s, false);
	else
		split(s);
}

void
slave_found(struct slave *s, const struct jid *domain)
{
	struct slave_relay *r = relay_find(s, domain);

	if (r)
		r->not_before_ms = 0;
	if (r && s->state == SLAVE_SPLIT && !s->asked)
		ask_relay(s);
	if (!is_master(s, domain))
		return;
	if (s->is_cut)
		s->cls->note(s->owner, "there is a way to the master again");
	s->is_cut = false;
	if (s->state == SLAVE_SPLIT)
		slave_unfade(s);
	if (!s->is_placed)
		set_parent(s, NULL, false);
	slave_ask(s, false);
}

void
slave_bounced(struct slave *s, const struct jid *domain)
{
	if (is_source(s, domain))
		slave_leave_relay(s);
	relay_lost(s, domain);
}

void
slave_broken(struct slave *s, const struct jid *domain)
{
	relay_broken(s, domain);
	if (s->state == SLAVE_SPLIT ||
	    !(is_master(s, domain) || is_source(s, domain)))
		return;
	if (s->state != SLAVE_BEHIND || s->now_ms - s->asked_ms >= ASK_AGAIN_MS)
		slave_ask(s, false);
}

/* ---- what the master wants ---- */

static void
forget_relays(struct slave *s)
{
	for (size_t i = 0; i < s->n_relays; i++)
		jid_unref(&s->relays[i].domain);
	free(s->relays);
	s->relays = NULL;
	s->n_relays = 0;
}

static struct jid *
read_domain(const struct slave *s, const struct xml *x, const char *name)
{
	const char *text = xml_get(x, name);
	struct jid *jid = text ? jid_parse(text) : NULL;

	if (jid && (!jid_is_domain(jid) || jid_eq(jid, s->domain)))
		jid_unref(&jid);
	return jid;
}

static void
read_relays(struct slave *s, const struct xml *x)
{
	forget_relays(s);
	s->relays = mem_zalloc(RELAYS_MAX * sizeof(*s->relays));
	xml_each (kid, x) {
		struct jid *domain = xml_is(kid, "fallback", NS_DMUC)
					     ? read_domain(s, kid, "jid")
					     : NULL;

		if (domain && s->n_relays < RELAYS_MAX &&
		    !relay_find(s, domain) && !jid_eq_domain(domain, s->jid))
			s->relays[s->n_relays++].domain = jid_ref(domain);
		jid_unref(&domain);
	}
}

/* Nor is anything kept for them. */
static void
stop_relaying(struct slave *s)
{
	char epoch[LOG_EPOCH_LEN + 1];

	relay_release_all(s);
	if (!s->room->log.max)
		return;
	strcpy(epoch, s->room->log.epoch);
	s->room->log.max = 0;
	log_ring_resume(&s->room->log, epoch, s->room->log.seq);
}

void
slave_set_may_relay(struct slave *s, bool may_relay)
{
	bool was = s->may_relay;

	s->may_relay = may_relay;
	/* It has said no. Who attaches is asked again. */
	if (may_relay && !was && s->is_wanted && s->state == SLAVE_CURRENT)
		slave_attach(s);
	if (may_relay || !s->is_relay)
		return;
	s->is_relay = false;
	stop_relaying(s);
	if (s->state != SLAVE_SPLIT)
		relay_name_children(s);
}

/* It has come. */
static void
say_ticket(struct slave *s)
{
	struct buf b = { 0 };

	write_at(&b, "ack", s->room->log.epoch, s->room->log.seq);
	xml_write_attr(&b, "ticket", s->ticket);
	buf_adds(&b, "/>");
	slave_tell_master(s, b.data, b.len);
	buf_fini(&b);
}

void
slave_answer_tree(struct slave *s)
{
	if (s->owes_ticket)
		say_ticket(s);
	if (s->owes_children)
		relay_name_children(s);
	s->owes_ticket = s->owes_children = false;
}

void
slave_on_tree(struct slave *s, const struct xml *x)
{
	const char *relay = xml_get(x, "relay"), *key = xml_get(x, "key");
	struct jid *parent = read_domain(s, x, "parent");
	const char *session = xml_get(x, "session");
	const char *ticket = xml_get(x, "ticket");
	bool is_asked;

	read_relays(s, x);
	s->has_seal = key && seal_read_key(&s->seal, key);
	if (session && strlen(session) <= SEAL_NONCE_LEN)
		strcpy(s->session, session);
	if (ticket && strlen(ticket) <= SEAL_NONCE_LEN)
		strcpy(s->ticket, ticket);
	is_asked = relay && !strcmp(relay, "true");
	/* One that has refused is told so, and is to remember it. */
	s->is_wanted = is_asked || (s->is_wanted && !s->may_relay);
	s->is_relay = s->may_relay && is_asked;
	if (s->is_relay)
		s->room->log.max = PEERS_LOG_MAX;
	else
		stop_relaying(s);
	s->owes_ticket |= ticket != NULL;
	s->owes_children |= is_asked;
	/* In a split there is no way to say so, yet. */
	if (s->state != SLAVE_SPLIT)
		slave_answer_tree(s);
	if (s->state == SLAVE_SPLIT || s->is_cut) {
		;
	} else if (parent && s->has_seal && relay_find(s, parent) &&
		   !(s->parent && jid_eq(s->parent, parent))) {
		set_parent(s, parent, true);
		slave_ask(s, false);
	} else if (parent) {
		s->is_placed = true;
	} else if (s->parent) {
		set_parent(s, NULL, false);
		slave_ask(s, false);
	}
	jid_unref(&parent);
}

/* ---- what comes from relays ---- */

static bool
is_of_log(const struct xml *x)
{
	static const char *const names[] = { "log", "snapshot", "position",
					     "released", "carry" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		if (!strcmp(x->name, names[i]))
			return true;
	}
	return false;
}

/* The relay that was asked in a split has a way to the master. */
static bool
begins(struct slave *s, const struct xml *x)
{
	struct jid *relay;

	if (!strcmp(x->name, "released") || !strcmp(x->name, "carry"))
		return true;
	if (strcmp(x->name, "log") != 0 && !slave_is_answer(s, x))
		return false;
	relay = jid_ref(s->asked);
	set_parent(s, relay, false);
	jid_unref(&relay);
	slave_unfade(s);
	slave_set_state(s, SLAVE_BEHIND);
	return true;
}

bool
slave_takes_from(struct slave *s, const struct jid *from, const struct xml *x)
{
	if (!is_of_log(x) || !is_source(s, from) ||
	    (!strcmp(x->name, "carry") && !xml_get(x, "to")))
		return false;
	return s->state == SLAVE_SPLIT ? begins(s, x) : true;
}

void
slave_released(struct slave *s, const struct xml *x)
{
	if (slave_is_answer(s, x))
		slave_leave_relay(s);
}

/* ---- the whole ---- */

void
slave_way_tick(struct slave *s)
{
	bool is_late = s->now_ms - s->asked_ms >= ASK_AGAIN_MS;

	if (s->state == SLAVE_SPLIT) {
		if (s->asked && is_late)
			slave_leave_relay(s);
		else if (!s->asked)
			ask_relay(s);
	} else if (s->state == SLAVE_BEHIND && is_late) {
		if (s->parent)
			slave_leave_relay(s);
		else
			slave_ask(s, false);
	}
}

void
slave_way_free(struct slave *s)
{
	forget_relays(s);
	jid_unref(&s->parent);
	jid_unref(&s->asked);
	free(s->path);
}
