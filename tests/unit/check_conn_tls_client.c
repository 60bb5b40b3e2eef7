/* check_conn_tls_client.c - connections that we begin: the client's side of
 * TLS. Both ends are ours, or the other one is no good. */

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "certs.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clock fake;
static struct loop *core, *io;
static struct tls_config *at, *to; /* the server's, the client's */

/* One end, and what it told. */
struct end {
	struct conn *conn;
	struct buf data;
	struct tls_info info;
	int n_secure, n_end;
	enum conn_end why;
	char detail[128];
	bool must_pause;
};

static struct end dialed, dialing;
static int peer = -1; /* in place of `dialed` */

static bool
on_data(struct conn *c, void *user, char *bytes, size_t len)
{
	struct end *e = user;

	(void)c;
	buf_add(&e->data, bytes, len);
	return !e->must_pause;
}

static void
on_secure(struct conn *c, void *user, const struct tls_info *info)
{
	struct end *e = user;

	(void)c;
	e->n_secure++;
	tls_info_copy(&e->info, info);
}

static void
on_end(struct conn *c, void *user, enum conn_end why, const char *detail)
{
	struct end *e = user;

	(void)c;
	e->n_end++;
	e->why = why;
	snprintf(e->detail, sizeof(e->detail), "%s", detail ? detail : "");
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static const struct conn_class cls = {
	.on_data = on_data,
	.on_secure = on_secure,
	.on_end = on_end,
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

static void
start(struct end *e, int fd, struct tls_config *tls, const char *name)
{
	e->conn = conn_new(core, io, fd, &cls, e,
			   &(struct conn_options){ .max_queue = 1 << 20,
						   .tls = tls,
						   .tls_client_name = name });
}

static void
socket_pair(int fds[2])
{
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

/* Both ends are ours. */
static void
connect_ends(bool direct)
{
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], direct ? at : NULL, NULL);
	start(&dialing, fds[1], direct ? to : NULL,
	      direct ? "b.example" : NULL);
}

/* The other end is a socket that the test has. */
static void
connect_peer(bool direct)
{
	int fds[2];

	socket_pair(fds);
	peer = fds[0];
	start(&dialing, fds[1], direct ? to : NULL,
	      direct ? "b.example" : NULL);
}

static void
setup(void)
{
	struct err err;
	const char *ca = cert_make(
		"ca.pem", &(struct cert_spec){ .cn = "CA", .is_ca = true });
	struct tls_settings s = { .ask_client_cert = true,
				  .clients_are_servers = true,
				  .alpn = "xmpp-server",
				  .ca_path = ca };
	struct tls_cert *b = tls_cert_load(
		cert_make("b.pem", &(struct cert_spec){ .issuer = ca,
							.san = "DNS:b."
							       "example" }),
		NULL, &err);
	struct tls_cert *a = tls_cert_load(
		cert_make("a.pem", &(struct cert_spec){ .issuer = ca,
							.san = "DNS:a."
							       "example" }),
		NULL, &err);

	at = tls_config_new(&s, b, &err);
	to = tls_config_new_client(&s, a, &err);
	ck_assert(at && to);
	tls_cert_unref(&a);
	tls_cert_unref(&b);
	clock_init_fake(&fake);
	core = loop_new("core", &fake);
	io = loop_new("io", &fake);
}

static void
end_fini(struct end *e)
{
	if (e->conn) {
		conn_release(core, e->conn);
		run();
		ck_assert_int_eq(e->n_end, 1);
	}
	buf_fini(&e->data);
	tls_info_fini(&e->info);
	*e = (struct end){ 0 };
}

static void
teardown(void)
{
	end_fini(&dialing);
	end_fini(&dialed);
	if (peer >= 0)
		close(peer);
	peer = -1;
	tls_config_unref(&at);
	tls_config_unref(&to);
	loop_free(core);
	loop_free(io);
}

static void
put(struct end *e, const char *s)
{
	conn_write(core, e->conn, s, strlen(s), NULL);
}

static void
check_secure(void)
{
	ck_assert_int_eq(dialing.n_secure, 1);
	ck_assert_int_eq(dialed.n_secure, 1);
	ck_assert_int_eq(dialing.n_end + dialed.n_end, 0);
	ck_assert_str_eq(dialing.info.peer_error, "");
	ck_assert_str_eq(dialed.info.peer_error, "");
	ck_assert(tls_info_is_for(&dialing.info, "b.example", "xmpp-server"));
	ck_assert(tls_info_is_for(&dialed.info, "a.example", "xmpp-server"));
	ck_assert_str_eq(dialed.info.sni, "b.example");
}

START_TEST(begins_with_tls)
{
	connect_ends(true);
	put(&dialing, "<first/>"); /* waits for the handshake */
	put(&dialed, "<other/>");
	run();
	check_secure();
	ck_assert_str_eq(dialed.data.data, "<first/>");
	ck_assert_str_eq(dialing.data.data, "<other/>");
	conn_close(core, dialing.conn, 1000);
	run();
	ck_assert_int_eq(dialed.n_end, 1);
	ck_assert_int_eq(dialed.why, CONN_EOF);
}
END_TEST

START_TEST(after_plain_text)
{
	connect_ends(false);
	dialing.must_pause = dialed.must_pause = true;
	put(&dialing, "<starttls/>");
	run();
	ck_assert_str_eq(dialed.data.data, "<starttls/>");
	put(&dialed, "<proceed/>");
	conn_start_tls(core, dialed.conn, at);
	run();
	ck_assert_str_eq(dialing.data.data, "<proceed/>");
	dialing.must_pause = dialed.must_pause = false;
	conn_start_tls_client(core, dialing.conn, to, "b.example");
	put(&dialing, "<early/>");
	run();
	check_secure();
	ck_assert_str_eq(dialed.data.data, "<starttls/><early/>");
	put(&dialed, "<late/>");
	run();
	ck_assert_str_eq(dialing.data.data, "<proceed/><late/>");
}
END_TEST

static void
start_tls_here(struct mail *m)
{
	(void)m;
	conn_start_tls_client(io, dialing.conn, to, "b.example");
}

/* The name is copied, whoever asks. */
START_TEST(from_its_own_loop)
{
	struct mail m = { .run = start_tls_here };

	connect_ends(false);
	conn_start_tls(core, dialed.conn, at);
	loop_send(core, io, &m);
	run();
	check_secure();
}
END_TEST

/* What came in the clear behind <proceed/>, and was not read before, is no part
 * of TLS. */
START_TEST(injected_plain_text)
{
	connect_peer(false);
	dialing.must_pause = true;
	ck_assert_int_eq(write(peer, "<proceed/>", 10), 10);
	run();
	ck_assert_int_eq(write(peer, "<stream:features/>", 18), 18);
	run();
	conn_start_tls_client(core, dialing.conn, to, "b.example");
	run();
	ck_assert_str_eq(dialing.data.data, "<proceed/>");
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_TLS_FAILED);
}
END_TEST

