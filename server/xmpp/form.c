/* form.c - data forms. */

#include "xmpp/form.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

static const char *const type_names[] = {
	[FORM_TEXT_SINGLE] = "text-single",
	[FORM_TEXT_PRIVATE] = "text-private",
	[FORM_TEXT_MULTI] = "text-multi",
	[FORM_BOOLEAN] = "boolean",
	[FORM_JID_SINGLE] = "jid-single",
	[FORM_JID_MULTI] = "jid-multi",
	[FORM_LIST_SINGLE] = "list-single",
	[FORM_LIST_MULTI] = "list-multi",
	[FORM_FIXED] = "fixed",
	[FORM_HIDDEN] = "hidden",
};

/* ---- writing ---- */

static struct xml *
add_form(struct arena *a, struct xml *parent, const char *type)
{
	struct xml *form = xml_add(a, parent, "x", NS_DATA);

	xml_set(a, form, "type", type);
	return form;
}

static void
add_form_type(struct arena *a, struct xml *form, const char *form_type)
{
	static const struct form_field field = { .var = "FORM_TYPE",
						 .type = FORM_HIDDEN };

	if (form_type)
		form_add_value(a, form_add_field(a, form, &field), form_type);
}

struct xml *
form_add(struct arena *a, struct xml *parent, const char *form_type,
	 const char *title, const char *instructions)
{
	struct xml *form = add_form(a, parent, "form");

	if (title)
		xml_add_text(a, form, "title", NULL, title);
	if (instructions)
		xml_add_text(a, form, "instructions", NULL, instructions);
	add_form_type(a, form, form_type);
	return form;
}

struct xml *
form_add_results(struct arena *a, struct xml *parent, const char *form_type)
{
	struct xml *form = add_form(a, parent, "result");

	add_form_type(a, form, form_type);
	return form;
}

struct xml *
form_add_field(struct arena *a, struct xml *form, const struct form_field *f)
{
	struct xml *x = xml_add(a, form, "field", NULL);

	if (f->var)
		xml_set(a, x, "var", f->var);
	xml_set(a, x, "type", type_names[f->type]);
	if (f->type == FORM_FIXED)
		form_add_value(a, x, f->label);
	else if (f->label)
		xml_set(a, x, "label", f->label);
	if (f->is_required)
		xml_add(a, x, "required", NULL);
	for (const struct form_option *o = f->options; o && o->value; o++) {
		struct xml *option = xml_add(a, x, "option", NULL);

		xml_set(a, option, "label", o->label ? o->label : o->value);
		xml_add_text(a, option, "value", NULL, o->value);
	}
	return x;
}

void
form_add_value(struct arena *a, struct xml *field, const char *value)
{
	xml_add_text(a, field, "value", NULL, value);
}

void
form_add_range(struct arena *a, struct xml *field, int min, int max)
{
	struct xml *x = xml_add(a, field, "validate", NS_DATA_VALIDATE);

	xml_set(a, x, "datatype", "xs:integer");
	x = xml_add(a, x, "range", NULL);
	xml_set_int(a, x, "min", min);
	xml_set_int(a, x, "max", max);
}

void
form_add_fields(struct arena *a, struct xml *form,
		const struct form_field *table)
{
	for (const struct form_field *f = table; form_is_field(f); f++)
		form_add_field(a, form, f);
}

struct xml *
form_add_result(struct arena *a, struct xml *form, const char *var,
		const char *label, const char *value)
{
	struct xml *x = xml_add(a, form, "field", NULL);

	xml_set(a, x, "var", var);
	if (label)
		xml_set(a, x, "label", label);
	if (value)
		form_add_value(a, x, value);
	return x;
}

/* ---- reading ---- */

const struct xml *
form_find(const struct xml *parent)
{
	return xml_child(parent, "x", NS_DATA);
}

bool
form_has_type(const struct xml *form, const char *type)
{
	const char *t = xml_get(form, "type");

	return t && !strcmp(t, type);
}

const struct xml *
form_field(const struct xml *form, const char *var)
{
	xml_each (x, form) {
		const char *name = xml_get(x, "var");

		if (name && xml_is(x, "field", NS_DATA) && !strcmp(name, var))
			return x;
	}
	return NULL;
}

/* The field's value behind *at (NULL: the first); NULL where there is none
 * left. */
static const struct xml *
next_value(const struct xml *field, struct xml ***at)
{
	const struct xml *x;

	while (field && (x = xml_step(field, at)) != NULL) {
		if (xml_is(x, "value", NS_DATA))
			return x;
	}
	return NULL;
}

