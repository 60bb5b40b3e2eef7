/* mam.c - a room's archive, for who could be in the room (XEP-0313). */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/muc/archived.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "storage/archive.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/rsm.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_FORWARD "urn:xmpp:forward:0"

/* In its event's arena. */
struct query {
	struct event *ev;
	struct archive_query q;
	const char *id; /* queryid; or NULL */
	bool is_flipped;
	bool sees_all;	/* JIDs of all who have spoken … */
	bool sees_open; /* … of those who have let all see them */
};

/* What is wrong with a query; text is static, or NULL. */
struct fault {
	enum stanza_cond cond;
	const char *text;
};

#define FINE ((struct fault){ COND_NONE, NULL })

/* ---- who may read it ---- */

struct reader {
	enum affiliation affiliation;
	const struct occupant *occupant; /* NULL: not in the room */
};

static struct reader
reader_of(const struct live *l, const struct event *ev)
{
	const struct room *r = live_room(l);
	const struct room_session *s = room_session(r, ev->from);
	struct reader who = {
		.affiliation = affiliations_get(&r->affiliations, ev->from),
		.occupant = s ? s->occupant : NULL,
	};

	if (live_is_admin(l, ev))
		who.affiliation = AFFILIATION_OWNER;
	return who;
}

/* XEP-0313 6.1.2: who has the right to enter. Who would have to show a password
 * for that has not shown it here. */
static struct fault
check_reader(const struct room *r, const struct reader *who)
{
	const struct muc_config *c = &r->config;

	if (r->is_destroyed || (r->is_locked && !who->occupant))
		return (struct fault){ COND_ITEM_NOT_FOUND, NULL };
	if (!c->is_archived)
		return (struct fault){ COND_SERVICE_UNAVAILABLE,
				       "the room has no archive" };
	if (!has_privilege(c, who->affiliation, ROLE_NONE, PRIV_ENTER))
		return (struct fault){ COND_FORBIDDEN, NULL };
	if (c->password && !who->occupant &&
	    who->affiliation < AFFILIATION_MEMBER)
		return (struct fault){ COND_FORBIDDEN, "enter the room first" };
	return FINE;
}

static void
set_sight(struct query *q, const struct room *r, const struct reader *who)
{
	enum role role = who->occupant
				 ? who->occupant->role
				 : role_default(&r->config, who->affiliation);

	q->sees_all = role == ROLE_MODERATOR;
	q->sees_open = r->config.whois == WHOIS_ANYONE;
}

/* ---- the query ---- */

/* Ids are numbers; what is none is not in the archive. */
static struct fault
read_id(const char *text, int64_t *out)
{
	char *end;

	*out = strtoll(text, &end, 10);
	if (*end || strspn(text, "0123456789") != strlen(text) || *out <= 0)
		return (struct fault){ COND_ITEM_NOT_FOUND, NULL };
	return FINE;
}

static struct fault
read_stamp(const char *text, int64_t *out)
{
	if (clock_parse_stamp(text, out) < 0)
		return (struct fault){ COND_BAD_REQUEST, "not a time" };
	return FINE;
}

/* Messages are found by the address in the room that they came from. Real
 * addresses are secret from most, and not searched for by anybody. */
static struct fault
read_with(struct query *q, const char *text)
{
	struct jid *jid = jid_parse(text);
	struct fault fault = FINE;

	if (!jid)
		return (struct fault){ COND_JID_MALFORMED, NULL };
	if (!jid_eq_bare(jid, q->ev->to))
		fault = (struct fault){
			COND_FEATURE_NOT_IMPLEMENTED,
			"only addresses in the room can be searched for"
		};
	else if (jid_resource(jid))
		q->q.peer = arena_strdup(event_arena(q->ev), jid_resource(jid));
	jid_unref(&jid);
	return fault;
}

static struct fault
read_ids(struct query *q, const struct xml *form)
{
	struct arena *a = event_arena(q->ev);
	const char **texts = form_get_all(a, form, "ids");
	struct fault fault = FINE;
	int64_t *ids;
	size_t n = 0;

	while (texts[n])
		n++;
	if (n > ARCHIVE_IDS_MAX)
		return (struct fault){ COND_POLICY_VIOLATION, "too many ids" };
	ids = arena_alloc(a, (n + 1) * sizeof(*ids));
	for (size_t i = 0; i < n && !fault.cond; i++)
		fault = read_id(texts[i], &ids[i]);
	q->q.ids = ids;
	q->q.n_ids = n;
	return fault;
}

