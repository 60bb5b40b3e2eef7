/* ver.c - verification strings. */

#include "modules/caps/ver.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "xmpp/ns.h"
#include "xmpp/scram.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Names as in IANA's registry of hash functions. */
static const char *const hashes[SCRAM_HASHES] = {
	[SCRAM_SHA1] = "sha-1",
	[SCRAM_SHA256] = "sha-256",
	[SCRAM_SHA512] = "sha-512",
};

static int
find_hash(const char *name)
{
	for (int i = 0; i < SCRAM_HASHES; i++) {
		if (!strcmp(hashes[i], name))
			return i;
	}
	return -1;
}

bool
caps_hash_is_known(const char *hash)
{
	return find_hash(hash) >= 0;
}

/* All that is sorted together: identities, features, forms, fields, values. */
struct part {
	const char *keys[4]; /* compared one after the other */
	const struct xml *xml;
};

struct parts {
	struct part *items; /* in the arena */
	size_t n;
};

/* i;octet (RFC 4790 9.3) */
static int
compare(const void *a, const void *b)
{
	const struct part *p = a, *q = b;
	int c = 0;

	for (size_t i = 0; i < N_ELEMENTS(p->keys) && !c; i++)
		c = strcmp(p->keys[i], q->keys[i]);
	return c;
}

static struct parts
parts_new(struct arena *a, const struct xml *parent)
{
	return (struct parts){
		.items = arena_alloc(a, parent->n_kids * sizeof(struct part)),
	};
}

/* Factors are ended by '<'. One that has such a character itself would let
 * others of the same hash be made of it. */
static bool
add(struct parts *parts, const struct xml *x, const char *k0, const char *k1,
    const char *k2, const char *k3)
{
	struct part *p = &parts->items[parts->n++];

	*p = (struct part){ .keys = { k0, k1, k2, k3 }, .xml = x };
	for (size_t i = 0; i < N_ELEMENTS(p->keys); i++) {
		if (!p->keys[i])
			p->keys[i] = "";
		if (strchr(p->keys[i], '<'))
			return false;
	}
	return true;
}

static void
sort(struct parts *parts)
{
	if (parts->n)
		qsort(parts->items, parts->n, sizeof(*parts->items), compare);
}

/* Behind sort. */
static bool
has_twins(const struct parts *parts)
{
	for (size_t i = 1; i < parts->n; i++) {
		if (!compare(&parts->items[i - 1], &parts->items[i]))
			return true;
	}
	return false;
}

static bool
write_identities(struct arena *a, const struct xml *query, struct buf *s)
{
	struct parts parts = parts_new(a, query);

	xml_each (x, query) {
		if (xml_is(x, "identity", NS_DISCO_INFO) &&
		    !add(&parts, x, xml_get(x, "category"), xml_get(x, "type"),
			 xml_lang(x), xml_get(x, "name")))
			return false;
	}
	sort(&parts);
	for (size_t i = 0; i < parts.n; i++) {
		const char *const *k = parts.items[i].keys;

		buf_printf(s, "%s/%s/%s/%s<", k[0], k[1], k[2], k[3]);
	}
	return !has_twins(&parts);
}

static bool
write_features(struct arena *a, const struct xml *query, struct buf *s)
{
	struct parts parts = parts_new(a, query);

	xml_each (x, query) {
		if (xml_is(x, "feature", NS_DISCO_INFO) &&
		    !add(&parts, x, xml_get(x, "var"), NULL, NULL, NULL))
			return false;
	}
	sort(&parts);
	for (size_t i = 0; i < parts.n; i++)
		buf_printf(s, "%s<", parts.items[i].keys[0]);
	return !has_twins(&parts);
}

static bool
write_values(struct arena *a, const struct xml *field, struct buf *s)
{
	struct parts parts = parts_new(a, field);

	xml_each (x, field) {
		if (xml_is(x, "value", NS_DATA) &&
		    !add(&parts, x, xml_get_text(a, x), NULL, NULL, NULL))
			return false;
	}
	sort(&parts);
	for (size_t i = 0; i < parts.n; i++)
		buf_printf(s, "%s<", parts.items[i].keys[0]);
	return true;
}

static bool
is_form_type(const struct xml *field)
{
	const char *var = xml_get(field, "var");

	return var && !strcmp(var, "FORM_TYPE");
}

static bool
write_form(struct arena *a, const struct part *form, struct buf *s)
{
	struct parts parts = parts_new(a, form->xml);

	buf_printf(s, "%s<", form->keys[0]);
	xml_each (x, form->xml) {
		if (xml_is(x, "field", NS_DATA) && !is_form_type(x) &&
		    !add(&parts, x, xml_get(x, "var"), NULL, NULL, NULL))
			return false;
	}
	sort(&parts);
	for (size_t i = 0; i < parts.n; i++) {
		buf_printf(s, "%s<", parts.items[i].keys[0]);
		if (!write_values(a, parts.items[i].xml, s))
			return false;
	}
	return true;
}

/* 5.4, 3.5 and 3.6. NULL in *type_out: the form does not count. */
static bool
read_form_type(struct arena *a, const struct xml *form, const char **type_out)
{
	const char *type = NULL;
	bool is_hidden = false;

	xml_each (field, form) {
		const char *kind = xml_get(field, "type");

		if (!xml_is(field, "field", NS_DATA) || !is_form_type(field))
			continue;
		is_hidden = kind && !strcmp(kind, "hidden");
		xml_each (value, field) {
			const char *text = xml_get_text(a, value);

			if (type && strcmp(type, text) != 0)
				return false;
			type = text;
		}
	}
	*type_out = is_hidden ? type : NULL;
	return true;
}

static bool
write_forms(struct arena *a, const struct xml *query, struct buf *s)
{
	struct parts parts = parts_new(a, query);

	xml_each (x, query) {
		const char *type = NULL;

		if (!xml_is(x, "x", NS_DATA))
			continue;
		if (!read_form_type(a, x, &type) ||
		    (type && !add(&parts, x, type, NULL, NULL, NULL)))
			return false;
	}
	sort(&parts);
	for (size_t i = 0; i < parts.n; i++) {
		if (!write_form(a, &parts.items[i], s))
			return false;
	}
	return !has_twins(&parts);
}

const char *
caps_ver(struct arena *a, const struct xml *query, const char *hash)
{
	int h = find_hash(hash);
	struct buf s = { 0 }, text = { 0 };
	uint8_t digest[SCRAM_KEY_MAX];
	const char *ver = NULL;

	if (h >= 0 && write_identities(a, query, &s) &&
	    write_features(a, query, &s) && write_forms(a, query, &s)) {
		scram_digest((enum scram_hash)h, s.data ? s.data : "", s.len,
			     digest);
		base64_encode(&text, digest, scram_key_len((enum scram_hash)h));
		ver = arena_strndup(a, text.data, text.len);
	}
	buf_fini(&s);
	buf_fini(&text);
	return ver;
}
