/* s2s_identity.c - who is at the other end of a stream, and for whom it may
 * speak. */

#include "base/buf.h"
#include "base/mem.h"
#include "core/s2s_private.h"
#include "net/tls.h"
#include "xmpp/idna.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* Domains of one stream. */
#define PAIRS_MAX 10000

struct s2s_pair_key {
	const char *remote, *local;
};

void
s2s_set_peer(struct s2s *s, const char *domain)
{
	if (s->peer)
		return;
	s->peer = s2s_peer_take(s->all, domain);
	list_append(&s->peer->streams, &s->of_peer);
}

bool
s2s_is_certified(const struct s2s *s, const char *domain)
{
	struct buf name = { 0 };
	bool ok = false;

	if (s->tls && s->tls->peer_cert_verified &&
	    idna_to_ascii(domain, &name) == 0)
		ok = tls_info_is_for(s->tls, name.data, "xmpp-server");
	buf_fini(&name);
	return ok;
}

/* local NULL: the pair for all of ours. */
static bool
pair_eq(const struct map_node *n, const void *key)
{
	const struct s2s_pair *p =
		container_of((struct map_node *)n, struct s2s_pair, node);
	const struct s2s_pair_key *k = key;

	if (strcmp(p->remote, k->remote) != 0 || !p->local != !k->local)
		return false;
	return !k->local || !strcmp(p->local, k->local);
}

static uint64_t
pair_hash(const char *remote, const char *local)
{
	return hash_str(remote) * 31 + (local ? hash_str(local) : 0);
}

static bool
find(const struct s2s *s, const char *remote, const char *local, uint64_t hash)
{
	struct s2s_pair_key key = { remote, local };

	return map_find(&s->pairs, hash, pair_eq, &key);
}

static bool
has(const struct s2s *s, const char *remote, const char *local)
{
	return find(s, remote, local, pair_hash(remote, local));
}

bool
s2s_has_pair(const struct s2s *s, const char *remote, const char *local)
{
	return has(s, remote, NULL) || has(s, remote, local);
}

bool
s2s_may_come(const struct s2s *s, const struct jid *from, const struct jid *to)
{
	const char *remote = jid_domain(from), *local = jid_domain(to);
	uint64_t hash = jid_hash_domain(from) * 31;

	return find(s, remote, local, hash + jid_hash_domain(to)) ||
	       find(s, remote, NULL, hash);
}

bool
s2s_has_room(const struct s2s *s)
{
	return s->pairs.n < PAIRS_MAX;
}

void
s2s_add_pair(struct s2s *s, const char *remote, const char *local)
{
	size_t len = strlen(remote) + 1;
	size_t local_len = local ? strlen(local) + 1 : 0;
	struct s2s_pair *p;

	if (!s2s_has_room(s) || has(s, remote, local))
		return;
	p = mem_alloc(sizeof(*p) + len + local_len);
	memcpy(p->remote, remote, len);
	p->local = NULL;
	if (local) {
		memcpy(p->remote + len, local, local_len);
		p->local = p->remote + len;
	}
	map_insert(&s->pairs, &p->node, pair_hash(remote, local));
}

void
s2s_take_pairs(struct s2s *s, struct s2s *from)
{
	map_each (n, &from->pairs) {
		const struct s2s_pair *p =
			container_of(n, struct s2s_pair, node);

		s2s_add_pair(s, p->remote, p->local);
	}
}

void
s2s_authenticated(struct s2s *s, const char *how)
{
	struct log log = s2s_log(s);

	if (s->is_counted)
		s->all->n_unauthenticated--;
	s->is_counted = false;
	if (s->auth)
		return;
	s->auth = how;
	s2s_share_rate(s);
	log_info(&log, "%s by %s, TLS %s%s%s",
		 s->is_out ? "accepted" : "authenticated", how,
		 s->tls ? s->tls->version : "not used", *s->address ? ", " : "",
		 s->address);
}

void
s2s_pairs_free(struct s2s *s)
{
	map_each (n, &s->pairs) {
		map_remove(&s->pairs, n);
		free(container_of(n, struct s2s_pair, node));
	}
	map_fini(&s->pairs);
}
