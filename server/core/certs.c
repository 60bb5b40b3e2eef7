/* certs.c - which certificate is for which host. */

#include "core/certs.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/config.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "net/loop.h"
#include "net/tls.h"
#include "xmpp/idna.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_S	  86400
#define WARN_DAYS 14

/* --- Finding one */

/* In A-labels, as certificates and SNI have it; to be freed. */
static char *
ascii_name(const char *domain)
{
	struct buf b = { 0 };

	if (idna_to_ascii(domain, &b) == 0)
		return buf_take(&b);
	buf_fini(&b);
	return mem_strdup(domain);
}

/* Takes the paths; key NULL: in the same file. 0 with NULL: not there. */
static int
try_files(char *chain, char *key, struct tls_cert **out, struct err *err)
{
	int ret = 0;

	if (!*out && access(chain, F_OK) == 0) {
		*out = tls_cert_load(chain, key, err);
		ret = *out ? 0 : -1;
	}
	free(chain);
	free(key);
	return ret;
}

static int
find_by_name(const char *dir, const char *name, struct tls_cert **out,
	     struct err *err)
{
	*out = NULL;
	if (try_files(mem_printf("%s/%s.crt", dir, name),
		      mem_printf("%s/%s.key", dir, name), out, err) < 0 ||
	    try_files(mem_printf("%s/%s.pem", dir, name), NULL, out, err) < 0)
		return -1;
	return try_files(mem_printf("%s/%s/fullchain.pem", dir, name),
			 mem_printf("%s/%s/privkey.pem", dir, name), out, err);
}

/* Of a parent domain, where it is for its children, too. */
static int
find_wildcard(const char *dir, const char *domain, struct tls_cert **out,
	      struct err *err)
{
	const char *parent = strchr(domain, '.');

	for (; parent; parent = strchr(parent + 1, '.')) {
		char *names[] = { mem_strdup(parent + 1),
				  mem_printf("_%s", parent) };
		int ret = 0;

		for (size_t i = 0; i < N_ELEMENTS(names); i++) {
			if (!ret && !*out)
				ret = find_by_name(dir, names[i], out, err);
			if (*out && !tls_cert_covers(*out, domain))
				tls_cert_unref(out);
			free(names[i]);
		}
		if (ret < 0 || *out)
			return ret;
	}
	return 0;
}

int
certs_find(const char *domain, const char *certificate, const char *key,
	   const char *dir, struct tls_cert **out, struct err *err)
{
	char *name = ascii_name(domain);
	int ret = 0;

	*out = NULL;
	if (certificate) {
		*out = tls_cert_load(certificate, key, err);
		ret = *out ? 0 : -1;
	} else if (dir) {
		ret = find_by_name(dir, name, out, err);
		/* The files may be named as people write it. */
		if (!ret && !*out && strcmp(name, domain))
			ret = find_by_name(dir, domain, out, err);
		if (!ret && !*out)
			ret = find_wildcard(dir, name, out, err);
	}
	free(name);
	return ret;
}

/* "today", "1 day ago", "2 days ago" */
static const char *
days_ago(int64_t days, char out[40])
{
	if (!days)
		return "today";
	snprintf(out, 40, "%" PRId64 " day%s ago", days, days == 1 ? "" : "s");
	return out;
}

static const char *
in_days(int64_t days, char out[40])
{
	if (!days)
		return "in less than a day";
	snprintf(out, 40, "in %" PRId64 " day%s", days, days == 1 ? "" : "s");
	return out;
}

int
certs_doubt(const struct tls_cert *cert, const char *domain, int64_t now_s,
	    struct err *err)
{
	int64_t left_s = tls_cert_not_after(cert) - now_s;
	int64_t early_s = tls_cert_not_before(cert) - now_s;
	char *name = ascii_name(domain), text[40];
	int ret = 0;

	if (left_s < 0)
		ret = err_set(err, "expired %s",
			      days_ago(-left_s / DAY_S, text));
	else if (!tls_cert_covers(cert, name))
		ret = err_set(err, "is not for %s", name);
	else if (early_s > 0)
		ret = err_set(err, "is not valid yet, but %s",
			      in_days(early_s / DAY_S, text));
	else if (left_s < WARN_DAYS * DAY_S)
		ret = err_set(err, "expires %s", in_days(left_s / DAY_S, text));
	free(name);
	return ret;
}

/* --- All of a server */

struct found {
	/* Either a host, or a service, which is beneath a host, or NULL. */
	struct host *host;	     /* borrowed */
	struct service_tls *service; /* borrowed; NULL: a host */
	const char *name;	     /* borrowed; the domain */
	struct tls_cert *cert;	     /* ref; NULL: none */
	struct tls_config *client;   /* ref */
	struct tls_config *server;   /* ref */
};

