/* envelope.c - entries as they go from server to server. */

#include "modules/muc/envelope.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In the place of a room's password. */
#define HIDDEN "hidden"

/* ---- writing ---- */

bool
envelope_is_for_all(const struct entry *e)
{
	return e->type != ENTRY_AFFILIATION;
}

static void
write_flag(struct buf *b, const char *name, bool is_set)
{
	if (is_set)
		buf_printf(b, " %s='true'", name);
}

static void
write_text(struct buf *b, const char *name, const char *value)
{
	if (value)
		xml_write_attr(b, name, value);
}

static void
write_number(struct buf *b, const char *name, int64_t number)
{
	if (number)
		buf_printf(b, " %s='%" PRId64 "'", name, number);
}

static bool
is_said(const struct entry *e)
{
	return e->type == ENTRY_MESSAGE || e->type == ENTRY_SUBJECT ||
	       e->type == ENTRY_RETRACT;
}

/* By a copy nothing is told but what all may know. */
static bool
may_be_known(const struct envelope *to, const struct jid *real)
{
	if (!real)
		return false;
	return to->is_entitled || to->room->config.whois == WHOIS_ANYONE ||
	       (to->domain && !strcmp(jid_domain(real), to->domain));
}

static void
write_who(struct buf *b, const struct envelope *to, const struct entry *e)
{
	const struct jid *real = to->env ? e->jid : e->real;
	struct jid *who;

	/* Who has said it stands in it. */
	if (!e->jid || is_said(e))
		return;
	who = to->env ? pseudonym_of(to->env, to->room, e->jid)
		      : jid_ref(e->jid);
	xml_write_attr(b, "who", jid_str(who));
	jid_unref(&who);
	if ((!jid_is_domain(e->jid) || e->type == ENTRY_AFFILIATION) &&
	    may_be_known(to, real))
		xml_write_attr(b, "jid", jid_str(real));
}

static bool
has_standing(const struct entry *e)
{
	return e->type == ENTRY_JOIN || e->type == ENTRY_ROLE ||
	       e->type == ENTRY_LEAVE || e->type == ENTRY_AFFILIATION ||
	       is_said(e);
}

static void
write_attrs(struct buf *b, const struct envelope *to, const struct entry *e)
{
	char stamp[CLOCK_STAMP_MAX];

	if (e->seq)
		buf_printf(b, " seq='%" PRIu64 "'", e->seq);
	buf_printf(b, " stamp='%s'", clock_stamp(e->stamp_ms, stamp));
	write_who(b, to, e);
	write_text(b, "nick", e->nick);
	write_text(b, "new-nick", e->new_nick);
	write_text(b, "occupant", is_said(e) ? e->occupant_id : NULL);
	write_text(b, "id", e->stanza_id);
	write_text(b, "submit", e->submit);
	write_text(b, "actor", e->actor);
	if (has_standing(e)) {
		buf_printf(b, " affiliation='%s'",
			   affiliation_name(e->affiliation));
		buf_printf(b, " role='%s'", role_name(e->role));
	}
	write_number(b, "archive", e->archive_id);
	write_number(b, "target", e->target);
	write_number(b, "code", e->code);
	write_flag(b, "away", e->is_away);
	write_flag(b, "new", e->is_new);
	write_flag(b, "locked", e->is_locked);
	write_flag(b, "renamed", e->is_renamed);
	write_flag(b, "body", e->has_body);
}

static void
write_payload(struct buf *b, const struct entry *e)
{
	size_t len;
	const char *text = chunk_data(e->payload, &len);
	const char *name = "presence", *ns = NS_CLIENT;

	if (is_said(e)) {
		/* With its end. */
		buf_adds(b, "<message xmlns='" NS_CLIENT "'");
		buf_add(b, text, len);
		return;
	}
	if (e->type == ENTRY_DESTROY) {
		name = "destroy";
		ns = NS_MUC_USER;
	}
	buf_printf(b, "<%s xmlns='%s'", name, ns);
	/* A presence's begins with the end of its start tag. */
	if (e->type == ENTRY_DESTROY)
		buf_addc(b, '>');
	buf_add(b, text, len);
	buf_printf(b, "</%s>", name);
}

static void
write_config(struct buf *b, const struct muc_config *config)
{
	struct muc_config copy;
	struct buf text = { 0 };

	muc_config_copy(&copy, config);
	if (copy.password) {
		free(copy.password);
		copy.password = mem_strdup(HIDDEN);
	}
	muc_config_to_text(&copy, &text);
	buf_adds(b, "<config>");
	if (text.len)
		xml_escape(b, text.data, text.len);
	buf_adds(b, "</config>");
	buf_fini(&text);
	muc_config_fini(&copy);
}

/* A place in the log, of which nobody there may know more. */
static void
write_nothing(struct buf *b, const struct entry *e)
{
	buf_printf(b, "<entry xmlns='" NS_DMUC "' type='nothing'");
	if (e->seq)
		buf_printf(b, " seq='%" PRIu64 "'", e->seq);
	write_text(b, "submit", e->submit);
	buf_adds(b, "/>");
}

