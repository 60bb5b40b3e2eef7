/* s2s_write.c - what goes out by a stream with another server. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/token.h"
#include "core/host.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "xmpp/ns.h"
#include "xmpp/sm.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"

void
s2s_write(struct s2s *s, const char *data, size_t len)
{
	/* RFC 6120 4.4: nothing follows the end. */
	if (s->wire && s->state != S2S_CLOSING && s->state != S2S_DRAINING)
		wire_write(s->wire, data, len, NULL);
}

void
s2s_flush(struct s2s *s)
{
	struct buf *b = &s->server->scratch;

	s2s_write(s, b->data, b->len);
	b->len = 0;
}

void
s2s_send_open(struct s2s *s, const char *to, bool without_version)
{
	struct buf *b = &s->server->scratch;
	struct stream_open open = {
		.ns = NS_SERVER,
		.from = s->local ? s->local : s->server->first_host->name,
		.to = to,
		.id = s->is_out ? NULL : s->id,
		.lang = "en",
		.without_version = without_version,
		.with_dialback = true,
	};

	/* RFC 6120 4.7.3: unique, and not to be guessed; XEP-0185 needs that.
	 */
	if (!s->is_out)
		token_make(s->id, sizeof(s->id) - 1);
	b->len = 0;
	stream_write_open(b, &open);
	s2s_flush(s);
	s->is_opened = true;
}

bool
s2s_can_send(const struct s2s *s)
{
	return s->state == S2S_RUNNING && (s->is_out || s->is_bidi);
}

void
s2s_write_stanza(struct s2s *s, struct stanza *stanza)
{
	struct buf *b = &s->server->scratch;
	/* What it takes to keep it, which may be many times what is sent. */
	size_t kept = arena_size(stanza->arena);

	b->len = 0;
	stanza_write(b, stanza, stanza->from, stanza->to, NS_SERVER);
	/* XEP-0478: it would end the stream. */
	if (s->peer_max_bytes && b->len > s->peer_max_bytes) {
		s2s_bounce(s->server, stanza_ref(stanza), COND_POLICY_VIOLATION,
			   "larger than the other server accepts");
		return;
	}
	/* It waits to be written, too; many characters are longer then. */
	if (kept < b->len)
		kept = b->len;
	if (s->kept + kept > (size_t)s->server->opt.s2s_unacked_max) {
		s2s_bounce(s->server, stanza_ref(stanza),
			   COND_REMOTE_SERVER_TIMEOUT,
			   "the other server does not confirm what it gets");
		return;
	}
	s2s_write(s, b->data, b->len);
	s->n_out++;
	s->used_ms = s->server->clock->mono_ms;
	s2s_sm_sent(s, stanza, kept);
}
