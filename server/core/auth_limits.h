/*
 * auth_limits.h - how often somebody may fail to log in.
 *
 * Failures are counted for each pair of account and address, and more
 * generously for each address and each account alone. Who is over a limit is
 * refused until the window is over.
 */
#ifndef CORE_AUTH_LIMITS_H
#define CORE_AUTH_LIMITS_H

#include <stdbool.h>

struct auth_limits;
struct server;

struct auth_limits *auth_limits_new(struct server *srv);
void auth_limits_free(struct auth_limits *l);

/* account: bare JID; NULL: not known yet. */
bool auth_limits_allow(struct auth_limits *l, const char *account,
		       const char *address);
void auth_limits_failed(struct auth_limits *l, const char *account,
			const char *address);

#endif
