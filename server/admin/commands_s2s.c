/* commands_s2s.c - streams with other servers: s2s, s2s test, s2s close. */

#include "admin/commands.h"
#include "admin/json.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/router.h"
#include "core/s2s.h"
#include "core/server.h"
#include "xmpp/jid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The longer names first: they are looked for in this order. */
enum { TEST, CLOSE, LIST };

/* The argument, as streams have it; NULL: it is none, which was said. */
static struct jid *
domain_of(struct command_call *call)
{
	struct jid *jid = jid_parse(call->argv[0]);

	if (jid && jid_is_domain(jid))
		return jid;
	jid_unref(&jid);
	command_fail(call, "found \"%s\", expected a domain", call->argv[0]);
	return NULL;
}

/* --- The list */

struct listing {
	struct command_call *call; /* borrowed */
	const struct jid *only;	   /* borrowed; NULL: all */
};

static void
duration(struct buf *out, int64_t ms)
{
	if (ms < 0)
		buf_adds(out, "-");
	else if (ms < 10000)
		buf_printf(out, "%" PRId64 " ms", ms);
	else if (ms < 600000)
		buf_printf(out, "%" PRId64 " s", ms / 1000);
	else
		buf_printf(out, "%" PRId64 " min", ms / 60000);
}

static const char *
or_dash(const char *s)
{
	return *s ? s : "-";
}

static void
stream_text(struct buf *out, const struct s2s_info *i)
{
	buf_printf(out, "%s %s %s  %s  %s", or_dash(i->local),
		   i->is_bidi  ? "<->"
		   : i->is_out ? "-->"
			       : "<--",
		   or_dash(i->remote), i->state, i->name);
	buf_adds(out, "\n    ");
	buf_printf(out, "%s  TLS %s  by %s  certificate %s",
		   or_dash(i->address), or_dash(i->tls_version),
		   or_dash(i->auth), or_dash(i->certificate));
	buf_adds(out, "\n    age ");
	duration(out, i->age_ms);
	buf_adds(out, "  round trip ");
	duration(out, i->rtt_ms);
	buf_printf(out,
		   "  in %" PRIu64 "  out %" PRIu64
		   "  waiting %zu  unconfirmed %zu%s\n",
		   i->n_in, i->n_out, i->n_queued, i->n_unacked,
		   i->is_resumable ? "  resumable" : "");
	if (!*i->last_error)
		return;
	buf_printf(out, "    last error: %s", i->last_error);
	if (i->error_age_ms >= 0) {
		buf_adds(out, ", ");
		duration(out, i->error_age_ms);
		buf_adds(out, " ago");
	}
	buf_addc(out, '\n');
}

static void
key_string(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\":", key);
	if (*value)
		json_string(out, value);
	else
		buf_adds(out, "null");
	buf_addc(out, ',');
}

static void
key_ms(struct buf *out, const char *key, int64_t ms)
{
	if (ms < 0)
		buf_printf(out, "\"%s\":null,", key);
	else
		buf_printf(out, "\"%s\":%" PRId64 ",", key, ms);
}

static void
stream_json(struct buf *out, const struct s2s_info *i)
{
	buf_addc(out, '{');
	key_string(out, "name", i->name);
	key_string(out, "local", i->local);
	key_string(out, "remote", i->remote);
	key_string(out, "direction",
		   i->is_bidi  ? "both"
		   : i->is_out ? "out"
			       : "in");
	key_string(out, "state", i->state);
	key_string(out, "address", i->address);
	key_string(out, "tls", i->tls_version);
	key_string(out, "authentication", i->auth);
	key_string(out, "certificate", i->certificate);
	key_string(out, "last_error", i->last_error);
	key_ms(out, "last_error_age_ms", i->error_age_ms);
	key_ms(out, "age_ms", i->age_ms);
	key_ms(out, "round_trip_ms", i->rtt_ms);
	buf_printf(out,
		   "\"in\":%" PRIu64 ",\"out\":%" PRIu64
		   ",\"waiting\":%zu,\"unconfirmed\":%zu,\"resumable\":%s}\n",
		   i->n_in, i->n_out, i->n_queued, i->n_unacked,
		   i->is_resumable ? "true" : "false");
}

static bool
is_wanted(const struct listing *l, const char *remote)
{
	return !l->only || !strcmp(jid_str(l->only), remote);
}

static void
add_stream(void *data, const struct s2s_info *info)
{
	const struct listing *l = data;
	struct command_call *call = l->call;

	if (!is_wanted(l, info->remote))
		return;
	if (call->json)
		stream_json(&call->out, info);
	else
		stream_text(&call->out, info);
}

