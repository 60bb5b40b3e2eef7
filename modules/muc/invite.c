/* invite.c - what becomes of invitations: they come back, or are declined
 * (XEP-0045 7.8.2). */

#include "base/arena.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/server.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

#define ID_LEN 16

static void
forget(struct invite_kept *k)
{
	jid_unref(&k->room);
	jid_unref(&k->from);
	jid_unref(&k->to);
	free(k->id);
	*k = (struct invite_kept){ 0 };
}

void
invite_ring_fini(struct invite_ring *r)
{
	for (unsigned i = 0; i < INVITES_KEPT; i++)
		forget(&r->kept[i]);
}

void
invite_sent(struct muc_service *s, struct jid *from, struct stanza *mail)
{
	struct xml *x = stanza_child(mail, "x", NS_MUC_USER);
	struct invite_kept *k = &s->invites.kept[s->invites.next];
	char id[ID_LEN + 1];

	if (!stanza_id(mail)) {
		token_make(id, ID_LEN);
		xml_set(mail->arena, mail->root, "id", id);
	}
	if (!x || !xml_child(x, "invite", NS_MUC_USER))
		return;
	forget(k);
	*k = (struct invite_kept){
		.room = jid_ref(mail->from),
		.from = jid_ref(from),
		.to = jid_ref(mail->to),
		.id = mem_strdup(stanza_id(mail)),
	};
	s->invites.next = (s->invites.next + 1) % INVITES_KEPT;
}

/* Nobody there, in whichever words the other server says it. */
static enum stanza_cond
cond_of(const struct stanza *error)
{
	enum stanza_cond cond = stanza_error_cond(error);

	switch (cond) {
	case COND_GONE:
	case COND_REMOTE_SERVER_NOT_FOUND:
	case COND_SERVICE_UNAVAILABLE:
		return COND_ITEM_NOT_FOUND;
	default:
		return cond;
	}
}

static void
tell(struct server *srv, const struct invite_kept *k, enum stanza_cond cond)
{
	struct stanza *was =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, k->from, k->room, k->id);
	struct stanza *reply = stanza_error(was, cond, NULL);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "x", NS_MUC_USER);

	xml_set(a, xml_add(a, x, "invite", NULL), "to", jid_str(k->to));
	xml_set(a, xml_child(reply->root, "error", NS_CLIENT), "by",
		jid_str(k->room));
	stanza_unref(&was);
	route(srv, reply);
}

/* Takes it out. id: of the message; NULL: the last one to `to`. */
static bool
take(struct muc_service *s, const struct jid *room, const struct jid *to,
     const char *id, struct invite_kept *out)
{
	for (unsigned i = 1; i <= INVITES_KEPT; i++) {
		unsigned at =
			(s->invites.next + INVITES_KEPT - i) % INVITES_KEPT;
		struct invite_kept *k = &s->invites.kept[at];

		if (!k->id || (id && strcmp(k->id, id) != 0) ||
		    !jid_eq_bare(k->room, room) || !jid_eq_bare(k->to, to))
			continue;
		*out = *k;
		*k = (struct invite_kept){ 0 };
		return true;
	}
	return false;
}

bool
invite_bounced(struct muc_service *s, struct event *ev)
{
	const char *id = stanza_id(ev->stanza);
	struct invite_kept k;

	if (ev->stanza->kind != STANZA_MESSAGE || jid_resource(ev->to) || !id ||
	    !take(s, ev->to, ev->from, id, &k))
		return false;
	tell(ev->server, &k, cond_of(ev->stanza));
	forget(&k);
	return true;
}

static struct stanza *
pass_on(const struct live *l, const struct event *ev,
	const struct invite_kept *k)
{
	const struct room *r = live_room(l);
	struct jid *bare = jid_bare(k->from);
	bool is_here = room_session(r, k->from) != NULL;
	struct stanza *s =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, l->jid,
			   is_here ? k->from : bare, stanza_id(ev->stanza));
	const struct xml *x = stanza_child(ev->stanza, "x", NS_MUC_USER);
	const struct xml *was = xml_child(x, "decline", NS_MUC_USER);
	const struct xml *reason = xml_child(was, "reason", NS_MUC_USER);
	struct xml *copy;

	copy = xml_add(s->arena, xml_add(s->arena, s->root, "x", NS_MUC_USER),
		       "decline", NULL);
	xml_set(s->arena, copy, "from", jid_bare_str(ev->from));
	if (reason)
		xml_append(s->arena, copy, xml_deep_copy(s->arena, reason));
	jid_unref(&bare);
	return s;
}

void
invite_declined(struct live *l, struct event *ev)
{
	struct invite_kept k;

	if (!take(l->service, l->jid, ev->from, NULL, &k))
		return;
	route(ev->server, pass_on(l, ev, &k));
	forget(&k);
}
