/*
 * peerhost.c - the module on a user domain that has copies of other servers'
 * rooms for its users (docs/dmuc.md, slave.h).
 *
 * What a user says to such a room goes to the copy, which passes it up; what
 * the room says comes from the copy, in the room's name. Clients see a room as
 * any other.
 */

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/host.h"
#include "core/module.h"
#include "core/option.h"
#include "core/remote.h"
#include "core/router.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/disco.h"
#include "modules/muc/entry.h"
#include "modules/muc/fanout.h"
#include "modules/muc/info.h"
#include "modules/muc/ns.h"
#include "modules/muc/peerhost_private.h"
#include "modules/muc/room.h"
#include "modules/muc/slave.h"
#include "modules/presence.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* How long a join without an answer consents to a copy. */
#define JOIN_MS	  60000
#define JOINS_MAX 10000

/* Whoever says more as he enters is an ordinary occupant; bytes. */
#define JOIN_SIZE_MAX (16 << 10)

/* Presence of occupants as it was written for the last who entered. */
#define SHOWN_MS 5000

/* A user who is about to enter a room elsewhere. */
struct join {
	struct list node;
	struct stanza *stanza; /* ref */
	int64_t since_ms;      /* monotonic */
};

struct module_slot peerhost_slot;

static const char *const copies_names[] = {
	[COPIES_NO] = "no",
	[COPIES_YES] = "yes",
	[COPIES_LISTED] = "listed",
	NULL,
};

static const struct option options[] = {
	{ "room-copies", OPT_ENUM, offsetof(struct peerhost, copies_of),
	  .def = "yes", .choices = copies_names,
	  .doc = "Rooms of other servers that support it are shown to the "
		 "users of this host from a copy, so that each message comes "
		 "once, and not once for each of them: of all that do (yes), "
		 "of those of room-copies-from (listed), or of none (no)." },
	{ "room-copies-from", OPT_LIST, offsetof(struct peerhost, from),
	  .def = "", .check = option_check_domain,
	  .doc = "The domains whose rooms are shown so, with those below "
		 "them, with room-copies = listed." },
	{ "room-copies-continue", OPT_BOOL,
	  offsetof(struct peerhost, may_continue), .def = "yes",
	  .doc = "While there is no way to a room of another server, the users "
		 "of this host hear each other in it, if its owner wants that; "
		 "no: what they say waits in any case." },
	{ "room-copies-relay", OPT_BOOL, offsetof(struct peerhost, may_relay),
	  .def = "no",
	  .doc = "This server passes rooms of which it has a copy on to other "
		 "servers, if the room's server names it as a relay." },
	{ "room-copies-children", OPT_INT,
	  offsetof(struct peerhost, max_children), .def = "64", .min = 0,
	  .max = 1000, /* the room's server looks at no more */
	  .doc = "To so many other servers it passes one of them on." },
	{ "room-copies-max", OPT_INT, offsetof(struct peerhost, max),
	  .def = "10000", .min = 0, .max = 1000000,
	  .doc = "Such copies. Beyond, users are ordinary occupants." },
	{ "room-copies-size", OPT_SIZE, offsetof(struct peerhost, max_size),
	  .def = "64M", .min = 65536, .max = INT64_C(1) << 40,
	  .doc = "Memory that one of them may take, about. The users of a "
		 "larger room are ordinary occupants." },
	{ "room-copies-memory", OPT_SIZE, offsetof(struct peerhost, max_all),
	  .def = "1G", .min = 65536, .max = INT64_C(1) << 40,
	  .doc = "The same for all of them together." },
	{ "room-copies-waiting", OPT_INT,
	  offsetof(struct peerhost, max_waiting), .def = "200", .min = 1,
	  .max = 1000, /* the room's server remembers no more */
	  .doc = "Stanzas of one client that wait for the room's server, while "
		 "there is no way to it or no answer. Others are refused." },
	{ "room-copies-waiting-size", OPT_SIZE,
	  offsetof(struct peerhost, max_waiting_size), .def = "128K",
	  .min = 1024, .max = INT64_C(1) << 30,
	  .doc = "The same in bytes; one stanza more may wait." },
	{ 0 },
};

