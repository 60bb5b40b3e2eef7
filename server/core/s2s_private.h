/*
 * s2s_private.h - the inside of federation, for s2s*.c only.
 *
 *   s2s.c           a stream's life: stanzas, silence, the end
 *   s2s_all.c       start, connections that come, stop
 *   s2s_identity.c  who is at the other end, and may speak for whom
 *   s2s_in.c        negotiating with a server that has connected to us
 *   s2s_out.c       connecting to another server
 *   s2s_link.c      pairs of domains: what waits, and by which stream it goes
 *   s2s_peer.c      other domains: back-off, reachability
 *   s2s_dialback.c  XEP-0220 in all its roles
 *   s2s_sm.c        acknowledgements and resumption (XEP-0198)
 *   s2s_return.c    sessions that wait for the other server to resume them
 *   s2s_limits.c    what others may cost
 *   s2s_write.c     what goes out
 *   s2s_show.c      what an administrator sees
 */
#ifndef CORE_S2S_PRIVATE_H
#define CORE_S2S_PRIVATE_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timer.h"
#include "core/remote.h"
#include "core/s2s.h"
#include "xmpp/cond.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct dial;
struct dialback;
struct dns;
struct host;
struct jid;
struct quota;
struct s2s_source;
struct sm;
struct stanza;
struct stream_header;
struct tls_config;
struct tls_info;
struct wire;
struct wire_settings;
struct xml;

/* All of a server. */
struct s2s_all {
	struct server *server;
	struct map peers;     /* struct s2s_peer.node, by domain */
	struct map links;     /* struct s2s_link.node, by both domains */
	struct map resumable; /* struct s2s.by_id: incoming, by their id */
	struct list streams;  /* struct s2s.node */
	struct dns *dns;      /* owned */
	size_t n_streams, n_unauthenticated;
	size_t n_in;	    /* connections from others */
	size_t n_dialing;   /* out, and never ready so far; of all sources */
	struct list broken; /* struct s2s.of_broken: in, oldest first */
	size_t n_broken;
	struct map sources; /* private to s2s_limits.c */
	size_t n_kept;	    /* bytes of stanzas that wait, or are unconfirmed */
	struct list unknown; /* struct s2s_peer.of_unknown: oldest first */
	size_t n_unknown;
};

/* Another domain. Goes when nothing is left to know about it. */
struct s2s_peer {
	struct map_node node;
	struct s2s_all *all;
	struct list links;	/* struct s2s_link.of_peer */
	struct list streams;	/* struct s2s.of_peer */
	struct list verifies;	/* struct s2s_verify.of_peer: not sent yet */
	struct timer retry;	/* set: not before, and then again */
	unsigned failures;	/* in a row */
	int64_t lost_ms;	/* since when the hosts know that there is no
				 * way; 0: there is one, or may be */
	bool was_reached;	/* what is for it may wait */
	struct list of_unknown; /* in all->unknown: it was not */
	struct quota *quota;	/* ref; for all its streams; or NULL */
	struct timer calm; /* the quota is full then, and may be forgotten */
	enum stanza_cond cond; /* why, for those who send */
	char *error;	       /* owned; the last one, in words; or NULL */
	int64_t error_ms;      /* when that was */
	char *local;	       /* owned; of the last stream that worked or was
				* wanted */
	char domain[];
};

enum s2s_link_state {
	LINK_IDLE,    /* no stream */
	LINK_WAITING, /* the stream is not ready */
	LINK_ASKED,   /* dialback on a stream of others */
	LINK_UP,
};

/* From one of our domains to one of theirs. */
struct s2s_link {
	struct map_node node;
	struct list of_peer, of_stream;
	struct s2s_peer *peer; /* borrowed */
	struct s2s *stream;    /* borrowed; NULL while idle */
	struct list queue;     /* private to s2s_link.c */
	char *source; /* owned; for whom a stream is made; NULL: OURSELVES */
	size_t n_queued, queued; /* stanzas, bytes */
	struct timer age;	 /* of the oldest that waits */
	enum s2s_link_state state;
	bool is_alone;	    /* shares no stream: that was refused */
	bool was_up;	    /* before the connection was lost */
	const char *remote; /* peer->domain */
	char local[];
};

