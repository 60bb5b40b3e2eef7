/* check_conn_tls.c - connections with TLS: the client is OpenSSL itself. */

#include "base/buf.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/err.h"
#include "certs.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clock fake;
static struct loop *core, *io;
static struct conn *conn;
static struct tls_config *config;

/* The other end. */
static int peer = -1;
static SSL_CTX *client_ctx;
static SSL *client;

/* What the connection told. */
static struct buf data;
static struct tls_info info;
static bool must_pause;
static int n_data, n_idle, n_secure, n_end;
static enum conn_end end_why;
static char end_detail[128];

static bool
on_data(struct conn *c, void *user, char *bytes, size_t len)
{
	(void)c;
	(void)user;
	n_data++;
	buf_add(&data, bytes, len);
	return !must_pause;
}

static void
on_secure(struct conn *c, void *user, const struct tls_info *i)
{
	(void)c;
	(void)user;
	n_secure++;
	info = *i;
}

static void
on_end(struct conn *c, void *user, enum conn_end why, const char *detail)
{
	(void)c;
	(void)user;
	n_end++;
	end_why = why;
	snprintf(end_detail, sizeof(end_detail), "%s", detail ? detail : "");
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static void
on_idle(struct conn *c, void *user)
{
	(void)c;
	(void)user;
	n_idle++;
}

static const struct conn_class cls = {
	.on_data = on_data,
	.on_secure = on_secure,
	.on_end = on_end,
	.on_idle = on_idle,
};

static void
run(void)
{
	bool any;

	do {
		any = loop_step(core);
		any |= loop_step(io);
	} while (any);
}

static int
socket_pair(void)
{
	int fds[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	return fds[0];
}

static void
start(size_t max_queue)
{
	int fd = socket_pair();

	conn = conn_new(core, io, fd, &cls, NULL,
			&(struct conn_options){ .max_queue = max_queue,
						.reader = core,
						.max_backlog = 10 });
}

static void
new_client(void)
{
	client = SSL_new(client_ctx);
	SSL_set_fd(client, peer);
	SSL_set_connect_state(client);
}

static void
shake(void)
{
	for (int i = 0; i < 10; i++) {
		if (SSL_do_handshake(client) == 1 && n_secure)
			break;
		run();
	}
	ck_assert_int_eq(n_secure, 1);
	ERR_clear_error();
}

static void
setup_with(int version)
{
	struct err err;
	struct tls_cert *cert = tls_cert_load(
		cert_make("server.pem", &(struct cert_spec){ 0 }), NULL, &err);

	must_pause = false;
	n_data = n_idle = n_secure = n_end = 0;
	ck_assert_msg(cert != NULL, "%s", err.text);
	config = tls_config_new(&(struct tls_settings){ 0 }, cert, &err);
	ck_assert_msg(config != NULL, "%s", err.text);
	tls_cert_unref(&cert);
	client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(client_ctx, version);
	SSL_CTX_set_mode(client_ctx,
			 SSL_MODE_ENABLE_PARTIAL_WRITE |
				 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	clock_init_fake(&fake);
	core = loop_new("core", &fake);
	io = loop_new("io", &fake);
	start(1 << 22);
}

static void
teardown(void)
{
	SSL_free(client);
	client = NULL;
	SSL_CTX_free(client_ctx);
	if (conn) {
		conn_release(core, conn);
		run();
		ck_assert_int_eq(n_end, 1);
	}
	tls_config_unref(&config);
	if (peer >= 0)
		close(peer);
	loop_free(core);
	loop_free(io);
	buf_fini(&data);
}

/* The fixture of most: secured, with TLS 1.3. */
static void
setup_secure(void)
{
	setup_with(TLS1_3_VERSION);
	conn_start_tls(core, conn, config);
	new_client();
	shake();
	run();
	n_idle = 0;
}

static void
setup_plain(void)
{
	setup_with(TLS1_3_VERSION);
}

static void
say(const char *s)
{
	ck_assert_int_eq(SSL_write(client, s, (int)strlen(s)), (int)strlen(s));
}

/* What the client reads now is want. */
static void
hear(const char *want)
{
	char in[1000];
	int n = SSL_read(client, in, sizeof(in) - 1);

	ck_assert_int_ge(n, 0);
	in[n] = '\0';
	ck_assert_str_eq(in, want);
}

static void
hear_nothing(void)
{
	char c;
	int n = SSL_read(client, &c, 1);

	ck_assert_int_le(n, 0);
	ck_assert_int_eq(SSL_get_error(client, n), SSL_ERROR_WANT_READ);
}

static void
put(const char *s)
{
	conn_write(core, conn, s, strlen(s), NULL);
}

static void
hang_up(void)
{
	close(peer);
	peer = -1;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* STARTTLS: the last plain bytes, then the handshake, then what was written
 * meanwhile. */
START_TEST(after_plain_text)
{
	char in[100] = "";

	setup_with(versions[_i]);
	must_pause = true;
	ck_assert_int_eq(write(peer, "<starttls/>", 11), 11);
	run();
	ck_assert_str_eq(data.data, "<starttls/>");
	put("<proceed/>");
	conn_start_tls(core, conn, config);
	put("early");
	run();
	ck_assert_int_eq(read(peer, in, sizeof(in)), 10);
	ck_assert_str_eq(in, "<proceed/>");
	ck_assert_int_eq(n_secure, 0);

	must_pause = false;
	new_client();
	shake();
	ck_assert_str_eq(info.version, _i ? "1.3" : "1.2");
	ck_assert(info.has_exporter);
	run();
	hear("early");
	say("<secret/>");
	run();
	ck_assert_str_eq(data.data, "<starttls/><secret/>");
	put("<answer/>");
	put("<more/>");
	run();
	hear("<answer/><more/>");
	ck_assert_int_eq(n_end, 0);
}
END_TEST

/* The plain bytes do not fit into the socket at once. */
START_TEST(after_much_plain_text)
{
	static char big[1 << 20], in[1 << 20];
	size_t got = 0;

	memset(big, 'p', sizeof(big));
	conn_write(core, conn, big, sizeof(big), NULL);
	conn_start_tls(core, conn, config);
	put("early");
	run();
	while (got < sizeof(big)) {
		ssize_t n = read(peer, in + got, sizeof(in) - got);

		ck_assert_int_gt(n, 0);
		got += (size_t)n;
		run();
	}
	ck_assert_mem_eq(in, big, sizeof(big));
	ck_assert_int_eq(read(peer, in, 1), -1);
	new_client();
	shake();
	run();
	hear("early");
}
END_TEST

/* What was sent in the clear behind <starttls/> and was not read yet is not
 * part of the secured stream. */
START_TEST(injected_plain_text)
{
	must_pause = true;
	ck_assert_int_eq(write(peer, "<starttls/>", 11), 11);
	run();
	ck_assert_int_eq(write(peer, "<iq type='set'/>", 16), 16);
	run();
	conn_start_tls(core, conn, config);
	run();
	ck_assert_str_eq(data.data, "<starttls/>");
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_TLS_FAILED);
	ck_assert_str_ne(end_detail, "");
}
END_TEST

static void
start_tls_here(struct mail *m)
{
	(void)m;
	conn_start_tls(io, conn, config);
}

/* Asked for on its own loop: the client's first bytes, which are there
 * already, are not taken for plain ones. */
START_TEST(begins_with_tls_from_its_own_loop)
{
	struct mail m = { .run = start_tls_here };

	new_client();
	ck_assert_int_le(SSL_do_handshake(client), 0);
	loop_send(core, io, &m);
	shake();
	ck_assert_uint_eq(data.len, 0);
}
END_TEST

/* TLS from the first byte, which has come before the connection is made. */
START_TEST(begins_with_tls)
{
	conn_release(core, conn);
	run();
	close(peer);
	n_end = 0;

	for (int i = 0; i < 2; i++) {
		int fd = socket_pair();

		new_client();
		ck_assert_int_eq(SSL_do_handshake(client), -1);
		conn = conn_new(core, io, fd, &cls, NULL,
				&(struct conn_options){ .max_queue = 1000,
							.tls = config });
		if (i)
			break;
		conn_release(core, conn); /* at once */
		run();
		ck_assert_int_eq(n_end, 1);
		SSL_free(client);
		close(peer);
		n_end = 0;
	}
	shake();
	say("<first/>");
	run();
	ck_assert_str_eq(data.data, "<first/>");
}
END_TEST

/* Handshake and first stanza in one go. */
START_TEST(data_with_finished)
{
	conn_start_tls(core, conn, config);
	new_client();
	ck_assert_int_eq(SSL_do_handshake(client), -1);
	run();
	ck_assert_int_eq(SSL_do_handshake(client), 1);
	say("<first/>");
	run();
	ck_assert_int_eq(n_secure, 1);
	ck_assert_str_eq(data.data, "<first/>");
	ck_assert_int_eq(n_idle, 1);
}
END_TEST

#define CROWD 20

static int
answered(const int *peers)
{
	char c;
	int n = 0;

	for (int i = 0; i < CROWD; i++)
		n += recv(peers[i], &c, 1, MSG_PEEK) > 0;
	return n;
}

/* Not all handshakes of a crowd fall into one turn. */
START_TEST(crowd)
{
	struct conn *conns[CROWD] = { conn };
	SSL *clients[CROWD];
	int peers[CROWD] = { peer };

	for (int i = 0; i < CROWD; i++) {
		if (i) {
			start(1000);
			conns[i] = conn;
			peers[i] = peer;
		}
		conn_start_tls(core, conn, config);
		new_client();
		clients[i] = client;
		ck_assert_int_eq(SSL_do_handshake(client), -1);
	}
	loop_step(core);
	loop_step(io); /* they begin */
	loop_step(io);
	ck_assert_int_gt(answered(peers), 0);
	ck_assert_int_lt(answered(peers), CROWD);
	run();
	ck_assert_int_eq(answered(peers), CROWD);
	for (int i = 0; i < CROWD; i++)
		ck_assert_int_eq(SSL_do_handshake(clients[i]), 1);
	run();
	ck_assert_int_eq(n_secure, CROWD);

	for (int i = 1; i < CROWD; i++) {
		conn_release(core, conns[i]);
		SSL_free(clients[i]);
		close(peers[i]);
	}
	run();
	ck_assert_int_eq(n_end, CROWD - 1);
	n_end = 0;
	conn = conns[0];
	client = clients[0];
	peer = peers[0];
}
END_TEST

START_TEST(eof_in_handshake)
{
	conn_start_tls(core, conn, config);
	run();
	hang_up();
	run();
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_TLS_FAILED);
	ck_assert_str_eq(end_detail, "the peer closed during the handshake");
}
END_TEST

START_TEST(close_in_handshake)
{
	conn_start_tls(core, conn, config);
	put("never in the clear");
	run();
	conn_close(core, conn, 1000);
	run();
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_CLOSED);
	ck_assert_int_eq(read(peer, end_detail, 1), 0);
}
END_TEST

static void
damaged(void)
{
	/* A record of application data that no key made. */
	static const char junk[] = "\x17\x03\x03\x00\x20"
				   "0123456789abcdef0123456789abcdef";

	ck_assert_int_eq(write(peer, junk, sizeof(junk) - 1), sizeof(junk) - 1);
}

START_TEST(damaged_record)
{
	say("<before/>");
	damaged();
	run();
	ck_assert_str_eq(data.data, "<before/>");
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_TLS_FAILED);
	ck_assert_str_eq(end_detail, "decryption failed or bad record mac");
}
END_TEST

