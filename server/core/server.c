/* server.c - the whole: start, run, stop. */

#include "core/server.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/auth_limits.h"
#include "core/c2s.h"
#include "core/certs.h"
#include "core/component.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/event.h"
#include "core/host.h"
#include "core/iq_request.h"
#include "core/modules.h"
#include "core/remote.h"
#include "core/s2s.h"
#include "core/wire.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/workers.h"
#include "storage/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Within the five seconds that SIGTERM promises. */
#define DRAIN_MS 3000

/* From the first line that is left out to the one that tells how many. */
#define TELL_MS 10000

#define WORKERS_QUEUE 4096

/* ---- parts ---- */

static unsigned
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void
make_loops(struct server *srv, const struct server_setup *setup)
{
	int64_t n = setup->single_thread ? 1 : srv->opt.io_threads;

	srv->core = loop_new("core", setup->fake_clock);
	srv->clock = loop_clock(srv->core);
	srv->n_io = n ? (unsigned)n : processors();
	srv->io = mem_zalloc(srv->n_io * sizeof(*srv->io));
	/* On one processor, threads would only wake each other. */
	srv->shares_loop =
		!setup->single_thread && srv->n_io == 1 && processors() == 1;
	for (unsigned i = 0; i < srv->n_io; i++) {
		wire_io_init(&srv->io[i],
			     srv->shares_loop
				     ? srv->core
				     : loop_new("io", setup->fake_clock));
	}
	n = srv->opt.worker_threads;
	srv->workers = workers_new(setup->single_thread ? 0
				   : n			? (unsigned)n
							: processors(),
				   WORKERS_QUEUE);
}

static char *
data_path(const struct server *srv, const char *name)
{
	return mem_printf("%s/%s", srv->opt.data_dir, name);
}

static int
read_exactly(const char *path, uint8_t *out, size_t len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return err_sys(err, "%s", path);
	got = read(fd, out, len);
	close(fd);
	if (got != (ssize_t)len)
		return err_set(err, "%s: found %zd bytes, expected %zu", path,
			       got, len);
	return 0;
}

static int
write_new(const char *path, const uint8_t *data, size_t len, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return err_sys(err, "%s", path);
	if (write(fd, data, len) != (ssize_t)len || fsync(fd) < 0)
		ret = err_sys(err, "%s", path);
	close(fd);
	return ret;
}

/* What makes the salts of users that do not exist look like those of others:
 * it has to stay the same for as long as the accounts do. */
static int
load_secret(struct server *srv, struct err *err)
{
	char *path = data_path(srv, "secret");
	int ret;

	if (access(path, F_OK) == 0) {
		ret = read_exactly(path, srv->secret, sizeof(srv->secret), err);
	} else {
		RAND_bytes(srv->secret, sizeof(srv->secret));
		ret = write_new(path, srv->secret, sizeof(srv->secret), err);
	}
	free(path);
	return ret;
}

static int
open_store(struct server *srv, const struct server_setup *setup,
	   struct err *err)
{
	char *path = srv->opt.database ? mem_strdup(srv->opt.database)
				       : data_path(srv, "banyan.sqlite");
	struct store_settings settings = {
		.driver = "sqlite",
		.path = path,
		.readers = 1,
		.inline_mode = setup->single_thread,
	};

	srv->store = store_open(srv->core, &settings, err);
	free(path);
	return srv->store ? 0 : -1;
}

static void
add_host(struct server *srv, struct host *h)
{
	map_insert(&srv->hosts, &h->node, hash_str(h->name));
	if (!srv->first_host)
		srv->first_host = h;
}

/* All of them or, on error, none. */
static int
add_new_hosts(struct server *srv, const struct config *cfg, struct err *err)
{
	struct host **fresh =
		mem_zalloc((config_n_hosts(cfg) + 1) * sizeof(*fresh));
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < config_n_hosts(cfg); i++) {
		const char *name = config_host(cfg, i);

		if (host_find(srv, name))
			continue;
		fresh[n] = host_new(srv, name, cfg, err);
		if (fresh[n])
			n++;
		else
			ret = -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (ret < 0)
			host_free(fresh[i]);
		else
			add_host(srv, fresh[i]);
	}
	free(fresh);
	return ret;
}

