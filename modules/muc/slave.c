/* slave.c - a copy of another server's room, for the users of one domain. */

#include "modules/muc/slave.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/ns.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/room_size.h"
#include "modules/muc/rules.h"
#include "modules/muc/snapshot.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its position is told so often. */
#define ACK_EVERY 16

/* What was asked for and has not come is asked for again. */
#define ASK_AGAIN_MS 10000

/* What one user may have waiting. */
#define PENDING_MAX	 200
#define PENDING_SIZE_MAX (128 << 10) /* bytes, and one stanza more */

/* What was passed up and not answered is passed up again. */
#define PASS_AGAIN_MS 60000

/* What a snapshot may hold: entries. */
#define SNAPSHOT_MAX 100000

/* Status code of who has left because his server could not be reached. */
#define UNREACHABLE 333

/* So long a copy stays without users. */
#define DESERTED_MS 60000

/* So many bytes are counted as they come, before they are looked at again. */
#define SIZE_STEP (16 << 10)

/* The epoch of a copy that has nothing yet. */
#define NO_EPOCH ""

const char *
slave_state_name(enum slave_state state)
{
	static const char *const names[] = {
		[SLAVE_BEHIND] = "behind",
		[SLAVE_CURRENT] = "current",
		[SLAVE_SPLIT] = "split",
	};

	return names[state];
}

static void
set_state(struct slave *s, enum slave_state state)
{
	if (s->state != state)
		s->since_ms = s->now_ms;
	s->state = state;
}

/* ---- those of ours ---- */

static struct slave_local *
local_of(struct map_node *n)
{
	return container_of(n, struct slave_local, node);
}

static bool
local_eq(const struct map_node *n, const void *jid)
{
	return jid_eq(local_of((struct map_node *)n)->real, jid);
}

static struct slave_local *
local_find(const struct slave *s, const struct jid *full)
{
	struct map_node *n;

	n = map_find(&s->locals, jid_hash(full), local_eq, full);
	return n ? local_of(n) : NULL;
}

struct room_session *
slave_session(const struct slave *s, const struct jid *full)
{
	struct slave_local *l = local_find(s, full);

	return l ? l->session : NULL;
}

static struct slave_local *
local_add(struct slave *s, struct room_session *session, struct jid *real)
{
	struct slave_local *l = local_find(s, real);

	if (!l) {
		l = mem_zalloc(sizeof(*l));
		l->real = jid_ref(real);
		l->since = ++s->turn;
		map_insert(&s->locals, &l->node, jid_hash(real));
	}
	l->session = session;
	l->is_missing = false;
	session->is_elsewhere = false;
	if (!session->real)
		session->real = jid_ref(real);
	return l;
}

static void
local_free(struct slave *s, struct slave_local *l)
{
	map_remove(&s->locals, &l->node);
	jid_unref(&l->real);
	free(l);
}

static bool
is_ours(const struct slave *s, const struct jid *real)
{
	return real && jid_eq_domain(real, s->domain);
}

/* ---- what waits ---- */

static struct slave_pending *
pending_of(struct list *n)
{
	return container_of(n, struct slave_pending, node);
}

static uint64_t
hash_stanza(const struct jid *user, const char *id)
{
	return jid_hash(user) * UINT64_C(0x9e3779b97f4a7c15) ^ hash_str(id);
}

static bool
was_answered(const struct slave *s, const struct stanza *error)
{
	uint64_t hash;

	if (!stanza_id(error))
		return false;
	hash = hash_stanza(error->to, stanza_id(error));
	for (size_t i = 0; i < SLAVE_ANSWERED; i++) {
		if (s->answered[i] == hash)
			return true;
	}
	return false;
}

static void
pending_drop(struct slave *s, struct slave_pending *p)
{
	if (p->stanza && stanza_id(p->stanza))
		s->answered[s->n_answered++ % SLAVE_ANSWERED] =
			hash_stanza(p->user, stanza_id(p->stanza));
	list_remove(&p->node);
	s->n_pending--;
	jid_unref(&p->user);
	stanza_unref(&p->stanza);
	free(p->nick);
	free(p->occupant);
	free(p);
}

static struct slave_pending *
pending_add(struct slave *s, enum slave_pending_kind kind, struct jid *user,
	    struct stanza *stanza, const char *id)
{
	struct slave_pending *p = mem_zalloc(sizeof(*p));

	p->user = jid_ref(user);
	p->stanza = stanza ? stanza_ref(stanza) : NULL;
	p->kind = kind;
	p->passed_ms = s->now_ms;
	if (id)
		snprintf(p->id, sizeof(p->id), "%s", id);
	else
		token_make(p->id, SUBMIT_ID_LEN);
	list_append(&s->pending, &p->node);
	s->n_pending++;
	return p;
}

static struct slave_pending *
pending_by_id(struct slave *s, const char *id)
{
	list_each (n, &s->pending) {
		if (!strcmp(pending_of(n)->id, id))
			return pending_of(n);
	}
	return NULL;
}

static size_t
count_pending(const struct slave *s, const struct jid *user, size_t *size_out)
{
	size_t count = 0;

	*size_out = 0;
	list_each (n, &s->pending) {
		const struct slave_pending *p = pending_of(n);

		if (!jid_eq(p->user, user))
			continue;
		count++;
		*size_out += p->stanza ? arena_size(p->stanza->arena) : 0;
	}
	return count;
}