START_TEST(eof_with_close_notify)
{
	say("<last/>");
	SSL_shutdown(client);
	run();
	ck_assert_str_eq(data.data, "<last/>");
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_EOF);
}
END_TEST

START_TEST(eof_without_close_notify)
{
	say("<last/>");
	hang_up();
	run();
	ck_assert_str_eq(data.data, "<last/>");
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_EOF);
}
END_TEST

START_TEST(close_says_close_notify)
{
	char c;
	int n;

	put("</stream>");
	conn_close(core, conn, 1000);
	run();
	hear("</stream>");
	n = SSL_read(client, &c, 1);
	ck_assert_int_eq(SSL_get_error(client, n), SSL_ERROR_ZERO_RETURN);
	ck_assert_int_eq(read(peer, &c, 1), 0);
	ck_assert_int_eq(n_end, 0);
	say("<late/>");
	run();
	ck_assert_int_eq(n_data, 0);
	SSL_shutdown(client);
	hang_up();
	run();
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_CLOSED);
}
END_TEST

/* More than the socket takes, in pieces of all sizes, with a close_notify that
 * has to wait for its turn. */
START_TEST(slow_reader_gets_all)
{
	struct buf want = { 0 }, got = { 0 };
	char piece[40000], in[5001];
	int n;

	for (int i = 0; i < 200; i++) {
		size_t len =
			1 + (size_t)i * 7919 % (i % 20 ? 900 : sizeof(piece));
		struct chunk *tail;

		memset(piece, 'a' + i % 26, len);
		buf_add(&want, piece, len);
		tail = chunk_copy(piece + len / 3, len - len / 3);
		conn_write(core, conn, piece, len / 3, tail);
		chunk_unref(&tail);
		if (i % 4 == 0)
			run();
	}
	conn_close(core, conn, 60000);
	run();
	while ((n = SSL_read(client, in, sizeof(in))) > 0) {
		buf_add(&got, in, (size_t)n);
		run();
	}
	ck_assert_int_eq(SSL_get_error(client, n), SSL_ERROR_ZERO_RETURN);
	ck_assert_uint_eq(got.len, want.len);
	ck_assert_mem_eq(got.data, want.data, want.len);
	hang_up();
	run();
	ck_assert_int_eq(end_why, CONN_CLOSED);
	buf_fini(&want);
	buf_fini(&got);
}
END_TEST

