/* conn_out.c - the output queue: gathered once for each turn. */

#include "base/chunk.h"
#include "net/conn_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define IOV_N 128

struct piece {
	const char *data;
	size_t len;
};

static size_t
seg_len(const struct seg *s)
{
	size_t len = 0;

	if (s->tail)
		chunk_data(s->tail, &len);
	return s->head_len + len;
}

void
seg_free(struct seg *s)
{
	chunk_unref(&s->tail);
	free(s);
}

void
conn_out_add(struct conn *c, struct seg *s)
{
	s->mail.next = NULL;
	if (c->first)
		c->last->mail.next = &s->mail;
	else
		c->first = s;
	c->last = s;
	c->queued += seg_len(s);
}

static struct seg *
seg_next(const struct seg *s)
{
	return s->mail.next ? container_of(s->mail.next, struct seg, mail)
			    : NULL;
}

static void
drop_first(struct conn *c)
{
	struct seg *s = c->first;

	c->first = seg_next(s);
	c->written = 0;
	seg_free(s);
}

void
conn_out_clear(struct conn *c)
{
	while (c->first)
		drop_first(c);
	c->last = NULL;
	c->queued = 0;
}

/* n bytes from the queue's start are gone. */
static void
consume(struct conn *c, size_t n)
{
	c->queued -= n;
	c->written += n;
	for (size_t len; c->first && c->written >= (len = seg_len(c->first));) {
		size_t rest = c->written - len;

		drop_first(c);
		c->written = rest;
	}
	assert(c->first || !c->written);
}

/* The pieces at the queue's start, at most max and limit bytes in all. */
static int
pieces(const struct conn *c, struct piece *out, int max, size_t limit)
{
	size_t skip = c->written;
	int n = 0;

	for (struct seg *s = c->first; s && limit; s = seg_next(s)) {
		struct piece p[2] = { { s->head, s->head_len }, { NULL, 0 } };

		if (s->tail)
			p[1].data = chunk_data(s->tail, &p[1].len);
		for (int i = 0; i < 2 && limit; i++) {
			size_t cut = skip < p[i].len ? skip : p[i].len;

			skip -= cut;
			p[i].len -= cut;
			if (!p[i].len)
				continue;
			p[i].data += cut;
			if (p[i].len > limit)
				p[i].len = limit;
			limit -= p[i].len;
			out[n++] = p[i];
			if (n == max)
				return n;
		}
	}
	return n;
}

static enum conn_io
write_plain(struct conn *c, size_t limit, size_t *n_out, struct conn_why *why)
{
	struct piece p[IOV_N];
	struct iovec iov[IOV_N];
	struct msghdr msg = { .msg_iov = iov };
	int n_pieces = pieces(c, p, IOV_N, limit);
	ssize_t n;

	for (int i = 0; i < n_pieces; i++)
		iov[i] = (struct iovec){ (void *)p[i].data, p[i].len };
	msg.msg_iovlen = (size_t)n_pieces;
	do
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		*n_out = (size_t)n;
		return CONN_IO_OK;
	}
	if (errno == EAGAIN)
		return CONN_IO_BLOCKED;
	return conn_broken(why);
}

/*
 * One record of what the queue begins with. After CONN_IO_BLOCKED OpenSSL wants
 * the same bytes again, and at least as many: the queue's start stays and its
 * end only grows, so gathering again gives that.
 */
static enum conn_io
write_tls(struct conn *c, size_t *n_out, struct conn_why *why)
{
	static _Thread_local char buf[CONN_BUF];
	struct piece p[IOV_N];
	int n_pieces = pieces(c, p, IOV_N, CONN_BUF);
	size_t len = 0;

	if (n_pieces == 1)
		return conn_tls_write(c, p[0].data, p[0].len, n_out, why);
	for (int i = 0; i < n_pieces; i++) {
		memcpy(buf + len, p[i].data, p[i].len);
		len += p[i].len;
	}
	return conn_tls_write(c, buf, len, n_out, why);
}

/* Until the queue is empty, or no more can be written now. */
static enum conn_io
write_all(struct conn *c, struct conn_why *why)
{
	enum conn_io io = CONN_IO_OK;
	size_t n;

	while (io == CONN_IO_OK && c->first) {
		size_t limit = SIZE_MAX;

		if (c->is_starting_tls) {
			limit = c->rare->plain_left;
			if (!limit)
				return CONN_IO_OK;
		}
		n = 0;
		io = c->ssl ? write_tls(c, &n, why)
			    : write_plain(c, limit, &n, why);
		if (io != CONN_IO_OK)
			break;
		consume(c, n);
		if (c->is_starting_tls)
			c->rare->plain_left -= n;
	}
	return io;
}

/* All is written: the next step of a conn_close. */
static enum conn_io
shut(struct conn *c)
{
	if (c->ssl && conn_tls_shutdown(c) == CONN_IO_BLOCKED)
		return CONN_IO_BLOCKED;
	shutdown(c->fd, SHUT_WR);
	c->is_shut = true;
	return CONN_IO_OK;
}

void
conn_out_flush(struct conn *c)
{
	struct conn_why why = { CONN_QUEUE_FULL, NULL };
	enum conn_io io = CONN_IO_BLOCKED;

	if (c->is_ended || c->is_shut)
		return;
	if (!c->is_blocked && !c->is_handshaking)
		io = write_all(c, &why);
	if (io == CONN_IO_ENDED || c->queued > c->max_queue) {
		conn_finish(c, &why);
		return;
	}
	if (io == CONN_IO_OK && c->is_closing)
		io = shut(c);
	if (io == CONN_IO_OK && c->is_starting_tls)
		conn_tls_begin(c);
	c->is_blocked = io == CONN_IO_BLOCKED && !c->is_handshaking;
	if (c->is_shut && c->has_eof) {
		conn_finish(c, &(struct conn_why){ CONN_CLOSED, NULL });
		return;
	}
	conn_watch(c);
}
