/* stanza.c - messages, presences and iqs. */

#include "xmpp/stanza.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "xmpp/jid.h"
#include "xmpp/muc_user.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <string.h>

static const char *const kinds[] = {
	[STANZA_MESSAGE] = "message",
	[STANZA_PRESENCE] = "presence",
	[STANZA_IQ] = "iq",
};

static const struct {
	const char *name;
	unsigned kinds; /* that have it, 1 << kind */
} types[] = {
	[TYPE_ERROR] = { "error", 1 << STANZA_MESSAGE | 1 << STANZA_PRESENCE |
					  1 << STANZA_IQ },
	[TYPE_NORMAL] = { "normal", 1 << STANZA_MESSAGE },
	[TYPE_CHAT] = { "chat", 1 << STANZA_MESSAGE },
	[TYPE_GROUPCHAT] = { "groupchat", 1 << STANZA_MESSAGE },
	[TYPE_HEADLINE] = { "headline", 1 << STANZA_MESSAGE },
	[TYPE_UNAVAILABLE] = { "unavailable", 1 << STANZA_PRESENCE },
	[TYPE_SUBSCRIBE] = { "subscribe", 1 << STANZA_PRESENCE },
	[TYPE_SUBSCRIBED] = { "subscribed", 1 << STANZA_PRESENCE },
	[TYPE_UNSUBSCRIBE] = { "unsubscribe", 1 << STANZA_PRESENCE },
	[TYPE_UNSUBSCRIBED] = { "unsubscribed", 1 << STANZA_PRESENCE },
	[TYPE_PROBE] = { "probe", 1 << STANZA_PRESENCE },
	[TYPE_GET] = { "get", 1 << STANZA_IQ },
	[TYPE_SET] = { "set", 1 << STANZA_IQ },
	[TYPE_RESULT] = { "result", 1 << STANZA_IQ },
};

const char *
stanza_type_name(enum stanza_type type)
{
	return types[type].name;
}

static enum stanza_type
read_type(enum stanza_kind kind, const char *name)
{
	if (!name)
		return TYPE_NONE;
	for (size_t i = TYPE_ERROR; i < N_ELEMENTS(types); i++) {
		if (types[i].kinds & 1u << kind && !strcmp(types[i].name, name))
			return (enum stanza_type)i;
	}
	return TYPE_UNKNOWN;
}

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

static void
drop_arena(void *obj)
{
	struct arena *a = obj;

	arena_unref(&a);
}

static struct jid *
own_jid(struct arena *a, struct jid *jid)
{
	if (jid)
		arena_own(a, jid, drop_jid);
	return jid;
}

static void
keep_alive(struct arena *a, const struct stanza *s)
{
	arena_own(a, arena_ref(s->arena), drop_arena);
}

/* Takes the attribute out of the tree. */
static struct jid *
take_address(struct arena *a, struct xml *x, const char *name, bool *bad_out)
{
	const char *value = xml_get(x, name);
	struct jid *jid;

	if (!value)
		return NULL;
	jid = jid_parse(value);
	*bad_out = !jid;
	xml_set(a, x, name, NULL);
	return own_jid(a, jid);
}

/* x and all below it that have their namespace from it. */
static void
make_client(struct xml *x, const char *ns)
{
	if (!x->name || (x->ns != ns && strcmp(x->ns, ns) != 0))
		return;
	x->ns = NS_CLIENT;
	for (uint32_t i = 0; i < x->n_kids; i++)
		make_client(x->kids[i], ns);
}

struct stanza *
stanza_from_xml(struct arena *a, struct xml *x, const char *ns)
{
	struct stanza *s;
	size_t kind = 0;

	if (strcmp(x->ns, ns) != 0)
		return NULL;
	while (kind < N_ELEMENTS(kinds) && strcmp(x->name, kinds[kind]) != 0)
		kind++;
	if (kind == N_ELEMENTS(kinds))
		return NULL;
	if (strcmp(ns, NS_CLIENT) != 0)
		make_client(x, ns);
	s = arena_zalloc(a, sizeof(*s));
	s->arena = a;
	s->root = x;
	s->kind = (enum stanza_kind)kind;
	s->type = read_type(s->kind, xml_get(x, "type"));
	s->from = take_address(a, x, "from", &s->bad_from);
	s->to = take_address(a, x, "to", &s->bad_to);
	return s;
}

struct stanza *
stanza_new(enum stanza_kind kind, enum stanza_type type, struct jid *from,
	   struct jid *to, const char *id)
{
	struct arena *a = arena_new();
	struct stanza *s = arena_zalloc(a, sizeof(*s));

	s->arena = a;
	s->kind = kind;
	s->root = xml_new(a, kinds[kind], NS_CLIENT);
	s->from = own_jid(a, jid_ref(from));
	s->to = own_jid(a, jid_ref(to));
	if (id)
		xml_set(a, s->root, "id", id);
	stanza_set_type(s, type);
	return s;
}

struct stanza *
stanza_edit(struct stanza *s)
{
	struct arena *a = arena_new();
	struct stanza *copy = arena_alloc(a, sizeof(*copy));

	*copy = *s;
	copy->arena = a;
	copy->root = xml_shallow_copy(a, s->root);
	keep_alive(a, s);
	return copy;
}

struct stanza *
stanza_compact(const struct stanza *s)
{
	struct arena *a = arena_new_like(s->arena);
	struct stanza *copy = arena_alloc(a, sizeof(*copy));

	*copy = *s;
	copy->arena = a;
	copy->root = xml_deep_copy(a, s->root);
	copy->from = own_jid(a, jid_ref(s->from));
	copy->to = own_jid(a, jid_ref(s->to));
	return copy;
}

