/* certs.c - which certificate is for which host. */

#include "core/certs.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/config.h"
#include "core/host.h"
#include "core/server.h"
#include "net/tls.h"
#include "xmpp/idna.h"

#include <inttypes.h>
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

int
certs_doubt(const struct tls_cert *cert, const char *domain, int64_t now_s,
	    struct err *err)
{
	int64_t left_s = tls_cert_not_after(cert) - now_s;
	char *name = ascii_name(domain);
	int ret = 0;

	if (!tls_cert_covers(cert, name))
		ret = err_set(err, "the certificate is not for %s", name);
	else if (left_s < 0)
		ret = err_set(err,
			      "the certificate expired %" PRId64 " days ago",
			      -left_s / DAY_S);
	else if (left_s < WARN_DAYS * DAY_S)
		ret = err_set(err,
			      "the certificate expires in %" PRId64 " days",
			      left_s / DAY_S);
	else if (tls_cert_not_before(cert) > now_s)
		ret = err_set(err, "the certificate is not valid yet");
	free(name);
	return ret;
}

/* --- All of a server */

struct found {
	struct host *host;     /* borrowed */
	struct tls_cert *cert; /* ref; NULL: none */
};

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
		log_warn(&h->log, "no certificate: clients cannot use TLS");
	else if (certs_doubt(f->cert, h->name, h->server->clock->wall_ms / 1000,
			     &why) < 0)
		log_warn(&h->log, "%s", why.text);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return strcmp(x->host->name, y->host->name);
}

/* NULL where no host has one, or with err. */
static struct tls_config *
build(const struct server *srv, const struct found *found, size_t n,
      struct err *err)
{
	const struct server_options *opt = &srv->opt;
	struct tls_settings settings = {
		.min_version = opt->tls_min_version,
		.ciphers = opt->tls_ciphers,
		.ciphersuites = opt->tls_ciphersuites,
		.alpn = "xmpp-client",
		.ask_client_cert = opt->c2s_client_certificates,
		.client_ca_path = opt->c2s_client_ca,
	};
	struct tls_config *cfg = NULL;

	for (size_t i = 0; i < n; i++) {
		char *name;
		int ret;

		if (!found[i].cert)
			continue;
		if (!cfg)
			cfg = tls_config_new(&settings, found[i].cert, err);
		if (!cfg)
			return NULL;
		name = ascii_name(found[i].host->name);
		ret = tls_config_add(cfg, name, found[i].cert, err);
		free(name);
		if (ret < 0) {
			tls_config_unref(&cfg);
			return NULL;
		}
	}
	return cfg;
}

static void
take_over(struct server *srv, struct found *found, size_t n,
	  struct tls_config *cfg)
{
	for (size_t i = 0; i < n; i++) {
		tls_cert_unref(&found[i].host->cert);
		found[i].host->cert = found[i].cert;
		found[i].cert = NULL;
	}
	if (!cfg)
		return;
	tls_config_unref(&srv->c2s_tls);
	srv->c2s_tls = cfg;
}

int
certs_load(struct server *srv, bool is_start, struct err *err)
{
	struct found *found = mem_zalloc((srv->hosts.n + 1) * sizeof(*found));
	struct tls_config *cfg;
	size_t n_found = 0;
	int ret = 0;

	map_each (n, &srv->hosts)
		found[n_found++].host = container_of(n, struct host, node);
	/* Whoever names no host in TLS gets the first one's, always the same.
	 */
	qsort(found, n_found, sizeof(*found), by_name);
	for (size_t i = 0; !ret && i < n_found; i++)
		ret = find_for(&found[i], is_start, err);
	if (!ret) {
		err->text[0] = '\0';
		cfg = build(srv, found, n_found, err);
		if (!cfg && *err->text)
			ret = -1;
		else
			take_over(srv, found, n_found, cfg);
	}
	for (size_t i = 0; i < n_found; i++)
		tls_cert_unref(&found[i].cert);
	free(found);
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
