/* match.c - structural matching with wildcards and captures. */

#include "match.h"

#include "base/arena.h"
#include "base/mem.h"
#include "sealed.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct binding {
	struct list node;
	char *name, *value;
};

void
bindings_init(struct bindings *b)
{
	list_init(&b->list);
}

static void
binding_free(struct binding *x)
{
	list_remove(&x->node);
	free(x->name);
	free(x->value);
	free(x);
}

void
bindings_fini(struct bindings *b)
{
	list_each_safe (n, &b->list)
		binding_free(container_of(n, struct binding, node));
}

static struct binding *
find(const struct bindings *b, const char *name, size_t len)
{
	list_each (n, &b->list) {
		struct binding *x = container_of(n, struct binding, node);

		if (!strncmp(x->name, name, len) && !x->name[len])
			return x;
	}
	return NULL;
}

const char *
bindings_get(const struct bindings *b, const char *name)
{
	struct binding *x = find(b, name, strlen(name));

	return x ? x->value : NULL;
}

void
bindings_set(struct bindings *b, const char *name, const char *value)
{
	struct binding *x = find(b, name, strlen(name));

	if (x) {
		free(x->value);
	} else {
		x = mem_zalloc(sizeof(*x));
		x->name = mem_strdup(name);
		list_append(&b->list, &x->node);
	}
	x->value = mem_strdup(value);
}

void
bindings_expand(const struct bindings *b, const char *text, struct buf *out)
{
	while (*text) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		struct binding *x;

		x = end ? find(b, text + 1, (size_t)(end - text - 1)) : NULL;
		if (x) {
			buf_adds(out, x->value);
			text = end + 1;
		} else {
			buf_addc(out, *text++);
		}
	}
}

void
match_prepare(const char *text, struct buf *out)
{
	bool in_tag = false;
	char quote = '\0';

	for (; *text; text++) {
		if (quote) {
			if (*text == quote)
				quote = '\0';
		} else if (in_tag && (*text == '\'' || *text == '"')) {
			quote = *text;
		} else if (*text == '<') {
			in_tag = true;
		} else if (*text == '>') {
			in_tag = false;
		} else if (in_tag && !strncmp(text, "...", 3)) {
			buf_adds(out, "_more='1'");
			text += 2;
			continue;
		}
		buf_addc(out, *text);
	}
}

/* What was bound on the way, so that a mismatch can take it back. */
struct matching {
	struct bindings *bindings;
	struct buf *why;
};

static bool
word_matches(struct matching *m, const char *pattern, const char *value)
{
	size_t len = strlen(pattern);
	struct binding *x;
	char *name;

	if (!strcmp(pattern, "*"))
		return true;
	if (len < 3 || pattern[0] != '{' || pattern[len - 1] != '}')
		return !strcmp(pattern, value);
	x = find(m->bindings, pattern + 1, len - 2);
	if (x)
		return !strcmp(x->value, value);
	name = mem_strndup(pattern + 1, len - 2);
	bindings_set(m->bindings, name, value);
	free(name);
	return true;
}

/* One by one, with a blank between them. */
static bool
words_match(struct matching *m, const char *pattern, const char *text)
{
	size_t n = strcspn(pattern, " "), k = strcspn(text, " ");
	char *want = mem_strndup(pattern, n), *have = mem_strndup(text, k);
	bool ok = word_matches(m, want, have) && !pattern[n] == !text[k];

	free(want);
	free(have);
	return ok &&
	       (!pattern[n] || words_match(m, pattern + n + 1, text + k + 1));
}

static bool element_matches(struct matching *m, const struct xml *pattern,
			    const struct xml *x);

static bool
opened_matches(struct matching *m, const char *words, const struct xml *element,
	       const struct buf *text)
{
	struct xml_pool *pool;
	struct arena *a;
	struct xml *x;
	bool ok;

	if (!element)
		return words_match(m, words, text->data);
	pool = xml_pool_new();
	a = arena_new();
	x = xml_from_text(pool, a, text->data, text->len);
	if (!x)
		buf_printf(m->why, "what was sealed is '%s'\n", text->data);
	ok = x && element_matches(m, element, x);
	arena_unref(&a);
	xml_pool_free(pool);
	return ok;
}

/* element: what has to be in it, or NULL: that are words, behind the others. */
static bool
sealed_matches(struct matching *m, const char *words, size_t len,
	       const struct xml *element, const char *value)
{
	char *named = mem_strndup(words, len), number[21];
	struct buf known = { 0 }, text = { 0 };
	struct sealed s;
	uint64_t n;
	bool ok;

	bindings_expand(m->bindings, named, &known);
	ok = sealed_read(&s, known.data, known.len) &&
	     seal_open(&text, &n, &s.key, s.room, s.domain, s.about, value);
	if (!ok)
		buf_adds(m->why, "it is not sealed like that\n");
	if (ok) {
		snprintf(number, sizeof(number), "%" PRIu64, n);
		ok = word_matches(m, s.number, number) &&
		     opened_matches(m, s.text, element, &text);
	}
	sealed_fini(&s);
	buf_fini(&known);
	buf_fini(&text);
	free(named);
	return ok;
}

static bool
value_matches(struct matching *m, const char *pattern, const char *value)
{
	const char *words;
	size_t len;

	return sealed_is(pattern, &words, &len)
		       ? sealed_matches(m, words, len, NULL, value)
		       : word_matches(m, pattern, value);
}

