/* rules_admin.c - roles and affiliations that moderators, admins and owners
 * give and take (XEP-0045 8.2 to 8.5, 9.1 to 9.8, 10.3 to 10.8). */

#include "base/arena.h"
#include "base/buf.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/rules_lists.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* A nickname as rooms know it, in the arena; NULL: it cannot be one. */
static const char *
prepare_nick(struct arena *a, const char *nick)
{
	struct buf b = { 0 };
	const char *text = NULL;

	if (jid_prep_resource(nick, strlen(nick), &b) == 0)
		text = arena_strndup(a, b.data, b.len);
	buf_fini(&b);
	return text;
}

static bool
read_reason(struct arena *a, const struct rules_env *env,
	    const struct xml *item, const char **reason_out, struct ruling *out)
{
	const char *reason = xml_child_text(a, item, "reason", NS_MUC_ADMIN);

	*reason_out = reason && *reason ? reason : NULL;
	if (reason && strlen(reason) > env->presence_max)
		return ruling_refuse(out, COND_POLICY_VIOLATION,
				     "this reason is too long");
	return true;
}

/* ---- roles ---- */

static bool
find_target(struct arena *a, const struct room *r, const struct xml *item,
	    struct occupant **target_out, struct ruling *out)
{
	const char *nick = xml_get(item, "nick");

	if (!nick)
		return ruling_refuse(out, COND_BAD_REQUEST,
				     "a role is given to a nickname");
	nick = prepare_nick(a, nick);
	*target_out = nick ? room_by_nick(r, nick) : NULL;
	if (!*target_out)
		return ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
	return true;
}

static bool
change_role(struct arena *a, const struct rules_env *env,
	    const struct submission *sub, const struct xml *item,
	    struct standing who, const char *actor, struct occupant *target,
	    struct ruling *out)
{
	struct standing whom = { target->affiliation, target->role };
	struct entry e = {
		.type = ENTRY_ROLE,
		.stamp_ms = sub->now_ms,
		.nick = target->nick,
		.affiliation = target->affiliation,
	};
	enum stanza_cond cond;

	if (role_parse(xml_get(item, "role"), &e.role) < 0)
		return ruling_refuse(out, COND_BAD_REQUEST, "no such role");
	cond = may_change_role(who, whom, e.role);
	if (cond)
		return ruling_refuse(out, cond, NULL);
	if (!read_reason(a, env, item, &e.reason, out))
		return false;
	if (e.role == ROLE_NONE) {
		e.type = ENTRY_LEAVE;
		e.actor = actor;
		e.code = 307;
	}
	if (e.role != target->role)
		ruling_add(out, &e);
	return true;
}

static int
compare(const void *a, const void *b)
{
	const void *x = *(void *const *)a, *y = *(void *const *)b;

	return (x > y) - (x < y);
}

/* Two changes of one occupant would depend on each other. */
static bool
are_different(struct occupant **targets, size_t n, struct ruling *out)
{
	qsort(targets, n, sizeof(struct occupant *), compare);
	for (size_t i = 1; i < n; i++) {
		if (targets[i] == targets[i - 1])
			return ruling_refuse(out, COND_BAD_REQUEST,
					     "the same occupant twice");
	}
	return true;
}

static bool
change_roles(struct arena *a, const struct room *r, const struct rules_env *env,
	     const struct submission *sub, const struct xml *query,
	     struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	const char *actor = s ? s->occupant->nick : NULL;
	struct standing who = { rules_affiliation(r, sub),
				s ? s->occupant->role : ROLE_NONE };
	struct occupant **targets =
		arena_alloc(a, query->n_kids * sizeof(struct occupant *));
	size_t n = 0;

	/* Who may change none does not learn either who is there. */
	if (!has_privilege(&r->config, who.affiliation, who.role, PRIV_VOICE))
		return ruling_refuse(out, COND_FORBIDDEN, NULL);
	xml_each (item, query) {
		if (!xml_is(item, "item", NS_MUC_ADMIN))
			continue;
		if (!find_target(a, r, item, &targets[n], out) ||
		    !change_role(a, env, sub, item, who, actor, targets[n],
				 out))
			return false;
		n++;
	}
	return are_different(targets, n, out);
}

/* ---- affiliations ---- */

/* The address, or that of an occupant where it has none. */
static bool
read_address(struct arena *a, const struct room *r, const struct xml *item,
	     struct jid **jid_out, struct ruling *out)
{
	const char *address = xml_get(item, "jid");
	struct occupant *o;
	struct jid *jid;

