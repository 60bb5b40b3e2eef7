/* commands_user.c - accounts: add, passwd, delete, disable, enable, list. */

#include "admin/commands.h"
#include "admin/json.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "core/users.h"
#include "storage/accounts.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

/* Passwords on their way to the workers; they take up to 4096. */
#define BATCH_WINDOW 512
#define LIST_PAGE    100

static const char *
why_not_local(const struct server *srv, const struct jid *jid)
{
	if (!jid || !jid_local(jid) || !jid_is_bare(jid))
		return "not an address like user@example.org";
	if (!host_of(srv, jid))
		return "its domain is not a host of this server";
	return NULL;
}

/* The first word as an account of ours; NULL where the call has ended. */
static struct jid *
account_of(struct command_call *call)
{
	struct jid *jid = jid_parse(call->argv[0]);
	const char *why_not = why_not_local(call->server, jid);

	if (!why_not)
		return jid;
	command_fail(call, "%s: %s", call->argv[0], why_not);
	jid_unref(&jid);
	return NULL;
}

static const struct command *
command(size_t i)
{
	return &user_commands[i];
}

enum {
	USER_ADD,
	USER_PASSWD,
	USER_DELETE,
	USER_DISABLE,
	USER_ENABLE,
	USER_LIST
};

/* --- One account */

static void
one_done(void *data, enum user_status st)
{
	struct command_call *call = data;

	if (st == USER_OK)
		command_end(call, COMMAND_DONE);
	else
		command_fail(call, "%s: %s", call->argv[0],
			     user_status_text(st));
}

static void
set_disabled(struct command_call *call, size_t index, bool disabled)
{
	struct jid *jid;

	if (call->argc != 1) {
		command_misused(call, command(index));
		return;
	}
	jid = account_of(call);
	if (jid)
		user_set_disabled(call->server, jid, disabled, one_done, call);
	jid_unref(&jid);
}

static void
run_disable(struct command_call *call)
{
	set_disabled(call, USER_DISABLE, true);
}

static void
run_enable(struct command_call *call)
{
	set_disabled(call, USER_ENABLE, false);
}

static void
run_delete(struct command_call *call)
{
	struct jid *jid;

	if (call->argc != 1) {
		command_misused(call, command(USER_DELETE));
		return;
	}
	jid = account_of(call);
	if (jid)
		user_delete(call->server, jid, one_done, call);
	jid_unref(&jid);
}

static void
run_passwd(struct command_call *call)
{
	struct jid *jid;

	if (call->argc != 1 || !call->input) {
		command_misused(call, command(USER_PASSWD));
		return;
	}
	jid = account_of(call);
	if (jid)
		user_set_password(call->server, jid, call->input, one_done,
				  call);
	jid_unref(&jid);
}

/* --- Many accounts at once: lines with an address and a password */

struct batch {
	char *text, *next; /* owned; where the next line begins */
	size_t line, n_waiting;
	size_t n_done, n_failed;
};

struct batch_entry {
	struct command_call *call;
	size_t line;
	char jid[];
};

static void batch_go_on(struct command_call *call);

static void
batch_failed(struct command_call *call, size_t line, const char *jid,
	     const char *why)
{
	struct batch *b = call->data;

	buf_printf(&call->err, "line %zu: %s: %s\n", line, jid, why);
	b->n_failed++;
}

static void
entry_done(void *data, enum user_status st)
{
	struct batch_entry *e = data;
	struct command_call *call = e->call;
	struct batch *b = call->data;

	b->n_waiting--;
	if (st == USER_OK)
		b->n_done++;
	else
		batch_failed(call, e->line, e->jid, user_status_text(st));
	free(e);
	batch_go_on(call);
}

static void
batch_add(struct command_call *call, const char *name, const char *password)
{
	struct batch *b = call->data;
	struct jid *jid = jid_parse(name);
	const char *why_not = why_not_local(call->server, jid);
	struct batch_entry *e;

	if (!*password)
		why_not = "found no password behind the address";
	if (why_not) {
		batch_failed(call, b->line, name, why_not);
		jid_unref(&jid);
		return;
	}
	e = mem_alloc(sizeof(*e) + strlen(name) + 1);
	e->call = call;
	e->line = b->line;
	strcpy(e->jid, name);
	b->n_waiting++;
	user_create(call->server, jid, password, entry_done, e);
	jid_unref(&jid);
}

/* One line; the password is everything behind the first blanks. */
static void
batch_line(struct command_call *call, char *line)
{
	char *password;

	line += strspn(line, " \t");
	line[strcspn(line, "\r")] = '\0';
	if (!*line || *line == '#')
		return;
	password = line + strcspn(line, " \t");
	if (*password) {
		*password++ = '\0';
		password += strspn(password, " \t");
	}
	batch_add(call, line, password);
}

static void
batch_end(struct command_call *call)
{
	struct batch *b = call->data;

	if (*b->next) {
		buf_printf(&call->err,
			   "line %zu and what follows: the server stops\n",
			   b->line + 1);
		b->n_failed++;
	}
	explicit_bzero(b->text, strlen(call->input));
	free(b->text);
	buf_count(&call->out, b->n_done, "account", "accounts");
	buf_printf(&call->out, " added, %zu failed\n", b->n_failed);
	command_end(call, b->n_failed ? COMMAND_FAILED : COMMAND_DONE);
}

