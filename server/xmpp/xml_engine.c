/*
 * xml_engine.c - expat's events to trees in arenas.
 *
 * Children are collected on a stack and copied into the arena when their
 * parent ends, so that the arrays in the tree are exact.
 */

#include "xmpp/xml_engine.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "xmpp/intern.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Between namespace and name; no byte of UTF-8. */
#define SEP	    '\xff'
#define NS_DIALBACK "jabber:server:dialback"

/* Expat never forgets a name: start again behind so many bytes. */
#define WORN_BYTES (1024u * 1024u)
#define POOL_MAX   8u
/* What may stay allocated in an engine at rest. */
#define TEXT_KEPT 16384u
#define KIDS_KEPT 1024u

struct frame {
	struct xml *x;
	size_t ns_len;
	size_t first_kid; /* in engine.kids */
	unsigned elements;
};

struct engine {
	struct engine *next; /* in the pool */
	XML_Parser expat;
	struct engine_user *user; /* during engine_feed */
	uint64_t fed;		  /* all bytes so far */
	uint64_t stanza_at;	  /* where the first-level element began */
	uint64_t stopped_at;
	bool is_inside; /* the stream's header was there */
	bool is_dead;
	struct arena *arena; /* of the open tree */
	struct frame *frames;
	size_t n_frames, cap_frames;
	struct xml **kids;
	size_t n_kids, cap_kids;
	struct buf text; /* since the last tag */
	/* From the stream's header. */
	const char *default_ns;
	bool has_stream, has_dialback, has_other;
};

struct xml_pool {
	struct engine *idle[N_PRESETS];
	unsigned n_idle[N_PRESETS];
};

#define STREAM_DECL " xmlns:stream='" NS_STREAM "'>"
static const struct {
	const char *default_ns;
	bool dialback;
	const char *header;
} presets[N_PRESETS] = {
	[PRESET_CLIENT] = { NS_CLIENT, false,
			    "<stream:stream xmlns='" NS_CLIENT
			    "'" STREAM_DECL },
	[PRESET_SERVER] = { NS_SERVER, false,
			    "<stream:stream xmlns='" NS_SERVER
			    "'" STREAM_DECL },
	[PRESET_SERVER_DIALBACK] = { NS_SERVER, true,
				     "<stream:stream xmlns='" NS_SERVER
				     "' xmlns:db='" NS_DIALBACK
				     "'" STREAM_DECL },
	[PRESET_COMPONENT] = { NS_COMPONENT, false,
			       "<stream:stream xmlns='" NS_COMPONENT
			       "'" STREAM_DECL },
};

static void
fail(struct engine *e, enum stream_cond cond, const char *text)
{
	if (e->is_dead)
		return;
	e->is_dead = true;
	XML_StopParser(e->expat, XML_FALSE);
	e->user->on_error(e->user, cond, text);
}

/* Where the event ends that expat is telling of. */
static uint64_t
event_end(const struct engine *e)
{
	return (uint64_t)XML_GetCurrentByteIndex(e->expat) +
	       (uint64_t)XML_GetCurrentByteCount(e->expat);
}

static const char *
keep_name(struct engine *e, const char *s, size_t len)
{
	const char *known = intern_find(s, len);

	return known ? known : arena_strndup(e->arena, s, len);
}

static void
read_attrs(struct engine *e, struct xml *x, const char **atts)
{
	uint32_t n = 0;

	while (atts[2 * n])
		n++;
	if (n > e->user->limits->attrs) {
		fail(e, STREAM_POLICY_VIOLATION, "too many attributes");
		return;
	}
	if (!n)
		return;
	x->attrs = arena_alloc(e->arena, n * sizeof(*x->attrs));
	x->n_attrs = x->cap_attrs = n;
	for (uint32_t i = 0; i < n; i++) {
		const char *name = atts[2 * i];
		const char *sep = strchr(name, SEP);
		struct xml_attr *at = &x->attrs[i];

		at->ns = NULL;
		if (sep) {
			at->ns = keep_name(e, name, (size_t)(sep - name));
			name = sep + 1;
		}
		at->name = keep_name(e, name, strlen(name));
		at->value = arena_strdup(e->arena, atts[2 * i + 1]);
	}
}