/* Something that was sent to a domain has come back. */
struct bounce {
	struct list node;   /* in peerhost->bounces */
	struct jid *domain; /* ref */
};

#define BOUNCES_MAX 1000

static struct bounce *
bounce_of(struct list *n)
{
	return container_of(n, struct bounce, node);
}

/* ---- joins without an answer ---- */

static void
join_free(struct peerhost *ph, struct join *j)
{
	list_remove(&j->node);
	ph->n_joins--;
	stanza_unref(&j->stanza);
	free(j);
}

static struct join *
join_of(struct list *n)
{
	return container_of(n, struct join, node);
}

static void
join_note(struct peerhost *ph, struct stanza *stanza)
{
	struct stanza *copy = stanza_compact(stanza);
	struct join *j;

	if (arena_size(copy->arena) > JOIN_SIZE_MAX) {
		stanza_unref(&copy);
		return;
	}
	if (ph->n_joins >= JOINS_MAX)
		join_free(ph, join_of(ph->joins.next));
	j = mem_zalloc(sizeof(*j));
	j->stanza = copy;
	j->since_ms = ph->host->server->clock->mono_ms;
	list_append(&ph->joins, &j->node);
	ph->n_joins++;
	peerhost_arm(ph);
}

static struct join *
join_find(const struct peerhost *ph, const struct jid *user,
	  const struct jid *room)
{
	/* The last of several counts. */
	for (struct list *n = ph->joins.prev; n != &ph->joins; n = n->prev) {
		if (jid_eq(join_of(n)->stanza->from, user) &&
		    jid_eq_bare(join_of(n)->stanza->to, room))
			return join_of(n);
	}
	return NULL;
}

/* ---- time ---- */

static void
tick(struct copy *c, int64_t now_ms)
{
	if (c->is_over) {
		copy_free(c);
		return;
	}
	if (c->shown_ms && now_ms - c->shown_ms >= SHOWN_MS) {
		fanout_drop_shown(c->slave->room);
		c->shown_ms = 0;
	}
	slave_tick(c->slave, now_ms);
}

static void
on_timer(struct timer *t)
{
	struct peerhost *ph = container_of(t, struct peerhost, timer);
	int64_t now_ms = ph->host->server->clock->mono_ms;

	list_each_safe (n, &ph->joins) {
		if (now_ms - join_of(n)->since_ms < JOIN_MS)
			break;
		join_free(ph, join_of(n));
	}
	map_each (n, &ph->copies)
		tick(copy_of(n), now_ms);
	if (ph->copies.n || ph->n_joins)
		peerhost_arm(ph);
}

/* ---- which rooms ---- */

/* Is it that domain, or below it? */
static bool
is_within(const char *domain, const char *of)
{
	size_t len = strlen(domain), n = strlen(of);

	return len >= n && !strcmp(domain + len - n, of) &&
	       (len == n || domain[len - n - 1] == '.');
}

static bool
may_copy(const struct peerhost *ph, const struct jid *room)
{
	if (ph->copies_of != COPIES_LISTED)
		return ph->copies_of == COPIES_YES;
	for (size_t i = 0; i < ph->from.n; i++) {
		if (is_within(jid_domain(room), ph->from.items[i]))
			return true;
	}
	return false;
}

/* ---- what users of ours say ---- */

/* The protocol is for servers only. */
static enum verdict
strip(struct event *ev, void *data)
{
	struct stanza *copy;

	(void)data;
	if (!stanza_child(ev->stanza, NULL, NS_DMUC))
		return PASS;
	if (ev->stanza->kind == STANZA_IQ)
		return event_fail(ev, COND_SERVICE_UNAVAILABLE);
	copy = stanza_edit(ev->stanza);
	copy->root->n_kids = 0;
	for (uint32_t i = 0; i < ev->stanza->root->n_kids; i++) {
		const struct xml *kid = ev->stanza->root->kids[i];

		if (!kid->name || strcmp(kid->ns, NS_DMUC) != 0)
			xml_append(copy->arena, copy->root, kid);
	}
	stanza_unref(&ev->stanza);
	ev->stanza = copy;
	return PASS;
}

