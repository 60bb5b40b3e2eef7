/*
 * stream.h - the frame of a stream: header, errors, end (RFC 6120 section 4).
 *
 * For streams of clients, servers and components. No I/O: it reads trees and
 * writes into buffers.
 */
#ifndef XMPP_STREAM_H
#define XMPP_STREAM_H

#include "xmpp/cond.h"

#include <stdbool.h>

struct buf;
struct jid;
struct xml;

/* What a peer's header says. */
struct stream_header {
	struct jid *to, *from; /* references; NULL: none, or bad */
	bool bad_to, bad_from; /* it was there, but is no address */
	const char *id, *lang; /* in the header's arena; NULL: none */
	/* 0 and 9 where the header has no version (RFC 6120 4.7.5). */
	unsigned major, minor;
	/* What is wrong, in the order in which it matters, and a text for it;
	 * STREAM_NONE and NULL where nothing is. Whether `to` is there and one
	 * of ours is for the caller to judge, after this. */
	enum stream_cond error;
	const char *error_text; /* static */
};

/* content_ns: NS_CLIENT, NS_SERVER or NS_COMPONENT, what the stream must be
 * for (the last one has no versions). default_ns: as xml_parser tells. */
void stream_header_read(const struct xml *header, const char *default_ns,
			const char *content_ns, struct stream_header *out);
/* Drops the addresses. */
void stream_header_fini(struct stream_header *h);

/* A header to write; NULL leaves an attribute out. */
struct stream_open {
	const char *ns; /* the content namespace, here the default one */
	const char *from, *to, *id, *lang;
	bool without_version; /* components; answers to a version below 1.0 */
	bool with_dialback;   /* declares its prefix `db` (XEP-0220) */
};

void stream_write_open(struct buf *b, const struct stream_open *open);
/* text may be NULL. The stream has to be closed behind it. */
void stream_write_error(struct buf *b, enum stream_cond cond, const char *text);
/* With what stands inside the condition (an address, for see-other-host) and
 * an element for the application, in a namespace of its own; either may be
 * NULL. */
void stream_write_error_with(struct buf *b, enum stream_cond cond,
			     const char *content, const char *text,
			     const struct xml *app);
void stream_write_close(struct buf *b);

#endif