/* Whoever leaves may do so, once. */
static bool
may_wait(struct slave *s, const struct stanza *stanza)
{
	size_t size, n = count_pending(s, stanza->from, &size);

	return (n < s->pending_max && size < PENDING_SIZE_MAX) ||
	       (stanza->type == TYPE_UNAVAILABLE &&
		!slave_is_leaving(s, stanza->from));
}

/* A snapshot does not say what it comes from. */
static struct slave_pending *
pending_of_message(struct slave *s, const struct entry *e)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = pending_of(n);

		if (p->stanza && p->occupant && e->stanza_id &&
		    e->occupant_id && stanza_id(p->stanza) &&
		    !strcmp(stanza_id(p->stanza), e->stanza_id) &&
		    !strcmp(p->occupant, e->occupant_id))
			return p;
	}
	return NULL;
}

/* What the same user has sent before it. */
static struct slave_pending *
pending_before(struct slave *s, struct slave_pending *p)
{
	for (struct list *n = p->node.prev; n != &s->pending; n = n->prev) {
		if (jid_eq(pending_of(n)->user, p->user) &&
		    pending_of(n)->kind != PENDING_LEAVE)
			return pending_of(n);
	}
	return NULL;
}

/* The master is not to take it before that, which may be lost: what one user
 * says stays in its order. */
static void
add_order(struct slave *s, struct slave_pending *p, struct arena *a,
	  struct xml *submit)
{
	struct slave_pending *before = pending_before(s, p);

	if (before && before->round == s->round)
		xml_set(a, submit, "after", before->id);
}

static void
pass_up(struct slave *s, struct slave_pending *p)
{
	struct room_session *session = slave_session(s, p->user);
	char stamp[CLOCK_STAMP_MAX];
	struct stanza *copy;
	struct xml *x;

	p->round = s->round;
	p->passed_ms = s->now_ms;
	if (p->kind == PENDING_RETURN) {
		if (session)
			s->cls->rejoin(s->owner, p->user,
				       session->occupant->nick,
				       session->payload, p->id);
		else
			/* Who has left meanwhile does not return. */
			pending_drop(s, p);
		return;
	}
	if (p->kind == PENDING_LEAVE) {
		s->cls->leave(s->owner, p->user, p->nick);
		pending_drop(s, p);
		return;
	}
	copy = stanza_edit(p->stanza);
	x = xml_add(copy->arena, copy->root, "submit", NS_DMUC);
	xml_set(copy->arena, x, "id", p->id);
	if (p->stamp_ms)
		xml_set(copy->arena, x, "stamp",
			clock_stamp(p->stamp_ms, stamp));
	add_order(s, p, copy->arena, x);
	s->cls->submit(s->owner, copy);
}

/* ---- applying ---- */

bool
slave_is_leaving(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		const struct slave_pending *p = pending_of(n);

		if (jid_eq(p->user, user) &&
		    (p->kind == PENDING_LEAVE ||
		     (p->stanza && p->stanza->type == TYPE_UNAVAILABLE)))
			return true;
	}
	return false;
}

/* Nobody is in it twice. */
static bool
may_be(const struct slave *s, const struct room_session *session,
       const struct jid *real)
{
	const struct slave_local *l = local_find(s, real);

	return !l || l->session == session;
}

/* Whose session it is, as far as that may be known here. */
static void
identify(struct slave *s, const struct entry *e, struct room_session *session,
	 const struct slave_pending *p)
{
	bool is_entering = p && p->kind == PENDING_STANZA;
	struct jid *real = is_entering ? p->user : e->real;

	if (!session->real || !is_ours(s, session->real)) {
		jid_unref(&session->real);
		session->real = jid_ref(real);
		session->is_elsewhere = true;
	}
	if (!is_ours(s, real) || !may_be(s, session, real) ||
	    (!is_entering && slave_is_leaving(s, real)))
		return;
	/* It has gone while nobody could say so. */
	if (s->cls->is_here(s->owner, real))
		local_add(s, session, real)->heard =
			s->next && !is_entering ? s->next->last_archive_id : 0;
	else
		s->cls->leave(s->owner, real, e->nick);
}

static void
forget_locals(struct slave *s, const struct room_change *c)
{
	list_each (n, &c->occupant->sessions) {
		struct room_session *session = room_session_of(n);
		struct slave_local *l =
			session->real ? local_find(s, session->real) : NULL;

		if (l && l->session == session)
			local_free(s, l);
	}
}

static void
forget_left(struct slave *s, const struct room_change *c)
{
	struct slave_local *l;

	if (c->is_last) {
		forget_locals(s, c);
		return;
	}
	l = c->session->real ? local_find(s, c->session->real) : NULL;
	if (l && l->session == c->session)
		local_free(s, l);
}

static bool
is_return(const struct slave_pending *p)
{
	return p && p->kind == PENDING_RETURN;
}

/* Is it about us? That the master did not reach us, ours know better. */
static bool
is_own_link(const struct slave *s, const struct entry *e)
{
	map_each (n, &s->locals)
		return jid_eq_domain(local_of(n)->session->jid, e->jid);
	return false;
}

/* As what he was, but that the master may have taken him for away? */
static bool
comes_back(const struct slave *s, const struct entry *e)
{
	const struct room_session *session = room_session(s->room, e->jid);

	return session && session->occupant->role == e->role &&
	       session->occupant->affiliation == e->affiliation &&
	       room_same_payload(session->payload, e->payload);
}

