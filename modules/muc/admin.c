/* admin.c - requests of a room's moderators and admins: who is what in it
 * (XEP-0045 8.5, 9.2, 9.5, 9.8, 10.5, 10.8). */

#include "base/arena.h"
#include "modules/muc/ns.h"
#include "modules/muc/private.h"
#include "modules/muc/requests.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* ---- by role: those who are in the room ---- */

static void
add_by_role(struct arena *a, struct xml *query, const struct room *r,
	    enum role role)
{
	list_each (n, &r->occupants) {
		const struct occupant *o = occupant_of(n);
		struct xml *x;

		if (o->role != role)
			continue;
		x = xml_add(a, query, "item", NULL);
		xml_set(a, x, "nick", o->nick);
		xml_set(a, x, "role", role_name(o->role));
		xml_set(a, x, "affiliation", affiliation_name(o->affiliation));
		xml_set(a, x, "jid", jid_str(o->top->jid));
	}
}

/* ---- by affiliation: all whom the list names ---- */

static void
add_item(struct arena *a, struct xml *query, const struct room *r,
	 const struct affiliation_item *item)
{
	const struct occupant *o = room_by_user(r, item->jid);
	struct xml *x = xml_add(a, query, "item", NULL);

	xml_set(a, x, "affiliation", affiliation_name(item->affiliation));
	xml_set(a, x, "jid", jid_str(item->jid));
	if (*item->nick)
		xml_set(a, x, "nick", item->nick);
	else if (o)
		xml_set(a, x, "nick", o->nick);
	if (o)
		xml_set(a, x, "role", role_name(o->role));
	if (*item->reason && item->affiliation == AFFILIATION_OUTCAST)
		xml_add_text(a, x, "reason", NULL, item->reason);
}

static int
compare(const void *a, const void *b)
{
	const struct affiliation_item *const *x = a, *const *y = b;

	return strcmp(jid_str((*x)->jid), jid_str((*y)->jid));
}

static void
add_by_affiliation(struct arena *a, struct xml *query, const struct room *r,
		   enum affiliation affiliation)
{
	size_t n = 0, count = affiliations_count(&r->affiliations, affiliation);
	const struct affiliation_item **items =
		arena_alloc(a, (count + 1) * sizeof(*items));

	affiliations_each (item, &r->affiliations) {
		if (item->affiliation == affiliation)
			items[n++] = item;
	}
	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++)
		add_item(a, query, r, items[i]);
}

/* ---- requests ---- */

static enum privilege
needed_for_affiliation(enum affiliation affiliation)
{
	switch (affiliation) {
	case AFFILIATION_OUTCAST:
		return PRIV_BAN;
	case AFFILIATION_MEMBER:
		return PRIV_GET_MEMBERS;
	default:
		return PRIV_GET_RULERS;
	}
}

/* Which list an <item/> asks for, and what one needs to see it. */
struct wanted {
	enum affiliation affiliation;
	enum role role; /* ROLE_NONE: by affiliation */
	enum privilege privilege;
};

static int
read_wanted(const struct xml *item, struct wanted *w)
{
	const char *affiliation = item ? xml_get(item, "affiliation") : NULL;
	const char *role = item ? xml_get(item, "role") : NULL;

	w->role = ROLE_NONE;
	if (!affiliation == !role)
		return -1;
	if (affiliation) {
		if (affiliation_parse(affiliation, &w->affiliation) < 0 ||
		    w->affiliation == AFFILIATION_NONE)
			return -1;
		w->privilege = needed_for_affiliation(w->affiliation);
		return 0;
	}
	if (role_parse(role, &w->role) < 0 || w->role == ROLE_NONE)
		return -1;
	w->privilege =
		w->role == ROLE_MODERATOR ? PRIV_EDIT_MODERATORS : PRIV_VOICE;
	return 0;
}

enum verdict
room_admin_get(struct event *ev, void *live)
{
	struct live *l = live;
	const struct room *r = live_room(l);
	const struct room_session *s = room_session(r, ev->from);
	struct submission who = { .from = ev->from,
				  .is_service_admin = live_is_admin(l, ev) };
	struct wanted w;
	struct stanza *reply;
	struct xml *query;

	if (read_wanted(
		    xml_child(stanza_payload(ev->stanza), "item", NS_MUC_ADMIN),
		    &w) < 0)
		return live_refuse(l, ev, COND_BAD_REQUEST, NULL);
	if (!has_privilege(&r->config, rules_affiliation(r, &who),
			   s ? s->occupant->role : ROLE_NONE, w.privilege))
		return live_refuse(l, ev, COND_FORBIDDEN, NULL);
	reply = event_result(ev);
	query = xml_add(reply->arena, reply->root, "query", NS_MUC_ADMIN);
	if (w.role != ROLE_NONE)
		add_by_role(reply->arena, query, r, w.role);
	else
		add_by_affiliation(reply->arena, query, r, w.affiliation);
	return event_reply(ev, reply);
}

enum verdict
room_admin_set(struct event *ev, void *live)
{
	return live_submit(live, ev, &(struct submission){ 0 });
}
