/*
 * player.c - plays dialogues against a server in this process, over socket
 * pairs and with a clock that only the dialogue moves.
 *
 * usage: player FILE…
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client.h"
#include "core/config.h"
#include "core/server.h"
#include "core/users.h"
#include "dialogue.h"
#include "match.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <ctype.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSWORD "secret"

static const char default_config[] = "host \"example.org\" {}\n"
				     "host \"example.net\" {}\n";

struct play {
	const struct dialogue *dialogue;
	const struct statement *at;
	struct server *server; /* NULL before the first statement needs it */
	struct clock clock;
	struct list clients;
	struct bindings bindings;
	struct xml_pool *pool;
	char dir[32];
	char *config; /* owned */
	struct buf log;
};

/* ---- failing ---- */

static void fail(struct play *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static void
show(const char *what, const char *text)
{
	if (text && *text)
		fprintf(stderr, "  %s:\n    %s\n", what, text);
}

static void
fail(struct play *p, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", p->dialogue->path, p->at->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	show("the script", p->at->body);
	list_each (n, &p->clients) {
		struct client *c = container_of(n, struct client, node);
		char *what = mem_printf("all that %s got", c->name);

		show(what, c->log);
		free(what);
	}
	show("the server's log", p->log.data);
	exit(1);
}

/* ---- the server ---- */

static void
keep_line(const char *line, void *data)
{
	struct play *p = data;

	buf_adds(&p->log, line);
	buf_adds(&p->log, "    ");
}

static struct config *
make_config(struct play *p)
{
	struct config_errors errs = { 0 };
	struct buf text = { 0 }, why = { 0 };
	struct config *cfg;

	buf_printf(&text,
		   "data-dir = \"%s\"\nc2s-require-tls = no\n"
		   "scram-iterations = 4096\n%s",
		   p->dir, p->config ? p->config : default_config);
	cfg = config_parse("dialogue", text.data, text.len, &errs);
	config_errors_write(&errs, &why);
	if (!cfg)
		fail(p, "configuration: %s", why.data);
	config_errors_fini(&errs);
	buf_fini(&why);
	buf_fini(&text);
	return cfg;
}

static struct server *
server(struct play *p)
{
	struct server_setup setup = {
		.fake_clock = &p->clock,
		.single_thread = true,
		.no_listen = true,
	};
	struct config *cfg;
	struct err err;

	if (p->server)
		return p->server;
	cfg = make_config(p);
	setup.config = cfg;
	p->server = server_new(&setup, &err);
	if (!p->server)
		fail(p, "server: %s", err.text);
	config_free(cfg);
	return p->server;
}

static void
stop_server(struct play *p)
{
	if (!p->server)
		return;
	server_stop(p->server);
	server_settle(p->server);
	server_free(p->server);
	p->server = NULL;
}

/* ---- clients ---- */

static struct client *
find_client(struct play *p, const char *name)
{
	list_each (n, &p->clients) {
		struct client *c = container_of(n, struct client, node);

		if (!strcmp(c->name, name))
			return c;
	}
	return NULL;
}

static struct client *
make_client(struct play *p, const char *name)
{
	struct client *c = find_client(p, name);

	if (c)
		return c;
	c = client_new(name);
	list_append(&p->clients, &c->node);
	return c;
}

static void
pump_all(struct play *p)
{
	list_each (n, &p->clients)
		client_pump(container_of(n, struct client, node), server(p));
}

/* ---- bodies ---- */

/* The elements of a body, as children of one; a stream header alone (without
 * end) becomes an element of its own. */
struct body {
	struct arena *arena;
	struct xml *elements[64];
	size_t n;
};

static bool
body_on_open(void *user, struct arena *a, struct xml *header,
	     const char *default_ns)
{
	(void)user;
	(void)header;
	(void)default_ns;
	arena_unref(&a);
	return true;
}

static bool
body_on_element(void *user, struct arena *a, struct xml *x)
{
	struct body *b = user;

	if (b->n < N_ELEMENTS(b->elements))
		b->elements[b->n++] = xml_deep_copy(b->arena, x);
	arena_unref(&a);
	return true;
}

static void
body_on_close(void *user)
{
	(void)user;
}

static const struct xml_handler body_handler = {
	.on_open = body_on_open,
	.on_element = body_on_element,
	.on_close = body_on_close,
};

static const struct xml_limits body_limits = {
	.stanza = 1u << 24,
	.token = 1u << 24,
	.depth = 1000,
	.attrs = 1000,
	.children = 100000,
};

static void
parse_body(struct play *p, const char *text, struct body *out)
{
	static const char open[] = "<stream:stream xmlns='jabber:client' "
				   "xmlns:stream='" NS_STREAM "'>";
	struct xml_parser *parser;
	struct buf ready = { 0 };
	const char *why;

	*out = (struct body){ .arena = arena_new() };
	match_prepare(text, &ready);
	parser = xml_parser_new(p->pool, &body_handler, out, &body_limits);
	if (xml_parser_feed(parser, open, sizeof(open) - 1) == XML_BAD ||
	    xml_parser_feed(parser, ready.data ? ready.data : "", ready.len) ==
		    XML_BAD) {
		xml_parser_error(parser, &why);
		fail(p, "the script's XML is bad: %s", why ? why : "");
	}
	xml_parser_free(parser);
	buf_fini(&ready);
}

/* ---- statements ---- */

static const char *
word(const struct play *p, size_t i)
{
	return i < p->at->n_words ? p->at->words[i] : "";
}

static bool
says(const struct play *p, size_t from, const char *text)
{
	struct buf rest = { 0 };
	bool same;

	for (size_t i = from; i < p->at->n_words; i++)
		buf_printf(&rest, "%s%s", i > from ? " " : "", p->at->words[i]);
	same = !strcmp(rest.data ? rest.data : "", text);
	buf_fini(&rest);
	return same;
}

static void
user_made(void *data, enum user_status st)
{
	*(int *)data = (int)st;
}

/* account JID [PASSWORD] */
static void
do_account(struct play *p)
{
	struct jid *jid = jid_parse(word(p, 1));
	int status = -1;

	if (!jid)
		fail(p, "not an address: %s", word(p, 1));
	user_create(server(p), jid, p->at->n_words > 2 ? word(p, 2) : PASSWORD,
		    user_made, &status);
	server_settle(server(p));
	jid_unref(&jid);
	if (status != USER_OK)
		fail(p, "account: %s",
		     status < 0 ? "no answer"
				: user_status_text((enum user_status)status));
}

/* Everything has been read so far; for what follows a log-in. */
static void
forget(struct client *c)
{
	struct incoming *in;

	while ((in = client_next(c)))
		incoming_free(in);
}

static void
log_in(struct play *p, struct client *c, const char *jid, const char *password)
{
	const char *wrong;

	client_connect(c, server(p), true, false);
	wrong = client_log_in(c, server(p), jid, password);
	if (wrong)
		fail(p, "%s cannot log in: %s", c->name, wrong);
	bindings_set(&p->bindings, c->name, c->jid);
	forget(c);
}

/* client NAME JID [available]: the account is made where it is missing. */
static void
do_client(struct play *p)
{
	struct client *c = make_client(p, word(p, 1));
	struct jid *full = jid_parse(word(p, 2)), *bare;
	int status = -1;

	if (!full || !jid_resource(full))
		fail(p, "not a full JID: %s", word(p, 2));
	bare = jid_bare(full);
	user_create(server(p), bare, PASSWORD, user_made, &status);
	server_settle(server(p));
	if (status != USER_OK && status != USER_EXISTS)
		fail(p, "no account for %s", c->name);
	log_in(p, c, jid_str(full), PASSWORD);
	jid_unref(&bare);
	jid_unref(&full);
	if (!strcmp(word(p, 3), "available")) {
		client_send(c, "<presence/>", 11);
		pump_all(p);
		forget(c);
	}
}

static void
do_wait(struct play *p)
{
	char *unit;
	int64_t n = strtoll(word(p, 1), &unit, 10);

	n *= !strcmp(unit, "ms")  ? 1
	     : !strcmp(unit, "s") ? 1000
	     : !strcmp(unit, "m") ? 60000
	     : !strcmp(unit, "h") ? 3600000
				  : 0;
	if (n <= 0)
		fail(p, "wait needs a time like 30s");
	server(p);
	pump_all(p);
	clock_advance(&p->clock, n);
	pump_all(p);
}

static void
do_restart(struct play *p)
{
	server(p);
	stop_server(p);
	list_each (n, &p->clients)
		client_disconnect(container_of(n, struct client, node));
	server(p);
}

static void
do_config(struct play *p)
{
	if (p->server)
		fail(p, "config comes before everything else");
	free(p->config);
	p->config = mem_strdup(p->at->body);
}

static void
do_sends(struct play *p, struct client *c)
{
	struct buf text = { 0 };

	if (c->fd < 0)
		fail(p, "%s is not connected", c->name);
	bindings_expand(&p->bindings, p->at->body, &text);
	client_send(c, text.data ? text.data : "", text.len);
	buf_fini(&text);
	pump_all(p);
}

static char *
incoming_text(const struct incoming *in)
{
	struct buf b = { 0 };

	if (!in)
		buf_adds(&b, "nothing");
	else if (!in->xml)
		buf_adds(&b, "the end of the stream");
	else
		xml_write(&b, in->xml, NS_CLIENT);
	return buf_take(&b);
}

static void
expect(struct play *p, struct client *c, const struct xml *pattern)
{
	struct incoming *in = client_next(c);
	struct buf why = { 0 };
	char *got;

	if (in && in->xml && match(pattern, in->xml, &p->bindings, &why)) {
		incoming_free(in);
		buf_fini(&why);
		return;
	}
	got = incoming_text(in);
	fail(p, "%s got something else:\n  %s\n  %s", c->name, got,
	     why.data ? why.data : "");
}

static void
expect_in_order(struct play *p, struct client *c)
{
	struct body body;

	parse_body(p, p->at->body, &body);
	if (!body.n)
		fail(p, "nothing to receive in the body");
	for (size_t i = 0; i < body.n; i++)
		expect(p, c, body.elements[i]);
	arena_unref(&body.arena);
}

/* Any order among as many as the body has. */
static void
expect_any_order(struct play *p, struct client *c)
{
	struct body body;
	struct buf why = { 0 };

	parse_body(p, p->at->body, &body);
	for (size_t left = body.n; left; left--) {
		struct incoming *in = client_next(c);
		size_t i = 0;

		while (in && in->xml && i < left &&
		       !match(body.elements[i], in->xml, &p->bindings, &why))
			i++;
		if (!in || !in->xml || i == left) {
			char *got = incoming_text(in);

			fail(p, "%s got something else:\n  %s\n  %s", c->name,
			     got, why.data ? why.data : "");
		}
		body.elements[i] = body.elements[left - 1];
		incoming_free(in);
	}
	buf_fini(&why);
	arena_unref(&body.arena);
}

static void
expect_nothing(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);

	if (in)
		fail(p, "%s got something: %s", c->name, incoming_text(in));
}

