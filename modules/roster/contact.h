/* contact.h - one contact in the memory of a roster. */
#ifndef ROSTER_CONTACT_H
#define ROSTER_CONTACT_H

#include <stdint.h>

struct arena;
struct jid;
struct roster_row;
struct xml;

/* Most users have many, so all of one is one piece of memory; read-only. */
struct contact {
	struct jid *jid; /* ref */
	uint8_t flags;	 /* ROSTER_…; 0: is to be removed */
	char text[];	 /* name, groups, request, each with a NUL */
};

/* Texts may be NULL, as in struct roster_row. */
struct contact *contact_new(struct jid *jid, unsigned flags, const char *name,
			    const char *groups, const char *request);
/* The same with other flags; the request stays only while it is pending. c may
 * be NULL. */
struct contact *contact_with_flags(const struct contact *c, struct jid *jid,
				   unsigned flags, const char *request);
void contact_free(struct contact *c);

/* Each "" where there is none. */
const char *contact_name(const struct contact *c);
const char *contact_groups(const struct contact *c); /* '\n'-separated */
const char *contact_request(const struct contact *c);

/* Borrows all texts. */
void contact_to_row(const struct contact *c, struct roster_row *row_out);

/* Adds <item/> (RFC 6121 2.1.2), with subscription='remove' where row is not
 * listed. */
void contact_add_item(struct arena *a, struct xml *query,
		      const struct roster_row *row);

#endif
