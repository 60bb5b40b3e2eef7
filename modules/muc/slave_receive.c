/* slave_receive.c - what a copy's master sends. */

#include "modules/muc/slave_private.h"

#include "base/err.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/info.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/room_size.h"
#include "modules/muc/snapshot.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its position is told so often. */
#define ACK_EVERY	64
#define ACK_EVERY_BELOW 256

/* What a snapshot may hold: entries. */
#define SNAPSHOT_MAX 100000

/* Status code of who has left because his server could not be reached. */
#define UNREACHABLE 333

/* Of what a relay says of its way, bytes. */
#define PATH_LEN_MAX 2048

/* So many bytes are counted as they come, before they are looked at again. */
#define SIZE_STEP (16 << 10)

/* ---- positions ---- */

void
slave_drop_next(struct slave *s)
{
	room_free(s->next);
	s->next = NULL;
	s->next_part = 0;
	s->next_entries = 0;
}

void
slave_acknowledge(struct slave *s)
{
	if (!s->n_unacked)
		return;
	s->n_unacked = 0;
	s->acked_ms = s->now_ms;
	slave_say_to_master(s, "ack");
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

/* Counts it, and sometimes all that there is. False: it is too much. */
static bool
grow(struct slave *s, size_t more)
{
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

/* The lists are about addresses, as far as those are known here. */
static struct entry *
read_entry(const struct slave *s, const struct xml *x, struct err *err)
{
	struct entry *e = envelope_read_entry(s->jid, x, err), *own;
	struct entry copy;

	if (!e || e->type != ENTRY_AFFILIATION || !e->real)
		return e;
	copy = *e;
	copy.jid = e->real;
	own = entry_new(&copy);
	entry_unref(&e);
	return own;
}

enum taken { TAKEN, GAP, MISFIT };

/* A relay does not say who is one of ours: we know, or the master does. */
static void
forget_ours(const struct slave *s, struct entry *e)
{
	if (slave_is_ours(s, e->real))
		jid_unref(&e->real);
}

/* Others may take its word. */
static bool
apply_from(struct slave *s, bool is_by_relay, struct entry *e, bool is_late)
{
	struct jid *real = jid_ref(e->real);
	bool fits;

	if (is_by_relay)
		forget_ours(s, e);
	fits = slave_apply(s, e, is_late);
	jid_unref(&e->real);
	e->real = real;
	return fits;
}

/* What one of ours has done who has left in a split, or was put out: nobody is
 * here to whom it could be done. */
static bool
is_of_gone(struct slave *s, const struct entry *e)
{
	const struct slave_pending *p =
		e->submit ? slave_pending_by_id(s, e->submit) : NULL;

	return p && !slave_session(s, p->user) && e->jid &&
	       !room_session(s->room, e->jid) &&
	       (e->type == ENTRY_PRESENCE ||
		(e->type == ENTRY_NICK && e->nick &&
		 !room_by_nick(s->room, e->nick)));
}

/* Where the log is. */
static void
note_told(struct slave *s, const char *epoch, uint64_t seq)
{
	if (strlen(epoch) > LOG_EPOCH_LEN)
		return;
	if (strcmp(epoch, s->told_epoch) != 0)
		s->told_seq = 0;
	strcpy(s->told_epoch, epoch);
	if (seq > s->told_seq)
		s->told_seq = seq;
}

int64_t
slave_n_behind(const struct slave *s)
{
	const struct log_ring *log = &s->room->log;

	if (!*s->told_epoch)
		return 0;
	if (strcmp(s->told_epoch, log->epoch) != 0)
		return -1;
	if (s->told_seq <= log->seq)
		return 0;
	/* It may say anything. */
	return s->told_seq - log->seq < INT64_MAX
		       ? (int64_t)(s->told_seq - log->seq)
		       : INT64_MAX;
}

static enum taken
take_next(struct slave *s, bool is_by_relay, struct entry *e, bool is_late)
{
	bool is_missed;

	if (!grow(s, room_size_of_entry(e))) {
		slave_leave(s, "the room is too large", true);
		return TAKEN;
	}
	/* The room as a whole shows nobody that he was away. */
	if (is_put_out(s, e))
		return MISFIT;
	/* Who has left already is not missed. */
	is_missed = e->type != ENTRY_LEAVE && !is_of_gone(s, e);
	if (e->type != N_ENTRY_TYPES &&
	    !apply_from(s, is_by_relay, e, is_late) && is_missed)
		return MISFIT;
	e->seq = 0;
	log_ring_append(&s->room->log, e);
	relay_pass_on(s, e, is_late);
	/* What we have asked for is coming. */
	if (is_late)
		s->asked_ms = s->now_ms;
	/* Where it has less to do with us, the master hears less. */
	if (++s->n_unacked >= (s->parent ? ACK_EVERY_BELOW : ACK_EVERY))
		slave_acknowledge(s);
	return TAKEN;
}

static enum taken
take_entry(struct slave *s, bool is_by_relay, const struct xml *x, bool is_late)
{
	struct err err = { 0 };
	struct entry *e = read_entry(s, x, &err);
	enum taken taken = TAKEN;

	if (!e) {
		s->cls->note(s->owner, err.text);
		return MISFIT;
	}
	/* That is not for relays to say. */
	if (is_by_relay && e->type == ENTRY_AFFILIATION) {
		entry_unref(&e);
		return MISFIT;
	}
	switch (log_ring_order(&s->room->log, e->seq)) {
	case LOG_NEXT:
		taken = take_next(s, is_by_relay, e, is_late);
		break;
	case LOG_GAP:
		note_told(s, s->room->log.epoch, e->seq);
		taken = GAP;
		break;
	case LOG_DUPLICATE:
		break;
	}
	entry_unref(&e);
	return taken;
}

static void
on_log(struct slave *s, bool is_by_relay, const struct xml *x)
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
		enum taken taken = take_entry(s, is_by_relay, kid, is_late);

		if (s->room->is_destroyed && !s->is_over)
			slave_end(s);
		if (s->is_over)
			return;
		if (taken == TAKEN)
			continue;
		/* Of before the relay was told to send it. */
		if (taken == GAP && s->parent && !is_by_relay)
			return;
		/* What is missing may fit. What does not never will. */
		if (taken == MISFIT)
			slave_ask(s, true);
		else if (s->state != SLAVE_BEHIND)
			slave_ask(s, false);
		return;
	}
}

