/* requests.c - a client's view of its roster (RFC 6121 section 2). */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "core/event.h"
#include "core/host.h"
#include "core/session.h"
#include "modules/roster/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6121 2.3.3 leaves these limits to the server. */
#define NAME_MAX_LEN  1023u
#define GROUP_MAX_LEN 1023u
#define GROUPS_MAX    64u

/* ---- pushes (2.1.6) ---- */

static struct stanza *
new_push(const struct roster_row *row, int64_t version)
{
	struct stanza *s;
	struct xml *query;
	char id[32];

	snprintf(id, sizeof(id), "push%" PRId64, version);
	s = stanza_new(STANZA_IQ, TYPE_SET, NULL, NULL, id);
	query = xml_add(s->arena, s->root, "query", NS_ROSTER);
	xml_set_int(s->arena, query, "ver", version);
	contact_add_item(s->arena, query, row);
	return s;
}

void
roster_push(struct account *a, struct jid *contact)
{
	const struct contact *c = roster_find(a, contact);
	struct roster_row row = { .jid = jid_str(contact) };
	struct stanza *push = NULL;
	struct chunk *tail = NULL;

	list_each (n, &a->sessions) {
		struct session *s = session_of(n);
		const struct roster_session *rs = session_data(s, &roster_slot);

		if (!rs->is_interested)
			continue;
		if (!push) {
			if (c)
				contact_to_row(c, &row);
			push = new_push(&row, roster_of(a)->version);
			tail = stanza_tail(push, NULL, NS_CLIENT);
		}
		session_send_tail(s, push, s->jid, tail);
	}
	stanza_unref(&push);
	chunk_unref(&tail);
}

/* ---- get (2.1.3) ---- */

static void
is_interested(struct event *ev)
{
	struct roster_session *rs = session_data(ev->session, &roster_slot);

	rs->is_interested = true;
}

static enum verdict
reply_all(struct event *ev, bool has_ver)
{
	const struct roster *r = roster_of(ev->account);
	struct stanza *reply = event_result(ev);
	struct xml *query =
		xml_add(reply->arena, reply->root, "query", NS_ROSTER);

	if (has_ver)
		xml_set_int(reply->arena, query, "ver", r->version);
	for (uint32_t i = 0; i < r->n_contacts; i++) {
		struct roster_row row;

		contact_to_row(r->contacts[i], &row);
		if (row.flags & ROSTER_LISTED)
			contact_add_item(reply->arena, query, &row);
	}
	is_interested(ev);
	return event_reply(ev, reply);
}

/* 2.6.3: nothing in the result, then what has changed, as pushes. */
static void
changes_done(void *data, const struct roster_result *res)
{
	struct event *ev = data;
	struct session *s = session_ref(ev->session);

	if (res->res.status != STORE_OK) {
		event_fail(ev, COND_INTERNAL_SERVER_ERROR);
	} else if (res->is_full) {
		reply_all(ev, true);
	} else {
		is_interested(ev);
		event_reply_empty(ev);
		for (size_t i = 0; i < res->n_rows; i++) {
			struct stanza *push;

			push = new_push(&res->rows[i], res->rows[i].version);
			session_send_to(s, push, s->jid);
			stanza_unref(&push);
		}
	}
	session_unref(&s);
}

/* -1 where it is not one of ours. */
static int64_t
parse_version(const char *ver)
{
	char *end;
	long long v;

	if (*ver < '0' || *ver > '9')
		return -1;
	errno = 0;
	v = strtoll(ver, &end, 10);
	return *end || errno ? -1 : (int64_t)v;
}

static enum verdict
get(struct event *ev, void *data)
{
	const char *ver = xml_get(stanza_payload(ev->stanza), "ver");
	const struct roster *r = roster_of(ev->account);
	int64_t since = ver ? parse_version(ver) : -1;

	(void)data;
	if (since < 0 || since > r->version)
		return reply_all(ev, ver != NULL);
	if (since == r->version) {
		is_interested(ev);
		return event_reply_empty(ev);
	}
	roster_changes(ev->host->store, jid_str(ev->account->jid), since,
		       changes_done, ev);
	return WAIT;
}

enum verdict
roster_on_get(struct event *ev, void *data)
{
	if (!ev->session)
		return PASS;
	return roster_then(ev, get, data);
}

/* 2.1.5, 2.3.3, 2.5.3: somebody else's. Strangers do not even learn that the
 * account exists. */
enum verdict
roster_on_foreign(struct event *ev, void *data)
{
	(void)data;
	return ev->session ? event_fail(ev, COND_FORBIDDEN) : PASS;
}

/* ---- set (2.3, 2.4, 2.5) ---- */

/* In the event's arena. */
struct roster_set {
	struct jid *jid; /* ref of the arena */
	const char *name, *groups;
	bool is_removal;
	unsigned old_flags; /* of what is removed */
};

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