static bool
is_elsewhere(const struct server *srv, const struct jid *jid)
{
	return !host_of(srv, jid) && !route_has_service(srv, jid_domain(jid));
}

static enum verdict
on_presence_from(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	const struct stanza *s = ev->stanza;
	struct copy *c = copy_find(ph, ev->to);
	bool is_join = s->type == TYPE_NONE && stanza_child(s, "x", NS_MUC);

	if (!ev->to || (s->type != TYPE_NONE && s->type != TYPE_UNAVAILABLE))
		return PASS;
	if (c && !c->is_over &&
	    (is_join || slave_session(c->slave, ev->from))) {
		slave_submit(c->slave, ev->stanza);
		return DONE;
	}
	if (may_copy(ph, ev->to) && is_join && jid_local(ev->to) &&
	    jid_resource(ev->to) && is_elsewhere(ev->server, ev->to))
		join_note(ph, ev->stanza);
	return PASS;
}

static enum verdict
on_message_from(struct event *ev, void *data)
{
	struct copy *c;

	if (ev->stanza->type != TYPE_GROUPCHAT || jid_resource(ev->to))
		return PASS;
	c = copy_find(data, ev->to);
	if (!c || c->is_over || !slave_session(c->slave, ev->from))
		return PASS;
	slave_submit(c->slave, ev->stanza);
	return DONE;
}

/* XEP-0410 */
static bool
is_self_ping(const struct copy *c, const struct event *ev, const struct xml *x)
{
	const struct room_session *s = slave_session(c->slave, ev->from);

	return xml_is(x, "ping", NS_PING) && s && jid_resource(ev->to) &&
	       !strcmp(s->occupant->nick, jid_resource(ev->to));
}

static bool
is_about_room(const struct event *ev, const struct xml *x)
{
	return xml_is(x, "query", NS_DISCO_INFO) && !xml_get(x, "node") &&
	       !jid_resource(ev->to);
}

static enum verdict
answer_info(struct event *ev, const struct copy *c)
{
	struct stanza *reply = event_result(ev);
	struct xml *query =
		xml_add(reply->arena, reply->root, "query", NS_DISCO_INFO);

	info_add(reply->arena, query, c->slave->room, NULL);
	return event_reply(ev, reply);
}

/* XEP-0045 8.2, of one occupant: nobody else can do it now. */
static const struct xml *
find_kick(const struct copy *c, const struct event *ev, const struct xml *x)
{
	const struct xml *item = xml_child(x, "item", NS_MUC_ADMIN);
	const char *role = item ? xml_get(item, "role") : NULL;

	return ev->stanza->type == TYPE_SET && !jid_resource(ev->to) &&
			       xml_is(x, "query", NS_MUC_ADMIN) && role &&
			       !strcmp(role, "none") && xml_get(item, "nick") &&
			       !xml_next(x, item, "item", NS_MUC_ADMIN) &&
			       slave_continues(c->slave)
		       ? item
		       : NULL;
}

static enum verdict
kick(struct event *ev, struct copy *c, const struct xml *item)
{
	const char *reason =
		xml_child_text(event_arena(ev), item, "reason", NS_MUC_ADMIN);
	struct jid *at = jid_with_resource(ev->to, xml_get(item, "nick"));
	enum stanza_cond cond =
		at ? slave_put_out(c->slave, ev->from, jid_resource(at), reason)
		   : COND_ITEM_NOT_FOUND;

	jid_unref(&at);
	return cond ? event_fail(ev, cond) : event_reply_empty(ev);
}

/* What the copy knows. */
static enum verdict
on_iq_from(struct event *ev, void *data)
{
	const struct xml *x = stanza_payload(ev->stanza), *item;
	struct copy *c = x ? copy_find(data, ev->to) : NULL;

	if (!c || c->is_over)
		return PASS;
	item = find_kick(c, ev, x);
	if (item)
		return kick(ev, c, item);
	if (ev->stanza->type != TYPE_GET)
		return PASS;
	if (is_self_ping(c, ev, x))
		return event_reply_empty(ev);
	if (is_about_room(ev, x) && slave_answers_info(c->slave))
		return answer_info(ev, c);
	return PASS;
}

