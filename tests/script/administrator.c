/* administrator.c - what `banyan …` would do to the server. */

#include "admin/commands.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/server.h"
#include "dialogue.h"
#include "play.h"

#include <stdlib.h>
#include <string.h>

struct running {
	struct command_call call;
	int code; /* -1: it has not ended */
};

static void
ended(struct command_call *call, int code)
{
	container_of(call, struct running, call)->code = code;
}

/* As a whole; * in the script is what is between two of its neighbours in the
 * line. */
static bool
is_line(const char *want, const char *line)
{
	for (; *want; want++, line++) {
		if (*want != '*') {
			if (*want != *line)
				return false;
			continue;
		}
		for (; *line; line++) {
			if (is_line(want + 1, line))
				return true;
		}
		return !want[1];
	}
	return !*line;
}

static bool
is_output(const char *body, const char *said)
{
	char *want = mem_strdup(body), *got = mem_strdup(said);
	char *want_at = want, *got_at = got, *w, *g = NULL;
	bool same = true;

	while (same && (w = strsep(&want_at, "\n"))) {
		g = strsep(&got_at, "\n");
		same = g && is_line(w + strspn(w, "\t "), g + strspn(g, "\t "));
	}
	same = same && (!got_at || !*got_at);
	free(want);
	free(got);
	return same;
}

/* administrator runs WORD… */
static void
run_command(struct play *p)
{
	char **words = mem_alloc(p->at->n_words * sizeof(*words));
	int argc = (int)p->at->n_words - 2, n;
	const struct command *cmd;
	struct running run = { { .server = server(p), .ended = ended }, -1 };
	struct buf *out = &run.call.out;

	for (int i = 0; i < argc; i++)
		words[i] = p->at->words[i + 2];
	if (argc && !strcmp(words[argc - 1], "--json")) {
		run.call.json = true;
		argc--;
	}
	cmd = command_find(argc, words, &n);
	if (!cmd || argc - n < cmd->min_words)
		fail(p, "there is no such command");
	run.call.argc = argc - n;
	run.call.argv = words + n;
	cmd->run(&run.call);
	server_settle(server(p));
	if (run.code < 0)
		fail(p, "the command does not end");
	if (run.call.err.len)
		buf_add(out, run.call.err.data, run.call.err.len);
	if (!is_output(p->at->body, out->len ? out->data : ""))
		fail(p, "the command has said:\n%s",
		     out->len ? out->data : "nothing");
	buf_fini(out);
	buf_fini(&run.call.err);
	free(words);
}

/* A line of the log like that, behind *at; moves that. */
static bool
has_said(const char **at, const char *want)
{
	while (**at) {
		size_t len = strcspn(*at, "\n");
		char *line = mem_strndup(*at + strspn(*at, " "),
					 len - strspn(*at, " "));
		bool same = is_line(want, line);

		free(line);
		*at += len + ((*at)[len] == '\n');
		if (same)
			return true;
	}
	return false;
}

/* the log says */
static void
expect_log(struct play *p)
{
	const char *at = p->log.len ? p->log.data : "";
	char *body = mem_strdup(p->at->body), *rest = body, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line && !has_said(&at, line))
			fail(p, "not in the log: %s", line);
	}
	free(body);
}

bool
administrator_statement(struct play *p)
{
	if (says(p, 0, "the log says")) {
		expect_log(p);
		return true;
	}
	if (strcmp(word(p, 0), "administrator") != 0 ||
	    strcmp(word(p, 1), "runs") != 0)
		return false;
	run_command(p);
	return true;
}
