/*
 * dial.c - finding targets, resolving them, racing their addresses.
 *
 * A site is a target with what is known of its addresses. Sites of one priority
 * are a group, resolved together; go_on starts whatever may be started now, and
 * is called after each thing that has happened.
 */

#include "net/dial.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/timer.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 8305 section 8. */
#define RESOLUTION_DELAY_MS 50
/* Of each family of one target. */
#define ADDRESSES_MAX 8
/* Of the text that says what has failed. */
#define ERRORS_MAX 1000

enum { V6, V4 }; /* in the order of preference */

struct site;

/* An address of a site. */
struct candidate {
	struct list node;  /* in site->candidates */
	struct site *site; /* borrowed */
	struct dns_address addr;
	enum { CANDIDATE_NEW, CANDIDATE_TRYING, CANDIDATE_TRIED } state;
	int fd;		    /* while it is being tried */
	struct event ev;    /* likewise */
	struct timer timer; /* likewise */
};

/* A question of a site. */
struct family {
	struct site *site; /* borrowed */
	int af;
	struct dns_query *query; /* NULL: answered */
	enum dns_status status;
};

struct site {
	struct dial *dial; /* borrowed */
	struct dial_target target;
	struct family families[2];
	struct list candidates;
	int last_af; /* tried last */
};

/* The question for one kind of SRV records. */
struct service {
	struct dial *dial; /* borrowed */
	char name[DNS_NAME_MAX];
	bool is_tls;
	struct dns_query *query; /* NULL: answered */
	enum dns_status status;
	bool is_not_offered; /* its only target is "." */
};

struct dial {
	struct loop *loop;
	struct dial_settings settings; /* service and fixed: only in dial_new */
	char *domain;		       /* without brackets */
	char *service;
	dial_done *done;
	void *data;

	struct service services[2]; /* direct TLS, and without */
	struct dial_target *found;  /* owned */
	size_t n_found;
	bool is_fallback; /* the domain itself, there are no SRV records */

	struct site *sites; /* owned */
	size_t n_sites, group_at, group_end;
	size_t n_trying;
	struct timer pace;	    /* until the next may be tried beside */
	struct timer resolve_delay; /* for a better address to be found */
	bool is_delay_over;

	bool is_given; /* a socket was, or the end told */
	bool is_over;
	struct turn_end kick;
	struct buf errors;
};

static void go_on(struct dial *d);

/* --- Words */

static void __attribute__((format(printf, 2, 3)))
trace(struct dial *d, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!d->settings.trace)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	d->settings.trace(d->data, line);
}

static void __attribute__((format(printf, 2, 3)))
note_error(struct dial *d, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	trace(d, "%s", line);
	if (d->errors.len + strlen(line) > ERRORS_MAX)
		return;
	buf_printf(&d->errors, "%s%s", d->errors.len ? "; " : "", line);
}

static const char *
address_text(const struct dns_address *a, char out[INET6_ADDRSTRLEN])
{
	const void *bytes =
		a->family == AF_INET ? (const void *)&a->v4 : &a->v6;

	return inet_ntop(a->family, bytes, out, INET6_ADDRSTRLEN);
}

/* The last thing that its caller does: d may be gone then. */
static void
fail(struct dial *d, enum dial_status status)
{
	struct dial_result r = { .status = status, .fd = -1 };

	d->is_over = true;
	r.error = d->errors.len ? d->errors.data : "no other target is left";
	d->done(d->data, &r);
}

/* --- Attempts */

static void
stop_attempt(struct candidate *c)
{
	struct dial *d = c->site->dial;

	event_del(&c->ev);
	loop_timer_clear(d->loop, &c->timer);
	d->n_trying--;
}

static void
attempt_failed(struct candidate *c, const char *why)
{
	struct dial *d = c->site->dial;
	char text[INET6_ADDRSTRLEN];

	c->state = CANDIDATE_TRIED;
	note_error(d, "%s port %u (%s): %s", c->site->target.srv.host,
		   c->site->target.srv.port, address_text(&c->addr, text), why);
	/* RFC 8305 section 5: the next one need not wait. */
	loop_timer_clear(d->loop, &d->pace);
}

