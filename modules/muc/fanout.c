/* fanout.c - an applied entry, shown to the occupants of a room. */

#include "modules/muc/fanout.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/blocking.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <string.h>

/* ---- one stanza for many ---- */

/* Behind `<presence to='…'`, the same for all who get it. */
struct cast {
	struct server *server;
	const char *name;
	struct chunk *tail;    /* owned */
	struct stanza *parsed; /* owned; once there is a need */
};

static struct stanza *
parse(const struct cast *c)
{
	struct arena *a = arena_new();
	struct buf b = { 0 };
	struct xml *x;
	size_t len;
	const char *tail = chunk_data(c->tail, &len);

	buf_printf(&b, "<%s xmlns='" NS_CLIENT "'", c->name);
	buf_add(&b, tail, len);
	x = xml_from_text(c->server->pool, a, b.data, b.len);
	buf_fini(&b);
	return stanza_from_xml(a, x, NS_CLIENT);
}

static void
send_parsed(struct cast *c, struct jid *to)
{
	struct stanza *copy;

	if (!c->parsed)
		c->parsed = parse(c);
	copy = stanza_edit(c->parsed);
	stanza_set_to(copy, to);
	route(c->server, copy);
}

/* Of one that is shown something. */
static struct jid *
address_of(const struct room_session *s)
{
	return s->real ? s->real : s->jid;
}

/* May it be written to, past the hooks? */
static bool
is_direct(const struct room_session *s)
{
	const struct session *own = s->owner;

	return own && !blocking_is_used(own->account);
}

static void
cast_to(struct cast *c, const struct room_session *s)
{
	struct buf *b = &c->server->scratch;

	/* Whose stream is about to end has been told: fanout_stop. */
	if (s->owner && c->server->is_stopping)
		return;
	if (!is_direct(s)) {
		send_parsed(c, address_of(s));
		return;
	}
	b->len = 0;
	buf_addc(b, '<');
	buf_adds(b, c->name);
	xml_write_attr(b, "to", jid_str(address_of(s)));
	session_write_bulk(s->owner, b->data, b->len, c->tail);
}

/* The same where it is for us to show the room to it. */
static void
show_to(struct cast *c, const struct room_session *s)
{
	if (!s->is_elsewhere)
		cast_to(c, s);
}

static void
cast_fini(struct cast *c)
{
	chunk_unref(&c->tail);
	stanza_unref(&c->parsed);
}

void
fanout_send(struct server *srv, const struct room_session *to, const char *name,
	    struct chunk *tail)
{
	struct cast c = { srv, name, tail, NULL };

	cast_to(&c, to);
	cast_fini(&c);
}

void
fanout_attach(struct server *srv, struct room_session *s)
{
	struct jid *jid = address_of(s);
	struct account *a = account_find(srv, jid);
	struct session *own = a ? account_session(a, jid) : NULL;

	if (s->owner || !own)
		return;
	s->owner = session_ref(own);
	if (s->real)
		return;
	/* The same address, which the account holds anyway. */
	jid_unref(&s->occupant->bare);
	s->occupant->bare = jid_ref(a->jid);
}

void
fanout_detach(struct room_session *s)
{
	struct session *own = s->owner;

	s->owner = NULL;
	session_unref(&own);
}

/* ---- presence ---- */

/* In front of a hat's name. */
#define HAT_URI "urn:x-banyan:hats:"

enum { UNAVAILABLE = 1, WITH_JID = 2 };

struct presence {
	const struct occupant *occupant;
	const struct room_session *session; /* whose; NULL: nobody's any more */
	const struct chunk *payload;
	const char *nick; /* whose address it comes from */
	const char *id, *new_nick, *actor, *reason;
	const char *version; /* XEP-0463; NULL: it is not told */
	unsigned flags;
	enum affiliation affiliation;
	enum role role;
	int codes[8];
	unsigned n_codes;
};

/* The end of an <item …: who did it, and why. */
void
fanout_write_item_rest(struct buf *b, const char *actor, const char *reason)
{
	if (!actor && !reason) {
		buf_adds(b, "/>");
		return;
	}
	buf_addc(b, '>');
	if (actor) {
		buf_adds(b, "<actor");
		xml_write_attr(b, "nick", actor);
		buf_adds(b, "/>");
	}
	if (reason) {
		buf_adds(b, "<reason>");
		xml_escape(b, reason, strlen(reason));
		buf_adds(b, "</reason>");
	}
	buf_adds(b, "</item>");
}

