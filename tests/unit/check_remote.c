/* check_remote.c - which section is for which domain, and what it says. */

#include "core/remote.h"

#include "core/config.h"
#include "core/server.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct server srv;

/* As a start does, or a reload. */
static void
load(const char *text)
{
	struct config_errors errs = { 0 };
	struct config *c = config_parse("test", text, strlen(text), &errs);

	ck_assert_msg(c != NULL, "%s", errs.n ? errs.items[0].text : "");
	ck_assert_uint_eq(errs.n, 0);
	config_fill_server(c, &srv.opt);
	remotes_load(&srv, c);
	config_free(c);
}

static void
unload(void)
{
	remotes_free(&srv);
	option_fini(server_options, &srv.opt);
}

static const char *
first_route(const char *domain)
{
	struct remote_policy p;

	remote_policy_of(&srv, domain, &p);
	return p.addresses ? p.addresses[0] : NULL;
}

static const char wild[] =
	"host \"a.example\" {}\n"
	"remote \"*.example.net\" { address = \"wild:1\" }\n"
	"remote \"*.east.example.net\" { address = \"east:1\" }\n"
	"remote \"One.East.Example.NET\" { address = \"one:1\" }\n"
	"remote \"*.com\" { address = \"com:1\" }\n"
	"remote \"xn--bcher-kva.example\" { address = \"idn:1\" }\n"
	"remote \"[2001:db8::1]\" { address = \"literal:1\" }\n";

static const struct {
	const char *domain, *want;
} matches[] = {
	{ "example.net", NULL }, /* not below itself */
	{ "x.example.net", "wild:1" },
	{ "x.y.example.net", "wild:1" },
	{ "east.example.net", "wild:1" },
	{ "x.east.example.net", "east:1" },
	{ "one.east.example.net", "one:1" },
	{ "x.one.east.example.net", "east:1" },
	{ "badexample.net", NULL },
	{ "example.com", "com:1" },
	{ "com", NULL },
	{ "b\u00fccher.example", "idn:1" },
	{ "[2001:db8::1]", "literal:1" },
	{ "other.example", NULL },
};

START_TEST(matches_the_nearest)
{
	load(wild);
	ck_assert_pstr_eq(first_route(matches[_i].domain), matches[_i].want);
	unload();
}
END_TEST

/* What the section does not say, the top does. */
static const struct {
	const char *text;
	bool is_blocked, require_tls, allow_dialback, bidi;
} policies[] = {
	{ "", false, true, true, true },
	{ "remote \"b.example\" {}", false, true, true, true },
	{ "s2s = no", true, true, true, true },
	{ "s2s = no remote \"b.example\" {}", true, true, true, true },
	{ "s2s-only-listed = yes", true, true, true, true },
	{ "s2s-only-listed = yes remote \"c.example\" {}", true, true, true,
	  true },
	{ "s2s-only-listed = yes remote \"b.example\" {}", false, true, true,
	  true },
	{ "s2s-only-listed = yes remote \"*.example\" {}", false, true, true,
	  true },
	{ "remote \"b.example\" { block = yes }", true, true, true, true },
	/* An exact one goes before, also where it allows more. */
	{ "remote \"*.example\" { block = yes } remote \"b.example\" {}", false,
	  true, true, true },
	{ "s2s-dialback = no", false, true, false, true },
	{ "s2s-dialback = no remote \"b.example\" {}", false, true, false,
	  true },
	{ "s2s-dialback = no remote \"b.example\" { dialback = yes }", false,
	  true, true, true },
	{ "remote \"b.example\" { dialback = no }", false, true, false, true },
	{ "remote \"b.example\" { require-certificate = yes dialback = yes }",
	  false, true, false, true },
	{ "s2s-require-tls = no", false, false, true, true },
	{ "s2s-require-tls = no remote \"b.example\" { require-tls = yes }",
	  false, true, true, true },
	{ "remote \"b.example\" { require-tls = no }", false, false, true,
	  true },
	{ "s2s-bidi = no", false, true, true, false },
	{ "s2s-bidi = no remote \"b.example\" { bidi = yes }", false, true,
	  true, true },
	{ "remote \"b.example\" { bidi = no }", false, true, true, false },
};

START_TEST(falls_back_to_the_top)
{
	struct remote_policy p;
	char text[256];

	snprintf(text, sizeof(text), "%s host \"a.example\" {}",
		 policies[_i].text);
	load(text);
	remote_policy_of(&srv, "b.example", &p);
	ck_assert_int_eq(p.is_blocked, policies[_i].is_blocked);
	ck_assert_int_eq(p.require_tls, policies[_i].require_tls);
	ck_assert_int_eq(p.allow_dialback, policies[_i].allow_dialback);
	ck_assert_int_eq(p.bidi, policies[_i].bidi);
	ck_assert_ptr_null(p.addresses);
	unload();
}
END_TEST

static const struct {
	const char *text;
	struct quota_rates want;
} rates[] = {
	{ "", { 8 << 20, 32 << 20, 10000 } },
	{ "s2s-rate = 1M s2s-burst = 2M s2s-stanza-rate = 3",
	  { 1 << 20, 2 << 20, 3 } },
	{ "s2s-rate = 1M remote \"b.example\" {}",
	  { 1 << 20, 32 << 20, 10000 } },
	{ "s2s-rate = 1M remote \"*.example\" { rate = 0 stanza-rate = 0 }",
	  { 0, 32 << 20, 0 } },
	{ "s2s-burst = 1M remote \"b.example\" { burst = 16K }",
	  { 8 << 20, 16 << 10, 10000 } },
};

