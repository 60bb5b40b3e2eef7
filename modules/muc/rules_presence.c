/* rules_presence.c - entering, nicknames, availability, leaving (XEP-0045 7.1,
 * 7.6, 7.7, 7.14). */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Nicknames that are tried for who returns. */
#define RETURN_TRIES 1000

/* XEP-0463 5.1: the version of the lists that the client knows, "" for none;
 * NULL: it does not ask. */
static const char *
known_lists(const struct submission *sub)
{
	const struct xml *x = stanza_child(sub->stanza, "x", NS_MUC);
	const struct xml *mav = x ? xml_child(x, "mav", NS_MAV) : NULL;
	const char *since = mav ? xml_get(mav, "since") : NULL;

	return mav && !since ? "" : since;
}

/* The submission's presence as it is kept, for long and of everybody: without
 * room to grow. NULL: it is too large. */
static struct chunk *
payload_of(const struct room *r, const struct rules_env *env,
	   const struct submission *sub, const char *only, struct ruling *out)
{
	struct chunk *payload = NULL;
	struct buf b = { 0 };

	rules_write_payload(&b, r, sub->stanza, only);
	if (b.len <= env->presence_max)
		payload = chunk_copy(b.data, b.len);
	else
		ruling_refuse(out, COND_POLICY_VIOLATION,
			      "this presence is too large for a room");
	buf_fini(&b);
	return payload;
}

bool
rules_is_visible(const char *nick)
{
	for (const char *s = nick; *s; s++) {
		if (*s != ' ')
			return true;
	}
	return false;
}

bool
rules_nick_is_free(const struct room *r, const struct jid *user,
		   const char *nick, struct ruling *out)
{
	const struct occupant *o = room_by_nick(r, nick);
	const struct affiliation_item *reserved;

	if (o && !jid_eq_bare(o->bare, user))
		return ruling_refuse(out, COND_CONFLICT, NULL);
	reserved = affiliations_by_nick(&r->affiliations, nick);
	if (reserved && !jid_eq_bare(reserved->jid, user))
		return ruling_refuse(out, COND_CONFLICT,
				     "this nickname is reserved");
	return true;
}

static bool
has_password(const struct room *r, const struct xml *x)
{
	struct arena *a = arena_new();
	const char *given = xml_child_text(a, x, "password", NS_MUC);
	bool is_right;

	is_right = given && r->config.password &&
		   !strcmp(given, r->config.password);
	arena_unref(&a);
	return is_right;
}

static bool
has_place(const struct room *r, const struct rules_env *env,
	  enum affiliation affiliation)
{
	size_t max = env->occupants_max;

	if (r->config.max_users && (size_t)r->config.max_users < max)
		max = (size_t)r->config.max_users;
	if (affiliation >= AFFILIATION_ADMIN)
		max += RULES_EXTRA_ADMINS;
	return r->n_occupants < max;
}

/* 7.2.5 to 7.2.10, in this order: who is banned learns no more than that. */
static bool
may_enter(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct xml *x, const char *nick,
	  enum affiliation affiliation, struct ruling *out)
{
	if (affiliation == AFFILIATION_OUTCAST)
		return ruling_refuse(out, COND_FORBIDDEN, NULL);
	if (r->is_locked)
		return ruling_refuse(out, COND_ITEM_NOT_FOUND,
				     "its owner has not configured it yet");
	if (r->config.is_members_only && affiliation < AFFILIATION_MEMBER)
		return ruling_refuse(out, COND_REGISTRATION_REQUIRED, NULL);
	if (r->config.password && !sub->is_service_admin && !has_password(r, x))
		return ruling_refuse(out, COND_NOT_AUTHORIZED, NULL);
	if (!rules_nick_is_free(r, sub->from, nick, out))
		return false;
	if (!room_by_nick(r, nick) && !has_place(r, env, affiliation)) {
		out->type = "wait";
		return ruling_refuse(out, COND_SERVICE_UNAVAILABLE,
				     "the room is full");
	}
	return true;
}

static void
make_owner(const struct submission *sub, struct ruling *out)
{
	struct jid *bare = jid_bare(sub->from);

	ruling_add(out, &(struct entry){
				.type = ENTRY_AFFILIATION,
				.stamp_ms = sub->now_ms,
				.jid = bare,
				.affiliation = AFFILIATION_OWNER,
			});
	jid_unref(&bare);
}

/* Who was here before a split, and whose nickname somebody has now, gets
 * another one. */
static char *
free_nick(const struct room *r, const struct submission *sub, const char *nick)
{
	char *free_one = mem_strdup(nick);

	for (unsigned i = 2; i < RETURN_TRIES; i++) {
		struct ruling ruling = { 0 };
		bool is_free =
			rules_nick_is_free(r, sub->from, free_one, &ruling);

		ruling_fini(&ruling);
		if (is_free)
			break;
		free(free_one);
		free_one = mem_printf("%s %u", nick, i);
	}
	return free_one;
}

static void
enter(const struct room *r, const struct rules_env *env,
      const struct submission *sub, const struct xml *x, const char *wanted,
      struct ruling *out)
{
	char *nick =
		sub->is_return ? free_nick(r, sub, wanted) : mem_strdup(wanted);
	enum affiliation affiliation = sub->is_creation
					       ? AFFILIATION_OWNER
					       : rules_affiliation(r, sub);
	const struct occupant *o = room_by_nick(r, nick);
	char id[OCCUPANT_ID_LEN + 1];
	struct chunk *payload = NULL;