/* Asked before it is applied. */
static bool
is_visible(const struct slave *s, const struct entry *e,
	   const struct slave_pending *p)
{
	if (e->type == ENTRY_LINK)
		return !is_own_link(s, e);
	return !(e->type == ENTRY_JOIN && is_return(p) && comes_back(s, e));
}

static bool
is_join(const struct stanza *s)
{
	return s->kind == STANZA_PRESENCE && s->type == TYPE_NONE &&
	       stanza_child(s, "x", NS_MUC);
}

static struct slave_pending *
pending_join(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = pending_of(n);

		if (p->stanza && jid_eq(p->user, user) && is_join(p->stanza))
			return p;
	}
	return NULL;
}

/* A snapshot does not say that it is by this that he is in the room. */
static struct slave_pending *
pending_of_join(struct slave *s, const struct entry *e)
{
	if (!is_ours(s, e->real) || room_session(s->room, e->jid) ||
	    slave_is_leaving(s, e->real))
		return NULL;
	return pending_join(s, e->real);
}

bool
slave_serves(struct slave *s, const struct jid *full)
{
	return slave_session(s, full) || pending_join(s, full);
}

static struct slave_pending *
pending_of_entry(struct slave *s, const struct entry *e, bool is_late)
{
	if (e->submit)
		return pending_by_id(s, e->submit);
	if (is_late && e->type == ENTRY_JOIN)
		return pending_of_join(s, e);
	return is_late && e->type == ENTRY_MESSAGE ? pending_of_message(s, e)
						   : NULL;
}

static bool apply(struct slave *s, struct entry *e, bool is_late);

/* In the split, or before there was a copy? */
static bool
has_seen(const struct slave_local *l, const struct entry *e,
	 const struct slave_pending *p)
{
	return (p && l->since < p->shown_at) ||
	       (e->archive_id && e->archive_id <= l->heard);
}

/* Not to those who have seen it. */
static void
show(struct slave *s, const struct room_change *c,
     const struct slave_pending *p)
{
	const struct entry *e = c->entry;

	map_each (n, &s->locals) {
		if (e->type == ENTRY_MESSAGE && has_seen(local_of(n), e, p))
			local_of(n)->session->is_elsewhere = true;
	}
	s->cls->applied(s->owner, c, p ? p->stanza : NULL);
	map_each (n, &s->locals) {
		if (e->type == ENTRY_MESSAGE)
			local_of(n)->session->is_elsewhere = false;
	}
}

/* Who returns gets another nickname, as somebody has his now. */
static void
rename_returned(struct slave *s, const struct entry *e)
{
	const struct room_session *session =
		e->jid ? room_session(s->room, e->jid) : NULL;
	struct entry *nick;

	if (!session || !strcmp(session->occupant->nick, e->nick))
		return;
	nick = entry_new(&(struct entry){ .type = ENTRY_NICK,
					  .stamp_ms = e->stamp_ms,
					  .nick = session->occupant->nick,
					  .new_nick = e->nick,
					  .is_renamed = true });
	apply(s, nick, false);
	entry_unref(&nick);
}

static bool
apply(struct slave *s, struct entry *e, bool is_late)
{
	struct slave_pending *p = pending_of_entry(s, e, is_late);
	struct room_change c;
	bool is_shown;

	if (is_return(p) && e->type == ENTRY_JOIN)
		rename_returned(s, e);
	if (!room_can_apply(s->room, e)) {
		if (p)
			pending_drop(s, p);
		return false;
	}
	is_shown = is_visible(s, e, p);
	room_apply(s->room, e, &c);
	c.is_late = is_late;
	if (e->type == ENTRY_JOIN)
		identify(s, e, c.session, p);
	if (is_shown)
		show(s, &c, p);
	if (e->type == ENTRY_LEAVE)
		forget_left(s, &c);
	room_change_fini(&c);
	if (p)
		pending_drop(s, p);
	return true;
}

bool
slave_apply(struct slave *s, struct entry *e, bool is_late)
{
	return apply(s, e, is_late);
}

/* ---- positions ---- */

static void
say_at(struct slave *s, const char *name, const char *epoch, uint64_t seq,
       uint64_t ask)
{
	struct buf b = { 0 };

	buf_printf(&b, "<%s xmlns='" NS_DMUC "'", name);
	xml_write_attr(&b, "epoch", epoch);
	buf_printf(&b, " seq='%" PRIu64 "'", seq);
	if (ask)
		buf_printf(&b, " ask='%" PRIu64 "'", ask);
	buf_adds(&b, "/>");
	s->cls->send(s->owner, b.data, b.len);
	buf_fini(&b);
}

static void
say(struct slave *s, const char *name)
{
	say_at(s, name, s->room->log.epoch, s->room->log.seq, 0);
}

static void
drop_next(struct slave *s)
{
	room_free(s->next);
	s->next = NULL;
	s->next_part = 0;
	s->next_entries = 0;
}

static void
ask(struct slave *s, bool for_all)
{
	set_state(s, SLAVE_BEHIND);
	s->asked_ms = s->now_ms;
	drop_next(s);
	/* It may have forgotten what it worked on. */
	list_each (n, &s->pending)
		pending_of(n)->is_there = false;
	say_at(s, "attach", for_all ? NO_EPOCH : s->room->log.epoch,
	       for_all ? 0 : s->room->log.seq, ++s->n_asked);
}

