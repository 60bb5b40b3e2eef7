/* host.h - a domain that we serve. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include "base/log.h"
#include "base/map.h"
#include "core/hook.h"
#include "core/key_mix.h"
#include "core/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct err;
struct iq_handler;
struct jid;
struct module;
struct server;
struct store;
struct tls_cert;
struct tls_config;

/* Filled from the host's section; table in host.c. */
struct host_options {
	struct option_list disabled_modules;
	struct option_list admins; /* bare JIDs */
	char *certificate, *key;   /* paths; NULL: found in certificates-dir */
};

struct hook_call {
	hook_fn *fn;
	void *data;
};

struct hook_chain {
	struct hook_call *calls; /* owned; in order of phases */
	unsigned n;
};

struct host {
	struct map_node node;  /* in server->hosts, by name */
	struct server *server; /* borrowed */
	struct store *store;   /* borrowed */
	struct jid *jid;       /* ref; the domain */
	const char *name;      /* its text */
	struct log log;
	struct host_options opt;
	struct tls_cert *cert;		   /* ref; NULL: none */
	struct tls_config *s2s_tls_client; /* ref; to dial others */
	/* For servers that want this host and do not name it in TLS: ref, or
	 * NULL where no host has a certificate. */
	struct tls_config *s2s_tls;
	struct key_mix keys;
	struct hook_chain hooks[N_HOOKS];
	struct map iqs;	    /* private to iq.c */
	void **module_data; /* by module_slot.index; NULL: not loaded */
	const struct module **modules; /* loaded ones in order, NULL-ended */
};

extern const struct option host_options[];

/* Loads the modules. NULL with err. cfg is borrowed during the call. */
struct host *host_new(struct server *srv, const char *name,
		      const struct config *cfg, struct err *err);
void host_free(struct host *h);
/* Reads options again into the host and its modules. */
void host_reload(struct host *h, const struct config *cfg);

struct host *host_find(const struct server *srv, const char *domain);
struct host *host_of(const struct server *srv, const struct jid *jid);
/* Is this bare or full JID one of its administrators? */
bool host_is_admin(const struct host *h, const struct jid *jid);
bool host_has_module(const struct host *h, const char *name);

#endif