static enum verdict
on_closed(struct event *ev, void *data)
{
	struct peerhost *ph = data;

	map_each (n, &ph->copies) {
		struct copy *c = copy_of(n);
		struct room_session *s =
			slave_session(c->slave, ev->session->jid);

		if (!s)
			continue;
		if (s->owner)
			fanout_detach(s);
		if (c->is_over)
			continue;
		copy_set_clock(c);
		slave_session_gone(c->slave, ev->session->jid);
	}
	return PASS;
}

/* ---- what is for users of ours ---- */

/* The room has let him in by itself, or not. */
static bool
is_join_answer(const struct stanza *s)
{
	return s->kind == STANZA_PRESENCE &&
	       (s->type == TYPE_ERROR || muc_user_has_status(s, "110"));
}

static void
join_answered(struct peerhost *ph, const struct event *ev)
{
	struct join *j = join_find(ph, ev->to, ev->from);

	if (j)
		join_free(ph, j);
}

/* From the room itself, to one for whom it comes from the copy: the master has
 * forgotten us. What it says is in its log. */
static enum verdict
from_room(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	struct copy *c = copy_find(ph, ev->from);

	if (ph->n_joins && ev->wire && is_join_answer(ev->stanza))
		join_answered(ph, ev);
	if (!c || c->is_over || c->is_refusing)
		return PASS;
	if (ev->stanza->type == TYPE_ERROR)
		return slave_error(c->slave, ev->stanza) ? DONE : PASS;
	if (!ev->wire || !slave_serves(c->slave, ev->to) ||
	    (ev->stanza->kind == STANZA_MESSAGE &&
	     ev->stanza->type != TYPE_GROUPCHAT))
		return PASS;
	slave_attach(c->slave);
	return DONE;
}

/* ---- what is for the host ---- */

static void
answer_detach(struct event *ev)
{
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, ev->to, ev->from, NULL);

	xml_add(s->arena, s->root, "detach", NS_DMUC);
	route(ev->server, s);
}

static bool
tells_state(const struct xml *x)
{
	return !strcmp(x->name, "log") || !strcmp(x->name, "position") ||
	       !strcmp(x->name, "snapshot");
}

/* Where all of them together are too large, it is one that grows that goes. */
static void
receive(struct copy *c, struct jid *from, const struct xml *x)
{
	struct peerhost *ph = c->host;
	size_t others = ph->size - c->slave->size;
	size_t left =
		(size_t)ph->max_all > others ? (size_t)ph->max_all - others : 0;

	c->slave->size_max =
		left < (size_t)ph->max_size ? left : (size_t)ph->max_size;
	slave_receive(c->slave, from, x);
	/* It is about to go: not the others as well. */
	if (c->is_over)
		c->slave->size = 0;
	ph->size = others + c->slave->size;
}

/* ---- from servers that have copies, too ---- */

/* Where there is no way, something comes back while it is being sent. */
static void
note_bounce(struct peerhost *ph, struct jid *domain)
{
	struct bounce *b;

	list_each (n, &ph->bounces) {
		if (jid_eq(bounce_of(n)->domain, domain))
			return;
	}
	if (ph->n_bounces == BOUNCES_MAX)
		return;
	b = mem_zalloc(sizeof(*b));
	b->domain = jid_ref(domain);
	list_append(&ph->bounces, &b->node);
	ph->n_bounces++;
	loop_at_turn_end(ph->host->server->core, &ph->on_bounces);
}

static void
tell_all(struct peerhost *ph, const struct jid *domain,
	 void (*fn)(struct slave *s, const struct jid *domain))
{
	map_each (n, &ph->copies) {
		if (copy_of(n)->is_over)
			continue;
		copy_set_clock(copy_of(n));
		fn(copy_of(n)->slave, domain);
	}
}

static void
bounce_free(struct peerhost *ph, struct bounce *b)
{
	list_remove(&b->node);
	ph->n_bounces--;
	jid_unref(&b->domain);
	free(b);
}

