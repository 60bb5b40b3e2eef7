/* check_wire.c - a stream's bytes: how much of it is under way. */

#include "core/wire.h"

#include "base/arena.h"
#include "base/clock.h"
#include "net/loop.h"
#include "unit.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER \
	"<stream:stream xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>"
#define WINDOW 8
#define MANY   1000

static struct clock fake;
static struct loop *core;
static struct wire_io io;
static struct wire *wire;
static int peer;
static int n_open, n_stanzas, n_close, n_end;
static unsigned weights[MANY];

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
	(void)owner, (void)header, (void)default_ns;
	n_open++;
	arena_unref(&a);
	wire_run(wire, NS_CLIENT, &limits);
}

static void
on_element(void *owner, struct arena *a, struct xml *x)
{
	(void)owner;
	ck_abort_msg("not a stanza: %s", x->name);
	arena_unref(&a);
}

static void
on_stanza(void *owner, struct stanza *s, unsigned weight)
{
	char id[20];

	(void)owner;
	snprintf(id, sizeof(id), "%d", n_stanzas);
	ck_assert_str_eq(stanza_id(s), id);
	ck_assert_int_lt(n_stanzas, MANY);
	weights[n_stanzas++] = weight;
	stanza_unref(&s);
}

static void
on_close(void *owner)
{
	(void)owner;
	n_close++;
}

static void
on_bad(void *owner, enum stream_cond cond, const char *text)
{
	(void)owner, (void)cond;
	ck_abort_msg("bad: %s", text);
}

static void
on_end(void *owner, enum conn_end why, const char *detail)
{
	(void)owner, (void)why, (void)detail;
	n_end++;
}

static const struct wire_class cls = {
	.on_open = on_open,
	.on_element = on_element,
	.on_stanza = on_stanza,
	.on_close = on_close,
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
say(const char *text)
{
	ck_assert_int_eq(write(peer, text, strlen(text)), (int)strlen(text));
}

/* From number first to before last. */
static void
say_messages(int first, int last, size_t size)
{
	char *body = malloc(size + 1);
	char *text = malloc(size + 100);

	memset(body, 'x', size);
	body[size] = '\0';
	for (int i = first; i < last; i++) {
		sprintf(text, "<message id='%d'><body>%s</body></message>", i,
			body);
		say(text);
	}
	free(body);
	free(text);
}

static void
setup(void)
{
	int fds[2], big = 1 << 20;

	clock_init_fake(&fake);
	core = loop_new("core", &fake);
	wire_io_init(&io, loop_new("io", &fake));
	n_open = n_stanzas = n_close = n_end = 0;
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	wire = wire_new(core, &io, fds[0], &cls, &n_open,
			&(struct wire_settings){
				.limits = &limits,
				.max_queue = 1000,
				.window = WINDOW,
			});
	say(HEADER);
	run();
	ck_assert_int_eq(n_open, 1);
}

static void
teardown(void)
{
	if (wire)
		wire_release(wire);
	wire = NULL;
	run();
	close(peer);
	loop_free(core);
	loop_free(io.loop);
	wire_io_fini(&io);
}

/* A flood stops at the window, goes on as stanzas get done, and nothing is
 * lost or out of order; what was sent behind it comes last. */
START_TEST(flood)
{
	int done = 0;

	say_messages(0, MANY, 10);
	say("</stream:stream>");
	run();
	ck_assert_int_eq(n_stanzas, WINDOW);
	wire_stanza_done(wire, weights[done++]);
	run();
	/* Not for each one. */
	ck_assert_int_eq(n_stanzas, WINDOW);
	while (done < n_stanzas) {
		wire_stanza_done(wire, weights[done++]);
		run();
		ck_assert_int_le(n_stanzas - done, WINDOW);
	}
	ck_assert_int_eq(done, MANY);
	ck_assert_int_eq(n_close, 1);
}
END_TEST

/* All at once, and before the I/O loop knows that it has had enough. */
START_TEST(done_at_once)
{
	int done = 0;

	say_messages(0, MANY, 10);
	while (done < MANY) {
		loop_step(io.loop);
		loop_step(core);
		while (done < n_stanzas)
			wire_stanza_done(wire, weights[done++]);
	}
}
END_TEST

/* One that takes much memory counts for many. */
START_TEST(weight)
{
	say_messages(0, 10, 3 * WINDOW * 2048);
	run();
	ck_assert_int_eq(n_stanzas, 1);
	ck_assert_uint_ge(weights[0], 3 * WINDOW);
	wire_stanza_done(wire, weights[0]);
	run();
	ck_assert_int_eq(n_stanzas, 2);
	wire_stanza_done(wire, weights[1]);
}
END_TEST

/* The end comes first: memory checkers tell if anything is left or used. */
START_TEST(released)
{
	say_messages(0, 20, 10);
	run();
	wire_release(wire);
	if (_i)
		run();
	for (int i = 0; i < WINDOW; i++)
		wire_stanza_done(wire, weights[i]);
	run();
	wire = NULL;
	ck_assert_int_eq(n_stanzas, WINDOW);
}
END_TEST

/* Fair, also where every second, third... connection is a busy one. */
START_TEST(next_io)
{
	struct wire_io ios[6];
	unsigned n = (unsigned)_i;
	uint32_t count = 0;

	for (unsigned busy = 1; busy <= 6; busy++) {
		unsigned all[6] = { 0 }, n_busy[6] = { 0 };

		for (unsigned i = 0; i < n * 600; i++) {
			size_t at =
				(size_t)(wire_io_next(ios, n, &count) - ios);

			all[at]++;
			n_busy[at] += i % busy == 0;
		}
		for (unsigned i = 0; i < n; i++) {
			ck_assert_uint_eq(all[i], 600);
			ck_assert_uint_gt(n_busy[i], 600 / busy * 3 / 4);
		}
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("wire");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, done_at_once);
	tcase_add_test(tc, weight);
	tcase_add_loop_test(tc, released, 0, 2);
	tcase_add_loop_test(tc, next_io, 1, 7);
	return unit_run(tc);
}