/* What is built of them; each a ref, or NULL. */
struct built {
	struct found *found; /* by their names; owned */
	size_t n;
	struct tls_config *c2s, *s2s, *client;
	const struct server *server; /* borrowed */
};

static void
warn_of_doubts(const struct host *h, const struct tls_cert *cert)
{
	struct err why;

	if (certs_doubt(cert, h->name, h->server->clock->wall_ms / 1000, &why) <
	    0)
		log_warn(&h->log, "the certificate %s", why.text);
}

static int
find_for(struct found *f, bool is_start, struct err *err)
{
	struct host *h = f->host;
	struct err why;

	if (certs_find(h->name, h->opt.certificate, h->opt.key,
		       h->server->opt.certificates_dir, &f->cert, &why) < 0) {
		if (h->opt.certificate && is_start) {
			*err = why;
			return err_wrap(err, "host \"%s\"", h->name);
		}
		log_error(&h->log, "certificate: %s", why.text);
		f->cert = h->cert ? tls_cert_ref(h->cert) : NULL;
	}
	if (!f->cert)
		log_warn(&h->log,
			 "no certificate: neither clients nor other servers "
			 "can use TLS");
	else
		warn_of_doubts(h, f->cert);
	return 0;
}

/* The host beneath which it is, the one with the longest name, or NULL. */
static struct found *
found_above(const struct built *b, const char *domain)
{
	struct found *best = NULL;
	size_t len = strlen(domain);

	for (size_t i = 0; i < b->n; i++) {
		struct found *f = &b->found[i];
		size_t own = strlen(f->name);

		if (!f->service && own < len && domain[len - own - 1] == '.' &&
		    !strcmp(domain + len - own, f->name) &&
		    (!best || own > strlen(best->name)))
			best = f;
	}
	return best;
}

/* One of its own, found by its name, or its host's if that is for it, too. */
static void
find_for_service(const struct built *b, struct found *f)
{
	const struct found *above = found_above(b, f->name);
	const struct server *srv = b->server;
	char *name = ascii_name(f->name);
	struct err why;

	f->host = above ? above->host : NULL;
	if (certs_find(f->name, NULL, NULL, srv->opt.certificates_dir, &f->cert,
		       &why) < 0)
		log_error(&srv->log, "certificate of %s: %s", f->name,
			  why.text);
	if (!f->cert && above && above->cert &&
	    tls_cert_covers(above->cert, name))
		f->cert = tls_cert_ref(above->cert);
	if (!f->cert && above && above->cert)
		log_info(&above->host->log,
			 "no certificate for %s: servers that insist on one "
			 "cannot reach it",
			 f->name);
	free(name);
}

