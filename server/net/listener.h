/* listener.h - listening sockets on one loop (the core's). */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <netinet/in.h>
#include <stdint.h>

struct err;
struct listener;
struct loop;

/* The text of a peer's address without port, IPv4-mapped ones as IPv4. */
struct peer_addr {
	char text[INET6_ADDRSTRLEN];
	uint16_t port;
};

/* For limits: whoever has one IPv6 address has all that share its first 64
 * bits, so they count as one; others are what they are. */
void peer_group(const char *text, char out[INET6_ADDRSTRLEN]);

typedef void listener_accept(void *data, int fd, const struct peer_addr *peer);

/* address: "0.0.0.0", "::" (IPv6 only), "127.0.0.1", ... Accepted sockets are
 * non-blocking, close-on-exec and have TCP_NODELAY. Out of file descriptors it
 * pauses for a second and logs it. */
struct listener *
listener_new(struct loop *l, const char *address, uint16_t port,
	     listener_accept *on_accept, void *data, struct err *err);
void listener_free(struct listener **l);
/* The bound port (where 0 was asked for). */
uint16_t listener_port(const struct listener *l);

#endif
