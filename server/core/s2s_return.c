/*
 * s2s_return.c - sessions that the other server has opened, and whose
 * connection is lost: it may come back and resume them (XEP-0198).
 *
 * Whether it is trying to, and how long its attempts take, cannot be seen from
 * here. So after a while we go there: then it knows that there is a way, and
 * whoever has a session comes at once. Only a server that has been met and
 * does not come has none.
 */

#include "base/clock.h"
#include "core/s2s_private.h"
#include "core/server.h"
#include "core/wire.h"
#include "net/loop.h"

#include <string.h>

/* What a server that has lost its way to us may take to find it again, while
 * something of ours waits for that; and then, between our looking for it. */
#define RETURN_MS 10000

/* What it may take to begin with that when there is a way for certain. */
#define FOUND_MS 5000

/* A log-in is stuck that has brought no byte for so long, while the other
 * server can reach us. */
#define STUCK_MS 2000

/* Sessions of servers that have lost their way to us. */
#define BROKEN_MAX	      10000
#define BROKEN_MAX_PER_DOMAIN 20

/* ---- waiting for those who have opened it ---- */

/* Is there a way of our own for what waits? */
void
s2s_give_up_waiting(struct s2s *s)
{
	s->state = S2S_BROKEN;
	s2s_sm_recover(s, false);
	s2s_broken(s);
	s2s_drop(s);
}

/* They are bounded; the oldest go. */
static void
limit_broken(struct s2s *s)
{
	struct s2s_all *all = s->all;
	struct s2s *oldest = NULL;
	size_t n = 0;

	list_append(&all->broken, &s->of_broken);
	all->n_broken++;
	list_each (i, &s->peer->streams) {
		struct s2s *other = container_of(i, struct s2s, of_peer);

		if (list_is_empty(&other->of_broken))
			continue;
		oldest = oldest ? oldest : other;
		n++;
	}
	if (n > BROKEN_MAX_PER_DOMAIN)
		s2s_give_up_waiting(oldest);
	else if (all->n_broken > BROKEN_MAX)
		s2s_give_up_waiting(
			container_of(all->broken.next, struct s2s, of_broken));
}

static int64_t
later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When it will have shown that it does not come. An attempt that we have seen
 * begin may take its time, and another one may follow. */
static int64_t
patience_ends_ms(const struct s2s *s)
{
	int64_t ms = later_of(s->broken_ms + RETURN_MS, s->found_ms + FOUND_MS);

	if (s->tried_ms)
		ms = later_of(ms, s->tried_ms + RETURN_MS +
					  s->server->opt.s2s_auth_timeout);
	return ms;
}

static void
wait_on(struct s2s *s, int64_t until_ms)
{
	int64_t now_ms = s->server->clock->mono_ms;

	if (until_ms > s->resume_until_ms)
		until_ms = s->resume_until_ms;
	loop_timer_set(s->server->core, &s->timer,
		       until_ms > now_ms ? until_ms - now_ms : 0);
}

void
s2s_wait_for_return(struct s2s *s)
{
	const struct server_options *opt = &s->server->opt;
	int64_t now_ms = s->server->clock->mono_ms;

	s->broken_ms = now_ms;
	s->found_ms = s->tried_ms = 0;
	/* What is not confirmed waits no longer than what was not sent. */
	if (!list_is_empty(&s->links) &&
	    opt->s2s_queue_age < opt->s2s_resume_time)
		s->resume_until_ms = now_ms + opt->s2s_queue_age;
	wait_on(s, list_is_empty(&s->links) ? s->resume_until_ms
					    : now_ms + RETURN_MS);
	limit_broken(s);
}

void
s2s_on_no_return(struct s2s *s)
{
	int64_t now_ms = s->server->clock->mono_ms;

	if (now_ms >= s->resume_until_ms) {
		s2s_give_up_waiting(s);
	} else if (!s->found_ms) {
		wait_on(s, now_ms + RETURN_MS);
		s2s_look_for(s->peer, s->local);
	} else if (now_ms < patience_ends_ms(s)) {
		wait_on(s, patience_ends_ms(s));
	} else {
		s2s_give_up_waiting(s);
	}
}

/* ---- what it does ---- */

static bool
is_awaited(const struct s2s *s)
{
	return !s->is_out && s->state == S2S_BROKEN &&
	       !list_is_empty(&s->links);
}

void
s2s_found(struct s2s_peer *p)
{
	list_each (n, &p->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (!is_awaited(s) || s->found_ms)
			continue;
		s->found_ms = p->all->server->clock->mono_ms;
		wait_on(s, patience_ends_ms(s));
	}
}

/* Whoever says so falsely makes it wait until resume_until_ms at most. */
void
s2s_tries_again(const struct s2s *in)
{
	const struct s2s_peer *p =
		in->remote ? s2s_peer_find(in->all, in->remote) : NULL;

	if (!p)
		return;
	list_each (n, &p->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (is_awaited(s) && !strcmp(s->local, in->local))
			s->tried_ms = in->server->clock->mono_ms;
	}
}

/* ---- coming back ---- */

static bool
is_resuming(const struct s2s *s)
{
	return s->is_out && s->is_resumable && s->wire && !s->has_run &&
	       s->state != S2S_CLOSING && s->state != S2S_DRAINING;
}

/* How long it may be silent yet. */
static int64_t
stuck_in_ms(const struct s2s *s)
{
	return wire_last_read_ms(s->wire) + STUCK_MS -
	       s->server->clock->mono_ms;
}

void
s2s_hurry(struct s2s_peer *p)
{
	list_each (n, &p->streams) {
		struct s2s *s = container_of(n, struct s2s, of_peer);

		if (!is_resuming(s))
			continue;
		if (stuck_in_ms(s) <= 0) {
			s2s_out_anew(s);
			continue;
		}
		s->is_hurried = true;
		loop_timer_set(s->server->core, &s->timer, stuck_in_ms(s));
	}
}

void
s2s_on_hurry(struct s2s *s)
{
	s->is_hurried = false;
	if (is_resuming(s) && stuck_in_ms(s) <= 0)
		s2s_out_anew(s);
	else
		loop_timer_set(s->server->core, &s->timer,
			       s->server->opt.s2s_auth_timeout);
}
