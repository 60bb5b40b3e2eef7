/*
 * dns.h - questions to the DNS, without waiting, on one loop.
 *
 * Answers are kept as long as their TTL allows, up to a number; the same
 * question twice at once is asked once. Only the loop's thread may call.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Of an answer with more records than this, these many are used. */
#define DNS_RECORDS_MAX 32
/* A name as text, with the NUL. */
#define DNS_NAME_MAX 256

struct dns;
struct dns_query;
struct err;
struct loop;

struct dns_settings {
	/* "127.0.0.1:5353,[::1]:53"; NULL: the system's, and addresses are
	 * looked for in the hosts file first. Copied. */
	const char *servers;
	int timeout_ms; /* of the first try; 0: 3000 */
	int tries;	/* of each server; 0: 2 */
};

enum dns_status {
	DNS_OK,
	DNS_NONE,  /* no such name, or no such record of it */
	DNS_FAILED /* not known: no answer, or none that can be used */
};

struct dns_srv {
	uint16_t priority, weight, port;
	char host[DNS_NAME_MAX]; /* "": the target ".", not offered */
};

struct dns_address {
	int family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* Valid during the call of done. */
struct dns_answer {
	enum dns_status status;
	const char *error; /* plain words where status is not DNS_OK */
	const struct dns_srv *srv;
	size_t n_srv; /* in the order of the answer: see dial_order */
	const struct dns_address *addresses;
	size_t n_addresses;
};

/* The query is over and freed when this is called, which is never inside of
 * the call that asked. May ask and cancel, but not free the struct dns. */
typedef void dns_done(void *data, const struct dns_answer *a);

/* NULL where the servers are not addresses or the resolver does not start. */
struct dns *dns_new(struct loop *loop, const struct dns_settings *settings,
		    struct err *err);
/* Asks other servers from now on; what is under way is asked again there.
 * -1: nothing has changed. */
int
dns_reload(struct dns *d, const struct dns_settings *settings, struct err *err);
/* Queries end without a call. */
void dns_free(struct dns *d);

/* name: A-labels, as "_xmpp-server._tcp.example.net". */
struct dns_query *
dns_srv(struct dns *d, const char *name, dns_done *done, void *data);
/* family: AF_INET or AF_INET6. host is a name; IP literals need no DNS. */
struct dns_query *dns_addresses(struct dns *d, const char *host, int family,
				dns_done *done, void *data);
/* done is not called any more. Clears q; *q may be NULL. */
void dns_cancel(struct dns_query **q);

#endif
