/* versions.c - versions of a room's lists, and what has changed. */

#include "modules/muc/versions.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
versions_fini(struct versions *v)
{
	for (size_t i = 0; i < v->n; i++)
		jid_unref(&v->changes[i].jid);
	free(v->changes);
	*v = (struct versions){ 0 };
}

void
versions_restore(struct versions *v, int64_t now, int64_t floor)
{
	versions_fini(v);
	v->now = now;
	v->floor = floor;
}

static void
drop_oldest(struct versions *v)
{
	v->floor = v->changes[0].version;
	jid_unref(&v->changes[0].jid);
	memmove(v->changes, v->changes + 1, --v->n * sizeof(*v->changes));
}

void
versions_add(struct versions *v, int64_t version, struct jid *jid,
	     enum affiliation affiliation)
{
	if (v->n == VERSIONS_KEPT)
		drop_oldest(v);
	if (v->n == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 2;
		v->changes =
			mem_realloc(v->changes, v->cap * sizeof(*v->changes));
	}
	v->changes[v->n++] =
		(struct version_change){ version, jid_ref(jid), affiliation };
}

void
versions_note(struct versions *v, struct jid *jid, enum affiliation affiliation)
{
	versions_add(v, ++v->now, jid, affiliation);
}

bool
versions_since(const struct versions *v, int64_t since, size_t *at_out)
{
	size_t at = v->n;

	if (since < v->floor || since > v->now)
		return false;
	while (at > 0 && v->changes[at - 1].version > since)
		at--;
	*at_out = at;
	return true;
}

const char *
versions_text(int64_t created_ms, int64_t version, unsigned part,
	      char out[VERSIONS_TEXT_MAX])
{
	int len = snprintf(out, VERSIONS_TEXT_MAX, "%" PRIx64 "-%" PRId64,
			   (uint64_t)created_ms, version);

	if (part)
		snprintf(out + len, VERSIONS_TEXT_MAX - (size_t)len, ".%u",
			 part);
	return out;
}

int64_t
versions_parse(int64_t created_ms, const char *text)
{
	char again[VERSIONS_TEXT_MAX];
	const char *dash = strchr(text, '-');
	int64_t version = dash ? strtoll(dash + 1, NULL, 10) : -1;

	/* Only as it was written. */
	versions_text(created_ms, version, 0, again);
	return version >= 0 && !strcmp(again, text) ? version : -1;
}