/* ---- listeners ---- */

typedef void
accept_fn(struct server *srv, int fd, const struct peer_addr *peer);

struct listening {
	struct list node;	   /* in server->listeners */
	struct listener *listener; /* owned */
	struct server *server;
	accept_fn *accept;
};

static void
on_accept(void *data, int fd, const struct peer_addr *peer)
{
	struct listening *l = data;

	l->accept(l->server, fd, peer);
}

static void
accept_c2s(struct server *srv, int fd, const struct peer_addr *peer)
{
	c2s_accept(srv, fd, peer, false, false);
}

static void
accept_c2s_tls(struct server *srv, int fd, const struct peer_addr *peer)
{
	c2s_accept(srv, fd, peer, true, false);
}

static void
accept_s2s(struct server *srv, int fd, const struct peer_addr *peer)
{
	s2s_accept(srv, fd, peer, false, NULL);
}

static void
accept_s2s_tls(struct server *srv, int fd, const struct peer_addr *peer)
{
	s2s_accept(srv, fd, peer, true, NULL);
}

static bool
is_listening(const struct server *srv, accept_fn *accept)
{
	list_each (n, &srv->listeners) {
		if (container_of(n, struct listening, node)->accept == accept)
			return true;
	}
	return false;
}

static int
listen_on(struct server *srv, const struct option_list *where, const char *what,
	  accept_fn *accept, struct err *err)
{
	for (size_t i = 0; i < where->n; i++) {
		struct listening *l;
		struct endpoint ep;

		if (endpoint_parse(where->items[i], &ep, err) < 0)
			return -1;
		if (!endpoint_is_possible(&ep)) {
			log_warn(&srv->log, "not listening on %s: no IPv6 here",
				 where->items[i]);
			continue;
		}
		l = mem_zalloc(sizeof(*l));
		l->server = srv;
		l->accept = accept;
		l->listener = listener_new(srv->core, ep.address, ep.port,
					   on_accept, l, err);
		if (!l->listener) {
			free(l);
			return -1;
		}
		list_append(&srv->listeners, &l->node);
		log_info(&srv->log, "listening on %s for %s", where->items[i],
			 what);
	}
	return 0;
}

/* Where there is use for it and it is not done yet: what a reload brings comes
 * later. */
static int
listen_all(struct server *srv, struct err *err)
{
	const struct server_options *opt = &srv->opt;

	if (!is_listening(srv, accept_c2s) &&
	    listen_on(srv, &opt->c2s_listen, "clients", accept_c2s, err) < 0)
		return -1;
	if (srv->c2s_tls && !is_listening(srv, accept_c2s_tls) &&
	    listen_on(srv, &opt->c2s_tls_listen, "clients (direct TLS)",
		      accept_c2s_tls, err) < 0)
		return -1;
	if (opt->s2s && !is_listening(srv, accept_s2s) &&
	    listen_on(srv, &opt->s2s_listen, "servers", accept_s2s, err) < 0)
		return -1;
	if (opt->s2s && srv->s2s_tls && !is_listening(srv, accept_s2s_tls) &&
	    listen_on(srv, &opt->s2s_tls_listen, "servers (direct TLS)",
		      accept_s2s_tls, err) < 0)
		return -1;
	if (list_is_empty(&srv->components) ||
	    is_listening(srv, component_accept))
		return 0;
	return listen_on(srv, &opt->component_listen, "components",
			 component_accept, err);
}

static void
close_listeners(struct server *srv)
{
	struct list *n;

	while ((n = list_pop(&srv->listeners))) {
		struct listening *l = container_of(n, struct listening, node);

		listener_free(&l->listener);
		free(l);
	}
}

/* ---- lines about peers ---- */

static void
on_tell_left_out(struct timer *t)
{
	struct server *srv = container_of(t, struct server, tell_left_out);

	log_limit_tell(&srv->peer_lines, &srv->log);
}

