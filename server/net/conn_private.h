/*
 * conn_private.h - the inside of a connection, for conn*.c only.
 *
 * conn.c has its life, what is asked of it, and reading; conn_out.c the output
 * queue; conn_tls.c the handshake and records. All on the connection's loop.
 */
#ifndef NET_CONN_PRIVATE_H
#define NET_CONN_PRIVATE_H

#include "net/conn.h"
#include "net/loop.h"

#include <event2/event_struct.h>
#include <openssl/types.h>

/* The longest record of TLS. */
#define CONN_BUF 16384

/* One piece of output: the mail that brings it, and then, linked through
 * mail.next, the node of the queue. */
struct seg {
	struct mail mail;
	struct conn *conn;
	struct chunk *tail; /* ref, or NULL */
	size_t head_len : 63;
	size_t is_bulk : 1;
	char head[];
};

/* What few connections need at a time: while TLS starts, while closing. */
struct conn_rare {
	struct tls_config *tls; /* ref; during the handshake, which asks it */
	char *tls_name;		/* owned; the client's side; NULL: server's */
	bool tls_is_first;	/* nothing was said in the clear */
	size_t plain_left;	/* bytes of output before TLS begins */
	struct timer linger;
	struct conn *conn;
};

/* There are many of these, most of them idle: no byte too much. */
struct conn {
	const struct conn_class *cls; /* borrowed, like user and loops */
	void *user;
	struct loop *io, *reader;
	struct event ev;
	SSL *ssl;		/* owned, or NULL */
	struct conn_rare *rare; /* owned, or NULL */

	struct seg *first, *last;
	size_t written; /* of first */
	size_t queued;	/* bytes that wait, without those */
	uint32_t max_queue, max_backlog;

	struct turn_end flush;
	struct list again; /* see conn.c; next is NULL while in no list */
	int fd;
	short watched; /* what ev waits for; 0: not added */

	bool is_ended : 1;
	bool is_closing : 1;	  /* conn_close */
	bool is_shut : 1;	  /* our side said its last byte */
	bool has_eof : 1;	  /* the peer did, while closing */
	bool is_starting_tls : 1; /* plain output comes first */
	bool is_handshaking : 1;
	bool is_paused : 1;	   /* on_data returned false */
	bool is_parked : 1;	   /* the reader has too much to do */
	bool is_read_off : 1;	   /* the socket is not asked */
	bool is_blocked : 1;	   /* output waits for the socket */
	bool read_wants_write : 1; /* TLS has something to say first */
};

/* Why a connection ends. detail is static, or lives until the next call into
 * the C library. */
struct conn_why {
	enum conn_end end;
	const char *detail;
};

enum conn_io {
	CONN_IO_OK,	 /* and there may be more */
	CONN_IO_BLOCKED, /* nothing (more) for now */
	CONN_IO_ENDED,	 /* why is set */
};

/* conn.c */
/* Brings ev in line with the flags. */
void conn_watch(struct conn *c);
/* In the next turn, as if the socket had something. */
void conn_read_soon(struct conn *c);
void conn_finish(struct conn *c, const struct conn_why *why);
/* From errno. */
enum conn_io conn_broken(struct conn_why *why);
struct conn_rare *conn_rare(struct conn *c);
void conn_rare_free(struct conn *c);

/* conn_out.c */
void seg_free(struct seg *s);
void conn_out_add(struct conn *c, struct seg *s);
void conn_out_clear(struct conn *c);
/* Writes what the socket takes, and what is due when all is written: TLS
 * begins, the connection closes. */
void conn_out_flush(struct conn *c);

/* conn_tls.c */
/* Nothing plain waits any more. */
void conn_tls_begin(struct conn *c);
void conn_tls_free(struct conn *c);
/* Goes on; tells on_secure when it is complete. */
enum conn_io conn_tls_handshake(struct conn *c, struct conn_why *why);
/* Reads records until buf is full or nothing is pending. Bytes may have come
 * (n_out) whatever the result. */
enum conn_io conn_tls_read(struct conn *c, char *buf, size_t size,
			   size_t *n_out, struct conn_why *why);
enum conn_io conn_tls_write(struct conn *c, const char *data, size_t len,
			    size_t *n_out, struct conn_why *why);
/* close_notify */
enum conn_io conn_tls_shutdown(struct conn *c);
bool conn_tls_has_pending(const struct conn *c);

#endif
