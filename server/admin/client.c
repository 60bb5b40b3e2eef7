/* client.c - finds the server for a command. */

#include "admin/client.h"

#include "admin/control.h"
#include "admin/local.h"
#include "admin/lock.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "core/command.h"
#include "core/config.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A server that starts or ends has the lock but does not listen. */
#define WAIT_MS 10000
#define POLL_MS 50

static int
failed(const struct err *err)
{
	fprintf(stderr, "banyan: %s\n", err->text);
	return COMMAND_FAILED;
}

static void
print_errors(struct config_errors *errs)
{
	struct buf b = { 0 };

	config_errors_write(errs, &b);
	if (b.len)
		fputs(b.data, stderr);
	buf_fini(&b);
	config_errors_fini(errs);
}

/* What root writes here, the server's user could not change any more. */
static int
become_owner(const char *data_dir, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || stat(data_dir, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setgid(st.st_gid) < 0 ||
	    setuid(st.st_uid) < 0)
		return err_sys(err, "cannot become the owner of %s", data_dir);
	return 0;
}

/* -2: another process has the lock; try again. */
static int
run_locked(const struct client_call *c, const char *data_dir,
	   const struct config *cfg, struct buf *out, struct buf *err_out,
	   struct err *err)
{
	int lock, ret;

	if (become_owner(data_dir, err) < 0)
		return -1;
	lock = lock_take(data_dir, err);
	if (lock < 0)
		return lock;
	ret = local_call(cfg, c->cmd, c->argc - c->n_words,
			 c->argv + c->n_words, c->json, c->input, out, err_out,
			 err);
	close(lock);
	return ret;
}

static int
run_here(const struct client_call *c, const char *data_dir, struct buf *out,
	 struct buf *err_out, struct err *err)
{
	struct config_errors errs = { 0 };
	struct config *cfg = config_load(c->config_path, &errs);
	int ret;

	print_errors(&errs);
	if (!cfg)
		return err_set(err, "%s has errors", c->config_path);
	ret = run_locked(c, data_dir, cfg, out, err_out, err);
	config_free(cfg);
	return ret;
}

static int
call(const struct client_call *c, const char *data_dir, struct buf *out,
     struct buf *err_out, struct err *err)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
	int ret = -2;

	for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
		ret = control_call(data_dir, c->argc, c->argv, c->json,
				   c->input, out, err_out, err);
		if (ret != -2)
			return ret;
		if (c->cmd->needs_running) {
			err_set(err, "no server is running on %s", data_dir);
			return -2;
		}
		ret = run_here(c, data_dir, out, err_out, err);
		if (ret != -2)
			return ret;
		nanosleep(&pause, NULL);
	}
	return -1;
}

int
client_run(const struct client_call *c)
{
	struct config_errors errs = { 0 };
	char *data_dir = config_data_dir(c->config_path, &errs);
	struct buf out = { 0 }, err_out = { 0 };
	struct err err = { 0 };
	int code;

	if (!data_dir) {
		print_errors(&errs);
		return COMMAND_FAILED;
	}
	config_errors_fini(&errs);
	code = call(c, data_dir, &out, &err_out, &err);
	if (code < 0) {
		failed(&err);
		code = code == -2 ? COMMAND_NOT_RUNNING : COMMAND_FAILED;
	}
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	if (err_out.len)
		fwrite(err_out.data, 1, err_out.len, stderr);
	if (code == COMMAND_DONE && !strcmp(c->cmd->name, "stop") &&
	    lock_wait(data_dir, WAIT_MS) < 0) {
		err_set(&err, "the server is still at work on %s", data_dir);
		code = failed(&err);
	}
	buf_fini(&out);
	buf_fini(&err_out);
	free(data_dir);
	return code;
}