	if (address) {
		jid = jid_parse(address);
		*jid_out = jid_bare(jid);
		jid_unref(&jid);
		if (!*jid_out)
			return ruling_refuse(out, COND_JID_MALFORMED, NULL);
		return true;
	}
	if (!find_target(a, r, item, &o, out))
		return false;
	*jid_out = jid_ref(o->bare);
	return true;
}

/* 9.3, 9.5: with an address, the nickname is one to be reserved. */
static bool
read_reserved(struct arena *a, const struct xml *item, const char **nick_out,
	      struct ruling *out)
{
	const char *nick = xml_get(item, "nick");

	*nick_out = NULL;
	if (!nick || !xml_get(item, "jid"))
		return true;
	*nick_out = *nick ? prepare_nick(a, nick) : "";
	if (!*nick_out)
		return ruling_refuse(out, COND_JID_MALFORMED,
				     "this cannot be a nickname");
	return true;
}

static bool
read_change(struct list_changes *l, const struct room *r,
	    const struct rules_env *env, const struct xml *item,
	    struct ruling *out)
{
	enum affiliation affiliation;
	const char *nick, *reason;
	struct jid *jid;
	bool is_new;

	if (affiliation_parse(xml_get(item, "affiliation"), &affiliation) < 0)
		return ruling_refuse(out, COND_BAD_REQUEST,
				     "no such affiliation");
	if (!read_reason(l->arena, env, item, &reason, out) ||
	    !read_reserved(l->arena, item, &nick, out) ||
	    !read_address(l->arena, r, item, &jid, out))
		return false;
	is_new = list_changes_add(l, r, jid, affiliation, nick, reason);
	jid_unref(&jid);
	if (!is_new)
		return ruling_refuse(out, COND_BAD_REQUEST,
				     "the same address twice");
	return true;
}

static bool
read_changes(struct list_changes *l, const struct room *r,
	     const struct rules_env *env, const struct xml *query,
	     struct ruling *out)
{
	xml_each (item, query) {
		if (xml_is(item, "item", NS_MUC_ADMIN) &&
		    !read_change(l, r, env, item, out))
			return false;
	}
	return true;
}

static bool
change_affiliations(struct arena *a, const struct room *r,
		    const struct rules_env *env, const struct submission *sub,
		    const struct xml *query, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	struct list_changes l;
	bool is_good;

	if (!has_privilege(&r->config, rules_affiliation(r, sub), ROLE_NONE,
			   PRIV_EDIT_MEMBERS))
		return ruling_refuse(out, COND_FORBIDDEN, NULL);
	list_changes_init(&l, a);
	is_good = read_changes(&l, r, env, query, out) &&
		  list_changes_judge(&l, r, env, sub, out);
	if (is_good) {
		list_changes_enter(&l, r, &r->config, sub,
				   s ? s->occupant->nick : NULL, out);
		list_changes_invite(&l, r, sub, out);
	}
	list_changes_fini(&l);
	return is_good;
}

/* ---- both ---- */

/* Items change either roles, or affiliations (8.5, 9.2): nothing else is
 * unambiguous. */
static bool
are_alike(const struct xml *query, bool *is_role_out, struct ruling *out)
{
	size_t n = 0, n_roles = 0;

	xml_each (item, query) {
		bool has_role = xml_get(item, "role") != NULL;

		if (!xml_is(item, "item", NS_MUC_ADMIN))
			continue;
		if (has_role == (xml_get(item, "affiliation") != NULL))
			return ruling_refuse(out, COND_BAD_REQUEST,
					     "a role, or an affiliation");
		n++;
		n_roles += has_role;
	}
	if (!n || (n_roles && n_roles != n))
		return ruling_refuse(out, COND_BAD_REQUEST, NULL);
	*is_role_out = n_roles > 0;
	return true;
}

void
rules_admin(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	const struct xml *query = stanza_payload(sub->stanza);
	struct arena *a = arena_new();
	bool is_role = false;

	if (are_alike(query, &is_role, out)) {
		if (is_role)
			change_roles(a, r, env, sub, query, out);
		else
			change_affiliations(a, r, env, sub, query, out);
	}
	/* 8.2: first who has done it, then all others. */
	out->is_told_first = true;
	arena_unref(&a);
}
