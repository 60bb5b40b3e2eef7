/*
 * dial.h - from a domain to a connected socket.
 *
 * Finds the targets of a domain (SRV records of RFC 2782, with direct TLS by
 * XEP-0368), and their addresses, and connects: targets in the order of
 * priority and weight, addresses of one priority raced as XEP-0495 and RFC 8305
 * say. What was connected first is handed out; who cannot use it asks for the
 * next. Only the loop's thread may call.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dial;
struct loop;

/* Of one domain. */
#define DIAL_TARGETS_MAX 32

struct dial_settings {
	struct dns *dns; /* borrowed while the dial lives */
	/* "xmpp-server": _xmpp-server._tcp and _xmpps-server._tcp. */
	const char *service;
	uint16_t default_port; /* where there are no SRV records */
	/* Where to connect instead of asking the DNS for targets: "host:port",
	 * "[v6]:port", "tls://host:port"; NULL-terminated. NULL: DNS. */
	const char *const *fixed;
	int connect_timeout_ms; /* of one address */
	int attempt_delay_ms;	/* before another one is tried beside it */
	int user_timeout_ms;	/* TCP_USER_TIMEOUT; 0: the system's */
	/* Each step in words, for people; may be NULL. Gets dial_new's data. */
	void (*trace)(void *data, const char *line);
};

enum dial_status {
	DIAL_OK,
	DIAL_NOT_FOUND,	 /* the DNS says: no such domain, or not this service */
	DIAL_UNREACHABLE /* not known, or each target has failed */
};

/* Valid during the call of done. */
struct dial_result {
	enum dial_status status;
	int fd;	     /* the callee's; -1 where status is not DIAL_OK */
	bool is_tls; /* TLS comes first */
	const char *host;
	uint16_t port;
	const char *address; /* as text, without port */
	const char *error;   /* plain words where status is not DIAL_OK */
};

/* Called from the loop, never inside of dial_new or dial_next. May call
 * dial_next and dial_free. */
typedef void dial_done(void *data, const struct dial_result *r);

/* domain: A-labels, or an IP literal ("192.0.2.1", "[2001:db8::1]"), which is
 * connected at default_port. The settings are copied. */
struct dial *
dial_new(struct loop *loop, const char *domain,
	 const struct dial_settings *settings, dial_done *done, void *data);
/* After DIAL_OK: that one was no good. The next address or target is tried, and
 * done called once more; when none is left, with DIAL_UNREACHABLE. */
void dial_next(struct dial *d);
/* done is not called any more. NULL is fine. */
void dial_free(struct dial *d);

struct dial_target {
	struct dns_srv srv;
	bool is_tls;
};

/* One of the fixed targets; -1 where it is none. */
int dial_parse_target(const char *text, struct dial_target *out);
/* In the order in which they are to be tried (RFC 2782): seed decides between
 * those of one priority. */
void dial_order(struct dial_target *targets, size_t n, uint64_t seed);

#endif