enum s2s_state {
	S2S_DIALING,   /* out: no connection yet */
	S2S_BROKEN,    /* the connection is lost, the session is not */
	S2S_SECURING,  /* TLS handshake */
	S2S_HEADER,    /* a header comes next */
	S2S_FEATURES,  /* out: features come next */
	S2S_STARTTLS,  /* out: <proceed/> comes next */
	S2S_NEGOTIATE, /* in: features were sent; out: nothing to log in for */
	S2S_SASL,      /* out: <success/> comes next */
	S2S_DIALBACK,  /* out: <db:result/> comes next */
	S2S_RESUMING,  /* out: <resumed/> comes next */
	S2S_RUNNING,   /* stanzas */
	S2S_DRAINING,  /* we have said the end, and take what still comes */
	S2S_CLOSING,   /* nothing is taken any more */
};

/* A domain of theirs that may send by a stream. */
struct s2s_pair {
	struct map_node node;
	const char *local; /* owned by the struct; NULL: to all of ours */
	char remote[];
};

/* A key that we have been shown and ask its owner about. */
struct s2s_verify {
	struct list of_in;	    /* in in->verifies */
	struct list of_peer;	    /* in peer->verifies, or via->asked */
	struct s2s *in;		    /* borrowed: where the key came */
	struct s2s *via;	    /* borrowed: where we ask; NULL: not yet */
	char *local, *remote, *key; /* owned */
};

struct s2s {
	struct list node;	 /* in all->streams */
	struct list of_peer;	 /* in peer->streams */
	struct list of_broken;	 /* in all->broken */
	struct map_node by_id;	 /* incoming and resumable */
	struct s2s_all *all;	 /* borrowed */
	struct server *server;	 /* borrowed */
	struct s2s_peer *peer;	 /* borrowed; NULL: not known yet */
	struct wire *wire;	 /* owned; NULL: no connection */
	struct dial *dial;	 /* owned; out */
	struct tls_info *tls;	 /* owned; NULL before TLS */
	struct list links;	 /* struct s2s_link.of_stream */
	struct map pairs;	 /* struct s2s_pair.node */
	struct list verifies;	 /* struct s2s_verify.of_in */
	struct list asked;	 /* struct s2s_verify.of_peer */
	struct timer timer;	 /* to log in; then for silence */
	struct timer ack;	 /* what was sent should be acknowledged */
	struct sm *sm;		 /* owned; NULL: nothing is counted */
	char *sm_id;		 /* owned; resumption */
	char *local, *remote;	 /* owned; of the header */
	char *target;		 /* owned; out: "host:port" */
	char *error;		 /* owned; of a target that was no good */
	struct s2s_probe *probe; /* owned; s2s_test */
	struct s2s_ping *ping;	 /* private to s2s_sm.c */
	int64_t since_ms, ready_ms, used_ms, asked_ms, rtt_ms;
	int64_t resume_until_ms;
	/* In, while it is broken: since when; when a way to the other server
	 * was found, and when it last began to come back; 0: it was not, it has
	 * not. */
	int64_t broken_ms, found_ms, tried_ms;
	size_t kept;		   /* bytes in sm, as counted in all->n_kept */
	struct s2s_source *source; /* counted in all->n_dialing; or NULL */
	size_t peer_max_bytes;	   /* XEP-0478; 0: not known */
	uint64_t n_in, n_out;
	const char *auth;   /* static; NULL: not authenticated */
	const char *advice; /* static; what to do about `error`; may be NULL */
	enum stanza_cond cond; /* out, of a target that refused, for senders;
				* COND_NONE: no special one */
	unsigned n_failures, n_unproved;
	uint8_t state; /* enum s2s_state */
	bool is_out, is_secure, is_opened, is_direct_tls;
	bool is_bidi;	  /* stanzas go both ways */
	bool shuns_bidi;  /* out: it failed with that */
	bool is_counted;  /* in all->n_unauthenticated */
	bool has_address; /* counted for its address */
	bool is_asked;	  /* an acknowledgement is awaited */
	bool is_sm;	  /* XEP-0198, not just pings */
	bool has_counted; /* the last that came was <a/> */
	bool is_final;	  /* and then it closed the stream */
	bool is_enabling; /* out: <enabled/> comes before stanzas */
	bool has_moved;	  /* stanzas arrived by this connection */
	bool has_spoken;  /* in: what is ours may go back */
	bool is_resumable;
	bool has_answered_ping;
	bool offers_sm, offers_dialback, offers_dialback_errors, offers_bidi;
	bool offers_external, offers_starttls;
	bool has_run;	  /* the wire runs */
	bool was_resumed; /* its links need no new permission */
	bool is_hurried;  /* out: its timer is for an answer to come */
	bool is_search;	  /* out: logs in, even if nothing waits for it */
	char id[33];	  /* in: ours */
	char *peer_id;	  /* owned; out: theirs */
	char name[24];
	char address[INET6_ADDRSTRLEN];
};

