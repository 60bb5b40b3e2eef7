/* login.h - how a scripted client logs in. */
#ifndef SCRIPT_LOGIN_H
#define SCRIPT_LOGIN_H

struct client;
struct server;

/* All return NULL, or what came instead (static or the client's log). */

/* A header is sent, from NULL: without `from`; a header and features come. */
const char *login_open(struct client *c, struct server *srv, const char *domain,
		       const char *from);
/* On an open stream: SASL PLAIN, and a new stream. */
const char *login_plain(struct client *c, struct server *srv, const char *user,
			const char *domain, const char *password);
/* SCRAM up to the challenge; the response is kept for login_respond. */
const char *login_begin(struct client *c, struct server *srv, const char *mech,
			const char *user, const char *password);
void login_respond(struct client *c);
/* The challenge of SCRAM-SHA-256 for a user asks for so many iterations. The
 * attempt is aborted. */
const char *login_sees(struct client *c, struct server *srv, const char *user,
		       const char *iterations);
/* The same as login_plain with SCRAM; the server has to prove that it knows the
 * password, too. */
const char *
login_scram(struct client *c, struct server *srv, const char *mech,
	    const char *user, const char *domain, const char *password);
/* All of it, with binding. */
const char *login(struct client *c, struct server *srv, const char *full_jid,
		  const char *password);
/* Of a component (XEP-0114): header and handshake. */
const char *login_component(struct client *c, struct server *srv,
			    const char *domain, const char *secret);

/* Of another server: SASL EXTERNAL, and a new stream. */
const char *login_external(struct client *c, struct server *srv,
			   const char *domain, const char *from);
/* On a connection that the server has made: it asks for dialback, and gets it.
 * features: what to say after a header; NULL: none. */
const char *
login_accept(struct client *c, struct server *srv, const char *domain,
	     const char *from, const char *features);

#endif