bool
server_may_log(struct server *srv)
{
	if (!log_is_on(LOG_INFO))
		return false;
	if (log_limit_allows(&srv->peer_lines, srv->clock->mono_ms))
		return true;
	if (!timer_is_set(&srv->tell_left_out))
		loop_timer_set(srv->core, &srv->tell_left_out, TELL_MS);
	return false;
}

/* ---- the whole ---- */

static void
set_limits(struct server *srv)
{
	const struct server_options *opt = &srv->opt;

	srv->limits = (struct xml_limits){
		.stanza = (size_t)opt->stanza_max,
		.token = (size_t)opt->xml_token_max,
		.depth = (unsigned)opt->xml_depth_max,
		.attrs = (unsigned)opt->xml_attrs_max,
		.children = (unsigned)opt->xml_children_max,
	};
	srv->limits_unauth = srv->limits;
	srv->limits_unauth.stanza = (size_t)opt->stanza_max_unauth;
	srv->s2s_limits = srv->limits;
	srv->s2s_limits.stanza = (size_t)opt->s2s_stanza_max;
	if (srv->limits_unauth.token > srv->limits_unauth.stanza)
		srv->limits_unauth.token = srv->limits_unauth.stanza;
}

static int
start(struct server *srv, const struct server_setup *setup, struct err *err)
{
	if (load_secret(srv, err) < 0 || open_store(srv, setup, err) < 0 ||
	    add_new_hosts(srv, setup->config, err) < 0 ||
	    components_load(srv, setup->config, err) < 0 ||
	    certs_load(srv, true, err) < 0 || s2s_init(srv, err) < 0)
		return -1;
	remotes_load(srv, setup->config);
	srv->has_listeners = !setup->no_listen;
	return srv->has_listeners ? listen_all(srv, err) : 0;
}

struct server *
server_new(const struct server_setup *setup, struct err *err)
{
	struct server *srv = mem_zalloc(sizeof(*srv));

	modules_place();
	list_init(&srv->streams);
	list_init(&srv->listeners);
	list_init(&srv->components);
	list_init(&srv->component_streams);
	srv->tell_left_out.fn = on_tell_left_out;
	config_fill_server(setup->config, &srv->opt);
	set_limits(srv);
	make_loops(srv, setup);
	srv->dial = setup->dial;
	srv->dial_data = setup->dial_data;
	srv->started_ms = srv->clock->wall_ms;
	srv->auth_limits = auth_limits_new(srv);
	srv->pool = xml_pool_new();
	if (start(srv, setup, err) < 0) {
		server_free(srv);
		return NULL;
	}
	srv->is_threaded = !setup->single_thread && !srv->shares_loop;
	for (unsigned i = 0; srv->is_threaded && i < srv->n_io; i++)
		loop_start(srv->io[i].loop);
	return srv;
}

void
server_run(struct server *srv)
{
	loop_run(srv->core);
}

static void
on_drain_end(struct timer *t)
{
	struct server *srv = container_of(t, struct server, drain);

	log_warn(&srv->log, "%zu streams did not end in time", srv->n_streams);
	loop_quit(srv->core);
}

void
server_stream_gone(struct server *srv)
{
	srv->n_streams--;
	if (srv->is_stopping && !srv->n_streams)
		loop_quit(srv->core);
}

void
server_stop(struct server *srv)
{
	if (srv->is_stopping)
		return;
	srv->is_stopping = true;
	log_info(&srv->log, "stopping, %zu streams", srv->n_streams);
	map_each (n, &srv->hosts)
		event_occur(container_of(n, struct host, node),
			    HOOK_SERVER_STOPPING, NULL, NULL, NULL);
	close_listeners(srv);
	s2s_refuse(srv);
	c2s_close_all(srv, STREAM_SYSTEM_SHUTDOWN);
	/* Behind the clients' last presences. */
	components_stop(srv);
	s2s_stop(srv);
	if (!srv->n_streams) {
		loop_quit(srv->core);
		return;
	}
	srv->drain.fn = on_drain_end;
	loop_timer_set(srv->core, &srv->drain, DRAIN_MS);
}