/* s2s_test */
struct s2s_probe {
	void (*tell)(void *data, const char *line);
	void (*done)(void *data, bool is_good);
	void *data;
};

/* struct s2s.auth */
#define BY_CERTIFICATE "certificate"

#define NS_DIALBACK	    "jabber:server:dialback"
#define NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define NS_BIDI		    "urn:xmpp:bidi"
#define NS_BIDI_FEATURE	    "urn:xmpp:features:bidi"

/* ---- s2s.c ---- */

struct log s2s_log(const struct s2s *s);
struct s2s *s2s_new(struct s2s_all *all, bool is_out);
/* Nobody is told. */
void s2s_drop(struct s2s *s);
/* What belongs to the connection goes; there is none any more. */
void s2s_disconnect(struct s2s *s);
/* The connection for it, in the clear or with TLS first. */
void s2s_connect(struct s2s *s, int fd, bool direct_tls);
/* Stanzas from now on. */
void s2s_run(struct s2s *s);
/* Without STREAM_NONE with an error: nothing more comes from there. */
void s2s_close(struct s2s *s, enum stream_cond cond, const char *text);
/* The same, but what still comes is taken, unless it is counted. */
void s2s_drain(struct s2s *s);
bool s2s_is_ours(const struct server *srv, const char *domain);
/* To the sender; takes the reference. */
void s2s_bounce(struct server *srv, struct stanza *stanza,
		enum stanza_cond cond, const char *text);
void s2s_watch(struct s2s *s);
/* With the certificate of the domain it is from. */
struct tls_config *s2s_client_tls(const struct s2s *s);

/* ---- s2s_return.c ---- */
/* An incoming session that can be resumed has lost its connection: it waits,
 * for s2s_resume_time, or shorter, if something of ours might wait for it. It
 * may be given up within. */
void s2s_wait_for_return(struct s2s *s);
/* Its timer. */
void s2s_on_no_return(struct s2s *s);
/* What it has kept is looked after; frees s. */
void s2s_give_up_waiting(struct s2s *s);
/* A stream of ours is ready: who has something to resume comes now, or never.
 */
void s2s_found(struct s2s_peer *p);
/* A stream has begun, which says that it is from a domain; not proved yet. */
void s2s_tries_again(const struct s2s *in);
/* It has come to us: attempts to resume something there that get no answer
 * begin anew. */
void s2s_hurry(struct s2s_peer *p);
/* The timer of one that has had some more time for that. */
void s2s_on_hurry(struct s2s *s);

/* ---- s2s_limits.c ---- */
/* For so many bytes more, of who keeps so many already? */
bool s2s_has_memory(const struct s2s_all *all, size_t held, size_t more);
/* After every change of s->sm. */
void s2s_count_kept(struct s2s *s);
/* Streams that were not ready yet, for each of those who want them: domains are
 * easily invented, and each may cost a socket for some time. */
