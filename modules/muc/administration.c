/* administration.c - rooms as who runs the server sees them. */

#include "modules/muc/administration.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/distribute.h"
#include "modules/muc/entry.h"
#include "modules/muc/private.h"
#include "storage/rooms.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* ---- services ---- */

static struct muc_service *
service_of(struct list *n)
{
	return container_of(n, struct muc_service, node);
}

struct muc_service *
muc_service_of_host(struct host *h)
{
	struct muc *muc = host_data(h, &muc_slot);

	return muc && !list_is_empty(&muc->domains)
		       ? service_of(muc->domains.next)
		       : NULL;
}

struct muc_service *
muc_service_next(struct server *srv, struct muc_service *after)
{
	bool is_behind = !after;

	map_each (n, &srv->hosts) {
		struct muc *muc = host_data(container_of(n, struct host, node),
					    &muc_slot);

		if (!muc)
			continue;
		list_each (k, &muc->domains) {
			struct muc_service *s = service_of(k);

			if (is_behind && !s->main)
				return s;
			is_behind = is_behind || s == after;
		}
	}
	return NULL;
}

struct muc_service *
muc_service_find(struct server *srv, const struct jid *jid)
{
	struct muc_service *s = NULL;

	while ((s = muc_service_next(srv, s)) && !jid_eq_domain(s->jid, jid))
		;
	return s;
}

struct host *
muc_service_host(const struct muc_service *s)
{
	return s->host;
}

const char *
muc_service_domain(const struct muc_service *s)
{
	return jid_str(s->jid);
}

/* ---- distributed rooms ---- */

static void
add_service(struct muc_totals *t, const struct muc_service *s)
{
	map_each (n, &s->rooms)
		distribute_count(container_of(n, struct live, node), t);
}

static void
add_muc(struct muc_totals *t, const struct muc *muc)
{
	list_each (n, &muc->domains)
		add_service(t, service_of(n));
	t->n_stanzas += muc->traffic.n_stanzas;
	t->n_bytes += muc->traffic.n_bytes;
	t->n_instead_of += muc->traffic.n_instead_of;
	t->n_bytes_instead_of += muc->traffic.n_bytes_instead_of;
}

struct muc_totals
muc_totals_of(struct server *srv)
{
	struct muc_totals t = { 0 };

	map_each (n, &srv->hosts) {
		const struct muc *muc = host_data(
			container_of(n, struct host, node), &muc_slot);

		if (muc)
			add_muc(&t, muc);
	}
	return t;
}

/* ---- listing ---- */

struct listing {
	struct muc_service *service;
	muc_rooms_done *done;
	void *data;
};

static size_t
count_occupants(struct muc_service *s, const char *text)
{
	struct jid *jid = jid_parse(text);
	const struct live *l = jid ? live_find(s, jid) : NULL;

	jid_unref(&jid);
	return l && live_room(l) ? live_room(l)->n_occupants : 0;
}

static void
listed(void *data, const struct rooms_list_result *res)
{
	struct listing *l = data;
	struct muc_seen *seen = mem_zalloc((res->n_rows + 1) * sizeof(*seen));
	struct muc_rooms rooms = {
		.rooms = seen,
		.n = res->n_rows,
		.is_complete = res->is_complete,
		.is_failed = res->res.status != STORE_OK,
	};

	for (size_t i = 0; i < res->n_rows; i++) {
		const struct room_row *row = &res->rows[i];

		seen[i] = (struct muc_seen){
			.jid = row->jid,
			.name = row->name,
			.created_ms = row->created_ms,
			.n_occupants = count_occupants(l->service, row->jid),
			.is_public = row->is_public,
			.is_persistent = row->is_persistent,
		};
	}
	l->done(l->data, &rooms);
	free(seen);
	free(l);
}

void
muc_list(struct muc_service *s, const char *after, size_t max,
	 muc_rooms_done *done, void *data)
{
	struct listing *l = mem_zalloc(sizeof(*l));
	struct rooms_query q = {
		.service = jid_str(s->jid),
		.max = max,
		.after = after,
	};

	*l = (struct listing){ s, done, data };
	rooms_list(s->host->store, &q, listed, l);
}

/* ---- showing one ---- */

struct showing {
	muc_shown_done *done;
	void *data;
};