void
slave_attach(struct slave *s)
{
	/* It is asked when there is a way again. */
	if (s->state == SLAVE_SPLIT)
		return;
	if (s->state != SLAVE_BEHIND || s->now_ms - s->asked_ms >= ASK_AGAIN_MS)
		ask(s, false);
}

static void
acknowledge(struct slave *s)
{
	if (!s->n_unacked)
		return;
	s->n_unacked = 0;
	say(s, "ack");
}

/* ---- what comes from the master ---- */

/* The master has put out one of ours whom it could not reach. He is here, and
 * is to enter again. */
static bool
is_put_out(const struct slave *s, const struct entry *e)
{
	const struct room_session *session =
		e->jid ? room_session(s->room, e->jid) : NULL;

	return e->type == ENTRY_LEAVE && e->code == UNREACHABLE && session &&
	       session->real && slave_session(s, session->real) == session;
}

void
slave_end(struct slave *s)
{
	if (s->is_over)
		return;
	s->is_over = true;
	/* What waits will never be answered here. */
	while (!list_is_empty(&s->pending)) {
		struct slave_pending *p = pending_of(s->pending.next);

		if (p->stanza && p->stanza->type != TYPE_UNAVAILABLE)
			s->cls->refuse(s->owner, p->stanza,
				       COND_REMOTE_SERVER_TIMEOUT,
				       "the room has lost sight of this");
		pending_drop(s, p);
	}
	s->cls->over(s->owner);
}

/* There is nobody of ours in it. */
static void
leave_master(struct slave *s)
{
	say(s, "detach");
	slave_end(s);
}

/* Counts it, and sometimes all that there is. False: it is too much. */
static bool
grow(struct slave *s, const struct entry *e)
{
	size_t more = room_size_of_entry(e);

	s->size += more;
	if (s->size <= s->size_max && s->size <= s->size_again)
		return true;
	s->size = room_size(s->room) + more;
	if (s->next)
		s->size += room_size(s->next);
	s->size_again = 2 * s->size + SIZE_STEP;
	/* With some room, so as not to count each time. */
	return s->size <= s->size_max / 4 * 3;
}

static bool
is_about_to_enter(const struct slave *s, const struct slave_pending *p)
{
	return p->stanza && p->stanza->kind == STANZA_PRESENCE &&
	       p->stanza->type == TYPE_NONE && !slave_session(s, p->user);
}

/* It has waited in a split, and was not passed up since. */
static bool
is_held(const struct slave *s, const struct slave_pending *p)
{
	return p->stanza && p->stamp_ms && p->round != s->round;
}

/* Those of ours are ordinary occupants now. What else waits is with the master,
 * or on its way there. But who was about to enter a room that is not here any
 * more (again) has seen nothing of it. */
static void
hand_over(struct slave *s, bool again)
{
	while (!list_is_empty(&s->pending)) {
		struct slave_pending *p = pending_of(s->pending.next);

		if (is_held(s, p) || (again && is_about_to_enter(s, p)))
			s->cls->submit(s->owner, stanza_ref(p->stanza));
		else if (p->stanza && p->stanza->type != TYPE_UNAVAILABLE &&
			 s->now_ms - p->passed_ms >= ASK_AGAIN_MS)
			/* Or it would have been answered. */
			s->cls->refuse(s->owner, p->stanza,
				       COND_REMOTE_SERVER_TIMEOUT,
				       "the room has lost sight of this");
		pending_drop(s, p);
	}
	slave_end(s);
}

void
slave_leave(struct slave *s, const char *why, bool at_once)
{
	static const char stay[] = "<detach xmlns='" NS_DMUC "' users='stay'/>";

	if (s->is_over || (!at_once && s->is_leaving))
		return;
	s->cls->note(s->owner, why);
	s->cls->send(s->owner, stay, sizeof(stay) - 1);
	s->is_leaving = true;
	if (!at_once)
		return;
	drop_next(s);
	hand_over(s, true);
}

enum taken { TAKEN, GAP, MISFIT };

static enum taken
take_next(struct slave *s, struct entry *e, bool is_late)
{
	if (!grow(s, e)) {
		slave_leave(s, "the room is too large", true);
		return TAKEN;
	}
	/* The room as a whole shows nobody that he was away. */
	if (is_put_out(s, e))
		return MISFIT;
	/* Who has left already is not missed. */
	if (e->type != N_ENTRY_TYPES && !apply(s, e, is_late) &&
	    e->type != ENTRY_LEAVE)
		return MISFIT;
	e->seq = 0;
	log_ring_append(&s->room->log, e);
	if (++s->n_unacked >= ACK_EVERY)
		acknowledge(s);
	return TAKEN;
}

static enum taken
take_entry(struct slave *s, const struct xml *x, bool is_late)
{
	struct err err = { 0 };
	struct entry *e = envelope_read_entry(s->jid, x, &err);
	enum taken taken = TAKEN;

	if (!e) {
		s->cls->note(s->owner, err.text);
		return MISFIT;
	}
	switch (log_ring_order(&s->room->log, e->seq)) {
	case LOG_NEXT:
		taken = take_next(s, e, is_late);
		break;
	case LOG_GAP:
		taken = GAP;
		break;
	case LOG_DUPLICATE:
		break;
	}
	entry_unref(&e);
	return taken;
}