const char *
form_get(struct arena *a, const struct xml *form, const char *var)
{
	struct xml **at = NULL;
	const struct xml *value = next_value(form_field(form, var), &at);

	return value ? xml_get_text(a, value) : NULL;
}

static size_t
count_values(const struct xml *field)
{
	struct xml **at = NULL;
	size_t n = 0;

	while (next_value(field, &at))
		n++;
	return n;
}

const char **
form_get_all(struct arena *a, const struct xml *form, const char *var)
{
	const struct xml *field = form_field(form, var), *value;
	const char **all;
	struct xml **at = NULL;
	size_t n = 0;

	all = arena_alloc(a, (count_values(field) + 1) * sizeof(*all));
	while ((value = next_value(field, &at)) != NULL)
		all[n++] = xml_get_text(a, value);
	all[n] = NULL;
	return all;
}

const char *
form_get_lines(struct arena *a, const struct xml *form, const char *var)
{
	const char **lines = form_get_all(a, form, var);
	struct buf b = { 0 };
	const char *text;

	if (!lines[0])
		return NULL;
	for (size_t i = 0; lines[i]; i++) {
		if (i)
			buf_addc(&b, '\n');
		buf_adds(&b, lines[i]);
	}
	text = arena_strndup(a, b.data, b.len);
	buf_fini(&b);
	return text;
}

int
form_parse_bool(const char *word)
{
	if (!strcmp(word, "1") || !strcmp(word, "true"))
		return 1;
	if (!strcmp(word, "0") || !strcmp(word, "false"))
		return 0;
	return -1;
}

bool
form_get_bool(const struct xml *form, const char *var, bool otherwise)
{
	struct arena *a = arena_new();
	const char *word = form_get(a, form, var);
	int is_true = word ? form_parse_bool(word) : -1;

	arena_unref(&a);
	return is_true < 0 ? otherwise : is_true > 0;
}

bool
form_is_for(const struct xml *form, const char *form_type)
{
	struct arena *a = arena_new();
	const char *type = form_get(a, form, "FORM_TYPE");
	bool is_same = !type || !strcmp(type, form_type);

	arena_unref(&a);
	return is_same;
}

static bool
is_multi(enum form_field_type type)
{
	return type == FORM_TEXT_MULTI || type == FORM_JID_MULTI ||
	       type == FORM_LIST_MULTI || type == FORM_HIDDEN;
}

static bool
is_option(const struct form_field *f, const char *value)
{
	for (const struct form_option *o = f->options; o && o->value; o++) {
		if (!strcmp(o->value, value))
			return true;
	}
	return false;
}

static bool
is_jid(const char *value)
{
	struct jid *jid = jid_parse(value);
	bool is_valid = jid != NULL;

	jid_unref(&jid);
	return is_valid;
}

static int
check_value(const struct form_field *f, const char *value, struct err *err)
{
	switch (f->type) {
	case FORM_BOOLEAN:
		if (form_parse_bool(value) < 0)
			return err_set(err,
				       "field %s is neither true nor "
				       "false",
				       f->var);
		return 0;
	case FORM_JID_SINGLE:
	case FORM_JID_MULTI:
		if (!is_jid(value))
			return err_set(err, "field %s: not an address: %.100s",
				       f->var, value);
		return 0;
	case FORM_LIST_SINGLE:
	case FORM_LIST_MULTI:
		if (!is_option(f, value))
			return err_set(err,
				       "field %s: not one of the "
				       "options: %.100s",
				       f->var, value);
		return 0;
	default:
		return 0;
	}
}

static int
check_field(struct arena *a, const struct xml *form, const struct form_field *f,
	    struct err *err)
{
	const char **values = form_get_all(a, form, f->var);
	size_t n = 0, n_filled = 0;

	/* Section 3.6: an empty value is as good as none. */
	for (; values[n]; n++) {
		if (!*values[n])
			continue;
		n_filled++;
		if (check_value(f, values[n], err) < 0)
			return -1;
	}
	if (f->is_required && !n_filled)
		return err_set(err, "field %s is missing", f->var);
	if (n > 1 && !is_multi(f->type))
		return err_set(err, "field %s has more than one value", f->var);
	return 0;
}

int
form_check(const struct xml *form, const struct form_field *table,
	   struct err *err)
{
	struct arena *a = arena_new();
	int ret = 0;

	for (const struct form_field *f = table; ret == 0 && form_is_field(f);
	     f++) {
		if (f->var)
			ret = check_field(a, form, f, err);
	}
	arena_unref(&a);
	return ret;
}