#define OURSELVES ""
const char *s2s_source_of(const struct server *srv, const struct jid *from);
bool s2s_may_dial(const struct s2s_all *all, const char *who);
void s2s_dial_begins(struct s2s *s, const char *who);
/* It is ready, or has failed; does nothing where it was counted out before. */
void s2s_dial_ends(struct s2s *s);
/* The stream is authenticated: what it sends counts for its peer. */
void s2s_share_rate(struct s2s *s);
void s2s_change_rates(struct s2s_all *all);
/* Has it not sent so much lately that it has to be remembered? If it has, it is
 * tidied later. */
bool s2s_peer_is_calm(struct s2s_peer *p);

/* ---- s2s_write.c ---- */
/* Nothing more behind our end. */
void s2s_write(struct s2s *s, const char *data, size_t len);
/* The server's scratch, which is empty then. */
void s2s_flush(struct s2s *s);
/* Our header; to may be NULL. */
void s2s_send_open(struct s2s *s, const char *to, bool without_version);
/* A stanza by this stream, which is running and authenticated for it. */
void s2s_write_stanza(struct s2s *s, struct stanza *stanza);
/* May stanzas of ours go by it? */
bool s2s_can_send(const struct s2s *s);

/* ---- s2s_identity.c ---- */
/* The peer it is with, once it is known. */
void s2s_set_peer(struct s2s *s, const char *domain);
/* The peer's certificate is good, and for this domain. */
bool s2s_is_certified(const struct s2s *s, const char *domain);
/* how is static: "certificate", "dialback". */
void s2s_authenticated(struct s2s *s, const char *how);
/* What may come: from that domain of theirs, to that one of ours; local NULL:
 * to any of ours. */
void s2s_add_pair(struct s2s *s, const char *remote, const char *local);
bool s2s_has_pair(const struct s2s *s, const char *remote, const char *local);
/* The same for a stanza's addresses, whose domains are hashed already. */
bool
s2s_may_come(const struct s2s *s, const struct jid *from, const struct jid *to);
/* For another one. */
bool s2s_has_room(const struct s2s *s);
/* Copies those of a stream whose session goes on in s. */
void s2s_take_pairs(struct s2s *s, struct s2s *from);
void s2s_pairs_free(struct s2s *s);

/* ---- s2s_in.c ---- */
void s2s_in_open(struct s2s *s, const struct stream_header *h);
/* The first of its domains is authenticated. */
void s2s_in_ready(struct s2s *s);
void s2s_in_element(struct s2s *s, struct arena *a, struct xml *x);
/* XEP-0478: what is in features, or in <bidi/>. */
void s2s_read_limits(struct s2s *s, struct arena *a, const struct xml *x);

/* It has sent what may come first, or nothing for a while: <resume/> has to be
 * answered before anything of ours goes back. */
void s2s_in_spoke(struct s2s *s);

/* ---- s2s_out.c ---- */
/* A new stream for that pair, which dials. */
struct s2s *
s2s_out_new(struct s2s_peer *peer, const char *local, const char *who);
/* Connects (again). */
void s2s_out_dial(struct s2s *s);
void s2s_out_open(struct s2s *s, const struct stream_header *h);
void s2s_out_secure(struct s2s *s);
void s2s_out_element(struct s2s *s, struct arena *a, struct xml *x);
/* Something to log in for has come. */
void s2s_out_log_in(struct s2s *s);
/* This connection came to nothing: the next target, or the end. */
void s2s_out_failed(struct s2s *s, const char *why);
/* Drops this connection, and connects from the first target on. */
void s2s_out_anew(struct s2s *s);
/* The pair that it was made for is accepted. */
void s2s_out_accepted(struct s2s *s, const char *how);
/* Counting has been agreed on, or not: links may use it. */
void s2s_out_ready(struct s2s *s);
/* May it carry db:verify? */
bool s2s_out_can_verify(const struct s2s *s);

/* ---- s2s_link.c ---- */
struct s2s_link *
s2s_link_find(const struct s2s_all *all, const char *local, const char *remote);
struct s2s_link *s2s_link_take(struct s2s_peer *peer, const char *local);
/* A stream for it; it may be there already. */
void s2s_link_connect(struct s2s_link *l);
void
s2s_link_attach(struct s2s_link *l, struct s2s *s, enum s2s_link_state state);
void s2s_link_detach(struct s2s_link *l);
void s2s_link_up(struct s2s_link *l);
/* Some stream of ours logs in there, so that it knows that there is a way; not
 * while the peer rests. */