static void
on_log(struct slave *s, const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch"), *late = xml_get(x, "late");
	bool is_late = late && !strcmp(late, "true");

	if (s->state == SLAVE_SPLIT || s->next)
		return;
	if (!epoch || strcmp(epoch, s->room->log.epoch) != 0) {
		slave_attach(s);
		return;
	}
	xml_each (kid, x) {
		enum taken taken = take_entry(s, kid, is_late);

		if (s->room->is_destroyed && !s->is_over)
			slave_end(s);
		if (s->is_over)
			return;
		if (taken == TAKEN)
			continue;
		/* What is missing may fit. What does not never will. */
		if (taken == MISFIT)
			ask(s, true);
		else if (s->state != SLAVE_BEHIND)
			ask(s, false);
		return;
	}
}

/* False: it is too much. */
static bool
put_next(struct slave *s, const struct xml *x)
{
	struct err err = { 0 };
	struct entry *e = envelope_read_entry(s->jid, x, &err);
	struct room_change c;
	bool fits;

	if (!e) {
		s->cls->note(s->owner, err.text);
		return true;
	}
	fits = grow(s, e);
	if (fits && e->type != N_ENTRY_TYPES && room_can_apply(s->next, e)) {
		room_apply(s->next, e, &c);
		if (e->type == ENTRY_JOIN && !c.session->real)
			c.session->real = jid_ref(e->real);
		room_change_fini(&c);
	}
	entry_unref(&e);
	return fits;
}

/* What was sent before we asked may come behind that, when a stream is resumed;
 * the master may be somewhere else by now. */
static bool
is_answer(const struct slave *s, const struct xml *x)
{
	const char *ask = xml_get(x, "ask");

	return s->n_asked == (ask ? strtoull(ask, NULL, 10) : 0);
}

/* Where a stream has said something twice, it may be of long ago. */
static bool
is_old(const struct slave *s, const char *epoch, uint64_t seq)
{
	return !strcmp(epoch, s->room->log.epoch) && seq < s->room->log.seq;
}

static void
on_snapshot(struct slave *s, const struct xml *x)
{
	const char *part = xml_get(x, "part"), *last = xml_get(x, "last");
	const char *epoch = xml_get(x, "epoch"), *seq = xml_get(x, "seq");
	unsigned number = part ? (unsigned)strtoul(part, NULL, 10) : 0;

	if (s->state == SLAVE_SPLIT || !epoch || !seq || !*epoch ||
	    strlen(epoch) > LOG_EPOCH_LEN || !is_answer(s, x) ||
	    is_old(s, epoch, strtoull(seq, NULL, 10)))
		return;
	if (number == 1) {
		/* Asked for or not: what waits is to be sent again. */
		set_state(s, SLAVE_BEHIND);
		drop_next(s);
		s->next = room_new(s->jid, 0);
		s->next->is_copy = true;
	}
	if (!s->next || number != s->next_part + 1)
		return;
	s->next_part = number;
	xml_each (kid, x) {
		if (++s->next_entries > SNAPSHOT_MAX || !put_next(s, kid)) {
			slave_leave(s, "the room is too large", true);
			return;
		}
	}
	if (!last || strcmp(last, "true") != 0)
		return;
	log_ring_resume(&s->next->log, epoch, strtoull(seq, NULL, 10));
	slave_become(s, s->next);
	drop_next(s);
}

/* ---- back with the master ---- */

static bool
returns(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		if (is_return(pending_of(n)) &&
		    jid_eq(pending_of(n)->user, user))
			return true;
	}
	return false;
}

static void
return_missing(struct slave *s)
{
	struct slave_pending *p;

	map_each (n, &s->locals) {
		struct slave_local *l = local_of(n);

		if (!l->is_missing)
			continue;
		l->is_missing = false;
		if (returns(s, l->real))
			continue;
		p = pending_add(s, PENDING_RETURN, l->real, NULL, NULL);
		/* Before what they have said meanwhile. */
		list_remove(&p->node);
		list_prepend(&s->pending, &p->node);
	}
}

static void
caught_up(struct slave *s)
{
	if (s->state == SLAVE_CURRENT)
		return;
	set_state(s, SLAVE_CURRENT);
	s->cls->note(s->owner, "current");
	return_missing(s);
	s->round++;
	/* What it calls may end some of them. */
	for (size_t left = s->n_pending; left; left--) {
		struct slave_pending *p = pending_of(s->pending.next);

		list_remove(&p->node);
		list_append(&s->pending, &p->node);
		if (p->is_there)
			p->is_there = false;
		else
			pass_up(s, p);
	}
	acknowledge(s);
}

static bool
has_return(const struct slave *s)
{
	list_each (n, &s->pending) {
		if (is_return(pending_of(n)))
			return true;
	}
	return false;
}

static void
on_position(struct slave *s, const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch"), *seq = xml_get(x, "seq");
	const char *digest = xml_get(x, "digest");
	char own[17];

	if (s->state == SLAVE_SPLIT || !epoch || !seq ||
	    (s->state == SLAVE_BEHIND && !is_answer(s, x)))
		return;
	if (strcmp(epoch, s->room->log.epoch) != 0 ||
	    strtoull(seq, NULL, 10) != s->room->log.seq) {
		slave_attach(s);
		return;
	}
	snprintf(own, sizeof(own), "%016" PRIx64,
		 snapshot_digest(s->room, NULL));
	if (digest && strcmp(own, digest) != 0 && !has_return(s) &&
	    s->state == SLAVE_CURRENT) {
		s->cls->note(s->owner, "differs from the master's room");
		ask(s, true);
		return;
	}
	caught_up(s);
}

