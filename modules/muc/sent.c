/* sent.c - the last messages that a service has sent for somebody. */

#include "modules/muc/sent.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

void
sent_fini(struct sent *s)
{
	jid_unref(&s->at);
	jid_unref(&s->from);
	jid_unref(&s->to);
	free(s->id);
	*s = (struct sent){ 0 };
}

void
sent_ring_fini(struct sent_ring *r)
{
	for (unsigned i = 0; i < SENT_KEPT; i++)
		sent_fini(&r->kept[i]);
}

void
sent_note(struct sent_ring *r, struct jid *at, struct jid *from, struct jid *to,
	  const char *id)
{
	struct sent *s = &r->kept[r->next];

	sent_fini(s);
	*s = (struct sent){
		.at = jid_ref(at),
		.from = jid_ref(from),
		.to = jid_ref(to),
		.id = mem_strdup(id),
	};
	r->next = (r->next + 1) % SENT_KEPT;
}

bool
sent_take(struct sent_ring *r, const struct jid *room, const struct jid *to,
	  const char *id, struct sent *out)
{
	for (unsigned i = 1; i <= SENT_KEPT; i++) {
		struct sent *s =
			&r->kept[(r->next + SENT_KEPT - i) % SENT_KEPT];

		if (!s->id || (id && strcmp(s->id, id) != 0) ||
		    !jid_eq_bare(s->at, room) || !jid_eq_bare(s->to, to))
			continue;
		*out = *s;
		*s = (struct sent){ 0 };
		return true;
	}
	return false;
}