static void
write_item(struct buf *b, const struct room *r, const struct presence *p)
{
	struct jid *jid = NULL;

	buf_printf(b,
		   "<x xmlns='" NS_MUC_USER "'><item affiliation='%s' "
		   "role='%s'",
		   affiliation_name(p->affiliation), role_name(p->role));
	if (p->flags & WITH_JID && p->session)
		jid = room_session_address(r, p->session);
	if (jid)
		xml_write_attr(b, "jid", jid_str(jid));
	if (p->new_nick)
		xml_write_attr(b, "nick", p->new_nick);
	fanout_write_item_rest(b, p->actor, p->reason);
	for (unsigned i = 0; i < p->n_codes; i++)
		buf_printf(b, "<status code='%d'/>", p->codes[i]);
	if (p->version)
		buf_printf(b, "<mav xmlns='" NS_MAV "' until='%s'/>",
			   p->version);
	buf_adds(b, "</x>");
}

/* XEP-0317 3.1: what somebody is by affiliation, or else by role, for clients
 * that show only this. */
static const char *
hat_of(enum affiliation affiliation, enum role role)
{
	if (affiliation == AFFILIATION_OWNER)
		return "Owner";
	if (affiliation == AFFILIATION_ADMIN)
		return "Admin";
	return role == ROLE_MODERATOR ? "Moderator" : NULL;
}

static void
write_hat(struct buf *b, const struct presence *p)
{
	const char *hat = hat_of(p->affiliation, p->role);

	if (hat)
		buf_printf(b,
			   "<hats xmlns='" NS_HATS "'><hat title='%s' "
			   "uri='" HAT_URI "%s' xml:lang='en'/></hats>",
			   hat, hat);
}

static struct chunk *
write_presence(const struct room *r, const struct presence *p)
{
	struct buf b = { 0 };
	size_t len = 0;
	const char *payload = p->payload ? chunk_data(p->payload, &len) : NULL;

	room_write_from(&b, r, p->nick);
	if (p->id)
		xml_write_attr(&b, "id", p->id);
	if (p->flags & UNAVAILABLE)
		buf_adds(&b, " type='unavailable'");
	if (!(p->flags & UNAVAILABLE) && p->session &&
	    room_session_shows_away(r, p->session))
		buf_adds(&b, "><show>away</show><status>unreachable</status>");
	else if (payload)
		buf_add(&b, payload, len);
	else
		buf_addc(&b, '>');
	write_item(&b, r, p);
	if (r->config.shows_hats && !(p->flags & UNAVAILABLE))
		write_hat(&b, p);
	if (p->occupant->id)
		buf_printf(&b,
			   "<occupant-id xmlns='" NS_OCCUPANT_ID "' id='%s'/>",
			   p->occupant->id);
	buf_adds(&b, "</presence>");
	return buf_to_chunk(&b);
}

/* An occupant as it is. */
static struct presence
presence_of(const struct occupant *o)
{
	return (struct presence){
		.occupant = o,
		.session = o->top,
		.payload = o->top ? o->top->payload : NULL,
		.nick = o->nick,
		.affiliation = o->affiliation,
		.role = o->role,
	};
}

static void
add_code(struct presence *p, int code)
{
	if (code)
		p->codes[p->n_codes++] = code;
}

/* As others see it, kept for the next who enters. */
static struct chunk *
shown(const struct room *r, struct occupant *o, bool with_jid)
{
	if (!o->shown[with_jid]) {
		struct presence p = presence_of(o);

		p.flags = with_jid ? WITH_JID : 0;
		o->shown[with_jid] = write_presence(r, &p);
	}
	return o->shown[with_jid];
}

void
fanout_drop_shown(struct room *r)
{
	list_each (n, &r->occupants) {
		chunk_unref(&occupant_of(n)->shown[0]);
		chunk_unref(&occupant_of(n)->shown[1]);
	}
}

/* To all sessions of an occupant but one. */
static void
to_occupant(struct cast *c, const struct occupant *o,
	    const struct room_session *but)
{
	list_each (n, &o->sessions) {
		if (room_session_of(n) != but)
			show_to(c, room_session_of(n));
	}
}

/* A presence of p->occupant to all others, in as many versions as there are
 * kinds of viewers. */
static void
to_others(struct server *srv, const struct room *r, const struct presence *p)
{
	struct cast casts[2] = { { srv, "presence", NULL, NULL },
				 { srv, "presence", NULL, NULL } };

	list_each (n, &r->occupants) {
		const struct occupant *viewer = occupant_of(n);
		bool with_jid = room_shows_jid(r, viewer);
		struct presence copy = *p;

		if (viewer == p->occupant)
			continue;
		if (!casts[with_jid].tail) {
			copy.flags |= with_jid ? WITH_JID : 0;
			casts[with_jid].tail = write_presence(r, &copy);
		}
		to_occupant(&casts[with_jid], viewer, NULL);
	}
	cast_fini(&casts[0]);
	cast_fini(&casts[1]);
}