static void
on_bounces(struct turn_end *e)
{
	struct peerhost *ph = container_of(e, struct peerhost, on_bounces);
	size_t n = ph->n_bounces;

	while (n-- && !list_is_empty(&ph->bounces)) {
		struct bounce *b = bounce_of(ph->bounces.next);
		struct jid *domain = jid_ref(b->domain);

		bounce_free(ph, b);
		tell_all(ph, domain, slave_bounced);
		jid_unref(&domain);
	}
}

/* There is no copy. */
static void
answer_other(struct event *ev, const char *name, const struct xml *x)
{
	const char *ask = xml_get(x, "ask");
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, ev->to, ev->from, NULL);
	struct xml *answer = xml_add(s->arena, s->root, name, NS_DMUC);

	xml_set(s->arena, answer, "room", xml_get(x, "room"));
	if (ask)
		xml_set(s->arena, answer, "ask", ask);
	route(ev->server, s);
}

static enum verdict
from_other(struct event *ev, struct peerhost *ph, const struct xml *x)
{
	const char *text = xml_get(x, "room");
	struct jid *room = text ? jid_parse(text) : NULL;
	struct copy *c = room ? copy_find(ph, room) : NULL;

	if (c && !c->is_over)
		receive(c, ev->from, x);
	else if (room && !strcmp(x->name, "attach"))
		answer_other(ev, "released", x);
	else if (room && tells_state(x))
		answer_other(ev, "detach", x);
	jid_unref(&room);
	return DONE;
}

/* ---- from rooms ---- */

static enum verdict
on_message_to_host(struct event *ev, void *data)
{
	const struct xml *x = stanza_child(ev->stanza, NULL, NS_DMUC);
	struct copy *c;

	if (!ev->from || jid_resource(ev->from))
		return PASS;
	/* It need not say what it is about. */
	if (ev->stanza->type == TYPE_ERROR && !jid_local(ev->from)) {
		note_bounce(data, ev->from);
		return x ? DONE : PASS;
	}
	if (!x)
		return PASS;
	if (ev->stanza->type == TYPE_ERROR)
		return DONE;
	/* Not from another host of this server: what is sent to that comes to
	 * it at once. */
	if (!ev->wire)
		return PASS;
	if (!jid_local(ev->from))
		return from_other(ev, data, x);
	c = copy_find(data, ev->from);
	if (c && !c->is_over)
		receive(c, NULL, x);
	else if (tells_state(x))
		answer_detach(ev);
	return DONE;
}

static enum verdict
answer_position(struct event *ev, const struct copy *c)
{
	const struct log_ring *log = &c->slave->room->log;
	struct stanza *reply = event_result(ev);
	struct xml *x = xml_add(reply->arena, reply->root, "slave", NS_DMUC);

	xml_set(reply->arena, x, "epoch", log->epoch);
	xml_set_int(reply->arena, x, "seq", (int64_t)log->seq);
	if (c->slave->n_asked)
		xml_set_int(reply->arena, x, "ask", (int64_t)c->slave->n_asked);
	return event_reply(ev, reply);
}

/* A room wants us to have a copy. Only one that somebody of ours enters. */
static enum verdict
on_slave(struct event *ev, void *data)
{
	struct peerhost *ph = data;
	const struct xml *x = stanza_payload(ev->stanza);
	const char *action = xml_get(x, "action");
	struct copy *c = copy_find(ph, ev->from);
	bool is_wanted = false;

	if (!ev->from || !jid_local(ev->from) || jid_resource(ev->from) ||
	    !ev->wire || !action || strcmp(action, "create") != 0)
		return event_fail(ev, COND_BAD_REQUEST);
	if (!may_copy(ph, ev->from))
		return event_fail(ev, COND_NOT_ALLOWED);
	if (c && c->is_over) {
		copy_free(c);
		c = NULL;
	}
	if (!c && (ph->copies.n >= (size_t)ph->max ||
		   ph->size >= (size_t)ph->max_all))
		return event_fail(ev, COND_RESOURCE_CONSTRAINT);
	xml_each (kid, x) {
		const char *jid_text = xml_get(kid, "jid");
		const char *id = xml_get(kid, "submit");
		struct jid *jid = jid_text ? jid_parse(jid_text) : NULL;
		struct join *j = jid ? join_find(ph, jid, ev->from) : NULL;

		if (j && id) {
			is_wanted = true;
			c = c ? c : copy_new(ph, ev->from);
			slave_expect(c->slave, j->stanza->from, j->stanza, id);
			join_free(ph, j);
		}
		/* One that enters again after a split has its id already. */
		is_wanted |= c && jid && slave_serves(c->slave, jid);
		jid_unref(&jid);
	}
	return is_wanted ? answer_position(ev, c)
			 : event_fail(ev, COND_ITEM_NOT_FOUND);
}

