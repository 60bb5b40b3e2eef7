/* control.c - the control socket, the server's side. */

#include "admin/control.h"

#include "admin/commands.h"
#include "admin/control_address.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/server.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS_MAX  16
#define WORDS_MAX  64
#define READ_CHUNK 65536
/* For a request to come and its answer to go; not for the work between. */
#define TRANSFER_S 10

struct control {
	struct server *server; /* borrowed */
	int fd;
	struct event accept;
	struct list calls; /* struct call.node */
	unsigned n_calls;
};

struct call {
	struct list node;
	struct control *control; /* borrowed; NULL: closed */
	int fd;			 /* -1: closed */
	struct event event;
	bool is_waiting; /* event is set */
	struct buf in, answer;
	size_t sent;
	struct command_call command;
	char *words[WORDS_MAX + 1];
};

static void
stop_waiting(struct call *c)
{
	if (c->is_waiting)
		event_del(&c->event);
	c->is_waiting = false;
}

/* With enough calls, others wait in the socket's queue: a `banyan stop` behind
 * many slow commands must not be turned away. */
static void
count_call(struct control *control, int by)
{
	if (by < 0 && control->n_calls == CALLS_MAX)
		event_add(&control->accept, NULL);
	control->n_calls += (unsigned)by;
	if (by > 0 && control->n_calls == CALLS_MAX)
		event_del(&control->accept);
}

static void
call_free(struct call *c)
{
	if (c->control) {
		list_remove(&c->node);
		count_call(c->control, -1);
	}
	stop_waiting(c);
	if (c->fd >= 0)
		close(c->fd);
	if (c->in.data)
		explicit_bzero(c->in.data, c->in.cap);
	buf_fini(&c->in);
	buf_fini(&c->answer);
	buf_fini(&c->command.out);
	buf_fini(&c->command.err);
	free(c);
}

static void on_ready(evutil_socket_t fd, short what, void *data);

static void
wait_for(struct call *c, short what)
{
	struct event_base *base = loop_base(c->control->server->core);
	struct timeval limit = { .tv_sec = TRANSFER_S };

	stop_waiting(c);
	event_assign(&c->event, base, c->fd, what, on_ready, c);
	event_add(&c->event, &limit);
	c->is_waiting = true;
}

/* --- The answer */

static void
send_answer(struct call *c)
{
	while (c->sent < c->answer.len) {
		ssize_t n = send(c->fd, c->answer.data + c->sent,
				 c->answer.len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for(c, EV_WRITE);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	call_free(c);
}

static void
add_text(struct buf *to, const struct buf *text)
{
	uint32_t len = htonl((uint32_t)text->len);

	buf_add(to, &len, sizeof(len));
	if (text->len)
		buf_add(to, text->data, text->len);
}

static void
on_command_end(struct command_call *command, int code)
{
	struct call *c = container_of(command, struct call, command);

	if (!c->control) {
		call_free(c);
		return;
	}
	buf_addc(&c->answer, (char)code);
	add_text(&c->answer, &command->out);
	add_text(&c->answer, &command->err);
	send_answer(c);
}

/* --- The request */

/* Up to the empty word; what is behind it is the input. */
static int
split(struct call *c)
{
	char *at = c->in.data + sizeof(uint32_t);
	char *end = c->in.data + c->in.len;
	int n = 0;

	while (at < end && *at) {
		size_t len = strnlen(at, (size_t)(end - at));

		if (n == WORDS_MAX || at + len == end)
			return -1;
		c->words[n++] = at;
		at += len + 1;
	}
	if (at == end || !n)
		return -1;
	c->command.input = at + 1 < end ? at + 1 : NULL;
	return n;
}

static void
run(struct call *c)
{
	int n = split(c), n_words;
	const struct command *cmd = NULL;

	c->command.server = c->control->server;
	c->command.ended = on_command_end;
	/* The client may go away; the work is done all the same. */
	stop_waiting(c);
	if (n > 1)
		cmd = command_find(n - 1, c->words + 1, &n_words);
	if (!cmd) {
		command_fail(&c->command, "the server does not know this "
					  "command; is it another version?");
		return;
	}
	c->command.json = !strcmp(c->words[0], "json");
	c->command.argc = n - 1 - n_words;
	c->command.argv = c->words + 1 + n_words;
	log_info(&c->control->server->log, "command %s", cmd->name);
	cmd->run(&c->command);
}

/* True when there is all of it. -1: it is none. */
static int
is_complete(const struct call *c)
{
	uint32_t len;

	if (c->in.len < sizeof(len))
		return 0;
	memcpy(&len, c->in.data, sizeof(len));
	len = ntohl(len);
	if (len > CONTROL_REQUEST_MAX || c->in.len > sizeof(len) + len)
		return -1;
	return c->in.len == sizeof(len) + len;
}

static void
read_request(struct call *c)
{
	char *to = buf_reserve(&c->in, READ_CHUNK);
	ssize_t n = recv(c->fd, to, READ_CHUNK, 0);
	int complete;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_for(c, EV_READ);
		return;
	}
	if (n <= 0) {
		call_free(c);
		return;
	}
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	complete = is_complete(c);
	if (complete < 0)
		call_free(c);
	else if (complete)
		run(c);
	else
		wait_for(c, EV_READ);
}

static void
on_ready(evutil_socket_t fd, short what, void *data)
{
	struct call *c = data;

	(void)fd;
	if (what & EV_READ)
		read_request(c);
	else if (what & EV_WRITE)
		send_answer(c);
	else
		call_free(c);
}

/* --- The socket */

static bool
is_trusted(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void
on_accept(evutil_socket_t fd, short what, void *data)
{
	struct control *control = data;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct call *c;

	(void)what;
	if (peer < 0)
		return;
	if (!is_trusted(peer)) {
		close(peer);
		return;
	}
	c = mem_zalloc(sizeof(*c));
	c->control = control;
	c->fd = peer;
	list_append(&control->calls, &c->node);
	count_call(control, 1);
	wait_for(c, EV_READ);
}

/* Its mode has to be right from the first moment. */
static int
bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t old = umask(0177);
	int ret;

	unlink(address->sun_path);
	ret = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(old);
	return ret;
}

struct control *
control_open(struct server *srv, const char *data_dir, struct err *err)
{
	struct sockaddr_un address;
	struct control *control;
	int dir, fd, ret;

	if (control_address(data_dir, &address, &dir, err) < 0)
		return NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -1 : bind_private(fd, &address);
	if (!ret)
		ret = listen(fd, CALLS_MAX);
	close(dir);
	if (ret < 0) {
		err_sys(err, "%s/control", data_dir);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	control = mem_zalloc(sizeof(*control));
	control->server = srv;
	control->fd = fd;
	list_init(&control->calls);
	event_assign(&control->accept, loop_base(srv->core), fd,
		     EV_READ | EV_PERSIST, on_accept, control);
	event_add(&control->accept, NULL);
	return control;
}

void
control_close(struct control **p)
{
	struct control *control = *p;
	struct list *n;

	*p = NULL;
	if (!control)
		return;
	event_del(&control->accept);
	close(control->fd);
	while ((n = list_pop(&control->calls))) {
		struct call *c = container_of(n, struct call, node);
		bool is_at_work = c->command.ended && !c->answer.len;

		c->control = NULL;
		stop_waiting(c);
		close(c->fd);
		c->fd = -1;
		if (!is_at_work)
			call_free(c);
	}
	free(control);
}
