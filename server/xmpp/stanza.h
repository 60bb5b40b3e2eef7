/*
 * stanza.h - a message, presence or iq (RFC 6120 section 8).
 *
 * A stanza is one arena: its tree, its text, its addresses; a reference to the
 * stanza is a reference to the arena. Whoever made it may change it until it
 * is shared; from then on it is read-only and any thread may read it. To
 * change a shared one, stanza_edit makes a new root over the same children.
 */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct chunk;
struct jid;
struct xml;

enum stanza_kind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ };

/* TYPE_NONE: no type attribute; for a message that means normal, for a
 * presence available. TYPE_UNKNOWN: a value that the kind does not have. */
enum stanza_type {
	TYPE_NONE,
	TYPE_UNKNOWN,
	TYPE_ERROR,
	/* message */
	TYPE_NORMAL,
	TYPE_CHAT,
	TYPE_GROUPCHAT,
	TYPE_HEADLINE,
	/* presence */
	TYPE_UNAVAILABLE,
	TYPE_SUBSCRIBE,
	TYPE_SUBSCRIBED,
	TYPE_UNSUBSCRIBE,
	TYPE_UNSUBSCRIBED,
	TYPE_PROBE,
	/* iq */
	TYPE_GET,
	TYPE_SET,
	TYPE_RESULT,
};

struct stanza {
	struct arena *arena; /* holds this struct too */
	/* id, type and xml:lang are attributes of root; from and to are not:
	 * they are written from the fields below. */
	struct xml *root;
	struct jid *from, *to; /* references held by the arena; may be NULL */
	enum stanza_kind kind;
	enum stanza_type type;
	bool bad_from, bad_to; /* an address was there, but is no JID */
};

/* From a parsed first-level element, whose arena it takes over. NULL (and the
 * arena still the caller's) where it is not message, presence or iq in
 * namespace ns. ns is what stream it came by: NS_CLIENT, NS_SERVER or
 * NS_COMPONENT; in the tree it becomes NS_CLIENT, also for children that
 * inherited it. */
struct stanza *stanza_from_xml(struct arena *a, struct xml *x, const char *ns);

/* A new one; from, to, id may be NULL. References to the JIDs are taken. */
struct stanza *stanza_new(enum stanza_kind kind, enum stanza_type type,
			  struct jid *from, struct jid *to, const char *id);
/* A changeable stanza with its own root over the same children; it keeps the
 * old one alive. */
struct stanza *stanza_edit(struct stanza *s);
/* A copy in no more memory than it needs: for what is kept for long. */
struct stanza *stanza_compact(const struct stanza *s);
/* For one that is not shared yet. */
void stanza_set_from(struct stanza *s, struct jid *from);
void stanza_set_to(struct stanza *s, struct jid *to);
void stanza_set_type(struct stanza *s, enum stanza_type type);

struct stanza *stanza_ref(struct stanza *s);
void stanza_unref(struct stanza **s);

const char *stanza_id(const struct stanza *s);	     /* may be NULL */
const char *stanza_type_name(enum stanza_type type); /* NULL for NONE */
/* The only child element of an iq that is no error, or NULL where there is
 * none, or more than one. */
struct xml *stanza_payload(const struct stanza *s);
/* The child in that namespace, or NULL. name NULL: any. */
struct xml *
stanza_child(const struct stanza *s, const char *name, const char *ns);

/* Answers: addresses swapped, id kept (RFC 6120 section 8.2.3, 8.3). */
struct stanza *stanza_result(const struct stanza *request);
/* With the original's payload for iq, as RFC 6120 8.3.1 allows, and saying of
 * an attempt to enter a room that it was one (XEP-0045 7.2). NULL where an
 * error must not be answered: an error or a result. text may be NULL. */
struct stanza *stanza_error(const struct stanza *request, enum stanza_cond cond,
			    const char *text);
/* The condition inside an error stanza, COND_UNDEFINED_CONDITION if unclear. */
enum stanza_cond stanza_error_cond(const struct stanza *s);

/* XEP-0203 */
void stanza_add_delay(struct stanza *s, struct jid *from, long long wall_ms);

/* Writes it with these addresses (NULL: none) for a stream whose default
 * namespace is ns (NS_CLIENT, …), in which it then is; ns NULL: as a document
 * of its own, in NS_CLIENT. One pass, no copy of the tree. */
void stanza_write(struct buf *b, const struct stanza *s, const struct jid *from,
		  const struct jid *to, const char *ns);
/* For fan-out: all that is the same for each recipient, which follows behind
 * `<message to='…'` as written by stanza_write_head. */
struct chunk *
stanza_tail(const struct stanza *s, const struct jid *from, const char *ns);
void
stanza_write_head(struct buf *b, const struct stanza *s, const struct jid *to);

#endif
