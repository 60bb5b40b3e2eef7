/* server.h - the whole: loops, hosts, storage. One in a process, but for tests.
 */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timer.h"
#include "core/option.h"
#include "xmpp/xml_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_limits;
struct clock;
struct config;
struct err;
struct host;
struct loop;
struct s2s_all;
struct store;
struct tls_config;
struct tls_info;
struct wire_io;
struct workers;

/* Filled from the top of the file; table in server_options.c. */
struct server_options {
	char *data_dir;
	char *certificates_dir;
	char *database; /* path; NULL: data_dir/banyan.sqlite */
	int64_t io_threads, worker_threads; /* 0: by the processors */
	struct option_list c2s_listen, c2s_tls_listen; /* "addr:port" */
	struct option_list component_listen;
	int log_level;
	/* streams of clients */
	bool c2s_require_tls;
	char *tls_min_version, *tls_ciphers, *tls_ciphersuites;
	bool c2s_client_certificates; /* asked for, for SASL EXTERNAL */
	char *c2s_client_ca;
	int64_t stanza_max, stanza_max_unauth;
	int64_t xml_token_max, xml_depth_max, xml_attrs_max, xml_children_max;
	int64_t c2s_queue_max;	     /* output bytes waiting for one client */
	int64_t component_queue_max; /* the same for a component */
	int64_t c2s_auth_timeout, c2s_idle_timeout, c2s_ping_timeout; /* ms */
	int64_t c2s_rate, c2s_burst; /* bytes a second, bytes; 0: no limit */
	int64_t c2s_max, c2s_max_per_address;
	int64_t sessions_max_per_account;
	int c2s_bind_conflict; /* enum bind_conflict */
	/* passwords */
	int64_t scram_iterations;
	bool sasl_plain;
	int64_t auth_failures_max, auth_failures_window; /* count, ms */
	/* other servers; see remote.h for what holds of one domain */
	bool s2s;
	struct option_list s2s_listen, s2s_tls_listen; /* "addr:port" */
	bool s2s_require_tls, s2s_dialback, s2s_bidi;
	bool s2s_only_listed;		/* with a remote section only */
	char *s2s_ca;			/* NULL: the system's */
	struct option_list dns_servers; /* "addr:port"; none: the system's */
	int64_t dns_timeout;		/* ms, like all times here */
	int64_t s2s_connect_timeout, s2s_auth_timeout, s2s_idle_timeout;
	int64_t s2s_ping_interval, s2s_ping_timeout;
	int64_t s2s_queue_max, s2s_queue_age; /* of one pair of domains */
	int64_t s2s_unacked_max;	      /* bytes of one stream */
	int64_t s2s_memory_max;		      /* bytes of all that waits */
	int64_t s2s_connecting_max;	      /* streams on their way */
	int64_t s2s_retry_min, s2s_retry_max;
	int64_t s2s_resume_time;
	int64_t s2s_stanza_max;
	int64_t s2s_rate, s2s_burst; /* of a peer: bytes a second, bytes;
				      * 0: no limit */
	int64_t s2s_stanza_rate;     /* of a peer: a second; 0: no limit */
	int64_t s2s_output_max;	     /* bytes waiting for one stream */
	int64_t s2s_max, s2s_max_per_address, s2s_max_unauthenticated;
	int64_t s2s_dialback_max; /* open requests of one stream */
};

enum bind_conflict { BIND_REPLACE, BIND_REJECT, BIND_RENAME };

/* Mails that may wait for the core before the I/O threads stop reading. */
#define SERVER_MAX_BACKLOG 8192