static struct fault
read_field(struct query *q, const struct xml *form, const char *var)
{
	const char *value = form_get(event_arena(q->ev), form, var);

	if (!strcmp(var, "ids"))
		return read_ids(q, form);
	if (!value || !*value)
		return FINE;
	if (!strcmp(var, "FORM_TYPE"))
		return strcmp(value, NS_MAM) != 0
			       ? (struct fault){ COND_BAD_REQUEST, "FORM_TYPE" }
			       : FINE;
	if (!strcmp(var, "with"))
		return read_with(q, value);
	if (!strcmp(var, "start"))
		return read_stamp(value, &q->q.start_ms);
	if (!strcmp(var, "end"))
		return read_stamp(value, &q->q.end_ms);
	if (!strcmp(var, "before-id"))
		return read_id(value, &q->q.before_id);
	if (!strcmp(var, "after-id"))
		return read_id(value, &q->q.after_id);
	/* 5.1.5 */
	return (struct fault){ COND_FEATURE_NOT_IMPLEMENTED,
			       "there is a field that is not in the form" };
}

static struct fault
read_form(struct query *q, const struct xml *form)
{
	struct fault fault = FINE;

	xml_each (x, form) {
		const char *var = xml_get(x, "var");

		if (!xml_is(x, "field", NS_DATA))
			continue;
		fault = read_field(q, form, var ? var : "");
		if (fault.cond)
			break;
	}
	return fault;
}

static struct fault
read_page(struct query *q, const struct xml *x)
{
	struct rsm rsm;
	struct fault fault = { rsm_read(event_arena(q->ev), x, &rsm), NULL };

	q->q.is_backwards = rsm.is_backwards;
	if (rsm.max >= 0 && (uint64_t)rsm.max < q->q.max)
		q->q.max = (size_t)rsm.max;
	if (!fault.cond && rsm.after && *rsm.after)
		fault = read_id(rsm.after, &q->q.page_after);
	if (!fault.cond && rsm.before && *rsm.before)
		fault = read_id(rsm.before, &q->q.page_before);
	return fault;
}

static struct fault
read_query(struct query *q, const struct xml *x)
{
	const struct xml *form = form_find(x);
	struct fault fault = FINE;

	q->id = xml_get(x, "queryid");
	q->is_flipped = xml_child(x, "flip-page", NS_MAM) != NULL;
	q->q.has_count = true;
	/* Reserved for publish-subscribe. */
	if (xml_get(x, "node"))
		return (struct fault){ COND_ITEM_NOT_FOUND, NULL };
	if (form && !form_has_type(form, "submit"))
		return (struct fault){ COND_BAD_REQUEST, NULL };
	if (form)
		fault = read_form(q, form);
	if (!fault.cond)
		fault = read_page(q, x);
	return fault;
}

/* ---- the results ---- */

static void
write_row(struct buf *b, const struct query *q, const struct archive_row *row)
{
	bool with_jid =
		q->sees_all || (q->sees_open && row->kind & ARCHIVED_OPEN);
	char stamp[CLOCK_STAMP_MAX];

	buf_adds(b, "><result xmlns='" NS_MAM "'");
	if (q->id)
		xml_write_attr(b, "queryid", q->id);
	buf_printf(b,
		   " id='%" PRId64 "'><forwarded xmlns='" NS_FORWARD "'>"
		   "<delay xmlns='" NS_DELAY "' stamp='%s'/>",
		   row->id, clock_stamp(row->stamp_ms, stamp));
	archived_add(b, row, with_jid);
	buf_adds(b, "</forwarded></result></message>");
}

/* To another server, or a component. */
static void
route_row(const struct query *q, const struct archive_row *row)
{
	struct server *srv = q->ev->server;
	struct arena *a = arena_new();
	struct stanza *s;
	struct buf b = { 0 };

	buf_adds(&b, "<message xmlns='" NS_CLIENT "'");
	write_row(&b, q, row);
	s = stanza_from_xml(a, xml_from_text(srv->pool, a, b.data, b.len),
			    NS_CLIENT);
	buf_fini(&b);
	stanza_set_from(s, q->ev->to);
	stanza_set_to(s, q->ev->from);
	route(srv, s);
}

/* For one of ours the whole page is one write. */
static void
send_rows(const struct query *q, const struct archive_result *res)
{
	struct event *ev = q->ev;
	struct buf b = { 0 };

	for (size_t i = 0; i < res->n_rows; i++) {
		size_t at = q->is_flipped ? res->n_rows - 1 - i : i;

		if (!ev->session) {
			route_row(q, &res->rows[at]);
			continue;
		}
		buf_adds(&b, "<message");
		xml_write_attr(&b, "to", jid_str(ev->from));
		xml_write_attr(&b, "from", jid_str(ev->to));
		write_row(&b, q, &res->rows[at]);
	}
	if (b.len)
		session_write_bulk(ev->session, b.data, b.len, NULL);
	buf_fini(&b);
}

static const char *
id_text(struct arena *a, int64_t id)
{
	return arena_printf(a, "%" PRId64, id);
}

