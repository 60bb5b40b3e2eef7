/* commands.c - ad-hoc commands (XEP-0050): lists, executions, stages. */

#include "modules/commands.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/timer.h"
#include "core/event.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "core/session.h"
#include "modules/disco.h"
#include "net/loop.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Executions on one host, all users together. */
#define MAX_RUNS 1000

struct offer {
	struct list node; /* in commands.offers */
	const struct command_def *table;
	void *data;
};

struct commands {	   /* per host */
	int64_t timeout;   /* option commands-timeout */
	int64_t max;	   /* option commands-max */
	struct host *host; /* borrowed */
	struct list offers;
	struct list runs; /* struct run.node; what was used last stands last */
	size_t n_runs;
	uint64_t last_serial;
	struct timer timer; /* for the first that times out */
};

#define ID_MAX 40

struct run {
	struct command_run pub;
	struct list node;
	struct commands *commands; /* borrowed */
	const struct command_def *def;
	int stage;	    /* whose form was sent; -1: none */
	int64_t expires_ms; /* on the monotonic clock */
	bool is_busy;	    /* the command works on it */
	bool is_over;	    /* forgotten as soon as it is not busy */
	char id[ID_MAX];
};

static struct module_slot slot;

static const struct option options[] = {
	{ "commands-timeout", OPT_DURATION, offsetof(struct commands, timeout),
	  .def = "10m", .min = 10000, .max = 86400000,
	  .doc = "How long a form of a command can be filled in." },
	{ "commands-max", OPT_INT, offsetof(struct commands, max), .def = "10",
	  .min = 1, .max = 1000,
	  .doc = "Commands with forms that one user can have under way. With "
		 "one more, the oldest is forgotten." },
	{ 0 },
};

/* ---- offers ---- */

void
commands_offer(struct host *host, const struct command_def *table, void *data)
{
	struct commands *cmds = host_data(host, &slot);
	struct offer *o = mem_zalloc(sizeof(*o));

	o->table = table;
	o->data = data;
	list_append(&cmds->offers, &o->node);
}

static const struct command_def *
find_def(struct commands *cmds, const char *node, void **data_out)
{
	list_each (n, &cmds->offers) {
		struct offer *o = container_of(n, struct offer, node);

		for (const struct command_def *d = o->table; d->node; d++) {
			if (strcmp(d->node, node) != 0)
				continue;
			*data_out = o->data;
			return d;
		}
	}
	return NULL;
}

static bool
may(const struct commands *cmds, const struct command_def *d,
    const struct jid *from)
{
	return from && d->may(cmds->host, from);
}

/* ---- discovery: section 2.2 ---- */

static enum verdict
on_node_items(struct event *ev, void *data)
{
	struct commands *cmds = data;

	if (ev->account || strcmp(xml_get(ev->xml, "node"), NS_COMMANDS) != 0)
		return PASS;
	list_each (n, &cmds->offers) {
		struct offer *o = container_of(n, struct offer, node);

		for (const struct command_def *d = o->table; d->node; d++) {
			struct xml *item;

			if (!may(cmds, d, ev->from))
				continue;
			item = xml_add(ev->arena, ev->xml, "item", NULL);
			xml_set(ev->arena, item, "jid", cmds->host->name);
			xml_set(ev->arena, item, "node", d->node);
			xml_set(ev->arena, item, "name", d->name);
		}
	}
	return DONE;
}

/* Nothing about a command for who may not run it: forbidden. */
static enum verdict
on_node_info(struct event *ev, void *data)
{
	struct commands *cmds = data;
	const char *node = xml_get(ev->xml, "node");
	const struct command_def *d;
	void *unused;

	if (ev->account)
		return PASS;
	if (!strcmp(node, NS_COMMANDS)) {
		disco_add_identity(ev->arena, ev->xml, "automation",
				   "command-list", "Commands");
		disco_add_feature(ev->arena, ev->xml, NS_COMMANDS);
		return DONE;
	}
	d = find_def(cmds, node, &unused);
	if (!d)
		return PASS;
	if (!may(cmds, d, ev->from))
		return DONE;
	disco_add_identity(ev->arena, ev->xml, "automation", "command-node",
			   d->name);
	disco_add_feature(ev->arena, ev->xml, NS_COMMANDS);
	disco_add_feature(ev->arena, ev->xml, NS_DATA);
	return DONE;
}

/* ---- executions ---- */

static struct run *
run_of(struct command_run *pub)
{
	return container_of(pub, struct run, pub);
}

static int64_t
now_ms(const struct commands *cmds)
{
	return cmds->host->server->clock->mono_ms;
}