/* False: it is too much. */
static bool
put_next(struct slave *s, bool is_by_relay, const struct xml *x)
{
	struct err err = { 0 };
	struct entry *e = read_entry(s, x, &err);
	struct room_change c;
	bool fits;

	if (!e) {
		s->cls->note(s->owner, err.text);
		return true;
	}
	/* That is not for relays to say. */
	if (is_by_relay && e->type == ENTRY_AFFILIATION) {
		entry_unref(&e);
		return true;
	}
	if (is_by_relay)
		forget_ours(s, e);
	fits = grow(s, room_size_of_entry(e));
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
bool
slave_is_answer(const struct slave *s, const struct xml *x)
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

/* What a relay does not know, and we do. */
static void
complete(const struct slave *s, struct room *to)
{
	list_each (n, &to->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			struct room_session *there = room_session_of(k);
			const struct room_session *here =
				room_session(s->room, there->jid);

			if (!there->real && here && here->real)
				there->real = jid_ref(here->real);
		}
	}
	affiliations_each (item, &s->room->affiliations)
		affiliations_set(&to->affiliations, item->jid,
				 item->affiliation, item->nick, NULL);
}

static void
on_snapshot(struct slave *s, bool is_by_relay, const struct xml *x)
{
	const char *part = xml_get(x, "part"), *last = xml_get(x, "last");
	const char *epoch = xml_get(x, "epoch"), *seq = xml_get(x, "seq");
	unsigned number = part ? (unsigned)strtoul(part, NULL, 10) : 0;

	if (s->state == SLAVE_SPLIT || !epoch || !seq || !*epoch ||
	    strlen(epoch) > LOG_EPOCH_LEN || !slave_is_answer(s, x) ||
	    is_old(s, epoch, strtoull(seq, NULL, 10)))
		return;
	if (number == 1) {
		/* Asked for or not: what waits is to be sent again. */
		slave_set_state(s, SLAVE_BEHIND);
		slave_drop_next(s);
		s->next = room_new(s->jid, 0);
		s->next->is_copy = true;
		note_told(s, epoch, strtoull(seq, NULL, 10));
	}
	if (!s->next || number != s->next_part + 1)
		return;
	s->next_part = number;
	s->asked_ms = s->now_ms;
	xml_each (kid, x) {
		if (++s->next_entries > SNAPSHOT_MAX ||
		    !put_next(s, is_by_relay, kid)) {
			slave_leave(s, "the room is too large", true);
			return;
		}
	}
	if (!last || strcmp(last, "true") != 0)
		return;
	log_ring_resume(&s->next->log, epoch, strtoull(seq, NULL, 10));
	if (is_by_relay)
		complete(s, s->next);
	slave_become(s, s->next);
	slave_drop_next(s);
}

