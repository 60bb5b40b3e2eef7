/* directed.c - to whom a resource has sent its presence by itself. */

#include "modules/presence/directed.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned
total(const struct directed *d)
{
	return d->n + d->n_gone;
}

static struct jid **
targets(struct directed *d)
{
	return total(d) > 1 ? d->many : &d->one;
}

static struct jid *
target(const struct directed *d, unsigned i)
{
	return total(d) > 1 ? d->many[i] : d->one;
}

struct jid *
directed_at(const struct directed *d, unsigned i)
{
	return target(d, i);
}

/* A user is in a few rooms at once: no more than walking over them pays. */
static unsigned
find(const struct directed *d, const struct jid *jid)
{
	unsigned i = 0;

	while (i < d->n && !jid_eq(directed_at(d, i), jid))
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
		if (jid_eq_bare(directed_at(d, i), jid))
			return true;
	}
	return false;
}

static unsigned
find_gone(const struct directed *d, const struct jid *jid)
{
	unsigned i = d->n;

	while (i < total(d) && !jid_eq_bare(target(d, i), jid))
		i++;
	return i;
}

bool
directed_knows(const struct directed *d, const struct jid *jid)
{
	return directed_has(d, jid) || find_gone(d, jid) < total(d);
}

/* The order of the others stays. */
static void
take_out(struct directed *d, unsigned i)
{
	unsigned n = total(d);
	struct jid **all = targets(d);
	struct jid *left;

	jid_unref(&all[i]);
	memmove(&all[i], &all[i + 1], (n - i - 1) * sizeof(struct jid *));
	*(i < d->n ? &d->n : &d->n_gone) -= 1;
	if (n > 2)
		return;
	left = n == 2 ? all[0] : NULL;
	if (n == 2)
		free(all);
	d->one = left;
}

/* The caller counts it. */
static void
put_in(struct directed *d, unsigned i, struct jid *jid)
{
	unsigned n = total(d);
	struct jid *one = d->one;

	if (!n) {
		d->one = jid_ref(jid);
		return;
	}
	if (n == 1) {
		d->many = mem_alloc(2 * sizeof(struct jid *));
		d->many[0] = one;
	} else {
		d->many = mem_realloc(d->many, (n + 1) * sizeof(struct jid *));
	}
	memmove(&d->many[i + 1], &d->many[i], (n - i) * sizeof(struct jid *));
	d->many[i] = jid_ref(jid);
}

static void
forget_gone(struct directed *d, const struct jid *jid)
{
	unsigned i;

	while ((i = find_gone(d, jid)) < total(d))
		take_out(d, i);
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
		if (jid_eq_bare(target(d, i), jid))
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
}

void
directed_gone(struct directed *d, const struct jid *jid)
{
	unsigned i = find(d, jid);
	struct jid *gone;

	if (i == d->n)
		return;
	gone = jid_ref(target(d, i));
	take_out(d, i);
	if (d->n_gone == DIRECTED_GONE_MAX)
		take_out(d, d->n);
	put_in(d, total(d), gone);
	d->n_gone++;
	jid_unref(&gone);
}

void
directed_back(struct directed *d, struct jid *jid, size_t max)
{
	if (find_gone(d, jid) < total(d))
		directed_add(d, jid, max);
}

void
directed_fini(struct directed *d)
{
	while (total(d))
		take_out(d, total(d) - 1);
}
