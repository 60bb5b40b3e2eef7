/*
 * player.c - plays dialogues against a server in this process, over socket
 * pairs and with a clock that only the dialogue moves.
 *
 * usage: player FILE…
 */

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
#include "expand.h"
#include "login.h"
#include "play.h"
#include "unit/certs.h"
#include "xmpp/jid.h"
#include "xmpp/xml_parser.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSWORD "secret"

static const char default_config[] = "host \"example.org\" {}\n"
				     "host \"example.net\" {}\n";

/* ---- failing ---- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void
show(const char *what, const char *text)
{
	if (text && *text)
		fprintf(stderr, "  %s:\n    %s\n", what, text);
}

void
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
	remove_tree(p->dir);
	remove_tree(certs_dir());
	/* What was in use is no leak. */
	fflush(NULL);
	_exit(1);
}

/* ---- the server ---- */

static void
keep_line(const char *line, void *data)
{
	struct play *p = data;

	buf_adds(&p->log, line);
	buf_adds(&p->log, "    ");
}

/* The usual value of an option that the dialogue does not set. */
static void
add_option(struct play *p, struct buf *text, const char *name,
	   const char *value)
{
	if (!p->config || !strstr(p->config, name))
		buf_printf(text, "%s = %s\n", name, value);
}

static struct config *
make_config(struct play *p)
{
	struct config_errors errs = { 0 };
	struct buf text = { 0 }, why = { 0 };
	struct config *cfg;

	buf_printf(&text, "data-dir = \"%s\"\ncertificates-dir = \"%s\"\n",
		   p->dir, certs_dir());
	add_option(p, &text, "scram-iterations", "4096");
	add_option(p, &text, "c2s-require-tls", "no");
	add_option(p, &text, "s2s-require-tls", "no");
	if (remote_ca(p))
		add_option(p, &text, "s2s-ca", remote_ca(p));
	buf_adds(&text, p->config ? p->config : default_config);
	cfg = config_parse("dialogue", text.data, text.len, &errs);
	config_errors_write(&errs, &why);
	if (!cfg)
		fail(p, "configuration: %s", why.data);
	config_errors_fini(&errs);
	buf_fini(&why);
	buf_fini(&text);
	return cfg;
}

