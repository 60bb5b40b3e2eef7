/* conn.c - a connection's life, what is asked of it, and reading. */

#include "base/chunk.h"
#include "base/mem.h"
#include "net/conn_private.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Full buffers from one connection before others have their turn. */
#define READS_MAX 4
/* Steps of handshakes (0.3 ms of CPU each) in one turn: a crowd of clients that
 * come back must not hold up those that are there. */
#define HANDSHAKES_MAX 8
/* How often those that wait for a busy reader look at it. */
#define RECHECK_MS 2

/* What the connections of one loop share. */
struct conn_loop {
	struct loop *loop;
	struct list unread; /* to be looked at in the next turn, unannounced */
	struct mail unread_mail;
	bool is_mail_sent;
	unsigned mail_turn; /* in which it was sent */
	struct list parked;
	struct timer recheck;
	unsigned turn, n_handshakes; /* in that turn */
};

/* What is asked of a connection, on its way there. */
struct request {
	struct mail mail;
	struct conn *conn;
	struct tls_config *tls; /* ref */
	char *tls_name;		/* owned; NULL: server side */
	int linger_ms;
};

static void ready(struct conn *c, short what);
static void on_event(evutil_socket_t fd, short what, void *data);

/*
 * Lists of the loop
 */

static void
leave_list(struct conn *c)
{
	if (c->again.next)
		list_remove(&c->again);
	c->again.next = NULL;
	c->is_parked = false;
}

static void
unread_run(struct mail *m)
{
	struct conn_loop *cl = container_of(m, struct conn_loop, unread_mail);
	struct list now;

	/* A loop's mail to itself may come in the turn that sent it. */
	if (cl->mail_turn == loop_turn(cl->loop)) {
		loop_send(cl->loop, cl->loop, m);
		return;
	}
	cl->is_mail_sent = false;
	if (list_is_empty(&cl->unread))
		return;
	/* Those that still have not enough come back for the next turn. */
	now = cl->unread;
	now.next->prev = now.prev->next = &now;
	list_init(&cl->unread);
	while (!list_is_empty(&now)) {
		struct conn *c = container_of(now.next, struct conn, again);

		leave_list(c);
		ready(c, EV_READ);
	}
}

static void
recheck(struct timer *t)
{
	struct conn_loop *cl = container_of(t, struct conn_loop, recheck);
	struct loop *busy = NULL;

	list_each_safe (n, &cl->parked) {
		struct conn *c = container_of(n, struct conn, again);

		/* Half: so that not every stanza makes it stop and go. */
		if (c->reader == busy ||
		    loop_backlog(c->reader) > c->max_backlog / 2) {
			busy = c->reader;
			continue;
		}
		leave_list(c);
		c->is_read_off = false;
		conn_watch(c);
		if (c->ssl && conn_tls_has_pending(c))
			ready(c, EV_READ);
	}
	if (!list_is_empty(&cl->parked))
		loop_timer_set(cl->loop, t, RECHECK_MS);
}

static void
conn_loop_fini(void *local)
{
	free(local);
}

static struct conn_loop *
conn_loop_of(struct loop *l)
{
	struct conn_loop *cl = loop_local(l, sizeof(*cl), conn_loop_fini);

	if (!cl->loop) {
		cl->loop = l;
		cl->unread_mail.run = unread_run;
		cl->recheck.fn = recheck;
		list_init(&cl->unread);
		list_init(&cl->parked);
	}
	return cl;
}

static void
read_next_turn(struct conn *c)
{
	struct conn_loop *cl = conn_loop_of(c->io);

	if (c->again.next)
		return;
	list_append(&cl->unread, &c->again);
	if (cl->is_mail_sent)
		return;
	loop_send(cl->loop, cl->loop, &cl->unread_mail);
	cl->is_mail_sent = true;
	cl->mail_turn = loop_turn(cl->loop);
}

void
conn_read_soon(struct conn *c)
{
	leave_list(c);
	read_next_turn(c);
}

static void
park(struct conn *c)
{
	struct conn_loop *cl = conn_loop_of(c->io);

	leave_list(c);
	c->is_parked = c->is_read_off = true;
	list_append(&cl->parked, &c->again);
	if (!timer_is_set(&cl->recheck))
		loop_timer_set(cl->loop, &cl->recheck, RECHECK_MS);
	conn_watch(c);
}

/*
 * The end
 */