static struct room_session *
session_of(const struct slave *s, const struct jid *user)
{
	list_each (n, &s->room->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (jid_eq(room_session_of(k)->real, user))
				return room_session_of(k);
		}
	}
	return NULL;
}

/* By that join he is in the room that the snapshot has brought, which could
 * have been of before he left. */
static void
enter_settled(struct slave *s, const struct slave_pending *p,
	      const struct room_session *session)
{
	const struct occupant *o = session->occupant;
	struct entry *e = entry_new(&(struct entry){
		.type = ENTRY_JOIN,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.real = p->user,
		.nick = o->nick,
		.occupant_id = o->id,
		.stanza_id = stanza_id(p->stanza),
		.submit = p->id,
		.affiliation = o->affiliation,
		.role = o->role,
		.payload = session->payload,
	});

	apply(s, e, false);
	entry_unref(&e);
}

static void
on_settled(struct slave *s, const struct xml *x)
{
	const char *id = xml_get(x, "submit");
	struct slave_pending *p = id ? pending_by_id(s, id) : NULL;
	const struct room_session *session = NULL;

	/* Its entry may be among those that we miss. It is asked again. */
	if (!p || s->state != SLAVE_CURRENT)
		return;
	if (p->stanza && is_join(p->stanza) && !slave_session(s, p->user))
		session = session_of(s, p->user);
	if (session)
		enter_settled(s, p, session);
	else
		pending_drop(s, p);
}

static void
on_whois(struct slave *s, const struct xml *x)
{
	xml_each (kid, x) {
		struct jid *who = jid_parse(xml_get(kid, "who"));
		struct jid *real = jid_parse(xml_get(kid, "jid"));
		struct room_session *session =
			who ? room_session(s->room, who) : NULL;

		/* Of ours we know more. */
		if (session && real && session->is_elsewhere &&
		    !is_ours(s, real)) {
			jid_unref(&session->real);
			session->real = jid_ref(real);
		}
		jid_unref(&who);
		jid_unref(&real);
	}
}

/* The master does not know any of ours: it has been restored from an old
 * backup. Or those that it knows are ordinary occupants from now on. */
static void
on_detach(struct slave *s, const struct xml *x)
{
	const char *users = xml_get(x, "users");
	bool is_missed = false;

	if (s->state == SLAVE_SPLIT)
		return;
	map_each (n, &s->locals) {
		struct slave_local *l = local_of(n);

		l->is_missing = !slave_is_leaving(s, l->real);
		is_missed |= l->is_missing;
	}
	if (users && !strcmp(users, "stay")) {
		hand_over(s, s->is_leaving);
		return;
	}
	if (!is_missed) {
		slave_end(s);
		return;
	}
	return_missing(s);
	list_each_safe (n, &s->pending) {
		if (is_return(pending_of(n)))
			pass_up(s, pending_of(n));
	}
}

void
slave_receive(struct slave *s, const struct xml *x)
{
	if (s->is_over || strcmp(x->ns, NS_DMUC) != 0)
		return;
	if (!strcmp(x->name, "log"))
		on_log(s, x);
	else if (!strcmp(x->name, "snapshot"))
		on_snapshot(s, x);
	else if (!strcmp(x->name, "position"))
		on_position(s, x);
	else if (!strcmp(x->name, "settled"))
		on_settled(s, x);
	else if (!strcmp(x->name, "whois"))
		on_whois(s, x);
	else if (!strcmp(x->name, "detach"))
		on_detach(s, x);
	if (!s->is_over && !s->locals.n && !s->n_pending &&
	    s->state == SLAVE_CURRENT)
		leave_master(s);
}

/* ---- the way to the master ---- */

static void
show_link(struct slave *s, struct jid *domain, bool is_away)
{
	struct entry *e = entry_new(&(struct entry){
		.type = ENTRY_LINK, .jid = domain, .is_away = is_away });

	apply(s, e, false);
	entry_unref(&e);
}

static bool
is_faded(const struct slave *s, const struct jid *jid)
{
	for (size_t i = 0; i < s->n_faded; i++) {
		if (jid_eq_domain(s->faded[i], jid))
			return true;
	}
	return false;
}

static void
fade(struct slave *s, const struct room_session *session)
{
	struct jid *domain;

	if (!session->is_elsewhere || session->is_away ||
	    is_faded(s, session->jid))
		return;
	domain = jid_make(NULL, jid_domain(session->jid), NULL);
	s->faded =
		mem_realloc(s->faded, (s->n_faded + 1) * sizeof(struct jid *));
	s->faded[s->n_faded++] = domain;
}

/* All but those of ours are away now. */
static void
fade_all(struct slave *s)
{
	list_each (n, &s->room->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			fade(s, room_session_of(k));
	}
	for (size_t i = 0; i < s->n_faded; i++)
		show_link(s, s->faded[i], true);
}

static void
unfade_all(struct slave *s)
{
	for (size_t i = 0; i < s->n_faded; i++) {
		show_link(s, s->faded[i], false);
		jid_unref(&s->faded[i]);
	}
	free(s->faded);
	s->faded = NULL;
	s->n_faded = 0;
}

static void show_waiting_in_branch(struct slave *s);

