/*
 * config_file.h - the text of a configuration as sections and settings, each
 * with its place; private to config.c. Nothing has been judged yet.
 */
#ifndef CORE_CONFIG_FILE_H
#define CORE_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config_errors;
struct option;

enum config_kind {
	CONFIG_TOP,
	CONFIG_HOST,
	CONFIG_COMPONENT,
	CONFIG_REMOTE,
	CONFIG_KINDS
};

struct config_setting {
	const char *name;
	const struct option *option; /* NULL: there is no such option */
	const char **values;	     /* owned */
	size_t n;
	const char *file;
	int line;
};

struct config_section {
	enum config_kind kind;
	const char *title; /* as written; NULL: the top */
	const char *file;
	int line;
	struct config_setting *settings; /* owned; in order */
	size_t n;
};

/* Zeroed memory is an empty one. The first section is the top. */
struct config_file {
	struct arena *arena; /* ref; of the strings */
	struct config_section **sections;
	size_t n;
};

/* What could be read, also where errs says that something could not. text is
 * changed. may_include: else include() is an error. One thread only. */
void
config_file_parse(struct config_file *f, const char *name, char *text,
		  size_t len, bool may_include, struct config_errors *errs);
void config_file_fini(struct config_file *f);

/* To be freed; NULL, with errs, where it cannot be read. where: the file and
 * line that ask for it. */
char *config_file_read(const char *path, const char *where, int line,
		       size_t *len_out, struct config_errors *errs);

/* "host", "component" or "remote", as it stands in the file; NULL: the top. */
const char *config_kind_name(enum config_kind kind);
/* CONFIG_TOP: no section has this name. */
enum config_kind config_kind_named(const char *name);
/* The i-th table with options for such a section (it may be NULL). False behind
 * the last. */
bool
config_table(enum config_kind kind, size_t i, const struct option **table_out);
const struct option *config_option(enum config_kind kind, const char *name);

#endif