static bool
has_group(const char *groups, const char *group, size_t len)
{
	for (const char *at = groups; at && *at;) {
		size_t n = strcspn(at, "\n");

		if (n == len && !memcmp(at, group, len))
			return true;
		at += n;
		at += *at == '\n';
	}
	return false;
}

static enum stanza_cond
parse_groups(struct arena *a, const struct xml *item, const char **out)
{
	struct buf groups = { 0 };
	enum stanza_cond bad = COND_NONE;
	unsigned count = 0;

	xml_each (kid, item) {
		const char *text;
		size_t len;

		if (!xml_is(kid, "group", NS_ROSTER))
			continue;
		text = xml_get_text(a, kid);
		len = strlen(text);
		if (!len || len > GROUP_MAX_LEN || strchr(text, '\n') ||
		    ++count > GROUPS_MAX)
			bad = COND_NOT_ACCEPTABLE;
		else if (has_group(groups.data, text, len))
			bad = COND_BAD_REQUEST;
		if (bad)
			break;
		if (groups.len)
			buf_addc(&groups, '\n');
		buf_add(&groups, text, len);
	}
	*out = groups.len ? arena_strndup(a, groups.data, groups.len) : NULL;
	buf_fini(&groups);
	return bad;
}

/* 2.3.3; 2.1.2.5: of `subscription` only "remove" counts. */
static enum stanza_cond
parse_set(struct event *ev, struct roster_set *set)
{
	struct arena *a = event_arena(ev);
	const struct xml *query = stanza_payload(ev->stanza);
	const struct xml *item = xml_child(query, "item", NS_ROSTER);
	const char *jid, *subscription;

	if (!item || xml_next(query, item, "item", NS_ROSTER))
		return COND_BAD_REQUEST;
	jid = xml_get(item, "jid");
	if (!jid)
		return COND_BAD_REQUEST;
	set->jid = jid_parse(jid);
	if (!set->jid)
		return COND_JID_MALFORMED;
	arena_own(a, set->jid, drop_jid);
	if (jid_eq_bare(set->jid, ev->account->jid))
		return COND_NOT_ALLOWED;
	subscription = xml_get(item, "subscription");
	set->is_removal = subscription && !strcmp(subscription, "remove");
	if (set->is_removal)
		return COND_NONE;
	set->name = xml_get(item, "name");
	if (set->name && strlen(set->name) > NAME_MAX_LEN)
		return COND_NOT_ACCEPTABLE;
	return parse_groups(a, item, &set->groups);
}

/* 2.3.2, 2.4.2 */
static void
stored(struct event *ev, void *data, enum stanza_cond bad)
{
	struct roster_set *set = data;
	struct account *a;
	struct jid *jid;

	if (bad) {
		event_fail(ev, bad);
		return;
	}
	a = account_ref(ev->account);
	jid = jid_ref(set->jid);
	event_reply_empty(ev);
	roster_push(a, jid);
	jid_unref(&jid);
	account_unref(&a);
}

/* 2.5.2: no subscription outlives the contact, in either direction. */
static void
removed(struct event *ev, void *data, enum stanza_cond bad)
{
	unsigned flags = ((struct roster_set *)data)->old_flags;
	struct account *a = ev->account;
	struct jid *jid = ((struct roster_set *)data)->jid;

	if (bad) {
		event_fail(ev, bad);
		return;
	}
	account_ref(a);
	jid_ref(jid);
	event_reply_empty(ev);
	roster_push(a, jid);
	roster_end_subscriptions(a, jid, flags);
	jid_unref(&jid);
	account_unref(&a);
}

static enum verdict
set(struct event *ev, void *data)
{
	struct roster_set *set = data;
	const struct contact *old = roster_find(ev->account, set->jid);
	unsigned flags = old ? old->flags : 0;

	if (set->is_removal) {
		/* 2.5.3 */
		if (!(flags & ROSTER_LISTED))
			return event_fail(ev, COND_ITEM_NOT_FOUND);
		set->old_flags = flags;
		roster_edit(ev, contact_new(set->jid, 0, NULL, NULL, NULL),
			    removed, set);
		return WAIT;
	}
	roster_edit(ev,
		    contact_new(set->jid, flags | ROSTER_LISTED, set->name,
				set->groups, old ? contact_request(old) : NULL),
		    stored, set);
	return WAIT;
}

enum verdict
roster_on_set(struct event *ev, void *data)
{
	struct roster_set *parsed;
	enum stanza_cond bad;

	(void)data;
	if (!ev->session)
		return PASS;
	parsed = arena_zalloc(event_arena(ev), sizeof(*parsed));
	bad = parse_set(ev, parsed);
	if (bad)
		return event_fail(ev, bad);
	return roster_then_edit(ev, set, parsed);
}
