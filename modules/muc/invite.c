/* invite.c - what becomes of invitations: they come back, or are declined
 * (XEP-0045 7.8.2). */

#include "base/arena.h"
#include "base/token.h"
#include "core/server.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

#define ID_LEN 16

void
invite_sent(struct muc_service *s, struct jid *from, struct stanza *mail)
{
	struct xml *x = stanza_child(mail, "x", NS_MUC_USER);
	char id[ID_LEN + 1];

	if (!stanza_id(mail)) {
		token_make(id, ID_LEN);
		xml_set(mail->arena, mail->root, "id", id);
	}
	if (!x || !xml_child(x, "invite", NS_MUC_USER))
		return;
	sent_note(&s->invites, mail->from, from, mail->to, stanza_id(mail));
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
tell(struct server *srv, const struct sent *k, enum stanza_cond cond)
{
	struct stanza *was =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, k->from, k->at, k->id);
	struct stanza *reply = stanza_error(was, cond, NULL);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "x", NS_MUC_USER);

	xml_set(a, xml_add(a, x, "invite", NULL), "to", jid_str(k->to));
	xml_set(a, xml_child(reply->root, "error", NS_CLIENT), "by",
		jid_str(k->at));
	stanza_unref(&was);
	route(srv, reply);
}

bool
invite_bounced(struct muc_service *s, struct event *ev)
{
	const char *id = stanza_id(ev->stanza);
	struct sent k;

	if (ev->stanza->kind != STANZA_MESSAGE || jid_resource(ev->to) || !id ||
	    !sent_take(&s->invites, ev->to, ev->from, id, &k))
		return false;
	tell(ev->server, &k, cond_of(ev->stanza));
	sent_fini(&k);
	return true;
}

static struct stanza *
pass_on(const struct live *l, const struct event *ev, const struct sent *k)
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
	struct sent k;

	if (!sent_take(&l->service->invites, l->jid, ev->from, NULL, &k))
		return;
	route(ev->server, pass_on(l, ev, &k));
	sent_fini(&k);
}
