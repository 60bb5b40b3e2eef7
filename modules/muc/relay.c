/* relay.c - a copy that passes the log on to copies at other servers, as the
 * room's master has allowed for each of them. */

#include "modules/muc/slave_private.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/peers.h"
#include "modules/muc/room.h"
#include "modules/muc/tree.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What it shows to the master; characters. */
#define PROOF_LEN_MAX 4096

/* So many may wait for the master's word. */
#define WAITING_MAX 64
/* So long for one word of it. */
#define ANSWER_MS 10000

/* One that wants the log from here. */
struct waiter {
	struct list node;   /* in relay->waiting */
	struct jid *domain; /* ref */
	char epoch[LOG_EPOCH_LEN + 1];
	char *proof; /* owned; for the master, or NULL */
	uint64_t seq, ask;
	int64_t asked_ms;  /* when the master was asked; 0: it has answered */
	bool has_no_other; /* it may be sent the room as a whole */
};

struct relay {
	struct slave *slave; /* borrowed */
	struct peers peers;
	struct list waiting;
	size_t n_waiting;
};

static struct waiter *
waiter_of(struct list *n)
{
	return container_of(n, struct waiter, node);
}

static void
waiter_free(struct relay *r, struct waiter *w)
{
	list_remove(&w->node);
	r->n_waiting--;
	jid_unref(&w->domain);
	free(w->proof);
	free(w);
}

static struct waiter *
waiter_find(const struct relay *r, const struct jid *domain)
{
	list_each (n, &r->waiting) {
		if (jid_eq(waiter_of(n)->domain, domain))
			return waiter_of(n);
	}
	return NULL;
}

size_t
slave_n_below(const struct slave *s)
{
	size_t n = 0;

	if (!s->relay)
		return 0;
	list_each (k, &s->relay->peers.all)
		n += container_of(k, struct peer, node)->state == PEER_FOLLOWS;
	return n;
}

/* ---- the peers of a copy ---- */

static void
send(void *owner, const struct peer *p, const char *xml, size_t len)
{
	struct relay *r = owner;

	r->slave->cls->send(r->slave->owner, p->domain, xml, len);
}

static const struct peers_class peers_class = { .send = send };

static struct relay *
take(struct slave *s)
{
	struct relay *r = s->relay;

	if (r)
		return r;
	r = s->relay = mem_zalloc(sizeof(*r));
	r->slave = s;
	list_init(&r->waiting);
	peers_init(&r->peers, s->room, NULL, &peers_class, r);
	return r;
}

/* Is what is here the room as the master has it? */
static bool
is_true(const struct slave *s)
{
	return s->state == SLAVE_CURRENT && !slave_has_return(s);
}

/* What we say of ourselves in positions. */
static void
describe(struct relay *r, struct buf *path)
{
	const struct slave *s = r->slave;

	if (s->parent && s->path && *s->path)
		buf_printf(path, "%s ", s->path);
	buf_printf(path, "%s", jid_str(s->domain));
	r->peers.path = path->data;
	r->peers.has_digest = is_true(s);
	r->peers.has_info = s->knows_info && is_true(s);
}

/* ---- words to others ---- */

static void
write_relation(struct buf *b, const char *name, const struct jid *domain,
	       uint64_t ask, const char *proof)
{
	buf_printf(b, "<%s", name);
	xml_write_attr(b, "jid", jid_str(domain));
	buf_printf(b, " ask='%" PRIu64 "'", ask);
	if (proof)
		xml_write_attr(b, "proof", proof);
}

static void
note(struct slave *s, const char *what, const struct jid *domain)
{
	char *text = mem_printf("%s %s", what, jid_str(domain));

	s->cls->note(s->owner, text);
	free(text);
}

static void
tell_master(struct slave *s, const char *name, const struct jid *domain,
	    uint64_t ask, const char *proof)
{
	struct buf b = { 0 };

	write_relation(&b, name, domain, ask, proof);
	buf_adds(&b, " xmlns='" NS_DMUC "'/>");
	slave_tell_master(s, b.data, b.len);
	buf_fini(&b);
}

static void
release(struct slave *s, struct jid *domain, uint64_t ask)
{
	struct buf b = { 0 };

	buf_adds(&b, "<released xmlns='" NS_DMUC "'");
	xml_write_attr(&b, "room", jid_str(s->jid));
	buf_printf(&b, " ask='%" PRIu64 "'/>", ask);
	s->cls->send(s->owner, domain, b.data, b.len);
	buf_fini(&b);
}