/* ---- back with the master ---- */

bool
slave_returns(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		if (slave_comes_again(slave_pending_of(n)) &&
		    jid_eq(slave_pending_of(n)->user, user))
			return true;
	}
	return false;
}

static void
return_missing(struct slave *s)
{
	struct slave_pending *p;

	map_each (n, &s->locals) {
		struct slave_local *l = slave_local_of(n);

		if (!l->is_missing)
			continue;
		l->is_missing = false;
		if (slave_returns(s, l->real))
			continue;
		p = slave_pending_add(s, PENDING_RETURN, l->real, NULL, NULL);
		/* Before what they have said meanwhile. */
		list_remove(&p->node);
		list_prepend(&s->pending, &p->node);
	}
}

static bool
is_gone(struct slave *s, const struct room_session *session)
{
	const struct jid *real = session->real;

	return slave_is_ours(s, real) && !slave_session(s, real) &&
	       !slave_is_leaving(s, real) && !s->cls->is_here(s->owner, real);
}

void
slave_leave_for_gone(struct slave *s)
{
	s->looked_ms = s->now_ms;
	list_each (n, &s->room->occupants) {
		const struct occupant *o = occupant_of(n);

		list_each (k, &o->sessions) {
			if (is_gone(s, room_session_of(k)))
				slave_say_gone(s, room_session_of(k)->real,
					       o->nick);
		}
	}
}

static void
caught_up(struct slave *s)
{
	struct slave_pending *p;

	if (s->state == SLAVE_CURRENT)
		return;
	slave_set_state(s, SLAVE_CURRENT);
	slave_leave_for_gone(s);
	return_missing(s);
	s->round++;
	list_each (n, &s->pending)
		slave_pending_of(n)->is_due = true;
	while ((p = slave_pending_due(s))) {
		list_remove(&p->node);
		list_append(&s->pending, &p->node);
		if (p->is_there)
			p->is_there = false;
		else
			slave_pass_up(s, p);
	}
	if (s->is_over)
		return;
	slave_answer_tree(s);
	slave_acknowledge(s);
}

bool
slave_has_return(const struct slave *s)
{
	list_each (n, &s->pending) {
		if (slave_comes_again(slave_pending_of(n)))
			return true;
	}
	return false;
}

bool
slave_answers_info(const struct slave *s)
{
	/* In a split nobody else can, and clients ask before they enter. Who is
	 * to return is not there for the master. */
	return s->knows_info &&
	       (s->state == SLAVE_SPLIT ||
		(s->state == SLAVE_CURRENT && !slave_has_return(s)));
}

static bool
is_number(const char *text, uint64_t number)
{
	char own[17];

	snprintf(own, sizeof(own), "%016" PRIx64, number);
	return !strcmp(text, own);
}

