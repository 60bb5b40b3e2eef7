/* register.c - what registering with a room takes (XEP-0045 7.10). */

#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

static const struct form_field fields[] = {
	{ "muc#register_roomnick", FORM_TEXT_SINGLE, "Desired Nickname",
	  .is_required = true },
	{ 0 },
};

static void
add_form(struct arena *a, struct xml *query)
{
	static const char words[] =
		"Choose the nickname that is to be yours in this room.";

	xml_add_text(a, query, "instructions", NULL, words);
	form_add_fields(
		a, form_add(a, query, NS_MUC_REGISTER, "Registration", words),
		fields);
}

enum verdict
room_register_get(struct event *ev, void *live)
{
	struct live *l = live;
	struct submission who = { .from = ev->from,
				  .is_service_admin = live_is_admin(l, ev) };
	struct ruling ruling = { 0 };
	struct stanza *reply;
	struct xml *query;
	const char *nick;

	if (!rules_may_register(live_room(l), &who, &ruling))
		return live_refuse(l, ev, ruling.cond, ruling.text);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_REGISTER);
	nick = rules_registered_nick(live_room(l), ev->from);
	if (nick) {
		xml_add(reply->arena, query, "registered", NULL);
		xml_add_text(reply->arena, query, "username", NULL, nick);
	} else {
		add_form(reply->arena, query);
	}
	return event_reply(ev, reply);
}

enum verdict
room_register_set(struct event *ev, void *live)
{
	struct live *l = live;

	if (!limits_may_ask(l->service, ev))
		return live_refuse(l, ev, COND_RESOURCE_CONSTRAINT,
				   "too many requests at once");
	return live_submit(l, ev, &(struct submission){ 0 });
}
