/* server_options.c - the options at the top of banyan.conf. */

#include "base/err.h"
#include "base/log.h"
#include "core/endpoint.h"
#include "core/server.h"
#include "net/tls.h"

#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
	NULL,
};

static const char *const conflicts[] = {
	[BIND_REPLACE] = "replace",
	[BIND_REJECT] = "reject",
	[BIND_RENAME] = "rename",
	NULL,
};

static int
check_endpoint(const char *value, struct err *err)
{
	return endpoint_parse(value, NULL, err);
}

static int
check_tls_version(const char *value, struct err *err)
{
	if (!strcmp(value, "1.2") || !strcmp(value, "1.3"))
		return 0;
	return err_set(err, "found \"%s\", expected 1.2 or 1.3", value);
}

#define AT(field) offsetof(struct server_options, field)

#define KB INT64_C(1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

const struct option server_options[] = {
	{ "data-dir", OPT_PATH, AT(data_dir),
	  .def = LOCALSTATEDIR "/lib/banyan", .needs_restart = true,
	  .doc = "The folder for the database and the control socket. Only "
		 "the server's user should be able to look into it." },
	{ "database", OPT_PATH, AT(database), .needs_restart = true,
	  .doc = "The database file, where it is not banyan.sqlite in "
		 "data-dir." },
	{ "certificates-dir", OPT_PATH, AT(certificates_dir),
	  .def = SYSCONFDIR "/banyan/certs",
	  .doc = "Where certificates of hosts are looked for by name. For a "
		 "host chat.example.org the first of these is taken: "
		 "chat.example.org.crt with chat.example.org.key; "
		 "chat.example.org.pem; fullchain.pem with privkey.pem in a "
		 "folder chat.example.org; and then the same under the names "
		 "example.org and _.example.org, where that certificate covers "
		 "the host." },
	{ "log-level", OPT_ENUM, AT(log_level), .def = "info",
	  .choices = levels,
	  .doc = "The least that is logged. The option --log-level of the "
		 "command line takes precedence. Lines that peers cause by "
		 "misbehaving, or before they have logged in, are limited: "
		 "after 100 at once to 10 a second. One more line tells how "
		 "many were left out." },
	{ "io-threads", OPT_INT, AT(io_threads), .def = "0", .min = 0,
	  .max = 256, .needs_restart = true,
	  .doc = "Threads for connections; 0: one for each processor." },
	{ "worker-threads", OPT_INT, AT(worker_threads), .def = "0", .min = 0,
	  .max = 64, .needs_restart = true,
	  .doc = "Threads for the hashing of passwords; 0: by the number of "
		 "processors." },

	{ "c2s-listen", OPT_LIST, AT(c2s_listen),
	  .def = "0.0.0.0:5222 [::]:5222", .check = check_endpoint,
	  .needs_restart = true,
	  .doc = "Addresses for clients. They start in the clear and negotiate "
		 "TLS (STARTTLS)." },
	{ "c2s-tls-listen", OPT_LIST, AT(c2s_tls_listen),
	  .def = "0.0.0.0:5223 [::]:5223", .check = check_endpoint,
	  .needs_restart = true,
	  .doc = "Addresses for clients that begin with TLS (XEP-0368)." },
	{ "component-listen", OPT_LIST, AT(component_listen),
	  .def = "127.0.0.1:5347", .check = check_endpoint,
	  .needs_restart = true,
	  .doc = "Addresses for components (XEP-0114). They are opened where "
		 "the configuration has a component section; what passes is "
		 "not encrypted." },

	{ "c2s-require-tls", OPT_BOOL, AT(c2s_require_tls), .def = "yes",
	  .doc = "Clients cannot log in before TLS is negotiated." },
	{ "tls-min-version", OPT_STRING, AT(tls_min_version), .def = "1.2",
	  .check = check_tls_version,
	  .doc = "The oldest version of TLS that is spoken: 1.2 or 1.3." },
	{ "tls-ciphers", OPT_STRING, AT(tls_ciphers),
	  .check = tls_check_ciphers,
	  .doc = "Ciphers for TLS 1.2, as a list for OpenSSL; by default those "
		 "with forward secrecy and authenticated encryption." },
	{ "tls-ciphersuites", OPT_STRING, AT(tls_ciphersuites),
	  .check = tls_check_ciphersuites,
	  .doc = "Cipher suites for TLS 1.3; by default those of OpenSSL." },

	{ "c2s-client-certificates", OPT_BOOL, AT(c2s_client_certificates),
	  .def = "no",
	  .doc = "Ask clients for a certificate. With one that names its "
		 "address (xmppAddr) a client can log in without password "
		 "(SASL EXTERNAL)." },
	{ "c2s-client-ca", OPT_PATH, AT(c2s_client_ca),
	  .doc = "File or folder with the authorities that vouch for "
		 "certificates of clients; by default those of the system." },

	{ "stanza-max", OPT_SIZE, AT(stanza_max), .def = "256K", .min = 10 * KB,
	  .max = 16 * MB, .needs_restart = true,
	  .doc = "The largest stanza that a client may send." },
	{ "stanza-max-unauthenticated", OPT_SIZE, AT(stanza_max_unauth),
	  .def = "16K", .min = 10 * KB, .max = MB, .needs_restart = true,
	  .doc = "The same before the client has logged in." },
	{ "xml-token-max", OPT_SIZE, AT(xml_token_max), .def = "32K",
	  .min = 4 * KB, .max = 256 * KB, .needs_restart = true,
	  .doc = "The largest tag, with all its attributes." },
	{ "xml-depth-max", OPT_INT, AT(xml_depth_max), .def = "64", .min = 8,
	  .max = 1024, .needs_restart = true,
	  .doc = "How deep elements of a stanza may be nested." },
	{ "xml-attributes-max", OPT_INT, AT(xml_attrs_max), .def = "64",
	  .min = 16, .max = 1024, .needs_restart = true,
	  .doc = "Attributes of one element." },
	{ "xml-children-max", OPT_INT, AT(xml_children_max), .def = "10000",
	  .min = 64, .max = 1000000, .needs_restart = true,
	  .doc = "Elements in one stanza." },
	{ "c2s-queue-max", OPT_SIZE, AT(c2s_queue_max), .def = "4M",
	  .min = 64 * KB, .max = GB,
	  .doc = "Bytes that may wait for one client that does not read; then "
		 "its connection is closed." },
	{ "component-queue-max", OPT_SIZE, AT(component_queue_max),
	  .def = "64M", .min = MB, .max = 16 * GB,
	  .doc = "The same for one component." },
	{ "c2s-auth-timeout", OPT_DURATION, AT(c2s_auth_timeout), .def = "60s",
	  .min = SECOND, .max = HOUR,
	  .doc = "How long a client may take to log in." },
	{ "c2s-idle-timeout", OPT_DURATION, AT(c2s_idle_timeout), .def = "10m",
	  .min = 0, .max = 7 * DAY,
	  .doc = "After this time without a byte from it a client is pinged; "
		 "0: never." },
	{ "c2s-ping-timeout", OPT_DURATION, AT(c2s_ping_timeout), .def = "60s",
	  .min = SECOND, .max = HOUR,
	  .doc = "How long a client that was pinged may be silent before its "
		 "connection is closed." },
	{ "c2s-rate", OPT_SIZE, AT(c2s_rate), .def = "0", .min = 0, .max = GB,
	  .doc = "Bytes a second that are read from one client in the long "
		 "run; 0: as fast as they come." },
	{ "c2s-burst", OPT_SIZE, AT(c2s_burst), .def = "512K", .min = 16 * KB,
	  .max = GB,
	  .doc = "Bytes that a client may send at once before c2s-rate slows "
		 "it down." },
	{ "c2s-max", OPT_INT, AT(c2s_max), .def = "0", .min = 0,
	  .max = 10000000,
	  .doc = "Connections of clients in all; 0: as many as the system "
		 "allows." },
	{ "c2s-max-per-address", OPT_INT, AT(c2s_max_per_address), .def = "0",
	  .min = 0, .max = 1000000,
	  .doc = "Connections of clients from one address (IPv6: from one "
		 "/64); 0: no limit." },
	{ "sessions-max-per-account", OPT_INT, AT(sessions_max_per_account),
	  .def = "50", .min = 1, .max = 10000,
	  .doc = "Resources that one account may have bound at a time." },
	{ "c2s-bind-conflict", OPT_ENUM, AT(c2s_bind_conflict),
	  .def = "replace", .choices = conflicts,
	  .doc = "What happens when a client asks for a resource that is in "
		 "use (RFC 6120 7.7.2.2): the old session ends, the new one is "
		 "refused, or it gets another name." },

	{ "scram-iterations", OPT_INT, AT(scram_iterations), .def = "10000",
	  .min = 4096, .max = 1000000,
	  .doc = "Rounds of hashing for passwords that are set from now on. "
		 "Accounts keep the number that their password was set with, "
		 "and names that do not exist look like one of them." },
	{ "sasl-plain", OPT_BOOL, AT(sasl_plain), .def = "yes",
	  .doc = "Offer the mechanism PLAIN under TLS, for clients that know "
		 "nothing better." },
	{ "auth-failures-max", OPT_INT, AT(auth_failures_max), .def = "10",
	  .min = 1, .max = 100000,
	  .doc = "Failed log-ins for one account from one address (IPv6: from "
		 "one /64) after which more are refused for a while." },
	{ "auth-failures-window", OPT_DURATION, AT(auth_failures_window),
	  .def = "10m", .min = SECOND, .max = 7 * DAY,
	  .doc = "The time for which failed log-ins are counted." },

	{ "s2s", OPT_BOOL, AT(s2s), .def = "yes", .needs_restart = true,
	  .doc = "Whether users can talk to users of other servers at all." },
	{ "s2s-listen", OPT_LIST, AT(s2s_listen),
	  .def = "0.0.0.0:5269 [::]:5269", .check = check_endpoint,
	  .needs_restart = true,
	  .doc = "Addresses for other servers. They start in the clear and "
		 "negotiate TLS (STARTTLS)." },
	{ "s2s-tls-listen", OPT_LIST, AT(s2s_tls_listen),
	  .def = "0.0.0.0:5270 [::]:5270", .check = check_endpoint,
	  .needs_restart = true,
	  .doc = "Addresses for other servers that begin with TLS "
		 "(XEP-0368)." },
	{ "s2s-require-tls", OPT_BOOL, AT(s2s_require_tls), .def = "yes",
	  .doc = "Other servers cannot log in before TLS is negotiated, and "
		 "nothing is sent to those that do not offer it." },
	{ "s2s-dialback", OPT_BOOL, AT(s2s_dialback), .def = "yes",
	  .doc = "Servers whose certificate does not prove who they are may do "
		 "so by dialback (XEP-0220), which rests on DNS." },
	{ "s2s-only-listed", OPT_BOOL, AT(s2s_only_listed), .def = "no",
	  .doc = "Only domains with a remote section of their own or of a "
		 "wildcard are talked to." },
	{ "s2s-bidi", OPT_BOOL, AT(s2s_bidi), .def = "yes",
	  .doc = "Use one stream in both directions (XEP-0288) with servers "
		 "that can." },
	{ "s2s-ca", OPT_PATH, AT(s2s_ca),
	  .doc = "File or folder with the authorities that vouch for "
		 "certificates of other servers; by default those of the "
		 "system." },
	{ "dns-servers", OPT_LIST, AT(dns_servers), .check = check_endpoint,
	  .doc = "Name servers, each an address with a port; by default those "
		 "of the system." },
	{ "dns-timeout", OPT_DURATION, AT(dns_timeout), .def = "3s",
	  .min = SECOND / 10, .max = MINUTE,
	  .doc = "How long a name server may take before it is asked again, "
		 "or the next one is." },
	{ "s2s-connect-timeout", OPT_DURATION, AT(s2s_connect_timeout),
	  .def = "10s", .min = SECOND, .max = HOUR,
	  .doc = "How long connecting to one address of a server may take." },
	{ "s2s-auth-timeout", OPT_DURATION, AT(s2s_auth_timeout), .def = "30s",
	  .min = SECOND, .max = HOUR,
	  .doc = "How long a stream with another server may take until one "
		 "side has proved who it is." },
	{ "s2s-idle-timeout", OPT_DURATION, AT(s2s_idle_timeout), .def = "10m",
	  .min = 0, .max = 7 * DAY,
	  .doc = "After this time without a stanza a stream is closed; "
		 "0: never." },
	{ "s2s-ping-interval", OPT_DURATION, AT(s2s_ping_interval),
	  .def = "60s", .min = 0, .max = DAY,
	  .doc = "After this time without a byte from the other server it is "
		 "pinged; 0: never." },
	{ "s2s-ping-timeout", OPT_DURATION, AT(s2s_ping_timeout), .def = "20s",
	  .min = SECOND, .max = HOUR,
	  .doc = "How long a server that was pinged, or that has not "
		 "acknowledged what was sent, may be silent before the stream "
		 "is given up." },
	{ "s2s-queue-max", OPT_SIZE, AT(s2s_queue_max), .def = "1M",
	  .min = 64 * KB, .max = GB,
	  .doc = "Bytes that may wait from one domain for another until there "
		 "is a stream; what comes above that bounces." },
	{ "s2s-queue-age", OPT_DURATION, AT(s2s_queue_age), .def = "60s",
	  .min = SECOND, .max = HOUR,
	  .doc = "How long a stanza may wait for a stream before it "
		 "bounces." },
	{ "s2s-unacked-max", OPT_SIZE, AT(s2s_unacked_max), .def = "32M",
	  .min = 64 * KB, .max = GB,
	  .doc = "Memory for stanzas that are kept for one stream until the "
		 "other server acknowledges them (XEP-0198), each 2 KB or "
		 "more; above that new ones bounce." },
	{ "s2s-memory-max", OPT_SIZE, AT(s2s_memory_max), .def = "256M",
	  .min = MB, .max = 64 * GB,
	  .doc = "Memory for all stanzas that wait for a stream or for an "
		 "acknowledgement, of all domains together. From half of it "
		 "on, each pair of domains and each stream may keep 64 KB." },
	{ "s2s-connecting-max", OPT_INT, AT(s2s_connecting_max), .def = "5000",
	  .min = 2, .max = 1000000,
	  .doc = "Streams of ours that may be on their way to domains at a "
		 "time. One user, or one server that wants keys verified, gets "
		 "no more than half of what the others have left." },
	{ "s2s-retry-min", OPT_DURATION, AT(s2s_retry_min), .def = "5s",
	  .min = SECOND, .max = HOUR,
	  .doc = "For this time after a failure a server is not tried again; "
		 "the time doubles with each further failure." },
	{ "s2s-retry-max", OPT_DURATION, AT(s2s_retry_max), .def = "10m",
	  .min = SECOND, .max = DAY, .doc = "The longest such time." },
	{ "s2s-resume-time", OPT_DURATION, AT(s2s_resume_time), .def = "5m",
	  .min = 0, .max = DAY,
	  .doc = "How long a broken stream can be resumed (XEP-0198); 0: not "
		 "at all." },
	{ "s2s-stanza-max", OPT_SIZE, AT(s2s_stanza_max), .def = "512K",
	  .min = 10 * KB, .max = 16 * MB, .needs_restart = true,
	  .doc = "The largest stanza that another server may send." },
	{ "s2s-rate", OPT_SIZE, AT(s2s_rate), .def = "8M", .min = 0, .max = GB,
	  .doc = "Bytes a second that are read from one domain, by all its "
		 "streams, in the long run; 0: as fast as they come." },
	{ "s2s-burst", OPT_SIZE, AT(s2s_burst), .def = "32M", .min = 16 * KB,
	  .max = GB,
	  .doc = "Bytes that another domain may send at once before s2s-rate "
		 "slows it down." },
	{ "s2s-stanza-rate", OPT_INT, AT(s2s_stanza_rate), .def = "10000",
	  .min = 0, .max = 1000000,
	  .doc = "Stanzas a second that are taken from one domain in the long "
		 "run, and as many at once; 0: as fast as they come." },
	{ "s2s-output-max", OPT_SIZE, AT(s2s_output_max), .def = "16M",
	  .min = 64 * KB, .max = 16 * GB,
	  .doc = "Bytes that may wait on one stream for a server that does not "
		 "read; then the stream is closed." },
	{ "s2s-max", OPT_INT, AT(s2s_max), .def = "0", .min = 0,
	  .max = 10000000,
	  .doc = "Connections from other servers in all; 0: as many as the "
		 "system allows." },
	{ "s2s-max-per-address", OPT_INT, AT(s2s_max_per_address), .def = "50",
	  .min = 0, .max = 1000000,
	  .doc = "Connections of other servers from one address (IPv6: from "
		 "one /64); 0: no limit." },
	{ "s2s-max-unauthenticated", OPT_INT, AT(s2s_max_unauthenticated),
	  .def = "1000", .min = 1, .max = 1000000,
	  .doc = "Connections from servers that have not proved yet who they "
		 "are." },
	{ "s2s-dialback-max", OPT_INT, AT(s2s_dialback_max), .def = "20",
	  .min = 1, .max = 10000,
	  .doc = "Dialback requests of one stream that may be open at a "
		 "time." },
	{ 0 }
};