/* Nobody answers any more: what is left is taken apart. */
void
server_free(struct server *srv)
{
	close_listeners(srv);
	for (unsigned i = 0; srv->is_threaded && i < srv->n_io; i++)
		loop_stop(srv->io[i].loop);
	srv->is_stopping = true;
	c2s_drop_all(srv);
	s2s_free(srv);
	components_free(srv);
	for (unsigned i = 0; i < srv->n_io; i++)
		wire_io_drop(&srv->io[i]);
	iq_request_drop_all(srv);
	workers_free(srv->workers);
	if (srv->store)
		store_close(&srv->store);
	loop_timer_clear(srv->core, &srv->drain);
	loop_timer_clear(srv->core, &srv->certs_timer);
	loop_timer_clear(srv->core, &srv->tell_left_out);
	log_limit_tell(&srv->peer_lines, &srv->log);
	/* Each has mail for the other: a released connection's memory. */
	server_settle(srv);
	map_each (n, &srv->hosts) {
		map_remove(&srv->hosts, n);
		host_free(container_of(n, struct host, node));
	}
	auth_limits_free(srv->auth_limits);
	for (unsigned i = 0; i < srv->n_io; i++) {
		if (!srv->shares_loop)
			loop_free(srv->io[i].loop);
	}
	loop_free(srv->core);
	for (unsigned i = 0; i < srv->n_io; i++)
		wire_io_fini(&srv->io[i]);
	free(srv->io);
	tls_config_unref(&srv->c2s_tls);
	tls_config_unref(&srv->s2s_tls);
	tls_config_unref(&srv->s2s_tls_client);
	map_fini(&srv->hosts);
	map_fini(&srv->accounts);
	map_fini(&srv->services);
	remotes_free(srv);
	map_fini(&srv->lanes);
	map_fini(&srv->c2s_addresses);
	map_fini(&srv->s2s_addresses);
	buf_fini(&srv->scratch);
	xml_pool_free(srv->pool);
	option_fini(server_options, &srv->opt);
	free(srv);
}

int
server_reload(struct server *srv, const struct config *cfg, struct err *err)
{
	int ret = 0;

	/* What can go wrong comes first. */
	if (certs_check(cfg, err) < 0 || add_new_hosts(srv, cfg, err) < 0)
		return -1;
	config_refill(cfg, NULL, server_options, &srv->opt);
	/* Modules ask for it. */
	remotes_load(srv, cfg);
	map_each (n, &srv->hosts) {
		struct host *h = container_of(n, struct host, node);

		if (config_has_host(cfg, h->name))
			host_reload(h, cfg);
		else
			log_warn(&h->log, "not in the configuration any more; "
					  "it goes at the next start");
	}
	if (components_reload(srv, cfg, err) < 0)
		ret = 1;
	s2s_reload(srv);
	log_set_level((enum log_level)srv->opt.log_level);
	if (certs_load(srv, false, err) < 0 ||
	    (srv->has_listeners && listen_all(srv, err) < 0))
		ret = 1;
	return ret;
}

void
server_settle(struct server *srv)
{
	bool any;

	do {
		any = loop_step(srv->core);
		for (unsigned i = 0; i < srv->n_io; i++)
			any |= loop_step(srv->io[i].loop);
	} while (any);
}

void
server_accept_c2s(struct server *srv, int fd, bool secure, const char *peer)
{
	struct peer_addr addr = { .port = 0 };

	snprintf(addr.text, sizeof(addr.text), "%s", peer);
	c2s_accept(srv, fd, &addr, false, secure);
}

void
server_accept_s2s(struct server *srv, int fd, const struct tls_info *info,
		  const char *peer)
{
	struct peer_addr addr = { .port = 0 };

	snprintf(addr.text, sizeof(addr.text), "%s", peer);
	s2s_accept(srv, fd, &addr, false, info);
}