/* ---- who wants the log ---- */

/* Not again while that may be answered: who sends much here makes no more of
 * it for the master. */
static void
ask_for(struct slave *s, struct waiter *w)
{
	if (w->asked_ms && s->now_ms - w->asked_ms < ANSWER_MS)
		return;
	w->asked_ms = s->now_ms ? s->now_ms : 1;
	tell_master(s, "below", w->domain, w->ask, w->proof);
}

static void
serve(struct relay *r, struct waiter *w)
{
	struct slave *s = r->slave;
	struct peers_at at = { w->epoch, w->seq, w->ask };
	struct peer *p = peers_find(&r->peers, w->domain);
	struct buf path = { 0 };

	if ((!peers_can_continue(&r->peers, &at) &&
	     !(w->has_no_other && is_true(s))) ||
	    (!p && r->peers.n >= s->children_max)) {
		release(s, w->domain, w->ask);
		tell_master(s, "lost", w->domain, w->ask, NULL);
		note(s, "cannot be passed on to", w->domain);
		if (p)
			peers_remove(&r->peers, p);
	} else {
		note(s, "passed on to", w->domain);
		p = p ? p : peers_add(&r->peers, w->domain);
		free(p->proof);
		p->proof = w->proof;
		w->proof = NULL;
		describe(r, &path);
		peers_follow(&r->peers, p, &at);
		r->peers.path = NULL;
		buf_fini(&path);
	}
	waiter_free(r, w);
}

static void
on_attach(struct slave *s, struct jid *from, const struct xml *x)
{
	const char *proof = xml_get(x, "proof");
	struct peers_at at = peers_at_of(x);
	struct relay *r;
	struct waiter *w;

	if (!s->is_relay || (proof && strlen(proof) > PROOF_LEN_MAX) ||
	    s->state == SLAVE_SPLIT || s->is_over ||
	    strlen(at.epoch) > LOG_EPOCH_LEN) {
		release(s, from, at.ask);
		return;
	}
	r = take(s);
	w = waiter_find(r, from);
	if (!w &&
	    (r->n_waiting == WAITING_MAX ||
	     (r->peers.n >= s->children_max && !peers_find(&r->peers, from)))) {
		release(s, from, at.ask);
		return;
	}
	if (!w) {
		w = mem_zalloc(sizeof(*w));
		w->domain = jid_ref(from);
		list_append(&r->waiting, &w->node);
		r->n_waiting++;
	}
	strcpy(w->epoch, at.epoch);
	w->seq = at.seq;
	w->ask = at.ask;
	w->has_no_other = xml_get(x, "whole");
	free(w->proof);
	w->proof = proof ? mem_strdup(proof) : NULL;
	ask_for(s, w);
}

/* ---- what the master says ---- */

static struct jid *
domain_of(const struct xml *x)
{
	const char *text = xml_get(x, "jid");
	struct jid *jid = text ? jid_parse(text) : NULL;

	if (jid && !jid_is_domain(jid))
		jid_unref(&jid);
	return jid;
}

static void
on_child(struct slave *s, const struct jid *domain, const struct xml *x)
{
	struct waiter *w = s->relay ? waiter_find(s->relay, domain) : NULL;
	struct peer *p = s->relay ? peers_find(&s->relay->peers, domain) : NULL;
	uint64_t ask = peers_at_of(x).ask;

	if (!w && !(p && p->state == PEER_FOLLOWS))
		/* It has gone meanwhile. */
		tell_master(s, "lost", domain, ask, NULL);
	if (!w)
		return;
	w->asked_ms = 0;
	if (w->ask != ask)
		/* It has asked once more. */
		ask_for(s, w);
	else if (s->state == SLAVE_CURRENT)
		/* Else the master is asked again, then. */
		serve(s->relay, w);
}

static void
on_drop(struct slave *s, struct jid *domain, uint64_t ask)
{
	struct peer *p = s->relay ? peers_find(&s->relay->peers, domain) : NULL;
	struct waiter *w = s->relay ? waiter_find(s->relay, domain) : NULL;

	if (w && w->ask <= ask) {
		uint64_t own = w->ask;

		waiter_free(s->relay, w);
		release(s, domain, own);
	} else if (w) {
		w->asked_ms = 0;
		ask_for(s, w);
	} else if (p && p->ask <= ask) {
		release(s, domain, p->ask);
	}
	if (p && p->ask <= ask) {
		note(s, "not passed on any more to", domain);
		peers_remove(&s->relay->peers, p);
	}
}