static void
add_lost(void *data, const struct s2s_lost *lost)
{
	const struct listing *l = data;
	struct command_call *call = l->call;
	struct buf *out = &call->out;

	if (!is_wanted(l, lost->domain))
		return;
	if (call->json) {
		buf_addc(out, '{');
		key_string(out, "remote", lost->domain);
		key_string(out, "state", "unreachable");
		key_string(out, "last_error", lost->error);
		key_ms(out, "retry_ms", lost->retry_ms);
		buf_printf(out, "\"waiting\":%zu}\n", lost->n_queued);
		return;
	}
	buf_printf(out, "%s  unreachable, next try in ", lost->domain);
	duration(out, lost->retry_ms);
	buf_printf(out, ", waiting %zu\n    %s\n", lost->n_queued,
		   or_dash(lost->error));
}

static void
run_list(struct command_call *call)
{
	struct jid *only = NULL;
	struct listing l = { .call = call };

	if (call->argc > 1) {
		command_misused(call, &s2s_commands[LIST]);
		return;
	}
	if (call->argc && !(only = domain_of(call)))
		return;
	l.only = only;
	s2s_each(call->server, add_stream, &l);
	s2s_each_lost(call->server, add_lost, &l);
	if (!call->out.len && !call->json)
		buf_printf(&call->out, "no streams with %s\n",
			   only ? jid_str(only) : "other servers");
	jid_unref(&only);
	command_end(call, COMMAND_DONE);
}

/* --- Close */

static void
run_close(struct command_call *call)
{
	struct jid *remote;
	size_t n;

	if (call->argc != 1) {
		command_misused(call, &s2s_commands[CLOSE]);
		return;
	}
	remote = domain_of(call);
	if (!remote)
		return;
	n = s2s_close_domain(call->server, jid_str(remote));
	if (n) {
		buf_count(&call->out, n, "stream", "streams");
		buf_adds(&call->out, " closed\n");
		command_end(call, COMMAND_DONE);
	} else {
		command_fail(call, "no stream with %s is up", jid_str(remote));
	}
	jid_unref(&remote);
}

/* --- Test */

static void
tell(void *data, const char *line)
{
	struct command_call *call = data;

	buf_printf(&call->out, "%s\n", line);
}

static void
tested(void *data, bool is_good)
{
	struct command_call *call = data;

	buf_adds(&call->out, is_good ? "all is well\n" : "it does not work\n");
	command_end(call, is_good ? COMMAND_DONE : COMMAND_FAILED);
}

static void
run_test(struct command_call *call)
{
	const struct server *srv = call->server;
	const char *local = srv->first_host->name;
	struct jid *remote;

	if (call->argc == 3 && !strcmp(call->argv[1], "--from"))
		local = call->argv[2];
	else if (call->argc != 1) {
		command_misused(call, &s2s_commands[TEST]);
		return;
	}
	if (!host_find(srv, local)) {
		command_fail(call, "%s is not a host of this server", local);
		return;
	}
	remote = domain_of(call);
	if (!remote)
		return;
	if (host_find(srv, jid_str(remote)))
		command_fail(call, "%s is a host of this server",
			     jid_str(remote));
	else if (route_has_service(srv, jid_str(remote)))
		command_fail(call, "%s is a service of this server",
			     jid_str(remote));
	else
		s2s_test(call->server, local, jid_str(remote), tell, tested,
			 call);
	jid_unref(&remote);
}

const struct command s2s_commands[] = {
	[TEST] = {
		.name = "s2s test",
		.usage = "DOMAIN [--from HOST]",
		.doc = "Walk through all that it takes to reach another "
		       "domain: DNS, connection, TLS, certificate, "
		       "authentication, ping. Says where it fails and what to "
		       "do. Nothing that is under way is touched.",
		.example = "banyan s2s test example.net",
		.min_words = 1,
		.needs_running = true,
		.run = run_test,
	},
	[CLOSE] = {
		.name = "s2s close",
		.usage = "DOMAIN",
		.doc = "Close the streams with another domain. They are opened "
		       "again when there is something to send.",
		.example = "banyan s2s close example.net",
		.min_words = 1,
		.needs_running = true,
		.run = run_close,
	},
	[LIST] = {
		.name = "s2s",
		.usage = "[DOMAIN] [--json]",
		.doc = "List the streams with other servers, and the domains "
		       "that cannot be reached. Of each stream: the domains "
		       "and the direction, state, address, TLS, how it was "
		       "authenticated, the other side's certificate, age, "
		       "round trip, stanzas in and out, and how many wait or "
		       "are not confirmed yet.",
		.example = "banyan s2s example.net",
		.needs_running = true,
		.run = run_list,
	},
	{ 0 }
};
