/*
 * check_config.c - banyan.conf: what is read, and what is said of mistakes.
 *
 * tests/unit/config holds broken files, each with what has to be said of it:
 * NAME.conf and NAME.want.
 */

#include "core/config.h"

#include "base/buf.h"
#include "base/log.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tables that do not change with each new module. */

struct sample {
	int64_t max, later;
};

const struct option host_options[] = {
	{ "admins", OPT_LIST, offsetof(struct host_options, admins),
	  .doc = "…" },
	{ "certificate", OPT_PATH, offsetof(struct host_options, certificate),
	  .doc = "…" },
	{ "key", OPT_PATH, offsetof(struct host_options, key), .doc = "…" },
	{ 0 }
};

static const struct option sample_options[] = {
	{ "offline-max", OPT_INT, offsetof(struct sample, max), .def = "500",
	  .max = 100000, .doc = "…" },
	{ "sample-later", OPT_INT, offsetof(struct sample, later), .def = "1",
	  .needs_restart = true, .doc = "…" },
	{ 0 }
};

static const struct module mod_sample = { .name = "sample",
					  .options = sample_options };
static const struct module mod_bare = { .name = "bare" };

const struct module *const all_modules[] = { &mod_bare, &mod_sample, NULL };

static glob_t broken; /* the files of tests/unit/config */

static char *
read_all(const char *path)
{
	FILE *in = fopen(path, "re");
	struct buf b = { 0 };
	size_t got;

	ck_assert_msg(in != NULL, "%s is missing", path);
	while ((got = fread(buf_reserve(&b, 4096), 1, 4096, in)) > 0)
		b.len += got;
	fclose(in);
	buf_addc(&b, '\0');
	return buf_take(&b);
}

START_TEST(says_what_is_wrong)
{
	const char *path = broken.gl_pathv[_i];
	struct config_errors errs = { 0 };
	struct config *c = config_load(path, &errs);
	char *want_path = mem_printf("%.*s.want", (int)strlen(path) - 5, path);
	char *want = read_all(want_path);
	struct buf said = { 0 };

	config_errors_write(&errs, &said);
	ck_assert_ptr_null(c);
	ck_assert_uint_gt(config_errors_count(&errs), 0);
	ck_assert_str_eq(said.data, want);
	buf_fini(&said);
	config_errors_fini(&errs);
	free(want);
	free(want_path);
}
END_TEST

/* What is right; errors fail the test. */
static struct config *
parse(const char *text)
{
	struct config_errors errs = { 0 };
	struct config *c = config_parse("test", text, strlen(text), &errs);
	struct buf said = { 0 };

	config_errors_write(&errs, &said);
	ck_assert_msg(c != NULL, "%s", said.data);
	ck_assert_uint_eq(errs.n, 0);
	buf_fini(&said);
	config_errors_fini(&errs);
	return c;
}

START_TEST(takes_the_minimum)
{
	struct config *c = parse("host \"example.org\" {}");
	struct server_options opt = { 0 };
	int line;

	ck_assert_uint_eq(config_n_hosts(c), 1);
	ck_assert_str_eq(config_host(c, 0), "example.org");
	ck_assert(config_has_host(c, "example.org"));
	ck_assert(!config_has_host(c, "example.net"));
	ck_assert_uint_eq(config_n_components(c), 0);
	config_fill_server(c, &opt);
	ck_assert_int_eq(opt.stanza_max, 256 * 1024);
	ck_assert_uint_eq(opt.c2s_listen.n, 2);
	ck_assert_str_eq(opt.c2s_listen.items[1], "[::]:5222");
	ck_assert(opt.c2s_require_tls);
	ck_assert_ptr_null(opt.database);
	option_fini(server_options, &opt);

	ck_assert_str_eq(config_where(c, "example.org", "key", &line), "test");
	ck_assert_int_eq(line, 1);
	config_where(c, NULL, "key", &line);
	ck_assert_int_eq(line, 0);
	config_free(c);
	config_free(NULL);
}
END_TEST

