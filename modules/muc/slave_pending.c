/* slave_pending.c - what users of a copy have sent and its master has not
 * answered. */

#include "modules/muc/slave_private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/token.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_SIZE_MAX (128 << 10) /* bytes, and one stanza more */

/* ---- how much waits ---- */

/* Of one client. */
struct sender {
	struct map_node node; /* in slave->senders */
	struct jid *user;     /* ref */
	size_t n, size;	      /* size: bytes */
};

static bool
sender_eq(const struct map_node *n, const void *user)
{
	return jid_eq(
		container_of((struct map_node *)n, struct sender, node)->user,
		user);
}

static struct sender *
sender_find(const struct slave *s, const struct jid *user)
{
	struct map_node *n =
		map_find(&s->senders, jid_hash(user), sender_eq, user);

	return n ? container_of(n, struct sender, node) : NULL;
}

static void
count_in(struct slave *s, const struct slave_pending *p)
{
	struct sender *by = sender_find(s, p->user);

	if (!by) {
		by = mem_zalloc(sizeof(*by));
		by->user = jid_ref(p->user);
		map_insert(&s->senders, &by->node, jid_hash(p->user));
	}
	by->n++;
	by->size += p->size;
}

static void
count_out(struct slave *s, const struct slave_pending *p)
{
	struct sender *by = sender_find(s, p->user);

	by->size -= p->size;
	if (--by->n)
		return;
	map_remove(&s->senders, &by->node);
	jid_unref(&by->user);
	free(by);
}

/* ---- what waits ---- */

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

void
slave_pending_drop(struct slave *s, struct slave_pending *p)
{
	const char *id = p->stanza ? stanza_id(p->stanza) : p->id;

	if (id)
		s->answered[s->n_answered++ % SLAVE_ANSWERED] =
			hash_stanza(p->user, id);
	count_out(s, p);
	list_remove(&p->node);
	s->n_pending--;
	jid_unref(&p->user);
	stanza_unref(&p->stanza);
	entry_unref(&p->said);
	free(p->nick);
	free(p->occupant);
	free(p);
}

struct slave_pending *
slave_pending_add(struct slave *s, enum slave_pending_kind kind,
		  struct jid *user, struct stanza *stanza, const char *id)
{
	struct slave_pending *p = mem_zalloc(sizeof(*p));

	p->user = jid_ref(user);
	p->stanza = stanza ? stanza_ref(stanza) : NULL;
	p->size = stanza ? arena_size(stanza->arena) : 0;
	p->kind = kind;
	p->passed_ms = s->now_ms;
	if (id)
		snprintf(p->id, sizeof(p->id), "%s", id);
	else
		token_make(p->id, SUBMIT_ID_LEN);
	list_append(&s->pending, &p->node);
	s->n_pending++;
	count_in(s, p);
	return p;
}

struct slave_pending *
slave_pending_by_id(struct slave *s, const char *id)
{
	list_each (n, &s->pending) {
		if (!strcmp(slave_pending_of(n)->id, id))
			return slave_pending_of(n);
	}
	return NULL;
}

/* Whoever leaves may do so, once. */
bool
slave_may_wait(const struct slave *s, const struct stanza *stanza)
{
	const struct sender *by = sender_find(s, stanza->from);

	return !by || (by->n < s->pending_max && by->size < PENDING_SIZE_MAX) ||
	       (stanza->type == TYPE_UNAVAILABLE &&
		!slave_is_leaving(s, stanza->from));
}

/* That, or what the master makes of it where somebody has it (rules.c). */
static bool
is_nick_of(const char *wanted, const char *nick)
{
	size_t len = strlen(wanted);

	return !strncmp(nick, wanted, len) &&
	       (!nick[len] || (nick[len] == ' ' && nick[len + 1] &&
			       strspn(nick + len + 1, "0123456789") ==
				       strlen(nick + len + 1)));
}

/* By his id; or, before the master has said which he has, by his nickname. */
static bool
is_sender(const struct slave_pending *p, const struct entry *e)
{
	if (p->occupant)
		return e->occupant_id && !strcmp(p->occupant, e->occupant_id);
	return p->nick && e->nick && is_nick_of(p->nick, e->nick);
}

/* A snapshot does not say what it comes from. */
struct slave_pending *
slave_pending_of_message(struct slave *s, const struct entry *e)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (p->stanza && e->stanza_id && stanza_id(p->stanza) &&
		    !strcmp(stanza_id(p->stanza), e->stanza_id) &&
		    is_sender(p, e))
			return p;
	}
	return NULL;
}

/* What the same user has sent before it. */
struct slave_pending *
slave_pending_before(struct slave *s, struct slave_pending *p)
{
	for (struct list *n = p->node.prev; n != &s->pending; n = n->prev) {
		if (jid_eq(slave_pending_of(n)->user, p->user) &&
		    slave_pending_of(n)->kind != PENDING_LEAVE)
			return slave_pending_of(n);
	}
	return NULL;
}

/* The master is not to take it before that, which may be lost: what one user
 * says stays in its order. */
