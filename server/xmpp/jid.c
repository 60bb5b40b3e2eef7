/*
 * jid.c - addresses (RFC 7622).
 *
 * Almost every address on the wire is ASCII: those parts are checked and
 * lower-cased with a table, and nothing is allocated but the result.
 */

#include "xmpp/jid.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "xmpp/idna.h"
#include "xmpp/precis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63u

/*
 * The parts lie where each ends in a NUL without storing them all:
 *
 *	a@b/c NUL a@b NUL a NUL		(a@b/c)
 *	a@b NUL a NUL			(a@b)
 */
struct jid {
	atomic_uint refs;
	uint16_t len;
	uint16_t bare_len;
	uint16_t local_len;    /* 0: none */
	uint16_t resource_len; /* 0: none */
	uint64_t hash;	       /* of the whole text */
	uint64_t bare_hash;
	uint64_t domain_hash;
	char text[];
};

struct part {
	size_t len;
	char s[JID_PART_MAX];
};

/* What an ASCII character becomes, 0 where the full rules have to decide.
 * RFC 7622 3.3.1 keeps "&'/:<>@ out of local parts. */
#define NO_CONTROLS \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static const char local_map[128] =
	NO_CONTROLS "\0!\0#$%\0\0()*+,-.\0"
		    "0123456789\0;\0=\0?\0" LOWER "[\\]^_`" LOWER "{|}~";
static const char domain_map[128] =
	NO_CONTROLS "\0\0\0\0\0\0\0\0\0\0\0\0\0-.\0"
		    "0123456789\0\0\0\0\0\0\0" LOWER "\0\0\0\0\0\0" LOWER;

static char
map_ascii(const char *map, char c)
{
	return (unsigned char)c < 128 ? map[(unsigned char)c] : '\0';
}

static bool
fast_local(const char *s, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = map_ascii(local_map, s[i]);
		if (!out[i])
			return false;
	}
	return true;
}

static bool
fast_resource(const char *s, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return false;
	}
	memcpy(out, s, len);
	return true;
}

/* Reserved labels (xn--...) are for IDNA. */
static bool
is_plain_label(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	return len < 4 || label[2] != '-' || label[3] != '-';
}

static bool
fast_domain(const char *s, size_t len, char *out)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		out[i] = map_ascii(domain_map, s[i]);
		if (!out[i])
			return false;
		if (out[i] != '.')
			continue;
		if (!is_plain_label(out + label, i - label))
			return false;
		label = i + 1;
	}
	return is_plain_label(out + label, len - label);
}

static int
take(struct part *p, int ret, struct buf *b)
{
	if (ret == 0 && b->len > 0 && b->len <= JID_PART_MAX) {
		memcpy(p->s, b->data, b->len);
		p->len = b->len;
	} else {
		ret = -1;
	}
	buf_fini(b);
	return ret;
}

/* RFC 7622 3.3.1: after the mapping, for U+FF20 becomes '@'. */
static bool
has_excluded(const struct part *p)
{
	for (size_t i = 0; i < p->len; i++) {
		if (strchr("\"&'/:<>@", p->s[i]))
			return true;
	}
	return false;
}

static int
prep_local(struct part *p, const char *s, size_t len)
{
	struct buf b = { 0 };

	if (len > 0 && len <= JID_PART_MAX && fast_local(s, len, p->s)) {
		p->len = len;
		return 0;
	}
	if (take(p, precis_username(s, len, &b), &b) < 0)
		return -1;
	return has_excluded(p) ? -1 : 0;
}

static int
prep_resource(struct part *p, const char *s, size_t len)
{
	struct buf b = { 0 };

	if (len > 0 && len <= JID_PART_MAX && fast_resource(s, len, p->s)) {
		p->len = len;
		return 0;
	}
	return take(p, precis_opaque(s, len, &b), &b);
}