/* parent may be NULL. */
static struct xml *
read_element(struct engine *e, const char *name, const char **atts,
	     const struct frame *parent, size_t *ns_len_out)
{
	const char *sep = strchr(name, SEP), *ns = name;
	size_t ns_len = sep ? (size_t)(sep - name) : 0;
	struct xml *x;

	if (sep)
		name = sep + 1;
	if (parent && parent->ns_len == ns_len &&
	    !memcmp(parent->x->ns, ns, ns_len))
		ns = parent->x->ns;
	else
		ns = keep_name(e, ns, ns_len);
	x = xml_new(e->arena, keep_name(e, name, strlen(name)), ns);
	read_attrs(e, x, atts);
	*ns_len_out = ns_len;
	return x;
}

static void
push_kid(struct engine *e, struct xml *kid)
{
	if (e->n_kids == e->cap_kids) {
		e->cap_kids = e->cap_kids ? 2 * e->cap_kids : 64;
		e->kids = mem_realloc(e->kids, e->cap_kids * sizeof(*e->kids));
	}
	e->kids[e->n_kids++] = kid;
}

static void
push_frame(struct engine *e, struct xml *x, size_t ns_len)
{
	if (e->n_frames == e->cap_frames) {
		e->cap_frames = e->cap_frames ? 2 * e->cap_frames : 16;
		e->frames = mem_realloc(e->frames,
					e->cap_frames * sizeof(*e->frames));
	}
	e->frames[e->n_frames++] = (struct frame){
		.x = x,
		.ns_len = ns_len,
		.first_kid = e->n_kids,
	};
}

static void
flush_text(struct engine *e)
{
	if (!e->text.len)
		return;
	push_kid(e, xml_new_text(e->arena, e->text.data, e->text.len));
	e->text.len = 0;
}

/* --- The stream's header */

static void XMLCALL
on_declaration(void *data, const char *prefix, const char *uri)
{
	struct engine *e = data;

	if (!e->arena)
		e->arena = arena_new();
	if (!prefix)
		e->default_ns = uri ? keep_name(e, uri, strlen(uri)) : NULL;
	else if (!strcmp(prefix, "stream") && uri && !strcmp(uri, NS_STREAM))
		e->has_stream = true;
	else if (!strcmp(prefix, "db") && uri && !strcmp(uri, NS_DIALBACK))
		e->has_dialback = true;
	else
		e->has_other = true;
}

static enum xml_preset
find_preset(const struct engine *e, const struct xml *header)
{
	int i;

	if (e->has_other || !e->has_stream || !e->default_ns ||
	    !xml_is(header, "stream", NS_STREAM))
		return N_PRESETS;
	for (i = 0; i < N_PRESETS; i++) {
		if (!strcmp(presets[i].default_ns, e->default_ns) &&
		    presets[i].dialback == e->has_dialback)
			break;
	}
	return (enum xml_preset)i;
}

static void
open_stream(struct engine *e, const char *name, const char **atts)
{
	int offset = 0, size = 0, len = XML_GetCurrentByteCount(e->expat);
	const char *context = XML_GetInputContext(e->expat, &offset, &size);
	struct arena *a;
	struct xml *header;
	size_t ns_len;

	if (!e->arena)
		e->arena = arena_new();
	header = read_element(e, name, atts, NULL, &ns_len);
	if (e->is_dead)
		return;
	e->is_inside = true;
	XML_SetStartNamespaceDeclHandler(e->expat, NULL);
	a = e->arena;
	e->arena = NULL;
	e->user->on_open(e->user, a, header, e->default_ns,
			 find_preset(e, header), context + offset, (size_t)len);
}

/* --- Elements */

