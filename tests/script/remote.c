/* remote.c - other servers: those that connect to the one under test, and
 * those that it dials. */

#include "base/buf.h"
#include "base/mem.h"
#include "client.h"
#include "core/event.h"
#include "core/host.h"
#include "core/s2s.h"
#include "core/server.h"
#include "dialogue.h"
#include "login.h"
#include "net/tls.h"
#include "play.h"
#include "unit/certs.h"
#include "xmpp/dialback.h"
#include "xmpp/jid.h"

#include <assert.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of certificates without a handshake: 30 days behind the clock's start. */
#define EXPIRES_S (INT64_C(1767225600) + 30 * 86400)

/* A connection that the server has made, and that nobody has answered yet. */
struct dialed {
	struct list node;
	int fd; /* our end */
	bool is_tls;
	char domain[];
};

static bool
has_word(const struct statement *s, const char *what)
{
	for (size_t w = 0; w < s->n_words; w++) {
		if (!strcmp(s->words[w], what))
			return true;
	}
	return false;
}

static bool
has_certificates(const struct dialogue *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (has_word(&d->statements[i], "certificate"))
			return true;
	}
	return false;
}

/* Some statement about other servers names it. */
static bool
is_named(const struct dialogue *d, const char *domain)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct statement *s = &d->statements[i];

		if (!strcmp(s->words[0], domain) ||
		    (!strcmp(s->words[0], "server") && has_word(s, domain)))
			return true;
	}
	return false;
}

/* ---- certificates ---- */

const char *
remote_ca(const struct play *p)
{
	static const char *path;

	if (!path && has_certificates(p->dialogue))
		path = cert_make("authority.pem",
				 &(struct cert_spec){ .cn = "authority",
						      .is_ca = true });
	return path;
}

/* with a[n expired|n unknown] certificate for DOMAIN: the words from there on.
 * NULL: without. */
static const char *
certificate(struct play *p, size_t from)
{
	static int n;
	bool is_plain = !strcmp(word(p, from + 2), "certificate");
	const char *kind = is_plain ? "" : word(p, from + 2);
	const char *domain = word(p, from + (is_plain ? 4 : 5));
	struct cert_spec spec = { .cn = domain, .issuer = remote_ca(p) };
	char *name, *san;
	const char *path;

	if (strcmp(word(p, from), "with") != 0)
		return NULL;
	if (!*domain)
		fail(p, "with a certificate for which domain?");
	if (!strcmp(kind, "expired"))
		spec.days = -1;
	else if (!strcmp(kind, "unknown"))
		spec.issuer = NULL;
	else if (*kind)
		fail(p, "a certificate may be expired or unknown");
	name = mem_printf("remote-%d.pem", ++n);
	san = mem_printf("DNS:%s", domain);
	spec.san = san;
	path = cert_make(name, &spec);
	free(name);
	free(san);
	return path;
}

/* As if TLS had been negotiated. */
static void
make_info(const char *pem, bool is_verified, struct tls_info *out)
{
	FILE *f = pem ? fopen(pem, "r") : NULL;

	*out = (struct tls_info){ .version = "1.3", .cipher = "test" };
	if (!f)
		return;
	out->has_peer_cert = true;
	out->peer_not_after = EXPIRES_S;
	out->peer_cert_verified = is_verified;
	if (!is_verified)
		snprintf(out->peer_error, sizeof(out->peer_error), "not good");
	out->peer = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
}

/* ---- those that connect ---- */

/* server NAME connects [in the clear|with a certificate for DOMAIN|from IP] */
static void
come(struct play *p, struct client *c, const char *pem, bool is_verified)
{
	struct connection how = { .is_server = true };
	struct tls_info info;

	make_info(pem, is_verified, &info);
	if (strcmp(word(p, 3), "in") != 0)
		how.tls = &info;
	if (!strcmp(word(p, 3), "from"))
		how.address = word(p, 4);
	client_connect(c, server(p), &how);
	tls_info_fini(&info);
}