void
envelope_write_entry(struct buf *b, const struct envelope *to,
		     const struct entry *e)
{
	if (e->type == N_ENTRY_TYPES ||
	    (e->type == ENTRY_AFFILIATION &&
	     (!to->domain || strcmp(jid_domain(e->jid), to->domain) != 0))) {
		write_nothing(b, e);
		return;
	}
	buf_printf(b, "<entry xmlns='" NS_DMUC "' type='%s'",
		   entry_type_name(e->type));
	write_attrs(b, to, e);
	buf_addc(b, '>');
	if (e->reason) {
		buf_adds(b, "<reason>");
		xml_escape(b, e->reason, strlen(e->reason));
		buf_adds(b, "</reason>");
	}
	if (e->config)
		write_config(b, e->config);
	else if (e->payload)
		write_payload(b, e);
	buf_adds(b, "</entry>");
}

/* ---- reading ---- */

/* Of an attribute that may be missing: 0 then. -1: it is no number. */
static int
read_number(const struct xml *x, const char *name, int64_t *out,
	    struct err *err)
{
	const char *value = xml_get(x, name);
	char *end;

	*out = 0;
	if (!value)
		return 0;
	errno = 0;
	*out = strtoll(value, &end, 10);
	if (errno || *end || end == value || *out < 0)
		return err_set(err, "%s: found \"%.40s\", expected a number",
			       name, value);
	return 0;
}

static bool
read_flag(const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);

	return value && (!strcmp(value, "true") || !strcmp(value, "1"));
}

static int
read_type(const struct xml *x, enum entry_type *out, struct err *err)
{
	const char *name = xml_get(x, "type");

	for (int i = 0; name && i < N_ENTRY_TYPES; i++) {
		if (!strcmp(entry_type_name((enum entry_type)i), name)) {
			*out = (enum entry_type)i;
			return 0;
		}
	}
	if (name && !strcmp(name, "nothing")) {
		*out = N_ENTRY_TYPES;
		return 0;
	}
	return err_set(err, "type: found \"%.40s\"", name ? name : "");
}

static int
read_standing(const struct xml *x, struct entry *e, struct err *err)
{
	const char *affiliation = xml_get(x, "affiliation");
	const char *role = xml_get(x, "role");

	if (affiliation && affiliation_parse(affiliation, &e->affiliation) < 0)
		return err_set(err, "affiliation: found \"%.40s\"",
			       affiliation);
	if (role && role_parse(role, &e->role) < 0)
		return err_set(err, "role: found \"%.40s\"", role);
	return 0;
}

/* It stands in an address of the room. In a list, "" is none. */
static int
check_nick(struct jid *room, enum entry_type type, const char *nick,
	   struct err *err)
{
	struct jid *jid = nick ? jid_with_resource(room, nick) : NULL;
	bool is_right = !nick || (jid && !strcmp(jid_resource(jid), nick)) ||
			(!*nick && type == ENTRY_AFFILIATION);

	jid_unref(&jid);
	return is_right ? 0 : err_set(err, "nick: found \"%.80s\"", nick);
}

static int
read_who(const struct xml *x, struct entry *e, struct err *err)
{
	const char *who = xml_get(x, "who"), *real = xml_get(x, "jid");

	if (who) {
		e->jid = jid_parse(who);
		if (!pseudonym_is(e->jid))
			return err_set(err, "who: found \"%.80s\"", who);
	}
	if (real) {
		e->real = jid_parse(real);
		if (!e->real ||
		    (!jid_local(e->real) && e->type != ENTRY_AFFILIATION))
			return err_set(err, "jid: found \"%.80s\"", real);
	}
	return 0;
}

static int
read_stamp(const struct xml *x, struct entry *e, struct err *err)
{
	const char *stamp = xml_get(x, "stamp");

	if (!stamp || clock_parse_stamp(stamp, &e->stamp_ms) < 0)
		return err_set(err, "stamp: found \"%.40s\"",
			       stamp ? stamp : "");
	return 0;
}

/* What a room says comes from it, and to all. */
static bool
is_from_room(struct jid *room, const struct xml *message)
{
	const char *from = xml_get(message, "from");
	const char *type = xml_get(message, "type");
	struct jid *jid = from ? jid_parse(from) : NULL;
	bool is = jid && jid_eq_bare(jid, room) && type &&
		  !strcmp(type, "groupchat") && !xml_get(message, "to");

	jid_unref(&jid);
	return is;
}

static int
read_message(struct jid *room, const struct xml *x, struct entry *e,
	     struct err *err)
{
	const struct xml *message = xml_child(x, "message", NS_CLIENT);
	struct buf b = { 0 };

	if (!message || !is_from_room(room, message))
		return err_set(err, "no message of this room");
	/* It may be shown with a time behind the rest. */
	if (!message->n_kids)
		return err_set(err, "a message without anything in it");
	/* From an archive it does not have it otherwise. */
	if (!e->stanza_id)
		e->stanza_id = xml_get(message, "id");
	xml_write_attrs(&b, message);
	xml_write_rest(&b, message, "message", NS_CLIENT);
	e->payload = buf_to_chunk(&b);
	return 0;
}

