/* option.c - settings: text to values and back. */

#include "core/option.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "xmpp/jid.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *suffix;
	int64_t factor;
};

/* Ascending; a value is written with the largest that divides it. */
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { 0 }
};
static const struct unit durations[] = { { "ms", 1 },	    { "s", 1000 },
					 { "m", 60000 },    { "h", 3600000 },
					 { "d", 86400000 }, { 0 } };
static const struct unit plain[] = { { "", 1 }, { 0 } };

static const struct unit *
units_of(const struct option *o)
{
	switch (o->type) {
	case OPT_SIZE:
		return sizes;
	case OPT_DURATION:
		return durations;
	default:
		return plain;
	}
}

static bool
has_range(const struct option *o)
{
	return o->min || o->max;
}

static void
add_number(struct buf *b, const struct option *o, int64_t v)
{
	const struct unit *best = units_of(o);

	for (const struct unit *u = best + 1; u->suffix; u++) {
		if (v && v % u->factor == 0)
			best = u;
	}
	buf_printf(b, "%" PRId64 "%s", v / best->factor, v ? best->suffix : "");
}

static void
add_range(struct buf *b, const struct option *o)
{
	if (!has_range(o))
		return;
	if (o->max == INT64_MAX) {
		buf_adds(b, ", at least ");
		add_number(b, o, o->min);
		return;
	}
	buf_adds(b, ", from ");
	add_number(b, o, o->min);
	buf_adds(b, " to ");
	add_number(b, o, o->max);
}

static void
add_choices(struct buf *b, const struct option *o)
{
	for (size_t i = 0; o->choices[i]; i++) {
		if (i)
			buf_adds(b, o->choices[i + 1] ? ", " : " or ");
		buf_printf(b, "\"%s\"", o->choices[i]);
	}
}

char *
option_expects(const struct option *o)
{
	struct buf b = { 0 };

	switch (o->type) {
	case OPT_BOOL:
		buf_adds(&b, "yes or no");
		break;
	case OPT_INT:
		buf_adds(&b, "a whole number");
		add_range(&b, o);
		break;
	case OPT_SIZE:
		buf_adds(&b, "a size like 256K or 4M");
		add_range(&b, o);
		break;
	case OPT_DURATION:
		buf_adds(&b, "a time like 30s or 5m");
		add_range(&b, o);
		break;
	case OPT_STRING:
		buf_adds(&b, "a text");
		break;
	case OPT_PATH:
		buf_adds(&b, "a path");
		break;
	case OPT_ENUM:
		add_choices(&b, o);
		break;
	case OPT_LIST:
		buf_adds(&b, "a list like {\"one\", \"two\"}");
		break;
	}
	return buf_take(&b);
}

static int
unexpected(const struct option *o, const char *text, struct err *err)
{
	char *expects = option_expects(o);

	err_set(err, "found \"%s\", expected %s", text, expects);
	free(expects);
	return -1;
}

static int
parse_bool(const char *text, bool *out)
{
	static const char *const words[] = { "no",   "yes", "false",
					     "true", "off", "on" };

	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		if (!strcmp(text, words[i])) {
			*out = i & 1;
			return 0;
		}
	}
	return -1;
}

static int
parse_number(const struct option *o, const char *text, int64_t *out)
{
	const struct unit *u = units_of(o);
	long long v;
	char *end;

	/* strtoll would take blanks and a plus sign. */
	if (*text != '-' && (*text < '0' || *text > '9'))
		return -1;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || (v < 0 && o->type != OPT_INT))
		return -1;
	/* 0 is the same in every unit. */
	while (u->suffix && strcmp(u->suffix, end) && (v || *end))
		u++;
	if (!u->suffix || __builtin_mul_overflow(v, u->factor, out))
		return -1;
	return has_range(o) && (*out < o->min || *out > o->max) ? -1 : 0;
}

static int
parse_choice(const struct option *o, const char *text, int *out)
{
	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(text, o->choices[i])) {
			*out = i;
			return 0;
		}
	}
	return -1;
}

static void
list_fini(struct option_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct option_list){ 0 };
}

static void
set_list(struct option_list *l, const char *const *values, size_t n)
{
	struct option_list fresh = { 0 };

	if (n)
		fresh.items = mem_alloc(n * sizeof(*fresh.items));
	for (; fresh.n < n; fresh.n++)
		fresh.items[fresh.n] = mem_strdup(values[fresh.n]);
	list_fini(l);
	*l = fresh;
}

