/* xml.c - building and reading trees. */

#include "xmpp/xml.h"

#include "base/arena.h"
#include "xmpp/intern.h"
#include "xmpp/ns.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct xml *
xml_new(struct arena *a, const char *name, const char *ns)
{
	struct xml *x = arena_zalloc(a, sizeof(*x));

	assert(name && ns);
	x->name = name;
	x->ns = ns;
	return x;
}

/* An array twice as large, with room for one more than n. */
static void *
grow(struct arena *a, const void *old, uint32_t n, uint32_t *cap, size_t size)
{
	void *p;

	*cap = n < 4 ? 4 : 2 * n;
	p = arena_alloc(a, *cap * size);
	if (n)
		memcpy(p, old, n * size);
	return p;
}

static void
add_kid(struct arena *a, struct xml *parent, struct xml *kid)
{
	assert(parent->name);
	if (parent->n_kids == parent->cap_kids)
		parent->kids = grow(a, parent->kids, parent->n_kids,
				    &parent->cap_kids, sizeof(struct xml *));
	parent->kids[parent->n_kids++] = kid;
}

struct xml *
xml_add(struct arena *a, struct xml *parent, const char *name, const char *ns)
{
	struct xml *x = xml_new(a, name, ns ? ns : parent->ns);

	add_kid(a, parent, x);
	return x;
}

struct xml *
xml_add_text(struct arena *a, struct xml *parent, const char *name,
	     const char *ns, const char *text)
{
	struct xml *x = xml_add(a, parent, name, ns);

	xml_text(a, x, text);
	return x;
}

struct xml *
xml_new_text(struct arena *a, const char *text, size_t len)
{
	struct xml *x = arena_alloc(a, sizeof(*x) + len + 1);
	char *copy = (char *)(x + 1);

	assert(len <= UINT32_MAX);
	memset(x, 0, sizeof(*x));
	memcpy(copy, text, len);
	copy[len] = '\0';
	x->text = copy;
	x->n_kids = (uint32_t)len;
	return x;
}

void
xml_text(struct arena *a, struct xml *parent, const char *text)
{
	xml_text_len(a, parent, text, strlen(text));
}

