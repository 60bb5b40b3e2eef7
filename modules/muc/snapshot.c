/* snapshot.c - a room as it is, as entries that make it. */

#include "modules/muc/snapshot.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/fnv.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

struct writer {
	const struct envelope *to;
	snapshot_part *fn;
	void *data;
	struct buf part, one; /* owned; one: the entry that is being written */
	unsigned number;
	const char **lost; /* owned, the texts are not: domains */
	size_t n_lost;
};

static void
flush(struct writer *w, bool is_last)
{
	w->fn(w->data, &w->part, ++w->number, is_last);
	w->part.len = 0;
}

static void
add(struct writer *w, const struct entry *e)
{
	struct entry copy = *e;

	copy.seq = 0;
	/* What it may wait for itself. */
	if (!e->jid || !w->to->domain ||
	    strcmp(jid_domain(e->jid), w->to->domain) != 0)
		copy.submit = NULL;
	w->one.len = 0;
	envelope_write_entry(&w->one, w->to, &copy);
	if (w->part.len && w->part.len + w->one.len > ENVELOPE_MAX)
		flush(w, false);
	buf_add(&w->part, w->one.data, w->one.len);
}

static void
add_session(struct writer *w, const struct room_session *s,
	    enum entry_type type)
{
	const struct occupant *o = s->occupant;

	add(w, &(struct entry){
		       .type = type,
		       .jid = s->jid,
		       .real = s->real,
		       .nick = o->nick,
		       .occupant_id = o->id,
		       .affiliation = o->affiliation,
		       .role = o->role,
		       .payload = s->payload,
		       .is_locked = w->to->room->is_locked,
	       });
}

/* The last of them to say something is the one that is shown. */
static void
add_occupant(struct writer *w, const struct occupant *o)
{
	list_each (n, &o->sessions)
		add_session(w, room_session_of(n), ENTRY_JOIN);
	if (&o->top->in_occupant != o->sessions.prev)
		add_session(w, o->top, ENTRY_PRESENCE);
}

/* ---- ways that are lost ---- */

static bool
is_lost(const struct writer *w, const struct room_session *s)
{
	for (size_t i = 0; i < w->n_lost; i++) {
		if (!strcmp(w->lost[i], jid_domain(s->jid)))
			return true;
	}
	return false;
}

static void
add_link(struct writer *w, const struct room_session *s)
{
	struct jid *domain;

	if (!s->is_away || is_lost(w, s))
		return;
	w->lost = mem_realloc(w->lost, (w->n_lost + 1) * sizeof(char *));
	w->lost[w->n_lost++] = jid_domain(s->jid);
	domain = jid_make(NULL, jid_domain(s->jid), NULL);
	add(w, &(struct entry){
		       .type = ENTRY_LINK, .jid = domain, .is_away = true });
	jid_unref(&domain);
}

/* Who has come back since has said so. */
static void
add_returned(struct writer *w, const struct room_session *s)
{
	if (!s->is_away && is_lost(w, s))
		add_session(w, s, ENTRY_PRESENCE);
}

static void
each_session(struct writer *w,
	     void (*fn)(struct writer *w, const struct room_session *s))
{
	list_each (n, &w->to->room->occupants) {
		list_each (k, &occupant_of(n)->sessions)
			fn(w, room_session_of(k));
	}
}

static void
add_occupants(struct writer *w)
{
	list_each (n, &w->to->room->occupants)
		add_occupant(w, occupant_of(n));
	each_session(w, add_link);
	if (w->n_lost)
		each_session(w, add_returned);
	free(w->lost);
}

static void
add_affiliations(struct writer *w)
{
	affiliations_each (item, &w->to->room->affiliations) {
		if (w->to->domain &&
		    !strcmp(jid_domain(item->jid), w->to->domain))
			add(w, &(struct entry){
				       .type = ENTRY_AFFILIATION,
				       .jid = item->jid,
				       .affiliation = item->affiliation,
				       .nick = item->nick,
			       });
	}
}

void
snapshot_write_lists(const struct envelope *to, snapshot_part *fn, void *data)
{
	struct writer w = { .to = to, .fn = fn, .data = data };

	add_affiliations(&w);
	flush(&w, true);
	buf_fini(&w.part);
	buf_fini(&w.one);
}

void
snapshot_write(const struct envelope *to, snapshot_part *fn, void *data)
{
	const struct room *r = to->room;
	struct writer w = { .to = to, .fn = fn, .data = data };
	struct muc_config config;

	muc_config_copy(&config, &r->config);
	add(&w, &(struct entry){ .type = ENTRY_CONFIG,
				 .stamp_ms = r->created_ms,
				 .config = &config });
	muc_config_fini(&config);
	add_affiliations(&w);
	if (r->subject)
		add(&w, r->subject);
	for (size_t i = 0; i < r->n_history; i++)
		add(&w, r->history[i]);
	add_occupants(&w);
	flush(&w, true);
	buf_fini(&w.part);
	buf_fini(&w.one);
}

/* ---- digest ---- */

static uint64_t
digest_session(const struct room *r, const struct rules_env *env,
	       const struct room_session *s)
{
	struct jid *who = env ? pseudonym_of(env, r, s->jid) : jid_ref(s->jid);
	uint64_t h = FNV_START;
	size_t len = 0;
	const char *text = s->payload ? chunk_data(s->payload, &len) : "";

	fnv_text(&h, jid_str(who));
	fnv_mix(&h, text, len);
	fnv_int(&h, s->is_away);
	fnv_int(&h, s == s->occupant->top);
	jid_unref(&who);
	return h;
}

static uint64_t
digest_occupant(const struct room *r, const struct rules_env *env,
		const struct occupant *o)
{
	uint64_t h = FNV_START, sessions = 0;

	fnv_text(&h, o->nick);
	fnv_int(&h, o->affiliation);
	fnv_int(&h, o->role);
	list_each (n, &o->sessions)
		sessions += digest_session(r, env, room_session_of(n));
	fnv_int(&h, (int64_t)sessions);
	return h;
}

static void
mix_config(uint64_t *h, const struct muc_config *config)
{
	struct muc_config copy;
	struct buf text = { 0 };

	muc_config_copy(&copy, config);
	/* A copy has another one. */
	fnv_int(h, copy.password != NULL);
	free(copy.password);
	copy.password = NULL;
	muc_config_to_text(&copy, &text);
	fnv_mix(h, text.data ? text.data : "", text.len);
	buf_fini(&text);
	muc_config_fini(&copy);
}

uint64_t
snapshot_digest(const struct room *r, const struct rules_env *env)
{
	uint64_t h = FNV_START, occupants = 0;

	/* In whatever order they stand. */
	list_each (n, &r->occupants)
		occupants += digest_occupant(r, env, occupant_of(n));
	fnv_int(&h, (int64_t)occupants);
	mix_config(&h, &r->config);
	if (r->subject)
		fnv_int(&h, r->subject->stamp_ms);
	return h;
}
