/*
 * wire.h - an XMPP stream's bytes: the part that lives on an I/O thread.
 *
 * Between a connection, which knows bytes, and the owner of a stream on the
 * core, which knows elements: parsing happens here, on the connection's
 * thread. Until wire_run the stream goes in lockstep: one header or element
 * comes up, and nothing more is parsed until the owner says how to go on. (So
 * nothing that was sent in the clear is ever read as part of a secured
 * stream.)
 *
 * All functions are called on the core, and all of the class's, too, but one.
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "base/list.h"
#include "core/quota.h"
#include "net/conn.h"
#include "xmpp/cond.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct chunk;
struct loop;
struct stanza;
struct tls_config;
struct tls_info;
struct wire;
struct xml;
struct xml_limits;
struct xml_pool;

/* An I/O thread and its parsers. */
struct wire_io {
	struct loop *loop;
	struct xml_pool *pool;
	struct list abandoned; /* the core's; private to wire.c */
};

/* An arena's reference goes to the callee. After on_end nothing is called. */
struct wire_class {
	void (*on_open)(void *owner, struct arena *a, struct xml *header,
			const char *default_ns);
	/* In lockstep: will tls-exporter be needed for this element? Called by
	 * the I/O thread, which has it. May be NULL: never. */
	bool (*wants_exporter)(const struct xml *x);
	/* TLS_EXPORTER_LEN bytes, right before the on_element for which they
	 * are. Not called where the connection has none. */
	void (*on_exporter)(void *owner, const uint8_t *exporter);
	/* In lockstep; when running, what is not a stanza. */
	void (*on_element)(void *owner, struct arena *a, struct xml *x);
	/* When running: takes the reference; not shared yet. It is under way
	 * until wire_stanza_done(w, weight), which must follow once. */
	void (*on_stanza)(void *owner, struct stanza *s, unsigned weight);
	/* </stream:stream> */
	void (*on_close)(void *owner);
	/* TLS is there; the parser waits for a header. Who keeps info copies
	 * it: tls_info_copy. */
	void (*on_secure)(void *owner, const struct tls_info *info);
	/* The peer broke the rules of XML or a limit. text is static. Nothing
	 * more is parsed. */
	void (*on_bad)(void *owner, enum stream_cond cond, const char *text);
	/* detail may be NULL. */
	void (*on_end)(void *owner, enum conn_end why, const char *detail);
};

struct wire_settings {
	const struct xml_limits *limits; /* borrowed */
	size_t max_queue;		 /* bytes of output */
	size_t max_backlog;		 /* see conn.h */
	unsigned window; /* what may be under way; see wire_stanza_done */
	struct quota_rates rates;    /* stanzas: and other elements */
	struct tls_config *tls;	     /* TLS comes first; NULL: a header */
	const char *tls_client_name; /* the server's, in A-labels, where tls is
				      * for the client's side; else NULL */
};

/* Takes the socket, whoever has connected to whom: the owner writes its header
 * when it wants to, on_open has the peer's. */
struct wire *wire_new(struct loop *core, struct wire_io *io, int fd,
		      const struct wire_class *cls, void *owner,
		      const struct wire_settings *settings);

void
wire_write(struct wire *w, const char *head, size_t len, struct chunk *tail);
/* See conn_write_bulk. */
void wire_write_bulk(struct wire *w, const char *head, size_t len,
		     struct chunk *tail);
/* What it reads counts for q from now on, of which it takes a reference, and
 * not any more for a quota of its own. */
void wire_share(struct wire *w, struct quota *q);
/* Lockstep: the next element. */
void wire_continue(struct wire *w);
/* A new stream: a header comes next, maybe in what has been read already. */
void wire_restart(struct wire *w);
/* Writes `proceed` (static) and starts TLS; on_bad with
 * policy-violation where the peer has sent more in the clear already. */
void
wire_start_tls(struct wire *w, const char *proceed, struct tls_config *cfg);
/* The client's side, once the server has said <proceed/>; cfg is one of
 * tls_config_new_client. on_bad with policy-violation where the server has said
 * more than that. */
void
wire_start_tls_client(struct wire *w, struct tls_config *cfg, const char *name);
/* End of lockstep: stanzas in namespace ns (static) come parsed, under these
 * limits (borrowed). */
void wire_run(struct wire *w, const char *ns, const struct xml_limits *limits);
/*
 * One that on_stanza gave is handled, or came to nothing; also after
 * wire_release. While stanzas of more than `window` (one each for up to 2 KB)
 * are under way, nothing is parsed: a client that sends faster than its
 * stanzas can be handled costs itself time, not the server memory or others
 * their turn.
 */
void wire_stanza_done(struct wire *w, unsigned weight);
/* What is queued goes out, then the connection ends; nothing is read. */
void wire_close(struct wire *w, int linger_ms);
/* Both at once: what is queued goes out, and the owner has nothing to do with
 * it any more. */
void wire_abandon(struct wire *w, int linger_ms);
/* loop is borrowed; ends with wire_io_fini, after the loops. */
void wire_io_init(struct wire_io *io, struct loop *loop);
void wire_io_fini(struct wire_io *io);
/* The one of n for a new connection; *count counts them. Of each n that come
 * one after the other every one gets one, but in no fixed order: those that do
 * most of the talking may be every second. */
struct wire_io *wire_io_next(struct wire_io *ios, unsigned n, uint32_t *count);
/* The wires of an I/O thread that were abandoned and linger still: at the
 * server's end. */
void wire_io_drop(struct wire_io *io);
/* The owner is gone; nothing is called any more. Frees w, once none of its
 * stanzas is under way. */
void wire_release(struct wire *w);

/* When bytes came last, on the monotonic clock; in the future, when one that is
 * over its rate will be listened to again. */
int64_t wire_last_read_ms(const struct wire *w);

#endif