void
xml_text_len(struct arena *a, struct xml *parent, const char *text, size_t len)
{
	if (len)
		add_kid(a, parent, xml_new_text(a, text, len));
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static struct xml_attr *
find_attr(const struct xml *x, const char *ns, const char *name)
{
	for (uint32_t i = 0; i < x->n_attrs; i++) {
		struct xml_attr *at = &x->attrs[i];

		if (same(at->name, name) && same(at->ns, ns))
			return at;
	}
	return NULL;
}

void
xml_set_ns(struct arena *a, struct xml *x, const char *ns, const char *name,
	   const char *value)
{
	struct xml_attr *at = find_attr(x, ns, name);

	if (!value) {
		if (at) {
			struct xml_attr *end = x->attrs + x->n_attrs--;

			memmove(at, at + 1,
				(size_t)(end - at - 1) * sizeof(*at));
		}
		return;
	}
	if (!at) {
		if (x->n_attrs == x->cap_attrs)
			x->attrs = grow(a, x->attrs, x->n_attrs, &x->cap_attrs,
					sizeof(*at));
		at = &x->attrs[x->n_attrs++];
		at->ns = ns;
		at->name = name;
	}
	at->value = arena_strdup(a, value);
}

void
xml_set(struct arena *a, struct xml *x, const char *name, const char *value)
{
	xml_set_ns(a, x, NULL, name, value);
}

void
xml_set_int(struct arena *a, struct xml *x, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	xml_set(a, x, name, text);
}

void
xml_append(struct arena *a, struct xml *parent, const struct xml *child)
{
	add_kid(a, parent, (struct xml *)child);
}

struct xml *
xml_shallow_copy(struct arena *a, const struct xml *x)
{
	struct xml *copy = xml_new(a, x->name, x->ns);

	/* Whoever copies is about to add something. */
	copy->cap_attrs = copy->n_attrs = x->n_attrs;
	copy->attrs = grow(a, x->attrs, x->n_attrs, &copy->cap_attrs,
			   sizeof(struct xml_attr));
	copy->n_kids = x->n_kids;
	copy->kids = grow(a, x->kids, x->n_kids, &copy->cap_kids,
			  sizeof(struct xml *));
	return copy;
}

static const char *
copy_name(struct arena *a, const char *s)
{
	size_t len = strlen(s);
	const char *known = intern_find(s, len);

	return known ? known : arena_strndup(a, s, len);
}

static struct xml *
deep_copy(struct arena *a, const struct xml *x, const struct xml *from_parent,
	  const struct xml *to_parent)
{
	struct xml *copy;

	if (!x->name)
		return xml_new_text(a, x->text, x->n_kids);
	copy = xml_new(a, copy_name(a, x->name),
		       from_parent && from_parent->ns == x->ns
			       ? to_parent->ns
			       : copy_name(a, x->ns));
	copy->n_attrs = copy->cap_attrs = x->n_attrs;
	copy->attrs = arena_alloc(a, x->n_attrs * sizeof(struct xml_attr));
	for (uint32_t i = 0; i < x->n_attrs; i++) {
		const struct xml_attr *at = &x->attrs[i];

		copy->attrs[i] = (struct xml_attr){
			.ns = at->ns ? copy_name(a, at->ns) : NULL,
			.name = copy_name(a, at->name),
			.value = arena_strdup(a, at->value),
		};
	}
	copy->n_kids = copy->cap_kids = x->n_kids;
	copy->kids = arena_alloc(a, x->n_kids * sizeof(struct xml *));
	for (uint32_t i = 0; i < x->n_kids; i++)
		copy->kids[i] = deep_copy(a, x->kids[i], x, copy);
	return copy;
}

struct xml *
xml_deep_copy(struct arena *a, const struct xml *x)
{
	return deep_copy(a, x, NULL, NULL);
}

bool
xml_is(const struct xml *x, const char *name, const char *ns)
{
	return x->name && same(x->name, name) && same(x->ns, ns);
}

const char *
xml_get_ns(const struct xml *x, const char *ns, const char *name)
{
	struct xml_attr *at = find_attr(x, ns, name);

	return at ? at->value : NULL;
}

const char *
xml_get(const struct xml *x, const char *name)
{
	return xml_get_ns(x, NULL, name);
}

const char *
xml_lang(const struct xml *x)
{
	return xml_get_ns(x, NS_XML, "lang");
}

static bool
matches(const struct xml *x, const char *name, const char *ns)
{
	return x->name && (!name || same(x->name, name)) &&
	       (!ns || same(x->ns, ns));
}

struct xml *
xml_step(const struct xml *x, struct xml ***at)
{
	struct xml **end;

	if (!x->n_kids)
		return NULL;
	end = x->kids + x->n_kids;
	for (*at = *at ? *at + 1 : x->kids; *at != end; ++*at) {
		if ((**at)->name)
			return **at;
	}
	return NULL;
}

struct xml *
xml_child(const struct xml *x, const char *name, const char *ns)
{
	for (uint32_t i = 0; i < x->n_kids; i++) {
		if (matches(x->kids[i], name, ns))
			return x->kids[i];
	}
	return NULL;
}

struct xml *
xml_next(const struct xml *x, const struct xml *after, const char *name,
	 const char *ns)
{
	uint32_t i = 0;

	while (i < x->n_kids && x->kids[i] != after)
		i++;
	for (i++; i < x->n_kids; i++) {
		if (matches(x->kids[i], name, ns))
			return x->kids[i];
	}
	return NULL;
}

const char *
xml_child_text(struct arena *a, const struct xml *x, const char *name,
	       const char *ns)
{
	const struct xml *child = xml_child(x, name, ns);

	return child ? xml_get_text(a, child) : NULL;
}

const char *
xml_get_text(struct arena *a, const struct xml *x)
{
	const struct xml *only = NULL;
	size_t len = 0, pieces = 0;
	char *text, *to;

	for (uint32_t i = 0; i < x->n_kids; i++) {
		if (x->kids[i]->name)
			continue;
		only = x->kids[i];
		len += only->n_kids;
		pieces++;
	}
	if (!pieces)
		return "";
	if (pieces == 1)
		return only->text;
	text = to = arena_alloc(a, len + 1);
	for (uint32_t i = 0; i < x->n_kids; i++) {
		const struct xml *kid = x->kids[i];

		if (kid->name)
			continue;
		memcpy(to, kid->text, kid->n_kids);
		to += kid->n_kids;
	}
	*to = '\0';
	return text;
}

bool
xml_eq(const struct xml *x, const struct xml *y)
{
	if (!x->name || !y->name)
		return !x->name && !y->name && x->n_kids == y->n_kids &&
		       !memcmp(x->text, y->text, x->n_kids);
	if (!xml_is(x, y->name, y->ns) || x->n_attrs != y->n_attrs ||
	    x->n_kids != y->n_kids)
		return false;
	for (uint32_t i = 0; i < x->n_attrs; i++) {
		const struct xml_attr *at = &x->attrs[i];
		const char *value = xml_get_ns(y, at->ns, at->name);

		if (!value || strcmp(value, at->value) != 0)
			return false;
	}
	for (uint32_t i = 0; i < x->n_kids; i++) {
		if (!xml_eq(x->kids[i], y->kids[i]))
			return false;
	}
	return true;
}
