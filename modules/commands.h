/*
 * commands.h - commands with forms that clients show without knowing them
 * (XEP-0050).
 *
 * A module lists its commands in a table and offers it to a host when it is
 * loaded; it has "commands" in its .needs. Each execution is a struct
 * command_run, from the first request to the last answer.
 */
#ifndef MODULES_COMMANDS_H
#define MODULES_COMMANDS_H

#include "core/hook.h"
#include "xmpp/cond.h"

#include <stdbool.h>

struct arena;
struct event;
struct form_field;
struct host;
struct jid;
struct stanza;
struct xml;

struct command_run {
	struct event *event; /* the request that waits for an answer */
	struct host *host;   /* borrowed */
	struct jid *from;    /* ref; who runs it, a full JID */
	struct arena *arena; /* lives as long as the execution */
	void *data;	     /* as offered */
	void *state;	     /* the command's own, usually in the arena */
	/* What was filled in, checked by the table of fields; until the
	 * answer. */
	const struct xml *form;
	struct stanza *reply; /* private, as is what is behind it */
};

/* One form. */
struct command_stage {
	const char *title, *instructions;
	const struct form_field *fields; /* xmpp/form.h */
	/* What is in a field to begin with, or NULL. May be NULL itself. */
	const char *(*value)(struct command_run *run,
			     const struct form_field *field);
	/* Ends with one of the functions below and returns what that returns,
	 * or says WAIT and calls one later. */
	enum verdict (*submit)(struct command_run *run);
};

/* Tables end with { 0 }. */
struct command_def {
	const char *node, *name, *form_type;
	/* Who finds it and may run it. */
	bool (*may)(const struct host *host, const struct jid *from);
	/* In this order; ends with { 0 }. NULL: it asks for nothing. */
	const struct command_stage *stages;
	/* Without stages: the same as submit. */
	enum verdict (*run)(struct command_run *run);
};

/* table and data are borrowed as long as the host is there. */
void
commands_offer(struct host *host, const struct command_def *table, void *data);

/* For the answer: a form for results, with the FORM_TYPE of the command; its
 * arena is commands_arena. */
struct xml *commands_results(struct command_run *run);
struct arena *commands_arena(struct command_run *run);
/* type: "info", "warn" or "error". */
void commands_note(struct command_run *run, const char *type, const char *text);

/* The next form follows. */
enum verdict commands_next(struct command_run *run);
/* It is over; run is gone. */
enum verdict commands_complete(struct command_run *run);
/* An error. After a form, another try may follow; otherwise it is over, and
 * run is gone. text may be NULL. */
enum verdict
commands_fail(struct command_run *run, enum stanza_cond cond, const char *text);
/* bad-request with bad-payload. */
enum verdict commands_refuse(struct command_run *run, const char *text);

#endif
