/*
 * s2s_sm.c - what has arrived at another server, and what has not.
 *
 * Where it offers XEP-0198, streams are counted and resumed. Where it does
 * not, a ping (XEP-0199) behind what was sent does the same: a server that
 * answers it has handled what came before.
 */

#include "xmpp/sm.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/token.h"
#include "core/iq_request.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/loop.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* So long after something was sent it is asked whether it has arrived, where
 * there was no reason to ask before. */
#define ASK_MS 1000

/* A ping under way, which may outlive its stream. */
struct s2s_ping {
	struct s2s *stream; /* borrowed; NULL: it is over */
	uint32_t count;	    /* of stanzas, when it was sent */
};

static void
say(struct s2s *s, const struct sm_element *e)
{
	struct buf *b = &s->server->scratch;

	b->len = 0;
	sm_write(b, e);
	s2s_flush(s);
}

/* ---- asking ---- */

static void
ask_later(struct s2s *s)
{
	if (!timer_is_set(&s->ack))
		loop_timer_set(s->server->core, &s->ack, ASK_MS);
}

static void
confirmed(struct s2s *s)
{
	if (s->is_asked)
		s->rtt_ms = s->server->clock->mono_ms - s->asked_ms;
	s->is_asked = false;
	if (sm_n_unacked(s->sm))
		ask_later(s);
}

static void
on_pong(void *data, const struct stanza *reply)
{
	struct s2s_ping *p = data;
	struct s2s *s = p->stream;

	if (s) {
		s->ping = NULL;
		s->has_answered_ping |= reply != NULL;
		/* Where its way back to us is closed, there never is an
		 * answer; then it is TCP that would have told of a loss. */
		if (reply || !s->has_answered_ping) {
			sm_acked(s->sm, p->count);
			s2s_count_kept(s);
			confirmed(s);
		}
	}
	free(p);
}

static void
ping(struct s2s *s)
{
	struct buf *b = &s->server->scratch;
	struct s2s_ping *p;
	struct stanza *iq;
	struct jid *from, *to;

	if (!s2s_can_send(s) || s->ping) {
		s2s_write(s, " ", 1);
		return;
	}
	p = mem_alloc(sizeof(*p));
	p->stream = s;
	p->count = sm_sent_count(s->sm);
	s->ping = p;
	from = jid_make(NULL, s->local, NULL);
	to = jid_make(NULL, s->remote, NULL);
	iq = stanza_new(STANZA_IQ, TYPE_GET, from, to, NULL);
	jid_unref(&from);
	jid_unref(&to);
	xml_add(iq->arena, iq->root, "ping", NS_PING);
	iq_request_expect(s->server, iq, s->server->opt.s2s_ping_timeout,
			  on_pong, p);
	b->len = 0;
	stanza_write(b, iq, iq->from, iq->to, NS_SERVER);
	s2s_flush(s);
	stanza_unref(&iq);
}

void
s2s_sm_ask(struct s2s *s)
{
	/* It has to answer anyway; and a ping would be counted there, and not
	 * here. */
	if (s->is_enabling)
		return;
	s2s_in_spoke(s);
	loop_timer_clear(s->server->core, &s->ack);
	if (!s->sm)
		s->sm = sm_new();
	if (s->is_sm)
		say(s, &(struct sm_element){ .kind = SM_REQUEST });
	else
		ping(s);
	sm_asked(s->sm);
	if (!s->is_asked)
		s->asked_ms = s->server->clock->mono_ms;
	s->is_asked = s->is_sm || s->ping;
}

void
s2s_sm_sent(struct s2s *s, struct stanza *stanza, size_t bytes)
{
	if (!s->sm)
		s->sm = sm_new();
	sm_sent(s->sm, stanza, bytes);
	s2s_count_kept(s);
	if (sm_wants_ack(s->sm) && (s->is_sm || !s->is_asked))
		s2s_sm_ask(s);
	else
		ask_later(s);
}

void
s2s_sm_answer(struct s2s *s)
{
	if (s->is_sm && s->sm)
		say(s, &(struct sm_element){ .kind = SM_ACK,
					     .h = sm_handled(s->sm) });
}