/*
 * Records, n times as many as OpenSSL reads at once (16709 bytes), less two: so
 * that each read ends within a header and calls for the next. Five of them are
 * more than conn.c reads in one go (four times 16 KiB), and it stops where TLS
 * holds the rest and the socket has nothing to announce.
 */
#define FLOOD 16333

static void
flood(int n)
{
	char big[1000];

	memset(big, 'f', sizeof(big));
	for (int i = 0; i < 17 * n; i++) {
		int len = i % 17 == 16 ? 333 : 1000;

		ck_assert_int_eq(SSL_write(client, big, len), len);
	}
}

/* One turn gives others theirs; nothing stays behind, though the socket has
 * nothing left to announce. */
START_TEST(flood_in_turns)
{
	flood(5);
	loop_step(io);
	ck_assert_uint_gt(data.len, 0);
	ck_assert_uint_lt(data.len, 5 * FLOOD);
	run();
	ck_assert_uint_eq(data.len, 5 * FLOOD);
	ck_assert_int_ge(n_idle, 1);
	say("!");
	run();
	ck_assert_uint_eq(data.len, 5 * FLOOD + 1);
}
END_TEST

START_TEST(pause_with_pending_records)
{
	flood(2);
	must_pause = true;
	run();
	ck_assert_int_eq(n_data, 1);
	for (int i = 1; data.len < 2 * FLOOD; i++) {
		ck_assert_int_eq(n_data, i);
		conn_resume(core, conn);
		run();
	}
	ck_assert_uint_eq(data.len, 2 * FLOOD);
	must_pause = false;
	n_idle = 0;
	conn_resume(core, conn);
	run();
	ck_assert_int_eq(n_idle, 1);
}
END_TEST

