/* s2s_all.c - federation as a whole: start, connections that come, the end. */

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/addresses.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "net/dns.h"
#include "net/listener.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
may_come(struct server *srv, const struct peer_addr *peer)
{
	const struct server_options *opt = &srv->opt;
	const struct s2s_all *all = srv->s2s;

	if (srv->is_stopping || !opt->s2s)
		return false;
	if ((opt->s2s_max && all->n_in >= (uint64_t)opt->s2s_max) ||
	    all->n_unauthenticated >= (uint64_t)opt->s2s_max_unauthenticated)
		return false;
	return address_came(&srv->s2s_addresses, peer->text,
			    opt->s2s_max_per_address);
}

void
s2s_accept(struct server *srv, int fd, const struct peer_addr *peer,
	   bool direct_tls, const struct tls_info *secure)
{
	struct s2s *s;

	if (!may_come(srv, peer)) {
		close(fd);
		return;
	}
	s = s2s_new(srv->s2s, false);
	snprintf(s->address, sizeof(s->address), "%s", peer->text);
	s->has_address = s->is_counted = true;
	srv->s2s->n_in++;
	srv->s2s->n_unauthenticated++;
	s2s_connect(s, fd, direct_tls);
	if (!secure)
		return;
	s->is_secure = true;
	s->tls = mem_alloc(sizeof(*s->tls));
	tls_info_copy(s->tls, secure);
}

/* servers is to be freed afterwards. */
static struct dns_settings
dns_settings(const struct server *srv, struct buf *servers)
{
	for (size_t i = 0; i < srv->opt.dns_servers.n; i++)
		buf_printf(servers, "%s%s", i ? "," : "",
			   srv->opt.dns_servers.items[i]);
	return (struct dns_settings){
		.servers = servers->data,
		.timeout_ms = (int)srv->opt.dns_timeout,
		.tries = 2,
	};
}

int
s2s_init(struct server *srv, struct err *err)
{
	struct s2s_all *all = mem_zalloc(sizeof(*all));
	struct buf servers = { 0 };
	struct dns_settings settings = dns_settings(srv, &servers);

	list_init(&all->streams);
	list_init(&all->broken);
	list_init(&all->unknown);
	all->server = srv;
	srv->s2s = all;
	all->dns = dns_new(srv->core, &settings, err);
	buf_fini(&servers);
	return all->dns ? 0 : -1;
}

/* Also one that came by a stream of another domain. */
static bool
has_blocked(const struct s2s *s)
{
	struct remote_policy policy;

	remote_policy_of(s->server, s->remote, &policy);
	if (policy.is_blocked)
		return true;
	map_each (n, &s->pairs) {
		remote_policy_of(s->server,
				 container_of(n, struct s2s_pair, node)->remote,
				 &policy);
		if (policy.is_blocked)
			return true;
	}
	return false;
}

/* Also where they are the system's, which may have changed. */
static void
reload_dns(struct server *srv)
{
	struct buf servers = { 0 };
	struct dns_settings settings = dns_settings(srv, &servers);
	struct err err;

	if (dns_reload(srv->s2s->dns, &settings, &err) < 0)
		log_warn(NULL, "name servers stay as they are: %s", err.text);
	buf_fini(&servers);
}

void
s2s_reload(struct server *srv)
{
	s2s_change_rates(srv->s2s);
	reload_dns(srv);
	list_each_safe (n, &srv->s2s->streams) {
		struct s2s *s = container_of(n, struct s2s, node);

		if (!s->remote || s->state == S2S_CLOSING)
			continue;
		if (has_blocked(s) || s2s_is_ours(srv, s->remote))
			s2s_close(s, STREAM_POLICY_VIOLATION, NULL);
		else if (s->local && !s2s_is_ours(srv, s->local))
			s2s_close(s, STREAM_HOST_GONE, NULL); /* a component */
	}
}

/* What waits can only be lost: its senders are told while they are there. */
static void
bounce_waiting(struct s2s_all *all)
{
	map_each (n, &all->links)
		s2s_link_fail(container_of(n, struct s2s_link, node),
			      COND_REMOTE_SERVER_TIMEOUT,
			      "the server is shutting down");
}

void
s2s_refuse(struct server *srv)
{
	struct s2s_all *all = srv->s2s;

	if (!all)
		return;
	/* What nobody has confirmed, and nobody can any more. */
	list_each (n, &all->streams) {
		struct s2s *s = container_of(n, struct s2s, node);

		if (s->state != S2S_RUNNING && s->state != S2S_DRAINING)
			s2s_sm_recover(s, false);
	}
	bounce_waiting(all);
}

void
s2s_stop(struct server *srv)
{
	struct s2s_all *all = srv->s2s;

	if (!all)
		return;
	list_each_safe (n, &all->streams) {
		struct s2s *s = container_of(n, struct s2s, node);

		if (s->state == S2S_RUNNING)
			s2s_drain(s);
		else if (s->state != S2S_DRAINING)
			s2s_close(s, STREAM_SYSTEM_SHUTDOWN, NULL);
	}
}

void
s2s_free(struct server *srv)
{
	struct s2s_all *all = srv->s2s;

	if (!all)
		return;
	bounce_waiting(all);
	while (!list_is_empty(&all->streams))
		s2s_drop(container_of(all->streams.next, struct s2s, node));
	map_each (n, &all->peers)
		s2s_peer_free(container_of(n, struct s2s_peer, node));
	map_fini(&all->peers);
	map_fini(&all->links);
	map_fini(&all->resumable);
	map_fini(&all->sources);
	dns_free(all->dns);
	free(all);
	srv->s2s = NULL;
}