/* False where the stream is closed for it. */
static bool
acked(struct s2s *s, uint32_t h)
{
	struct buf *b = &s->server->scratch;
	size_t n = sm_n_unacked(s->sm);
	struct arena *a;

	if (sm_acked(s->sm, h) == 0) {
		s2s_count_kept(s);
		s->has_moved |= sm_n_unacked(s->sm) < n;
		return true;
	}
	/* XEP-0198 6 */
	a = arena_new();
	b->len = 0;
	stream_write_error_with(b, STREAM_UNDEFINED_CONDITION, NULL, NULL,
				sm_too_high(a, s->sm, h));
	arena_unref(&a);
	s2s_flush(s);
	s2s_close(s, STREAM_NONE, "it has counted more than was sent");
	return false;
}

/* ---- resuming ---- */

static void
write_again(void *data, struct stanza *stanza)
{
	struct s2s *s = data;
	struct buf *b = &s->server->scratch;

	b->len = 0;
	stanza_write(b, stanza, stanza->from, stanza->to, NS_SERVER);
	s2s_flush(s);
}

static void
send_again(struct s2s *s)
{
	sm_resume(s->sm, write_again, s);
	if (sm_n_unacked(s->sm))
		s2s_sm_ask(s);
}

static bool
id_eq(const struct map_node *n, const void *id)
{
	return !strcmp(
		container_of((struct map_node *)n, struct s2s, by_id)->sm_id,
		id);
}

static void
forget_id(struct s2s *s)
{
	if (!s->is_out && s->sm_id)
		map_remove(&s->all->resumable, &s->by_id);
	free(s->sm_id);
	s->sm_id = NULL;
	s->is_resumable = false;
}

static void
forget_ping(struct s2s *s)
{
	if (s->ping)
		s->ping->stream = NULL;
	s->ping = NULL;
}

void
s2s_sm_forget(struct s2s *s)
{
	forget_id(s);
	forget_ping(s);
	sm_free(s->sm);
	s->sm = NULL;
	s2s_count_kept(s);
	s->is_sm = s->is_enabling = false;
}

static void
set_id(struct s2s *s, const char *id)
{
	s->sm_id = mem_strdup(id);
	s->is_resumable = true;
	if (!s->is_out)
		map_insert(&s->all->resumable, &s->by_id, hash_str(id));
}

/* What was sent before <enabled/> could not be resumed: stanzas wait for it. */
static void
enable(struct s2s *s)
{
	struct server *srv = s->server;

	s->sm = sm_new();
	s2s_run(s);
	if (!s->offers_sm || s->probe) {
		s2s_out_ready(s);
		return;
	}
	say(s, &(struct sm_element){ .kind = SM_ENABLE,
				     .resume = srv->opt.s2s_resume_time > 0 });
	s->is_enabling = s->is_asked = true;
	s->asked_ms = srv->clock->mono_ms;
	loop_timer_set(srv->core, &s->ack, srv->opt.s2s_ping_timeout);
}

static void
enable_done(struct s2s *s)
{
	loop_timer_clear(s->server->core, &s->ack);
	s->is_enabling = s->is_asked = false;
	s2s_out_ready(s);
}

void
s2s_sm_enable_failed(struct s2s *s)
{
	if (s->is_enabling)
		enable_done(s);
}

void
s2s_sm_begin(struct s2s *s)
{
	if (s->is_resumable && s->offers_sm) {
		s->state = S2S_RESUMING;
		say(s, &(struct sm_element){ .kind = SM_RESUME,
					     .id = s->sm_id,
					     .h = sm_handled(s->sm) });
		wire_continue(s->wire);
		return;
	}
	s2s_sm_recover(s, false);
	if (s->is_resumable)
		s2s_broken(s);
	s2s_sm_forget(s);
	enable(s);
}

static void
on_resumed(struct s2s *s, const struct sm_element *e)
{
	struct log log = s2s_log(s);

	if (!acked(s, e->h))
		return;
	log_info(&log, "resumed, %zu stanzas are sent again",
		 sm_n_unacked(s->sm));
	s2s_run(s);
	send_again(s);
	s->was_resumed = true;
	s2s_out_ready(s);
	s->was_resumed = false;
}