static void
nop_run(struct mail *m)
{
	free(m);
}

/* A busy reader, while TLS holds records that the socket has given. */
START_TEST(busy_reader_with_pending_records)
{
	flood(5);
	loop_step(io);
	ck_assert_uint_lt(data.len, 5 * FLOOD);
	for (int i = 0; i < 20; i++) {
		struct mail *m = mem_zalloc(sizeof(*m));

		m->run = nop_run;
		loop_post(core, m);
	}
	n_data = 0;
	loop_step(io);
	loop_step(io);
	ck_assert_int_eq(n_data, 0);
	loop_step(core);
	clock_advance(&fake, 10);
	run();
	ck_assert_uint_eq(data.len, 5 * FLOOD);
}
END_TEST

START_TEST(full_queue)
{
	static char big[1 << 22];

	conn_write(core, conn, big, sizeof(big), NULL);
	run();
	ck_assert_int_eq(n_end, 0);
	conn_write(core, conn, big, sizeof(big), NULL);
	run();
	ck_assert_int_eq(n_end, 1);
	ck_assert_int_eq(end_why, CONN_QUEUE_FULL);
}
END_TEST

/* RFC 8446, 4.6.3: the peer may ask for new keys at any time. */
START_TEST(key_update)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
			SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
		say("<a/>");
		run();
		put("<b/>");
		run();
		hear("<b/>");
	}
	ck_assert_str_eq(data.data, "<a/><a/><a/>");
}
END_TEST

