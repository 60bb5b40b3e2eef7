/* distribute_receive.c - what servers that have a copy of a room say to its
 * master. */

#include "modules/muc/distribute.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "modules/muc/distribute_private.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/tree.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <stdlib.h>
#include <string.h>

static bool
has_user_of(const struct live *l, const struct jid *domain)
{
	list_each (n, &live_room(l)->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			if (jid_eq_domain(room_session_of(k)->jid, domain))
				return true;
		}
	}
	return false;
}

/* It knows where it stands. One that may not have a copy gets what it has
 * missed, too: its users see what happened before they are ordinary ones. */
static void
on_attach(struct live *l, struct jid *domain, const struct xml *x)
{
	struct peer *p = distribution_peer(l, domain);
	struct peers_at at = peers_at_of(x);

	if (p ? p->is_deserted : !has_user_of(l, domain)) {
		/* It may not know yet who has left, and why. */
		if (p)
			peers_tell_last(&l->distribution->peers, p, &at);
		distribution_send_detach(l, domain, false);
		/* What it has submitted is known, should it come again. */
		if (p)
			p->state = PEER_LOST;
		return;
	}
	/* Each time it may get the whole room. It asks again later. */
	if (!limits_may_attach(l, domain))
		return;
	distribution_follow(l, domain, x);
	if (!distribution_may_have(l, domain))
		distribution_drain(l, distribution_peer(l, domain));
}

/* It has no users in the room any more, or has forgotten them all; or it wants
 * us to take them over. */
static void
on_detach(struct live *l, struct jid *domain, const struct xml *x)
{
	const char *users = xml_get(x, "users");
	struct peer *p = distribution_peer(l, domain);

	if (!p)
		return;
	if (users && !strcmp(users, "stay")) {
		distribution_bar(l, domain);
		distribution_drain(l, p);
		return;
	}
	distribution_note(l, domain, "has no copy any more");
	peers_remove(&l->distribution->peers, p);
	live_put_out(l, domain);
}

/* ---- relays ---- */

static struct jid *
domain_of(const struct xml *x, const char *name)
{
	const char *text = xml_get(x, name);
	struct jid *jid = text ? jid_parse(text) : NULL;

	if (jid && !jid_is_domain(jid))
		jid_unref(&jid);
	return jid;
}

/* Somebody wants to have the log from it. */
static void
on_below(struct live *l, struct peer *relay, const struct xml *x)
{
	struct peers *ps = &l->distribution->peers;
	struct jid *domain = domain_of(x, "jid");
	struct peer *p = domain ? distribution_peer(l, domain) : NULL;

	if (!domain)
		return;
	if ((p ? p->is_deserted : !has_user_of(l, domain)) ||
	    !distribution_may_have(l, domain)) {
		tree_refuse(ps, relay, domain, peers_at_of(x).ask);
	} else if (limits_may_attach_to(l, domain, relay->domain)) {
		tree_below(ps, relay, domain, x);
		distribution_arm(l->distribution);
	} else if (!tree_is_in_force(ps, relay, domain, x)) {
		/* It asks again later. */
		tree_refuse(ps, relay, domain, peers_at_of(x).ask);
	}
	p = distribution_peer(l, domain);
	if (!p || p->via != relay)
		distribution_note_by(l, domain, "may not follow by",
				     relay->domain);
	jid_unref(&domain);
}

/* A relay names all that it has whenever it is told of the tree. */
static bool
is_known(struct live *l, struct peer *relay, const struct xml *x)
{
	struct jid *domain = domain_of(x, "jid");
	const struct peer *p = domain ? distribution_peer(l, domain) : NULL;
	bool is = p && !p->lacks_own &&
		  tree_is_in_force(&l->distribution->peers, relay, domain, x);

	jid_unref(&domain);
	return is;
}

/* Of one relay, more are not looked at. */
#define CHILDREN_MAX 1000

static void
on_children(struct live *l, struct peer *relay, const struct xml *x)
{
	unsigned n = 0;

	tree_children(&l->distribution->peers, relay, x);
	xml_each (kid, x) {
		if (n++ < CHILDREN_MAX && !is_known(l, relay, kid))
			on_below(l, relay, kid);
	}
}

