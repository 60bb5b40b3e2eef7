/*
 * dns.c - c-ares on a loop, and what it answered.
 *
 * A lookup is one question (name and type) with its answer; while it is not
 * idle it has queries, the callers that wait. Idle lookups are the cache.
 */

#include "net/dns.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/dns_message.h"
#include "net/loop.h"

/* ares_query is what every version has. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLASS_IN	   1
#define LOOKUPS_MAX	   4096
#define DEFAULT_TIMEOUT_MS 3000
#define DEFAULT_TRIES	   2
/* RFC 6891: what fits everywhere without fragments. */
#define UDP_SIZE 1232
/* Answers that only say where to look instead, in a row. */
#define HOPS_MAX  8
#define TTL_MAX_S (24 * 60 * 60)
/* RFC 2308 section 5: more than hours is not sensible. */
#define TTL_NONE_MAX_S (60 * 60)
/* RFC 9520 section 3.2: failures are kept, too. */
#define TTL_FAILED_S 5
#define TTL_FILE_S   5

static const char too_many[] = "too many questions to the DNS at once";

struct channel {
	struct dns *dns;
	ares_channel ares;
	struct timer timer; /* what c-ares wants next */
	struct list watches;
};

struct dns {
	struct loop *loop;
	struct channel *channel; /* owned */
	/* Owned. Where every server refuses or fails, c-ares only says that
	 * none could be asked. This one does not go on to the next server and
	 * tells what the first has said. */
	struct channel *blunt;
	bool uses_files; /* the hosts file */
	struct map lookups;
	struct list idle;    /* lookups, the one used longest ago first */
	struct list refused; /* queries without a lookup */
};

/* A socket of c-ares. */
struct watch {
	struct list node;
	struct channel *channel;
	struct event ev;
	ares_socket_t fd;
};

struct lookup {
	struct map_node node;
	struct list idle_node; /* linked only while idle */
	struct dns *dns;
	enum dns_type type;
	char name[DNS_NAME_MAX];  /* lower case */
	char asked[DNS_NAME_MAX]; /* an alias of it, by and by */
	int n_hops;
	bool is_pending, is_blunt; /* asked by that channel */
	int n_calls;		   /* of done, under way */
	struct list queries;
	int64_t until_ms; /* the answer holds */
	struct dns_answer answer;
	char *error;		       /* owned, for answer */
	struct dns_srv *srv;	       /* owned, for answer */
	struct dns_address *addresses; /* owned, for answer */
};

struct dns_query {
	struct list node; /* in lookup->queries or dns->refused */
	struct loop *loop;
	struct lookup *lookup; /* borrowed; NULL: there was no room for it */
	struct turn_end ready;
	dns_done *done;
	void *data;
};

static void
on_answer(void *data, int status, int n_timeouts, unsigned char *msg, int len);

/* --- c-ares on the loop */

static void
arm_timer(struct channel *c)
{
	struct timeval tv, *next = ares_timeout(c->ares, NULL, &tv);

	if (next)
		loop_timer_set(c->dns->loop, &c->timer,
			       next->tv_sec * 1000 + next->tv_usec / 1000 + 1);
	else
		loop_timer_clear(c->dns->loop, &c->timer);
}

static void
on_timer(struct timer *t)
{
	struct channel *c = container_of(t, struct channel, timer);

	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(c);
}