static void
add_order(struct slave *s, struct slave_pending *p, struct arena *a,
	  struct xml *submit)
{
	struct slave_pending *before = slave_pending_before(s, p);

	if (before && before->round == s->round)
		xml_set(a, submit, "after", before->id);
}

struct xml *
slave_add_submit(const struct slave *s, struct stanza *stanza, const char *id)
{
	struct xml *x = xml_add(stanza->arena, stanza->root, "submit", NS_DMUC);

	xml_set(stanza->arena, x, "id", id);
	if (*s->room->log.epoch)
		xml_set(stanza->arena, x, "epoch", s->room->log.epoch);
	return x;
}

void
slave_say_gone(struct slave *s, struct jid *user, const char *nick)
{
	char id[SUBMIT_ID_LEN + 1];

	token_make(id, SUBMIT_ID_LEN);
	s->cls->leave(s->owner, user, nick, id);
}

void
slave_pass_up(struct slave *s, struct slave_pending *p)
{
	struct room_session *session = slave_session(s, p->user);
	char stamp[CLOCK_STAMP_MAX];
	struct stanza *copy;
	struct xml *x;

	p->round = s->round;
	p->passed_ms = s->now_ms;
	p->was_passed = true;
	if (p->kind == PENDING_RETURN) {
		if (session)
			s->cls->rejoin(s->owner, p->user,
				       session->occupant->nick,
				       session->payload, p->id);
		else
			/* Who has left meanwhile does not return. */
			slave_pending_drop(s, p);
		return;
	}
	if (p->kind == PENDING_LEAVE) {
		s->cls->leave(s->owner, p->user, p->nick, p->id);
		slave_pending_drop(s, p);
		return;
	}
	copy = stanza_edit(p->stanza);
	x = slave_add_submit(s, copy, p->id);
	/* Somebody may have the nickname meanwhile. */
	if (p->has_entered)
		xml_set(copy->arena, x, "return", "true");
	if (p->stamp_ms)
		xml_set(copy->arena, x, "stamp",
			clock_stamp(p->stamp_ms, stamp));
	add_order(s, p, copy->arena, x);
	s->cls->submit(s->owner, copy);
}

struct slave_pending *
slave_pending_due(struct slave *s)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (!p->is_due)
			continue;
		p->is_due = false;
		return p;
	}
	return NULL;
}

/* ---- errors ---- */

/* The next that has waited in a split, to change the subject. */
static struct slave_pending *
next_subject(struct slave *s, const struct slave_pending *but)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

		if (p != but && p->stamp_ms && !p->was_passed && p->stanza &&
		    p->stanza->type == TYPE_GROUPCHAT &&
		    rules_is_subject(p->stanza))
			return p;
	}
	return NULL;
}

void
slave_refuse_subjects(struct slave *s, const struct slave_pending *but)
{
	struct slave_pending *p;

	while ((p = next_subject(s, but))) {
		struct stanza *stanza = stanza_ref(p->stanza);

		slave_pending_drop(s, p);
		s->cls->refuse(s->owner, stanza, COND_CONFLICT,
			       "somebody has set another subject meanwhile");
		stanza_unref(&stanza);
	}
}

static struct slave_pending *
pending_of_error(struct slave *s, const struct stanza *error)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);
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
	if (cond == COND_NOT_ALLOWED)
		return 307;
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
	slave_apply(s, e, false);
	entry_unref(&e);
}

static struct slave_pending *
next_waiting(struct slave *s, const struct jid *user)
{
	list_each (n, &s->pending) {
		struct slave_pending *p = slave_pending_of(n);

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

		slave_pending_drop(s, p);
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
	bool returns = slave_comes_again(p);

	slave_pending_drop(s, p);
	if (returns) {
		put_out(s, user, cond);
		refuse_waiting(s, user);
	}
	jid_unref(&user);
	/* Where there is no room any more, nothing else comes. */
	if (!s->locals.n && !s->n_pending)
		slave_leave_master(s);
	return returns;
}

void
slave_refused(struct slave *s, struct slave_pending *p, enum stanza_cond cond)
{
	struct stanza *stanza = p->stanza ? stanza_ref(p->stanza) : NULL;

	/* It may say anything; and that the way is lost, we know better. */
	if (!cond || is_of_the_way(cond))
		cond = COND_UNDEFINED_CONDITION;
	if (!take_refusal(s, p, cond) && stanza &&
	    stanza->type != TYPE_UNAVAILABLE)
		s->cls->refuse(s->owner, stanza, cond,
			       "the room has refused this");
	stanza_unref(&stanza);
}

bool
slave_error(struct slave *s, const struct stanza *error)
{
	enum stanza_cond cond = stanza_error_cond(error);
	struct slave_pending *p;

	/* What still waits then is refused by the copy itself. */
	if (s->is_over)
		return false;
	p = pending_of_error(s, error);
	if (!p)
		return is_of_the_way(cond) && was_answered(s, error);
	if (is_of_the_way(cond)) {
		/* Behind that, all is sent again. */
		slave_broken(s, s->jid);
		return true;
	}
	return take_refusal(s, p, cond);
}
