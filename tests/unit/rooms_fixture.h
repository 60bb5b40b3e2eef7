/* rooms_fixture.h - rooms in a database: for check_rooms.c and
 * check_room_affiliations.c. */
#ifndef ROOMS_FIXTURE_H
#define ROOMS_FIXTURE_H

#include "storage/rooms.h"
#include "store_fixture.h"

#include <stddef.h>

#define SERVICE "rooms.example.net"
#define ROOM	"room@" SERVICE
#define OTHER	"other@" SERVICE
#define ROMEO	"romeo@example.net"
#define JULIET	"juliet@example.net"

extern struct fixture rooms_store;

/* A public, persistent one with these affiliations. */
void create(const char *jid, const struct room_affiliation *items, size_t n,
	    enum store_status want);
void destroy(const char *jid, enum store_status want);

/* "-" for NULL. */
const char *or_dash(const char *s);
/* Behind what is there, with a comma between. */
void add_text(char *all, size_t size, const char *text);
/* "jid affiliation nick reason stamp@changed" */
void add_affiliation(char *all, size_t size, const struct room_affiliation *a);

#endif