struct conn_rare *
conn_rare(struct conn *c)
{
	if (!c->rare) {
		c->rare = mem_zalloc(sizeof(*c->rare));
		c->rare->conn = c;
	}
	return c->rare;
}

void
conn_rare_free(struct conn *c)
{
	if (!c->rare)
		return;
	loop_timer_clear(c->io, &c->rare->linger);
	tls_config_unref(&c->rare->tls);
	free(c->rare->tls_name);
	free(c->rare);
	c->rare = NULL;
}

void
conn_finish(struct conn *c, const struct conn_why *why)
{
	enum conn_end end = c->is_closing ? CONN_CLOSED : why->end;

	if (c->is_ended)
		return;
	c->is_ended = true;
	if (c->watched)
		event_del(&c->ev);
	conn_tls_free(c);
	close(c->fd);
	c->fd = -1;
	conn_out_clear(c);
	conn_rare_free(c);
	loop_cancel_turn_end(&c->flush);
	leave_list(c);
	c->cls->on_end(c, c->user, end,
		       end == CONN_CLOSED ? NULL : why->detail);
}

static void
finish(struct conn *c, enum conn_end end)
{
	conn_finish(c, &(struct conn_why){ end, NULL });
}

enum conn_io
conn_broken(struct conn_why *why)
{
	why->end = CONN_RESET;
	why->detail = strerror(errno);
	return CONN_IO_ENDED;
}

/*
 * Reading
 */

void
conn_watch(struct conn *c)
{
	short want = EV_PERSIST;

	if (!c->is_read_off)
		want |= EV_READ;
	if (c->is_blocked || c->read_wants_write)
		want |= EV_WRITE;
	if (want == EV_PERSIST)
		want = 0;
	if (want == c->watched)
		return;
	if (c->watched)
		event_del(&c->ev);
	c->watched = want;
	if (!want)
		return;
	event_assign(&c->ev, loop_base(c->io), c->fd, want, on_event, c);
	event_add(&c->ev, NULL);
}

static void
read_off(struct conn *c)
{
	c->is_read_off = true;
	conn_watch(c);
}

static enum conn_io
read_plain(struct conn *c, char *buf, size_t size, size_t *n_out,
	   struct conn_why *why)
{
	ssize_t n;

	do
		n = recv(c->fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		*n_out = (size_t)n;
		return (size_t)n < size ? CONN_IO_BLOCKED : CONN_IO_OK;
	}
	if (n < 0 && errno == EAGAIN)
		return CONN_IO_BLOCKED;
	if (n < 0)
		return conn_broken(why);
	*why = (struct conn_why){ CONN_EOF, NULL };
	return CONN_IO_ENDED;
}

/* conn_close was called: what comes is of no interest, only its end. */
static void
drain(struct conn *c, char *buf, size_t size)
{
	struct conn_why why;
	size_t n;

	for (int i = 0; i < READS_MAX; i++) {
		switch (read_plain(c, buf, size, &n, &why)) {
		case CONN_IO_OK:
			continue;
		case CONN_IO_BLOCKED:
			return;
		case CONN_IO_ENDED:
			break;
		}
		if (c->is_shut || why.end != CONN_EOF) {
			finish(c, CONN_CLOSED);
			return;
		}
		c->has_eof = true;
		read_off(c);
		return;
	}
}

static void
on_idle(struct conn *c)
{
	if (c->cls->on_idle)
		c->cls->on_idle(c, c->user);
}

static void
read_data(struct conn *c, char *buf, size_t size)
{
	for (int i = 0; i < READS_MAX; i++) {
		struct conn_why why;
		enum conn_io io;
		size_t n = 0;

		io = c->ssl ? conn_tls_read(c, buf, size, &n, &why)
			    : read_plain(c, buf, size, &n, &why);
		if (n && !c->cls->on_data(c, c->user, buf, n))
			c->is_paused = true;
		if (io == CONN_IO_ENDED) {
			conn_finish(c, &why);
			return;
		}
		if (c->is_paused)
			return;
		if (io == CONN_IO_BLOCKED) {
			on_idle(c);
			return;
		}
	}
	if (c->ssl)
		read_next_turn(c);
}

static bool
is_their_turn(struct conn_loop *cl)
{
	if (cl->turn != loop_turn(cl->loop))
		cl->n_handshakes = 0;
	cl->turn = loop_turn(cl->loop);
	return cl->n_handshakes++ < HANDSHAKES_MAX;
}

