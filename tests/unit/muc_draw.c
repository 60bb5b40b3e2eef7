/* muc_draw.c - what somebody does to a room, at random. */

#include "muc_draw.h"

#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "muc_draw_form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <string.h>

static const char *const domain_names[] = { "a.example", "b.example",
					    "far.example" };

void
draw_world_init(struct draw_world *w)
{
	char text[64];

	w->room = jid_parse("den@rooms.a.example");
	for (int i = 0; i < 3; i++)
		w->domains[i] = jid_parse(domain_names[i]);
	for (int i = 0; i < DRAW_USERS; i++) {
		snprintf(text, sizeof(text), "user%d@%s", i,
			 domain_names[i % 3]);
		w->users[i] = jid_parse(text);
		for (int k = 0; k < DRAW_RESOURCES; k++)
			w->full[i * DRAW_RESOURCES + k] = jid_with_resource(
				w->users[i], k ? "phone" : "desk");
	}
}

void
draw_world_fini(struct draw_world *w)
{
	jid_unref(&w->room);
	for (int i = 0; i < 3; i++)
		jid_unref(&w->domains[i]);
	for (int i = 0; i < DRAW_USERS; i++)
		jid_unref(&w->users[i]);
	for (int i = 0; i < DRAW_USERS * DRAW_RESOURCES; i++)
		jid_unref(&w->full[i]);
}

