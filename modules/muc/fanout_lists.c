/* fanout_lists.c - who is what in a room, for clients that keep the lists up to
 * date (XEP-0463). */

#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/versions.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

/* In one message. */
#define ITEMS_AT_ONCE 200

static bool
may(const struct room *r, const struct occupant *o, enum privilege p)
{
	return has_privilege(&r->config, o->affiliation, o->role, p);
}

/* May the viewer see that somebody is this? As with the lists of XEP-0045. */
static bool
is_visible(const struct room *r, const struct occupant *viewer,
	   enum affiliation affiliation)
{
	switch (affiliation) {
	case AFFILIATION_OUTCAST:
		return may(r, viewer, PRIV_BAN);
	case AFFILIATION_MEMBER:
		return may(r, viewer, PRIV_GET_MEMBERS);
	case AFFILIATION_ADMIN:
	case AFFILIATION_OWNER:
		return may(r, viewer, PRIV_GET_RULERS);
	case AFFILIATION_NONE:
		break;
	}
	return true;
}

/* ---- a message with items ---- */

struct pages {
	struct server *server;
	const struct room *room;
	const struct room_session *to;
	struct buf items;
	size_t n;
	const char *since; /* of the next one; NULL: it has none */
	unsigned part;
	char texts[2][VERSIONS_TEXT_MAX];
};

static void
write_item(struct buf *b, const struct jid *jid, enum affiliation affiliation,
	   const char *role, const char *actor, const char *reason)
{
	buf_adds(b, "<item affiliation='");
	buf_adds(b, affiliation_name(affiliation));
	buf_addc(b, '\'');
	xml_write_attr(b, "jid", jid_str(jid));
	if (role)
		xml_write_attr(b, "role", role);
	fanout_write_item_rest(b, actor, reason);
}

static void
send_page(struct pages *p, const char *until)
{
	struct buf b = { 0 };

	room_write_from(&b, p->room, NULL);
	buf_adds(&b, "><x xmlns='" NS_MUC_USER "'><mav xmlns='" NS_MAV "'");
	if (p->since)
		xml_write_attr(&b, "since", p->since);
	xml_write_attr(&b, "until", until);
	buf_adds(&b, "/>");
	buf_add(&b, p->items.data, p->items.len);
	buf_adds(&b, "</x></message>");
	fanout_send(p->server, p->to, "message", buf_to_chunk(&b));
	p->items.len = 0;
	p->n = 0;
	p->since = until;
}

/* 5.2.1: in several messages each one begins where the one before ended. */
static void
add_item(struct pages *p, const struct jid *jid, enum affiliation affiliation)
{
	if (p->n == ITEMS_AT_ONCE) {
		p->part++;
		send_page(p, versions_text(p->room->created_ms,
					   p->room->versions.now, p->part,
					   p->texts[p->part % 2]));
	}
	write_item(&p->items, jid, affiliation, NULL, NULL, NULL);
	p->n++;
}

static void
end_pages(struct pages *p)
{
	char until[VERSIONS_TEXT_MAX];

	send_page(p, versions_text(p->room->created_ms, p->room->versions.now,
				   0, until));
	buf_fini(&p->items);
}

/* ---- for who enters ---- */

static void
add_all(struct pages *p)
{
	affiliations_each (item, &p->room->affiliations) {
		if (is_visible(p->room, p->to->occupant, item->affiliation))
			add_item(p, item->jid, item->affiliation);
	}
}

static bool
changes_again(const struct versions *v, size_t at)
{
	for (size_t i = at + 1; i < v->n; i++) {
		if (jid_eq(v->changes[i].jid, v->changes[at].jid))
			return true;
	}
	return false;
}

/* Who has become something that the viewer may not see is not what he was: that
 * much has to be told. */
static enum affiliation
as_seen(const struct room *r, const struct occupant *viewer,
	enum affiliation affiliation)
{
	return is_visible(r, viewer, affiliation) ? affiliation
						  : AFFILIATION_NONE;
}

static void
add_changes(struct pages *p, size_t from)
{
	const struct room *r = p->room;

	for (size_t i = from; i < r->versions.n; i++) {
		const struct version_change *c = &r->versions.changes[i];

		if (!changes_again(&r->versions, i))
			add_item(p, c->jid,
				 as_seen(r, p->to->occupant, c->affiliation));
	}
}

/* 5.2.3 */
static void
send_forbidden(struct server *srv, const struct room *r,
	       const struct room_session *to)
{
	struct buf b = { 0 };

	room_write_from(&b, r, NULL);
	buf_adds(&b, " type='error'><error type='auth'");
	xml_write_attr(&b, "by", jid_str(r->jid));
	buf_adds(&b, "><forbidden xmlns='" NS_STANZA_ERROR "'/></error>"
		     "</message>");
	fanout_send(srv, to, "message", buf_to_chunk(&b));
}

bool
fanout_lists_join(struct server *srv, const struct room *r,
		  const struct room_session *s, const char *since)
{
	struct pages p = { .server = srv, .room = r, .to = s };
	int64_t known = versions_parse(r->created_ms, since);
	size_t from;

	if (!may(r, s->occupant, PRIV_GET_MEMBERS)) {
		send_forbidden(srv, r, s);
		return false;
	}
	if (known == r->versions.now)
		return true;
	if (known >= 0 && versions_since(&r->versions, known, &from)) {
		p.since = since;
		add_changes(&p, from);
	} else {
		add_all(&p);
	}
	end_pages(&p);
	return true;
}

/* ---- when they change ---- */

bool
fanout_lists_follows(const struct room *r, const struct room_session *s)
{
	return s->follows_lists && !s->is_elsewhere &&
	       may(r, s->occupant, PRIV_GET_MEMBERS);
}

void
fanout_lists_changed(struct server *srv, const struct room *r,
		     const struct entry *e, int64_t old_version)
{
	char texts[2][VERSIONS_TEXT_MAX];
	const char *role;
	const struct occupant *o = room_by_user(r, e->jid);

	versions_text(r->created_ms, old_version, 0, texts[0]);
	versions_text(r->created_ms, r->versions.now, 0, texts[1]);
	role = role_name(o ? o->role : ROLE_NONE);
	list_each (n, &r->occupants) {
		const struct occupant *viewer = occupant_of(n);

		list_each (k, &viewer->sessions) {
			struct pages p = { .server = srv,
					   .room = r,
					   .to = room_session_of(k),
					   .since = texts[0] };

			if (!fanout_lists_follows(r, p.to))
				continue;
			if (is_visible(r, viewer, e->affiliation))
				write_item(&p.items, e->jid, e->affiliation,
					   role, e->actor, e->reason);
			else
				write_item(&p.items, e->jid, AFFILIATION_NONE,
					   role, NULL, NULL);
			send_page(&p, texts[1]);
			buf_fini(&p.items);
		}
	}
}
