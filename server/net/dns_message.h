/* dns_message.h - what an answer of the DNS says: pure, for dns.c. */
#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include "net/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_AAAA = 28,
	DNS_SRV = 33
};

struct dns_message {
	/* How long the records hold, or that there are none (RFC 2308: the
	 * authority's SOA says so; without one, 0). */
	uint32_t ttl_s;
	/* Where the CNAMEs lead that start at the name, if that is elsewhere.
	 */
	char alias[DNS_NAME_MAX];
	size_t n_unusable; /* records of the type that make no sense */
	struct dns_srv srv[DNS_RECORDS_MAX];
	size_t n_srv;
	struct dns_address addresses[DNS_RECORDS_MAX];
	size_t n_addresses;
};

/* The records of that name and type, behind CNAMEs as well. Of more SRV records
 * than there is room for, those with the best priority stay. -1 where the
 * message breaks off or a CNAME leads round in a circle. */
int dns_message_read(const uint8_t *msg, size_t len, const char *name,
		     enum dns_type type, struct dns_message *out);

/* Letters, digits, hyphens and underscores in labels of at most 63, at most 253
 * in all; no dot at the end. */
bool dns_name_is_valid(const char *name);

#endif
