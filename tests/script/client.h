/*
 * client.h - a scripted client, or another server: one end of a socket pair,
 * whose other end the server under test has accepted, or has dialed.
 */
#ifndef SCRIPT_CLIENT_H
#define SCRIPT_CLIENT_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct server;
struct tls_info;
struct xml;
struct xml_pool;
typedef struct ssl_st SSL;

/* Something that came, in order. */
struct incoming {
	struct list node;
	struct arena *arena; /* ref; NULL: the stream's end */
	struct xml *xml;     /* a header or an element */
	bool is_header;
};

struct client {
	struct list node; /* for its owner */
	char *name;
	char *jid;     /* bound; or NULL */
	int fd;	       /* -1: closed on our side */
	bool is_ended; /* the server has closed the connection */
	bool is_component, is_server;
	bool is_dialed;	 /* the server has connected to it */
	bool awaits_tls; /* nothing is read before */
	SSL *ssl; /* owned; NULL: in the clear, or as if there were TLS */
	struct list incoming;
	struct xml_parser *parser;
	struct xml_pool *pool; /* owned */
	char *response;	       /* of SCRAM, to be sent; or NULL */
	char *log;	       /* all that came, for messages */
	size_t log_len;
};

struct client *client_new(const char *name);
void client_free(struct client *c);

struct connection {
	bool is_secure;		    /* as if TLS had been negotiated */
	bool is_component;	    /* of XEP-0114 */
	bool is_server;		    /* another one */
	const char *address;	    /* of the client; NULL: the usual one */
	const struct tls_info *tls; /* of another server; NULL: none */
};

void client_connect(struct client *c, struct server *srv,
		    const struct connection *how);
/* The other way round: this end of a connection that the server has made. */
void client_take(struct client *c, int fd, bool with_tls);
/* Begins TLS, after <proceed/> where it has been dialed; pem: with this
 * certificate and key, NULL: without. False: the handshake came to nothing. */
bool client_start_tls(struct client *c, struct server *srv, const char *pem);
void client_send(struct client *c, const char *text, size_t len);
/* Lets the server work until nothing is left to do, then reads what came. */
void client_pump(struct client *c, struct server *srv);
void client_disconnect(struct client *c);

/* The next thing that came, or NULL; the caller frees it. */
struct incoming *client_next(struct client *c);
void incoming_free(struct incoming *in);

#endif