/* Are we among those that the relay has it from? */
static bool
is_circle(const struct slave *s, const char *path)
{
	const char *own = jid_str(s->domain), *at = path;
	size_t len = strlen(own);

	while ((at = strstr(at, own))) {
		if ((at == path || at[-1] == ' ') &&
		    (at[len] == '\0' || at[len] == ' '))
			return true;
		at += len;
	}
	return false;
}

/* False: it cannot serve us. */
static bool
take_path(struct slave *s, const char *path)
{
	if (path && (strlen(path) > PATH_LEN_MAX || is_circle(s, path))) {
		slave_leave_relay(s);
		return false;
	}
	free(s->path);
	s->path = mem_strdup(path ? path : "");
	return true;
}

/* We are somewhere else. */
static void
seek(struct slave *s, bool is_same_epoch)
{
	if (!is_same_epoch || !s->parent)
		slave_attach(s);
	else if (s->state == SLAVE_CURRENT)
		slave_ask(s, false);
}

static void
on_position(struct slave *s, bool is_by_relay, const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch"), *seq = xml_get(x, "seq");
	const char *digest = xml_get(x, "digest"), *info = xml_get(x, "info");
	const char *lost = xml_get(x, "lost");
	bool is_news;

	if (epoch && seq)
		note_told(s, epoch, strtoull(seq, NULL, 10));
	if (s->state == SLAVE_SPLIT || !epoch || !seq ||
	    (s->state == SLAVE_BEHIND && !slave_is_answer(s, x)))
		return;
	/* The master itself takes us for one that it has to tell. */
	if (s->parent && !is_by_relay) {
		slave_attach(s);
		return;
	}
	if (is_by_relay && !take_path(s, xml_get(x, "path")))
		return;
	/* It sends us nothing, and nothing may be missing yet. */
	if (lost && !strcmp(lost, "true")) {
		slave_attach(s);
		return;
	}
	if (strcmp(epoch, s->room->log.epoch) != 0 ||
	    strtoull(seq, NULL, 10) != s->room->log.seq) {
		seek(s, !strcmp(epoch, s->room->log.epoch));
		return;
	}
	s->told_seq = s->room->log.seq;
	s->knows_info = info && is_number(info, info_digest(s->room, NULL));
	if (digest && !is_number(digest, snapshot_digest(s->room, NULL)) &&
	    !slave_has_return(s) && s->state == SLAVE_CURRENT) {
		s->cls->note(s->owner, "differs from the master's room");
		slave_ask(s, true);
		return;
	}
	is_news = s->state == SLAVE_BEHIND;
	caught_up(s);
	if (!s->is_over && s->state == SLAVE_CURRENT)
		relay_is_current(s, is_news);
}

/* What is settled was there before, or is refused. */
static void
settle(struct slave *s, struct slave_pending *p, const char *error)
{
	if (error)
		slave_refused(s, p, stanza_cond_by_name(error));
	else if (!slave_enter_present(s, p))
		slave_pending_drop(s, p);
}

static void
on_settled(struct slave *s, const struct xml *x)
{
	const char *id = xml_get(x, "submit");
	struct slave_pending *p = id ? slave_pending_by_id(s, id) : NULL;
	bool has_return = slave_has_return(s);

	/* Its entry may be among those that we miss. It is asked again. */
	if (!p || s->state != SLAVE_CURRENT)
		return;
	settle(s, p, xml_get(x, "error"));
	/* No position follows, as there is nothing new; those below are to
	 * know. */
	if (has_return && !s->is_over && s->state == SLAVE_CURRENT &&
	    !slave_has_return(s))
		relay_is_current(s, false);
}

