/* cond.h - the defined conditions of stream and stanza errors. */
#ifndef XMPP_COND_H
#define XMPP_COND_H

/* RFC 6120 section 8.3.3, each with its recommended error type. */
enum stanza_cond {
	COND_NONE,
#define X(id, name, type) COND_##id,
#include "xmpp/stanza_cond.def"
#undef X
	N_CONDS
};

/* RFC 6120 section 4.9.3. */
enum stream_cond {
	STREAM_NONE,
#define X(id, name) STREAM_##id,
#include "xmpp/stream_cond.def"
#undef X
	N_STREAM_CONDS
};

/* "item-not-found"; cond is not COND_NONE. */
const char *stanza_cond_name(enum stanza_cond cond);
/* "cancel", "modify", "auth", "wait", "continue" */
const char *stanza_cond_type(enum stanza_cond cond);
/* COND_NONE where there is none of that name. */
enum stanza_cond stanza_cond_by_name(const char *name);
const char *stream_cond_name(enum stream_cond cond);

#endif
