/* cond.c - tables of the defined conditions. */

#include "xmpp/cond.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *name, *type;
} stanza_conds[N_CONDS] = {
#define X(id, name, type) [COND_##id] = { name, type },
#include "xmpp/stanza_cond.def"
#undef X
};

static const char *const stream_conds[N_STREAM_CONDS] = {
#define X(id, name) [STREAM_##id] = name,
#include "xmpp/stream_cond.def"
#undef X
};

const char *
stanza_cond_name(enum stanza_cond cond)
{
	assert(cond > COND_NONE && cond < N_CONDS);
	return stanza_conds[cond].name;
}

const char *
stanza_cond_type(enum stanza_cond cond)
{
	assert(cond > COND_NONE && cond < N_CONDS);
	return stanza_conds[cond].type;
}

enum stanza_cond
stanza_cond_by_name(const char *name)
{
	for (int i = COND_NONE + 1; i < N_CONDS; i++) {
		if (!strcmp(stanza_conds[i].name, name))
			return (enum stanza_cond)i;
	}
	return COND_NONE;
}

const char *
stream_cond_name(enum stream_cond cond)
{
	assert(cond > STREAM_NONE && cond < N_STREAM_CONDS);
	return stream_conds[cond];
}