static int
set_scalar(const struct option *o, void *at, const char *text, struct err *err)
{
	char *copy;
	int ret = 0;

	switch (o->type) {
	case OPT_BOOL:
		ret = parse_bool(text, at);
		break;
	case OPT_INT:
	case OPT_SIZE:
	case OPT_DURATION: {
		int64_t v;

		ret = parse_number(o, text, &v);
		if (!ret)
			*(int64_t *)at = v;
		break;
	}
	case OPT_ENUM:
		ret = parse_choice(o, text, at);
		break;
	case OPT_STRING:
	case OPT_PATH:
		copy = mem_strdup(text);
		free(*(char **)at);
		*(char **)at = copy;
		break;
	case OPT_LIST:
		break;
	}
	return ret < 0 ? unexpected(o, text, err) : 0;
}

int
option_set(const struct option *o, void *into, const char *const *values,
	   size_t n, struct err *err)
{
	void *at = (char *)into + o->offset;

	for (size_t i = 0; o->check && i < n; i++) {
		if (o->check(values[i], err) < 0)
			return -1;
	}
	if (o->type == OPT_LIST) {
		set_list(at, values, n);
		return 0;
	}
	if (n != 1) {
		char *expects = option_expects(o);

		err_set(err, "found %zu values, expected %s", n, expects);
		free(expects);
		return -1;
	}
	return set_scalar(o, at, values[0], err);
}

/* The words of def are the items. */
static void
list_defaults(const struct option *o, void *into)
{
	const char **words = NULL;
	char *save, *copy = mem_strdup(o->def ? o->def : "");
	size_t n = 0;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		words = mem_realloc(words, (n + 1) * sizeof(*words));
		words[n++] = w;
	}
	set_list((void *)((char *)into + o->offset), words, n);
	free(words);
	free(copy);
}

static void
set_default(const struct option *o, void *into)
{
	void *at = (char *)into + o->offset;
	struct err err;
	int ret;

	if (o->type == OPT_LIST) {
		list_defaults(o, into);
		return;
	}
	if (o->def) {
		/* A default that its own table refuses is our bug. */
		ret = set_scalar(o, at, o->def, &err);
		assert(ret == 0);
		(void)ret;
		return;
	}
	switch (o->type) {
	case OPT_STRING:
	case OPT_PATH:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case OPT_BOOL:
		*(bool *)at = false;
		break;
	case OPT_ENUM:
		*(int *)at = 0;
		break;
	default:
		*(int64_t *)at = 0;
	}
}

void
option_defaults(const struct option *table, void *into)
{
	for (const struct option *o = table; o && o->name; o++)
		set_default(o, into);
}

void
option_fini(const struct option *table, void *into)
{
	for (const struct option *o = table; o && o->name; o++) {
		void *at = (char *)into + o->offset;

		if (o->type == OPT_LIST) {
			list_fini(at);
		} else if (o->type == OPT_STRING || o->type == OPT_PATH) {
			free(*(char **)at);
			*(char **)at = NULL;
		}
	}
}

const struct option *
option_find(const struct option *table, const char *name)
{
	for (const struct option *o = table; o && o->name; o++) {
		if (!strcmp(o->name, name))
			return o;
	}
	return NULL;
}

char *
option_text(const struct option *o, const void *from)
{
	const void *at = (const char *)from + o->offset;
	const struct option_list *l = at;
	struct buf b = { 0 };

	switch (o->type) {
	case OPT_BOOL:
		buf_adds(&b, *(const bool *)at ? "yes" : "no");
		break;
	case OPT_INT:
	case OPT_SIZE:
	case OPT_DURATION:
		add_number(&b, o, *(const int64_t *)at);
		break;
	case OPT_ENUM:
		buf_adds(&b, o->choices[*(const int *)at]);
		break;
	case OPT_STRING:
	case OPT_PATH:
		if (*(char *const *)at)
			buf_adds(&b, *(char *const *)at);
		break;
	case OPT_LIST:
		for (size_t i = 0; i < l->n; i++)
			buf_printf(&b, "%s%s", i ? " " : "", l->items[i]);
	}
	return buf_take(&b);
}

int
option_check_domain(const char *value, struct err *err)
{
	struct jid *jid = jid_parse(value);
	bool is_domain = jid && jid_is_domain(jid);

	jid_unref(&jid);
	return is_domain
		       ? 0
		       : err_set(err, "found \"%s\", expected a domain", value);
}