/* The same to the occupant itself, or to one of its sessions. 5.1.1: its own
 * JID is no secret from it. */
static void
to_self(struct server *srv, const struct room *r, const struct presence *p,
	const struct room_session *only, const struct room_session *but)
{
	struct presence copy = *p;
	struct cast c = { srv, "presence", NULL, NULL };

	copy.flags |= WITH_JID;
	memmove(copy.codes + 1, copy.codes,
		copy.n_codes * sizeof(copy.codes[0]));
	copy.codes[0] = 110;
	copy.n_codes++;
	c.tail = write_presence(r, &copy);
	if (only)
		show_to(&c, only);
	else
		to_occupant(&c, p->occupant, but);
	cast_fini(&c);
}

static void
to_all(struct server *srv, const struct room *r, const struct presence *p)
{
	if (room_shows_role(r, p->role))
		to_others(srv, r, p);
	to_self(srv, r, p, NULL, NULL);
}

/* ---- messages ---- */

static void
message_to_all(struct server *srv, const struct room *r, struct chunk *tail)
{
	struct cast c = { srv, "message", tail, NULL };

	list_each (n, &r->occupants)
		to_occupant(&c, occupant_of(n), NULL);
	cast_fini(&c);
}

/* ---- entering ---- */

/* All others as they are. In one write for one of ours. */
static void
send_roster(struct server *srv, const struct room *r,
	    const struct room_session *s)
{
	bool with_jid = room_shows_jid(r, s->occupant);
	bool direct = is_direct(s);
	struct buf b = { 0 };

	if (s->is_elsewhere)
		return;
	list_each (n, &r->occupants) {
		struct occupant *o = occupant_of(n);
		struct cast c = { srv, "presence", NULL, NULL };
		const char *tail;
		size_t len;

		if (o == s->occupant || !room_shows_role(r, o->role))
			continue;
		c.tail = chunk_ref(shown(r, o, with_jid));
		if (direct) {
			tail = chunk_data(c.tail, &len);
			buf_adds(&b, "<presence");
			xml_write_attr(&b, "to", jid_str(address_of(s)));
			buf_add(&b, tail, len);
		} else {
			send_parsed(&c, address_of(s));
		}
		cast_fini(&c);
	}
	if (b.len)
		session_write_bulk(s->owner, b.data, b.len, NULL);
	buf_fini(&b);
}

static void
show_join(struct server *srv, struct room *r, const struct room_change *c,
	  const struct fanout_history *history)
{
	struct presence p = presence_of(c->occupant);
	char version[VERSIONS_TEXT_MAX];

	if (!c->is_same && room_shows_role(r, c->occupant->role))
		to_others(srv, r, &p);
	if (!c->is_same)
		to_self(srv, r, &p, NULL, c->session);
	if (c->session->is_elsewhere)
		return;
	if (c->entry->since &&
	    fanout_lists_join(srv, r, c->session, c->entry->since))
		p.version = versions_text(r->created_ms, r->versions.now, 0,
					  version);
	send_roster(srv, r, c->session);
	p.id = c->entry->stanza_id;
	if (r->config.whois == WHOIS_ANYONE)
		add_code(&p, 100);
	if (muc_config_is_logged(&r->config))
		add_code(&p, 170);
	if (c->entry->is_new)
		add_code(&p, 201);
	if (c->entry->is_renamed)
		add_code(&p, 210);
	to_self(srv, r, &p, c->session, NULL);
	fanout_past(srv, r, c->session, history);
}

/* ---- the rest ---- */

static void
show_presence(struct server *srv, const struct room *r,
	      const struct room_change *c)
{
	struct presence p = presence_of(c->occupant);

	p.id = c->entry->stanza_id;
	to_all(srv, r, &p);
}

static void
show_leave(struct server *srv, const struct room *r,
	   const struct room_change *c)
{
	const struct entry *e = c->entry;
	struct presence p = presence_of(c->occupant);

	if (c->session)
		p.session = c->session;
	p.payload = e->payload;
	p.affiliation = e->affiliation;
	p.role = ROLE_NONE;
	p.flags = UNAVAILABLE;
	p.actor = e->actor;
	p.reason = e->reason;
	add_code(&p, e->code);
	if (c->is_last) {
		if (room_shows_role(r, c->old_role))
			to_others(srv, r, &p);
		p.id = e->stanza_id;
		to_self(srv, r, &p, NULL, NULL);
		return;
	}
	p.id = e->stanza_id;
	to_self(srv, r, &p, c->session, NULL);
	if (c->was_top) {
		p = presence_of(c->occupant);
		to_all(srv, r, &p);
	}
}

