/*
 * config.h - banyan.conf: what the administrator wrote, judged by the tables.
 *
 * A file has settings at its top, `host "example.org" { … }`,
 * `component "gw.example.org" { … }` and `remote "example.net" { … }`. Options
 * of hosts and modules may stand at the top as well, as the default of all
 * hosts. A struct config is immutable and has been checked: reading from it
 * cannot fail.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/option.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct config;
struct remote_options;
struct server_options;

struct config_error {
	char *file; /* owned */
	int line;   /* 0: the file as a whole */
	bool is_warning;
	char *text; /* owned; "stanza-max: found …, expected …" */
};

/* What was found wrong, in the order of the file. Zeroed memory is none. */
struct config_errors {
	struct config_error *items; /* owned */
	size_t n;
};

void config_errors_fini(struct config_errors *errs);
void
config_errors_add(struct config_errors *errs, const char *file, int line,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void
config_errors_warn(struct config_errors *errs, const char *file, int line,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* How many are not just warnings. */
size_t config_errors_count(const struct config_errors *errs);
/* Appends "FILE:LINE: TEXT\n" for each; warnings say so. */
void config_errors_write(const struct config_errors *errs, struct buf *out);

/* Reads a file and what it includes. NULL where anything is wrong: errs (which
 * may hold warnings in any case) says what, all of it where possible. */
struct config *config_load(const char *path, struct config_errors *errs);
/* The same from memory; name stands for the file in messages. It may not
 * include files; its relative paths stay as they are. */
struct config *config_parse(const char *name, const char *text, size_t len,
			    struct config_errors *errs);
void config_free(struct config *c);
/* Just data-dir, of a file that may have mistakes elsewhere; to be freed. NULL
 * with errs where the file cannot be read. */
char *config_data_dir(const char *path, struct config_errors *errs);

/* What `banyan check` finds beyond that: certificates that cannot be read or
 * are for other names, folders that are not there, addresses that cannot be
 * bound. is_running: a server holds the addresses already, so that they are
 * not tried. */
void config_check(const struct config *c, bool is_running,
		  struct config_errors *errs);

/* Fills a struct from its table: host is the name of a section, or NULL for
 * the top alone. Strings in `into` (zeroed, or filled before) are replaced;
 * option_fini frees them. */
void config_fill(const struct config *c, const char *host,
		 const struct option *table, void *into);
/* The same for a server that runs: options that need a restart stay as they
 * are, with a warning in the log where the file says something else. */
void config_refill(const struct config *c, const char *host,
		   const struct option *table, void *into);
/* The top, by server_options[]. */
void config_fill_server(const struct config *c, struct server_options *into);

/* Hosts in the order of the file; prepared domains. */
size_t config_n_hosts(const struct config *c);
const char *config_host(const struct config *c, size_t i);
bool config_has_host(const struct config *c, const char *domain);

struct config_component {
	const char *domain; /* prepared */
	const char *secret; /* never empty */
};
size_t config_n_components(const struct config *c);
const struct config_component *
config_component(const struct config *c, size_t i);

/* Domains of other servers. */
struct config_remote {
	const char *domain; /* prepared; may be "*.example.net" */
};
size_t config_n_remotes(const struct config *c);
const struct config_remote *config_remote(const struct config *c, size_t i);
/* Sets only what the section says; the rest of `into` stays. */
void config_fill_remote(const struct config *c, size_t i,
			struct remote_options *into);

/* Where an option was set for a host, or else the host's section, or else the
 * file as a whole (line 0). host, option may be NULL. */
const char *config_where(const struct config *c, const char *host,
			 const char *option, int *line_out);

/* Options of a component's section, for the manual. */
extern const struct option component_options[];

#endif
