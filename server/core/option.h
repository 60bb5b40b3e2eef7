/*
 * option.h - settings, declared where they are used.
 *
 * A table of options says name, type, place in a struct, range, default and
 * the manual's text. The configuration fills the struct, `banyan check`
 * judges values by it, and the manual page is printed from it.
 */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum option_type {
	OPT_BOOL,     /* bool; "yes", "no" */
	OPT_INT,      /* int64_t */
	OPT_SIZE,     /* int64_t, bytes; "256K", "4M" */
	OPT_DURATION, /* int64_t, milliseconds; "500ms", "30s", "5m", "2h", "7d"
		       */
	OPT_STRING,   /* char *, owned; NULL where it is not set */
	OPT_PATH,     /* the same; a relative one is completed with the folder
		       * of the configuration */
	OPT_ENUM,     /* int, index into choices */
	OPT_LIST,     /* struct option_list */
};

struct option_list {
	char **items; /* owned */
	size_t n;
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	const char *def;  /* as in the file; a list: separated by blanks */
	int64_t min, max; /* INT, SIZE, DURATION (ms); both 0: no range */
	const char *const *choices; /* ENUM: NULL-terminated */
	/* Judges one value (each item of a list) beyond its type; may be NULL.
	 * err says what was found and what was expected. */
	int (*check)(const char *value, struct err *err);
	bool needs_restart; /* a changed value waits for the next start */
	const char *doc;    /* sentences for the manual */
};

/* Tables end with { 0 }; any may be NULL. */

/* Sets every option in the struct `into` (zeroed, or filled before) to its
 * default. Defaults are not put before check. */
void option_defaults(const struct option *table, void *into);
/* Frees strings and lists. */
void option_fini(const struct option *table, void *into);
const struct option *option_find(const struct option *table, const char *name);
/* Sets one from text. n values: more than one only for a list. What was there
 * is freed; on error it stays. err: `found "x", expected …`. */
int option_set(const struct option *o, void *into, const char *const *values,
	       size_t n, struct err *err);
/* What a value has to be: "a whole number, from 1 to 9"; to be freed. */
char *option_expects(const struct option *o);
/* "30s", "256K", "yes", …, for messages and the manual; to be freed. */
char *option_text(const struct option *o, const void *from);

/* A check: is it a domain? */
int option_check_domain(const char *value, struct err *err);

#endif
