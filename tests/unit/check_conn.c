/* check_conn.c - connections without TLS, over socket pairs. */

#include "net/conn.h"

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clock fake;
static struct loop *core, *io;
static int peer; /* the other end */
static struct conn *conn;

/* What the connection told. */
static struct told {
	struct buf data;
	bool must_pause;
	int n_data, n_idle, n_end;
	enum conn_end why;
	char detail[128];
} told;

static bool
on_data(struct conn *c, void *user, char *data, size_t len)
{
	struct told *t = user;

	(void)c;
	ck_assert_int_eq(t->n_end, 0);
	buf_add(&t->data, data, len);
	memset(data, 'x', len);
	t->n_data++;
	return !t->must_pause;
}

static void
on_end(struct conn *c, void *user, enum conn_end why, const char *detail)
{
	struct told *t = user;

	(void)c;
	t->n_end++;
	t->why = why;
	snprintf(t->detail, sizeof(t->detail), "%s", detail ? detail : "");
}

static void
on_idle(struct conn *c, void *user)
{
	(void)c;
	((struct told *)user)->n_idle++;
}

static const struct conn_class cls = {
	.on_data = on_data,
	.on_end = on_end,
	.on_idle = on_idle,
};

/* Until nothing is left to do. */
static void
run(void)
{
	bool is_busy = true;

	while (is_busy) {
		is_busy = loop_step(core);
		is_busy = loop_step(io) || is_busy;
	}
}

static void
start(int type, const struct conn_options *opts)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	conn = conn_new(core, io, fds[0], &cls, &told, opts);
	run();
}

static void
setup(void)
{
	told = (struct told){ 0 };
	conn = NULL;
	peer = -1;
	clock_init_fake(&fake);
	core = loop_new("core", &fake);
	io = loop_new("io", &fake);
}

static void
setup_started(void)
{
	setup();
	start(SOCK_STREAM, &(struct conn_options){ .max_queue = 1 << 20,
						   .reader = core,
						   .max_backlog = 10 });
}

static void
teardown(void)
{
	if (conn)
		conn_release(core, conn);
	run();
	/* It comes once, whatever the test did. */
	if (conn)
		ck_assert_int_eq(told.n_end, 1);
	if (peer >= 0)
		close(peer);
	loop_free(core);
	loop_free(io);
	buf_fini(&told.data);
}

static void
say(const char *s)
{
	ck_assert_int_eq(write(peer, s, strlen(s)), (ssize_t)strlen(s));
}

static void
hear(const char *want)
{
	char buf[1000];
	ssize_t n = read(peer, buf, sizeof(buf) - 1);

	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, want);
}

