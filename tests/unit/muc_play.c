/* muc_play.c - a room played without a server. */

#include "muc_play.h"

#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "muc_disk.h"
#include "muc_invariants.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A submission that has to be answered. */
struct ticket {
	struct list node; /* in play->tickets */
	uint64_t order;
	unsigned n_done;
};

/* A ruling on its way to the disk. */
struct write {
	struct list node; /* in play->writes or stored */
	struct entry **entries;
	size_t n;
};

#define ticket_of(n) container_of(n, struct ticket, node)
#define write_of(n)  container_of(n, struct write, node)

static void
must(struct play *p, bool holds, const char *what)
{
	if (!holds && !p->wrong)
		p->wrong = what;
}

static void
report(struct play *p, const char *wrong)
{
	if (wrong && !p->wrong)
		p->wrong = wrong;
}

static struct entry **
copy_entries(struct entry *const *entries, size_t n)
{
	struct entry **copy = mem_alloc(n * sizeof(struct entry *));

	for (size_t i = 0; i < n; i++)
		copy[i] = entry_ref(entries[i]);
	return copy;
}

static void
free_entries(struct entry **entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		entry_unref(&entries[i]);
	free(entries);
}

/* ---- what the master calls ---- */

/* These are next; all before them must have been applied. */
static void
expect(struct play *p, struct entry **entries, size_t n)
{
	must(p, p->n_applied == p->n_applying,
	     "an entry that holds was not applied");
	free_entries(p->applying, p->n_applying);
	p->applying = entries;
	p->n_applying = n;
	p->n_applied = 0;
}

static bool
store(void *owner, struct entry *const *entries, size_t n)
{
	struct play *p = owner;
	struct write *w;

	if (!disk_wants(&p->master.room->config, entries, n)) {
		/* It may not overtake: it will be judged again. */
		if (list_is_empty(&p->writes) && list_is_empty(&p->stored))
			expect(p, copy_entries(entries, n), n);
		return false;
	}
	w = mem_alloc(sizeof(*w));
	w->entries = copy_entries(entries, n);
	w->n = n;
	list_append(&p->writes, &w->node);
	p->n_writes++;
	return true;
}

static bool
may_apply(void *owner, const struct submission *sub)
{
	struct play *p = owner;

	(void)sub;
	if (p->n_may_apply == PLAY_ALL)
		return true;
	if (p->n_may_apply) {
		p->n_may_apply--;
		return true;
	}
	/* What has just been decided will be judged again. */
	free_entries(p->applying, p->n_applying);
	p->applying = NULL;
	p->n_applying = p->n_applied = 0;
	return false;
}

static bool
is_same_change(const struct room_change *a, const struct room_change *b)
{
	return a->is_first == b->is_first && a->is_again == b->is_again &&
	       a->is_same == b->is_same && a->is_last == b->is_last &&
	       a->was_top == b->was_top && a->old_role == b->old_role &&
	       a->old_affiliation == b->old_affiliation &&
	       !a->occupant == !b->occupant && !a->session == !b->session;
}

static void
replay(struct play *p, const struct room_change *c)
{
	struct entry *e = (struct entry *)c->entry;
	struct room_change other;

	if (!room_can_apply(p->replica, e)) {
		report(p, "the replica cannot apply an entry");
		return;
	}
	room_apply(p->replica, e, &other);
	must(p, is_same_change(c, &other), "the replica sees another change");
	room_change_fini(&other);
}

/* Who takes a nickname that is reserved for somebody else? */
static void
check_nick(struct play *p, const struct room_change *c)
{
	const struct affiliation_item *item;

	if (c->entry->type != ENTRY_NICK &&
	    (c->entry->type != ENTRY_JOIN || !c->is_first))
		return;
	item = affiliations_by_nick(&p->master.room->affiliations,
				    c->occupant->nick);
	must(p, !item || jid_eq_bare(item->jid, c->occupant->bare),
	     "a nickname is taken that is reserved for another");
}

static void
trace_entry(const struct entry *e)
{
	printf("\t%s %s %s id=%" PRId64 " %s %s\n", entry_type_name(e->type),
	       e->nick ? e->nick : "", e->jid ? jid_str(e->jid) : "",
	       e->archive_id, affiliation_name(e->affiliation),
	       role_name(e->role));
}