static void
show_nick(struct server *srv, const struct room *r, const struct room_change *c)
{
	struct presence p = presence_of(c->occupant);

	p.nick = c->entry->nick;
	p.new_nick = c->entry->new_nick;
	p.payload = NULL;
	p.flags = UNAVAILABLE;
	add_code(&p, 303);
	to_all(srv, r, &p);
	p = presence_of(c->occupant);
	p.id = c->entry->stanza_id;
	if (room_shows_role(r, p.role))
		to_others(srv, r, &p);
	if (c->entry->is_renamed)
		add_code(&p, 210);
	to_self(srv, r, &p, NULL, NULL);
}

static void
show_role(struct server *srv, struct room *r, const struct room_change *c)
{
	struct presence p = presence_of(c->occupant);

	p.actor = c->entry->actor;
	p.reason = c->entry->reason;
	if (!room_shows_role(r, p.role) && room_shows_role(r, c->old_role)) {
		struct presence gone = p;

		gone.flags = UNAVAILABLE;
		gone.payload = NULL;
		to_others(srv, r, &gone);
	}
	to_all(srv, r, &p);
	/* What it could not see before. */
	if (p.role == ROLE_MODERATOR && c->old_role != ROLE_MODERATOR &&
	    r->config.whois != WHOIS_ANYONE) {
		list_each (n, &c->occupant->sessions)
			send_roster(srv, r, room_session_of(n));
	}
}

static void
show_link(struct server *srv, const struct room *r, const struct room_change *c)
{
	list_each (n, &r->occupants) {
		struct occupant *o = occupant_of(n);
		struct presence p = presence_of(o);

		if (jid_eq_domain(o->top->jid, c->entry->jid) &&
		    room_shows_role(r, o->role))
			to_others(srv, r, &p);
	}
}

/* They have been put on, or taken off. */
static void
show_hats(struct server *srv, const struct room *r)
{
	list_each (n, &r->occupants) {
		struct presence p = presence_of(occupant_of(n));

		if (hat_of(p.affiliation, p.role))
			to_all(srv, r, &p);
	}
}

/* 10.2.1 */
static void
show_config(struct server *srv, struct room *r, const struct room_change *c)
{
	int codes[MUC_CONFIG_CODES_MAX];
	size_t n = muc_config_status_codes(&c->old_config, &r->config, codes);
	struct buf b = { 0 };

	fanout_drop_shown(r);
	if (c->old_config.shows_hats != r->config.shows_hats)
		show_hats(srv, r);
	if (!n)
		return;
	room_write_from(&b, r, NULL);
	buf_adds(&b, " type='groupchat'><x xmlns='" NS_MUC_USER "'>");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "<status code='%d'/>", codes[i]);
	buf_adds(&b, "</x></message>");
	message_to_all(srv, r, buf_to_chunk(&b));
}

/* 10.9 */
static void
show_destroy(struct server *srv, const struct room *r,
	     const struct room_change *c)
{
	const struct entry *e = c->entry;
	size_t len;

	list_each (n, &r->occupants) {
		struct cast cast = { srv, "presence", NULL, NULL };
		struct buf b = { 0 };

		room_write_from(&b, r, occupant_of(n)->nick);
		buf_adds(&b, " type='unavailable'><x xmlns='" NS_MUC_USER
			     "'><item affiliation='none' role='none'/>"
			     "<destroy");
		if (e->new_nick)
			xml_write_attr(&b, "jid", e->new_nick);
		buf_addc(&b, '>');
		if (e->reason) {
			buf_adds(&b, "<reason>");
			xml_escape(&b, e->reason, strlen(e->reason));
			buf_adds(&b, "</reason>");
		}
		if (e->payload) {
			const char *more = chunk_data(e->payload, &len);

			buf_add(&b, more, len);
		}
		buf_adds(&b, "</destroy><status code='110'/></x></presence>");
		cast.tail = buf_to_chunk(&b);
		to_occupant(&cast, occupant_of(n), NULL);
		cast_fini(&cast);
	}
}

/* XEP-0463 4.2.2, and 9.1 and others: whose affiliation has changed and who is
 * not here; to those who see addresses. */
