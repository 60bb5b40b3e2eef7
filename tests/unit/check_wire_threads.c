/* check_wire_threads.c - wires that dial each other, on I/O threads: settings,
 * authorities and certificates are shared by them and the core. */

#include "base/arena.h"
#include "base/err.h"
#include "certs.h"
#include "core/wire.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"
#include "xmpp/xml_parser.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define N_PAIRS 12

static struct loop *core;
static struct wire_io ios[2];
static struct tls_config *at, *to;

struct end {
	struct wire *wire;
	struct tls_info *info; /* owned */
	const char *peer;      /* the domain at the other end */
	bool is_over;
};

static struct end ends[2 * N_PAIRS];
static int n_left;

static const struct xml_limits limits = {
	.stanza = 100000,
	.token = 10000,
	.depth = 10,
	.attrs = 10,
	.children = 1000,
};

static void
over(struct end *e)
{
	if (e->is_over)
		return;
	e->is_over = true;
	wire_release(e->wire);
	if (--n_left == 0)
		loop_quit(core);
}

static void
on_secure(void *owner, const struct tls_info *info)
{
	struct end *e = owner;

	e->info = mem_alloc(sizeof(*e->info));
	tls_info_copy(e->info, info);
	ck_assert_str_eq(info->peer_error, "");
	ck_assert(tls_info_is_for(info, e->peer, "xmpp-server"));
	wire_close(e->wire, 5000);
}

static void
on_open(void *owner, struct arena *a, struct xml *header,
	const char *default_ns)
{
	(void)owner, (void)header, (void)default_ns;
	arena_unref(&a);
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	ck_assert_msg(why == CONN_EOF || why == CONN_CLOSED, "%d: %s", why,
		      detail ? detail : "");
	over(owner);
}

static const struct wire_class cls = {
	.on_open = on_open,
	.on_secure = on_secure,
	.on_end = on_end,
};

static void
setup(void)
{
	struct err err;
	const char *ca = cert_make(
		"ca.pem", &(struct cert_spec){ .cn = "CA", .is_ca = true });
	struct cert_spec a = { .issuer = ca, .san = "DNS:a.example" };
	struct cert_spec b = { .issuer = ca, .san = "DNS:b.example" };
	struct tls_settings s = { .ask_client_cert = true,
				  .clients_are_servers = true,
				  .ca_path = ca };
	struct tls_cert *cert =
		tls_cert_load(cert_make("a.pem", &a), NULL, &err);

	to = tls_config_new_client(&s, cert, &err);
	tls_cert_unref(&cert);
	cert = tls_cert_load(cert_make("b.pem", &b), NULL, &err);
	s.cas_of = to;
	at = tls_config_new(&s, cert, &err);
	tls_cert_unref(&cert);
	ck_assert(at && to);
	core = loop_new("core", NULL);
	for (size_t i = 0; i < N_ELEMENTS(ios); i++) {
		wire_io_init(&ios[i], loop_new("io", NULL));
		loop_start(ios[i].loop);
	}
}

static void
teardown(void)
{
	bool any;

	for (size_t i = 0; i < N_ELEMENTS(ios); i++)
		loop_stop(ios[i].loop);
	do {
		any = loop_step(core);
		for (size_t i = 0; i < N_ELEMENTS(ios); i++)
			any |= loop_step(ios[i].loop);
	} while (any);
	for (size_t i = 0; i < N_ELEMENTS(ios); i++) {
		loop_free(ios[i].loop);
		wire_io_fini(&ios[i]);
	}
	loop_free(core);
}

static void
start(struct end *e, int io, int fd, struct tls_config *tls, const char *name)
{
	e->wire = wire_new(core, &ios[io], fd, &cls, e,
			   &(struct wire_settings){ .limits = &limits,
						    .max_queue = 10000,
						    .window = 10,
						    .tls = tls,
						    .tls_client_name = name });
}

START_TEST(dial_each_other)
{
	n_left = 2 * N_PAIRS;
	for (int i = 0; i < N_PAIRS; i++) {
		struct end *dialed = &ends[2 * i], *dialing = dialed + 1;
		int fds[2];

		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_STREAM | SOCK_NONBLOCK, 0,
					    fds),
				 0);
		dialed->peer = "a.example";
		dialing->peer = "b.example";
		start(dialed, i % 2, fds[0], at, NULL);
		start(dialing, i / 2 % 2, fds[1], to, "b.example");
	}
	/* A reload drops the settings while they are in use. */
	tls_config_unref(&at);
	tls_config_unref(&to);
	loop_run(core);
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		ck_assert_ptr_nonnull(ends[i].info);
		ck_assert(tls_info_is_for(ends[i].info, ends[i].peer,
					  "xmpp-server"));
		tls_info_fini(ends[i].info);
		free(ends[i].info);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("wire threads");

	certs_dir();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, dial_each_other);
	return unit_run(tc);
}
