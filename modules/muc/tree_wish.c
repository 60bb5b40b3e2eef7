/* tree_wish.c - what a peer has sealed that wants to have the log from a relay,
 * and the relay shows. */

#include "modules/muc/tree_wish.h"

#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The word that begins there, or NULL; then what is behind it. */
static const char *
read_word(const char *text, char *out, size_t max)
{
	size_t len = text ? strcspn(text, " ") : 0;

	if (!len || len > max)
		return NULL;
	memcpy(out, text, len);
	out[len] = '\0';
	return text + len + (text[len] == ' ');
}

static bool
read_wish(const char *text, struct tree_wish *out)
{
	text = read_word(text, out->nonce, SEAL_NONCE_LEN);
	text = read_word(text, out->epoch, LOG_EPOCH_LEN);
	text = read_word(text, out->ticket, SEAL_NONCE_LEN);
	out->is_cut = text && !strcmp(text, "cut");
	return text && (!*text || out->is_cut);
}

bool
tree_wish_is_fresh(const struct peers *ps, const struct peer *p,
		   const struct tree_wish *wish)
{
	bool has_been_here = p && *p->ticket;

	/* Drawn in this epoch, whichever that of the copy is. */
	if (has_been_here && !strcmp(wish->ticket, p->ticket))
		return true;
	if (!strcmp(wish->epoch, ps->room->log.epoch))
		return has_been_here && !p->has_answered &&
		       !strcmp(wish->ticket, p->old_ticket);
	return !has_been_here || !p->has_answered;
}

bool
tree_wish_read(const struct peers *ps, const struct peer *relay,
	       const struct jid *domain, const struct xml *x,
	       struct tree_wish *out)
{
	const char *proof = xml_get(x, "proof");
	struct buf b = { 0 };
	struct seal seal;
	uint64_t number;
	char *begin;
	bool is;

	seal_make_key(&seal, ps->env, ps->room, domain);
	if (!proof || !seal_open(&b, &number, &seal, ps->room->jid, domain,
				 SEAL_PROOF, proof)) {
		buf_fini(&b);
		return false;
	}
	buf_addc(&b, '\0');
	begin = mem_printf("%s %" PRIu64 " ", jid_domain(relay->domain),
			   peers_at_of(x).ask);
	is = !strncmp(b.data, begin, strlen(begin)) &&
	     read_wish(b.data + strlen(begin), out);
	free(begin);
	buf_fini(&b);
	return is;
}

bool
tree_wish_holds(const struct peer *p, const struct peer *relay, uint64_t ask,
		const struct tree_wish *wish)
{
	return p && p->via == relay && p->ask == ask &&
	       !strcmp(wish->nonce, p->nonce);
}