static int
by_address(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *const *
gather_owners(struct arena *a, const struct room *r)
{
	size_t n = 0;
	const char **jids = arena_zalloc(
		a, (affiliations_count(&r->affiliations, AFFILIATION_OWNER) +
		    1) * sizeof(*jids));

	affiliations_each (item, &r->affiliations) {
		if (item->affiliation == AFFILIATION_OWNER)
			jids[n++] = jid_str(item->jid);
	}
	qsort(jids, n, sizeof(*jids), by_address);
	return jids;
}

static struct muc_occupant
describe(struct arena *a, const struct occupant *o)
{
	const char **jids =
		arena_zalloc(a, (o->n_sessions + 1) * sizeof(*jids));
	size_t n = 0;

	list_each (k, &o->sessions)
		jids[n++] = jid_str(room_session_of(k)->jid);
	return (struct muc_occupant){ o->nick, jids, o->affiliation, o->role };
}

static void
show(const struct showing *w, const struct live *l)
{
	const struct room *r = live_room(l);
	struct arena *a = arena_new();
	struct muc_occupant *all =
		arena_zalloc(a, (r->n_occupants + 1) * sizeof(*all));
	struct muc_shown shown = {
		.room = {
			.jid = jid_str(l->jid),
			.name = r->config.name,
			.created_ms = r->created_ms,
			.n_occupants = r->n_occupants,
			.is_public = r->config.is_public,
			.is_persistent = r->config.is_persistent,
		},
		.desc = r->config.desc,
		.owners = gather_owners(a, r),
		.occupants = all,
		.epoch = r->log.epoch,
		.seq = r->log.seq,
	};

	distribute_show(l, a, &shown);
	list_each (n, &r->occupants)
		all[shown.n_occupants++] = describe(a, occupant_of(n));
	w->done(w->data, &shown);
	arena_unref(&a);
}

static enum stanza_cond
missing(const struct live *l)
{
	if (!l)
		return COND_INTERNAL_SERVER_ERROR;
	return live_room(l) ? COND_NONE : COND_ITEM_NOT_FOUND;
}

static void
show_awake(void *data, struct live *l)
{
	struct showing *w = data;
	struct muc_shown none = { .cond = missing(l) };

	if (none.cond)
		w->done(w->data, &none);
	else
		show(w, l);
	free(w);
}

void
muc_show(struct muc_service *s, struct jid *room, muc_shown_done *done,
	 void *data)
{
	struct showing *w = mem_zalloc(sizeof(*w));

	*w = (struct showing){ done, data };
	live_then(live_take(s, room), show_awake, w);
}

/* ---- changing one ---- */

struct change {
	struct entry *entry; /* ref */
	struct live *live;   /* borrowed: it is kept by what it has to do */
	muc_changed *done;
	void *data;
};

static void
follow_one(struct live *l, const struct entry *e, const struct occupant *o)
{
	struct entry *role = entry_new(&(struct entry){
		.type = ENTRY_ROLE,
		.nick = o->nick,
		.affiliation = e->affiliation,
		.role = role_after_affiliation(&live_room(l)->config, o->role,
					       o->affiliation, e->affiliation),
	});
	live_submit_own(
		l, &(struct submission){ .type = SUBMIT_ENTRY, .entry = role });
	entry_unref(&role);
}

/* Whose affiliation it was is in the room, perhaps, under several nicknames.
 * Roles put nobody in or out. */
static void
follow(struct live *l, const struct entry *e)
{
	list_each (n, &live_room(l)->occupants) {
		const struct occupant *o = occupant_of(n);

		if (jid_eq_bare(o->bare, e->jid) &&
		    o->affiliation != e->affiliation)
			follow_one(l, e, o);
	}
}

static void
changed(void *data, enum stanza_cond cond)
{
	struct change *c = data;

	if (!cond && c->entry->type == ENTRY_AFFILIATION)
		follow(c->live, c->entry);
	c->done(c->data, cond);
	entry_unref(&c->entry);
	free(c);
}

static void
change_awake(void *data, struct live *l)
{
	struct change *c = data;
	enum stanza_cond cond = missing(l);

	if (cond) {
		changed(c, cond);
		return;
	}
	c->live = l;
	live_submit_own(l, &(struct submission){ .type = SUBMIT_ENTRY,
						 .entry = c->entry,
						 .told = changed,
						 .told_data = c });
}

static void
change(struct muc_service *s, struct jid *room, const struct entry *e,
       muc_changed *done, void *data)
{
	struct change *c = mem_zalloc(sizeof(*c));

	*c = (struct change){ entry_new(e), NULL, done, data };
	live_then(live_take(s, room), change_awake, c);
}

void
muc_delete(struct muc_service *s, struct jid *room, const char *reason,
	   const char *instead, muc_changed *done, void *data)
{
	change(s, room,
	       &(struct entry){ .type = ENTRY_DESTROY,
				.reason = reason,
				.new_nick = instead },
	       done, data);
}

struct draining {
	struct jid *domain; /* ref */
	muc_changed *done;
	void *data;
};

static void
drain_awake(void *data, struct live *l)
{
	struct draining *w = data;
	enum stanza_cond cond = missing(l);

	if (!cond && !distribute_drain(l, w->domain))
		cond = COND_NOT_ACCEPTABLE;
	w->done(w->data, cond);
	jid_unref(&w->domain);
	free(w);
}

void
muc_drain(struct muc_service *s, struct jid *room, struct jid *domain,
	  muc_changed *done, void *data)
{
	struct draining *w = mem_zalloc(sizeof(*w));

	*w = (struct draining){ jid_ref(domain), done, data };
	live_then(live_take(s, room), drain_awake, w);
}

void
muc_make_owner(struct muc_service *s, struct jid *room, struct jid *user,
	       muc_changed *done, void *data)
{
	change(s, room,
	       &(struct entry){ .type = ENTRY_AFFILIATION,
				.stamp_ms = s->host->server->clock->wall_ms,
				.jid = user,
				.affiliation = AFFILIATION_OWNER },
	       done, data);
}
