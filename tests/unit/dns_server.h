/* dns_server.h - a DNS server on 127.0.0.1 for tests, UDP and TCP, on a loop.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct dns_server;
struct loop;

enum dns_server_mood {
	DNS_SERVER_HONEST,
	DNS_SERVER_SILENT,
	DNS_SERVER_SERVFAIL,
	DNS_SERVER_REFUSED
};

struct dns_server *dns_server_new(struct loop *loop);
void dns_server_free(struct dns_server *s);
/* "127.0.0.1:port", as in struct dns_settings. */
const char *dns_server_address(const struct dns_server *s);

/* type and text as in a zone file, names without the last dot: "A" "127.0.0.2",
 * "AAAA" "::1", "CNAME" "b.example", "SRV" "10 5 5269 a.example"; the SRV
 * target
 * "." as ".". A name that has records is NODATA for other types, others are
 * NXDOMAIN. */
void dns_server_add(struct dns_server *s, const char *name, const char *type,
		    uint32_t ttl_s, const char *text);
/* The same with these bytes as the record's data. */
void
dns_server_add_raw(struct dns_server *s, const char *name, const char *type,
		   uint32_t ttl_s, const void *data, size_t len);
/* How it answers questions for that name and type (NULL: any). */
void dns_server_mood(struct dns_server *s, const char *name, const char *type,
		     enum dns_server_mood mood);
/* Of the SOA in negative answers; 0 at first. UINT32_MAX: without SOA. */
void dns_server_negative_ttl(struct dns_server *s, uint32_t ttl_s);
/* Answers with a CNAME and not with what it leads to. */
void dns_server_lone_aliases(struct dns_server *s);
/* How often it was asked that (NULL: any type). */
unsigned dns_server_n_asked(const struct dns_server *s, const char *name,
			    const char *type);

#endif