struct server {
	struct loop *core;
	struct wire_io *io; /* n_io of them; see wire.h */
	unsigned n_io;
	uint32_t n_handed; /* connections, to I/O threads */
	struct workers *workers;
	struct store *store;
	struct clock *clock; /* the core loop's */
	struct server_options opt;
	struct log log;
	struct map hosts;	 /* struct host.node */
	struct host *first_host; /* borrowed; of the configuration */
	struct map accounts;	 /* struct account.node */
	struct map services;	 /* private to router.c */
	struct map remotes;	 /* private to remote.c */
	struct map lanes;	 /* private to event.c */
	struct map requests;	 /* private to iq_request.c */
	struct list streams;	 /* struct c2s.node */
	struct list components, component_streams; /* private to component.c */
	size_t n_streams; /* of clients, servers and components */
	size_t n_clients, n_sessions;
	size_t n_users;		    /* accounts with a session */
	uint64_t next_id;	    /* of streams and sessions */
	struct tls_config *c2s_tls; /* ref; NULL: no certificate at all */
	struct tls_config *s2s_tls; /* the same for servers that dial us */
	/* For dialing them as a domain that is no host, so without certificate;
	 * ref. Hosts have their own. */
	struct tls_config *s2s_tls_client;
	struct timer certs_timer; /* private to certs.c */
	struct auth_limits *auth_limits;
	struct log_limit peer_lines; /* private to server.c */
	struct timer tell_left_out;  /* the same */
	struct s2s_all *s2s;	     /* private to s2s*.c */
	int (*dial)(void *data, const char *domain, bool *is_tls_out);
	void *dial_data; /* see server_setup */
	/* set at the start only */
	struct xml_limits limits_unauth, limits, s2s_limits;
	struct map c2s_addresses, s2s_addresses; /* see addresses.h */
	struct list listeners;			 /* private to server.c */
	struct buf scratch;    /* for what is written and copied at once */
	struct xml_pool *pool; /* of the core thread */
	uint8_t secret[32];    /* of this database: fake salts and the like */
	int64_t started_ms;    /* wall time */
	struct timer drain;
	bool is_stopping, is_threaded, has_listeners;
	bool shares_loop; /* the I/O's is the core's */
};

extern const struct option server_options[];

struct server_setup {
	const struct config *config; /* borrowed during server_new */
	struct clock *fake_clock;    /* tests; NULL: real time */
	bool single_thread; /* tests: one I/O loop, no threads; server_settle */
	bool no_listen;	    /* tests: connections are handed in */
	/* Tests: a connected socket to another domain, in place of DNS and
	 * connect; -1: there is no such domain, -2: it cannot be reached.
	 * *is_tls_out: TLS comes first. NULL: the real world. */
	int (*dial)(void *data, const char *domain, bool *is_tls_out);
	void *dial_data;
};

/* Opens the database, loads hosts and modules, listens. */
struct server *server_new(const struct server_setup *setup, struct err *err);
/* Runs the core in the calling thread until server_stop. */
void server_run(struct server *srv);
/* Drains: clients are told system-shutdown, what is queued is committed.
 * From the core thread, or any with server_run's loop_post. */
void server_stop(struct server *srv);
void server_free(struct server *srv);
/* New options, hosts and certificates; open streams keep theirs. -1: nothing
 * has changed; 1: all is taken over but for what err tells. */
int
server_reload(struct server *srv, const struct config *config, struct err *err);
/* single_thread, or when no thread runs any more: turns until nothing is left
 * to do. */
void server_settle(struct server *srv);

/* A connected socket as if it had been accepted (tests). secure: as if TLS had
 * been negotiated. */
void
server_accept_c2s(struct server *srv, int fd, bool secure, const char *peer);

/* Before a line at level info that a peer causes by misbehaving, or before
 * anybody knows who it is: whether there is room for it in the log. Lines that
 * are left out are counted there. */
bool server_may_log(struct server *srv);

/* The same for a server that has connected to us; info: TLS has been
 * negotiated, with this result; NULL: it has not. */
void server_accept_s2s(struct server *srv, int fd, const struct tls_info *info,
		       const char *peer);

/* One of n_streams is over; when the server stops, it waits for the last. */
void server_stream_gone(struct server *srv);

#endif
