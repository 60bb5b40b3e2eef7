/* rules_invite.c - invitations through the room (XEP-0045 7.8.2, 9.5). */

#include "base/arena.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

static void
copy_child(struct arena *a, struct xml *parent, const struct xml *from,
	   const char *name)
{
	const struct xml *kid = xml_child(from, name, NS_MUC_USER);

	if (kid)
		xml_append(a, parent, xml_deep_copy(a, kid));
}

static bool
may_invite(const struct room *r, const struct submission *sub,
	   struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	enum affiliation affiliation = rules_affiliation(r, sub);

	if (has_privilege(&r->config, affiliation,
			  s ? s->occupant->role : ROLE_NONE, PRIV_INVITE))
		return true;
	if (!s &&
	    !(r->config.is_members_only && affiliation == AFFILIATION_MEMBER))
		return ruling_refuse(out, COND_NOT_ACCEPTABLE,
				     "you are not in the room");
	return ruling_refuse(out, COND_FORBIDDEN, NULL);
}

/* XEP-0249, for clients that know only that. */
static void
add_direct(const struct room *r, struct arena *a, struct xml *root,
	   const struct xml *invite)
{
	struct xml *x = xml_add(a, root, "x", NS_CONFERENCE);
	const struct xml *go_on;

	xml_set(a, x, "jid", jid_str(r->jid));
	xml_set(a, x, "password", r->config.password);
	if (!invite)
		return;
	xml_set(a, x, "reason",
		xml_child_text(a, invite, "reason", NS_MUC_USER));
	go_on = xml_child(invite, "continue", NS_MUC_USER);
	if (go_on) {
		xml_set(a, x, "continue", "true");
		xml_set(a, x, "thread", xml_get(go_on, "thread"));
	}
}

void
rules_send_invitation(const struct room *r, const struct submission *sub,
		      struct jid *to, const struct xml *invite,
		      struct ruling *out)
{
	struct stanza *s = stanza_new(STANZA_MESSAGE, TYPE_NONE, r->jid, to,
				      stanza_id(sub->stanza));
	struct arena *a = s->arena;
	struct xml *x = xml_add(a, s->root, "x", NS_MUC_USER);
	struct xml *copy = xml_add(a, x, "invite", NULL);

	xml_set(a, copy, "from", jid_bare_str(sub->from));
	if (invite) {
		copy_child(a, copy, invite, "reason");
		copy_child(a, copy, invite, "continue");
	}
	if (r->config.password)
		xml_add_text(a, x, "password", NULL, r->config.password);
	add_direct(r, a, s->root, invite);
	ruling_mail(out, s);
}

/* Of a room here, not of a user: nobody knows yet whose it is. */
static bool
is_occupant_jid(const struct room *r, const struct jid *jid)
{
	return jid_eq_domain(r->jid, jid);
}

static bool
invite_jid(const struct room *r, const struct rules_env *env,
	   const struct submission *sub, struct jid *to,
	   const struct xml *invite, struct ruling *out)
{
	enum affiliation is = affiliations_get(&r->affiliations, to);
	const struct room_session *s = room_session(r, sub->from);

	if (!jid_local(to) || jid_eq_bare(to, r->jid))
		return ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	if (is == AFFILIATION_OUTCAST)
		return ruling_refuse(out, COND_NOT_ALLOWED,
				     "whom you invite is banned here");
	/* 9.5: in a members-only room it makes a member, and only there. */
	if (r->config.is_members_only && is == AFFILIATION_NONE &&
	    !is_occupant_jid(r, to) &&
	    !rules_set_affiliation(r, env, sub, to, AFFILIATION_MEMBER, NULL,
				   s ? s->occupant->nick : NULL, out))
		return false;
	rules_send_invitation(r, sub, to, invite, out);
	return true;
}

static bool
invite_one(const struct room *r, const struct rules_env *env,
	   const struct submission *sub, const struct xml *invite,
	   struct ruling *out)
{
	const char *text = xml_get(invite, "to");
	struct jid *to = text ? jid_parse(text) : NULL;
	bool is_done;

	if (!to)
		return ruling_refuse(out, COND_JID_MALFORMED, NULL);
	is_done = invite_jid(r, env, sub, to, invite, out);
	jid_unref(&to);
	return is_done;
}

static void
invite_all(const struct room *r, const struct rules_env *env,
	   const struct submission *sub, const struct xml *x,
	   struct ruling *out)
{
	unsigned n = 0;

	if (!may_invite(r, sub, out))
		return;
	xml_each (kid, x) {
		if (!xml_is(kid, "invite", NS_MUC_USER))
			continue;
		if (++n > RULES_INVITES_MAX) {
			ruling_refuse(out, COND_POLICY_VIOLATION,
				      "too many invitations at once");
			return;
		}
		if (!invite_one(r, env, sub, kid, out))
			return;
	}
}

void
rules_invite(const struct room *r, const struct rules_env *env,
	     const struct submission *sub, struct ruling *out)
{
	const struct xml *x = stanza_child(sub->stanza, "x", NS_MUC_USER);

	if (xml_child(x, "invite", NS_MUC_USER))
		invite_all(r, env, sub, x, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
}