static void XMLCALL
on_start(void *data, const char *name, const char **atts)
{
	struct engine *e = data;
	const struct xml_limits *limits = e->user->limits;
	struct frame *parent = NULL;
	struct xml *x;
	size_t ns_len;

	if (e->is_dead)
		return;
	if ((size_t)XML_GetCurrentByteCount(e->expat) > limits->token) {
		fail(e, STREAM_POLICY_VIOLATION, "start tag too long");
		return;
	}
	if (!e->is_inside) {
		open_stream(e, name, atts);
		return;
	}
	if (e->n_frames >= limits->depth) {
		fail(e, STREAM_POLICY_VIOLATION, "too deep");
		return;
	}
	if (e->n_frames) {
		parent = &e->frames[e->n_frames - 1];
		if (++parent->elements > limits->children) {
			fail(e, STREAM_POLICY_VIOLATION, "too many children");
			return;
		}
		flush_text(e);
	} else {
		e->arena = arena_new();
		e->stanza_at = (uint64_t)XML_GetCurrentByteIndex(e->expat);
	}
	x = read_element(e, name, atts, parent, &ns_len);
	if (parent)
		push_kid(e, x);
	push_frame(e, x, ns_len);
}

static void
take_kids(struct engine *e, const struct frame *f)
{
	size_t n = e->n_kids - f->first_kid;

	if (!n)
		return;
	f->x->kids = arena_alloc(e->arena, n * sizeof(*f->x->kids));
	memcpy(f->x->kids, e->kids + f->first_kid, n * sizeof(*f->x->kids));
	f->x->n_kids = f->x->cap_kids = (uint32_t)n;
	e->n_kids = f->first_kid;
}

static void XMLCALL
on_end(void *data, const char *name)
{
	struct engine *e = data;
	struct frame *f;
	struct arena *a;

	(void)name;
	if (e->is_dead)
		return;
	if (!e->n_frames) {
		e->is_dead = true;
		XML_StopParser(e->expat, XML_FALSE);
		e->user->on_close(e->user);
		return;
	}
	flush_text(e);
	f = &e->frames[--e->n_frames];
	take_kids(e, f);
	if (e->n_frames)
		return;
	if (event_end(e) - e->stanza_at > e->user->limits->stanza) {
		fail(e, STREAM_POLICY_VIOLATION, "stanza too long");
		return;
	}
	a = e->arena;
	e->arena = NULL;
	e->user->on_element(e->user, a, f->x);
}

/* XML 1.0 2.3 */
static bool
is_space(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] != ' ' && s[i] != '\n' && s[i] != '\t' && s[i] != '\r')
			return false;
	}
	return true;
}

static void XMLCALL
on_text(void *data, const char *s, int len)
{
	struct engine *e = data;

	if (e->is_dead)
		return;
	if (e->n_frames)
		buf_add(&e->text, s, (size_t)len);
	else if (!is_space(s, (size_t)len))
		/* RFC 6120 11.7 allows only whitespace here. */
		fail(e, STREAM_BAD_FORMAT, "text between elements");
}

/* --- RFC 6120 11.1: what XMPP does not have of XML */

static void XMLCALL
on_doctype(void *data, const char *name, const char *sysid, const char *pubid,
	   int has_internal_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	fail(data, STREAM_RESTRICTED_XML, "document type declaration");
}

static void XMLCALL
on_comment(void *data, const char *text)
{
	(void)text;
	fail(data, STREAM_RESTRICTED_XML, "comment");
}

static void XMLCALL
on_instruction(void *data, const char *target, const char *text)
{
	(void)target;
	(void)text;
	fail(data, STREAM_RESTRICTED_XML, "processing instruction");
}

/* RFC 6120 11.6: UTF-8 and nothing else. */
static void XMLCALL
on_xml_decl(void *data, const char *version, const char *encoding,
	    int standalone)
{
	(void)version;
	(void)standalone;
	if (encoding && strcasecmp(encoding, "UTF-8") != 0)
		fail(data, STREAM_UNSUPPORTED_ENCODING, "not UTF-8");
}