void
slave_lost(struct slave *s)
{
	if (s->state == SLAVE_SPLIT)
		return;
	set_state(s, SLAVE_SPLIT);
	drop_next(s);
	s->cls->note(s->owner, "split: no way to the master");
	fade_all(s);
	show_waiting_in_branch(s);
}

void
slave_found(struct slave *s)
{
	if (s->state == SLAVE_SPLIT) {
		unfade_all(s);
		s->cls->note(s->owner, "there is a way to the master again");
	}
	ask(s, false);
}

/* ---- what comes from users of ours ---- */

void
slave_expect(struct slave *s, struct jid *user, struct stanza *join,
	     const char *id)
{
	/* The room comes without being asked for. */
	if (!*s->room->log.epoch)
		s->asked_ms = s->now_ms;
	s->used_ms = s->now_ms;
	if (strlen(id) <= SUBMIT_ID_LEN && !pending_by_id(s, id))
		pending_add(s, PENDING_STANZA, user, join, id)->is_there = true;
}

/* As the master is going to make it, but for its place in the log. */
static struct entry *
branch_message(struct slave *s, const struct slave_pending *p)
{
	const struct room_session *session = slave_session(s, p->user);
	struct entry from = {
		.type = ENTRY_MESSAGE,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.nick = session->occupant->nick,
		.occupant_id = session->occupant->id,
		.stanza_id = stanza_id(p->stanza),
		.affiliation = session->occupant->affiliation,
		.role = session->occupant->role,
	};
	struct entry *e;

	from.payload =
		rules_message_payload(s->room, p->stanza, session->occupant, 0);
	e = entry_new(&from);
	chunk_unref(&from.payload);
	return e;
}

static struct entry *
branch_leave(struct slave *s, const struct jid *user)
{
	const struct room_session *session = slave_session(s, user);

	return entry_new(&(struct entry){
		.type = ENTRY_LEAVE,
		.stamp_ms = s->wall_ms,
		.jid = session->jid,
		.nick = session->occupant->nick,
		.affiliation = session->occupant->affiliation,
	});
}

/* Without the master: who leaves has left, and where the room goes on, those of
 * ours hear each other. */
static void
show_in_branch(struct slave *s, struct slave_pending *p)
{
	bool continues =
		s->may_continue && s->room->config.split == SPLIT_CONTINUE;
	struct entry *e = NULL;

	if (p->stanza->type == TYPE_UNAVAILABLE)
		e = branch_leave(s, p->user);
	else if (continues && p->stanza->kind == STANZA_MESSAGE &&
		 stanza_child(p->stanza, "body", NS_CLIENT) &&
		 slave_session(s, p->user)->occupant->role >= ROLE_PARTICIPANT)
		e = branch_message(s, p);
	if (!e)
		return;
	apply(s, e, false);
	p->shown_at = ++s->turn;
	entry_unref(&e);
}

/* What was on its way when the split came: before what is said in it. */
static void
show_waiting_in_branch(struct slave *s)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = pending_of(n);

		if (p->kind != PENDING_STANZA || p->shown_at ||
		    !slave_session(s, p->user))
			continue;
		if (!p->stamp_ms)
			p->stamp_ms = s->wall_ms;
		show_in_branch(s, p);
	}
}

void
slave_submit(struct slave *s, struct stanza *stanza)
{
	const struct room_session *session = slave_session(s, stanza->from);
	struct slave_pending *p;

	if (s->state == SLAVE_SPLIT && !session) {
		s->cls->refuse(s->owner, stanza, COND_REMOTE_SERVER_TIMEOUT,
			       "there is no way to the room now");
		return;
	}
	if (!may_wait(s, stanza)) {
		s->cls->refuse(s->owner, stanza, COND_REMOTE_SERVER_TIMEOUT,
			       "too much waits for the room");
		return;
	}
	p = pending_add(s, PENDING_STANZA, stanza->from, stanza, NULL);
	p->round = s->round - 1;
	if (session && session->occupant->id)
		p->occupant = mem_strdup(session->occupant->id);
	if (s->state != SLAVE_SPLIT) {
		/* What waits goes first. */
		if (s->state == SLAVE_CURRENT || !pending_before(s, p))
			pass_up(s, p);
		return;
	}
	p->stamp_ms = s->wall_ms;
	show_in_branch(s, p);
}

/* ---- errors ---- */

static struct slave_pending *
pending_of_error(struct slave *s, const struct stanza *error)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = pending_of(n);
		const char *id = p->stanza ? stanza_id(p->stanza) : p->id;

		if (jid_eq(p->user, error->to) && id && stanza_id(error) &&
		    !strcmp(id, stanza_id(error)))
			return p;
	}
	return NULL;
}

/* The way was lost; what it was about waits for another one. */
static bool
is_of_the_way(enum stanza_cond cond)
{
	return cond == COND_REMOTE_SERVER_TIMEOUT ||
	       cond == COND_REMOTE_SERVER_NOT_FOUND;
}

static int
code_of(enum stanza_cond cond)
{
	if (cond == COND_FORBIDDEN)
		return 301;
	return cond == COND_REGISTRATION_REQUIRED ? 322 : 333;
}

/* Who was in the room before is not let in again. */
static void
put_out(struct slave *s, struct jid *user, enum stanza_cond cond)
{
	struct room_session *session = slave_session(s, user);
	struct entry *e;

	if (!session)
		return;
	e = entry_new(&(struct entry){
		.type = ENTRY_LEAVE,
		.jid = session->jid,
		.nick = session->occupant->nick,
		.affiliation = cond == COND_FORBIDDEN
				       ? AFFILIATION_OUTCAST
				       : session->occupant->affiliation,
		.code = code_of(cond),
	});
	apply(s, e, false);
	entry_unref(&e);
}

