/* endpoint.c - where to listen. */

#include "core/endpoint.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
bad(const char *text, struct err *err)
{
	return err_set(err,
		       "found \"%s\", expected an address and a port like "
		       "\"127.0.0.1:5222\" or \"[::1]:5222\"",
		       text);
}

/* Without brackets it is IPv4, with them IPv6. */
static int
parse_address(const char *s, size_t len, char out[INET6_ADDRSTRLEN])
{
	unsigned char raw[sizeof(struct in6_addr)];
	int family = AF_INET;

	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		family = AF_INET6;
		s++;
		len -= 2;
	}
	if (len >= INET6_ADDRSTRLEN)
		return -1;
	memcpy(out, s, len);
	out[len] = '\0';
	return inet_pton(family, out, raw) == 1 ? 0 : -1;
}

int
endpoint_parse(const char *text, struct endpoint *out, struct err *err)
{
	const char *colon = strrchr(text, ':');
	struct endpoint unused;
	unsigned long port;
	char *end;

	if (!out)
		out = &unused;
	if (!colon || colon[1] < '0' || colon[1] > '9')
		return bad(text, err);
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX ||
	    parse_address(text, (size_t)(colon - text), out->address) < 0)
		return bad(text, err);
	out->port = (uint16_t)port;
	return 0;
}

bool
endpoint_is_possible(const struct endpoint *ep)
{
	int family = strchr(ep->address, ':') ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}