/* server NAME for DOMAIN with OURS: up to stanzas. */
static void
come_and_log_in(struct play *p, struct client *c)
{
	const char *domain = word(p, 3), *ours = word(p, 5), *wrong, *pem;
	char *san = mem_printf("DNS:%s", domain);

	pem = cert_make("server.pem",
			&(struct cert_spec){ .cn = domain, .san = san });
	free(san);
	come(p, c, pem, true);
	wrong = login_open(c, server(p), ours, domain);
	if (!wrong)
		wrong = login_external(c, server(p), ours, domain);
	if (wrong)
		fail(p, "%s cannot log in: %s", c->name, wrong);
	forget(c);
}

/* ---- those that are dialed ---- */

int
remote_dialed(void *play, const char *domain, bool *is_tls_out)
{
	struct play *p = play;
	const char *way = bindings_get(&p->ways, domain);
	size_t len = strlen(domain) + 1;
	struct dialed *d;
	int fds[2], ret;

	if (way && !strcmp(way, "unreachable"))
		return -2;
	if (!is_named(p->dialogue, domain) || (way && !strcmp(way, "none")))
		return -1;
	ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			 fds);
	assert(ret == 0);
	(void)ret;
	d = mem_zalloc(sizeof(*d) + len);
	memcpy(d->domain, domain, len);
	d->fd = fds[0];
	d->is_tls = *is_tls_out = way && !strcmp(way, "tls");
	list_append(&p->dialed, &d->node);
	return fds[1];
}

static struct dialed *
find_dialed(struct play *p, const char *domain)
{
	pump_all(p);
	list_each (n, &p->dialed) {
		struct dialed *d = container_of(n, struct dialed, node);

		if (!strcmp(d->domain, domain))
			return d;
	}
	return NULL;
}

