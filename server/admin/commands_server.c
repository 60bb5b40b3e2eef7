/* commands_server.c - status, stop, reload, host list. */

#include "admin/commands.h"
#include "admin/json.h"
#include "admin/serve.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "config.h"
#include "core/c2s.h"
#include "core/certs.h"
#include "core/host.h"
#include "core/s2s.h"
#include "core/server.h"
#include "modules/muc/administration.h"
#include "modules/muc/copies.h"
#include "net/loop.h"
#include "net/tls.h"
#include "storage/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATUS, STOP, RELOAD, HOST_LIST };

/* --- Hosts */

static int
by_name(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* All, by name; to be freed. */
static const struct host **
sorted_hosts(const struct server *srv)
{
	const struct host **hosts =
		mem_alloc((srv->hosts.n + 1) * sizeof(const struct host *));
	size_t n_hosts = 0;

	map_each (n, &srv->hosts)
		hosts[n_hosts++] = container_of(n, struct host, node);
	qsort(hosts, n_hosts, sizeof(*hosts), by_name);
	return hosts;
}

static const char *
day_of(int64_t at_s, char out[16])
{
	time_t t = (time_t)at_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
	return out;
}

static int64_t
days_left(const struct host *h)
{
	return (tls_cert_not_after(h->cert) -
		h->server->clock->wall_ms / 1000) /
	       86400;
}

/* What is wrong with its certificate, in words; "": nothing. */
static const char *
trouble(const struct host *h, struct err *err)
{
	err->text[0] = '\0';
	if (!h->cert)
		err_set(err, "none; neither clients nor other servers can use "
			     "TLS");
	else
		certs_doubt(h->cert, h->name, h->server->clock->wall_ms / 1000,
			    err);
	return err->text;
}

static void
host_json(struct buf *out, const struct host *h)
{
	char day[16];
	struct err err;

	buf_adds(out, "{\"name\":");
	json_string(out, h->name);
	if (h->cert)
		buf_printf(out, ",\"certificate_until\":\"%s\"",
			   day_of(tls_cert_not_after(h->cert), day));
	if (*trouble(h, &err)) {
		buf_adds(out, ",\"certificate_trouble\":");
		json_string(out, err.text);
	}
	buf_adds(out, "}");
}

static void
hosts_json(struct buf *out, const struct server *srv)
{
	const struct host **hosts = sorted_hosts(srv);

	buf_addc(out, '[');
	for (size_t i = 0; i < srv->hosts.n; i++) {
		if (i)
			buf_addc(out, ',');
		host_json(out, hosts[i]);
	}
	buf_addc(out, ']');
	free(hosts);
}

static void
hosts_text(struct buf *out, const struct server *srv, const char *indent)
{
	const struct host **hosts = sorted_hosts(srv);
	char day[16];

	for (size_t i = 0; i < srv->hosts.n; i++) {
		const struct host *h = hosts[i];

		buf_printf(out, "%s%s", indent, h->name);
		if (!h->cert)
			buf_adds(out, "  no certificate\n");
		else if (days_left(h) < 0)
			buf_printf(out, "  certificate until %s\n",
				   day_of(tls_cert_not_after(h->cert), day));
		else
			buf_printf(out,
				   "  certificate until %s (%" PRId64
				   " days)\n",
				   day_of(tls_cert_not_after(h->cert), day),
				   days_left(h));
	}
	free(hosts);
}

/* Where the administrator has to do something, one line each. */
static void
troubles_text(struct buf *out, const struct server *srv)
{
	const struct host **hosts = sorted_hosts(srv);
	struct err err;

	for (size_t i = 0; i < srv->hosts.n; i++) {
		if (*trouble(hosts[i], &err))
			buf_printf(out, "certificate %s: %s\n", hosts[i]->name,
				   err.text);
	}
	free(hosts);
}

static void
run_host_list(struct command_call *call)
{
	if (call->argc) {
		command_misused(call, &server_commands[HOST_LIST]);
		return;
	}
	if (call->json) {
		hosts_json(&call->out, call->server);
		buf_addc(&call->out, '\n');
	} else {
		hosts_text(&call->out, call->server, "");
	}
	command_end(call, COMMAND_DONE);
}

/* --- Status */

static void
uptime_text(struct buf *out, int64_t s)
{
	if (s >= 86400)
		buf_printf(out, "%" PRId64 " d ", s / 86400);
	if (s >= 3600)
		buf_printf(out, "%" PRId64 " h ", s / 3600 % 24);
	buf_printf(out, "%" PRId64 " min", s / 60 % 60);
}

static void
count_lost(void *data, const struct s2s_lost *lost)
{
	(void)lost;
	++*(size_t *)data;
}

static size_t
n_lost(struct server *srv)
{
	size_t n = 0;

	s2s_each_lost(srv, count_lost, &n);
	return n;
}

struct copies {
	size_t n, n_split;
};

static void
count_copy(void *data, const struct copy_seen *seen)
{
	struct copies *copies = data;

	copies->n++;
	copies->n_split += seen->is_split;
}

static void
rooms_text(struct buf *out, struct server *srv)
{
	struct muc_totals t = muc_totals_of(srv);
	struct copies copies = { 0, 0 };

	copies_each(srv, NULL, count_copy, &copies);
	buf_printf(out,
		   "rooms     %zu with copies elsewhere: ", t.n_distributed);
	buf_count(out, t.n_peers, "copy", "copies");
	buf_printf(out, ", %zu lost; ", t.n_lost);
	buf_count(out, t.n_stanzas, "stanza", "stanzas");
	buf_printf(out,
		   " in place of %" PRIu64 ", %" PRIu64
		   " bytes in place of about %" PRIu64 ": %" PRId64 " saved\n",
		   t.n_instead_of, t.n_bytes, t.n_bytes_instead_of,
		   (int64_t)(t.n_bytes_instead_of - t.n_bytes));
	buf_adds(out, "          ");
	buf_count(out, copies.n, "copy", "copies");
	buf_printf(out, " of other servers' rooms, %zu without a way there\n",
		   copies.n_split);
}

static void
rooms_json(struct buf *out, struct server *srv)
{
	struct muc_totals t = muc_totals_of(srv);
	struct copies copies = { 0, 0 };

	copies_each(srv, NULL, count_copy, &copies);
	buf_printf(out,
		   "\"rooms\":{\"distributed\":%zu,\"peers\":%zu,"
		   "\"lost_peers\":%zu,\"stanzas\":%" PRIu64
		   ",\"bytes\":%" PRIu64 ",\"instead_of\":%" PRIu64
		   ",\"bytes_instead_of\":%" PRIu64 ",\"bytes_saved\":%" PRId64
		   ",\"copies\":%zu,\"split_copies\":%zu},",
		   t.n_distributed, t.n_peers, t.n_lost, t.n_stanzas, t.n_bytes,
		   t.n_instead_of, t.n_bytes_instead_of,
		   (int64_t)(t.n_bytes_instead_of - t.n_bytes), copies.n,
		   copies.n_split);
}

static void
streams_text(struct buf *out, struct server *srv)
{
	buf_adds(out, "clients   ");
	buf_count(out, srv->n_users, "user", "users");
	buf_adds(out, " online, ");
	buf_count(out, srv->n_sessions, "session", "sessions");
	buf_adds(out, ", ");
	buf_count(out, srv->n_clients, "connection", "connections");
	buf_adds(out, "\nservers   ");
	buf_count(out, s2s_count(srv), "stream", "streams");
	buf_adds(out, ", ");
	buf_count(out, n_lost(srv), "domain", "domains");
	buf_adds(out, " unreachable\n");
}

static void
database_text(struct buf *out, const struct store_stats *db)
{
	buf_adds(out, "database  ");
	buf_count(out, db->reads, "read", "reads");
	buf_adds(out, ", ");
	buf_count(out, db->writes, "write", "writes");
	buf_adds(out, ", ");
	buf_count(out, db->commits, "commit", "commits");
	buf_adds(out, ", ");
	buf_count(out, db->failures, "failure", "failures");
	buf_printf(out, ", %zu waiting%s\n", db->queued,
		   db->is_failing ? "; WRITES FAIL" : "");
}

static void
status_text(struct command_call *call, const struct store_stats *db)
{
	struct server *srv = call->server;
	struct buf *out = &call->out;

	buf_printf(out, "%s, process %d, up ", PACKAGE_STRING, (int)getpid());
	uptime_text(out, (srv->clock->wall_ms - srv->started_ms) / 1000);
	buf_addc(out, '\n');
	streams_text(out, srv);
	rooms_text(out, srv);
	database_text(out, db);
	buf_printf(out, "core      %zu waiting\n", loop_backlog(srv->core));
	buf_adds(out, "hosts\n");
	hosts_text(out, srv, "  ");
	troubles_text(out, srv);
}

static void
status_json(struct command_call *call, const struct store_stats *db)
{
	const struct server *srv = call->server;
	struct buf *out = &call->out;

	buf_printf(out,
		   "{\"version\":\"%s\",\"pid\":%d,\"uptime_s\":%" PRId64
		   ",\"users\":%zu,\"sessions\":%zu,\"connections\":%zu,"
		   "\"servers\":%zu,\"unreachable_domains\":%zu,",
		   PACKAGE_VERSION, (int)getpid(),
		   (srv->clock->wall_ms - srv->started_ms) / 1000, srv->n_users,
		   srv->n_sessions, srv->n_clients, s2s_count(srv),
		   n_lost(call->server));
	rooms_json(out, call->server);
	buf_printf(out,
		   "\"database\":{\"reads\":%" PRIu64 ",\"writes\":%" PRIu64
		   ",\"commits\":%" PRIu64 ",\"failures\":%" PRIu64
		   ",\"waiting\":%zu,\"is_failing\":%s},",
		   db->reads, db->writes, db->commits, db->failures, db->queued,
		   db->is_failing ? "true" : "false");
	buf_printf(out,
		   "\"core_waiting\":%zu,\"hosts\":", loop_backlog(srv->core));
	hosts_json(out, srv);
	buf_adds(out, "}\n");
}

static void
add_stream(void *data, const struct c2s_info *info)
{
	struct command_call *call = data;
	const char *const values[] = { info->name, info->address, info->jid,
				       info->tls_version, info->mechanism };
	static const char *const keys[] = { "name", "address", "jid", "tls",
					    "mechanism" };

	for (size_t i = 0; i < N_ELEMENTS(values); i++) {
		if (!call->json) {
			buf_printf(&call->out, "%s%s", i ? "  " : "",
				   values[i] ? values[i] : "-");
			continue;
		}
		buf_printf(&call->out, "%s\"%s\":", i ? "," : "{", keys[i]);
		if (values[i])
			json_string(&call->out, values[i]);
		else
			buf_adds(&call->out, "null");
	}
	buf_adds(&call->out, call->json ? "}\n" : "\n");
}

static void
run_status(struct command_call *call)
{
	struct store_stats db;

	if (call->argc == 1 && !strcmp(call->argv[0], "--streams")) {
		c2s_each(call->server, add_stream, call);
		command_end(call, COMMAND_DONE);
		return;
	}
	if (call->argc) {
		command_misused(call, &server_commands[STATUS]);
		return;
	}
	store_stats_get(call->server->store, &db);
	if (call->json)
		status_json(call, &db);
	else
		status_text(call, &db);
	command_end(call, COMMAND_DONE);
}

/* --- Stop and reload */

static void
run_stop(struct command_call *call)
{
	struct server *srv = call->server;

	if (call->argc) {
		command_misused(call, &server_commands[STOP]);
		return;
	}
	command_end(call, COMMAND_DONE);
	server_stop(srv);
}

static void
run_reload(struct command_call *call)
{
	if (call->argc)
		command_misused(call, &server_commands[RELOAD]);
	else
		command_end(call, serve_reload(&call->err) ? COMMAND_FAILED
							   : COMMAND_DONE);
}

const struct command server_commands[] = {
	[STATUS] = {
		.name = "status",
		.usage = "[--streams] [--json]",
		.doc = "Tell how the server is doing. With --streams, list the "
		       "connections of clients: name, address, JID, version of "
		       "TLS and mechanism of the log-in.",
		.example = "banyan status",
		.needs_running = true,
		.run = run_status,
	},
	[STOP] = {
		.name = "stop",
		.usage = "",
		.doc = "Stop the server and wait for its end. Clients are told, "
		       "and what they sent is stored.",
		.example = "banyan stop",
		.needs_running = true,
		.run = run_stop,
	},
	[RELOAD] = {
		.name = "reload",
		.usage = "",
		.doc = "Read the configuration and the certificates again. "
		       "Connections stay. Where the configuration is wrong "
		       "nothing changes; a host whose certificate cannot be "
		       "read keeps the one it had. SIGHUP does the same.",
		.example = "banyan reload",
		.needs_running = true,
		.run = run_reload,
	},
	[HOST_LIST] = {
		.name = "host list",
		.usage = "[--json]",
		.doc = "List the hosts and until when their certificates are "
		       "valid.",
		.example = "banyan host list",
		.run = run_host_list,
	},
	{ 0 }
};
