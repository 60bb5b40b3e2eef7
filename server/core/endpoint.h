/* endpoint.h - "127.0.0.1:5222", "[::1]:5222": where to listen. */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

struct endpoint {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
};

/* err says what was found and what was expected. out may be NULL: also fit as
 * the check of an option. */
int endpoint_parse(const char *text, struct endpoint *out, struct err *err);

/* False: an IPv6 address where the system does without. */
bool endpoint_is_possible(const struct endpoint *ep);

#endif