static void
applied(void *owner, const struct room_change *c)
{
	struct play *p = owner;
	const struct entry *e = c->entry;

	if (p->n_applied == p->n_applying && !list_is_empty(&p->stored)) {
		struct write *w = write_of(list_pop(&p->stored));

		expect(p, w->entries, w->n);
		free(w);
	}
	must(p, p->n_applied < p->n_applying && p->applying[p->n_applied] == e,
	     "an entry is applied that was not decided");
	p->n_applied++;
	p->n_entries++;
	p->n_of_type[e->type]++;
	if (p->is_traced)
		trace_entry(e);
	must(p, e->seq == ++p->seq, "the log is not contiguous");
	if (e->archive_id) {
		must(p, e->archive_id > p->last_id, "archive ids do not grow");
		p->last_id = e->archive_id;
	}
	report(p, room_find_broken(p->master.room));
	check_nick(p, c);
	replay(p, c);
	if (p->inside && !p->wrong)
		p->inside(p, p->data);
}

static void
check_settled(struct play *p)
{
	const struct room *r = p->master.room;

	report(p, room_find_wrong(r, p->admin));
	if (affiliations_count(&r->affiliations, AFFILIATION_OWNER))
		p->had_owner = true;
	else
		must(p, r->is_destroyed || (!p->had_owner && !r->n_occupants),
		     p->had_owner ? "the last owner is gone"
				  : "somebody is in a room that is not made");
}

static void
done(void *owner, void *data, const struct submission *sub,
     const struct ruling *ruling)
{
	struct play *p = owner;
	struct ticket *t = data;

	(void)sub;
	if (p->is_traced)
		printf("\t%s\n",
		       ruling->cond ? stanza_cond_name(ruling->cond) : "done");
	must(p, ++t->n_done == 1, "a submission is answered twice");
	if (ruling->cond) {
		p->n_refused++;
		must(p, !ruling->n && !ruling->n_mail,
		     "what was refused has an effect");
	}
	if (ruling->n) {
		must(p, t->order > p->last_done,
		     "a submission overtakes another");
		p->last_done = t->order;
	}
	/* It may be told before it is applied. */
	if (ruling->n && ruling->entries[ruling->n - 1]->seq)
		check_settled(p);
	for (size_t i = 0; i < ruling->n_mail; i++)
		must(p, ruling->mail[i]->to != NULL, "mail is for nobody");
	if (p->inside && p->master.room && !p->wrong)
		p->inside(p, p->data);
}

static const struct master_class class = {
	.store = store,
	.may_apply = may_apply,
	.applied = applied,
	.done = done,
};

/* ---- a life of the room ---- */

static void
start(struct play *p, struct room *room, struct room *replica)
{
	master_init(&p->master, room, &p->env, &class, p);
	p->replica = replica;
	p->seq = 0;
	p->last_done = 0;
	p->had_owner =
		affiliations_count(&room->affiliations, AFFILIATION_OWNER) > 0;
}

static void
end(struct play *p)
{
	struct list *n;

	p->depth++;
	master_fini(&p->master);
	p->depth--;
	room_free(p->replica);
	p->replica = NULL;
	while ((n = list_pop(&p->tickets))) {
		must(p, ticket_of(n)->n_done == 1,
		     "a submission is not answered");
		free(ticket_of(n));
	}
	while ((n = list_pop(&p->stored)) || (n = list_pop(&p->writes))) {
		free_entries(write_of(n)->entries, write_of(n)->n);
		free(write_of(n));
	}
	p->n_writes = 0;
	free_entries(p->applying, p->n_applying);
	p->applying = NULL;
	p->n_applying = p->n_applied = 0;
}

/* As live_release: a room that nobody needs any more. */
static void
release(struct play *p)
{
	const struct room *r = p->master.room;

	if (!r || p->depth || !master_is_idle(&p->master))
		return;
	if (!r->is_destroyed && !r->is_unmade &&
	    (r->n_occupants || r->config.is_persistent))
		return;
	end(p);
	disk_remove_room(&p->disk);
}

static void
look(struct play *p)
{
	if (!p->master.room || p->depth || p->wrong)
		return;
	must(p, p->n_applied == p->n_applying,
	     "an entry that holds was not applied");
	check_settled(p);
	/* What has applied nothing and yet changed something is seen at the
	 * next entry. */
	if (p->n_compared != p->n_entries)
		must(p, room_is_same(p->master.room, p->replica),
		     "the replica is another room");
	p->n_compared = p->n_entries;
	release(p);
}

/* ---- what happens to it ---- */

void
play_submit(struct play *p, struct submission *sub)
{
	struct ticket *t;

	if (!p->master.room)
		return;
	t = mem_zalloc(sizeof(*t));
	t->order = ++p->n_submitted;
	list_append(&p->tickets, &t->node);
	sub->now_ms = p->now_ms;
	sub->is_service_admin = p->admin && jid_eq_bare(sub->from, p->admin);
	p->depth++;
	master_submit(&p->master, sub, t);
	p->depth--;
	look(p);
}