	if (may_enter(r, env, sub, x, nick, affiliation, out))
		payload = payload_of(r, env, sub, NULL, out);
	if (!payload) {
		free(nick);
		return;
	}
	/* Another client of an occupant is what that is. */
	if (o)
		affiliation = o->affiliation;
	if (sub->is_creation)
		make_owner(sub, out);
	rules_occupant_id(env, r, sub->from, id);
	ruling_add(out,
		   &(struct entry){
			   .type = ENTRY_JOIN,
			   .stamp_ms = sub->now_ms,
			   .jid = sub->from,
			   .nick = nick,
			   .occupant_id = id,
			   .stanza_id = stanza_id(sub->stanza),
			   .submit = sub->submit,
			   .affiliation = affiliation,
			   .role = o ? o->role
				     : role_default(&r->config, affiliation),
			   .payload = payload,
			   .since = known_lists(sub),
			   .is_new = sub->is_creation,
			   .is_locked = sub->is_creation,
			   .is_renamed = strcmp(nick, wanted) != 0,
		   });
	chunk_unref(&payload);
	free(nick);
}

/* 7.6 */
static void
rename_to(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct occupant *o,
	  const char *nick, struct ruling *out)
{
	struct chunk *payload;

	if (o->role < ROLE_PARTICIPANT && !r->config.allow_visitor_nick) {
		ruling_refuse(out, COND_NOT_ACCEPTABLE,
			      "visitors may not change their nickname here");
		return;
	}
	if (!rules_nick_is_free(r, sub->from, nick, out))
		return;
	if (room_by_nick(r, nick)) {
		/* The same user, entered twice. */
		ruling_refuse(out, COND_CONFLICT, NULL);
		return;
	}
	payload = payload_of(r, env, sub, NULL, out);
	if (!payload)
		return;
	ruling_add(out, &(struct entry){
				.type = ENTRY_NICK,
				.stamp_ms = sub->now_ms,
				.jid = sub->from,
				.nick = o->nick,
				.new_nick = nick,
				.stanza_id = stanza_id(sub->stanza),
				.submit = sub->submit,
				.payload = payload,
			});
	chunk_unref(&payload);
}

/* 7.7; or, with <x/>, 7.1: what it would be sent on entering, again. */
static void
update(const struct room *r, const struct rules_env *env,
       const struct submission *sub, const struct occupant *o, bool is_join,
       struct ruling *out)
{
	const char *only = NULL;
	struct chunk *payload;

	if (o->role < ROLE_PARTICIPANT && !r->config.allow_visitor_status)
		only = "show";
	payload = payload_of(r, env, sub, only, out);
	if (!payload)
		return;
	ruling_add(out, &(struct entry){
				.type = is_join ? ENTRY_JOIN : ENTRY_PRESENCE,
				.stamp_ms = sub->now_ms,
				.jid = sub->from,
				.nick = o->nick,
				.occupant_id = o->id,
				.stanza_id = stanza_id(sub->stanza),
				.submit = sub->submit,
				.affiliation = o->affiliation,
				.role = o->role,
				.payload = payload,
				.since = is_join ? known_lists(sub) : NULL,
			});
	chunk_unref(&payload);
}

static void
available(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, struct ruling *out)
{
	const struct xml *x = stanza_child(sub->stanza, "x", NS_MUC);
	const struct room_session *s = room_session(r, sub->from);
	const char *nick = jid_resource(sub->stanza->to);

	if (!s && !x) {
		out->is_out_of_step = true;
		return;
	}
	if (!nick && s)
		/* A broadcast goes to the address that was entered. */
		nick = s->occupant->nick;
	if (!nick || !rules_is_visible(nick)) {
		out->type = "modify";
		ruling_refuse(out, COND_JID_MALFORMED, "no nickname");
		return;
	}
	if (!s && sub->is_return && sub->is_put_out)
		ruling_refuse(out, COND_NOT_ALLOWED, "you were put out");
	else if (!s)
		enter(r, env, sub, x, nick, out);
	else if (sub->is_return)
		/* In a room that was restored he is there as he was. */
		update(r, env, sub, s->occupant, true, out);
	else if (strcmp(s->occupant->nick, nick) != 0)
		rename_to(r, env, sub, s->occupant, nick, out);
	else
		update(r, env, sub, s->occupant, x != NULL, out);
}

/* 7.14; from somebody who is not here it says nothing (17.3). */
static void
unavailable(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);
	struct chunk *payload;

	if (!s)
		return;
	payload = payload_of(r, env, sub, "status", out);
	*out = (struct ruling){ .entries = out->entries, .cap = out->cap };
	rules_leave(r, s,
		    &(struct entry){
			    .type = ENTRY_LEAVE,
			    .stamp_ms = sub->now_ms,
			    .jid = sub->from,
			    .nick = s->occupant->nick,
			    .stanza_id = stanza_id(sub->stanza),
			    .submit = sub->submit,
			    .affiliation = s->occupant->affiliation,
			    .payload = payload,
		    },
		    out);
	chunk_unref(&payload);
}

void
rules_presence(const struct room *r, const struct rules_env *env,
	       const struct submission *sub, struct ruling *out)
{
	switch (sub->stanza->type) {
	case TYPE_NONE:
		available(r, env, sub, out);
		return;
	case TYPE_UNAVAILABLE:
		unavailable(r, env, sub, out);
		return;
	default:
		/* 17.3: subscriptions, probes: nothing to do with being here.
		 */
		return;
	}
}
