/* config.c - the options of a room: as a whole, and how they are stored. */

#include "modules/muc/config.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "modules/muc/config_option.h"

#include <string.h>

/* ---- all options ---- */

void
muc_config_init(struct muc_config *c, enum muc_preset preset)
{
	*c = (struct muc_config){ 0 };
	muc_option_each (o) {
		if (o->name && !muc_option_is_text(o))
			muc_option_set_number(o, c, o->preset[preset]);
	}
}

void
muc_config_fini(struct muc_config *c)
{
	muc_option_each (o)
		muc_option_clear(o, c);
}

void
muc_config_copy(struct muc_config *c, const struct muc_config *from)
{
	*c = (struct muc_config){ 0 };
	muc_option_each (o)
		muc_option_copy(o, c, from);
}

bool
muc_config_eq(const struct muc_config *a, const struct muc_config *b)
{
	muc_option_each (o) {
		if (!muc_option_eq(o, a, b))
			return false;
	}
	return true;
}

void
muc_config_apply_preset(struct muc_config *c, enum muc_preset preset)
{
	muc_option_each (o) {
		if (muc_option_has_presets(o))
			muc_option_set_number(o, c, o->preset[preset]);
	}
}

static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *s = text; s; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (!strncmp(s, line, len) && (!s[len] || s[len] == '\n'))
			return true;
	}
	return false;
}

bool
muc_config_allows_copy(const struct muc_config *c, const char *domain)
{
	if (c->distribute == DISTRIBUTE_LISTED)
		return has_line(c->copies, domain);
	return c->distribute == DISTRIBUTE_YES;
}

bool
muc_config_is_logged(const struct muc_config *c)
{
	return c->is_archived || c->is_logged;
}

size_t
muc_config_status_codes(const struct muc_config *old,
			const struct muc_config *now,
			int codes_out[MUC_CONFIG_CODES_MAX])
{
	bool is_logged = muc_config_is_logged(now), is_other = false;
	bool is_logging_new = is_logged != muc_config_is_logged(old);
	size_t n = 0;

	if (is_logging_new)
		codes_out[n++] = is_logged ? 170 : 171;
	if (now->whois != old->whois)
		codes_out[n++] = now->whois == WHOIS_ANYONE ? 172 : 173;
	muc_option_each (o) {
		if (muc_option_eq(o, old, now) ||
		    o->at == offsetof(struct muc_config, whois) ||
		    (o->is_logging && is_logging_new))
			continue;
		is_other = true;
	}
	if (is_other)
		codes_out[n++] = 104;
	return n;
}

void
muc_config_limit(struct muc_config *c, const struct muc_limits *limits)
{
	muc_option_each (o) {
		int limit = muc_option_limit(o, limits);

		if ((o->kind == OPTION_NUMBER || o->kind == OPTION_USERS) &&
		    muc_option_number(o, c) > limit)
			muc_option_set_number(o, c, limit);
	}
}

/* ---- storage: NAME=VALUE, with \n and \\ for a line's end and \ ---- */

static void
escape(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_adds(b, "\\n");
		else if (*s == '\\')
			buf_adds(b, "\\\\");
		else
			buf_addc(b, *s);
	}
}

static char *
unescape(struct arena *a, const char *s, size_t len)
{
	char *text = arena_strndup(a, s, len), *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1]) {
			from++;
			*to++ = *from;
			if (*from == 'n')
				to[-1] = '\n';
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

void
muc_config_to_text(const struct muc_config *c, struct buf *b)
{
	struct arena *a = arena_new();

	muc_option_each (o) {
		const char **values, *between = "";

		if (!o->name)
			continue;
		values = muc_option_values(a, o, c, NULL);
		if (!*values && muc_option_is_text(o))
			continue;
		buf_printf(b, "%s=", o->name);
		for (; *values; values++) {
			buf_adds(b, between);
			escape(b, *values);
			between = o->kind == OPTION_JIDS ? "\\n" : " ";
		}
		buf_addc(b, '\n');
	}
	arena_unref(&a);
}

static const struct muc_option *
find_named(const char *name, size_t len)
{
	muc_option_each (o) {
		if (o->name && strlen(o->name) == len &&
		    !memcmp(o->name, name, len))
			return o;
	}
	return NULL;
}

static int
read_line(struct arena *a, struct muc_config *c, const char *line, size_t len,
	  struct err *err)
{
	const char *equals = memchr(line, '=', len), **values;
	const struct muc_option *o;
	char *value;

	if (!equals)
		return len ? err_set(err, "a line without =") : 0;
	o = find_named(line, (size_t)(equals - line));
	if (!o)
		return 0;
	value = unescape(a, equals + 1, (size_t)(line + len - equals - 1));
	if (o->kind == OPTION_JIDS || o->kind == OPTION_ROLES) {
		values = muc_option_split(a, value,
					  o->kind == OPTION_JIDS ? '\n' : ' ');
	} else {
		values = arena_zalloc(a, 2 * sizeof(*values));
		values[0] = value;
	}
	if (muc_option_set(o, c, values, NULL, err) < 0)
		return err_wrap(err, "%s", o->name);
	return 0;
}

int
muc_config_from_text(struct muc_config *c, const char *text, size_t len,
		     struct err *err)
{
	struct arena *a = arena_new();
	int ret = 0;

	muc_config_init(c, PRESET_TEMPORARY);
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		/* The first one is told. */
		if (read_line(a, c, text, n, ret < 0 ? NULL : err) < 0)
			ret = -1;
		n += end != NULL;
		text += n;
		len -= n;
	}
	arena_unref(&a);
	return ret;
}