/* A number and, so that one of ours can be told from one that never was, what
 * only this process can say of it and of whose it is. */
static void
write_id(char id[ID_MAX], uint64_t serial, const struct jid *from,
	 const char *node)
{
	char *text =
		mem_printf("%" PRIx64 " %s %s", serial, jid_str(from), node);

	snprintf(id, ID_MAX, "%" PRIx64 "-%016" PRIx64, serial, hash_str(text));
	free(text);
}

static bool
was_ours(const char *id, const struct jid *from, const char *node)
{
	char same[ID_MAX];

	write_id(same, strtoull(id, NULL, 16), from, node);
	return !strcmp(same, id);
}

static void
run_free(struct run *r)
{
	list_remove(&r->node);
	r->commands->n_runs--;
	stanza_unref(&r->pub.reply);
	jid_unref(&r->pub.from);
	arena_unref(&r->pub.arena);
	free(r);
}

static void
drop(struct run *r)
{
	if (r->is_busy)
		r->is_over = true;
	else
		run_free(r);
}

static void
arm(struct commands *cmds)
{
	if (!list_is_empty(&cmds->runs) && !timer_is_set(&cmds->timer))
		loop_timer_set(cmds->host->server->core, &cmds->timer,
			       cmds->timeout);
}

static void
on_timer(struct timer *t)
{
	struct commands *cmds = container_of(t, struct commands, timer);
	int64_t next_ms = cmds->timeout;

	list_each_safe (n, &cmds->runs) {
		struct run *r = container_of(n, struct run, node);
		int64_t left_ms = r->expires_ms - now_ms(cmds);

		if (r->is_busy)
			continue;
		if (left_ms <= 0)
			run_free(r);
		else if (left_ms < next_ms)
			next_ms = left_ms;
	}
	if (!list_is_empty(&cmds->runs))
		loop_timer_set(cmds->host->server->core, t, next_ms);
}

static bool
make_room(struct commands *cmds, const struct jid *from)
{
	struct run *oldest = NULL;
	int64_t n_own = 0;

	list_each (n, &cmds->runs) {
		struct run *r = container_of(n, struct run, node);

		if (!jid_eq_bare(r->pub.from, from) || r->is_over)
			continue;
		n_own++;
		if (!oldest && !r->is_busy)
			oldest = r;
	}
	if (n_own >= cmds->max) {
		if (!oldest)
			return false;
		run_free(oldest);
	}
	return cmds->n_runs < MAX_RUNS;
}

/* NULL: there are too many. */

static struct run *
run_new(struct commands *cmds, const struct command_def *def, void *data,
	struct jid *from)
{
	struct run *r;

	if (!make_room(cmds, from))
		return NULL;
	r = mem_zalloc(sizeof(*r));
	r->pub.host = cmds->host;
	r->pub.from = jid_ref(from);
	r->pub.arena = arena_new();
	r->pub.data = data;
	r->commands = cmds;
	r->def = def;
	r->stage = -1;
	write_id(r->id, ++cmds->last_serial, from, def->node);
	list_append(&cmds->runs, &r->node);
	cmds->n_runs++;
	return r;
}

static struct run *
run_find(struct commands *cmds, const char *id)
{
	list_each (n, &cmds->runs) {
		struct run *r = container_of(n, struct run, node);

		if (!r->is_over && !strcmp(r->id, id))
			return r;
	}
	return NULL;
}

static enum verdict
on_closed(struct event *ev, void *data)
{
	struct commands *cmds = data;

	list_each_safe (n, &cmds->runs) {
		struct run *r = container_of(n, struct run, node);

		if (jid_eq(r->pub.from, ev->session->jid))
			drop(r);
	}
	return PASS;
}

/* ---- answers ---- */

/* Section 4.4: a general condition and, where there is one, our own. */
static struct stanza *
make_error(const struct event *ev, enum stanza_cond cond, const char *own,
	   const char *text)
{
	struct stanza *error = stanza_error(ev->stanza, cond, text);

	if (own)
		xml_add(error->arena,
			xml_child(error->root, "error", NS_CLIENT), own,
			NS_COMMANDS);
	return error;
}

static enum verdict
refuse(struct event *ev, const char *own)
{
	return event_reply(ev, make_error(ev, COND_BAD_REQUEST, own, NULL));
}

static struct xml *
command_of(struct stanza *reply)
{
	return xml_child(reply->root, "command", NS_COMMANDS);
}