START_TEST(has_rates)
{
	struct remote_policy p;
	char text[256];

	snprintf(text, sizeof(text), "%s host \"a.example\" {}",
		 rates[_i].text);
	load(text);
	remote_policy_of(&srv, "b.example", &p);
	ck_assert_int_eq(p.rates.bytes, rates[_i].want.bytes);
	ck_assert_int_eq(p.rates.burst, rates[_i].want.burst);
	ck_assert_int_eq(p.rates.stanzas, rates[_i].want.stanzas);
	unload();
}
END_TEST

START_TEST(has_routes)
{
	struct remote_policy p;

	load("host \"a.example\" {}\n"
	     "remote \"b.example\" { address = {\n"
	     "	\"tls://xmpp.b.example:5270\", \"127.0.0.2:5269\",\n"
	     "	\"[::1]:1\" } }");
	remote_policy_of(&srv, "b.example", &p);
	ck_assert_str_eq(p.addresses[0], "tls://xmpp.b.example:5270");
	ck_assert_str_eq(p.addresses[1], "127.0.0.2:5269");
	ck_assert_str_eq(p.addresses[2], "[::1]:1");
	ck_assert_ptr_null(p.addresses[3]);

	/* A reload takes all of it over. */
	load("host \"a.example\" {} remote \"c.example\" { block = yes }");
	ck_assert_ptr_null(first_route("b.example"));
	remote_policy_of(&srv, "c.example", &p);
	ck_assert(p.is_blocked);
	unload();
}
END_TEST

static const struct {
	const char *section, *want;
} wrong[] = {
	{ "remote \"*\" {}", "remote: found \"*\", expected a domain like "
			     "\"example.org\" or \"*.example.org\"" },
	{ "remote \"*.\" {}", "remote: found \"*.\", expected a domain like "
			      "\"example.org\" or \"*.example.org\"" },
	{ "remote \"x@b.example\" {}",
	  "remote: found \"x@b.example\", expected a domain like "
	  "\"example.org\" or \"*.example.org\"" },
	{ "remote \"b.example\" {} remote \"B.example\" {}",
	  "remote: found a second section for \"b.example\", expected one; "
	  "it is in line 1 already" },
	{ "remote \"*.b.example\" {} remote \"*.B.example\" {}",
	  "remote: found a second section for \"*.b.example\", expected one; "
	  "it is in line 1 already" },
	{ "remote \"a.example\" {}",
	  "remote: found \"a.example\", which is the host of line 1, "
	  "expected a domain of another server" },
	{ "remote \"b.example\" {} component \"b.example\" { secret = x }",
	  "remote: found \"b.example\", which is the component of line 1, "
	  "expected a domain of another server" },
	{ "host \"*.b.example\" {}",
	  "host: found \"*.b.example\", expected a domain like "
	  "\"example.org\"" },
	{ "remote \"b.example\" { s2s-bidi = no }",
	  "s2s-bidi: found in a remote, expected at the top of the file, "
	  "outside of all sections" },
	{ "remote \"b.example\" { blok = yes }",
	  "blok: found an unknown option, expected perhaps block" },
	{ "remote \"b.example\" { block = maybe }",
	  "block: found \"maybe\", expected yes or no" },
	{ "block = yes", "block: found an unknown option, expected one of "
			 "banyan.conf(5)" },
#define ROUTE(text)                                                          \
	{                                                                    \
		"remote \"b.example\" { address = \"" text "\" }",           \
			"address: found \"" text                             \
			"\", expected a host and a port like "               \
			"\"xmpp.example.net:5269\", \"[2001:db8::1]:5269\" " \
			"or "                                                \
			"\"tls://xmpp.example.net:5270\""                    \
	}
	ROUTE(""),
	ROUTE("b.example"),
	ROUTE(":5269"),
	ROUTE("b.example:"),
	ROUTE("b.example:0"),
	ROUTE("b.example:65536"),
	ROUTE("b.example:5269x"),
	ROUTE("b.example:-1"),
	ROUTE("tls://:5269"),
	ROUTE("ssl://b.example:5269"),
	ROUTE("::1:5269"),
	ROUTE("[::g]:5269"),
	ROUTE("x@b.example:5269"),
	ROUTE("b\u00fccher.example:5269"), /* DNS has A-labels */
};

START_TEST(says_what_is_wrong)
{
	struct config_errors errs = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "host \"a.example\" {} %s",
		 wrong[_i].section);
	ck_assert_ptr_null(config_parse("test", text, strlen(text), &errs));
	ck_assert_uint_eq(errs.n, 1);
	ck_assert_str_eq(errs.items[0].text, wrong[_i].want);
	config_errors_fini(&errs);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("remote");

	tcase_add_loop_test(tc, matches_the_nearest, 0, N_ELEMENTS(matches));
	tcase_add_loop_test(tc, falls_back_to_the_top, 0, N_ELEMENTS(policies));
	tcase_add_loop_test(tc, has_rates, 0, N_ELEMENTS(rates));
	tcase_add_test(tc, has_routes);
	tcase_add_loop_test(tc, says_what_is_wrong, 0, N_ELEMENTS(wrong));
	return unit_run(tc);
}
