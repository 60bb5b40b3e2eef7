/* own_life.c - a room at its master: what comes of submissions, what is on
 * disk, and how it wakes up from there. */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/tree.h"
#include "own_room.h"
#include "sim.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ticket {
	struct list node;      /* in room->tickets */
	struct stanza *stanza; /* ref */
	unsigned from;
	char submit[17];
};

struct write {
	struct list node; /* in room->writes */
	struct entry **entries;
	size_t n;
};

#define ticket_of(n) container_of(n, struct ticket, node)
#define write_of(n)  container_of(n, struct write, node)

void *
ticket_new(struct own_room *r, struct stanza *s, unsigned from,
	   const char *submit)
{
	struct ticket *t = mem_zalloc(sizeof(*t));

	t->stanza = stanza_ref(s);
	t->from = from;
	if (submit)
		snprintf(t->submit, sizeof(t->submit), "%s", submit);
	list_append(&r->tickets, &t->node);
	return t;
}

static void
ticket_free(struct ticket *t)
{
	list_remove(&t->node);
	stanza_unref(&t->stanza);
	free(t);
}

/* ---- what users are told ---- */

void
own_reply(struct own_room *r, const struct stanza *s, unsigned to,
	  const struct ruling *ruling)
{
	struct user *u = user_find(r->sim, s->from);
	struct stanza *error = stanza_error(s, ruling->cond, NULL);
	struct sight sight = { .type = SIGHT_ERROR,
			       .room = r->index,
			       .cond = ruling->cond };
	struct buf b = { 0 };
	struct wire *w;

	if (!error)
		return;
	if (stanza_id(s) && strlen(stanza_id(s)) < 10)
		sight.number = (unsigned)atoi(stanza_id(s));
	if (to == r->at) {
		user_sees(r->sim, u, &sight);
		stanza_unref(&error);
		return;
	}
	w = wire_new(WIRE_REPLY, r->at, to, r->index);
	stanza_write(&b, error, error->from, error->to, NULL);
	w->len = b.len;
	w->text = buf_take(&b);
	w->user = u->index;
	w->sight = mem_alloc(sizeof(sight));
	*w->sight = sight;
	net_send(r->sim, w);
	stanza_unref(&error);
}

static void
done(void *owner, void *data, const struct submission *sub,
     const struct ruling *ruling)
{
	struct own_room *r = owner;
	struct ticket *t = data;
	struct peer *p;

	(void)sub;
	if (!t)
		return;
	if (!r->is_ending && !ruling->cond)
		r->sim->said[user_number(r->sim, t->stanza)].is_done = true;
	p = r->is_ending
		    ? NULL
		    : peers_find(&r->peers, r->sim->servers[t->from].domain);
	if (p && *t->submit)
		peers_done(p, t->submit, ruling->cond);
	if (r->is_ending)
		;
	else if (ruling->cond && *t->submit && p && p->is_cut && p->via)
		peers_refused(&r->peers, p, t->submit, ruling->cond);
	else if (ruling->cond)
		own_reply(r, t->stanza, t->from, ruling);
	else if (!ruling->n && *t->submit && p)
		peers_settled(&r->peers, p, t->submit);
	ticket_free(t);
}

/* ---- what is kept of what was said ---- */

/* After a crash the master knows what it has from the last messages only. */
bool
own_is_out_of_history(const struct own_room *r, const struct said *said)
{
	int n = 0;

	for (unsigned i = 1; i <= r->sim->n_said; i++) {
		const struct said *other = &r->sim->said[i];

		n += other->room == r->index && other->n_logged &&
		     other->archive_id > said->archive_id;
	}
	return r->was_crashed && r->is_up &&
	       n >= r->master.room->config.history - 1;
}

