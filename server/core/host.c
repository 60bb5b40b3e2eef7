/* host.c - a domain that we serve: its options and its modules. */

#include "core/host.h"

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/config.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/server.h"
#include "net/tls.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

static int
check_module(const char *value, struct err *err)
{
	for (const struct module *const *m = all_modules; *m; m++) {
		if (!strcmp((*m)->name, value))
			return 0;
	}
	return err_set(err, "found \"%s\", expected the name of a module",
		       value);
}

static int
check_bare_jid(const char *value, struct err *err)
{
	struct jid *jid = jid_parse(value);
	bool ok = jid && jid_local(jid) && jid_is_bare(jid);

	jid_unref(&jid);
	return ok ? 0
		  : err_set(err,
			    "found \"%s\", expected an address like "
			    "\"user@example.org\"",
			    value);
}

const struct option host_options[] = {
	{ "disabled-modules", OPT_LIST,
	  offsetof(struct host_options, disabled_modules), .def = "",
	  .check = check_module, .needs_restart = true,
	  .doc = "Modules that this host does without." },
	{ "admins", OPT_LIST, offsetof(struct host_options, admins), .def = "",
	  .check = check_bare_jid,
	  .doc = "Addresses of the users who may administer this host from "
		 "their clients." },
	{ "certificate", OPT_PATH, offsetof(struct host_options, certificate),
	  .doc = "File with the certificate chain of this host in PEM "
		 "format. Without it, certificates-dir is searched." },
	{ "key", OPT_PATH, offsetof(struct host_options, key),
	  .doc = "File with the private key in PEM format, where it is not "
		 "in the file of the certificate." },
	{ 0 },
};

static bool
is_disabled(const struct host *h, const char *name)
{
	const struct option_list *l = &h->opt.disabled_modules;

	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->items[i], name))
			return true;
	}
	return false;
}

/* The loaded modules' handlers, phase by phase, then in the modules' order. */
static void
chain_hooks(struct host *h, enum hook_id id, enum phase phase)
{
	struct hook_chain *chain = &h->hooks[id];

	for (const struct module *const *m = h->modules; *m; m++) {
		const struct hook *hook = (*m)->hooks;

		for (; hook && hook->fn; hook++) {
			if (hook->id != id || hook->phase != phase)
				continue;
			chain->calls = mem_realloc(
				chain->calls,
				(chain->n + 1) * sizeof(*chain->calls));
			chain->calls[chain->n++] = (struct hook_call){
				.fn = hook->fn,
				.data = (*m)->slot ? host_data(h, (*m)->slot)
						   : NULL,
			};
		}
	}
}

static int
load_module(struct host *h, unsigned index, const struct config *cfg,
	    struct err *err)
{
	const struct module *m = all_modules[index];
	void *data = NULL;

	for (const char *const *need = m->needs; need && *need; need++) {
		if (!host_has_module(h, *need))
			return err_set(
				err,
				"host \"%s\": module \"%s\" needs module "
				"\"%s\", which is in disabled-modules",
				h->name, m->name, *need);
	}
	if (m->slot)
		data = h->module_data[index] = mem_zalloc(m->host_size);
	if (m->options)
		config_fill(cfg, h->name, m->options, data);
	if (m->load && m->load(h, data, err) < 0) {
		if (m->options)
			option_fini(m->options, data);
		free(data);
		h->module_data[index] = NULL;
		return err_wrap(err, "host \"%s\": module \"%s\"", h->name,
				m->name);
	}
	if (m->iqs)
		iq_register(h, m->iqs, data);
	return 0;
}

static int
load_modules(struct host *h, const struct config *cfg, struct err *err)
{
	size_t n = 0, loaded = 0;

	while (all_modules[n])
		n++;
	h->modules = mem_zalloc((n + 1) * sizeof(*h->modules));
	h->module_data = mem_zalloc((n + 1) * sizeof(*h->module_data));
	for (unsigned i = 0; i < n; i++) {
		if (is_disabled(h, all_modules[i]->name))
			continue;
		if (load_module(h, i, cfg, err) < 0)
			return -1;
		h->modules[loaded++] = all_modules[i];
	}
	for (int id = 0; id < N_HOOKS; id++) {
		for (int phase = 0; phase < N_PHASES; phase++)
			chain_hooks(h, (enum hook_id)id, (enum phase)phase);
	}
	return 0;
}

struct host *
host_new(struct server *srv, const char *name, const struct config *cfg,
	 struct err *err)
{
	struct host *h = mem_zalloc(sizeof(*h));

	h->server = srv;
	h->store = srv->store;
	h->jid = jid_make(NULL, name, NULL);
	h->name = jid_str(h->jid);
	h->log.host = h->name;
	key_mix_init(&h->keys);
	config_fill(cfg, h->name, host_options, &h->opt);
	if (load_modules(h, cfg, err) < 0) {
		host_free(h);
		return NULL;
	}
	return h;
}

void
host_free(struct host *h)
{
	size_t n = 0;

	while (h->modules && h->modules[n])
		n++;
	iq_unregister_all(h);
	while (n-- > 0) {
		const struct module *m = h->modules[n];
		void *data = m->slot ? host_data(h, m->slot) : NULL;

		if (m->unload)
			m->unload(h, data);
		if (m->options)
			option_fini(m->options, data);
		free(data);
	}
	for (int id = 0; id < N_HOOKS; id++)
		free(h->hooks[id].calls);
	free(h->modules);
	free(h->module_data);
	tls_cert_unref(&h->cert);
	tls_config_unref(&h->s2s_tls_client);
	tls_config_unref(&h->s2s_tls);
	option_fini(host_options, &h->opt);
	jid_unref(&h->jid);
	free(h);
}

void
host_reload(struct host *h, const struct config *cfg)
{
	config_refill(cfg, h->name, host_options, &h->opt);
	for (const struct module *const *m = h->modules; *m; m++) {
		void *data = (*m)->slot ? host_data(h, (*m)->slot) : NULL;

		if ((*m)->options)
			config_refill(cfg, h->name, (*m)->options, data);
		if ((*m)->reloaded)
			(*m)->reloaded(h, data);
	}
}

static bool
host_eq(const struct map_node *n, const void *name)
{
	return !strcmp(
		container_of((struct map_node *)n, struct host, node)->name,
		name);
}

static struct host *
lookup(const struct server *srv, const char *domain, uint64_t hash)
{
	struct map_node *n = map_find(&srv->hosts, hash, host_eq, domain);

	return n ? container_of(n, struct host, node) : NULL;
}

struct host *
host_find(const struct server *srv, const char *domain)
{
	return lookup(srv, domain, hash_str(domain));
}

struct host *
host_of(const struct server *srv, const struct jid *jid)
{
	return lookup(srv, jid_domain(jid), jid_hash_domain(jid));
}

bool
host_is_admin(const struct host *h, const struct jid *jid)
{
	for (size_t i = 0; i < h->opt.admins.n; i++) {
		struct jid *admin = jid_parse(h->opt.admins.items[i]);
		bool is_same = admin && jid_eq_bare(admin, jid);

		jid_unref(&admin);
		if (is_same)
			return true;
	}
	return false;
}

bool
host_has_module(const struct host *h, const char *name)
{
	for (const struct module *const *m = h->modules; *m; m++) {
		if (!strcmp((*m)->name, name))
			return true;
	}
	return false;
}
