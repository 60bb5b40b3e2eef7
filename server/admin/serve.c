/* serve.c - `banyan serve`: start, signals, reload, end. */

#include "admin/serve.h"

#include "admin/control.h"
#include "admin/lock.h"
#include "admin/notify.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "core/command.h"
#include "core/config.h"
#include "core/server.h"
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one server of this process. */
static struct {
	const char *config_path;
	struct server *server;
	struct control *control;
	struct event signals;
	int signal_fd, lock;
	bool is_started;
	int log_level; /* of the command line; -1: the configuration's */
} serving = { .signal_fd = -1, .lock = -1, .log_level = -1 };

/* --- Reload */

static void
apply_log_level(const struct server_options *opt)
{
	log_set_level((enum log_level)(
		serving.log_level >= 0 ? serving.log_level : opt->log_level));
}

static int
reload_from(const struct config *cfg, struct buf *out)
{
	struct err err;
	int ret = server_reload(serving.server, cfg, &err);

	if (ret)
		buf_printf(out, "%s\n", err.text);
	if (ret >= 0)
		apply_log_level(&serving.server->opt);
	return ret;
}

int
serve_reload(struct buf *out)
{
	struct config_errors errs = { 0 };
	struct config *cfg;
	int ret = -1;

	notify_reloading();
	cfg = config_load(serving.config_path, &errs);
	config_errors_write(&errs, out);
	config_errors_fini(&errs);
	if (cfg)
		ret = reload_from(cfg, out);
	config_free(cfg);
	notify_ready();
	if (ret < 0)
		log_error(NULL, "%s: not taken over", serving.config_path);
	else if (ret > 0)
		log_error(NULL, "%s: taken over, but not all of it",
			  serving.config_path);
	else
		log_info(NULL, "%s: taken over", serving.config_path);
	return ret;
}

static void
log_lines(char *text)
{
	char *save;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		log_error(NULL, "%s", line);
}

/* --- Signals */

static void
on_signal(evutil_socket_t fd, short what, void *data)
{
	struct signalfd_siginfo info;
	struct buf said = { 0 };

	(void)what, (void)data;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		serve_reload(&said);
		if (said.len)
			log_lines(said.data);
		buf_fini(&said);
	} else {
		notify_stopping();
		server_stop(serving.server);
	}
}

/* Before any thread is made, which then has them blocked, too. */
static int
take_signals(struct err *err)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	serving.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return serving.signal_fd < 0 ? err_sys(err, "signalfd") : 0;
}

/* --- Start and end */

/* A connection is a descriptor. */
static void
raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
		log_warn(NULL, "cannot raise the limit on open files: %s",
			 strerror(errno));
}

static int
start(const struct config *cfg, const struct server_options *opt,
      struct err *err)
{
	struct server_setup setup = { .config = cfg };

	serving.lock = lock_take(opt->data_dir, err);
	if (serving.lock < 0 || take_signals(err) < 0)
		return -1;
	serving.server = server_new(&setup, err);
	if (!serving.server)
		return -1;
	serving.control = control_open(serving.server, opt->data_dir, err);
	if (!serving.control)
		return -1;
	event_assign(&serving.signals, loop_base(serving.server->core),
		     serving.signal_fd, EV_READ | EV_PERSIST, on_signal, NULL);
	event_add(&serving.signals, NULL);
	serving.is_started = true;
	return 0;
}

static void
end(void)
{
	control_close(&serving.control);
	if (serving.is_started)
		event_del(&serving.signals);
	if (serving.server)
		server_free(serving.server);
	if (serving.signal_fd >= 0)
		close(serving.signal_fd);
	if (serving.lock >= 0)
		close(serving.lock);
}

static int
run(const struct config *cfg)
{
	struct server_options opt = { 0 };
	struct err err = { 0 };
	int code = COMMAND_FAILED;

	config_fill_server(cfg, &opt);
	apply_log_level(&opt);
	umask(077);
	raise_limits();
	if (start(cfg, &opt, &err) < 0) {
		log_error(NULL, "%s", err.text);
	} else {
		log_info(NULL, "ready, process %d", (int)getpid());
		notify_ready();
		server_run(serving.server);
		code = COMMAND_DONE;
	}
	end();
	if (code == COMMAND_DONE)
		log_info(NULL, "stopped");
	option_fini(server_options, &opt);
	return code;
}

/* --- The command line */

static int
misused(const char *what, const char *expected)
{
	fprintf(stderr, "banyan serve: found \"%s\", expected %s\n", what,
		expected);
	return -1;
}

static int
parse_option(const char *name, const char *value)
{
	enum log_level level;

	if (!strcmp(name, "--log-level") && value) {
		if (log_parse_level(value, &level) < 0)
			return misused(value, "error, warn, info or debug");
		serving.log_level = (int)level;
		return 0;
	}
	if (!strcmp(name, "--log-format") && value) {
		if (strcmp(value, "text") && strcmp(value, "json"))
			return misused(value, "text or json");
		log_set_format(!strcmp(value, "json") ? LOG_JSON : LOG_TEXT);
		return 0;
	}
	return misused(name, "--log-format FORMAT or --log-level LEVEL");
}

int
serve(const char *config_path, int argc, char **argv)
{
	struct config_errors errs = { 0 };
	struct buf said = { 0 };
	struct config *cfg;
	int code;

	log_set_systemd(getenv("JOURNAL_STREAM") != NULL);
	for (int i = 0; i < argc; i += 2) {
		if (parse_option(argv[i], argv[i + 1]) < 0)
			return COMMAND_USAGE;
	}
	serving.config_path = config_path;
	cfg = config_load(config_path, &errs);
	config_errors_write(&errs, &said);
	if (said.len)
		log_lines(said.data);
	buf_fini(&said);
	config_errors_fini(&errs);
	if (!cfg)
		return COMMAND_FAILED;
	code = run(cfg);
	config_free(cfg);
	return code;
}
