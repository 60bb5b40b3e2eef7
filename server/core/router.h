/*
 * router.h - whom a stanza is for (RFC 6120 section 10, RFC 6121 section 8).
 */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "core/hook.h"

#include <stdbool.h>

struct host;
struct jid;
struct server;
struct session;
struct stanza;
struct tls_cert;
struct tls_config;
struct wire;

/* From a session of ours; takes the reference. `from` has been set. It came by
 * this wire, which is told when it is over: wire_stanza_done. */
void route_from_session(struct session *s, struct stanza *stanza,
			struct wire *wire, unsigned weight);
/* The same for another kind of stream; see route. */
void route_from_wire(struct server *srv, struct stanza *stanza,
		     struct wire *wire, unsigned weight);

/* From anywhere else: modules, other servers. Takes the reference.
 * from and to are set. Errors go back to stanza->from. */
void route(struct server *srv, struct stanza *stanza);
/* The same, but it passes by what waits for the same way: for who sends it
 * inside of an event of that way. */
void route_ahead(struct server *srv, struct stanza *stanza);

/*
 * Who answers for a domain that is not a host: a component, a room service.
 * What it is sent it handles like a hook's handler: it may end with
 * event_fail, event_reply and the like, or wait; PASS counts as DONE.
 */
struct service {
	enum verdict (*receive)(void *data, struct event *ev);
	void *data;
	const char *name; /* in lists (XEP-0030); NULL: none */
	bool is_hidden;	  /* not in lists: another name of a service */
};

/* What its streams with other servers use, like a host's own. Refs, or NULL:
 * none; set by certs.c. */
struct service_tls {
	struct tls_cert *cert;
	struct tls_config *client; /* to dial others */
	struct tls_config *server; /* for who dials us and names it */
};
/* NULL where there is no such service. */
struct service_tls *
route_service_tls(const struct server *srv, const char *domain);

/* -1 where the domain is a host or taken. Borrows the service. */
int route_add_service(struct server *srv, const char *domain,
		      const struct service *service);
void route_remove_service(struct server *srv, const char *domain);
bool route_has_service(const struct server *srv, const char *domain);
/* Domains served here besides the hosts: calls fn for each. */
void route_each_service(struct server *srv,
			void (*fn)(void *data, const char *domain,
				   const struct service *service),
			void *data);

#endif
