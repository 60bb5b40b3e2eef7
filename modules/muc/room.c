/* room.c - the state of a room, and how entries change it. */

#include "modules/muc/room.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/fnv.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct occupant) <= 120, "there are many of them");
static_assert(sizeof(struct room_session) <= 80, "there are many of them");

/* ---- looking up ---- */

static bool
nick_eq(const struct map_node *n, const void *nick)
{
	return !strcmp(
		container_of((struct map_node *)n, struct occupant, node)->nick,
		nick);
}

struct occupant *
room_by_nick(const struct room *r, const char *nick)
{
	struct map_node *n;

	n = map_find(&r->nicks, hash_str(nick), nick_eq, nick);
	return n ? container_of(n, struct occupant, node) : NULL;
}

static bool
user_eq(const struct map_node *n, const void *jid)
{
	return jid_eq_bare(
		container_of((struct map_node *)n, struct occupant, by_bare)
			->bare,
		jid);
}

struct occupant *
room_by_user(const struct room *r, const struct jid *jid)
{
	struct map_node *n;

	n = map_find(&r->users, jid_hash_bare(jid), user_eq, jid);
	return n ? container_of(n, struct occupant, by_bare) : NULL;
}

static bool
session_eq(const struct map_node *n, const void *jid)
{
	return jid_eq(
		container_of((struct map_node *)n, struct room_session, node)
			->jid,
		jid);
}

struct room_session *
room_session(const struct room *r, const struct jid *full)
{
	struct map_node *n;

	n = map_find(&r->sessions, jid_hash(full), session_eq, full);
	return n ? container_of(n, struct room_session, node) : NULL;
}

bool
room_shows_jid(const struct room *r, const struct occupant *viewer)
{
	return r->config.whois == WHOIS_ANYONE ||
	       viewer->role == ROLE_MODERATOR;
}

bool
room_shows_role(const struct room *r, enum role role)
{
	return role == ROLE_NONE || r->config.presence_broadcast & 1u << role;
}

void
room_write_from(struct buf *b, const struct room *r, const char *nick)
{
	char text[3 * JID_PART_MAX + 3];

	snprintf(text, sizeof(text), "%s%s%s", jid_str(r->jid), nick ? "/" : "",
		 nick ? nick : "");
	xml_write_attr(b, "from", text);
}

/* ---- occupants ---- */

static void
drop_shown(struct occupant *o)
{
	chunk_unref(&o->shown[0]);
	chunk_unref(&o->shown[1]);
}

/* In one piece: there are many of them. The id may be the old one. */
static void
set_names(struct occupant *o, const char *nick, const char *id)
{
	size_t len = strlen(nick) + 1, id_len = id ? strlen(id) + 1 : 0;
	char *text = mem_alloc(len + id_len);

	memcpy(text, nick, len);
	if (id)
		memcpy(text + len, id, id_len);
	free(o->nick);
	o->nick = text;
	o->id = id ? text + len : NULL;
}

static struct occupant *
occupant_add(struct room *r, const struct entry *e)
{
	struct occupant *o = mem_zalloc(sizeof(*o));

	set_names(o, e->nick, e->occupant_id);
	o->bare = jid_bare(e->jid);
	list_init(&o->sessions);
	list_append(&r->occupants, &o->in_room);
	map_insert(&r->nicks, &o->node, hash_str(o->nick));
	if (o->bare)
		map_insert(&r->users, &o->by_bare, jid_hash(o->bare));
	r->n_occupants++;
	return o;
}

static void
occupant_take_out(struct room *r, struct occupant *o)
{
	list_remove(&o->in_room);
	map_remove(&r->nicks, &o->node);
	if (o->bare)
		map_remove(&r->users, &o->by_bare);
	r->n_occupants--;
}

static void
session_free(struct room_session *s)
{
	jid_unref(&s->jid);
	jid_unref(&s->real);
	chunk_unref(&s->payload);
	free(s);
}

static void
occupant_free(struct occupant *o)
{
	struct list *n;

	while ((n = list_pop(&o->sessions)))
		session_free(room_session_of(n));
	drop_shown(o);
	jid_unref(&o->bare);
	free(o->nick);
	free(o);
}

static struct room_session *
session_add(struct room *r, struct occupant *o, struct jid *full)
{
	struct room_session *s = mem_zalloc(sizeof(*s));

	s->jid = jid_ref(full);
	s->occupant = o;
	list_append(&o->sessions, &s->in_occupant);
	o->n_sessions++;
	map_insert(&r->sessions, &s->node, jid_hash(full));
	return s;
}