static void
close_attempt(struct candidate *c)
{
	stop_attempt(c);
	close(c->fd);
	c->fd = -1;
}

static void
on_attempt_timeout(struct timer *t)
{
	struct candidate *c = container_of(t, struct candidate, timer);
	struct dial *d = c->site->dial;
	char why[64];

	close_attempt(c);
	snprintf(why, sizeof(why), "no answer within %.3g s",
		 d->settings.connect_timeout_ms / 1000.0);
	attempt_failed(c, why);
	go_on(d);
}

/* Those that were slower may be tried again after this one. */
static void
stop_losers(struct dial *d)
{
	for (size_t i = d->group_at; i < d->group_end; i++) {
		list_each (n, &d->sites[i].candidates) {
			struct candidate *c =
				container_of(n, struct candidate, node);

			if (c->state != CANDIDATE_TRYING)
				continue;
			close_attempt(c);
			c->state = CANDIDATE_NEW;
		}
	}
	loop_timer_clear(d->loop, &d->pace);
}

static void
won(struct candidate *c)
{
	struct dial *d = c->site->dial;
	const struct dial_target *t = &c->site->target;
	char text[INET6_ADDRSTRLEN];
	struct dial_result r = { .status = DIAL_OK,
				 .fd = c->fd,
				 .is_tls = t->is_tls,
				 .host = t->srv.host,
				 .port = t->srv.port,
				 .address = address_text(&c->addr, text) };
	int user_timeout_ms = d->settings.user_timeout_ms;

	stop_attempt(c);
	c->fd = -1;
	c->state = CANDIDATE_TRIED;
	stop_losers(d);
	d->is_given = true;
	if (user_timeout_ms)
		setsockopt(r.fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
			   &user_timeout_ms, sizeof(user_timeout_ms));
	trace(d, "connected to %s port %u (%s)%s", r.host, r.port, r.address,
	      r.is_tls ? ", TLS comes first" : "");
	d->done(d->data, &r);
}

static void
on_connect(evutil_socket_t fd, short what, void *data)
{
	struct candidate *c = data;
	struct dial *d = c->site->dial;
	socklen_t len = sizeof(int);
	int e = 0;

	(void)what;
	loop_enter(d->loop);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (!e) {
		won(c);
		return;
	}
	close_attempt(c);
	attempt_failed(c, strerror(e));
	go_on(d);
}

static int
start_connect(int fd, const struct dns_address *a, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = a->v4 };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };

	if (a->family == AF_INET)
		return connect(fd, (struct sockaddr *)&in, sizeof(in));
	in6.sin6_addr = a->v6;
	return connect(fd, (struct sockaddr *)&in6, sizeof(in6));
}

static void
start_attempt(struct candidate *c)
{
	struct dial *d = c->site->dial;
	uint16_t port = c->site->target.srv.port;
	char text[INET6_ADDRSTRLEN];
	int one = 1, e;

	c->site->last_af = c->addr.family;
	trace(d, "trying %s port %u", address_text(&c->addr, text), port);
	c->fd = socket(c->addr.family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		attempt_failed(c, strerror(errno));
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (start_connect(c->fd, &c->addr, port) < 0 && errno != EINPROGRESS) {
		e = errno;
		close(c->fd);
		c->fd = -1;
		attempt_failed(c, strerror(e));
		return;
	}
	c->state = CANDIDATE_TRYING;
	d->n_trying++;
	event_assign(&c->ev, loop_base(d->loop), c->fd, EV_WRITE, on_connect,
		     c);
	event_add(&c->ev, NULL);
	loop_timer_set(d->loop, &c->timer, d->settings.connect_timeout_ms);
	loop_timer_set(d->loop, &d->pace, d->settings.attempt_delay_ms);
}

static void
on_pace(struct timer *t)
{
	go_on(container_of(t, struct dial, pace));
}

/* --- Addresses of sites */

static void
add_candidate(struct site *s, const struct dns_address *a)
{
	struct dial *d = s->dial;
	struct candidate *c = mem_zalloc(sizeof(*c));

	c->site = s;
	c->addr = *a;
	c->fd = -1;
	c->timer.fn = on_attempt_timeout;
	list_append(&s->candidates, &c->node);
	if (!d->is_delay_over && !timer_is_set(&d->resolve_delay))
		loop_timer_set(d->loop, &d->resolve_delay, RESOLUTION_DELAY_MS);
}

static void
on_resolve_delay(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, resolve_delay);

	d->is_delay_over = true;
	go_on(d);
}