static void
dialed_free(struct dialed *d)
{
	list_remove(&d->node);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

void
remote_hang_up(struct play *p)
{
	while (!list_is_empty(&p->dialed))
		dialed_free(container_of(p->dialed.next, struct dialed, node));
}

void
remote_expect_none(struct play *p)
{
	if (!list_is_empty(&p->dialed))
		fail(p, "in the end %s was dialed",
		     container_of(p->dialed.next, struct dialed, node)->domain);
}

static void
take(struct play *p, struct client *c, const char *domain)
{
	struct dialed *d = find_dialed(p, domain);

	if (!d)
		fail(p, "%s was not dialed", domain);
	client_take(c, d->fd, d->is_tls);
	d->fd = -1;
	dialed_free(d);
	pump_all(p);
}

/* server NAME accepts OURS for DOMAIN; body: features. */
static void
take_and_accept(struct play *p, struct client *c)
{
	const char *wrong;

	take(p, c, word(p, 5));
	wrong = login_accept(c, server(p), word(p, 3), word(p, 5),
			     *p->at->body ? p->at->body : NULL);
	if (wrong)
		fail(p, "%s cannot accept: %s", c->name, wrong);
}

/* NAME starts TLS [with a certificate for DOMAIN] */
static void
start_tls(struct play *p, struct client *c)
{
	if (!client_start_tls(c, server(p), certificate(p, 3)))
		fail(p, "%s: TLS came to nothing", c->name);
	pump_all(p);
}

/* ---- statements ---- */

static void
server_statement(struct play *p)
{
	struct client *c = make_client(p, word(p, 1));
	const char *verb = word(p, 2);

	if (!strcmp(verb, "connects"))
		come(p, c, certificate(p, 3),
		     !strcmp(word(p, 5), "certificate"));
	else if (!strcmp(verb, "for"))
		come_and_log_in(p, c);
	else if (!strcmp(verb, "accepts"))
		take_and_accept(p, c);
	else
		fail(p, "not a statement about a server: %s", verb);
}

static void
expect_reachable(struct play *p, bool is_reachable)
{
	pump_all(p);
	if (s2s_is_reachable(server(p), word(p, 0)) != is_reachable)
		fail(p, "%s is%s reachable", word(p, 0),
		     is_reachable ? " not" : "");
}

static enum verdict
hear(struct play *p, const struct event *ev, const char *words)
{
	buf_printf(&p->heard, "%s%s %s", p->heard.len ? "\n" : "",
		   jid_str(ev->to), words);
	return PASS;
}

static enum verdict
on_unreachable(struct event *ev, void *data)
{
	return hear(data, ev, "cannot be reached");
}

static enum verdict
on_reachable(struct event *ev, void *data)
{
	return hear(data, ev, "can be reached");
}

static void
add_handler(struct play *p, enum hook_id id, hook_fn *fn)
{
	struct hook_chain *chain = &p->server->first_host->hooks[id];

	/* Behind those of the modules. */
	chain->calls = mem_realloc(chain->calls,
				   (chain->n + 1) * sizeof(*chain->calls));
	chain->calls[chain->n++] = (struct hook_call){ .fn = fn, .data = p };
}

void
remote_listen(struct play *p)
{
	add_handler(p, HOOK_REMOTE_UNREACHABLE, on_unreachable);
	add_handler(p, HOOK_REMOTE_REACHABLE, on_reachable);
}

static void
expect_heard(struct play *p)
{
	const char *heard;

	pump_all(p);
	heard = p->heard.len ? p->heard.data : "";
	if (strcmp(heard, p->at->body ? p->at->body : "") != 0)
		fail(p, "they were told:\n%s", heard);
	p->heard.len = 0;
}

static void
keep_said(void *data, const char *line)
{
	struct play *p = data;

	buf_printf(&p->test, "%s%s", p->test.len ? "\n" : "", line);
}

static void
keep_verdict(void *data, bool is_good)
{
	keep_said(data, is_good ? "it works" : "it does not work");
}

/* As by `banyan s2s test`. */
static void
begin_test(struct play *p)
{
	p->test.len = 0;
	s2s_test(server(p), server(p)->first_host->name, word(p, 0), keep_said,
		 keep_verdict, p);
	pump_all(p);
}

static void
expect_said(struct play *p)
{
	const char *said;

	pump_all(p);
	said = p->test.len ? p->test.data : "";
	if (strcmp(said, p->at->body) != 0)
		fail(p, "the test has said:\n%s", said);
	p->test.len = 0;
}

static bool
test_statement(struct play *p)
{
	if (says(p, 0, "modules are told"))
		expect_heard(p);
	else if (says(p, 0, "the test says"))
		expect_said(p);
	else if (says(p, 1, "is tested"))
		begin_test(p);
	else if (says(p, 1, "is closed"))
		s2s_close_domain(server(p), word(p, 0));
	else
		return false;
	return true;
}

bool
remote_statement(struct play *p)
{
	static const struct {
		const char *words, *way;
	} ways[] = {
		{ "cannot be reached", "unreachable" },
		{ "does not exist", "none" },
		{ "begins with TLS", "tls" },
		{ "can be reached", "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(ways); i++) {
		if (!says(p, 1, ways[i].words))
			continue;
		bindings_set(&p->ways, word(p, 0), ways[i].way);
		return true;
	}
	if (!strcmp(word(p, 0), "server"))
		server_statement(p);
	else if (!strcmp(word(p, 1), "answers"))
		take(p, make_client(p, word(p, 3)), word(p, 0));
	else if (says(p, 1, "is reachable"))
		expect_reachable(p, true);
	else if (says(p, 1, "is not reachable"))
		expect_reachable(p, false);
	else if (!strcmp(word(p, 1), "starts") && !strcmp(word(p, 2), "TLS"))
		start_tls(p, make_client(p, word(p, 0)));
	else if (!says(p, 1, "is not dialed"))
		return test_statement(p);
	else if (find_dialed(p, word(p, 0)))
		fail(p, "%s was dialed", word(p, 0));
	return true;
}

/* ---- dialback ---- */

void
remote_expand_keys(struct play *p, const char *text, struct buf *out)
{
	static const char begin[] = "{dialback key ";
	char to[256], from[256], id[256], key[DIALBACK_KEY_SIZE];

	while (*text) {
		int len = 0;

		if (!strncmp(text, begin, strlen(begin)) &&
		    sscanf(text + strlen(begin),
			   "%255[^ }] %255[^ }] %255[^ }]}%n", to, from, id,
			   &len) == 3 &&
		    len > 0) {
			dialback_key(server(p)->secret, to, from, id, key);
			buf_adds(out, key);
			text += strlen(begin) + (size_t)len;
		} else {
			buf_addc(out, *text++);
		}
	}
}
