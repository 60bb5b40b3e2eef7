/* rsm.c - results that come page by page (XEP-0059). */

#include "xmpp/rsm.h"

#include "base/arena.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* Longer ones count as that. */
#define MAX_DIGITS 9

/* -1: no number. */
static int64_t
read_max(const char *text)
{
	int64_t n = 0;
	int digits = 0;

	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (digits++ < MAX_DIGITS)
			n = n * 10 + (*s - '0');
	}
	return digits ? n : -1;
}

enum stanza_cond
rsm_read(struct arena *a, const struct xml *parent, struct rsm *out)
{
	const struct xml *set = xml_child(parent, "set", NS_RSM);
	const char *max;

	*out = (struct rsm){ .is_there = set != NULL, .max = -1 };
	if (!set)
		return COND_NONE;
	if (xml_child(set, "index", NS_RSM))
		return COND_FEATURE_NOT_IMPLEMENTED;
	max = xml_child_text(a, set, "max", NS_RSM);
	if (max) {
		out->max = read_max(max);
		if (out->max < 0)
			return COND_BAD_REQUEST;
	}
	out->after = xml_child_text(a, set, "after", NS_RSM);
	if (out->after && !*out->after)
		out->after = NULL;
	out->before = xml_child_text(a, set, "before", NS_RSM);
	out->is_backwards = out->before != NULL;
	if (out->before && !*out->before)
		out->before = NULL;
	return COND_NONE;
}

static void
add_number(struct arena *a, struct xml *set, const char *name, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	xml_add_text(a, set, name, NULL, text);
}

void
rsm_add(struct arena *a, struct xml *parent, const struct rsm_page *page)
{
	struct xml *set = xml_add(a, parent, "set", NS_RSM), *first;

	if (page->first) {
		first = xml_add_text(a, set, "first", NULL, page->first);
		if (page->index >= 0)
			xml_set_int(a, first, "index", page->index);
		xml_add_text(a, set, "last", NULL, page->last);
	}
	if (page->count >= 0)
		add_number(a, set, "count", page->count);
}