static void
tell_of_absent(struct server *srv, const struct room *r, const struct entry *e)
{
	struct cast cast = { srv, "message", NULL, NULL };
	struct buf b = { 0 };

	room_write_from(&b, r, NULL);
	buf_printf(&b,
		   "><x xmlns='" NS_MUC_USER "'><item affiliation='%s' "
		   "role='none'",
		   affiliation_name(e->affiliation));
	xml_write_attr(&b, "jid", jid_str(e->jid));
	if (e->nick && *e->nick)
		xml_write_attr(&b, "nick", e->nick);
	fanout_write_item_rest(&b, e->actor, e->reason);
	buf_adds(&b, "</x></message>");
	cast.tail = buf_to_chunk(&b);
	list_each (n, &r->occupants) {
		if (!room_shows_jid(r, occupant_of(n)))
			continue;
		list_each (k, &occupant_of(n)->sessions) {
			/* Those have been told already. */
			if (!fanout_lists_follows(r, room_session_of(k)))
				cast_to(&cast, room_session_of(k));
		}
	}
	cast_fini(&cast);
}

/* Status 101. Whom it lets in a members-only room invites instead, and who is
 * banned does not hear of it before the next try. */
static void
tell_absent(struct server *srv, const struct room *r,
	    const struct room_change *c)
{
	const struct entry *e = c->entry;
	struct stanza *s;
	struct xml *x;

	if (!e->actor || jid_is_domain(e->jid) ||
	    e->affiliation == AFFILIATION_OUTCAST ||
	    c->old_affiliation == e->affiliation ||
	    (r->config.is_members_only &&
	     c->old_affiliation < AFFILIATION_MEMBER))
		return;
	s = stanza_new(STANZA_MESSAGE, TYPE_NONE, r->jid, e->jid, NULL);
	x = xml_add(s->arena, s->root, "x", NS_MUC_USER);
	xml_set(s->arena, xml_add(s->arena, x, "status", NULL), "code", "101");
	route(srv, s);
}

static void
show_affiliation(struct server *srv, const struct room *r,
		 const struct room_change *c)
{
	/* The master tells all who may know. */
	if (r->is_copy)
		return;
	if (c->old_version != r->versions.now)
		fanout_lists_changed(srv, r, c->entry, c->old_version);
	if (jid_is_domain(c->entry->jid) || room_is_empty(r) ||
	    room_by_user(r, c->entry->jid))
		return;
	tell_of_absent(srv, r, c->entry);
	tell_absent(srv, r, c);
}

void
fanout_stop(const struct room *r)
{
	list_each (n, &r->occupants) {
		struct occupant *o = occupant_of(n);
		struct presence p = presence_of(o);

		p.flags = UNAVAILABLE | WITH_JID;
		p.payload = NULL;
		p.affiliation = AFFILIATION_NONE;
		p.role = ROLE_NONE;
		add_code(&p, 110);
		add_code(&p, 332);
		list_each (k, &o->sessions) {
			const struct room_session *s = room_session_of(k);
			struct chunk *tail;
			struct buf head = { 0 };

			if (!s->owner)
				continue;
			p.session = s;
			tail = write_presence(r, &p);
			buf_adds(&head, "<presence");
			xml_write_attr(&head, "to", jid_str(s->jid));
			session_write_bulk(s->owner, head.data, head.len, tail);
			buf_fini(&head);
			chunk_unref(&tail);
		}
	}
}

void
fanout_show(struct server *srv, struct room *r, const struct room_change *c,
	    const struct fanout_history *history)
{
	switch (c->entry->type) {
	case ENTRY_JOIN:
		show_join(srv, r, c, history);
		return;
	case ENTRY_PRESENCE:
		show_presence(srv, r, c);
		return;
	case ENTRY_LEAVE:
		show_leave(srv, r, c);
		return;
	case ENTRY_NICK:
		show_nick(srv, r, c);
		return;
	case ENTRY_ROLE:
		show_role(srv, r, c);
		return;
	case ENTRY_MESSAGE:
	case ENTRY_SUBJECT:
	case ENTRY_RETRACT:
		message_to_all(srv, r,
			       c->is_late ? fanout_delayed(r, c->entry)
					  : chunk_ref(c->entry->payload));
		return;
	case ENTRY_CONFIG:
		show_config(srv, r, c);
		return;
	case ENTRY_LINK:
		show_link(srv, r, c);
		return;
	case ENTRY_DESTROY:
		show_destroy(srv, r, c);
		return;
	case ENTRY_AFFILIATION:
		show_affiliation(srv, r, c);
		return;
	case N_ENTRY_TYPES:
		return;
	}
}