static void
on_failed(struct s2s *s, const struct sm_element *e)
{
	struct log log = s2s_log(s);
	bool is_known;

	if (s->state != S2S_RESUMING) {
		s2s_sm_enable_failed(s);
		return;
	}
	is_known = e->has_h && sm_acked(s->sm, e->h) == 0;
	s2s_count_kept(s);
	log_info(&log, "not resumed, %zu stanzas are not confirmed",
		 sm_n_unacked(s->sm));
	s2s_sm_recover(s, is_known);
	s2s_broken(s);
	s2s_sm_forget(s);
	enable(s);
}

/* ---- as the one that was connected to ---- */

static void
fail(struct s2s *s, enum stanza_cond cond)
{
	say(s, &(struct sm_element){ .kind = SM_FAILED, .cond = cond });
}

/* Who begins anew does not come back for what was lost before. */
static void
forsaken(struct s2s *s)
{
	list_each_safe (n, &s->peer->streams) {
		struct s2s *old = container_of(n, struct s2s, of_peer);

		if (old != s && !old->is_out && old->state == S2S_BROKEN &&
		    !strcmp(old->local, s->local) &&
		    !strcmp(old->remote, s->remote)) {
			s2s_broken(old);
			s2s_close(old, STREAM_NONE, NULL);
		}
	}
}

static void
on_enable(struct s2s *s, const struct sm_element *e)
{
	int64_t max_ms = s->server->opt.s2s_resume_time;
	struct sm_element reply = { .kind = SM_ENABLED };
	char id[33];

	if (s->is_out || s->is_sm || s->state != S2S_RUNNING) {
		fail(s, COND_UNEXPECTED_REQUEST);
		return;
	}
	if (!s->sm)
		s->sm = sm_new();
	forget_ping(s);
	sm_restart(s->sm);
	s->is_asked = false;
	s->is_sm = true;
	if (e->resume && max_ms) {
		token_make(id, sizeof(id) - 1);
		set_id(s, id);
		reply.id = id;
		reply.resume = true;
		reply.max_s = (uint32_t)(max_ms / 1000);
	}
	say(s, &reply);
	s2s_in_spoke(s);
	forsaken(s);
}

/* The session goes over from the old connection to the new one. */
static void
inherit(struct s2s *s, struct s2s *old)
{
	char *id = mem_strdup(old->sm_id);

	s2s_sm_forget(s);
	s->sm = old->sm;
	old->sm = NULL;
	s2s_count_kept(s);
	s2s_sm_forget(old);
	set_id(s, id);
	free(id);
	s->is_sm = true;
	s->is_bidi |= old->is_bidi;
	s2s_take_pairs(s, old);
	while (!list_is_empty(&old->links))
		s2s_link_attach(container_of(old->links.next, struct s2s_link,
					     of_stream),
				s, LINK_WAITING);
	s->n_in += old->n_in;
	s->n_out += old->n_out;
}

static void
on_resume(struct s2s *s, const struct sm_element *e)
{
	struct map_node *n =
		map_find(&s->all->resumable, hash_str(e->id), id_eq, e->id);
	struct s2s *old = n ? container_of(n, struct s2s, by_id) : NULL;
	struct log log = s2s_log(s);

	if (s->is_out || s->is_sm || s->state != S2S_RUNNING) {
		fail(s, COND_UNEXPECTED_REQUEST);
		return;
	}
	if (!s->server->opt.s2s_resume_time) {
		fail(s, COND_FEATURE_NOT_IMPLEMENTED);
		return;
	}
	/* What went out on this stream would be uncounted. */
	if (!old || old == s || s->n_out ||
	    strcmp(old->remote, s->remote) != 0 ||
	    strcmp(old->local, s->local) != 0 ||
	    !s2s_has_pair(s, old->remote, old->local)) {
		fail(s, COND_ITEM_NOT_FOUND);
		return;
	}
	inherit(s, old);
	if (old->wire)
		s2s_close(old, STREAM_CONFLICT, "resumed elsewhere");
	else
		s2s_drop(old);
	if (!acked(s, e->h))
		return;
	say(s, &(struct sm_element){ .kind = SM_RESUMED,
				     .id = s->sm_id,
				     .h = sm_handled(s->sm) });
	log_info(&log, "resumed, %zu stanzas are sent again",
		 sm_n_unacked(s->sm));
	send_again(s);
	list_each_safe (i, &s->links)
		s2s_link_up(container_of(i, struct s2s_link, of_stream));
	s2s_in_spoke(s);
}

