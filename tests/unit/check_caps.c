/* check_caps.c - the server asks a client what it can do. */

#include "modules/caps.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/config.h"
#include "core/event.h"
#include "core/host.h"
#include "core/router.h"
#include "core/server.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* XEP-0115 5.2 */
#define VER    "QgayPKawpkPSDYmwT/WM94uAlu0="
#define CLIENT "romeo@client.example/orchard"

static struct clock clk;
static struct server *srv;
static struct host *host;
static char dir[] = "/tmp/banyan-test-XXXXXX";

/* Who answers as the client's server. */
static struct stanza *request; /* ref; the last one */
static int n_requests;

static int calls;
static bool is_known, has_muc, has_other;

static void
ignore_line(const char *line, void *data)
{
	(void)line;
	(void)data;
}

static enum verdict
receive(void *data, struct event *ev)
{
	(void)data;
	stanza_unref(&request);
	request = stanza_ref(ev->stanza);
	n_requests++;
	return DONE;
}

static const struct service service = { .receive = receive };

static void
set_up(void)
{
	struct server_setup setup = {
		.fake_clock = &clk,
		.single_thread = true,
		.no_listen = true,
	};
	struct config_errors errs = { 0 };
	struct config *cfg;
	struct err err;
	char text[256];

	log_capture(ignore_line, NULL);
	clock_init_fake(&clk);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(text, sizeof(text),
		 "data-dir = \"%s\"\ns2s = no\nhost \"example.org\" {}\n", dir);
	cfg = config_parse("test", text, strlen(text), &errs);
	ck_assert_ptr_nonnull(cfg);
	setup.config = cfg;
	srv = server_new(&setup, &err);
	ck_assert_msg(srv != NULL, "%s", err.text);
	config_free(cfg);
	config_errors_fini(&errs);
	host = host_find(srv, "example.org");
	ck_assert_int_eq(route_add_service(srv, "client.example", &service), 0);
}

static void
tear_down(void)
{
	char command[64];

	if (srv) {
		route_remove_service(srv, "client.example");
		server_free(srv);
	}
	stanza_unref(&request);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
	log_capture(NULL, NULL);
}

static void
on_caps(void *data, const struct caps *caps)
{
	(void)data;
	calls++;
	is_known = caps != NULL;
	has_muc = caps_has_feature(caps, "http://jabber.org/protocol/muc");
	has_other = caps_has_feature(caps, "urn:other");
}

/* A presence with (or without) capabilities. */
static void
ask(const char *hash, const char *ver)
{
	struct jid *from = jid_parse(CLIENT);
	struct stanza *s;
	struct xml *c;

	s = stanza_new(STANZA_PRESENCE, TYPE_NONE, from, NULL, NULL);
	if (ver) {
		c = xml_add(s->arena, s->root, "c", NS_CAPS);
		xml_set(s->arena, c, "hash", hash);
		xml_set(s->arena, c, "node", "urn:client");
		xml_set(s->arena, c, "ver", ver);
	}
	caps_of(host, s, on_caps, NULL);
	stanza_unref(&s);
	jid_unref(&from);
	server_settle(srv);
}

static void
answer(const char *const *features)
{
	struct stanza *s = stanza_result(request);
	struct arena *a = s->arena;
	struct xml *q = xml_add(a, s->root, "query", NS_DISCO_INFO), *x;

	x = xml_add(a, q, "identity", NULL);
	xml_set(a, x, "category", "client");
	xml_set(a, x, "type", "pc");
	xml_set(a, x, "name", "Exodus 0.9.1");
	for (; *features; features++)
		xml_set(a, xml_add(a, q, "feature", NULL), "var", *features);
	route(srv, s);
	server_settle(srv);
}

static const char *const exodus[] = { "http://jabber.org/protocol/muc",
				      "http://jabber.org/protocol/caps",
				      "http://jabber.org/protocol/disco#info",
				      "http://jabber.org/protocol/disco#items",
				      NULL };
static const char *const forged[] = { "urn:other", NULL };

START_TEST(asks_the_client)
{
	const struct xml *q;

	ask("sha-1", VER);
	ck_assert_int_eq(n_requests, 1);
	ck_assert_int_eq(calls, 0);
	/* XEP-0115 6.2 */
	ck_assert_int_eq(request->type, TYPE_GET);
	ck_assert_str_eq(jid_str(request->to), CLIENT);
	ck_assert_str_eq(jid_str(request->from), "example.org");
	q = stanza_payload(request);
	ck_assert(xml_is(q, "query", NS_DISCO_INFO));
	ck_assert_str_eq(xml_get(q, "node"), "urn:client#" VER);
	answer(exodus);
	ck_assert_int_eq(calls, 1);
	ck_assert(is_known && has_muc && !has_other);
	/* From now on it is known. */
	ask("sha-1", VER);
	ck_assert_int_eq(calls, 2);
	ck_assert(is_known && has_muc);
	ck_assert_int_eq(n_requests, 1);
}
END_TEST

START_TEST(does_not_believe_forged_ones)
{
	ask("sha-1", VER);
	answer(forged);
	ck_assert_int_eq(calls, 1);
	ck_assert(!is_known && !has_other);
	ask("sha-1", VER);
	ck_assert_int_eq(n_requests, 2);
	answer(exodus);
	ck_assert(is_known && has_muc);
}
END_TEST

START_TEST(nothing_is_known)
{
	struct stanza *error;

	/* No capabilities in the presence. */
	ask(NULL, NULL);
	ck_assert_int_eq(calls, 1);
	ck_assert(!is_known);
	ck_assert_int_eq(n_requests, 0);
	/* An error. */
	ask("sha-1", VER);
	error = stanza_error(request, COND_SERVICE_UNAVAILABLE, NULL);
	route(srv, error);
	server_settle(srv);
	ck_assert_int_eq(calls, 2);
	ck_assert(!is_known);
	/* No answer. */
	ask("sha-1", VER);
	clock_advance(&clk, 29999);
	server_settle(srv);
	ck_assert_int_eq(calls, 2);
	clock_advance(&clk, 1);
	server_settle(srv);
	ck_assert_int_eq(calls, 3);
	ck_assert(!is_known);
	/* Nobody there to be asked. */
	route_remove_service(srv, "client.example");
	ask("sha-1", VER);
	ck_assert_int_eq(calls, 4);
	ck_assert(!is_known);
	/* The server's end. */
	ck_assert_int_eq(route_add_service(srv, "client.example", &service), 0);
	ask("sha-1", VER);
	ck_assert_int_eq(calls, 4);
	route_remove_service(srv, "client.example");
	server_free(srv);
	srv = NULL;
	ck_assert_int_eq(calls, 5);
	ck_assert(!is_known);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("caps");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, asks_the_client);
	tcase_add_test(tc, does_not_believe_forged_ones);
	tcase_add_test(tc, nothing_is_known);
	return unit_run(tc);
}
