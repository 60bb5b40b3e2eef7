/*
 * conn.h - a connection: socket, TLS, output queue; bytes without meaning.
 *
 * A connection lives on one I/O loop. Its user is an object on another loop
 * (the core) and reaches it through the conn_* calls below, all of which may
 * be made from that loop (`self`) or from the connection's own. Those of the
 * other loop take effect in order, in a later turn of the connection's; of its
 * own loop's, conn_write, conn_start_tls* and conn_resume do at once and the
 * others later. What the connection tells, it tells through its class, on its
 * own loop, and never from inside a conn_* call.
 *
 * It ends in two steps: on_end is the last callback, and says why; it comes
 * exactly once. The memory goes with conn_release, which its user must call
 * exactly once, whenever it wants to, and calls nothing after it.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk;
struct conn;
struct loop;
struct tls_config;
struct tls_info;

enum conn_end {
	CONN_EOF,   /* the peer closed (with or without close_notify) */
	CONN_RESET, /* the connection broke; detail has the system's words */
	CONN_TLS_FAILED, /* handshake or record error; detail has the reason */
	CONN_QUEUE_FULL, /* the peer does not read, or too slowly */
	CONN_CLOSED,	 /* conn_close or conn_release */
};

/* All on the connection's loop. */
struct conn_class {
	/* Bytes came (decrypted). data may be changed in place and is valid
	 * during the call. False: no more until conn_resume; bytes already
	 * given are the callee's. */
	bool (*on_data)(struct conn *c, void *user, char *data, size_t len);
	/* The TLS handshake is complete. */
	void (*on_secure)(struct conn *c, void *user,
			  const struct tls_info *info);
	/* Nothing more is read or written. detail may be NULL. */
	void (*on_end)(struct conn *c, void *user, enum conn_end why,
		       const char *detail);
	/* Everything that came has been given to on_data (or nothing had come
	 * at conn_resume): a good moment to give back buffers. May be NULL. */
	void (*on_idle)(struct conn *c, void *user);
};

struct conn_options {
	size_t max_queue;	/* bytes of output that may wait for the peer */
	struct loop *reader;	/* who handles what on_data passes on; while its
				 * backlog is over max_backlog nothing is read */
	size_t max_backlog;	/* mails; 0: no limit */
	struct tls_config *tls; /* begins with TLS, as with conn_start_tls;
				 * NULL: in the clear */
	const char *tls_client_name; /* as with conn_start_tls_client; NULL:
				      * tls is for the server's side */
};

/* Takes the connected, non-blocking socket fd; works from the next turn of io
 * on. user is handed to the class's functions. self: the caller's loop. */
struct conn *conn_new(struct loop *self, struct loop *io, int fd,
		      const struct conn_class *cls, void *user,
		      const struct conn_options *opts);

/* Queues head (copied) and then tail (a reference is taken; may be NULL). All
 * that one connection is given in one turn goes out in as few writes as
 * possible. */
void conn_write(struct loop *self, struct conn *c, const char *head,
		size_t head_len, struct chunk *tail);
/* The same for what many connections are given at once: it may wait for what
 * others are given by conn_write. The order of one connection stays. */
void conn_write_bulk(struct loop *self, struct conn *c, const char *head,
		     size_t head_len, struct chunk *tail);

/* Server side of TLS, after what is queued has been written; what is written
 * from now on waits for the end of the handshake. Reading starts again with the
 * handshake. tls is kept by reference. How long a handshake may take is the
 * user's business: conn_close. */
void conn_start_tls(struct loop *self, struct conn *c, struct tls_config *tls);
/* The same for the client's side; tls is one of tls_config_new_client, name the
 * server's, in A-labels (copied). What the server's certificate is worth is in
 * on_secure's info, and the user's business, too. */
void conn_start_tls_client(struct loop *self, struct conn *c,
			   struct tls_config *tls, const char *name);
/* Reading goes on after on_data returned false. */
void conn_resume(struct loop *self, struct conn *c);
/* Writes what is queued, TLS close_notify and the end of the stream, waits for
 * the peer to do the same, but not longer than linger_ms, and ends with
 * CONN_CLOSED. What comes meanwhile is dropped, what is written as well. In the
 * middle of a handshake it ends at once. */
void conn_close(struct loop *self, struct conn *c, int linger_ms);
/* The user calls no more: see above. Ends the connection at once if it has not
 * ended, and then on_end is still called, before the memory goes. */
void conn_release(struct loop *self, struct conn *c);

/* On the connection's loop: tls-exporter (RFC 9266), TLS_EXPORTER_LEN bytes.
 * False where it is not to be had, as in the clear. */
bool conn_export(const struct conn *c, uint8_t *out);

/* Read-only after conn_new; any thread. */
struct loop *conn_loop(const struct conn *c);

#endif