/* splitmix64 */
static uint64_t
next(struct draw *d)
{
	uint64_t x = d->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

unsigned
draw_number(struct draw *d, unsigned n)
{
	return (unsigned)((next(d) >> 32) * n >> 32);
}

bool
draw_chance(struct draw *d, unsigned percent)
{
	return draw_number(d, 100) < percent;
}

/* ---- who ---- */

static struct jid *
any_full(struct draw *d)
{
	return d->world->full[draw_number(d, DRAW_USERS * DRAW_RESOURCES)];
}

/* One who is in the room, if there is one. */
static struct jid *
any_present(struct draw *d, const struct play *p)
{
	struct jid *jid = any_full(d);

	for (int i = 0; i < 6; i++) {
		if (p->master.room && room_session(p->master.room, jid))
			return jid;
		jid = any_full(d);
	}
	return jid;
}

static struct jid *
anybody(struct draw *d, const struct play *p)
{
	return draw_chance(d, 80) ? any_present(d, p) : any_full(d);
}

/* Who may do more than others, if there is one. */
static struct jid *
any_ruler(struct draw *d, const struct play *p)
{
	struct jid *jid = anybody(d, p);

	for (int i = 0; i < 8 && p->master.room; i++) {
		if (affiliations_get(&p->master.room->affiliations, jid) >=
		    AFFILIATION_ADMIN)
			return jid;
		jid = any_full(d);
	}
	return jid;
}

const char *
draw_nick(struct draw *d)
{
	static const char *const nicks[] = { "Ann", "Ben", "Cat",
					     "Dan", "Eve", " " };

	return nicks[draw_number(d, draw_chance(d, 95) ? 5 : 6)];
}

struct jid *
draw_user(struct draw *d)
{
	if (draw_chance(d, 10))
		return d->world->domains[draw_number(d, 3)];
	return d->world->users[draw_number(d, DRAW_USERS)];
}

/* ---- what ---- */

static void
trace(const struct jid *from, const struct stanza *s)
{
	struct buf b = { 0 };

	stanza_write(&b, s, from, s->to, NS_CLIENT);
	printf("%.*s\n", (int)b.len, b.data);
	buf_fini(&b);
}

static void
send(struct draw *d, struct play *p, struct jid *from, struct stanza *s)
{
	if (d->is_traced)
		trace(from, s);
	play_stanza(p, from, s);
	stanza_unref(&s);
}

/* nick NULL: to the room itself. */
static struct stanza *
start(struct draw *d, enum stanza_kind kind, enum stanza_type type,
      struct jid *from, const char *nick)
{
	struct jid *to = nick ? jid_with_resource(d->world->room, nick)
			      : jid_ref(d->world->room);
	struct stanza *s =
		stanza_new(kind, type, from, to ? to : d->world->room, "id1");

	jid_unref(&to);
	return s;
}

static void
add_status(struct draw *d, struct stanza *s)
{
	static const char *const shows[] = { "away", "dnd", "xa" };

	if (draw_chance(d, 40))
		xml_add_text(s->arena, s->root, "show", NULL,
			     shows[draw_number(d, 3)]);
	if (draw_chance(d, 30))
		xml_add_text(s->arena, s->root, "status", NULL, "Here");
}

static void
presence(struct draw *d, struct play *p, struct jid *from, const char *nick,
	 bool enters)
{
	struct stanza *s = start(d, STANZA_PRESENCE, TYPE_NONE, from, nick);
	struct xml *x;

	add_status(d, s);
	if (enters) {
		x = xml_add(s->arena, s->root, "x", NS_MUC);
		if (draw_chance(d, 60))
			xml_add_text(s->arena, x, "password", NULL,
				     draw_chance(d, 90) ? DRAW_PASSWORD
							: "open");
	}
	send(d, p, from, s);
}

static void
enter(struct draw *d, struct play *p)
{
	presence(d, p, any_full(d), draw_nick(d), true);
}

static void
change_presence(struct draw *d, struct play *p)
{
	presence(d, p, anybody(d, p), draw_chance(d, 60) ? draw_nick(d) : NULL,
		 draw_chance(d, 20));
}

static void
leave(struct draw *d, struct play *p)
{
	struct jid *from = anybody(d, p);
	struct stanza *s = start(d, STANZA_PRESENCE, TYPE_UNAVAILABLE, from,
				 draw_chance(d, 50) ? draw_nick(d) : NULL);

	add_status(d, s);
	send(d, p, from, s);
}

static void
say_once(struct draw *d, struct play *p, struct jid *from)
{
	struct stanza *s = start(d, STANZA_MESSAGE, TYPE_GROUPCHAT, from, NULL);

	if (draw_chance(d, 80))
		xml_add_text(s->arena, s->root, "body", NULL, "Hello");
	if (draw_chance(d, 15))
		xml_add_text(s->arena, s->root, "subject", NULL, "Greetings");
	if (draw_chance(d, 10))
		xml_add(s->arena, s->root, "no-store", NS_HINTS);
	send(d, p, from, s);
}

static void
say(struct draw *d, struct play *p)
{
	struct jid *from = anybody(d, p);
	unsigned n = draw_chance(d, 20) ? 4 : 1;

	while (n--)
		say_once(d, p, from);
}

/* XEP-0424, XEP-0425: something of the history, or nothing. */
static void
retract(struct draw *d, struct play *p)
{
	const struct room *r = p->master.room;
	struct jid *from = anybody(d, p);
	bool moderates = draw_chance(d, 60);
	struct stanza *s =
		start(d, moderates ? STANZA_IQ : STANZA_MESSAGE,
		      moderates ? TYPE_SET : TYPE_GROUPCHAT, from, NULL);
	struct xml *x =
		xml_add(s->arena, s->root, moderates ? "moderate" : "retract",
			moderates ? "urn:xmpp:message-moderate:1"
				  : "urn:xmpp:message-retract:1");
	int64_t id = 17;

	if (r && r->n_history)
		id = r->history[draw_number(d, (unsigned)r->n_history)]
			     ->archive_id;
	xml_set_int(s->arena, x, "id", id);
	if (moderates)
		xml_add(s->arena, x, "retract", "urn:xmpp:message-retract:1");
	send(d, p, from, s);
}

static void
add_item(struct draw *d, const struct stanza *s, struct xml *query)
{
	static const char *const roles[] = { "none", "visitor", "participant",
					     "moderator", "king" };
	static const char *const affiliations[] = { "outcast", "none",
						    "member",  "admin",
						    "owner",   "pope" };
	struct xml *item = xml_add(s->arena, query, "item", NULL);
	unsigned how = draw_number(d, 20);

	if (how < 8) {
		xml_set(s->arena, item, "nick", draw_nick(d));
		xml_set(s->arena, item, "role",
			roles[draw_number(d, how ? 4 : 5)]);
		return;
	}
	if (how != 8)
		xml_set(s->arena, item, "jid", jid_str(draw_user(d)));
	if (how < 11)
		xml_set(s->arena, item, "nick", draw_nick(d));
	if (how != 12)
		xml_set(s->arena, item, "affiliation",
			affiliations[draw_number(d, how == 13 ? 6 : 5)]);
	if (how < 15)
		xml_add_text(s->arena, item, "reason", NULL, "Because");
}

static void
administrate(struct draw *d, struct play *p)
{
	struct jid *from = draw_chance(d, 85) ? any_ruler(d, p) : any_full(d);
	struct stanza *s = start(d, STANZA_IQ, TYPE_SET, from, NULL);
	struct xml *query = xml_add(s->arena, s->root, "query", NS_MUC_ADMIN);
	unsigned n = draw_chance(d, 75) ? 1 : draw_number(d, 4);

	while (n--)
		add_item(d, s, query);
	send(d, p, from, s);
}

static void
configure_as(struct draw *d, struct play *p, struct jid *from)
{
	struct stanza *s = start(d, STANZA_IQ, TYPE_SET, from, NULL);

	draw_owner_query(d, s);
	send(d, p, from, s);
}

static void
configure(struct draw *d, struct play *p)
{
	configure_as(d, p, draw_chance(d, 90) ? any_ruler(d, p) : any_full(d));
}

static void
set_vcard(struct draw *d, struct play *p)
{
	struct jid *from = any_ruler(d, p);
	struct stanza *s = start(d, STANZA_IQ, TYPE_SET, from, NULL);
	struct xml *x = xml_add(s->arena, s->root, "vCard", NS_VCARD);

	if (draw_chance(d, 70))
		xml_add_text(s->arena, x, "FN", NULL, "The den");
	send(d, p, from, s);
}

static void
destroy(struct draw *d, struct play *p)
{
	struct jid *from = any_ruler(d, p);
	struct stanza *s = start(d, STANZA_IQ, TYPE_SET, from, NULL);
	struct xml *query = xml_add(s->arena, s->root, "query", NS_MUC_OWNER);
	struct xml *x = xml_add(s->arena, query, "destroy", NULL);

	if (draw_chance(d, 50))
		xml_set(s->arena, x, "jid", "other@rooms.a.example");
	send(d, p, from, s);
}

static void
ask(struct draw *d, struct play *p)
{
	struct jid *from = draw_chance(d, 50) ? anybody(d, p) : any_ruler(d, p);
	bool registers = draw_chance(d, 50);
	struct stanza *s = start(d, registers ? STANZA_IQ : STANZA_MESSAGE,
				 registers ? TYPE_SET : TYPE_NONE, from, NULL);

	if (registers)
		draw_registration(d, s);
	else
		draw_request(d, s);
	send(d, p, from, s);
}

static void
invite(struct draw *d, struct play *p)
{
	struct jid *from = anybody(d, p);
	struct stanza *s = start(d, STANZA_MESSAGE, TYPE_NONE, from, NULL);
	struct xml *x = xml_add(s->arena, s->root, "x", NS_MUC_USER);
	unsigned n = draw_number(d, 3);

	while (n--)
		xml_set(s->arena, xml_add(s->arena, x, "invite", NULL), "to",
			jid_str(draw_user(d)));
	send(d, p, from, s);
}

/* What is nothing for a room. */
static void
confuse(struct draw *d, struct play *p)
{
	static const struct {
		enum stanza_kind kind;
		enum stanza_type type;
	} all[] = {
		{ STANZA_PRESENCE, TYPE_SUBSCRIBE },
		{ STANZA_PRESENCE, TYPE_PROBE },
		{ STANZA_MESSAGE, TYPE_CHAT },
		{ STANZA_MESSAGE, TYPE_NONE },
		{ STANZA_MESSAGE, TYPE_GROUPCHAT },
		{ STANZA_IQ, TYPE_SET },
	};
	unsigned i = draw_number(d, N_ELEMENTS(all));
	struct jid *from = anybody(d, p);
	struct stanza *s = start(d, all[i].kind, all[i].type, from, NULL);

	if (draw_chance(d, 70))
		xml_add(s->arena, s->root, "x",
			draw_chance(d, 50) ? NS_MUC_USER : "urn:example");
	send(d, p, from, s);
}

/* ---- what nobody has sent ---- */

static void
submit(struct draw *d, struct play *p, struct submission sub, const char *what)
{
	if (d->is_traced)
		printf("%s %s\n", what, sub.from ? jid_str(sub.from) : "");
	play_submit(p, &sub);
}

static void
lose_session(struct draw *d, struct play *p)
{
	submit(d, p,
	       (struct submission){ .type = SUBMIT_GONE,
				    .from = anybody(d, p),
				    .code = 333 },
	       "gone");
}

static void
lose_way(struct draw *d, struct play *p)
{
	bool is_away = draw_chance(d, 50);

	submit(d, p,
	       (struct submission){
		       .type = SUBMIT_LINK,
		       .from = d->world->domains[draw_number(d, 3)],
		       .is_away = is_away },
	       is_away ? "lost" : "back");
}

static void
end_room(struct draw *d, struct play *p)
{
	struct entry *e = entry_new(
		&(struct entry){ .type = ENTRY_DESTROY, .reason = "unused" });

	submit(d, p, (struct submission){ .type = SUBMIT_ENTRY, .entry = e },
	       "destroyed");
	entry_unref(&e);
}

/* ---- all of it ---- */

void
draw_opening(struct draw *d, struct play *p)
{
	struct jid *owner = any_full(d);

	presence(d, p, owner, draw_nick(d), true);
	if (draw_chance(d, 10))
		return;
	configure_as(d, p, owner);
	for (unsigned n = draw_number(d, 4); n; n--)
		enter(d, p);
}

void
draw_submission(struct draw *d, struct play *p)
{
	static const struct {
		unsigned percent;
		void (*fn)(struct draw *d, struct play *p);
	} all[] = {
		{ 24, enter },	     { 10, change_presence },
		{ 8, leave },	     { 18, say },
		{ 2, retract },	     { 12, administrate },
		{ 8, configure },    { 1, destroy },
		{ 1, set_vcard },    { 5, ask },
		{ 3, invite },	     { 2, confuse },
		{ 2, lose_session }, { 3, lose_way },
	};
	unsigned at = draw_number(d, 100), i = 0;

	while (i < N_ELEMENTS(all) && at >= all[i].percent)
		at -= all[i++].percent;
	if (i < N_ELEMENTS(all))
		all[i].fn(d, p);
	else
		end_room(d, p);
}

void
draw_inside(struct play *p, void *draw)
{
	struct draw *d = draw;

	/* Sending finds that somebody is not there any more. */
	if (p->depth == 1 && draw_chance(d, 1))
		lose_session(d, p);
}