/* RFC 6120 4.9.3.22: also where the bytes are no UTF-8. Expat says "invalid
 * token" for that and for much else, and points at the bytes. A character of
 * which the end has not come yet is given the benefit of the doubt. */
static bool
is_bad_utf8(const struct engine *e)
{
	int offset = 0, size = 0;
	const char *context = XML_GetInputContext(e->expat, &offset, &size);
	unsigned char lead;
	size_t left;

	if (!context || offset >= size)
		return false;
	lead = (unsigned char)context[offset];
	left = (size_t)(size - offset);
	if (lead >= 0xc2 && lead <= 0xf4 &&
	    left < (lead < 0xe0	  ? 2u
		    : lead < 0xf0 ? 3u
				  : 4u))
		return false;
	return !xml_utf8_len(context + offset, left);
}

static void
fail_by_code(struct engine *e, enum XML_Error code)
{
	switch (code) {
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_RECURSIVE_ENTITY_REF:
	case XML_ERROR_ASYNC_ENTITY:
	case XML_ERROR_BINARY_ENTITY_REF:
	case XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF:
	case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
		fail(e, STREAM_RESTRICTED_XML, "entity reference");
		return;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		fail(e, STREAM_UNSUPPORTED_ENCODING, "not UTF-8");
		return;
	case XML_ERROR_UNBOUND_PREFIX:
		/* RFC 6120 11.3 wants not-well-formed inside a stream; a
		 * header without its namespace has a condition of its own. */
		fail(e,
		     e->is_inside ? STREAM_NOT_WELL_FORMED
				  : STREAM_BAD_NAMESPACE_PREFIX,
		     "undeclared namespace prefix");
		return;
	default:
		if (code == XML_ERROR_INVALID_TOKEN && is_bad_utf8(e))
			fail(e, STREAM_UNSUPPORTED_ENCODING, "not UTF-8");
		else
			fail(e, STREAM_NOT_WELL_FORMED, XML_ErrorString(code));
	}
}

/* --- Engines */

static void
listen_to_elements(struct engine *e)
{
	XML_SetElementHandler(e->expat, on_start, on_end);
	XML_SetCharacterDataHandler(e->expat, on_text);
}

static struct engine *
engine_alloc(void)
{
	static const XML_Memory_Handling_Suite mem = {
		.malloc_fcn = mem_alloc,
		.realloc_fcn = mem_realloc,
		.free_fcn = free,
	};
	static const char sep[] = { SEP, '\0' };
	struct engine *e = mem_zalloc(sizeof(*e));

	e->expat = XML_ParserCreate_MM("UTF-8", &mem, sep);
	/* Unlike expat's own salt this costs no system call. */
	XML_SetHashSalt(e->expat, (unsigned long)hash_bytes(&e, sizeof(e)) | 1);
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	/* Or the last stanza waits in the parser until more bytes come. What
	 * this prevented is prevented by xml_limits.token. */
	XML_SetReparseDeferralEnabled(e->expat, XML_FALSE);
#endif
	XML_SetUserData(e->expat, e);
	XML_SetStartDoctypeDeclHandler(e->expat, on_doctype);
	XML_SetCommentHandler(e->expat, on_comment);
	XML_SetProcessingInstructionHandler(e->expat, on_instruction);
	XML_SetXmlDeclHandler(e->expat, on_xml_decl);
	return e;
}

struct engine *
engine_new(void)
{
	struct engine *e = engine_alloc();

	XML_SetStartNamespaceDeclHandler(e->expat, on_declaration);
	listen_to_elements(e);
	return e;
}

struct engine *
engine_new_inside(const char *header, size_t len)
{
	struct engine *e = engine_alloc();

	XML_Parse(e->expat, header, (int)len, XML_FALSE);
	e->fed = len;
	e->is_inside = true;
	listen_to_elements(e);
	return e;
}

void
engine_free(struct engine *e)
{
	if (!e)
		return;
	XML_ParserFree(e->expat);
	arena_unref(&e->arena);
	buf_fini(&e->text);
	free(e->frames);
	free(e->kids);
	free(e);
}

