/* auth_limits.c - how often somebody may fail to log in. */

#include "core/auth_limits.h"

#include "base/mem.h"
#include "core/counts.h"
#include "core/server.h"

#include <stdlib.h>

/* One address may serve many users, one account may be attacked from many
 * addresses: each alone has more room than a pair. */
#define ADDRESS_FACTOR 5
#define ACCOUNT_FACTOR 10

struct auth_limits {
	struct server *server; /* borrowed */
	struct counts counts; /* key: "account\naddress", either may be empty */
};

struct auth_limits *
auth_limits_new(struct server *srv)
{
	struct auth_limits *l = mem_zalloc(sizeof(*l));

	l->server = srv;
	counts_init(&l->counts, srv->core, &srv->opt.auth_failures_window);
	return l;
}

void
auth_limits_free(struct auth_limits *l)
{
	if (!l)
		return;
	counts_fini(&l->counts);
	free(l);
}

static bool
has_room(const struct auth_limits *l, const char *account, const char *address,
	 int factor)
{
	char *key = mem_printf("%s\n%s", account, address);
	int64_t n = counts_get(&l->counts, key);

	free(key);
	return n < l->server->opt.auth_failures_max * factor;
}

bool
auth_limits_allow(struct auth_limits *l, const char *account,
		  const char *address)
{
	if (!l->server->opt.auth_failures_max || !l->counts.map.n)
		return true;
	if (!has_room(l, "", address, ADDRESS_FACTOR))
		return false;
	return !account || (has_room(l, account, address, 1) &&
			    has_room(l, account, "", ACCOUNT_FACTOR));
}

static void
count(struct auth_limits *l, const char *account, const char *address)
{
	char *key = mem_printf("%s\n%s", account, address);

	counts_add(&l->counts, key);
	free(key);
}

void
auth_limits_failed(struct auth_limits *l, const char *account,
		   const char *address)
{
	count(l, "", address);
	if (account) {
		count(l, account, address);
		count(l, account, "");
	}
}