static void
expect_header(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);
	struct body body;
	struct buf why = { 0 };

	parse_body(p, p->at->body, &body);
	if (!in || !in->is_header || body.n != 1 ||
	    !match(body.elements[0], in->xml, &p->bindings, &why))
		fail(p, "%s got something else: %s\n  %s", c->name,
		     incoming_text(in), why.data ? why.data : "");
	incoming_free(in);
	buf_fini(&why);
	arena_unref(&body.arena);
}

static void
expect_end(struct play *p, struct client *c)
{
	struct incoming *in = client_next(c);

	if (!in || in->xml)
		fail(p, "%s got something else: %s", c->name,
		     incoming_text(in));
	incoming_free(in);
}

static void
do_receives(struct play *p, struct client *c)
{
	pump_all(p);
	if (says(p, 2, "nothing"))
		expect_nothing(p, c);
	else if (says(p, 2, "header"))
		expect_header(p, c);
	else if (says(p, 2, "the end"))
		expect_end(p, c);
	else if (says(p, 2, "in any order"))
		expect_any_order(p, c);
	else if (p->at->n_words == 2)
		expect_in_order(p, c);
	else
		fail(p, "what is to be received?");
}

static void
do_closed(struct play *p, struct client *c)
{
	/* The server lets us take its last words before it gives up. */
	client_disconnect(c);
	pump_all(p);
}