static void
hear_nothing(void)
{
	char c;

	ck_assert_int_eq(read(peer, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void
hang_up(void)
{
	close(peer);
	peer = -1;
}

static void
put(const char *s)
{
	conn_write(core, conn, s, strlen(s), NULL);
}

START_TEST(reads)
{
	run();
	ck_assert_int_eq(told.n_data, 0);
	say("<iq/>");
	run();
	ck_assert_str_eq(told.data.data, "<iq/>");
	say("<a/>");
	say("<b/>");
	run();
	ck_assert_str_eq(told.data.data, "<iq/><a/><b/>");
	ck_assert_int_eq(told.n_data, 2);
	ck_assert_int_eq(told.n_end, 0);
}
END_TEST

START_TEST(reads_more_than_a_buffer)
{
	static char big[150000];

	memset(big, 'b', sizeof(big) - 1);
	say(big);
	run();
	ck_assert_uint_eq(told.data.len, sizeof(big) - 1);
	ck_assert_str_eq(told.data.data, big);
}
END_TEST

START_TEST(writes_heads_and_tails)
{
	struct chunk *tail = chunk_copy("<body/>", 7);

	conn_write(core, conn, "<a/>", 4, tail);
	conn_write(core, conn, "<b/>", 4, NULL);
	conn_write(core, conn, NULL, 0, tail);
	conn_write(core, conn, NULL, 0, NULL);
	chunk_unref(&tail);
	hear_nothing();
	run();
	hear("<a/><body/><b/><body/>");
	hear_nothing();
}
END_TEST

/* From its own loop too, in order. */
START_TEST(writes_from_both_loops)
{
	conn_write(io, conn, "1", 1, NULL);
	conn_write(io, conn, "2", 1, NULL);
	run();
	hear("12");
}
END_TEST

/* A packet socket shows what was one write. */
START_TEST(one_write_for_each_turn)
{
	start(SOCK_SEQPACKET, &(struct conn_options){ .max_queue = 1 << 20 });
	for (int i = 0; i < 40; i++)
		put("x");
	run();
	hear("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	hear_nothing();
	put("y");
	run();
	hear("y");
}
END_TEST

#define BIG_SEGS 300

/* Segments of odd sizes, more than the socket takes, to a slow reader. */
START_TEST(slow_reader_gets_all)
{
	struct buf want = { 0 }, got = { 0 };
	char piece[3000], in[7001];

	for (int i = 0; i < BIG_SEGS; i++) {
		size_t n = 1 + (size_t)i * 7919 % sizeof(piece);

		memset(piece, 'a' + i % 26, n);
		buf_add(&want, piece, n);
		if (i % 3 == 0) {
			struct chunk *tail =
				chunk_copy(piece + n / 2, n - n / 2);

			conn_write(core, conn, piece, n / 2, tail);
			chunk_unref(&tail);
		} else {
			conn_write(core, conn, piece, n, NULL);
		}
		if (i % 10 == 0)
			run();
	}
	run();
	while (got.len < want.len) {
		ssize_t n = read(peer, in, sizeof(in));

		ck_assert_int_gt(n, 0);
		buf_add(&got, in, (size_t)n);
		run();
	}
	ck_assert_uint_eq(got.len, want.len);
	ck_assert_mem_eq(got.data, want.data, want.len);
	hear_nothing();
	buf_fini(&want);
	buf_fini(&got);
}
END_TEST

START_TEST(full_queue_ends_it)
{
	static char big[1 << 19];

	memset(big, 'q', sizeof(big));
	for (int i = 0; i < 2; i++)
		conn_write(core, conn, big, sizeof(big), NULL);
	run();
	ck_assert_int_eq(told.n_end, 0);
	conn_write(core, conn, big, sizeof(big), NULL);
	run();
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_QUEUE_FULL);
	/* Later calls are without effect. */
	put("late");
	conn_resume(core, conn);
	conn_close(core, conn, 100);
	run();
	ck_assert_int_eq(told.n_end, 1);
}
END_TEST

START_TEST(eof_after_data)
{
	say("<last/>");
	hang_up();
	run();
	ck_assert_str_eq(told.data.data, "<last/>");
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_EOF);
}
END_TEST

START_TEST(pauses_until_resumed)
{
	told.must_pause = true;
	say("<auth/>");
	run();
	ck_assert_int_eq(told.n_idle, 0);
	say("<early/>");
	run();
	run();
	ck_assert_str_eq(told.data.data, "<auth/>");

	conn_resume(core, conn);
	run();
	ck_assert_str_eq(told.data.data, "<auth/><early/>");

	/* Resumed before anything more came. */
	told.must_pause = false;
	told.n_idle = 0;
	conn_resume(core, conn);
	run();
	ck_assert_int_eq(told.n_idle, 1);
	say("<next/>");
	run();
	ck_assert_str_eq(told.data.data, "<auth/><early/><next/>");
	ck_assert_int_eq(told.n_idle, 2);
}
END_TEST

static void
nop_run(struct mail *m)
{
	free(m);
}

static void
load_core(int n)
{
	for (int i = 0; i < n; i++) {
		struct mail *m = mem_zalloc(sizeof(*m));

		m->run = nop_run;
		loop_post(core, m);
	}
}

START_TEST(waits_for_a_busy_reader)
{
	load_core(11);
	say("<iq/>");
	loop_step(io);
	loop_step(io);
	ck_assert_int_eq(told.n_data, 0);

	/* Still too much. */
	clock_advance(&fake, 10);
	loop_step(io);
	loop_step(io);
	ck_assert_int_eq(told.n_data, 0);

	loop_step(core);
	clock_advance(&fake, 10);
	run();
	ck_assert_str_eq(told.data.data, "<iq/>");

	/* Up to the limit it is read. */
	load_core(10);
	say("<iq/>");
	loop_step(io);
	ck_assert_int_eq(told.n_data, 2);
}
END_TEST

START_TEST(close_flushes_and_waits_for_the_peer)
{
	put("</stream>");
	conn_close(core, conn, 1000);
	put("dropped");
	run();
	hear("</stream>");
	hear(""); /* our end is closed */
	say("<too-late/>");
	run();
	ck_assert_int_eq(told.n_data, 0);
	ck_assert_int_eq(told.n_end, 0);
	hang_up();
	run();
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_CLOSED);
}
END_TEST

START_TEST(close_does_not_wait_forever)
{
	conn_close(core, conn, 1000);
	run();
	clock_advance(&fake, 999);
	run();
	ck_assert_int_eq(told.n_end, 0);
	clock_advance(&fake, 1);
	run();
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_CLOSED);
}
END_TEST