/* [IPv6], in the one form of RFC 5952. */
static int
prep_ip_literal(struct part *p, const char *s, size_t len)
{
	char z[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (len < 2 || len - 2 >= sizeof(z) || s[len - 1] != ']')
		return -1;
	memcpy(z, s + 1, len - 2);
	z[len - 2] = '\0';
	if (strlen(z) != len - 2 || inet_pton(AF_INET6, z, &addr) != 1)
		return -1;
	inet_ntop(AF_INET6, &addr, z, sizeof(z));
	p->len = (size_t)snprintf(p->s, sizeof(p->s), "[%s]", z);
	return 0;
}

/* RFC 7622 3.2: one dot at the end is not part of the address. */
static int
prep_domain(struct part *p, const char *s, size_t len)
{
	struct buf b = { 0 };
	size_t name_len = len;

	if (len > 0 && s[0] == '[')
		return prep_ip_literal(p, s, len);
	if (len > 0 && s[len - 1] == '.')
		name_len--;
	if (name_len > 0 && name_len <= JID_PART_MAX &&
	    fast_domain(s, name_len, p->s)) {
		p->len = name_len;
		return 0;
	}
	return take(p, idna_prepare(s, len, &b), &b);
}

static char *
put(char *at, const char *s, size_t len)
{
	memcpy(at, s, len);
	return at + len;
}

static char *
put_bare(char *at, const struct part *local, const struct part *domain)
{
	if (local) {
		at = put(at, local->s, local->len);
		*at++ = '@';
	}
	return put(at, domain->s, domain->len);
}

/* local and resource may be NULL. */
static struct jid *
build(const struct part *local, const struct part *domain,
      const struct part *resource)
{
	size_t local_len = local ? local->len : 0;
	size_t bare_len = domain->len + (local ? local_len + 1 : 0);
	size_t len = bare_len + (resource ? resource->len + 1 : 0);
	size_t size = len + 1 + (resource ? bare_len + 1 : 0) +
		      (local ? local_len + 1 : 0);
	struct jid *j = mem_alloc(sizeof(*j) + size);
	char *at = put_bare(j->text, local, domain);

	atomic_init(&j->refs, 1);
	j->len = (uint16_t)len;
	j->bare_len = (uint16_t)bare_len;
	j->local_len = (uint16_t)local_len;
	j->resource_len = resource ? (uint16_t)resource->len : 0;
	j->bare_hash = hash_bytes(j->text, bare_len);
	j->hash = j->bare_hash;
	j->domain_hash =
		local ? hash_bytes(domain->s, domain->len) : j->bare_hash;
	if (resource) {
		*at++ = '/';
		at = put(at, resource->s, resource->len);
		j->hash = hash_bytes(j->text, len);
		*at++ = '\0';
		at = put_bare(at, local, domain);
	}
	*at++ = '\0';
	if (local) {
		at = put(at, local->s, local->len);
		*at = '\0';
	}
	return j;
}

struct jid *
jid_parse(const char *s)
{
	return s ? jid_parse_len(s, strlen(s)) : NULL;
}

/* RFC 7622 3.1: the first '/' ends the bare part, then the first '@' in what
 * is left ends the local part. */
struct jid *
jid_parse_len(const char *s, size_t len)
{
	struct part local, domain, resource;
	const char *slash, *at, *from = s;
	size_t bare_len;

	if (!s || !len)
		return NULL;
	slash = memchr(s, '/', len);
	bare_len = slash ? (size_t)(slash - s) : len;
	at = memchr(s, '@', bare_len);
	if (at) {
		if (prep_local(&local, s, (size_t)(at - s)) < 0)
			return NULL;
		from = at + 1;
	}
	if (prep_domain(&domain, from, (size_t)(s + bare_len - from)) < 0)
		return NULL;
	if (slash &&
	    prep_resource(&resource, slash + 1, len - bare_len - 1) < 0)
		return NULL;
	return build(at ? &local : NULL, &domain, slash ? &resource : NULL);
}

struct jid *
jid_make(const char *local, const char *domain, const char *resource)
{
	struct part l, d, r;

	if (!domain || prep_domain(&d, domain, strlen(domain)) < 0)
		return NULL;
	if (local && prep_local(&l, local, strlen(local)) < 0)
		return NULL;
	if (resource && prep_resource(&r, resource, strlen(resource)) < 0)
		return NULL;
	return build(local ? &l : NULL, &d, resource ? &r : NULL);
}

static void
copy_part(struct part *p, const char *s, size_t len)
{
	p->len = len;
	memcpy(p->s, s, len);
}

static size_t
domain_len(const struct jid *j)
{
	return j->bare_len - (j->local_len ? j->local_len + 1u : 0u);
}

/* r may be NULL; the other parts come from j. */
static struct jid *
rebuild(const struct jid *j, const struct part *r)
{
	struct part l, d;

	copy_part(&d, jid_domain(j), domain_len(j));
	if (!j->local_len)
		return build(NULL, &d, r);
	copy_part(&l, j->text, j->local_len);
	return build(&l, &d, r);
}

struct jid *
jid_with_resource(const struct jid *j, const char *resource)
{
	struct part r;

	if (!j || !resource ||
	    prep_resource(&r, resource, strlen(resource)) < 0)
		return NULL;
	return rebuild(j, &r);
}

struct jid *
jid_bare(struct jid *j)
{
	if (!j || !j->resource_len)
		return jid_ref(j);
	return rebuild(j, NULL);
}

struct jid *
jid_ref(struct jid *j)
{
	if (j)
		atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed);
	return j;
}