bool
engine_is_worn(const struct engine *e)
{
	return e->fed > WORN_BYTES;
}

void
engine_stop(struct engine *e)
{
	e->stopped_at = event_end(e);
	XML_StopParser(e->expat, XML_TRUE);
}

/* Both limits are also kept by on_start and on_end, for what came whole. */
static void
check_unfinished(struct engine *e, uint64_t unfinished)
{
	if (unfinished > e->user->limits->token)
		fail(e, STREAM_POLICY_VIOLATION, "start tag too long");
	else if (e->n_frames && e->fed - e->stanza_at > e->user->limits->stanza)
		fail(e, STREAM_POLICY_VIOLATION, "stanza too long");
}

/* Expat takes what looks like UTF-16 for UTF-16, whatever it was told. */
static void
check_start(struct engine *e, const char *data, size_t len)
{
	for (uint64_t i = e->fed; i < 2 && i - e->fed < len; i++) {
		unsigned char c = (unsigned char)data[i - e->fed];

		if (c == 0 || c >= 0xfe)
			fail(e, STREAM_UNSUPPORTED_ENCODING, "not UTF-8");
	}
}

enum engine_fed
engine_feed(struct engine *e, struct engine_user *u, const char *data,
	    size_t len, size_t *left_out)
{
	enum XML_Status status;
	uint64_t unfinished;

	*left_out = 0;
	e->user = u;
	check_start(e, data, len);
	if (e->is_dead)
		return ENGINE_DEAD;
	e->fed += len;
	status = XML_Parse(e->expat, data, (int)len, XML_FALSE);
	if (!e->is_dead && status == XML_STATUS_SUSPENDED) {
		*left_out = (size_t)(e->fed - e->stopped_at);
		if (*left_out)
			return ENGINE_STOPPED;
		status = XML_ResumeParser(e->expat);
	}
	if (!e->is_dead && status == XML_STATUS_ERROR)
		fail_by_code(e, XML_GetErrorCode(e->expat));
	if (e->is_dead)
		return ENGINE_DEAD;
	unfinished = e->fed - (uint64_t)XML_GetCurrentByteIndex(e->expat);
	check_unfinished(e, unfinished);
	if (e->is_dead)
		return ENGINE_DEAD;
	if (unfinished || e->n_frames || !e->is_inside)
		return ENGINE_MORE;
	return ENGINE_REST;
}

/* --- The pool */

struct xml_pool *
xml_pool_new(void)
{
	return mem_zalloc(sizeof(struct xml_pool));
}

void
xml_pool_free(struct xml_pool *pool)
{
	if (!pool)
		return;
	for (int i = 0; i < N_PRESETS; i++) {
		for (struct engine *e = pool->idle[i], *next; e; e = next) {
			next = e->next;
			engine_free(e);
		}
	}
	free(pool);
}

struct engine *
xml_pool_take(struct xml_pool *pool, enum xml_preset preset)
{
	struct engine *e = pool->idle[preset];
	const char *header = presets[preset].header;

	if (!e)
		return engine_new_inside(header, strlen(header));
	pool->idle[preset] = e->next;
	pool->n_idle[preset]--;
	e->next = NULL;
	return e;
}

void
xml_pool_give(struct xml_pool *pool, enum xml_preset preset, struct engine *e)
{
	if (engine_is_worn(e) || pool->n_idle[preset] >= POOL_MAX) {
		engine_free(e);
		return;
	}
	if (e->text.cap > TEXT_KEPT)
		buf_fini(&e->text);
	if (e->cap_kids > KIDS_KEPT) {
		free(e->kids);
		e->kids = NULL;
		e->cap_kids = 0;
	}
	e->user = NULL;
	e->next = pool->idle[preset];
	pool->idle[preset] = e;
	pool->n_idle[preset]++;
}

unsigned
xml_pool_idle(const struct xml_pool *pool)
{
	unsigned n = 0;

	for (int i = 0; i < N_PRESETS; i++)
		n += pool->n_idle[i];
	return n;
}
