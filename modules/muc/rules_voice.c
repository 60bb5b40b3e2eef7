/* rules_voice.c - visitors ask for voice, and moderators grant it (XEP-0045
 * 7.13, 8.6). */

#include "base/arena.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

static const struct form_option roles[] = { { "participant", "Participant" },
					    { 0 } };
static const struct form_field fields[] = {
	{ "muc#role", FORM_LIST_SINGLE, "Requested role", .options = roles },
	{ "muc#jid", FORM_JID_SINGLE, "User ID", .options = NULL },
	{ "muc#roomnick", FORM_TEXT_SINGLE, "Room Nickname", .options = NULL },
	{ "muc#request_allow", FORM_BOOLEAN, "Grant voice to this person?",
	  .options = NULL },
};

/* ---- asking ---- */

static struct stanza *
write_request(const struct room *r, const struct room_session *s)
{
	struct stanza *m =
		stanza_new(STANZA_MESSAGE, TYPE_NONE, r->jid, NULL, NULL);
	struct xml *form =
		form_add(m->arena, m->root, NS_MUC_REQUEST, "Voice request",
			 "Somebody wants to speak. Nothing has to be done to "
			 "refuse that.");
	const char *const values[] = { role_name(ROLE_PARTICIPANT),
				       jid_str(s->jid), s->occupant->nick,
				       "0" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		form_add_value(m->arena,
			       form_add_field(m->arena, form, &fields[i]),
			       values[i]);
	return m;
}

static void
ask_moderators(const struct room *r, const struct room_session *s,
	       struct ruling *out)
{
	struct stanza *m = write_request(r, s);

	list_each (n, &r->occupants) {
		if (occupant_of(n)->role != ROLE_MODERATOR)
			continue;
		list_each (k, &occupant_of(n)->sessions) {
			struct stanza *copy = stanza_edit(m);

			stanza_set_to(copy, room_session_of(k)->jid);
			ruling_mail(out, copy);
		}
	}
	stanza_unref(&m);
	if (!out->n_mail)
		ruling_refuse(out, COND_RECIPIENT_UNAVAILABLE,
			      "there is no moderator here now");
}

static void
ask(const struct room *r, const struct submission *sub, const char *role,
    struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	const struct occupant *o = s ? s->occupant : NULL;

	if (!o)
		ruling_refuse(out, COND_NOT_ACCEPTABLE,
			      "you are not in the room");
	else if (!role || strcmp(role, role_name(ROLE_PARTICIPANT)) != 0)
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	else if (!has_privilege(&r->config, o->affiliation, o->role,
				PRIV_VOICE_REQUEST))
		ruling_refuse(out, COND_FORBIDDEN, NULL);
	else if (o->role < ROLE_PARTICIPANT)
		ask_moderators(r, s, out);
}

/* ---- granting ---- */

/* Who had this nickname may have left, and somebody else have it now. */
static const struct occupant *
find_asker(const struct room *r, const char *nick, const char *user)
{
	const struct occupant *o = nick ? room_by_nick(r, nick) : NULL;
	struct jid *jid = user ? jid_parse(user) : NULL;

	if (o && user && !(jid && jid_eq_bare(o->bare, jid)))
		o = NULL;
	jid_unref(&jid);
	return o;
}

static void
grant(const struct room *r, const struct submission *sub, const char *nick,
      const char *user, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	const struct occupant *o;

	if (!has_privilege(&r->config, rules_affiliation(r, sub),
			   s ? s->occupant->role : ROLE_NONE, PRIV_VOICE)) {
		ruling_refuse(out, COND_FORBIDDEN, NULL);
		return;
	}
	o = find_asker(r, nick, user);
	if (!o)
		ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	else if (o->role < ROLE_PARTICIPANT)
		ruling_add(out, &(struct entry){
					.type = ENTRY_ROLE,
					.stamp_ms = sub->now_ms,
					.nick = o->nick,
					.affiliation = o->affiliation,
					.role = ROLE_PARTICIPANT,
				});
}

void
rules_voice(const struct room *r, const struct submission *sub,
	    const struct xml *form, struct ruling *out)
{
	struct arena *a = arena_new();

	if (!form_field(form, "muc#request_allow"))
		ask(r, sub, form_get(a, form, "muc#role"), out);
	else if (form_get_bool(form, "muc#request_allow", false))
		grant(r, sub, form_get(a, form, "muc#roomnick"),
		      form_get(a, form, "muc#jid"), out);
	arena_unref(&a);
}
