/* rules_owner.c - what a room is: its options, and its end (XEP-0045 10). */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/rules_lists.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

/* ---- the lists in the form ---- */

/* In order, as muc_config_form_list gives them; jids NULL: none are given. */
struct full_list {
	struct jid **jids;
	size_t n;
};

static bool
has(const struct full_list *l, const struct jid *jid)
{
	size_t from = 0, to = l->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;
		int order = strcmp(jid_str(l->jids[at]), jid_str(jid));

		if (!order)
			return true;
		if (order < 0)
			from = at + 1;
		else
			to = at;
	}
	return false;
}

static int
read_list(struct arena *a, const struct xml *form, enum affiliation affiliation,
	  struct full_list *l)
{
	l->n = 0;
	if (muc_config_form_list(a, form, affiliation, &l->jids, NULL) < 0)
		return -1;
	while (l->jids && l->jids[l->n])
		l->n++;
	return 0;
}

static void
add_listed(struct list_changes *changes, const struct room *r,
	   const struct full_list *l, enum affiliation affiliation)
{
	for (size_t i = 0; i < l->n; i++) {
		struct jid *jid = l->jids[i];
		const struct affiliation_item *item =
			affiliations_find(&r->affiliations, jid);

		if (!item || item->affiliation != affiliation)
			list_changes_add(changes, r, jid, affiliation, NULL,
					 NULL);
	}
}

/* 10.2: the lists are whole. An owner who is none any more is an admin, where
 * nothing else is said; an admin is nothing, or stays a member where nobody
 * else may be. */
static void
add_lost(struct list_changes *changes, const struct room *r,
	 const struct muc_config *config, const struct full_list *admins,
	 const struct full_list *owners)
{
	enum affiliation rest =
		config->is_members_only ? AFFILIATION_MEMBER : AFFILIATION_NONE;

	affiliations_each (item, &r->affiliations) {
		if (item->affiliation == AFFILIATION_OWNER && owners->jids &&
		    !has(owners, item->jid))
			list_changes_add(changes, r, item->jid,
					 admins->jids && !has(admins, item->jid)
						 ? rest
						 : AFFILIATION_ADMIN,
					 NULL, NULL);
		if (item->affiliation == AFFILIATION_ADMIN && admins->jids &&
		    !has(admins, item->jid) && !has(owners, item->jid))
			list_changes_add(changes, r, item->jid, rest, NULL,
					 NULL);
	}
}

/* An owner whom only the list of admins names stays one. */
static void
add_admins(struct list_changes *changes, const struct room *r,
	   const struct full_list *admins, const struct full_list *owners)
{
	struct full_list rest = { admins->jids, 0 };

	for (size_t i = 0; i < admins->n; i++) {
		const struct affiliation_item *item =
			affiliations_find(&r->affiliations, admins->jids[i]);

		if (has(owners, admins->jids[i]) ||
		    (item && item->affiliation == AFFILIATION_OWNER))
			continue;
		rest.jids[rest.n++] = admins->jids[i];
	}
	add_listed(changes, r, &rest, AFFILIATION_ADMIN);
}

static int
read_lists(struct list_changes *changes, const struct room *r,
	   const struct xml *form, const struct muc_config *config)
{
	struct full_list admins, owners;

	if (read_list(changes->arena, form, AFFILIATION_ADMIN, &admins) < 0 ||
	    read_list(changes->arena, form, AFFILIATION_OWNER, &owners) < 0)
		return -1;
	add_listed(changes, r, &owners, AFFILIATION_OWNER);
	add_lost(changes, r, config, &admins, &owners);
	add_admins(changes, r, &admins, &owners);
	return 0;
}

/* ---- the options ---- */

