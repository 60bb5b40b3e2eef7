/*
 * remote.h - what the administrator says of other servers' domains: sections
 * `remote "example.net" { … }`, and the options at the top where there is none.
 *
 * A section for "*.example.net" is for every domain below example.net, not for
 * itself. The exact name goes before wildcards, the longer wildcard before the
 * shorter one; only one section counts.
 */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include "core/option.h"
#include "core/quota.h"

#include <stdbool.h>

struct config;
struct server;

/* A section. */
struct remote_options {
	bool block, require_certificate, dialback, require_tls, bidi;
	struct option_list address; /* [tls://]host:port */
	int64_t rate, burst;	    /* bytes a second, bytes */
	int64_t stanza_rate;	    /* a second */
};

extern const struct option remote_options[];

struct remote_policy {
	bool is_blocked;     /* also: not on the list, s2s-only-listed */
	bool require_tls;    /* nothing is sent or taken in the clear */
	bool allow_dialback; /* no: only its certificate proves who it is */
	bool bidi;	     /* XEP-0288 is offered and used */
	struct quota_rates rates; /* of what is read from it */
	/* A static route in place of DNS, NULL-terminated, each as in
	 * dial_settings.fixed; NULL: there is none. */
	char *const *addresses;
};

/* domain is prepared. What `out` points to is borrowed until the next reload.
 */
void remote_policy_of(const struct server *srv, const char *domain,
		      struct remote_policy *out);

/* For server.c: takes the sections over, in place of those it had, at the start
 * and at a reload; the options at the top are filled by then. */
void remotes_load(struct server *srv, const struct config *cfg);
void remotes_free(struct server *srv);

#endif