static enum verdict
on_disco(struct event *ev, void *data)
{
	const struct peerhost *ph = data;

	if (!ev->account && ph->copies_of != COPIES_NO)
		disco_add_feature(ev->arena, ev->xml, NS_DMUC);
	return PASS;
}

/* ---- ways ---- */

static enum verdict
on_unreachable(struct event *ev, void *data)
{
	tell_all(data, ev->to, slave_lost);
	return PASS;
}

static enum verdict
on_reachable(struct event *ev, void *data)
{
	tell_all(data, ev->to, slave_found);
	return PASS;
}

static enum verdict
on_broken(struct event *ev, void *data)
{
	tell_all(data, ev->to, slave_broken);
	return PASS;
}

/* ---- the module ---- */

static int
load(struct host *host, void *data, struct err *err)
{
	struct peerhost *ph = data;

	(void)err;
	ph->host = host;
	ph->timer.fn = on_timer;
	ph->on_bounces.fn = on_bounces;
	list_init(&ph->joins);
	list_init(&ph->bounces);
	return 0;
}

static void
settle(struct copy *c)
{
	struct remote_policy policy;

	copy_take_options(c);
	remote_policy_of(copy_server(c), jid_domain(c->slave->jid), &policy);
	if (policy.is_blocked)
		slave_end(c->slave);
	else if (!may_copy(c->host, c->slave->jid))
		slave_leave(c->slave, "copies are switched off", false);
}

static void
reloaded(struct host *host, void *data)
{
	struct peerhost *ph = data;

	(void)host;
	map_each (n, &ph->copies)
		settle(copy_of(n));
}

static void
unload(struct host *host, void *data)
{
	struct peerhost *ph = data;

	loop_timer_clear(host->server->core, &ph->timer);
	loop_cancel_turn_end(&ph->on_bounces);
	while (!list_is_empty(&ph->bounces))
		bounce_free(ph, bounce_of(ph->bounces.next));
	map_each (n, &ph->copies)
		copy_free(copy_of(n));
	map_fini(&ph->copies);
	while (!list_is_empty(&ph->joins))
		join_free(ph, join_of(ph->joins.next));
}

const struct module mod_peerhost = {
	.name = "peerhost",
	.slot = &peerhost_slot,
	.needs = (const char *const[]){ "disco", "presence", NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_SET, TO_HOST, NS_DMUC, "slave", on_slave },
			{ 0 },
		},
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_MESSAGE_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_IQ_FROM_USER, PHASE_CHECK, strip },
			{ HOOK_PRESENCE_FROM_USER, PHASE_FALLBACK,
			  on_presence_from },
			{ HOOK_MESSAGE_FROM_USER, PHASE_FALLBACK,
			  on_message_from },
			{ HOOK_IQ_FROM_USER, PHASE_FALLBACK, on_iq_from },
			{ HOOK_PRESENCE_TO_USER, PHASE_CHECK, from_room },
			{ HOOK_MESSAGE_TO_USER, PHASE_CHECK, from_room },
			{ HOOK_MESSAGE_TO_HOST, PHASE_DELIVER,
			  on_message_to_host },
			{ HOOK_DISCO_INFO, PHASE_DELIVER, on_disco },
			{ HOOK_SESSION_CLOSED, PHASE_COPY, on_closed },
			{ HOOK_REMOTE_UNREACHABLE, PHASE_DELIVER,
			  on_unreachable },
			{ HOOK_REMOTE_REACHABLE, PHASE_DELIVER, on_reachable },
			{ HOOK_REMOTE_BROKEN, PHASE_DELIVER, on_broken },
			{ 0 },
		},
	.host_size = sizeof(struct peerhost),
	.load = load,
	.reloaded = reloaded,
	.unload = unload,
};