static void
on_socket(evutil_socket_t fd, short what, void *data)
{
	struct channel *c = ((struct watch *)data)->channel;

	/* The watch may go in here. */
	loop_enter(c->dns->loop);
	ares_process_fd(c->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm_timer(c);
}

static struct watch *
watch_of(struct channel *c, ares_socket_t fd)
{
	list_each (n, &c->watches) {
		struct watch *w = container_of(n, struct watch, node);

		if (w->fd == fd)
			return w;
	}
	return NULL;
}

/* c-ares waits for other things on a socket; for neither: it closes it. */
static void
on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = data;
	struct watch *w = watch_of(c, fd);
	short what =
		(short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (w) {
		event_del(&w->ev);
	} else {
		w = mem_zalloc(sizeof(*w));
		w->channel = c;
		w->fd = fd;
		list_append(&c->watches, &w->node);
	}
	if (!what) {
		list_remove(&w->node);
		free(w);
		return;
	}
	event_assign(&w->ev, loop_base(c->dns->loop), fd,
		     (short)(what | EV_PERSIST), on_socket, w);
	event_add(&w->ev, NULL);
}

/* Its questions end with ARES_EDESTRUCTION. */
static void
close_channel(struct channel *c)
{
	if (!c)
		return;
	ares_destroy(c->ares);
	loop_timer_clear(c->dns->loop, &c->timer);
	free(c);
}

static struct channel *
open_channel(struct dns *d, const struct dns_settings *s, int flags,
	     struct err *err)
{
	struct channel *c = mem_zalloc(sizeof(*c));
	struct ares_options o = {
		.flags = ARES_FLAG_EDNS | flags,
		.timeout = s->timeout_ms ? s->timeout_ms : DEFAULT_TIMEOUT_MS,
		.tries = s->tries ? s->tries : DEFAULT_TRIES,
		.ednspsz = UDP_SIZE,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = c,
	};
	int status = ares_init_options(
		&c->ares, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);

	c->dns = d;
	c->timer.fn = on_timer;
	list_init(&c->watches);
	if (status != ARES_SUCCESS) {
		err_set(err, "the resolver does not start: %s",
			ares_strerror(status));
		free(c);
		return NULL;
	}
	if (s->servers &&
	    ares_set_servers_ports_csv(c->ares, s->servers) != ARES_SUCCESS) {
		err_set(err,
			"\"%s\" does not list DNS servers, as "
			"\"127.0.0.1:53,[::1]:53\" does",
			s->servers);
		close_channel(c);
		return NULL;
	}
	return c;
}

/* The old channels are the caller's. */
static int
open_channels(struct dns *d, const struct dns_settings *s, struct err *err)
{
	struct channel *channel = open_channel(d, s, 0, err), *blunt;

	if (!channel)
		return -1;
	blunt = open_channel(d, s, ARES_FLAG_NOCHECKRESP, err);
	if (!blunt) {
		close_channel(channel);
		return -1;
	}
	d->channel = channel;
	d->blunt = blunt;
	d->uses_files = !s->servers;
	return 0;
}

/* --- Lookups */

static struct clock *
clock_of(const struct dns *d)
{
	return loop_clock(d->loop);
}

static void
clear_answer(struct lookup *l)
{
	free(l->error);
	free(l->srv);
	free(l->addresses);
	l->error = NULL;
	l->srv = NULL;
	l->addresses = NULL;
	l->answer = (struct dns_answer){ 0 };
}

static void
free_lookup(struct lookup *l)
{
	map_remove(&l->dns->lookups, &l->node);
	list_remove(&l->idle_node);
	clear_answer(l);
	free(l);
}

/* Where nobody needs it any more it may make room for others. */
static void
check_idle(struct lookup *l)
{
	if (l->is_pending || l->n_calls || !list_is_empty(&l->queries))
		return;
	list_remove(&l->idle_node);
	list_append(&l->dns->idle, &l->idle_node);
}

static void
on_ready(struct turn_end *e)
{
	struct dns_query *q = container_of(e, struct dns_query, ready);
	struct dns_answer full = { .status = DNS_FAILED, .error = too_many };
	struct lookup *l = q->lookup;
	dns_done *done = q->done;
	void *data = q->data;

	list_remove(&q->node);
	free(q);
	if (!l) {
		done(data, &full);
		return;
	}
	l->n_calls++;
	done(data, &l->answer);
	l->n_calls--;
	check_idle(l);
}

static void
finish(struct lookup *l, enum dns_status status, uint32_t ttl_s,
       const char *error)
{
	l->is_pending = false;
	l->until_ms = clock_of(l->dns)->mono_ms + (int64_t)ttl_s * 1000;
	l->error = error ? mem_strdup(error) : NULL;
	l->answer.status = status;
	l->answer.error = l->error;
	list_each (n, &l->queries)
		loop_at_turn_end(
			l->dns->loop,
			&container_of(n, struct dns_query, node)->ready);
	check_idle(l);
}

static uint32_t
at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

static void
keep_records(struct lookup *l, const struct dns_message *m)
{
	if (m->n_srv) {
		l->srv = mem_alloc(m->n_srv * sizeof(*m->srv));
		memcpy(l->srv, m->srv, m->n_srv * sizeof(*m->srv));
	}
	if (m->n_addresses) {
		l->addresses =
			mem_alloc(m->n_addresses * sizeof(*m->addresses));
		memcpy(l->addresses, m->addresses,
		       m->n_addresses * sizeof(*m->addresses));
	}
	l->answer.srv = l->srv;
	l->answer.n_srv = m->n_srv;
	l->answer.addresses = l->addresses;
	l->answer.n_addresses = m->n_addresses;
	finish(l, DNS_OK, at_most(m->ttl_s, TTL_MAX_S), NULL);
}

static void
ask(struct lookup *l)
{
	struct channel *c = l->is_blunt ? l->dns->blunt : l->dns->channel;

	/* May call on_answer at once. */
	ares_query(c->ares, l->asked, CLASS_IN, (int)l->type, on_answer, l);
	arm_timer(c);
}

static void
read_answer(struct lookup *l, int status, const uint8_t *msg, size_t len)
{
	struct dns_message m;

	if (dns_message_read(msg, len, l->asked, l->type, &m) < 0) {
		finish(l, DNS_FAILED, TTL_FAILED_S,
		       "the DNS gives an answer that makes no sense");
		return;
	}
	if (m.n_srv || m.n_addresses) {
		keep_records(l, &m);
		return;
	}
	if (m.n_unusable) {
		finish(l, DNS_FAILED, TTL_FAILED_S,
		       "the DNS has only records that cannot be used");
		return;
	}
	/* A server that only serves its own zones leaves the rest to us. */
	if (m.alias[0] && status == ARES_SUCCESS && l->n_hops < HOPS_MAX &&
	    dns_name_is_valid(m.alias)) {
		l->n_hops++;
		strcpy(l->asked, m.alias);
		ask(l);
		return;
	}
	if (l->n_hops == HOPS_MAX) {
		finish(l, DNS_FAILED, TTL_FAILED_S,
		       "the name leads from one alias to the next");
		return;
	}
	finish(l, DNS_NONE, at_most(m.ttl_s, TTL_NONE_MAX_S),
	       status == ARES_ENOTFOUND ? "no such name" : "no such record");
}

static const char *
words_for(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return "no DNS server answers in time";
	case ARES_ECONNREFUSED:
		return "no DNS server can be reached";
	case ARES_ESERVFAIL:
		return "the DNS server has failed to find out (SERVFAIL)";
	case ARES_EREFUSED:
		return "the DNS server refuses to answer (REFUSED)";
	default:
		return ares_strerror(status);
	}
}