static void
read_presence(const struct xml *x, struct entry *e)
{
	const struct xml *presence = xml_child(x, "presence", NS_CLIENT);
	struct buf b = { 0 };
	const char *lang;

	if (!presence)
		return;
	lang = xml_lang(presence);
	if (lang)
		xml_write_attr(&b, "xml:lang", lang);
	buf_addc(&b, '>');
	xml_each (kid, presence)
		xml_write(&b, kid, NS_CLIENT);
	e->payload = buf_to_chunk(&b);
}

static void
read_destroy(const struct xml *x, struct entry *e)
{
	const struct xml *destroy = xml_child(x, "destroy", NS_MUC_USER);
	struct buf b = { 0 };

	if (!destroy)
		return;
	xml_each (kid, destroy)
		xml_write(&b, kid, NS_MUC_USER);
	e->payload = buf_to_chunk(&b);
}

static int
read_config(const struct xml *x, struct arena *a, struct entry *e,
	    struct muc_config *config, struct err *err)
{
	const char *text = xml_child_text(a, x, "config", NS_DMUC);

	if (!text)
		return err_set(err, "no config");
	/* Options of a newer version are left as they are here. */
	muc_config_from_text(config, text, strlen(text), NULL);
	e->config = config;
	return 0;
}

static int
read_rest(struct jid *room, const struct xml *x, struct arena *a,
	  struct entry *e, struct muc_config *config, struct err *err)
{
	switch (e->type) {
	case ENTRY_MESSAGE:
	case ENTRY_SUBJECT:
	case ENTRY_RETRACT:
		return read_message(room, x, e, err);
	case ENTRY_JOIN:
	case ENTRY_PRESENCE:
	case ENTRY_LEAVE:
	case ENTRY_NICK:
		read_presence(x, e);
		return 0;
	case ENTRY_DESTROY:
		read_destroy(x, e);
		return 0;
	case ENTRY_CONFIG:
		return read_config(x, a, e, config, err);
	case ENTRY_ROLE:
	case ENTRY_AFFILIATION:
	case ENTRY_LINK:
	case N_ENTRY_TYPES:
		return 0;
	}
	return 0;
}

static int
read_numbers(const struct xml *x, struct entry *e, struct err *err)
{
	int64_t seq, code;

	if (read_number(x, "seq", &seq, err) < 0 ||
	    read_number(x, "code", &code, err) < 0 ||
	    read_number(x, "archive", &e->archive_id, err) < 0 ||
	    read_number(x, "target", &e->target, err) < 0)
		return -1;
	if (code > 999)
		return err_set(err, "code: found %" PRId64, code);
	e->seq = (uint64_t)seq;
	e->code = (int)code;
	return 0;
}

static int
read_entry(struct jid *room, const struct xml *x, struct arena *a,
	   struct entry *e, struct muc_config *config, struct err *err)
{
	if (!xml_is(x, "entry", NS_DMUC))
		return err_set(err, "no entry");
	if (read_type(x, &e->type, err) < 0 || read_numbers(x, e, err) < 0)
		return -1;
	e->submit = xml_get(x, "submit");
	if (e->type == N_ENTRY_TYPES)
		return 0;
	e->nick = xml_get(x, "nick");
	/* Of a room that is destroyed it is another room. */
	e->new_nick = xml_get(x, "new-nick");
	e->stanza_id = xml_get(x, "id");
	e->actor = xml_get(x, "actor");
	e->reason = xml_child_text(a, x, "reason", NS_DMUC);
	e->is_away = read_flag(x, "away");
	e->is_new = read_flag(x, "new");
	e->is_locked = read_flag(x, "locked");
	e->is_renamed = read_flag(x, "renamed");
	e->has_body = read_flag(x, "body");
	if (read_who(x, e, err) < 0 || read_standing(x, e, err) < 0 ||
	    read_stamp(x, e, err) < 0 ||
	    check_nick(room, e->type, e->nick, err) < 0)
		return -1;
	if (e->type == ENTRY_NICK &&
	    check_nick(room, e->type, e->new_nick, err) < 0)
		return -1;
	e->occupant_id =
		e->jid ? pseudonym_occupant_id(e->jid) : xml_get(x, "occupant");
	if (e->type == ENTRY_JOIN && !e->occupant_id)
		return err_set(err, "who: it is of nobody");
	return read_rest(room, x, a, e, config, err);
}

struct entry *
envelope_read_entry(struct jid *room, const struct xml *x, struct err *err)
{
	struct arena *a = arena_new();
	struct muc_config config = { 0 };
	struct entry own = { 0 }, *e = NULL;

	if (read_entry(room, x, a, &own, &config, err) == 0) {
		e = entry_new(&own);
		e->seq = own.seq;
	}
	jid_unref(&own.jid);
	jid_unref(&own.real);
	chunk_unref(&own.payload);
	muc_config_fini(&config);
	arena_unref(&a);
	return e;
}