/* What is about users of ours, of which a relay knows nothing. */
static void
on_lists(struct slave *s, const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch"), *all = xml_get(x, "all");
	struct affiliations *lists = &s->room->affiliations;

	if (s->state == SLAVE_SPLIT || !epoch ||
	    strcmp(epoch, s->room->log.epoch) != 0)
		return;
	if (all && !strcmp(all, "true")) {
		affiliations_fini(lists);
		affiliations_init(lists);
	}
	xml_each (kid, x) {
		struct err err = { 0 };
		struct entry *e = read_entry(s, kid, &err);

		if (e && e->type == ENTRY_AFFILIATION &&
		    slave_is_ours(s, e->jid) && grow(s, room_size_of_entry(e)))
			slave_apply(s, e, false);
		entry_unref(&e);
	}
}

static void
on_whois(struct slave *s, const struct xml *x)
{
	bool has_ours = false;
	size_t more = 0;

	xml_each (kid, x) {
		struct jid *who = jid_parse(xml_get(kid, "who"));
		struct jid *real = jid_parse(xml_get(kid, "jid"));
		struct room_session *session =
			who ? room_session(s->room, who) : NULL;

		/* Of ours we know more, where it does not come by a relay. */
		if (session && real && session->is_elsewhere &&
		    (!slave_is_ours(s, real) || !session->real)) {
			jid_unref(&session->real);
			session->real = jid_ref(real);
			if (slave_is_ours(s, real)) {
				has_ours = true;
				slave_enter_known(s, session);
			}
			more += room_size_of_jid(real);
		}
		jid_unref(&who);
		jid_unref(&real);
	}
	if (!grow(s, more))
		slave_leave(s, "the room is too large", true);
	else if (has_ours && s->state == SLAVE_CURRENT)
		slave_leave_for_gone(s);
}

/* The master does not know any of ours: it has been restored from an old
 * backup. Or those that it knows are ordinary occupants from now on. */
static void
on_detach(struct slave *s, const struct xml *x)
{
	const char *users = xml_get(x, "users");
	struct slave_pending *p;
	bool is_missed = false;

	if (s->state == SLAVE_SPLIT)
		return;
	map_each (n, &s->locals) {
		struct slave_local *l = slave_local_of(n);

		l->is_missing = !slave_is_leaving(s, l->real);
		is_missed |= l->is_missing;
	}
	if (users && !strcmp(users, "stay")) {
		slave_hand_over(s, s->is_leaving);
		return;
	}
	if (!is_missed) {
		slave_end(s);
		return;
	}
	return_missing(s);
	list_each (n, &s->pending)
		slave_pending_of(n)->is_due =
			slave_comes_again(slave_pending_of(n));
	while ((p = slave_pending_due(s)))
		slave_pass_up(s, p);
}

static void
take(struct slave *s, bool is_by_relay, const struct xml *x)
{
	if (!strcmp(x->name, "log"))
		on_log(s, is_by_relay, x);
	else if (!strcmp(x->name, "snapshot"))
		on_snapshot(s, is_by_relay, x);
	else if (!strcmp(x->name, "position"))
		on_position(s, is_by_relay, x);
}

static void
take_from_master(struct slave *s, const struct xml *x)
{
	take(s, false, x);
	if (!strcmp(x->name, "settled"))
		on_settled(s, x);
	else if (!strcmp(x->name, "whois"))
		on_whois(s, x);
	else if (!strcmp(x->name, "lists"))
		on_lists(s, x);
	else if (!strcmp(x->name, "tree"))
		slave_on_tree(s, x);
	else if (!strcmp(x->name, "detach"))
		on_detach(s, x);
	else
		relay_receive(s, NULL, x);
}

void
slave_receive(struct slave *s, struct jid *from, const struct xml *x)
{
	if (s->is_over || strcmp(x->ns, NS_DMUC) != 0)
		return;
	if (!from)
		take_from_master(s, x);
	else if (!slave_takes_from(s, from, x))
		relay_receive(s, from, x);
	else if (!strcmp(x->name, "released"))
		slave_released(s, x);
	else if (!strcmp(x->name, "carry"))
		relay_receive(s, NULL, x);
	else
		take(s, true, x);
	if (!s->is_over && !s->locals.n && !s->n_pending &&
	    s->state == SLAVE_CURRENT)
		slave_leave_master(s);
}