static void
on_lost(struct live *l, struct peer *relay, const struct xml *x)
{
	struct jid *domain = domain_of(x, "jid");

	if (domain)
		tree_lost(&l->distribution->peers, relay, domain,
			  peers_at_of(x).ask);
	jid_unref(&domain);
}

/* What a user behind a relay says, as if it had come by itself. */
static void
take_stanza(struct live *l, const struct peer *p, struct arena *a,
	    struct xml *x)
{
	struct stanza *s = stanza_from_xml(a, x, NS_CLIENT);
	bool is_submission = s && s->from && s->to &&
			     jid_eq_domain(s->from, p->domain) &&
			     jid_eq_bare(s->to, l->jid);

	if (is_submission && s->kind == STANZA_PRESENCE)
		is_submission =
			s->type == TYPE_NONE || s->type == TYPE_UNAVAILABLE;
	else if (is_submission)
		is_submission =
			s->kind == STANZA_MESSAGE && s->type == TYPE_GROUPCHAT;
	if (is_submission)
		route(l->host->server, s);
	else if (s)
		stanza_unref(&s);
	else
		arena_unref(&a);
}

static void take(struct live *l, struct jid *domain, const struct xml *x);

static void
take_opened(struct live *l, struct peer *p, const struct buf *text)
{
	struct arena *a = arena_new();
	struct xml *x =
		xml_from_text(l->host->server->pool, a, text->data, text->len);
	struct jid *domain;

	if (x && strcmp(x->ns, NS_DMUC) != 0) {
		take_stanza(l, p, a, x);
		return;
	}
	/* It may be no peer any more then. */
	domain = jid_ref(p->domain);
	/* Who attaches by a relay does so at that. */
	if (x && strcmp(x->name, "carry") != 0 &&
	    strcmp(x->name, "attach") != 0)
		take(l, domain, x);
	jid_unref(&domain);
	arena_unref(&a);
}

/* A relay brings what those below it have sealed, and of nobody else. */
static void
on_carry(struct live *l, const struct peer *relay, const struct xml *x)
{
	struct jid *domain = domain_of(x, "from");
	struct peer *p = domain ? distribution_peer(l, domain) : NULL;
	struct arena *a = arena_new();
	const char *sealed = xml_get_text(a, x);
	struct buf text = { 0 };

	if (p && sealed && tree_is_below(p, relay) &&
	    tree_open(&l->distribution->peers, p, sealed, &text))
		take_opened(l, p, &text);
	buf_fini(&text);
	arena_unref(&a);
	jid_unref(&domain);
}

/* ---- all of it ---- */

static void
take(struct live *l, struct jid *domain, const struct xml *x)
{
	struct peer *p = distribution_peer(l, domain);

	if (!strcmp(x->name, "attach"))
		on_attach(l, domain, x);
	else if (!strcmp(x->name, "detach"))
		on_detach(l, domain, x);
	else if (!p)
		return;
	else if (!strcmp(x->name, "ack"))
		peers_acked(&l->distribution->peers, p, x);
	else if (!strcmp(x->name, "below"))
		on_below(l, p, x);
	else if (!strcmp(x->name, "children") && p->is_relay)
		on_children(l, p, x);
	else if (!strcmp(x->name, "lost"))
		on_lost(l, p, x);
	else if (!strcmp(x->name, "carry"))
		on_carry(l, p, x);
}

bool
distribute_receive(struct live *l, struct event *ev)
{
	const struct xml *x = stanza_child(ev->stanza, NULL, NS_DMUC);

	if (ev->stanza->kind != STANZA_MESSAGE || !jid_is_domain(ev->from) ||
	    !x)
		return false;
	if (ev->stanza->type == TYPE_ERROR)
		return true;
	if (live_room(l) && !live_room(l)->is_destroyed) {
		take(l, ev->from, x);
		distribution_note_changes(l);
	}
	/* Its users want to know that there is no room. */
	else if (!strcmp(x->name, "attach"))
		distribution_send_detach(l, ev->from, false);
	return true;
}