/* ---- what goes through here ---- */

/* With what was sealed. */
static void
end_carry(struct buf *b, const struct xml *x)
{
	struct arena *a = arena_new();
	const char *text = xml_get_text(a, x);

	buf_addc(b, '>');
	if (text)
		xml_escape(b, text, strlen(text));
	buf_adds(b, "</carry>");
	arena_unref(&a);
}

/* To one below, or through it to one below that. */
static void
carry_down(struct slave *s, const struct xml *x, const char *to)
{
	const char *rest = strchr(to, ' ');
	char *first =
		rest ? mem_strndup(to, (size_t)(rest - to)) : mem_strdup(to);
	struct jid *domain = jid_parse(first);
	struct buf b = { 0 };

	free(first);
	if (domain && jid_is_domain(domain) && s->relay &&
	    (peers_find(&s->relay->peers, domain) ||
	     waiter_find(s->relay, domain))) {
		buf_adds(&b, "<carry xmlns='" NS_DMUC "'");
		xml_write_attr(&b, "room", jid_str(s->jid));
		xml_write_attr(&b, "to", rest ? rest + 1 : jid_str(domain));
		end_carry(&b, x);
		s->cls->send(s->owner, domain, b.data, b.len);
	}
	buf_fini(&b);
	jid_unref(&domain);
}

/* For us, from the master? Else it goes on. */
static void
on_carry_down(struct slave *s, const struct xml *x, const char *to)
{
	struct arena *a;
	const char *text;
	struct buf b = { 0 };
	uint64_t number;

	if (strcmp(to, jid_str(s->domain)) != 0) {
		carry_down(s, x, to);
		return;
	}
	a = arena_new();
	text = xml_get_text(a, x);
	if (text && s->has_seal && *s->nonce &&
	    seal_open(&b, &number, &s->seal, s->jid, s->domain, s->nonce,
		      text) &&
	    number > s->n_opened) {
		s->n_opened = number;
		s->cls->opened(s->owner, b.data, b.len);
	}
	buf_fini(&b);
	arena_unref(&a);
}

/* What has gone through so many does not get anywhere. */
static bool
is_too_deep(const struct xml *x)
{
	const char *n = xml_get(x, "hops");

	return n && strtoul(n, NULL, 10) >= TREE_DEPTH_MAX;
}

static void
carry_up(struct slave *s, struct jid *from, const struct xml *x)
{
	const char *author = xml_get(x, "from"), *n = xml_get(x, "hops");
	struct buf b = { 0 };

	if (!s->relay || !peers_find(&s->relay->peers, from) || !author ||
	    is_too_deep(x) || s->state == SLAVE_SPLIT)
		return;
	buf_adds(&b, "<carry xmlns='" NS_DMUC "'");
	if (slave_is_carried(s))
		xml_write_attr(&b, "room", jid_str(s->jid));
	xml_write_attr(&b, "from", author);
	buf_printf(&b, " hops='%lu'", n ? strtoul(n, NULL, 10) + 1 : 1);
	end_carry(&b, x);
	s->cls->send(s->owner, slave_is_carried(s) ? s->parent : NULL, b.data,
		     b.len);
	buf_fini(&b);
}

static void
from_above(struct slave *s, const struct xml *x)
{
	const char *to = xml_get(x, "to");
	struct jid *domain;

	if (!strcmp(x->name, "carry")) {
		if (to)
			on_carry_down(s, x, to);
		return;
	}
	domain = domain_of(x);
	if (domain && !strcmp(x->name, "child"))
		on_child(s, domain, x);
	else if (domain && !strcmp(x->name, "drop"))
		on_drop(s, domain, peers_at_of(x).ask);
	jid_unref(&domain);
}

static void
from_below(struct slave *s, struct jid *from, const struct xml *x)
{
	struct peer *p = s->relay ? peers_find(&s->relay->peers, from) : NULL;

	if (!strcmp(x->name, "attach")) {
		on_attach(s, from, x);
	} else if (!strcmp(x->name, "carry")) {
		carry_up(s, from, x);
	} else if (!strcmp(x->name, "detach") && p) {
		tell_master(s, "lost", from, p->ask, NULL);
		note(s, "not passed on any more to", from);
		peers_remove(&s->relay->peers, p);
	}
}

void
relay_receive(struct slave *s, struct jid *from, const struct xml *x)
{
	if (from)
		from_below(s, from, x);
	else
		from_above(s, x);
}

