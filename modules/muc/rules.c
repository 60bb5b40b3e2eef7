/* rules.c - a submission is refused, or becomes entries. */

#include "modules/muc/rules.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry *
ruling_add(struct ruling *r, const struct entry *e)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 2;
		r->entries = mem_realloc(r->entries,
					 r->cap * sizeof(struct entry *));
	}
	return r->entries[r->n++] = entry_new(e);
}

void
ruling_mail(struct ruling *r, struct stanza *s)
{
	if (r->n_mail == r->cap_mail) {
		r->cap_mail = r->cap_mail ? r->cap_mail * 2 : 2;
		r->mail = mem_realloc(r->mail,
				      r->cap_mail * sizeof(struct stanza *));
	}
	r->mail[r->n_mail++] = s;
}

bool
ruling_refuse(struct ruling *r, enum stanza_cond cond, const char *text)
{
	r->cond = cond;
	r->text = text;
	return false;
}

/* What is refused has changed nothing. */
static void
drop_effects(struct ruling *r)
{
	while (r->n)
		entry_unref(&r->entries[--r->n]);
	while (r->n_mail)
		stanza_unref(&r->mail[--r->n_mail]);
}

void
ruling_fini(struct ruling *r)
{
	drop_effects(r);
	free(r->entries);
	free(r->mail);
	free(r->own_text);
	*r = (struct ruling){ 0 };
}

enum affiliation
rules_affiliation(const struct room *r, const struct submission *sub)
{
	if (sub->is_service_admin)
		return AFFILIATION_OWNER;
	return affiliations_get(&r->affiliations, sub->from);
}

