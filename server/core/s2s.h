/*
 * s2s.h - streams with other servers, for the rest of the server.
 *
 * Stanzas for other domains go by pairs of domains, from one of ours to one of
 * theirs; a pair is carried by a stream that has been authenticated for it.
 * docs/federation.md tells what an administrator sees of it.
 */
#ifndef CORE_S2S_H
#define CORE_S2S_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dial_result;
struct err;
struct peer_addr;
struct server;
struct stanza;
struct tls_info;

/* Everything that belongs to other servers; opens nothing yet. */
int s2s_init(struct server *srv, struct err *err);
/* The configuration has changed: streams with domains that are blocked now are
 * closed. */
void s2s_reload(struct server *srv);
/* The server is stopping: what waits is bounced, while its senders are there;
 * from now on only streams that are up take anything. */
void s2s_refuse(struct server *srv);
/* Streams are closed in order; each tells the server: server_stream_gone. */
void s2s_stop(struct server *srv);
void s2s_free(struct server *srv);

/* For the router: to a domain that is not ours. Takes the reference; `from`
 * and `to` are set. What cannot be delivered is answered with the conditions
 * of RFC 6120 section 10.4. */
void s2s_send(struct server *srv, struct stanza *stanza);

/* A connected socket. secure: as if TLS had been negotiated, with this result
 * (tests); else NULL. */
void s2s_accept(struct server *srv, int fd, const struct peer_addr *peer,
		bool direct_tls, const struct tls_info *secure);

/* False from when there was no way to a domain until there is one; see
 * HOOK_REMOTE_UNREACHABLE. Domains that nobody has asked for are reachable, and
 * so are those that were forgotten. */
bool s2s_is_reachable(const struct server *srv, const char *domain);

/* Closes the streams with a domain, "" for all, also those that are lost or on
 * their way; they come back when they are needed, which may be at once. How
 * many. */
size_t s2s_close_domain(struct server *srv, const char *domain);

/* What there is, for an administrator. Strings are valid during the call. */
struct s2s_info {
	const char *name;	    /* of the stream */
	const char *local, *remote; /* "" where it is not known yet */
	const char *address;	    /* "" while there is no connection */
	const char *state;	    /* one word */
	const char *auth;	    /* "certificate", "dialback", "" */
	const char *tls_version;    /* "" without TLS */
	const char *certificate;    /* "valid", or what is wrong with it; "" */
	const char *last_error;	    /* ""; also one of before it was up */
	bool is_out, is_bidi, is_resumable;
	int64_t age_ms, rtt_ms; /* -1: not known */
	int64_t error_age_ms;	/* -1: not known, or just now */
	size_t n_queued, n_unacked;
	uint64_t n_in, n_out; /* stanzas */
};
void s2s_each(struct server *srv,
	      void (*fn)(void *data, const struct s2s_info *info), void *data);

/* Streams, open or on their way. */
size_t s2s_count(const struct server *srv);

/* Domains to which there is no way now. */
struct s2s_lost {
	const char *domain, *error;
	int64_t retry_ms; /* from now */
	size_t n_queued;
};
void
s2s_each_lost(struct server *srv,
	      void (*fn)(void *data, const struct s2s_lost *lost), void *data);

/*
 * Makes a stream from one of our domains to another one just to see how far it
 * gets: `tell` gets a line for each step, `done` comes once. Nothing else is
 * sent by it. Where it works, a ping goes the way of all stanzas, for which the
 * next try does not wait.
 */
void s2s_test(struct server *srv, const char *local, const char *remote,
	      void (*tell)(void *data, const char *line),
	      void (*done)(void *data, bool is_good), void *data);

#endif