static void
batch_go_on(struct command_call *call)
{
	struct batch *b = call->data;

	while (*b->next && b->n_waiting < BATCH_WINDOW &&
	       !call->server->is_stopping) {
		char *line = b->next;
		char *end = strchrnul(line, '\n');

		b->next = *end ? end + 1 : end;
		*end = '\0';
		b->line++;
		batch_line(call, line);
	}
	if (!b->n_waiting)
		batch_end(call);
}

static void
run_batch(struct command_call *call)
{
	struct batch *b = mem_zalloc(sizeof(*b));

	call->data = b;
	b->text = mem_strdup(call->input);
	b->next = b->text;
	batch_go_on(call);
}

static void
run_add(struct command_call *call)
{
	struct jid *jid;

	if (call->argc != 1 || !call->input) {
		command_misused(call, command(USER_ADD));
		return;
	}
	if (!strcmp(call->argv[0], "--batch")) {
		run_batch(call);
		return;
	}
	jid = account_of(call);
	if (jid)
		user_create(call->server, jid, call->input, one_done, call);
	jid_unref(&jid);
}

/* --- The list */

struct listing {
	const struct host **hosts; /* by name, owned; behind this struct */
	size_t n_hosts, at;
	size_t n;
	char after[3 * JID_PART_MAX];
};

static void list_go_on(struct command_call *call);

static void
list_add(struct command_call *call, const char *jid)
{
	struct listing *l = call->data;

	if (call->json) {
		buf_adds(&call->out, l->n++ ? ",\n" : "[\n");
		json_string(&call->out, jid);
	} else {
		buf_printf(&call->out, "%s\n", jid);
	}
}

static void
list_done(void *data, const struct account_list_result *res)
{
	struct command_call *call = data;
	struct listing *l = call->data;

	if (res->res.status != STORE_OK) {
		command_fail(call, "the database failed: %s",
			     res->res.error ? res->res.error : "no answer");
		return;
	}
	for (size_t i = 0; i < res->n_jids; i++)
		list_add(call, res->jids[i]);
	if (res->n_jids == LIST_PAGE) {
		const char *last = res->jids[res->n_jids - 1];

		memcpy(l->after, last, strlen(last) + 1);
	} else {
		l->at++;
		*l->after = '\0';
	}
	list_go_on(call);
}

static void
list_go_on(struct command_call *call)
{
	struct listing *l = call->data;

	if (l->at < l->n_hosts && !call->server->is_stopping) {
		account_list(call->server->store, l->hosts[l->at]->name,
			     *l->after ? l->after : NULL, LIST_PAGE, list_done,
			     call);
		return;
	}
	if (call->json)
		buf_adds(&call->out, l->n ? "\n]\n" : "[]\n");
	command_end(call, COMMAND_DONE);
}

static int
by_name(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
run_list(struct command_call *call)
{
	struct server *srv = call->server;
	struct listing *l =
		mem_zalloc(sizeof(*l) + srv->hosts.n * sizeof(*l->hosts));
	struct jid *jid;

	call->data = l;
	l->hosts = (const struct host **)(void *)(l + 1);
	if (call->argc > 1) {
		command_misused(call, command(USER_LIST));
		return;
	}
	if (call->argc == 1) {
		jid = jid_parse(call->argv[0]);
		l->hosts[0] = jid ? host_of(srv, jid) : NULL;
		jid_unref(&jid);
		if (!l->hosts[0]) {
			command_fail(call, "%s: not a host of this server",
				     call->argv[0]);
			return;
		}
		l->n_hosts = 1;
	} else {
		map_each (n, &srv->hosts)
			l->hosts[l->n_hosts++] =
				container_of(n, struct host, node);
		qsort(l->hosts, l->n_hosts, sizeof(*l->hosts), by_name);
	}
	list_go_on(call);
}

const struct command user_commands[] = {
	[USER_ADD] = {
		.name = "user add",
		.usage = "JID [--password-stdin] | --batch FILE",
		.doc = "Create an account. The password is asked for, or read "
		       "from standard input with --password-stdin. With "
		       "--batch, each line of FILE (- for standard input) has "
		       "an address and, behind a blank, its password; what "
		       "cannot be added is reported and the rest goes on.",
		.example = "banyan user add romeo@example.org\n"
			   "banyan user add --batch accounts.txt",
		.takes_password = true,
		.takes_batch = true,
		.run = run_add,
	},
	[USER_PASSWD] = {
		.name = "user passwd",
		.usage = "JID [--password-stdin]",
		.doc = "Set another password. Sessions that are open stay.",
		.example = "banyan user passwd romeo@example.org",
		.takes_password = true,
		.run = run_passwd,
	},
	[USER_DELETE] = {
		.name = "user delete",
		.usage = "JID",
		.doc = "Delete an account with everything that is stored for "
		       "it. Its sessions end.",
		.example = "banyan user delete romeo@example.org",
		.min_words = 1,
		.run = run_delete,
	},
	[USER_DISABLE] = {
		.name = "user disable",
		.usage = "JID",
		.doc = "Keep an account from logging in. Its sessions end; "
		       "what is stored for it stays.",
		.example = "banyan user disable romeo@example.org",
		.min_words = 1,
		.run = run_disable,
	},
	[USER_ENABLE] = {
		.name = "user enable",
		.usage = "JID",
		.doc = "Let a disabled account log in again.",
		.example = "banyan user enable romeo@example.org",
		.min_words = 1,
		.run = run_enable,
	},
	[USER_LIST] = {
		.name = "user list",
		.usage = "[HOST] [--json]",
		.doc = "List the accounts, of all hosts or of one.",
		.example = "banyan user list example.org",
		.run = run_list,
	},
	{ 0 }
};