static void
configure_as(struct arena *a, const struct room *r, const struct rules_env *env,
	     const struct submission *sub, const struct xml *form,
	     struct muc_config *config, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	struct list_changes changes;

	list_changes_init(&changes, a);
	if (read_lists(&changes, r, form, config) < 0) {
		ruling_refuse(out, COND_NOT_ACCEPTABLE, NULL);
	} else if (list_changes_judge(&changes, r, env, sub, out)) {
		/* Who has to go does not hear what follows. */
		list_changes_enter(&changes, r, config, sub,
				   s ? s->occupant->nick : NULL, out);
		ruling_add(out, &(struct entry){
					.type = ENTRY_CONFIG,
					.stamp_ms = sub->now_ms,
					.config = config,
				});
	}
	list_changes_fini(&changes);
}

struct muc_limits
rules_limits(const struct rules_env *env)
{
	return (struct muc_limits){ .max_users = (int)env->occupants_max,
				    .max_history = (int)env->history_max,
				    .no_relays = env->no_relays };
}

static void
configure(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct xml *form,
	  struct ruling *out)
{
	struct muc_limits limits = rules_limits(env);
	struct muc_config config;
	struct arena *a;

	if (muc_config_from_form(form, &r->config, &limits, &config, NULL) <
	    0) {
		ruling_refuse(out, COND_NOT_ACCEPTABLE, NULL);
		return;
	}
	a = arena_new();
	configure_as(a, r, env, sub, form, &config, out);
	arena_unref(&a);
	muc_config_fini(&config);
}

/* 10.1.3: a room that its owner does not want after all. Later on, nothing has
 * happened. */
static void
cancel(const struct room *r, const struct submission *sub, struct ruling *out)
{
	if (r->is_locked)
		ruling_add(out, &(struct entry){ .type = ENTRY_DESTROY,
						 .stamp_ms = sub->now_ms });
}

static void
take_form(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct xml *form,
	  struct ruling *out)
{
	if (form_has_type(form, "cancel"))
		cancel(r, sub, out);
	else if (form_has_type(form, "submit") &&
		 form_is_for(form, NS_MUC_CONFIG))
		configure(r, env, sub, form, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
}

/* ---- the end ---- */

/* The other room's password, which is handed on. */
static struct chunk *
password_of(struct arena *a, const struct xml *x)
{
	const char *text = xml_child_text(a, x, "password", NS_MUC_OWNER);
	struct buf b = { 0 };

	if (!text)
		return NULL;
	buf_adds(&b, "<password>");
	xml_escape(&b, text, strlen(text));
	buf_adds(&b, "</password>");
	return buf_to_chunk(&b);
}

/* 10.9 */
static void
destroy(const struct rules_env *env, const struct submission *sub,
	const struct xml *x, struct ruling *out)
{
	struct arena *a = arena_new();
	const char *reason = xml_child_text(a, x, "reason", NS_MUC_OWNER);
	const char *venue = xml_get(x, "jid");
	struct jid *jid = venue && *venue ? jid_parse(venue) : NULL;
	struct chunk *password = password_of(a, x);
	size_t len = 0;

	if (password)
		chunk_data(password, &len);
	if (venue && *venue && !jid)
		ruling_refuse(out, COND_JID_MALFORMED, NULL);
	else if (len + (reason ? strlen(reason) : 0) > env->presence_max)
		ruling_refuse(out, COND_POLICY_VIOLATION,
			      "this reason is too long");
	else
		ruling_add(out,
			   &(struct entry){
				   .type = ENTRY_DESTROY,
				   .stamp_ms = sub->now_ms,
				   .new_nick = jid ? jid_str(jid) : NULL,
				   .reason = reason && *reason ? reason : NULL,
				   .payload = password,
			   });
	chunk_unref(&password);
	jid_unref(&jid);
	arena_unref(&a);
}

void
rules_owner(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	const struct xml *query = stanza_payload(sub->stanza);
	const struct xml *form = form_find(query);
	const struct xml *end = xml_child(query, "destroy", NS_MUC_OWNER);

	if (!has_privilege(&r->config, rules_affiliation(r, sub), ROLE_NONE,
			   end ? PRIV_DESTROY : PRIV_CONFIGURE)) {
		ruling_refuse(out, COND_FORBIDDEN, NULL);
		return;
	}
	if (end)
		destroy(env, sub, end, out);
	else if (form)
		take_form(r, env, sub, form, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
}
