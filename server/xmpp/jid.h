/*
 * jid.h - addresses (RFC 7622).
 *
 * A struct jid is always valid, prepared and immutable: two of them are the
 * same address when their bytes are equal. Any thread may use one, take and
 * drop references. All functions accept NULL; where it stands for "no
 * address" they answer NULL, 0 or false.
 */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct jid;

/* Longest local part, domain or resource, in bytes (RFC 7622 3). */
#define JID_PART_MAX 1023u

/* From text as a peer sent it; NULL when that is not a valid address. */
struct jid *jid_parse(const char *s);
struct jid *jid_parse_len(const char *s, size_t len);
/* From parts not prepared yet; local and resource may be NULL for none. NULL
 * when a part is not valid; "" never is. */
struct jid *
jid_make(const char *local, const char *domain, const char *resource);
/* The same user or host with this resource. NULL when it is not valid. */
struct jid *jid_with_resource(const struct jid *j, const char *resource);
/* A new reference to the address without resource: j itself if it has none. */
struct jid *jid_bare(struct jid *j);

struct jid *jid_ref(struct jid *j);
void jid_unref(struct jid **j);

/* All texts are NUL-terminated and live as long as j. */
const char *jid_str(const struct jid *j);
size_t jid_len(const struct jid *j); /* of jid_str */
const char *jid_bare_str(const struct jid *j);
const char *jid_local(const struct jid *j);    /* NULL: none */
const char *jid_domain(const struct jid *j);   /* U-labels or an IP literal */
const char *jid_resource(const struct jid *j); /* NULL: none */

bool jid_is_bare(const struct jid *j);	 /* no resource */
bool jid_is_domain(const struct jid *j); /* neither local nor resource */

/* Two NULLs are equal. */
bool jid_eq(const struct jid *a, const struct jid *b);
bool jid_eq_bare(const struct jid *a, const struct jid *b);
bool jid_eq_domain(const struct jid *a, const struct jid *b);

/* hash_str() of jid_str, jid_bare_str and jid_domain, known in advance. */
uint64_t jid_hash(const struct jid *j);
uint64_t jid_hash_bare(const struct jid *j);
uint64_t jid_hash_domain(const struct jid *j);

/* Prepare one part and append it to out; -1, and nothing appended, when it is
 * not valid. A SASL user name is a local part. */
int jid_prep_local(const char *s, size_t len, struct buf *out);
int jid_prep_domain(const char *s, size_t len, struct buf *out);
int jid_prep_resource(const char *s, size_t len, struct buf *out);

#endif