bool
room_same_payload(const struct chunk *a, const struct chunk *b)
{
	size_t a_len = 1, b_len = 1;
	const char *x = a ? chunk_data(a, &a_len) : ">";
	const char *y = b ? chunk_data(b, &b_len) : ">";

	return a_len == b_len && !memcmp(x, y, a_len);
}

/* Nothing but the end of the start tag: as without any. */
static bool
is_bare(const struct chunk *payload)
{
	size_t len = 0;

	return !payload || (chunk_data(payload, &len) && len == 1);
}

static void
set_payload(struct room_session *s, struct chunk *payload)
{
	chunk_unref(&s->payload);
	s->payload = is_bare(payload) ? NULL : chunk_ref(payload);
	s->occupant->top = s;
	drop_shown(s->occupant);
}

/* ---- history ---- */

static size_t
size_of(const struct entry *e)
{
	size_t len;

	chunk_data(e->payload, &len);
	return len;
}

static void
history_cut(struct room *r, size_t at)
{
	r->history_size -= size_of(r->history[at]);
	entry_unref(&r->history[at]);
	r->n_history--;
	memmove(r->history + at, r->history + at + 1,
		(r->n_history - at) * sizeof(struct entry *));
}

static void
history_fit(struct room *r)
{
	while (r->n_history > (size_t)r->config.history ||
	       r->history_size > r->history_size_max)
		history_cut(r, 0);
}

void
room_limit_history(struct room *r, size_t size_max)
{
	r->history_size_max = size_max;
	history_fit(r);
}

static void
history_add(struct room *r, struct entry *e)
{
	if (!r->config.history)
		return;
	if (r->n_history == r->cap_history) {
		r->cap_history = r->cap_history ? r->cap_history * 2 : 8;
		r->history = mem_realloc(
			r->history, r->cap_history * sizeof(struct entry *));
	}
	r->history[r->n_history++] = entry_ref(e);
	r->history_size += size_of(e);
	history_fit(r);
}

static void
history_drop(struct room *r, int64_t archive_id)
{
	for (size_t i = 0; i < r->n_history; i++) {
		if (r->history[i]->archive_id == archive_id) {
			history_cut(r, i);
			return;
		}
	}
}

/* ---- entries ---- */

static void
apply_join(struct room *r, const struct entry *e, struct room_change *c)
{
	struct occupant *o = room_by_nick(r, e->nick);

	c->session = room_session(r, e->jid);
	c->is_first = !o;
	c->is_again = c->session != NULL;
	if (!o)
		o = occupant_add(r, e);
	else
		c->old_role = o->role;
	c->occupant = o;
	c->old_affiliation = o->affiliation;
	if (!c->session)
		c->session = session_add(r, o, e->jid);
	c->is_same = c->is_again && !c->session->is_away &&
		     o->role == e->role && o->affiliation == e->affiliation &&
		     room_same_payload(c->session->payload, e->payload);
	o->affiliation = e->affiliation;
	o->role = e->role;
	c->session->is_away = false;
	c->session->follows_lists = e->since != NULL;
	set_payload(c->session, e->payload);
	if (e->is_new)
		r->is_unmade = false;
	if (e->is_locked)
		r->is_locked = true;
}

static void
apply_presence(struct room *r, const struct entry *e, struct room_change *c)
{
	c->session = room_session(r, e->jid);
	c->occupant = c->session->occupant;
	c->session->is_away = false;
	set_payload(c->session, e->payload);
}

/* The occupant, with the session in it, is left to the change. */
static void
leave_whole(struct room *r, struct occupant *o, struct room_change *c)
{
	list_each (n, &o->sessions)
		map_remove(&r->sessions, &room_session_of(n)->node);
	occupant_take_out(r, o);
	c->is_last = true;
	c->was_top = true;
}

static void
apply_leave(struct room *r, const struct entry *e, struct room_change *c)
{
	struct occupant *o;

	c->session = e->jid ? room_session(r, e->jid) : NULL;
	o = c->session ? c->session->occupant : room_by_nick(r, e->nick);
	c->occupant = o;
	c->old_affiliation = o->affiliation;
	c->old_role = o->role;
	o->affiliation = e->affiliation;
	drop_shown(o);
	if (!c->session || o->n_sessions == 1) {
		leave_whole(r, o, c);
		return;
	}
	map_remove(&r->sessions, &c->session->node);
	list_remove(&c->session->in_occupant);
	o->n_sessions--;
	c->was_top = o->top == c->session;
	if (c->was_top)
		o->top = room_session_of(o->sessions.prev);
}

static void
apply_nick(struct room *r, const struct entry *e, struct room_change *c)
{
	struct occupant *o = room_by_nick(r, e->nick);

	c->occupant = o;
	map_remove(&r->nicks, &o->node);
	set_names(o, e->new_nick, o->id);
	map_insert(&r->nicks, &o->node, hash_str(o->nick));
	c->session = e->jid ? room_session(r, e->jid) : NULL;
	if (c->session && e->payload)
		set_payload(c->session, e->payload);
	drop_shown(o);
}

