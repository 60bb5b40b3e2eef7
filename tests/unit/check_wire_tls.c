/* check_wire_tls.c - TLS between two wires: who dials, and who is dialed. */

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "certs.h"
#include "core/wire.h"
#include "net/loop.h"
#include "net/tls.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER \
	"<stream:stream xmlns='" NS_SERVER "' xmlns:stream='" NS_STREAM "'>"
#define STARTTLS "<starttls xmlns='" NS_TLS "'/>"
#define PROCEED	 "<proceed xmlns='" NS_TLS "'/>"

static struct clock fake;
static struct loop *core;
static struct wire_io io;
static struct tls_config *at, *to; /* the server's, the client's */

struct end {
	struct wire *wire;
	struct tls_info info;
	int n_open, n_secure, n_bad, n_end;
	char element[32]; /* the last */
	uint8_t exporter[TLS_EXPORTER_LEN];
	int n_exporter;
	enum stream_cond cond;
	enum conn_end why;
	char detail[128];
};

static struct end dialed, dialing;
static int peer = -1; /* in place of `dialed` */

static const struct xml_limits limits = {
	.stanza = 100000,
	.token = 10000,
	.depth = 10,
	.attrs = 10,
	.children = 1000,
};

static void
on_open(void *owner, struct arena *a, struct xml *header,
	const char *default_ns)
{
	struct end *e = owner;

	(void)header, (void)default_ns;
	e->n_open++;
	arena_unref(&a);
	wire_continue(e->wire);
}

static bool
wants_exporter(const struct xml *x)
{
	return !strcmp(x->name, "auth");
}

static void
on_exporter(void *owner, const uint8_t *exporter)
{
	struct end *e = owner;

	ck_assert_str_ne(e->element, "auth");
	memcpy(e->exporter, exporter, TLS_EXPORTER_LEN);
	e->n_exporter++;
}

static void
on_element(void *owner, struct arena *a, struct xml *x)
{
	struct end *e = owner;

	snprintf(e->element, sizeof(e->element), "%s", x->name);
	if (!strcmp(x->name, "starttls"))
		wire_start_tls(e->wire, PROCEED, at);
	if (!strcmp(x->name, "proceed"))
		wire_start_tls_client(e->wire, to, "b.example");
	if (!strcmp(x->name, "auth") || !strcmp(x->name, "other"))
		wire_continue(e->wire);
	arena_unref(&a);
}

static void
on_secure(void *owner, const struct tls_info *info)
{
	struct end *e = owner;

	e->n_secure++;
	tls_info_copy(&e->info, info);
	if (e == &dialing)
		wire_write(e->wire, HEADER, strlen(HEADER), NULL);
}

static void
on_bad(void *owner, enum stream_cond cond, const char *text)
{
	struct end *e = owner;

	(void)text;
	e->n_bad++;
	e->cond = cond;
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	struct end *e = owner;

	e->n_end++;
	e->why = why;
	snprintf(e->detail, sizeof(e->detail), "%s", detail ? detail : "");
}

static const struct wire_class cls = {
	.on_open = on_open,
	.wants_exporter = wants_exporter,
	.on_exporter = on_exporter,
	.on_element = on_element,
	.on_secure = on_secure,
	.on_bad = on_bad,
	.on_end = on_end,
};

static void
run(void)
{
	bool any;

	do {
		any = loop_step(core);
		any |= loop_step(io.loop);
	} while (any);
}

static void
start(struct end *e, int fd, struct tls_config *tls, const char *name)
{
	e->wire = wire_new(core, &io, fd, &cls, e,
			   &(struct wire_settings){ .limits = &limits,
						    .max_queue = 10000,
						    .window = 10,
						    .tls = tls,
						    .tls_client_name = name });
}

static void
put(struct end *e, const char *s)
{
	wire_write(e->wire, s, strlen(s), NULL);
}

static void
say(const char *text)
{
	ck_assert_int_eq(write(peer, text, strlen(text)), (int)strlen(text));
}

static void
socket_pair(int fds[2])
{
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void
setup(void)
{
	struct err err;
	const char *ca = cert_make(
		"ca.pem", &(struct cert_spec){ .cn = "CA", .is_ca = true });
	struct cert_spec spec = { .issuer = ca, .san = "DNS:b.example" };
	struct tls_settings s = { .ask_client_cert = true, .ca_path = ca };
	struct tls_cert *cert =
		tls_cert_load(cert_make("b.pem", &spec), NULL, &err);

	at = tls_config_new(&s, cert, &err);
	to = tls_config_new_client(&s, NULL, &err);
	ck_assert(at && to);
	tls_cert_unref(&cert);
	clock_init_fake(&fake);
	core = loop_new("core", &fake);
	wire_io_init(&io, loop_new("io", &fake));
}

static void
end_fini(struct end *e)
{
	if (e->wire)
		wire_release(e->wire);
	run();
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
	loop_free(io.loop);
	wire_io_fini(&io);
}

static void
check_secure(void)
{
	ck_assert_int_eq(dialing.n_secure, 1);
	ck_assert_int_eq(dialed.n_secure, 1);
	ck_assert_int_eq(dialing.n_bad + dialed.n_bad, 0);
	ck_assert(dialing.info.peer_cert_verified);
	ck_assert(!dialed.info.has_peer_cert);
	/* The certificate outlives the connection. */
	wire_release(dialing.wire);
	dialing.wire = NULL;
	run();
	ck_assert_int_eq(dialed.n_end, 1);
	ck_assert(tls_info_is_for(&dialing.info, "b.example", "xmpp-server"));
	ck_assert(!tls_info_is_for(&dialing.info, "c.example", "xmpp-server"));
}

/* Header, <starttls/>, <proceed/>, TLS, and a header again. */
START_TEST(starttls)
{
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], NULL, NULL);
	start(&dialing, fds[1], NULL, NULL);
	put(&dialing, HEADER STARTTLS);
	put(&dialed, HEADER);
	run();
	ck_assert_str_eq(dialed.element, "starttls");
	ck_assert_str_eq(dialing.element, "proceed");
	ck_assert_int_eq(dialed.n_open, 2);
	ck_assert_int_eq(dialing.n_open, 1);
	put(&dialed, HEADER);
	run();
	ck_assert_int_eq(dialing.n_open, 2);
	check_secure();
}
END_TEST

