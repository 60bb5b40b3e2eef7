/* master.c - the authority of a room. */

#include "modules/muc/master.h"

#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <stdlib.h>

/* A submission with its own references, and what came of it. */
struct work {
	struct list node; /* in master->waiting or storing */
	struct submission sub;
	struct ruling ruling;
	void *ticket;
	bool is_stored;
};

#define work_of(n) container_of(n, struct work, node)

void
master_init(struct master *m, struct room *room, const struct rules_env *env,
	    const struct master_class *cls, void *owner)
{
	*m = (struct master){
		.room = room, .env = env, .cls = cls, .owner = owner
	};
	list_init(&m->waiting);
	list_init(&m->storing);
}

static struct work *
work_new(const struct submission *sub, void *ticket)
{
	struct work *w = mem_zalloc(sizeof(*w));

	w->sub = *sub;
	w->ticket = ticket;
	jid_ref(sub->from);
	if (sub->stanza)
		stanza_ref(sub->stanza);
	if (sub->entry)
		entry_ref(sub->entry);
	if (sub->target)
		stanza_ref(sub->target);
	return w;
}

static void
work_free(struct work *w)
{
	ruling_fini(&w->ruling);
	jid_unref(&w->sub.from);
	stanza_unref(&w->sub.stanza);
	entry_unref(&w->sub.entry);
	stanza_unref(&w->sub.target);
	free(w);
}

static void
fail_all(struct master *m, struct list *works)
{
	struct list *n;

	while ((n = list_pop(works))) {
		struct work *w = work_of(n);

		ruling_fini(&w->ruling);
		w->ruling.cond = COND_INTERNAL_SERVER_ERROR;
		m->cls->done(m->owner, w->ticket, &w->sub, &w->ruling);
		work_free(w);
	}
}

void
master_fini(struct master *m)
{
	m->is_busy = true;
	m->unstored = NULL;
	fail_all(m, &m->storing);
	fail_all(m, &m->waiting);
	room_free(m->room);
	m->room = NULL;
}

bool
master_is_idle(const struct master *m)
{
	return !m->is_busy && list_is_empty(&m->storing) &&
	       list_is_empty(&m->waiting);
}

/* An entry may have come to nothing through those before it: two of a ruling
 * never do, but of a restored room one might. */
static void
apply(struct master *m, const struct ruling *ruling)
{
	for (size_t i = 0; i < ruling->n; i++) {
		struct room_change change;
		struct entry *e = ruling->entries[i];

		if (!room_can_apply(m->room, e))
			continue;
		log_ring_append(&m->room->log, e);
		room_apply(m->room, e, &change);
		m->cls->applied(m->owner, &change);
		room_change_fini(&change);
	}
}

/* In slow mode, how soon one may speak again is known when that is said. */
static bool
is_speaking(const struct master *m, const struct jid *user)
{
	list_each (n, &m->storing) {
		if (jid_eq_bare(work_of(n)->sub.from, user))
			return true;
	}
	return false;
}

/* What is said does not change what others may say: while one message is on
 * its way to the disk, more of them can be judged. All else waits until the
 * room is what it is going to be. */
static bool
is_blocked(const struct master *m, const struct submission *sub)
{
	const struct ruling *first;

	if (m->is_busy)
		return true;
	if (list_is_empty(&m->storing))
		return false;
	if (sub->type != SUBMIT_STANZA || sub->stanza->kind != STANZA_MESSAGE ||
	    sub->stanza->type != TYPE_GROUPCHAT)
		return true;
	if (m->room->config.slow_mode_s && is_speaking(m, sub->from))
		return true;
	/* Either all of them are messages, or it is one of something else. */
	first = &work_of(m->storing.next)->ruling;
	return first->n != 1 || first->entries[0]->type != ENTRY_MESSAGE;
}

/* What has been decided happens, and its sender is told. */
static void
carry_out(struct master *m, const struct submission *sub, void *ticket,
	  const struct ruling *ruling)
{
	m->is_busy = true;
	m->now = sub;
	if (ruling->is_told_first)
		m->cls->done(m->owner, ticket, sub, ruling);
	apply(m, ruling);
	if (!ruling->is_told_first)
		m->cls->done(m->owner, ticket, sub, ruling);
	m->now = NULL;
	m->is_busy = false;
}

static void
take_ids(struct master *m, const struct ruling *ruling)
{
	for (size_t i = 0; i < ruling->n; i++) {
		if (ruling->entries[i]->archive_id > m->room->last_archive_id)
			m->room->last_archive_id =
				ruling->entries[i]->archive_id;
	}
}

static bool
may_apply(const struct master *m, const struct submission *sub)
{
	return sub->type != SUBMIT_STANZA || !m->cls->may_apply ||
	       m->cls->may_apply(m->owner, sub);
}

/* What does not go to the disk may not overtake what is on its way there. It
 * is judged anew when that has arrived; or when there is time. */
static void
hold(struct master *m, const struct submission *sub, void *ticket,
     struct work *w)
{
	if (!w)
		w = work_new(sub, ticket);
	list_prepend(&m->waiting, &w->node);
}

/* w: the work that it is already, or NULL. False: it is held. */
static bool
process(struct master *m, const struct submission *sub, void *ticket,
	struct work *w)
{
	struct ruling ruling = { 0 };

	rules_judge(m->room, m->env, sub, &ruling);
	take_ids(m, &ruling);
	if (ruling.n && m->cls->store(m->owner, ruling.entries, ruling.n)) {
		if (!w)
			w = work_new(sub, ticket);
		w->ruling = ruling;
		list_append(&m->storing, &w->node);
		if (!m->unstored)
			m->unstored = w;
		return true;
	}
	if (ruling.n && (!list_is_empty(&m->storing) || !may_apply(m, sub))) {
		ruling_fini(&ruling);
		hold(m, sub, ticket, w);
		return false;
	}
	carry_out(m, sub, ticket, &ruling);
	ruling_fini(&ruling);
	if (w)
		work_free(w);
	return true;
}

static void
process_waiting(struct master *m)
{
	while (!list_is_empty(&m->waiting)) {
		struct work *w = work_of(m->waiting.next);

		if (is_blocked(m, &w->sub))
			return;
		list_remove(&w->node);
		if (!process(m, &w->sub, w->ticket, w))
			return;
	}
}

void
master_submit(struct master *m, const struct submission *sub, void *ticket)
{
	if (!list_is_empty(&m->waiting) || is_blocked(m, sub)) {
		list_append(&m->waiting, &work_new(sub, ticket)->node);
		return;
	}
	if (process(m, sub, ticket, NULL))
		process_waiting(m);
}

void
master_go_on(struct master *m)
{
	while (!m->is_busy && !list_is_empty(&m->storing)) {
		struct work *w = work_of(m->storing.next);

		if (!w->is_stored)
			break;
		if (w->ruling.n && !may_apply(m, &w->sub))
			return;
		list_remove(&w->node);
		carry_out(m, &w->sub, w->ticket, &w->ruling);
		work_free(w);
	}
	process_waiting(m);
}

void
master_stored(struct master *m, enum stanza_cond cond)
{
	struct work *w = m->unstored;
	struct list *next = w->node.next;

	w->is_stored = true;
	m->unstored = next == &m->storing ? NULL : work_of(next);
	if (cond) {
		ruling_fini(&w->ruling);
		w->ruling.cond = cond;
	}
	master_go_on(m);
}
