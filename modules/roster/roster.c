/* roster.c - rosters in memory, and the way to the store. */

#include "storage/roster.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/roster/private.h"
#include "xmpp/jid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct module_slot roster_slot;

/* The roster has been read. ok false: the store failed. */
typedef void roster_ready(void *data, bool ok);

/* Who waits for a roster, first come first served. */
struct roster_wait {
	struct roster_wait *next;
	roster_ready *fn;
	void *data;
	bool is_edit; /* waits for the end of a write, too */
};

struct roster *
roster_of(struct account *a)
{
	return account_data(a, &roster_slot);
}

/* ---- contacts ---- */

/* Where the JID is, or would be. */
static uint32_t
place_of(const struct roster *r, const char *jid)
{
	uint32_t low = 0, high = r->n_contacts;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (strcmp(jid_str(r->contacts[mid]->jid), jid) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct roster *r, uint32_t i, const struct jid *jid)
{
	return i < r->n_contacts && jid_eq(r->contacts[i]->jid, jid);
}

struct contact *
roster_find(struct account *a, const struct jid *jid)
{
	const struct roster *r = roster_of(a);
	uint32_t i;

	if (!r->n_contacts)
		return NULL;
	i = place_of(r, jid_str(jid));
	return is_at(r, i, jid) ? r->contacts[i] : NULL;
}

unsigned
roster_contact_flags(struct account *a, const struct jid *contact)
{
	const struct contact *c = roster_find(a, contact);

	return c ? c->flags : 0;
}

bool
roster_may_see(struct account *a, struct jid *who)
{
	struct jid *bare = jid_bare(who);
	bool may = jid_eq(bare, a->jid) ||
		   (roster_contact_flags(a, bare) & ROSTER_FROM) ||
		   (roster_contact_flags(a, who) & ROSTER_FROM);

	jid_unref(&bare);
	return may;
}

void
roster_each(struct account *a,
	    void (*fn)(void *data, struct jid *contact, unsigned flags),
	    void *data)
{
	const struct roster *r = roster_of(a);

	for (uint32_t i = 0; i < r->n_contacts; i++)
		fn(data, r->contacts[i]->jid, r->contacts[i]->flags);
}

/* Takes c. */
static void
insert(struct roster *r, uint32_t i, struct contact *c)
{
	r->contacts = mem_realloc(r->contacts,
				  (r->n_contacts + 1) * sizeof(*r->contacts));
	memmove(r->contacts + i + 1, r->contacts + i,
		(r->n_contacts - i) * sizeof(*r->contacts));
	r->contacts[i] = c;
	r->n_contacts++;
}

static void
take_out(struct roster *r, uint32_t i)
{
	contact_free(r->contacts[i]);
	r->n_contacts--;
	memmove(r->contacts + i, r->contacts + i + 1,
		(r->n_contacts - i) * sizeof(*r->contacts));
	if (!r->n_contacts) {
		free(r->contacts);
		r->contacts = NULL;
	}
}

/* Takes c. */
static void
apply(struct roster *r, struct contact *c)
{
	uint32_t i = place_of(r, jid_str(c->jid));

	if (!c->flags) {
		if (is_at(r, i, c->jid))
			take_out(r, i);
		contact_free(c);
	} else if (is_at(r, i, c->jid)) {
		contact_free(r->contacts[i]);
		r->contacts[i] = c;
	} else {
		insert(r, i, c);
	}
}

static void
clear(struct roster *r)
{
	for (uint32_t i = 0; i < r->n_contacts; i++)
		contact_free(r->contacts[i]);
	free(r->contacts);
	r->contacts = NULL;
	r->n_contacts = 0;
}

void
roster_forget(struct account *a)
{
	struct roster *r = roster_of(a);

	clear(r);
	r->version = 0;
	r->is_loaded = false;
}

void
roster_fini(struct account *a, void *data)
{
	struct roster *r = data;

	(void)a;
	assert(!r->waits && !r->is_loading && !r->is_writing);
	clear(r);
}

/* ---- waiting ---- */

static bool
is_ready(const struct roster *r, bool is_edit)
{
	return r->is_loaded && !(is_edit && r->is_writing);
}

static struct roster_wait *
take_wait(struct roster *r, bool any)
{
	struct roster_wait *prev = NULL, *w = r->waits;

	while (w && !any && !is_ready(r, w->is_edit)) {
		prev = w;
		w = w->next;
	}
	if (!w)
		return NULL;
	if (prev)
		prev->next = w->next;
	else
		r->waits = w->next;
	if (r->last_wait == w)
		r->last_wait = prev;
	return w;
}

static void load(struct account *a);

static void
wake(struct account *a)
{
	struct roster *r = roster_of(a);
	struct roster_wait *w;

	while ((w = take_wait(r, false))) {
		w->fn(w->data, true);
		free(w);
	}
	if (r->waits && !r->is_loaded && !r->is_loading)
		load(a);
}

/* Those who come meanwhile wait for another attempt. */
static void
disappoint(struct roster *r)
{
	struct roster_wait *last = r->last_wait, *w;
	bool is_last = false;

	while (!is_last && (w = take_wait(r, true))) {
		is_last = w == last;
		w->fn(w->data, false);
		free(w);
	}
}

/* An online contact's address is in memory already. */
static struct jid *
share_jid(struct server *srv, struct jid *jid)
{
	struct account *a = jid_is_bare(jid) ? account_find(srv, jid) : NULL;

	if (!a)
		return jid;
	jid_unref(&jid);
	return jid_ref(a->jid);
}

static void
add_row(struct account *a, const struct roster_row *row)
{
	struct roster *r = roster_of(a);
	struct jid *jid = jid_parse(row->jid);

	if (!jid) {
		log_error(&a->host->log, "roster of %s: bad address %s",
			  jid_str(a->jid), row->jid);
		return;
	}
	jid = share_jid(a->host->server, jid);
	r->contacts[r->n_contacts++] = contact_new(jid, row->flags, row->name,
						   row->groups, row->request);
	jid_unref(&jid);
}

static int
compare(const void *x, const void *y)
{
	const struct contact *const *a = x, *const *b = y;

	return strcmp(jid_str((*a)->jid), jid_str((*b)->jid));
}

static void
load_done(void *data, const struct roster_result *res)
{
	struct account *a = data;
	struct roster *r = roster_of(a);

	r->is_loading = false;
	if (res->res.status != STORE_OK) {
		disappoint(r);
		account_unref(&a);
		return;
	}
	clear(r);
	if (res->n_rows)
		r->contacts = mem_alloc(res->n_rows * sizeof(*r->contacts));
	for (size_t i = 0; i < res->n_rows; i++)
		add_row(a, &res->rows[i]);
	/* The database may sort otherwise than strcmp. */
	if (r->n_contacts)
		qsort(r->contacts, r->n_contacts, sizeof(*r->contacts),
		      compare);
	r->version = res->version;
	r->is_loaded = true;
	wake(a);
	account_unref(&a);
}

static void
load(struct account *a)
{
	roster_of(a)->is_loading = true;
	roster_load(a->host->store, jid_str(a->jid), load_done, account_ref(a));
}

void
roster_prefetch(struct account *a)
{
	const struct roster *r = roster_of(a);

	if (!r->is_loaded && !r->is_loading && !r->is_writing)
		load(a);
}

static void
wait_for(struct account *a, bool is_edit, roster_ready *fn, void *data)
{
	struct roster *r = roster_of(a);
	struct roster_wait *w;

	if (is_ready(r, is_edit)) {
		fn(data, true);
		return;
	}
	w = mem_zalloc(sizeof(*w));
	w->fn = fn;
	w->data = data;
	w->is_edit = is_edit;
	if (r->waits)
		r->last_wait->next = w;
	else
		r->waits = w;
	r->last_wait = w;
	roster_prefetch(a);
}

struct step {
	struct event *ev;
	hook_fn *fn;
	void *data;
	bool is_farewell;
};

static void
step_ready(void *data, bool ok)
{
	struct step step = *(struct step *)data;

	free(data);
	/* What is stored of a deleted account stays deleted. */
	if (step.ev->account->is_gone && !step.is_farewell)
		event_fail(step.ev, COND_SERVICE_UNAVAILABLE);
	else if (ok)
		event_step(step.ev, step.fn, step.data);
	else
		event_fail(step.ev, COND_INTERNAL_SERVER_ERROR);
}

static enum verdict
step_then(const struct step *step, bool is_edit)
{
	struct account *a = step->ev->account;
	struct step *kept;

	if (is_ready(roster_of(a), is_edit))
		return step->fn(step->ev, step->data);
	kept = mem_alloc(sizeof(*kept));
	*kept = *step;
	wait_for(a, is_edit, step_ready, kept);
	return WAIT;
}

static enum verdict
then(struct event *ev, bool is_edit, hook_fn *fn, void *data)
{
	struct step step = { ev, fn, data, .is_farewell = false };

	return step_then(&step, is_edit);
}

enum verdict
roster_then_farewell(struct event *ev, hook_fn *fn, void *data)
{
	struct step step = { ev, fn, data, .is_farewell = true };

	return step_then(&step, true);
}

enum verdict
roster_then(struct event *ev, hook_fn *fn, void *data)
{
	return then(ev, false, fn, data);
}

enum verdict
roster_then_edit(struct event *ev, hook_fn *fn, void *data)
{
	return then(ev, true, fn, data);
}

enum verdict
roster_then_settled(struct event *ev, hook_fn *fn, void *data)
{
	const struct roster *r = roster_of(ev->account);

	if (!r->is_writing && !r->waits)
		return fn(ev, data);
	return then(ev, true, fn, data);
}

/* ---- writing ---- */

struct edit {
	struct account *account; /* ref */
	struct event *ev;
	struct contact *contact; /* owned */
	roster_edited *done;
	void *data;
};

static enum stanza_cond
cond_of(enum store_status status)
{
	switch (status) {
	case STORE_OK:
		return COND_NONE;
	case STORE_FULL:
	case STORE_NO_SPACE:
		return COND_RESOURCE_CONSTRAINT;
	default:
		return COND_INTERNAL_SERVER_ERROR;
	}
}

static void
edit_done(void *data, const struct store_result *res, int64_t version)
{
	struct edit *e = data;
	struct account *a = e->account;
	struct roster *r = roster_of(a);

	r->is_writing = false;
	if (res->status == STORE_OK) {
		r->version = version;
		apply(r, e->contact);
	} else {
		/* Somebody else has changed what is stored: read it again. */
		if (res->status == STORE_EXISTS ||
		    res->status == STORE_NOT_FOUND)
			r->is_loaded = false;
		contact_free(e->contact);
	}
	e->done(e->ev, e->data, cond_of(res->status));
	free(e);
	wake(a);
	account_unref(&a);
}

void
roster_edit(struct event *ev, struct contact *c, roster_edited *done,
	    void *data)
{
	struct account *a = ev->account;
	struct roster *r = roster_of(a);
	const struct roster_host *opt = host_data(a->host, &roster_slot);
	struct edit *e = mem_alloc(sizeof(*e));
	struct roster_row row;

	assert(is_ready(r, true));
	*e = (struct edit){ account_ref(a), ev, c, done, data };
	r->is_writing = true;
	contact_to_row(c, &row);
	row.version = r->version + 1;
	if (c->flags)
		roster_put(a->host->store, jid_str(a->jid), &row,
			   (size_t)(c->flags & ROSTER_LISTED
					    ? opt->max
					    : opt->requests_max),
			   edit_done, e);
	else
		roster_remove(a->host->store, jid_str(a->jid), row.jid,
			      row.version, edit_done, e);
}
