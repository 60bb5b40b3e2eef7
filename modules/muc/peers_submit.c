/* peers_submit.c - what servers that have a copy of a room have submitted, and
 * what came of it. */

#include "modules/muc/peers.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

/* In peer->outcomes: 0, or 1 and the condition. */
#define UNDER_WAY 0

/* Where it is, or PEERS_SEEN. */
static size_t
find_seen(const struct peer *p, const char *submit)
{
	uint64_t hash = hash_str(submit);
	size_t n = p->n_seen < PEERS_SEEN ? (size_t)p->n_seen : PEERS_SEEN;

	for (size_t i = 0; i < n; i++) {
		if (p->seen->hashes[i] == hash)
			return i;
	}
	return PEERS_SEEN;
}

static bool
has_seen(const struct peer *p, const char *submit)
{
	return find_seen(p, submit) < PEERS_SEEN;
}

/* Who has not attached does so then, and asks again: it would forget what it
 * has not been sent. True: it was told. */
static bool
remind(struct peers *ps, struct peer *p)
{
	if (p->state == PEER_FOLLOWS)
		return false;
	peers_tell_one(ps, p);
	return true;
}

/* It was on its way when the epoch began, perhaps for long, and may have come
 * by another way before that. */
static bool
is_of_another_epoch(const struct peers *ps, const struct xml *x)
{
	const char *epoch = xml_get(x, "epoch");

	return epoch && strcmp(epoch, ps->room->log.epoch) != 0;
}

bool
peers_may_take(struct peers *ps, struct peer *p, const struct xml *x)
{
	const char *after = xml_get(x, "after");

	if (is_of_another_epoch(ps, x)) {
		remind(ps, p);
		return false;
	}
	return !after || has_seen(p, after) || has_seen(p, xml_get(x, "id"));
}

bool
peers_is_new(struct peer *p, const char *submit)
{
	size_t at = p->n_seen % PEERS_SEEN;

	if (has_seen(p, submit))
		return false;
	if (!p->seen)
		p->seen = mem_zalloc(sizeof(*p->seen));
	p->seen->hashes[at] = hash_str(submit);
	p->seen->outcomes[at] = UNDER_WAY;
	p->n_seen++;
	return true;
}

void
peers_done(struct peer *p, const char *submit, enum stanza_cond cond)
{
	size_t at = find_seen(p, submit);

	if (at < PEERS_SEEN)
		p->seen->outcomes[at] = (uint8_t)(1 + cond);
}

bool
peers_outcome(const struct peer *p, const char *submit,
	      enum stanza_cond *cond_out)
{
	size_t at = find_seen(p, submit);

	if (at == PEERS_SEEN || p->seen->outcomes[at] == UNDER_WAY)
		return false;
	*cond_out = (enum stanza_cond)(p->seen->outcomes[at] - 1);
	return true;
}

static void
write_settled(struct buf *b, const char *submit)
{
	buf_adds(b, "<settled xmlns='" NS_DMUC "'");
	xml_write_attr(b, "submit", submit);
}

void
peers_settled(struct peers *ps, struct peer *p, const char *submit)
{
	struct buf b = { 0 };

	if (remind(ps, p))
		return;
	write_settled(&b, submit);
	buf_adds(&b, "/>");
	peers_send(ps, p, &b);
	buf_fini(&b);
}

void
peers_refused(struct peers *ps, struct peer *p, const char *submit,
	      enum stanza_cond cond)
{
	struct buf b = { 0 };

	write_settled(&b, submit);
	xml_write_attr(&b, "error", stanza_cond_name(cond));
	buf_adds(&b, "/>");
	peers_send(ps, p, &b);
	buf_fini(&b);
}
