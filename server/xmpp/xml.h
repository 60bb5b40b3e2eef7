/*
 * xml.h - elements in an arena, and how they are written.
 *
 * A tree is built privately by one thread; once it is shared it is read-only.
 * Elements may appear in several trees (a new root that refers to old
 * children), so there are no links to parents or siblings.
 *
 * Strings in a tree live as long as its arena, or are static. An element's
 * namespace is always set ("" for none); prefixes are not kept.
 */
#ifndef XMPP_XML_H
#define XMPP_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

struct xml_attr {
	const char *ns; /* NULL: none, as nearly all attributes */
	const char *name;
	const char *value;
};

/* An element, or a piece of text (name is NULL, it has neither attributes nor
 * children). */
struct xml {
	const char *name;
	union {
		const char *ns;	  /* of an element */
		const char *text; /* of a piece of text, NUL-terminated */
	};
	struct xml_attr *attrs;
	struct xml **kids;
	uint32_t n_attrs, cap_attrs;
	uint32_t n_kids, cap_kids; /* a text: n_kids is its length */
};

/* Building. Strings are copied into the arena, except name, ns and attribute
 * names: those are static or already in the arena. */
struct xml *xml_new(struct arena *a, const char *name, const char *ns);
/* A new child element; ns NULL: the parent's. */
struct xml *
xml_add(struct arena *a, struct xml *parent, const char *name, const char *ns);
/* The child with text in one call: <name>text</name>. */
struct xml *xml_add_text(struct arena *a, struct xml *parent, const char *name,
			 const char *ns, const char *text);
void xml_text(struct arena *a, struct xml *parent, const char *text);
void
xml_text_len(struct arena *a, struct xml *parent, const char *text, size_t len);
/* A piece of text that is not a child yet. */
struct xml *xml_new_text(struct arena *a, const char *text, size_t len);
/* Sets or replaces; value NULL removes. */
void
xml_set(struct arena *a, struct xml *x, const char *name, const char *value);
/* An attribute in a namespace (NS_XML, "lang"); ns NULL: none. */
void xml_set_ns(struct arena *a, struct xml *x, const char *ns,
		const char *name, const char *value);
void
xml_set_int(struct arena *a, struct xml *x, const char *name, int64_t value);
/* Makes an existing element a child. Its arena must outlive a. */
void xml_append(struct arena *a, struct xml *parent, const struct xml *child);
/* The element with its attributes and an own array of the same children:
 * may be changed without changing the old one. */
struct xml *xml_shallow_copy(struct arena *a, const struct xml *x);
/* All of it, into another arena. */
struct xml *xml_deep_copy(struct arena *a, const struct xml *x);

/* Reading. */
bool xml_is(const struct xml *x, const char *name, const char *ns);
/* The attribute without namespace, or NULL. */
const char *xml_get(const struct xml *x, const char *name);
const char *xml_get_ns(const struct xml *x, const char *ns, const char *name);
/* xml:lang of this element, or NULL. */
const char *xml_lang(const struct xml *x);
/* The first child element with this name (NULL: any) and namespace (NULL:
 * any), or NULL. */
struct xml *xml_child(const struct xml *x, const char *name, const char *ns);
/* The next one after `after`, a child of x, which it has to look for: walk over
 * all with xml_each. */
struct xml *xml_next(const struct xml *x, const struct xml *after,
		     const char *name, const char *ns);
/* The text of the child, "" where it is empty, NULL where it is not there. */
const char *xml_child_text(struct arena *a, const struct xml *x,
			   const char *name, const char *ns);
/* All text directly inside, joined (in arena a only if in several pieces). */
const char *xml_get_text(struct arena *a, const struct xml *x);

/* xml_each(kid, x) { child elements, no text } */
#define xml_each(kid, x)                          \
	for (struct xml * kid, **kid##_at = NULL; \
	     (kid = xml_step((x), &kid##_at)) != NULL;)
/* The child element behind *at (NULL: the first), or NULL. */
struct xml *xml_step(const struct xml *x, struct xml ***at);

/* The same name, namespace, attributes in any order, children and pieces of
 * text in the same order. */
bool xml_eq(const struct xml *x, const struct xml *y);

/* Writing. ns_context: the default namespace where the text will stand ("":
 * none); it is declared again only where an element differs. What XML cannot
 * hold becomes U+FFFD. */
void xml_write(struct buf *b, const struct xml *x, const char *ns_context);
/* The same, but as <name …> without a declaration, for a prefix that was
 * declared outside ("stream:features"). */
void xml_write_as(struct buf *b, const struct xml *x, const char *name,
		  const char *ns_context);
/* In parts, for who writes start tags by hand: ` name='value'`, all attributes
 * of x, then all that follows them (`/>` or `>…</name>`). */
void xml_write_attr(struct buf *b, const char *name, const char *value);
void xml_write_attrs(struct buf *b, const struct xml *x);
void xml_write_rest(struct buf *b, const struct xml *x, const char *name,
		    const char *ns_context);
/* The length of the UTF-8 character at s, of which `left` bytes (not 0) are
 * there, or 0 where it is none. */
size_t xml_utf8_len(const char *s, size_t left);
/* As text, not for attributes. */
void xml_escape(struct buf *b, const char *text, size_t len);

#endif
