/* c2s.h - the streams of clients (RFC 6120), from accept to close. */
#ifndef CORE_C2S_H
#define CORE_C2S_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>

struct account;
struct c2s;
struct chunk;
struct jid;
struct peer_addr;
struct server;

/* Takes the connected socket. direct_tls: the handshake comes first (XEP-0368).
 * secure: as if TLS had been negotiated (tests). */
void c2s_accept(struct server *srv, int fd, const struct peer_addr *peer,
		bool direct_tls, bool secure);

/* Bytes for the client: head is copied, tail referenced (may be NULL). */
void c2s_write(struct c2s *c, const char *head, size_t len, struct chunk *tail);
/* See conn_write_bulk. */
void
c2s_write_bulk(struct c2s *c, const char *head, size_t len, struct chunk *tail);
/* Ends the stream with an error (STREAM_NONE: just </stream:stream>), and with
 * it the session. text may be NULL. c may be gone afterwards. */
void c2s_close(struct c2s *c, enum stream_cond cond, const char *text);

/* All streams that have authenticated for this account. */
void
c2s_close_account(struct account *a, enum stream_cond cond, const char *text);

/* Keys that somebody is just proving may be out of date: such attempts to log
 * in fail. */
void c2s_account_changed(struct server *srv, const struct jid *account);

/* For the end: all are told, or all are forgotten at once. */
void c2s_close_all(struct server *srv, enum stream_cond cond);
void c2s_drop_all(struct server *srv);

/* "c2s-41", for logs; lives as long as the stream. */
const char *c2s_name(const struct c2s *c);

/* One line for each stream into fn; for `banyan status`. */
struct c2s_info {
	const char *name, *address, *jid;    /* jid NULL: not logged in */
	const char *tls_version, *mechanism; /* NULL: none */
	bool is_bound;
};
void c2s_each(struct server *srv,
	      void (*fn)(void *data, const struct c2s_info *info), void *data);

#endif