static void
on_enabled(struct s2s *s, const struct sm_element *e)
{
	/* Nobody has asked, or not any more. */
	if (!s->is_enabling)
		return;
	s->is_sm = true;
	if (e->resume && e->id)
		set_id(s, e->id);
	enable_done(s);
}

bool
s2s_sm(struct s2s *s, const struct xml *x)
{
	struct sm_element e;

	if (strcmp(x->ns, NS_SM) != 0)
		return false;
	if (sm_read(x, &e) < 0) {
		s2s_close(s, STREAM_BAD_FORMAT, "stream management");
		return true;
	}
	switch (e.kind) {
	case SM_ENABLE:
		on_enable(s, &e);
		break;
	case SM_RESUME:
		on_resume(s, &e);
		break;
	case SM_ENABLED:
		on_enabled(s, &e);
		break;
	case SM_RESUMED:
		if (s->state == S2S_RESUMING)
			on_resumed(s, &e);
		break;
	case SM_FAILED:
		if (s->is_out)
			on_failed(s, &e);
		break;
	case SM_REQUEST:
		s2s_sm_answer(s);
		break;
	case SM_ACK:
		if (s->is_sm && acked(s, e.h)) {
			s->has_counted = true;
			confirmed(s);
		}
		break;
	}
	return true;
}

/* ---- what cannot be confirmed any more ---- */

/* What a room of ours says has an id by which it is known when it comes again
 * (XEP-0359); and a room cannot decide any better than we. */
static bool
is_said_by_room(const struct stanza *stanza)
{
	const struct xml *id = stanza_child(stanza, "stanza-id", NS_SID);
	const char *by = id ? xml_get(id, "by") : NULL;

	return stanza->type == TYPE_GROUPCHAT && by &&
	       !strcmp(by, jid_bare_str(stanza->from));
}

/* Twice does no harm: the second one says the same, or answers what has been
 * answered. */
static bool
may_come_twice(const struct stanza *stanza)
{
	switch (stanza->kind) {
	case STANZA_PRESENCE:
		return true;
	case STANZA_IQ:
		return stanza->type != TYPE_SET;
	case STANZA_MESSAGE:
		return stanza->type == TYPE_ERROR || is_said_by_room(stanza);
	}
	return false;
}

static void
queue_again(struct s2s *s, struct stanza *stanza)
{
	struct s2s_peer *p = s2s_peer_take(s->all, jid_domain(stanza->to));

	s2s_link_unread(s2s_link_take(p, jid_domain(stanza->from)), &stanza, 1);
}

/* Links that have no stream, for what was given back to them. */
static void
connect_idle(struct s2s_peer *p)
{
	list_each_safe (n, &p->links) {
		struct s2s_link *l = container_of(n, struct s2s_link, of_peer);

		if (l->state == LINK_IDLE && l->n_queued) {
			s2s_link_connect(l);
			return; /* the list may be another one now */
		}
	}
}

void
s2s_sm_recover(struct s2s *s, bool none_arrived)
{
	size_t n = s->sm ? sm_n_unacked(s->sm) : 0, i = 0;
	struct stanza **all;
	struct stanza *stanza;

	if (!n)
		return;
	all = mem_alloc(n * sizeof(*all));
	while ((stanza = sm_pop(s->sm)))
		all[i++] = stanza;
	s2s_count_kept(s);
	/* Each before those that came after it. */
	for (size_t j = i; j-- > 0;) {
		if (none_arrived || may_come_twice(all[j])) {
			queue_again(s, all[j]);
			all[j] = NULL;
		}
	}
	for (size_t j = 0; j < i; j++) {
		if (all[j])
			s2s_bounce(s->server, all[j],
				   COND_REMOTE_SERVER_TIMEOUT,
				   "the connection broke before the other "
				   "server had confirmed this");
	}
	free(all);
	if (s->peer && !s2s_peer_is_resting(s->peer) && !s->server->is_stopping)
		connect_idle(s->peer);
}
