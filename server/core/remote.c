/* remote.c - what the administrator says of other servers' domains. */

#include "core/remote.h"

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/config.h"
#include "core/server.h"
#include "net/dial.h"

#include <stdlib.h>
#include <string.h>

struct remote {
	struct map_node node; /* in server->remotes */
	struct remote_options opt;
	char **addresses; /* owned, its strings are opt's; NULL: none */
	/* "example.net", or ".example.net" for what is below it: no domain
	 * begins with a dot. */
	char name[];
};

static int
check_route(const char *value, struct err *err)
{
	struct dial_target unused;

	if (!dial_parse_target(value, &unused))
		return 0;
	return err_set(err,
		       "found \"%s\", expected a host and a port like "
		       "\"xmpp.example.net:5269\", \"[2001:db8::1]:5269\" or "
		       "\"tls://xmpp.example.net:5270\"",
		       value);
}

#define AT(field) offsetof(struct remote_options, field)
#define KB	  1024
#define GB	  (1024 * 1024 * 1024)

/* Where there is no default, the option at the top is it. */
const struct option remote_options[] = {
	{ "block", OPT_BOOL, AT(block), .def = "no",
	  .doc = "Nothing is sent to this domain or taken from it." },
	{ "require-certificate", OPT_BOOL, AT(require_certificate), .def = "no",
	  .doc = "Only a valid certificate proves that a server is this "
		 "domain; there is no dialback, whatever s2s-dialback and "
		 "dialback say." },
	{ "dialback", OPT_BOOL, AT(dialback),
	  .doc = "Whether dialback (XEP-0220) is enough where a certificate "
		 "does not prove that a server is this domain; where it is not "
		 "set, s2s-dialback decides." },
	{ "require-tls", OPT_BOOL, AT(require_tls),
	  .doc = "Whether streams with this domain have to be encrypted; where "
		 "it is not set, s2s-require-tls decides." },
	{ "bidi", OPT_BOOL, AT(bidi),
	  .doc = "Whether one stream with this domain is used in both "
		 "directions (XEP-0288); where it is not set, s2s-bidi "
		 "decides." },
	{ "address", OPT_LIST, AT(address), .check = check_route,
	  .doc = "Where the domain's server is, in place of what DNS says: "
		 "host:port for STARTTLS, tls://host:port for TLS from the "
		 "start; the host is a name, an IPv4 address or an IPv6 "
		 "address in brackets. They are tried in this order." },
	{ "rate", OPT_SIZE, AT(rate), .min = 0, .max = GB,
	  .doc = "Bytes a second that are read from this domain, 0: as many as "
		 "come; where it is not set, s2s-rate decides." },
	{ "burst", OPT_SIZE, AT(burst), .min = 16 * KB, .max = GB,
	  .doc = "Bytes that it may send at once; where it is not set, "
		 "s2s-burst decides." },
	{ "stanza-rate", OPT_INT, AT(stanza_rate), .min = 0, .max = 1000000,
	  .doc = "Stanzas a second that are read from this domain, and at "
		 "once, 0: as many as come; where it is not set, "
		 "s2s-stanza-rate decides." },
	{ 0 }
};

/* ---- sections ---- */

static void
remote_free(struct remote *r)
{
	option_fini(remote_options, &r->opt);
	free(r->addresses);
	free(r);
}

static void
add(struct server *srv, const struct config *cfg, size_t i)
{
	const char *domain = config_remote(cfg, i)->domain;
	const char *name = *domain == '*' ? domain + 1 : domain;
	struct remote *r = mem_zalloc(sizeof(*r) + strlen(name) + 1);
	struct option_list *list = &r->opt.address;

	strcpy(r->name, name);
	r->opt.dialback = srv->opt.s2s_dialback;
	r->opt.require_tls = srv->opt.s2s_require_tls;
	r->opt.bidi = srv->opt.s2s_bidi;
	r->opt.rate = srv->opt.s2s_rate;
	r->opt.burst = srv->opt.s2s_burst;
	r->opt.stanza_rate = srv->opt.s2s_stanza_rate;
	config_fill_remote(cfg, i, &r->opt);
	if (list->n) {
		r->addresses = mem_zalloc((list->n + 1) * sizeof(char *));
		memcpy(r->addresses, list->items, list->n * sizeof(char *));
	}
	map_insert(&srv->remotes, &r->node, hash_str(r->name));
}

static void
drop_all(struct server *srv)
{
	map_each (n, &srv->remotes) {
		map_remove(&srv->remotes, n);
		remote_free(container_of(n, struct remote, node));
	}
}

void
remotes_load(struct server *srv, const struct config *cfg)
{
	drop_all(srv);
	for (size_t i = 0; i < config_n_remotes(cfg); i++)
		add(srv, cfg, i);
}

void
remotes_free(struct server *srv)
{
	drop_all(srv);
	map_fini(&srv->remotes);
}

/* ---- policy ---- */

static bool
remote_eq(const struct map_node *n, const void *name)
{
	return !strcmp(
		container_of((struct map_node *)n, struct remote, node)->name,
		name);
}

static const struct remote *
find(const struct server *srv, const char *name)
{
	struct map_node *n;

	n = map_find(&srv->remotes, hash_str(name), remote_eq, name);
	return n ? container_of(n, struct remote, node) : NULL;
}

static const struct remote *
best(const struct server *srv, const char *domain)
{
	const struct remote *r;

	if (!srv->remotes.n)
		return NULL;
	r = find(srv, domain);
	for (const char *dot = strchr(domain, '.'); !r && dot;
	     dot = strchr(dot + 1, '.'))
		r = find(srv, dot);
	return r;
}

void
remote_policy_of(const struct server *srv, const char *domain,
		 struct remote_policy *out)
{
	const struct server_options *opt = &srv->opt;
	const struct remote *r = best(srv, domain);

	if (!r) {
		*out = (struct remote_policy){
			.is_blocked = !opt->s2s || opt->s2s_only_listed,
			.require_tls = opt->s2s_require_tls,
			.allow_dialback = opt->s2s_dialback,
			.bidi = opt->s2s_bidi,
			.rates = { .bytes = opt->s2s_rate,
				   .burst = opt->s2s_burst,
				   .stanzas = opt->s2s_stanza_rate },
		};
		return;
	}
	*out = (struct remote_policy){
		.is_blocked = !opt->s2s || r->opt.block,
		.require_tls = r->opt.require_tls,
		.allow_dialback =
			r->opt.dialback && !r->opt.require_certificate,
		.bidi = r->opt.bidi,
		.addresses = r->addresses,
		.rates = { .bytes = r->opt.rate,
			   .burst = r->opt.burst,
			   .stanzas = r->opt.stanza_rate },
	};
}
