/* s2s_identity.c - who is at the other end of a stream, and for whom it may
 * speak. */

#include "base/buf.h"
#include "base/mem.h"
#include "core/s2s_private.h"
#include "net/tls.h"
#include "xmpp/idna.h"

#include <stdlib.h>
#include <string.h>

/* Domains of one stream. */
#define PAIRS_MAX 1000

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

bool
s2s_has_pair(const struct s2s *s, const char *remote, const char *local)
{
	list_each (n, &s->pairs) {
		const struct s2s_pair *p =
			container_of(n, struct s2s_pair, node);

		if (!strcmp(p->remote, remote) &&
		    (!p->local || !strcmp(p->local, local)))
			return true;
	}
	return false;
}

void
s2s_add_pair(struct s2s *s, const char *remote, const char *local)
{
	size_t len = strlen(remote) + 1, n = 0;
	size_t local_len = local ? strlen(local) + 1 : 0;
	struct s2s_pair *p;

	list_each (i, &s->pairs)
		n++;
	if (n >= PAIRS_MAX || (local && s2s_has_pair(s, remote, local)))
		return;
	p = mem_alloc(sizeof(*p) + len + local_len);
	memcpy(p->remote, remote, len);
	p->local = NULL;
	if (local) {
		memcpy(p->remote + len, local, local_len);
		p->local = p->remote + len;
	}
	list_append(&s->pairs, &p->node);
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
	log_info(&log, "%s by %s, TLS %s%s%s",
		 s->is_out ? "accepted" : "authenticated", how,
		 s->tls ? s->tls->version : "not used", *s->address ? ", " : "",
		 s->address);
}

void
s2s_pairs_free(struct s2s *s)
{
	struct list *n;

	while ((n = list_pop(&s->pairs)))
		free(container_of(n, struct s2s_pair, node));
}