/* The client speaks first; then it waits, for as long as its user does. */
START_TEST(peer_is_silent)
{
	char in[4096];

	connect_peer(true);
	put(&dialing, "never in the clear");
	run();
	ck_assert_int_gt(read(peer, in, sizeof(in)), 100);
	ck_assert_int_eq(in[0], 0x16); /* a handshake record */
	clock_advance(&fake, 3600 * 1000);
	run();
	ck_assert_int_eq(dialing.n_secure, 0);
	ck_assert_int_eq(dialing.n_end, 0);
	conn_close(core, dialing.conn, 1000);
	run();
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_CLOSED);
	ck_assert_int_eq(read(peer, in, sizeof(in)), 0);
}
END_TEST

START_TEST(peer_speaks_plain_text)
{
	static const char *const lines[] = {
		"<?xml version='1.0'?><stream:stream>",
		"HTTP/1.1 400 Bad Request\r\n\r\n",
	};

	connect_peer(true);
	run();
	ck_assert_int_gt(write(peer, lines[_i], strlen(lines[_i])), 0);
	run();
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_TLS_FAILED);
	ck_assert_str_eq(dialing.detail, "the peer does not speak TLS here");
	ck_assert_str_eq(dialing.data.data ? dialing.data.data : "", "");
}
END_TEST

START_TEST(peer_hangs_up)
{
	char in[4096];

	connect_peer(true);
	run();
	ck_assert_int_gt(read(peer, in, sizeof(in)), 100);
	close(peer);
	peer = -1;
	run();
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_TLS_FAILED);
	ck_assert_str_eq(dialing.detail,
			 "the peer closed during the handshake");
}
END_TEST

/* Two that both wait for the other's first word, or both say it. */
START_TEST(two_clients)
{
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], to, "a.example");
	start(&dialing, fds[1], to, "b.example");
	run();
	ck_assert_int_eq(dialing.n_secure + dialed.n_secure, 0);
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_TLS_FAILED);
}
END_TEST

/* Before anything has happened. */
START_TEST(released_at_once)
{
	connect_ends(true);
	end_fini(&dialing);
	run();
	ck_assert_int_eq(dialed.n_end, 1);
	ck_assert_int_eq(dialed.why, CONN_TLS_FAILED);
}
END_TEST

START_TEST(asked_when_over)
{
	connect_peer(false);
	close(peer);
	peer = -1;
	run();
	ck_assert_int_eq(dialing.n_end, 1);
	conn_start_tls_client(core, dialing.conn, to, "b.example");
	run();
	ck_assert_int_eq(dialing.n_end, 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls_client");

	certs_dir();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, begins_with_tls);
	tcase_add_test(tc, after_plain_text);
	tcase_add_test(tc, from_its_own_loop);
	tcase_add_test(tc, injected_plain_text);
	tcase_add_test(tc, peer_is_silent);
	tcase_add_loop_test(tc, peer_speaks_plain_text, 0, 2);
	tcase_add_test(tc, peer_hangs_up);
	tcase_add_test(tc, two_clients);
	tcase_add_test(tc, released_at_once);
	tcase_add_test(tc, asked_when_over);
	return unit_run(tc);
}