/* The peer has said its last word and still reads ours. */
START_TEST(close_after_half_close)
{
	static char big[1 << 20], in[1 << 16];
	size_t got = 0;
	ssize_t n;

	memset(big, 'h', sizeof(big));
	conn_write(core, conn, big, sizeof(big), NULL);
	conn_close(core, conn, 1000);
	loop_step(core);
	loop_step(io);
	shutdown(peer, SHUT_WR);
	run();
	ck_assert_int_eq(told.n_end, 0);
	while ((n = read(peer, in, sizeof(in))) > 0) {
		got += (size_t)n;
		run();
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(got, sizeof(big));
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_CLOSED);
}
END_TEST

START_TEST(close_while_paused)
{
	told.must_pause = true;
	say("<a/>");
	run();
	say("<b/>");
	run();
	conn_close(core, conn, 1000);
	run();
	hang_up();
	run();
	ck_assert_int_eq(told.n_data, 1);
	ck_assert_int_eq(told.n_end, 1);
}
END_TEST

/* on_end comes here too, so that what belongs to the connection can go. */
START_TEST(released_before_its_end)
{
	say("<a/>");
	put("never");
	conn_release(core, conn);
	conn = NULL;
	run();
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_CLOSED);
}
END_TEST

/* In the turn of its start. */
START_TEST(released_at_once)
{
	int fds[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	conn = conn_new(core, io, fds[0], &cls, &told,
			&(struct conn_options){ 0 });
	ck_assert_ptr_eq(conn_loop(conn), io);
	conn_release(core, conn);
	conn = NULL;
	run();
	ck_assert_int_eq(told.n_end, 1);
	hear("");
}
END_TEST

/* A connection over TCP; the client's end. */
static int
tcp_pair(int *server_end)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM, 0), client;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	getsockname(l, (struct sockaddr *)&sin, &len);
	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sin, len), 0);
	*server_end = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(*server_end, 0);
	close(l);
	return client;
}

START_TEST(reset_by_peer)
{
	struct linger hard = { .l_onoff = 1 };
	int fd;

	peer = tcp_pair(&fd);
	conn = conn_new(core, io, fd, &cls, &told, &(struct conn_options){ 0 });
	run();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	hang_up();
	run();
	ck_assert_int_eq(told.n_end, 1);
	ck_assert_int_eq(told.why, CONN_RESET);
	ck_assert_str_eq(told.detail, "Connection reset by peer");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conn"), *own = tcase_create("own start");

	peer = -1;
	tcase_add_checked_fixture(tc, setup_started, teardown);
	tcase_add_test(tc, reads);
	tcase_add_test(tc, reads_more_than_a_buffer);
	tcase_add_test(tc, writes_heads_and_tails);
	tcase_add_test(tc, writes_from_both_loops);
	tcase_add_test(tc, slow_reader_gets_all);
	tcase_add_test(tc, full_queue_ends_it);
	tcase_add_test(tc, eof_after_data);
	tcase_add_test(tc, pauses_until_resumed);
	tcase_add_test(tc, waits_for_a_busy_reader);
	tcase_add_test(tc, close_flushes_and_waits_for_the_peer);
	tcase_add_test(tc, close_does_not_wait_forever);
	tcase_add_test(tc, close_after_half_close);
	tcase_add_test(tc, close_while_paused);
	tcase_add_test(tc, released_before_its_end);
	tcase_add_checked_fixture(own, setup, teardown);
	tcase_add_test(own, one_write_for_each_turn);
	tcase_add_test(own, released_at_once);
	tcase_add_test(own, reset_by_peer);
	return unit_run_all((TCase *const[]){ tc, own, NULL });
}
