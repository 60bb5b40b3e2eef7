/* directed.c - to whom a resource has sent its presence by itself. */

#include "modules/presence/directed.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static unsigned
find_gone(const struct directed *d, const struct jid *jid)
{
	unsigned i = d->n;

	while (i < d->n + d->n_gone && !jid_eq_bare(d->targets[i], jid))
		i++;
	return i;
}

bool
directed_knows(const struct directed *d, const struct jid *jid)
{
	return directed_has(d, jid) || find_gone(d, jid) < d->n + d->n_gone;
}

/* The order of the others stays. */
static void
take_out(struct directed *d, unsigned i)
{
	unsigned behind = d->n + d->n_gone - i - 1;

	jid_unref(&d->targets[i]);
	memmove(&d->targets[i], &d->targets[i + 1],
		behind * sizeof(*d->targets));
	*(i < d->n ? &d->n : &d->n_gone) -= 1;
}

static void
put_in(struct directed *d, unsigned i, struct jid *jid)
{
	unsigned all = d->n + d->n_gone;

	d->targets = mem_realloc(d->targets, (all + 1) * sizeof(*d->targets));
	memmove(&d->targets[i + 1], &d->targets[i],
		(all - i) * sizeof(*d->targets));
	d->targets[i] = jid_ref(jid);
}

static void
forget_gone(struct directed *d, const struct jid *jid)
{
	unsigned i;

	while ((i = find_gone(d, jid)) < d->n + d->n_gone)
		take_out(d, i);
}

static void
tidy(struct directed *d)
{
	if (!d->n && !d->n_gone)
		directed_fini(d);
}

bool
directed_add(struct directed *d, struct jid *jid, size_t max)
{
	if (directed_has(d, jid))
		return true;
	if (d->n >= max)
		return false;
	forget_gone(d, jid);
	put_in(d, d->n, jid);
	d->n++;
	return true;
}

void
directed_move(struct directed *d, struct jid *jid)
{
	/* The caller's may be the list's own reference. */
	jid_ref(jid);
	for (unsigned i = d->n; i-- > 0;) {
		if (jid_eq_bare(d->targets[i], jid))
			take_out(d, i);
	}
	directed_add(d, jid, SIZE_MAX);
	jid_unref(&jid);
}

void
directed_remove(struct directed *d, const struct jid *jid)
{
	unsigned i = find(d, jid);

	forget_gone(d, jid);
	if (i < d->n)
		take_out(d, i);
	tidy(d);
}

void
directed_gone(struct directed *d, const struct jid *jid)
{
	unsigned i = find(d, jid);
	struct jid *gone;

	if (i == d->n)
		return;
	gone = jid_ref(d->targets[i]);
	take_out(d, i);
	if (d->n_gone == DIRECTED_GONE_MAX)
		take_out(d, d->n);
	put_in(d, d->n + d->n_gone, gone);
	d->n_gone++;
	jid_unref(&gone);
}

void
directed_back(struct directed *d, struct jid *jid, size_t max)
{
	if (find_gone(d, jid) < d->n + d->n_gone)
		directed_add(d, jid, max);
}

void
directed_fini(struct directed *d)
{
	for (unsigned i = 0; i < d->n + d->n_gone; i++)
		jid_unref(&d->targets[i]);
	free(d->targets);
	*d = (struct directed){ 0 };
}