/* ---- the log ---- */

void
relay_pass_on(struct slave *s, const struct entry *e, bool is_late)
{
	if (s->relay && s->relay->peers.n)
		peers_pass_on(&s->relay->peers, e, is_late);
}

static void
write_child(struct buf *b, const struct jid *domain, uint64_t ask,
	    const char *proof)
{
	write_relation(b, "below", domain, ask, proof);
	buf_adds(b, "/>");
}

/* Those that wait, too: the master may have allowed it already. */
static void
write_children(struct buf *b, const struct relay *r)
{
	list_each (n, &r->peers.all) {
		const struct peer *p = container_of(n, struct peer, node);

		if (p->state == PEER_FOLLOWS && !waiter_find(r, p->domain))
			write_child(b, p->domain, p->ask, p->proof);
	}
	list_each (n, &r->waiting)
		write_child(b, waiter_of(n)->domain, waiter_of(n)->ask,
			    waiter_of(n)->proof);
}

void
relay_name_children(struct slave *s)
{
	struct buf b = { 0 };

	buf_adds(&b, "<children xmlns='" NS_DMUC "'");
	if (!s->is_relay)
		buf_adds(&b, " refused='true'");
	buf_addc(&b, '>');
	if (s->relay)
		write_children(&b, s->relay);
	buf_adds(&b, "</children>");
	slave_tell_master(s, b.data, b.len);
	buf_fini(&b);
}

/* Not at once: that is said while they are being sent something. */
static void
drop_lost(struct relay *r)
{
	list_each_safe (n, &r->peers.all) {
		struct peer *p = container_of(n, struct peer, node);

		if (p->state != PEER_FOLLOWS)
			peers_remove(&r->peers, p);
	}
}

/* p NULL: to all. */
static void
tell_position(struct relay *r, struct peer *p)
{
	struct buf path = { 0 };

	describe(r, &path);
	if (p)
		peers_tell_one(&r->peers, p);
	else
		peers_tell_position(&r->peers);
	r->peers.path = NULL;
	buf_fini(&path);
}

void
relay_is_current(struct slave *s, bool is_news)
{
	struct relay *r = s->relay;

	if (!r)
		return;
	drop_lost(r);
	if (is_news) {
		list_each (n, &r->waiting) {
			waiter_of(n)->asked_ms = 0;
			ask_for(s, waiter_of(n));
		}
	}
	tell_position(r, NULL);
}

/* ---- ends ---- */

void
relay_broken(struct slave *s, const struct jid *domain)
{
	struct peer *p = s->relay ? peers_find(&s->relay->peers, domain) : NULL;

	if (!p || p->state != PEER_FOLLOWS || s->state != SLAVE_CURRENT)
		return;
	/* It may have been restarted, and says so; or lack something of ours,
	 * or of the master's. */
	tell_position(s->relay, p);
	tell_master(s, "below", domain, p->ask, p->proof);
}

void
relay_lost(struct slave *s, const struct jid *domain)
{
	struct peer *p = s->relay ? peers_find(&s->relay->peers, domain) : NULL;
	struct waiter *w = s->relay ? waiter_find(s->relay, domain) : NULL;

	/* If the master has allowed it already. */
	if (w && !w->asked_ms)
		tell_master(s, "lost", domain, w->ask, NULL);
	if (w)
		waiter_free(s->relay, w);
	if (!p || p->state != PEER_FOLLOWS)
		return;
	note(s, "no way any more to", domain);
	p->state = PEER_LOST;
	tell_master(s, "lost", domain, p->ask, NULL);
}

void
relay_release_all(struct slave *s)
{
	struct relay *r = s->relay;

	if (!r)
		return;
	list_each_safe (n, &r->waiting) {
		release(s, waiter_of(n)->domain, waiter_of(n)->ask);
		waiter_free(r, waiter_of(n));
	}
	list_each_safe (n, &r->peers.all) {
		struct peer *p = container_of(n, struct peer, node);

		release(s, p->domain, p->ask);
		note(s, "not passed on any more to", p->domain);
		peers_remove(&r->peers, p);
	}
}

void
relay_free(struct slave *s)
{
	struct relay *r = s->relay;

	if (!r)
		return;
	while (!list_is_empty(&r->waiting))
		waiter_free(r, waiter_of(r->waiting.next));
	peers_fini(&r->peers);
	free(r);
	s->relay = NULL;
}