static int
by_name(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	/* A host's is for who names nobody. */
	if (!x->service != !y->service)
		return x->service ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* One for all hosts that have a certificate. 0 with NULL where none has. */
static int
build(const struct built *b, const struct tls_settings *settings,
      struct tls_config **out, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct found *f = &b->found[i];
		char *name;
		int ret;

		if (!f->cert)
			continue;
		if (!*out)
			*out = tls_config_new(settings, f->cert, err);
		if (!*out)
			return -1;
		name = ascii_name(f->name);
		ret = tls_config_add(*out, name, f->cert, err);
		free(name);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* The side of streams to other servers: for each host, with its certificate.
 * They all share what is known of authorities. */
static int
build_clients(struct built *b, const struct tls_settings *settings,
	      struct err *err)
{
	struct tls_settings own = *settings;

	b->client = tls_config_new_client(&own, NULL, err);
	if (!b->client)
		return err_wrap(err, "s2s-ca");
	own.cas_of = b->client;
	for (size_t i = 0; i < b->n; i++) {
		struct found *f = &b->found[i];

		f->client = f->cert ? tls_config_new_client(&own, f->cert, err)
				    : tls_config_ref(b->client);
		if (!f->client)
			return -1;
	}
	return 0;
}

/* Some servers (Prosody 0.12) do not name the host in TLS, only in their
 * stream header before. */
static int
build_nameless(struct built *b, const struct tls_settings *settings,
	       struct err *err)
{
	for (size_t i = 0; b->s2s && i < b->n; i++) {
		struct found *f = &b->found[i];

		f->server = f->cert ? tls_config_new(settings, f->cert, err)
				    : tls_config_ref(b->s2s);
		if (!f->server)
			return -1;
	}
	return 0;
}

static int
build_all(const struct server *srv, struct built *b, struct err *err)
{
	const struct server_options *opt = &srv->opt;
	struct tls_settings settings = {
		.min_version = opt->tls_min_version,
		.ciphers = opt->tls_ciphers,
		.ciphersuites = opt->tls_ciphersuites,
		.alpn = "xmpp-client",
		.ask_client_cert = opt->c2s_client_certificates,
		.ca_path = opt->c2s_client_ca,
	};

	if (build(b, &settings, &b->c2s, err) < 0)
		return -1;
	settings.alpn = "xmpp-server";
	settings.ca_path = opt->s2s ? opt->s2s_ca : NULL;
	if (build_clients(b, &settings, err) < 0)
		return -1;
	settings.ask_client_cert = settings.clients_are_servers = true;
	settings.cas_of = b->client;
	if (build(b, &settings, &b->s2s, err) < 0)
		return -1;
	return build_nameless(b, &settings, err);
}

/* *to NULL: it was not built. */
static void
put(struct tls_config **at, struct tls_config **to)
{
	if (!*to)
		return;
	tls_config_unref(at);
	*at = *to;
	*to = NULL;
}

static void
take_over_service(struct found *f)
{
	tls_cert_unref(&f->service->cert);
	f->service->cert = f->cert;
	f->cert = NULL;
	put(&f->service->client, &f->client);
	put(&f->service->server, &f->server);
}

static void
take_over(struct server *srv, struct built *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct host *h = b->found[i].host;

		if (b->found[i].service) {
			take_over_service(&b->found[i]);
			continue;
		}
		tls_cert_unref(&h->cert);
		h->cert = b->found[i].cert;
		b->found[i].cert = NULL;
		put(&h->s2s_tls_client, &b->found[i].client);
		put(&h->s2s_tls, &b->found[i].server);
	}
	put(&srv->c2s_tls, &b->c2s);
	put(&srv->s2s_tls, &b->s2s);
	put(&srv->s2s_tls_client, &b->client);
}

/* A host that is new, while all stays as it was. */
static void
lend_clients(struct server *srv)
{
	map_each (n, &srv->hosts) {
		struct host *h = container_of(n, struct host, node);

		if (!h->s2s_tls_client && srv->s2s_tls_client)
			h->s2s_tls_client = tls_config_ref(srv->s2s_tls_client);
	}
}

static void
built_fini(struct built *b)
{
	for (size_t i = 0; i < b->n; i++) {
		tls_cert_unref(&b->found[i].cert);
		tls_config_unref(&b->found[i].client);
		tls_config_unref(&b->found[i].server);
	}
	free(b->found);
	tls_config_unref(&b->c2s);
	tls_config_unref(&b->s2s);
	tls_config_unref(&b->client);
}

/* A certificate that nobody renews is forgotten about, too. */
static void
on_day(struct timer *t)
{
	struct server *srv = container_of(t, struct server, certs_timer);

	map_each (n, &srv->hosts) {
		const struct host *h = container_of(n, struct host, node);

		if (h->cert)
			warn_of_doubts(h, h->cert);
	}
	loop_timer_set(srv->core, t, DAY_S * INT64_C(1000));
}

static void
add_service(void *data, const char *domain, const struct service *service)
{
	struct built *b = data;

	(void)service;
	b->found[b->n++] = (struct found){
		.service = route_service_tls(b->server, domain),
		.name = domain,
	};
}

int
certs_load(struct server *srv, bool is_start, struct err *err)
{
	struct built b = { 0 };
	int ret = 0;

	b.server = srv;
	b.found = mem_zalloc((srv->hosts.n + srv->services.n + 1) *
			     sizeof(*b.found));
	map_each (n, &srv->hosts) {
		struct host *h = container_of(n, struct host, node);

		b.found[b.n++] = (struct found){ .host = h, .name = h->name };
	}
	route_each_service(srv, add_service, &b);
	/* Whoever names no host in TLS gets the first one's, always the same.
	 */
	qsort(b.found, b.n, sizeof(*b.found), by_name);
	for (size_t i = 0; !ret && i < b.n; i++) {
		if (!b.found[i].service)
			ret = find_for(&b.found[i], is_start, err);
	}
	for (size_t i = 0; !ret && i < b.n; i++) {
		if (b.found[i].service)
			find_for_service(&b, &b.found[i]);
	}
	if (!ret)
		ret = build_all(srv, &b, err);
	if (!ret)
		take_over(srv, &b);
	else
		lend_clients(srv);
	built_fini(&b);
	srv->certs_timer.fn = on_day;
	loop_timer_set(srv->core, &srv->certs_timer, DAY_S * INT64_C(1000));
	return ret;
}

int
certs_check(const struct config *cfg, struct err *err)
{
	struct server_options opt = { 0 };
	int ret = 0;

	config_fill_server(cfg, &opt);
	if (opt.c2s_client_certificates && opt.c2s_client_ca &&
	    tls_check_cas(opt.c2s_client_ca, err) < 0)
		ret = err_wrap(err, "c2s-client-ca");
	else if (opt.s2s && opt.s2s_ca && tls_check_cas(opt.s2s_ca, err) < 0)
		ret = err_wrap(err, "s2s-ca");
	option_fini(server_options, &opt);
	return ret;
}
