/* muc_draw_form.c - forms for a room, filled in at random. */

#include "muc_draw_form.h"

#include "base/mem.h"
#include "modules/muc/ns.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

static struct xml *
add_form(struct stanza *s, struct xml *parent, const char *type)
{
	struct xml *x = xml_add(s->arena, parent, "x", NS_DATA);
	struct xml *field;

	xml_set(s->arena, x, "type", "submit");
	field = xml_add(s->arena, x, "field", NULL);
	xml_set(s->arena, field, "var", "FORM_TYPE");
	xml_add_text(s->arena, field, "value", NULL, type);
	return x;
}

static struct xml *
add_field(struct stanza *s, struct xml *form, const char *var,
	  const char *value)
{
	struct xml *field = xml_add(s->arena, form, "field", NULL);

	xml_set(s->arena, field, "var", var);
	if (value)
		xml_add_text(s->arena, field, "value", NULL, value);
	return field;
}

/* ---- options ---- */

static const struct {
	const char *var, *values[4];
} options[] = {
	{ "muc#roomconfig_membersonly", { "0", "1", "0", "no" } },
	{ "muc#roomconfig_moderatedroom", { "0", "1" } },
	{ "muc#roomconfig_persistentroom", { "0", "1", "1" } },
	{ "muc#roomconfig_enablearchiving", { "0", "1" } },
	{ "muc#roomconfig_whois", { "anyone", "moderators", "nobody" } },
	{ "muc#roomconfig_allowinvites", { "0", "1" } },
	{ "muc#roomconfig_changesubject", { "0", "1" } },
	{ "muc#roomconfig_maxusers", { "1", "2", "none", "-3" } },
	{ "muc#maxhistoryfetch", { "0", "1", "3", "20" } },
	{ "muc#roomconfig_presencebroadcast", { "moderator", "visitor" } },
	{ "muc#roomconfig_allow_voice_requests", { "0", "1" } },
	{ "muc#roomconfig_roomname", { "Den", "Lair", "" } },
};

static const char *
any_value(struct draw *d, unsigned option)
{
	unsigned n = 0;

	while (n < 4 && options[option].values[n])
		n++;
	return options[option].values[draw_number(d, n)];
}

static void
add_password(struct draw *d, struct stanza *s, struct xml *form)
{
	if (draw_chance(d, 50)) {
		add_field(s, form, "muc#roomconfig_passwordprotectedroom", "0");
		return;
	}
	add_field(s, form, "muc#roomconfig_passwordprotectedroom", "1");
	add_field(s, form, "muc#roomconfig_roomsecret", DRAW_PASSWORD);
}

static void
add_list(struct draw *d, struct stanza *s, struct xml *form, const char *var)
{
	struct xml *field = add_field(s, form, var, NULL);
	unsigned n = draw_number(d, 4);

	while (n--)
		xml_add_text(s->arena, field, "value", NULL,
			     jid_str(draw_user(d)));
}

void
draw_owner_query(struct draw *d, struct stanza *iq)
{
	struct xml *query = xml_add(iq->arena, iq->root, "query", NS_MUC_OWNER);
	unsigned n = draw_number(d, 4), i;
	struct xml *form;

	if (draw_chance(d, 3))
		return;
	form = add_form(iq, query, NS_MUC_CONFIG);
	if (draw_chance(d, 3))
		xml_set(iq->arena, form, "type", "cancel");
	if (draw_chance(d, 20))
		add_password(d, iq, form);
	if (draw_chance(d, 10))
		add_list(d, iq, form, "muc#roomconfig_roomowners");
	if (draw_chance(d, 10))
		add_list(d, iq, form, "muc#roomconfig_roomadmins");
	while (n--) {
		i = draw_number(d, N_ELEMENTS(options));
		add_field(iq, form, options[i].var, any_value(d, i));
	}
}

/* ---- what is asked for ---- */

void
draw_registration(struct draw *d, struct stanza *iq)
{
	struct xml *query = xml_add(iq->arena, iq->root, "query", NS_REGISTER);

	if (draw_chance(d, 25)) {
		xml_add(iq->arena, query, "remove", NULL);
		return;
	}
	add_field(iq, add_form(iq, query, NS_MUC_REGISTER),
		  "muc#register_roomnick", draw_nick(d));
}

void
draw_request(struct draw *d, struct stanza *message)
{
	bool is_voice = draw_chance(d, 60);
	struct xml *form =
		add_form(message, message->root,
			 is_voice ? NS_MUC_REQUEST : NS_MUC_REGISTER);

	if (is_voice && draw_chance(d, 50)) {
		add_field(message, form, "muc#role", "participant");
		return;
	}
	add_field(message, form, "muc#jid", jid_str(draw_user(d)));
	add_field(message, form,
		  is_voice ? "muc#roomnick" : "muc#register_roomnick",
		  draw_nick(d));
	add_field(message, form,
		  is_voice ? "muc#request_allow" : "muc#register_allow",
		  draw_chance(d, 90) ? "1" : "0");
}
