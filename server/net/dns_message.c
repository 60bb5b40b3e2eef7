/* dns_message.c - reading answers (RFC 1035 section 4, RFC 2782). */

#include "net/dns_message.h"

#include <ares.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define HEADER_SIZE 12
#define CLASS_IN    1
/* CNAMEs in a row, as much as common resolvers follow. */
#define ALIASES_MAX 8

struct message {
	const uint8_t *data;
	size_t len;
	size_t n_answers, n_authorities;
	size_t answers_at;
};

struct record {
	char name[DNS_NAME_MAX];
	unsigned type, class;
	uint32_t ttl_s;
	size_t data_at, data_len;
};

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

bool
dns_name_is_valid(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > 253)
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '-' || *p == '_'))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

/* Moves *at behind the name. One that is too long for text, with its odd bytes
 * escaped, is nobody's name: it becomes "\". */
static int
read_name(const struct message *m, size_t *at, char out[DNS_NAME_MAX])
{
	long used;
	char *s;

	if (*at >= m->len ||
	    ares_expand_name(m->data + *at, m->data, (int)m->len, &s, &used) !=
		    ARES_SUCCESS)
		return -1;
	if (strlen(s) < DNS_NAME_MAX)
		strcpy(out, s);
	else
		strcpy(out, "\\");
	ares_free_string(s);
	*at += (size_t)used;
	return 0;
}

static int
read_record(const struct message *m, size_t *at, struct record *r)
{
	const uint8_t *p;

	if (read_name(m, at, r->name) < 0 || m->len - *at < 10)
		return -1;
	p = m->data + *at;
	r->type = get16(p);
	r->class = get16(p + 2);
	/* RFC 2181 section 8: a TTL with the highest bit is 0. */
	r->ttl_s = get32(p + 4) & 0x80000000u ? 0 : get32(p + 4);
	r->data_len = get16(p + 8);
	r->data_at = *at + 10;
	if (m->len - r->data_at < r->data_len)
		return -1;
	*at = r->data_at + r->data_len;
	return 0;
}

/* Header and question. */
static int
open_message(struct message *m, const uint8_t *data, size_t len)
{
	char name[DNS_NAME_MAX];
	size_t n_questions;

	if (len < HEADER_SIZE || len > UINT16_MAX)
		return -1;
	*m = (struct message){ data, len, get16(data + 6), get16(data + 8),
			       HEADER_SIZE };
	n_questions = get16(data + 4);
	for (size_t i = 0; i < n_questions; i++) {
		if (read_name(m, &m->answers_at, name) < 0 ||
		    len - m->answers_at < 4)
			return -1;
		m->answers_at += 4;
	}
	return 0;
}

static void
shorten(uint32_t *ttl_s, uint32_t other_s)
{
	if (other_s < *ttl_s)
		*ttl_s = other_s;
}

/* Finds the CNAME of that name: 1, and name is where it leads. */
static int
follow(const struct message *m, char name[DNS_NAME_MAX], uint32_t *ttl_s)
{
	size_t at = m->answers_at;
	struct record r;

	for (size_t i = 0; i < m->n_answers; i++) {
		if (read_record(m, &at, &r) < 0)
			return -1;
		if (r.type != DNS_CNAME || r.class != CLASS_IN ||
		    strcasecmp(r.name, name) != 0)
			continue;
		shorten(ttl_s, r.ttl_s);
		return read_name(m, &r.data_at, name) < 0 ? -1 : 1;
	}
	return 0;
}

static void
add_srv(struct dns_message *out, const struct dns_srv *srv)
{
	struct dns_srv *worst = out->srv;

	if (out->n_srv < DNS_RECORDS_MAX) {
		out->srv[out->n_srv++] = *srv;
		return;
	}
	for (size_t i = 1; i < out->n_srv; i++)
		if (out->srv[i].priority > worst->priority)
			worst = &out->srv[i];
	if (worst->priority > srv->priority)
		*worst = *srv;
}

static bool
read_srv(const struct message *m, const struct record *r,
	 struct dns_message *out)
{
	const uint8_t *p = m->data + r->data_at;
	size_t at = r->data_at + 6;
	struct dns_srv srv;

	if (r->data_len < 7)
		return false;
	srv.priority = (uint16_t)get16(p);
	srv.weight = (uint16_t)get16(p + 2);
	srv.port = (uint16_t)get16(p + 4);
	if (read_name(m, &at, srv.host) < 0 || at > r->data_at + r->data_len)
		return false;
	if (srv.host[0] && (!srv.port || !dns_name_is_valid(srv.host)))
		return false;
	add_srv(out, &srv);
	return true;
}

static bool
read_address(const struct message *m, const struct record *r,
	     struct dns_message *out)
{
	bool is_v4 = r->type == DNS_A;
	struct dns_address *a;

	if (r->data_len != (is_v4 ? 4 : 16))
		return false;
	if (out->n_addresses == DNS_RECORDS_MAX)
		return true;
	a = &out->addresses[out->n_addresses++];
	a->family = is_v4 ? AF_INET : AF_INET6;
	memcpy(is_v4 ? (void *)&a->v4 : (void *)&a->v6, m->data + r->data_at,
	       r->data_len);
	return true;
}

/* The records of the type; -1, or the place of the authority section. */
static long
read_answers(const struct message *m, const char *name, enum dns_type type,
	     struct dns_message *out)
{
	size_t at = m->answers_at;
	struct record r;

	for (size_t i = 0; i < m->n_answers; i++) {
		if (read_record(m, &at, &r) < 0)
			return -1;
		if (r.type != type || r.class != CLASS_IN ||
		    strcasecmp(r.name, name) != 0)
			continue;
		if (type == DNS_SRV ? read_srv(m, &r, out)
				    : read_address(m, &r, out))
			shorten(&out->ttl_s, r.ttl_s);
		else
			out->n_unusable++;
	}
	return (long)at;
}

/* RFC 2308 section 5. */
static void
read_authority(const struct message *m, size_t at, struct dns_message *out)
{
	struct record r;

	for (size_t i = 0; i < m->n_authorities; i++) {
		if (read_record(m, &at, &r) < 0)
			break;
		if (r.type != DNS_SOA || r.class != CLASS_IN || r.data_len < 22)
			continue;
		shorten(&out->ttl_s, r.ttl_s);
		/* "minimum" is the last field. */
		shorten(&out->ttl_s,
			get32(m->data + r.data_at + r.data_len - 4));
		return;
	}
	out->ttl_s = 0;
}

int
dns_message_read(const uint8_t *msg, size_t len, const char *name,
		 enum dns_type type, struct dns_message *out)
{
	struct message m;
	int n_aliases = 0, found;
	long end;

	out->n_srv = out->n_addresses = out->n_unusable = 0;
	out->ttl_s = UINT32_MAX;
	strcpy(out->alias, "");
	if (strlen(name) >= DNS_NAME_MAX || open_message(&m, msg, len) < 0)
		return -1;
	strcpy(out->alias, name);
	while ((found = follow(&m, out->alias, &out->ttl_s)) > 0)
		if (++n_aliases > ALIASES_MAX)
			return -1;
	if (found < 0)
		return -1;
	end = read_answers(&m, out->alias, type, out);
	if (end < 0)
		return -1;
	if (!out->n_srv && !out->n_addresses)
		read_authority(&m, (size_t)end, out);
	if (!n_aliases)
		strcpy(out->alias, "");
	return 0;
}