START_TEST(direct)
{
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], at, NULL);
	start(&dialing, fds[1], to, "b.example");
	run();
	ck_assert_int_eq(dialed.n_open, 1);
	check_secure();
}
END_TEST

/* The same at both ends, and only with what wants it. */
START_TEST(exporter)
{
	static const uint8_t none[TLS_EXPORTER_LEN];
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], at, NULL);
	start(&dialing, fds[1], to, "b.example");
	run();
	put(&dialed, HEADER "<other/><auth/>");
	put(&dialing, "<other/>");
	run();
	ck_assert_str_eq(dialed.element, "other");
	ck_assert_int_eq(dialed.n_exporter, 0);
	ck_assert_str_eq(dialing.element, "auth");
	ck_assert_int_eq(dialing.n_exporter, 1);
	put(&dialing, "<auth/>");
	run();
	ck_assert_int_eq(dialed.n_exporter, 1);
	ck_assert_mem_eq(dialed.exporter, dialing.exporter, TLS_EXPORTER_LEN);
	ck_assert_mem_ne(dialed.exporter, none, TLS_EXPORTER_LEN);
}
END_TEST

START_TEST(no_exporter_in_the_clear)
{
	int fds[2];

	socket_pair(fds);
	peer = fds[0];
	start(&dialing, fds[1], NULL, NULL);
	say(HEADER "<auth/>");
	run();
	ck_assert_str_eq(dialing.element, "auth");
	ck_assert_int_eq(dialing.n_exporter, 0);
}
END_TEST

static const char *const behind[] = { " ", "<stream:features/>", HEADER,
				      "\x16\x03\x03" };

/* RFC 6120 5.3.3: nothing comes between <proceed/> and TLS. */
START_TEST(data_behind_proceed)
{
	char text[1000];
	int fds[2];
	ssize_t n;

	socket_pair(fds);
	peer = fds[0];
	start(&dialing, fds[1], NULL, NULL);
	put(&dialing, HEADER STARTTLS);
	snprintf(text, sizeof(text), HEADER PROCEED "%s", behind[_i]);
	say(text);
	run();
	ck_assert_int_eq(dialing.n_bad, 1);
	ck_assert_int_eq(dialing.cond, STREAM_POLICY_VIOLATION);
	ck_assert_int_eq(dialing.n_secure, 0);
	/* Not a byte of a handshake. */
	n = read(peer, text, sizeof(text));
	ck_assert_int_eq(n, (int)strlen(HEADER STARTTLS));
}
END_TEST

/* What comes in the clear when the handshake has begun is not parsed. */
START_TEST(plain_text_in_handshake)
{
	int fds[2];

	socket_pair(fds);
	peer = fds[0];
	start(&dialing, fds[1], NULL, NULL);
	say(HEADER PROCEED);
	run();
	say("<stream:features/>");
	run();
	ck_assert_str_eq(dialing.element, "proceed");
	ck_assert_int_eq(dialing.n_end, 1);
	ck_assert_int_eq(dialing.why, CONN_TLS_FAILED);
	ck_assert_str_eq(dialing.detail, "the peer does not speak TLS here");
}
END_TEST

/* Released in the middle of it. */
START_TEST(released)
{
	int fds[2];

	socket_pair(fds);
	start(&dialed, fds[0], at, NULL);
	start(&dialing, fds[1], to, "b.example");
	for (int i = 0; i < _i; i++) {
		loop_step(core);
		loop_step(io.loop);
	}
	end_fini(&dialing);
	ck_assert_int_eq(dialed.n_end, 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("wire_tls");

	certs_dir();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, starttls);
	tcase_add_test(tc, direct);
	tcase_add_test(tc, exporter);
	tcase_add_test(tc, no_exporter_in_the_clear);
	tcase_add_loop_test(tc, data_behind_proceed, 0, N_ELEMENTS(behind));
	tcase_add_test(tc, plain_text_in_handshake);
	tcase_add_loop_test(tc, released, 0, 8);
	return unit_run(tc);
}