static void
close_stream(struct play *p, struct client *c)
{
	static const char end[] = "</stream:stream>";

	client_send(c, end, sizeof(end) - 1);
	pump_all(p);
	expect_end(p, c);
	client_disconnect(c);
	pump_all(p);
}

static void
expect_closed(struct play *p, struct client *c)
{
	pump_all(p);
	expect_nothing(p, c);
	if (!c->is_ended)
		fail(p, "%s is still connected", c->name);
	do_closed(p, c);
}

/* Statements that begin with a client's name. */
static bool
client_statement(struct play *p)
{
	struct client *c = find_client(p, word(p, 0));
	const char *verb = word(p, 1);

	if (!strcmp(verb, "connects")) {
		c = make_client(p, word(p, 0));
		client_connect(c, server(p), !says(p, 2, "in the clear"),
			       says(p, 2, "as component"));
		return true;
	}
	if (!c)
		return false;
	if (!strcmp(verb, "sends"))
		do_sends(p, c);
	else if (!strcmp(verb, "receives"))
		do_receives(p, c);
	else if (says(p, 1, "restarts its stream"))
		client_restart(c);
	else if (!strcmp(verb, "logs") && says(p, 1, "logs in again"))
		log_in(p, c, bindings_get(&p->bindings, c->name), PASSWORD);
	else if (says(p, 1, "disconnects"))
		do_closed(p, c);
	else if (says(p, 1, "closes"))
		close_stream(p, c);
	else if (says(p, 1, "is disconnected"))
		expect_closed(p, c);
	else if (says(p, 1, "skips the rest"))
		pump_all(p), forget(c);
	else
		return false;
	return true;
}