static void
note_message(struct own_room *r, const struct entry *e)
{
	struct sim *sim = r->sim;
	size_t len = 0;
	const char *text = chunk_data(e->payload, &len);
	const char *body = memmem(text, len, "<body>m", 7);
	unsigned number = body ? (unsigned)atoi(body + 7) : 0;
	struct said *said = &sim->said[number];

	if (!number)
		return;
	/* Without a copy it depends on the streams. */
	if (!said->by_copy && sim->users[said->user].server != r->at)
		said->is_unsure = true;
	if (said->n_logged && own_is_out_of_history(r, said))
		said->is_unsure = true;
	if (said->n_logged++ && !said->is_unsure)
		sim_wrong(sim, "message %u is twice in the log of room %u",
			  number, r->index);
	said->logged_ms = sim->now_ms + 1;
	said->archive_id = e->archive_id;
	for (unsigned i = number + 1; i <= sim->n_said; i++) {
		if (sim->said[i].n_logged && !sim->said[i].is_unsure &&
		    sim->said[i].user == said->user &&
		    sim->said[i].room == said->room && !said->is_unsure)
			sim_wrong(sim, "message %u is behind %u in the log",
				  number, i);
	}
}

/* As what somebody enters, also behind a split. */
static bool
is_due(const struct own_room *r, const struct room_change *c)
{
	const struct room *room = r->master.room;
	enum affiliation affiliation =
		affiliations_get(&room->affiliations, c->occupant->bare);

	if (!c->is_first)
		return c->entry->role == c->old_role;
	return c->entry->affiliation == affiliation &&
	       c->entry->role == role_default(&room->config, affiliation);
}

/* Only who may do that, and there, changes what somebody is. */
static void
check_authority(struct own_room *r, const struct room_change *c)
{
	const struct submission *sub = r->master.now;
	enum entry_type type = c->entry->type;
	bool is_power = type == ENTRY_AFFILIATION || type == ENTRY_CONFIG ||
			type == ENTRY_ROLE;

	if (!sub || !sub->submit)
		return;
	if (is_power || (type == ENTRY_JOIN && !is_due(r, c)))
		sim_wrong(r->sim, "a copy has changed who is what in room %u",
			  r->index);
}

static void
note_put_out(struct own_room *r, const struct room_session *s)
{
	r->put_out[user_find(r->sim, s->jid)->index] = true;
}

/* Nobody who was put out comes back by himself, through a split. */
static void
check_put_out(struct own_room *r, const struct room_change *c)
{
	const struct submission *sub = r->master.now;
	unsigned user;

	if (c->entry->type == ENTRY_JOIN) {
		user = user_find(r->sim, c->session->jid)->index;
		if (r->put_out[user] && sub && sub->is_return)
			sim_wrong(r->sim,
				  "%s was put out of room %u, "
				  "and comes back by himself",
				  jid_str(c->session->jid), r->index);
		r->put_out[user] = false;
	}
	if (c->entry->type != ENTRY_LEAVE ||
	    (c->entry->code != 307 && c->entry->code != 301))
		return;
	if (!c->is_last)
		note_put_out(r, c->session);
	else
		list_each (n, &c->occupant->sessions)
			note_put_out(r, room_session_of(n));
}

static void
applied(void *owner, const struct room_change *c)
{
	struct own_room *r = owner;
	struct shower by = { .sim = r->sim,
			     .room = r->index,
			     .server = r->at,
			     .state = r->master.room,
			     .stanza = r->master.now ? r->master.now->stanza
						     : NULL };

	sim_tell(r->sim, "room %u: %" PRIu64 " %s %s", r->index, c->entry->seq,
		 entry_type_name(c->entry->type),
		 c->entry->nick ? c->entry->nick : "");
	r->sim->n_entries++;
	r->n_entries++;
	check_authority(r, c);
	check_put_out(r, c);
	verdict_appended(r, c);
	if (c->entry->type == ENTRY_MESSAGE)
		note_message(r, c->entry);
	if (c->entry->type == ENTRY_JOIN)
		r->joined_ms[user_find(r->sim, c->session->jid)->index] =
			r->sim->now_ms;
	r->has_changed = true;
	if (c->entry->type == ENTRY_JOIN || c->entry->type == ENTRY_ROLE ||
	    c->entry->type == ENTRY_CONFIG)
		verdict_note_entitled(r);
	peers_applied(&r->peers, c);
	show_change(&by, c);
}

/* ---- the disk ---- */

static void
write_free(struct write *w)
{
	list_remove(&w->node);
	for (size_t i = 0; i < w->n; i++)
		entry_unref(&w->entries[i]);
	free(w->entries);
	free(w);
}