static void
on_addresses(void *data, const struct dns_answer *a)
{
	struct family *f = data;
	struct site *s = f->site;
	const char *kind = f->af == AF_INET ? "IPv4" : "IPv6";

	f->query = NULL;
	f->status = a->status;
	for (size_t i = 0; i < a->n_addresses && i < ADDRESSES_MAX; i++)
		add_candidate(s, &a->addresses[i]);
	if (a->status == DNS_OK)
		trace(s->dial, "%s: %zu %s address%s", s->target.srv.host,
		      a->n_addresses, kind, a->n_addresses == 1 ? "" : "es");
	else if (a->status == DNS_NONE)
		trace(s->dial, "%s: no %s address: %s", s->target.srv.host,
		      kind, a->error);
	else
		note_error(s->dial, "%s: %s address: %s", s->target.srv.host,
			   kind, a->error);
	if (!s->families[V6].query && !s->families[V4].query &&
	    list_is_empty(&s->candidates) &&
	    s->families[V6].status == DNS_NONE &&
	    s->families[V4].status == DNS_NONE)
		note_error(s->dial, "%s: no address: %s", s->target.srv.host,
			   a->error);
	go_on(s->dial);
}

static bool
is_literal(const char *host, struct dns_address *out)
{
	out->family = AF_INET;
	if (inet_pton(AF_INET, host, &out->v4) == 1)
		return true;
	out->family = AF_INET6;
	return inet_pton(AF_INET6, host, &out->v6) == 1;
}

static void
resolve(struct site *s)
{
	struct dns_address literal;

	if (is_literal(s->target.srv.host, &literal)) {
		add_candidate(s, &literal);
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct family *f = &s->families[i];

		f->query =
			dns_addresses(s->dial->settings.dns, s->target.srv.host,
				      f->af, on_addresses, f);
	}
}

/* False: waiting brings a better one of its addresses, maybe. */
static bool
is_resolved(const struct site *s)
{
	return !s->families[V6].query &&
	       (!s->families[V4].query || s->families[V6].status == DNS_OK);
}

static struct candidate *
pick_from(struct site *s)
{
	struct candidate *other = NULL;

	list_each (n, &s->candidates) {
		struct candidate *c = container_of(n, struct candidate, node);

		if (c->state != CANDIDATE_NEW)
			continue;
		if (c->addr.family != s->last_af)
			return c;
		if (!other)
			other = c;
	}
	return other;
}

static struct candidate *
pick(struct dial *d)
{
	for (size_t i = d->group_at; i < d->group_end; i++) {
		struct site *s = &d->sites[i];
		struct candidate *c;

		if (!is_resolved(s) && !d->is_delay_over)
			return NULL;
		c = pick_from(s);
		if (c)
			return c;
	}
	return NULL;
}

static bool
is_resolving(const struct dial *d)
{
	for (size_t i = d->group_at; i < d->group_end; i++)
		if (d->sites[i].families[V6].query ||
		    d->sites[i].families[V4].query)
			return true;
	return false;
}

/* False: there is none. */
static bool
start_group(struct dial *d)
{
	size_t i = d->group_at = d->group_end;

	if (i == d->n_sites)
		return false;
	while (i < d->n_sites &&
	       d->sites[i].target.srv.priority ==
		       d->sites[d->group_at].target.srv.priority)
		i++;
	d->group_end = i;
	d->is_delay_over = false;
	loop_timer_clear(d->loop, &d->resolve_delay);
	for (i = d->group_at; i < d->group_end; i++)
		resolve(&d->sites[i]);
	return true;
}