static void
add_page(struct arena *a, struct xml *fin, const struct archive_result *res)
{
	struct rsm_page page = { .index = res->index, .count = res->count };

	if (res->n_rows) {
		page.first = id_text(a, res->rows[0].id);
		page.last = id_text(a, res->rows[res->n_rows - 1].id);
	}
	rsm_add(a, fin, &page);
}

static void
query_done(void *data, const struct archive_result *res)
{
	struct query *q = data;
	struct event *ev = q->ev;
	struct stanza *reply;
	struct xml *fin;

	if (res->res.status == STORE_NOT_FOUND) {
		event_fail(ev, COND_ITEM_NOT_FOUND);
		return;
	}
	if (res->res.status != STORE_OK) {
		event_fail_store(ev, &res->res);
		return;
	}
	send_rows(q, res);
	reply = event_result(ev);
	fin = xml_add(reply->arena, reply->root, "fin", NS_MAM);
	if (res->is_complete)
		xml_set(reply->arena, fin, "complete", "true");
	add_page(reply->arena, fin, res);
	event_reply(ev, reply);
}

enum verdict
room_archive_query(struct event *ev, void *live)
{
	struct live *l = live;
	struct reader who = reader_of(l, ev);
	struct fault fault = check_reader(live_room(l), &who);
	struct query *q = arena_zalloc(event_arena(ev), sizeof(*q));

	q->ev = ev;
	q->q.max = (size_t)l->service->muc->archive_page;
	set_sight(q, live_room(l), &who);
	if (!fault.cond)
		fault = read_query(q, stanza_payload(ev->stanza));
	if (fault.cond)
		return live_refuse(l, ev, fault.cond, fault.text);
	archive_query(l->host->store, jid_str(l->jid), &q->q, query_done, q);
	return WAIT;
}

/* ---- what can be asked for ---- */

static const struct form_field fields[] = {
	{ .var = "with", .type = FORM_JID_SINGLE },
	{ .var = "start", .type = FORM_TEXT_SINGLE },
	{ .var = "end", .type = FORM_TEXT_SINGLE },
	{ .var = "before-id", .type = FORM_TEXT_SINGLE },
	{ .var = "after-id", .type = FORM_TEXT_SINGLE },
	{ 0 },
};

/* 5.1.5: a list, but what is in it is not told. */
static void
add_ids_field(struct arena *a, struct xml *form)
{
	static const struct form_field ids = { .var = "ids",
					       .type = FORM_LIST_MULTI };
	struct xml *x = form_add_field(a, form, &ids);

	x = xml_add(a, x, "validate", NS_DATA_VALIDATE);
	xml_set(a, x, "datatype", "xs:string");
	xml_add(a, x, "open", NULL);
}

enum verdict
room_archive_form(struct event *ev, void *live)
{
	struct live *l = live;
	struct reader who = reader_of(l, ev);
	struct fault fault = check_reader(live_room(l), &who);
	struct stanza *reply;
	struct xml *x;

	if (fault.cond)
		return live_refuse(l, ev, fault.cond, fault.text);
	reply = event_result(ev);
	x = xml_add(reply->arena, reply->root, "query", NS_MAM);
	x = form_add(reply->arena, x, NS_MAM, NULL, NULL);
	form_add_fields(reply->arena, x, fields);
	add_ids_field(reply->arena, x);
	return event_reply(ev, reply);
}

/* ---- metadata ---- */

static void
add_end(struct arena *a, struct xml *parent, const char *name, int64_t id,
	int64_t ms)
{
	struct xml *x = xml_add(a, parent, name, NULL);
	char stamp[CLOCK_STAMP_MAX];

	xml_set_int(a, x, "id", id);
	xml_set(a, x, "timestamp", arena_strdup(a, clock_stamp(ms, stamp)));
}

static void
bounds_done(void *data, const struct archive_bounds *bounds)
{
	struct event *ev = data;
	struct stanza *reply;
	struct xml *x;

	if (bounds->res.status != STORE_OK) {
		event_fail_store(ev, &bounds->res);
		return;
	}
	reply = event_result(ev);
	x = xml_add(reply->arena, reply->root, "metadata", NS_MAM);
	if (bounds->count) {
		add_end(reply->arena, x, "start", bounds->first_id,
			bounds->first_ms);
		add_end(reply->arena, x, "end", bounds->last_id,
			bounds->last_ms);
	}
	event_reply(ev, reply);
}

enum verdict
room_archive_metadata(struct event *ev, void *live)
{
	struct live *l = live;
	struct reader who = reader_of(l, ev);
	struct fault fault = check_reader(live_room(l), &who);

	if (fault.cond)
		return live_refuse(l, ev, fault.cond, fault.text);
	archive_bounds(l->host->store, jid_str(l->jid), bounds_done, ev);
	return WAIT;
}