struct server *
server(struct play *p)
{
	struct server_setup setup = {
		.fake_clock = &p->clock,
		.single_thread = true,
		.no_listen = true,
		.dial = remote_dialed,
		.dial_data = p,
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
	remote_listen(p);
	p->is_down = false;
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

struct client *
make_client(struct play *p, const char *name)
{
	struct client *c = find_client(p, name);

	if (c)
		return c;
	c = client_new(name);
	list_append(&p->clients, &c->node);
	return c;
}

void
pump_all(struct play *p)
{
	if (p->is_down)
		return;
	list_each (n, &p->clients)
		client_pump(container_of(n, struct client, node), server(p));
}

/* ---- statements ---- */

const char *
word(const struct play *p, size_t i)
{
	return i < p->at->n_words ? p->at->words[i] : "";
}

bool
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
void
forget(struct client *c)
{
	struct incoming *in;

	while ((in = client_next(c)))
		incoming_free(in);
}

static void
open_connection(struct play *p, struct client *c, const char *how)
{
	struct connection conn = {
		.is_secure = strcmp(how, "in") != 0,
		.is_component = !strcmp(how, "as"),
		.address = !strcmp(how, "from") ? word(p, 3) : NULL,
	};

	client_connect(c, server(p), &conn);
}

static void
log_in(struct play *p, struct client *c, const char *jid)
{
	const char *wrong;

	open_connection(p, c, "");
	wrong = login(c, server(p), jid, PASSWORD);
	if (wrong)
		fail(p, "%s cannot log in: %s", c->name, wrong);
	bindings_set(&p->bindings, c->name, c->jid);
	forget(c);
}

/* NAME authenticates as JID [PASSWORD]: all but the binding. */
static void
authenticate(struct play *p, struct client *c)
{
	struct jid *jid = jid_parse(word(p, 3));
	const char *wrong;

	if (!jid || !jid_local(jid))
		fail(p, "not a user's address: %s", word(p, 3));
	open_connection(p, c, "");
	wrong = login_open(c, server(p), jid_domain(jid), NULL);
	if (!wrong)
		wrong = login_plain(c, server(p), jid_local(jid),
				    jid_domain(jid),
				    p->at->n_words > 4 ? word(p, 4) : PASSWORD);
	if (wrong)
		fail(p, "%s cannot authenticate: %s", c->name, wrong);
	jid_unref(&jid);
}

/* NAME authenticates with MECHANISM as JID [PASSWORD], or begins with … */
static void
authenticate_with(struct play *p, struct client *c)
{
	struct jid *jid = jid_parse(word(p, 5));
	const char *password = p->at->n_words > 6 ? word(p, 6) : PASSWORD;
	const char *mech = word(p, 3), *wrong;

	if (!jid || !jid_local(jid) || strncmp(mech, "SCRAM-", 6) != 0)
		fail(p, "needs SCRAM-… as USER@DOMAIN");
	if (!strcmp(word(p, 1), "begins"))
		wrong = login_begin(c, server(p), mech, jid_local(jid),
				    password);
	else
		wrong = login_scram(c, server(p), mech, jid_local(jid),
				    jid_domain(jid), password);
	if (wrong)
		fail(p, "%s cannot authenticate: %s", c->name, wrong);
	jid_unref(&jid);
}

/* NAME sees N iterations for JID */
static void
see_iterations(struct play *p, struct client *c)
{
	struct jid *jid = jid_parse(word(p, 5));
	const char *wrong;

	if (!jid || !jid_local(jid) || strcmp(word(p, 3), "iterations") != 0)
		fail(p, "needs: sees N iterations for USER@DOMAIN");
	wrong = login_sees(c, server(p), jid_local(jid), word(p, 2));
	if (wrong)
		fail(p, "%s does not see that: %s", c->name, wrong);
	jid_unref(&jid);
}

static void
respond(struct play *p, struct client *c)
{
	if (!c->response)
		fail(p, "%s has got no challenge", c->name);
	login_respond(c);
	pump_all(p);
}

/* NAME opens a stream to DOMAIN [from DOMAIN] */
static void
open_stream(struct play *p, struct client *c)
{
	const char *from = !strcmp(word(p, 6), "from") ? word(p, 7) : NULL;
	const char *wrong = login_open(c, server(p), word(p, 5), from);

	if (wrong)
		fail(p, "%s gets no stream: %s", c->name, wrong);
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
	log_in(p, c, jid_str(full));
	jid_unref(&bare);
	jid_unref(&full);
	if (!strcmp(word(p, 3), "available")) {
		client_send(c, "<presence/>", 11);
		pump_all(p);
		forget(c);
	}
}

/* component NAME DOMAIN */
static void
do_component(struct play *p)
{
	struct client *c = make_client(p, word(p, 1));
	const char *wrong;

	open_connection(p, c, "as");
	wrong = login_component(c, server(p), word(p, 2), PASSWORD);
	if (wrong)
		fail(p, "%s cannot connect: %s", c->name, wrong);
	forget(c);
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
	remote_hang_up(p);
	server(p);
}

/* What the server says last can still be received. */
static void
do_shut_down(struct play *p)
{
	server_stop(server(p));
	pump_all(p);
	stop_server(p);
	p->is_down = true;
}

/* certificate DOMAIN */
static void
do_certificate(struct play *p)
{
	char *san = mem_printf("DNS:%s", word(p, 1));
	char *name = mem_printf("%s.pem", word(p, 1));

	if (p->server)
		fail(p, "certificates come before everything else");
	cert_make(name, &(struct cert_spec){ .cn = word(p, 1),
					     .san = san,
					     .issuer = remote_ca(p) });
	free(san);
	free(name);
}

static void
do_reload(struct play *p)
{
	bool in_part = says(p, 0, "reload in part");
	struct config *cfg;
	struct err err = { .text = "all is taken over" };

	server(p);
	free(p->config);
	p->config = mem_strdup(p->at->body);
	cfg = make_config(p);
	if (server_reload(p->server, cfg, &err) != (in_part ? 1 : 0))
		fail(p, "reload: %s", err.text);
	config_free(cfg);
	pump_all(p);
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
	struct buf named = { 0 }, keys = { 0 }, text = { 0 };

	if (c->fd < 0)
		fail(p, "%s is not connected", c->name);
	bindings_expand(&p->bindings, p->at->body, &named);
	remote_expand_keys(p, named.data ? named.data : "", &keys);
	expand(keys.data ? keys.data : "", &text);
	client_send(c, text.data ? text.data : "", text.len);
	buf_fini(&named);
	buf_fini(&keys);
	buf_fini(&text);
	pump_all(p);
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

	if (!strcmp(verb, "authenticates") && !strcmp(word(p, 2), "as")) {
		authenticate(p, make_client(p, word(p, 0)));
		return true;
	}
	if (!strcmp(verb, "connects")) {
		c = make_client(p, word(p, 0));
		open_connection(p, c, word(p, 2));
		return true;
	}
	if (!c)
		return false;
	if (!strcmp(verb, "sends"))
		do_sends(p, c);
	else if (!strcmp(verb, "receives"))
		do_receives(p, c);
	else if (!strcmp(verb, "opens"))
		open_stream(p, c);
	else if (!strcmp(verb, "responds"))
		respond(p, c);
	else if (!strcmp(verb, "sees"))
		see_iterations(p, c);
	else if (!strcmp(verb, "authenticates") || !strcmp(verb, "begins"))
		authenticate_with(p, c);
	else if (!strcmp(verb, "logs") && says(p, 1, "logs in again"))
		log_in(p, c, bindings_get(&p->bindings, c->name));
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
	else if (!strcmp(word(p, 0), "component"))
		do_component(p);
	else if (!strcmp(word(p, 0), "wait"))
		do_wait(p);
	else if (!strcmp(word(p, 0), "opened"))
		expect_sealed(p);
	else if (says(p, 0, "reload") || says(p, 0, "reload in part"))
		do_reload(p);
	else if (says(p, 0, "shut down"))
		do_shut_down(p);
	else if (!strcmp(word(p, 0), "certificate"))
		do_certificate(p);
	else if (says(p, 0, "restart"))
		do_restart(p);
	else if (!remote_statement(p) && !room_statement(p) &&
		 !administrator_statement(p) && !client_statement(p))
		fail(p, "not a statement: %s %s", word(p, 0), word(p, 1));
}

/* ---- the whole ---- */

static void
play(const struct dialogue *d)
{
	struct play p = { .dialogue = d, .dir = "/tmp/dialogue-XXXXXX" };

	clock_init_fake(&p.clock);
	list_init(&p.clients);
	list_init(&p.dialed);
	bindings_init(&p.bindings);
	bindings_init(&p.ways);
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
	remote_hang_up(&p);
	list_each_safe (n, &p.clients) {
		list_remove(n);
		client_free(container_of(n, struct client, node));
	}
	remove_tree(p.dir);
	bindings_fini(&p.bindings);
	bindings_fini(&p.ways);
	xml_pool_free(p.pool);
	free(p.config);
	log_capture(NULL, NULL);
	buf_fini(&p.log);
	buf_fini(&p.test);
	buf_fini(&p.heard);
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