static const struct xml_attr *
attr_like(const struct xml *x, const struct xml_attr *like)
{
	for (uint32_t i = 0; i < x->n_attrs; i++) {
		const struct xml_attr *a = &x->attrs[i];

		if (strcmp(a->name, like->name))
			continue;
		if (!a->ns == !like->ns && (!a->ns || !strcmp(a->ns, like->ns)))
			return a;
	}
	return NULL;
}

static bool
attrs_match(struct matching *m, const struct xml *pattern, const struct xml *x)
{
	bool more = xml_get(pattern, "_more") != NULL;

	for (uint32_t i = 0; i < pattern->n_attrs; i++) {
		const struct xml_attr *want = &pattern->attrs[i], *have;

		if (!strcmp(want->name, "_more"))
			continue;
		have = attr_like(x, want);
		if (!have || !value_matches(m, want->value, have->value)) {
			buf_printf(m->why, "<%s>: %s is %s%s%s, not '%s'\n",
				   x->name, want->name, have ? "'" : "",
				   have ? have->value : "missing",
				   have ? "'" : "", want->value);
			return false;
		}
	}
	for (uint32_t i = 0; !more && i < x->n_attrs; i++) {
		if (attr_like(pattern, &x->attrs[i]))
			continue;
		buf_printf(m->why, "<%s>: %s='%s' is too much\n", x->name,
			   x->attrs[i].name, x->attrs[i].value);
		return false;
	}
	return true;
}

/* Tries each child of x that is not taken; a child that does not fit must not
 * leave a trace. */
static bool
find_child(struct matching *m, const struct xml *pattern, const struct xml *x,
	   bool *taken)
{
	uint32_t i = 0;

	xml_each (kid, x) {
		struct buf quiet = { 0 };
		struct matching trial = { m->bindings, &quiet };
		bool fits = !taken[i] && element_matches(&trial, pattern, kid);

		buf_fini(&quiet);
		if (fits) {
			taken[i] = true;
			return true;
		}
		i++;
	}
	return false;
}

/* For a message that helps: the only child of that name tells what differs. */
static void
explain_child(struct matching *m, const struct xml *pattern,
	      const struct xml *x)
{
	struct xml *same = xml_child(x, pattern->name, pattern->ns);

	buf_printf(m->why, "<%s>: no child <%s xmlns='%s'> like that\n",
		   x->name, pattern->name, pattern->ns);
	if (same)
		element_matches(m, pattern, same);
}

static bool
has_dots(const struct xml *pattern, struct arena *a)
{
	const char *text = xml_get_text(a, pattern);

	return strstr(text, "...") != NULL;
}

static bool
kids_match(struct matching *m, const struct xml *pattern, const struct xml *x,
	   bool more)
{
	bool *taken = mem_zalloc(x->n_kids + 1);
	bool ok = true;
	uint32_t i = 0;

	xml_each (kid, pattern) {
		if (find_child(m, kid, x, taken))
			continue;
		explain_child(m, kid, x);
		ok = false;
		break;
	}
	xml_each (kid, x) {
		if (ok && !more && !taken[i++]) {
			buf_printf(m->why,
				   "<%s>: child <%s xmlns='%s'> is too "
				   "much\n",
				   x->name, kid->name, kid->ns);
			ok = false;
		}
	}
	free(taken);
	return ok;
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

static bool
text_matches(struct matching *m, struct arena *a, const struct xml *pattern,
	     const struct xml *x)
{
	const char *want = xml_get_text(a, pattern);
	const char *have = xml_get_text(a, x);

	if (is_blank(want) && is_blank(have))
		return true;
	if (value_matches(m, want, have))
		return true;
	buf_printf(m->why, "<%s>: text is '%s', not '%s'\n", x->name, have,
		   want);
	return false;
}

/* Children and text, or the child that is sealed there. */
static bool
content_matches(struct matching *m, struct arena *a, const struct xml *pattern,
		const struct xml *x)
{
	bool more = has_dots(pattern, a);
	const char *words;
	size_t len;

	if (sealed_is(xml_get_text(a, pattern), &words, &len)) {
		xml_each (kid, pattern)
			return sealed_matches(m, words, len, kid,
					      xml_get_text(a, x));
	}
	return kids_match(m, pattern, x, more) &&
	       (more || text_matches(m, a, pattern, x));
}

static bool
element_matches(struct matching *m, const struct xml *pattern,
		const struct xml *x)
{
	struct arena *a;
	bool ok;

	if (!xml_is(x, pattern->name, pattern->ns)) {
		buf_printf(m->why,
			   "it is <%s xmlns='%s'>, not <%s xmlns='%s'>\n",
			   x->name, x->ns, pattern->name, pattern->ns);
		return false;
	}
	a = arena_new();
	ok = attrs_match(m, pattern, x) && content_matches(m, a, pattern, x);
	arena_unref(&a);
	return ok;
}

static void
copy_bindings(const struct bindings *from, struct bindings *to)
{
	bindings_init(to);
	list_each (n, &from->list) {
		struct binding *x = container_of(n, struct binding, node);

		bindings_set(to, x->name, x->value);
	}
}

bool
match(const struct xml *pattern, const struct xml *x, struct bindings *b,
      struct buf *why)
{
	struct bindings trial;
	struct matching m = { &trial, why };
	bool ok;

	copy_bindings(b, &trial);
	ok = element_matches(&m, pattern, x);
	list_each (n, &trial.list) {
		struct binding *bound = container_of(n, struct binding, node);

		if (ok)
			bindings_set(b, bound->name, bound->value);
	}
	bindings_fini(&trial);
	return ok;
}
