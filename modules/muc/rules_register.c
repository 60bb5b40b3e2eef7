/* rules_register.c - registering with a room: becoming a member with a
 * nickname of one's own, and admins who decide about it (XEP-0045 7.10, 9.9).
 *
 * No request is kept: what an admin answers holds all that is needed, and is
 * judged like a change of the member list. */

#include "base/arena.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

/* ---- who may, and what is registered ---- */

bool
rules_may_register(const struct room *r, const struct submission *sub,
		   struct ruling *out)
{
	enum affiliation is = affiliations_get(&r->affiliations, sub->from);

	if (is == AFFILIATION_OUTCAST)
		return ruling_refuse(out, COND_NOT_ALLOWED, NULL);
	if (r->is_locked && is != AFFILIATION_OWNER)
		return ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	return true;
}

const char *
rules_registered_nick(const struct room *r, const struct jid *user)
{
	const struct affiliation_item *item =
		affiliations_find(&r->affiliations, user);

	return item && *item->nick ? item->nick : NULL;
}

/* A membership gives nothing there that not everybody has: members read the
 * archive without having shown a password. */
static bool
is_open(const struct room *r, const struct jid *user)
{
	return !r->config.is_members_only && !r->config.is_moderated &&
	       (!r->config.password || room_session(r, user));
}

/* The room's address with that nickname, or NULL. */
static struct jid *
parse_nick(const struct room *r, const struct xml *form)
{
	struct arena *a = arena_new();
	const char *nick = form_get(a, form, "muc#register_roomnick");
	struct jid *jid = NULL;

	if (nick && rules_is_visible(nick))
		jid = jid_with_resource(r->jid, nick);
	arena_unref(&a);
	return jid;
}

static bool
is_form(const struct xml *form)
{
	return form && form_has_type(form, "submit") &&
	       form_is_for(form, NS_MUC_REGISTER);
}

/* ---- asking the admins ---- */

static const struct form_field fields[] = {
	{ "muc#register_roomnick", FORM_TEXT_SINGLE, "Desired Nickname",
	  .options = NULL },
	/* The recommended form does not say who it is. */
	{ "muc#jid", FORM_JID_SINGLE, "User ID", .options = NULL },
	{ "muc#register_allow", FORM_BOOLEAN,
	  "Allow this person to register with the room?", .options = NULL },
};

static struct stanza *
write_request(const struct room *r, const struct submission *sub,
	      const char *nick)
{
	struct stanza *m =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, r->jid, NULL, NULL);
	struct xml *form = form_add(
		m->arena, m->root, NS_MUC_REGISTER, "Registration request",
		"Somebody wants to be a member. Nothing has to be done to "
		"refuse that.");
	const char *const values[] = { nick, jid_bare_str(sub->from), "0" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		form_add_value(m->arena,
			       form_add_field(m->arena, form, &fields[i]),
			       values[i]);
	return m;
}

static void
send_to(const struct stanza *m, struct jid *to, struct ruling *out)
{
	struct stanza *copy = stanza_edit((struct stanza *)m);

	stanza_set_to(copy, to);
	ruling_mail(out, copy);
}

/* Those who are here; where none is, to their accounts. */
static void
ask_admins(const struct room *r, const struct submission *sub, const char *nick,
	   struct ruling *out)
{
	struct stanza *m = write_request(r, sub, nick);

	list_each (n, &r->occupants) {
		if (occupant_of(n)->affiliation >= AFFILIATION_ADMIN)
			send_to(m, occupant_of(n)->top->jid, out);
	}
	if (!out->n_mail) {
		affiliations_each (item, &r->affiliations) {
			if (item->affiliation >= AFFILIATION_ADMIN &&
			    out->n_mail < RULES_ADMINS_ASKED_MAX)
				send_to(m, item->jid, out);
		}
	}
	stanza_unref(&m);
}

/* ---- requests of users ---- */

static void
enrol(const struct room *r, const struct rules_env *env,
      const struct submission *sub, const char *nick, struct ruling *out)
{
	enum affiliation is = affiliations_get(&r->affiliations, sub->from);

	if (is == AFFILIATION_NONE && !is_open(r, sub->from)) {
		ask_admins(r, sub, nick, out);
		return;
	}
	if (is == AFFILIATION_NONE)
		is = AFFILIATION_MEMBER;
	rules_set_affiliation(r, env, sub, sub->from, is, nick, NULL, out);
}

/* XEP-0077 3.2. Who was an owner or admin stays that. */
static void
cancel(const struct room *r, const struct rules_env *env,
       const struct submission *sub, struct ruling *out)
{
	const struct affiliation_item *item =
		affiliations_find(&r->affiliations, sub->from);
	enum affiliation is;

	if (!item) {
		ruling_refuse(out, COND_REGISTRATION_REQUIRED, NULL);
		return;
	}
	is = item->affiliation == AFFILIATION_MEMBER ? AFFILIATION_NONE
						     : item->affiliation;
	rules_set_affiliation(r, env, sub, sub->from, is, "", NULL, out);
}

void
rules_register(const struct room *r, const struct rules_env *env,
	       const struct submission *sub, struct ruling *out)
{
	const struct xml *query = stanza_payload(sub->stanza);
	const struct xml *form = form_find(query);
	struct jid *nick;

	if (!rules_may_register(r, sub, out))
		return;
	if (xml_child(query, "remove", NS_REGISTER)) {
		cancel(r, env, sub, out);
		return;
	}
	if (form && form_has_type(form, "cancel"))
		return;
	nick = is_form(form) ? parse_nick(r, form) : NULL;
	if (!nick)
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	else if (rules_nick_is_free(r, sub->from, jid_resource(nick), out))
		enrol(r, env, sub, jid_resource(nick), out);
	jid_unref(&nick);
}

/* ---- what admins say (9.9) ---- */

static void
admit(const struct room *r, const struct rules_env *env,
      const struct submission *sub, struct jid *user, const char *nick,
      struct ruling *out)
{
	enum affiliation is = affiliations_get(&r->affiliations, user);

	if (is == AFFILIATION_OUTCAST) {
		/* Banned since, or the form was changed. */
		ruling_refuse(out, COND_NOT_ALLOWED, "this user is banned");
		return;
	}
	if (is != AFFILIATION_NONE || !rules_nick_is_free(r, user, nick, out) ||
	    !rules_set_affiliation(r, env, sub, user, AFFILIATION_MEMBER, nick,
				   NULL, out))
		return;
	/* 9.5 */
	if (r->config.is_members_only)
		rules_send_invitation(r, sub, user, NULL, out);
}

static struct jid *
parse_user(const struct xml *form)
{
	struct arena *a = arena_new();
	const char *text = form_get(a, form, "muc#jid");
	struct jid *jid = text ? jid_parse(text) : NULL, *bare;

	arena_unref(&a);
	bare = jid && jid_local(jid) ? jid_bare(jid) : NULL;
	jid_unref(&jid);
	return bare;
}

void
rules_registration(const struct room *r, const struct rules_env *env,
		   const struct submission *sub, const struct xml *form,
		   struct ruling *out)
{
	struct jid *user, *nick;

	if (!has_privilege(&r->config, rules_affiliation(r, sub), ROLE_NONE,
			   PRIV_EDIT_MEMBERS)) {
		ruling_refuse(out, COND_FORBIDDEN, NULL);
		return;
	}
	if (!form_get_bool(form, "muc#register_allow", false))
		return;
	user = parse_user(form);
	nick = parse_nick(r, form);
	if (user && nick)
		admit(r, env, sub, user, jid_resource(nick), out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	jid_unref(&user);
	jid_unref(&nick);
}
