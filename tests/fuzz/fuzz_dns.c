/* fuzz_dns.c - whatever a DNS server answers, what is read of it is usable. */

#include "base/mem.h"
#include "fuzz.h"
#include "net/dns_message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool is_true)
{
	if (!is_true)
		abort();
}

static void
check_message(const struct dns_message *m)
{
	must(strlen(m->alias) < DNS_NAME_MAX);
	must(m->n_srv <= DNS_RECORDS_MAX);
	must(m->n_addresses <= DNS_RECORDS_MAX);
	for (size_t i = 0; i < m->n_srv; i++) {
		const struct dns_srv *srv = &m->srv[i];

		must(!srv->host[0] ||
		     (srv->port && dns_name_is_valid(srv->host)));
	}
	for (size_t i = 0; i < m->n_addresses; i++)
		must(m->addresses[i].family == AF_INET ||
		     m->addresses[i].family == AF_INET6);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_SRV, DNS_A, DNS_AAAA };
	struct dns_message m;

	for (size_t i = 0; i < N_ELEMENTS(types); i++)
		if (dns_message_read(data, size, "a.example", types[i], &m) ==
		    0)
			check_message(&m);
	return 0;
}
