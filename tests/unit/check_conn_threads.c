/* check_conn_threads.c - connections on two I/O threads, echoed by a third:
 * what comes is passed to the core, which writes it back. */

#include "base/chunk.h"
#include "base/err.h"
#include "certs.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CLIENTS 8
#define ROUNDS	  200

static struct loop *core, *ios[2];
static struct tls_config *config;
static SSL_CTX *client_ctx;
static int n_open;

struct echo {
	struct conn *conn;
	int fd; /* the client's */
	bool has_tls;
	size_t received;
};

/* To the core. */
struct parcel {
	struct mail mail;
	struct echo *echo;
	struct chunk *data; /* NULL: the end */
};

static void
parcel_run(struct mail *m)
{
	struct parcel *p = container_of(m, struct parcel, mail);

	if (p->data) {
		conn_write(core, p->echo->conn, "<", 1, p->data);
		chunk_unref(&p->data);
	} else {
		conn_release(core, p->echo->conn);
		if (--n_open == 0)
			loop_quit(core);
	}
	free(p);
}

static void
send_parcel(struct conn *c, struct echo *e, struct chunk *data)
{
	struct parcel *p = mem_zalloc(sizeof(*p));

	p->mail.run = parcel_run;
	p->echo = e;
	p->data = data;
	loop_send(conn_loop(c), core, &p->mail);
}

static bool
on_data(struct conn *c, void *user, char *data, size_t len)
{
	send_parcel(c, user, chunk_copy(data, len));
	return true;
}

static void
on_secure(struct conn *c, void *user, const struct tls_info *info)
{
	(void)c;
	ck_assert(((struct echo *)user)->has_tls);
	ck_assert(info->has_exporter);
}

static void
on_end(struct conn *c, void *user, enum conn_end why, const char *detail)
{
	(void)detail;
	ck_assert_int_eq(why, CONN_EOF);
	send_parcel(c, user, NULL);
}

static const struct conn_class cls = {
	.on_data = on_data,
	.on_secure = on_secure,
	.on_end = on_end,
};

static ssize_t
client_read(const struct echo *e, SSL *ssl, char *buf, size_t size)
{
	return ssl ? SSL_read(ssl, buf, (int)size) : read(e->fd, buf, size);
}

static ssize_t
client_write(const struct echo *e, SSL *ssl, const char *data, size_t len)
{
	return ssl ? SSL_write(ssl, data, (int)len) : write(e->fd, data, len);
}

static void *
client_main(void *arg)
{
	struct echo *e = arg;
	SSL *ssl = NULL;
	char out[1000], in[1001];

	if (e->has_tls) {
		ssl = SSL_new(client_ctx);
		SSL_set_fd(ssl, e->fd);
		ck_assert_int_eq(SSL_connect(ssl), 1);
	}
	memset(out, 'e', sizeof(out));
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = 1 + (size_t)i * 37 % sizeof(out), got = 0;

		ck_assert_int_eq(client_write(e, ssl, out, len), (ssize_t)len);
		/* The core may have had it in several parts. */
		while (got < len) {
			ssize_t n = client_read(e, ssl, in, sizeof(in));

			ck_assert_int_gt(n, 0);
			for (ssize_t k = 0; k < n; k++)
				got += in[k] == 'e';
		}
		e->received += got;
	}
	if (ssl)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	close(e->fd);
	return NULL;
}

static void
setup(void)
{
	struct err err;
	struct tls_cert *cert = tls_cert_load(
		cert_make("server.pem", &(struct cert_spec){ 0 }), NULL, &err);

	ck_assert_msg(cert != NULL, "%s", err.text);
	config = tls_config_new(&(struct tls_settings){ 0 }, cert, &err);
	ck_assert_msg(config != NULL, "%s", err.text);
	tls_cert_unref(&cert);
	client_ctx = SSL_CTX_new(TLS_client_method());
	core = loop_new("core", NULL);
	for (size_t i = 0; i < N_ELEMENTS(ios); i++) {
		ios[i] = loop_new("io", NULL);
		loop_start(ios[i]);
	}
}

static void
teardown(void)
{
	for (size_t i = 0; i < N_ELEMENTS(ios); i++) {
		loop_stop(ios[i]);
		loop_free(ios[i]);
	}
	loop_free(core);
	tls_config_unref(&config);
	SSL_CTX_free(client_ctx);
}

static void
open_echo(struct echo *e, int i, const struct conn_options *opts)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*e = (struct echo){ .fd = fds[1], .has_tls = i % 2 };
	e->conn = conn_new(core, ios[i / 2 % 2], fds[0], &cls, e, opts);
	if (e->has_tls)
		conn_start_tls(core, e->conn, config);
}

START_TEST(echo)
{
	struct echo echoes[N_CLIENTS];
	pthread_t clients[N_CLIENTS];
	const struct conn_options opts = { .max_queue = 100000,
					   .reader = core,
					   .max_backlog = 3 };
	size_t want = 0;

	for (int i = 0; i < ROUNDS; i++)
		want += 1 + (size_t)i * 37 % 1000;
	n_open = N_CLIENTS;
	for (int i = 0; i < N_CLIENTS; i++) {
		open_echo(&echoes[i], i, &opts);
		pthread_create(&clients[i], NULL, client_main, &echoes[i]);
	}
	/* A reload drops the settings while they are in use. */
	tls_config_unref(&config);
	loop_run(core);
	for (int i = 0; i < N_CLIENTS; i++) {
		pthread_join(clients[i], NULL);
		ck_assert_uint_eq(echoes[i].received, want);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conn threads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, echo);
	return unit_run(tc);
}
