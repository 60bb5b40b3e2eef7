/* cli.c - words to commands. */

#include "admin/cli.h"

#include "admin/client.h"
#include "admin/commands.h"
#include "admin/help.h"
#include "admin/input.h"
#include "admin/lock.h"
#include "admin/serve.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "config.h"
#include "core/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_PATH SYSCONFDIR "/banyan/banyan.conf"

/* What needs no server. */
enum { DO_SERVE, DO_CHECK, DO_VERSION, DO_HELP };

static const struct command local_commands[] = {
	[DO_SERVE] = {
		.name = "serve",
		.usage = "[--log-format text|json] [--log-level LEVEL]",
		.doc = "Run the server in the foreground. It logs to standard "
		       "error, one line for each fact, and tells systemd when "
		       "it is ready. LEVEL is error, warn, info or debug.",
		.example = "banyan -c banyan.conf serve --log-level debug",
	},
	[DO_CHECK] = {
		.name = "check",
		.usage = "",
		.doc = "Find mistakes in the configuration. Certificates are "
		       "read and, unless a server runs, addresses tried. "
		       "Warnings alone leave the exit code 0.",
		.example = "banyan -c banyan.conf check",
	},
	[DO_VERSION] = {
		.name = "version",
		.usage = "",
		.doc = "Print the version.",
		.example = "banyan version",
	},
	[DO_HELP] = {
		.name = "help",
		.usage = "[COMMAND]",
		.doc = "Explain a command, or list them all.",
		.example = "banyan help user add",
	},
	{ 0 }
};

static int
misused(const char *found, const char *expected)
{
	fprintf(stderr,
		"banyan: found %s, expected %s; banyan help lists the "
		"commands\n",
		found, expected);
	return COMMAND_USAGE;
}

static int
version(void)
{
	puts(PACKAGE_STRING);
	return COMMAND_DONE;
}

/* --- check */

static int
check(const char *path, int argc)
{
	struct config_errors errs = { 0 };
	struct buf said = { 0 };
	struct config *cfg;
	size_t n_errors;
	char *data_dir;

	if (argc) {
		help_command(stderr, &local_commands[DO_CHECK]);
		return COMMAND_USAGE;
	}
	cfg = config_load(path, &errs);
	if (cfg) {
		data_dir = config_data_dir(path, &errs);
		config_check(cfg, data_dir && lock_is_held(data_dir), &errs);
		free(data_dir);
	}
	config_errors_write(&errs, &said);
	if (said.len)
		fputs(said.data, stderr);
	n_errors = config_errors_count(&errs);
	if (!n_errors) {
		size_t n = config_n_hosts(cfg);

		printf("%s: no errors, %zu host%s\n", path, n,
		       n == 1 ? "" : "s");
	}
	buf_fini(&said);
	config_errors_fini(&errs);
	config_free(cfg);
	return n_errors ? COMMAND_FAILED : COMMAND_DONE;
}

/* --- help */

static int
help(int argc, char **argv)
{
	const struct command *cmd;
	int n_words;

	if (!argc) {
		help_all(stdout, local_commands);
		return COMMAND_DONE;
	}
	if (!strcmp(argv[0], "--man") || !strcmp(argv[0], "--man-conf")) {
		if (!strcmp(argv[0], "--man"))
			help_man(stdout, local_commands);
		else
			help_man_conf(stdout);
		return COMMAND_DONE;
	}
	for (cmd = local_commands; cmd->name; cmd++) {
		if (!strcmp(cmd->name, argv[0])) {
			help_command(stdout, cmd);
			return COMMAND_DONE;
		}
	}
	cmd = command_find(argc, argv, &n_words);
	if (cmd)
		help_command(stdout, cmd);
	else if (command_is_group(argv[0]))
		help_group(stdout, argv[0]);
	else
		return misused(argv[0], "a command");
	return COMMAND_DONE;
}

/* --- Commands on a server */

struct words {
	char **argv; /* owned; without what is for us */
	int argc;
	bool json, password_stdin;
	const char *batch; /* NULL: no such option */
};

/* Takes out the words that are for us. -1: they make no sense. */
static int
sort_words(struct words *w, const struct command *cmd, int argc, char **argv)
{
	w->argv = mem_zalloc(((size_t)argc + 1) * sizeof(*w->argv));
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			w->json = true;
		} else if (cmd->takes_password &&
			   !strcmp(argv[i], "--password-stdin")) {
			w->password_stdin = true;
		} else if (cmd->takes_batch && !strcmp(argv[i], "--batch")) {
			w->argv[w->argc++] = argv[i];
			if (++i == argc)
				return -1;
			w->batch = argv[i];
		} else {
			w->argv[w->argc++] = argv[i];
		}
	}
	return 0;
}

static char *
get_input(const struct words *w, int n_words, struct err *err)
{
	if (w->batch)
		return input_file(w->batch, err);
	if (w->password_stdin)
		return input_password_stdin(err);
	return input_password_asked(w->argv[n_words], err);
}

static int
run_command(const char *path, const struct command *cmd, int n_words, int argc,
	    char **argv)
{
	struct words w = { 0 };
	struct client_call call = { .config_path = path, .cmd = cmd };
	char *input = NULL;
	struct err err;
	int code = COMMAND_USAGE;

	if (sort_words(&w, cmd, argc, argv) < 0 ||
	    (cmd->takes_password && w.argc != n_words + 1) ||
	    w.argc < n_words + cmd->min_words) {
		fprintf(stderr, "usage: banyan %s %s\n", cmd->name, cmd->usage);
		goto out;
	}
	if (cmd->takes_password) {
		input = get_input(&w, n_words, &err);
		if (!input) {
			fprintf(stderr, "banyan: %s\n", err.text);
			code = COMMAND_FAILED;
			goto out;
		}
	}
	call.argc = w.argc;
	call.argv = w.argv;
	call.n_words = n_words;
	call.json = w.json;
	call.input = input;
	code = client_run(&call);
out:
	input_free(input);
	free(w.argv);
	return code;
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

static int
dispatch(const char *path, int argc, char **argv)
{
	const struct command *cmd;
	int n_words;

	if (!strcmp(argv[0], "help"))
		return help(argc - 1, argv + 1);
	if (asks_for_help(argc, argv))
		return help(argc - 1, argv);
	if (!strcmp(argv[0], "serve"))
		return serve(path, argc - 1, argv + 1);
	if (!strcmp(argv[0], "check"))
		return check(path, argc - 1);
	if (!strcmp(argv[0], "version"))
		return version();
	cmd = command_find(argc, argv, &n_words);
	if (cmd)
		return run_command(path, cmd, n_words, argc, argv);
	if (!command_is_group(argv[0]))
		return misused(argv[0], "a command");
	help_group(stderr, argv[0]);
	return COMMAND_USAGE;
}

int
cli_run(int argc, char **argv)
{
	const char *path = getenv("BANYAN_CONF");
	int i = 1;

	if (!path || !*path)
		path = CONFIG_PATH;
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "-h") || !strcmp(word, "--help"))
			return help(0, NULL);
		if (!strcmp(word, "--version"))
			return version();
		if ((strcmp(word, "-c") && strcmp(word, "--config")) ||
		    i + 1 == argc)
			return misused(word, "-c FILE");
		path = argv[++i];
	}
	if (i == argc) {
		help_all(stderr, local_commands);
		return COMMAND_USAGE;
	}
	return dispatch(path, argc - i, argv + i);
}
