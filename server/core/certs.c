/* certs.c - which certificate is for which host. */

#include "core/certs.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
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

/* chain NULL: not there. key NULL: in the same file. */
static const struct {
	const char *chain, *key;
} layouts[] = {
	{ "%s/%s.crt", "%s/%s.key" },
	{ "%s/%s.pem", NULL },
	{ "%s/%s/fullchain.pem", "%s/%s/privkey.pem" },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *
path_of(const char *layout, const char *dir, const char *name)
{
	return layout ? mem_printf(layout, dir, name) : NULL;
}
#pragma GCC diagnostic pop

/* NULL, without err set, where there is none of that name. */
static struct tls_cert *
find_by_name(const char *dir, const char *name, struct err *err)
{
	struct tls_cert *cert = NULL;

	err->text[0] = '\0';
	for (size_t i = 0; !cert && i < N_ELEMENTS(layouts); i++) {
		char *chain = path_of(layouts[i].chain, dir, name);
		char *key = path_of(layouts[i].key, dir, name);

		if (access(chain, F_OK) == 0)
			cert = tls_cert_load(chain, key, err);
		free(chain);
		free(key);
	}
	return cert;
}

static struct tls_cert *
find_in_dir(const struct host *h, const char *dir, const char *domain)
{
	struct tls_cert *cert;
	const char *name = domain;
	struct err err;

	for (; name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL) {
		cert = find_by_name(dir, name, &err);
		if (!cert && *err.text)
			log_warn(&h->log, "certificate: %s", err.text);
		if (cert && (name == domain || tls_cert_covers(cert, domain)))
			return cert;
		tls_cert_unref(&cert);
	}
	return NULL;
}

static void
check_dates(const struct host *h, const struct tls_cert *cert)
{
	int64_t now_s = h->server->clock->wall_ms / 1000;
	int64_t left_s = tls_cert_not_after(cert) - now_s;

	if (left_s < 0)
		log_warn(&h->log,
			 "the certificate has expired %" PRId64 " days ago",
			 -left_s / DAY_S);
	else if (left_s < WARN_DAYS * DAY_S)
		log_warn(&h->log, "the certificate expires in %" PRId64 " days",
			 left_s / DAY_S);
	else if (tls_cert_not_before(cert) > now_s)
		log_warn(&h->log, "the certificate is not valid yet");
}

/* In A-labels, as certificates and SNI have it; to be freed. */
static char *
ascii_name(const struct host *h)
{
	struct buf b = { 0 };

	if (idna_to_ascii(h->name, &b) < 0) {
		buf_fini(&b);
		return mem_strdup(h->name);
	}
	return buf_take(&b);
}

/* 0 with NULL: the host has none. */
static int
find_cert(const struct host *h, struct tls_cert **out, struct err *err)
{
	const char *dir = h->server->opt.certificates_dir;
	char *name = ascii_name(h);

	*out = NULL;
	if (h->opt.certificate) {
		*out = tls_cert_load(h->opt.certificate, h->opt.key, err);
		if (!*out) {
			free(name);
			return err_wrap(err, "host \"%s\"", h->name);
		}
	} else if (dir) {
		*out = find_in_dir(h, dir, name);
	}
	if (!*out)
		log_warn(&h->log, "no certificate: clients cannot use TLS");
	else if (!tls_cert_covers(*out, name))
		log_warn(&h->log, "the certificate is not for %s", name);
	if (*out)
		check_dates(h, *out);
	free(name);
	return 0;
}

static int
add_names(const struct server *srv, struct tls_config *cfg, struct err *err)
{
	map_each (n, &srv->hosts) {
		struct host *h = container_of(n, struct host, node);
		char *name;
		int ret;

		if (!h->cert)
			continue;
		name = ascii_name(h);
		ret = tls_config_add(cfg, name, h->cert, err);
		free(name);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int
build(struct server *srv, struct tls_cert *first, struct err *err)
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
	struct tls_config *cfg = tls_config_new(&settings, first, err);

	if (!cfg || add_names(srv, cfg, err) < 0) {
		tls_config_unref(&cfg);
		return -1;
	}
	tls_config_unref(&srv->c2s_tls);
	srv->c2s_tls = cfg;
	return 0;
}

int
certs_load(struct server *srv, struct err *err)
{
	struct tls_cert *first = NULL;

	map_each (n, &srv->hosts) {
		struct host *h = container_of(n, struct host, node);
		struct tls_cert *cert;

		if (find_cert(h, &cert, err) < 0)
			return -1;
		tls_cert_unref(&h->cert);
		h->cert = cert;
		if (!first)
			first = cert;
	}
	return first ? build(srv, first, err) : 0;
}
