/*
 * component.h - external components (XEP-0114): programs that answer for a
 * domain of their own, connected by a stream that they open.
 */
#ifndef CORE_COMPONENT_H
#define CORE_COMPONENT_H

struct config;
struct err;
struct peer_addr;
struct server;

/* Makes the domains of the configuration known; until its component has
 * connected, a domain answers with remote-server-timeout. */
int
components_load(struct server *srv, const struct config *cfg, struct err *err);
/* New ones are added, secrets changed, removed ones disconnected. -1: a domain
 * is still taken, by a host that only goes at the next start; all others are
 * taken over. */
int components_reload(struct server *srv, const struct config *cfg,
		      struct err *err);
/* Takes the connected socket. */
void component_accept(struct server *srv, int fd, const struct peer_addr *peer);
/* At the end: they are told system-shutdown; then all is forgotten. */
void components_stop(struct server *srv);
void components_free(struct server *srv);

#endif
