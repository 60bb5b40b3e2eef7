/* directed.c - to whom a resource has sent its presence by itself. */

#include "modules/presence/directed.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <stdint.h>
#include <stdlib.h>

/* A user is in a few rooms at once: no more than walking over them pays. */
static unsigned
find(const struct directed *d, const struct jid *jid)
{
	unsigned i = 0;

	while (i < d->n && !jid_eq(d->targets[i], jid))
		i++;
	return i;
}

bool
directed_has(const struct directed *d, const struct jid *jid)
{
	return find(d, jid) < d->n;
}

bool
directed_has_bare(const struct directed *d, const struct jid *jid)
{
	for (unsigned i = 0; i < d->n; i++) {
		if (jid_eq_bare(d->targets[i], jid))
			return true;
	}
	return false;
}

bool
directed_add(struct directed *d, struct jid *jid, size_t max)
{
	if (directed_has(d, jid))
		return true;
	if (d->n >= max)
		return false;
	d->targets = mem_realloc(d->targets, (d->n + 1) * sizeof(*d->targets));
	d->targets[d->n++] = jid_ref(jid);
	return true;
}

void
directed_move(struct directed *d, struct jid *jid)
{
	unsigned kept = 0;

	/* The caller's may be the list's own reference. */
	jid_ref(jid);
	for (unsigned i = 0; i < d->n; i++) {
		if (jid_eq_bare(d->targets[i], jid))
			jid_unref(&d->targets[i]);
		else
			d->targets[kept++] = d->targets[i];
	}
	d->n = kept;
	directed_add(d, jid, SIZE_MAX);
	jid_unref(&jid);
}

void
directed_remove(struct directed *d, const struct jid *jid)
{
	unsigned i = find(d, jid);

	if (i == d->n)
		return;
	jid_unref(&d->targets[i]);
	d->targets[i] = d->targets[--d->n];
	if (!d->n)
		directed_fini(d);
}

void
directed_fini(struct directed *d)
{
	while (d->n)
		jid_unref(&d->targets[--d->n]);
	free(d->targets);
	d->targets = NULL;
}