static void
apply_role(struct room *r, const struct entry *e, struct room_change *c)
{
	struct occupant *o = room_by_nick(r, e->nick);

	c->occupant = o;
	c->old_affiliation = o->affiliation;
	c->old_role = o->role;
	o->affiliation = e->affiliation;
	o->role = e->role;
	drop_shown(o);
}

static void
apply_link(struct room *r, const struct entry *e)
{
	list_each (n, &r->occupants) {
		struct occupant *o = occupant_of(n);

		list_each (k, &o->sessions) {
			struct room_session *s = room_session_of(k);

			if (jid_eq_domain(s->jid, e->jid)) {
				s->is_away = e->is_away;
				drop_shown(o);
			}
		}
	}
}

static void
apply_config(struct room *r, const struct entry *e, struct room_change *c)
{
	muc_config_copy(&c->old_config, &r->config);
	muc_config_fini(&r->config);
	muc_config_copy(&r->config, e->config);
	r->is_locked = false;
	if (!r->config.slow_mode_s)
		slow_fini(&r->slow);
	history_fit(r);
}

/* As the database counts: what is not there cannot be removed. */
static void
apply_affiliation(struct room *r, const struct entry *e, struct room_change *c)
{
	c->old_affiliation = affiliations_get(&r->affiliations, e->jid);
	c->old_version = r->versions.now;
	if (e->affiliation != AFFILIATION_NONE ||
	    affiliations_find(&r->affiliations, e->jid))
		versions_note(&r->versions, e->jid, e->affiliation);
	affiliations_set(&r->affiliations, e->jid, e->affiliation, e->nick,
			 e->reason);
}

static void
apply_message(struct room *r, struct entry *e)
{
	if (e->archive_id)
		history_add(r, e);
	if (r->config.slow_mode_s && e->has_body && e->occupant_id)
		slow_note(&r->slow, e->occupant_id, e->stamp_ms,
			  r->config.slow_mode_s * INT64_C(1000));
}

static void
apply_subject(struct room *r, struct entry *e)
{
	entry_unref(&r->subject);
	r->subject = entry_ref(e);
}

/* Ids grow. */
static bool
history_fits(const struct room *r, const struct entry *e)
{
	return !e->archive_id || !r->n_history ||
	       r->history[r->n_history - 1]->archive_id < e->archive_id;
}

bool
room_can_apply(const struct room *r, const struct entry *e)
{
	struct occupant *o = e->nick ? room_by_nick(r, e->nick) : NULL;
	struct room_session *s = e->jid ? room_session(r, e->jid) : NULL;

	if (r->is_destroyed)
		return false;
	switch (e->type) {
	case ENTRY_JOIN:
		if (!e->nick || !e->jid || jid_is_bare(e->jid))
			return false;
		if (s)
			return s->occupant == o;
		return !o || !o->bare || jid_eq_bare(o->bare, e->jid);
	case ENTRY_PRESENCE:
		return s != NULL;
	case ENTRY_LEAVE:
		return e->jid ? s != NULL : o != NULL;
	case ENTRY_NICK:
		return o && e->new_nick && !room_by_nick(r, e->new_nick) &&
		       (!e->jid || (s && s->occupant == o));
	case ENTRY_ROLE:
		return o && e->role != ROLE_NONE;
	case ENTRY_AFFILIATION:
		return e->jid && jid_is_bare(e->jid);
	case ENTRY_CONFIG:
		return e->config != NULL;
	case ENTRY_LINK:
		return e->jid && jid_is_domain(e->jid);
	case ENTRY_MESSAGE:
	case ENTRY_RETRACT:
		return history_fits(r, e);
	case ENTRY_SUBJECT:
	case ENTRY_DESTROY:
	case N_ENTRY_TYPES:
		break;
	}
	return true;
}