static const char whole[] =
	"# a comment\n"
	"stanza-max = 64K /* one\nand two */ log-level = warn\n"
	"c2s-listen = {\n"
	"	\"127.0.0.1:5222\", # comments inside of lists\n"
	"	\"[::1]:5222\" // are fine\n"
	"}\n"
	"c2s-tls-listen = 127.0.0.1:5223\n"
	"component-listen = {}\n"
	"data-dir = \"a dir\" certificates-dir = /etc//certs\n"
	"offline-max = 7\n"
	"host \"Example.ORG\" {}\n"
	"host 'xn--bcher-kva.example' {\n"
	"	offline-max = 8\n"
	"	admins = { \"a@example.org\" }\n"
	"	admins += \"b@example.org\"\n"
	"	certificate = certs/one.pem\n"
	"}\n"
	"component \"gw.example.org\" { secret = \"a # \\\"b\\\" }\" }\n"
	"component gx.example.org { secret = ${BANYAN_TEST_SECRET} }\n";

START_TEST(fills)
{
	const char *name = "b\u00fccher.example";
	struct server_options opt = { 0 };
	struct host_options host = { 0 };
	struct sample sample = { 0 };
	struct config *c;
	int line;

	setenv("BANYAN_TEST_SECRET", "from outside", 1);
	c = parse(whole);
	config_fill_server(c, &opt);
	ck_assert_int_eq(opt.stanza_max, 65536);
	ck_assert_int_eq(opt.log_level, LOG_WARN);
	ck_assert_uint_eq(opt.c2s_listen.n, 2);
	ck_assert_str_eq(opt.c2s_listen.items[1], "[::1]:5222");
	ck_assert_uint_eq(opt.c2s_tls_listen.n, 1);
	ck_assert_uint_eq(opt.component_listen.n, 0);
	ck_assert_str_eq(opt.data_dir, "a dir");
	ck_assert_str_eq(opt.certificates_dir, "/etc//certs");
	option_fini(server_options, &opt);

	ck_assert_uint_eq(config_n_hosts(c), 2);
	ck_assert_str_eq(config_host(c, 0), "example.org");
	ck_assert_str_eq(config_host(c, 1), name);
	config_fill(c, "example.org", sample_options, &sample);
	ck_assert_int_eq(sample.max, 7);
	config_fill(c, name, sample_options, &sample);
	ck_assert_int_eq(sample.max, 8);
	config_fill(c, name, host_options, &host);
	ck_assert_uint_eq(host.admins.n, 2);
	ck_assert_str_eq(host.admins.items[1], "b@example.org");
	ck_assert_str_eq(host.certificate, "certs/one.pem");
	option_fini(host_options, &host);

	ck_assert_uint_eq(config_n_components(c), 2);
	ck_assert_str_eq(config_component(c, 0)->domain, "gw.example.org");
	ck_assert_str_eq(config_component(c, 0)->secret, "a # \"b\" }");
	ck_assert_str_eq(config_component(c, 1)->secret, "from outside");

	config_where(c, NULL, "log-level", &line);
	ck_assert_int_eq(line, 3);
	config_where(c, name, "certificate", &line);
	ck_assert_int_eq(line, 17);
	config_where(c, name, "offline-max", &line);
	ck_assert_int_eq(line, 14);
	config_where(c, "example.org", "offline-max", &line);
	ck_assert_int_eq(line, 11);
	config_where(c, "example.org", "certificate", &line);
	ck_assert_int_eq(line, 12);
	config_free(c);
}
END_TEST

static int n_lines;
static char last_line[512];