void
rules_occupant_id(const struct rules_env *env, const struct room *r,
		  const struct jid *user, char out[OCCUPANT_ID_LEN + 1])
{
	const char *room = jid_bare_str(r->jid), *bare = jid_bare_str(user);
	size_t room_len = strlen(room), bare_len = strlen(bare);
	uint8_t mac[EVP_MAX_MD_SIZE];
	char text[3 * JID_PART_MAX * 2 + 3];
	unsigned len = 0;

	/* The room's name ends with a byte that no address has. */
	memcpy(text, room, room_len + 1);
	memcpy(text + room_len + 1, bare, bare_len);
	HMAC(EVP_sha256(), env->secret, RULES_SECRET_LEN, (uint8_t *)text,
	     room_len + 1 + bare_len, mac, &len);
	for (size_t i = 0; i < OCCUPANT_ID_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* XEP-0359 4: addresses are compared, in whatever way they are written. */
static bool
is_by_room(const struct room *r, const struct xml *stanza_id)
{
	const char *by = xml_get(stanza_id, "by");
	struct jid *jid;
	bool is;

	if (!by)
		return false;
	jid = jid_parse(by);
	is = jid && jid_eq(jid, r->jid);
	jid_unref(&jid);
	return is;
}

bool
rules_is_of_room(const struct room *r, const struct xml *x)
{
	if (!strcmp(x->ns, NS_MUC_USER) || !strcmp(x->ns, NS_MUC) ||
	    !strcmp(x->ns, NS_OCCUPANT_ID) || !strcmp(x->ns, NS_HATS) ||
	    !strcmp(x->ns, NS_DMUC))
		return true;
	return xml_is(x, "stanza-id", NS_SID) && is_by_room(r, x);
}

void
rules_write_payload(struct buf *b, const struct room *r, const struct stanza *s,
		    const char *only)
{
	const char *lang = xml_lang(s->root);

	if (lang)
		xml_write_attr(b, "xml:lang", lang);
	buf_addc(b, '>');
	xml_each (x, s->root) {
		if (!rules_is_of_room(r, x) &&
		    (!only || !strcmp(x->name, only)))
			xml_write(b, x, NS_CLIENT);
	}
}

void
rules_leave(const struct room *r, const struct room_session *s,
	    const struct entry *e, struct ruling *out)
{
	if (r->is_locked && r->n_occupants == 1 && s->occupant->n_sessions == 1)
		ruling_add(out, &(struct entry){ .type = ENTRY_DESTROY,
						 .stamp_ms = e->stamp_ms });
	else
		ruling_add(out, e);
}

static void
judge_gone(const struct room *r, const struct submission *sub,
	   struct ruling *out)
{
	const struct room_session *s = room_session(r, sub->from);

	if (!s)
		return;
	rules_leave(r, s,
		    &(struct entry){
			    .type = ENTRY_LEAVE,
			    .stamp_ms = sub->now_ms,
			    .jid = sub->from,
			    .nick = s->occupant->nick,
			    .affiliation = s->occupant->affiliation,
			    .code = sub->code,
			    .reason = sub->reason,
		    },
		    out);
}

static void
judge_link(const struct room *r, const struct submission *sub,
	   struct ruling *out)
{
	list_each (n, &r->occupants) {
		list_each (k, &occupant_of(n)->sessions) {
			const struct room_session *s = room_session_of(k);

			if (s->is_away == sub->is_away ||
			    !jid_eq_domain(s->jid, sub->from))
				continue;
			ruling_add(out, &(struct entry){
						.type = ENTRY_LINK,
						.stamp_ms = sub->now_ms,
						.jid = sub->from,
						.is_away = sub->is_away,
					});
			return;
		}
	}
}

/* What the lists say is newer than what the occupant is. */
static void
judge_restored(const struct room *r, const struct submission *sub,
	       struct ruling *out)
{
	list_each (n, &r->occupants) {
		const struct occupant *o = occupant_of(n);
		enum affiliation now =
			affiliations_get(&r->affiliations, o->bare);
		struct entry e = {
			.type = ENTRY_ROLE,
			.stamp_ms = sub->now_ms,
			.nick = o->nick,
			.affiliation = now,
			.role = role_after_affiliation(&r->config, o->role,
						       o->affiliation, now),
		};

		if (e.role == ROLE_NONE) {
			/* 9.1, 10.2 */
			e.type = ENTRY_LEAVE;
			e.code = now == AFFILIATION_OUTCAST ? 301 : 322;
		} else if (now == o->affiliation) {
			continue;
		}
		ruling_add(out, &e);
	}
}

/* What is submitted to the room by a message (7.13, 8.6, 9.9). */
static void
judge_form(const struct room *r, const struct rules_env *env,
	   const struct submission *sub, const struct xml *form,
	   struct ruling *out)
{
	struct arena *a = arena_new();
	const char *type = form_get(a, form, "FORM_TYPE");

	if (form_has_type(form, "cancel"))
		; /* Who is asked has nothing to say. */
	else if (!type || !form_has_type(form, "submit"))
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	else if (!strcmp(type, NS_MUC_REQUEST))
		rules_voice(r, sub, form, out);
	else if (!strcmp(type, NS_MUC_REGISTER))
		rules_registration(r, env, sub, form, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	arena_unref(&a);
}

static void
judge_message(const struct room *r, const struct rules_env *env,
	      const struct submission *sub, struct ruling *out)
{
	const struct stanza *s = sub->stanza;
	const struct xml *x = stanza_child(s, "x", NS_MUC_USER);
	const struct xml *form = form_find(s->root);

	if (s->type == TYPE_GROUPCHAT)
		rules_message(r, env, sub, out);
	else if (s->type != TYPE_NONE && s->type != TYPE_NORMAL)
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
	else if (x)
		rules_invite(r, env, sub, out);
	else if (form)
		judge_form(r, env, sub, form, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
}

static void
judge_iq(const struct room *r, const struct rules_env *env,
	 const struct submission *sub, struct ruling *out)
{
	const struct xml *x = stanza_payload(sub->stanza);

	if (xml_is(x, "query", NS_MUC_OWNER))
		rules_owner(r, env, sub, out);
	else if (xml_is(x, "query", NS_MUC_ADMIN))
		rules_admin(r, env, sub, out);
	else if (xml_is(x, "query", NS_REGISTER))
		rules_register(r, env, sub, out);
	else if (xml_is(x, "vCard", NS_VCARD))
		rules_vcard(r, env, sub, out);
	else if (xml_is(x, "moderate", NS_MODERATE))
		rules_moderate(r, sub, out);
	else
		ruling_refuse(out, COND_SERVICE_UNAVAILABLE, NULL);
}

static void
judge_stanza(const struct room *r, const struct rules_env *env,
	     const struct submission *sub, struct ruling *out)
{
	switch (sub->stanza->kind) {
	case STANZA_PRESENCE:
		rules_presence(r, env, sub, out);
		return;
	case STANZA_MESSAGE:
		judge_message(r, env, sub, out);
		return;
	case STANZA_IQ:
		judge_iq(r, env, sub, out);
	}
}

/* One that could not be made is none for whoever has waited for that. But who
 * takes himself for an occupant is told (7.1.17). */
static bool
is_none(const struct room *r, const struct submission *sub)
{
	if (!r->is_unmade || sub->is_creation)
		return r->is_destroyed;
	return sub->type != SUBMIT_STANZA ||
	       sub->stanza->kind != STANZA_PRESENCE ||
	       stanza_child(sub->stanza, "x", NS_MUC);
}

static void
judge(const struct room *r, const struct rules_env *env,
      const struct submission *sub, struct ruling *out)
{
	if (is_none(r, sub)) {
		ruling_refuse(out, COND_ITEM_NOT_FOUND, NULL);
		return;
	}
	switch (sub->type) {
	case SUBMIT_STANZA:
		judge_stanza(r, env, sub, out);
		return;
	case SUBMIT_GONE:
		judge_gone(r, sub, out);
		return;
	case SUBMIT_LINK:
		judge_link(r, sub, out);
		return;
	case SUBMIT_ENTRY:
		if (room_can_apply(r, sub->entry))
			ruling_add(out, sub->entry);
		else
			ruling_refuse(out, COND_CONFLICT, NULL);
		return;
	case SUBMIT_RESTORED:
		judge_restored(r, sub, out);
	}
}

void
rules_judge(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	judge(r, env, sub, out);
	if (out->cond)
		drop_effects(out);
}