void s2s_look_for(struct s2s_peer *p, const char *local);
/* What waits is bounced. */
void s2s_link_fail(struct s2s_link *l, enum stanza_cond cond, const char *why);
/* What came back from a stream goes first; in its order. Takes references. */
void s2s_link_unread(struct s2s_link *l, struct stanza **stanzas, size_t n);
/* Goes, if nothing is left of it. */
void s2s_link_tidy(struct s2s_link *l);
/* The links of a stream that is over. */
void s2s_links_leave(struct s2s *s);

/* ---- s2s_peer.c ---- */
struct s2s_peer *s2s_peer_find(const struct s2s_all *all, const char *domain);
struct s2s_peer *s2s_peer_take(struct s2s_all *all, const char *domain);
void s2s_peer_tidy(struct s2s_peer *p);
void s2s_peer_free(struct s2s_peer *p);
/* Is there a stream by which we could send, or may there be? */
bool s2s_peer_has_way(const struct s2s_peer *p);
/* Whoever waits for a way there gets one. */
void s2s_peer_try(struct s2s_peer *p);
/* Not before the next try. */
bool s2s_peer_is_resting(const struct s2s_peer *p);
void s2s_peer_up(struct s2s_peer *p, const char *local);
/* It has connected to us: there may be a way, after all. */
void s2s_peer_came(struct s2s_peer *p);
/* There is no way from that domain of ours; NULL: nobody here has asked. */
void s2s_peer_failed(struct s2s_peer *p, const char *local,
		     enum stanza_cond cond, const char *why);
/* The session is over, with what may have been on its way in it: tells those
 * who want to know, for each domain that it was with. */
void s2s_broken(const struct s2s *s);
/* The way that there was is lost, or so it seems. */
void s2s_peer_lost(struct s2s_peer *p, const char *why);
/* For an administrator: what went wrong last. */
void s2s_peer_erred(struct s2s_peer *p, const char *why);

/* ---- s2s_dialback.c ---- */
/* True where x was one. */
bool s2s_dialback(struct s2s *s, struct arena *a, const struct xml *x);
/* Our key for this pair. */
void s2s_dialback_ask(struct s2s *s, const char *local, const char *remote);
/* What waits to be verified there. */
void s2s_dialback_verify_all(struct s2s *s);
/* Nobody can be asked. */
void s2s_dialback_peer_failed(struct s2s_peer *p, enum stanza_cond cond);
/* The stream is over, in either role. */
void s2s_dialback_forget(struct s2s *s);

/* ---- s2s_sm.c ---- */
/* True where x was one. */
bool s2s_sm(struct s2s *s, const struct xml *x);
/* Out: <enable/> or <resume/>, or nothing: then pings count. */
void s2s_sm_begin(struct s2s *s);
/* There is no answer to <enable/>: pings will do. */
void s2s_sm_enable_failed(struct s2s *s);
/* Something was sent, which takes so much memory. */
void s2s_sm_sent(struct s2s *s, struct stanza *stanza, size_t bytes);
/* Asks now. */
void s2s_sm_ask(struct s2s *s);
void s2s_sm_answer(struct s2s *s);
/* What was not acknowledged and cannot be any more: sent again where that does
 * no harm, else bounced. none_arrived: it has not. */
void s2s_sm_recover(struct s2s *s, bool none_arrived);
void s2s_sm_forget(struct s2s *s);

/* ---- s2s_show.c ---- */
/* The bytes of text's first characters, max at most: what others say goes into
 * logs and stanzas. */
size_t s2s_cut(const char *text, size_t max);
/* A <stream:error/>, in words. Valid until the next call. */
const char *s2s_error_text(struct s2s *s, struct arena *a, const struct xml *x);
void s2s_tell(struct s2s *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void s2s_probe_end(struct s2s *s, bool is_good);

#endif