static void
play_statement(struct play *p)
{
	if (says(p, 0, "config"))
		do_config(p);
	else if (!strcmp(word(p, 0), "account"))
		do_account(p);
	else if (!strcmp(word(p, 0), "client"))
		do_client(p);
	else if (!strcmp(word(p, 0), "wait"))
		do_wait(p);
	else if (says(p, 0, "restart"))
		do_restart(p);
	else if (!client_statement(p))
		fail(p, "not a statement: %s %s", word(p, 0), word(p, 1));
}

/* ---- the whole ---- */

/* What nobody expected must not have happened. */
static void
expect_all_read(struct play *p)
{
	pump_all(p);
	list_each (n, &p->clients) {
		struct client *c = container_of(n, struct client, node);
		struct incoming *in = client_next(c);

		if (in)
			fail(p, "in the end %s still has: %s", c->name,
			     incoming_text(in));
	}
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
play(const struct dialogue *d)
{
	struct play p = { .dialogue = d, .dir = "/tmp/dialogue-XXXXXX" };

	clock_init_fake(&p.clock);
	list_init(&p.clients);
	bindings_init(&p.bindings);
	p.pool = xml_pool_new();
	log_capture(keep_line, &p);
	log_set_level(LOG_DEBUG);
	if (!mkdtemp(p.dir)) {
		perror(p.dir);
		exit(1);
	}
	for (size_t i = 0; i < d->n; i++) {
		p.at = &d->statements[i];
		play_statement(&p);
	}
	if (d->n)
		expect_all_read(&p);
	stop_server(&p);
	list_each_safe (n, &p.clients) {
		list_remove(n);
		client_free(container_of(n, struct client, node));
	}
	nftw(p.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	bindings_fini(&p.bindings);
	xml_pool_free(p.pool);
	free(p.config);
	log_capture(NULL, NULL);
	buf_fini(&p.log);
}

/* Each in a process of its own: one that fails does not stop the others. */
static bool
play_file(const char *path)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct dialogue *d = dialogue_read(path);

		if (!d)
			exit(1);
		play(d);
		dialogue_free(d);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("player");
		return false;
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: ended by signal %d\n", path,
			WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		if (play_file(argv[i])) {
			passed++;
		} else {
			failed++;
			fprintf(stderr, "FAILED: %s\n\n", argv[i]);
		}
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed || !passed;
}
