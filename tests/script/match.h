/*
 * match.h - does an element look as the dialogue says?
 *
 * In a pattern, as the whole value of an attribute or the whole text of an
 * element, `*` stands for anything and {name} for what the name was bound to;
 * a name that is not bound yet is bound to what is there. `...` as text allows
 * more children, as attribute (_more, see match_prepare) more attributes.
 * Children may come in any order.
 *
 * Likewise {sealed KEY ROOM DOMAIN ABOUT NUMBER TEXT} (docs/dmuc.md, 5.10) is
 * opened: TEXT is what has to be in it, an element, or words with a blank
 * between them, each of which may be `*` or {name}, as NUMBER may.
 */
#ifndef SCRIPT_MATCH_H
#define SCRIPT_MATCH_H

#include "base/buf.h"
#include "base/list.h"

#include <stdbool.h>

struct xml;

/* Names and what they stand for. */
struct bindings {
	struct list list;
};

void bindings_init(struct bindings *b);
void bindings_fini(struct bindings *b);
const char *bindings_get(const struct bindings *b, const char *name);
void bindings_set(struct bindings *b, const char *name, const char *value);

/* Replaces {name} by its value wherever the name is bound. */
void
bindings_expand(const struct bindings *b, const char *text, struct buf *out);
/* Turns `...` inside of tags into an attribute, so that it is XML. */
void match_prepare(const char *text, struct buf *out);

/* False: why says what differs. Binds names only where all matches. */
bool match(const struct xml *pattern, const struct xml *x, struct bindings *b,
	   struct buf *why);

#endif
