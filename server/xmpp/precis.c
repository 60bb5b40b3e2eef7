/* precis.c - user names and passwords in Unicode (RFC 8264, RFC 8265). */

#include "xmpp/precis.h"

#include "base/buf.h"
#include "base/mem.h"
#include "xmpp/precis_class.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* RFC 8264 7: what is not stable after three more applications is refused. */
#define MAX_ROUNDS 4

/* Unicode maps no character to more than this many. */
#define MAX_EXPANSION 4u

/* Code points; most texts need no memory of their own. */
struct text {
	uint32_t *cp; /* room, or owned */
	size_t n, cap;
	uint32_t room[128];
};

struct profile {
	enum precis_class allowed;
	void (*map)(struct text *out, uint32_t c);
	bool has_bidi_rule;
};

static void
text_init(struct text *t)
{
	t->cp = t->room;
	t->n = 0;
	t->cap = N_ELEMENTS(t->room);
}

static void
text_fini(struct text *t)
{
	if (t->cp != t->room)
		free(t->cp);
}

/* Sets the text to n code points without a value. */
static void
text_resize(struct text *t, size_t n)
{
	if (n > t->cap) {
		text_fini(t);
		t->cp = mem_alloc(n * sizeof(*t->cp));
		t->cap = n;
	}
	t->n = n;
}

static int
decode(struct text *t, const char *s, size_t len)
{
	text_resize(t, len);
	return u8_to_u32((const uint8_t *)s, len, t->cp, &t->n) ? 0 : -1;
}

static int
encode(const struct text *t, struct buf *out)
{
	size_t len = t->n * 4;
	uint8_t *to = (uint8_t *)buf_reserve(out, len);

	if (!u32_to_u8(t->cp, t->n, to, &len))
		return -1;
	to[len] = '\0';
	out->len += len;
	return 0;
}

/* RFC 8264 5.2.1: fullwidth and halfwidth forms become ordinary ones. */
static uint32_t
map_width(uint32_t c)
{
	ucs4_t to[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;

	if (uc_decomposition(c, &tag, to) == 1 &&
	    (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
		return to[0];
	return c;
}

/* Each code point is lowered alone: in a whole string the final-sigma rule
 * would make the result depend on the neighbours. */
static void
map_username(struct text *out, uint32_t c)
{
	size_t n = MAX_EXPANSION;

	if (c >= 0x80)
		c = map_width(c);
	if (uc_tolower(c) == c) {
		out->cp[out->n++] = c;
		return;
	}
	u32_tolower(&c, 1, NULL, NULL, out->cp + out->n, &n);
	out->n += n;
}

/* RFC 8265 4.2.1: any space becomes the ASCII one. */
static void
map_opaque(struct text *out, uint32_t c)
{
	if (c >= 0x80 && uc_is_general_category(c, UC_SPACE_SEPARATOR))
		c = ' ';
	out->cp[out->n++] = c;
}

static const struct profile username = {
	.allowed = PRECIS_IDENTIFIER,
	.map = map_username,
	.has_bidi_rule = true,
};

static const struct profile opaque = {
	.allowed = PRECIS_FREEFORM,
	.map = map_opaque,
};

static int
compose(struct text *t, const struct text *from)
{
	size_t n;
	uint32_t *got;

	text_resize(t, from->n);
	n = t->n;
	got = u32_normalize(UNINORM_NFC, from->cp, from->n, t->cp, &n);
	if (!got)
		return -1;
	if (got != t->cp) {
		text_fini(t);
		t->cp = got;
		t->cap = n;
	}
	t->n = n;
	return 0;
}

/* Maps and normalizes once. 1: t has changed. */
static int
apply(struct text *t, const struct profile *p)
{
	struct text mapped, done;
	int ret = -1;

	text_init(&mapped);
	text_init(&done);
	text_resize(&mapped, t->n * MAX_EXPANSION);
	mapped.n = 0;
	for (size_t i = 0; i < t->n; i++)
		p->map(&mapped, t->cp[i]);
	if (compose(&done, &mapped) < 0)
		goto out;
	ret = done.n != t->n ||
	      memcmp(done.cp, t->cp, t->n * sizeof(*t->cp)) != 0;
	if (ret) {
		text_resize(t, done.n);
		memcpy(t->cp, done.cp, done.n * sizeof(*t->cp));
	}
out:
	text_fini(&mapped);
	text_fini(&done);
	return ret;
}

static int
apply_until_stable(struct text *t, const struct profile *p)
{
	for (int i = 0; i < MAX_ROUNDS; i++) {
		int changed = apply(t, p);

		if (changed <= 0)
			return changed;
	}
	return -1;
}

static int
prepare(const struct profile *p, const char *s, size_t len, struct buf *out)
{
	struct text t;
	int ret = -1;

	if (len == 0 || len > PRECIS_MAX)
		return -1;
	text_init(&t);
	if (decode(&t, s, len) < 0 || apply_until_stable(&t, p) < 0)
		goto out;
	if (t.n == 0 || !precis_is_allowed(t.cp, t.n, p->allowed))
		goto out;
	if (p->has_bidi_rule && !precis_is_bidi_ok(t.cp, t.n))
		goto out;
	ret = encode(&t, out);
out:
	text_fini(&t);
	return ret;
}

int
precis_username(const char *s, size_t len, struct buf *out)
{
	return prepare(&username, s, len, out);
}

int
precis_opaque(const char *s, size_t len, struct buf *out)
{
	return prepare(&opaque, s, len, out);
}