void
stanza_set_from(struct stanza *s, struct jid *from)
{
	s->from = own_jid(s->arena, jid_ref(from));
	s->bad_from = false;
}

void
stanza_set_to(struct stanza *s, struct jid *to)
{
	s->to = own_jid(s->arena, jid_ref(to));
	s->bad_to = false;
}

void
stanza_set_type(struct stanza *s, enum stanza_type type)
{
	assert(type == TYPE_NONE || types[type].kinds & 1u << s->kind);
	s->type = type;
	xml_set(s->arena, s->root, "type", types[type].name);
}

struct stanza *
stanza_ref(struct stanza *s)
{
	arena_ref(s->arena);
	return s;
}

void
stanza_unref(struct stanza **s)
{
	struct arena *a = *s ? (*s)->arena : NULL;

	*s = NULL;
	arena_unref(&a);
}

const char *
stanza_id(const struct stanza *s)
{
	return xml_get(s->root, "id");
}

struct xml *
stanza_payload(const struct stanza *s)
{
	struct xml **at = NULL, *only = xml_step(s->root, &at);

	if (s->kind != STANZA_IQ || s->type == TYPE_ERROR || !only ||
	    xml_step(s->root, &at))
		return NULL;
	return only;
}

struct xml *
stanza_child(const struct stanza *s, const char *name, const char *ns)
{
	return xml_child(s->root, name, ns);
}

/* --- Answers */

static struct stanza *
new_answer(const struct stanza *request, enum stanza_type type)
{
	return stanza_new(request->kind, type, request->to, request->from,
			  stanza_id(request));
}

struct stanza *
stanza_result(const struct stanza *request)
{
	assert(request->kind == STANZA_IQ);
	return new_answer(request, TYPE_RESULT);
}

struct stanza *
stanza_error(const struct stanza *request, enum stanza_cond cond,
	     const char *text)
{
	struct stanza *s;
	struct xml *error, *x;

	/* RFC 6120 8.3.1: an error is never answered by an error; 8.2.3: nor
	 * is a result. */
	if (request->type == TYPE_ERROR || request->type == TYPE_RESULT)
		return NULL;
	s = new_answer(request, TYPE_ERROR);
	if (request->kind == STANZA_IQ) {
		bool is_kept = false;

		xml_each (kid, request->root) {
			xml_append(s->arena, s->root, kid);
			is_kept = true;
		}
		if (is_kept)
			keep_alive(s->arena, request);
	}
	/* XEP-0045 7.2: by this clients know that they have not entered. A
	 * password in it is not sent back. */
	if (request->kind == STANZA_PRESENCE &&
	    stanza_child(request, "x", NS_MUC))
		xml_add(s->arena, s->root, "x", NS_MUC);
	error = xml_add(s->arena, s->root, "error", NULL);
	xml_set(s->arena, error, "type", stanza_cond_type(cond));
	xml_add(s->arena, error, stanza_cond_name(cond), NS_STANZA_ERROR);
	if (text) {
		x = xml_add_text(s->arena, error, "text", NS_STANZA_ERROR,
				 text);
		xml_set_ns(s->arena, x, NS_XML, "lang", "en");
	}
	return s;
}

enum stanza_cond
stanza_error_cond(const struct stanza *s)
{
	const struct xml *error = xml_child(s->root, "error", NS_CLIENT);

	if (!error)
		return COND_UNDEFINED_CONDITION;
	xml_each (kid, error) {
		enum stanza_cond cond;

		if (strcmp(kid->ns, NS_STANZA_ERROR) != 0)
			continue;
		cond = stanza_cond_by_name(kid->name);
		if (cond != COND_NONE)
			return cond;
	}
	return COND_UNDEFINED_CONDITION;
}

void
stanza_add_delay(struct stanza *s, struct jid *from, long long wall_ms)
{
	struct xml *delay = xml_add(s->arena, s->root, "delay", NS_DELAY);
	char stamp[CLOCK_STAMP_MAX];

	if (from)
		xml_set(s->arena, delay, "from", jid_str(from));
	xml_set(s->arena, delay, "stamp", clock_stamp(wall_ms, stamp));
}

/* --- Writing */

/* All behind the recipient's address. Elements in NS_CLIENT have their
 * namespace from the stream, whichever that is (RFC 6120 4.8.3). */
static void
write_tail(struct buf *b, const struct stanza *s, const struct jid *from,
	   const char *ns)
{
	if (!ns)
		xml_write_attr(b, "xmlns", NS_CLIENT);
	if (from)
		xml_write_attr(b, "from", jid_str(from));
	xml_write_attrs(b, s->root);
	xml_write_rest(b, s->root, s->root->name, NS_CLIENT);
}

void
stanza_write(struct buf *b, const struct stanza *s, const struct jid *from,
	     const struct jid *to, const char *ns)
{
	stanza_write_head(b, s, to);
	write_tail(b, s, from, ns);
}

struct chunk *
stanza_tail(const struct stanza *s, const struct jid *from, const char *ns)
{
	struct buf b = { 0 };

	write_tail(&b, s, from, ns);
	return buf_to_chunk(&b);
}

void
stanza_write_head(struct buf *b, const struct stanza *s, const struct jid *to)
{
	buf_addc(b, '<');
	buf_adds(b, s->root->name);
	if (to)
		xml_write_attr(b, "to", jid_str(to));
}