static bool
is_not_found(const struct dial *d)
{
	return d->is_fallback && d->services[0].status == DNS_NONE &&
	       d->services[1].status == DNS_NONE &&
	       d->sites[0].families[V6].status == DNS_NONE &&
	       d->sites[0].families[V4].status == DNS_NONE;
}

/* The last thing that its caller does: d may be gone then. */
static void
go_on(struct dial *d)
{
	if (d->is_given || d->is_over)
		return;
	for (;;) {
		struct candidate *c;

		if (timer_is_set(&d->pace))
			return;
		c = pick(d);
		if (c)
			start_attempt(c);
		else if (d->n_trying || is_resolving(d))
			return;
		else if (!start_group(d))
			break;
	}
	fail(d, is_not_found(d) ? DIAL_NOT_FOUND : DIAL_UNREACHABLE);
}

/* --- Targets */

static void
init_site(struct dial *d, struct site *s, const struct dial_target *t)
{
	s->dial = d;
	s->target = *t;
	s->last_af = AF_INET; /* IPv6 is first */
	list_init(&s->candidates);
	s->families[V6] = (struct family){ .site = s, .af = AF_INET6 };
	s->families[V4] = (struct family){ .site = s, .af = AF_INET };
}

static void
set_sites(struct dial *d, const struct dial_target *targets, size_t n)
{
	d->sites = mem_zalloc((n + !n) * sizeof(*d->sites));
	d->n_sites = n;
	for (size_t i = 0; i < n; i++)
		init_site(d, &d->sites[i], &targets[i]);
}

static void
set_one_site(struct dial *d)
{
	struct dial_target t = { .srv.port = d->settings.default_port };

	if (strlen(d->domain) < sizeof(t.srv.host))
		strcpy(t.srv.host, d->domain);
	set_sites(d, &t, 1);
}

/* Both questions for SRV records are answered. */
static void
choose_targets(struct dial *d)
{
	const struct service *tls = &d->services[0], *plain = &d->services[1];
	uint64_t seed = 0;

	if (d->n_found) {
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uintptr_t)d;
		dial_order(d->found, d->n_found, seed);
		if (d->n_found > DIAL_TARGETS_MAX)
			d->n_found = DIAL_TARGETS_MAX;
		set_sites(d, d->found, d->n_found);
		go_on(d);
		return;
	}
	if (plain->is_not_offered && tls->status != DNS_FAILED) {
		note_error(d, "the DNS says that %s does not offer %s",
			   d->domain, d->service);
		fail(d, DIAL_NOT_FOUND);
		return;
	}
	if (tls->status == DNS_FAILED &&
	    (plain->status == DNS_FAILED || plain->is_not_offered)) {
		fail(d, DIAL_UNREACHABLE);
		return;
	}
	trace(d, "no SRV records: %s itself, port %u", d->domain,
	      d->settings.default_port);
	d->is_fallback = true;
	set_one_site(d);
	go_on(d);
}

static void
add_found(struct service *s, const struct dns_answer *a)
{
	struct dial *d = s->dial;

	d->found = mem_realloc(d->found,
			       (d->n_found + a->n_srv) * sizeof(*d->found));
	for (size_t i = 0; i < a->n_srv; i++) {
		const struct dns_srv *srv = &a->srv[i];

		/* "." stands alone; beside others it means nothing. */
		if (!srv->host[0])
			continue;
		d->found[d->n_found++] =
			(struct dial_target){ *srv, s->is_tls };
		trace(d, "%s: %s port %u, priority %u, weight %u", s->name,
		      srv->host, srv->port, srv->priority, srv->weight);
	}
}