static void
on_stored(struct sim *sim, const struct event *ev)
{
	struct own_room *r = &sim->rooms[ev->a];
	struct write *w;

	if (r->life != ev->c || !r->is_up)
		return;
	w = write_of(r->writes.next);
	disk_write(&r->disk, w->entries, w->n, r->master.room->last_archive_id);
	write_free(w);
	master_stored(&r->master, COND_NONE);
}

static bool
store(void *owner, struct entry *const *entries, size_t n)
{
	struct own_room *r = owner;
	struct way *own = &r->sim->ways[r->at][r->at];
	struct write *w;

	if (!disk_wants(&r->master.room->config, entries, n))
		return false;
	w = mem_alloc(sizeof(*w));
	w->entries = mem_alloc(n * sizeof(struct entry *));
	for (size_t i = 0; i < n; i++)
		w->entries[i] = entry_ref(entries[i]);
	w->n = n;
	list_append(&r->writes, &w->node);
	r->stored_ms += 1 + dice_number(&own->dice, 10);
	if (r->stored_ms <= r->sim->now_ms)
		r->stored_ms = r->sim->now_ms + 1;
	sim_at(r->sim, r->stored_ms,
	       &(struct event){ .fn = on_stored, .a = r->index, .c = r->life });
	return true;
}

static const struct master_class class = {
	.store = store,
	.applied = applied,
	.done = done,
};

static const struct peers_class peers_class = {
	.send = own_send,
	.link = own_link,
};

/* ---- lives ---- */

static void
stop(struct own_room *r)
{
	if (!r->is_up)
		return;
	r->is_ending = true;
	peers_fini(&r->peers);
	master_fini(&r->master);
	r->is_ending = false;
	r->is_up = false;
	r->life++;
	memset(r->appended, 0, r->sim->n_users * sizeof(unsigned));
	list_each_safe (n, &r->writes)
		write_free(write_of(n));
	list_each_safe (n, &r->tickets)
		ticket_free(ticket_of(n));
	for (unsigned i = 0; i < SERVERS_MAX; i++) {
		struct creation *c = &r->creations[i];

		while (c->n)
			stanza_unref(&c->joins[--c->n]);
		free(c->joins);
		*c = (struct creation){ .number = c->number };
		r->lost_ms[i] = r->refused_until_ms[i] = 0;
		r->is_lost[i] = false;
	}
}

static const struct jid *own_domain;

static bool
is_remote(const struct jid *user)
{
	return !jid_eq_domain(user, own_domain);
}

static void
copy_disk(struct play_disk *to, const struct play_disk *from)
{
	disk_remove_room(to);
	*to = *from;
	if (!from->has_room)
		return;
	muc_config_copy(&to->config, &from->config);
	affiliations_init(&to->lists);
	affiliations_each (item, &from->lists)
		affiliations_set(&to->lists, item->jid, item->affiliation,
				 item->nick, item->reason);
	to->subject = from->subject ? entry_ref(from->subject) : NULL;
	to->cap_archive = from->n_archive;
	to->archive = mem_alloc((from->n_archive + 1) * sizeof(struct entry *));
	for (size_t i = 0; i < from->n_archive; i++)
		to->archive[i] = entry_ref(from->archive[i]);
}

static void
save_guests(struct own_room *r, struct disk_guests *g)
{
	own_domain = r->sim->servers[r->at].domain;
	disk_guests_fini(g);
	*g = (struct disk_guests){ 0 };
	disk_save_guests(g, r->master.room, is_remote);
}

void
own_save_backup(struct own_room *r)
{
	if (!r->is_up)
		return;
	r->backup.is_there = true;
	r->backup.at_ms = r->sim->now_ms;
	copy_disk(&r->backup.disk, &r->disk);
	save_guests(r, &r->backup.guests);
}

/* What was said and is not on disk may be said again. */
static void
forget_said(struct own_room *r, int64_t since_ms)
{
	for (unsigned i = 1; i <= r->sim->n_said; i++) {
		struct said *said = &r->sim->said[i];

		if (said->room == r->index && said->n_logged &&
		    (said->logged_ms > since_ms || !said->archive_id))
			said->is_unsure = true;
	}
}