static void
on_line(const char *line, void *data)
{
	(void)data;
	n_lines++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

/* What needs a restart stays as it is, and that is said. */
START_TEST(refills)
{
	struct config *c = parse("host \"a.example\" { offline-max = 1 }");
	struct sample s = { 0 };

	config_fill(c, "a.example", sample_options, &s);
	ck_assert_int_eq(s.max, 1);
	config_free(c);

	log_capture(on_line, NULL);
	c = parse("host \"a.example\" { offline-max = 2 }");
	config_refill(c, "a.example", sample_options, &s);
	ck_assert_int_eq(s.max, 2);
	ck_assert_int_eq(n_lines, 0);
	config_free(c);

	c = parse("sample-later = 3 host \"a.example\" {}");
	config_refill(c, "a.example", sample_options, &s);
	ck_assert_int_eq(s.max, 500);
	ck_assert_int_eq(s.later, 1);
	ck_assert_int_eq(n_lines, 1);
	ck_assert_ptr_nonnull(
		strstr(last_line, "sample-later stays 1 until the next start"));
	config_free(c);
	log_capture(NULL, NULL);
}
END_TEST

/* Relative paths belong to the folder of the file; so do includes. */
START_TEST(completes_paths)
{
	char dir[] = "/tmp/banyan-config-XXXXXX";
	struct config_errors errs = { 0 };
	struct host_options host = { 0 };
	char *path, *inner;
	struct config *c;
	FILE *out;
	int line;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = mem_printf("%s/banyan.conf", dir);
	inner = mem_printf("%s/host.inc", dir);
	out = fopen(path, "we");
	fputs("key = 'the key.pem'\nhost \"a.example\" {\n"
	      "include(host.inc) }\n",
	      out);
	fclose(out);
	out = fopen(inner, "we");
	fputs("\ncertificate = /the/cert.pem\n", out);
	fclose(out);

	c = config_load(path, &errs);
	ck_assert_ptr_nonnull(c);
	config_fill(c, "a.example", host_options, &host);
	ck_assert_str_eq(host.certificate, "/the/cert.pem");
	ck_assert_int_eq(strncmp(host.key, dir, strlen(dir)), 0);
	ck_assert_str_eq(host.key + strlen(dir), "/the key.pem");
	ck_assert_str_eq(config_where(c, "a.example", "certificate", &line),
			 inner);
	ck_assert_int_eq(line, 2);
	ck_assert_str_eq(config_where(c, "a.example", "key", &line), path);
	ck_assert_int_eq(line, 1);
	option_fini(host_options, &host);
	config_free(c);
	unlink(path);
	unlink(inner);
	rmdir(dir);
	free(path);
	free(inner);
}
END_TEST

START_TEST(reads_no_other_files)
{
	static const char text[] = "include(/dev/null) host \"a.example\" {}";
	struct config_errors errs = { 0 };

	ck_assert_ptr_null(config_parse("t", text, strlen(text), &errs));
	ck_assert_str_eq(errs.items[0].text, "include: not possible here");
	config_errors_fini(&errs);

	ck_assert_ptr_null(config_load("/does/not/exist", &errs));
	ck_assert_str_eq(errs.items[0].text,
			 "cannot be read: No such file or directory");
	config_errors_fini(&errs);

	ck_assert_ptr_null(config_load("/", &errs));
	ck_assert_str_eq(errs.items[0].text, "cannot be read: Is a directory");
	config_errors_fini(&errs);

	ck_assert_ptr_null(config_parse("t", "a\0b", 3, &errs));
	ck_assert_str_eq(errs.items[0].text,
			 "found a NUL byte, expected a text file");
	config_errors_fini(&errs);
}
END_TEST

int
main(void)
{
	const char *top = getenv("top_srcdir");
	char *dir = mem_printf("%s/tests/unit/config", top ? top : ".");
	TCase *tc = tcase_create("config");
	int failed;

	if (chdir(dir) < 0 || glob("*.conf", 0, NULL, &broken)) {
		fprintf(stderr, "%s: no broken files found\n", dir);
		return 1;
	}
	tcase_add_loop_test(tc, says_what_is_wrong, 0, (int)broken.gl_pathc);
	tcase_add_test(tc, takes_the_minimum);
	tcase_add_test(tc, fills);
	tcase_add_test(tc, refills);
	tcase_add_test(tc, completes_paths);
	tcase_add_test(tc, reads_no_other_files);
	failed = unit_run(tc);
	globfree(&broken);
	free(dir);
	return failed;
}