static void
on_srv(void *data, const struct dns_answer *a)
{
	struct service *s = data;
	struct dial *d = s->dial;
	size_t n_before = d->n_found;

	s->query = NULL;
	s->status = a->status;
	if (a->status == DNS_FAILED) {
		note_error(d, "%s: %s", s->name, a->error);
	} else if (a->status == DNS_NONE) {
		trace(d, "%s: %s", s->name, a->error);
	} else {
		add_found(s, a);
		s->is_not_offered = d->n_found == n_before;
		if (s->is_not_offered) {
			s->status = DNS_NONE;
			trace(d, "%s: not offered", s->name);
		}
	}
	if (!d->services[0].query && !d->services[1].query)
		choose_targets(d);
}

static void
ask_for_services(struct dial *d)
{
	/* XEP-0368: "xmpp-server" becomes "xmpps-server". */
	size_t len = strcspn(d->service, "-");

	for (int i = 0; i < 2; i++) {
		struct service *s = &d->services[i];
		struct buf name = { 0 };

		s->dial = d;
		s->is_tls = i == 0;
		buf_printf(&name, "_%.*s%s%s._tcp.%s", (int)len, d->service,
			   s->is_tls ? "s" : "", d->service + len, d->domain);
		/* One that is too long becomes "", which is no name either. */
		if (name.len < sizeof(s->name))
			strcpy(s->name, name.data);
		buf_fini(&name);
		s->query = dns_srv(d->settings.dns, s->name, on_srv, s);
	}
}

static void
read_fixed(struct dial *d, const char *const *fixed)
{
	struct dial_target targets[DIAL_TARGETS_MAX];
	size_t n = 0;

	for (; *fixed && n < DIAL_TARGETS_MAX; fixed++) {
		if (dial_parse_target(*fixed, &targets[n]) < 0) {
			note_error(d, "\"%s\" is not host:port", *fixed);
			continue;
		}
		/* One after the other. */
		targets[n].srv.priority = (uint16_t)n;
		n++;
	}
	set_sites(d, targets, n);
}

static void
on_kick(struct turn_end *e)
{
	go_on(container_of(e, struct dial, kick));
}

/* --- The whole */

struct dial *
dial_new(struct loop *loop, const char *domain,
	 const struct dial_settings *settings, dial_done *done, void *data)
{
	struct dial *d = mem_zalloc(sizeof(*d));
	size_t len = strlen(domain);
	struct dns_address literal;

	d->loop = loop;
	d->settings = *settings;
	d->service = mem_strdup(settings->service);
	d->domain = domain[0] == '[' && len > 2
			    ? mem_strndup(domain + 1, len - 2)
			    : mem_strdup(domain);
	d->done = done;
	d->data = data;
	d->pace.fn = on_pace;
	d->resolve_delay.fn = on_resolve_delay;
	d->kick.fn = on_kick;
	if (settings->fixed) {
		read_fixed(d, settings->fixed);
	} else if (is_literal(d->domain, &literal)) {
		set_one_site(d);
	} else {
		ask_for_services(d);
		return d;
	}
	loop_at_turn_end(loop, &d->kick);
	return d;
}

void
dial_next(struct dial *d)
{
	if (!d->is_given)
		return;
	d->is_given = false;
	loop_at_turn_end(d->loop, &d->kick);
}

static void
free_site(struct site *s)
{
	dns_cancel(&s->families[V6].query);
	dns_cancel(&s->families[V4].query);
	for (struct list *n; (n = list_pop(&s->candidates)) != NULL;) {
		struct candidate *c = container_of(n, struct candidate, node);

		if (c->state == CANDIDATE_TRYING)
			close_attempt(c);
		free(c);
	}
}

void
dial_free(struct dial *d)
{
	if (!d)
		return;
	dns_cancel(&d->services[0].query);
	dns_cancel(&d->services[1].query);
	for (size_t i = 0; i < d->n_sites; i++)
		free_site(&d->sites[i]);
	loop_timer_clear(d->loop, &d->pace);
	loop_timer_clear(d->loop, &d->resolve_delay);
	loop_cancel_turn_end(&d->kick);
	buf_fini(&d->errors);
	free(d->sites);
	free(d->found);
	free(d->domain);
	free(d->service);
	free(d);
}