void
own_crash(struct own_room *r, bool to_backup)
{
	if (!r->is_up)
		return;
	/* It does not know that any more. */
	memset(r->put_out, 0, r->sim->n_users * sizeof(bool));
	save_guests(r, &r->guests);
	stop(r);
	if (to_backup && r->backup.is_there) {
		copy_disk(&r->disk, &r->backup.disk);
		disk_guests_fini(&r->guests);
		r->guests = (struct disk_guests){ 0 };
		for (size_t i = 0; i < r->backup.guests.n; i++) {
			r->guests.joins =
				mem_realloc(r->guests.joins,
					    (i + 1) * sizeof(struct entry *));
			r->guests.joins[i] =
				entry_new(r->backup.guests.joins[i]);
			r->guests.n++;
		}
		r->was_restored = true;
		r->restored_ms = r->sim->now_ms;
		forget_said(r, r->backup.at_ms);
	} else {
		forget_said(r, INT64_MAX);
	}
	r->was_crashed = true;
}

static void
set_relays(struct own_room *r)
{
	size_t n = 0;

	for (unsigned i = 0; i < r->sim->n_servers; i++) {
		if (r->sim->plan->relays >> i & 1)
			r->relays[n++] = jid_str(r->sim->servers[i].domain);
	}
	tree_set_relays(&r->peers, r->relays, n, r->sim->plan->fanout);
}

void
own_restart(struct own_room *r)
{
	struct room *room = disk_restore(&r->disk, r->jid, &r->guests);

	if (!room)
		return;
	r->is_up = true;
	r->told_ms = r->sim->now_ms;
	master_init(&r->master, room, &r->env, &class, r);
	peers_init(&r->peers, room, &r->env, &peers_class, r);
	r->peers.n_sealed = (uint64_t)host_wall(r->sim, r->at);
	set_relays(r);
	verdict_note_entitled(r);
	master_submit(
		&r->master,
		&(struct submission){ .type = SUBMIT_RESTORED,
				      .now_ms = host_wall(r->sim, r->at) },
		NULL);
}

/* The first user of the room's server and the first of the next one own it. */
static void
found(struct own_room *r)
{
	struct sim *sim = r->sim;
	struct muc_config config;
	struct entry *e;

	muc_config_init(&config, PRESET_PUBLIC_CHANNEL);
	config.history = 20;
	config.split = sim->plan->continues ? SPLIT_CONTINUE : SPLIT_HOLD;
	e = entry_new(
		&(struct entry){ .type = ENTRY_CONFIG, .config = &config });
	disk_write(&r->disk, &e, 1, 0);
	entry_unref(&e);
	for (unsigned i = 0; i < 2; i++) {
		unsigned at = (r->at + i) % sim->n_servers;
		struct jid *bare = jid_bare(sim->users[at].jid);

		e = entry_new(
			&(struct entry){ .type = ENTRY_AFFILIATION,
					 .jid = bare,
					 .affiliation = AFFILIATION_OWNER });
		disk_write(&r->disk, &e, 1, 0);
		entry_unref(&e);
		jid_unref(&bare);
	}
	muc_config_fini(&config);
}

void
own_init(struct own_room *r, struct sim *sim, unsigned index)
{
	char text[60];

	r->sim = sim;
	r->index = index;
	r->at = index % sim->n_servers;
	snprintf(text, sizeof(text), "room%u@rooms.d%u.example", index, r->at);
	r->jid = jid_parse(text);
	r->service = jid_make(NULL, jid_domain(r->jid), NULL);
	r->secret[0] = (uint8_t)('a' + r->at);
	r->env = (struct rules_env){ .secret = r->secret,
				     .presence_max = 4096,
				     .vcard_max = 4096,
				     .occupants_max = 500,
				     .affiliations_max = 200,
				     .history_max = 100 };
	r->joined_ms = mem_zalloc(sim->n_users * sizeof(int64_t));
	r->put_out = mem_zalloc(sim->n_users * sizeof(bool));
	r->appended = mem_zalloc(sim->n_users * sizeof(unsigned));
	list_init(&r->writes);
	list_init(&r->tickets);
	found(r);
	own_restart(r);
}

void
own_fini(struct own_room *r)
{
	stop(r);
	disk_remove_room(&r->disk);
	disk_guests_fini(&r->guests);
	disk_remove_room(&r->backup.disk);
	disk_guests_fini(&r->backup.guests);
	jid_unref(&r->jid);
	jid_unref(&r->service);
	free(r->joined_ms);
	free(r->put_out);
	free(r->appended);
}