static void
create(struct play *p)
{
	struct room *rooms[2];

	for (int i = 0; i < 2; i++) {
		rooms[i] = room_new(p->jid, 0);
		rooms[i]->created_ms = p->now_ms;
		rooms[i]->is_unmade = true;
	}
	/* Another room of that name has an archive of its own. */
	p->last_id = 0;
	start(p, rooms[0], rooms[1]);
}

/* What requests.c submits to the rules. */
static bool
is_for_rules(const struct stanza *s)
{
	const struct xml *x;

	if (s->type == TYPE_ERROR)
		return false;
	if (s->kind == STANZA_MESSAGE)
		return !jid_resource(s->to);
	if (s->kind == STANZA_PRESENCE)
		return true;
	x = stanza_payload(s);
	return s->type == TYPE_SET && x && jid_is_bare(s->to);
}

static bool
takes_back(const struct stanza *s)
{
	if (s->kind == STANZA_IQ)
		return xml_is(stanza_payload(s), "moderate", NS_MODERATE);
	return s->kind == STANZA_MESSAGE &&
	       stanza_child(s, "retract", NS_RETRACT);
}

void
play_stanza(struct play *p, struct jid *from, struct stanza *s)
{
	struct submission sub = { .type = SUBMIT_STANZA,
				  .from = from,
				  .stanza = s };

	if (!is_for_rules(s))
		return;
	if (!p->master.room) {
		if (s->kind != STANZA_PRESENCE || s->type != TYPE_NONE)
			return;
		/* Without the element it only learns that it is not here. */
		sub.is_creation = stanza_child(s, "x", NS_MUC) != NULL;
		create(p);
	}
	/* As retract.c. */
	if (takes_back(s)) {
		sub.target_id = rules_retracted_id(s);
		sub.target = disk_find(&p->disk, sub.target_id);
	}
	play_submit(p, &sub);
	stanza_unref(&sub.target);
}

void
play_stored(struct play *p, enum stanza_cond cond)
{
	struct write *w;

	if (list_is_empty(&p->writes))
		return;
	w = write_of(list_pop(&p->writes));
	p->n_writes--;
	if (cond) {
		free_entries(w->entries, w->n);
		free(w);
	} else {
		disk_write(&p->disk, w->entries, w->n,
			   p->master.room->last_archive_id);
		list_append(&p->stored, &w->node);
	}
	p->depth++;
	master_stored(&p->master, cond);
	p->depth--;
	look(p);
}

void
play_go_on(struct play *p, unsigned n_may_apply)
{
	p->n_may_apply = n_may_apply;
	if (!p->master.room || p->depth)
		return;
	p->depth++;
	master_go_on(&p->master);
	p->depth--;
	look(p);
}

void
play_settle(struct play *p)
{
	play_go_on(p, PLAY_ALL);
	while (!p->wrong && !list_is_empty(&p->writes))
		play_stored(p, COND_NONE);
	if (p->master.room)
		must(p, master_is_idle(&p->master), "something is left undone");
}

void
play_crash(struct play *p, size_t n)
{
	struct disk_guests guests = { 0 };
	struct room *room, *replica;

	if (!p->master.room || p->depth)
		return;
	p->n_crashes++;
	for (struct list *w = p->writes.next; n && w != &p->writes;
	     w = w->next, n--)
		disk_write(&p->disk, write_of(w)->entries, write_of(w)->n,
			   p->master.room->last_archive_id);
	disk_save_guests(&guests, p->master.room, p->is_remote);
	end(p);
	/* A start takes longer than the ids were ahead of the clock, which is
	 * right then: those of messages that are not kept are forgotten. */
	if (p->now_ms < p->last_id / 1000)
		p->now_ms = p->last_id / 1000;
	p->now_ms += 1000;
	p->started_ms = p->now_ms;
	room = disk_restore(&p->disk, p->jid, &guests);
	replica = disk_restore(&p->disk, p->jid, &guests);
	disk_guests_fini(&guests);
	if (!room) {
		disk_remove_room(&p->disk);
		return;
	}
	start(p, room, replica);
	report(p, room_find_broken(room));
	play_submit(p, &(struct submission){ .type = SUBMIT_RESTORED });
}

void
play_init(struct play *p, struct jid *room)
{
	*p = (struct play){ .jid = jid_ref(room), .n_may_apply = PLAY_ALL };
	list_init(&p->writes);
	list_init(&p->stored);
	list_init(&p->tickets);
}

void
play_fini(struct play *p)
{
	if (p->master.room)
		end(p);
	disk_remove_room(&p->disk);
	jid_unref(&p->jid);
}
