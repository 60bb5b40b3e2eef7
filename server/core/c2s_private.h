/* c2s_private.h - a client's stream, for c2s.c and c2s_negotiate.c. */
#ifndef CORE_C2S_PRIVATE_H
#define CORE_C2S_PRIVATE_H

#include "base/list.h"
#include "base/log.h"
#include "base/timer.h"
#include "core/c2s.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct arena;
struct auth;
struct event;
struct host;
struct jid;
struct server;
struct session;
struct stream_header;
struct tls_info;
struct wire;
struct xml;

enum c2s_state {
	C2S_HEADER,    /* a stream header comes next */
	C2S_NEGOTIATE, /* features were sent: TLS, SASL, registration */
	C2S_SECURING,  /* the TLS handshake is under way */
	C2S_SASL,      /* an attempt: a response comes next */
	C2S_BUSY,      /* something is looked up; nothing comes */
	C2S_BIND,      /* authenticated; a resource is to be bound */
	C2S_BOUND,     /* stanzas */
	C2S_CLOSING,   /* we have closed; the end is awaited */
};

struct c2s {
	struct list node;	 /* in server->streams */
	struct server *server;	 /* borrowed */
	struct host *host;	 /* borrowed; NULL before the first header */
	struct wire *wire;	 /* owned */
	struct auth *auth;	 /* owned; while not authenticated */
	struct tls_info *tls;	 /* owned; while not authenticated */
	struct account *account; /* ref; once authenticated */
	struct session *session; /* ref; once bound */
	struct event *pending;	 /* a request before authentication */
	struct timer timer;	 /* to log in; then for silence */
	char *address;		 /* owned; the peer's */
	char *lang;		 /* owned; of its stream; may be NULL */
	int64_t pinged_ms;	 /* where is_pinged */
	const char *mech;	 /* static; once authenticated */
	char name[20];
	char tls_version[8]; /* "" without TLS */
	uint8_t failures;    /* of SASL */
	uint8_t state;	     /* enum c2s_state */
	bool is_secure;
	bool is_opened; /* our header was sent */
	bool is_pinged; /* the answer is awaited */
};

struct log c2s_log(const struct c2s *c);

/* Our header. h: the client's, which this one answers; NULL: none came. */
void c2s_send_open(struct c2s *c, const struct stream_header *h);

/* What the wire tells before a resource is bound. */
void c2s_on_open(void *owner, struct arena *a, struct xml *header,
		 const char *default_ns);
void c2s_on_negotiation(struct c2s *c, struct arena *a, struct xml *x);
bool c2s_wants_exporter(const struct xml *x);
void c2s_on_exporter(void *owner, const uint8_t *exporter);

/* For c2s_negotiate.c: once bound. */
void c2s_watch_silence(struct c2s *c);

#endif
