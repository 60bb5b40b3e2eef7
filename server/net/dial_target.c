/* dial_target.c - one target as text, and the order of several. */

#include "net/dial.h"

#include "net/dns_message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static int
parse_port(const char *s, uint16_t *out)
{
	unsigned long n = 0;

	for (size_t i = 0; s[i]; i++) {
		if (s[i] < '0' || s[i] > '9' || i == 5)
			return -1;
		n = n * 10 + (unsigned long)(s[i] - '0');
	}
	*out = (uint16_t)n;
	return n > 0 && n <= UINT16_MAX ? 0 : -1;
}

int
dial_parse_target(const char *text, struct dial_target *out)
{
	const char *host = text, *end;
	struct in6_addr v6;
	bool is_v6;

	*out = (struct dial_target){ 0 };
	if (strncmp(text, "tls://", 6) == 0) {
		out->is_tls = true;
		host += 6;
	}
	is_v6 = *host == '[';
	if (is_v6) {
		end = strchr(++host, ']');
		if (!end || end[1] != ':' ||
		    parse_port(end + 2, &out->srv.port))
			return -1;
	} else {
		end = strchr(host, ':');
		if (!end || parse_port(end + 1, &out->srv.port))
			return -1;
	}
	if ((size_t)(end - host) >= sizeof(out->srv.host))
		return -1;
	memcpy(out->srv.host, host, (size_t)(end - host));
	if (is_v6)
		return inet_pton(AF_INET6, out->srv.host, &v6) == 1 ? 0 : -1;
	return dns_name_is_valid(out->srv.host) ? 0 : -1;
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int
by_priority(const void *a, const void *b)
{
	const struct dial_target *t = a, *u = b;

	if (t->srv.priority != u->srv.priority)
		return t->srv.priority < u->srv.priority ? -1 : 1;
	/* Those of weight 0 come first, so that they have a small chance. */
	return (t->srv.weight > 0) - (u->srv.weight > 0);
}

static void
swap(struct dial_target *a, struct dial_target *b)
{
	struct dial_target old = *a;

	*a = *b;
	*b = old;
}

/* Moves one of the n to the front: the first whose running sum of weights
 * reaches a number up to their sum. */
static void
choose_first(struct dial_target *t, size_t n, uint64_t *state)
{
	uint64_t sum = 0, wanted;
	size_t i;

	for (i = 0; i < n; i++)
		sum += t[i].srv.weight;
	wanted = next_random(state) % (sum + 1);
	sum = 0;
	for (i = 0; i < n - 1; i++) {
		sum += t[i].srv.weight;
		if (sum >= wanted)
			break;
	}
	/* One step at a time: those of weight 0 stay in front. */
	for (; i > 0; i--)
		swap(&t[i], &t[i - 1]);
}

void
dial_order(struct dial_target *targets, size_t n, uint64_t seed)
{
	if (!n)
		return;
	/* So that those of weight 0 have the same chance. */
	for (size_t i = n - 1; i > 0; i--)
		swap(&targets[i], &targets[next_random(&seed) % (i + 1)]);
	qsort(targets, n, sizeof(*targets), by_priority);
	for (size_t i = 0, end; i < n; i++) {
		for (end = i + 1; end < n; end++)
			if (targets[end].srv.priority !=
			    targets[i].srv.priority)
				break;
		choose_first(targets + i, end - i, &seed);
	}
}