void
jid_unref(struct jid **j)
{
	struct jid *old = *j;

	*j = NULL;
	if (old &&
	    atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) == 1)
		free(old);
}

const char *
jid_str(const struct jid *j)
{
	return j ? j->text : NULL;
}

size_t
jid_len(const struct jid *j)
{
	return j ? j->len : 0;
}

const char *
jid_bare_str(const struct jid *j)
{
	if (!j)
		return NULL;
	return j->resource_len ? j->text + j->len + 1 : j->text;
}

const char *
jid_local(const struct jid *j)
{
	if (!j || !j->local_len)
		return NULL;
	return jid_bare_str(j) + j->bare_len + 1;
}

const char *
jid_domain(const struct jid *j)
{
	if (!j)
		return NULL;
	return jid_bare_str(j) + (j->bare_len - domain_len(j));
}

const char *
jid_resource(const struct jid *j)
{
	if (!j || !j->resource_len)
		return NULL;
	return j->text + (j->len - j->resource_len);
}

bool
jid_is_bare(const struct jid *j)
{
	return j && !j->resource_len;
}

bool
jid_is_domain(const struct jid *j)
{
	return j && !j->resource_len && !j->local_len;
}

bool
jid_eq(const struct jid *a, const struct jid *b)
{
	if (a == b)
		return true;
	return a && b && a->hash == b->hash && a->len == b->len &&
	       memcmp(a->text, b->text, a->len) == 0;
}

bool
jid_eq_bare(const struct jid *a, const struct jid *b)
{
	if (a == b)
		return true;
	return a && b && a->bare_hash == b->bare_hash &&
	       a->bare_len == b->bare_len &&
	       memcmp(a->text, b->text, a->bare_len) == 0;
}

bool
jid_eq_domain(const struct jid *a, const struct jid *b)
{
	if (a == b)
		return true;
	return a && b && a->domain_hash == b->domain_hash &&
	       strcmp(jid_domain(a), jid_domain(b)) == 0;
}

uint64_t
jid_hash(const struct jid *j)
{
	return j ? j->hash : 0;
}

uint64_t
jid_hash_bare(const struct jid *j)
{
	return j ? j->bare_hash : 0;
}

uint64_t
jid_hash_domain(const struct jid *j)
{
	return j ? j->domain_hash : 0;
}

static int
append(struct buf *out, const struct part *p, int ret)
{
	if (ret < 0)
		return -1;
	buf_add(out, p->s, p->len);
	return 0;
}

int
jid_prep_local(const char *s, size_t len, struct buf *out)
{
	struct part p;

	return append(out, &p, prep_local(&p, s, len));
}

int
jid_prep_domain(const char *s, size_t len, struct buf *out)
{
	struct part p;

	return append(out, &p, prep_domain(&p, s, len));
}

int
jid_prep_resource(const char *s, size_t len, struct buf *out)
{
	struct part p;

	return append(out, &p, prep_resource(&p, s, len));
}