static struct slave_pending *
next_waiting(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = pending_of(n);

		if (p->stanza && p->round != s->round && jid_eq(p->user, user))
			return p;
	}
	return NULL;
}

/* What has not been passed up of one who is out is not going to be. The error
 * comes to slave_error, too, which must not find what it is about. */
static void
refuse_waiting(struct slave *s, const struct jid *user)
{
	struct slave_pending *p;

	while ((p = next_waiting(s, user))) {
		struct stanza *stanza = stanza_ref(p->stanza);

		pending_drop(s, p);
		if (stanza->type != TYPE_UNAVAILABLE)
			s->cls->refuse(s->owner, stanza, COND_NOT_ACCEPTABLE,
				       "you are not in the room any more");
		stanza_unref(&stanza);
	}
}

/* True: who was to return cannot. */
static bool
take_refusal(struct slave *s, struct slave_pending *p, enum stanza_cond cond)
{
	struct jid *user = jid_ref(p->user);
	bool returns = is_return(p);

	pending_drop(s, p);
	if (returns) {
		put_out(s, user, cond);
		refuse_waiting(s, user);
	}
	jid_unref(&user);
	/* Where there is no room any more, nothing else comes. */
	if (!s->locals.n && !s->n_pending)
		leave_master(s);
	return returns;
}

bool
slave_error(struct slave *s, const struct stanza *error)
{
	struct slave_pending *p = pending_of_error(s, error);
	enum stanza_cond cond = stanza_error_cond(error);

	if (!p)
		return is_of_the_way(cond) && was_answered(s, error);
	if (is_of_the_way(cond)) {
		/* Behind that, all is sent again. */
		slave_attach(s);
		return true;
	}
	return take_refusal(s, p, cond);
}

void
slave_session_gone(struct slave *s, const struct jid *full)
{
	struct slave_local *l = local_find(s, full);
	struct slave_pending *p;
	struct entry *e;

	list_each_safe (n, &s->pending) {
		if (is_return(pending_of(n)) &&
		    jid_eq(pending_of(n)->user, full))
			pending_drop(s, pending_of(n));
	}
	if (!l)
		return;
	if (s->state == SLAVE_CURRENT) {
		/* It says so itself. */
		l->session->is_elsewhere = true;
		local_free(s, l);
		return;
	}
	p = pending_add(s, PENDING_LEAVE, l->real, NULL, NULL);
	p->nick = mem_strdup(l->session->occupant->nick);
	e = branch_leave(s, l->real);
	apply(s, e, false);
	entry_unref(&e);
}

/* ---- the whole ---- */

static bool
is_unanswered(const struct slave *s)
{
	list_each (n, &s->pending) {
		if (s->now_ms - pending_of(n)->passed_ms >= PASS_AGAIN_MS)
			return true;
	}
	return false;
}

void
slave_set_clock(struct slave *s, int64_t mono_ms, int64_t wall_ms)
{
	s->now_ms = mono_ms;
	s->wall_ms = wall_ms;
}

/* Nobody of ours is in it, or waits for it. Those that have gone are waited for
 * a while: the master puts them out, or we do. */
static bool
is_deserted(struct slave *s)
{
	if (s->locals.n)
		s->used_ms = s->now_ms;
	if (s->now_ms - s->used_ms < DESERTED_MS)
		return false;
	list_each (n, &s->pending) {
		if (s->cls->is_here(s->owner, pending_of(n)->user))
			return false;
	}
	return true;
}

void
slave_tick(struct slave *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	if (s->is_over)
		return;
	if (is_deserted(s)) {
		if (s->state != SLAVE_SPLIT)
			say(s, "detach");
		slave_end(s);
		return;
	}
	if (s->state == SLAVE_SPLIT)
		return;
	acknowledge(s);
	if (s->state == SLAVE_BEHIND && now_ms - s->asked_ms >= ASK_AGAIN_MS)
		ask(s, false);
	/* Lost, and no way has been seen to break: all of them come again. */
	else if (is_unanswered(s))
		slave_attach(s);
}

struct slave *
slave_new(struct jid *room, struct jid *domain, const struct slave_class *cls,
	  void *owner)
{
	struct slave *s = mem_zalloc(sizeof(*s));

	s->jid = jid_ref(room);
	s->domain = jid_ref(domain);
	s->cls = cls;
	s->owner = owner;
	s->state = SLAVE_BEHIND;
	s->room = room_new(room, 0);
	s->room->is_copy = true;
	s->pending_max = PENDING_MAX;
	s->size_max = SIZE_MAX;
	log_ring_resume(&s->room->log, NO_EPOCH, 0);
	list_init(&s->pending);
	return s;
}

void
slave_free(struct slave *s)
{
	while (!list_is_empty(&s->pending))
		pending_drop(s, pending_of(s->pending.next));
	map_each (n, &s->locals)
		local_free(s, local_of(n));
	map_fini(&s->locals);
	for (size_t i = 0; i < s->n_faded; i++)
		jid_unref(&s->faded[i]);
	free(s->faded);
	drop_next(s);
	room_free(s->room);
	jid_unref(&s->jid);
	jid_unref(&s->domain);
	free(s);
}