static void
on_answer(void *data, int status, int n_timeouts, unsigned char *msg, int len)
{
	struct lookup *l = data;

	(void)n_timeouts;
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
		if (msg && len > 0) {
			read_answer(l, status, msg, (size_t)len);
			return;
		}
		finish(l, DNS_NONE, TTL_FAILED_S, "no such name");
		return;
	case ARES_EDESTRUCTION:
		/* dns_reload asks again; in dns_free all is freed. */
		return;
	case ARES_ECONNREFUSED:
		if (!l->is_blunt) {
			l->is_blunt = true;
			ask(l);
			return;
		}
		break;
	default:
		break;
	}
	finish(l, DNS_FAILED, TTL_FAILED_S, words_for(status));
}

/* --- Names that need no question */

static void
add_address(struct dns_message *m, int family, const void *bytes)
{
	struct dns_address *a;

	if (m->n_addresses == DNS_RECORDS_MAX)
		return;
	a = &m->addresses[m->n_addresses++];
	a->family = family;
	memcpy(family == AF_INET ? (void *)&a->v4 : (void *)&a->v6, bytes,
	       family == AF_INET ? sizeof(a->v4) : sizeof(a->v6));
}

/* RFC 6761 section 6.3. */
static bool
is_localhost(const char *name)
{
	size_t len = strlen(name);

	return strcmp(name, "localhost") == 0 ||
	       (len > 10 && strcmp(name + len - 10, ".localhost") == 0);
}

static bool
find_in_file(struct lookup *l, int family, struct dns_message *m)
{
	struct hostent *he;

	if (!l->dns->uses_files ||
	    ares_gethostbyname_file(l->dns->channel->ares, l->name, family,
				    &he) != ARES_SUCCESS)
		return false;
	for (char **a = he->h_addr_list; *a; a++)
		add_address(m, family, *a);
	ares_free_hostent(he);
	return m->n_addresses > 0;
}

static bool
find_here(struct lookup *l)
{
	static const struct in_addr v4 = { .s_addr = 0x0100007f };
	struct dns_message m = { .ttl_s = TTL_FILE_S };

	if (!dns_name_is_valid(l->name)) {
		finish(l, DNS_NONE, TTL_FAILED_S, "not a name for the DNS");
		return true;
	}
	if (l->type == DNS_SRV)
		return false;
	if (is_localhost(l->name)) {
		if (l->type == DNS_A)
			add_address(&m, AF_INET, &v4);
		else
			add_address(&m, AF_INET6, &in6addr_loopback);
	} else if (!find_in_file(l, l->type == DNS_A ? AF_INET : AF_INET6,
				 &m)) {
		return false;
	}
	keep_records(l, &m);
	return true;
}

/* --- Asking */

struct key {
	const char *name;
	enum dns_type type;
};

static bool
lookup_is(const struct map_node *node, const void *data)
{
	const struct lookup *l = container_of(node, struct lookup, node);
	const struct key *key = data;

	return l->type == key->type && strcmp(l->name, key->name) == 0;
}