/* A failure of one is none of the other's: they share an error queue. */
START_TEST(neighbours)
{
	struct conn *first = conn;
	SSL *first_client = client;
	int first_peer = peer;

	n_secure = 0;
	start(1000);
	conn_start_tls(core, conn, config);
	new_client();
	shake();
	run();
	damaged();
	ck_assert_int_eq(SSL_write(first_client, "<a/>", 4), 4);
	run();
	ck_assert_int_eq(n_end, 1);
	ck_assert_str_eq(data.data, "<a/>");
	conn_release(core, conn);
	SSL_free(client);
	close(peer);
	n_end = 0;

	conn = first;
	client = first_client;
	peer = first_peer;
	put("<b/>");
	run();
	hear("<b/>");
	hear_nothing();
}
END_TEST

int
main(void)
{
	TCase *any = tcase_create("versions"), *plain = tcase_create("plain"),
	      *tls = tcase_create("tls");

	certs_dir();
	tcase_add_checked_fixture(any, NULL, teardown);
	tcase_add_loop_test(any, after_plain_text, 0, N_ELEMENTS(versions));
	tcase_add_checked_fixture(plain, setup_plain, teardown);
	tcase_add_test(plain, after_much_plain_text);
	tcase_add_test(plain, injected_plain_text);
	tcase_add_test(plain, begins_with_tls);
	tcase_add_test(plain, begins_with_tls_from_its_own_loop);
	tcase_add_test(plain, data_with_finished);
	tcase_add_test(plain, crowd);
	tcase_add_test(plain, eof_in_handshake);
	tcase_add_test(plain, close_in_handshake);
	tcase_add_checked_fixture(tls, setup_secure, teardown);
	tcase_add_test(tls, damaged_record);
	tcase_add_test(tls, eof_with_close_notify);
	tcase_add_test(tls, eof_without_close_notify);
	tcase_add_test(tls, close_says_close_notify);
	tcase_add_test(tls, slow_reader_gets_all);
	tcase_add_test(tls, flood_in_turns);
	tcase_add_test(tls, pause_with_pending_records);
	tcase_add_test(tls, busy_reader_with_pending_records);
	tcase_add_test(tls, full_queue);
	tcase_add_test(tls, key_update);
	tcase_add_test(tls, neighbours);
	return unit_run_all((TCase *const[]){ any, plain, tls, NULL });
}
