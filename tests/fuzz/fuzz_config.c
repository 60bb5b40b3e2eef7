/* fuzz_config.c - any text is a configuration, or is told why not. */

#include "core/config.h"
#include "core/host.h"
#include "core/module.h"
#include "core/server.h"
#include "fuzz.h"

#include <stdlib.h>

/* A list, a path and a number with a range are all kinds there are. */
const struct option host_options[] = {
	{ "admins", OPT_LIST, offsetof(struct host_options, admins),
	  .doc = "…" },
	{ "certificate", OPT_PATH, offsetof(struct host_options, certificate),
	  .doc = "…" },
	{ 0 }
};
const struct module *const all_modules[] = { NULL };

/* libconfuse loses a few bytes where the call of a function is broken off. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server_options opt = { 0 };
	struct host_options host = { 0 };
	struct config_errors errs = { 0 };
	struct config *c;

	c = config_parse("fuzz", (const char *)data, size, &errs);
	if (!c != (config_errors_count(&errs) > 0))
		abort();
	if (c) {
		config_fill_server(c, &opt);
		option_fini(server_options, &opt);
		config_fill(c, config_host(c, 0), host_options, &host);
		option_fini(host_options, &host);
	}
	config_free(c);
	config_errors_fini(&errs);
	return 0;
}