static bool
make_room(struct dns *d)
{
	if (d->lookups.n < LOOKUPS_MAX)
		return true;
	if (list_is_empty(&d->idle))
		return false;
	free_lookup(container_of(d->idle.next, struct lookup, idle_node));
	return true;
}

static struct lookup *
find_lookup(struct dns *d, const char *name, enum dns_type type)
{
	struct key key = { name, type };
	uint64_t hash = hash_str(name) + (uint64_t)type;
	struct map_node *node = map_find(&d->lookups, hash, lookup_is, &key);
	struct lookup *l;

	if (node)
		return container_of(node, struct lookup, node);
	if (!make_room(d))
		return NULL;
	l = mem_zalloc(sizeof(*l));
	l->dns = d;
	l->type = type;
	strcpy(l->name, name);
	list_init(&l->idle_node);
	list_init(&l->queries);
	l->until_ms = -1;
	map_insert(&d->lookups, &l->node, hash);
	return l;
}

static void
start(struct lookup *l)
{
	clear_answer(l);
	l->is_pending = true;
	if (find_here(l))
		return;
	l->n_hops = 0;
	l->is_blunt = false;
	strcpy(l->asked, l->name);
	ask(l);
}

static struct dns_query *
query(struct dns *d, const char *name, enum dns_type type, dns_done *done,
      void *data)
{
	struct dns_query *q = mem_zalloc(sizeof(*q));
	char lower[DNS_NAME_MAX] = "";
	struct lookup *l;
	bool is_known;

	q->loop = d->loop;
	q->done = done;
	q->data = data;
	q->ready.fn = on_ready;
	list_init(&q->node);
	/* One that is too long becomes "", which is no name either. */
	if (strlen(name) < sizeof(lower))
		for (size_t i = 0; name[i]; i++)
			lower[i] = (char)tolower((unsigned char)name[i]);
	l = q->lookup = find_lookup(d, lower, type);
	if (!l) {
		list_append(&d->refused, &q->node);
		loop_at_turn_end(d->loop, &q->ready);
		return q;
	}
	is_known = !list_is_empty(&l->queries) || l->n_calls ||
		   clock_of(d)->mono_ms < l->until_ms;
	list_append(&l->queries, &q->node);
	list_remove(&l->idle_node);
	if (l->is_pending)
		return q;
	if (is_known)
		loop_at_turn_end(d->loop, &q->ready);
	else
		start(l);
	return q;
}

struct dns_query *
dns_srv(struct dns *d, const char *name, dns_done *done, void *data)
{
	return query(d, name, DNS_SRV, done, data);
}

struct dns_query *
dns_addresses(struct dns *d, const char *host, int family, dns_done *done,
	      void *data)
{
	return query(d, host, family == AF_INET ? DNS_A : DNS_AAAA, done, data);
}

void
dns_cancel(struct dns_query **q)
{
	struct dns_query *old = *q;

	*q = NULL;
	if (!old)
		return;
	loop_cancel_turn_end(&old->ready);
	list_remove(&old->node);
	if (old->lookup)
		check_idle(old->lookup);
	free(old);
}

/* --- The whole */

struct dns *
dns_new(struct loop *loop, const struct dns_settings *settings, struct err *err)
{
	struct dns *d = mem_zalloc(sizeof(*d));

	d->loop = loop;
	list_init(&d->idle);
	list_init(&d->refused);
	ares_library_init(ARES_LIB_INIT_ALL);
	if (open_channels(d, settings, err) < 0) {
		ares_library_cleanup();
		free(d);
		return NULL;
	}
	return d;
}

int
dns_reload(struct dns *d, const struct dns_settings *settings, struct err *err)
{
	struct channel *old = d->channel, *old_blunt = d->blunt;

	if (open_channels(d, settings, err) < 0)
		return -1;
	close_channel(old);
	close_channel(old_blunt);
	map_each (n, &d->lookups) {
		struct lookup *l = container_of(n, struct lookup, node);

		l->until_ms = -1;
		l->is_blunt = false;
		if (l->is_pending)
			ask(l); /* or its alias, if it was there */
	}
	return 0;
}

static void
free_queries(struct list *queries)
{
	for (struct list *n; (n = list_pop(queries)) != NULL;) {
		struct dns_query *q = container_of(n, struct dns_query, node);

		loop_cancel_turn_end(&q->ready);
		free(q);
	}
}

void
dns_free(struct dns *d)
{
	if (!d)
		return;
	close_channel(d->channel);
	close_channel(d->blunt);
	ares_library_cleanup();
	map_each (n, &d->lookups) {
		struct lookup *l = container_of(n, struct lookup, node);

		free_queries(&l->queries);
		free_lookup(l);
	}
	free_queries(&d->refused);
	map_fini(&d->lookups);
	free(d);
}