/* True when application data may follow. */
static bool
handshake(struct conn *c)
{
	struct conn_why why;

	if (!is_their_turn(conn_loop_of(c->io))) {
		read_next_turn(c);
		return false;
	}
	switch (conn_tls_handshake(c, &why)) {
	case CONN_IO_OK:
		break;
	case CONN_IO_BLOCKED:
		conn_watch(c);
		return false;
	case CONN_IO_ENDED:
		conn_finish(c, &why);
		return false;
	}
	loop_at_turn_end(c->io, &c->flush);
	conn_watch(c);
	return true;
}

static void
readable(struct conn *c)
{
	static _Thread_local char buf[CONN_BUF];

	if (c->is_closing) {
		drain(c, buf, sizeof(buf));
		return;
	}
	/* Nobody may read now, and it is only now that it matters. In lockstep
	 * with a peer that waits for its answers it never does. */
	if (c->is_paused || c->is_starting_tls) {
		read_off(c);
		return;
	}
	if (c->is_handshaking && !handshake(c))
		return;
	if (c->max_backlog && loop_backlog(c->reader) > c->max_backlog) {
		park(c);
		return;
	}
	read_data(c, buf, sizeof(buf));
}

static void
ready(struct conn *c, short what)
{
	loop_enter(c->io);
	if (what & EV_WRITE) {
		if (c->read_wants_write)
			what |= EV_READ;
		c->is_blocked = c->read_wants_write = false;
		conn_out_flush(c);
	}
	if ((what & EV_READ) && !c->is_ended)
		readable(c);
}

static void
on_event(evutil_socket_t fd, short what, void *data)
{
	struct conn *c = data;
	struct loop *io = c->io;

	(void)fd;
	ready(c, what);
	loop_leave(io); /* after which c may be gone */
}

/*
 * What is asked of it
 */

static void
on_flush(struct turn_end *e)
{
	conn_out_flush(container_of(e, struct conn, flush));
}

static void
send_request(struct loop *self, struct conn *c, void (*run)(struct mail *m),
	     const struct request *with)
{
	struct request *r = mem_alloc(sizeof(*r));

	*r = with ? *with : (struct request){ 0 };
	r->conn = c;
	r->mail.run = run;
	loop_send(self, c->io, &r->mail);
}

static void
start_run(struct mail *m)
{
	struct request *r = container_of(m, struct request, mail);

	conn_out_flush(r->conn); /* TLS may be due */
	free(r);
}

struct conn *
conn_new(struct loop *self, struct loop *io, int fd,
	 const struct conn_class *cls, void *user,
	 const struct conn_options *opts)
{
	struct conn *c = mem_zalloc(sizeof(*c));

	c->cls = cls;
	c->user = user;
	c->io = io;
	c->reader = opts->reader;
	c->fd = fd;
	c->flush.fn = on_flush;
	c->max_queue = opts->max_queue < UINT32_MAX ? (uint32_t)opts->max_queue
						    : UINT32_MAX;
	if (c->reader)
		c->max_backlog = opts->max_backlog < UINT32_MAX
					 ? (uint32_t)opts->max_backlog
					 : UINT32_MAX;
	if (opts->tls) {
		conn_rare(c)->tls = tls_config_ref(opts->tls);
		if (opts->tls_client_name)
			c->rare->tls_name = mem_strdup(opts->tls_client_name);
		c->rare->tls_is_first = true;
		c->is_starting_tls = true;
	}
	send_request(self, c, start_run, NULL);
	return c;
}

static void
take_seg(struct conn *c, struct seg *s)
{
	if (c->is_ended || c->is_closing) {
		seg_free(s);
		return;
	}
	conn_out_add(c, s);
	if (s->is_bulk)
		loop_at_later_end(c->io, &c->flush);
	else
		loop_at_turn_end(c->io, &c->flush);
}

static void
write_run(struct mail *m)
{
	struct seg *s = container_of(m, struct seg, mail);

	take_seg(s->conn, s);
}

static void
send_seg(struct loop *self, struct conn *c, const char *head, size_t head_len,
	 struct chunk *tail, bool is_bulk)
{
	struct seg *s = mem_alloc(sizeof(*s) + head_len);

	s->mail.run = write_run;
	s->conn = c;
	s->tail = tail;
	s->head_len = head_len;
	s->is_bulk = is_bulk;
	if (head_len)
		memcpy(s->head, head, head_len);
	if (self == c->io)
		take_seg(c, s);
	else
		loop_send(self, c->io, &s->mail);
}

