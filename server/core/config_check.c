/* config_check.c - what only trying can tell about a configuration. */

#include "base/err.h"
#include "base/mem.h"
#include "core/certs.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/host.h"
#include "core/server.h"
#include "net/tls.h"
#include "xmpp/jid.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct checker {
	const struct config *c;
	struct config_errors *errs;
	struct server_options opt;
	int *fds; /* that listen until the end, lest two lists share one */
	size_t n_fds;
};

/* At the place of the option; warning or error. */
static void
say(struct checker *k, bool is_error, const char *host, const char *option,
    const char *text)
{
	int line;
	const char *file = config_where(k->c, host, option, &line);

	if (is_error)
		config_errors_add(k->errs, file, line, "%s: %s", option, text);
	else
		config_errors_warn(k->errs, file, line, "%s: %s", option, text);
}

/* --- Folders */

static bool
can_be_made(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash && slash > path
			       ? mem_strndup(path, (size_t)(slash - path))
			       : mem_strdup(slash ? "/" : ".");
	bool ok = access(parent, W_OK | X_OK) == 0;

	free(parent);
	return ok;
}

static void
check_data_dir(struct checker *k)
{
	const char *path = k->opt.data_dir;
	struct stat st;
	struct err err = { "" };

	if (stat(path, &st) < 0 && (errno != ENOENT || !can_be_made(path)))
		err_sys(&err, "%s", path);
	else if (!stat(path, &st) && !S_ISDIR(st.st_mode))
		err_set(&err, "found the file %s, expected a folder", path);
	else if (!stat(path, &st) && access(path, R_OK | W_OK | X_OK) < 0)
		err_sys(&err, "%s", path);
	if (*err.text)
		say(k, true, NULL, "data-dir", err.text);
}

/* --- Certificates */

static void
check_certificate(struct checker *k, const char *host,
		  const struct host_options *opt)
{
	const char *dir = k->opt.certificates_dir;
	const char *option =
		opt->certificate ? "certificate" : "certificates-dir";
	struct tls_cert *cert;
	struct err err, why;

	if (certs_find(host, opt->certificate, opt->key, dir, &cert, &err) < 0)
		say(k, true, host, option, err.text);
	else if (!cert) {
		err_set(&err,
			"found no certificate for %s in %s; clients cannot use "
			"TLS there",
			host, dir);
		say(k, false, host, option, err.text);
	} else if (certs_doubt(cert, host, time(NULL), &why) < 0) {
		err_set(&err, "the certificate %s", why.text);
		say(k, false, host, option, err.text);
	}
	tls_cert_unref(&cert);
}

static void
check_admins(struct checker *k, const char *host,
	     const struct host_options *opt)
{
	for (size_t i = 0; i < opt->admins.n; i++) {
		struct jid *jid = jid_parse(opt->admins.items[i]);
		struct err err;

		if (jid && !config_has_host(k->c, jid_domain(jid))) {
			err_set(&err, "%s is not an account of this server",
				opt->admins.items[i]);
			say(k, false, host, "admins", err.text);
		}
		jid_unref(&jid);
	}
}

static void
check_ca(struct checker *k, const char *option, const char *path)
{
	struct err err;

	if (path && tls_check_cas(path, &err) < 0)
		say(k, true, NULL, option, err.text);
}

/* Sections that do nothing. */
static void
check_remotes(struct checker *k)
{
	if (k->opt.s2s)
		return;
	if (k->opt.s2s_only_listed || config_n_remotes(k->c))
		say(k, false, NULL, "s2s",
		    "found no, so that no remote section has a meaning");
}

/* --- Addresses */

static socklen_t
to_sockaddr(const struct endpoint *ep, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, ep->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(ep->port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, ep->address, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(ep->port);
	return sizeof(*v6);
}

static int
try_listen(const struct endpoint *ep)
{
	struct sockaddr_storage sa;
	socklen_t len = to_sockaddr(ep, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* Without listen, two of ours would share an address. */
	if (!bind(fd, (struct sockaddr *)&sa, len) && !listen(fd, 1))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
check_addresses(struct checker *k, const char *option,
		const struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct endpoint ep;
		struct err err;
		int fd;

		if (endpoint_parse(list->items[i], &ep, &err) < 0)
			continue; /* said already */
		if (!endpoint_is_possible(&ep)) {
			err_set(&err, "no IPv6 here, %s is left out",
				list->items[i]);
			say(k, false, NULL, option, err.text);
			continue;
		}
		fd = try_listen(&ep);
		if (fd < 0) {
			err_sys(&err, "cannot listen on %s", list->items[i]);
			say(k, true, NULL, option, err.text);
			continue;
		}
		k->fds = mem_realloc(k->fds, (k->n_fds + 1) * sizeof(int));
		k->fds[k->n_fds++] = fd;
	}
}

void
config_check(const struct config *c, bool is_running,
	     struct config_errors *errs)
{
	struct checker k = { .c = c, .errs = errs };

	config_fill_server(c, &k.opt);
	check_data_dir(&k);
	check_ca(&k, "c2s-client-ca", k.opt.c2s_client_ca);
	check_ca(&k, "s2s-ca", k.opt.s2s_ca);
	check_remotes(&k);
	for (size_t i = 0; i < config_n_hosts(c); i++) {
		const char *host = config_host(c, i);
		struct host_options opt = { 0 };

		config_fill(c, host, host_options, &opt);
		check_certificate(&k, host, &opt);
		check_admins(&k, host, &opt);
		option_fini(host_options, &opt);
	}
	if (!is_running) {
		check_addresses(&k, "c2s-listen", &k.opt.c2s_listen);
		check_addresses(&k, "c2s-tls-listen", &k.opt.c2s_tls_listen);
		if (k.opt.s2s) {
			check_addresses(&k, "s2s-listen", &k.opt.s2s_listen);
			check_addresses(&k, "s2s-tls-listen",
					&k.opt.s2s_tls_listen);
		}
		if (config_n_components(c))
			check_addresses(&k, "component-listen",
					&k.opt.component_listen);
	}
	while (k.n_fds)
		close(k.fds[--k.n_fds]);
	free(k.fds);
	option_fini(server_options, &k.opt);
}