void
room_apply(struct room *r, struct entry *e, struct room_change *change)
{
	struct room_change own, *c = change ? change : &own;

	assert(room_can_apply(r, e));
	*c = (struct room_change){ .entry = e };
	if (e->archive_id > r->last_archive_id)
		r->last_archive_id = e->archive_id;
	switch (e->type) {
	case ENTRY_JOIN:
		apply_join(r, e, c);
		break;
	case ENTRY_PRESENCE:
		apply_presence(r, e, c);
		break;
	case ENTRY_LEAVE:
		apply_leave(r, e, c);
		break;
	case ENTRY_NICK:
		apply_nick(r, e, c);
		break;
	case ENTRY_ROLE:
		apply_role(r, e, c);
		break;
	case ENTRY_AFFILIATION:
		apply_affiliation(r, e, c);
		break;
	case ENTRY_MESSAGE:
		apply_message(r, e);
		break;
	case ENTRY_SUBJECT:
		apply_subject(r, e);
		break;
	case ENTRY_CONFIG:
		apply_config(r, e, c);
		break;
	case ENTRY_LINK:
		apply_link(r, e);
		break;
	case ENTRY_RETRACT:
		history_drop(r, e->target);
		apply_message(r, e);
		break;
	case ENTRY_DESTROY:
		r->is_destroyed = true;
		break;
	case N_ENTRY_TYPES:
		break;
	}
	if (c == &own)
		room_change_fini(&own);
}

void
room_change_fini(struct room_change *c)
{
	if (c->entry && c->entry->type == ENTRY_LEAVE) {
		if (c->is_last)
			occupant_free(c->occupant);
		else
			session_free(c->session);
	}
	if (c->entry && c->entry->type == ENTRY_CONFIG)
		muc_config_fini(&c->old_config);
	*c = (struct room_change){ 0 };
}

/* ---- pseudonyms ---- */

void
room_rename_session(struct room *r, struct room_session *s, struct jid *jid)
{
	struct occupant *o = s->occupant;

	map_remove(&r->sessions, &s->node);
	jid_unref(&s->jid);
	s->jid = jid_ref(jid);
	map_insert(&r->sessions, &s->node, jid_hash(jid));
	if (jid_eq_bare(o->bare, jid))
		return;
	map_remove(&r->users, &o->by_bare);
	jid_unref(&o->bare);
	o->bare = jid_bare(jid);
	map_insert(&r->users, &o->by_bare, jid_hash(o->bare));
	set_names(o, o->nick, jid_local(jid));
	drop_shown(o);
}

/* ---- the whole ---- */

struct room *
room_new(struct jid *jid, size_t log_max)
{
	struct room *r = mem_zalloc(sizeof(*r));

	r->jid = jid_ref(jid);
	muc_config_init(&r->config, PRESET_TEMPORARY);
	affiliations_init(&r->affiliations);
	list_init(&r->occupants);
	log_ring_init(&r->log, log_max);
	r->history_size_max = SIZE_MAX;
	return r;
}

void
room_free(struct room *r)
{
	if (!r)
		return;
	list_each_safe (n, &r->occupants)
		occupant_free(occupant_of(n));
	map_fini(&r->nicks);
	map_fini(&r->users);
	map_fini(&r->sessions);
	while (r->n_history)
		history_cut(r, r->n_history - 1);
	free(r->history);
	entry_unref(&r->subject);
	slow_fini(&r->slow);
	versions_fini(&r->versions);
	log_ring_fini(&r->log);
	affiliations_fini(&r->affiliations);
	muc_config_fini(&r->config);
	jid_unref(&r->jid);
	free(r);
}

/* ---- digest ---- */

static uint64_t
digest_occupant(const struct occupant *o)
{
	uint64_t h = FNV_START, sessions = 0;

	fnv_text(&h, o->nick);
	fnv_text(&h, o->id);
	fnv_int(&h, o->affiliation);
	fnv_int(&h, o->role);
	list_each (n, &o->sessions) {
		const struct room_session *s = room_session_of(n);
		uint64_t k = FNV_START;
		size_t len = 0;
		const char *text =
			s->payload ? chunk_data(s->payload, &len) : "";

		fnv_text(&k, jid_str(s->jid));
		fnv_mix(&k, text, len);
		fnv_int(&k, s->is_away);
		fnv_int(&k, s == o->top);
		sessions += k;
	}
	fnv_int(&h, (int64_t)sessions);
	return h;
}

uint64_t
room_digest(const struct room *r)
{
	uint64_t h = FNV_START, occupants = 0, items = 0;
	struct buf config = { 0 };

	/* In whatever order they stand. */
	list_each (n, &r->occupants)
		occupants += digest_occupant(occupant_of(n));
	affiliations_each (item, &r->affiliations) {
		uint64_t k = FNV_START;

		fnv_text(&k, jid_str(item->jid));
		fnv_int(&k, item->affiliation);
		fnv_text(&k, item->nick);
		items += k;
	}
	fnv_int(&h, (int64_t)occupants);
	fnv_int(&h, (int64_t)items);
	muc_config_to_text(&r->config, &config);
	fnv_mix(&h, config.data ? config.data : "", config.len);
	buf_fini(&config);
	if (r->subject)
		fnv_int(&h, r->subject->stamp_ms);
	fnv_int(&h, r->is_locked);
	fnv_int(&h, r->is_destroyed);
	return h;
}
