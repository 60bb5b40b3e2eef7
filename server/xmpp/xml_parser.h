/*
 * xml_parser.h - the XML of a stream: bytes in, elements out.
 *
 * Enforces RFC 6120 section 11 (no DTD, entity, comment or processing
 * instruction) and the limits. Each first-level element comes as a tree in an
 * arena of its own. A parser at rest between stanzas holds no expat parser;
 * those wait in a pool, one per I/O thread.
 */
#ifndef XMPP_XML_PARSER_H
#define XMPP_XML_PARSER_H

#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct xml;
struct xml_parser;
struct xml_pool;

struct xml_limits {
	size_t stanza;	   /* bytes of one first-level element */
	size_t token;	   /* bytes of one start tag, also of the stream */
	unsigned depth;	   /* of elements below the stream */
	unsigned attrs;	   /* of one element */
	unsigned children; /* elements in one element */
};

/* All on the thread that feeds. False pauses: nothing more is parsed until
 * xml_parser_resume. Ownership of the arena's reference goes to the callee.
 * They must not feed, restart or free the parser. */
struct xml_handler {
	/* The stream header: element with attributes, no children. The
	 * namespaces declared on it: default_ns (may be NULL). */
	bool (*on_open)(void *user, struct arena *a, struct xml *header,
			const char *default_ns);
	bool (*on_element)(void *user, struct arena *a, struct xml *x);
	/* </stream:stream> */
	void (*on_close)(void *user);
};

enum xml_fed {
	XML_MORE,   /* all was parsed, or was behind the stream's end */
	XML_PAUSED, /* a handler said so; the rest is kept */
	XML_BAD,    /* xml_parser_error tells; nothing more is parsed */
};

struct xml_pool *xml_pool_new(void);
void xml_pool_free(struct xml_pool *pool);

/* limits, pool and handler are borrowed. */
struct xml_parser *
xml_parser_new(struct xml_pool *pool, const struct xml_handler *handler,
	       void *user, const struct xml_limits *limits);
void xml_parser_free(struct xml_parser *p);

/* Handlers run inside. */
enum xml_fed
xml_parser_feed(struct xml_parser *p, const char *data, size_t len);
enum xml_fed xml_parser_resume(struct xml_parser *p);
/* The bytes that came behind what paused it; they are kept. */
size_t xml_parser_pending(const struct xml_parser *p);
/* A new stream starts (RFC 6120 4.3.3): the next byte, or the first that is
 * pending, starts a new document; whitespace before it belonged to the old
 * stream. What is pending waits for xml_parser_resume, or for the next feed.
 * Not inside a handler. */
void xml_parser_restart(struct xml_parser *p, const struct xml_limits *limits);
/* From the next element on (after authentication). Not inside a handler. */
void
xml_parser_set_limits(struct xml_parser *p, const struct xml_limits *limits);
/* not-well-formed, restricted-xml, policy-violation, unsupported-encoding,
 * bad-namespace-prefix, … and a text for it. */
enum stream_cond
xml_parser_error(const struct xml_parser *p, const char **text_out);

#endif