static struct stanza *
take_reply(struct run *r)
{
	struct stanza *reply = r->pub.reply;
	struct xml *x;

	r->pub.reply = NULL;
	if (reply)
		return reply;
	reply = event_result(r->pub.event);
	x = xml_add(reply->arena, reply->root, "command", NS_COMMANDS);
	xml_set_ns(reply->arena, x, NS_XML, "lang", "en");
	xml_set(reply->arena, x, "node", r->def->node);
	xml_set(reply->arena, x, "sessionid", r->id);
	return reply;
}

/* The request is answered, and the next one awaited. */
static enum verdict
answer(struct run *r, struct stanza *reply)
{
	struct event *ev = r->pub.event;

	stanza_unref(&r->pub.reply);
	r->pub.event = NULL;
	r->pub.form = NULL;
	r->is_busy = false;
	if (r->is_over) {
		run_free(r);
		return event_reply(ev, reply);
	}
	r->expires_ms = now_ms(r->commands) + r->commands->timeout;
	list_remove(&r->node);
	list_append(&r->commands->runs, &r->node);
	arm(r->commands);
	return event_reply(ev, reply);
}

static bool
is_last(const struct run *r, int stage)
{
	return !r->def->stages[stage + 1].submit;
}

/* Section 3.4 */
static void
add_actions(const struct run *r, struct arena *a, struct xml *command)
{
	const char *forward = is_last(r, r->stage) ? "complete" : "next";
	struct xml *x = xml_add(a, command, "actions", NULL);

	xml_set(a, x, "execute", forward);
	if (r->stage > 0)
		xml_add(a, x, "prev", NULL);
	xml_add(a, x, forward, NULL);
}

static enum verdict
show(struct run *r, int stage)
{
	const struct command_stage *st = &r->def->stages[stage];
	struct stanza *reply = take_reply(r);
	struct arena *a = reply->arena;
	struct xml *command = command_of(reply), *form;

	r->stage = stage;
	xml_set(a, command, "status", "executing");
	add_actions(r, a, command);
	form = form_add(a, command, r->def->form_type, st->title,
			st->instructions);
	for (const struct form_field *f = st->fields; form_is_field(f); f++) {
		struct xml *field = form_add_field(a, form, f);
		const char *value = st->value ? st->value(&r->pub, f) : NULL;

		if (value)
			form_add_value(a, field, value);
	}
	return answer(r, reply);
}

static enum verdict
end(struct run *r, const char *status)
{
	struct stanza *reply = take_reply(r);

	xml_set(reply->arena, command_of(reply), "status", status);
	r->is_over = true;
	return answer(r, reply);
}

struct xml *
commands_results(struct command_run *run)
{
	struct run *r = run_of(run);

	run->reply = take_reply(r);
	return form_add_results(run->reply->arena, command_of(run->reply),
				r->def->form_type);
}

struct arena *
commands_arena(struct command_run *run)
{
	run->reply = take_reply(run_of(run));
	return run->reply->arena;
}

void
commands_note(struct command_run *run, const char *type, const char *text)
{
	struct arena *a = commands_arena(run);

	xml_set(a, xml_add_text(a, command_of(run->reply), "note", NULL, text),
		"type", type);
}

enum verdict
commands_next(struct command_run *run)
{
	struct run *r = run_of(run);

	assert(r->def->stages && (r->stage < 0 || !is_last(r, r->stage)));
	return show(r, r->stage + 1);
}

enum verdict
commands_complete(struct command_run *run)
{
	return end(run_of(run), "completed");
}

enum verdict
commands_fail(struct command_run *run, enum stanza_cond cond, const char *text)
{
	struct run *r = run_of(run);

	if (r->stage < 0)
		r->is_over = true;
	return answer(r, make_error(run->event, cond, NULL, text));
}

enum verdict
commands_refuse(struct command_run *run, const char *text)
{
	return answer(run_of(run), make_error(run->event, COND_BAD_REQUEST,
					      "bad-payload", text));
}

/* ---- requests ---- */

enum action { EXECUTE, NEXT, PREV, COMPLETE, CANCEL, N_ACTIONS };

/* N_ACTIONS: another word. */
static enum action
parse_action(const char *word)
{
	static const char *const words[] = {
		[EXECUTE] = "execute",	 [NEXT] = "next",     [PREV] = "prev",
		[COMPLETE] = "complete", [CANCEL] = "cancel",
	};
	int i = 0;

	while (word && i < N_ACTIONS && strcmp(word, words[i]) != 0)
		i++;
	return (enum action)i;
}

/* Everything is in English. The language of the stanza is often that of the
 * client, which still likes to be answered; one that is asked for in so many
 * words cannot be had. */
