/*
 * xml_engine.h - one expat parser and the tree that it is building.
 *
 * Only for xml_parser.c and xml_text.c. An engine between two stanzas is as
 * good for one stream as for another whose header declared the same
 * namespaces: such ones wait in the pool, with that header behind them.
 */
#ifndef XMPP_XML_ENGINE_H
#define XMPP_XML_ENGINE_H

#include "xmpp/xml_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Namespaces that stream headers declare in practice. */
enum xml_preset {
	PRESET_CLIENT,
	PRESET_SERVER,
	PRESET_SERVER_DIALBACK,
	PRESET_COMPONENT,
	N_PRESETS, /* also: none of these */
};

struct engine;

/* What an engine tells whoever holds it. */
struct engine_user {
	const struct xml_limits *limits; /* borrowed */
	/* raw: the header's start tag as it was sent, while this runs. */
	void (*on_open)(struct engine_user *u, struct arena *a,
			struct xml *header, const char *default_ns,
			enum xml_preset preset, const char *raw,
			size_t raw_len);
	void (*on_element)(struct engine_user *u, struct arena *a,
			   struct xml *x);
	void (*on_close)(struct engine_user *u);
	void (*on_error)(struct engine_user *u, enum stream_cond cond,
			 const char *text);
};

enum engine_fed {
	ENGINE_MORE, /* in the middle of something, or before the header */
	ENGINE_REST, /* all was parsed, and no element is open */
	ENGINE_STOPPED,
	ENGINE_DEAD, /* failed or closed; on_error or on_close was called */
};

/* At the start of a document. */
struct engine *engine_new(void);
/* Behind the start tag of a stream, which is known to be right. */
struct engine *engine_new_inside(const char *header, size_t len);
void engine_free(struct engine *e);

/* *left_out: how many of the last bytes were not parsed, when STOPPED; then
 * and when DEAD the engine can only be freed, but with none left it has come
 * to REST instead. */
enum engine_fed engine_feed(struct engine *e, struct engine_user *u,
			    const char *data, size_t len, size_t *left_out);
/* From on_open and on_element: parse nothing more. */
void engine_stop(struct engine *e);
/* It has read so much that its tables of names may have become large. */
bool engine_is_worn(const struct engine *e);

/* One that stands behind the preset's header. */
struct engine *xml_pool_take(struct xml_pool *pool, enum xml_preset preset);
/* Takes back one that is at REST. */
void
xml_pool_give(struct xml_pool *pool, enum xml_preset preset, struct engine *e);
unsigned xml_pool_idle(const struct xml_pool *pool);

#endif