static void
write_parts(struct loop *self, struct conn *c, const char *head,
	    size_t head_len, struct chunk *tail, bool is_bulk)
{
	size_t tail_len = 0;

	if (tail)
		chunk_data(tail, &tail_len);
	if (head_len || tail_len)
		send_seg(self, c, head, head_len,
			 tail_len ? chunk_ref(tail) : NULL, is_bulk);
}

void
conn_write(struct loop *self, struct conn *c, const char *head, size_t head_len,
	   struct chunk *tail)
{
	write_parts(self, c, head, head_len, tail, false);
}

void
conn_write_bulk(struct loop *self, struct conn *c, const char *head,
		size_t head_len, struct chunk *tail)
{
	write_parts(self, c, head, head_len, tail, true);
}

/* Takes the reference and the name. */
static void
start_tls(struct conn *c, struct tls_config *tls, char *name)
{
	if (c->is_ended || c->is_closing) {
		tls_config_unref(&tls);
		free(name);
		return;
	}
	assert(!c->ssl && !c->is_starting_tls);
	conn_rare(c)->tls = tls;
	c->rare->tls_name = name;
	c->rare->plain_left = c->queued;
	c->is_starting_tls = true;
	c->is_paused = false;
	loop_at_turn_end(c->io, &c->flush);
}

static void
start_tls_run(struct mail *m)
{
	struct request *r = container_of(m, struct request, mail);

	start_tls(r->conn, r->tls, r->tls_name);
	free(r);
}

static void
ask_for_tls(struct loop *self, struct conn *c, struct tls_config *tls,
	    char *name)
{
	tls_config_ref(tls);
	if (self == c->io)
		start_tls(c, tls, name);
	else
		send_request(self, c, start_tls_run,
			     &(struct request){ .tls = tls, .tls_name = name });
}

void
conn_start_tls(struct loop *self, struct conn *c, struct tls_config *tls)
{
	ask_for_tls(self, c, tls, NULL);
}

void
conn_start_tls_client(struct loop *self, struct conn *c, struct tls_config *tls,
		      const char *name)
{
	ask_for_tls(self, c, tls, mem_strdup(name));
}

/* False where there was nothing to resume. */
static bool
unpause(struct conn *c)
{
	if (c->is_ended || c->is_closing || !c->is_paused)
		return false;
	c->is_paused = false;
	if (!c->is_parked) {
		c->is_read_off = false;
		conn_watch(c);
	}
	return true;
}

static void
resume_run(struct mail *m)
{
	struct request *r = container_of(m, struct request, mail);
	struct conn *c = r->conn;

	free(r);
	if (!unpause(c))
		return;
	if (c->ssl && conn_tls_has_pending(c))
		readable(c);
	else
		on_idle(c);
}

/* A fast peer's answer finds it ready, and not before the mail that would make
 * it so. */
void
conn_resume(struct loop *self, struct conn *c)
{
	if (self != c->io || c->cls->on_idle)
		send_request(self, c, resume_run, NULL);
	else if (unpause(c) && c->ssl && conn_tls_has_pending(c))
		read_next_turn(c);
}

static void
on_linger(struct timer *t)
{
	finish(container_of(t, struct conn_rare, linger)->conn, CONN_CLOSED);
}

static void
close_run(struct mail *m)
{
	struct request *r = container_of(m, struct request, mail);
	struct conn *c = r->conn;
	struct conn_rare *rare;

	if (c->is_ended || c->is_closing) {
		free(r);
		return;
	}
	c->is_closing = true;
	if (c->is_starting_tls || c->is_handshaking) {
		finish(c, CONN_CLOSED);
		free(r);
		return;
	}
	rare = conn_rare(c);
	rare->linger.fn = on_linger;
	loop_timer_set(c->io, &rare->linger, r->linger_ms);
	leave_list(c);
	c->is_read_off = false;
	loop_at_turn_end(c->io, &c->flush);
	free(r);
}

void
conn_close(struct loop *self, struct conn *c, int linger_ms)
{
	send_request(self, c, close_run,
		     &(struct request){ .linger_ms = linger_ms });
}

static void
release_run(struct mail *m)
{
	struct request *r = container_of(m, struct request, mail);

	finish(r->conn, CONN_CLOSED);
	free(r->conn);
	free(r);
}

void
conn_release(struct loop *self, struct conn *c)
{
	send_request(self, c, release_run, NULL);
}

struct loop *
conn_loop(const struct conn *c)
{
	return c->io;
}