static bool
is_our_locale(const struct xml *command)
{
	const char *lang = xml_lang(command);

	return !lang || !*lang ||
	       (!strncasecmp(lang, "en", 2) && (!lang[2] || lang[2] == '-'));
}

static enum verdict
start(struct commands *cmds, struct event *ev, const struct command_def *def,
      void *data)
{
	struct run *r = run_new(cmds, def, data, ev->from);

	if (!r)
		return event_fail(ev, COND_RESOURCE_CONSTRAINT);
	r->pub.event = ev;
	r->is_busy = true;
	return def->stages ? show(r, 0) : def->run(&r->pub);
}

static enum verdict
submit(struct run *r, const struct xml *command)
{
	const struct command_stage *st = &r->def->stages[r->stage];
	struct err err = { "" };

	r->is_busy = true;
	/* Section 3.5.1: one of type cancel is as good as any other. */
	r->pub.form = form_find(command);
	if (!r->pub.form)
		return commands_refuse(&r->pub, "the form is missing");
	if (!form_is_for(r->pub.form, r->def->form_type))
		return commands_refuse(&r->pub, "this is another form");
	if (form_check(r->pub.form, st->fields, &err) < 0)
		return commands_refuse(&r->pub, err.text);
	return st->submit(&r->pub);
}

static enum verdict
go_on(struct run *r, struct event *ev, const struct xml *command,
      enum action action)
{
	bool last = is_last(r, r->stage);

	r->pub.event = ev;
	switch (action) {
	case CANCEL:
		return end(r, "canceled");
	case PREV:
		return r->stage > 0 ? show(r, r->stage - 1)
				    : refuse(ev, "bad-action");
	case NEXT:
		return last ? refuse(ev, "bad-action") : submit(r, command);
	case COMPLETE:
		return last ? submit(r, command) : refuse(ev, "bad-action");
	default:
		return submit(r, command);
	}
}

static enum verdict
on_command(struct event *ev, void *data)
{
	struct commands *cmds = data;
	const struct xml *x = stanza_payload(ev->stanza);
	const char *node = xml_get(x, "node"), *id = xml_get(x, "sessionid");
	enum action action = parse_action(xml_get(x, "action"));
	const struct command_def *def;
	struct run *r;
	void *offered;

	if (!node)
		return event_fail(ev, COND_BAD_REQUEST);
	def = find_def(cmds, node, &offered);
	if (!def)
		return event_fail(ev, COND_ITEM_NOT_FOUND);
	if (!may(cmds, def, ev->from))
		return event_fail(ev, COND_FORBIDDEN);
	if (action == N_ACTIONS)
		return refuse(ev, "malformed-action");
	if (!is_our_locale(x))
		return refuse(ev, "bad-locale");
	if (!id)
		return action == EXECUTE ? start(cmds, ev, def, offered)
					 : refuse(ev, "bad-action");
	r = run_find(cmds, id);
	if (!r && was_ours(id, ev->from, node))
		return event_reply(ev, make_error(ev, COND_NOT_ALLOWED,
						  "session-expired", NULL));
	if (!r || r->is_busy || r->def != def || !jid_eq(r->pub.from, ev->from))
		return refuse(ev, "bad-sessionid");
	return go_on(r, ev, x, action);
}

static int
load(struct host *host, void *data, struct err *err)
{
	struct commands *cmds = data;

	(void)err;
	cmds->host = host;
	cmds->timer.fn = on_timer;
	list_init(&cmds->offers);
	list_init(&cmds->runs);
	return 0;
}

static void
unload(struct host *host, void *data)
{
	struct commands *cmds = data;
	struct list *n;

	loop_timer_clear(host->server->core, &cmds->timer);
	list_each_safe (run, &cmds->runs)
		run_free(container_of(run, struct run, node));
	while ((n = list_pop(&cmds->offers)) != NULL)
		free(container_of(n, struct offer, node));
}

const struct module mod_commands = {
	.name = "commands",
	.slot = &slot,
	.needs = (const char *const[]){ "disco", NULL },
	.features = (const char *const[]){ NS_COMMANDS, NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_DISCO_NODE_ITEMS, PHASE_DELIVER, on_node_items },
			{ HOOK_DISCO_NODE_INFO, PHASE_DELIVER, on_node_info },
			{ HOOK_SESSION_CLOSED, PHASE_DELIVER, on_closed },
			{ 0 },
		},
	.iqs =
		(const struct iq_handler[]){
			{ IQ_SET, TO_HOST, NS_COMMANDS, "command", on_command },
			{ 0 },
		},
	.host_size = sizeof(struct commands),
	.load = load,
	.unload = unload,
};
